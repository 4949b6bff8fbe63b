"""Write docs/special-values.md: what every function and derivative gives at the ends of the number line and at its kinks.

The values are fastact's own; tests/numerics/test_special_values.py holds them against the true ones, and the page against what
every target with fused multiply-add gives.  ``--check`` fails where the page in the tree differs.
"""

import argparse
import sys
from pathlib import Path

import numpy as np

import fastact as fa
from fastact import catalogue
from fastact.catalogue import SPECS
from fastact.core import function as core

PAGE = Path(__file__).resolve().parent.parent / "docs" / "special-values.md"
INTRODUCTION = """\
# Special values

Written by `python tools/special_values.py`; not by hand. What f(x) and f'(x) are at the ends of the number line and at
kinks, with the default parameters (`threshold` {threshold}, `prelu` {prelu}). A NaN gives a NaN everywhere. *min* is the
smallest subnormal number of the type, *tiny* its smallest normal one, *max* its largest. Rows, gated units and losses
follow after the elementwise functions.
"""
INF, NAN, MAX = np.inf, np.nan, np.finfo(np.float64).max
ROWS = ([0, 0], [0, -INF], [0, INF], [-INF, -INF], [INF, INF], [0, NAN], [MAX, -MAX], [MAX, MAX], [1000, 0], [])
PAIRS = (
    (0, 1),
    (-0.0, 1),
    (INF, 1),
    (-INF, 1),
    (INF, 0),
    (INF, -1),
    (1, INF),
    (-1, INF),
    (0, INF),
    (MAX, MAX),
    (NAN, 0),
    (0, NAN),
)
LOGITS = (0, 1000, -1000, INF, -INF, NAN)


def names(dtype):
    """Return the points that every function is shown at, by the names that they have on the page."""
    info = np.finfo(dtype)
    named = {"0": 0.0, "min": info.smallest_subnormal, "tiny": info.smallest_normal, "max": info.max, "inf": np.inf}
    signed = {sign + name: value if sign == "" else -value for name, value in named.items() for sign in ("", "-")}
    return {name: dtype.type(value) for name, value in signed.items()}


def spell(value, dtype):
    """Return a number as the page has it: exactly, to the sign of a zero."""
    for name, known in names(dtype).items():
        if value == known and np.signbit(value) == np.signbit(known):
            return name
    return np.format_float_positional(value, trim="-") if 1e-4 < abs(value) < 1e6 else str(value)


def kinks(name):
    """Return where the derivative jumps, near some place that parameters and small numbers name."""
    derivative, typical = fa.ACTIVATIONS[name].derivative, SPECS[name].typical
    places = np.unique([0.0, *(np.arange(1, 14) / 2), *map(abs, typical.values())])
    x = np.concatenate([-places[:0:-1], places])
    before, after = (derivative(np.nextafter(x, end), **typical) for end in (-np.inf, np.inf))
    return x[np.abs(after - before) > 1e-3]


def values(name, dtype, target, x):
    """Return f(x) and f'(x) with typical parameters."""
    activation = core.on_target(fa.ACTIVATIONS[name], target)
    x = np.asarray(x, dtype)
    return activation(x, **SPECS[name].typical), activation.derivative(x, **SPECS[name].typical)


def elementwise():
    return [name for name, activation in fa.ACTIVATIONS.items() if activation.kind != "rowwise"]


def page(target=core.TARGET):
    """Return the text of the page, as a target computes it."""
    threshold, prelu = (", ".join(map(str, SPECS[name].typical.values())) for name in ("threshold", "prelu"))
    lines = [INTRODUCTION.format(threshold=threshold, prelu=prelu)]
    for dtype in (np.dtype(np.float32), np.dtype(np.float64)):
        points = names(dtype)
        for title, which in (("f(x)", 0), ("f'(x)", 1)):
            lines += [f"## {title}, {dtype}\n", "| x | " + " | ".join(points) + " |", "|---" * (1 + len(points)) + "|"]
            for name in elementwise():
                row = values(name, dtype, target, list(points.values()))[which]
                lines.append(f"| {name} | " + " | ".join(spell(value, dtype) for value in row) + " |")
            lines.append("")
    dtype = np.dtype(np.float64)
    lines += ["## Kinks, float64\n", "| | x | f(x) | f'(x) | f' below | f' above |", "|---|---|---|---|---|---|"]
    for name in elementwise():
        for x in kinks(name):
            around = values(name, dtype, target, [np.nextafter(x, -np.inf), x, np.nextafter(x, np.inf)])
            cells = [x, around[0][1], around[1][1], around[1][0], around[1][2]]
            lines.append(f"| {name} | " + " | ".join(spell(dtype.type(cell), dtype) for cell in cells) + " |")
    lines += ["", *row_tables(target)]
    return "\n".join(lines)


def row_tables(target):
    """Yield the lines for functions of rows, gated units and losses, in float64."""
    dtype = np.dtype(np.float64)

    def table(title, corner, heads, rows):
        yield f"## {title}, float64\n"
        yield f"| {corner} | " + " | ".join(heads) + " |"
        yield "|---" * (1 + len(heads)) + "|"
        for name, results in rows:
            cells = (", ".join(spell(dtype.type(each), dtype) for each in np.ravel(result)) for result in results)
            yield f"| {name} | " + " | ".join(cells) + " |"
        yield ""

    def function(name):
        return core.on_target(fa.get(name), target)

    def heads(points):
        return [f"[{', '.join(spell(dtype.type(each), dtype) for each in row)}]" for row in points]

    by_rows = [spec.name for spec in catalogue.SPECS.values() if spec.kind in ("rowwise", "reduction")]
    rows = [(name, [function(name)(np.array(row, dtype)) for row in ROWS]) for name in by_rows]
    yield from table("Rows", "x", heads(ROWS), rows)
    gates = [spec.name for spec in catalogue.GATES]
    rows = [(name, [function(name)(gate=np.float64(g), value=np.float64(v)) for g, v in PAIRS]) for name in gates]
    yield from table("Gated units", "gate, value", [head.strip("[]") for head in heads(PAIRS)], rows)
    loss = function("softmax_cross_entropy")
    rows = [(f"label {k}", [loss(np.array(row, dtype), k) for row in ROWS[:-1]]) for k in (0, 1)]
    yield from table("softmax_cross_entropy", "logits", heads(ROWS[:-1]), rows)
    loss = function("sigmoid_cross_entropy")
    rows = [(f"target {t}", [loss(np.float64(z), t) for z in LOGITS]) for t in (0, 1, 0.5)]
    yield from table("sigmoid_cross_entropy", "logit", [spell(dtype.type(z), dtype) for z in LOGITS], rows)


def main():
    parser = argparse.ArgumentParser(description="Write docs/special-values.md.")
    parser.add_argument("--check", action="store_true", help="write nothing; end with status 1 if it would change")
    if parser.parse_args().check:
        sys.exit(PAGE.read_text() != page())
    PAGE.write_text(page())


if __name__ == "__main__":
    main()
