"""fastact.keras: the NumPy backend computes the same, more accurately, and is put back."""

import os

import numpy as np
import pytest

import fastact as fa
import helpers

os.environ.setdefault("KERAS_BACKEND", "numpy")
keras = pytest.importorskip("keras")
if keras.config.backend() != "numpy":
    pytest.skip("Keras runs on another backend", allow_module_level=True)
from keras.src import activations
from keras.src.backend.numpy import nn

import fastact.keras as patches

FUNCTIONS = [name for table, name, _ in patches.places() if table is vars(nn)]
ADDED = [name for table, name, _ in patches.places() if table is activations.ALL_OBJECTS_DICT]
OPTIONS = {
    "celu": {"alpha": 0.5},
    "elu": {"alpha": 0.5},
    "gelu": {"approximate": False},
    "glu": {"axis": 0},
    "hard_shrink": {"threshold": 1.5},
    "leaky_relu": {"negative_slope": 0.3},
    "log_softmax": {"axis": 0},
    "soft_shrink": {"threshold": 1.5},
    "softmax": {"axis": 0},
    "squareplus": {"b": 1.0},
}


@pytest.fixture
def patched():
    with patches.patched():
        yield


def inputs(dtype):
    return np.linspace(-6, 6, 240, dtype=dtype).reshape(12, 20)


@pytest.mark.parametrize("given", [False, True], ids=["defaults", "options"])
@pytest.mark.parametrize("name", [name for name in FUNCTIONS if name != "sparsemax"])
def test_functions_are_those_of_keras(name, given, dtype):
    x, theirs = inputs(dtype), getattr(nn, name)
    options = OPTIONS.get(name, {}) if given else {}
    if name == "threshold":
        options = {"threshold": 0.5, "default_value": -1.0}
    expected = theirs(x, **options)
    with patches.patched():
        assert getattr(nn, name) is not theirs
        got = getattr(nn, name)(x, **options)
        np.testing.assert_array_equal(got, getattr(nn, name)(x, *options.values()))
    assert got.dtype == expected.dtype
    tolerance = 1e-5 if got.dtype == np.float32 else 1e-12
    np.testing.assert_allclose(got, expected, rtol=tolerance, atol=tolerance)


def test_integers_are_those_of_keras(patched):
    assert nn.relu(np.arange(-3, 3)).dtype == np.int32
    np.testing.assert_array_equal(keras.ops.relu(np.arange(-3, 3)), [0, 0, 0, 0, 1, 2])


@pytest.mark.parametrize("name", ["float16", "bfloat16"])
def test_half_precision_stays_what_it_is(patched, name):
    x = keras.ops.cast(inputs(np.float32), name)
    assert keras.ops.gelu(x).dtype.name == name
    assert keras.activations.mish(x).dtype.name == name


def test_mish_is_ours(patched):
    x = inputs(np.float32)
    np.testing.assert_array_equal(keras.activations.mish(x), fa.mish(x))


def test_sparsemax_is_right_along_every_axis(patched):
    x = inputs(np.float32) % 1.7
    for axis in (0, 1):
        y = keras.activations.sparsemax(x, axis=axis)
        np.testing.assert_allclose(y.sum(axis), 1.0, rtol=1e-6)
        np.testing.assert_array_equal(y, fa.sparsemax(x, axis=axis))


@pytest.mark.parametrize("name", ADDED)
def test_activations_that_keras_has_not_work_in_layers_and_are_saved_by_name(patched, name):
    inner = keras.Input((20,))
    model = keras.Model(inner, keras.layers.Activation(name)(inner))
    x = inputs(np.float32)
    np.testing.assert_array_equal(model.predict(x, verbose=0), fa.get(name)(x))
    again = keras.models.model_from_json(model.to_json())
    np.testing.assert_array_equal(again.predict(x, verbose=0), fa.get(name)(x))


def test_models_predict_as_before():
    keras.utils.set_random_seed(0)
    names = ["gelu", "selu", "softplus", "mish", "silu", "softmax"]
    model = keras.Sequential([keras.layers.Dense(16, activation=name) for name in names])
    x = inputs(np.float32)
    expected = model.predict(x, verbose=0)
    with patches.patched():
        np.testing.assert_allclose(model.predict(x, verbose=0), expected, rtol=1e-4, atol=1e-6)


def test_everything_is_put_back():
    tables = vars(nn), vars(activations.activations), activations.ALL_OBJECTS_DICT, keras.saving.get_custom_objects()
    before = [dict(table) for table in tables]
    with patches.patched(), patches.patched():
        assert "quick_gelu" in activations.ALL_OBJECTS_DICT
    assert not patches.is_patched()
    assert [dict(table) for table in tables] == before


def test_another_backend_is_refused(monkeypatch):
    monkeypatch.setattr(keras.config, "backend", lambda: "jax")
    with pytest.raises(RuntimeError, match="NumPy backend, not jax"):
        patches.patch()
    assert not patches.is_patched()


@pytest.mark.full
def test_the_tests_of_keras_pass(tmp_path):
    pytest.importorskip("torch")  # an oracle of theirs
    setup = "import os; os.environ['KERAS_BACKEND'] = 'numpy'; import fastact.keras; fastact.keras.patch()"
    tests = ("keras.src.activations.activations_test", "keras.src.ops.nn_test", "keras.src.layers.activations")
    helpers.assert_tests_pass(setup, *tests, folder=tmp_path)
