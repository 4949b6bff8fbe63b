"""fa.diagnose counts what the derivative says, for any shape, type, target's threads and strides."""

import numpy as np
import pytest

import fastact as fa
import helpers

SHAPES = [(1,), (7,), (5000,), (3, 4), (40_000, 3), (300, 1500), (2, 70_000), (6, 5, 33)]


def counted(name, x, axis, threshold, parameters):
    """Return what is to be told, the plain way."""
    batch = np.moveaxis(np.atleast_1d(x), axis, -1)
    batch = batch.reshape(-1, batch.shape[-1])
    with np.errstate(invalid="ignore"):  # signalling NaN
        slope = np.abs(fa.ACTIVATIONS[name].derivative(batch, **parameters).astype(np.float64))
    known = ~np.isnan(slope)
    dead_by_unit = (slope == 0).sum(0) / np.maximum(1, known.sum(0))
    return {
        "dead": (slope == 0).sum() / max(1, known.sum()),
        "dead_by_unit": dead_by_unit,
        "dead_units": np.mean(dead_by_unit == 1),
        "saturated": (slope < threshold).sum() / max(1, known.sum()),
        "mean_slope": slope[known].sum() / max(1, known.sum()),
        "nan": np.isnan(x).sum(),
        "inf": np.isinf(x).sum(),
    }


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("relu", {}),
        ("sigmoid", {}),
        ("elu", {"alpha": 0.5}),
        ("gelu", {}),
        ("threshold", {"threshold": 0.5, "value": 2.0}),
    ],
)
def test_tells_what_the_derivative_says(name, parameters, shape, dtype):
    x = helpers.values(shape, dtype)
    x.reshape(-1, shape[-1])[:, ::3] = -np.abs(x.reshape(-1, shape[-1])[:, ::3])
    for axis in range(-1, len(shape) - 1):
        for threshold in (0.01, 0.3):
            want = counted(name, x, axis, threshold, parameters)
            for given in (x, np.asfortranarray(x), x[..., ::-1].copy()[..., ::-1]):
                found = fa.diagnose(name, given, axis=axis, saturated_below=threshold, **parameters)
                for key, value in want.items():
                    np.testing.assert_allclose(getattr(found, key), value, rtol=1e-12, err_msg=key)


def test_empty_and_scalar_input():
    for x in (np.empty((0, 3)), np.empty((3, 0)), np.empty(0)):
        found = fa.diagnose("relu", x)
        assert (found.dead, found.saturated, found.mean_slope, found.nan) == (0, 0, 0, 0)
    assert fa.diagnose("relu", -1.0).dead == 1
    assert fa.diagnose("relu", np.full((5, 2), np.nan)).nan == 10
    assert fa.diagnose("relu", [[1, -1]]).dead_units == 0.5


@pytest.mark.parametrize(
    ("arguments", "keywords", "error", "says"),
    [
        (("softmax", np.ones(3)), {}, TypeError, "element by element"),
        (("swiglu", np.ones(3)), {}, TypeError, "element by element"),
        (("prelu", np.ones(3)), {}, TypeError, "element by element"),
        ((np.tanh, np.ones(3)), {}, TypeError, "element by element"),
        (("rellu", np.ones(3)), {}, ValueError, "relu"),
        (("relu", np.ones(3, complex)), {}, TypeError, "complex"),
        (("relu", np.ones(3)), {"axis": 1}, ValueError, "axis 1"),
        (("relu", np.ones(3)), {"saturated_below": -1}, ValueError, "saturated_below"),
        (("relu", np.ones(3)), {"saturated_below": np.nan}, ValueError, "saturated_below"),
        (("relu", np.ones(3)), {"saturated_below": "0"}, TypeError, "saturated_below"),
        (("relu", np.ones(3)), {"alpha": 1}, TypeError, "unexpected keyword argument 'alpha'"),
        (("elu", np.ones(3)), {"alpha": np.nan}, ValueError, "alpha"),
        (("elu", np.ones(3)), {"bias": 1}, TypeError, "unexpected keyword argument 'bias'"),
        (("threshold", np.ones(3)), {"value": 1}, TypeError, "missing"),
    ],
)
def test_bad_input_is_refused(arguments, keywords, error, says):
    with pytest.raises(error, match=says):
        fa.diagnose(*arguments, **keywords)


def test_reads_well():
    text = str(fa.diagnose("relu", np.array([[-1.0, 2.0], [-3.0, -4.0]])))
    assert text.splitlines()[0] == "dead: 75.0% of elements, 50.0% of 2 units in the whole batch"
