"""bias=: what is added along the last axis before an activation, in the same pass, and the gradient with respect to it."""

import fractions

import numpy as np
import pytest

import fastact as fa
import helpers

ELEMENTWISE = [name for name, activation in fa.ACTIVATIONS.items() if activation.kind == "elementwise"]
SHAPES = [
    (1,),
    (5,),
    (40,),
    (3, 1),
    (1, 7),
    (7, 3),
    (3, 17),
    (50, 64),
    (16, 70),
    (17, 300),
    (2, 2100),
    (2, 3, 4),
    (3, 5, 2, 70),
]


def arrays(shape, dtype):
    """Return x, a bias and a gradient."""
    return helpers.values(shape, dtype, 1), helpers.values(shape[-1:], dtype, 2), helpers.values(shape, dtype, 3)


def added(x, bias):
    with np.errstate(all="ignore"):
        return x + bias


def finite(shape, dtype, seed):
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("name", ["gelu", "relu", "leaky_relu"])
def test_the_bits_are_those_of_the_sum(name, shape, dtype, target):
    activation, (x, bias, grad) = helpers.on_target(name, target), arrays(shape, dtype)
    z = added(x, bias)
    forward, derivative, backward = activation(z), activation.derivative(z), activation.backward(grad, x=z)
    helpers.assert_same_bits(activation(x, bias=bias), forward)
    helpers.assert_same_bits(activation.derivative(x, bias=bias), derivative)
    helpers.assert_same_bits(activation.backward(grad, x=x, bias=bias), backward)


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_every_elementwise_activation_takes_it(name, dtype):
    activation, (x, bias, grad) = fa.ACTIVATIONS[name], arrays((33, 70), dtype)
    z, given = added(x, bias), helpers.typical(activation)
    helpers.assert_same_bits(activation(x, **given, bias=bias), activation(z, **given))
    helpers.assert_same_bits(activation.derivative(x, bias=bias, **given), activation.derivative(z, **given))
    helpers.assert_same_bits(
        activation.backward(grad, x=x, bias=bias, **given), activation.backward(grad, x=z, **given)
    )


@pytest.mark.parametrize("shape", [*SHAPES, (700, 33), (5000, 3)], ids=str)
def test_the_gradient_is_the_sum_of_what_backward_gives(shape, dtype, target):
    activation = helpers.on_target("gelu", target)
    x, bias, grad = (finite(s, dtype, k) for k, s in enumerate((shape, shape[-1:], shape)))
    got = np.full(shape[-1], 7, dtype)
    out = activation.backward(grad, x=x, bias=bias, bias_grad=got)
    helpers.assert_same_bits(out, activation.backward(grad, x=x, bias=bias))
    columns = out.reshape(-1, shape[-1]).T
    exact = [sum(map(fractions.Fraction, column.tolist())) for column in columns]
    absolute = np.abs(columns).sum(axis=1)
    error = np.array([float(abs(fractions.Fraction(float(g)) - e)) for g, e in zip(got, exact, strict=True)])
    assert (error <= 3 * np.spacing(absolute)).all()


def test_the_gradient_goes_by_the_output_too(dtype):
    x, bias, grad = (finite(s, dtype, k) for k, s in enumerate(((40, 6), 6, (40, 6))))
    y = fa.tanh(x, bias=bias)
    got, want = np.empty(6, dtype), np.empty(6, dtype)
    out = fa.tanh.backward(grad, y=y, bias_grad=got)
    helpers.assert_same_bits(out, fa.tanh.backward(grad, y=y))
    fa.identity.backward(out, x=out, bias_grad=want)
    helpers.assert_same_bits(got, want)


def test_the_gradient_agrees_with_finite_differences():
    x, bias, direction = (finite(s, np.float64, k) for k, s in enumerate(((30, 8), 8, (30, 8))))
    got = np.empty(8)
    fa.silu.backward(direction, x=x, bias=bias, bias_grad=got)
    step = 1e-6 * np.eye(8)
    want = [((fa.silu(x, bias=bias + h) - fa.silu(x, bias=bias - h)) * direction).sum() / 2e-6 for h in step]
    assert np.linalg.norm(got - want) <= 1e-6 * np.linalg.norm(want)


def test_an_infinity_or_a_nan_in_a_column_stays_there(dtype):
    grad = np.ones((50, 4), dtype)
    grad[20, 1], grad[30, 2] = np.inf, np.nan
    got = np.empty(4, dtype)
    fa.identity.backward(grad, x=grad, bias_grad=got)
    assert got[0] == got[3] == 50
    assert got[1] == np.inf
    assert np.isnan(got[2])


def test_an_empty_array_has_the_gradient_zero(dtype):
    got = np.full(3, 7, dtype)
    empty = np.empty((0, 3), dtype)
    assert fa.gelu.backward(empty, x=empty, bias=np.zeros(3, dtype), bias_grad=got).shape == (0, 3)
    assert (got == 0).all()


def test_none_is_no_bias(dtype):
    x = finite((3, 4), dtype, 0)
    helpers.assert_same_bits(fa.gelu(x, bias=None), fa.gelu(x))
    helpers.assert_same_bits(fa.gelu.backward(x, x=x, bias=None, bias_grad=None), fa.gelu.backward(x, x=x))


X = np.ones((3, 4), np.float32)
READ_ONLY = np.ones(4, np.float32)
READ_ONLY.flags.writeable = False


@pytest.mark.parametrize(
    ("error", "words", "call"),
    [
        (ValueError, "bias has shape (3,), which does not broadcast", lambda o: fa.gelu(X, bias=X[:, 0], out=o)),
        (ValueError, "bias has shape (1, 3, 4)", lambda o: fa.gelu(X, bias=X[np.newaxis], out=o)),
        (ValueError, "bias has shape (1,)", lambda o: fa.gelu(1.0, bias=[1.0])),
        (TypeError, "complex", lambda o: fa.gelu(X, bias=X[0] * 1j, out=o)),
        (TypeError, "positional", lambda o: fa.gelu(X, X[0], out=o)),
        (TypeError, "out is of dtype float32", lambda o: fa.gelu(X, bias=np.ones(4), out=o)),
        (TypeError, "takes bias= with x=", lambda o: fa.tanh.backward(X, y=X, bias=X[0], out=o)),
        (TypeError, "unexpected keyword", lambda o: fa.gelu(X, bias_grad=X[0], out=o)),
        (ValueError, "bias_grad has shape (3,)", lambda o: fa.gelu.backward(X, x=X, bias_grad=X[:, 0], out=o)),
        (ValueError, "bias_grad is read-only", lambda o: fa.gelu.backward(X, x=X, bias_grad=READ_ONLY, out=o)),
        (TypeError, "bias_grad is of dtype", lambda o: fa.gelu.backward(X, x=X, bias_grad=np.ones(4), out=o)),
        (ValueError, "share memory", lambda o: fa.gelu.backward(X, x=X, bias_grad=o[0], out=o)),
        (ValueError, "alpha", lambda o: fa.elu(X, alpha=np.nan, bias=X[0], out=o)),
    ],
)
def test_bad_input_is_refused_before_the_first_write(error, words, call):
    out = np.full((3, 4), 7, np.float32)
    with pytest.raises(error) as refusal:
        call(out)
    assert words in str(refusal.value)
    assert (out == 7).all()
    assert (X == 1).all()


def test_libraries_that_override_ufuncs_are_not_handed_a_bias():
    class Overriding:
        __array_ufunc__ = lambda self, *args, **kwargs: "theirs"

    assert fa.gelu(Overriding()) == "theirs"
    with pytest.raises(TypeError, match="plain arrays"):
        fa.gelu(Overriding(), bias=[1.0])
