from typing import Any, Literal, TypeAlias, TypeVar, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

_Real = TypeVar("_Real", np.float32, np.float64)
_Reduced: TypeAlias = Literal["mean", "sum"]

def use_target(target: str) -> None: ...
@overload
def softmax_cross_entropy(
    logits: NDArray[_Real],
    targets: ArrayLike,
    *,
    axis: int = -1,
    reduction: _Reduced = "mean",
    class_weight: ArrayLike | None = None,
    label_smoothing: float = 0.0,
    ignore_label: int | None = None,
    grad_out: ArrayLike | None = None,
) -> _Real: ...
@overload
def softmax_cross_entropy(
    logits: ArrayLike,
    targets: ArrayLike,
    *,
    axis: int = -1,
    reduction: str = "mean",
    class_weight: ArrayLike | None = None,
    label_smoothing: float = 0.0,
    ignore_label: int | None = None,
    grad_out: ArrayLike | None = None,
) -> Any: ...
@overload
def sigmoid_cross_entropy(
    logits: NDArray[_Real],
    targets: ArrayLike,
    *,
    reduction: _Reduced = "mean",
    weight: ArrayLike | None = None,
    pos_weight: ArrayLike | None = None,
    label_smoothing: float = 0.0,
    grad_out: ArrayLike | None = None,
) -> _Real: ...
@overload
def sigmoid_cross_entropy(
    logits: ArrayLike,
    targets: ArrayLike,
    *,
    reduction: str = "mean",
    weight: ArrayLike | None = None,
    pos_weight: ArrayLike | None = None,
    label_smoothing: float = 0.0,
    grad_out: ArrayLike | None = None,
) -> Any: ...
