"""The catalogue's formulas in arbitrary precision, raised until two results agree: what is true, for all that measures errors.

The standard library's decimal numbers serve `python -m fastact`, which needs nothing but NumPy; the tests bring faster
ones.
"""

import ast
import dataclasses
import decimal
import functools

import numpy as np

from fastact._formulas import arguments_of, expression_of, function, threshold
from fastact.catalogue import SPECS

REACH_OF_ROOT = 0.6


class Exactly(ast.NodeTransformer):
    """Reads the numbers of a formula as what is written, all digits of it, not as the nearest float64."""

    def __init__(self, source):
        self.source = source

    def visit_Constant(self, node):
        written = ast.get_source_segment(self.source, node)
        return ast.Call(ast.Name("number", ast.Load()), [ast.Constant(written)], [])


@functools.cache
def compiled(expression):
    tree = ast.fix_missing_locations(Exactly(expression).visit(ast.parse(expression, mode="eval")))
    return compile(tree, expression, "eval")


def minimum(a, b):
    return np.where(a < b, a, b)


def maximum(a, b):
    return np.where(a > b, a, b)


# What formulas may use besides functions of numbers; rows lie along the last axis.
STRUCTURE = {
    "abs": abs,
    "where": np.where,
    "minimum": minimum,
    "maximum": maximum,
    "clip": lambda x, low, high: minimum(maximum(x, low), high),
    "max": lambda x: x.max(axis=-1, keepdims=True),
    "min": lambda x: x.min(axis=-1, keepdims=True),
    "sum": lambda x: x.sum(axis=-1, keepdims=True),
    "threshold": threshold,
}


class Arithmetic:
    """Numbers of arbitrary precision: how they are made, their functions, and how their precision is set.

    `precisions` are tried in turn, until two agree within `tolerance`; a result of 0 is accepted only from `sure` on, where
    no cancellation of float64 numbers can have caused it.  `beyond` stands for infinity: what a function tends to is what it
    is there.
    """

    def __init__(self, number, functions, pi, context, precisions, sure, tolerance, beyond):
        self.number, self.pi, self.context = number, pi, context
        self.precisions, self.sure, self.tolerance, self.beyond = precisions, sure, tolerance, beyond
        self.names = STRUCTURE | {name: np.frompyfunc(f, 1, 1) for name, f in functions.items()} | {"number": number}
        self.names["softmax"] = self.softmax
        self.convert = np.frompyfunc(number, 1, 1)

    def softmax(self, x):
        e = self.names["exp"](x - x.max(axis=-1, keepdims=True))
        return e / e.sum(axis=-1, keepdims=True)

    def evaluate(self, expression, variables, precision):
        """Return the values of an expression of arrays of these numbers, computed with a precision."""
        with self.context(precision), np.errstate(all="ignore"):
            names = self.names | {"pi": self.pi()} | variables
            shape = next(iter(variables.values())).shape
            return np.array(np.broadcast_to(eval(compiled(expression), names), shape), object)

    def agree(self, a, b):
        with self.context(self.precisions[-1]), np.errstate(all="ignore"):
            return np.asarray((abs(a - b) <= abs(b) * self.tolerance) | (a == b) | ((a != a) & (b != b)), bool)  # noqa: PLR0124

    def converged(self, expression, arrays, scalars):
        """Evaluate with more and more digits, wherever more of them still change the value, or may change a zero."""
        result = self.evaluate(expression, arrays | scalars, self.precisions[0])
        todo = np.ones(result.shape, bool)
        for precision in self.precisions[1:]:
            if not todo.any():
                break
            better = self.evaluate(expression, {key: array[todo] for key, array in arrays.items()} | scalars, precision)
            settled = self.agree(result[todo], better)
            if precision < self.sure:
                settled &= np.asarray(better != 0, bool)
            result[todo] = better
            todo[todo] = ~settled
        return result

    def true_values(self, name, kind, *arrays, **parameters):
        """Return the true values of one kind of results, of the arrays that `arguments_of` names, as an object array.

        What is one number a row stands in every place of it.  Not a number wherever an input is none.  Parameters are
        first rounded to the arrays' type, as callers' are.
        """
        dtype = arrays[0].dtype
        spec = for_parameters(SPECS[name], parameters, dtype)
        nan = functools.reduce(np.logical_or, map(np.isnan, arrays))
        inputs = dict(zip(arguments_of(spec, kind), arrays, strict=True))
        longer = {}
        with np.errstate(all="ignore"), self.context(self.precisions[0]):
            scalars = {key: self.number(float(dtype.type(value))) for key, value in parameters.items()}
            for key, array in inputs.items():
                longer[key] = self.convert(np.where(nan, 1, array).astype(np.float64))
                if not spec.by_rows:
                    longer[key][array == np.inf], longer[key][array == -np.inf] = self.beyond, -self.beyond
            if not spec.by_rows:
                result = self.converged(expression_of(spec, kind), longer, scalars)
            else:  # what cancels in a row is small beside the terms that its error is relative to, but in a logarithm
                result = self.evaluate(expression_of(spec, kind), longer, self.precisions[1])
                tiny = np.asarray(abs(result) < 2.0 ** -self.precisions[0], bool).any(axis=-1)
                if "log" in expression_of(spec, kind) and tiny.any():
                    again = {key: array[tiny] for key, array in longer.items()}
                    result[tiny] = self.evaluate(expression_of(spec, kind), again, self.precisions[2])
        result[nan] = self.number("nan")
        return result


def for_parameters(spec, parameters, dtype):
    """Return the Spec with the formulas that hold for these parameters, which are rounded to a type."""
    if spec.at_defaults and all(dtype.type(parameters[key]) == dtype.type(spec.defaults[key]) for key in parameters):
        return dataclasses.replace(spec, **spec.at_defaults)
    return spec


def in_float64(name, parameters):
    """Return parameters with which float64 computes what float32 computes with these."""
    single, spec = np.dtype(np.float32), SPECS[name]
    if for_parameters(spec, parameters, single) is not spec:
        return dict(spec.defaults)
    return {key: float(single.type(value)) for key, value in parameters.items()}


def root_of_derivative(name, **parameters):
    """Return where a derivative changes its sign (but for 0), or None."""
    spec = SPECS[name]
    with np.errstate(all="ignore"):
        return spec.root and eval(
            spec.root, {key: np.float64(value) for key, value in (spec.typical | parameters).items()}
        )


def error_scale(name, kind, true, *arrays, **parameters):
    """Return what an error is relative to: mostly the true value.

    Where terms cancel, less can be asked: in a row, the error is relative to the sum of the absolute terms; near where a
    derivative changes its sign, to 1/4 at least.
    """
    spec = SPECS[name]
    terms = (spec.terms or {}).get(kind)
    if terms:
        with np.errstate(all="ignore"):
            scale = function(terms, *arguments_of(spec, kind))(*(array.astype(np.float64) for array in arrays))
            return np.fmax(scale, abs(true).astype(np.float64))  # computed in arbitrary precision
    root = root_of_derivative(name, **parameters) if kind in ("derivative", "gate_grad") else None
    if root is None:
        return true
    least = 0.25 if kind == "derivative" else 0.25 * abs(arrays[0].astype(np.float64) * arrays[2])
    with np.errstate(all="ignore"):
        reach = REACH_OF_ROOT / np.float64(abs(parameters.get("beta", 1)))  # swish is silu, so many times as wide
        near = np.abs(arrays[-1 if kind == "derivative" else 1].astype(np.float64) - root) < reach
    return np.where(near, maximum(abs(true), least), true)


# ---------------------------------------------------------------------------------------------------------------
# Decimal numbers
# ---------------------------------------------------------------------------------------------------------------


def digits(precision):
    """Return a context in which nothing raises."""
    quiet = decimal.Context(prec=precision, Emax=decimal.MAX_EMAX, Emin=decimal.MIN_EMIN, traps=[])
    return decimal.localcontext(quiet)


@functools.cache
def pi_to(precision):
    """Return pi by Gauss and Legendre's iteration, which doubles its digits at every turn."""
    a, b, t, power = decimal.Decimal(1), 1 / decimal.Decimal(2).sqrt(), decimal.Decimal("0.25"), 1
    for _ in range(precision.bit_length() + 1):
        middle = (a + b) / 2
        t -= power * (a - middle) ** 2
        a, b, power = middle, (a * b).sqrt(), 2 * power
    return (a + b) ** 2 / (4 * t)


def pi():
    return pi_to(decimal.getcontext().prec)


def beside_one(function):
    """Compute with as many more digits as x has zeros behind the point: what is added to 1 keeps all of its own."""

    def guarded(x):
        with decimal.localcontext() as context:
            context.prec += 5 + min(max(0, -x.adjusted()), 1100)
            return function(x)

    return guarded


@beside_one
def tanh(x):
    e = (-2 * abs(x)).exp()
    return ((1 - e) / (1 + e)).copy_sign(x)


def erfc(x):
    """A series of positive terms up to 6, a continued fraction beyond."""
    if x < 0:
        return 2 - erfc(-x)
    square, precision = x * x, decimal.getcontext().prec
    if x > 6:
        fraction = x
        for n in range(precision * precision // (2 * int(min(square, 10**6))) + 20, 0, -1):
            fraction = x + decimal.Decimal(n) / 2 / fraction
        return (-square).exp() / (fraction * pi().sqrt())
    term = total = x
    n = 0
    while term > total.scaleb(-precision):
        n += 1
        term *= 2 * square / (2 * n + 1)
        total += term
    return 1 - 2 * (-square).exp() * total / pi().sqrt()


DECIMAL = Arithmetic(
    number=decimal.Decimal,
    functions={
        "cosh": lambda x: (x.exp() + (-x).exp()) / 2,
        "erfc": erfc,
        "exp": decimal.Decimal.exp,
        "expm1": beside_one(lambda x: x.exp() - 1),
        "log": decimal.Decimal.ln,
        "log1p": beside_one(lambda x: (1 + x).ln()),
        "sign": lambda x: decimal.Decimal(0 if x == 0 else 1).copy_sign(x),
        "sqrt": decimal.Decimal.sqrt,
        "tanh": tanh,
    },
    pi=pi,
    context=digits,
    precisions=(50, 100, 1000, 2000),
    sure=1000,
    tolerance=decimal.Decimal("1e-25"),
    beyond=decimal.Decimal("1e100000"),
)
