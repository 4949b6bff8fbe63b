"""Pictures of activations: matplotlib where it is installed, and lines of dots for a terminal."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from os import PathLike
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastact.activations import get
from fastact.catalogue import SPECS
from fastact.core.function import Elementwise

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Curves = list[tuple[str, bool, NDArray[Any]]]


def curves(names: Sequence[str | Any], x: NDArray[Any], derivative: bool) -> Curves:
    """Return for each activation its label, whether it is a derivative, and values, at its typical parameters."""
    found: Curves = []
    for name in names:
        function = get(name)
        if not isinstance(function, Elementwise):
            raise TypeError(f"plot() is for activations that compute element by element, not {function!r}")
        typical = SPECS[function.name].typical
        found.append((function.name, False, function(x, **typical)))
        if derivative:
            found.append((f"{function.name}'", True, function.derivative(x, **typical)))
    if not found:
        raise ValueError("plot() takes at least one activation")
    return found


def plot(
    *activations: str | Any | Sequence[str | Any],
    derivative: bool = False,
    x: ArrayLike | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw activations, and their derivatives as broken lines of the same colours.

    Needs matplotlib: ``pip install "fastact[plot]"``.

    Parameters
    ----------
    *activations : str or activation
        Such that compute element by element; those with parameters are drawn with their defaults. One
        sequence of them will do too.
    derivative : bool, default False
        Whether to draw derivatives too.
    x : array_like, optional
        Where to compute them, in order. By default from -5 to 5.
    ax : matplotlib.axes.Axes, optional
        Where to draw. By default on a new figure.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    TypeError
        If something is no activation that computes element by element.
    ValueError
        If a name is not known, or none is given.

    Examples
    --------
    >>> import fastact as fa
    >>> ax = fa.plot("relu", "gelu", derivative=True)  # doctest: +SKIP
    >>> ax.figure.savefig("activations.png")  # doctest: +SKIP
    """
    names: Sequence[Any] = activations
    if len(activations) == 1 and not isinstance(activations[0], str) and not callable(activations[0]):
        (names,) = activations
    points = np.linspace(-5, 5, 1001) if x is None else np.asarray(x, float)
    drawn = curves(names, points, derivative)
    if ax is None:
        pyplot = imported("matplotlib.pyplot")
        _, ax = pyplot.subplots(layout="constrained")
        assert ax is not None
    ax.axhline(0, color="0.8", linewidth=0.8, zorder=0)
    ax.axvline(0, color="0.8", linewidth=0.8, zorder=0)
    color = None
    for label, is_derivative, y in drawn:
        style = {"linestyle": "--", "color": color} if is_derivative else {}
        (line,) = ax.plot(points, y, label=label, **style)  # type: ignore[arg-type]
        color = line.get_color()
    ax.set_xlabel("x")
    ax.legend()
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def save(activations: Sequence[str | Any], path: str | PathLike[str], *, derivative: bool = False) -> None:
    """Draw the same to a file, of the format that its name says, without a window or a display."""
    figure = imported("matplotlib.figure").Figure(layout="constrained")
    plot(*activations, derivative=derivative, ax=figure.subplots())
    figure.savefig(path, dpi=150)


def imported(module: str) -> Any:
    """Return a module of matplotlib."""
    try:
        return importlib.import_module(module)
    except ImportError:
        raise ImportError('pictures need matplotlib: pip install "fastact[plot]"') from None


# A character cell of a terminal holds two columns and four rows of dots (Braille patterns).
DOTS = np.array([[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]])
COLORS = (36, 33, 35, 32, 34, 31)  # of a terminal, for one curve after another


def painted(word: str, color: int) -> str:
    """Return a word in one of a terminal's colours."""
    return f"\033[{color}m{word}\033[0m"


def is_drawn(curve: int, column: int | NDArray[Any]) -> Any:
    """Return whether a curve has a dot in a column, where no colours tell the curves apart: all but the first have gaps."""
    dots, period = ((1, 1), (6, 8), (1, 3), (3, 8))[curve % 4]
    return column % period < dots


def sample(curve: int) -> str:
    """Return a short piece of a curve, for the legend."""
    dots = np.where(is_drawn(curve, np.arange(16)).reshape(8, 2), DOTS[2], 0).sum(axis=1)
    return "".join(chr(0x2800 + cell) for cell in dots)


def text(
    activations: Sequence[str | Any],
    *,
    derivative: bool = False,
    width: int = 72,
    height: int = 20,
    color: bool = False,
) -> str:
    """Return the same picture in lines of text."""
    x = np.linspace(-5, 5, 2 * width)
    drawn = curves(activations, x, derivative)
    values = np.concatenate([y[np.isfinite(y)] for *_, y in drawn])
    low, high = max(min(values.min(), 0.0), -6.0), min(max(values.max(), 0.0), 6.0)
    high += (high == low) * 1.0
    cells = np.zeros((height, width), int)
    owner = np.zeros((height, width), int)
    for number, (_, _, y) in enumerate(drawn):
        row = np.round((high - y) / (high - low) * (4 * height - 1))
        ends = np.stack([row, np.concatenate([row[:1], row[:-1]])])  # joined to the point before
        for column, (to, start) in enumerate(ends.T):
            if not np.isfinite(to) or not np.isfinite(start) or not (color or is_drawn(number, column)):
                continue
            dots = np.arange(int(min(to, start + (to > start))), int(max(to, start - (to < start))) + 1)
            dots = dots[(dots >= 0) & (dots < 4 * height)]
            np.bitwise_or.at(cells[:, column // 2], dots // 4, DOTS[dots % 4, column % 2])
            owner[dots // 4, column // 2] = number
    zero = min(height - 1, max(0, int(high / (high - low) * (4 * height - 1)) // 4))
    lines = []
    for at, (row_cells, row_owner) in enumerate(zip(cells, owner, strict=True)):
        line = ""
        for column, (cell, number) in enumerate(zip(row_cells, row_owner, strict=True)):
            mark = chr(0x2800 + cell) if cell else "│" if column == width // 2 else "─" if at == zero else " "
            line += painted(mark, COLORS[number % len(COLORS)]) if color and cell else mark
        edge = f"{high:5.2f} " if at == 0 else f"{low:5.2f} " if at == height - 1 else "      "
        lines.append((edge + line).rstrip())
    lines.append(f"      -5{'5':>{width - 2}}")
    labels = [label for label, *_ in drawn]
    if color:
        labels = [painted(label, COLORS[k % len(COLORS)]) for k, label in enumerate(labels)]
    elif len(labels) > 1:
        labels = [f"{sample(k)} {label}" for k, label in enumerate(labels)]
    return "\n".join([*lines, "      " + "   ".join(labels)])
