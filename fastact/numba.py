"""fastact in Numba: ``fa.gelu(x, out=y)``, its derivative and its backward in compiled functions.

Numba loads this by itself, by its entry point ``numba_extensions``. What can be called is made of the catalogue: for every
call of the C interface (`signatures.bare_calls`) an overload is written as source, with the arguments of Python's
function, that checks shapes and hands pointers and strides to `run` of fastact.h.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any, cast

import llvmlite.binding
import numpy as np
from llvmlite import ir
from numba.core import cgutils, types
from numba.core.errors import TypingError
from numba.core.imputils import lower_constant, lower_getattr_generic
from numba.core.typing.templates import AttributeTemplate, infer_getattr, make_overload_template
from numba.extending import NativeValue, intrinsic, models, register_jitable, register_model, typeof_impl, unbox

from fastact import _c_api
from fastact.catalogue import SPECS, Spec, signatures
from fastact.catalogue.signatures import REQUIRED, Argument, bare_calls
from fastact.core.function import Function

RUN = "fastact_run"
OVERLAP, SIZE = _c_api.OVERLAP, _c_api.SIZE
TYPES = (types.float32, types.float64)


def init() -> None:
    """Numba's entry point; all is done when this module is imported."""


# ---------------------------------------------------------------------------------------------------------------
# The call
# ---------------------------------------------------------------------------------------------------------------


def symbol(name: str, call: str, dtype: types.Float) -> str:
    """Return the name that compiled code knows a function of the C interface by, so that it can be kept in a cache."""
    return f"fastact_{name}_{call}_{dtype}"


def add_symbols() -> None:
    llvmlite.binding.add_symbol(RUN, _c_api.RUN)
    for (name, call, bits), address in _c_api.addresses().items():
        llvmlite.binding.add_symbol(symbol(name, call, TYPES[bits]), address)


@functools.cache
def runner(called: str) -> Callable[..., int]:
    """Return what calls a function of the C interface from compiled code, by tuples of arrays and numbers."""

    @intrinsic
    def run(typing: Any, rows: Any, n: Any, addresses: Any, row_steps: Any, steps: Any, parameters: Any) -> Any:
        def codegen(context: Any, builder: Any, signature: Any, values: Any) -> Any:
            word, number = context.get_value_type(types.intp), ir.DoubleType()
            pointer = ir.IntType(8).as_pointer()

            def vector(kind: Any, items: list[Any]) -> Any:
                if not items:
                    return ir.Constant(kind.as_pointer(), None)
                room = cgutils.alloca_once(builder, ir.ArrayType(kind, len(items)))
                for k, item in enumerate(items):
                    builder.store(item, cgutils.gep_inbounds(builder, room, 0, k))
                return builder.bitcast(room, kind.as_pointer())

            def items(k: int) -> Any:
                return cgutils.unpack_tuple(builder, values[k]) if len(signature.args[k]) else []

            kinds = [pointer, number.as_pointer(), word, word, *[word.as_pointer()] * 3]
            function = cgutils.get_or_insert_function(builder.module, ir.FunctionType(ir.IntType(32), kinds), RUN)
            try:
                kernel = builder.module.get_global(called)
            except KeyError:
                kernel = ir.GlobalVariable(builder.module, ir.IntType(8), called)
            numbers = [
                context.cast(builder, item, kind, types.float64)
                for item, kind in zip(items(5), signature.args[5], strict=True)
            ]
            given = [kernel, vector(number, numbers), values[0], values[1], vector(word, items(2))]
            return builder.call(function, [*given, vector(word, items(3)), vector(word, items(4))])

        return types.int32(rows, n, addresses, row_steps, steps, parameters), codegen

    return cast(Callable[..., int], run)


@intrinsic
def address(typing: Any, x: Any) -> Any:
    """Where an array's data are, without a reference to it."""

    def codegen(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        array = context.make_array(signature.args[0])(context, builder, values[0])
        return builder.ptrtoint(array.data, context.get_value_type(types.intp))

    return types.intp(x), codegen


@intrinsic
def hold(typing: Any, x: Any) -> Any:
    """Let an array live up to here: Numba does not know that its address is in use."""
    return types.none(x), lambda context, builder, signature, values: context.get_dummy_value()


@register_jitable
def bounds(x: Any) -> tuple[int, int]:
    """Return the first address of an array, and the one behind its last."""
    low = high = address(x)
    for k in range(x.ndim):
        if x.shape[k] == 0:
            return low, low
        reach = (x.shape[k] - 1) * x.strides[k]
        if reach < 0:
            low += reach
        else:
            high += reach
    return low, high + x.itemsize


@register_jitable
def may_spoil(x: Any, out: Any) -> bool:
    """Return whether a write to `out` may change what is still to be read of `x`."""
    if address(x) == address(out) and x.strides == out.strides:
        return False
    low, high = bounds(x)
    first, end = bounds(out)
    return bool(low < end and first < high)


# ---------------------------------------------------------------------------------------------------------------
# Implementations, written as source
# ---------------------------------------------------------------------------------------------------------------


class Call:
    """A call of the C interface with arguments of some types."""

    def __init__(self, spec: Spec, call: str, given: dict[str, Any]) -> None:
        self.spec, self.call, self.given = spec, call, given
        self.label = spec.name if call == "forward" else f"{spec.name}.{call.removesuffix('_y')}"
        arguments = bare_calls(spec)[call]
        self.operands = [a for a in arguments if a.role != "parameter"]
        self.inputs = [a for a in self.operands if a.role != "output"]
        self.outputs = [a for a in self.operands if a.role == "output"]
        self.parameters = [a.name for a in arguments if a.role == "parameter"]
        self.leading = next(a.name for a in self.inputs if a.shape == "like")
        self.array: types.Array = given[self.leading]

    def refuse(self, what: str) -> TypingError:
        return TypingError(f"fastact.{self.label}() in Numba: {what}")

    def check(self) -> None:
        """Refuse types that it has no code for."""
        for argument in self.inputs:
            self.check_array(argument, self.given[argument.name])
        for argument in self.outputs:
            if not is_none(self.given[argument.name]):
                self.check_array(argument, self.given[argument.name])
                if not self.given[argument.name].mutable:
                    raise self.refuse(f"{argument.name} is read-only")
                if self.single(argument) and self.array.ndim == 1:
                    raise self.refuse(f"the result of one row is a number, {argument.name} is not taken")
        for name in self.parameters:
            if not isinstance(unwrapped(self.given[name]), (types.Integer, types.Float, int, float)):
                raise self.refuse(f"{name} is to be a number, not {spelled(self.given[name])}")
        if not isinstance(unwrapped(self.given.get("axis", -1)), (types.Integer, int)):
            raise self.refuse(f"axis is to be a whole number, not {spelled(self.given['axis'])}")

    def check_array(self, argument: Argument, given: Any) -> None:
        if argument.role == "weight" and isinstance(given, (types.Float, types.Integer)):
            return
        if not isinstance(given, types.Array) or given.dtype not in TYPES:
            raise self.refuse(f"{argument.name} is to be an array of float32 or float64, not {spelled(given)}")
        if given.dtype != self.array.dtype:
            raise self.refuse(
                f"{argument.name} is an array of {given.dtype} and {self.leading} one of {self.array.dtype}; there they "
                "must be of one type"
            )
        ndim = 1 if argument.role == "weight" else self.array.ndim - self.single(argument)
        if given.ndim != ndim or ndim == 0:
            raise self.refuse(f"{argument.name} is to have {max(ndim, 1)} axes, not {given.ndim}")

    def single(self, argument: Argument) -> bool:
        return argument.shape == "reduced"

    def implementation(self, signature: str) -> Callable[..., Any]:
        """Return the function that Numba compiles.

        It becomes a part of the caller, and what may raise is in a function of its own, `fail`: to return an array from a
        function costs two counts of its references, and Numba runs no loop in parallel that has two ways out.
        """
        namespace: dict[str, Any] = {
            "np": np,
            "run": runner(symbol(self.spec.name, self.call, self.array.dtype)),
            "address": address,
            "hold": hold,
            "may_spoil": may_spoil,
            "dtype": np.dtype(str(self.array.dtype)),
        }
        conditions = [*self.axis(), *self.weights(), *self.shapes()]
        define(namespace, "fail(status, wrong)", self.errors([reason for _, reason in conditions]))
        namespace["fail"] = register_jitable(namespace["fail"])
        define(namespace, f"implementation({signature})", self.body([condition for condition, _ in conditions]))
        return cast(Callable[..., Any], namespace["implementation"])

    def errors(self, reasons: list[str]) -> Iterator[str]:
        """The lines that raise; `wrong` has a bit for each condition."""
        for bit, reason in enumerate(reasons):
            yield f"if wrong & {1 << bit}:"
            yield f"    raise ValueError('{self.label}(): {reason}')"
        for status, reason in _c_api.REASONS.items():
            yield f"if status == {status}:"
            yield f"    raise {'MemoryError' if status == _c_api.MEMORY else 'ValueError'}('{self.label}(): {reason}')"

    def body(self, conditions: list[str]) -> Iterator[str]:
        """The lines that compute. Where something is wrong, there are less than no rows: that is refused, and explained."""
        for argument in self.operands:
            name = argument.name
            if self.is_new(argument):
                yield f"{name}_ = {self.new(argument)}"
            elif argument.role == "weight" and not isinstance(self.given[name], types.Array):
                yield f"{name}_ = np.full(1, {name}, dtype)"
            else:
                yield f"{name}_ = {name}"
        bits = " | ".join(f"({condition}) << {bit}" for bit, condition in enumerate(conditions))
        yield f"wrong = {bits or '0'}"
        yield from self.computed()
        yield from (f"hold({argument.name}_)" for argument in self.operands)
        yield "if status:"
        yield "    fail(status, wrong)"
        results = [f"{a.name}_[0]" if self.is_number(a) else f"{a.name}_" for a in self.outputs]
        yield f"return {', '.join(results)}"

    def weights(self) -> Iterator[tuple[str, str]]:
        for argument in self.inputs:
            if argument.role == "weight" and isinstance(self.given[argument.name], types.Array):
                size = f"{argument.name}_.size"
                condition = f"({size} != 1) & ({size} != {self.leading}_.shape[-1])"
                yield condition, f"{argument.name} has another length than the last axis"

    def shapes(self) -> Iterator[tuple[str, str]]:
        for argument in self.operands:
            if argument.name != self.leading and argument.role != "weight" and not self.is_new(argument):
                axes = range(self.array.ndim - self.single(argument))
                pairs = [f"({argument.name}_.shape[{k}] != {self.leading}_.shape[{k}])" for k in axes]
                yield " | ".join(pairs), f"{argument.name} has another shape than {self.leading}"

    def axis(self) -> Iterator[tuple[str, str]]:
        """Rows lie along the last axis, and so do weights that are several."""
        several = any(a.role == "weight" and isinstance(self.given[a.name], types.Array) for a in self.inputs)
        if self.spec.by_rows or several:
            yield f"(axis != -1) & (axis != {self.array.ndim - 1})", "in Numba axis is to be the last"

    def is_new(self, argument: Argument) -> bool:
        return argument.role == "output" and is_none(self.given[argument.name])

    def is_number(self, argument: Argument) -> bool:
        return self.single(argument) and self.array.ndim == 1

    def new(self, argument: Argument) -> str:
        if self.is_number(argument):
            return "np.empty(1, dtype)"
        return f"np.empty({self.leading}.shape{'[:-1]' if self.single(argument) else ''}, dtype)"

    def computed(self) -> Iterator[str]:
        """The lines that compute, by one call where all lies together, else by boxes of the last two axes."""
        parameters, ndim = tupled(self.parameters), self.array.ndim
        sizes = [f"{self.leading}_.shape[{k}]" for k in range(ndim)]
        addresses = tupled([f"address({a.name}_)" for a in self.operands])
        layouts = {self.layout(argument) for argument in self.operands}
        weighted = any(a.role == "weight" for a in self.operands)
        if layouts in ({"C"}, {"F"} if not self.spec.by_rows else None) and not weighted:
            rows, n = (
                (" * ".join(sizes[:-1]) or "1", sizes[-1]) if self.spec.by_rows else ("1", f"{self.leading}_.size")
            )
            yield f"status = run(({rows}) * (1 - 2 * (wrong != 0)) - (wrong != 0), {n}, {addresses}, (), (), {parameters})"
            return
        row_steps, steps = [], []
        for argument in self.operands:
            strides = f"{argument.name}_.strides"
            if argument.role == "weight":
                row_steps.append("0")
                steps.append(f"{strides}[0] * ({argument.name}_.size > 1)")
            else:
                single = self.single(argument)
                row_steps.append(f"{strides}[{-1 if single else -2}]" if ndim > 1 else "0")
                steps.append("0" if single else f"{strides}[-1]")
        rows = f"{sizes[-2] if ndim > 1 else '1'} * (1 - 2 * (wrong != 0)) - (wrong != 0)"
        box = f"run({rows}, {sizes[-1]}, {{}}, {tupled(row_steps)}, {tupled(steps)}, {parameters})"
        if ndim <= 2:
            yield f"status = {box.format(addresses)}"
            return
        pairs = [f"may_spoil({a.name}_, {b.name}_)" for a in self.inputs for b in self.outputs if not self.is_new(b)]
        yield f"status = {OVERLAP} if {' or '.join(pairs) or 'False'} else {SIZE} if wrong else 0"
        yield f"for index in np.ndindex(({', '.join(sizes[:-2])},)):"
        parts = [f"address({a.name}_{'' if a.role == 'weight' else '[index]'})" for a in self.operands]
        yield "    if status == 0:"
        yield f"        status = {box.format(tupled(parts))}"

    def layout(self, argument: Argument) -> str:
        if self.is_new(argument):
            return "C"
        given = self.given[argument.name]
        return given.layout if isinstance(given, types.Array) else "C"


def define(namespace: dict[str, Any], signature: str, lines: Iterable[str]) -> None:
    exec("\n".join([f"def {signature}:", *(f"    {line}" for line in lines)]), namespace)  # noqa: S102


def is_none(given: Any) -> bool:
    return (
        given is None or isinstance(given, types.NoneType) or (isinstance(given, types.Omitted) and given.value is None)
    )


def unwrapped(given: Any) -> Any:
    return given.value if isinstance(given, types.Omitted) else given


def spelled(given: Any) -> str:
    return "nothing" if is_none(given) else str(given)


def tupled(items: list[str]) -> str:
    return f"({', '.join(items)},)" if items else "()"


# ---------------------------------------------------------------------------------------------------------------
# Functions as Numba sees them
# ---------------------------------------------------------------------------------------------------------------


class FunctionType(types.Function):
    """The type of a function of fastact: one for each."""

    def __init__(self, function: Function) -> None:
        self.function = function
        self.spec = SPECS[function.name.partition(".")[0]]
        self.calls = [call for call in bare_calls(self.spec) if call.removesuffix("_y") == function.role]
        self.arguments = self.taken()
        super().__init__(make_overload_template(function, self.overload(), {}, True, "always"))

    def taken(self) -> dict[str, Argument]:
        """Return the arguments that are taken: those by position first, then those that must be given."""
        bare = {a.name: a for call in self.calls for a in bare_calls(self.spec)[call]}
        for name in ("x", "y") if len(self.calls) > 1 else ():
            bare[name] = replace(bare[name], default=None)
        declared = signatures.arguments(self.spec, self.function.role)
        found = [bare.get(a.name, a) for a in declared if a.name in bare or a.role == "axis"]
        found.sort(key=lambda a: (not a.positional, a.default is not REQUIRED))
        return {a.name: a for a in found}

    def overload(self) -> Callable[..., Any]:
        """Return a function of the types of arguments, which gives the implementation."""
        listed = [name if a.default is REQUIRED else f"{name}={a.default!r}" for name, a in self.arguments.items()]
        signature = ", ".join(listed)
        source = f"def overload({signature}):\n    return implementation(locals())"
        namespace = {"implementation": functools.partial(self.implementation, signature)}
        exec(source, namespace)  # noqa: S102
        return namespace["overload"]

    def implementation(self, signature: str, given: dict[str, Any]) -> Callable[..., Any]:
        by = self.calls[0]
        if len(self.calls) > 1:
            if is_none(given["x"]) == is_none(given["y"]):
                raise TypingError(
                    f"fastact.{self.function.name}() takes exactly one of x= (the input) and y= (the output)"
                )
            by = self.calls[is_none(given["x"])]
        call = Call(self.spec, by, given)
        call.check()
        return call.implementation(signature)

    def get_call_type(self, context: Any, args: Any, kws: dict[str, Any]) -> Any:
        """Numba binds by names alone: what is by position, unknown or missing is refused here."""
        label, names = f"fastact.{self.function.name}()", list(self.arguments)
        positional = sum(a.positional for a in self.arguments.values())
        if len(args) > positional:
            raise TypingError(f"{label} takes {positional} positional arguments but {len(args)} were given")
        for name in kws:
            if name not in names:
                raise TypingError(f"{label} in Numba takes {', '.join(names)}, not {name}")
        given = {*names[: len(args)], *kws}
        missing = [name for name, a in self.arguments.items() if a.default is REQUIRED and name not in given]
        if missing:
            raise TypingError(f"{label} needs {', '.join(missing)}")
        return super().get_call_type(context, args, kws)


register_model(FunctionType)(models.OpaqueModel)


@functools.cache
def type_of(function: Function) -> FunctionType:
    return FunctionType(function)


@typeof_impl.register(Function)
def typeof_function(value: Function, context: Any) -> FunctionType | None:
    return type_of(value) if bare_calls(SPECS[value.name.partition(".")[0]]) else None


@unbox(FunctionType)
def unbox_function(kind: FunctionType, value: Any, c: Any) -> NativeValue:
    return NativeValue(c.context.get_dummy_value())


@lower_constant(FunctionType)
def constant_function(context: Any, builder: Any, kind: FunctionType, value: Any) -> Any:
    return context.get_dummy_value()


@infer_getattr
class Methods(AttributeTemplate):
    """`derivative` and `backward`."""

    key = FunctionType

    def generic_resolve(self, kind: FunctionType, name: str) -> FunctionType | None:
        method = getattr(kind.function, name, None) if name in ("derivative", "backward") else None
        return type_of(method) if isinstance(method, Function) else None


@lower_getattr_generic(FunctionType)
def method_of_function(context: Any, builder: Any, kind: FunctionType, value: Any, name: str) -> Any:
    return context.get_dummy_value()


add_symbols()
