# cython: language_level=3
# What a call on a few elements takes from C and from Cython; small_calls.py compiles and runs this.

cimport fastact


def from_c(str name, float[::1] x, float[::1] out, int times):
    cdef const fastact.fa_function *function = fastact.api.find(
        name.encode(), fastact.FA_FORWARD, fastact.FA_FLOAT32)
    cdef void *operands[2]
    cdef int _i
    operands[0], operands[1] = &x[0], &out[0]
    with nogil:
        for _i in range(times):
            fastact.api.run(function, NULL, 1, x.shape[0], operands, NULL, NULL)


def gelu(float[::1] x, float[::1] out, int times):
    cdef int _i
    with nogil:
        for _i in range(times):
            fastact.gelu[float](x, out)


def gelu_of_every_second(float[::1] x, float[::1] out, int times):
    cdef int _i
    with nogil:
        for _i in range(times):
            fastact.gelu[float](x[::2], out[::2])


def elu(float[::1] x, float[::1] out, int times):
    cdef int _i
    with nogil:
        for _i in range(times):
            fastact.elu[float](x, out, 0.5)


def softmax(float[::1] x, float[::1] out, int times):
    cdef int _i
    cdef float[:, ::1] rows = <float[:1, :x.shape[0]]> &x[0]
    cdef float[:, ::1] results = <float[:1, :x.shape[0]]> &out[0]
    with nogil:
        for _i in range(times):
            fastact.softmax[float](rows, results)
