"""`fastact.jax`: every function and its gradient give Python's bits in compiled functions, whatever XLA's threads do."""

import os
import shutil
import subprocess
import sysconfig
import threading
from pathlib import Path

import numpy as np
import pytest

import fastact as fa
import helpers
from fastact.catalogue import SPECS

jax = pytest.importorskip("jax")
import jax.numpy as jnp

import fastact.jax as fj

PROJECT = Path(__file__).resolve().parents[2]
TYPES = pytest.mark.parametrize("dtype", [np.float32, np.float64])
SHAPES = [(3, 37), (2, 40_000), (300, 300), (0, 5), (4,)]


@pytest.fixture(autouse=True)
def with_float64():
    with jax.enable_x64(True):
        yield


def arrays(name, shape, dtype, seed=0):
    """Return the inputs of a function."""
    rng = np.random.default_rng(seed)
    return [(3 * rng.standard_normal(shape)).astype(dtype) for _ in SPECS[name].inputs or ("x",)]


def gradients(name, inputs, grad, **given):
    """Return Python's gradients, from the output where that is enough."""
    spec, function = SPECS[name], getattr(fa, name)
    if spec.kind == "gate":
        named = dict(zip(spec.inputs, inputs, strict=True))
        found = dict(zip(("gate", "value"), function.backward(grad, **named), strict=True))
        return tuple(found[name] for name in spec.inputs)
    (x,) = inputs
    source = {"y": function(x, **given)} if spec.from_y else {"x": x}
    return (function.backward(grad, **source, **given),)


def test_it_has_all_of_the_catalogue_but_what_it_says():
    left_out = set(SPECS) - set(fj.__all__)
    assert left_out == {"prelu", "softmax_cross_entropy", "sigmoid_cross_entropy"}


@pytest.mark.sampled
@TYPES
@pytest.mark.parametrize("name", fj.__all__)
def test_functions_and_gradients_give_the_bits_of_python(name, dtype):
    given = helpers.typical(getattr(fa, name)) if name in fa.ACTIVATIONS else {}
    ours = jax.jit(lambda *inputs: getattr(fj, name)(*inputs, **given))
    both = jax.jit(lambda grad, *inputs: jax.vjp(lambda *them: getattr(fj, name)(*them, **given), *inputs)[1](grad))
    for shape in helpers.by_lane(SHAPES[:2], SHAPES):
        inputs = arrays(name, shape, dtype)
        want = getattr(fa, name)(*inputs, **given)
        helpers.assert_same_bits(ours(*inputs), want)
        grad = np.random.default_rng(1).standard_normal(want.shape).astype(dtype)
        for got, wanted in zip(both(grad, *inputs), gradients(name, inputs, grad, **given), strict=True):
            helpers.assert_same_bits(got, wanted)


def test_rows_lie_along_any_axis_and_vmap_adds_one():
    x = np.random.default_rng(0).standard_normal((3, 4, 5)).astype(np.float32)
    for axis in (0, 1, -1):
        helpers.assert_same_bits(fj.softmax(x, axis), fa.softmax(x, axis=axis))
        helpers.assert_same_bits(fj.logsumexp(x, axis=axis), fa.logsumexp(x, axis=axis))
        helpers.assert_same_bits(fj.softmax(x, axis, scale=0.3), fa.softmax(x, axis=axis, scale=0.3))
    helpers.assert_same_bits(jax.vmap(fj.softmax)(x), fa.softmax(x))
    helpers.assert_same_bits(jax.vmap(fj.gelu, in_axes=1, out_axes=1)(x), fa.gelu(x))
    slopes = jax.vmap(jax.grad(fj.gelu))(x.ravel())
    helpers.assert_same_bits(slopes, fa.gelu.backward(np.ones(60, np.float32), x=x.ravel()))


def test_a_parameter_outside_the_range_of_the_output_takes_the_input():
    """Negative slopes do not let the output tell the input's sign."""
    x = np.linspace(-3, 3, 50)
    got = jax.grad(lambda x: fj.leaky_relu(x, -0.5).sum())(x)
    np.testing.assert_array_equal(got, fa.leaky_relu.backward(np.ones(50), x=x, negative_slope=-0.5))


def test_results_have_the_type_of_the_operands():
    x = jnp.linspace(-3, 3, 7)
    for dtype in (jnp.bfloat16, jnp.float16, jnp.float32, jnp.float64):
        y, backward = jax.vjp(fj.gelu, x.astype(dtype))
        assert y.dtype == backward(y)[0].dtype == dtype
        wide = jnp.float64 if dtype == jnp.float64 else jnp.float32
        helpers.assert_same_bits(y, jnp.asarray(fa.gelu(np.asarray(x.astype(dtype), wide))).astype(dtype))
    assert fj.gelu(jnp.arange(3)).dtype == jnp.float64
    assert fj.gelu(2.0).shape == ()
    assert fj.swiglu(x, 1.0).shape == x.shape


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: fj.elu(np.ones(3), float("nan")), jax.errors.JaxRuntimeError, "parameter"),
        (lambda: fj.softmax(1.0), ValueError, "axis"),
        (lambda: fj.gelu(np.ones(3), dim=1), TypeError, "dim"),
        (lambda: jax.jit(fj.elu)(np.ones(3), 0.5), jax.errors.ConcretizationTypeError, "concrete"),
        (lambda: jax.grad(jax.grad(fj.gelu))(1.0), ValueError, "cannot be differentiated"),
    ],
)
def test_what_is_wrong_is_said(call, error, message):
    with pytest.raises(error, match=message):
        call()


@pytest.mark.parametrize(
    ("inputs", "given", "message"),
    [
        ([np.ones(3)], {"name": "no_such"}, "no such function"),
        ([np.ones(3)], {"name": "x" * 100}, "no such function"),
        ([np.ones(3)], {"name": "swiglu"}, "no such function"),
        ([np.ones(3, np.int32)], {"name": "gelu"}, "no such function"),
        ([np.ones(3), np.ones(3, np.float32)], {"name": "swiglu"}, "different types"),
        ([np.ones(3), np.ones(4)], {"name": "swiglu"}, "different shapes"),
        ([np.ones(3)], {"name": "elu"}, "parameters are missing"),
    ],
)
def test_a_call_that_does_not_fit_is_refused_by_the_handler(inputs, given, message):
    result = jax.ShapeDtypeStruct((3,), np.float64)
    with pytest.raises(jax.errors.JaxRuntimeError, match=message):
        jax.ffi.ffi_call(fj.TARGET, result)(*inputs, role=np.int64(0), **given).block_until_ready()


def test_many_threads_at_once_get_the_right_bits():
    x = np.random.default_rng(0).standard_normal((64, 20_000)).astype(np.float32)
    network = jax.jit(lambda x: fj.softmax(fj.gelu(x)) + fj.tanh(x))
    want, wrong = fa.softmax(fa.gelu(x)) + fa.tanh(x), []

    def work():
        wrong.extend(k for k in range(10) if not np.array_equal(network(x), want))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_a_network_trains():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((128, 8))
    target = np.sin(x.sum(axis=1, keepdims=True))
    weights = [rng.standard_normal((8, 32)) / 3, rng.standard_normal((32, 1)) / 6]

    def loss(weights, activation):
        return jnp.mean((activation(x @ weights[0]) @ weights[1] - target) ** 2)

    steps = {}
    for name, activation in {"ours": fj.mish, "theirs": jax.nn.mish}.items():
        step = jax.jit(jax.value_and_grad(lambda weights, activation=activation: loss(weights, activation)))
        trained, steps[name] = weights, []
        for _ in range(30):
            value, grads = step(trained)
            trained = [w - 0.1 * g for w, g in zip(trained, grads, strict=True)]
            steps[name].append(float(value))
    assert steps["ours"][-1] < steps["ours"][0] / 2
    np.testing.assert_allclose(steps["ours"], steps["theirs"], rtol=1e-9)


def test_importing_fastact_does_not_import_jax():
    assert helpers.python_output("import sys, fastact; print('jax' in sys.modules, 'fastact._xla' in sys.modules)") == (
        "False False"
    )


# What _xla.c declares of XLA's interface is what XLA declares.

LAYOUTS = """
#include <xla/ffi/api/c_api.h>
#include "{source}"
#define SAME(ours, a, theirs, b) \\
    _Static_assert(offsetof(ours, a) == offsetof(theirs, b) && sizeof((ours){{0}}.a) == sizeof((theirs){{0}}.b), #a)
SAME(Extension, type, XLA_FFI_Extension_Base, type);
SAME(Extension, next, XLA_FFI_Extension_Base, next);
SAME(Version, major, XLA_FFI_Api_Version, major_version);
SAME(Version, minor, XLA_FFI_Api_Version, minor_version);
SAME(Metadata, version, XLA_FFI_Metadata, api_version);
SAME(Metadata, traits, XLA_FFI_Metadata, traits);
SAME(Asked, metadata, XLA_FFI_Metadata_Extension, metadata);
SAME(Buffer, type, XLA_FFI_Buffer, dtype);
SAME(Buffer, data, XLA_FFI_Buffer, data);
SAME(Buffer, rank, XLA_FFI_Buffer, rank);
SAME(Buffer, dims, XLA_FFI_Buffer, dims);
SAME(Buffers, count, XLA_FFI_Args, size);
SAME(Buffers, at, XLA_FFI_Args, args);
SAME(Buffers, at, XLA_FFI_Rets, rets);
SAME(Text, at, XLA_FFI_ByteSpan, ptr);
SAME(Text, length, XLA_FFI_ByteSpan, len);
SAME(Array, type, XLA_FFI_Array, dtype);
SAME(Array, count, XLA_FFI_Array, size);
SAME(Array, at, XLA_FFI_Array, data);
SAME(Scalar, at, XLA_FFI_Scalar, value);
SAME(Attributes, count, XLA_FFI_Attrs, size);
SAME(Attributes, types, XLA_FFI_Attrs, types);
SAME(Attributes, names, XLA_FFI_Attrs, names);
SAME(Attributes, at, XLA_FFI_Attrs, attrs);
SAME(ErrorOf, message, XLA_FFI_Error_Create_Args, message);
SAME(ErrorOf, code, XLA_FFI_Error_Create_Args, errc);
SAME(Destroyed, error, XLA_FFI_Error_Destroy_Args, error);
SAME(Scheduled, context, XLA_FFI_ThreadPool_Schedule_Args, ctx);
SAME(Scheduled, task, XLA_FFI_ThreadPool_Schedule_Args, task);
SAME(Scheduled, data, XLA_FFI_ThreadPool_Schedule_Args, data);
SAME(Threads, context, XLA_FFI_ThreadPool_NumThreads_Args, ctx);
SAME(Threads, count, XLA_FFI_ThreadPool_NumThreads_Args, num_threads);
SAME(Api, version, XLA_FFI_Api, api_version);
SAME(Api, error_create, XLA_FFI_Api, XLA_FFI_Error_Create);
SAME(Api, error_destroy, XLA_FFI_Api, XLA_FFI_Error_Destroy);
SAME(Api, schedule, XLA_FFI_Api, XLA_FFI_ThreadPool_Schedule);
SAME(Api, count_threads, XLA_FFI_Api, XLA_FFI_ThreadPool_NumThreads);
SAME(Frame, api, XLA_FFI_CallFrame, api);
SAME(Frame, context, XLA_FFI_CallFrame, ctx);
SAME(Frame, stage, XLA_FFI_CallFrame, stage);
SAME(Frame, inputs, XLA_FFI_CallFrame, args);
SAME(Frame, outputs, XLA_FFI_CallFrame, rets);
SAME(Frame, attributes, XLA_FFI_CallFrame, attrs);
_Static_assert(MAJOR == XLA_FFI_API_MAJOR && MINOR <= XLA_FFI_API_MINOR, "version");
_Static_assert((int)METADATA == XLA_FFI_Extension_Metadata && (int)EXECUTE == XLA_FFI_ExecutionStage_EXECUTE, "stage");
_Static_assert((int)ARRAY == XLA_FFI_AttrType_ARRAY && (int)SCALAR == XLA_FFI_AttrType_SCALAR, "attributes");
_Static_assert((int)STRING == XLA_FFI_AttrType_STRING, "attributes");
_Static_assert((int)F32 == XLA_FFI_DataType_F32 && (int)F64 == XLA_FFI_DataType_F64, "types");
_Static_assert((int)INVALID_ARGUMENT == XLA_FFI_Error_Code_INVALID_ARGUMENT, "codes");
"""


@pytest.mark.skipif(not shutil.which("cc"), reason="no C compiler")
@pytest.mark.skipif(not (PROJECT / "fastact" / "_xla.c").exists(), reason="needs the source tree")
def test_layouts_are_those_of_the_header_that_jax_ships(tmp_path):
    source = tmp_path / "layouts.c"
    source.write_text(LAYOUTS.format(source=PROJECT / "fastact" / "_xla.c"))
    folders = [jax.ffi.include_dir(), fa.get_include(), sysconfig.get_path("include")]
    command = [*(os.environ.get("CC") or "cc").split(), "-std=gnu11", "-fsyntax-only", *(f"-I{f}" for f in folders)]
    done = subprocess.run([*command, source], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
