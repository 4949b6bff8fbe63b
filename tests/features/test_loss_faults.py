"""What losses, rows and counts once got wrong, each as the promise that it broke: sizes, ends of the numbers, and bad input."""

import threading

import gmpy2
import numpy as np
import pytest

import fastact as fa
import helpers
import references
from fastact.core import function as core

INF = np.inf
TARGETS = core.TARGETS


@pytest.fixture(params=TARGETS)
def on_target(request, monkeypatch):
    for name in ("softmax_cross_entropy", "sigmoid_cross_entropy"):
        monkeypatch.setattr(fa, name, helpers.on_target(name, request.param))
    return request.param


def ulps(got, true):
    """Return the largest error of arrays in units in the last place of true values in a longer type."""
    true = np.asarray(true)
    unit = np.spacing(np.abs(true).astype(np.asarray(got).dtype)).astype(np.float64)
    return float(np.max(np.abs(np.asarray(got, np.float64) - true) / unit))


# ---------------------------------------------------------------------------------------------------------------
# Nothing to compute
# ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(0, 0), (0, 3), (0,), (2, 0, 3), (0, 2, 3), (0, 0, 0)])
@pytest.mark.parametrize("labelled", [True, False])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_losses_of_nothing_are_nan_and_their_sum_is_0(shape, labelled, smoothing, dtype):
    logits, axis = np.empty(shape, dtype), shape.index(0) if len(shape) == 1 else -1
    rows = shape[:-1] if axis == -1 else ()
    if 0 not in rows:
        with pytest.raises(ValueError, match="no classes"):
            fa.softmax_cross_entropy(logits, np.zeros(rows, int))
        return
    targets = np.zeros(rows, int) if labelled else logits.copy()
    for out in (None, logits):
        given = {"label_smoothing": smoothing, "grad_out": out}
        assert np.isnan(fa.softmax_cross_entropy(logits, targets, **given))
        assert fa.softmax_cross_entropy(logits, targets, reduction="sum", **given) == 0
        assert fa.softmax_cross_entropy(logits, targets, reduction="none", **given).shape == rows
        assert np.isnan(fa.sigmoid_cross_entropy(logits, logits, **given))


def test_an_empty_list_is_no_labels():
    assert np.isnan(fa.softmax_cross_entropy(np.empty((0, 3)), []))


def test_a_scalar_is_a_row_of_one_class():
    assert fa.softmax_cross_entropy(3.0, 0) == 0
    assert fa.softmax_cross_entropy(3.0, 0, axis=0, reduction="none") == 0
    out = np.array(7.0)
    assert fa.softmax_cross_entropy(np.array(3.0), np.array(1.0), grad_out=out) == 0
    assert out == 0
    with pytest.raises(np.exceptions.AxisError):
        fa.softmax_cross_entropy(3.0, 0, axis=1)


@pytest.mark.parametrize("axis", [2, -3, 2**40, -(2**63), 2**63, -(2**90)])
def test_an_axis_that_is_none_is_an_axis_error(axis):
    for call in (
        lambda: fa.softmax_cross_entropy(np.zeros((2, 3)), [0, 1], axis=axis),
        lambda: fa.diagnose("relu", np.zeros((2, 3)), axis=axis),
    ):
        with pytest.raises(np.exceptions.AxisError):
            call()


# ---------------------------------------------------------------------------------------------------------------
# Long rows
# ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("target", TARGETS)
def test_sparsemax_counts_every_element_of_a_long_row(target):
    n = 2**24 + 1
    sparsemax = core.on_target(fa.sparsemax, target)
    y = sparsemax(np.zeros(n, np.float32))
    assert (y == np.float32(1 / n)).all()
    grad = np.zeros(n, np.float32)
    grad[0] = n
    assert ulps(sparsemax.backward(grad, y=y)[:1], [n - 1]) <= 1


@pytest.mark.parametrize("n", [2**20 + 3, 2**22])
@pytest.mark.parametrize("below", [-0.1, -0.3, -0.7182, -5.0])
def test_sums_of_long_rows_keep_their_digits(n, below):
    """Equal terms lose the same in every addition."""
    x = np.full(n, below, np.float32)
    x[0] = 0
    e = np.exp(np.float64(x[1]))
    total = 1 + (n - 1) * e
    columns = np.stack([x] * 5, axis=1)  # beside each other
    for softmax in (core.on_target(fa.softmax, target) for target in TARGETS):
        y = softmax(x)
        assert ulps(y[:2], np.array([1, e]) / total) <= 3
    helpers.assert_same_bits(fa.softmax(columns, axis=0)[:, 3], fa.softmax(x))
    assert ulps(fa.logsumexp(x), np.log(total)) <= 3
    helpers.assert_same_bits(fa.logsumexp(columns, axis=0)[4], fa.logsumexp(x))
    assert ulps(fa.log_softmax(x)[:2], np.array([0, np.float64(x[1])]) - np.log(total)) <= 3
    assert ulps(fa.softmax_cross_entropy(x, 0), np.log(total)) <= 4
    grad = np.full(n, below, np.float32)
    y = fa.softmax(x)
    sum_of_terms = np.dot(grad.astype(np.float64), y.astype(np.float64))
    got = fa.softmax.backward(grad, y=y)
    assert abs(got[0] - y[0] * (grad[0] - sum_of_terms)) <= 3 * np.spacing(2 * abs(grad[0] * y[0]))
    got = fa.log_softmax.backward(grad, y=fa.log_softmax(x))
    spread = np.exp(fa.log_softmax(x).astype(np.float64)) * grad.astype(np.float64).sum()
    terms = (np.abs(grad) + np.abs(spread)).astype(np.float32)
    assert (np.abs(got - (grad - spread)) <= 3 * np.spacing(terms)).all()


def test_rows_as_short_as_a_part_of_a_long_one_have_the_bits_of_one_sum(dtype):
    """Across memory and along it, at the ends of parts."""
    if dtype == np.float64:
        pytest.skip("its parts are too long for a test")
    for n in (2**16 - 1, 2**16, 2**16 + 16, 2**16 + 17, 2**16 + 32, 2**16 + 33, 2**17 + 1, 2**17 + 48):
        x = np.random.default_rng(n).standard_normal((n, 17)).astype(dtype)
        grad = x[::-1].copy()
        for f in (fa.softmax, fa.log_softmax, fa.logsumexp, fa.softmin):
            y = f(x, axis=0)
            along = f(np.ascontiguousarray(x.T))
            helpers.assert_same_bits(y.T, along)
            if f is not fa.logsumexp:
                got = f.backward(grad, y=y, axis=0)
                helpers.assert_same_bits(got.T, f.backward(np.ascontiguousarray(grad.T), y=along))


@pytest.mark.slow
@pytest.mark.parametrize("n", [2**28 + 5, 2**29 + 5])
def test_rows_of_half_a_billion_equal_elements(n):
    """2 GiB of them: for a campaign."""
    x = np.zeros(n, np.float32)
    assert ulps(fa.logsumexp(x), np.log(n)) <= 3
    assert ulps(fa.softmax_cross_entropy(x, 0), np.log(n)) <= 4
    fa.softmax(x, out=x)
    assert (x == np.float32(1 / n)).all()


# ---------------------------------------------------------------------------------------------------------------
# Ends of the numbers
# ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [3, 40, 200])
@pytest.mark.parametrize("options", [{"label_smoothing": 0.1}, {"class_weight": True, "label_smoothing": 0.5}, {}])
def test_what_is_infinitely_wrong_is_an_infinite_loss(n, options, dtype, on_target):
    logits = np.zeros((5, n), dtype)
    logits[:, 0] = -INF
    grad = np.empty_like(logits)
    if "class_weight" in options:
        options = options | {"class_weight": np.linspace(1, 2, n).astype(dtype)}
    smooth = "label_smoothing" in options
    got = fa.softmax_cross_entropy(logits, [1, 0, 1, 1, 0], reduction="none", grad_out=grad, **options)
    assert (got[[1, 4]] == INF).all()
    assert ((got == INF) == ([True] * 5 if smooth else [False, True, False, False, True])).all()
    assert np.isfinite(grad).all()
    shares = np.eye(n, dtype=dtype)[[0, 1, 0, 1, 1]]
    got = fa.softmax_cross_entropy(logits, shares, reduction="none", grad_out=grad, **options)
    assert ((got == INF) == ([True] * 5 if smooth else [True, False, True, False, False])).all()
    assert np.isfinite(grad).all()
    assert fa.softmax_cross_entropy(logits, shares, **options) == INF


@pytest.mark.parametrize("n", [2, 40, 200])
def test_distances_that_overflow_make_the_finite_loss(n, dtype, on_target):
    most = np.finfo(dtype).max
    logits = np.zeros((1, n), dtype)
    logits[0, :2] = most, -most
    for column in (logits, np.repeat(logits, 40, axis=0)):
        shares = np.zeros_like(column)
        shares[:, 0], shares[:, 1] = 0.75, 0.125
        got = fa.softmax_cross_entropy(column, shares, reduction="none")
        assert ulps(got, np.full(len(column), 0.25) * most) <= 4
        weights = np.full(n, 0.125, dtype)
        got = fa.softmax_cross_entropy(column, np.ones(len(column), int), reduction="none", class_weight=weights)
        assert ulps(got, np.full(len(column), 0.25) * most) <= 4
        got = fa.softmax_cross_entropy(column, np.ones(len(column), int), reduction="none")
        assert (got == INF).all()


@pytest.mark.parametrize("size", ["max", "smallest_normal", "smallest_subnormal"])
def test_class_weights_of_any_size_leave_a_mean_as_it_is(size, dtype, on_target):
    logits = np.random.default_rng(0).standard_normal((30, 5)).astype(dtype)
    labels, plain, got = np.arange(30) % 5, np.empty_like(logits), np.empty_like(logits)
    weight = np.full(5, getattr(np.finfo(dtype), size), dtype)
    for smoothing in (0.0, 0.25):
        want = fa.softmax_cross_entropy(logits, labels, label_smoothing=smoothing, grad_out=plain)
        with np.errstate(all="raise"):
            loss = fa.softmax_cross_entropy(
                logits, labels, label_smoothing=smoothing, class_weight=weight, grad_out=got
            )
        assert ulps(loss, want) <= 8
        np.testing.assert_allclose(got, plain, rtol=0, atol=16 * np.finfo(dtype).eps)


def test_single_logits_at_the_ends_of_the_numbers(dtype, on_target):
    most = np.finfo(dtype).max
    z = np.array([INF, -INF, INF, -INF, INF, most, -most, INF], dtype)
    t = np.array([1, 0, 0, 1, 0.5, 0, 1, 0], dtype)
    w = np.array([1, 1, 1, 1, 1, 1, 0.5, 0], dtype)
    for smoothing in (0.0, 0.5):
        grad = np.empty_like(z)
        got = fa.sigmoid_cross_entropy(z, t, weight=w, reduction="none", label_smoothing=smoothing, grad_out=grad)
        want = [0, 0, INF, INF, INF, most, most / 2, 0]
        if smoothing:
            want = [INF, INF, INF, INF, INF, 0.75 * most, 0.375 * most, 0]
        np.testing.assert_array_equal(got, np.array(want, dtype))
        assert np.isfinite(grad).all()
    two = np.array([2], dtype)
    got = fa.sigmoid_cross_entropy(np.array([-most]), np.array([1], dtype), pos_weight=two, weight=two / 8)
    assert got == most / 2
    assert np.isnan(fa.sigmoid_cross_entropy(np.array([np.nan], dtype), t[:1], weight=np.zeros(1, dtype)))


@pytest.mark.parametrize("smoothing", [1e-30, 1e-9, 1e-3, 0.1, 0.9, 1.0])
def test_smoothed_targets_keep_the_digits_of_both_their_parts(smoothing, dtype, on_target):
    z = np.tile(np.array([-90, -20, -3, -0.5, 0.5, 3, 20, 90], dtype), 5)
    t = np.repeat(np.array([1, 0.999, 0.5, 1e-3, 0], dtype), 8)
    got = fa.sigmoid_cross_entropy(z, t, label_smoothing=smoothing, reduction="none")
    with gmpy2.context(precision=200):
        s, log1p, exp = gmpy2.mpfr(smoothing), gmpy2.log1p, gmpy2.exp
        true = []
        for x, y in zip(map(gmpy2.mpfr, map(float, z)), map(gmpy2.mpfr, map(float, t)), strict=True):
            share = (1 - s) * y + s / 2
            true.append(share * log1p(exp(-x)) + (1 - share) * log1p(exp(x)))
    assert references.error_in_ulp(got, np.array(true, object)).max() <= 4


def test_a_bool_is_true_whatever_its_byte_is(on_target):
    odd, even = np.array([255, 2, 0, 1] * 9, np.uint8).view(bool), np.array([1, 1, 0, 1] * 9, bool)
    z = np.linspace(-3, 3, 36)
    for step in (1, 2):
        helpers.assert_same_bits(
            fa.sigmoid_cross_entropy(z[::step], odd[::step]), fa.sigmoid_cross_entropy(z[::step], even[::step])
        )


@pytest.mark.parametrize("target", TARGETS)
def test_a_mask_is_true_whatever_its_byte_is(target, dtype):
    odd, even = np.array([255, 2, 0, 128] * 9, np.uint8).view(bool), np.array([1, 1, 0, 1] * 9, bool)
    softmax, x = core.on_target(fa.softmax, target), np.linspace(-3, 3, 36).astype(dtype)
    helpers.assert_same_bits(softmax(x, where=odd), softmax(x, where=even))
    helpers.assert_same_bits(softmax(x[::2], where=odd[::2]), softmax(x[::2], where=even[::2]))


# ---------------------------------------------------------------------------------------------------------------
# What is refused, and says so
# ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("targets", "says"),
    [
        ([0.0, 1.0, 2.0], "for labels give integers"),
        (np.eye(3, dtype=int), "one-hot"),
        ([[0], [1], [2]], "reshape labels"),
        (np.zeros((3, 4)), "integers are labels"),
    ],
)
def test_targets_of_another_shape_are_told_what_labels_and_probabilities_are(targets, says):
    with pytest.raises(ValueError, match=says) as refusal:
        fa.softmax_cross_entropy(np.zeros((3, 3)), targets)
    assert "integers are labels" in str(refusal.value)
    assert "floats are probabilities" in str(refusal.value)


@pytest.mark.parametrize(
    ("targets", "place"),
    [
        (np.array([[0, 1], [0, 255]], np.uint8), "position (1, 1)"),
        (np.array([[0, 1], [-1, 2]]), "position (1, 0)"),
        (np.array([[0, 1.5], [0, 1]]), "position (0, 1)"),
        (np.array([[0, 1], [-1e-3, 1]], np.float32).T, "position (0, 1)"),
    ],
)
def test_targets_outside_0_to_1_are_refused_before_the_first_write(targets, place, on_target):
    out = np.full((2, 2), 7.0)
    with pytest.raises(ValueError, match="from 0 to 1") as refusal:
        fa.sigmoid_cross_entropy(np.zeros((2, 2)), targets, grad_out=out)
    assert place in str(refusal.value)
    assert (out == 7).all()


@pytest.mark.parametrize("n", [15, 16, 17, 1000, 40_000])
def test_the_first_target_outside_0_to_1_is_found_wherever_it_is(n, dtype, on_target, always_parallel):
    targets = np.linspace(0, 1, n).astype(dtype)
    targets[n // 3] = np.nan  # which makes a NaN, as everywhere
    assert np.isnan(fa.sigmoid_cross_entropy(np.zeros(n, dtype), targets))
    targets[n - 1] = targets[n // 2] = 1.25
    with pytest.raises(ValueError, match=rf"position \({n // 2},\)"):
        fa.sigmoid_cross_entropy(np.zeros(n, dtype), targets)


class Overriding:
    """What holds its elements elsewhere."""

    def __array_ufunc__(self, *arguments, **keywords):
        return NotImplemented

    def __array__(self, *arguments, **keywords):
        raise AssertionError("computed in memory")


@pytest.mark.parametrize("place", ["logits", "targets", "class_weight", "weight", "pos_weight", "grad_out", "x"])
def test_operands_that_override_are_refused_not_computed_in_memory(place):
    softmax = {"logits": np.zeros((2, 3)), "targets": [0, 1], "class_weight": None, "grad_out": None}
    sigmoid = {"logits": np.zeros(3), "targets": np.zeros(3), "weight": None, "pos_weight": None, "grad_out": None}
    calls = [
        (f, given | {place: Overriding()})
        for f, given in (
            (fa.softmax_cross_entropy, softmax),
            (fa.sigmoid_cross_entropy, sigmoid),
            (fa.diagnose, {"activation": "relu"}),
        )
        if place in given or (place == "x" and f is fa.diagnose)
    ]
    assert calls
    for f, given in calls:
        with pytest.raises(TypeError, match="Overriding"):
            f(**given)


def test_sizes_that_overflow_are_an_error():
    logits = np.broadcast_to(0.0, (1, 2**59 + 1000))
    for call in (
        lambda: fa.softmax_cross_entropy(logits, [0]),
        lambda: fa.softmax_cross_entropy(logits.T, np.broadcast_to(0, (2**59 + 1000,))),
        lambda: fa.softmax_cross_entropy(logits, logits),
        lambda: fa.softmax_cross_entropy(logits, [0], label_smoothing=0.1),
        lambda: fa.sigmoid_cross_entropy(logits, logits),
        lambda: fa.sigmoid_cross_entropy(logits, logits, reduction="none"),
        lambda: fa.diagnose("relu", logits),
    ):
        with pytest.raises((MemoryError, ValueError)):
            call()


def test_losses_widen_to_the_widest_type_of_their_operands():
    logits, rng = np.random.default_rng(0).standard_normal((70, 5)).astype(np.float32), np.random.default_rng(1)
    labels, shares, weight = rng.integers(0, 5, 70), rng.random((70, 5)), rng.random(5)
    wide = logits.astype(np.float64)
    for laid in (logits, np.asfortranarray(logits)):
        for f, given in (
            (fa.softmax_cross_entropy, {"targets": shares}),
            (fa.softmax_cross_entropy, {"targets": labels, "class_weight": weight}),
            (fa.sigmoid_cross_entropy, {"targets": shares}),
            (fa.sigmoid_cross_entropy, {"targets": labels % 2 * np.ones((5, 1), int), "weight": shares.T}),
            (fa.sigmoid_cross_entropy, {"targets": shares.astype("f4"), "pos_weight": weight}),
        ):
            x, y = (laid.T, wide.T) if given["targets"].shape == (5, 70) else (laid, wide)
            got, grad = np.empty(x.shape), np.empty(x.shape)
            loss = f(x, grad_out=got, **given)
            assert loss.dtype == np.float64
            helpers.assert_same_bits(loss, f(y, grad_out=grad, **given))
            helpers.assert_same_bits(got, grad)
    with pytest.raises(TypeError, match="float64"):
        fa.softmax_cross_entropy(logits, labels, class_weight=weight, grad_out=np.empty_like(logits))
    assert fa.softmax_cross_entropy(logits, labels, grad_out=None).dtype == np.float32
    assert fa.sigmoid_cross_entropy(logits, labels[:, None] % 2 * np.ones(5, int), pos_weight=2.0).dtype == np.float32


# ---------------------------------------------------------------------------------------------------------------
# The caller's code, and other threads
# ---------------------------------------------------------------------------------------------------------------


class Doing:
    """An array, or a number, that does something when it is asked for its value."""

    def __init__(self, value, do):
        self.value, self.do = value, do

    def __array__(self, *arguments, **keywords):
        self.do()
        return np.asarray(self.value)

    def __float__(self):
        self.do()
        return float(self.value)

    def __index__(self):
        self.do()
        return int(self.value)


def shrinking(victim):
    """Return what makes an array of many elements one of few."""

    def shrink():
        victim.resize((1,) * victim.ndim, refcheck=False)

    return shrink


@pytest.mark.parametrize("victim", ["logits", "targets", "class_weight"])
@pytest.mark.parametrize("place", ["targets", "class_weight", "grad_out", "label_smoothing", "axis", "ignore_label"])
def test_the_callers_code_runs_before_softmax_cross_entropy_looks(victim, place):
    if victim == place:
        pytest.skip("its own")
    given = {
        "logits": np.zeros((4000, 50)),
        "targets": np.zeros(4000, np.int64),
        "class_weight": np.ones(50),
        "grad_out": np.empty((4000, 50)),
        "label_smoothing": 0.0,
        "axis": -1,
        "ignore_label": 7,
    }
    given[place] = Doing(given[place], shrinking(given[victim]))
    with pytest.raises(ValueError, match=r"shape|classes"):
        fa.softmax_cross_entropy(**given)


@pytest.mark.parametrize("victim", ["logits", "targets", "weight", "pos_weight"])
@pytest.mark.parametrize("place", ["targets", "weight", "pos_weight", "grad_out", "label_smoothing"])
def test_the_callers_code_runs_before_sigmoid_cross_entropy_looks(victim, place):
    if victim == place:
        pytest.skip("its own")
    given = {
        "logits": np.zeros((4000, 50)),
        "targets": np.zeros((4000, 50)),
        "weight": np.ones((4000, 50)),
        "pos_weight": np.ones(50),
        "grad_out": np.empty((4000, 50)),
        "label_smoothing": 0.0,
    }
    given[place] = Doing(given[place], shrinking(given[victim]))
    if victim in ("weight", "pos_weight"):  # one for all is a weight as well
        assert fa.sigmoid_cross_entropy(**given) == pytest.approx(np.log(2))
    else:
        with pytest.raises(ValueError, match="shape"):
            fa.sigmoid_cross_entropy(**given)


@pytest.mark.parametrize("place", ["negative_slope", "saturated_below", "axis"])
def test_the_callers_code_runs_before_diagnose_looks(place):
    x = np.zeros((4000, 50))
    given = {"negative_slope": 0.1, "saturated_below": 0.01, "axis": -1}
    given[place] = Doing(given[place], shrinking(x))
    assert fa.diagnose("leaky_relu", x, **given).dead_by_unit.shape == (1,)


def test_labels_that_another_thread_writes_are_read_as_labels_or_refused():
    """Never as places outside of a row."""
    logits, labels = np.zeros((200_000, 3), np.float32), np.zeros(200_000, np.int64)
    out, stop = np.empty_like(logits), threading.Event()

    def refill():
        while not stop.is_set():
            labels[:] = 2**40
            labels[:] = 0

    writer = threading.Thread(target=refill)
    writer.start()
    refused = 0
    try:
        for _ in range(60):
            try:
                assert fa.softmax_cross_entropy(logits, labels, grad_out=out) == pytest.approx(np.log(3))
            except ValueError as error:
                assert "targets" in str(error)  # noqa: PT017
                refused += 1
    finally:
        stop.set()
        writer.join()
    assert refused


@pytest.mark.parametrize("weight", [1e-300, 5e-324, 1e-40])
def test_no_arithmetic_of_numpy_is_on_the_way_of_a_call(weight, dtype):
    logits, labels = np.random.default_rng(0).standard_normal((6, 3)).astype(dtype), [0, 1, 2, 0, 1, 2]
    with np.errstate(all="raise"):
        fa.softmax_cross_entropy(logits, labels, class_weight=np.full(3, weight))
        fa.sigmoid_cross_entropy(logits, np.zeros((6, 3), dtype), pos_weight=weight, label_smoothing=5e-324)
        fa.sigmoid_cross_entropy(logits, np.zeros((6, 3), dtype), weight=np.full((6, 3), weight))
        fa.softmax_cross_entropy(logits, labels, label_smoothing=5e-324)
        fa.diagnose("relu_squared", np.full((4, 2), 1e-300))
        fa.diagnose("relu_squared", np.full((4, 2), np.finfo(dtype).max, dtype))


def test_diagnose_reads_what_cannot_be_written(dtype):
    x = np.linspace(-1, 1, 12, dtype=dtype).reshape(3, 4)
    want = fa.diagnose("relu", x).dead
    x.flags.writeable = False
    assert fa.diagnose("relu", x).dead == want == 0.5


@pytest.mark.parametrize("offset", [1, 2, 3])
def test_weights_and_gradients_need_no_alignment(offset, dtype, on_target):
    def askew(array):
        memory = np.zeros(array.nbytes + 8, np.uint8)
        view = memory[offset : offset + array.nbytes].view(array.dtype).reshape(array.shape)
        view[...] = array
        return view

    rng = np.random.default_rng(0)
    logits, labels, weight = (
        rng.standard_normal((9, 7)).astype(dtype),
        rng.integers(0, 7, 9),
        rng.random(7).astype(dtype),
    )
    grad = np.empty_like(logits)
    want = fa.softmax_cross_entropy(logits, labels, class_weight=weight, grad_out=grad)
    got = askew(np.zeros_like(logits))
    loss = fa.softmax_cross_entropy(askew(logits), askew(labels), class_weight=askew(weight), grad_out=got)
    helpers.assert_same_bits(loss, want)
    helpers.assert_same_bits(got.copy(), grad)


# ---------------------------------------------------------------------------------------------------------------
# Kinks
# ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("target", TARGETS)
def test_hard_sigmoid_is_0_and_flat_exactly_where_its_formula_is(target, dtype):
    f, one = core.on_target(fa.hard_sigmoid, target), dtype.type(1)
    inside = np.array([np.nextafter(-3 * one, one), np.nextafter(3 * one, one)])
    helpers.assert_same_bits(f(np.array([-3, 3], dtype)), np.array([0, 1], dtype))
    helpers.assert_same_bits(f.derivative(np.array([-3, 3], dtype)), np.zeros(2, dtype))
    assert (f.derivative(inside) == dtype.type(1 / 6)).all()
    true = (references.mpfr(inside[:1]) + 3) / 6
    assert references.error_in_ulp(f(inside[:1]), true).max() <= 0.5


@pytest.mark.parametrize("target", TARGETS)
def test_hard_sigmoid_is_rounded_correctly(target, dtype):
    """At ties too: where (x + 3) / 6 lies half way between two numbers."""
    f, digits = core.on_target(fa.hard_sigmoid, target), np.finfo(dtype).nmant + 1
    rng = np.random.default_rng(0)
    ties = 3 * (2 * rng.integers(0, 2 ** (digits - 2) // 3, 5000) + 1) * 2.0**-digits
    small = rng.uniform(-3, 3, 5000) * 2.0 ** -rng.integers(0, 60, 5000)
    x = np.concatenate([rng.uniform(-3, 3, 5000), ties, -ties / 2, small]).astype(dtype)
    with gmpy2.context(precision=digits):  # rounds to even, as the type does
        exact = [gmpy2.mpfr((gmpy2.mpq(float(v)) + 3) / 6) for v in x]
    want = np.array([float(v) for v in exact]).astype(dtype)
    differ = f(x) != want
    assert not differ.any() if target != "generic" or dtype == np.float32 else differ.sum() <= 2
