"""Dask arrays: every call of the catalogue, chunk by chunk, gives the bits of the array in memory; losses added up, the number.

That nothing is computed before it is asked for, and what is refused, is in contract/test_overrides.py too.
"""

import numpy as np
import pytest

import fastact as fa
import helpers
from contract import calls, processes
from fastact.catalogue import SPECS

dask = pytest.importorskip("dask")
da = pytest.importorskip("dask.array")

# A chunk's sum is rounded before that of all is, and then the mean; in float64, whatever the losses are.
LOSS_ULPS = {"float32": 1, "float64": 2}
SHAPES = ((7,), (5, 6), (3, 4, 6))
EMPTY = ((0,), (0, 6), (3, 0, 6))
TYPES = (np.float32, np.float64, *calls.HALF)


@pytest.fixture(autouse=True)
def in_this_thread():
    with dask.config.set(scheduler="synchronous"):
        yield


def odd_chunks(shape, rng):
    """Chunks of all lengths, empty ones among them; few."""
    chunks = []
    for n in shape:
        cuts = sorted(int(cut) for cut in rng.integers(0, n + 1, rng.integers(0, 3) if n else 0))
        chunks.append(tuple(end - begin for begin, end in zip([0, *cuts], [*cuts, n], strict=True)))
    return tuple(chunks)


def as_lazy(array, rng):
    return da.from_array(array, chunks=odd_chunks(array.shape, rng))


def computed(result):
    results = result if isinstance(result, tuple) else (result,)
    assert all(isinstance(each, da.Array) for each in results)
    found = dask.compute(*results)
    for lazy, array in zip(results, found, strict=True):
        assert lazy.dtype == np.asarray(array).dtype
        np.testing.assert_array_equal(lazy.shape, np.where(np.isnan(lazy.shape), np.nan, np.shape(array)))
    return found


def assert_equal(call, got, want):
    if SPECS[call.name].kind == "loss" and call.settings.get("reduction") != "none":
        assert_close(got, want)
    else:
        helpers.assert_same_bits(got, want)


def assert_close(got, want):
    np.testing.assert_array_max_ulp(got, want, LOSS_ULPS[want.dtype.name])


def calls_of(name):
    """The calls that have no outputs that must be given."""
    found = [c for c in calls.of(name) if c.operation != "jacobian" and not any(o.role == calls.SUM for o in c.written)]
    return found[:: helpers.by_lane(-(-len(found) // 8), 1)]


def compare(name, shapes, types=TYPES):
    findings, rng = processes.Findings(), np.random.default_rng(len(name))
    for number, call in enumerate(calls_of(name)):
        shapes_of_call = [shape for shape in shapes if call.fits(shape)]
        for shape in helpers.by_lane(shapes_of_call[number % 2 :][:1], shapes_of_call):
            dtype = types[int(rng.integers(len(types)))]
            arrays = call.make(shape, {operand.name: dtype for operand in call.inputs if dtype in operand.dtypes})
            want = call.run(arrays)
            chosen = [rng.random() < 0.8 for _ in arrays]
            chosen[int(rng.integers(len(chosen)))] = True
            lazy = {
                key: as_lazy(array, rng) if is_lazy else array
                for (key, array), is_lazy in zip(arrays.items(), chosen, strict=True)
            }
            args, keywords = call.arguments(lazy)
            try:
                for got, expected in zip(computed(call.function()(*args, **keywords)), want, strict=True):
                    assert_equal(call, got, expected)
            except Exception as error:
                findings.add(call.id, f"{np.dtype(dtype)}, {shape}: {processes.place(error)}")
    findings.check()


@pytest.mark.sampled
@pytest.mark.parametrize("name", SPECS)
def test_any_chunks_give_what_the_array_in_memory_gives(name):
    compare(name, SHAPES)


@pytest.mark.sampled
@pytest.mark.parametrize("name", SPECS)
def test_empty_arrays(name):
    compare(name, EMPTY)


# Chunks whose sizes nobody knows.


def of_unknown_sizes(array, chunks):
    return da.from_array(array, chunks=chunks)[da.from_array(np.ones(len(array), bool), chunks=(chunks[0],))]


def test_rows_of_chunks_of_unknown_sizes():
    x = helpers.values((6, 5), np.float32)
    lazy = of_unknown_sizes(x, (2, 5))
    helpers.assert_same_bits(*computed(fa.softmax(lazy)), fa.softmax(x))
    helpers.assert_same_bits(*computed(fa.gelu(lazy, bias=x[0])), fa.gelu(x, bias=x[0]))
    helpers.assert_same_bits(np.concatenate(dask.compute(*fa.logsumexp(lazy).blocks)), fa.logsumexp(x))
    with pytest.raises(ValueError, match=r"unknown size along axis 0.*compute_chunk_sizes"):
        fa.softmax(lazy, axis=0)
    one = of_unknown_sizes(x, (6, 5))
    helpers.assert_same_bits(*computed(fa.softmax(one, axis=0)), fa.softmax(x, axis=0))


def test_losses_of_chunks_of_unknown_sizes():
    x, labels = np.random.default_rng(0).normal(size=(6, 5)).astype(np.float32), np.arange(6) % 5
    keep = da.from_array(np.array([1, 0, 1, 1, 1, 0], bool), chunks=2)
    lazy, lazy_labels = da.from_array(x, chunks=(2, 5))[keep], da.from_array(labels, chunks=2)[keep]
    want = fa.softmax_cross_entropy(x[keep.compute()], labels[keep.compute()])
    assert_close(fa.softmax_cross_entropy(lazy, lazy_labels).compute(), want)
    with pytest.raises(ValueError, match="unknown size along axis 0"):
        fa.softmax_cross_entropy(lazy, labels[:4])
    mismatched = da.from_array(np.arange(3), chunks=3)[keep[:3].rechunk(3)]
    with pytest.raises(ValueError, match="unknown size along axis 0"):
        fa.softmax_cross_entropy(lazy, mismatched)


# What is refused, before anything is computed.


def unread(shape=(4, 6), dtype=np.float32):
    def read(block_info=None):
        raise AssertionError("something is computed")

    return da.map_blocks(
        read, chunks=tuple((n - n // 2, n // 2) for n in shape), dtype=dtype, meta=np.empty((0,) * len(shape), dtype)
    )


@pytest.mark.parametrize(
    ("function", "keywords", "error", "says"),
    [
        (fa.softmax, {"out": np.empty((4, 6), np.float32)}, TypeError, "out=.*Array.*compute"),
        (fa.softmax, {"out": unread()}, TypeError, "out=.*Array"),
        (fa.softmax, {"axis": 2}, np.exceptions.AxisError, "axis 2"),
        (fa.softmax, {"axis": (0, 0)}, ValueError, "duplicate"),
        (fa.tanh.backward, {"x": unread((1, 6))}, ValueError, r"x has shape \(1, 6\)"),
        (fa.leaky_relu, {"negative_slope": np.nan}, ValueError, "negative_slope"),
        (fa.swiglu, {"value": unread((4, 3))}, ValueError, r"has shape \(4, 3\)"),
        (fa.softmax, {"axis": "class"}, TypeError, "axis"),
        (fa.softmax, {"scale": -1.0}, ValueError, "scale"),
        (fa.softmax, {"where": np.ones((5, 1), bool)}, ValueError, r"where has shape \(5, 1\)"),
        (fa.softmax, {"where": np.ones(6)}, TypeError, "bools"),
        (fa.gelu, {"bias": unread((5,))}, ValueError, r"bias has shape \(5,\)"),
        (fa.prelu, {"weight": np.ones(5)}, ValueError, "weight"),
        (fa.prelu, {"weight": np.ones(6), "axis": 2}, np.exceptions.AxisError, "axis"),
        (fa.softmax.backward, {"y": unread((6,))}, ValueError, r"y has shape \(6,\)"),
        (fa.logsumexp.backward, {"x": unread((4, 3))}, ValueError, "grad has shape"),
        (fa.softmax_cross_entropy, {"targets": np.zeros(3, int)}, ValueError, r"targets has shape \(3,\)"),
        (fa.softmax_cross_entropy, {"targets": np.zeros(4, bool)}, TypeError, "targets"),
        (fa.softmax_cross_entropy, {"targets": np.zeros(4, int), "class_weight": np.ones(1)}, ValueError, "class_weight"),
        (fa.softmax_cross_entropy, {"targets": np.zeros(4, int), "reduction": "max"}, ValueError, "reduction"),
        (fa.softmax_cross_entropy, {"targets": np.zeros(4, int), "grad_out": unread()}, TypeError, "grad_out=.*Array"),
        (fa.swiglu, {"axis": 0, "where": 1}, TypeError, "where"),
        (fa.swiglu.backward, {"x": unread((4, 6))}, ValueError, "grad has shape"),
    ],
)  # fmt: skip
def test_what_is_refused_is_so_before_anything_is_computed(function, keywords, error, says):
    with pytest.raises(error, match=says):
        function(unread(), **keywords)


def test_types_that_are_not_taken_are_refused_before_anything_is_computed():
    for dtype in (np.complex64, object, ">f4"):
        with pytest.raises(TypeError, match="x is"):
            fa.softmax(unread(dtype=dtype))


def test_values_that_are_refused_are_so_when_they_are_computed():
    loss = fa.softmax_cross_entropy(da.ones((4, 6), chunks=2), da.full(4, 6, chunks=2, dtype=int))
    with pytest.raises(ValueError, match="labels are from 0 to 5"):
        loss.compute()


# What else is promised.


def test_a_call_is_the_same_task_when_it_is_made_again():
    x = da.ones((4, 6), chunks=2)
    assert fa.softmax(x, where=x > 0).name == fa.softmax(x, where=x > 0).name != fa.softmax(x, axis=0).name
    assert fa.softmax_cross_entropy(x, [0, 1, 2, 3]).name == fa.softmax_cross_entropy(x, [0, 1, 2, 3]).name


def test_chunks_stay_but_along_rows():
    x = da.ones((6, 8), chunks=(2, 3))
    assert fa.softmax(x).chunks == ((2, 2, 2), (8,))
    assert fa.softmax(x, axis=0).chunks == ((6,), (3, 3, 2))
    assert fa.swiglu(x).chunks == ((2, 2, 2), (4,))
    assert fa.logsumexp(x, axis=-1, keepdims=True).chunks == ((2, 2, 2), (1,))


def test_integers_are_computed_in_float64():
    x = np.arange(12).reshape(3, 4)
    helpers.assert_same_bits(*computed(fa.softmax(da.from_array(x, chunks=2))), fa.softmax(x))
    helpers.assert_same_bits(*computed(fa.gelu(da.from_array(x > 5, chunks=2))), fa.gelu(x > 5))


def test_an_array_in_memory_takes_the_chunks_of_the_lazy_operand():
    x, where = np.ones((6, 8)), da.ones((6, 1), chunks=(4, 1), dtype=bool)
    assert fa.softmax(x, where=where).chunks == ((4, 2), (8,))
    assert fa.softmax_cross_entropy(x, da.zeros(6, chunks=3, dtype=int), reduction="none").chunks == ((3, 3),)


def test_both_gradients_of_a_gate_are_computed_once():
    counted = []

    def chunk(values):
        counted.append(1)
        return values

    x = da.ones((4, 6), chunks=(2, 6)).map_blocks(chunk, dtype=float, meta=np.empty((0, 0)))
    dask.compute(*fa.swiglu.backward(np.ones((4, 6)), gate=x, value=np.ones((4, 6))))
    assert len(counted) == 2


def test_a_mean_of_many_chunks_is_rounded_like_one():
    rng = np.random.default_rng(0)
    x, labels = rng.normal(size=(4000, 3)), rng.integers(0, 3, 4000)
    for dtype in (np.float32, np.float64):
        for weight in (None, rng.uniform(0, 1, 4000).astype(dtype)):
            given = {"weight": weight, "class_weight": np.array([0.1, 1, 10], dtype), "ignore_label": 1}
            want = fa.softmax_cross_entropy(x.astype(dtype), labels, **given)
            for chunks in (13, 999):
                lazy = da.from_array(x.astype(dtype), chunks=(chunks, 2))
                got = fa.softmax_cross_entropy(lazy, labels, **given).compute()
                assert_close(got, want)


def test_sums_of_float32_are_exact_and_do_not_overflow():
    rng = np.random.default_rng(0)
    x, labels = rng.normal(size=(300_000, 2)).astype(np.float32), rng.integers(0, 2, 300_000)
    for reduction in ("sum", "mean"):
        got = fa.softmax_cross_entropy(da.from_array(x, chunks=-1), labels, reduction=reduction).compute()
        assert got == fa.softmax_cross_entropy(x, labels, reduction=reduction)
    large = np.full(300_000, 1e37, np.float32)
    assert_close(fa.softmax_cross_entropy(da.from_array(x, chunks=100_000), labels, weight=large).compute(), got)


def test_a_causal_mask_knows_where_the_queries_are():
    x = np.random.default_rng(0).normal(size=(2, 5, 7))
    lazy = da.from_array(x, chunks=(1, 2, 3))
    y = fa.softmax(x, causal=True)
    helpers.assert_same_bits(*computed(fa.softmax(lazy, causal=True)), y)
    helpers.assert_same_bits(*computed(fa.logsumexp(lazy, causal=True)), fa.logsumexp(x, causal=True))
    want = fa.softmax.backward(x, y=y, causal=True)
    helpers.assert_same_bits(*computed(fa.softmax.backward(lazy, y=y, causal=True)), want)


def test_another_library_beside_dask_is_refused_by_its_type():
    class Other:
        shape, ndim = (4, 6), 2

        def __array_ufunc__(self, *args, **keywords):
            return NotImplemented

        def __array__(self, dtype=None, copy=None):
            return np.ones((4, 6), bool)

    with pytest.raises(TypeError, match="Array, Other"):
        fa.softmax(unread(), where=Other())
    with pytest.raises(TypeError, match="Array, DataFrame"):
        fa.softmax(unread(), where=pytest.importorskip("pandas").DataFrame(np.ones((4, 6), bool)))


def test_infinite_losses_and_nan():
    x = np.array([[0.0, -np.inf], [1, 2]])
    for labels, want in (([1, 0], np.inf), ([0, 0], fa.softmax_cross_entropy(x, [0, 0]))):
        assert fa.softmax_cross_entropy(da.from_array(x, chunks=1), labels).compute() == want
    x[1, 1] = np.nan
    assert np.isnan(fa.softmax_cross_entropy(da.from_array(x, chunks=1), [0, 0]).compute())
    assert np.isnan(fa.softmax_cross_entropy(da.from_array(x, chunks=1), [0, 0], ignore_label=0).compute())


@pytest.mark.parametrize("shape", [(7,), (5, 6), (3, 4, 6), (0, 3), (3, 0)], ids=str)
@pytest.mark.parametrize("name", ["relu", "gelu"])
def test_a_diagnosis_of_chunks(name, shape, dtype):
    rng = np.random.default_rng(1)
    x = helpers.values(shape, dtype)
    for axis in range(-1, len(shape) - 1):
        want, found = fa.diagnose(name, x, axis=axis), fa.diagnose(name, as_lazy(x, rng), axis=axis)
        np.testing.assert_allclose(found.mean_slope, want.mean_slope, rtol=1e-14)
        for field in ("dead", "dead_units", "dead_by_unit", "saturated", "nan", "inf", "saturated_below"):
            np.testing.assert_array_equal(getattr(found, field), getattr(want, field), field)
    with pytest.raises(np.exceptions.AxisError):
        fa.diagnose(name, as_lazy(x, rng), axis=3)


def random_chunk(block_info=None):
    where = block_info[None]["chunk-location"]
    return np.random.default_rng(where).standard_normal(block_info[None]["chunk-shape"]).astype(np.float32)


@pytest.mark.full
@pytest.mark.filterwarnings("default")
def test_two_workers_give_what_one_machine_gives():
    distributed = pytest.importorskip("distributed")
    chunks = ((30_000,) * 8, (64,) * 2)  # 7.7 MB each
    x = da.map_blocks(random_chunk, chunks=chunks, dtype=np.float32, meta=np.empty((0, 0), np.float32))
    labels = da.arange(x.shape[0], chunks=50_000) % 128
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=None, memory_limit="1GiB"
    ) as cluster, distributed.Client(cluster) as client:  # fmt: skip
        assert len(client.scheduler_info()["workers"]) == 2
        memory, numbers = x.compute(), labels.compute()
        rows = fa.softmax(x).persist()
        gated = fa.swiglu(x, axis=0).persist()
        distributed.wait([rows, gated])
        workers = {worker for where in client.who_has([rows, gated]).values() for worker in where}
        assert len(workers) == 2
        loss = fa.softmax_cross_entropy(x, labels, label_smoothing=0.1).compute()
        helpers.assert_same_bits(rows.compute(), fa.softmax(memory))
        helpers.assert_same_bits(gated.compute(), fa.swiglu(memory, axis=0))
    assert_close(loss, fa.softmax_cross_entropy(memory, numbers, label_smoothing=0.1))
