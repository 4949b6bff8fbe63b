"""fastact.h: every function from C gives Python's bits, and what is wrong is refused before anything is written."""

import ctypes
import os
import re
import shutil
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

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "from_c.c"
EVERY = pytest.mark.parametrize(("name", "role"), c_api.CALLS, ids=list(map("-".join, c_api.CALLS)))
ROWS, N = 3, 37
compiles = pytest.mark.skipif(
    not (os.environ.get("CC") or shutil.which("cc")) or sys.platform == "win32", reason="no C compiler"
)


def assert_same(call, got, arrays, parameters):
    for name, expected in zip(got, call.expected(arrays, **parameters), strict=True):
        np.testing.assert_array_equal(got[name], expected)


def strided(array):
    """Return the same numbers, apart from each other in memory."""
    room = np.full([2 * size for size in array.shape], 77, array.dtype)
    view = room[tuple(slice(None, None, 2) for _ in array.shape)]
    view[...] = array
    return view


def backward_steps(array):
    return array[..., ::-1].copy()[..., ::-1]


def transposed(array):
    return np.asarray(array.T, order="C").T if array.ndim == 2 else array


@EVERY
def test_every_function_gives_the_bits_of_python(name, role, dtype):
    call = Call(name, role, dtype)
    arrays, out = call.arrays(ROWS, N), call.new_outputs(ROWS, N)
    for layout in (np.ascontiguousarray, strided, backward_steps, transposed):
        placed = {k: layout(a) for k, a in (arrays | out).items()}
        assert call.run(placed, ROWS, N, call.typical) == c_api.OK
        assert_same(call, {k: placed[k] for k in out}, arrays, call.typical)


@EVERY
def test_defaults_are_those_of_python(name, role, dtype):
    call = Call(name, role, dtype)
    arrays, out = call.arrays(ROWS, N), call.new_outputs(ROWS, N)
    operands = [(arrays | out)[a.name] for a in call.operands]
    weighted = any(a.role == "weight" for a in call.operands)
    rows = 1 if weighted else ROWS  # without steps there is a weight for each element
    status = c_api.run(call.function, operands, rows, N)
    if SPECS[name].required.keys() & set(call.parameters):
        assert status == c_api.PARAMETER
        assert all((a == 77).all() for a in out.values())
    else:
        assert status == c_api.OK
        assert_same(
            call,
            {k: a[:rows] for k, a in out.items()},
            {k: a if call.is_weight(k) else a[:rows] for k, a in arrays.items()},
            {},
        )


@EVERY
def test_what_a_function_says_of_itself_is_so(name, role, dtype):
    call = Call(name, role, dtype)
    said = call.function.contents
    assert said.name.decode() == name
    assert (said.role, said.type) == (c_api.ROLES.index(role), c_api.TYPES.index(dtype))
    assert (said.inputs, said.outputs, said.parameters) == (len(call.inputs), len(call.outputs), len(call.parameters))
    assert said.by_rows == SPECS[name].by_rows
    assert [bool(said.single >> k & 1) for k in range(len(call.operands))] == [
        a.shape == "reduced" for a in call.operands
    ]
    for k, argument in enumerate(a for a in call.arguments if a.role == "parameter"):
        required = not isinstance(argument.default, float)
        np.testing.assert_equal(said.defaults[k], np.nan if required else float(dtype.type(argument.default)))


def test_all_functions_are_listed():
    listed = [c_api.api.functions[k].contents for k in range(c_api.api.count)]
    found = {(f.name.decode(), c_api.ROLES[f.role], f.type) for f in listed}
    assert found == {(*call, dtype) for call in c_api.CALLS for dtype in range(2)}
    assert {name for name, _, _ in found} == {name for name, spec in SPECS.items() if spec.kind != "loss"}


@EVERY
def test_an_output_may_be_an_input(name, role, dtype):
    call = Call(name, role, dtype)
    for argument in call.inputs:
        target = call.outputs[0]
        if argument.shape != target.shape or argument.role == "weight":
            continue
        arrays = call.arrays(ROWS, N)
        placed = {k: strided(a) for k, a in (arrays | call.new_outputs(ROWS, N)).items()}
        placed[target.name] = placed[argument.name]
        assert call.run(placed, ROWS, N, call.typical) == c_api.OK
        assert_same(call, {a.name: placed[a.name] for a in call.outputs}, arrays, call.typical)


def test_a_weight_may_be_one_for_all(dtype):
    x, weight, out = np.linspace(-3, 3, N, dtype=dtype), np.full(1, 0.3, dtype), np.empty(N, dtype)
    item = dtype.itemsize
    function = c_api.find("prelu", dtype=dtype)
    assert c_api.run(function, [x, weight, out], 1, N, [0, 0, 0], [item, 0, item]) == c_api.OK
    np.testing.assert_array_equal(out, fa.prelu(x, 0.3))


def test_rows_of_all_lengths(dtype):
    """Beyond what a block holds, too, and where rows lie side by side."""
    for n in (1, 2, 15, 16, 17, 1000, 5000):
        for name in ("softmax", "logsumexp", "gelu"):
            call = Call(name, "forward", dtype)
            arrays, out = call.arrays(5, n), call.new_outputs(5, n)
            for layout in (strided, transposed):
                placed = {k: layout(a) for k, a in (arrays | out).items()}
                assert call.run(placed, 5, n) == c_api.OK
                assert_same(call, {k: placed[k] for k in out}, arrays, {})


# What is refused.


@pytest.mark.parametrize(
    ("name", "role", "dtype"),
    [("no_such", 0, 0), ("", 0, 0), ("gelu", 3, 0), ("softmax", 1, 0), ("gelu", 0, 2), ("gelu", 0, -1), ("gelu", 9, 0)],
)
def test_what_there_is_not_is_not_found(name, role, dtype):
    function = c_api.api.find(name.encode(), role, dtype)
    assert not function
    x, out = np.ones(4), np.full(4, 77.0)
    assert c_api.run(function, [x, out], 1, 4) == c_api.NO_FUNCTION
    assert (out == 77).all()


def test_no_name_is_not_found():
    assert not c_api.api.find(None, 0, 0)


@pytest.mark.parametrize("operands", [[None, 1], [0, None]])
def test_a_missing_operand_is_refused(operands):
    x = [np.ones(4, np.float32), np.full(4, 77, np.float32)]
    assert c_api.run(c_api.find("gelu"), [a if a is None else x[a] for a in operands], 1, 4) == c_api.NO_OPERAND
    assert (x[1] == 77).all()


@pytest.mark.parametrize(("rows", "n"), [(-1, 4), (1, -4), (2**40, 2**40), (2**62, 2)])
def test_an_impossible_size_is_refused(rows, n):
    out = np.full(4, 77, np.float32)
    assert c_api.run(c_api.find("gelu"), [np.ones(4, np.float32), out], rows, n) == c_api.SIZE
    assert (out == 77).all()


@pytest.mark.parametrize("name", ["gelu", "softmax", "prelu", "swiglu"])
@pytest.mark.parametrize(("rows", "n"), [(0, 4), (4, 0), (0, 0)])
def test_nothing_is_computed_of_nothing(name, rows, n):
    function = c_api.find(name)
    assert c_api.run(function, [None] * (function.contents.inputs + function.contents.outputs), rows, n) == c_api.OK


def test_no_number_is_made_of_rows_of_nothing():
    assert c_api.run(c_api.find("logsumexp"), [None, None], 0, 4) == c_api.OK
    assert c_api.run(c_api.find("logsumexp"), [None, None], 4, 0) == c_api.SIZE


@EVERY
def test_parameters_are_held_to_pythons_ranges(name, role, dtype):
    call = Call(name, role, dtype)
    for parameter in call.parameters:
        for value in (np.nan, np.inf, -np.inf, -1.0, 0.0, 1e300, 1e-300):
            arrays, out = call.arrays(ROWS, N), call.new_outputs(ROWS, N)
            given = call.typical | {parameter: value}
            status = call.run(arrays | out, ROWS, N, given)
            try:
                expected = call.expected(arrays, **given)
            except ValueError:
                assert status == c_api.PARAMETER
                assert all((a == 77).all() for a in out.values())
                continue
            assert status == c_api.OK
            for got, want in zip(out.values(), expected, strict=True):
                np.testing.assert_array_equal(got, want)


def test_weights_are_held_to_pythons_range(dtype):
    call = Call("prelu", "backward_y", dtype)
    for value in (np.nan, -1.0, np.inf):
        arrays, out = call.arrays(ROWS, N), call.new_outputs(ROWS, N)
        arrays["weight"][N - 1] = value
        with pytest.raises(ValueError, match="weight"):
            call.expected(arrays)
        assert call.run(arrays | out, ROWS, N) == c_api.PARAMETER
        assert (out["out"] == 77).all()


def overlapping():
    """Yield memory, x and out as views of it, and whether an output there would spoil an input."""
    room = np.arange(64.0)
    matrix = room.reshape(8, 8)
    yield "the same", room, room[:16], room[:16], False
    yield "next to it", room, room[:16], room[16:32], False
    yield "one further", room, room[:16], room[1:17], True
    yield "one before", room, room[1:17], room[:16], True
    yield "reversed", room, room[:16], room[15::-1], True
    yield "between", room, room[:32:2], room[1:32:2], False
    yield "between, backward", room, room[:32:2], room[31:0:-2], False
    yield "every second of it", room, room[:16], room[:32:2], True
    yield "between, of other steps", room, room[:32:2], room[1:64:4], False
    yield "columns", room, matrix[:, :4], matrix[:, 4:], False
    yield "columns that meet", room, matrix[:, :4], matrix[:, 3:7], True
    yield "transposed", room, matrix, matrix.T, True
    yield "rows between", room, matrix[::2], matrix[1::2], False
    yield "itself", room, room[:16], np.lib.stride_tricks.as_strided(room[32:], (16,), (0,)), True
    yield "itself, by rows", room, matrix[:4], np.lib.stride_tricks.as_strided(room[40:], (4, 8), (8, 8)), True


@pytest.mark.parametrize("case", list(overlapping()), ids=lambda case: case[0])
def test_an_output_that_overlaps_is_refused(case):
    _, room, x, out, spoils = case
    before, wide = room.copy(), np.atleast_2d(x).copy()
    size = min(x.size, out.size)
    if x.ndim == 1:
        x, out, wide = x[:size], out[:size], wide[:, :size]
    call = Call("tanh", "forward", np.float64)
    status = call.run({"x": np.atleast_2d(x), "out": np.atleast_2d(out)}, *wide.shape)
    if spoils:
        assert status == c_api.OVERLAP
        np.testing.assert_array_equal(room, before)
    else:
        assert status == c_api.OK
        np.testing.assert_array_equal(np.atleast_2d(out), fa.tanh(wide))


def test_two_outputs_in_one_place_are_refused():
    call = Call("swiglu", "backward", np.float64)
    arrays, out = call.arrays(ROWS, N), call.new_outputs(ROWS, N)
    out["value_grad"] = out["gate_grad"]
    assert call.run(arrays | out, ROWS, N) == c_api.OVERLAP
    assert (out["gate_grad"] == 77).all()


def test_an_output_of_another_form_is_no_input():
    """A number a row over the rows themselves."""
    x = np.ones((4, 4))
    item = x.itemsize
    assert (
        c_api.run(c_api.find("logsumexp", dtype=np.float64), [x, x], 4, 4, [4 * item, 4 * item], [item, 0])
        == c_api.OVERLAP
    )
    assert (x == 1).all()


def test_rows_that_there_is_no_memory_to_copy_are_refused():
    """Before a byte of them is touched."""
    x = np.ones(4, np.float32)
    out_at = x.ctypes.data + 2**62
    assert c_api.run(c_api.find("softmax"), [x.ctypes.data, out_at], 1, 2**58, [0, 0], [8, 4]) == c_api.MEMORY


def test_every_status_is_explained():
    explained = [c_api.api.explain(status) for status in range(-1, c_api.MEMORY + 2)]
    assert len(set(explained)) == len(explained) - 1  # of the two that are none
    assert all(explained)


# The floating-point mode.


@pytest.mark.parametrize("layout", [np.ascontiguousarray, strided])
def test_the_mode_of_the_caller_does_not_count_and_is_left(layout):
    call = Call("elu", "forward", np.float32)
    arrays = {"x": np.linspace(-1e-39, 1e-39, N, dtype=np.float32).reshape(1, N)}  # subnormal
    parameters = {"alpha": 0.1}
    expected = call.expected(arrays, **parameters)[0]
    placed = {"x": layout(arrays["x"]), "out": layout(np.zeros((1, N), np.float32))}
    before = helpers.read_registers()
    flushing = (before[0] | 0x8040, *before[1:]) if len(before) == 1 else (1 << 24, before[1])
    helpers.write_registers(flushing)
    try:
        status = call.run(placed, 1, N, parameters)
        after = helpers.read_registers()
    finally:
        helpers.write_registers(before)
    assert (status, after) == (c_api.OK, flushing)
    assert expected.any()
    np.testing.assert_array_equal(placed["out"], expected)


# The header.


def compiled(folder, *command):
    """Return the library that a compiler makes of the example."""
    path = folder / "from_c.so"
    flags = ["-Wall", "-Wextra", "-Werror", "-pedantic", "-shared", "-fPIC", f"-I{fa.get_include()}", "-o", path]
    subprocess.run([*command, *flags], check=True)
    return ctypes.CDLL(str(path))


@compiles
@pytest.mark.parametrize("language", ["c", "c++"])
def test_the_example_compiles_and_computes(language, tmp_path):
    compiler = (os.environ.get("CC") or "cc").split()
    standard = "c99" if language == "c" else "c++11"
    source = tmp_path / "example.c"
    text = EXAMPLE.read_text()
    source.write_text(text if language == "c" else f'extern "C" {{\n{text}\n}}\n')
    library = compiled(tmp_path, *compiler, f"-std={standard}", "-x", language, source)
    library.layer.restype = ctypes.c_char_p
    pointer = ctypes.POINTER(ctypes.c_float)
    library.layer.argtypes = [ctypes.c_void_p, pointer, pointer, ctypes.c_ssize_t, ctypes.c_double]
    x, grad = np.linspace(-3, 3, 16, dtype=np.float32), np.ones(16, np.float32)
    y = fa.elu(x, 0.3)
    at = [a.ctypes.data_as(pointer) for a in (x, grad)]
    assert library.layer(fa.get_c_api(), *at, 16, 0.3) is None
    np.testing.assert_array_equal(x, y)
    np.testing.assert_array_equal(grad, fa.elu.backward(np.ones(16, np.float32), y=y, alpha=0.3))
    assert b"parameter" in library.layer(fa.get_c_api(), *at, 16, float("nan"))


MODULE = """
#include <Python.h>
#include <fastact.h>
PyObject *version(void)
{
    const fa_api *fa = fa_import();
    return fa ? PyLong_FromLong((long)fa->version) : NULL;
}
"""


@compiles
@pytest.mark.parametrize(("wanted", "given"), [("1", 1), ("2", None)])
def test_an_extension_imports_the_interface_unless_it_is_too_old(wanted, given, tmp_path):
    import sysconfig

    source = tmp_path / "module.c"
    header = tmp_path / "include" / "fastact.h"
    header.parent.mkdir()
    original = Path(fa.get_include(), "fastact.h").read_text()
    header.write_text(original.replace("#define FA_API_VERSION 1", f"#define FA_API_VERSION {wanted}"))
    source.write_text(MODULE)
    command = [*(os.environ.get("CC") or "cc").split(), "-shared", "-fPIC", "-Wall", "-Werror"]
    folders = [f"-I{header.parent}", f"-I{sysconfig.get_path('include')}"]
    subprocess.run([*command, *folders, source, "-o", tmp_path / "module.so"], check=True)
    library = ctypes.PyDLL(str(tmp_path / "module.so"))
    library.version.restype = ctypes.py_object
    if given is None:
        with pytest.raises(ImportError, match=r"older than the fastact\.h"):
            library.version()
    else:
        assert library.version() == given


def test_cffi_takes_the_declarations():
    cffi = pytest.importorskip("cffi")
    ffi = cffi.FFI()
    header = Path(fa.get_include(), "fastact.h").read_text()
    ffi.cdef(re.search(r'the line "end".*?\*/(.*)/\* end \*/', header, re.DOTALL)[1])
    api = ffi.cast("const fa_api *", fa.get_c_api())
    assert api.size == ffi.sizeof("fa_api") == ctypes.sizeof(c_api.Interface)
    assert ffi.sizeof("fa_function") == ctypes.sizeof(c_api.Described)
    names = ("OK", "NO_FUNCTION", "NO_OPERAND", "SIZE", "PARAMETER", "OVERLAP", "MEMORY")
    assert [ffi.typeof("enum fa_status").relements[f"FA_{name}"] for name in names] == list(range(7))
