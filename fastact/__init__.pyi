# Written by tools/make_stub.py from fastact/catalogue; not by hand.
# To mypy arrays of float32 and of float64 overlap, as if a type could be both:
# mypy: disable-error-code="overload-overlap"

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, Protocol, TypeAlias, TypeVar, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastact._threads import get_num_threads as get_num_threads
from fastact._threads import num_threads as num_threads
from fastact._threads import set_num_threads as set_num_threads
from fastact.activations import ACTIVATIONS as ACTIVATIONS
from fastact.activations import GATES as GATES
from fastact.activations import REDUCTIONS as REDUCTIONS
from fastact.config import get_c_api as get_c_api
from fastact.config import get_include as get_include
from fastact.config import show_config as show_config
from fastact.diagnosis import Diagnosis as Diagnosis
from fastact.diagnosis import diagnose as diagnose
from fastact.pictures import plot as plot
from fastact.typing import Activation, Name

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
    "get_c_api",
    "get_include",
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
_Real = TypeVar("_Real", np.float16, np.float32, np.float64)
_Computed = TypeVar("_Computed", np.float32, np.float64)  # losses of float16 are of float32
_Wide = TypeVar("_Wide", bound=np.float64 | np.integer[Any] | np.bool)  # computed in float64, whatever is beside it
_Given = TypeVar("_Given", bound=Callable[..., Any])
_Axes: TypeAlias = int | tuple[int, ...] | None
_Labels: TypeAlias = NDArray[np.integer[Any]] | NDArray[np.bool] | Sequence[int] | Sequence[Sequence[int]]

class _Described(Protocol):
    @property
    def name(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def parameters(self) -> Mapping[str, Any]: ...
    @property
    def bounds(self) -> Mapping[str, Mapping[str, float]]: ...
    @property
    def backward_from(self) -> tuple[str, ...]: ...

class _ElementwiseFunction(_Described, Protocol):
    @overload
    def __call__(self, x: ArrayLike, *, bias: ArrayLike | None = None, out: _Out) -> _Out: ...
    @overload
    def __call__(
        self, x: NDArray[_Real], *, bias: NDArray[_Real] | None = None, out: None = None
    ) -> NDArray[_Real]: ...
    @overload
    def __call__(
        self, x: NDArray[_Wide], *, bias: ArrayLike | None = None, out: None = None
    ) -> NDArray[np.float64]: ...
    @overload
    def __call__(self, x: _Real, *, bias: _Real | None = None, out: None = None) -> _Real: ...
    @overload
    def __call__(self, x: float, *, bias: ArrayLike | None = None, out: None = None) -> np.float64: ...
    @overload
    def __call__(self, x: ArrayLike, *, bias: ArrayLike | None = None, out: None = None) -> Any: ...

class _ElementwiseBackward(_Described, Protocol):
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
        bias: NDArray[_Real] | None = None,
        bias_grad: ArrayLike | None = None,
        out: None = None,
    ) -> NDArray[_Real]: ...
    @overload
    def __call__(
        self,
        grad: NDArray[_Wide],
        *,
        x: ArrayLike,
        bias: ArrayLike | None = None,
        bias_grad: ArrayLike | None = None,
        out: None = None,
    ) -> NDArray[np.float64]: ...
    @overload
    def __call__(
        self, grad: NDArray[_Real], *, y: NDArray[_Real], bias_grad: ArrayLike | None = None, out: None = None
    ) -> NDArray[_Real]: ...
    @overload
    def __call__(
        self, grad: NDArray[_Wide], *, y: ArrayLike, bias_grad: ArrayLike | None = None, out: None = None
    ) -> NDArray[np.float64]: ...
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

class _Elementwise(_ElementwiseFunction, Protocol):
    @property
    def derivative(self) -> _ElementwiseFunction: ...
    @property
    def backward(self) -> _ElementwiseBackward: ...

class _ElementwiseNegativeSlopeFunction(_Described, Protocol):
    @overload
    def __call__(
        self, x: ArrayLike, negative_slope: float = 0.01, *, bias: ArrayLike | None = None, out: _Out
    ) -> _Out: ...
    @overload
    def __call__(
        self, x: NDArray[_Real], negative_slope: float = 0.01, *, bias: NDArray[_Real] | None = None, out: None = None
    ) -> NDArray[_Real]: ...
    @overload
    def __call__(
        self, x: NDArray[_Wide], negative_slope: float = 0.01, *, bias: ArrayLike | None = None, out: None = None
    ) -> NDArray[np.float64]: ...
    @overload
    def __call__(
        self, x: _Real, negative_slope: float = 0.01, *, bias: _Real | None = None, out: None = None
    ) -> _Real: ...
    @overload
    def __call__(
        self, x: float, negative_slope: float = 0.01, *, bias: ArrayLike | None = None, out: None = None
    ) -> np.float64: ...
    @overload
    def __call__(
        self, x: ArrayLike, negative_slope: float = 0.01, *, bias: ArrayLike | None = None, out: None = None
    ) -> Any: ...

class _ElementwiseNegativeSlopeBackward(_Described, Protocol):
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
        bias: NDArray[_Real] | None = None,
        bias_grad: ArrayLike | None = None,
        out: None = None,
    ) -> NDArray[_Real]: ...
    @overload
    def __call__(
        self,
        grad: NDArray[_Wide],
        *,
        x: ArrayLike,
        negative_slope: float = 0.01,
        bias: ArrayLike | None = None,
        bias_grad: ArrayLike | None = None,
        out: None = None,
    ) -> NDArray[np.float64]: ...
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
        grad: NDArray[_Wide],
        *,
        y: ArrayLike,
        negative_slope: float = 0.01,
        bias_grad: ArrayLike | None = None,
        out: None = None,
    ) -> NDArray[np.float64]: ...
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

class _ElementwiseNegativeSlope(_ElementwiseNegativeSlopeFunction, Protocol):
    @property
    def derivative(self) -> _ElementwiseNegativeSlopeFunction: ...
    @property
    def backward(self) -> _ElementwiseNegativeSlopeBackward: ...

class _ChannelwiseWeightFunction(_Described, Protocol):
    @overload
    def __call__(self, x: ArrayLike, weight: ArrayLike, axis: int = 1, *, out: _Out) -> _Out: ...
    @overload
    def __call__(
        self, x: NDArray[_Real], weight: float | NDArray[_Real], axis: int = 1, *, out: None = None
    ) -> NDArray[_Real]: ...
    @overload
    def __call__(
        self, x: NDArray[_Wide], weight: ArrayLike, axis: int = 1, *, out: None = None
    ) -> NDArray[np.float64]: ...
    @overload
    def __call__(self, x: _Real, weight: float | _Real, axis: int = 1, *, out: None = None) -> _Real: ...
    @overload
    def __call__(self, x: float, weight: ArrayLike, axis: int = 1, *, out: None = None) -> np.float64: ...
    @overload
    def __call__(self, x: ArrayLike, weight: ArrayLike, axis: int = 1, *, out: None = None) -> Any: ...

class _ChannelwiseWeightBackward(_Described, Protocol):
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
        grad: NDArray[_Wide],
        *,
        x: ArrayLike,
        weight: ArrayLike,
        axis: int = 1,
        weight_grad: ArrayLike | None = None,
        out: None = None,
    ) -> NDArray[np.float64]: ...
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
        grad: NDArray[_Wide],
        *,
        y: ArrayLike,
        weight: ArrayLike,
        axis: int = 1,
        weight_grad: ArrayLike | None = None,
        out: None = None,
    ) -> NDArray[np.float64]: ...
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

class _ChannelwiseWeight(_ChannelwiseWeightFunction, Protocol):
    @property
    def derivative(self) -> _ChannelwiseWeightFunction: ...
    @property
    def backward(self) -> _ChannelwiseWeightBackward: ...

class _ElementwiseMinValMaxValFunction(_Described, Protocol):
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
        bias: NDArray[_Real] | None = None,
        out: None = None,
    ) -> NDArray[_Real]: ...
    @overload
    def __call__(
        self,
        x: NDArray[_Wide],
        min_val: float = -1.0,
        max_val: float = 1.0,
        *,
        bias: ArrayLike | None = None,
        out: None = None,
    ) -> NDArray[np.float64]: ...
    @overload
    def __call__(
        self, x: _Real, min_val: float = -1.0, max_val: float = 1.0, *, bias: _Real | None = None, out: None = None
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

class _ElementwiseMinValMaxValBackward(_Described, Protocol):
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
        bias: NDArray[_Real] | None = None,
        bias_grad: ArrayLike | None = None,
        out: None = None,
    ) -> NDArray[_Real]: ...
    @overload
    def __call__(
        self,
        grad: NDArray[_Wide],
        *,
        x: ArrayLike,
        min_val: float = -1.0,
        max_val: float = 1.0,
        bias: ArrayLike | None = None,
        bias_grad: ArrayLike | None = None,
        out: None = None,
    ) -> NDArray[np.float64]: ...
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
        grad: NDArray[_Wide],
        *,
        y: ArrayLike,
        min_val: float = -1.0,
        max_val: float = 1.0,
        bias_grad: ArrayLike | None = None,
        out: None = None,
    ) -> NDArray[np.float64]: ...
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

class _ElementwiseMinValMaxVal(_ElementwiseMinValMaxValFunction, Protocol):
    @property
    def derivative(self) -> _ElementwiseMinValMaxValFunction: ...
    @property
    def backward(self) -> _ElementwiseMinValMaxValBackward: ...

class _ElementwiseThresholdValueFunction(_Described, Protocol):
    @overload
    def __call__(
        self, x: ArrayLike, threshold: float, value: float, *, bias: ArrayLike | None = None, out: _Out
    ) -> _Out: ...
    @overload
    def __call__(
        self, x: NDArray[_Real], threshold: float, value: float, *, bias: NDArray[_Real] | None = None, out: None = None
    ) -> NDArray[_Real]: ...
    @overload
    def __call__(
        self, x: NDArray[_Wide], threshold: float, value: float, *, bias: ArrayLike | None = None, out: None = None
    ) -> NDArray[np.float64]: ...
    @overload
    def __call__(
        self, x: _Real, threshold: float, value: float, *, bias: _Real | None = None, out: None = None
    ) -> _Real: ...
    @overload
    def __call__(
        self, x: float, threshold: float, value: float, *, bias: ArrayLike | None = None, out: None = None
    ) -> np.float64: ...
    @overload
    def __call__(
        self, x: ArrayLike, threshold: float, value: float, *, bias: ArrayLike | None = None, out: None = None
    ) -> Any: ...

class _ElementwiseThresholdValueBackwardFromX(_Described, Protocol):
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
        bias: NDArray[_Real] | None = None,
        bias_grad: ArrayLike | None = None,
        out: None = None,
    ) -> NDArray[_Real]: ...
    @overload
    def __call__(
        self,
        grad: NDArray[_Wide],
        *,
        x: ArrayLike,
        threshold: float,
        value: float,
        bias: ArrayLike | None = None,
        bias_grad: ArrayLike | None = None,
        out: None = None,
    ) -> NDArray[np.float64]: ...
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

class _ElementwiseThresholdValueFromX(_ElementwiseThresholdValueFunction, Protocol):
    @property
    def derivative(self) -> _ElementwiseThresholdValueFunction: ...
    @property
    def backward(self) -> _ElementwiseThresholdValueBackwardFromX: ...

class _ElementwiseSlopeOffsetFunction(_Described, Protocol):
    @overload
    def __call__(
        self,
        x: ArrayLike,
        slope: float = 0.16666666666666666,
        offset: float = 0.5,
        *,
        bias: ArrayLike | None = None,
        out: _Out,
    ) -> _Out: ...
    @overload
    def __call__(
        self,
        x: NDArray[_Real],
        slope: float = 0.16666666666666666,
        offset: float = 0.5,
        *,
        bias: NDArray[_Real] | None = None,
        out: None = None,
    ) -> NDArray[_Real]: ...
    @overload
    def __call__(
        self,
        x: NDArray[_Wide],
        slope: float = 0.16666666666666666,
        offset: float = 0.5,
        *,
        bias: ArrayLike | None = None,
        out: None = None,
    ) -> NDArray[np.float64]: ...
    @overload
    def __call__(
        self,
        x: _Real,
        slope: float = 0.16666666666666666,
        offset: float = 0.5,
        *,
        bias: _Real | None = None,
        out: None = None,
    ) -> _Real: ...
    @overload
    def __call__(
        self,
        x: float,
        slope: float = 0.16666666666666666,
        offset: float = 0.5,
        *,
        bias: ArrayLike | None = None,
        out: None = None,
    ) -> np.float64: ...
    @overload
    def __call__(
        self,
        x: ArrayLike,
        slope: float = 0.16666666666666666,
        offset: float = 0.5,
        *,
        bias: ArrayLike | None = None,
        out: None = None,
    ) -> Any: ...

class _ElementwiseSlopeOffsetBackward(_Described, Protocol):
    @overload
    def __call__(
        self,
        grad: ArrayLike,
        *,
        x: ArrayLike,
        slope: float = 0.16666666666666666,
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
        slope: float = 0.16666666666666666,
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
        slope: float = 0.16666666666666666,
        offset: float = 0.5,
        bias: NDArray[_Real] | None = None,
        bias_grad: ArrayLike | None = None,
        out: None = None,
    ) -> NDArray[_Real]: ...
    @overload
    def __call__(
        self,
        grad: NDArray[_Wide],
        *,
        x: ArrayLike,
        slope: float = 0.16666666666666666,
        offset: float = 0.5,
        bias: ArrayLike | None = None,
        bias_grad: ArrayLike | None = None,
        out: None = None,
    ) -> NDArray[np.float64]: ...
    @overload
    def __call__(
        self,
        grad: NDArray[_Real],
        *,
        y: NDArray[_Real],
        slope: float = 0.16666666666666666,
        offset: float = 0.5,
        bias_grad: ArrayLike | None = None,
        out: None = None,
    ) -> NDArray[_Real]: ...
    @overload
    def __call__(
        self,
        grad: NDArray[_Wide],
        *,
        y: ArrayLike,
        slope: float = 0.16666666666666666,
        offset: float = 0.5,
        bias_grad: ArrayLike | None = None,
        out: None = None,
    ) -> NDArray[np.float64]: ...
    @overload
    def __call__(
        self,
        grad: ArrayLike,
        *,
        x: ArrayLike,
        slope: float = 0.16666666666666666,
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
        slope: float = 0.16666666666666666,
        offset: float = 0.5,
        bias_grad: ArrayLike | None = None,
        out: None = None,
    ) -> Any: ...

class _ElementwiseSlopeOffset(_ElementwiseSlopeOffsetFunction, Protocol):
    @property
    def derivative(self) -> _ElementwiseSlopeOffsetFunction: ...
    @property
    def backward(self) -> _ElementwiseSlopeOffsetBackward: ...

class _ElementwiseBackwardFromX(_Described, Protocol):
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
        bias: NDArray[_Real] | None = None,
        bias_grad: ArrayLike | None = None,
        out: None = None,
    ) -> NDArray[_Real]: ...
    @overload
    def __call__(
        self,
        grad: NDArray[_Wide],
        *,
        x: ArrayLike,
        bias: ArrayLike | None = None,
        bias_grad: ArrayLike | None = None,
        out: None = None,
    ) -> NDArray[np.float64]: ...
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

class _ElementwiseFromX(_ElementwiseFunction, Protocol):
    @property
    def derivative(self) -> _ElementwiseFunction: ...
    @property
    def backward(self) -> _ElementwiseBackwardFromX: ...

class _ElementwiseLambdFunction(_Described, Protocol):
    @overload
    def __call__(self, x: ArrayLike, lambd: float = 0.5, *, bias: ArrayLike | None = None, out: _Out) -> _Out: ...
    @overload
    def __call__(
        self, x: NDArray[_Real], lambd: float = 0.5, *, bias: NDArray[_Real] | None = None, out: None = None
    ) -> NDArray[_Real]: ...
    @overload
    def __call__(
        self, x: NDArray[_Wide], lambd: float = 0.5, *, bias: ArrayLike | None = None, out: None = None
    ) -> NDArray[np.float64]: ...
    @overload
    def __call__(self, x: _Real, lambd: float = 0.5, *, bias: _Real | None = None, out: None = None) -> _Real: ...
    @overload
    def __call__(
        self, x: float, lambd: float = 0.5, *, bias: ArrayLike | None = None, out: None = None
    ) -> np.float64: ...
    @overload
    def __call__(self, x: ArrayLike, lambd: float = 0.5, *, bias: ArrayLike | None = None, out: None = None) -> Any: ...

class _ElementwiseLambdBackward(_Described, Protocol):
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
        bias: NDArray[_Real] | None = None,
        bias_grad: ArrayLike | None = None,
        out: None = None,
    ) -> NDArray[_Real]: ...
    @overload
    def __call__(
        self,
        grad: NDArray[_Wide],
        *,
        x: ArrayLike,
        lambd: float = 0.5,
        bias: ArrayLike | None = None,
        bias_grad: ArrayLike | None = None,
        out: None = None,
    ) -> NDArray[np.float64]: ...
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
        grad: NDArray[_Wide],
        *,
        y: ArrayLike,
        lambd: float = 0.5,
        bias_grad: ArrayLike | None = None,
        out: None = None,
    ) -> NDArray[np.float64]: ...
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

class _ElementwiseLambd(_ElementwiseLambdFunction, Protocol):
    @property
    def derivative(self) -> _ElementwiseLambdFunction: ...
    @property
    def backward(self) -> _ElementwiseLambdBackward: ...

class _ElementwiseBFunction(_Described, Protocol):
    @overload
    def __call__(self, x: ArrayLike, b: float = 4.0, *, bias: ArrayLike | None = None, out: _Out) -> _Out: ...
    @overload
    def __call__(
        self, x: NDArray[_Real], b: float = 4.0, *, bias: NDArray[_Real] | None = None, out: None = None
    ) -> NDArray[_Real]: ...
    @overload
    def __call__(
        self, x: NDArray[_Wide], b: float = 4.0, *, bias: ArrayLike | None = None, out: None = None
    ) -> NDArray[np.float64]: ...
    @overload
    def __call__(self, x: _Real, b: float = 4.0, *, bias: _Real | None = None, out: None = None) -> _Real: ...
    @overload
    def __call__(self, x: float, b: float = 4.0, *, bias: ArrayLike | None = None, out: None = None) -> np.float64: ...
    @overload
    def __call__(self, x: ArrayLike, b: float = 4.0, *, bias: ArrayLike | None = None, out: None = None) -> Any: ...

class _ElementwiseBBackward(_Described, Protocol):
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
        bias: NDArray[_Real] | None = None,
        bias_grad: ArrayLike | None = None,
        out: None = None,
    ) -> NDArray[_Real]: ...
    @overload
    def __call__(
        self,
        grad: NDArray[_Wide],
        *,
        x: ArrayLike,
        b: float = 4.0,
        bias: ArrayLike | None = None,
        bias_grad: ArrayLike | None = None,
        out: None = None,
    ) -> NDArray[np.float64]: ...
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
        grad: NDArray[_Wide],
        *,
        y: ArrayLike,
        b: float = 4.0,
        bias_grad: ArrayLike | None = None,
        out: None = None,
    ) -> NDArray[np.float64]: ...
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

class _ElementwiseB(_ElementwiseBFunction, Protocol):
    @property
    def derivative(self) -> _ElementwiseBFunction: ...
    @property
    def backward(self) -> _ElementwiseBBackward: ...

class _ElementwiseBetaFunction(_Described, Protocol):
    @overload
    def __call__(self, x: ArrayLike, beta: float = 1.0, *, bias: ArrayLike | None = None, out: _Out) -> _Out: ...
    @overload
    def __call__(
        self, x: NDArray[_Real], beta: float = 1.0, *, bias: NDArray[_Real] | None = None, out: None = None
    ) -> NDArray[_Real]: ...
    @overload
    def __call__(
        self, x: NDArray[_Wide], beta: float = 1.0, *, bias: ArrayLike | None = None, out: None = None
    ) -> NDArray[np.float64]: ...
    @overload
    def __call__(self, x: _Real, beta: float = 1.0, *, bias: _Real | None = None, out: None = None) -> _Real: ...
    @overload
    def __call__(
        self, x: float, beta: float = 1.0, *, bias: ArrayLike | None = None, out: None = None
    ) -> np.float64: ...
    @overload
    def __call__(self, x: ArrayLike, beta: float = 1.0, *, bias: ArrayLike | None = None, out: None = None) -> Any: ...

class _ElementwiseBetaBackwardFromX(_Described, Protocol):
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
        bias: NDArray[_Real] | None = None,
        bias_grad: ArrayLike | None = None,
        out: None = None,
    ) -> NDArray[_Real]: ...
    @overload
    def __call__(
        self,
        grad: NDArray[_Wide],
        *,
        x: ArrayLike,
        beta: float = 1.0,
        bias: ArrayLike | None = None,
        bias_grad: ArrayLike | None = None,
        out: None = None,
    ) -> NDArray[np.float64]: ...
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

class _ElementwiseBetaFromX(_ElementwiseBetaFunction, Protocol):
    @property
    def derivative(self) -> _ElementwiseBetaFunction: ...
    @property
    def backward(self) -> _ElementwiseBetaBackwardFromX: ...

class _ElementwiseAlphaFunction(_Described, Protocol):
    @overload
    def __call__(self, x: ArrayLike, alpha: float = 1.0, *, bias: ArrayLike | None = None, out: _Out) -> _Out: ...
    @overload
    def __call__(
        self, x: NDArray[_Real], alpha: float = 1.0, *, bias: NDArray[_Real] | None = None, out: None = None
    ) -> NDArray[_Real]: ...
    @overload
    def __call__(
        self, x: NDArray[_Wide], alpha: float = 1.0, *, bias: ArrayLike | None = None, out: None = None
    ) -> NDArray[np.float64]: ...
    @overload
    def __call__(self, x: _Real, alpha: float = 1.0, *, bias: _Real | None = None, out: None = None) -> _Real: ...
    @overload
    def __call__(
        self, x: float, alpha: float = 1.0, *, bias: ArrayLike | None = None, out: None = None
    ) -> np.float64: ...
    @overload
    def __call__(self, x: ArrayLike, alpha: float = 1.0, *, bias: ArrayLike | None = None, out: None = None) -> Any: ...

class _ElementwiseAlphaBackward(_Described, Protocol):
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
        bias: NDArray[_Real] | None = None,
        bias_grad: ArrayLike | None = None,
        out: None = None,
    ) -> NDArray[_Real]: ...
    @overload
    def __call__(
        self,
        grad: NDArray[_Wide],
        *,
        x: ArrayLike,
        alpha: float = 1.0,
        bias: ArrayLike | None = None,
        bias_grad: ArrayLike | None = None,
        out: None = None,
    ) -> NDArray[np.float64]: ...
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
        grad: NDArray[_Wide],
        *,
        y: ArrayLike,
        alpha: float = 1.0,
        bias_grad: ArrayLike | None = None,
        out: None = None,
    ) -> NDArray[np.float64]: ...
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

class _ElementwiseAlpha(_ElementwiseAlphaFunction, Protocol):
    @property
    def derivative(self) -> _ElementwiseAlphaFunction: ...
    @property
    def backward(self) -> _ElementwiseAlphaBackward: ...

class _ElementwiseBetaBackward(_Described, Protocol):
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
        bias: NDArray[_Real] | None = None,
        bias_grad: ArrayLike | None = None,
        out: None = None,
    ) -> NDArray[_Real]: ...
    @overload
    def __call__(
        self,
        grad: NDArray[_Wide],
        *,
        x: ArrayLike,
        beta: float = 1.0,
        bias: ArrayLike | None = None,
        bias_grad: ArrayLike | None = None,
        out: None = None,
    ) -> NDArray[np.float64]: ...
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
        grad: NDArray[_Wide],
        *,
        y: ArrayLike,
        beta: float = 1.0,
        bias_grad: ArrayLike | None = None,
        out: None = None,
    ) -> NDArray[np.float64]: ...
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

class _ElementwiseBeta(_ElementwiseBetaFunction, Protocol):
    @property
    def derivative(self) -> _ElementwiseBetaFunction: ...
    @property
    def backward(self) -> _ElementwiseBetaBackward: ...

class _ScaledRowwiseFunction(_Described, Protocol):
    @overload
    def __call__(
        self,
        x: ArrayLike,
        axis: _Axes = -1,
        *,
        scale: float = 1.0,
        where: ArrayLike | None = None,
        causal: bool = False,
        out: _Out,
    ) -> _Out: ...
    @overload
    def __call__(
        self,
        x: NDArray[_Real],
        axis: _Axes = -1,
        *,
        scale: float = 1.0,
        where: ArrayLike | None = None,
        causal: bool = False,
        out: None = None,
    ) -> NDArray[_Real]: ...
    @overload
    def __call__(
        self,
        x: NDArray[_Wide],
        axis: _Axes = -1,
        *,
        scale: float = 1.0,
        where: ArrayLike | None = None,
        causal: bool = False,
        out: None = None,
    ) -> NDArray[np.float64]: ...
    @overload
    def __call__(
        self,
        x: _Real,
        axis: _Axes = -1,
        *,
        scale: float = 1.0,
        where: ArrayLike | None = None,
        causal: bool = False,
        out: None = None,
    ) -> _Real: ...
    @overload
    def __call__(
        self,
        x: float,
        axis: _Axes = -1,
        *,
        scale: float = 1.0,
        where: ArrayLike | None = None,
        causal: bool = False,
        out: None = None,
    ) -> np.float64: ...
    @overload
    def __call__(
        self,
        x: ArrayLike,
        axis: _Axes = -1,
        *,
        scale: float = 1.0,
        where: ArrayLike | None = None,
        causal: bool = False,
        out: None = None,
    ) -> Any: ...

class _ScaledRowwiseBackward(_Described, Protocol):
    @overload
    def __call__(
        self,
        grad: ArrayLike,
        *,
        y: ArrayLike,
        axis: _Axes = -1,
        scale: float = 1.0,
        where: ArrayLike | None = None,
        causal: bool = False,
        out: _Out,
    ) -> _Out: ...
    @overload
    def __call__(
        self,
        grad: NDArray[_Real],
        *,
        y: NDArray[_Real],
        axis: _Axes = -1,
        scale: float = 1.0,
        where: ArrayLike | None = None,
        causal: bool = False,
        out: None = None,
    ) -> NDArray[_Real]: ...
    @overload
    def __call__(
        self,
        grad: NDArray[_Wide],
        *,
        y: ArrayLike,
        axis: _Axes = -1,
        scale: float = 1.0,
        where: ArrayLike | None = None,
        causal: bool = False,
        out: None = None,
    ) -> NDArray[np.float64]: ...
    @overload
    def __call__(
        self,
        grad: ArrayLike,
        *,
        y: ArrayLike,
        axis: _Axes = -1,
        scale: float = 1.0,
        where: ArrayLike | None = None,
        causal: bool = False,
        out: None = None,
    ) -> Any: ...

class _ScaledRowwise(_ScaledRowwiseFunction, Protocol):
    @property
    def backward(self) -> _ScaledRowwiseBackward: ...
    @overload
    def jacobian(self, y: NDArray[_Real], axis: int = -1) -> NDArray[_Real]: ...
    @overload
    def jacobian(self, y: ArrayLike, axis: int = -1) -> NDArray[Any]: ...

class _RowwiseFunction(_Described, Protocol):
    @overload
    def __call__(self, x: ArrayLike, axis: _Axes = -1, *, out: _Out) -> _Out: ...
    @overload
    def __call__(self, x: NDArray[_Real], axis: _Axes = -1, *, out: None = None) -> NDArray[_Real]: ...
    @overload
    def __call__(self, x: NDArray[_Wide], axis: _Axes = -1, *, out: None = None) -> NDArray[np.float64]: ...
    @overload
    def __call__(self, x: _Real, axis: _Axes = -1, *, out: None = None) -> _Real: ...
    @overload
    def __call__(self, x: float, axis: _Axes = -1, *, out: None = None) -> np.float64: ...
    @overload
    def __call__(self, x: ArrayLike, axis: _Axes = -1, *, out: None = None) -> Any: ...

class _RowwiseBackward(_Described, Protocol):
    @overload
    def __call__(self, grad: ArrayLike, *, y: ArrayLike, axis: _Axes = -1, out: _Out) -> _Out: ...
    @overload
    def __call__(
        self, grad: NDArray[_Real], *, y: NDArray[_Real], axis: _Axes = -1, out: None = None
    ) -> NDArray[_Real]: ...
    @overload
    def __call__(
        self, grad: NDArray[_Wide], *, y: ArrayLike, axis: _Axes = -1, out: None = None
    ) -> NDArray[np.float64]: ...
    @overload
    def __call__(self, grad: ArrayLike, *, y: ArrayLike, axis: _Axes = -1, out: None = None) -> Any: ...

class _Rowwise(_RowwiseFunction, Protocol):
    @property
    def backward(self) -> _RowwiseBackward: ...
    @overload
    def jacobian(self, y: NDArray[_Real], axis: int = -1) -> NDArray[_Real]: ...
    @overload
    def jacobian(self, y: ArrayLike, axis: int = -1) -> NDArray[Any]: ...

class _MaskedRowwiseFunction(_Described, Protocol):
    @overload
    def __call__(self, x: ArrayLike, axis: _Axes = -1, *, where: ArrayLike | None = None, out: _Out) -> _Out: ...
    @overload
    def __call__(
        self, x: NDArray[_Real], axis: _Axes = -1, *, where: ArrayLike | None = None, out: None = None
    ) -> NDArray[_Real]: ...
    @overload
    def __call__(
        self, x: NDArray[_Wide], axis: _Axes = -1, *, where: ArrayLike | None = None, out: None = None
    ) -> NDArray[np.float64]: ...
    @overload
    def __call__(self, x: _Real, axis: _Axes = -1, *, where: ArrayLike | None = None, out: None = None) -> _Real: ...
    @overload
    def __call__(
        self, x: float, axis: _Axes = -1, *, where: ArrayLike | None = None, out: None = None
    ) -> np.float64: ...
    @overload
    def __call__(self, x: ArrayLike, axis: _Axes = -1, *, where: ArrayLike | None = None, out: None = None) -> Any: ...

class _MaskedRowwiseBackward(_Described, Protocol):
    @overload
    def __call__(
        self, grad: ArrayLike, *, y: ArrayLike, axis: _Axes = -1, where: ArrayLike | None = None, out: _Out
    ) -> _Out: ...
    @overload
    def __call__(
        self,
        grad: NDArray[_Real],
        *,
        y: NDArray[_Real],
        axis: _Axes = -1,
        where: ArrayLike | None = None,
        out: None = None,
    ) -> NDArray[_Real]: ...
    @overload
    def __call__(
        self, grad: NDArray[_Wide], *, y: ArrayLike, axis: _Axes = -1, where: ArrayLike | None = None, out: None = None
    ) -> NDArray[np.float64]: ...
    @overload
    def __call__(
        self, grad: ArrayLike, *, y: ArrayLike, axis: _Axes = -1, where: ArrayLike | None = None, out: None = None
    ) -> Any: ...

class _MaskedRowwise(_MaskedRowwiseFunction, Protocol):
    @property
    def backward(self) -> _MaskedRowwiseBackward: ...
    @overload
    def jacobian(self, y: NDArray[_Real], axis: int = -1) -> NDArray[_Real]: ...
    @overload
    def jacobian(self, y: ArrayLike, axis: int = -1) -> NDArray[Any]: ...

class _GateValueFirstFunction(_Described, Protocol):
    @overload
    def __call__(self, value: ArrayLike, gate: ArrayLike, *, out: _Out) -> _Out: ...
    @overload
    def __call__(self, x: ArrayLike, *, axis: int = -1, out: _Out) -> _Out: ...
    @overload
    def __call__(self, value: NDArray[_Real], gate: NDArray[_Real], *, out: None = None) -> NDArray[_Real]: ...
    @overload
    def __call__(self, value: NDArray[_Wide], gate: ArrayLike, *, out: None = None) -> NDArray[np.float64]: ...
    @overload
    def __call__(self, value: _Real, gate: _Real, *, out: None = None) -> _Real: ...
    @overload
    def __call__(self, value: float, gate: float, *, out: None = None) -> np.float64: ...
    @overload
    def __call__(self, x: NDArray[_Real], *, axis: int = -1, out: None = None) -> NDArray[_Real]: ...
    @overload
    def __call__(self, x: NDArray[_Wide], *, axis: int = -1, out: None = None) -> NDArray[np.float64]: ...
    @overload
    def __call__(self, x: _Real, *, axis: int = -1, out: None = None) -> _Real: ...
    @overload
    def __call__(self, x: float, *, axis: int = -1, out: None = None) -> np.float64: ...
    @overload
    def __call__(self, value: ArrayLike, gate: ArrayLike, *, out: None = None) -> Any: ...
    @overload
    def __call__(self, x: ArrayLike, *, axis: int = -1, out: None = None) -> Any: ...

class _GateValueFirstBackward(_Described, Protocol):
    @overload
    def __call__(
        self, grad: ArrayLike, *, gate: ArrayLike, value: ArrayLike, gate_grad: _Out, value_grad: _OtherOut
    ) -> tuple[_Out, _OtherOut]: ...
    @overload
    def __call__(self, grad: ArrayLike, *, x: ArrayLike, axis: int = -1, out: _Out) -> _Out: ...
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
        grad: NDArray[_Wide],
        *,
        gate: ArrayLike,
        value: ArrayLike,
        gate_grad: None = None,
        value_grad: None = None,
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]: ...
    @overload
    def __call__(
        self, grad: NDArray[_Real], *, x: NDArray[_Real], axis: int = -1, out: None = None
    ) -> NDArray[_Real]: ...
    @overload
    def __call__(
        self, grad: NDArray[_Wide], *, x: ArrayLike, axis: int = -1, out: None = None
    ) -> NDArray[np.float64]: ...
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
    def __call__(self, grad: ArrayLike, *, x: ArrayLike, axis: int = -1, out: None = None) -> Any: ...

class _GateValueFirst(_GateValueFirstFunction, Protocol):
    @property
    def backward(self) -> _GateValueFirstBackward: ...

class _GateFunction(_Described, Protocol):
    @overload
    def __call__(self, gate: ArrayLike, value: ArrayLike, *, out: _Out) -> _Out: ...
    @overload
    def __call__(self, x: ArrayLike, *, axis: int = -1, out: _Out) -> _Out: ...
    @overload
    def __call__(self, gate: NDArray[_Real], value: NDArray[_Real], *, out: None = None) -> NDArray[_Real]: ...
    @overload
    def __call__(self, gate: NDArray[_Wide], value: ArrayLike, *, out: None = None) -> NDArray[np.float64]: ...
    @overload
    def __call__(self, gate: _Real, value: _Real, *, out: None = None) -> _Real: ...
    @overload
    def __call__(self, gate: float, value: float, *, out: None = None) -> np.float64: ...
    @overload
    def __call__(self, x: NDArray[_Real], *, axis: int = -1, out: None = None) -> NDArray[_Real]: ...
    @overload
    def __call__(self, x: NDArray[_Wide], *, axis: int = -1, out: None = None) -> NDArray[np.float64]: ...
    @overload
    def __call__(self, x: _Real, *, axis: int = -1, out: None = None) -> _Real: ...
    @overload
    def __call__(self, x: float, *, axis: int = -1, out: None = None) -> np.float64: ...
    @overload
    def __call__(self, gate: ArrayLike, value: ArrayLike, *, out: None = None) -> Any: ...
    @overload
    def __call__(self, x: ArrayLike, *, axis: int = -1, out: None = None) -> Any: ...

class _Gate(_GateFunction, Protocol):
    @property
    def backward(self) -> _GateValueFirstBackward: ...

class _ScaledReductionFunction(_Described, Protocol):
    @overload
    def __call__(
        self,
        x: ArrayLike,
        axis: _Axes = -1,
        *,
        keepdims: bool = False,
        scale: float = 1.0,
        where: ArrayLike | None = None,
        causal: bool = False,
        out: _Out,
    ) -> _Out: ...
    @overload
    def __call__(
        self,
        x: NDArray[_Real],
        axis: _Axes = -1,
        *,
        keepdims: Literal[True],
        scale: float = 1.0,
        where: ArrayLike | None = None,
        causal: bool = False,
        out: None = None,
    ) -> NDArray[_Real]: ...
    @overload
    def __call__(
        self,
        x: NDArray[_Wide],
        axis: _Axes = -1,
        *,
        keepdims: Literal[True],
        scale: float = 1.0,
        where: ArrayLike | None = None,
        causal: bool = False,
        out: None = None,
    ) -> NDArray[np.float64]: ...
    @overload
    def __call__(
        self,
        x: ArrayLike,
        axis: _Axes = -1,
        *,
        keepdims: bool = False,
        scale: float = 1.0,
        where: ArrayLike | None = None,
        causal: bool = False,
        out: None = None,
    ) -> Any: ...

class _ScaledReductionBackward(_Described, Protocol):
    @overload
    def __call__(
        self,
        grad: ArrayLike,
        *,
        x: ArrayLike,
        axis: _Axes = -1,
        scale: float = 1.0,
        where: ArrayLike | None = None,
        causal: bool = False,
        out: _Out,
    ) -> _Out: ...
    @overload
    def __call__(
        self,
        grad: NDArray[_Real] | _Real,
        *,
        x: NDArray[_Real],
        axis: _Axes = -1,
        scale: float = 1.0,
        where: ArrayLike | None = None,
        causal: bool = False,
        out: None = None,
    ) -> NDArray[_Real]: ...
    @overload
    def __call__(
        self,
        grad: ArrayLike,
        *,
        x: NDArray[_Wide],
        axis: _Axes = -1,
        scale: float = 1.0,
        where: ArrayLike | None = None,
        causal: bool = False,
        out: None = None,
    ) -> NDArray[np.float64]: ...
    @overload
    def __call__(
        self,
        grad: ArrayLike,
        *,
        x: NDArray[_Real],
        axis: _Axes = -1,
        scale: float = 1.0,
        where: ArrayLike | None = None,
        causal: bool = False,
        out: None = None,
    ) -> NDArray[_Real] | NDArray[np.float64]: ...
    @overload
    def __call__(
        self,
        grad: ArrayLike,
        *,
        x: ArrayLike,
        axis: _Axes = -1,
        scale: float = 1.0,
        where: ArrayLike | None = None,
        causal: bool = False,
        out: None = None,
    ) -> Any: ...

class _ScaledReduction(_ScaledReductionFunction, Protocol):
    @property
    def backward(self) -> _ScaledReductionBackward: ...

class _SoftmaxCrossEntropy(_Described, Protocol):
    @overload
    def __call__(
        self,
        logits: NDArray[_Computed],
        targets: NDArray[_Computed] | _Labels,
        *,
        axis: int = -1,
        reduction: Literal["mean", "sum"] = "mean",
        class_weight: float | NDArray[_Computed] | None = None,
        weight: float | NDArray[_Computed] | None = None,
        label_smoothing: float = 0.0,
        ignore_label: int | None = None,
        grad_out: ArrayLike | None = None,
    ) -> _Computed: ...
    @overload
    def __call__(
        self,
        logits: NDArray[_Computed],
        targets: NDArray[_Computed] | _Labels,
        *,
        axis: int = -1,
        reduction: Literal["none"],
        class_weight: float | NDArray[_Computed] | None = None,
        weight: float | NDArray[_Computed] | None = None,
        label_smoothing: float = 0.0,
        ignore_label: int | None = None,
        grad_out: ArrayLike | None = None,
    ) -> NDArray[_Computed]: ...
    @overload
    def __call__(
        self,
        logits: NDArray[_Wide],
        targets: ArrayLike,
        *,
        axis: int = -1,
        reduction: Literal["mean", "sum"] = "mean",
        class_weight: ArrayLike | None = None,
        weight: ArrayLike | None = None,
        label_smoothing: float = 0.0,
        ignore_label: int | None = None,
        grad_out: ArrayLike | None = None,
    ) -> np.float64: ...
    @overload
    def __call__(
        self,
        logits: NDArray[_Wide],
        targets: ArrayLike,
        *,
        axis: int = -1,
        reduction: Literal["none"],
        class_weight: ArrayLike | None = None,
        weight: ArrayLike | None = None,
        label_smoothing: float = 0.0,
        ignore_label: int | None = None,
        grad_out: ArrayLike | None = None,
    ) -> NDArray[np.float64]: ...
    @overload
    def __call__(
        self,
        logits: ArrayLike,
        targets: ArrayLike,
        *,
        axis: int = -1,
        reduction: str = "mean",
        class_weight: ArrayLike | None = None,
        weight: ArrayLike | None = None,
        label_smoothing: float = 0.0,
        ignore_label: int | None = None,
        grad_out: ArrayLike | None = None,
    ) -> Any: ...

class _SigmoidCrossEntropy(_Described, Protocol):
    @overload
    def __call__(
        self,
        logits: NDArray[_Computed],
        targets: NDArray[_Computed] | _Labels,
        *,
        reduction: Literal["mean", "sum"] = "mean",
        weight: float | NDArray[_Computed] | None = None,
        pos_weight: float | NDArray[_Computed] | None = None,
        label_smoothing: float = 0.0,
        grad_out: ArrayLike | None = None,
    ) -> _Computed: ...
    @overload
    def __call__(
        self,
        logits: NDArray[_Computed],
        targets: NDArray[_Computed] | _Labels,
        *,
        reduction: Literal["none"],
        weight: float | NDArray[_Computed] | None = None,
        pos_weight: float | NDArray[_Computed] | None = None,
        label_smoothing: float = 0.0,
        grad_out: ArrayLike | None = None,
    ) -> NDArray[_Computed]: ...
    @overload
    def __call__(
        self,
        logits: NDArray[_Wide],
        targets: ArrayLike,
        *,
        reduction: Literal["mean", "sum"] = "mean",
        weight: ArrayLike | None = None,
        pos_weight: ArrayLike | None = None,
        label_smoothing: float = 0.0,
        grad_out: ArrayLike | None = None,
    ) -> np.float64: ...
    @overload
    def __call__(
        self,
        logits: NDArray[_Wide],
        targets: ArrayLike,
        *,
        reduction: Literal["none"],
        weight: ArrayLike | None = None,
        pos_weight: ArrayLike | None = None,
        label_smoothing: float = 0.0,
        grad_out: ArrayLike | None = None,
    ) -> NDArray[np.float64]: ...
    @overload
    def __call__(
        self,
        logits: ArrayLike,
        targets: ArrayLike,
        *,
        reduction: str = "mean",
        weight: ArrayLike | None = None,
        pos_weight: ArrayLike | None = None,
        label_smoothing: float = 0.0,
        grad_out: ArrayLike | None = None,
    ) -> Any: ...

relu: _Elementwise
leaky_relu: _ElementwiseNegativeSlope
prelu: _ChannelwiseWeight
relu6: _Elementwise
hard_tanh: _ElementwiseMinValMaxVal
threshold: _ElementwiseThresholdValueFromX
relu_squared: _Elementwise
hard_sigmoid: _ElementwiseSlopeOffset
hard_swish: _ElementwiseFromX
hard_shrink: _ElementwiseLambd
soft_shrink: _ElementwiseLambd
sparse_plus: _Elementwise
sparse_sigmoid: _Elementwise
identity: _Elementwise
soft_sign: _Elementwise
squareplus: _ElementwiseB
sigmoid: _Elementwise
tanh: _Elementwise
tanh_shrink: _ElementwiseFromX
silu: _ElementwiseFromX
swish: _ElementwiseBetaFromX
quick_gelu: _ElementwiseFromX
gelu_tanh: _ElementwiseFromX
exponential: _Elementwise
gaussian: _ElementwiseFromX
elu: _ElementwiseAlpha
selu: _Elementwise
celu: _ElementwiseAlpha
softplus: _ElementwiseBeta
log_sigmoid: _Elementwise
mish: _ElementwiseFromX
gelu: _ElementwiseFromX
softmax: _ScaledRowwise
softmin: _Rowwise
log_softmax: _ScaledRowwise
sparsemax: _MaskedRowwise
glu: _GateValueFirst
swiglu: _Gate
geglu: _Gate
geglu_tanh: _Gate
reglu: _Gate
bilinear: _Gate
logsumexp: _ScaledReduction
softmax_cross_entropy: _SoftmaxCrossEntropy
sigmoid_cross_entropy: _SigmoidCrossEntropy

@overload
def get(
    name: Literal[
        "Exp",
        "Identity",
        "LogSigmoid",
        "ReLU",
        "ReLU6",
        "Relu",
        "SELU",
        "Selu",
        "Sigmoid",
        "Softsign",
        "Tanh",
        "expit",
        "exponential",
        "identity",
        "linear",
        "log_expit",
        "log_sigmoid",
        "logistic",
        "logistic_sigmoid",
        "logsigmoid",
        "rectified_linear",
        "relu",
        "relu2",
        "relu6",
        "relu_squared",
        "selu",
        "sigmoid",
        "soft_sign",
        "softsign",
        "sparse_plus",
        "sparse_sigmoid",
        "squared_relu",
        "tanh",
    ],
) -> _Elementwise: ...
@overload
def get(name: Literal["LeakyReLU", "LeakyRelu", "RReLU", "leaky_relu"]) -> _ElementwiseNegativeSlope: ...
@overload
def get(name: Literal["PReLU", "PRelu", "prelu"]) -> _ChannelwiseWeight: ...
@overload
def get(name: Literal["Hardtanh", "hard_tanh", "hardtanh"]) -> _ElementwiseMinValMaxVal: ...
@overload
def get(
    name: Literal["Threshold", "ThresholdedRelu", "threshold", "thresholded_relu"],
) -> _ElementwiseThresholdValueFromX: ...
@overload
def get(name: Literal["HardSigmoid", "Hardsigmoid", "hard_sigmoid", "hardsigmoid"]) -> _ElementwiseSlopeOffset: ...
@overload
def get(
    name: Literal[
        "GELU",
        "Gelu",
        "HardSwish",
        "Hardswish",
        "Mish",
        "SiLU",
        "Tanhshrink",
        "gaussian",
        "gelu",
        "gelu_accurate",
        "gelu_fast",
        "gelu_new",
        "gelu_python",
        "gelu_python_tanh",
        "gelu_pytorch_tanh",
        "gelu_quick",
        "gelu_tanh",
        "hard_silu",
        "hard_swish",
        "hardswish",
        "mish",
        "quick_gelu",
        "rbf",
        "silu",
        "tanh_shrink",
        "tanhshrink",
    ],
) -> _ElementwiseFromX: ...
@overload
def get(
    name: Literal["Hardshrink", "Shrink", "Softshrink", "hard_shrink", "hardshrink", "soft_shrink", "softshrink"],
) -> _ElementwiseLambd: ...
@overload
def get(name: Literal["squareplus"]) -> _ElementwiseB: ...
@overload
def get(name: Literal["Swish", "swish"]) -> _ElementwiseBetaFromX: ...
@overload
def get(name: Literal["CELU", "Celu", "ELU", "Elu", "celu", "elu"]) -> _ElementwiseAlpha: ...
@overload
def get(name: Literal["Softplus", "softplus"]) -> _ElementwiseBeta: ...
@overload
def get(name: Literal["LogSoftmax", "Softmax", "Softmax2d", "log_softmax", "softmax"]) -> _ScaledRowwise: ...
@overload
def get(name: Literal["softmin"]) -> _Rowwise: ...
@overload
def get(name: Literal["sparsemax"]) -> _MaskedRowwise: ...
@overload
def get(name: Literal["GLU", "glu"]) -> _GateValueFirst: ...
@overload
def get(name: Literal["SwiGLU", "bilinear", "geglu", "geglu_tanh", "reglu", "swiglu"]) -> _Gate: ...
@overload
def get(name: Literal["logsumexp"]) -> _ScaledReduction: ...
@overload
def get(
    name: Literal["CrossEntropyLoss", "SoftmaxCrossEntropyLoss", "cross_entropy", "softmax_cross_entropy"],
) -> _SoftmaxCrossEntropy: ...
@overload
def get(
    name: Literal["BCEWithLogitsLoss", "binary_cross_entropy_with_logits", "sigmoid_cross_entropy"],
) -> _SigmoidCrossEntropy: ...
@overload
def get(name: Name) -> Activation: ...
@overload
def get(name: str) -> Any: ...
@overload
def get(name: _Given) -> _Given: ...
