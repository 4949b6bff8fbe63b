"""What an activation does to the gradient of a batch: units that are dead, elements that are saturated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastact import arguments
from fastact._slopes import slope_statistics
from fastact.activations import get
from fastact.core import environment
from fastact.core.function import Elementwise


@dataclass(frozen=True, eq=False)
class Diagnosis:
    """How much of a gradient an activation lets through; shares are from 0 to 1, of the elements that are not NaN.

    Parameters
    ----------
    dead : float
        Share of the elements at which the derivative is 0.
    dead_units : float
        Share of the units at which it is 0 in the whole batch: no step of gradient descent changes these.
    dead_by_unit : array
        For each unit, the share of the batch at which its derivative is 0.
    saturated : float
        Share of the elements at which the derivative is below `saturated_below` in magnitude; the dead are among them.
    mean_slope : float
        Mean magnitude of the derivative: by what a gradient shrinks here on average.
    nan : int
        How many elements are NaN.
    inf : int
        How many are infinite.
    saturated_below : float
        As it was given.

    Examples
    --------
    >>> import fastact as fa
    >>> fa.diagnose("relu", [-1.0, 2.0]).dead
    0.5
    """

    dead: float
    dead_units: float
    dead_by_unit: NDArray[np.float64]
    saturated: float
    mean_slope: float
    nan: int
    inf: int
    saturated_below: float

    def __str__(self) -> str:
        return (
            f"dead: {self.dead:.1%} of elements, {self.dead_units:.1%} of {self.dead_by_unit.size} units in the whole "
            f"batch\nsaturated (|f'| < {self.saturated_below:g}): {self.saturated:.1%}\n"
            f"mean |f'|: {self.mean_slope:.4g}\nNaN: {self.nan}, infinite: {self.inf}"
        )


def diagnose(
    activation: Any, x: ArrayLike, *, axis: int = -1, saturated_below: float = 0.01, **parameters: float
) -> Diagnosis:
    """Tell how much of a gradient an activation lets through at x.

    In one pass over x, shared out over threads; no array of derivatives is made.

    Parameters
    ----------
    activation : str or activation
        One that computes element by element, or its name.
    x : array_like
        Its input for a batch: float32 or float64; float16 and bfloat16 are converted to float32, integers and bools to
        float64.
    axis : int, default -1
        The axis that the units lie along; all others are the batch.
    saturated_below : float, default 0.01
        A derivative below it in magnitude is saturated.
    **parameters : float
        The activation's own.

    Returns
    -------
    Diagnosis
        Shares of dead and saturated elements, of dead units, the mean slope, and counts of NaN and infinities.

    Raises
    ------
    TypeError
        If the activation does not compute element by element, or takes no such parameter.
    ValueError
        If a parameter or `saturated_below` is out of range, or there is no such axis.

    Examples
    --------
    >>> import numpy as np
    >>> import fastact as fa
    >>> found = fa.diagnose("relu", np.array([[-1.0, 2.0], [-3.0, -4.0]]))
    >>> found.dead, found.dead_units, found.dead_by_unit
    (0.75, 0.5, array([1. , 0.5]))
    >>> print(fa.diagnose("sigmoid", np.array([0.0, 10.0, np.nan])))
    dead: 0.0% of elements, 0.0% of 3 units in the whole batch
    saturated (|f'| < 0.01): 50.0%
    mean |f'|: 0.125
    NaN: 1, infinite: 0
    """
    function = get(activation)
    if not isinstance(function, Elementwise) or function.kind != "elementwise":
        raise TypeError(f"diagnose() is for activations that compute element by element, not {function!r}")
    saturated_below = arguments.as_number(saturated_below, "diagnose", "saturated_below")
    if not environment.in_default_mode(saturated_below.__ge__, 0):  # False of a NaN
        raise ValueError(f"diagnose(): saturated_below must be at least 0, not {saturated_below!r}")
    # What may run the caller's code comes before any look at an array's memory or shape.
    values = {name: arguments.as_number(value, function.derivative.name, name) for name, value in parameters.items()}
    axis = arguments.as_index(axis, "diagnose")
    if found := arguments.overriding("diagnose", [x]):
        from fastact import foreign  # with the first operand that needs it

        return total(foreign.count_slopes(found, function, axis, saturated_below, values), saturated_below)
    array = as_wide(x)
    axis = arguments.as_axis(axis, array.ndim)
    return environment.in_default_mode(
        lambda: total(count_slopes(function, array, axis, saturated_below, values), saturated_below)
    )


def as_wide(x: ArrayLike) -> NDArray[Any]:
    """Return an array of one axis at least, in a type that is computed in."""
    array = np.atleast_1d(arguments.as_input(x, "diagnose", "x"))
    return environment.in_default_mode(array.astype, np.float32) if arguments.is_half(array.dtype) else array


def count_slopes(
    function: Elementwise, array: NDArray[Any], axis: int, saturated_below: float, parameters: dict[str, float]
) -> NDArray[np.float64]:
    """Return what is counted, unit by unit: elements, NaN and infinities among them, slopes that are zero or small, and
    the sum of all slopes at the first unit. Counts of parts of a batch may be added."""
    by_row = np.moveaxis(array, axis, -1)
    units = by_row.shape[-1]
    rows = np.require(by_row.reshape(-1, units) if units else by_row.reshape(1, 0), requirements=["C", "A"])
    counts = np.zeros((6, units))
    statistics = slope_statistics(function, rows, saturated_below, parameters)
    if statistics is not None:
        zero, small, slope, nan, inf = statistics
        counts[0] = len(rows)
        counts[1] = np.isnan(rows).sum(axis=0) if nan else 0
        counts[3:5] = zero, small
        counts[2, 0], counts[5, 0] = inf, slope
    return counts


def total(counts: NDArray[np.float64], saturated_below: float) -> Diagnosis:
    """Return what counts of a whole batch tell."""
    elements, nan, inf, zero, small, slope = counts.sum(axis=1).tolist()  # NumPy's quotients may warn
    counted = max(1.0, elements - nan)
    dead_by_unit = counts[3] / np.maximum(1, counts[0] - counts[1])
    return Diagnosis(
        dead=zero / counted,
        dead_units=float(np.mean(dead_by_unit == 1)) if dead_by_unit.size else 0.0,
        dead_by_unit=dead_by_unit,
        saturated=small / counted,
        mean_slope=slope / counted,
        nan=int(nan),
        inf=int(inf),
        saturated_below=saturated_below,
    )
