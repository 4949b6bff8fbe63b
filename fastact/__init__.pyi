from collections.abc import Mapping
from typing import Any, Protocol, TypeVar, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastact.activations import ACTIVATIONS as ACTIVATIONS
from fastact.activations import get as get
from fastact.blocks import get_num_threads as get_num_threads
from fastact.blocks import num_threads as num_threads
from fastact.blocks import set_num_threads as set_num_threads
from fastact.config import show_config as show_config

__version__: str
__all__ = [
    "ACTIVATIONS",
    "__version__",
    "get",
    "get_num_threads",
    "leaky_relu",
    "num_threads",
    "relu",
    "set_num_threads",
    "show_config",
    "sigmoid",
    "softmax",
    "tanh",
]

_Out = TypeVar("_Out")
_Real = TypeVar("_Real", np.float32, np.float64)
_Exact = TypeVar("_Exact", bound=np.integer[Any] | np.bool)

class _Described(Protocol):
    @property
    def name(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def parameters(self) -> Mapping[str, float]: ...

class _Activation(_Described, Protocol):
    @property
    def backward_from(self) -> tuple[str, ...]: ...
    @property
    def bounds(self) -> Mapping[str, Mapping[str, float]]: ...

# Without parameters.

class _Function(_Described, Protocol):
    @overload
    def __call__(self, x: ArrayLike, *, out: _Out) -> _Out: ...
    @overload
    def __call__(self, x: NDArray[_Real], *, out: None = None) -> NDArray[_Real]: ...
    @overload
    def __call__(self, x: NDArray[_Exact], *, out: None = None) -> NDArray[np.float64]: ...
    @overload
    def __call__(self, x: _Real, *, out: None = None) -> _Real: ...
    @overload
    def __call__(self, x: float, *, out: None = None) -> np.float64: ...
    @overload
    def __call__(self, x: ArrayLike, *, out: None = None) -> Any: ...

class _Backward(_Described, Protocol):
    @overload
    def __call__(self, grad: ArrayLike, *, x: ArrayLike, out: _Out) -> _Out: ...
    @overload
    def __call__(self, grad: ArrayLike, *, y: ArrayLike, out: _Out) -> _Out: ...
    @overload
    def __call__(self, grad: NDArray[_Real], *, x: NDArray[_Real], out: None = None) -> NDArray[_Real]: ...
    @overload
    def __call__(self, grad: NDArray[_Real], *, y: NDArray[_Real], out: None = None) -> NDArray[_Real]: ...
    @overload
    def __call__(self, grad: ArrayLike, *, x: ArrayLike, out: None = None) -> Any: ...
    @overload
    def __call__(self, grad: ArrayLike, *, y: ArrayLike, out: None = None) -> Any: ...

class _Elementwise(_Activation, _Function, Protocol):
    @property
    def derivative(self) -> _Function: ...
    @property
    def backward(self) -> _Backward: ...

# With a slope.

class _LeakyFunction(_Described, Protocol):
    @overload
    def __call__(self, x: ArrayLike, negative_slope: float = 0.01, *, out: _Out) -> _Out: ...
    @overload
    def __call__(self, x: NDArray[_Real], negative_slope: float = 0.01, *, out: None = None) -> NDArray[_Real]: ...
    @overload
    def __call__(
        self, x: NDArray[_Exact], negative_slope: float = 0.01, *, out: None = None
    ) -> NDArray[np.float64]: ...
    @overload
    def __call__(self, x: _Real, negative_slope: float = 0.01, *, out: None = None) -> _Real: ...
    @overload
    def __call__(self, x: float, negative_slope: float = 0.01, *, out: None = None) -> np.float64: ...
    @overload
    def __call__(self, x: ArrayLike, negative_slope: float = 0.01, *, out: None = None) -> Any: ...

class _LeakyBackward(_Described, Protocol):
    @overload
    def __call__(self, grad: ArrayLike, *, x: ArrayLike, negative_slope: float = 0.01, out: _Out) -> _Out: ...
    @overload
    def __call__(self, grad: ArrayLike, *, y: ArrayLike, negative_slope: float = 0.01, out: _Out) -> _Out: ...
    @overload
    def __call__(
        self, grad: NDArray[_Real], *, x: NDArray[_Real], negative_slope: float = 0.01, out: None = None
    ) -> NDArray[_Real]: ...
    @overload
    def __call__(
        self, grad: NDArray[_Real], *, y: NDArray[_Real], negative_slope: float = 0.01, out: None = None
    ) -> NDArray[_Real]: ...
    @overload
    def __call__(self, grad: ArrayLike, *, x: ArrayLike, negative_slope: float = 0.01, out: None = None) -> Any: ...
    @overload
    def __call__(self, grad: ArrayLike, *, y: ArrayLike, negative_slope: float = 0.01, out: None = None) -> Any: ...

class _Leaky(_Activation, _LeakyFunction, Protocol):
    @property
    def derivative(self) -> _LeakyFunction: ...
    @property
    def backward(self) -> _LeakyBackward: ...

# Of rows along an axis.

class _RowFunction(_Described, Protocol):
    @overload
    def __call__(self, x: ArrayLike, axis: int = -1, *, out: _Out) -> _Out: ...
    @overload
    def __call__(self, x: NDArray[_Real], axis: int = -1, *, out: None = None) -> NDArray[_Real]: ...
    @overload
    def __call__(self, x: NDArray[_Exact], axis: int = -1, *, out: None = None) -> NDArray[np.float64]: ...
    @overload
    def __call__(self, x: _Real, axis: int = -1, *, out: None = None) -> _Real: ...
    @overload
    def __call__(self, x: float, axis: int = -1, *, out: None = None) -> np.float64: ...
    @overload
    def __call__(self, x: ArrayLike, axis: int = -1, *, out: None = None) -> Any: ...

class _RowBackward(_Described, Protocol):
    @overload
    def __call__(self, grad: ArrayLike, *, y: ArrayLike, axis: int = -1, out: _Out) -> _Out: ...
    @overload
    def __call__(
        self, grad: NDArray[_Real], *, y: NDArray[_Real], axis: int = -1, out: None = None
    ) -> NDArray[_Real]: ...
    @overload
    def __call__(self, grad: ArrayLike, *, y: ArrayLike, axis: int = -1, out: None = None) -> Any: ...

class _Rowwise(_Activation, _RowFunction, Protocol):
    @property
    def backward(self) -> _RowBackward: ...
    @overload
    def jacobian(self, y: NDArray[_Real], axis: int = -1) -> NDArray[_Real]: ...
    @overload
    def jacobian(self, y: ArrayLike, axis: int = -1) -> NDArray[Any]: ...

# One line an activation.

relu: _Elementwise
leaky_relu: _Leaky
sigmoid: _Elementwise
tanh: _Elementwise
softmax: _Rowwise
