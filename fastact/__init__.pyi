from collections.abc import Mapping
from typing import Any, Literal, Protocol, TypedDict, TypeVar, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray
from typing_extensions import Unpack

from fastact.activations import ACTIVATIONS as ACTIVATIONS
from fastact.activations import GATES as GATES
from fastact.activations import REDUCTIONS as REDUCTIONS
from fastact.activations import get as get
from fastact.config import show_config as show_config
from fastact.core.threads import get_num_threads as get_num_threads
from fastact.core.threads import num_threads as num_threads
from fastact.core.threads import set_num_threads as set_num_threads
from fastact.diagnosis import Diagnosis as Diagnosis
from fastact.diagnosis import diagnose as diagnose
from fastact.losses import sigmoid_cross_entropy as sigmoid_cross_entropy
from fastact.losses import softmax_cross_entropy as softmax_cross_entropy
from fastact.pictures import plot as plot

__version__: str
__all__ = [
    "ACTIVATIONS",
    "GATES",
    "REDUCTIONS",
    "Diagnosis",
    "__version__",
    "bilinear",
    "celu",
    "diagnose",
    "elu",
    "exponential",
    "gaussian",
    "geglu",
    "geglu_tanh",
    "gelu",
    "gelu_tanh",
    "get",
    "get_num_threads",
    "glu",
    "hard_shrink",
    "hard_sigmoid",
    "hard_swish",
    "hard_tanh",
    "identity",
    "leaky_relu",
    "log_sigmoid",
    "log_softmax",
    "logsumexp",
    "mish",
    "num_threads",
    "plot",
    "prelu",
    "quick_gelu",
    "reglu",
    "relu",
    "relu6",
    "relu_squared",
    "selu",
    "set_num_threads",
    "show_config",
    "sigmoid",
    "sigmoid_cross_entropy",
    "silu",
    "soft_shrink",
    "soft_sign",
    "softmax",
    "softmax_cross_entropy",
    "softmin",
    "softplus",
    "sparse_plus",
    "sparse_sigmoid",
    "sparsemax",
    "squareplus",
    "swiglu",
    "swish",
    "tanh",
    "tanh_shrink",
    "threshold",
]

_Out = TypeVar("_Out")
_OtherOut = TypeVar("_OtherOut")
_Real = TypeVar("_Real", np.float32, np.float64)
_Exact = TypeVar("_Exact", bound=np.integer[Any] | np.bool)

class _Described(Protocol):
    @property
    def name(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def parameters(self) -> Mapping[str, float | None]: ...

class _Activation(_Described, Protocol):
    @property
    def backward_from(self) -> tuple[str, ...]: ...
    @property
    def bounds(self) -> Mapping[str, Mapping[str, float]]: ...

# Without parameters.

class _Function(_Described, Protocol):
    @overload
    def __call__(self, x: ArrayLike, *, bias: ArrayLike | None = None, out: _Out) -> _Out: ...
    @overload
    def __call__(self, x: NDArray[_Real], *, bias: ArrayLike | None = None, out: None = None) -> NDArray[_Real]: ...
    @overload
    def __call__(
        self, x: NDArray[_Exact], *, bias: ArrayLike | None = None, out: None = None
    ) -> NDArray[np.float64]: ...
    @overload
    def __call__(self, x: _Real, *, bias: ArrayLike | None = None, out: None = None) -> _Real: ...
    @overload
    def __call__(self, x: float, *, bias: ArrayLike | None = None, out: None = None) -> np.float64: ...
    @overload
    def __call__(self, x: ArrayLike, *, bias: ArrayLike | None = None, out: None = None) -> Any: ...

class _Backward(_Described, Protocol):
    @overload
    def __call__(
        self,
        grad: ArrayLike,
        *,
        x: ArrayLike,
        bias: ArrayLike | None = None,
        bias_grad: ArrayLike | None = None,
        out: _Out,
    ) -> _Out: ...
    @overload
    def __call__(self, grad: ArrayLike, *, y: ArrayLike, bias_grad: ArrayLike | None = None, out: _Out) -> _Out: ...
    @overload
    def __call__(
        self,
        grad: NDArray[_Real],
        *,
        x: NDArray[_Real],
        bias: ArrayLike | None = None,
        bias_grad: ArrayLike | None = None,
        out: None = None,
    ) -> NDArray[_Real]: ...
    @overload
    def __call__(
        self, grad: NDArray[_Real], *, y: NDArray[_Real], bias_grad: ArrayLike | None = None, out: None = None
    ) -> NDArray[_Real]: ...
    @overload
    def __call__(
        self,
        grad: ArrayLike,
        *,
        x: ArrayLike,
        bias: ArrayLike | None = None,
        bias_grad: ArrayLike | None = None,
        out: None = None,
    ) -> Any: ...
    @overload
    def __call__(
        self, grad: ArrayLike, *, y: ArrayLike, bias_grad: ArrayLike | None = None, out: None = None
    ) -> Any: ...

class _Elementwise(_Activation, _Function, Protocol):
    @property
    def derivative(self) -> _Function: ...
    @property
    def backward(self) -> _Backward: ...

# The same, where the output does not determine the derivative.

class _InputBackward(_Described, Protocol):
    @overload
    def __call__(
        self,
        grad: ArrayLike,
        *,
        x: ArrayLike,
        bias: ArrayLike | None = None,
        bias_grad: ArrayLike | None = None,
        out: _Out,
    ) -> _Out: ...
    @overload
    def __call__(
        self,
        grad: NDArray[_Real],
        *,
        x: NDArray[_Real],
        bias: ArrayLike | None = None,
        bias_grad: ArrayLike | None = None,
        out: None = None,
    ) -> NDArray[_Real]: ...
    @overload
    def __call__(
        self,
        grad: ArrayLike,
        *,
        x: ArrayLike,
        bias: ArrayLike | None = None,
        bias_grad: ArrayLike | None = None,
        out: None = None,
    ) -> Any: ...

class _InputOnly(_Activation, _Function, Protocol):
    @property
    def derivative(self) -> _Function: ...
    @property
    def backward(self) -> _InputBackward: ...

# With a slope.

class _LeakyFunction(_Described, Protocol):
    @overload
    def __call__(
        self, x: ArrayLike, negative_slope: float = 0.01, *, bias: ArrayLike | None = None, out: _Out
    ) -> _Out: ...
    @overload
    def __call__(
        self, x: NDArray[_Real], negative_slope: float = 0.01, *, bias: ArrayLike | None = None, out: None = None
    ) -> NDArray[_Real]: ...
    @overload
    def __call__(
        self, x: NDArray[_Exact], negative_slope: float = 0.01, *, bias: ArrayLike | None = None, out: None = None
    ) -> NDArray[np.float64]: ...
    @overload
    def __call__(
        self, x: _Real, negative_slope: float = 0.01, *, bias: ArrayLike | None = None, out: None = None
    ) -> _Real: ...
    @overload
    def __call__(
        self, x: float, negative_slope: float = 0.01, *, bias: ArrayLike | None = None, out: None = None
    ) -> np.float64: ...
    @overload
    def __call__(
        self, x: ArrayLike, negative_slope: float = 0.01, *, bias: ArrayLike | None = None, out: None = None
    ) -> Any: ...

class _LeakyBackward(_Described, Protocol):
    @overload
    def __call__(
        self,
        grad: ArrayLike,
        *,
        x: ArrayLike,
        negative_slope: float = 0.01,
        bias: ArrayLike | None = None,
        bias_grad: ArrayLike | None = None,
        out: _Out,
    ) -> _Out: ...
    @overload
    def __call__(
        self,
        grad: ArrayLike,
        *,
        y: ArrayLike,
        negative_slope: float = 0.01,
        bias_grad: ArrayLike | None = None,
        out: _Out,
    ) -> _Out: ...
    @overload
    def __call__(
        self,
        grad: NDArray[_Real],
        *,
        x: NDArray[_Real],
        negative_slope: float = 0.01,
        bias: ArrayLike | None = None,
        bias_grad: ArrayLike | None = None,
        out: None = None,
    ) -> NDArray[_Real]: ...
    @overload
    def __call__(
        self,
        grad: NDArray[_Real],
        *,
        y: NDArray[_Real],
        negative_slope: float = 0.01,
        bias_grad: ArrayLike | None = None,
        out: None = None,
    ) -> NDArray[_Real]: ...
    @overload
    def __call__(
        self,
        grad: ArrayLike,
        *,
        x: ArrayLike,
        negative_slope: float = 0.01,
        bias: ArrayLike | None = None,
        bias_grad: ArrayLike | None = None,
        out: None = None,
    ) -> Any: ...
    @overload
    def __call__(
        self,
        grad: ArrayLike,
        *,
        y: ArrayLike,
        negative_slope: float = 0.01,
        bias_grad: ArrayLike | None = None,
        out: None = None,
    ) -> Any: ...

class _Leaky(_Activation, _LeakyFunction, Protocol):
    @property
    def derivative(self) -> _LeakyFunction: ...
    @property
    def backward(self) -> _LeakyBackward: ...

# With a weight that may lie along an axis.

class _WeightedFunction(_Described, Protocol):
    @overload
    def __call__(self, x: ArrayLike, weight: ArrayLike, axis: int = 1, *, out: _Out) -> _Out: ...
    @overload
    def __call__(
        self, x: NDArray[_Real], weight: float | NDArray[_Real], axis: int = 1, *, out: None = None
    ) -> NDArray[_Real]: ...
    @overload
    def __call__(
        self, x: NDArray[_Exact], weight: float, axis: int = 1, *, out: None = None
    ) -> NDArray[np.float64]: ...
    @overload
    def __call__(self, x: _Real, weight: float, axis: int = 1, *, out: None = None) -> _Real: ...
    @overload
    def __call__(self, x: float, weight: float, axis: int = 1, *, out: None = None) -> np.float64: ...
    @overload
    def __call__(self, x: ArrayLike, weight: ArrayLike, axis: int = 1, *, out: None = None) -> Any: ...

class _WeightedBackward(_Described, Protocol):
    @overload
    def __call__(
        self,
        grad: ArrayLike,
        *,
        x: ArrayLike,
        weight: ArrayLike,
        axis: int = 1,
        weight_grad: ArrayLike | None = None,
        out: _Out,
    ) -> _Out: ...
    @overload
    def __call__(
        self,
        grad: ArrayLike,
        *,
        y: ArrayLike,
        weight: ArrayLike,
        axis: int = 1,
        weight_grad: ArrayLike | None = None,
        out: _Out,
    ) -> _Out: ...
    @overload
    def __call__(
        self,
        grad: NDArray[_Real],
        *,
        x: NDArray[_Real],
        weight: float | NDArray[_Real],
        axis: int = 1,
        weight_grad: ArrayLike | None = None,
        out: None = None,
    ) -> NDArray[_Real]: ...
    @overload
    def __call__(
        self,
        grad: NDArray[_Real],
        *,
        y: NDArray[_Real],
        weight: float | NDArray[_Real],
        axis: int = 1,
        weight_grad: ArrayLike | None = None,
        out: None = None,
    ) -> NDArray[_Real]: ...
    @overload
    def __call__(
        self,
        grad: ArrayLike,
        *,
        x: ArrayLike,
        weight: ArrayLike,
        axis: int = 1,
        weight_grad: ArrayLike | None = None,
        out: None = None,
    ) -> Any: ...
    @overload
    def __call__(
        self,
        grad: ArrayLike,
        *,
        y: ArrayLike,
        weight: ArrayLike,
        axis: int = 1,
        weight_grad: ArrayLike | None = None,
        out: None = None,
    ) -> Any: ...

class _Weighted(_Activation, _WeightedFunction, Protocol):
    @property
    def derivative(self) -> _WeightedFunction: ...
    @property
    def backward(self) -> _WeightedBackward: ...

# Between two bounds.

class _IntervalFunction(_Described, Protocol):
    @overload
    def __call__(
        self, x: ArrayLike, min_val: float = -1.0, max_val: float = 1.0, *, bias: ArrayLike | None = None, out: _Out
    ) -> _Out: ...
    @overload
    def __call__(
        self,
        x: NDArray[_Real],
        min_val: float = -1.0,
        max_val: float = 1.0,
        *,
        bias: ArrayLike | None = None,
        out: None = None,
    ) -> NDArray[_Real]: ...
    @overload
    def __call__(
        self,
        x: NDArray[_Exact],
        min_val: float = -1.0,
        max_val: float = 1.0,
        *,
        bias: ArrayLike | None = None,
        out: None = None,
    ) -> NDArray[np.float64]: ...
    @overload
    def __call__(
        self, x: _Real, min_val: float = -1.0, max_val: float = 1.0, *, bias: ArrayLike | None = None, out: None = None
    ) -> _Real: ...
    @overload
    def __call__(
        self, x: float, min_val: float = -1.0, max_val: float = 1.0, *, bias: ArrayLike | None = None, out: None = None
    ) -> np.float64: ...
    @overload
    def __call__(
        self,
        x: ArrayLike,
        min_val: float = -1.0,
        max_val: float = 1.0,
        *,
        bias: ArrayLike | None = None,
        out: None = None,
    ) -> Any: ...

class _IntervalBackward(_Described, Protocol):
    @overload
    def __call__(
        self,
        grad: ArrayLike,
        *,
        x: ArrayLike,
        min_val: float = -1.0,
        max_val: float = 1.0,
        bias: ArrayLike | None = None,
        bias_grad: ArrayLike | None = None,
        out: _Out,
    ) -> _Out: ...
    @overload
    def __call__(
        self,
        grad: ArrayLike,
        *,
        y: ArrayLike,
        min_val: float = -1.0,
        max_val: float = 1.0,
        bias_grad: ArrayLike | None = None,
        out: _Out,
    ) -> _Out: ...
    @overload
    def __call__(
        self,
        grad: NDArray[_Real],
        *,
        x: NDArray[_Real],
        min_val: float = -1.0,
        max_val: float = 1.0,
        bias: ArrayLike | None = None,
        bias_grad: ArrayLike | None = None,
        out: None = None,
    ) -> NDArray[_Real]: ...
    @overload
    def __call__(
        self,
        grad: NDArray[_Real],
        *,
        y: NDArray[_Real],
        min_val: float = -1.0,
        max_val: float = 1.0,
        bias_grad: ArrayLike | None = None,
        out: None = None,
    ) -> NDArray[_Real]: ...
    @overload
    def __call__(
        self,
        grad: ArrayLike,
        *,
        x: ArrayLike,
        min_val: float = -1.0,
        max_val: float = 1.0,
        bias: ArrayLike | None = None,
        bias_grad: ArrayLike | None = None,
        out: None = None,
    ) -> Any: ...
    @overload
    def __call__(
        self,
        grad: ArrayLike,
        *,
        y: ArrayLike,
        min_val: float = -1.0,
        max_val: float = 1.0,
        bias_grad: ArrayLike | None = None,
        out: None = None,
    ) -> Any: ...

class _Interval(_Activation, _IntervalFunction, Protocol):
    @property
    def derivative(self) -> _IntervalFunction: ...
    @property
    def backward(self) -> _IntervalBackward: ...

# From a threshold on.

class _ThresholdFunction(_Described, Protocol):
    @overload
    def __call__(
        self, x: ArrayLike, threshold: float, value: float, *, bias: ArrayLike | None = None, out: _Out
    ) -> _Out: ...
    @overload
    def __call__(
        self, x: NDArray[_Real], threshold: float, value: float, *, bias: ArrayLike | None = None, out: None = None
    ) -> NDArray[_Real]: ...
    @overload
    def __call__(
        self, x: NDArray[_Exact], threshold: float, value: float, *, bias: ArrayLike | None = None, out: None = None
    ) -> NDArray[np.float64]: ...
    @overload
    def __call__(
        self, x: _Real, threshold: float, value: float, *, bias: ArrayLike | None = None, out: None = None
    ) -> _Real: ...
    @overload
    def __call__(
        self, x: float, threshold: float, value: float, *, bias: ArrayLike | None = None, out: None = None
    ) -> np.float64: ...
    @overload
    def __call__(
        self, x: ArrayLike, threshold: float, value: float, *, bias: ArrayLike | None = None, out: None = None
    ) -> Any: ...

class _ThresholdBackward(_Described, Protocol):
    @overload
    def __call__(
        self,
        grad: ArrayLike,
        *,
        x: ArrayLike,
        threshold: float,
        value: float,
        bias: ArrayLike | None = None,
        bias_grad: ArrayLike | None = None,
        out: _Out,
    ) -> _Out: ...
    @overload
    def __call__(
        self,
        grad: NDArray[_Real],
        *,
        x: NDArray[_Real],
        threshold: float,
        value: float,
        bias: ArrayLike | None = None,
        bias_grad: ArrayLike | None = None,
        out: None = None,
    ) -> NDArray[_Real]: ...
    @overload
    def __call__(
        self,
        grad: ArrayLike,
        *,
        x: ArrayLike,
        threshold: float,
        value: float,
        bias: ArrayLike | None = None,
        bias_grad: ArrayLike | None = None,
        out: None = None,
    ) -> Any: ...

class _Threshold(_Activation, _ThresholdFunction, Protocol):
    @property
    def derivative(self) -> _ThresholdFunction: ...
    @property
    def backward(self) -> _ThresholdBackward: ...

# With the slope and the offset of a line.

class _LineFunction(_Described, Protocol):
    @overload
    def __call__(
        self, x: ArrayLike, slope: float = ..., offset: float = 0.5, *, bias: ArrayLike | None = None, out: _Out
    ) -> _Out: ...
    @overload
    def __call__(
        self,
        x: NDArray[_Real],
        slope: float = ...,
        offset: float = 0.5,
        *,
        bias: ArrayLike | None = None,
        out: None = None,
    ) -> NDArray[_Real]: ...
    @overload
    def __call__(
        self,
        x: NDArray[_Exact],
        slope: float = ...,
        offset: float = 0.5,
        *,
        bias: ArrayLike | None = None,
        out: None = None,
    ) -> NDArray[np.float64]: ...
    @overload
    def __call__(
        self, x: _Real, slope: float = ..., offset: float = 0.5, *, bias: ArrayLike | None = None, out: None = None
    ) -> _Real: ...
    @overload
    def __call__(
        self, x: float, slope: float = ..., offset: float = 0.5, *, bias: ArrayLike | None = None, out: None = None
    ) -> np.float64: ...
    @overload
    def __call__(
        self, x: ArrayLike, slope: float = ..., offset: float = 0.5, *, bias: ArrayLike | None = None, out: None = None
    ) -> Any: ...

class _LineBackward(_Described, Protocol):
    @overload
    def __call__(
        self,
        grad: ArrayLike,
        *,
        x: ArrayLike,
        slope: float = ...,
        offset: float = 0.5,
        bias: ArrayLike | None = None,
        bias_grad: ArrayLike | None = None,
        out: _Out,
    ) -> _Out: ...
    @overload
    def __call__(
        self,
        grad: ArrayLike,
        *,
        y: ArrayLike,
        slope: float = ...,
        offset: float = 0.5,
        bias_grad: ArrayLike | None = None,
        out: _Out,
    ) -> _Out: ...
    @overload
    def __call__(
        self,
        grad: NDArray[_Real],
        *,
        x: NDArray[_Real],
        slope: float = ...,
        offset: float = 0.5,
        bias: ArrayLike | None = None,
        bias_grad: ArrayLike | None = None,
        out: None = None,
    ) -> NDArray[_Real]: ...
    @overload
    def __call__(
        self,
        grad: NDArray[_Real],
        *,
        y: NDArray[_Real],
        slope: float = ...,
        offset: float = 0.5,
        bias_grad: ArrayLike | None = None,
        out: None = None,
    ) -> NDArray[_Real]: ...
    @overload
    def __call__(
        self,
        grad: ArrayLike,
        *,
        x: ArrayLike,
        slope: float = ...,
        offset: float = 0.5,
        bias: ArrayLike | None = None,
        bias_grad: ArrayLike | None = None,
        out: None = None,
    ) -> Any: ...
    @overload
    def __call__(
        self,
        grad: ArrayLike,
        *,
        y: ArrayLike,
        slope: float = ...,
        offset: float = 0.5,
        bias_grad: ArrayLike | None = None,
        out: None = None,
    ) -> Any: ...

class _Line(_Activation, _LineFunction, Protocol):
    @property
    def derivative(self) -> _LineFunction: ...
    @property
    def backward(self) -> _LineBackward: ...

# With a width around 0.

class _LambdFunction(_Described, Protocol):
    @overload
    def __call__(self, x: ArrayLike, lambd: float = 0.5, *, bias: ArrayLike | None = None, out: _Out) -> _Out: ...
    @overload
    def __call__(
        self, x: NDArray[_Real], lambd: float = 0.5, *, bias: ArrayLike | None = None, out: None = None
    ) -> NDArray[_Real]: ...
    @overload
    def __call__(
        self, x: NDArray[_Exact], lambd: float = 0.5, *, bias: ArrayLike | None = None, out: None = None
    ) -> NDArray[np.float64]: ...
    @overload
    def __call__(self, x: _Real, lambd: float = 0.5, *, bias: ArrayLike | None = None, out: None = None) -> _Real: ...
    @overload
    def __call__(
        self, x: float, lambd: float = 0.5, *, bias: ArrayLike | None = None, out: None = None
    ) -> np.float64: ...
    @overload
    def __call__(self, x: ArrayLike, lambd: float = 0.5, *, bias: ArrayLike | None = None, out: None = None) -> Any: ...

class _LambdBackward(_Described, Protocol):
    @overload
    def __call__(
        self,
        grad: ArrayLike,
        *,
        x: ArrayLike,
        lambd: float = 0.5,
        bias: ArrayLike | None = None,
        bias_grad: ArrayLike | None = None,
        out: _Out,
    ) -> _Out: ...
    @overload
    def __call__(
        self, grad: ArrayLike, *, y: ArrayLike, lambd: float = 0.5, bias_grad: ArrayLike | None = None, out: _Out
    ) -> _Out: ...
    @overload
    def __call__(
        self,
        grad: NDArray[_Real],
        *,
        x: NDArray[_Real],
        lambd: float = 0.5,
        bias: ArrayLike | None = None,
        bias_grad: ArrayLike | None = None,
        out: None = None,
    ) -> NDArray[_Real]: ...
    @overload
    def __call__(
        self,
        grad: NDArray[_Real],
        *,
        y: NDArray[_Real],
        lambd: float = 0.5,
        bias_grad: ArrayLike | None = None,
        out: None = None,
    ) -> NDArray[_Real]: ...
    @overload
    def __call__(
        self,
        grad: ArrayLike,
        *,
        x: ArrayLike,
        lambd: float = 0.5,
        bias: ArrayLike | None = None,
        bias_grad: ArrayLike | None = None,
        out: None = None,
    ) -> Any: ...
    @overload
    def __call__(
        self, grad: ArrayLike, *, y: ArrayLike, lambd: float = 0.5, bias_grad: ArrayLike | None = None, out: None = None
    ) -> Any: ...

class _Lambd(_Activation, _LambdFunction, Protocol):
    @property
    def derivative(self) -> _LambdFunction: ...
    @property
    def backward(self) -> _LambdBackward: ...

# With a value at -inf.

class _AlphaFunction(_Described, Protocol):
    @overload
    def __call__(self, x: ArrayLike, alpha: float = 1.0, *, bias: ArrayLike | None = None, out: _Out) -> _Out: ...
    @overload
    def __call__(
        self, x: NDArray[_Real], alpha: float = 1.0, *, bias: ArrayLike | None = None, out: None = None
    ) -> NDArray[_Real]: ...
    @overload
    def __call__(
        self, x: NDArray[_Exact], alpha: float = 1.0, *, bias: ArrayLike | None = None, out: None = None
    ) -> NDArray[np.float64]: ...
    @overload
    def __call__(self, x: _Real, alpha: float = 1.0, *, bias: ArrayLike | None = None, out: None = None) -> _Real: ...
    @overload
    def __call__(
        self, x: float, alpha: float = 1.0, *, bias: ArrayLike | None = None, out: None = None
    ) -> np.float64: ...
    @overload
    def __call__(self, x: ArrayLike, alpha: float = 1.0, *, bias: ArrayLike | None = None, out: None = None) -> Any: ...

class _AlphaBackward(_Described, Protocol):
    @overload
    def __call__(
        self,
        grad: ArrayLike,
        *,
        x: ArrayLike,
        alpha: float = 1.0,
        bias: ArrayLike | None = None,
        bias_grad: ArrayLike | None = None,
        out: _Out,
    ) -> _Out: ...
    @overload
    def __call__(
        self, grad: ArrayLike, *, y: ArrayLike, alpha: float = 1.0, bias_grad: ArrayLike | None = None, out: _Out
    ) -> _Out: ...
    @overload
    def __call__(
        self,
        grad: NDArray[_Real],
        *,
        x: NDArray[_Real],
        alpha: float = 1.0,
        bias: ArrayLike | None = None,
        bias_grad: ArrayLike | None = None,
        out: None = None,
    ) -> NDArray[_Real]: ...
    @overload
    def __call__(
        self,
        grad: NDArray[_Real],
        *,
        y: NDArray[_Real],
        alpha: float = 1.0,
        bias_grad: ArrayLike | None = None,
        out: None = None,
    ) -> NDArray[_Real]: ...
    @overload
    def __call__(
        self,
        grad: ArrayLike,
        *,
        x: ArrayLike,
        alpha: float = 1.0,
        bias: ArrayLike | None = None,
        bias_grad: ArrayLike | None = None,
        out: None = None,
    ) -> Any: ...
    @overload
    def __call__(
        self, grad: ArrayLike, *, y: ArrayLike, alpha: float = 1.0, bias_grad: ArrayLike | None = None, out: None = None
    ) -> Any: ...

class _Alpha(_Activation, _AlphaFunction, Protocol):
    @property
    def derivative(self) -> _AlphaFunction: ...
    @property
    def backward(self) -> _AlphaBackward: ...

# With a steepness; swish by its input alone.

class _BetaFunction(_Described, Protocol):
    @overload
    def __call__(self, x: ArrayLike, beta: float = 1.0, *, bias: ArrayLike | None = None, out: _Out) -> _Out: ...
    @overload
    def __call__(
        self, x: NDArray[_Real], beta: float = 1.0, *, bias: ArrayLike | None = None, out: None = None
    ) -> NDArray[_Real]: ...
    @overload
    def __call__(
        self, x: NDArray[_Exact], beta: float = 1.0, *, bias: ArrayLike | None = None, out: None = None
    ) -> NDArray[np.float64]: ...
    @overload
    def __call__(self, x: _Real, beta: float = 1.0, *, bias: ArrayLike | None = None, out: None = None) -> _Real: ...
    @overload
    def __call__(
        self, x: float, beta: float = 1.0, *, bias: ArrayLike | None = None, out: None = None
    ) -> np.float64: ...
    @overload
    def __call__(self, x: ArrayLike, beta: float = 1.0, *, bias: ArrayLike | None = None, out: None = None) -> Any: ...

class _BetaBackward(_Described, Protocol):
    @overload
    def __call__(
        self,
        grad: ArrayLike,
        *,
        x: ArrayLike,
        beta: float = 1.0,
        bias: ArrayLike | None = None,
        bias_grad: ArrayLike | None = None,
        out: _Out,
    ) -> _Out: ...
    @overload
    def __call__(
        self, grad: ArrayLike, *, y: ArrayLike, beta: float = 1.0, bias_grad: ArrayLike | None = None, out: _Out
    ) -> _Out: ...
    @overload
    def __call__(
        self,
        grad: NDArray[_Real],
        *,
        x: NDArray[_Real],
        beta: float = 1.0,
        bias: ArrayLike | None = None,
        bias_grad: ArrayLike | None = None,
        out: None = None,
    ) -> NDArray[_Real]: ...
    @overload
    def __call__(
        self,
        grad: NDArray[_Real],
        *,
        y: NDArray[_Real],
        beta: float = 1.0,
        bias_grad: ArrayLike | None = None,
        out: None = None,
    ) -> NDArray[_Real]: ...
    @overload
    def __call__(
        self,
        grad: ArrayLike,
        *,
        x: ArrayLike,
        beta: float = 1.0,
        bias: ArrayLike | None = None,
        bias_grad: ArrayLike | None = None,
        out: None = None,
    ) -> Any: ...
    @overload
    def __call__(
        self, grad: ArrayLike, *, y: ArrayLike, beta: float = 1.0, bias_grad: ArrayLike | None = None, out: None = None
    ) -> Any: ...

class _Beta(_Activation, _BetaFunction, Protocol):
    @property
    def derivative(self) -> _BetaFunction: ...
    @property
    def backward(self) -> _BetaBackward: ...

class _SwishBackward(_Described, Protocol):
    @overload
    def __call__(
        self,
        grad: ArrayLike,
        *,
        x: ArrayLike,
        beta: float = 1.0,
        bias: ArrayLike | None = None,
        bias_grad: ArrayLike | None = None,
        out: _Out,
    ) -> _Out: ...
    @overload
    def __call__(
        self,
        grad: NDArray[_Real],
        *,
        x: NDArray[_Real],
        beta: float = 1.0,
        bias: ArrayLike | None = None,
        bias_grad: ArrayLike | None = None,
        out: None = None,
    ) -> NDArray[_Real]: ...
    @overload
    def __call__(
        self,
        grad: ArrayLike,
        *,
        x: ArrayLike,
        beta: float = 1.0,
        bias: ArrayLike | None = None,
        bias_grad: ArrayLike | None = None,
        out: None = None,
    ) -> Any: ...

class _Swish(_Activation, _BetaFunction, Protocol):
    @property
    def derivative(self) -> _BetaFunction: ...
    @property
    def backward(self) -> _SwishBackward: ...

# With the size of a bend.

class _BFunction(_Described, Protocol):
    @overload
    def __call__(self, x: ArrayLike, b: float = 4.0, *, bias: ArrayLike | None = None, out: _Out) -> _Out: ...
    @overload
    def __call__(
        self, x: NDArray[_Real], b: float = 4.0, *, bias: ArrayLike | None = None, out: None = None
    ) -> NDArray[_Real]: ...
    @overload
    def __call__(
        self, x: NDArray[_Exact], b: float = 4.0, *, bias: ArrayLike | None = None, out: None = None
    ) -> NDArray[np.float64]: ...
    @overload
    def __call__(self, x: _Real, b: float = 4.0, *, bias: ArrayLike | None = None, out: None = None) -> _Real: ...
    @overload
    def __call__(self, x: float, b: float = 4.0, *, bias: ArrayLike | None = None, out: None = None) -> np.float64: ...
    @overload
    def __call__(self, x: ArrayLike, b: float = 4.0, *, bias: ArrayLike | None = None, out: None = None) -> Any: ...

class _BBackward(_Described, Protocol):
    @overload
    def __call__(
        self,
        grad: ArrayLike,
        *,
        x: ArrayLike,
        b: float = 4.0,
        bias: ArrayLike | None = None,
        bias_grad: ArrayLike | None = None,
        out: _Out,
    ) -> _Out: ...
    @overload
    def __call__(
        self, grad: ArrayLike, *, y: ArrayLike, b: float = 4.0, bias_grad: ArrayLike | None = None, out: _Out
    ) -> _Out: ...
    @overload
    def __call__(
        self,
        grad: NDArray[_Real],
        *,
        x: NDArray[_Real],
        b: float = 4.0,
        bias: ArrayLike | None = None,
        bias_grad: ArrayLike | None = None,
        out: None = None,
    ) -> NDArray[_Real]: ...
    @overload
    def __call__(
        self,
        grad: NDArray[_Real],
        *,
        y: NDArray[_Real],
        b: float = 4.0,
        bias_grad: ArrayLike | None = None,
        out: None = None,
    ) -> NDArray[_Real]: ...
    @overload
    def __call__(
        self,
        grad: ArrayLike,
        *,
        x: ArrayLike,
        b: float = 4.0,
        bias: ArrayLike | None = None,
        bias_grad: ArrayLike | None = None,
        out: None = None,
    ) -> Any: ...
    @overload
    def __call__(
        self, grad: ArrayLike, *, y: ArrayLike, b: float = 4.0, bias_grad: ArrayLike | None = None, out: None = None
    ) -> Any: ...

class _B(_Activation, _BFunction, Protocol):
    @property
    def derivative(self) -> _BFunction: ...
    @property
    def backward(self) -> _BBackward: ...

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

# The same of some elements, scaled.

class _Selection(TypedDict, total=False):
    scale: float
    where: ArrayLike | None
    causal: bool

class _SelectionFunction(_Described, Protocol):
    @overload
    def __call__(self, x: ArrayLike, axis: int = -1, *, out: _Out, **selection: Unpack[_Selection]) -> _Out: ...
    @overload
    def __call__(
        self, x: NDArray[_Real], axis: int = -1, *, out: None = None, **selection: Unpack[_Selection]
    ) -> NDArray[_Real]: ...
    @overload
    def __call__(
        self, x: NDArray[_Exact], axis: int = -1, *, out: None = None, **selection: Unpack[_Selection]
    ) -> NDArray[np.float64]: ...
    @overload
    def __call__(self, x: _Real, axis: int = -1, *, out: None = None, **selection: Unpack[_Selection]) -> _Real: ...
    @overload
    def __call__(
        self, x: float, axis: int = -1, *, out: None = None, **selection: Unpack[_Selection]
    ) -> np.float64: ...
    @overload
    def __call__(self, x: ArrayLike, axis: int = -1, *, out: None = None, **selection: Unpack[_Selection]) -> Any: ...

class _SelectionBackward(_Described, Protocol):
    @overload
    def __call__(
        self, grad: ArrayLike, *, y: ArrayLike, axis: int = -1, out: _Out, **selection: Unpack[_Selection]
    ) -> _Out: ...
    @overload
    def __call__(
        self,
        grad: NDArray[_Real],
        *,
        y: NDArray[_Real],
        axis: int = -1,
        out: None = None,
        **selection: Unpack[_Selection],
    ) -> NDArray[_Real]: ...
    @overload
    def __call__(
        self, grad: ArrayLike, *, y: ArrayLike, axis: int = -1, out: None = None, **selection: Unpack[_Selection]
    ) -> Any: ...

class _SelectingRowwise(_Activation, _SelectionFunction, Protocol):
    @property
    def backward(self) -> _SelectionBackward: ...
    @overload
    def jacobian(self, y: NDArray[_Real], axis: int = -1) -> NDArray[_Real]: ...
    @overload
    def jacobian(self, y: ArrayLike, axis: int = -1) -> NDArray[Any]: ...

# One number a row.

class _ReductionBackward(_Described, Protocol):
    @overload
    def __call__(self, grad: ArrayLike, *, x: ArrayLike, axis: int = -1, out: _Out) -> _Out: ...
    @overload
    def __call__(
        self, grad: ArrayLike, *, x: NDArray[_Real], axis: int = -1, out: None = None
    ) -> NDArray[_Real] | NDArray[np.float64]: ...
    @overload
    def __call__(self, grad: ArrayLike, *, x: ArrayLike, axis: int = -1, out: None = None) -> Any: ...

class _Reduction(_Activation, Protocol):
    @overload
    def __call__(self, x: ArrayLike, axis: int = -1, *, keepdims: bool = False, out: _Out) -> _Out: ...
    @overload
    def __call__(
        self, x: NDArray[_Real], axis: int = -1, *, keepdims: Literal[True], out: None = None
    ) -> NDArray[_Real]: ...
    @overload
    def __call__(
        self, x: NDArray[_Exact], axis: int = -1, *, keepdims: Literal[True], out: None = None
    ) -> NDArray[np.float64]: ...
    @overload
    def __call__(self, x: ArrayLike, axis: int = -1, *, keepdims: bool = False, out: None = None) -> Any: ...
    @property
    def backward(self) -> _ReductionBackward: ...

# Gated units: of two arrays, or of the halves of one.

class _GateBackward(_Described, Protocol):
    @overload
    def __call__(
        self, grad: ArrayLike, *, gate: ArrayLike, value: ArrayLike, gate_grad: _Out, value_grad: _OtherOut
    ) -> tuple[_Out, _OtherOut]: ...
    @overload
    def __call__(
        self,
        grad: NDArray[_Real],
        *,
        gate: NDArray[_Real],
        value: NDArray[_Real],
        gate_grad: None = None,
        value_grad: None = None,
    ) -> tuple[NDArray[_Real], NDArray[_Real]]: ...
    @overload
    def __call__(
        self,
        grad: ArrayLike,
        *,
        gate: ArrayLike,
        value: ArrayLike,
        gate_grad: ArrayLike | None = None,
        value_grad: ArrayLike | None = None,
    ) -> tuple[Any, Any]: ...
    @overload
    def __call__(self, grad: ArrayLike, *, x: ArrayLike, axis: int = -1, out: _Out) -> _Out: ...
    @overload
    def __call__(
        self, grad: NDArray[_Real], *, x: NDArray[_Real], axis: int = -1, out: None = None
    ) -> NDArray[_Real]: ...
    @overload
    def __call__(self, grad: ArrayLike, *, x: ArrayLike, axis: int = -1, out: None = None) -> Any: ...

class _Gated(_Described, Protocol):
    @property
    def bounds(self) -> Mapping[str, Mapping[str, float]]: ...
    @property
    def backward(self) -> _GateBackward: ...

class _Gate(_Gated, Protocol):
    @overload
    def __call__(self, gate: ArrayLike, value: ArrayLike, *, out: _Out) -> _Out: ...
    @overload
    def __call__(self, gate: NDArray[_Real], value: NDArray[_Real], *, out: None = None) -> NDArray[_Real]: ...
    @overload
    def __call__(self, gate: ArrayLike, value: ArrayLike, *, out: None = None) -> Any: ...
    @overload
    def __call__(self, x: ArrayLike, *, axis: int = -1, out: _Out) -> _Out: ...
    @overload
    def __call__(self, x: NDArray[_Real], *, axis: int = -1, out: None = None) -> NDArray[_Real]: ...
    @overload
    def __call__(self, x: ArrayLike, *, axis: int = -1, out: None = None) -> Any: ...

class _ValueFirst(_Gated, Protocol):
    @overload
    def __call__(self, value: ArrayLike, gate: ArrayLike, *, out: _Out) -> _Out: ...
    @overload
    def __call__(self, value: NDArray[_Real], gate: NDArray[_Real], *, out: None = None) -> NDArray[_Real]: ...
    @overload
    def __call__(self, value: ArrayLike, gate: ArrayLike, *, out: None = None) -> Any: ...
    @overload
    def __call__(self, x: ArrayLike, *, axis: int = -1, out: _Out) -> _Out: ...
    @overload
    def __call__(self, x: NDArray[_Real], *, axis: int = -1, out: None = None) -> NDArray[_Real]: ...
    @overload
    def __call__(self, x: ArrayLike, *, axis: int = -1, out: None = None) -> Any: ...

# One line an activation.

relu: _Elementwise
leaky_relu: _Leaky
prelu: _Weighted
relu6: _Elementwise
hard_tanh: _Interval
threshold: _Threshold
relu_squared: _Elementwise
hard_sigmoid: _Line
hard_swish: _InputOnly
hard_shrink: _Lambd
soft_shrink: _Lambd
sparse_plus: _Elementwise
sparse_sigmoid: _Elementwise
identity: _Elementwise
soft_sign: _Elementwise
squareplus: _B
sigmoid: _Elementwise
tanh: _Elementwise
tanh_shrink: _InputOnly
silu: _InputOnly
swish: _Swish
quick_gelu: _InputOnly
gelu_tanh: _InputOnly
exponential: _Elementwise
gaussian: _InputOnly
elu: _Alpha
selu: _Elementwise
celu: _Alpha
softplus: _Beta
log_sigmoid: _Elementwise
mish: _InputOnly
gelu: _InputOnly
softmax: _SelectingRowwise
softmin: _Rowwise
log_softmax: _SelectingRowwise
sparsemax: _Rowwise
logsumexp: _Reduction
glu: _ValueFirst
swiglu: _Gate
geglu: _Gate
geglu_tanh: _Gate
reglu: _Gate
bilinear: _Gate
