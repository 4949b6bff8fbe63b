"""Pictures: on matplotlib's axes, and in lines of text."""

import re
import sys

import numpy as np
import pytest

import fastact as fa
from fastact import pictures

ELEMENTWISE = [name for name, activation in fa.ACTIVATIONS.items() if activation.kind != "rowwise"]


@pytest.fixture
def pyplot():
    """Matplotlib where it is installed, drawing to nothing."""
    mpl = pytest.importorskip("matplotlib")
    mpl.use("agg")
    from matplotlib import pyplot

    yield pyplot
    pyplot.close("all")


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_draws_every_activation_and_its_derivative(pyplot, name):
    ax = fa.plot(name, derivative=True)
    typical = pictures.SPECS[name].typical
    function, derivative = ax.get_legend_handles_labels()[0]
    x = function.get_xdata()
    assert np.array_equal(function.get_ydata(), fa.ACTIVATIONS[name](x, **typical))
    assert np.array_equal(derivative.get_ydata(), fa.ACTIVATIONS[name].derivative(x, **typical))
    assert function.get_color() == derivative.get_color()
    assert [text.get_text() for text in ax.get_legend().get_texts()] == [name, f"{name}'"]


def test_draws_where_it_is_told(pyplot, tmp_path):
    _, ax = pyplot.subplots()
    x = np.array([-1.0, 0.0, 2.0])
    assert fa.plot("relu", fa.gelu, x=x, ax=ax) is ax
    first, second = ax.get_legend_handles_labels()[0]
    assert first.get_ydata().tolist() == [0, 0, 2]
    assert first.get_color() != second.get_color()
    ax.figure.savefig(tmp_path / "out.png")
    assert (tmp_path / "out.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("names", "error"),
    [("softmax", TypeError), ("swiglu", TypeError), ("nothing", ValueError), ([], ValueError), (3, TypeError)],
)
def test_what_cannot_be_drawn_is_refused(names, error):
    with pytest.raises(error):
        fa.plot(names)
    with pytest.raises(error):
        pictures.text([names] if isinstance(names, str) else names)


def test_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(ImportError, match=r"fastact\[plot\]"):
        fa.plot("relu")


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_draws_in_text(name):
    lines = pictures.text([name], derivative=True, width=40, height=12).splitlines()
    assert len(lines) == 14
    assert max(map(len, lines[:-1])) <= 46
    assert lines[-1].split()[1::2] == [name, f"{name}'"]


def test_a_line_of_text_is_a_line():
    """The identity goes from the lower left to the upper right, one cell in every column."""
    picture = pictures.text(["identity"], width=30, height=15).splitlines()[:15]
    marks = [(row, column) for row, line in enumerate(picture) for column, mark in enumerate(line) if mark > "\u2800"]
    assert {column for _, column in marks} == set(range(6, 36))
    assert min(marks)[1] > 30
    assert max(marks)[1] < 10


def test_a_steep_line_has_no_gaps():
    picture = pictures.text(["exponential"], width=10, height=30).splitlines()[:30]
    assert all(any(mark > "\u2800" for mark in line) for line in picture)


def test_curves_can_be_told_apart_without_colours():
    """All but the first have gaps, which the legend shows."""
    *lines, legend = pictures.text(["identity"], derivative=True, width=64).splitlines()
    assert legend.split() == [pictures.sample(0), "identity", pictures.sample(1), "identity'"]
    assert len({pictures.sample(k) for k in range(4)}) == 4
    assert pictures.text(["relu"]).splitlines()[-1].split() == ["relu"]
    flat = max(sum("\u2800" < mark < "\u2900" for mark in line) for line in lines)  # identity' is 1 everywhere
    assert abs(flat - 64 * 3 / 4) <= 3


def test_colours_only_when_asked():
    assert "\033" not in pictures.text(["relu", "gelu"])
    lines = pictures.text(["relu", "gelu"], color=True).splitlines()
    for color in (36, 33):  # of a line, and of its name
        assert any(re.search(rf"\033\[{color}m[\u2801-\u28ff]", line) for line in lines)
        assert f"\033[{color}m" in lines[-1]
