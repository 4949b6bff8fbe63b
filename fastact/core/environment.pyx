# The floating-point environment around what NumPy, and the caller's code, do for a call.

from fastact.core.fpmode cimport fpmode, fpmode_enter, fpmode_leave, fpmode_now


def in_default_mode(function, *args, **keywords):
    """What a function of NumPy makes of arguments, in the mode of kernels, and without a trace in the caller's."""
    cdef fpmode was = fpmode_enter()
    try:
        return function(*args, **keywords)
    except SystemError:  # where its allocations fail, NumPy sometimes sets no error
        raise MemoryError("NumPy has no memory for a result") from None
    finally:
        fpmode_leave(was)


def without_trace(function, *args):
    """The same in the caller's mode, for what may run the caller's code."""
    cdef fpmode was = fpmode_now()
    try:
        return function(*args)
    finally:
        fpmode_leave(was)
