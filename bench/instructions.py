"""Count the instructions of some calls, which no neighbour disturbs: on AVX2, by Valgrind, which knows no AVX-512.

    python bench/instructions.py             # beside what is recorded; status 1 where a call takes 10% more
    python bench/instructions.py --record    # after a change that is meant to be

A count is that of twice as many elements less that of once as many, so the call itself is not in it.  Counts are those
of one compiler: with another one nothing is compared.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

RECORDED = Path(__file__).with_suffix(".json")
N = 16_384
MOST = 1.10  # times what was recorded
ELEMENTWISE = (
    "relu",
    "hard_swish",
    "soft_sign",
    "sigmoid",
    "tanh",
    "silu",
    "gelu",
    "gelu_tanh",
    "elu",
    "softplus",
    "mish",
)
CALLS = [
    *(f"fa.{name}(x, out=out)" for name in ELEMENTWISE),
    *(f"fa.{name}.backward(grad, x=x, out=out)" for name in ("relu", "sigmoid", "gelu", "mish")),
    "fa.tanh.backward(grad, y=x, out=out)",
    *(f"fa.{name}(rows, out=rows_out)" for name in ("softmax", "log_softmax")),
    "fa.softmax.backward(grad_rows, y=rows, out=rows_out)",
    "fa.logsumexp(rows)",
    "fa.swiglu(x, grad, out=out)",
    "fa.sigmoid_cross_entropy(x, targets, grad_out=out)",
    "fa.softmax_cross_entropy(rows, labels, grad_out=rows_out)",
]
TYPES = ("float32", "float64")
# Valgrind writes down what was executed, and begins anew, whenever the C library's getppid is called.
PROGRAM = f"""
import gc, os, numpy as np, fastact as fa
gc.disable()
fa.set_num_threads(1)
for dtype in {TYPES}:
    for statement in {CALLS}:
        for n in ({N}, {2 * N}):
            x = np.linspace(-4, 4, n, dtype=dtype)
            grad, targets, out = np.linspace(1, 2, n, dtype=dtype), np.linspace(0, 1, n, dtype=dtype), np.empty_like(x)
            rows, grad_rows, rows_out = (each.reshape(-1, 128) for each in (x, grad, out))
            labels = np.arange(n // 128) % 128
            code = compile(statement, "call", "eval")
            eval(code)
            os.getppid()
            eval(code)
            os.getppid()
"""


def count():
    """Return instructions an element by type and call."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder, "out")
        command = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}", "--dump-before=getppid"]
        command += ["--zero-before=getppid", sys.executable, "-P", "-c", PROGRAM]
        environment = {"FASTACT_CPU_TARGET": "avx2", "OPENBLAS_NUM_THREADS": "1", "PYTHONHASHSEED": "0"}
        subprocess.run(command, check=True, capture_output=True, env=os.environ | environment)
        dumps = sorted(Path(folder).glob("out.*"), key=lambda path: int(path.suffix[1:]))
        totals = [int(re.search(r"^(?:totals|summary): (\d+)", path.read_text(), re.MULTILINE)[1]) for path in dumps]
    called = totals[1::2]  # between the two of a call, not between one call and the next
    names = [f"{dtype} {call}" for dtype in TYPES for call in CALLS]
    differences = [twice - once for once, twice in zip(called[::2], called[1::2], strict=True)]
    return {name: round(difference / N, 2) for name, difference in zip(names, differences, strict=True)}


def worse(counts, recorded):
    """Return what takes more than it may, in words."""
    return [
        f"{name}: {value} instructions an element, {recorded[name]} before"
        for name, value in counts.items()
        if value > MOST * recorded.get(name, float("inf"))
    ]


def recorded_here():
    """Return the counts that are recorded, if this build's compiler made them."""
    import fastact as fa

    recorded = json.loads(RECORDED.read_text())
    return recorded["counts"] if recorded["compiler"] == fa.core.function.COMPILER else {}


def main():
    import fastact as fa

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--record", action="store_true")
    record = parser.parse_args().record
    counts = count()
    if record:
        RECORDED.write_text(json.dumps({"compiler": fa.core.function.COMPILER, "counts": counts}, indent=4) + "\n")
    recorded = recorded_here()
    for name, value in counts.items():
        print(f"{name:70} {value:8.2f} {recorded.get(name, ''):>8}")
    more = worse(counts, recorded)
    print(*more, sep="\n")
    return bool(more)


if __name__ == "__main__":
    sys.exit(main())
