"""Count the instructions of some calls, which no neighbour disturbs: on AVX2, by Valgrind, which knows no AVX-512.

    python bench/instructions.py             # beside what is recorded; status 1 where a call takes 10% more
    python bench/instructions.py --record    # after a change that is meant to be
    python bench/instructions.py --calls     # of whole calls on 10 or 16 elements, the interpreter's part included
    python bench/instructions.py --calls OTHER    # the same beside a build in another folder

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
SMALL_CALLS = (
    "fa.relu(x, out=x)",
    "fa.relu(x)",
    "fa.relu.backward(grad, x=x, out=grad)",
    "fa.leaky_relu(x, 0.2, out=x)",
    "fa.relu(x, bias=vector, out=x)",
    "fa.prelu(x, 0.25, out=x)",
    "fa.prelu(x, vector, 0, out=x)",
    "fa.swiglu(x, grad, out=out)",
    "fa.softmax(row, out=row)",
    "fa.softmax(row, where=mask, out=row)",
    "fa.logsumexp(row)",
    "fa.softmax_cross_entropy(row, label)",
    "fa.softmax_cross_entropy(row, label, grad_out=row_out)",
    "fa.sigmoid_cross_entropy(row, target)",
    "fa.sigmoid_cross_entropy(row, target, grad_out=row_out)",
)
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
TIMES = 100
SMALL_PROGRAM = f"""
import gc, os, numpy as np, fastact as fa
gc.disable()
fa.set_num_threads(1)
x, grad, vector, out = np.linspace(0.5, 1, 64, dtype=np.float32).reshape(4, 16)
row, row_out, target = np.linspace(0, 1, 30, dtype=np.float32).reshape(3, 1, 10)
mask, label = np.arange(10).reshape(1, 10) % 2 == 0, np.array([3])
names = "fa, x, grad, vector, out, row, row_out, target, mask, label"
for statement in ("pass", *{SMALL_CALLS}):
    exec(f"def loop({{names}}, times):\\n for _ in times: {{statement}}")
    given = eval(names)
    loop(*given, range({TIMES}))  # the interpreter has its caches then
    for times in ({TIMES}, {2 * TIMES}):
        os.getppid()
        loop(*given, range(times))
        os.getppid()
"""


def count():
    """Return instructions an element by type and call."""
    names = [f"{dtype} {call}" for dtype in TYPES for call in CALLS]
    return {name: round(extra / N, 2) for name, extra in zip(names, extras(PROGRAM), strict=True)}


def count_calls(folder=None):
    """Return instructions by call, those of an empty loop left out; of the build in a folder, if one is given."""
    empty, *counts = (round(extra / TIMES) for extra in extras(SMALL_PROGRAM, folder))
    return {call: of_call - empty for call, of_call in zip(SMALL_CALLS, counts, strict=True)}


def extras(program, package=None):
    """Return how many instructions more the second of each two runs takes than the first."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder, "out")
        command = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}", "--dump-before=getppid"]
        command += ["--zero-before=getppid", sys.executable, "-P", "-c", program]
        environment = {"FASTACT_CPU_TARGET": "avx2", "OPENBLAS_NUM_THREADS": "1", "PYTHONHASHSEED": "0"}
        environment |= {"PYTHONPATH": str(Path(package).resolve())} if package else {}
        subprocess.run(command, check=True, capture_output=True, env=os.environ | environment)
        dumps = sorted(Path(folder).glob("out.*"), key=lambda path: int(path.suffix[1:]))
        totals = [int(re.search(r"^(?:totals|summary): (\d+)", path.read_text(), re.MULTILINE)[1]) for path in dumps]
    called = totals[1::2]  # between the two of a call, not between one call and the next
    return [twice - once for once, twice in zip(called[::2], called[1::2], strict=True)]


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
    parser.add_argument("--calls", nargs="?", const="", metavar="OTHER")
    given = parser.parse_args()
    record = given.record
    if given.calls is not None:
        columns = [count_calls(), *([count_calls(given.calls)] if given.calls else [])]
        for call in SMALL_CALLS:
            print(f"{call:70}", *(f"{column[call]:8}" for column in columns))
        return False
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
