"""The derivatives of a row as a matrix: a method of functions of rows, which the core makes one (core/function.pyx)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastact import arguments
from fastact.core import environment

if TYPE_CHECKING:
    from fastact.core.function import Rowwise


def jacobian(self: Rowwise, y: ArrayLike, axis: int = -1) -> NDArray[Any]:
    """Return the derivatives of every output of a row with respect to every input of it.

    Training needs no such matrix: `backward` multiplies a gradient by it without making it.

    Parameters
    ----------
    y : array_like
        The output of the forward call.
    axis : int, default -1
        The axis along which the rows lie.

    Returns
    -------
    ndarray
        Its shape is that of `y` without `axis`, then (n, n) for rows of n; element [..., i, j] is the derivative
        of output i with respect to input j.

    Examples
    --------
    >>> import fastact as fa
    >>> fa.softmax.jacobian([0.5, 0.5])
    array([[ 0.25, -0.25],
           [-0.25,  0.25]])
    """
    arguments.refuse_overriding(f"{self.name}.jacobian", (y,))
    axis = arguments.as_index(axis, f"{self.name}.jacobian")
    rows = arguments.as_input(y, f"{self.name}.jacobian", "y")
    result: NDArray[Any] = self.backward(**environment.in_default_mode(unit_rows, rows, axis))
    return result


def unit_rows(y: NDArray[Any], axis: int) -> dict[str, NDArray[Any]]:
    """Return the arguments of the backward that makes the matrices: of each unit vector, for each row of y."""
    rows = np.atleast_1d(y)
    rows = np.moveaxis(rows, arguments.as_axis(axis, rows.ndim), rows.ndim - 1)
    n = rows.shape[rows.ndim - 1]
    square = (*rows.shape, n)
    return {
        "grad": np.broadcast_to(np.eye(n, dtype=rows.dtype), square),
        "y": np.broadcast_to(np.expand_dims(rows, rows.ndim - 1), square),
        "out": np.empty(square, rows.dtype),
    }
