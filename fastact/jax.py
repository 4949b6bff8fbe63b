"""fastact for JAX: functions that ``jax.jit`` compiles a call of, with gradients, on the CPU.

Every function of the catalogue but `prelu` and the losses is here under its name, made of the C interface
(`signatures.bare_calls`). XLA calls the kernels itself, on its own threads: `_xla.c` is the handler.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from inspect import Parameter, Signature
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from fastact._xla import HANDLER
from fastact.catalogue import SPECS, Spec
from fastact.catalogue.signatures import REQUIRED, Argument, bare_calls

TARGET = "fastact"
ROLES = ("forward", "derivative", "backward", "backward_y")  # of fastact.h

jax.ffi.register_ffi_target(TARGET, HANDLER, platform="cpu")


def call(spec: Spec, role: str, parameters: tuple[float, ...], arrays: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return what a function of the C interface makes of arrays of one type; rows lie along the last axis."""
    full = arrays[-1]  # whatever a gradient's own shape is
    shape = full.shape[:-1] if spec.kind == "reduction" and role == "forward" else full.shape
    results = [jax.ShapeDtypeStruct(shape, full.dtype)] * (2 if spec.kind == "gate" and role == "backward" else 1)
    made = jax.ffi.ffi_call(TARGET, results, vmap_method="broadcast_all")
    numbers = {"parameters": np.array(parameters, np.float64)} if parameters else {}
    return tuple(made(*arrays, name=spec.name, role=np.int64(ROLES.index(role)), **numbers))


def inputs(spec: Spec) -> tuple[str, ...]:
    return spec.inputs or ("x",)


def options(spec: Spec) -> list[Argument]:
    """Return the parameters of a function."""
    return [argument for argument in bare_calls(spec)["forward"] if argument.role == "parameter"]


@functools.cache
def differentiable(name: str, parameters: tuple[float, ...]) -> Any:
    """Return a function of arrays, with its gradient: by the output, where that determines it."""
    spec = SPECS[name]
    limits = [a.limits_from_y or a.limits for a in options(spec)]
    by_output = spec.from_y and all(low <= value <= high for value, (low, high) in zip(parameters, limits, strict=True))

    @jax.custom_vjp
    def forward(*arrays: Any) -> Any:
        return call(spec, "forward", parameters, arrays)[0]

    def save(*arrays: Any) -> tuple[Any, tuple[Any, ...]]:
        y = forward(*arrays)
        return y, (y,) if by_output else arrays

    def gradients(saved: tuple[Any, ...], grad: Any) -> tuple[Any, ...]:
        backward = "backward_y" if by_output else "backward"
        if spec.kind != "gate":
            return call(spec, backward, parameters, (grad, *saved))
        # By name: glu has the value first, and the gate first going backward.
        named = dict(zip(inputs(spec), saved, strict=True))
        found = call(spec, backward, parameters, (grad, named["gate"], named["value"]))
        return tuple(found[name == "value"] for name in named)

    forward.defvjp(save, gradients)
    return forward


def signature(spec: Spec) -> Signature:
    """Return the signature of a function here: inputs, the axis of rows, and parameters."""
    kind = Parameter.POSITIONAL_OR_KEYWORD
    given = [Parameter(name, kind) for name in inputs(spec)]
    given += [Parameter("axis", kind, default=-1)] if spec.by_rows else []
    for a in options(spec):
        given.append(Parameter(a.name, kind, default=Parameter.empty if a.default is REQUIRED else a.default))
    return Signature(given)


def made(spec: Spec) -> Callable[..., Any]:
    """Return the function of a spec."""
    declared, count = signature(spec), len(inputs(spec))

    def function(*args: Any, **keywords: Any) -> Any:
        bound = declared.bind(*args, **keywords)
        bound.apply_defaults()
        given = list(bound.arguments.values())
        axis = given.pop(count) if spec.by_rows else -1
        arrays = jnp.broadcast_arrays(*given[:count])
        dtype = jnp.result_type(*arrays)
        dtype = dtype if jnp.issubdtype(dtype, jnp.floating) else jnp.result_type(float)
        wide = jnp.float64 if dtype == jnp.float64 else jnp.float32
        moved = [jnp.moveaxis(array.astype(wide), axis, -1) if spec.by_rows else array.astype(wide) for array in arrays]
        result = differentiable(spec.name, tuple(map(float, given[count:])))(*moved)
        if spec.kind == "rowwise":
            result = jnp.moveaxis(result, -1, axis)
        return result.astype(dtype)

    title = f"{spec.title}, as `fastact.{spec.name}`, for JAX."
    function.__name__ = function.__qualname__ = spec.name
    function.__doc__ = f"{title}\n\nParameters are numbers; the result has the type of the operands."
    function.__signature__ = declared  # type: ignore[attr-defined]
    return function


FUNCTIONS = {
    name: made(spec)
    for name, spec in SPECS.items()
    if "forward" in bare_calls(spec) and spec.kind != "channelwise"  # whose weight has a gradient too
}
globals().update(FUNCTIONS)
__all__ = list(FUNCTIONS)
