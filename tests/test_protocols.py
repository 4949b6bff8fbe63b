"""Buffers of other kinds are wrapped without a copy; Dask, xarray and pandas objects come back as their own type."""

import array
import ctypes
import mmap
from multiprocessing import shared_memory

import numpy as np
import pytest

import helpers


def as_array_array(values):
    return array.array(values.dtype.char, values.ravel().tolist())


def as_memoryview(values):
    return memoryview(values.copy())


def as_ctypes(values):
    kind = {"f": ctypes.c_float, "d": ctypes.c_double}[values.dtype.char]
    return (kind * values.size)(*values.ravel().tolist())


def as_memmap(values, path):
    np.save(path, values)
    return np.load(path, mmap_mode="r+")


class HasArray:
    """Offers __array__ and nothing else."""

    def __init__(self, values):
        self.values = values

    def __array__(self, dtype=None, copy=None):
        return self.values


class HasDLPack:
    """Offers DLPack and nothing else."""

    def __init__(self, values):
        self.values = values

    def __dlpack__(self, **keywords):
        return self.values.__dlpack__(**keywords)

    def __dlpack_device__(self):
        return self.values.__dlpack_device__()


class HasInterface:
    """Offers __array_interface__ and nothing else."""

    def __init__(self, values):
        self.values = values
        self.__array_interface__ = values.__array_interface__


WRAPPERS = {
    "array.array": as_array_array,
    "memoryview": as_memoryview,
    "ctypes": as_ctypes,
    "__array__": lambda values: HasArray(values.copy()),
    "__dlpack__": lambda values: HasDLPack(values.copy()),
    "__array_interface__": lambda values: HasInterface(values.copy()),
}


def content(wrapped):
    """Return what a wrapped buffer holds now, read without the help of fastact."""
    return np.array(getattr(wrapped, "values", wrapped))


@pytest.mark.parametrize("wrap", WRAPPERS.values(), ids=WRAPPERS)
def test_a_buffer_is_read(operation, dtype, wrap):
    arrays = helpers.arguments(operation, (60,), dtype)
    want = operation(*arrays)
    for position in range(operation.arity):
        given = [wrap(values) if k == position else values for k, values in enumerate(arrays)]
        helpers.assert_same_bits(operation(*given), want)
    result = operation(*map(wrap, arrays))
    assert type(result) is np.ndarray
    helpers.assert_same_bits(result, want)


@pytest.mark.parametrize("wrap", WRAPPERS.values(), ids=WRAPPERS)
def test_a_buffer_is_written_through(operation, dtype, wrap):
    arrays = helpers.arguments(operation, (60,), dtype)
    want = operation(*arrays)
    out = wrap(np.zeros(60, dtype))
    assert operation(*arrays, out=out) is out
    helpers.assert_same_bits(content(out), want)


@pytest.mark.parametrize("wrap", WRAPPERS.values(), ids=WRAPPERS)
def test_a_buffer_is_computed_in_place(operation, dtype, wrap):
    arrays = helpers.arguments(operation, (60,), dtype)
    want = operation(*arrays)
    for position in range(operation.arity):
        given = list(map(wrap, arrays))
        assert operation(*given, out=given[position]) is given[position]
        helpers.assert_same_bits(content(given[position]), want)


def test_a_read_only_buffer_is_refused_as_out(operation, dtype):
    arrays = helpers.arguments(operation, (6,), dtype)
    values = np.zeros(6, dtype)
    read_only = values.view()
    read_only.flags.writeable = False
    for out in (values.tobytes(), memoryview(values).toreadonly(), HasArray(read_only), HasInterface(read_only)):
        with pytest.raises((ValueError, TypeError)):
            operation(*arrays, out=out)
    assert not values.any()


def test_an_array_method_that_copies_is_refused_as_out(operation):
    """What __array__ returns afresh each time would swallow the result."""

    class Copies:
        def __init__(self):
            self.values = np.zeros(6)

        def __array__(self, dtype=None, copy=None):
            if copy is False:
                raise ValueError("cannot be had without a copy")
            return self.values.copy()

    arrays, out = helpers.arguments(operation, (6,), np.float64), Copies()
    with pytest.raises(TypeError, match=r"out|copy"):
        operation(*arrays, out=out)
    assert not out.values.any()


def test_a_buffer_of_many_dimensions(operation, dtype):
    arrays = helpers.arguments(operation, (3, 4, 5), dtype)
    out = memoryview(np.zeros((3, 4, 5), dtype))
    operation(*map(memoryview, arrays), out=out)
    helpers.assert_same_bits(np.asarray(out), operation(*arrays))


def test_a_strided_memoryview(operation, dtype):
    arrays = helpers.arguments(operation, (60,), dtype)
    views = [memoryview(values)[::-2] for values in arrays]
    out = memoryview(np.zeros(60, dtype))[::2]
    operation(*views, out=out)
    helpers.assert_same_bits(np.asarray(out), operation(*[values[::-2] for values in arrays]))


def test_a_memoryview_of_bytes_cast_to_floats(operation, dtype):
    arrays = helpers.arguments(operation, (12,), dtype)
    casts = [memoryview(bytearray(values.tobytes())).cast(dtype.char) for values in arrays]
    helpers.assert_same_bits(operation(*casts), operation(*arrays))


def test_a_memmap(operation, dtype, tmp_path):
    arrays = helpers.arguments(operation, (40, 7), dtype)
    want = operation(*arrays)
    maps = [as_memmap(values, tmp_path / f"{k}.npy") for k, values in enumerate(arrays)]
    helpers.assert_same_bits(operation(*maps), want)
    assert operation(*maps, out=maps[0]) is maps[0]
    maps[0].flush()
    helpers.assert_same_bits(np.load(tmp_path / "0.npy"), want)
    read_only = np.load(tmp_path / "0.npy", mmap_mode="r")
    with pytest.raises(ValueError, match=r"read-only|readonly|writ"):
        operation(*maps, out=read_only)


def test_an_anonymous_map(operation, dtype):
    arrays = helpers.arguments(operation, (40,), dtype)
    with mmap.mmap(-1, mmap.PAGESIZE) as memory:
        out = np.frombuffer(memory, dtype, 40)
        operation(*arrays, out=out)
        helpers.assert_same_bits(out, operation(*arrays))
        del out


def test_shared_memory(operation, dtype):
    arrays = helpers.arguments(operation, (40,), dtype)
    block = shared_memory.SharedMemory(create=True, size=40 * dtype.itemsize)
    try:
        out = np.ndarray((40,), dtype, block.buf)
        assert operation(*arrays, out=out) is out
        helpers.assert_same_bits(np.frombuffer(bytes(block.buf[: 40 * dtype.itemsize]), dtype), operation(*arrays))
        del out
        as_bytes = block.buf[: 40 * dtype.itemsize]
        cast = as_bytes.cast(dtype.char)
        cast[0] = 0.0
        operation(*arrays, out=cast)
        helpers.assert_same_bits(np.frombuffer(bytes(as_bytes), dtype), operation(*arrays))
        cast.release()
        as_bytes.release()
    finally:
        block.close()
        block.unlink()


def test_no_buffer_is_kept_after_the_call(operation, dtype):
    """A bytearray cannot be resized while anyone holds its buffer."""
    memory = bytearray(40 * dtype.itemsize)
    operation(*[memoryview(memory).cast(dtype.char)] * operation.arity, out=memoryview(memory).cast(dtype.char))
    with pytest.raises((TypeError, ValueError)):
        operation(*[memoryview(memory).cast(dtype.char)] * operation.arity, out=memoryview(memory)[:8])
    memory.extend(b"more")


def test_dlpack_elsewhere_than_on_the_cpu_is_refused():
    class OnGPU(HasDLPack):
        def __dlpack_device__(self):
            return (2, 0)

        def __dlpack__(self, **keywords):
            raise BufferError("not on the CPU")

    import fastact as fa

    with pytest.raises((TypeError, BufferError)):
        fa.relu(OnGPU(np.ones(3)))


# Other libraries.


def test_torch_tensors_go_in_and_out_without_a_copy(operation, dtype):
    torch = pytest.importorskip("torch")
    arrays = helpers.arguments(operation, (40, 3), dtype)
    want = operation(*arrays)
    tensors = [torch.from_numpy(values.copy()) for values in arrays]
    helpers.assert_same_bits(operation(*tensors), want)
    out = torch.zeros(40, 3, dtype=tensors[0].dtype)
    assert operation(*tensors, out=out) is out
    helpers.assert_same_bits(out.numpy(), want)
    assert operation(*tensors, out=tensors[0]) is tensors[0]
    helpers.assert_same_bits(tensors[0].numpy(), want)
    transposed = torch.zeros(3, 40, dtype=out.dtype).t()
    operation(*arrays, out=transposed)
    helpers.assert_same_bits(transposed.numpy(), want)


def test_a_torch_tensor_that_requires_grad_is_refused(activation):
    torch = pytest.importorskip("torch")
    tensor = torch.ones(3, requires_grad=True)
    with pytest.raises(TypeError):
        activation(tensor)
    with pytest.raises(TypeError):
        activation(np.ones(3, np.float32), out=tensor)
    assert (tensor.detach().numpy() == 1).all()


def test_half_precision_tensors_are_refused(activation):
    torch = pytest.importorskip("torch")
    for kind in (torch.float16, torch.bfloat16):
        with pytest.raises(TypeError):
            activation(torch.ones(3, dtype=kind))


def with_every_example(operation):
    return helpers.example_parameters(operation.activation)


def test_dask_arrays_come_back_lazy_and_by_chunks(elementwise_operation, dtype):
    da = pytest.importorskip("dask.array")
    arrays = helpers.arguments(elementwise_operation, (30, 40), dtype)
    chunked = [da.from_array(values, chunks=(10, 20)) for values in arrays]
    for parameters in with_every_example(elementwise_operation):
        result = elementwise_operation(*chunked, **parameters)
        assert isinstance(result, da.Array)
        assert result.dtype == dtype
        assert result.chunks == chunked[0].chunks
        want = elementwise_operation(*arrays, **parameters)
        helpers.assert_same_bits(result.compute(scheduler="synchronous"), want)


def test_dask_computes_nothing_before_it_is_asked(activation):
    da = pytest.importorskip("dask.array")
    computed = []

    def chunk(block_info=None):
        computed.append(1)
        return np.ones((5, 5))

    x = da.map_blocks(chunk, chunks=((5, 5), (5, 5)), dtype=float, meta=np.empty((0, 0)))
    result = activation(x, **helpers.typical(activation))
    assert not computed
    result.compute(scheduler="synchronous")
    assert len(computed) == 4


def test_xarray_objects_come_back_as_their_own_type(elementwise_operation, dtype):
    xarray = pytest.importorskip("xarray")
    arrays = helpers.arguments(elementwise_operation, (3, 4), dtype)
    coordinates = {"row": [10, 20, 30], "column": list("abcd")}
    labelled = [xarray.DataArray(values, coords=coordinates, dims=("row", "column"), name="x") for values in arrays]
    for parameters in with_every_example(elementwise_operation):
        want = elementwise_operation(*arrays, **parameters)
        result = elementwise_operation(*labelled, **parameters)
        assert type(result) is xarray.DataArray
        assert result.dims == ("row", "column")
        assert list(result.coords["column"].values) == list("abcd")
        helpers.assert_same_bits(result.values, want)
        datasets = [xarray.Dataset({"a": given, "b": given}) for given in labelled]
        result = elementwise_operation(*datasets, **parameters)
        assert type(result) is xarray.Dataset
        helpers.assert_same_bits(result["b"].values, want)


def test_pandas_objects_come_back_as_their_own_type(elementwise_operation, dtype):
    pandas = pytest.importorskip("pandas")
    arrays = helpers.arguments(elementwise_operation, (3, 4), dtype)
    frames = [pandas.DataFrame(values, index=list("xyz"), columns=list("abcd")) for values in arrays]
    for parameters in with_every_example(elementwise_operation):
        want = elementwise_operation(*arrays, **parameters)
        result = elementwise_operation(*frames, **parameters)
        assert type(result) is pandas.DataFrame
        assert (list(result.index), list(result.columns)) == (list("xyz"), list("abcd"))
        helpers.assert_same_bits(result.to_numpy(), want)
        result = elementwise_operation(*[frame["b"] for frame in frames], **parameters)
        assert type(result) is pandas.Series
        assert result.dtype == dtype
        assert (result.name, list(result.index)) == ("b", list("xyz"))
        helpers.assert_same_bits(result.to_numpy(), want[:, 1])


def test_a_pandas_series_of_integers(activation):
    pandas = pytest.importorskip("pandas")
    required = helpers.typical(activation)
    result = activation(pandas.Series([0, 1, 2], name="n"), **required)
    assert type(result) is pandas.Series
    assert result.name == "n"
    helpers.assert_same_bits(result.to_numpy(), activation(np.array([0.0, 1.0, 2.0]), **required))
