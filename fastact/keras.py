"""fastact in Keras' NumPy backend: its activations computed here, and the catalogue's other ones by name.

`patch` and `unpatch` act on the process, `patched` is a context manager; models made under them are Keras' own.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np
from keras.src import activations
from keras.src.activations.activations import Mish
from keras.src.backend.numpy import nn

import fastact as fa
from fastact.activations import NAMES, folded
from fastact.catalogue import ACTIVATIONS
from fastact.patching import Patches, Place

FLOATING = ("float32", "float64", "float16", "bfloat16")


def is_ours(x: Any) -> bool:
    """Return whether x is an array of a type that fastact computes in, as Keras does; integers stay Keras'."""
    return isinstance(x, np.ndarray) and x.dtype.name in FLOATING


def as_tensor(x: Any) -> Any:
    """Return what Keras makes of an argument, without the copy: that casts float64 to Keras' own type."""
    return x if is_ours(x) and x.dtype.name != "float64" else nn.convert_to_tensor(x)


def replaced(theirs: Callable[..., Any], function: Any) -> Callable[..., Any]:
    """Return a function of the catalogue with the arguments and defaults of Keras' function, which are in its order."""
    signature, converts = inspect.signature(theirs), "convert_to_tensor" in theirs.__code__.co_names

    @functools.wraps(theirs)
    def activation(x: Any, *args: Any, **keywords: Any) -> Any:
        x = as_tensor(x) if converts else x  # softmax is one of those that keep float64
        if not is_ours(x):
            return theirs(x, *args, **keywords)
        given = signature.bind(x, *args, **keywords)
        given.apply_defaults()
        return function(*given.args)

    return activation


def gelu(x: Any, approximate: bool) -> Any:
    return fa.gelu_tanh(x) if approximate else fa.gelu(x)


def glu(x: Any, axis: int) -> Any:
    return fa.glu(x=x, axis=axis)


class OurMish(Mish):
    """Keras' operation, which it makes of two others."""

    @staticmethod
    def static_call(x: Any) -> Any:
        return fa.mish(x) if is_ours(x) else Mish.static_call(x)


def added(name: str) -> Callable[[Any], Any]:
    """Return an activation that Keras has not, as a plain function, which Keras saves by name."""
    function = getattr(fa, name)

    def activation(x: Any) -> Any:
        return function(as_tensor(x))

    activation.__name__ = activation.__qualname__ = name
    return activation


def places() -> Iterator[Place]:
    """Yield what is replaced: functions of the backend, an operation, and names that layers accept."""
    backend = keras.config.backend()
    if backend != "numpy":
        raise RuntimeError(f"fastact.keras is for the NumPy backend, not {backend}: set KERAS_BACKEND=numpy")
    for name, theirs in list(vars(nn).items()):
        ours = NAMES.get(folded(name)) if getattr(theirs, "__module__", None) == nn.__name__ else None
        if ours:
            yield vars(nn), name, replaced(theirs, {"gelu": gelu, "glu": glu}.get(name) or getattr(fa, ours))
    yield vars(activations.activations), "Mish", OurMish
    known = {NAMES.get(folded(name)) for name in activations.ALL_OBJECTS_DICT}
    for spec in ACTIVATIONS:
        if spec.name not in known and spec.kind in ("elementwise", "rowwise") and not spec.required:
            function = added(spec.name)
            yield activations.ALL_OBJECTS_DICT, spec.name, function
            yield keras.saving.get_custom_objects(), spec.name, function  # by which models are loaded


PATCHES = Patches(places)
patch, unpatch, is_patched, patched = PATCHES.patch, PATCHES.unpatch, PATCHES.is_patched, PATCHES.patched

__all__ = ["is_patched", "patch", "patched", "unpatch"]
