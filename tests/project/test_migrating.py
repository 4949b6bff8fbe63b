"""What the catalogue and docs/migrating.md say of other libraries: both sides of every row compute the same."""

import importlib
import os
import sys
from pathlib import Path

import numpy as np
import pytest

import fastact as fa
from fastact.catalogue import SPECS

PROJECT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(PROJECT / "tools"))
import migrating

os.environ.setdefault("KERAS_BACKEND", "numpy")
ROWS = [(name, library, call) for name, spec in SPECS.items() for library, calls in spec.elsewhere.items() for call in calls.split()]  # fmt: skip
X = np.linspace(-30, 30, 2 * 3 * 4 * 4).reshape(2, 3, 4, 4)
Z = np.array([[0.3, -2.0, 1.0], [4.0, 0.0, -1.0], [0.5, 0.25, 0.125]])
LABELS, TARGETS = np.array([0, 2, 1]), np.array([[0.0, 1.0, 0.25]] * 3)


def arguments(name):
    """Return arrays, and the numbers that have no default."""
    if SPECS[name].kind == "loss":
        return (Z, LABELS if name == "softmax_cross_entropy" else TARGETS), ()
    numbers = {"threshold": (1.0, 0.0)}.get(name, ())  # ONNX has no other value than 0
    return ((X, np.array([0.25])) if name == "prelu" else (X,)), numbers


def ours(name):
    arrays, numbers = arguments(name)
    return getattr(fa, name)(*arrays, *numbers) if SPECS[name].kind != "gate" else getattr(fa, name)(x=X)


def theirs(library, call, arrays, numbers):
    """Compute a call of another library, whose arguments but for the first ones are in brackets."""
    name, _, given = call.partition("(")
    keywords = eval(f"dict({given}") if given else {}
    if library == "ONNX":
        return of_onnx(name, arrays, dict(zip(("alpha",), numbers, strict=False)) | keywords)
    module = pytest.importorskip(library)
    if library == "torch.nn":
        made = getattr(module, name)(*numbers, **keywords).double()
        return made(*tensors(arrays[:1] if name == "PReLU" else arrays)).detach().numpy()
    if library == "torch.nn.functional":
        return getattr(module, name)(*tensors(arrays), *numbers, **keywords).numpy()
    if library == "jax.nn":
        with importlib.import_module("jax").enable_x64(True):
            return np.asarray(getattr(module, name)(*arrays, *numbers, **keywords))
    return np.asarray(getattr(module, name)(*arrays, *numbers, **keywords))


def tensors(arrays):
    return map(importlib.import_module("torch").from_numpy, arrays)


def of_onnx(name, arrays, attributes):
    """Compute an operator of ONNX, in its reference evaluator."""
    helper, reference = pytest.importorskip("onnx.helper"), pytest.importorskip("onnx.reference")
    axes = [np.array(attributes.pop("axes"))] if "axes" in attributes else []
    halves = np.split(arrays[0], 2, -1) if name == "SwiGLU" else arrays
    given = {f"x{place}": array for place, array in enumerate([*halves, *axes])}
    inputs = [
        helper.make_tensor_value_info(place, helper.np_dtype_to_tensor_dtype(array.dtype), array.shape)
        for place, array in given.items()
    ]
    node = helper.make_node(name, list(given), ["y"], **attributes)
    graph = helper.make_graph([node], "graph", inputs, [helper.make_empty_tensor_value_info("y")])
    return reference.ReferenceEvaluator(helper.make_model(graph)).run(None, given)[0]


def assert_same(got, expected):
    """Keras computes in float32, and others lose digits in their tails."""
    np.testing.assert_allclose(np.squeeze(got), np.squeeze(expected), rtol=1e-5, atol=1e-6)


@pytest.mark.full
@pytest.mark.parametrize(("name", "library", "call"), [row for row in ROWS if row[1] not in ("Hugging Face", "others")])
def test_a_function_under_its_name_elsewhere_computes_the_same(name, library, call):
    if (library, call) == ("keras.activations", "sparsemax"):
        pytest.skip("Keras' sparsemax is wrong: its rows do not sum to 1")
    assert_same(theirs(library, call, *arguments(name)), ours(name))


@pytest.mark.parametrize(("name", "call"), [(name, call) for name, _, call in ROWS if "(" not in call])
def test_get_finds_a_function_by_its_name_elsewhere(name, call):
    assert fa.get(call).name in (name, call)  # a preset has the name that it was asked for


@pytest.mark.full
@pytest.mark.parametrize(("there", "here"), migrating.DEFAULTS)
def test_defaults_that_differ_mean_what_the_page_says(there, here):
    library = there.partition("(")[0].rpartition(".")[0]
    names = {"np": np, "fa": fa, "labels": LABELS, "targets": TARGETS, "x": X, "z": Z}
    if library == "onnx":
        names["onnx"] = Operators()
    elif library in ("F", "nn"):
        names |= {"F": pytest.importorskip("torch.nn.functional"), "nn": pytest.importorskip("torch.nn")}
        names["x"] = importlib.import_module("torch").from_numpy(X)
    else:
        package = library.partition(".")[0]
        pytest.importorskip(library)
        names[package] = importlib.import_module(package)
    got = np.asarray(eval(there, names))
    assert_same(got, eval(here, names | {"x": X}))
    own = here.partition("(")[0].removeprefix("fa.")
    if SPECS.get(own, None) and SPECS[own].kind != "loss" and own not in ("gelu_tanh", "threshold", "glu"):
        assert not np.allclose(got, getattr(fa, own)(X)), "the defaults are the same"


class Operators:
    """ONNX' operators as functions."""

    def __getattr__(self, name):
        return lambda x: of_onnx(name, [x], {})


@pytest.mark.skipif(not migrating.PAGE.exists(), reason="needs the guide")
def test_the_page_is_what_the_catalogue_makes():
    assert migrating.PAGE.read_text() == migrating.page()
