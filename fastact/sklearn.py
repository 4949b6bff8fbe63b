"""fastact in scikit-learn's multilayer perceptrons: their activations computed here, and the catalogue's as new ones.

`patch` and `unpatch` act on the process, `patched` is a context manager; models fitted under them are scikit-learn's own.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator
from typing import Any

from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.neural_network import _base as base
from sklearn.neural_network._multilayer_perceptron import BaseMultilayerPerceptron
from sklearn.utils._param_validation import StrOptions

import fastact as fa
from fastact.catalogue import ACTIVATIONS
from fastact.patching import Patches, Place

THEIRS = {"tanh": "tanh", "logistic": "sigmoid", "relu": "relu", "exp": "exponential"}
ESTIMATORS = (BaseMultilayerPerceptron, MLPClassifier, MLPRegressor)


class Inputs:
    """The inputs of activations whose outputs do not determine their derivatives, as long as the outputs live."""

    def __init__(self) -> None:
        self.kept: dict[int, tuple[weakref.ref[Any], Any]] = {}

    def keep(self, array: Any) -> None:
        place = id(array)
        self.kept[place] = (weakref.ref(array, lambda _: self.kept.pop(place, None)), array.copy())

    def of(self, array: Any) -> Any:
        reference, before = self.kept[id(array)]
        assert reference() is array
        return before


INPUTS = Inputs()


def forward(name: str) -> Callable[[Any], None]:
    """Return the function that overwrites X, as scikit-learn's do."""
    function, from_y = getattr(fa, name), "y" in getattr(fa, name).backward_from

    def inplace(X: Any) -> None:
        if not from_y:
            INPUTS.keep(X)
        function(X, out=X)

    return inplace


def backward(name: str) -> Callable[[Any, Any], None]:
    """Return the function that multiplies delta by the derivative, as scikit-learn's do; Z is what forward made."""
    gradient, from_y = getattr(fa, name).backward, "y" in getattr(fa, name).backward_from

    def inplace_derivative(Z: Any, delta: Any) -> None:
        if from_y:
            gradient(delta, y=Z, out=delta)
        else:
            gradient(delta, x=INPUTS.of(Z), out=delta)

    return inplace_derivative


def inplace_softmax(X: Any) -> None:
    fa.softmax(X, axis=1, out=X)


def places() -> Iterator[Place]:
    """Yield what is replaced: functions by name, and the names that estimators accept."""
    names = {spec.name: spec.name for spec in ACTIVATIONS if spec.kind == "elementwise" and not spec.required} | THEIRS
    names.pop("identity")  # does nothing there either
    for theirs, ours in names.items():
        yield base.ACTIVATIONS, theirs, forward(ours)
        if theirs != "exp":
            yield base.DERIVATIVES, theirs, backward(ours)
    yield base.ACTIVATIONS, "softmax", inplace_softmax
    accepted = [StrOptions({*names, "identity"} - {"exp"})]
    for estimator in ESTIMATORS:
        yield estimator._parameter_constraints, "activation", accepted


PATCHES = Patches(places)
patch, unpatch, is_patched, patched = PATCHES.patch, PATCHES.unpatch, PATCHES.is_patched, PATCHES.patched

__all__ = ["is_patched", "patch", "patched", "unpatch"]
