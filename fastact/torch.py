"""fastact for PyTorch: functions of tensors with gradients, modules, and `patch`, on the CPU.

Everything here is made of the catalogue. Each function is two custom operators, ``torch.ops.fastact.NAME`` and
``NAME_backward``, which torch.compile, torch.export and torch.func see; they take all options, in order. Eager calls go straight to the kernels: the
dispatcher costs Python operators some microseconds. Second derivatives are PyTorch's own of the catalogue's formulas.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from inspect import Parameter, Signature
from typing import Any

import torch
from torch import Tensor, nn
from torch._C import _len_torch_dispatch_stack as count_modes
from torch._C._functorch import peek_interpreter_stack as transform
from torch.autograd import forward_ad
from torch.compiler import is_compiling

import fastact as fa
from fastact.activations import NAMES, folded
from fastact.catalogue import SPECS, Spec, signatures
from fastact.catalogue.signatures import REQUIRED

TYPES = {"input": "Tensor", "weight": "Tensor", "mask": "Tensor?", "parameter": "float", "flag": "bool", "axis": "int"}
OURS_TO_TORCH = {"axis": "dim", "keepdims": "keepdim"}
WIDE = (torch.float32, torch.float64)
FLOATING = (*WIDE, torch.float16, torch.bfloat16)
EXACT = {Tensor, nn.Parameter}
LIBRARY = torch.library.Library("fastact", "DEF")
OPERATORS: dict[str, Any] = {}


def array(tensor: Tensor) -> Any:
    """Return an ndarray over a tensor's memory."""
    if tensor.requires_grad:
        tensor = tensor.detach()
    if tensor.dtype is torch.bfloat16:
        import ml_dtypes

        return tensor.view(torch.int16).numpy().view(ml_dtypes.bfloat16)
    return tensor.numpy()


def is_plain(x: Any) -> bool:
    """Return whether a call may go past the dispatcher: an exact tensor on the CPU, and nothing that watches operators."""
    return (
        not is_compiling()
        and type(x) in EXACT
        and x.is_cpu
        and forward_ad._current_level < 0
        and not count_modes()
        and transform() is None
    )


# ---------------------------------------------------------------------------------------------------------------
# Operators
# ---------------------------------------------------------------------------------------------------------------


class Operator:
    """A function of the catalogue as custom operators: what they compute, their shapes, and their gradients."""

    def __init__(self, spec: Spec) -> None:
        self.spec, self.name = spec, spec.name
        self.function = getattr(fa, spec.name)
        taken = [a for a in signatures.arguments(spec, "forward") if a.role in TYPES and a.shape != "halves"]
        if spec.kind == "gate":
            taken = [a for a in taken if a.role == "input"]
        self.tensors = [a.name for a in taken if TYPES[a.role] == "Tensor"]
        self.options = [a for a in taken if TYPES[a.role] != "Tensor"]
        self.defaults = tuple(None if a.default is REQUIRED else a.default for a in self.options)
        self.required = any(a.default is REQUIRED for a in self.options)
        self.places = {OURS_TO_TORCH.get(a.name, a.name): i for i, a in enumerate(self.options)}
        self.limits = [p.limits_from_y or p.limits for p in spec.parameters]
        self.define()

    def define(self) -> None:
        types = TYPES | {"axis": "int[1]"} if self.spec.kind == "reduction" else TYPES
        options = [f"{types[a.role]} {OURS_TO_TORCH.get(a.name, a.name)}" for a in self.options]
        arguments = ", ".join([*(f"Tensor {name}" for name in self.tensors), *options])
        LIBRARY.define(f"{self.name}({arguments}) -> Tensor")
        saved = ["Tensor source", "bool from_y"] if self.spec.kind == "elementwise" else []
        saved = saved or [f"Tensor {name}" for name in self.saved]
        results = ", ".join(["Tensor"] * self.gradients)
        arguments = ", ".join(["Tensor grad", *saved, *options])
        LIBRARY.define(f"{self.name}_backward({arguments}) -> {'Tensor' if self.gradients == 1 else f'({results})'}")
        self.forward = getattr(torch.ops.fastact, self.name).default
        self.backward = getattr(torch.ops.fastact, f"{self.name}_backward").default
        for operator, compute, fake, setup, gradient in (
            (self.name, self.compute, self.like, self.save, self.gradient),
            (f"{self.name}_backward", self.compute_backward, self.like_backward, self.save_all, self.second_gradient),
        ):
            LIBRARY.impl(operator, compute, "CPU")
            torch.library.register_fake(f"fastact::{operator}", fake, lib=LIBRARY)
            torch.library.register_autograd(f"fastact::{operator}", gradient, setup_context=setup, lib=LIBRARY)

    # How many gradients there are, and what they go by.

    @property
    def gradients(self) -> int:
        return len(self.tensors)

    @property
    def saved(self) -> list[str]:
        if self.spec.kind == "gate":
            return ["gate", "value"]
        return ["y"] if self.spec.kind == "rowwise" else self.tensors

    def named(self, options: Sequence[Any]) -> dict[str, Any]:
        """Return the options of a call by fastact's names."""
        return {
            a.name: array(value) if isinstance(value, Tensor) else tuple(value) if isinstance(value, list) else value
            for a, value in zip(self.options, options, strict=True)
            if value is not None
        }

    # What the operators compute, and the shapes of that.

    def like(self, x: Tensor, *rest: Any) -> Tensor:
        if self.spec.kind != "reduction":
            return torch.empty_like(x)
        dims, keep, *_ = rest
        reduced = {dim % x.ndim for dim in ([dims] if isinstance(dims, int) else dims)} if x.ndim else set()
        shape = [1 if d in reduced else n for d, n in enumerate(x.shape) if keep or d not in reduced]
        return x.new_empty(shape)

    def like_backward(self, grad: Tensor, *rest: Any) -> Any:
        made = tuple(torch.empty_like(rest[i]) for i in range(self.gradients))
        return made[0] if len(made) == 1 else made

    def compute(self, *arguments: Any) -> Tensor:
        tensors, options = arguments[: len(self.tensors)], arguments[len(self.tensors) :]
        refuse(self.name, tensors)
        out = self.like(tensors[0], *options)
        self.function(*map(array, tensors), **self.named(options), out=array(out))
        return out

    def compute_backward(self, grad: Tensor, *rest: Any) -> Any:
        kind, backward = self.spec.kind, self.function.backward
        made = self.like_backward(grad, *rest)
        if kind == "elementwise":
            source, from_y, *given = rest
            backward(array(grad), **{"y" if from_y else "x": array(source)}, **self.named(given), out=array(made))
            return made
        sources = dict(zip(self.saved, map(array, rest), strict=False))
        options = self.named(rest[len(sources) :])
        if kind == "gate":
            backward(array(grad), **sources, gate_grad=array(made[0]), value_grad=array(made[1]))
        elif kind == "channelwise":
            backward(array(grad), **sources, **options, out=array(made[0]), weight_grad=array(made[1]))
        else:
            options.pop("keepdims", None)
            backward(array(grad), **sources, **options, out=array(made))
        return made

    # Gradients.

    def from_y(self, x: Tensor, options: Sequence[Any]) -> bool:
        """Return whether backward goes by the output: where it determines the derivative, and has all its digits."""
        if not self.spec.from_y or x.dtype not in WIDE:
            return False
        limits = zip(self.limits, options, strict=True)
        return not options or all(low <= value <= high for (low, high), value in limits)

    def save(self, ctx: Any, inputs: Sequence[Any], output: Tensor) -> None:
        tensors, ctx.options = inputs[: len(self.tensors)], inputs[len(self.tensors) :]
        kind = self.spec.kind
        if kind == "elementwise":
            ctx.from_y = self.from_y(tensors[0], ctx.options)
            tensors = (output if ctx.from_y else tensors[0],)
        elif kind == "rowwise":
            tensors = (output,)
        elif kind == "gate" and self.tensors[0] == "value":
            tensors = tensors[::-1]
        ctx.save_for_backward(*tensors)

    def gradient(self, ctx: Any, grad: Tensor) -> Any:
        options = ctx.options
        before = (ctx.from_y,) if self.spec.kind == "elementwise" else ()
        backward = self.backward
        if not torch.is_grad_enabled() and is_plain(grad):
            backward = self.compute_backward
        made = backward(grad, *ctx.saved_tensors, *before, *options)
        made = (made,) if self.gradients == 1 else made
        if self.spec.kind == "gate" and self.tensors[0] == "value":
            made = made[::-1]
        return *made, *[None] * len(options)

    def save_all(self, ctx: Any, inputs: Sequence[Any], output: Any) -> None:
        ctx.tensors = 1 + (1 if self.spec.kind == "elementwise" else len(self.saved))
        ctx.rest = inputs[ctx.tensors :]
        ctx.save_for_backward(*inputs[: ctx.tensors])

    def second_gradient(self, ctx: Any, *grads: Tensor) -> Any:
        """Return the gradients of a gradient: PyTorch's, of the catalogue's formula in float64."""
        given = ctx.saved_tensors
        with torch.enable_grad():
            wide = [tensor.detach().double().requires_grad_() for tensor in given]
            made = self.formulas(*wide, *ctx.rest)
            first = [(m, g.double()) for m, g in zip(made, grads, strict=True) if g is not None and m.requires_grad]
            seconds = torch.autograd.grad([m for m, _ in first], wide, [g for _, g in first], allow_unused=True)
        found = [
            torch.zeros_like(tensor) if second is None else second.to(tensor.dtype)
            for tensor, second in zip(given, seconds, strict=True)
        ]
        return *found, *[None] * len(ctx.rest)

    def formulas(self, grad: Tensor, *rest: Any) -> list[Tensor]:
        """Return the gradients by the catalogue's formulas, in PyTorch's operations."""
        spec = self.spec
        if spec.kind == "elementwise":
            source, from_y, *given = rest
            names = {"y" if from_y else "x": source} | self.named(given)
            return [grad * evaluate(spec.derivative_y if from_y else spec.derivative, names)]
        names = dict(zip(self.saved, rest, strict=False))
        options = self.named(rest[len(names) :])
        if spec.kind == "gate":
            names["grad"] = grad
            return [evaluate(spec.gate_grad, names), evaluate(spec.value_grad, names)]
        if spec.kind == "channelwise":
            return list(
                torch.autograd.grad(
                    evaluate(spec.formula, {"x": names["x"], "weight": along(names["weight"], names["x"], options)}),
                    [names["x"], names["weight"]],
                    grad,
                    create_graph=True,
                )
            )
        dim = options["axis"]
        if spec.kind == "reduction":
            return [self.formula_of_reduction(grad, names["x"], **options)]
        made = evaluate(spec.backward_y or spec.backward_x, names | {"grad": grad}, dim) * options.get("scale", 1.0)
        return [torch.where(names["y"] == -math.inf, 0.0, made) if spec.masked else made]

    def formula_of_reduction(
        self, grad: Tensor, x: Tensor, axis: Any, keepdims: bool, scale: float, causal: bool, where: Any = None
    ) -> Tensor:
        if not keepdims:
            for d in sorted(d % x.ndim for d in ([axis] if isinstance(axis, int) else axis)):
                grad = grad.unsqueeze(d)
        kept = torch.ones(x.shape[-2:] if causal else (), dtype=torch.bool)
        if causal:
            kept = kept.tril(x.shape[-1] - x.shape[-2])
        if where is not None:
            kept = kept & torch.from_numpy(where)
        kept = kept.expand(x.shape)
        scaled = torch.where(kept, x * scale, torch.where(kept.any(axis, True), -math.inf, 0.0))
        return torch.where(kept, evaluate(self.spec.backward_x, {"grad": grad, "x": scaled}, axis) * scale, 0.0)


class Loss:
    """A loss as a custom operator, which gives the gradient with respect to the logits in the same pass."""

    types = TYPES | {"weight": "Tensor?", "choice": "str", "index": "int?"}

    def __init__(self, spec: Spec) -> None:
        self.spec, self.name, self.function = spec, spec.name, getattr(fa, spec.name)
        self.options = [a for a in signatures.arguments(spec, "forward") if a.role in self.types and not a.positional]
        self.tensors = ["logits", "targets"]
        self.defaults, self.required = tuple(a.default for a in self.options), False
        self.places = {OURS_TO_TORCH.get(a.name, a.name): i for i, a in enumerate(self.options)}
        options = (f"{self.types[a.role]} {name}" for a, name in zip(self.options, self.places, strict=True))
        LIBRARY.define(f"{self.name}(Tensor logits, Tensor targets, {', '.join(options)}) -> (Tensor, Tensor)")
        LIBRARY.impl(self.name, self.compute, "CPU")
        torch.library.register_fake(f"fastact::{self.name}", self.like, lib=LIBRARY)
        torch.library.register_autograd(f"fastact::{self.name}", self.gradient, setup_context=self.save, lib=LIBRARY)
        self.operator = getattr(torch.ops.fastact, self.name).default

    def forward(self, *arguments: Any) -> Tensor:
        loss, _ = self.operator(*arguments)
        return loss

    def named(self, options: Sequence[Any]) -> dict[str, Any]:
        names = (a.name for a in self.options)
        return {name: value for name, value in zip(names, options, strict=True) if value is not None}

    def like(self, logits: Tensor, targets: Tensor, *options: Any) -> tuple[Tensor, Tensor]:
        given = self.named(options)
        shape = list(logits.shape) if given["reduction"] == "none" else []
        if shape and "axis" in given:
            del shape[given["axis"]]
        dtype = logits.dtype if logits.dtype in WIDE else torch.float32
        return logits.new_empty(shape, dtype=dtype), torch.empty_like(logits)

    def compute(self, logits: Tensor, targets: Tensor, *options: Any) -> tuple[Tensor, Tensor]:
        refuse(self.name, [logits])
        loss, grad = self.like(logits, targets, *options)
        given = {name: array(v) if isinstance(v, Tensor) else v for name, v in self.named(options).items()}
        found = self.function(array(logits), array(targets), **given, grad_out=array(grad))
        loss.copy_(torch.as_tensor(found))
        return loss, grad

    def save(self, ctx: Any, inputs: Sequence[Any], output: Sequence[Tensor]) -> None:
        ctx.save_for_backward(output[1])
        given = self.named(inputs[2:])
        ctx.dim, ctx.dtype = given.get("axis") if given["reduction"] == "none" else None, inputs[0].dtype
        ctx.inputs = len(inputs)
        ctx.set_materialize_grads(False)

    def gradient(self, ctx: Any, grad: Tensor | None, _: Tensor | None) -> Any:
        if torch.is_grad_enabled():
            raise NotImplementedError(f"{self.name}() has no second derivative")
        if grad is None:
            return None, *[None] * (ctx.inputs - 1)
        grad = grad if ctx.dim is None else grad.unsqueeze(ctx.dim)
        return (grad * ctx.saved_tensors[0]).to(ctx.dtype), *[None] * (ctx.inputs - 1)


def refuse(name: str, tensors: Sequence[Tensor]) -> None:
    """Raise for tensors that are not all of one floating type."""
    types = {tensor.dtype for tensor in tensors}
    if len(types) > 1 or not types <= set(FLOATING):
        given = ", ".join(sorted(map(str, types)))
        raise TypeError(
            f"fastact.torch.{name}() takes tensors of one type: {', '.join(map(str, FLOATING))}; not {given}"
        )


def refuse_tangents(name: str, tensors: Sequence[Tensor]) -> None:
    """Raise for tensors with tangents, which the operators would lose."""
    if forward_ad._current_level >= 0 and any(forward_ad.unpack_dual(t).tangent is not None for t in tensors):
        raise NotImplementedError(f"fastact.torch.{name}() has no forward-mode derivative")


def along(weight: Tensor, x: Tensor, options: Mapping[str, Any]) -> Tensor:
    """Return a vector of weights along the axis of a call."""
    if weight.ndim != 1:
        return weight
    shape = [1] * x.ndim
    shape[options["axis"] if weight.numel() > 1 else -1] = -1
    return weight.reshape(shape)


def evaluate(formula: str | None, names: Mapping[str, Any], dim: int = -1) -> Tensor:
    """Return what a formula of the catalogue gives for tensors; kinks take the derivative on their right."""
    assert formula is not None
    rows = {
        "max": lambda x: x.amax(dim, keepdim=True),
        "sum": lambda x: x.sum(dim, keepdim=True),
    }
    return torch.as_tensor(eval(formula, {}, {**FORMULA_NAMES, **rows, **names}))


FORMULA_NAMES: dict[str, Any] = {
    **{name: getattr(torch, name) for name in ("expm1", "log", "log1p", "sign", "tanh", "where")},
    "abs": lambda x: torch.where(x < 0, -x, x),
    "clip": lambda x, low, high: torch.where(x < low, low, torch.where(x >= high, high, x)),
    # Held back where their squares or cubes would be infinite, and a quotient of two no number.
    "cosh": lambda x: torch.cosh(x.clamp(-230, 230)),
    "exp": lambda x: torch.exp(x.clamp(max=350)),
    "erfc": torch.special.erfc,
    "maximum": lambda x, y: torch.where(x >= y, x, y),
    "minimum": lambda x, y: torch.where(x < y, x, y),
    "pi": math.pi,
    "sqrt": lambda x: x.sqrt() if isinstance(x, Tensor) else math.sqrt(x),
}


# ---------------------------------------------------------------------------------------------------------------
# Functions
# ---------------------------------------------------------------------------------------------------------------


class Recorded(torch.autograd.Function):
    """A call that autograd records, past the dispatcher."""

    @staticmethod
    def forward(ctx: Any, operator: Operator, inplace: bool, *arguments: Any) -> Tensor:
        x = arguments[0]
        if inplace:
            output = write(operator, x, arguments[1:])
            ctx.mark_dirty(x)
            ctx.options, ctx.from_y = arguments[1:], True
            ctx.save_for_backward(output)
        else:
            output = compute(operator, arguments)
            operator.save(ctx, arguments, output)
        ctx.operator = operator
        return output

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        return None, None, *ctx.operator.gradient(ctx, grad)


# Plain tensors need not be looked at again for wrappers of torch.func.
record = super(torch.autograd.Function, Recorded).apply


def compute(operator: Operator, arguments: Sequence[Any]) -> Tensor:
    """Return what a function gives for plain tensors."""
    x, kind = arguments[0], operator.spec.kind
    if x.dtype in WIDE and x.ndim:  # NumPy's new array takes less time than PyTorch's, and a view of it
        if kind == "elementwise":
            return torch.from_numpy(operator.function(array(x), *arguments[1:]))
        if kind == "rowwise" and arguments[2:] == operator.defaults[1:]:
            return torch.from_numpy(operator.function(array(x), arguments[1]))
    return operator.compute(*arguments)


def write(operator: Operator, x: Tensor, options: Sequence[Any]) -> Tensor:
    refuse(operator.name, [x])
    memory = array(x)
    operator.function(memory, *options, out=memory)
    return x


def call_in_place(operator: Operator, x: Tensor, options: Sequence[Any]) -> Tensor:
    if operator.spec.kind != "elementwise":
        raise TypeError(f"{operator.name}() got an unexpected keyword argument 'inplace'")
    if not is_plain(x):
        refuse_tangents(operator.name, [x])
        return x.copy_(operator.forward(x, *options))
    if torch.is_grad_enabled() and x.requires_grad:
        if x.is_leaf:
            raise RuntimeError("a leaf that requires a gradient cannot be overwritten: leave inplace=True out")
        if not operator.from_y(x, options):
            raise TypeError(f"{operator.name}(): the output does not determine this derivative: leave inplace=True out")
        return record(operator, True, x, *options)
    torch.autograd.graph.increment_version(x)
    return write(operator, x, options)


def make_function(operator: Any) -> Callable[..., Tensor]:
    """Return the function that users call."""
    spec, count = operator.spec, len(operator.tensors)
    kernel, defaults, required = operator.function, operator.defaults, operator.required
    first, positional, plain = operator.forward, spec.kind == "elementwise", operator.defaults[1:]
    is_grad_enabled, from_numpy = torch.is_grad_enabled, torch.from_numpy

    def options(args: Sequence[Any], keywords: dict[str, Any]) -> tuple[Any, ...]:
        values = list(args) + list(defaults[len(args) :])
        for name, value in keywords.items():
            if name not in operator.places:
                raise TypeError(f"{spec.name}() got an unexpected keyword argument {name!r}")
            if operator.places[name] < len(args):
                raise TypeError(f"{spec.name}() got multiple values for argument {name!r}")
            values[operator.places[name]] = value
        if len(values) > len(defaults):
            raise TypeError(f"{spec.name}() takes {count + len(defaults)} arguments but {count + len(args)} were given")
        if required and any(v is None for v, a in zip(values, operator.options, strict=True) if a.default is REQUIRED):
            raise TypeError(f"{spec.name}() misses {', '.join(operator.places)}")
        return tuple(values)

    def single(x: Tensor, *args: Any, inplace: bool = False, **keywords: Any) -> Tensor:
        values = options(args, keywords) if args or keywords or required else defaults
        if inplace:
            return call_in_place(operator, x, values)
        if not is_plain(x):
            refuse_tangents(spec.name, [x])
            return first(x, *values)
        if is_grad_enabled() and x.requires_grad:
            return record(operator, False, x, *values)
        if x.dtype in WIDE and x.ndim and (positional or values[1:] == plain):
            if x.requires_grad:
                x = x.detach()
            return from_numpy(kernel(x.numpy(), *values) if positional else kernel(x.numpy(), values[0]))
        return operator.compute(x, *values)

    def general(*args: Any, **keywords: Any) -> Tensor:
        given, args = args[:count], args[count:]
        tensors = [*given, *(keywords.pop(name) for name in operator.tensors[len(given) :] if name in keywords)]
        if len(tensors) < count:
            raise TypeError(f"{spec.name}() takes {' and '.join(operator.tensors)}")
        values = options(args, keywords)
        if spec.kind == "loss" or not all(map(is_plain, tensors)):
            refuse_tangents(spec.name, tensors)
            return first(*tensors, *values)
        if is_grad_enabled() and any(tensor.requires_grad for tensor in tensors):
            return record(operator, False, *tensors, *values)
        return compute(operator, (*tensors, *values))

    def gate(*args: Any, dim: int = -1, **keywords: Any) -> Tensor:
        if len(args) == 1 and not keywords:
            args = args[0].chunk(2, dim)
        return general(*args, **keywords)

    function = {"elementwise": single, "rowwise": single, "gate": gate}.get(spec.kind, general)
    function.__name__ = function.__qualname__ = spec.name
    function.__doc__ = f"{spec.title}, of tensors on the CPU; see `fastact.{spec.name}`.\n\n``{spec.formula}``\n"
    names: list[tuple[str, Any]] = [(name, Parameter.empty) for name in operator.tensors]
    names += [
        (OURS_TO_TORCH.get(a.name, a.name), Parameter.empty if a.default is REQUIRED else a.default)
        for a in operator.options
    ]
    parameters = [Parameter(name, Parameter.POSITIONAL_OR_KEYWORD, default=default) for name, default in names]
    if spec.kind == "elementwise":
        parameters.append(Parameter("inplace", Parameter.KEYWORD_ONLY, default=False))
    function.__signature__ = Signature(parameters)  # type: ignore[attr-defined]
    return function


# ---------------------------------------------------------------------------------------------------------------
# Modules
# ---------------------------------------------------------------------------------------------------------------


class Activation(nn.Module):
    """An activation as a module; its options are its attributes."""

    operator: Operator
    function: Callable[..., Tensor]

    def __init__(self, *args: Any, inplace: bool = False, **options: Any) -> None:
        super().__init__()
        self.names = list(self.operator.places)
        if len(args) > len(self.names) or options.keys() - set(self.names[len(args) :]):
            raise TypeError(f"{type(self).__name__}() takes {', '.join(self.names) or 'no options'}")
        values = dict(zip(self.names, self.operator.defaults, strict=True))
        values |= dict(zip(self.names, args, strict=False)) | options
        self.inplace = inplace and self.operator.spec.from_y
        for name, value in values.items():
            setattr(self, name, value)

    def forward(self, x: Tensor) -> Tensor:
        keywords = {name: getattr(self, name) for name in self.names}
        if self.inplace:
            keywords["inplace"] = True
        return type(self).function(x, **keywords)

    def extra_repr(self) -> str:
        shown = {name: getattr(self, name) for name in self.names}
        return ", ".join(f"{name}={value}" for name, value in shown.items())


class Gate(nn.Module):
    """A gated unit as a module, of one tensor in halves."""

    function: Callable[..., Tensor]

    def __init__(self, dim: int = -1) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, x: Tensor) -> Tensor:
        return type(self).function(x, dim=self.dim)


class PReLU(nn.Module):
    """`prelu` with its weight, as `torch.nn.PReLU`."""

    def __init__(self, num_parameters: int = 1, init: float = 0.25, device: Any = None, dtype: Any = None) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.full((num_parameters,), init, device=device, dtype=dtype))

    def forward(self, x: Tensor) -> Tensor:
        return FUNCTIONS["prelu"](x, self.weight if len(self.weight) > 1 else self.weight.reshape(()))


def class_name(name: str) -> str:
    """Return a module's name in PyTorch's spelling."""
    if name in TORCH:
        return TORCH[name].__name__
    parts = (
        TORCH[part].__name__
        if part in TORCH
        else f"{part[:-3].capitalize()}GLU"
        if part[-3:] == "glu"
        else part.capitalize()
        for part in name.split("_")
    )
    return "".join(parts)


TORCH: dict[str, type[nn.Module]] = {
    NAMES[folded(name)]: module
    for name, module in vars(nn.modules.activation).items()
    if isinstance(module, type) and issubclass(module, nn.Module) and folded(name) in NAMES
    if module.__module__ == "torch.nn.modules.activation"
}
MODULES: dict[str, type[nn.Module]] = {}
FUNCTIONS: dict[str, Callable[..., Tensor]] = {}
for made in SPECS.values():
    OPERATORS[made.name] = Loss(made) if made.kind == "loss" else Operator(made)
    FUNCTIONS[made.name] = make_function(OPERATORS[made.name])
    if made.kind in ("elementwise", "rowwise", "gate"):
        bases = (Gate if made.kind == "gate" else Activation,)
        members: dict[str, Any] = {"operator": OPERATORS[made.name], "function": staticmethod(FUNCTIONS[made.name])}
        members |= {"__doc__": f"{made.title}, as a module.", "__module__": __name__}
        MODULES[made.name] = type(class_name(made.name), bases, members)
MODULES["prelu"] = PReLU
CLASSES = {module.__name__: module for module in MODULES.values()}
globals().update(FUNCTIONS | CLASSES)


def replacement(module: nn.Module) -> nn.Module:
    """Return the module to use in the place of one of torch.nn's: itself where there is none."""
    watched = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
    if any(getattr(module, hooks) for hooks in watched):
        return module
    if type(module) is nn.Softmax2d:
        return MODULES["softmax"](dim=-3)
    name = next((name for name, known in TORCH.items() if type(module) is known), None)
    if name is None or getattr(module, "dim", 0) is None:  # a softmax that guesses its dimension
        return module
    if isinstance(module, nn.PReLU):
        ours = PReLU()
        ours.weight = module.weight
        return ours
    if getattr(module, "approximate", "none") == "tanh":
        name = "gelu_tanh"
    if name in fa.GATES:
        return MODULES[name](dim=module.dim)
    options = {option: getattr(module, option) for option in OPERATORS[name].places if hasattr(module, option)}
    return MODULES[name](**options, inplace=getattr(module, "inplace", False))


def patch(model: nn.Module, only: Collection[type[nn.Module]] | None = None) -> nn.Module:
    """Put fastact's modules in the place of those activations of a model that are torch.nn's own.

    Parameters
    ----------
    model : torch.nn.Module
        A model on the CPU; it is changed. Weights, buffers and the names of modules stay.
    only : collection of types, optional
        The classes to replace, such as ``{nn.Mish, nn.Tanh}``; all of them by default.

    Returns
    -------
    torch.nn.Module
        The model, or, if it is an activation itself, what takes its place.

    Examples
    --------
    >>> from torch import nn
    >>> import fastact.torch
    >>> fastact.torch.patch(nn.Sequential(nn.Linear(2, 3), nn.Mish()))[1].__module__
    'fastact.torch'
    """

    def chosen(module: nn.Module) -> nn.Module:
        return replacement(module) if only is None or type(module) in only else module

    made: dict[int, nn.Module] = {}
    for parent in list(model.modules()):
        for name, child in parent.named_children():
            ours = made.setdefault(id(child), chosen(child))
            if ours is not child:
                setattr(parent, name, ours.train(child.training))
    return chosen(model).train(model.training)


__all__ = ["patch"]
__all__ += list(FUNCTIONS)
__all__ += list(CLASSES)
