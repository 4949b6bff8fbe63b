"""Runs what the lesson's figures show, and draws them into docs/figures/made; what is up to date stays as it is.

The build of the guide calls this; by hand it is `python docs/figures/make.py`.
"""

import json
from pathlib import Path

import dead
import gradients
import moons
import style
import temperature

FIGURES = Path(__file__).parent
MADE = FIGURES / "made"
SCRIPTS = (moons, gradients, dead, temperature)
SHARED = ("network.py", "style.py", "make.py")


def numbers():
    """Return the numbers that go with the figures, for the text: `moons_relu` is a number of moons.py."""
    found = {}
    for script in SCRIPTS:
        name = script.__name__
        found |= {f"{name}_{key}": value for key, value in made(name, script).items()}
    return found


def made(name, script):
    """Run a script, unless its figure and its numbers are newer than it is; return the numbers."""
    MADE.mkdir(exist_ok=True)
    picture, kept = MADE / f"{name}.svg", MADE / f"{name}.json"
    sources = [FIGURES / f"{name}.py", *(FIGURES / shared for shared in SHARED)]
    if not (style.newer(picture, sources) and style.newer(kept, sources)):
        result = script.compute()
        style.draw(picture, script.SIZE, script.draw, result)
        kept.write_text(json.dumps(script.numbers(result)))
    return json.loads(kept.read_text())


if __name__ == "__main__":
    for name, number in numbers().items():
        print(f"{name:24} {number}")
