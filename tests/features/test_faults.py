"""What went wrong once where two features met: each of these calls once crashed, lied or changed what it must not."""

import ast
import inspect
import subprocess
import sys
import types
import weakref
from pathlib import Path
from unittest import mock

import numpy as np
import pytest

import fastact as fa
import helpers
from fastact.catalogue import SPECS
from fastact.core import function as core

HUGE = np.broadcast_to(0.0, (1, 2**59 + 1000))  # its bytes, twice, are more than 2^63


def everything():
    """Yield each callable that computes, with what it is a part of."""
    for activation in (*fa.ACTIVATIONS.values(), *fa.REDUCTIONS.values(), *fa.GATES.values()):
        yield activation
        yield activation.backward
        if hasattr(activation, "derivative"):
            yield activation.derivative


# Weights and biases.


@pytest.mark.parametrize("shape", [(64, 4), (3, 5), (4, 6, 7), (2000, 33)], ids=str)
@pytest.mark.parametrize("wide", [("weight",), ("weight", "weight_grad"), ("x",), ("grad",)], ids="+".join)
def test_the_gradient_of_a_weight_is_added_up_in_the_widest_type(target, shape, wide):
    prelu = helpers.on_target("prelu", target)
    rng = np.random.default_rng(0)
    given = {"grad": rng.standard_normal(shape), "x": rng.standard_normal(shape), "weight": rng.random(shape[1])}
    given = {name: values.astype(np.float64 if name in wide else np.float32) for name, values in given.items()}
    weight_grad = np.empty(shape[1])
    out = prelu.backward(**given, weight_grad=weight_grad)
    others = tuple(d for d in range(len(shape)) if d != 1)
    want = np.sum(given["grad"].astype(float) * np.minimum(given["x"], 0), axis=others)
    np.testing.assert_allclose(weight_grad, want, rtol=1e-12, atol=1e-12)
    assert out.dtype == np.float64


@pytest.mark.parametrize("k", [1, 2, 3, 4, 5, 16, 63, 64, 65, 130])
@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1)], ids=str)
def test_every_channel_has_its_own_weight_in_every_order_of_memory(target, dtype, k, order):
    prelu = helpers.on_target("prelu", target)
    rng = np.random.default_rng(k)
    weight = np.array([0.125, 0.25, 0.5], dtype)
    x, grad = (
        rng.standard_normal([(k, 3, k)[d] for d in order]).astype(dtype).transpose(np.argsort(order)) for _ in range(2)
    )
    slope = np.where(x > 0, 1, weight[:, None]).astype(dtype)
    np.testing.assert_array_equal(prelu(x, weight), x * slope)
    np.testing.assert_array_equal(prelu.derivative(x, weight), slope)
    np.testing.assert_array_equal(prelu.backward(grad, x=x, weight=weight), grad * slope)
    np.testing.assert_array_equal(prelu.backward(grad, y=x, weight=weight), grad * slope)


@pytest.mark.parametrize("k", [1, 2, 3, 4, 5, 16, 63, 64, 65, 130])
@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1)], ids=str)
def test_every_column_has_its_own_bias_in_every_order_of_memory(target, dtype, k, order):
    relu = helpers.on_target("relu", target)
    rng = np.random.default_rng(k)
    shape = (3, k, k)
    x, grad = (
        rng.integers(-8, 8, [shape[d] for d in order]).astype(dtype).transpose(np.argsort(order)) for _ in range(2)
    )
    bias = rng.integers(-8, 8, k).astype(dtype)
    np.testing.assert_array_equal(relu(x, bias=bias), np.maximum(x + bias, 0))
    bias_grad = np.empty_like(bias)
    want = grad * (x + bias > 0)
    np.testing.assert_array_equal(relu.backward(grad, x=x, bias=bias, bias_grad=bias_grad), want)
    np.testing.assert_array_equal(bias_grad, want.sum(axis=(0, 1)))
    np.testing.assert_array_equal(relu.backward(grad, x=x, bias=bias, bias_grad=bias_grad, out=grad), want)
    np.testing.assert_array_equal(bias_grad, want.sum(axis=(0, 1)))


# What is no array.


class NoView(np.ndarray):
    """A subclass whose view is no array."""

    def view(self, *args, **kwargs):
        return "no array"


def with_each_argument(replacement):
    """Return calls of every kind, in which each array in turn is what the replacement makes of it."""
    shape = (4, 6)
    vector = dict.fromkeys(("bias", "bias_grad", "weight", "weight_grad"), (6,))
    kinds = [
        (fa.relu, ("x", "bias", "out")),
        (fa.relu.derivative, ("x", "out")),
        (fa.relu.backward, ("grad", "x", "bias", "bias_grad", "out")),
        (fa.prelu, ("x", "weight", "out")),
        (fa.prelu.backward, ("grad", "x", "weight", "weight_grad", "out")),
        (fa.softmax, ("x", "where", "out")),
        (fa.softmax, ("x", "out")),
        (fa.softmax.backward, ("grad", "y", "where", "out")),
        (fa.softmax.backward, ("grad", "y", "out")),
        (fa.logsumexp, ("x", "out")),
        (fa.logsumexp.backward, ("grad", "x", "out")),
        (fa.swiglu, ("gate", "value", "out")),
        (fa.swiglu, ("x", "out")),
        (fa.swiglu.backward, ("grad", "gate", "value", "gate_grad", "value_grad")),
        (fa.swiglu.backward, ("grad", "x", "out")),
    ]
    calls = []
    for function, names in kinds:
        for changed in names:
            arrays = {name: np.ones(vector.get(name, shape)) for name in names}
            if function is fa.swiglu and "x" in names:
                arrays["out"] = np.ones((4, 3))
            if function is fa.swiglu.backward and "x" in names:
                arrays["grad"] = np.ones((4, 3))
            if function.name.startswith("logsumexp"):
                arrays["grad" if "grad" in names else "out"] = np.ones(4)
            if "where" in names:
                arrays["where"] = np.ones(shape, bool)
            arrays[changed] = replacement(arrays[changed])
            calls.append(pytest.param(function, arrays, id=f"{function.name}-{'+'.join(names)}-{changed}"))
    return calls


def imposter(array):
    """Return a mock that passes itself off as an array."""
    return mock.Mock(spec=np.ndarray, shape=array.shape, dtype=array.dtype, ndim=array.ndim)


@pytest.mark.parametrize(("function", "arrays"), with_each_argument(imposter))
def test_what_only_seems_an_array_is_refused(function, arrays):
    with pytest.raises(TypeError, match="cannot read"):
        function(**arrays)


@pytest.mark.parametrize(("function", "arrays"), with_each_argument(lambda array: array.view(NoView)))
def test_an_array_whose_own_view_is_of_nothing_is_taken_for_what_is_in_its_memory(function, arrays):
    plain = {name: np.array(array, subok=False) for name, array in arrays.items()}
    got, want = function(**arrays), function(**plain)
    for one, other in zip(*(each if isinstance(each, tuple) else (each,) for each in (got, want)), strict=True):
        helpers.assert_same_bits(np.asarray(one), other)
    for name, array in arrays.items():  # those written to as well
        helpers.assert_same_bits(np.asarray(array), plain[name])


def series(array):
    """Return a Series of polars."""
    return pytest.importorskip("polars").Series(array.ravel())


def lazy(array):
    """Return an array of Dask that must not be computed."""
    da = pytest.importorskip("dask.array")
    return da.map_blocks(refuse_to_compute, chunks=array.shape, dtype=array.dtype, meta=np.empty((0, 0)))


def refuse_to_compute(block_info=None):
    raise AssertionError("it was computed behind its back")


class Overriding:
    """Overrides __array_ufunc__, and can be read as an array too."""

    def __init__(self, values):
        self.values = values

    def __array_ufunc__(self, ufunc, method, *inputs, **keywords):
        raise AssertionError("this call cannot be handed over")

    def __array__(self, dtype=None, copy=None):
        return self.values


@pytest.mark.parametrize(("function", "arrays"), with_each_argument(Overriding))
def test_no_operand_of_another_library_is_computed_silently(function, arrays):
    if function.kind in ("elementwise", "gate") and "bias" not in arrays and not {"x", "gate_grad"} & arrays.keys():
        pytest.skip("handed over")
    if function is fa.relu.derivative:
        pytest.skip("handed over")
    with pytest.raises(TypeError, match="Overriding"):
        function(**arrays)


def test_a_bias_that_is_none_is_no_bias_to_another_library():
    da = pytest.importorskip("dask.array")
    x = da.ones((4, 4), chunks=2)
    assert isinstance(fa.relu(x, bias=None), da.Array)


def test_a_lazy_operand_is_not_computed():
    da = pytest.importorskip("dask.array")
    x = np.ones((4, 4))
    for call in (
        lambda operand: fa.relu(x, bias=operand),
        lambda operand: fa.prelu(x, operand),
        lambda operand: fa.softmax(x, where=operand > 0),
        lambda operand: fa.logsumexp(operand),
        lambda operand: fa.swiglu(operand),
        lambda operand: fa.swiglu.backward(operand, gate=x, value=x)[0],
        lambda operand: fa.sigmoid_cross_entropy(x, operand),
    ):
        result = call(lazy(x))
        assert isinstance(result, da.Array)
        with pytest.raises(AssertionError, match="behind its back"):
            result.compute()


@pytest.mark.parametrize("kind", [np.float32, np.float64, np.int8, np.int64])
def test_a_polars_series_comes_back_as_one(kind):
    pl = pytest.importorskip("polars")
    values = np.array([1, 0, 1]).astype(kind)
    given = pl.Series("n", values)
    for call in (
        lambda x: fa.relu(x),
        lambda x: fa.elu(x, 0.5),
        lambda x: fa.tanh.derivative(x),
        lambda x: fa.tanh.backward(x, x=x),
        lambda x: fa.swiglu(x, x),
        lambda x: fa.glu(x, x),
    ):
        result = call(given)
        assert type(result) is pl.Series
        assert result.name == "n"
        helpers.assert_same_bits(result.to_numpy(), call(values))


def test_polars_expressions_and_missing_values():
    pl = pytest.importorskip("polars")
    frame = pl.DataFrame({"a": [1.0, None, -1.0]})
    result = frame.select(fa.relu(pl.col("a")), b=fa.leaky_relu(pl.col("a"), 0.5))
    assert result["a"].to_list() == [1, None, 0]
    assert result["b"].to_list() == [1, None, -0.5]


def test_what_polars_does_not_do_names_the_way_out():
    values = np.ones(4)
    for call in (
        lambda x: fa.relu(x, out=x),
        lambda x: fa.relu(values, out=x),
        lambda x: fa.softmax(x, out=x),
        lambda x: fa.logsumexp(x, out=np.zeros(())),
        lambda x: fa.swiglu.backward(values, gate=values, value=values, gate_grad=x),
        lambda x: fa.relu(np.ones((2, 4)), bias=x),
        lambda x: fa.prelu(np.ones((2, 4)), x),
        lambda x: fa.diagnose("relu", x),
    ):
        with pytest.raises(TypeError, match=r"to_numpy\(\)"):
            call(series(values))
    with pytest.raises(TypeError, match=r"to_numpy\(\)"):
        fa.relu(series(values > 0))


# Sizes.


@pytest.mark.parametrize("name", ["logsumexp", "softmax", "log_softmax", "softmin", "sparsemax"])
@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_an_array_larger_than_all_memory_ends_no_process(name, kind):
    code = f"""
import numpy as np, fastact as fa
for shape in ((1, 2**59 + 1000), (2, 2**58 + 1000), (2**58 + 1000,), (2**59 + 1000, 1), (3, 2**57 + 1, 2)):
    x = np.broadcast_to(np.{kind.__name__}(0), shape)
    for axis in range(len(shape)):
        for call in (lambda: fa.{name}(x, axis=axis),
                     lambda: fa.{name}.backward(x, **{{{"x" if name == "logsumexp" else "y"!r}: x}}, axis=axis)):
            if shape[axis] < 1000:
                continue
            try:
                call()
            except (MemoryError, ValueError):
                pass
print("alive")
"""
    assert helpers.python_output(code) == "alive"


def test_huge_broadcasts_end_no_process():
    code = """
import numpy as np, fastact as fa
for kind in (np.float32, np.float64):
    for shape in ((1, 2**59 + 1000), (2**58 + 1000, 2), (0, 2**59 + 1000)):
        x, vector = np.broadcast_to(kind(0), shape), np.broadcast_to(kind(0), shape[-1:])
        total = np.zeros(2, kind)
        for call in (
            lambda: fa.relu(x),
            lambda: fa.relu(x, bias=vector),
            lambda: fa.relu.backward(x, x=x, bias=vector, bias_grad=total),
            lambda: fa.prelu(x, vector),
            lambda: fa.prelu.backward(x, x=x, weight=0.5, weight_grad=total[0, ...]),
            lambda: fa.prelu.backward(x, x=x, weight=vector, weight_grad=total),
            lambda: fa.softmax(x, where=np.broadcast_to(True, shape)),
            lambda: fa.softmax(x, causal=True),
            lambda: fa.swiglu(x, x),
            lambda: fa.swiglu(x),
            lambda: fa.swiglu.backward(x, gate=x, value=x),
            lambda: fa.diagnose("relu", x),
        ):
            try:
                call()
            except (MemoryError, ValueError):
                pass
print("alive")
"""
    assert helpers.python_output(code) == "alive"


@pytest.mark.parametrize("axis", [-(2**63), 2**63, -(2**63) - 1, 2**200, -(2**200)])
def test_an_axis_of_any_size_is_an_axis_error(axis):
    x = np.ones((4, 4))
    for call in (
        lambda: fa.softmax(x, axis),
        lambda: fa.softmax(x, axis, causal=True),
        lambda: fa.softmax.backward(x, y=x, axis=axis),
        lambda: fa.softmax.jacobian(x, axis),
        lambda: fa.logsumexp(x, axis),
        lambda: fa.logsumexp.backward(x, x=x, axis=axis),
        lambda: fa.prelu(x, np.ones(4), axis),
        lambda: fa.prelu.backward(x, x=x, weight=np.ones(4), axis=axis),
        lambda: fa.swiglu(x=x, axis=axis),
        lambda: fa.swiglu.backward(x[:, :2], x=x, axis=axis),
        lambda: fa.diagnose("relu", x, axis=axis),
    ):
        with pytest.raises(np.exceptions.AxisError):
            call()


# Allocations that fail.


@pytest.mark.sampled
def test_an_output_is_untouched_where_memory_runs_out(dtype):
    """In place over the gradient, with sums besides: whatever can fail comes before the first write."""
    pytest.importorskip("resource")
    code = f"""
import resource
import numpy as np, fastact as fa

def permuted(shape, order):
    return np.ones([shape[d] for d in order], np.{dtype.name}).transpose(np.argsort(order))

def room():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[0]) * resource.getpagesize()

fa.set_num_threads(1)
failed = passed = 0
for shape, of_x, of_out in (
    ((40, 50, 2000), (0, 1, 2), (2, 1, 0)),
    ((40, 50, 2000), (1, 0, 2), (0, 1, 2)),
    ((4, 2, 1 << 19), (1, 0, 2), (0, 1, 2)),
    ((4, 2, 1 << 19), (0, 1, 2), (0, 1, 2)),
):
    x, grad, sums = permuted(shape, of_x), permuted(shape, of_out), np.zeros(shape[-1], np.{dtype.name})
    weight_grad = np.zeros(shape[1], np.{dtype.name})
    for size in range(0, 80, {helpers.by_lane(8, 4)}):
        for call in (
            lambda: fa.sigmoid.backward(grad, x=x, bias_grad=sums, out=grad),
            lambda: fa.sigmoid.backward(grad, x=x, bias=sums.copy(), bias_grad=sums, out=grad),
            lambda: fa.prelu.backward(grad, x=x, weight=0.5 * weight_grad[:1], weight_grad=weight_grad[:1], out=grad),
        ):
            grad[...], sums[...], weight_grad[...] = 1, 2, 2
            resource.setrlimit(resource.RLIMIT_AS, (room() + size * (1 << 20) // 4, -1))
            try:
                call()
            except MemoryError:
                resource.setrlimit(resource.RLIMIT_AS, (-1, -1))
                failed += 1
                assert (grad == 1).all() and (sums == 2).all() and (weight_grad == 2).all()
            else:
                resource.setrlimit(resource.RLIMIT_AS, (-1, -1))
                passed += 1
print(failed > 5 and passed > 5)
"""
    if not Path("/proc/self/statm").exists():
        pytest.skip("needs Linux")
    assert helpers.python_output(code) == "True"


def test_no_box_is_written_where_a_later_one_would_fail(dtype, always_parallel):
    """Arrays that are laid out as several boxes, shared out over threads, while Python's allocations fail in turn."""
    testing = pytest.importorskip("_testcapi")
    x = np.ones((3, 3, 3, 3, 64), dtype)[:, ::2, ::2, ::2, ::2]
    out = np.zeros((3, 3, 3, 3, 64), dtype)[:, ::2, ::2, ::2, ::2]
    calls = [
        lambda: fa.sigmoid(x, out=out),
        lambda: fa.softmax(x, out=out),
        lambda: fa.tanh.backward(x, x=x, bias_grad=sums, out=out),
        lambda: fa.prelu.backward(x, x=x, weight=np.full(1, 0.5, dtype), weight_grad=sums[:1], out=out),
    ]
    sums = np.zeros(x.shape[-1], dtype)
    with fa.num_threads(2):
        for call in calls:
            call()
            for number in range(400):
                out[...], sums[...] = 0, 0
                done = False
                testing.set_nomemory(number, number + 1)
                try:
                    call()
                    done = True
                except MemoryError:
                    pass
                finally:
                    testing.remove_mem_hooks()
                if not done:
                    assert not out.any()
                    assert not sums.any()
                elif number > 60:
                    break


# Warnings, errors of NumPy, references, types.


def test_nothing_that_numpy_raises_or_warns_of_happens_in_a_call():
    tiny = np.full((4, 6), 1e-40, np.float32)
    arrays = [tiny, np.full((4, 6), 5e-324), np.full((4, 6), np.finfo(np.float32).max), np.full((4, 6), np.inf)]
    with np.errstate(all="raise"):
        for x in arrays:
            vector = x[0]
            for activation in fa.ACTIVATIONS.values():
                if activation.kind == "rowwise":
                    y = activation(x)
                    activation.backward(x, y=y)
                elif activation.kind == "channelwise":
                    weight = np.minimum(vector, 1)
                    activation(x, weight)
                    activation.backward(x, x=x, weight=weight, weight_grad=np.empty_like(vector))
                else:
                    typical = helpers.typical(activation)
                    activation(x, **typical, bias=vector)
                    activation.derivative(x, **typical)
                    activation.backward(x, x=x, **typical, bias=vector, bias_grad=np.empty_like(vector))
                    if not typical:
                        fa.diagnose(activation, x)
                        fa.diagnose(activation, [-745.0, -746.0], saturated_below=5e-324)
            fa.softmax(x, scale=1e-30, where=x > 0, causal=True)
            fa.logsumexp(x, keepdims=True)
            fa.logsumexp(x[:0], axis=0, out=np.empty(6, x.dtype))
            fa.logsumexp.backward(vector[:4], x=x)
            fa.swiglu(x)
            fa.swiglu.backward(x, gate=x, value=x)


@pytest.mark.filterwarnings("error")
def test_no_conversion_warns():
    class OldArray:
        def __array__(self, dtype=None):
            return np.ones(3)

    class OldOut(OldArray):
        memory = np.ones(3)

        def __array__(self, dtype=None):
            return self.memory

    for given in (OldArray(), [True, False], [1, 2.5], range(3), [[1], [2]], np.int8([1, 2]), memoryview(b"abc"), []):
        fa.relu(given)
    fa.relu(np.ones(3), out=OldOut())
    for one in (np.array([0.5]), np.array([[0.5]])):
        with pytest.raises(TypeError):
            fa.leaky_relu(np.ones(3), one)
    pandas = pytest.importorskip("pandas")
    with pytest.raises(TypeError):
        fa.leaky_relu(np.ones(3), pandas.Series([0.5]))


@pytest.mark.parametrize("function", list(everything()), ids=lambda function: function.name)
def test_takes_weak_references(function):
    assert weakref.ref(function)() is function
    assert weakref.WeakKeyDictionary({function: 1})[function] == 1


def test_a_weak_reference_dies_with_its_function():
    function = core.on_target(fa.relu, core.TARGET)
    reference = weakref.ref(function)
    del function
    assert reference() is None


def test_an_array_that_is_read_only_is_diagnosed(dtype):
    x = np.array([[-1, 2, 3], [-3, -4, 5]], dtype)
    want = str(fa.diagnose("relu", x))
    x.flags.writeable = False
    assert str(fa.diagnose("relu", x)) == want
    assert str(fa.diagnose("relu", np.broadcast_to(x, (2, 2, 3)))) == want


def test_code_of_the_caller_runs_before_an_array_is_diagnosed():
    code = """
import numpy as np, fastact as fa
class Shrinks:
    def __init__(self, gives, shrinks):
        self.gives, self.shrinks = gives, shrinks
    def __float__(self):
        self.shrinks.resize((1,), refcheck=False)
        return 0.5
    def __index__(self):
        self.shrinks.resize((1,), refcheck=False)
        return -1
for keyword in ("alpha", "axis", "saturated_below"):
    x = np.ones(1 << 24)
    assert fa.diagnose("elu", x, **{keyword: Shrinks(None, x)}).dead_by_unit.size == 1
print("alive")
"""
    assert helpers.python_output(code) == "alive"


def overloads(name, classes):
    """Return the __call__ methods of a class of the stub, its own or those that it inherits."""
    own = [part for part in classes[name].body if isinstance(part, ast.FunctionDef) and part.name == "__call__"]
    bases = [base.id for base in classes[name].bases if getattr(base, "id", None) in classes]
    return own or next(filter(None, (overloads(base, classes) for base in bases)), [])


def stub_signatures():
    """Yield each callable of the stub with the names of each of its overloads' arguments."""
    body = ast.parse((Path(fa.__file__).with_name("__init__.pyi")).read_text()).body
    classes = {node.name: node for node in body if isinstance(node, ast.ClassDef)}
    for node in body:
        if isinstance(node, ast.AnnAssign) and getattr(node.annotation, "id", None) in classes:
            for part in overloads(node.annotation.id, classes):
                arguments = part.args
                yield (
                    node.target.id,
                    [each.arg for each in (*arguments.posonlyargs, *arguments.args)][1:],
                    [each.arg for each in arguments.kwonlyargs],
                )


def test_the_stub_has_arguments_in_the_order_of_the_call():
    checked = set()
    for name, positional, keywords in stub_signatures():
        function = getattr(fa, name)
        parameters = inspect.signature(function).parameters.values()
        by_position = [each.name for each in parameters if each.kind is not each.KEYWORD_ONLY]
        if positional != ["x"]:
            assert positional == by_position[: len(positional)], name
        assert {*positional, *keywords} <= {"x", *inspect.signature(function).parameters}, name
        checked.add(name)
    assert checked == {*SPECS}


# What watches its memory for changes.


class Tensor:
    """Stands in for torch's: wraps an array, and counts the versions of what it holds."""

    def __init__(self, values, inference=False):
        self.values, self.version, self.inference = values, 0, inference

    def __array__(self, dtype=None, copy=None):
        return self.values


@pytest.fixture
def torch(monkeypatch):
    """A module that stands in for torch as far as it is asked."""

    def increment_version(tensor):
        if tensor.inference:
            raise RuntimeError("inference tensors do not track versions")
        tensor.version += 1

    module = types.ModuleType("torch")
    module.Tensor = Tensor
    module.autograd = types.SimpleNamespace(graph=types.SimpleNamespace(increment_version=increment_version))
    monkeypatch.setitem(sys.modules, "torch", module)
    return module


OUTPUTS = ("out", "bias_grad", "weight_grad", "gate_grad", "value_grad")


@pytest.mark.parametrize(("function", "arrays"), with_each_argument(Tensor))
def test_writing_to_a_tensor_raises_its_version(torch, function, arrays):
    function(**arrays)
    for name, array in arrays.items():
        if isinstance(array, Tensor):
            assert array.version == (name in OUTPUTS)


def test_a_refused_call_leaves_the_version(torch):
    tensor = Tensor(np.ones((4, 6)))
    for call in (
        lambda: fa.relu(np.ones(3), out=tensor),
        lambda: fa.relu(np.ones((4, 6), np.float32), out=tensor),
        lambda: fa.leaky_relu(np.ones((4, 6)), np.nan, out=tensor),
        lambda: fa.relu.backward(np.ones((4, 6)), x=np.ones((4, 6)), bias_grad=np.ones(5), out=tensor),
        lambda: fa.softmax(np.ones((4, 6)), scale=-1, out=tensor),
    ):
        with pytest.raises((TypeError, ValueError)):
            call()
    assert tensor.version == 0
    inference = Tensor(np.ones(3), inference=True)
    fa.relu(np.ones(3), out=inference)
    assert inference.version == 0


def test_torch_is_not_imported():
    code = "import sys, numpy as np, fastact as fa; fa.relu([1.0], out=memoryview(np.ones(1))); print('torch' in sys.modules)"
    assert helpers.python_output(code) == "False"


# Memory that is not aligned.


def test_no_look_at_misaligned_numbers_is_undefined(tmp_path):
    """fpmode.h, compiled with a sanitizer where there is one."""
    source = tmp_path / "misaligned.c"
    source.write_text(
        '#include "fpmode.h"\n#include <stdio.h>\nint main(void)\n{\n'
        "    static char bytes[64];\n"
        '    printf("%d %d\\n", (int)fpmode_first_outside(bytes + 1, 1, 3, 0, 1),\n'
        "           (int)fpmode_first_outside(bytes + 1, 0, 3, 0, 1));\n    return 0;\n}\n"
    )
    program = tmp_path / "misaligned"
    include = Path(__file__).parents[2] / "fastact"
    command = ["cc", "-std=gnu11", "-fsanitize=alignment", "-fno-sanitize-recover", f"-I{include}"]
    try:
        built = subprocess.run([*command, source, "-o", program], capture_output=True, check=False)
    except FileNotFoundError:
        pytest.skip("no compiler")
    if built.returncode:
        pytest.skip("no sanitizer")
    done = subprocess.run([program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "3 3\n", "")


# What the caller's code does meanwhile.


def test_an_array_that_becomes_one_of_another_type_during_a_call_cannot_crash_it():
    code = """
import numpy as np, fastact as fa

class Swaps:
    def __init__(self, gives, changes, to):
        self.gives, self.changes, self.to = gives, changes, to
    def __array__(self, dtype=None, copy=None):
        self.changes.dtype = self.to
        return self.gives

for to in (">f8", "i8", "f4"):
    for call in (
        lambda x, out: fa.relu(x, out=out),
        lambda x, out: fa.relu.derivative(x, out=out),
        lambda x, out: fa.relu.backward(x, x=x, out=out),
        lambda x, out: fa.relu(x, bias=x[0], out=out),
        lambda x, out: fa.prelu(x, 0.5, out=out),
        lambda x, out: fa.prelu.derivative(x, x[0], out=out),
        lambda x, out: fa.prelu.backward(x, x=x, weight=0.5, out=out),
        lambda x, out: fa.softmax(x, out=out),
        lambda x, out: fa.softmax(x, causal=True, out=out),
        lambda x, out: fa.softmax.backward(x, y=x, out=out),
        lambda x, out: fa.logsumexp(x, keepdims=True, out=out),
        lambda x, out: fa.logsumexp.backward(x[0], x=x, out=out),
        lambda x, out: fa.swiglu(x, x, out=out),
        lambda x, out: fa.swiglu(x, out=out),
        lambda x, out: fa.swiglu.backward(x, gate=x, value=x, value_grad=out),
        lambda x, out: fa.swiglu.backward(x[:, :2], x=x, out=out),
    ):
        x = np.ones((4, 4))
        try:
            call(x, Swaps(np.ones((4, 4)), x, to))
        except (TypeError, ValueError):
            pass

class Shrinks:
    def __init__(self, shrinks):
        self.shrinks = shrinks
    def __index__(self):
        self.shrinks.resize((1,), refcheck=False)
        return -1

y = np.ones(1 << 12)
assert fa.softmax.jacobian(y, Shrinks(y)).shape == (1, 1)
print("alive")
"""
    assert helpers.python_output(code) == "alive"


def test_conversions_leave_no_trace_in_the_floating_point_registers():
    before = helpers.read_registers()
    if len(before) > 1:
        pytest.skip("written for x86-64")
    x = np.arange(12).reshape(3, 4)
    try:
        for status in (0x1F80, 0x1FBF, 0x5FBF, 0xDFC0):  # flags up and down, rounding up and down
            for call in (
                lambda: fa.relu(x),
                lambda: fa.tanh([0.1, 2, True]),
                lambda: fa.softmax(x, where=[True, False, True, True], causal=True),
                lambda: fa.prelu(x, [1, 2, 3, 4]),
                lambda: fa.logsumexp(x),
                lambda: fa.swiglu(x),
                lambda: fa.diagnose("gelu", [-745.0, -746.0, 1e300], saturated_below=5e-324),
            ):
                helpers.write_registers((status,))
                call()
                after = helpers.read_registers()
                helpers.write_registers(before)
                assert after == (status,)
    finally:
        helpers.write_registers(before)


def test_integers_and_shares_are_the_same_in_every_rounding_mode():
    before = helpers.read_registers()
    if len(before) > 1:
        pytest.skip("written for x86-64")
    batch = np.linspace(-3, 3, 1001)
    calls = [
        lambda: fa.identity(np.array([2**62 + 1, 2**53 + 1, -(2**53) - 1])).tobytes(),
        lambda: repr(fa.diagnose("gelu", batch).mean_slope),
    ]
    want = [call() for call in calls]
    for mode in (0x3F80, 0x5F80, 0x7F80):
        helpers.write_registers((mode,))
        try:
            got = [call() for call in calls]
        finally:
            helpers.write_registers(before)
        assert got == want


SEVERAL_AXES = {
    "softmax": lambda x, axis: fa.softmax(x, axis),
    "softmax.backward": lambda x, axis: fa.softmax.backward(x, y=x, axis=axis),
    "logsumexp": lambda x, axis: fa.logsumexp(x, axis),
    "logsumexp.backward": lambda x, axis: fa.logsumexp.backward(x, x=x, axis=axis),
}
ONE_AXIS = {
    "softmax.jacobian": lambda x, axis: fa.softmax.jacobian(x, axis),
    "prelu": lambda x, axis: fa.prelu(x, np.ones(4), axis),
    "diagnose": lambda x, axis: fa.diagnose("relu", x, axis=axis),
    "swiglu": lambda x, axis: fa.swiglu(x, axis=axis),
    "softmax_cross_entropy": lambda x, axis: fa.softmax_cross_entropy(x, x, axis=axis),
}


@pytest.mark.parametrize("axis", [1.0, None, "0", [0], (0, 1), b"0"], ids=str)
def test_an_axis_of_the_wrong_type_is_refused_by_the_function_s_name(axis):
    x = np.ones((4, 4))
    several = {} if axis is None or axis == (0, 1) else SEVERAL_AXES
    for name, call in {**several, **ONE_AXIS}.items():
        with pytest.raises(TypeError, match=rf"^{name}\(\): axis must be an int"):
            call(x, axis)


def test_an_axis_that_is_given_twice_is_refused_by_the_function_s_name():
    for name, call in SEVERAL_AXES.items():
        with pytest.raises(ValueError, match=rf"^{name}\(\): duplicate value in 'axis'"):
            call(np.ones((4, 4)), (1, -1))


def test_a_ragged_list_is_refused_by_its_name():
    for call in (lambda: fa.relu([[1], [1, 2]]), lambda: fa.softmax.backward([1.0], y=[[1], [1, 2]])):
        with pytest.raises(ValueError, match=r"^(relu\(\) cannot read x|softmax\.backward\(\) cannot read y), a list"):
            call()
