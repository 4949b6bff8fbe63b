"""Draw the picture of a call's life: docs/dev/call.svg, which docs/dev/architecture.md shows.

python tools/call_picture.py            # writes it
python tools/call_picture.py --check    # ends with status 1 where it would be another one
"""

import argparse
import itertools
from html import escape
from pathlib import Path

PICTURE = Path(__file__).resolve().parent.parent / "docs" / "dev" / "call.svg"

# Phase, where it is, what it does, what it may raise.
PHASES = [
    ("bind", "function.pyx: bind", "names and positions to slots", "TypeError"),
    (
        "read",
        "operands.pyx: read_numbers, dispatch_override, read_arrays",
        "all that can run the caller's code",
        "TypeError",
    ),
    ("resolve", "operands.pyx: resolve", "compute type, axis, ranges, shapes", "TypeError, ValueError"),
    ("allocate", "operands.pyx: allocate", "new outputs, checks of given ones", "MemoryError, ValueError"),
    ("separate", "operands.pyx: separate", "copies of inputs that an output overlaps", "MemoryError"),
    ("execute", "function.pyx: execute", "memory for plan and sums, then the first write", "MemoryError before it"),
    ("finish", "operands.pyx: finish", "scalars take their values", "nothing"),
]
STEPS = [
    ("plan", "plan.pyx: lay_out", "axes sorted, merged, cut into boxes"),
    ("tiles", "execute.pyx: share_typed_box", "shared out over threads"),
    ("load", "execute.pyx: load", "to a block, in the compute type"),
    ("kernel", "kernels/", "rows of numbers"),
    ("store", "execute.pyx: store", "from a block, in the storage type"),
    ("sums", "segments.pyx: add_up", "segments, in compensated pairs"),
]

WIDTH, TOP, ROW, BOX = 900, 96, 56, 40
LEFT, RIGHT = 150, 620  # of the boxes of the core; the fast path runs along the left of them
INK, SOFT, LINE, FILL, KERNEL = "#1b2733", "#56636f", "#7a8894", "#eef3f8", "#e7f3ea"


def text(x, y, words, size=13, weight="normal", colour=INK, anchor="start"):
    return (
        f'<text x="{x}" y="{y}" font-size="{size}" font-weight="{weight}" fill="{colour}" '
        f'text-anchor="{anchor}">{escape(words)}</text>'
    )


def box(x, y, width, height, fill=FILL):
    return f'<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="5" fill="{fill}" stroke="{LINE}"/>'


def arrow(*points):
    path = " L".join(f"{x} {y}" for x, y in points)
    return f'<path d="M{path}" fill="none" stroke="{SOFT}" stroke-width="1.5" marker-end="url(#tip)"/>'


def picture():
    parts = []
    height = TOP + ROW * (len(PHASES) + len(STEPS)) + 76
    parts.append(text(LEFT, 32, "y = fa.gelu(x, bias=b, out=y)", 15, "bold"))
    parts.append(
        text(
            LEFT,
            52,
            "The catalogue has declared the arguments at import: catalogue/signatures.py, function.pyx: declare",
            12,
            colour=SOFT,
        )
    )
    parts.append(text(RIGHT + 20, TOP - 10, "what it may raise", 12, colour=SOFT))
    y, places = TOP, {}
    for name, where, does, raises in PHASES:
        places[name] = y
        parts += [
            box(LEFT, y, RIGHT - LEFT, BOX),
            text(LEFT + 12, y + 25, name, 14, "bold"),
            text(LEFT + 92, y + 17, does),
            text(LEFT + 92, y + 33, where, 12, colour=SOFT),
            text(RIGHT + 20, y + 25, raises),
        ]
        if name != "finish":
            y += ROW
        if name == "execute":
            for step, at, what in STEPS:
                fill = KERNEL if step == "kernel" else "white"
                places[step] = y
                parts += [
                    box(LEFT + 40, y, RIGHT - LEFT - 40, BOX, fill),
                    text(LEFT + 52, y + 25, step, 13, "bold"),
                    text(LEFT + 132, y + 17, what),
                    text(LEFT + 132, y + 33, at, 12, colour=SOFT),
                    arrow((LEFT + 60, y - ROW + BOX), (LEFT + 60, y)),
                ]
                y += ROW
    middle = LEFT + 20
    for before, after in itertools.pairwise(PHASES):
        parts.append(arrow((middle, places[before[0]] + BOX), (middle, places[after[0]])))
    # The fast path: from bind straight to the kernel, and back.
    start, kernel = places["bind"] + BOX / 2, places["kernel"] + BOX / 2
    end = places["finish"] + BOX + 36
    parts += [
        arrow((LEFT, start), (90, start), (90, kernel), (LEFT + 40, kernel)),
        arrow((RIGHT / 2 + 75, places["finish"] + BOX), (RIGHT / 2 + 75, end)),
        text(RIGHT / 2 + 75, end + 18, "the object given as out, a new array, or a scalar", 13, anchor="middle"),
    ]
    label = (start + kernel) / 2
    for i, words in enumerate(("fast path", "function.pyx:", "fast_path")):
        parts.append(text(46, label + 17 * i, words, 13 - (i > 0), "bold" if i == 0 else "normal", anchor="middle"))
    marker = (
        '<defs><marker id="tip" markerWidth="8" markerHeight="8" refX="7" refY="4" orient="auto">'
        f'<path d="M0 0 L8 4 L0 8 z" fill="{SOFT}"/></marker></defs>'
    )
    title = "The phases of a call, the function that does each, and what each may raise"
    opening = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" '
        f'font-family="system-ui, sans-serif" role="img" aria-label="{title}">'
    )
    return "\n".join(
        [
            opening,
            f"<title>{title}</title>",
            marker,
            f'<rect width="{WIDTH}" height="{height}" rx="8" fill="white"/>',  # a card, in the dark too
            *parts,
            "</svg>\n",
        ]
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="only compare with what is there")
    drawn = picture()
    if not parser.parse_args().check:
        PICTURE.write_text(drawn)
    elif not PICTURE.exists() or PICTURE.read_text() != drawn:
        raise SystemExit(f"{PICTURE} is not what python tools/call_picture.py draws")


if __name__ == "__main__":
    main()
