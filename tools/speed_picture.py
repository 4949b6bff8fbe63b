"""Draw docs/speed.svg, the README's picture, from the tables of docs/speed.md: run after `bench/compare.py --write`."""

import re
from pathlib import Path

import matplotlib as mpl

mpl.use("svg")
mpl.rcParams["svg.hashsalt"] = "fastact"  # the same picture gives the same bytes
from matplotlib import pyplot as plt

DOCS = Path(__file__).resolve().parent.parent / "docs"
OURS = "#2a7f3f"
PEERS = {
    "PyTorch": ("torch", "#e07a5f"),
    "JAX": ("JAX", "#3d85c6"),
    "ONNX Runtime": ("onnxruntime", "#8d6cab"),
    "NumPy or SciPy": ("NumPy SciPy", "#a8b2b8"),
}
LEAD = 0.95  # every case in which a peer takes less of fastact's time than this is shown too
SHOWN = {
    "relu": "relu forward",
    "sigmoid": "sigmoid forward",
    "tanh": "tanh forward",
    "silu": "silu forward",
    "gelu": "gelu forward",
    "gelu.backward": "gelu backward from x",
    "elu": "elu forward",
    "softplus": "softplus forward",
    "mish": "mish forward",
    "softmax, rows of 10": "softmax forward, rows of 10",
    "softmax, rows of 1,024": "softmax forward, rows of 1024",
}
CUT = 8.0  # times fastact's time


def measured():
    """Return how many times fastact's time each peer takes, by case, and what was measured on."""
    text = (DOCS / "speed.md").read_text(encoding="utf-8")
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("|")]
    (heading,) = [row for row in rows if row[1:3] == ["type", "form"]]
    found = {}
    for row in rows:
        if row[1:3] != ["float32", "out="]:
            continue
        times = slice(3, heading.index("best peer"))
        cells = {name: float(cell) for name, cell in zip(heading[times], row[times], strict=True) if cell}
        times = {peer: [cells[name] for name in names.split() if name in cells] for peer, (names, _) in PEERS.items()}
        found[row[0]] = {peer: min(some) / cells["fastact"] for peer, some in times.items() if some}
    return found, re.search(r"`: (.*?), fastact on (\w+)", text, re.DOTALL)


def shown(found):
    """Return the cases of the picture, by their names in it: the usual ones, and those in which a peer leads."""
    led = {
        case.replace(" forward", ""): case for case, ratios in found.items() if min(ratios.values(), default=1) < LEAD
    }
    return SHOWN | {name: case for name, case in led.items() if case not in SHOWN.values()}


def main():
    """Draw each library's time as a multiple of fastact's."""
    found, machine = measured()
    cases = shown(found)
    figure, ax = plt.subplots(figsize=(8, 0.55 * len(cases) + 0.2), layout="constrained")
    thick = 0.75 / len(PEERS)
    for place, case in enumerate(cases.values()):
        for k, (peer, ratio) in enumerate(found[case].items()):
            y = place + (k - (len(found[case]) - 1) / 2) * thick
            ax.barh(y, min(ratio, CUT), thick * 0.9, color=PEERS[peer][1], label=peer if place == 0 else None)
            ax.text(min(ratio, CUT) + 0.05, y, f"{ratio:.1f}" + " →" * (ratio > CUT), va="center", fontsize=7)
    ax.axvline(1, color=OURS, linewidth=2, zorder=0, label="fastact")
    ax.set_yticks(range(len(cases)), cases)
    ax.invert_yaxis()
    ax.set_xlim(0, CUT + 0.7)
    ax.set_xlabel("its time / fastact's: above 1, fastact is faster")
    figure.suptitle(f"float32, 65,536 elements, one thread, {machine[1]} ({machine[2]})", fontsize=10)
    ax.legend(loc="lower center", bbox_to_anchor=(0.45, 1), ncols=1 + len(PEERS), frameon=False)
    ax.spines[["top", "right"]].set_visible(False)
    figure.savefig(DOCS / "speed.svg", metadata={"Date": None})
    plt.close(figure)


if __name__ == "__main__":
    main()
