"""Memory that lies in files and between processes; Dask, xarray and pandas objects come back as their own type.

Buffers of all kinds, at every operand, are in contract/test_buffers.py.
"""

from multiprocessing import shared_memory

import numpy as np
import pytest

import helpers


def as_memmap(values, path):
    np.save(path, values)
    return np.load(path, mmap_mode="r+")


def test_a_strided_memoryview(operation, dtype):
    arrays = helpers.arguments(operation, (60,), dtype)
    views = [memoryview(values)[::-2] for values in arrays]
    out = memoryview(np.zeros(60, dtype))[::2]
    operation(*views, out=out)
    helpers.assert_same_bits(np.asarray(out), operation(*[values[::-2] for values in arrays]))


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


def test_half_precision_tensors(activation):
    """NumPy reads those of float16."""
    torch = pytest.importorskip("torch")
    given = helpers.typical(activation)
    tensor = torch.ones(3, dtype=torch.float16)
    assert activation(tensor, **given, out=tensor) is tensor
    helpers.assert_same_bits(tensor.numpy(), activation(np.ones(3, np.float16), **given))
    with pytest.raises(TypeError):
        activation(torch.ones(3, dtype=torch.bfloat16), **given)


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
