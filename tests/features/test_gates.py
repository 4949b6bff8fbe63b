"""Gated units: an activation of one array times another, and both gradients in one pass."""

import pickle

import numpy as np
import pytest

import fastact as fa
import helpers
import references
from fastact.core import function as core

ACTIVATION = {
    "glu": "sigmoid",
    "swiglu": "silu",
    "geglu": "gelu",
    "geglu_tanh": "gelu_tanh",
    "reglu": "relu",
    "bilinear": "identity",
}
EACH = pytest.mark.parametrize("name", ACTIVATION)
SHAPES = [(1,), (7,), (3, 40), (33, 129), (2, 3, 64), (5, 0)]


def arrays(shape, dtype, size=2.0):
    """Return a gate, a value and a gradient."""
    rng = np.random.default_rng(0)
    return [(size * rng.standard_normal(shape)).astype(dtype) for _ in range(3)]


def in_order(name, gate, value):
    """Return the pair as the gated unit takes it: glu's second is activated, as in torch."""
    return (value, gate) if name == "glu" else (gate, value)


def test_there_is_one_of_every_name():
    assert list(fa.GATES) == list(ACTIVATION)


@EACH
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_it_is_the_activation_times_the_value(name, shape, dtype, target):
    gated, f = core.on_target(fa.GATES[name], target), helpers.on_target(ACTIVATION[name], target)
    gate, value, _ = arrays(shape, dtype)
    want = f(gate) * value
    helpers.assert_same_bits(gated(*in_order(name, gate, value)), want)
    both = np.concatenate(in_order(name, gate, value), axis=-1)
    helpers.assert_same_bits(gated(both), want)
    helpers.assert_same_bits(gated(np.moveaxis(both, -1, 0), axis=0), np.moveaxis(want, -1, 0))


@EACH
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_backward_gives_both_gradients(name, shape, dtype, target):
    gated, f = core.on_target(fa.GATES[name], target), helpers.on_target(ACTIVATION[name], target)
    gate, value, grad = arrays(shape, dtype)
    gate_grad, value_grad = gated.backward(grad, gate=gate, value=value)
    scale = 4 * np.finfo(dtype).eps
    np.testing.assert_allclose(value_grad, grad * f(gate), rtol=scale)
    np.testing.assert_allclose(gate_grad, grad * value * f.derivative(gate), rtol=scale, atol=4 * scale)
    x = np.concatenate(in_order(name, gate, value), axis=-1)
    want = np.concatenate(in_order(name, gate_grad, value_grad), axis=-1)
    helpers.assert_same_bits(gated.backward(grad, x=x), want)


@pytest.mark.sampled
@EACH
def test_its_errors_are_those_of_the_factors(name, dtype):
    """The activation's bound, which is of half a unit at least, and half a unit of the product."""
    gate = references.telling_points(ACTIVATION[name], dtype, helpers.by_lane(400, 2000))
    gate = gate[np.abs(gate) < 1e15]
    value = np.random.default_rng(1).uniform(1, 2, gate.size).astype(dtype)
    with np.errstate(all="ignore"):
        f = np.array(references.true_values(ACTIVATION[name], "forward", gate))
    normal = np.abs(f.astype(np.float64)) > 4 * np.finfo(dtype).smallest_normal
    true = f * value
    error = references.error_in_ulp(fa.GATES[name](*in_order(name, gate, value)), true, true)
    bound = fa.ACTIVATIONS[ACTIVATION[name]].bounds[dtype.name]["forward"]
    assert error[normal].max() <= 2 * bound + 0.5


@EACH
def test_gradients_agree_with_finite_differences(name):
    gated, (gate, value, grad) = fa.GATES[name], arrays((6, 5), np.float64)
    got = gated.backward(grad, gate=gate, value=value)
    h = 1e-6
    for k, change in enumerate(((h, 0), (0, h))):
        up, down = (gated(*in_order(name, gate + s * change[0], value + s * change[1])) for s in (1, -1))
        want = grad * (up - down) / (2 * h)
        assert np.linalg.norm(got[k] - want) <= 1e-6 * np.linalg.norm(want)


X = np.ones((3, 4), np.float32)


@pytest.mark.parametrize(
    ("error", "call"),
    [
        (ValueError, lambda o: fa.swiglu(X, X[:2], out=o)),
        (ValueError, lambda o: fa.swiglu(X[:, :3], out=o)),
        (ValueError, lambda o: fa.swiglu(1.0)),
        (TypeError, lambda o: fa.swiglu(X * 1j, X, out=o)),
        (TypeError, lambda o: fa.swiglu(X, X.astype(np.float64), out=o)),
        (TypeError, lambda o: fa.swiglu.backward(X, gate=X, gate_grad=o)),
        (TypeError, lambda o: fa.swiglu.backward(X, gate=X, value=X, x=X, gate_grad=o)),
        (ValueError, lambda o: fa.swiglu.backward(X, gate=X, value=X, gate_grad=o, value_grad=o)),
        (ValueError, lambda o: fa.swiglu.backward(X, x=X, out=o)),
    ],
)
def test_bad_input_is_refused_before_the_first_write(error, call):
    out = np.full((3, 4), 7, np.float32)
    with pytest.raises(error):
        call(out)
    assert (out == 7).all()


@EACH
def test_it_is_found_shown_and_pickled_by_name(name):
    gated = fa.get(name)
    assert gated is fa.GATES[name] is getattr(fa, name)
    assert repr(gated).startswith(f"<fastact.{name}(")
    assert pickle.loads(pickle.dumps(gated)) is gated
