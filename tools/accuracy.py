"""The accuracy campaign: sweeps all 2^32 float32 inputs, searches float64, and writes docs/accuracy.md.

``python tools/accuracy.py`` takes half a minute a function on two cores and shows how far it is; what is interrupted goes
on where it was.  Where functions are named, the page keeps the lines of the others.  ``--same-bits`` checks instead that all
float32 inputs give equal bits on all targets with fused multiply-add.  It walks the catalogue.

True values are the catalogue's formulas in MPFR numbers.  float64 is compared with them, and so is float32 at some inputs
of every part of the sweep and at the worst of the part; at all others it is compared with fastact's float64, whose own
error is a billionth of what is measured.
"""

import argparse
import dataclasses
import functools
import hashlib
import importlib.metadata
import importlib.util
import itertools
import json
import multiprocessing
import os
import sys
from pathlib import Path

import numpy as np
from tqdm import tqdm

import fastact as fa
from fastact.core import function as core

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "tests")]

import helpers
import references
from compiled import in_c
from fastact._bench import peers
from fastact._selfcheck import tried
from fastact._truth import error_scale, in_float64
from fastact.catalogue import SPECS

DOCUMENT = ROOT / "docs" / "accuracy.md"
CHUNKS = 64  # of all float32 patterns
SPOTS = 50  # in each, which are compared with MPFR numbers whatever their error
PEER_STRIDE = 1009  # peers are sampled
BACKWARD_EVERY = 17  # blocks: where backward is held against its definition
POINTS, ROUNDS, SURVIVORS, CHILDREN = 2000, 10, 50, 30  # of the search in float64
ROW_LENGTHS = (*range(1, 34), 64, 100, 128, 1000, 1024, 10_000)
INF = np.inf
SOME_LENGTHS = (1, 2, 3, 7, 16, 33, 100, 1000)  # of reductions and losses
KINDS = {
    "forward": "f(x)",
    "derivative": "f'(x)",
    "backward_x": "backward",
    "backward_y": "f' from y",
    "gate_grad": "by the gate",
    "value_grad": "by the value",
    "gradient": "gradient",
}


@dataclasses.dataclass(frozen=True)
class Case:
    """One column of one row of the table: who computes what, in which type."""

    library: str  # a target of fastact, or another library
    name: str
    kind: str
    dtype: str


@dataclasses.dataclass
class Worst:
    """The largest error found and where: all numbers in hexadecimal, exactly."""

    error: float = -1.0
    arrays: tuple = ()
    got: str = ""
    true: str = ""
    row: int = 0  # its length
    normal: float = -1.0  # a peer's largest error where neither the input nor the true value is subnormal

    def offer(self, error, arrays, got, true):
        """Take the largest of many errors if it is larger than what there was."""
        if error.size and error.max() > self.error:
            at = np.unravel_index(np.argmax(error), error.shape)
            self.error, self.arrays = float(error[at]), tuple(float(array[at]).hex() for array in arrays)
            self.row = error.shape[-1] if error.ndim > 1 else 0
            self.got, self.true = float(got[at]).hex(), f"{float(true[at]):.17g}"


# Who computes.


def fastact(target, name, kind):
    function = core.on_target(fa.get(name), target)
    if SPECS[name].kind == "gate":
        if kind == "forward":
            return lambda gate, value: function(gate=gate, value=value)
        which = ("gate_grad", "value_grad").index(kind)
        return lambda grad, gate, value: function.backward(grad, gate=gate, value=value)[which]
    if SPECS[name].kind == "reduction":  # one number a row stands in every place of the truth
        if kind == "forward":
            return lambda x: np.repeat(function(x, keepdims=True), x.shape[1], axis=1)
        return lambda grad, x: function.backward(grad[:, :1], x=x)
    if SPECS[name].kind == "loss":
        return functools.partial(loss, function, kind)
    operation = helpers.Operation(core.on_target(fa.ACTIVATIONS[name], target), kind)
    return lambda *arrays, **parameters: operation(*arrays, **SPECS[name].typical | parameters)


def loss(function, kind, logits, targets):
    """Return the losses, each in every place of the logits that it is of, or the gradient of their sum."""
    if kind == "forward":
        losses = function(logits, targets, reduction="none")
        return losses if losses.ndim == logits.ndim else np.repeat(losses[:, None], logits.shape[1], axis=1)
    grad = np.empty_like(logits)
    function(logits, targets, reduction="sum", grad_out=grad)
    return grad


def torch(name, kind):
    import torch

    if name not in peers.TORCH or kind == "backward_y":
        return None
    torch.set_num_threads(1)
    function = eval(f"lambda x: {peers.TORCH[name]}", {"torch": torch, "F": torch.nn.functional} | SPECS[name].typical)

    def compute(x):
        tensor = torch.from_numpy(x.copy()).requires_grad_(kind == "derivative")
        y = function(tensor)
        if kind == "derivative":
            y.backward(torch.ones_like(y))
            y = tensor.grad
        return y.detach().numpy()

    return compute


def jax(name, kind):
    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    import jax

    jax.config.update("jax_enable_x64", True)
    if name not in peers.JAX or kind == "backward_y":
        return None
    function = jax.jit(eval(f"lambda x: {peers.JAX[name]}", {"jax": jax, "jnp": jax.numpy} | SPECS[name].typical))
    if kind == "derivative":
        of_x = function
        function = lambda x: jax.vjp(of_x, x)[1](jax.numpy.ones_like(x))[0]
    return lambda x: np.asarray(function(x))


def scipy(name, kind):
    import scipy.special

    expression = (peers.SCIPY | peers.NUMPY).get(name)
    if expression is None or kind != "forward":
        return None
    return eval(f"lambda x: {expression}", {"scipy": scipy, "np": np})


PEERS = {"torch": torch, "JAX": jax, "NumPy/SciPy": scipy}


def installed_peers():
    return [peer for peer in PEERS if importlib.util.find_spec({"NumPy/SciPy": "scipy"}.get(peer, peer.lower()))]


@functools.cache
def computer(case):
    """Return the function of arrays that a case is about; None where its library has none."""
    if case.library in PEERS:
        return PEERS[case.library](case.name, case.kind)
    return fastact(case.library, case.name, case.kind)


# What is measured.


def in_range(x, true):
    """Return where neither x nor the true value is subnormal."""
    smallest = np.finfo(x.dtype).smallest_normal
    return np.asarray((x == 0) | (abs(x) >= smallest), bool) & np.asarray((true == 0) | ~(abs(true) < smallest), bool)


def asked(case, x):
    """Return the inputs that a case is asked for.

    Peers have conventions of their own for the derivative of NaN and at a kink: it counts nothing within a step of one.
    """
    if case.library not in PEERS:
        return x
    x = x[~np.isnan(x)]
    if case.kind == "derivative":
        derivative = functools.partial(fastact(core.TARGET, case.name, case.kind), **SPECS[case.name].typical)
        with np.errstate(all="ignore"):
            before, after = (derivative(np.nextafter(x, x.dtype.type(side))) for side in (-INF, INF))
            x = x[~(abs(after - before) > 2.0**-8)]
    return x


def measure(case, worst, *arrays):
    """Offer the errors of a case on some arrays, compared with MPFR numbers; return them."""
    parameters = SPECS[case.name].typical
    with np.errstate(all="ignore"):
        got = computer(case)(*arrays)
    true = references.true_values(case.name, case.kind, *arrays, **parameters)
    error = references.error_in_ulp(got, true, error_scale(case.name, case.kind, true, *arrays, **parameters))
    worst.offer(error, arrays, got, true)
    if case.library in PEERS:
        worst.normal = max(worst.normal, float(error.max(initial=-1, where=in_range(arrays[-1], true))))
    return error


ROWWISE = {name for name, spec in SPECS.items() if spec.by_rows}
OF_TWO = {name for name, spec in SPECS.items() if spec.kind in ("gate", "loss") and not spec.by_rows}


def patterns(chunk, stride):
    """Yield the blocks of one of the parts that all float32 patterns, a stride apart, are cut into."""
    size = 2**32 // CHUNKS
    return references.float32_patterns(stride, start=-(-chunk * size // stride) * stride, stop=(chunk + 1) * size)


def sweep(case, chunk, stride):
    """Measure an elementwise function in float32 on a part of all patterns."""
    name, kind, worst, suspects = case.name, case.kind, Worst(), []
    exact = in_float64(name, SPECS[name].typical)
    of_longer = fastact(core.TARGET if case.library in PEERS else case.library, name, kind)
    random = np.random.default_rng(chunk)
    for number, x in enumerate(patterns(chunk, stride)):
        arrays = references.arguments(name, kind, asked(case, x), **exact)
        if not arrays[-1].size:
            continue
        with np.errstate(all="ignore"):
            longer = [array.astype(np.float64) for array in arrays]
            got = np.ascontiguousarray(computer(case)(*arrays))
            true = of_longer(*longer, **exact)
            scale = error_scale(name, kind, true, *longer, **exact)
            at, error = in_c.largest_error(got, true, scale)
            if case.library in PEERS:
                normal = in_range(arrays[-1], true)
                worst.normal = max(worst.normal, in_c.largest_error(got[normal], true[normal], scale[normal])[1])
        suspects.append((error, [array[at] for array in arrays]))
        if random.random() * (2**32 / CHUNKS / references.BLOCK / stride) < SPOTS:
            suspects.append((INF, [array[random.integers(array.size)] for array in arrays]))
        if kind != "forward" and case.library not in PEERS and number % BACKWARD_EVERY == 0:
            check_backward(case, worst, arrays)
    suspects.sort(key=lambda suspect: suspect[0])
    if suspects:
        measure(case, worst, *np.array([values for _, values in suspects[-2 * SPOTS :]], np.float32).T.copy())
    return worst


def check_backward(case, worst, arrays):
    """Offer an infinite error where backward is not grad times derivative, rounded once, to the bit."""
    x, derivative = arrays[-1], computer(case)(*arrays)
    grad = references.some_gradient(x)
    product = helpers.chained(fa.ACTIVATIONS[case.name], grad, derivative)
    got = fastact(case.library, case.name, "backward_y" if case.kind == "backward_y" else "backward_x")(grad, x)
    differ = (got.view(np.uint32) != product.view(np.uint32)) & ~(np.isnan(got) & np.isnan(product))
    worst.offer(np.where(differ, np.inf, 0), (grad, x), got, product)


def search(case, seed):
    """Look for the largest error of an elementwise function in float64: many points, then uphill from the worst."""
    random, worst = np.random.default_rng(seed), Worst()
    x = references.telling_points(case.name, np.float64, POINTS, seed, **SPECS[case.name].typical)
    rounds = 0 if case.library in PEERS else ROUNDS
    for round_ in range(rounds + 1):
        arrays = references.arguments(case.name, case.kind, asked(case, x), **SPECS[case.name].typical)
        error = measure(case, worst, *arrays)
        best = arrays[-1][np.argsort(error)[-SURVIVORS:]]
        reach = np.exp2(random.uniform(0, max(4, 44 - 2 * round_), (best.size, CHILDREN)))
        steps = (reach * random.choice([-1, 1], reach.shape)).astype(np.int64)
        with np.errstate(over="ignore"):
            x = np.unique(np.append((best.view(np.int64)[:, None] + steps).ravel().view(np.float64), best))
    return worst


def search_rows(case, length, seed):
    """Look for the largest error of a rowwise function in rows of a length."""
    random, worst, dtype = np.random.default_rng(seed), Worst(), np.dtype(case.dtype)
    rows = max(1, 2000 // length)
    for x in references.telling_rows(dtype, length, rows, seed):
        for round_ in range(4 if case.library not in PEERS and length <= 128 else 1):
            y = references.true_values(case.name, "forward", x).astype(dtype) if case.kind == "backward_y" else None
            cases = operands_of_rows(case, x, y, random)
            error = np.max([measure(case, worst, *arrays) for arrays in cases], axis=0).max(axis=-1)
            best = x[np.argsort(error)[-max(1, rows // 8) :]]
            nudge = random.normal(size=(8, *best.shape)) * 0.1**round_
            x = (best + np.where(random.uniform(size=nudge.shape) < 0.3, nudge, 0)).astype(dtype).reshape(-1, length)
    return worst


def operands_of_rows(case, x, y, random):
    """Return the arrays to compute from: rows with gradients, or with targets."""
    if case.kind == "backward_y":
        return [(grad, y) for grad in references.row_gradients(y)]
    if case.kind == "backward_x":  # one sign a row: a product with it is exact
        return [(np.repeat(random.choice([-1, 1], (len(x), 1)), x.shape[1], axis=1).astype(x.dtype), x)]
    if SPECS[case.name].kind != "loss":
        return [(x,)]
    labels = np.arange(x.shape[1]) == random.integers(x.shape[1], size=(len(x), 1))
    shares = random.dirichlet(np.ones(x.shape[1]), len(x))
    return [(x, labels.astype(x.dtype)), (x, np.minimum(shares, 1).astype(x.dtype))]


def search_of_two(case, seed):
    """Look for the largest error of a gated unit, or of a loss by elements: telling points, then uphill from the worst."""
    random, worst, dtype, spec = np.random.default_rng(seed), Worst(), np.dtype(case.dtype), SPECS[case.name]
    unit = spec.activation or "sigmoid"
    x = references.telling_points(unit, dtype, POINTS // 2, seed)
    for round_ in range(ROUNDS + 1):
        x = tried(spec, x)
        second = random.uniform(1, 2, x.size) * random.choice([-1, 1], x.size)
        if spec.kind == "loss":
            second = np.where(random.random(x.size) < 0.5, random.integers(0, 2, x.size), random.random(x.size))
        grad = () if case.kind in ("forward", "gradient") else (random.choice([-1, 1], x.size).astype(dtype),)
        error = measure(case, worst, *grad, x, second.astype(dtype))
        best = x[np.argsort(error)[-SURVIVORS:]]
        integers, most = (np.int32, 20) if dtype == np.float32 else (np.int64, 44)
        reach = np.exp2(random.uniform(0, max(4, most - 2 * round_), (best.size, CHILDREN)))
        steps = (reach * random.choice([-1, 1], reach.shape)).astype(integers)
        with np.errstate(over="ignore"):
            x = np.unique(np.append((best.view(integers)[:, None] + steps).ravel().view(dtype), best))
    return worst


def compare(name, kind, chunk, stride):
    """Count the float32 inputs whose bits differ between targets, and keep the first."""
    operations = [fastact(target, name, kind) for target in core.FUSED_TARGETS]
    differing, first = 0, ""
    for x in patterns(chunk, stride):
        arrays = references.arguments(name, kind, x, **SPECS[name].typical)
        want, *others = (operation(*arrays) for operation in operations)
        for got in others:
            differ = (got.view(np.uint32) != want.view(np.uint32)) & ~(np.isnan(got) & np.isnan(want))
            if differ.any():
                first = first or float(arrays[-1][np.argmax(differ)]).hex()
                differing += int(differ.sum())
    return differing, first


# The campaign: tasks, shared out over processes, each remembered when it is done.


@dataclasses.dataclass(frozen=True)
class Task:
    """A part of what is to be done: `what` names the function above, `weight` its share of the work."""

    what: str
    arguments: tuple
    weight: int

    @property
    def key(self):
        return repr((self.what, self.arguments))


def cases(libraries, names):
    """Walk the catalogue."""
    for name, dtype, library in itertools.product(names, ("float32", "float64"), libraries):
        kinds = SPECS[name].bounds[dtype]
        yield from (Case(library, name, kind, dtype) for kind in KINDS if kind in kinds)


def tasks(options):
    if options.same_bits:
        for name in set(options.names) - ROWWISE - OF_TWO:
            for kind, chunk in itertools.product(fa.ACTIVATIONS[name].bounds["float32"], range(CHUNKS)):
                yield Task("compare", (name, kind, chunk, options.stride), 50)
        return
    libraries = options.targets + ([] if options.no_peers else installed_peers())
    for case in cases(libraries, options.names):
        new = case.name not in fa.ACTIVATIONS  # peers are compared for activations
        if case.library in PEERS and (new or PEERS[case.library](case.name, case.kind) is None):
            continue
        if case.name in OF_TWO:
            yield from (Task("search_of_two", (case, seed), 800) for seed in range(2))
        elif case.name in ROWWISE:
            lengths = ROW_LENGTHS if case.name in fa.ACTIVATIONS else SOME_LENGTHS
            yield from (Task("search_rows", (case, length, length), 200) for length in lengths)
        elif case.dtype == "float64":
            yield from (Task("search", (case, seed), 800) for seed in range(2))
        elif case.library in PEERS:
            yield from (Task("sweep", (case, chunk, PEER_STRIDE), 1) for chunk in range(CHUNKS))
        else:
            yield from (Task("sweep", (case, chunk, options.stride), 50) for chunk in range(CHUNKS))


def carry_out(task):
    """Do a task, in a worker; return its key and its result as JSON has it."""
    fa.set_num_threads(1)
    result = globals()[task.what](*task.arguments)
    return task, dataclasses.asdict(result) if isinstance(result, Worst) else result


def fingerprint():
    """Return what changes when fastact or the references do: old results count no more."""
    compiled = sorted(path for path in Path(fa.__file__).parent.iterdir() if path.suffix in (".so", ".pyd"))
    files = [*compiled, *Path(fa.__file__).parent.glob("catalogue/*.py"), Path(references.__file__), Path(__file__)]
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:16]


def remembered(state):
    """Return the results that stand in the state file, by the tasks' keys."""
    if not state.exists():
        return {}
    lines, mark = (json.loads(line) for line in state.read_text().splitlines()), fingerprint()
    return {line["task"]: line["result"] for line in lines if line["fastact"] == mark}


def run(todo, state, jobs):
    """Carry out what is not yet done; return the results, a list in the order of the tasks."""
    results = remembered(state)
    missing = [task for task in todo if task.key not in results]
    state.parent.mkdir(parents=True, exist_ok=True)
    mark = fingerprint()
    with (
        state.open("a") as file,
        multiprocessing.get_context("spawn").Pool(jobs) as pool,
        tqdm(total=sum(task.weight for task in todo), unit="part", smoothing=0.02) as bar,
    ):
        bar.update(sum(task.weight for task in todo) - sum(task.weight for task in missing))
        for task, result in pool.imap_unordered(carry_out, missing):
            results[task.key] = result
            print(json.dumps({"fastact": mark, "task": task.key, "result": result}), file=file, flush=True)
            bar.update(task.weight)
    return [results[task.key] for task in todo]


def largest(todo, results):
    """Return the worst of each case."""
    worst = {}
    for task, result in zip(todo, results, strict=True):
        case, found = task.arguments[0], Worst(**result)
        so_far = worst.setdefault(case, found)
        worst[case] = max(so_far, found, key=lambda one: one.error)
        worst[case].normal = max(so_far.normal, found.normal)
    return worst


# What is written.

INTRODUCTION = """\
# Accuracy

Written by `python tools/accuracy.py`; not by hand. Errors are in ulp, relative to the true value wherever it lies, in the
tails and near zero too; below the normal range in units of the smallest subnormal. 0.5 is correct rounding; `inf` is an
infinity or a NaN that should not be.

- **float32**: {float32}. The worst of each part, and some inputs of each whatever their
  error, are compared with the formula in MPFR numbers, the others with fastact's float64.
- **float64**: some {points:,} points (all exponents, subnormals, the neighbourhood of every place where a function bends,
  saturates or leaves the normal range), then a climb from the worst of them, against the formula in MPFR numbers of
  {precision} bits and more, as many as it takes. A search finds the largest error there is only by luck: the bound leaves
  room.
- **Near a root of a derivative** (`gelu` at -0.75, `silu` at -1.28, `mish` at -1.19 and their relatives), within 0.6 of it
  (`swish`: 0.6 / |beta|), its error is relative to 1/4 at least.
- **softmax**: rows of 1 to {longest:,}, in both types: ordinary, large and far apart logits, partly -inf, all equal. The
  error of its backward is relative to the sum of the absolute terms.
- **Gated units and losses by elements**: the same search in both types, the second input from 1 to 2 in magnitude, or a target
  from 0 to 1; of gates where the activation and its derivative are normal numbers. **Reductions and losses of rows**: rows as
  softmax's, of 1 to 1,000, with labels and with probabilities.
- **f' from y** is judged as a function of the y given, over the range of the function.
- **Backward** is `grad * f'`, rounded once: to the bit at every {backward_every}th of these float32 inputs, or the error would
  be `inf` here.
- **Parameters** have their defaults, `threshold` 0.1 and 20, `prelu` 0.25. Peers are sampled at every {peer_stride}th float32
  pattern, at numbers only; their f' is the gradient they give for x, more than a step from kinks. In brackets: what becomes of
  their error where x or the result is below the normal range. Here: {versions}.
"""


def heading(target):
    """Return what a section is called: targets with fused multiply-add give the same bits."""
    return "avx512, avx2 and neon" if target in core.FUSED_TARGETS else target


def table(target, worst, peers):
    """Return the lines of a target's table but the second."""
    yield "| " + " | ".join(["", "", "type", "bound", "error", "at", "got", "true", *peers]) + " |"
    for case, found in worst.items():
        if case.library != target:
            continue
        of_peers = (worst.get(dataclasses.replace(case, library=peer)) for peer in peers)
        columns = [
            case.name,
            KINDS[case.kind],
            case.dtype,
            f"{bound(case):g}",
            f"**{found.error:.3f}**" + ("" if found.error <= bound(case) else " EXCEEDS"),
            place(case, found),
            short(found.got, case.dtype),
            f"{float(found.true):.10g}",
            *(error(peer) for peer in of_peers),
        ]
        yield "| " + " | ".join(columns) + " |"


def bound(case):
    return SPECS[case.name].bounds[case.dtype][case.kind]


def place(case, found):
    """Return where an error was found: x or y; both of two inputs; of rows grad and y too, and the row's length."""
    numbers = [short(number, case.dtype) for number in found.arrays]
    if case.name in OF_TWO:
        return ", ".join(numbers)
    return f"{', '.join(numbers)} in a row of {found.row:,}" if found.row else numbers[-1]


def short(number, dtype):
    """Return the shortest decimal that is this number in its type."""
    return str(np.dtype(dtype).type(float.fromhex(number)))


def error(peer):
    """Return a peer's error, and in brackets what it is below the normal range if that is worse."""
    if peer is None:
        return ""
    figures = [peer.normal] + [peer.error] * (peer.error > peer.normal)
    normal, *below = (f"{figure:.3g}" if figure < 1e4 else f"{figure:.1e}" for figure in figures)
    return normal + "".join(f" ({figure})" for figure in below)


def document(options, worst):
    """Return the text of the page."""
    swept = "all 2^32 bit patterns" if options.stride == 1 else f"one bit pattern in {options.stride}, evenly spaced"
    peers = [] if options.no_peers else installed_peers()
    packages = ["numpy", *(name for name in ("scipy", "torch", "jax") if importlib.util.find_spec(name))]
    introduction = INTRODUCTION.format(
        float32=swept,
        points=2 * 12 * POINTS,
        backward_every=BACKWARD_EVERY,
        precision=references.PRECISION,
        longest=ROW_LENGTHS[-1],
        peer_stride=PEER_STRIDE,
        versions=", ".join(f"{package} {importlib.metadata.version(package)}" for package in packages),
    )
    old = options.output.read_text(encoding="utf-8") if options.output.exists() else ""
    sections = sections_of(old) if set(options.names) < set(SPECS) else {}
    for target in options.targets:
        head, *lines = table(target, worst, peers)
        before, *others = sections.get(heading(target), [head])
        if before != head:
            sys.exit(f"{options.output} compares with other libraries: {before}")
        sections[heading(target)] = [head, *merged(others, lines)]
    return "\n".join([introduction, *(section(title, lines) for title, lines in sections.items())])


def sections_of(page):
    """Return the tables of a page by their headings: the line of the columns, and a line a case."""
    found = {}
    for part in page.split("\n## ")[1:]:
        title, *lines = part.splitlines()
        head, _, *rows = (line for line in lines if line.startswith("|"))
        found[title] = [head, *rows]
    return found


def merged(old, new):
    """Return lines in the order of the catalogue, new ones in the place of old ones of the same function."""
    order, named = list(SPECS), {function_of(line) for line in new}
    lines = [line for line in old if function_of(line) in SPECS and function_of(line) not in named] + new
    return sorted(lines, key=lambda line: order.index(function_of(line)))


def function_of(line):
    """Return the first cell."""
    return line.split(maxsplit=2)[1]


def section(title, lines):
    head, *rows = lines
    return "\n".join([f"## {title}\n", head, "|---" * (head.count("|") - 1) + "|", *rows, ""])


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", default=list(SPECS), help="functions (default: all)")
    parser.add_argument("--targets", nargs="+", default=[core.TARGET], choices=core.TARGETS, help="CPU targets")
    parser.add_argument("--stride", type=int, default=1, help="of the float32 patterns; more than 1 is for trials")
    parser.add_argument("--no-peers", action="store_true", help="leave other libraries out")
    parser.add_argument("--same-bits", action="store_true", help="compare the targets with fused multiply-add instead")
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)), help="processes")
    parser.add_argument("--state", type=Path, default=ROOT / "build" / "accuracy.jsonl", help="what is already done")
    parser.add_argument("--output", type=Path, default=DOCUMENT, help="the page to write")
    return parser.parse_args()


def main():
    options = parse()
    todo = list(tasks(options))
    results = run(todo, options.state, options.jobs)
    if options.same_bits:
        differing, first = sum(count for count, _ in results), next((where for _, where in results if where), "")
        sys.exit(f"{differing} float32 inputs give other bits, the first {first}" if differing else 0)
    worst = largest(todo, results)
    options.output.write_text(document(options, worst))
    over = [case for case, found in worst.items() if case.library not in PEERS and found.error > bound(case)]
    sys.exit("\n".join(f"{case} exceeds its bound: {worst[case]}" for case in over) or 0)


if __name__ == "__main__":
    main()
