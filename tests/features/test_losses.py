"""Cross-entropies: values and gradients, however confident the prediction, and errors before the first write."""

import mpmath
import numpy as np
import pytest

import fastact as fa
import helpers
from fastact.core import function as core

CLASSES = [1, 2, 5, 10, 16, 33, 128, 300]


@pytest.fixture(autouse=True, params=core.TARGETS)
def on_target(request, monkeypatch):
    for name in ("softmax_cross_entropy", "sigmoid_cross_entropy"):
        monkeypatch.setattr(fa, name, helpers.on_target(name, request.param))


once = pytest.mark.parametrize("on_target", [core.TARGET], indirect=True)  # no kernel is in question


def normal(shape, dtype, seed=0, size=3.0):
    return (size * np.random.default_rng(seed).standard_normal(shape)).astype(dtype)


def labels_for(rows, n, seed=1):
    return np.random.default_rng(seed).integers(0, n, rows)


def wide(a):
    return None if a is None else np.asarray(a, np.float64)


def by_definition(logits, targets, class_weight=None, label_smoothing=0.0, ignore_label=None):
    """Return the losses of rows, their gradients, and the sum of the weights that a mean divides by, in float64."""
    z, n = wide(logits), logits.shape[-1]
    weight = np.ones(n) if class_weight is None else wide(class_weight)
    difference = z - z.max(axis=-1, keepdims=True)
    log_p = difference - np.log(np.exp(difference).sum(axis=-1, keepdims=True))
    if targets.dtype.kind == "f":
        t, divisor = wide(targets), float(len(z))
    else:
        counted = targets != ignore_label
        t = np.eye(n)[np.where(counted, targets, 0)] * counted[:, None]
        divisor = (t * weight).sum()
        t = t * (1 - label_smoothing) + label_smoothing / n * counted[:, None]
    if targets.dtype.kind == "f":
        t = t * (1 - label_smoothing) + label_smoothing / n
    t = t * weight
    return -(t * log_p).sum(axis=-1), np.exp(log_p) * t.sum(axis=-1, keepdims=True) - t, divisor


OPTIONS = [
    {},
    {"label_smoothing": 0.1},
    {"ignore_label": 0},
    {"class_weight": True},
    {"class_weight": True, "label_smoothing": 0.3, "ignore_label": 1},
]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("n", CLASSES)
def test_softmax_cross_entropy_is_its_definition(n, options, dtype):
    logits, labels = normal((37, n), dtype), labels_for(37, n)
    given = {k: v for k, v in options.items() if k != "ignore_label" or n > 2}
    if "class_weight" in given:
        given["class_weight"] = np.random.default_rng(2).random(n).astype(dtype) + dtype.type(0.1)
    rows, grads, divisor = by_definition(logits, labels, **given)
    scale = 16 * np.finfo(dtype).eps
    for reduction, want, grad in (
        ("none", rows, grads),
        ("sum", rows.sum(), grads),
        ("mean", rows.sum() / divisor, grads / divisor),
    ):
        out = np.empty_like(logits)
        got = fa.softmax_cross_entropy(logits, labels, reduction=reduction, grad_out=out, **given)
        assert got.dtype == dtype
        np.testing.assert_allclose(got, want, rtol=scale, atol=scale * np.abs(want).max())
        np.testing.assert_allclose(out, grad, rtol=0, atol=scale * np.abs(grad).max() + 1e-300)
        helpers.assert_same_bits(fa.softmax_cross_entropy(logits, labels, reduction=reduction, **given), got)
        place = logits.copy()
        fa.softmax_cross_entropy(place, labels, reduction=reduction, grad_out=place, **given)
        helpers.assert_same_bits(place, out)


@pytest.mark.parametrize("label_smoothing", [0.0, 0.2])
def test_targets_may_be_probabilities(label_smoothing, dtype):
    logits, targets = normal((21, 10), dtype), fa.softmax(normal((21, 10), dtype, 3))
    rows, grads, _ = by_definition(logits, targets, label_smoothing=label_smoothing)
    out, scale = np.empty_like(logits), 16 * np.finfo(dtype).eps
    got = fa.softmax_cross_entropy(logits, targets, label_smoothing=label_smoothing, grad_out=out)
    np.testing.assert_allclose(got, rows.mean(), rtol=scale)
    np.testing.assert_allclose(out, grads / 21, rtol=0, atol=scale * np.abs(grads).max() / 21)


@pytest.mark.parametrize("n", [2, 10, 40])
def test_a_row_agrees_with_true_values_however_small_it_is(n, dtype):
    logits = normal((200, n), dtype, size=20.0)
    labels = np.where(np.arange(200) % 2, logits.argmax(axis=1), labels_for(200, n))
    got = fa.softmax_cross_entropy(logits, labels, reduction="none")
    with mpmath.workprec(200):
        for row, label, value in zip(logits, labels, got, strict=True):
            true = mpmath.log1p(
                sum(mpmath.exp(mpmath.mpf(float(z)) - float(row[label])) for z in np.delete(row, label))
            )
            assert abs(float(value) - true) <= 4 * float(np.spacing(np.asarray(float(true), dtype)))


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("probable", [False, True])
@pytest.mark.parametrize("n", [2, 10, 70])
def test_rows_have_weights(n, probable, options, dtype):
    """A row of weight 2 counts as two rows; the mean divides by the weights of those that count."""
    given = {k: v for k, v in options.items() if k != "ignore_label" or not probable}
    logits, random = normal((37, n), dtype), np.random.default_rng(5)
    targets = fa.softmax(normal((37, n), dtype, 3)) if probable else labels_for(37, n)
    weight = random.integers(0, 4, 37).astype(dtype)
    if "class_weight" in given:
        given["class_weight"] = random.random(n).astype(dtype) + dtype.type(0.1)
    times, scale = weight.astype(int), 16 * np.finfo(dtype).eps
    for reduction in ("none", "sum", "mean"):
        out = np.empty_like(logits)
        got = fa.softmax_cross_entropy(logits, targets, weight=weight, reduction=reduction, grad_out=out, **given)
        again = np.empty((times.sum(), n), dtype)
        repeated = np.repeat(logits, times, 0), np.repeat(targets, times, 0)
        want = fa.softmax_cross_entropy(*repeated, reduction=reduction, grad_out=again, **given)
        gradient = np.zeros_like(logits)
        np.add.at(gradient, np.repeat(np.arange(37), times), again)
        if reduction == "none":
            want = weight * fa.softmax_cross_entropy(logits, targets, reduction="none", **given)
        np.testing.assert_allclose(got, want, rtol=scale)
        np.testing.assert_allclose(out, gradient, rtol=0, atol=scale * np.abs(gradient).max())
        for order in (np.asfortranarray(logits), np.repeat(logits, 2, 1)[:, ::2]):
            helpers.assert_same_bits(
                fa.softmax_cross_entropy(order, targets, weight=weight, reduction=reduction, grad_out=order, **given),
                got,
            )
            helpers.assert_same_bits(order, out)


def test_weights_of_rows_are_broadcast(dtype):
    logits, labels = normal((3, 5, 4), dtype), labels_for((3, 4), 5)
    weight = np.random.default_rng(1).random((3, 4)).astype(dtype)
    for some in (weight, weight[0], weight[:, :1], weight[:1], weight[0, 0], float(weight[0, 0])):
        for reduction in ("none", "sum", "mean"):
            out, want = np.empty_like(logits), np.empty_like(logits)
            whole = np.ascontiguousarray(np.broadcast_to(np.asarray(some, dtype), (3, 4)))
            helpers.assert_same_bits(
                fa.softmax_cross_entropy(logits, labels, axis=1, weight=some, reduction=reduction, grad_out=out),
                fa.softmax_cross_entropy(logits, labels, axis=1, weight=whole, reduction=reduction, grad_out=want),
            )
            helpers.assert_same_bits(out, want)


def test_a_row_of_no_weight_has_no_loss_however_large(dtype):
    inf = dtype.type(np.inf)
    rows, weight = np.array([[-inf, 0], [0, 0], [np.nan, 0]], dtype), np.array([0, 1, 0], dtype)
    got = fa.softmax_cross_entropy(rows, [0, 0, 0], weight=weight, reduction="none")
    helpers.assert_same_bits(got, np.array([0, np.log(2), np.nan], dtype))


def test_a_mean_of_weighted_rows_overflows_only_if_it_is_too_large(dtype):
    large = np.finfo(dtype).max / 16
    logits, weight = np.array([[0, -large], [0, -large / 2]], dtype), np.array([1104, 552], dtype)
    got = fa.softmax_cross_entropy(logits, [1, 1], weight=weight)
    np.testing.assert_allclose(got, large * 5 / 6, rtol=4 * np.finfo(dtype).eps)


@pytest.mark.parametrize("size", [1e-30, 1e30, 1e38])
def test_weights_of_rows_of_any_size_leave_a_mean_as_it_is(size, dtype):
    logits, labels = normal((50, 6), dtype), labels_for(50, 6)
    weight = np.random.default_rng(1).uniform(0.5, 1, 50).astype(dtype)
    out, again = np.empty_like(logits), np.empty_like(logits)
    want = fa.softmax_cross_entropy(logits, labels, weight=weight, class_weight=np.ones(6, dtype), grad_out=out)
    given = weight * dtype.type(size)
    classes = np.full(6, size, dtype)
    got = fa.softmax_cross_entropy(logits, labels, weight=given, class_weight=classes, grad_out=again)
    np.testing.assert_allclose(got, want, rtol=8 * np.finfo(dtype).eps)
    np.testing.assert_allclose(again, out, rtol=0, atol=8 * np.finfo(dtype).eps * np.abs(out).max())


@pytest.mark.parametrize("bad", [-1.0, np.nan, np.inf, [1.0, -1.0, 1.0], [1.0, np.nan, 1.0]])
def test_weights_of_rows_are_finite_and_not_negative(bad, dtype):
    logits = np.ones((3, 4), dtype)
    with pytest.raises(ValueError, match="weight must be finite and at least 0"):
        fa.softmax_cross_entropy(logits, [0, 1, 2], weight=bad, grad_out=logits)
    assert (logits == 1).all()


@pytest.mark.parametrize("shape", [(4,), (2,), (3, 4), (3, 1), (1, 3)])
def test_weights_of_rows_must_broadcast(shape, dtype):
    with pytest.raises(ValueError, match="does not broadcast to the rows of logits"):
        fa.softmax_cross_entropy(np.ones((3, 4), dtype), [0, 1, 2], weight=np.ones(shape))


def test_confident_predictions_keep_their_digits(dtype):
    tiny = np.exp(-60.0)
    logits = np.array([[60, 0]], dtype)
    np.testing.assert_allclose(
        fa.softmax_cross_entropy(logits, [0], grad_out=logits), tiny, rtol=4 * np.finfo(dtype).eps
    )
    np.testing.assert_allclose(logits, [[-tiny, tiny]], rtol=4 * np.finfo(dtype).eps)


def test_ends_of_the_numbers(dtype):
    inf = np.inf
    rows = np.array([[1e30, -1e30], [5, 5], [-inf, 0], [0, -inf], [np.nan, 0]], dtype)
    got = fa.softmax_cross_entropy(rows, [0, 0, 0, 0, 0], reduction="none")
    assert got[0] == 0
    assert got[1] == dtype.type(np.log(2))
    assert got[2] == inf
    assert got[3] == 0
    assert np.isnan(got[4])


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("pos_weight", [None, 2.5, True])
def test_sigmoid_cross_entropy_is_its_definition(pos_weight, smoothing, dtype):
    logits, targets = normal((17, 9), dtype), np.random.default_rng(3).random((17, 9)).astype(dtype)
    weight = np.random.default_rng(4).random((17, 9)).astype(dtype)
    if pos_weight is True:
        pos_weight = np.linspace(0.5, 2, 9).astype(dtype)
    z, t, w = wide(logits), wide(targets) * (1 - smoothing) + smoothing / 2, wide(weight)
    positive = 1.0 if pos_weight is None else wide(pos_weight)
    want = w * (positive * t * np.logaddexp(0, -z) + (1 - t) * np.logaddexp(0, z))
    s = 1 / (1 + np.exp(-z))
    grad = w * ((1 - t) * s - positive * t * (1 - s)) / z.size
    out, scale = np.empty_like(logits), 8 * np.finfo(dtype).eps
    given = {"weight": weight, "pos_weight": pos_weight, "label_smoothing": smoothing}
    got = fa.sigmoid_cross_entropy(logits, targets, grad_out=out, **given)
    np.testing.assert_allclose(got, want.mean(), rtol=scale)
    np.testing.assert_allclose(out, grad, rtol=0, atol=scale * np.abs(grad).max())
    rows = fa.sigmoid_cross_entropy(logits, targets, reduction="none", **given)
    np.testing.assert_allclose(rows, want, rtol=scale, atol=scale * np.abs(want).max())


def test_gradients_agree_with_finite_differences():
    logits, labels, targets = normal((6, 5), np.float64), labels_for(6, 5), np.random.default_rng(3).random((6, 5))
    for loss in (
        lambda z, **g: fa.softmax_cross_entropy(z, labels, label_smoothing=0.1, **g),
        lambda z, **g: fa.softmax_cross_entropy(z, targets, **g),
        lambda z, **g: fa.sigmoid_cross_entropy(z, targets, pos_weight=1.5, **g),
    ):
        got, want = np.empty_like(logits), np.empty_like(logits)
        loss(logits, grad_out=got)
        for place in np.ndindex(logits.shape):
            step = np.zeros_like(logits)
            step[place] = 1e-5
            want[place] = (loss(logits + step) - loss(logits - step)) / 2e-5
        assert np.linalg.norm(got - want) <= 1e-6 * np.linalg.norm(want)


@once
@pytest.mark.parametrize(
    ("error", "words", "given"),
    [
        (ValueError, "position (2,)", {"targets": [0, 1, 4, 9]}),
        (ValueError, "position (1,)", {"targets": [0, -1, 4, 9]}),
        (ValueError, "position (3,)", {"targets": [0, 1, 2, 4]}),
        (ValueError, "targets has shape", {"targets": [0, 1]}),
        (TypeError, "targets", {"targets": ["a", "b", "c", "d"]}),
        (ValueError, "reduction", {"reduction": "total"}),
        (ValueError, "label_smoothing", {"label_smoothing": 1.5}),
        (ValueError, "label_smoothing", {"label_smoothing": np.nan}),
        (ValueError, "class_weight", {"class_weight": [1, 1, -1, 1]}),
        (ValueError, "class_weight", {"class_weight": [1, 1]}),
        (ValueError, "class_weight", {"class_weight": [1, 1, np.inf, 1]}),
    ],
)
def test_bad_input_is_refused_before_the_first_write(error, words, given):
    logits, out = np.ones((4, 4), np.float32), np.full((4, 4), 7, np.float32)
    with pytest.raises(error) as refusal:
        fa.softmax_cross_entropy(logits, grad_out=out, **({"targets": [0, 1, 2, 3]} | given))
    assert words in str(refusal.value)
    assert (out == 7).all()


@once
@pytest.mark.parametrize(
    "out", [np.empty((4, 3), np.float32), np.empty((4, 4)), np.broadcast_to(np.float32(0), (4, 4))]
)
def test_a_gradient_that_cannot_be_written_is_refused(out):
    with pytest.raises((TypeError, ValueError), match="grad_out"):
        fa.softmax_cross_entropy(np.ones((4, 4), np.float32), [0, 1, 2, 3], grad_out=out)


@pytest.mark.parametrize("shape", [(1, 10), (7, 3), (2, 3, 5)])
@pytest.mark.parametrize("how", ["none", "sum", "mean"])
@pytest.mark.parametrize("name", ["softmax_cross_entropy", "sigmoid_cross_entropy"])
def test_a_small_call_has_the_bits_of_the_general_way(name, how, shape, dtype):
    """The fast path takes no targets with steps."""
    z, loss = normal(shape, dtype), getattr(fa, name)
    if name == "softmax_cross_entropy":
        options = {"label_smoothing": 0.1, "ignore_label": 1}
        targets = labels_for(shape[:-1], shape[-1])
    else:
        options, targets = {"label_smoothing": 0.1}, np.random.default_rng(2).random(shape).astype(dtype)
    stepped = np.repeat(targets, 2, axis=-1)[..., ::2]
    for extra in ({}, options):
        grad, grad_of_general = np.empty_like(z), np.empty_like(z)
        fast = loss(z, targets, reduction=how, grad_out=grad, **extra)
        general = loss(z, stepped, reduction=how, grad_out=grad_of_general, **extra)
        assert type(fast) is type(general)
        helpers.assert_same_bits(np.asarray(fast), np.asarray(general))
        helpers.assert_same_bits(grad, grad_of_general)
        helpers.assert_same_bits(np.asarray(fast), np.asarray(loss(z, targets, reduction=how, **extra)))
