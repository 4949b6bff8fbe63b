"""Not one byte is read or written outside: every buffer stands between two pages that cannot be touched.

All is tried in a process of its own, `python test_guard_pages.py TARGET TYPE`, which the first wrong read ends.
"""

import ctypes
import functools
import math
import mmap
import signal
import subprocess
import sys

import numpy as np
import pytest

import helpers
from fastact import ACTIVATIONS
from fastact.catalogue import ROW

LENGTHS = range(258)
OFFSETS = {"start": range(64), "end": range(9)}  # bytes between the buffer and a page that cannot be touched
STRIDES = (-4, -3, -2, -1, 2, 3, 4)
ROWS = (1, 2, 3, 4, 5, 8, 15, 16, 17, 31, 33)
ROW_LENGTHS = range(1, 70)
NO_ACCESS, READ_ONLY = 0, 1  # PROT_NONE, PROT_READ
CANARY = 0xC5
CANARIES = {size: np.full(size, CANARY, np.uint8).view(f"f{size}")[0] for size in (4, 8)}

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs mmap and mprotect")


class Guarded:
    """Memory between two pages that cannot be touched."""

    def __init__(self, size):
        page = mmap.PAGESIZE
        whole = np.frombuffer(mmap.mmap(-1, -(-size // page) * page + 2 * page), np.uint8)
        protect(whole[:page], NO_ACCESS)
        protect(whole[-page:], NO_ACCESS)
        self.bytes = whole[page:-page]

    def array(self, shape, dtype, side, offset=0):
        """Return an array that begins `offset` bytes after the page before, or ends so many before the page after."""
        start = offset if side == "start" else self.bytes.size - offset - math.prod(shape) * dtype.itemsize
        return np.ndarray(shape, dtype, self.bytes, start)


class Source(Guarded):
    """Memory that cannot be written either: at whatever offset, it holds numbers that are not special."""

    def __init__(self, size):
        super().__init__(size)
        self.bytes[...] = 0x3F
        protect(self.bytes, READ_ONLY)


class Destination(Guarded):
    """Memory in which every byte that is written shows."""

    def check(self, call, out):
        """Make a call that may write `out`, a part of this memory, and nothing beside it."""
        self.bytes[...] = CANARY
        call(out=out)
        out.fill(CANARIES[out.itemsize])
        assert (self.bytes == CANARY).all(), "wrote outside"


def protect(memory, access):
    """Change the access to whole pages."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mprotect(ctypes.c_void_p(memory.ctypes.data), ctypes.c_size_t(memory.nbytes), access):
        raise OSError(ctypes.get_errno(), "mprotect")


def try_contiguous(operation, sources, destination, dtype):
    """Every length, side and alignment (after the start by the offset, before the end by the length too)."""
    for side, offsets in OFFSETS.items():
        for offset in offsets:
            for length in LENGTHS:
                arrays = [source.array((length,), dtype, side, offset) for source in sources]
                out = destination.array((length,), dtype, side, offset)
                yield arrays, out, {}
                if (length + offset) % 4 == 0:
                    arrays[length % len(arrays)] = out
                    yield arrays, out, {}


def try_strided(operation, sources, destination, dtype):
    """The first and the last of some elements apart from each other stand next to the pages."""
    for stride in STRIDES:
        for length in LENGTHS[1:]:
            extent = (length - 1) * abs(stride) + 1
            for side in ("start", "end"):
                *arrays, out = (memory.array((extent,), dtype, side)[::stride] for memory in (*sources, destination))
                yield arrays, out, {}


def try_rows(operation, sources, destination, dtype):
    """Two dimensions; rows along either of them, all of it or what a mask that is guarded too has."""
    masks = Source(sources[0].bytes.size)
    for shape in ((rows, length) for rows in ROWS for length in ROW_LENGTHS):
        for side in ("start", "end"):
            *arrays, out = (memory.array(shape, dtype, side) for memory in (*sources, destination))
            for axis in (0, 1) if operation.rowwise else ():
                yield arrays, out, {"axis": axis}
                if ROW[operation.activation.name].selects:
                    where = masks.array(shape, np.dtype(bool), side)
                    yield arrays, out, {"axis": axis, "where": where, "scale": 0.5, "causal": axis == 1}
            for axis in (0, 1) if operation.activation.kind == "channelwise" else ():
                weight = np.full(shape[axis], 0.5, dtype)
                sums = {"weight_grad": np.empty_like(weight)} if operation.arity == 2 else {}
                yield arrays, out, {"weight": weight, "axis": axis, **sums}
            yield [array[::-1, ::-1] for array in arrays], out[::-1, ::-1], {}


def try_everything(target, dtype):
    longest = LENGTHS[-1] * dtype.itemsize
    sizes = {try_contiguous: longest + 64, try_strided: 4 * longest, try_rows: 20_000}
    for name in ACTIVATIONS:
        for operation in helpers.operations(helpers.on_target(name, target)):
            for attempts, size in sizes.items():
                print(name, operation.kind, attempts.__name__, file=sys.stderr, flush=True)
                sources, destination = [Source(size) for _ in range(operation.arity)], Destination(size)
                for arrays, out, keywords in attempts(operation, sources, destination, dtype):
                    destination.check(functools.partial(operation, *arrays, **keywords), out)
    print("done")


def run(*arguments):
    """Run this file in a process of its own."""
    command = [sys.executable, __file__, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)


def test_nothing_is_read_or_written_outside(target, dtype):
    done = run(target, dtype.name)
    assert (done.returncode, done.stdout) == (0, "done\n"), done.stderr


@pytest.mark.parametrize("fault", ["read before", "read after", "write an input"])
def test_a_touch_outside_ends_the_process(fault):
    """The guard works."""
    assert run(fault).returncode in (-signal.SIGSEGV, -signal.SIGBUS)


@pytest.mark.parametrize("side", ["start", "end"])
def test_a_write_beside_the_array_shows(side):
    destination = Destination(100)
    out = destination.array((3,), np.dtype(np.float32), side, 8)

    def write_too_far(*, out):
        position = out.ctypes.data - destination.bytes.ctypes.data
        destination.bytes[position + (12 if side == "start" else -1)] = 0

    with pytest.raises(AssertionError, match="wrote outside"):
        destination.check(write_too_far, out)


def commit(fault):
    """Touch what cannot be touched."""
    source = Source(100)
    if fault == "write an input":
        ctypes.memset(source.bytes.ctypes.data, 0, 1)
    else:
        array = source.array((5,), np.dtype(np.float32), "start" if fault == "read before" else "end")
        ctypes.string_at(array.ctypes.data + (-1 if fault == "read before" else array.nbytes), 1)


if __name__ == "__main__":
    if len(sys.argv) == 3:
        try_everything(sys.argv[1], np.dtype(sys.argv[2]))
    else:
        commit(sys.argv[1])
