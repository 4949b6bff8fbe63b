"""Write fastact/_reference.py, the correctly rounded values that `python -m fastact` compares float64 with.

The formulas are those of the tests, in 200 bits; run it again after adding an activation.  It gives the same bytes each
time, and `--check` fails where the file in the tree differs.
"""

import argparse
import math
import random
import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "fastact" / "_reference.py"
sys.path.insert(0, str(ROOT / "tests"))

import fastact as fa
import references

HEADER = '''"""Correctly rounded float64 values, for `python -m fastact`.  Made by tools/make_reference.py: do not edit.

A value is the 16 hexadecimal digits of its bits; a true value has 4 more, what rounding it took away in ulp / 32768.
"""
'''


def points():
    """Return inputs of elementwise functions: all exponents, both signs, and denser where functions bend."""
    draw = random.Random(0)
    powers = [math.ldexp(1 + draw.random(), exponent) for exponent in range(-1075, 1023, 67)]
    spread = [draw.uniform(0, width) for width in (1, 4, 20, 40, 750) for _ in range(12)]
    info = sys.float_info
    magnitudes = [0.0, *powers, *spread, info.min, info.max]
    return np.array([sign * x for x in magnitudes for sign in (1, -1)])


def rows():
    """Return rows of logits, from nearly equal ones to some that saturate."""
    draw = random.Random(0)
    return np.array([[draw.uniform(-width, width) for _ in range(10)] for width in (1, 1, 5, 5, 20, 20, 400, 1e4)])


def true_values(formula, *arrays, parameters):
    """Return the true values in 200 bits, flat."""
    return references.true_values(formula, *arrays, **parameters).ravel()


def rounded(true):
    """Return the float64 nearest to each true value; zeros have no sign here."""
    return np.array([float(value) for value in true]) + 0.0


def bits(values):
    """Return the bits of each value in hexadecimal digits."""
    return [f"{value:016x}" for value in values.ravel().view(np.uint64)]


def bits_and_tails(true):
    """Return each true value as its nearest float64 and what is left of it."""
    values = rounded(true)
    pairs = zip(true, values.tolist(), strict=True)
    tails = [round((exact - value) / math.ulp(value) * 2**15) for exact, value in pairs]
    return [f"{word}{tail & 0xFFFF:04x}" for word, tail in zip(bits(values), tails, strict=True)]


def literal(words):
    """Return a Python string over several lines."""
    lines = [" ".join(words[i : i + 5]) for i in range(0, len(words), 5)]
    return '"""\n' + "\n".join(lines) + '\n"""'


def table(activation):
    """Return what the activation gives for the points or the rows: kind -> words."""
    reference = references.REFERENCES[activation.name]
    if activation.kind == "rowwise":
        y = true_values(reference.forward, ROWS, parameters={})
        outputs = rounded(y).reshape(ROWS.shape)
        backward = true_values(reference.backward_y, ROWS[:, ::-1], outputs, parameters={})
        return {"forward": bits_and_tails(y), "backward_y": bits_and_tails(backward)}
    forward = true_values(reference.forward, POINTS, parameters=activation.parameters)
    words = {
        "forward": bits_and_tails(forward),
        "derivative": bits_and_tails(true_values(reference.derivative, POINTS, parameters=activation.parameters)),
    }
    if "y" in activation.backward_from:
        derivative_y = true_values(reference.derivative_y, rounded(forward), parameters=activation.parameters)
        words["backward_y"] = bits_and_tails(derivative_y)
    return words


POINTS, ROWS = points(), rows()


def module():
    """Return the text of fastact/_reference.py."""
    lines = [HEADER, f"POINTS = {literal(bits(POINTS))}", f"ROWS = {literal(bits(ROWS))}", "VALUES = {"]
    for activation in fa.ACTIVATIONS.values():
        lines.append(f'    "{activation.name}": {{')
        lines += [f'        "{kind}": {literal(words)},' for kind, words in table(activation).items()]
        lines.append("    },")
    return "\n".join([*lines, "}"]) + "\n"


def main():
    parser = argparse.ArgumentParser(description="Write fastact/_reference.py.")
    parser.add_argument("--check", action="store_true", help="write nothing; end with status 1 if it would change")
    if parser.parse_args().check:
        sys.exit(TARGET.read_text(encoding="ascii") != module())
    TARGET.write_text(module(), encoding="ascii")


if __name__ == "__main__":
    main()
