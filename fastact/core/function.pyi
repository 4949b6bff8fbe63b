from collections.abc import Mapping
from inspect import Signature
from typing import Any, TypeVar, final

from numpy.typing import ArrayLike, NDArray
from typing_extensions import disjoint_base

from fastact.catalogue import Spec
from fastact.core.operands import Declaration

COMPILER: str
FUSED_TARGETS: tuple[str, ...]
TARGET: str
TARGETS: tuple[str, ...]
VERSION: str
__pyx_capi__: dict[str, Any]

_Function = TypeVar("_Function", bound=Function)

def make(row: Spec, target: str = ...) -> Function: ...
def on_target(function: _Function, target: str) -> _Function: ...
def set_parallel_threshold(ns: float) -> float: ...

@disjoint_base
class Function(Declaration):
    def __init__(self, row: Spec, target: str = ...) -> None: ...
    @property
    def parameters(self) -> Mapping[str, Any]: ...
    @property
    def backward_from(self) -> tuple[str, ...]: ...
    @property
    def bounds(self) -> Mapping[str, Mapping[str, float]]: ...
    @property
    def nin(self) -> int: ...
    @property
    def nout(self) -> int: ...
    @property
    def signature(self) -> None: ...
    @property
    def __name__(self) -> str: ...
    @property
    def __qualname__(self) -> str: ...
    @property
    def __signature__(self) -> Signature: ...
    def __call__(self, *args: Any, **kwargs: Any) -> Any: ...

class Differentiable(Function):
    @property
    def backward(self) -> Function: ...

@final
class Elementwise(Differentiable):
    @property
    def derivative(self) -> Function: ...

@final
class Rowwise(Differentiable):
    def jacobian(self, y: ArrayLike, axis: int = -1) -> NDArray[Any]: ...
