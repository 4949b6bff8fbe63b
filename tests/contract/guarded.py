"""Memory between two pages that cannot be touched: the first byte read or written outside ends the process."""

import ctypes
import math
import mmap

import numpy as np

NO_ACCESS, READ_ONLY = 0, 1  # PROT_NONE, PROT_READ
CANARY = 0xC5
CANARIES = {size: np.full(size, CANARY, np.uint8).view(f"f{size}")[0] for size in (4, 8)}
LAYOUTS = ("C", "F", "reversed", "step 2", "step -3")


def protect(memory, access):
    """Change the access to whole pages."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mprotect(ctypes.c_void_p(memory.ctypes.data), ctypes.c_size_t(memory.nbytes), access):
        raise OSError(ctypes.get_errno(), "mprotect")


class Guarded:
    """Memory between two pages that cannot be touched."""

    def __init__(self, size):
        page = mmap.PAGESIZE
        whole = np.frombuffer(mmap.mmap(-1, -(-max(1, size) // page) * page + 2 * page), np.uint8)
        protect(whole[:page], NO_ACCESS)
        protect(whole[-page:], NO_ACCESS)
        self.bytes = whole[page:-page]

    def array(self, shape, dtype, side, offset=0, layout="C"):
        """Return an array that begins `offset` bytes after the page before, or ends so many before the page after."""
        dtype = np.dtype(dtype)
        step = int(layout.partition(" ")[2] or 1)
        if layout == "F":
            return self.array(shape[::-1], dtype, side, offset).T
        if layout == "reversed":
            return self.array(shape, dtype, side, offset)[(..., *[slice(None, None, -1)] * len(shape))]
        if step != 1 and shape and shape[-1]:
            wide = (*shape[:-1], (shape[-1] - 1) * abs(step) + 1)
            return self.array(wide, dtype, side, offset)[..., ::step]
        start = offset if side == "start" else self.bytes.size - offset - math.prod(shape) * dtype.itemsize
        return np.ndarray(shape, dtype, self.bytes, start)


class Source(Guarded):
    """Memory that cannot be written either, every byte of it the same."""

    def __init__(self, size, fill=0x3F):  # floats that are not special, at whatever offset: 0.747 and 0.00048
        super().__init__(size)
        self.bytes[...] = fill
        protect(self.bytes, READ_ONLY)


class Destination(Guarded):
    """Memory in which every byte that is written shows."""

    def clear(self):
        self.bytes[...] = CANARY

    def written_beside(self, out):
        """Return whether anything but `out`, a part of this memory, was written since clear()."""
        out.fill(CANARIES[out.itemsize])
        return bool((self.bytes != CANARY).any())
