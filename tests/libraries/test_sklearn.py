"""fastact.sklearn: multilayer perceptrons fit and predict as before, with more activations, and are put back."""

import numpy as np
import pytest

import fastact as fa
import helpers

pytest.importorskip("sklearn")
from sklearn.neural_network import MLPClassifier, MLPRegressor, _base

import fastact.sklearn as patches

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.fixture
def patched():
    with patches.patched():
        yield


def data(dtype=np.float64, seed=0):
    generator = np.random.default_rng(seed)
    X = generator.normal(size=(200, 5)).astype(dtype)
    return X, np.sin(X @ np.arange(5) / 3), (X[:, 0] * X[:, 1] > 0).astype(int) + (X[:, 2] > 0)


def fitted(kind, activation, dtype=np.float64, **given):
    X, numbers, classes = data(dtype)
    model = kind(hidden_layer_sizes=(8, 6), activation=activation, random_state=0, **{"max_iter": 25} | given)
    return model.fit(X, numbers if kind is MLPRegressor else classes), X


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("activation", ["identity", "logistic", "tanh", "relu"])
@pytest.mark.parametrize("kind", [MLPClassifier, MLPRegressor])
def test_models_are_those_of_scikit_learn(kind, activation, dtype):
    expected, X = fitted(kind, activation, dtype)
    with patches.patched():
        got, _ = fitted(kind, activation, dtype)
        predicted = got.predict(X)
    tolerance = 1e-3 if dtype is np.float32 else 1e-9
    np.testing.assert_allclose(got.loss_curve_, expected.loss_curve_, rtol=tolerance)
    if kind is MLPRegressor:
        np.testing.assert_allclose(predicted, expected.predict(X), rtol=tolerance, atol=tolerance)
    else:
        np.testing.assert_array_equal(predicted, expected.predict(X))


@pytest.mark.parametrize("activation", ["leaky_relu", "elu", "gelu", "mish", "silu", "softplus"])
def test_activations_that_scikit_learn_has_not_can_be_learnt_with(patched, activation):
    model, X = fitted(MLPRegressor, activation, max_iter=100, learning_rate_init=0.01)
    assert model.loss_curve_[-1] < model.loss_curve_[0] / 2
    assert np.isfinite(model.predict(X)).all()
    assert not patches.INPUTS.kept


def test_an_activation_that_has_no_defaults_is_not_offered(patched):
    assert "threshold" not in _base.ACTIVATIONS


@pytest.mark.parametrize("activation", ["elu", "gelu", "mish", "tanh"])
def test_gradients_are_those_of_finite_differences(patched, activation):
    x = np.linspace(-2, 2, 12).reshape(3, 4)
    z, delta = x.copy(), np.ones_like(x)
    _base.ACTIVATIONS[activation](z)
    _base.DERIVATIVES[activation](z, delta)
    h = 1e-6
    np.testing.assert_allclose(delta, (fa.get(activation)(x + h) - fa.get(activation)(x - h)) / (2 * h), atol=1e-6)


def test_everything_is_put_back():
    before = dict(_base.ACTIVATIONS), dict(_base.DERIVATIVES), dict(MLPClassifier._parameter_constraints)
    patches.patch()
    with patches.patched():
        assert _base.ACTIVATIONS["tanh"] is not before[0]["tanh"]
    assert patches.is_patched()
    patches.unpatch()
    patches.unpatch()  # once too often
    assert not patches.is_patched()
    assert (dict(_base.ACTIVATIONS), dict(_base.DERIVATIVES), dict(MLPClassifier._parameter_constraints)) == before
    with pytest.raises(ValueError, match="activation"):
        fitted(MLPClassifier, "gelu")


def test_everything_is_put_back_after_an_error():
    before = dict(_base.ACTIVATIONS)
    with pytest.raises(KeyError), patches.patched():
        raise KeyError
    assert dict(_base.ACTIVATIONS) == before


@pytest.mark.full
def test_the_tests_of_scikit_learn_pass(tmp_path):
    setup = "import fastact.sklearn; fastact.sklearn.patch()"
    helpers.assert_tests_pass(setup, "sklearn.neural_network.tests", folder=tmp_path)
