"""fastact in Numba: compiled functions give Python's bits, and what is wrong is an error that names it."""

import os
import subprocess
import sys
from pathlib import Path

import c_api
import numpy as np
import pytest
from c_api import Call

import fastact as fa
import helpers
from fastact.catalogue import SPECS

numba = pytest.importorskip("numba")
import fastact.numba  # where it is not installed, there is no entry point

njit, TypingError = numba.njit, numba.TypingError
PROJECT = Path(__file__).resolve().parents[2]
KINDS = ("elu", "prelu", "softmax", "logsumexp", "swiglu")
# Compiling takes a second for each function and type of arrays.  Both types go one way, by the bits of an item.
CALLS = [
    pytest.param(name, role, dtype, id=f"{name}-{role}-{dtype.__name__}")
    for k, (name, role) in enumerate(c_api.CALLS)
    for dtype in (np.float32, np.float64)
    if dtype == np.float32 or k % helpers.by_lane(4, 4, 1) == 0
]


def in_quick_lane(target, **parameters):
    named = parameters.get("name", "elu") in ("elu", "softmax") and parameters.get("role", "forward") == "forward"
    return named and parameters.get("dtype", np.float32) == np.float32


def source(call, with_outputs):
    """Return the source of a function that makes a call, all by name, in its operands and parameters."""
    method = "" if call.role == "forward" else f".{call.role.removesuffix('_y')}"
    names = [a.name for a in call.operands if with_outputs or a in call.inputs] + call.parameters
    first, *rest = names
    axis = ", axis=-1" if any(a.role == "weight" for a in call.inputs) else ""
    given = ", ".join([first, *(f"{name}={name}" for name in rest)])
    return f"def f({', '.join(names)}):\n    return fa.{call.name}{method}({given}{axis})"


def compiled(call, with_outputs):
    namespace = {"fa": fa}
    exec(source(call, with_outputs), namespace)  # noqa: S102
    return njit(namespace["f"])


def strided(array):
    room = np.full([2 * size for size in array.shape], 77, array.dtype)
    view = room[tuple(slice(None, None, 2) for _ in array.shape)]
    view[...] = array
    return view


def fortran(array):
    return np.asfortranarray(array)


VECTORS, MATRICES, STACKS = (7,), (3, 7), (2, 3, 7)
LAYOUTS = [
    (VECTORS, np.ascontiguousarray),
    (VECTORS, strided),
    (MATRICES, np.ascontiguousarray),
    (MATRICES, fortran),
    (MATRICES, strided),
    (STACKS, np.ascontiguousarray),
    (STACKS, strided),
]


def shaped(call, shape, seed=0):
    """Return inputs and outputs of a shape; what has one element a row is without the last axis."""
    rows = int(np.prod(shape[:-1]))
    arrays, out = call.arrays(rows, shape[-1], seed), call.new_outputs(rows, shape[-1])

    def placed(argument, array):
        if argument.role == "weight":
            return array
        return array.reshape(shape[:-1] if argument.shape == "reduced" else shape)

    inputs = {a.name: placed(a, arrays[a.name]) for a in call.inputs}
    return inputs, {a.name: placed(a, out[a.name]) for a in call.outputs}


def assert_same_as_python(call, function, shape, layout, with_outputs):
    inputs, outputs = shaped(call, shape)
    placed, given = ({k: layout(a) for k, a in arrays.items()} for arrays in (inputs, outputs))
    parameters = [call.typical[p] for p in call.parameters]
    got = function(*placed.values(), *(given.values() if with_outputs else ()), *parameters)
    got = got if isinstance(got, tuple) else (got,)
    for (key, out), one, want in zip(given.items(), got, call.expected(inputs, **call.typical), strict=True):
        np.testing.assert_array_equal(one, want, err_msg=key)
        assert one.dtype == call.dtype
        if with_outputs:
            np.testing.assert_array_equal(out, want)
            assert one.ctypes.data == out.ctypes.data


@pytest.mark.sampled
@pytest.mark.parametrize(("name", "role", "dtype"), CALLS)
def test_every_function_gives_the_bits_of_python(name, role, dtype):
    call = Call(name, role, dtype)
    reduced = any(a.shape == "reduced" for a in call.operands)
    assert_same_as_python(call, compiled(call, True), MATRICES if reduced else VECTORS, np.ascontiguousarray, True)
    if dtype == np.float64:
        assert_same_as_python(call, compiled(call, False), MATRICES, strided, False)


@pytest.mark.full
@pytest.mark.sampled
@pytest.mark.parametrize(
    ("name", "shape", "layout"),
    [(name, *layout) for name in KINDS for layout in LAYOUTS][:: helpers.by_lane(3, 3, 1)],  # 5 and 7 have no factor 3
)
def test_every_layout_gives_the_bits_of_python(name, shape, layout):
    for role in ("forward", "backward"):
        call = Call(name, "backward_y" if role == "backward" and name == "softmax" else role, np.float64)
        if len(shape) > 1 or not any(a.shape == "reduced" for a in call.operands):
            for with_outputs in (True, False):
                assert_same_as_python(call, compiled(call, with_outputs), shape, layout, with_outputs)


def test_rows_of_one_array_make_a_number():
    @njit
    def f(x):
        return fa.logsumexp(x, scale=0.5)

    x = np.linspace(-3, 3, 9, dtype=np.float32)
    assert f(x) == fa.logsumexp(x, scale=0.5)


@njit
def every_way(x, out):
    fa.elu(x, out=out)
    first = fa.elu(x, 0.5)
    second = fa.elu(x, alpha=0.5, out=out)
    third = fa.elu.derivative(x, alpha=1)
    fourth = fa.elu.backward(x, y=first, alpha=0.5)
    fifth = fa.elu.backward(x, x=x, out=None)
    return first, second, third, fourth, fifth


def test_arguments_are_given_as_in_python(dtype):
    x = np.linspace(-3, 3, 16, dtype=dtype)
    for got, want in zip(every_way(x, np.empty_like(x)), every_way.py_func(x, np.empty_like(x)), strict=True):
        np.testing.assert_array_equal(got, want)


def test_parameters_may_be_any_numbers():
    @njit
    def f(x, alpha):
        return fa.elu(x, alpha)

    x = np.linspace(-3, 3, 9)
    for alpha in (2, 0.5, np.float32(0.3), np.int8(3)):
        np.testing.assert_array_equal(f(x, alpha), fa.elu(x, float(alpha)))


def test_arrays_live_until_they_are_read():
    """Memory that was freed would be that of the next array."""

    @njit
    def f(x, out):
        fa.gelu(x + 1, out=out)
        fa.softmax(fa.tanh(fa.elu(out * 2)), out=out)
        return fa.gelu.backward(x * 3, x=out + 1)

    x = np.random.default_rng(0).normal(size=5_000_000)  # so many that freed memory is gone
    out = np.empty_like(x)
    with np.errstate(all="ignore"):
        want_out = fa.softmax(fa.tanh(fa.elu(fa.gelu(x + 1) * 2)))
        want = fa.gelu.backward(x * 3, x=want_out + 1)
    np.testing.assert_array_equal(f(x, out), want)
    np.testing.assert_array_equal(out, want_out)


def test_in_place():
    @njit
    def f(x):
        return fa.gelu(x, out=x)

    for layout in (np.ascontiguousarray, strided):
        for shape in ((9,), (4, 9), (2, 3, 9)):
            start = np.linspace(-3, 3, int(np.prod(shape))).reshape(shape)
            x = layout(start.copy())
            f(x)
            np.testing.assert_array_equal(x, fa.gelu(start))


@njit
def gelu(x, out):
    fa.gelu(x, out=out)


@pytest.mark.parametrize(
    ("x", "out"),
    [
        (slice(0, 16), slice(3, 19)),
        (slice(3, 19), slice(0, 16)),
        (slice(0, 16), slice(15, None, -1)),
        (slice(0, 32, 2), slice(0, 48, 3)),
    ],
)
def test_an_output_that_overlaps_partly_is_refused(x, out):
    memory = np.linspace(-3, 3, 120)
    before = memory.copy()
    with pytest.raises(ValueError, match=r"gelu\(\): an output overlaps"):
        gelu(memory[x], memory[out])
    np.testing.assert_array_equal(memory, before)


def test_stacks_of_matrices_that_overlap_are_refused_before_the_first_is_written():
    memory = np.linspace(-3, 3, 120).reshape(4, 5, 6)
    before = memory.copy()
    with pytest.raises(ValueError, match=r"gelu\(\): an output overlaps"):
        gelu(memory[:3, ::2, ::2], memory[1:, ::2, ::2])
    np.testing.assert_array_equal(memory, before)
    gelu(memory[:2, ::2, ::2], memory[2:, ::2, ::2])
    np.testing.assert_array_equal(memory[2:, ::2, ::2], fa.gelu(before[:2, ::2, ::2]))


def test_an_output_that_overlaps_itself_is_refused():
    @njit
    def f(x, out):
        fa.gelu(x, out=out)

    out = np.zeros(1)
    with pytest.raises(ValueError, match=r"gelu\(\): an output overlaps itself"):
        f(np.ones(4), np.lib.stride_tricks.as_strided(out, (4,), (0,)))
    assert out == 0


def test_weights_of_prelu():
    @njit
    def one(x, weight):
        return fa.prelu(x, weight)

    @njit
    def backward(grad, x, weight):
        return fa.prelu.backward(grad, x=x, weight=weight, axis=1)

    x = np.random.default_rng(0).normal(size=(3, 5))
    np.testing.assert_array_equal(one(x, 0.3), fa.prelu(x, 0.3))
    weight = np.linspace(0.1, 0.9, 5)
    np.testing.assert_array_equal(one(x, weight), fa.prelu(x, weight))
    np.testing.assert_array_equal(backward(x, x, weight), fa.prelu.backward(x, x=x, weight=weight))
    with pytest.raises(ValueError, match="weight has another length"):
        one(x, weight[1:])
    with pytest.raises(ValueError, match="a parameter or a weight"):
        one(x, np.nan)
    with pytest.raises(ValueError, match="axis is to be the last"):
        one(x[0], weight)


def test_parallel_loops(dtype):
    """Numba warns, which is an error here, where it would run a loop on one thread."""

    @njit(parallel=True)
    def f(x, out):
        for i in numba.prange(x.shape[0]):
            fa.gelu(x[i], out=out[i])
            fa.softmax(out[i], out=out[i])
        return fa.tanh(x) + fa.tanh.derivative(out)

    x = np.random.default_rng(0).normal(size=(200, 33)).astype(dtype)
    out = np.empty_like(x)
    got = f(x, out)
    np.testing.assert_array_equal(out, fa.softmax(fa.gelu(x)))
    np.testing.assert_array_equal(got, fa.tanh(x) + fa.tanh.derivative(out))


def test_without_the_gil():
    @njit(nogil=True)
    def f(x, out):
        fa.gelu(x, out=out)

    x, out = np.linspace(-3, 3, 9), np.empty(9)
    f(x, out)
    np.testing.assert_array_equal(out, fa.gelu(x))


def test_functions_are_values():
    @njit
    def apply(function, x):
        return function(x) * function.derivative(x)

    x = np.linspace(-3, 3, 9)
    for function in (fa.gelu, fa.tanh):
        np.testing.assert_array_equal(apply(function, x), function(x) * function.derivative(x))

    activation = fa.mish

    @njit
    def closed(x):
        return activation(x)

    np.testing.assert_array_equal(closed(x), fa.mish(x))


def test_arrays_of_nothing():
    @njit
    def f(x):
        return fa.gelu(x), fa.softmax(x)

    for shape in ((0,), (0, 3), (3, 0), (2, 0, 3)):
        for got in f(np.ones(shape)):
            assert got.shape == shape


# What is refused: when it is compiled, or when it runs and before anything is written.

F32, F64 = np.ones(4, np.float32), np.ones(4)
WRONG = [
    (lambda x: fa.gelu(x, out=F32), F32, r"gelu\(\) in Numba: out is read-only"),
    (lambda x, out: fa.gelu(x, out=out), (F32, F64), r"gelu\(\).*: out is an array of float64 and x one of float32"),
    (lambda x, y: fa.gelu.backward(x, x=y), (F32, F64), r"gelu\.backward\(\).*: x is an array of float64"),
    (lambda x: fa.gelu(x), np.arange(4), "x is to be an array of float32 or float64, not array"),
    (lambda x: fa.gelu(x), 0.5, "x is to be an array of float32 or float64, not float64"),
    (lambda x: fa.gelu(x, alpha=1.0), F32, "takes x, out, not alpha"),
    (lambda x: fa.gelu(x, bias=x), F32, "takes x, out, not bias"),
    (lambda x: fa.gelu(x, x), F32, "takes 1 positional arguments but 2 were given"),
    (lambda x: fa.gelu.backward(x, x), F32, "takes 1 positional arguments but 2 were given"),
    (lambda x: fa.gelu.backward(x), F32, "needs x"),
    (lambda x: fa.tanh.backward(x), F32, "exactly one of x= .* and y="),
    (lambda x: fa.tanh.backward(x, x=x, y=x), F32, "exactly one of x= .* and y="),
    (lambda x: fa.gelu.backward(x, y=x), F32, "takes grad, x, out, not y"),
    (lambda x: fa.threshold(x), F32, "needs threshold, value"),
    (lambda x: fa.elu(x, alpha="1"), F32, "alpha is to be a number"),
    (lambda x: fa.softmax(x, axis=(0, 1)), F32, "axis is to be a whole number"),
    (lambda x, out: fa.gelu(x, out=out), (np.ones((2, 4)), F64), "out is to have 2 axes, not 1"),
    (lambda x, out: fa.logsumexp(x, out=out), (F64, np.ones(())), "out is not taken"),
    (lambda x: fa.softmax_cross_entropy(x, x), F32, "softmax_cross_entropy"),
    (lambda x: fa.swiglu(x), F32, "needs value"),
]


@pytest.mark.parametrize(("function", "given", "message"), WRONG, ids=[message for *_, message in WRONG])
def test_what_cannot_be_compiled_is_an_error_that_names_it(function, given, message):
    with pytest.raises(TypingError, match=message):
        njit(function)(*(given if isinstance(given, tuple) else (given,)))


def test_what_is_wrong_at_run_time_is_an_error_and_nothing_is_written():
    @njit
    def elu(x, alpha, out):
        fa.elu(x, alpha, out=out)

    @njit
    def softmax(x, axis, out):
        fa.softmax(x, axis, out=out)

    x, out = np.linspace(-3, 3, 8).reshape(2, 4), np.full((2, 4), 77.0)
    for alpha in (np.nan, np.inf):
        with pytest.raises(ValueError, match=r"elu\(\): a parameter or a weight is NaN"):
            elu(x, alpha, out)
    with pytest.raises(ValueError, match=r"elu\(\): out has another shape than x"):
        elu(x, 1.0, out.T.copy())
    with pytest.raises(ValueError, match=r"elu\(\): out has another shape than x"):
        elu(x[:, ::2], 1.0, out)
    for axis in (0, 2, -2):
        with pytest.raises(ValueError, match=r"softmax\(\): in Numba axis is to be the last"):
            softmax(x, axis, out)
    assert (out == 77).all()
    for axis in (1, -1):
        softmax(x, axis, out)
        np.testing.assert_array_equal(out, fa.softmax(x))


def test_subnormals_are_kept_whatever_the_caller_has_set():
    @njit
    def f(x, out):
        fa.gelu(x, out=out)

    x, out = np.full(8, 1e-39, np.float32), np.zeros(8, np.float32)
    f(x, out)
    before = helpers.read_registers()
    helpers.write_registers((before[0] | 0x8040, *before[1:]) if len(before) == 1 else (1 << 24, before[1]))
    try:
        f(x, out)
    finally:
        helpers.write_registers(before)
    np.testing.assert_array_equal(out, fa.gelu(x))
    assert (out > 0).all()


# How it is loaded.

CACHED = """
import numba, numpy as np
import fastact as fa
@numba.njit(cache=True)
def f(x, out):
    fa.elu(x, 0.5, out=out)
x = np.linspace(-3, 3, 9)
out = np.empty(9)
f(x, out)
assert (out == fa.elu(x, 0.5)).all()
print(sum(f.stats.cache_hits.values()))
"""


def test_compiled_functions_are_cached(tmp_path):
    script = tmp_path / "cached.py"
    script.write_text("import fastact.numba\n" + CACHED)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "NUMBA_CACHE_DIR": str(tmp_path)}
    for hits in ("0", "1"):
        done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False, env=environment)
        assert done.returncode == 0, done.stderr
        assert done.stdout.strip() == hits


def test_importing_fastact_does_not_import_numba(tmp_path):
    code = "import sys, fastact; assert not any(name.startswith(('numba', 'llvmlite')) for name in sys.modules)"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    subprocess.run([sys.executable, "-c", code], check=True, cwd=tmp_path, env=environment)


def test_numba_is_told_where_it_is(tmp_path):
    """By the entry point, as an installed distribution has it."""
    import tomllib

    if not (PROJECT / "pyproject.toml").exists():
        pytest.skip("no source tree")
    points = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]["entry-points"]["numba_extensions"]
    described = tmp_path / "installed-1.0.dist-info"
    described.mkdir()
    (described / "METADATA").write_text("Metadata-Version: 2.1\nName: installed\nVersion: 1.0\n")
    lines = [f"{name} = {where}" for name, where in points.items()]
    (described / "entry_points.txt").write_text("\n".join(["[numba_extensions]", *lines]) + "\n")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), *filter(None, sys.path)])}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", CACHED.replace("(cache=True)", "")],
        capture_output=True, text=True, check=False, env=environment, cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_every_function_is_there():
    missing = [name for name in SPECS if SPECS[name].kind != "loss" and numba.typeof(fa.get(name)) is None]
    assert missing == []
