"""Write fastact/__init__.pxd: typed functions for `cimport fastact`, made of the arguments that the catalogue declares.

``--check`` fails where the file in the tree differs.
"""

import argparse
import sys
import textwrap
from pathlib import Path

from fastact.catalogue import SPECS
from fastact.catalogue.signatures import REQUIRED, bare_calls

PXD = Path(__file__).resolve().parent.parent / "fastact" / "__init__.pxd"
HEADER = '''\
# Written by tools/make_pxd.py from fastact/catalogue; not by hand.
#
# Functions of memoryviews, for Cython: fastact.gelu[float](x, out) of vectors with any strides, fastact.softmax[double]
# (x, out) of the rows of matrices.  None needs the GIL.  What is wrong raises a ValueError before anything is written.
# For other shapes there are `api.find` and `api.run`, see include/fastact.h.  The C compiler wants its folder,
# fastact.get_include().

cimport cython
from cython cimport floating

from fastact._c_api cimport (
    FA_BACKWARD,
    FA_BACKWARD_Y,
    FA_DERIVATIVE,
    FA_FLOAT32,
    FA_FLOAT64,
    FA_FORWARD,
    FA_MEMORY,
    FA_OK,
    api,
    fa_api,
    fa_function,
)


cdef extern from *:
    """
    static const fa_function *fastact_found[{count}][2]; /* what this module has used, so that it is looked up once */
    """
    const fa_function *fastact_found[{count}][2]


cdef inline const fa_function *_find(int index, const char *name, int role, int type) noexcept nogil:
    if fastact_found[index][type] == NULL:
        fastact_found[index][type] = api.find(name, role, type)
    return fastact_found[index][type]


cdef inline int _fail(const char *name, int status) except -1 nogil:
    with gil:
        if status == FA_MEMORY:
            raise MemoryError(f"fastact.{name.decode()}: {api.explain(status).decode()}")
        raise ValueError(f"fastact.{name.decode()}: {api.explain(status).decode()}")


cdef inline int _unequal(const char *name) except -1 nogil:
    with gil:
        raise ValueError(f"fastact.{name.decode()}: the operands differ in their shapes")
'''
SHAPES = {"v": "[:]", "w": "[:]", "m": "[:, :]"}
ROLES = {
    "forward": "FA_FORWARD",
    "derivative": "FA_DERIVATIVE",
    "backward": "FA_BACKWARD",
    "backward_y": "FA_BACKWARD_Y",
}


def kind(spec, argument):
    """Return what an operand is: a vector, a weight (a vector that may be of one element), or a matrix of rows."""
    if argument.role == "weight":
        return "w"
    return "m" if spec.by_rows and argument.shape == "like" else "v"


def operand(name, kind, is_input):
    """Return the declaration of an operand."""
    return f"{'const ' * is_input}floating{SHAPES[kind]} {name}"


def wrapper(kinds, inputs):
    """Return the function that calls of these kinds of operands go through; the first `inputs` of them are inputs."""
    names = [f"a{k}" for k in range(len(kinds))]
    declared = [operand(name, kind, k < inputs) for k, (name, kind) in enumerate(zip(names, kinds, strict=True))]
    by_rows = "m" in kinds
    first = names[kinds.index("m" if by_rows else "v")]
    lines = [
        *signature(f"_call_{kinds}", ["int index, const char *name, int role, const double *parameters", *declared]),
        f"    cdef void *operands[{len(kinds)}]",
        f"    cdef Py_ssize_t steps[{len(kinds)}]",
        *[f"    cdef Py_ssize_t row_steps[{len(kinds)}]"] * by_rows,
        f"    cdef Py_ssize_t rows = {f'{first}.shape[0]' if by_rows else '1'}, n = {first}.shape[{int(by_rows)}]",
        "    cdef int status",
    ]
    for k, (name, kind) in enumerate(zip(names, kinds, strict=True)):
        size, at = ("rows" if kind == "v" and by_rows else "n"), "0, 0" if kind == "m" else "0"
        unequal = f"{name}.shape[0] != {size}"
        if kind == "m":
            unequal = f"{name}.shape[0] != rows or {name}.shape[1] != n"
        elif kind == "w":
            unequal += f" and {name}.shape[0] != 1"
        if name != first:
            lines += [f"    if {unequal}:", "        return _unequal(name)"]
        lines += ["    with cython.boundscheck(False):", f"        operands[{k}] = <void *> &{name}[{at}]"]
        if by_rows:
            lines.append(f"    row_steps[{k}] = {name}.strides[0]")
        step = f"{name}.strides[{int(kind == 'm')}]"
        lines.append(f"    steps[{k}] = {f'{step} if {name}.shape[0] == n else 0' if kind == 'w' else step}")
    lines += [
        "    status = api.run(",
        "        _find(index, name, role, FA_FLOAT64 if floating is double else FA_FLOAT32), parameters,",
        f"        rows, n, operands, {'row_steps' if by_rows else 'NULL'}, steps)",
        "    return 0 if status == FA_OK else _fail(name, status)",
    ]
    return "\n".join(lines) + "\n"


def signature(name, arguments):
    """Return the lines of a function's head."""
    lines = textwrap.wrap(", ".join(arguments), 100, initial_indent=" " * 8, subsequent_indent=" " * 8)
    return [f"cdef inline int {name}(", *lines[:-1], f"{lines[-1]}) except -1 nogil:"]


def declaration(index, spec, role, arguments):
    """Return the function of one call."""
    operands = [a for a in arguments if a.role != "parameter"]
    parameters = [a for a in arguments if a.role == "parameter"]
    name = spec.name if role == "forward" else f"{spec.name}_{role}"
    taken = [operand(a.name, kind(spec, a), a.role != "output") for a in operands]
    # Cython 3.3 writes wrong C for a default below 0 in a .pxd.
    optional = all(a.default is not REQUIRED and a.default >= 0 for a in parameters)
    taken += [f"double {a.name}" + (f"={float(a.default)!r}" if optional else "") for a in parameters]
    kinds = "".join(kind(spec, a) for a in operands)
    lines = signature(name, taken)
    if parameters:
        lines.append(f"    cdef double[{len(parameters)}] parameters = [{', '.join(a.name for a in parameters)}]")
    given = ["parameters" if parameters else "NULL", *(a.name for a in operands)]
    lines.append(f'    return _call_{kinds}[floating]({index}, "{spec.name}", {ROLES[role]}, {", ".join(given)})')
    return "\n".join(lines) + "\n"


def declarations():
    """Return the text of the file."""
    calls = [(spec, role, call) for spec in SPECS.values() for role, call in bare_calls(spec).items()]
    wrappers = {}
    for spec, _, call in calls:
        operands = [a for a in call if a.role != "parameter"]
        wrappers["".join(kind(spec, a) for a in operands)] = sum(a.role != "output" for a in operands)
    parts = [HEADER.replace("{count}", str(len(calls)))]
    parts += [wrapper(kinds, inputs) for kinds, inputs in wrappers.items()]
    parts += [declaration(index, *call) for index, call in enumerate(calls)]
    return "\n\n".join(parts)


def main():
    parser = argparse.ArgumentParser(description="Write fastact/__init__.pxd.")
    parser.add_argument("--check", action="store_true", help="write nothing; end with status 1 if it would change")
    if parser.parse_args().check:
        if PXD.read_text(encoding="utf-8") != declarations():
            sys.exit("fastact/__init__.pxd is out of date: run python tools/make_pxd.py")
        return
    PXD.write_text(declarations(), encoding="utf-8")


if __name__ == "__main__":
    main()
