"""What is broadcast against the input, as NumPy does it: biases, weights and masks, and the sums that are their gradients."""

import numpy as np
import pytest

import fastact as fa
import helpers

SHAPE = (5, 3, 4, 7)
SHAPES = [
    (7,),
    (1, 7),
    (4, 7),
    (4, 1),
    (3, 1, 1),
    (1, 3, 1, 1),
    (5, 1, 1, 1),
    (5, 1, 4, 1),
    (1, 3, 1, 7),
    SHAPE,
    (),
    (1,),
]
LAYOUTS = {
    "C": np.ascontiguousarray,
    "F": np.asfortranarray,
    "reversed": lambda a: np.ascontiguousarray(a[::-1, :, ::-1])[::-1, :, ::-1],
    "transposed": lambda a: np.ascontiguousarray(a.transpose(2, 0, 3, 1)).transpose(1, 3, 0, 2),
}


def ordinary(shape, dtype, seed):
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


def summed(terms, shape):
    """Return the sum over what was broadcast, and that of the absolute terms."""
    terms = terms.astype(np.longdouble)
    axes = tuple(range(terms.ndim - len(shape)))
    axes += tuple(d + terms.ndim - len(shape) for d, n in enumerate(shape) if n == 1)
    return [each.sum(axis=axes, keepdims=True).reshape(shape) for each in (terms, np.abs(terms))]


def assert_sum(got, terms, shape):
    want, of = summed(terms, shape)
    assert got.shape == shape
    assert np.all(np.abs(got - want) <= 3 * np.finfo(got.dtype).eps * of)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_a_bias_is_broadcast_and_its_gradient_is_the_sum_over_that(shape, layout, dtype, always_parallel):
    x, grad = (LAYOUTS[layout](ordinary(SHAPE, dtype, seed)) for seed in (1, 2))
    bias = ordinary(shape, dtype, 3)
    helpers.assert_same_bits(fa.gelu(x, bias=bias), fa.gelu(x + bias))
    want = fa.gelu.backward(grad, x=x + bias)
    bias_grad, out = np.empty(shape, dtype), np.empty_like(x)
    assert fa.gelu.backward(grad, x=x, bias=bias, bias_grad=bias_grad, out=out) is out
    helpers.assert_same_bits(out, want)
    assert_sum(bias_grad, want, shape)
    alone = np.full(shape, 7, dtype)
    fa.gelu.backward(grad, x=x + bias, bias_grad=alone, out=out)
    helpers.assert_same_bits(alone, bias_grad)
    with fa.num_threads(1):
        fa.gelu.backward(np.ascontiguousarray(grad), x=np.ascontiguousarray(x + bias), bias_grad=alone)
    helpers.assert_same_bits(alone, bias_grad)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("shape", [each for each in SHAPES if len(each) != 1 or each == (1,)], ids=str)
def test_slopes_of_prelu_are_broadcast_as_onnx_has_them(shape, layout, dtype, always_parallel):
    x, grad = (LAYOUTS[layout](ordinary(SHAPE, dtype, seed)) for seed in (4, 5))
    weight = ordinary(shape, dtype, 6)
    helpers.assert_same_bits(fa.prelu(x, weight), np.where(x > 0, x, weight * x))
    weight_grad = np.empty(shape, dtype)
    out = fa.prelu.backward(grad, x=x, weight=weight, weight_grad=weight_grad)
    helpers.assert_same_bits(out, np.where(x > 0, grad, weight * grad))
    assert_sum(weight_grad, np.where(x > 0, 0, grad.astype(np.longdouble) * x), shape)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_weights_of_sigmoid_cross_entropy_are_broadcast(shape, layout, dtype, always_parallel):
    logits, targets = LAYOUTS[layout](ordinary(SHAPE, dtype, 7)), np.random.default_rng(8).random(SHAPE).astype(dtype)
    weight, pos_weight = np.abs(ordinary(shape, dtype, 9)), np.abs(ordinary(shape, dtype, 10))
    spread = [np.ascontiguousarray(np.broadcast_to(each, SHAPE)) for each in (weight, pos_weight)]
    got, want = np.empty_like(logits), np.empty_like(logits)
    losses = [
        fa.sigmoid_cross_entropy(logits, targets, weight=a, pos_weight=b, grad_out=out)
        for a, b, out in ((weight, pos_weight, got), (*spread, want))
    ]
    helpers.assert_same_bits(losses[0], losses[1])
    helpers.assert_same_bits(got, want)


def test_what_does_not_broadcast_is_refused_before_the_first_write():
    x = np.ones((2, 3, 4))
    calls = (
        lambda wrong, out: fa.relu(x, bias=wrong, out=out),
        lambda wrong, out: fa.relu.backward(x, x=x, bias_grad=wrong, out=out),
        lambda wrong, out: fa.softmax(x, where=wrong.astype(bool), out=out),
        lambda wrong, out: fa.sigmoid_cross_entropy(x, x, weight=wrong, grad_out=out),
        lambda wrong, out: fa.sigmoid_cross_entropy(x, x, pos_weight=wrong, grad_out=out),
    )
    for shape in ((2,), (3,), (2, 4), (2, 1), (1, 2, 3, 4), (2, 3, 5)):
        for call in calls:
            wrong, out = np.ones(shape), np.full_like(x, 7)
            with pytest.raises(ValueError, match="does not broadcast to"):
                call(wrong, out)
            assert np.all(out == 7)
