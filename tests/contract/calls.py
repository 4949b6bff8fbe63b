"""Every call that fastact takes, described once: what its arguments are, of which shape, type and values.

    from contract import calls

    for call in calls.REPRESENTATIVES:           # or calls.ALL, or calls.of("softmax", operation="backward")
        if not call.fits((3, 4)):
            continue
        arrays = call.make((3, 4), np.float32, seed=1)     # a dict: name of an input -> array, contiguous
        want = call.run(arrays)                            # a list: the result, sums and second gradients
        out = call.new_outputs(arrays)                     # a dict: name of an output -> array full of sevens
        got = call.run(arrays | out, target="avx2")        # into these; for a target of helpers.TARGETS

A `Call` is one callable, one operation (forward, derivative, backward, jacobian) and one choice of what is optional.
`call.id` names it, `call.options` has the choices by name, `call.text()` is the call as Python.

* `call.operands` are its arrays by role: `INPUT` (of numbers), `VECTOR` (bias, weight, class weights: numbers that are not
  of the shape of the result), `MASK`, `LABELS`, `OUTPUT` (optional: else a new array is made and returned) and `SUM` (an
  output that is a sum; it must be given, so `run` makes it where the caller has not).  `call.inputs` and `call.written` are
  the two halves of them.
* An operand's `shape` is a `Shape`: a function of the *principal* shape and the axis.  The principal shape is what `make`
  takes; operands `LIKE` have it.  Where halves of one array are computed with, a half has it, so that any shape is good.
* An operand's `widens` says whether its type counts for the type computed in, `call.result_dtype(arrays)`.
* `call.settings` are the other keywords: parameters, axis, reduction, ...  `call.axis` is the axis as shapes are ruled by;
  or several, a tuple; or "all".
* `call.results` names what `run` returns; `out` there stands for the result whether it is given or made.
* `call.fits(shape)` says whether the call can be made for a principal shape; what does not fit is refused by fastact.
* `make(shape, dtypes, seed, wild)`: `dtypes` is one for all real operands, or a dict by name (float32 where it has none;
  labels are int64 where it has none).  Types are those of `operand.dtypes`, the half ones among them; what is made for two types from one seed is the
  same up to rounding.  `wild` sprinkles NaN, infinities, subnormals and all exponents over the inputs; sums then say little.

`ALL` is every combination; `REPRESENTATIVES` has every pair of choices of a family, every callable with each of its
operations among them.  `of_lane()` is what a lane tries: in the quick lane these, in the full lane every three choices,
in the lane `all` all calls.  `random_call(rng)` picks a callable evenly, then a call.  A callable or an argument that is not
described here fails test_completeness.py.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import inspect
import itertools
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

import fastact as fa
import helpers
from fastact.catalogue import SPECS

INPUT, VECTOR, MASK, LABELS, OUTPUT, SUM = "input", "vector", "mask", "labels", "output", "sum"
REAL = (np.float32, np.float64)  # computed in
HALF = (np.float16,)  # stored only
with contextlib.suppress(ImportError):
    import ml_dtypes

    HALF = (np.float16, ml_dtypes.bfloat16)
SIGNED = (np.int8, np.int16, np.int32, np.int64)
UNSIGNED = (np.uint8, np.uint16, np.uint32, np.uint64)
INTEGER = SIGNED + UNSIGNED
CONVERTED = (np.bool, *INTEGER)  # taken as inputs, and computed in float64

# Whether what a loss is weighted by counts for the type that it is computed in.
LOSSES_WIDEN = True


# ---------------------------------------------------------------------------------------------------------------
# Shapes
# ---------------------------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Shape:
    """The shape of an operand, from the principal one and an axis (counted from the first, a tuple of several, or None)."""

    name: str
    of: Callable[[tuple[int, ...], Any], tuple[int, ...]]
    least: int = 0  # axes that there must be
    principal: Callable[[tuple[int, ...], Any], tuple[int, ...]] | None = None  # the other way round

    def __repr__(self):
        return self.name


def with_extent(shape, axis, extent):
    return (*shape[:axis], extent, *shape[axis + 1 :])


def axes_of(axis):
    return () if axis is None else axis if isinstance(axis, tuple) else (axis,)


def without(shape, axis):
    return tuple(n for d, n in enumerate(shape) if d not in axes_of(axis))


def kept(shape, axis):
    return tuple(1 if d in axes_of(axis) else n for d, n in enumerate(shape))


LIKE = Shape("LIKE", lambda s, a: s, 0, lambda s, a: s)
SCALAR = Shape("SCALAR", lambda s, a: ())
ONE = Shape("ONE", lambda s, a: (1,))
LAST = Shape("LAST", lambda s, a: s[-1:], 1)
ALONG = Shape("ALONG", lambda s, a: (s[a],), 1)
REDUCED = Shape("REDUCED", lambda s, a: without(s, a))  # a scalar is a row of one
KEPT = Shape("KEPT", kept)
ROW_ONLY = Shape("ROW_ONLY", lambda s, a: tuple(n if d in axes_of(a) else 1 for d, n in enumerate(s)))
FIRST_ONLY = Shape("FIRST_ONLY", lambda s, a: tuple(1 if d else n for d, n in enumerate(s)))
LAST_OF_ROWS = Shape("LAST_OF_ROWS", lambda s, a: without(s, a)[-1:])
TAIL = Shape("TAIL", lambda s, a: s[1:])
DOUBLE = Shape(
    "DOUBLE",
    lambda s, a: with_extent(s, a, 2 * s[a]),
    1,
    lambda s, a: with_extent(s, a, s[a] // 2),
)
SQUARE = Shape("SQUARE", lambda s, a: (*without(s, a), s[a], s[a]) if s else (1, 1))


# ---------------------------------------------------------------------------------------------------------------
# Values: of a generator, a shape, a type, and the call
# ---------------------------------------------------------------------------------------------------------------


def real(rng, shape, dtype, call):
    """Ordinary numbers; they do not depend on the type but for rounding."""
    dtype = np.dtype(dtype)
    if dtype.kind in "biu":
        low = -4 if dtype.kind == "i" else 0
        return rng.integers(low, 2 if dtype.kind == "b" else 5, shape).astype(dtype)
    return np.asarray(2 * rng.standard_normal(shape)).astype(np.float32).astype(dtype)  # exact in both types


def output(rng, shape, dtype, call):
    """What the forward call gives."""
    x = real(rng, shape, np.float64, call)
    if np.dtype(dtype).kind in "biu":
        return real(rng, shape, dtype, call) > 0 if dtype == np.bool else np.zeros(shape, dtype)
    keywords = {name: value for name, value in call.settings.items() if name not in ("scale", "causal", "where")}
    function = getattr(fa, call.name)
    if function.kind == "channelwise":
        return x.astype(dtype)
    with np.errstate(over="ignore"):
        return np.asarray(function(x, **keywords)).astype(np.float32).astype(dtype)


def positive(rng, shape, dtype, call):
    if np.dtype(dtype).kind in "biu":
        return np.asarray(rng.integers(1, 5, shape)).astype(dtype)
    return np.asarray(rng.uniform(0.1, 3, shape)).astype(np.float32).astype(dtype)


def weights(rng, shape, dtype, call):
    """At least 0."""
    found = rng.uniform(0, 3, shape)
    return np.asarray(np.where(rng.random(shape) < 0.1, 0, found)).astype(np.float32).astype(dtype)


def share(rng, shape, dtype, call):
    """From 0 to 1, both among them."""
    found = rng.choice([0, 1, 0.5, 0.25, rng.random()], shape)
    return np.asarray(found if helpers.is_real(dtype) else found > 0.4).astype(np.float32).astype(dtype)


def probabilities(rng, shape, dtype, call):
    axis = call.counted_axis(len(shape))
    found = rng.random(shape) * (rng.random(shape) < 0.7)
    total = np.maximum(found.sum(axis, keepdims=True), 1e-3)
    return (found / total).astype(np.float32).astype(dtype)


def mask(rng, shape, dtype, call):
    return np.asarray(rng.random(shape) < 0.7)


def labels(rng, shape, dtype, call, classes=1):
    most = min(classes, int(np.iinfo(dtype).max) + 1)
    found = np.asarray(rng.integers(0, max(1, most), shape)).astype(dtype)
    ignored = call.settings.get("ignore_label")
    if ignored is not None and np.iinfo(dtype).min <= ignored <= np.iinfo(dtype).max:
        found = np.where(rng.random(shape) < 0.2, np.dtype(dtype).type(ignored), found)
    return found


def sprinkle(array, rng):
    """NaN, infinities, subnormals and all exponents over an eighth of the elements."""
    wild = helpers.values(array.shape, array.dtype, int(rng.integers(1 << 30)))
    return np.asarray(np.where(rng.random(array.shape) < 0.25, wild, array))


# ---------------------------------------------------------------------------------------------------------------
# Operands and calls
# ---------------------------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Operand:
    """An array that a call takes."""

    name: str
    role: str
    shape: Shape = LIKE
    values: Callable[..., Any] | None = None  # None for what is written
    dtypes: tuple[Any, ...] = REAL + HALF + CONVERTED
    widens: bool = True

    @property
    def is_written(self):
        return self.role in (OUTPUT, SUM)

    def default_dtype(self):
        return np.float32 if np.float32 in self.dtypes else np.int64 if np.int64 in self.dtypes else self.dtypes[0]


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Call:
    """A callable, an operation, and a choice of what is optional."""

    name: str
    operation: str
    operands: tuple[Operand, ...]
    results: tuple[str, ...] = ("out",)
    settings: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    options: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    axis: int | tuple[int, ...] | str | None = None  # that shapes are ruled by, as it is given; "all" for all
    positional: int = 1  # inputs that are given by position
    least: int = 0  # axes that there must be
    laid_out_as: str | None = None  # the input that a new array is laid out like
    takes_out: bool = True  # whether `out` can be given
    overrides: bool = False  # whether an object that overrides __array_ufunc__ is handed the call

    def __repr__(self):
        return self.id

    @functools.cached_property
    def id(self):
        chosen = [
            str(value) if key in ("name", "operation") else key if value is True else f"{key}={value}"
            for key, value in self.options.items()
            if value is not None and value is not False
        ]
        return "-".join(chosen)

    @functools.cached_property
    def inputs(self):
        return tuple(operand for operand in self.operands if not operand.is_written)

    @functools.cached_property
    def written(self):
        return tuple(operand for operand in self.operands if operand.is_written)

    def operand(self, name):
        (found,) = (operand for operand in self.operands if operand.name == name)
        return found

    # Shapes and types.

    @property
    def least_axes(self):
        needed = [self.least, *(operand.shape.least for operand in self.operands)]
        for axis in () if self.axis == "all" else axes_of(self.axis):
            axes = axis + 1 if axis >= 0 else -axis
            needed.append(0 if axes == 1 and max(needed) == 0 else axes)
        return max(needed)

    def counted_axis(self, axes):
        if self.axis == "all":
            return tuple(range(max(1, axes)))
        if isinstance(self.axis, tuple):
            return tuple(sorted(axis % max(1, axes) for axis in self.axis))
        return self.axis if self.axis is None else self.axis % max(1, axes)

    def fits(self, shape):
        """Whether the call can be made for a principal shape."""
        if not self.least_axes <= len(shape) <= 64 - (self.operation == "jacobian"):
            return False
        axes = axes_of(self.counted_axis(len(shape)))
        if len(set(axes)) < len(axes):
            return False
        if any(operand.role == LABELS and operand.shape is REDUCED for operand in self.operands):
            axis = self.counted_axis(len(shape))
            return shape[axis] > 0 or 0 in without(shape, axis)
        if self.name == "softmax_cross_entropy":
            axis = self.counted_axis(len(shape))
            return shape[axis] > 0 or 0 in without(shape, axis)
        return True

    def shape_of(self, operand, shape):
        """The shape of an operand (or of the one of that name) for a principal shape."""
        operand = self.operand(operand) if isinstance(operand, str) else operand
        return tuple(operand.shape.of(tuple(shape), self.counted_axis(len(shape))))

    def principal_shape(self, arrays):
        for operand in self.inputs:
            if operand.shape.principal and operand.name in arrays:
                shape = np.shape(arrays[operand.name])
                return operand.shape.principal(shape, self.counted_axis(len(shape)))
        raise LookupError(f"{self.id}: no array has the principal shape")

    def result_dtype(self, arrays):
        """The type of the result, if it is no loss: that of all inputs, or the narrowest computed in that has them all."""
        found = {np.asarray(arrays[operand.name]).dtype for operand in self.inputs if operand.widens}
        if len(found) == 1 and found < {np.dtype(dtype) for dtype in (*REAL, *HALF)}:
            return found.pop()
        return np.dtype(np.float32 if found <= {np.dtype(each) for each in (np.float32, *HALF)} else np.float64)

    def computed_dtype(self, arrays):
        return np.dtype(np.float64 if self.result_dtype(arrays) == np.float64 else np.float32)

    def written_dtype(self, name, arrays):
        """The type of a result or an output: losses and sums are of the type computed in."""
        of_compute = name == "result" or name in [each.name for each in self.written if each.role == SUM]
        return self.computed_dtype(arrays) if of_compute and name != "grad_out" else self.result_dtype(arrays)

    # Arrays.

    def make(self, shape, dtypes=np.float32, seed=0, wild=False):
        """Return new, contiguous inputs by name."""
        shape = tuple(shape)
        assert self.fits(shape), f"{self.id} has no call for shape {shape}"
        made = {}
        for number, operand in enumerate(self.inputs):
            rng = np.random.default_rng([seed, number])
            given = dtypes.get(operand.name) if isinstance(dtypes, dict) else dtypes
            if operand.role in (MASK, LABELS) and (not isinstance(dtypes, dict) or given is None):
                given = operand.default_dtype()
            dtype = np.dtype(operand.default_dtype() if given is None else given)
            assert dtype in [np.dtype(d) for d in operand.dtypes], f"{self.id}: {operand.name} is not taken in {dtype}"
            where = self.shape_of(operand, shape)
            extra = {"classes": shape[self.counted_axis(len(shape))]} if operand.values is labels else {}
            array = operand.values(rng, where, dtype, self, **extra)
            if wild and operand.role == INPUT and operand.values in (real, output) and helpers.is_real(dtype):
                array = sprinkle(array, rng)
            array = np.array(array, dtype, order="C", ndmin=0)
            assert array.shape == where, f"{self.id}: {operand.name} is {array.shape}, not {where}"
            made[operand.name] = array
        return made

    def new_outputs(self, arrays, fill=7):
        """Return everything that can be written to, by name: new arrays of the right shape and type."""
        shape = self.principal_shape(arrays)
        return {
            operand.name: np.full(self.shape_of(operand, shape), fill, self.written_dtype(operand.name, arrays))
            for operand in self.written
        }

    # The call itself.

    def function(self, target=None):
        """The function that is called, on a target."""
        if self.name == "diagnose":
            return functools.partial(fa.diagnose, helpers.on_target(self.options["activation"], target))
        activation = helpers.on_target(self.name, target)
        return activation if self.operation == "forward" else getattr(activation, self.operation)

    def arguments(self, arrays):
        """What the function is given: positional arguments and keywords."""
        taken = {operand.name: arrays[operand.name] for operand in self.operands if operand.name in arrays}
        unknown = arrays.keys() - taken.keys()
        assert not unknown, f"{self.id} takes no {unknown}"
        by_position = [taken.pop(operand.name) for operand in self.inputs[: self.positional]]
        return by_position, {**taken, **self.settings}

    def run(self, arrays, target=None):
        """Make the call; return everything that it gives, in the order of `results`."""
        sums = [operand.name for operand in self.operands if operand.role == SUM and operand.name not in arrays]
        if sums:
            outputs = self.new_outputs(arrays)
            arrays = dict(arrays) | {name: outputs[name] for name in sums}
        args, keywords = self.arguments(arrays)
        return self.collect(self.function(target)(*args, **keywords), arrays)

    def collect(self, returned, arrays):
        """Everything that a call gave, from what it returned and what was written to."""
        if self.name == "diagnose":
            return [np.asarray(getattr(returned, name)) for name in self.results]
        several = isinstance(returned, tuple)
        rest = list(returned) if several else [returned]
        found = []
        for name in self.results:
            if name in arrays and self.operand(name).role == SUM:
                found.append(arrays[name])
                continue
            found.append(rest.pop(0))
            assert name not in arrays or found[-1] is arrays[name], f"{self.id}: {name} is not what was passed"
        assert not rest, f"{self.id} returned more than {self.results}"
        return found

    def text(self):
        """The call as Python, of variables that are called as its operands."""
        path = "" if self.operation == "forward" else f".{self.operation}"
        args = [operand.name for operand in self.inputs[: self.positional]]
        if self.name == "diagnose":
            args.insert(0, repr(self.options["activation"]))
        args += [f"{operand.name}={operand.name}" for operand in self.inputs[self.positional :]]
        args += [f"{operand.name}={operand.name}" for operand in self.written if operand.role == SUM]
        args += [f"{name}={value!r}" for name, value in self.settings.items() if name != "activation"]
        return f"fa.{self.name}{path}({', '.join(args)})"


# ---------------------------------------------------------------------------------------------------------------
# Families.  Each gives the calls of one callable.
# ---------------------------------------------------------------------------------------------------------------

GRAD, X, Y = Operand("grad", INPUT, values=real), Operand("x", INPUT, values=real), Operand("y", INPUT, values=output)
OUT = Operand("out", OUTPUT)


def product(**choices):
    """Every combination of choices, as dictionaries."""
    for values in itertools.product(*choices.values()):
        yield dict(zip(choices, values, strict=True))


def some(condition, *operands):
    return operands if condition else ()


def parameters_of(name, from_y=False):
    """Keyword dictionaries worth trying, an ordinary call's first."""
    tried = helpers.example_parameters(fa.ACTIVATIONS[name], from_y)
    return [tried[0], *[keywords for keywords in tried[1:] if keywords != tried[0]]]


def elementwise(name):
    activation = fa.ACTIVATIONS[name]
    operations = [("forward", None), ("derivative", None)]
    operations += [("backward", source) for source in activation.backward_from]
    for operation, source in operations:
        back = operation == "backward"
        for chosen in product(
            parameters=range(len(parameters_of(name, source == "y"))),
            bias=(False, True) if source != "y" else (False,),
            bias_grad=(False, True) if back else (False,),
        ):
            bias, bias_grad = chosen["bias"], chosen["bias_grad"]
            yield Call(
                name,
                operation,
                (
                    *some(back, GRAD),
                    Y if source == "y" else X,
                    *some(bias, Operand("bias", VECTOR, LAST, real)),
                    OUT,
                    *some(bias_grad, Operand("bias_grad", SUM, LAST)),
                ),
                ("out", *some(bias_grad, "bias_grad")),
                parameters_of(name, source == "y")[chosen["parameters"]],
                {"name": name, "operation": operation, "source": source, **chosen},
                least=1 if bias or bias_grad else 0,
                laid_out_as="grad" if back else "x",
                overrides=not (bias or bias_grad),
            )


def channelwise(name):
    activation = fa.ACTIVATIONS[name]
    (parameter,) = (each.name for each in SPECS[name].parameters)
    operations = [("forward", None), ("derivative", None)]
    operations += [("backward", source) for source in activation.backward_from]
    for operation, source in operations:
        back = operation == "backward"
        for chosen in product(
            weight=("number", "scalar", "one", "along"), axis=(None, 0, 1, -1), grad_of_weight=(False, True)[: 1 + back]
        ):
            kind, axis, summed = chosen["weight"], chosen["axis"], chosen["grad_of_weight"]
            if kind != "along" and axis is not None:
                continue
            shape = {"number": SCALAR, "scalar": SCALAR, "one": ONE, "along": ALONG}[kind]
            values = positive if source == "y" else real
            settings = {} if axis is None else {"axis": axis}
            if kind == "number":
                settings[parameter] = 0.25
            yield Call(
                name,
                operation,
                (
                    *some(back, GRAD),
                    Y if source == "y" else X,
                    *some(kind != "number", Operand(parameter, VECTOR, shape, values)),
                    OUT,
                    *some(summed, Operand(f"{parameter}_grad", SUM, shape)),
                ),
                ("out", *some(summed, f"{parameter}_grad")),
                settings,
                {"name": name, "operation": operation, "source": source, **chosen},
                axis=(1 if axis is None else axis) if kind == "along" else None,
                laid_out_as="grad" if back else "x",
            )


MASKS = {"like": LIKE, "row": ROW_ONLY, "first": FIRST_ONLY, "tail": TAIL, "kept": KEPT, "scalar": SCALAR}


def mask_of(chosen):
    return some(
        chosen["where"], Operand("where", MASK, MASKS.get(chosen["where"], LIKE), mask, (np.bool,), widens=False)
    )


def copies_rows(call):
    """Whether it may copy operands of which its axes are not one run."""
    return call.axis == "all" or isinstance(call.axis, tuple)


AXES = (None, 0, 1, -1, -2, (-1, 0), (1, -2), (), "all")  # None: it is not given


def axis_of(chosen):
    """The keyword, and the axis as shapes are ruled by."""
    axis = chosen["axis"]
    return {} if axis is None else {"axis": None if axis == "all" else axis}, -1 if axis is None else axis


def rowwise(name):
    masked, scaled = SPECS[name].masked, SPECS[name].scaled
    for operation in ("forward", "backward"):
        back = operation == "backward"
        for chosen in product(
            axis=AXES,
            scale=(False, True)[: 1 + scaled],
            where=(None, *MASKS)[: 1 + masked * len(MASKS)],
            causal=(False, True)[: 1 + scaled],
        ):
            settings, axis = axis_of(chosen)
            if chosen["causal"] and axis != -1:
                continue
            settings |= {"scale": 0.375} if chosen["scale"] else {}
            settings |= {"causal": True} if chosen["causal"] else {}
            yield Call(
                name,
                operation,
                (
                    *some(back, GRAD),
                    Y if back else X,
                    *mask_of(chosen),
                    OUT,
                ),
                settings=settings,
                options={"name": name, "operation": operation, **chosen},
                axis=axis,
                least=2 if chosen["causal"] else 0,
                laid_out_as="grad" if back else "x",
            )
    for axis in (None, 0):
        yield Call(
            name,
            "jacobian",
            (Y,),
            settings={} if axis is None else {"axis": axis},
            options={"name": name, "operation": "jacobian", "axis": axis},
            axis=-1 if axis is None else axis,
            takes_out=False,
        )


def reduction(name):
    for chosen in product(
        operation=("forward", "backward"),
        axis=AXES,
        keepdims=(False, True),
        scale=(False, True),
        where=(None, *MASKS),
        causal=(False, True),
    ):
        operation, keepdims = chosen["operation"], chosen["keepdims"]
        settings, axis = axis_of(chosen)
        if chosen["causal"] and axis != -1:
            continue
        settings |= {"scale": 0.375} if chosen["scale"] else {}
        settings |= {"causal": True} if chosen["causal"] else {}
        shape = KEPT if keepdims else REDUCED
        if operation == "forward":
            operands, laid_out_as = (X, *mask_of(chosen), Operand("out", OUTPUT, shape)), None
            settings |= {"keepdims": True} if keepdims else {}
        else:
            operands, laid_out_as = (Operand("grad", INPUT, shape, real), X, *mask_of(chosen), OUT), "x"
        yield Call(
            name,
            operation,
            operands,
            settings=settings,
            options={"name": name, **chosen},
            axis=axis,
            least=2 if chosen["causal"] else 0,
            laid_out_as=laid_out_as,
        )


def gate(name):
    first, second = (Operand(each, INPUT, values=real) for each in fa_inputs(name))
    pair = {"name": name, "form": "pair", "axis": None}
    yield Call(
        name,
        "forward",
        (first, second, OUT),
        options={**pair, "operation": "forward"},
        positional=2,
        laid_out_as=first.name,
        overrides=True,
    )
    gradients = ("gate_grad", "value_grad")
    yield Call(
        name,
        "backward",
        (
            GRAD,
            Operand("gate", INPUT, values=real),
            Operand("value", INPUT, values=real),
            *(Operand(each, OUTPUT) for each in gradients),
        ),
        results=gradients,
        options={**pair, "operation": "backward"},
        laid_out_as="grad",
    )
    whole = Operand("x", INPUT, DOUBLE, real)
    for axis in (None, 0, 1, -1, -2):
        common = {
            "settings": {} if axis is None else {"axis": axis},
            "axis": -1 if axis is None else axis,
            "laid_out_as": "x",
        }
        halves = {"name": name, "form": "halves", "axis": axis}
        yield Call(name, "forward", (whole, OUT), options={**halves, "operation": "forward"}, **common)
        yield Call(
            name,
            "backward",
            (GRAD, whole, Operand("out", OUTPUT, DOUBLE)),
            options={**halves, "operation": "backward"},
            **common,
        )


def fa_inputs(name):
    """The two inputs of a gated unit in their order."""
    return tuple(inspect.signature(fa.GATES[name]).parameters)[:2]


ROWS = {"rows": REDUCED, "last": LAST_OF_ROWS, "scalar": SCALAR}


def softmax_cross_entropy(name):
    for chosen in product(
        targets=("labels", "probabilities"),
        axis=(None, 0, 1, -2),
        reduction=(None, "sum", "none"),
        class_weight=(False, True),
        weight=(None, *ROWS),
        label_smoothing=(None, 0.1),
        ignore_label=(None, -1, 0),
        grad_out=(False, True),
    ):
        labelled = chosen["targets"] == "labels"
        if not labelled and chosen["ignore_label"] is not None:
            continue
        keep = ("axis", "reduction", "label_smoothing", "ignore_label")
        axis = chosen["axis"]
        yield Call(
            name,
            "forward",
            (
                Operand("logits", INPUT, values=real),
                Operand("targets", LABELS, REDUCED, labels, INTEGER, widens=False)
                if labelled
                else Operand("targets", INPUT, LIKE, probabilities, REAL + HALF, widens=LOSSES_WIDEN),
                *some(chosen["class_weight"], Operand("class_weight", VECTOR, ALONG, weights, widens=LOSSES_WIDEN)),
                *some(
                    chosen["weight"],
                    Operand("weight", VECTOR, ROWS.get(chosen["weight"], SCALAR), weights, widens=LOSSES_WIDEN),
                ),
                *some(chosen["grad_out"], Operand("grad_out", SUM)),
            ),
            ("result", *some(chosen["grad_out"], "grad_out")),
            {key: chosen[key] for key in keep if chosen[key] is not None},
            {"name": name, **chosen, "operation": "forward"},
            axis=-1 if axis is None else axis,
            positional=2,
            least=1,
            takes_out=False,
        )


def sigmoid_cross_entropy(name):
    for chosen in product(
        targets=("real", "exact"),
        reduction=(None, "sum", "none"),
        weight=(False, True),
        pos_weight=(None, "number", "scalar", "one", "last"),
        label_smoothing=(None, 0.1),
        grad_out=(False, True),
    ):
        where = {"scalar": SCALAR, "one": ONE, "last": LAST}.get(chosen["pos_weight"])
        settings = {key: chosen[key] for key in ("reduction", "label_smoothing") if chosen[key] is not None}
        settings |= {"pos_weight": 1.5} if chosen["pos_weight"] == "number" else {}
        yield Call(
            name,
            "forward",
            (
                Operand("logits", INPUT, values=real),
                Operand("targets", INPUT, LIKE, share, REAL + HALF, widens=LOSSES_WIDEN)
                if chosen["targets"] == "real"
                else Operand("targets", LABELS, LIKE, share, CONVERTED, widens=False),
                *some(chosen["weight"], Operand("weight", INPUT, LIKE, weights, widens=LOSSES_WIDEN)),
                *some(where, Operand("pos_weight", VECTOR, where, weights, widens=LOSSES_WIDEN)),
                *some(chosen["grad_out"], Operand("grad_out", SUM)),
            ),
            ("result", *some(chosen["grad_out"], "grad_out")),
            settings,
            {"name": name, **chosen, "operation": "forward"},
            positional=2,
            least=0,
            takes_out=False,
        )


FOUND = ("dead", "dead_units", "dead_by_unit", "saturated", "mean_slope", "nan", "inf")


def diagnose(name):
    for activation, each in fa.ACTIVATIONS.items():
        if each.kind != "elementwise":
            continue
        for chosen in product(axis=(None, 0, 1), saturated_below=(None, 0.3)):
            given = {key: value for key, value in chosen.items() if value is not None}
            given |= helpers.typical(each)
            axis = chosen["axis"]
            yield Call(
                name,
                "forward",
                (X,),
                FOUND,
                given,
                {"name": name, "activation": activation, **chosen, "operation": "forward"},
                axis=-1 if axis is None else axis,
                takes_out=False,
            )


FAMILIES = {
    "elementwise": elementwise,
    "channelwise": channelwise,
    "rowwise": rowwise,
    "reduction": reduction,
    "gate": gate,
    "softmax_cross_entropy": softmax_cross_entropy,
    "sigmoid_cross_entropy": sigmoid_cross_entropy,
    "diagnose": diagnose,
}


def family_of(name):
    """The name of the family that describes a callable."""
    family = name if name in FAMILIES else getattr(fa, name).kind
    if family not in FAMILIES:  # a new loss, say
        raise LookupError(f"FAMILIES in tests/contract/calls.py does not say how {name} is called")
    return family


# What is public and computes nothing of arrays.
NO_CALLABLES = {
    "ACTIVATIONS",
    "Diagnosis",
    "GATES",
    "REDUCTIONS",
    "__version__",
    "get",
    "get_num_threads",
    "num_threads",
    "plot",
    "set_num_threads",
    "show_config",
    "get_include",
    "get_c_api",
}
NAMES = tuple(sorted(set(fa.__all__) - NO_CALLABLES))
ALL = tuple(call for name in NAMES for call in FAMILIES[family_of(name)](name))


def of(name=None, **options):
    """The calls of a callable, or of all, with these options."""
    return tuple(
        call
        for call in ALL
        if name in (None, call.name) and all(call.options.get(key) == value for key, value in options.items())
    )


def together(call, several):
    """Its options, so many at a time; diagnose's activation with its name only."""
    found = itertools.combinations(sorted((key, str(value)) for key, value in call.options.items()), several)
    return [some for some in found if "activation" not in dict(some) or "name" in dict(some)]


def covering(calls, several):
    """Some of the calls: so many options that occur together in any, occur together in one of these."""
    options = [together(call, several) for call in calls]
    having = {}
    for number, some in enumerate(options):
        for each in some:
            having.setdefault(each, []).append(number)
    new = np.array([len(some) for some in options])  # that each call would add
    chosen = []
    while new.any():
        best = int(new.argmax())
        chosen.append(calls[best])
        for each in options[best]:
            for number in having.pop(each, ()):
                new[number] -= 1
    return chosen


@functools.cache
def covering_each_family(several):
    by_family = {}
    for call in ALL:
        by_family.setdefault(family_of(call.name), []).append(call)
    return tuple(call for calls in by_family.values() for call in covering(calls, several))


REPRESENTATIVES = covering_each_family(2)


def of_lane():
    """The calls that the running lane tries."""
    return {"quick": REPRESENTATIVES, "all": ALL}.get(helpers.lane) or covering_each_family(3)


def random_call(rng):
    """A call: a callable evenly, then one of its calls."""
    found = of(NAMES[int(rng.integers(len(NAMES)))])
    return found[int(rng.integers(len(found)))]
