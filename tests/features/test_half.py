"""float16 and bfloat16: computed in float32, the result rounded once to the inputs' type."""

import itertools

import numpy as np
import pytest

import fastact as fa
import helpers
from contract import calls

ml_dtypes = pytest.importorskip("ml_dtypes")
BFLOAT16 = np.dtype(ml_dtypes.bfloat16)
HALF = (np.dtype(np.float16), BFLOAT16)
GRADIENTS = (0.0, -0.0, 1.0, -1.0, 0.3, -2.5, 7.0, 1e-3, -3e-5, 6e-8, 240.0, -6e4, np.inf, -np.inf, np.nan)


@pytest.fixture(params=HALF, ids=str)
def half(request):
    return request.param


def every(dtype):
    return np.arange(2**16, dtype=np.uint16).view(dtype)


def narrowed(array, dtype):
    """Rounded once by NumPy, or by ml_dtypes."""
    with np.errstate(all="ignore"):
        return np.asarray(array, np.float32).astype(dtype)


def widened(array):
    with np.errstate(all="ignore"):
        return np.asarray(array).astype(np.float32)


def assert_same(got, want):
    """The same bits, but for a NaN's sign and payload."""
    got, want = np.asarray(got), np.asarray(want)
    assert got.dtype == want.dtype
    assert got.shape == want.shape
    wrong = (got.ravel().view(np.uint16) != want.ravel().view(np.uint16)) & ~(
        np.isnan(widened(got)) & np.isnan(widened(want))
    ).ravel()
    assert not wrong.any(), f"{int(wrong.sum())} differ, first at {int(np.argmax(wrong))}"


ELEMENTWISE = [name for name, each in fa.ACTIVATIONS.items() if each.kind in ("elementwise", "channelwise")]


@pytest.mark.parametrize("target", helpers.TARGETS)
@pytest.mark.parametrize("name", ELEMENTWISE)
def test_every_number_gives_the_float32_result_rounded_once(name, half, target):
    activation, x = helpers.on_target(name, target), every(half)
    given = helpers.typical(fa.ACTIVATIONS[name])
    for function in (activation, activation.derivative):
        assert_same(function(x, **given), narrowed(function(widened(x), **given), half))
    for source in activation.backward_from:
        for value in GRADIENTS if target == helpers.TARGETS[0] else GRADIENTS[4:6]:
            grad = np.full(x.shape, value, np.float32).astype(half)
            got = activation.backward(grad, **{source: x}, **given)
            assert_same(got, narrowed(activation.backward(widened(grad), **{source: widened(x)}, **given), half))


@pytest.mark.parametrize("target", helpers.TARGETS)
def test_conversions_are_those_of_numpy_and_ml_dtypes(half, target):
    """Of each upper half of a float32, at ties and beside them; contiguous, strided and misaligned."""
    upper = np.arange(2**16, dtype=np.uint32)[:, None] << np.uint32(16)
    ties = [0, 1, 0x7FFF, 0x8000, 0x8001, 0xFFFF] if half == BFLOAT16 else range(0, 2**16, 1 << 10)
    lower = np.array([*ties, *(tie + 1 for tie in ties if tie < 0xFFFF)], np.uint32)
    x = (upper | lower).view(np.float32)
    x = x.ravel()
    got = np.empty(x.shape, half)
    helpers.convert(target, x, got)
    assert_same(got, narrowed(x, half))
    back = np.empty(2**16, np.float32)
    helpers.convert(target, every(half), back)
    helpers.assert_same_bits(back, widened(every(half)))
    for stride, n in itertools.product((2, 3, 4, 14, -2, -5), (1, 7, 15, 16, 33, 40_001)):
        memory = np.full(14 * n + 64, 0xA5, np.uint8)
        strided = np.ndarray(n, half, memory, 31 + max(0, -stride * (n - 1)), (stride,))
        strided[...] = every(half)[-n:]
        untouched = memory.copy()
        back = np.empty(n, np.float32)
        helpers.convert(target, strided, back)
        helpers.assert_same_bits(back, widened(strided))
        strided[...] = 0
        helpers.convert(target, back, strided)
        assert_same(strided.copy(), every(half)[-n:])
        strided[...] = every(half)[-n:]
        np.testing.assert_array_equal(memory, untouched)


def types_of(*arrays):
    return [np.asarray(array).dtype for array in arrays]


def test_types_of_results(half):
    x = np.linspace(-3, 3, 12).astype(half).reshape(3, 4)
    other = HALF[half == HALF[0]]
    for second, result in ((half, half), (np.float32, np.float32), (other, np.float32), (np.float64, np.float64)):
        grad = np.ones(x.shape, second)
        assert (
            types_of(fa.gelu.backward(grad, x=x), fa.swish(x, bias=grad), fa.swiglu(x, grad)) == [np.dtype(result)] * 3
        )
    assert types_of(fa.softmax(x), fa.logsumexp(x), fa.softmax.jacobian(x)) == [half] * 3
    assert types_of(fa.relu(x[0, 0]), fa.relu(np.array(1.5, half)), fa.logsumexp(x[0])) == [half] * 3
    assert type(fa.relu(np.array(1.5, half))) is half.type
    assert fa.relu(np.array(1.5, half)) == half.type(1.5)


def test_losses_and_sums_are_float32(half):
    rng = np.random.default_rng(1)
    logits = rng.standard_normal((50, 7)).astype(half)
    labels, targets = rng.integers(0, 7, 50), rng.random((50, 7)).astype(half)
    weight = rng.random(7).astype(half)
    for reduction in ("mean", "sum", "none"):
        grad, wide = np.empty_like(logits), np.empty(logits.shape, np.float32)
        got = fa.softmax_cross_entropy(logits, labels, class_weight=weight, reduction=reduction, grad_out=grad)
        want = fa.softmax_cross_entropy(
            widened(logits), labels, class_weight=widened(weight), reduction=reduction, grad_out=wide
        )
        helpers.assert_same_bits(got, want)
        assert_same(grad, narrowed(wide, half))
        got = fa.sigmoid_cross_entropy(
            logits, targets, weight=targets, pos_weight=weight, reduction=reduction, grad_out=grad
        )
        want = fa.sigmoid_cross_entropy(
            widened(logits),
            widened(targets),
            weight=widened(targets),
            pos_weight=widened(weight),
            reduction=reduction,
            grad_out=wide,
        )
        helpers.assert_same_bits(got, want)
        assert_same(grad, narrowed(wide, half))
    sums = np.empty(7, np.float32)
    out = fa.gelu.backward(targets, x=logits, bias_grad=sums)
    want = np.empty(7, np.float32)
    fa.relu.backward(widened(out), x=np.ones(out.shape, np.float32), bias_grad=want)
    helpers.assert_same_bits(sums, want)  # of the gradients as they are returned
    fa.prelu.backward(targets, x=logits, weight=weight, weight_grad=sums)
    fa.prelu.backward(widened(targets), x=widened(logits), weight=widened(weight), weight_grad=want)
    helpers.assert_same_bits(sums, want)
    with pytest.raises(TypeError, match=f"bias_grad is of dtype {half}, but the result is of float32"):
        fa.gelu.backward(targets, x=logits, bias_grad=np.empty(7, half))


def test_a_weight_out_of_range_is_refused_with_its_value(half):
    x, weight = np.ones((4, 3), half), np.ones((4, 3), half)
    weight[2, 1] = -1.5
    with pytest.raises(ValueError, match=r"weight must be .*, not -1\.5"):
        fa.sigmoid_cross_entropy(x, np.ones((4, 3), bool), weight=weight[::-1])
    with pytest.raises(ValueError, match=r"weight must be .*, not -1\.5"):
        fa.prelu.backward(x, y=x, weight=weight[2])


def test_parameters_are_rounded_to_float32(half):
    x = every(half)
    assert_same(fa.leaky_relu(x, negative_slope=0.1), narrowed(fa.leaky_relu(widened(x), negative_slope=0.1), half))


@pytest.mark.parametrize(
    "shape", [(3, 700), (700, 3), (40, 50, 3), (5, 64, 9), (1, 3000), (3000,), (2, 2048), (2, 2049)]
)
def test_shapes_and_layouts_give_the_same_bits(half, shape):
    x = helpers.values(shape, np.float32, 3).astype(np.float32)
    with np.errstate(all="ignore"):
        x = x.astype(half)
    bias = np.linspace(-1, 1, shape[-1]).astype(half)
    want = narrowed(fa.gelu(widened(x), bias=widened(bias)), half)
    rows = narrowed(fa.softmax(widened(x)), half)
    sums = narrowed(fa.logsumexp(widened(x)), half)
    laid_out = [x, np.asfortranarray(x), np.repeat(x, 2, axis=-1)[..., ::2], np.repeat(x, 3, axis=0)[::3]]
    laid_out.append(np.ascontiguousarray(x[::-1])[::-1])
    for each in laid_out:
        for threshold in (0, 1e9):
            with helpers.parallel_threshold(threshold), fa.num_threads(3):
                assert_same(fa.gelu(each, bias=bias), want)
                assert_same(fa.softmax(each), rows)
                assert_same(fa.logsumexp(each), sums)
                out = each.copy(order="K")
                assert fa.gelu(out, bias=bias, out=out) is out
                assert_same(out, want)


def test_shifted_outputs_and_other_types_over_the_same_memory(half):
    memory = np.zeros(9000, np.uint16)
    for shift in (1, 7, 2500):
        memory[:] = np.arange(9000) % 4001 * 15
        x, out = memory[:5000].view(half), memory[shift : shift + 5000].view(half)
        want = fa.tanh(x.copy())
        fa.tanh(x, out=out)
        assert_same(out, want)
    memory[:] = np.arange(9000) % 4001 * 15
    x, wide = memory[:4000].view(half), memory[:8000].view(np.float32)
    grad = np.ones(4000, np.float32)
    want = fa.tanh.backward(grad, x=x.copy())
    fa.tanh.backward(grad, x=x, out=wide)
    helpers.assert_same_bits(wide, want)


def test_other_arrays_of_two_bytes_are_refused():
    for wrong in (np.dtype("V2"), np.dtype("S2"), np.dtype(np.float16).newbyteorder()):
        with pytest.raises(TypeError, match=r"relu\(\) takes float16, bfloat16, float32 or float64"):
            fa.relu(np.zeros(3, wrong))
    others = [each for each in ("float8_e4m3fn", "int4") if hasattr(ml_dtypes, each)]
    for each in others:
        with pytest.raises(TypeError):
            fa.relu(np.zeros(3, getattr(ml_dtypes, each)))


def test_bfloat16_needs_no_import_of_ours():
    code = "import sys, fastact; print('ml_dtypes' in sys.modules)"
    assert helpers.python_output(code) == "False"


def test_dask_and_xarray_keep_the_type(half):
    array, xarray = pytest.importorskip("dask.array"), pytest.importorskip("xarray")
    x = every(half)
    lazy = fa.gelu(array.from_array(x, chunks=5000))
    assert isinstance(lazy, array.Array)
    assert lazy.dtype == half
    assert_same(lazy.compute(), fa.gelu(x))
    labelled = fa.gelu(xarray.DataArray(x, dims="x"))
    assert isinstance(labelled, xarray.DataArray)
    assert_same(labelled.to_numpy(), fa.gelu(x))


def test_jax_arrays_are_read_and_never_written(half):
    jnp = pytest.importorskip("jax.numpy")
    x = np.linspace(-3, 3, 40).astype(half)
    given = jnp.asarray(x)
    assert_same(fa.gelu(given), fa.gelu(x))
    assert_same(fa.softmax(given), fa.softmax(x))
    with pytest.raises(ValueError, match="out is read-only"):
        fa.gelu(x, out=given)


def test_torch_tensors_share_their_memory(half):
    torch = pytest.importorskip("torch")
    tensor = torch.linspace(-3, 3, 40).to(getattr(torch, half.name))
    bits = tensor.view(torch.int16).numpy().view(half)
    want = fa.gelu(bits)
    fa.gelu(bits, out=bits)
    assert_same(bits, want)
    assert_same(tensor.view(torch.int16).numpy().view(half), want)
    if half == BFLOAT16:
        with pytest.raises(TypeError, match="cannot read x"):
            fa.gelu(tensor)
    else:
        assert_same(fa.gelu(tensor), fa.gelu(want))


def test_weights_in_a_file_are_written_in_place(half, tmp_path):
    x = every(half)
    x.tofile(tmp_path / "weights")
    mapped = np.memmap(tmp_path / "weights", half, "r+")
    assert fa.gelu(mapped, out=mapped) is mapped
    mapped.flush()
    assert_same(np.fromfile(tmp_path / "weights", half), fa.gelu(x))


def test_diagnose_counts_float32_derivatives(half):
    x = every(half).reshape(256, 256)
    got, want = fa.diagnose("gelu", x), fa.diagnose("gelu", widened(x))
    assert (got.dead, got.saturated, got.mean_slope, got.nan, got.inf) == (
        want.dead,
        want.saturated,
        want.mean_slope,
        want.nan,
        want.inf,
    )
    np.testing.assert_array_equal(got.dead_by_unit, want.dead_by_unit)


def test_contract_describes_both():
    operand = calls.of("gelu", operation="forward")[0].operand("x")
    assert set(HALF) <= {np.dtype(dtype) for dtype in operand.dtypes}
