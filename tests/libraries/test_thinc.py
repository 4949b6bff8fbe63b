"""fastact.thinc: the operations of Thinc's own backends, more accurate, and layers that learn."""

import importlib
import tomllib
from pathlib import Path

import numpy as np
import pytest

import fastact as fa
import helpers

pytest.importorskip("thinc")
from thinc.api import Adam, Linear, NumpyOps, Ops, chain

from fastact.thinc import OURS, THEIRS, FastactOps, activation

NAMES = sorted({*OURS, *THEIRS, "relu_k"} - {"softmax"})


def call(ops, name, X, inplace=False):
    """Return what a function and its gradient give."""
    dY = np.cos(X)
    Y = getattr(ops, name)(X.copy(), inplace=inplace)
    sources = {"relu": [Y], "sigmoid": [Y], "swish": [X, Y]}.get(name, [X])
    return Y, getattr(ops, f"backprop_{name}")(dY.copy(), *[source.copy() for source in sources], inplace=inplace)


@pytest.mark.parametrize("inplace", [False, True])
@pytest.mark.parametrize("name", NAMES)
def test_functions_and_gradients_are_those_of_thinc(name, dtype, inplace):
    X = np.linspace(-8, 8, 160, dtype=dtype).reshape(8, 20)
    expected = call(Ops(np), name, X)
    for got, want in zip(call(FastactOps(), name, X, inplace), expected, strict=True):
        assert got.dtype == dtype
        np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-5)  # Thinc's erf has six digits, its gelu_approx too


@pytest.mark.parametrize("temperature", [1.0, 2.5])
@pytest.mark.parametrize("axis", [0, -1])
def test_softmax_is_that_of_thinc(axis, temperature, dtype):
    X = np.linspace(-8, 8, 160, dtype=dtype).reshape(8, 20) ** 2 / 8
    given = {"axis": axis, "temperature": temperature}
    Y, expected = FastactOps().softmax(X, **given), Ops(np).softmax(X, **given)
    np.testing.assert_allclose(Y, expected, rtol=1e-5)
    np.testing.assert_allclose(
        FastactOps().backprop_softmax(Y, X, **given), Ops(np).backprop_softmax(expected, X, **given), atol=1e-5
    )


@pytest.mark.parametrize("threshold", [5.0, 20.0])
def test_mish_has_the_threshold_of_thinc(threshold):
    X = np.linspace(-8, 8, 160, dtype=np.float32).reshape(8, 20)
    Y = FastactOps().mish(X, threshold=threshold)
    np.testing.assert_allclose(Y, NumpyOps().mish(X, threshold=threshold), rtol=1e-5, atol=1e-6)
    assert (Y[X > 5.5] == X[X > 5.5]).all() == (threshold == 5.0)


@pytest.mark.parametrize(
    "name",
    [name for name, function in fa.ACTIVATIONS.items() if function.kind == "elementwise" and name != "threshold"],
)
def test_every_elementwise_activation_is_a_layer(name):
    X = np.linspace(-3, 3, 24).reshape(4, 6)
    Y, backprop = activation(name)(X, is_train=True)
    np.testing.assert_array_equal(Y, fa.get(name)(X))
    np.testing.assert_array_equal(backprop(np.cos(X)), fa.get(name).backward(np.cos(X), x=X))


def test_a_layer_passes_parameters_on_and_refuses_rows():
    X = np.linspace(-3, 3, 24).reshape(4, 6)
    np.testing.assert_array_equal(activation("elu", alpha=0.5).predict(X), fa.elu(X, alpha=0.5))
    with pytest.raises(ValueError, match="softmax is no elementwise"):
        activation("softmax")


def test_a_model_with_a_layer_learns():
    generator = np.random.default_rng(0)
    X = generator.normal(size=(256, 3)).astype(np.float32)
    target = (X[:, :1] ** 2).astype(np.float32)
    model = chain(Linear(16, 3), activation("mish"), Linear(1, 16))
    for layer in (model, *model.layers):
        layer.ops = FastactOps()
    model.initialize(X=X, Y=target)
    optimizer, losses = Adam(0.02), []
    for _ in range(150):
        Y, backprop = model.begin_update(X)
        losses.append(float(np.mean((Y - target) ** 2)))
        backprop((Y - target) / len(X))
        model.finish_update(optimizer)
    assert losses[-1] < losses[0] / 5


def test_entry_points_lead_to_what_is_there():
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
    points = {name: dict(points) for name, points in project["entry-points"].items() if name.startswith("thinc_")}
    assert {group: set(found) for group, found in points.items()} == {
        "thinc_ops": {"fastact"},
        "thinc_layers": {"fastact.activation.v1"},
    }
    for place in [place for found in points.values() for place in found.values()]:
        module, name = place.split(":")
        assert getattr(importlib.import_module(module), name) in (FastactOps, activation)


# In all of them, the operations called NumpyOps are ours.  One test asks what get_ops("numpy") gives; another takes
# float() of a vector, which NumPy 2.4 refuses, whoever's operations it tests.
SETUP = """
import thinc.api
from fastact.thinc import FastactOps
thinc.api.NumpyOps = FastactOps
thinc.api.set_current_ops(FastactOps())
"""


@pytest.mark.full
def test_the_tests_of_thinc_pass(tmp_path):
    pytest.importorskip("mock")
    tests = ("thinc.tests.backends.test_ops", "thinc.tests.layers")
    helpers.assert_tests_pass(SETUP, *tests, "-k", "not test_get_ops and not activations_to_torch", folder=tmp_path)
