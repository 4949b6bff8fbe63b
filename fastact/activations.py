"""The functions: objects made of the catalogue, and how they are found by name."""

from __future__ import annotations

import difflib
import functools
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any, TypeVar

from fastact import catalogue
from fastact.core.function import Function, make

Functions = Mapping[str, Function]

FUNCTIONS: Functions = MappingProxyType({name: make(spec) for name, spec in catalogue.SPECS.items()})


class Preset:
    """A function under a name of another library, with that library's defaults; its methods have them too."""

    def __init__(self, name: str, function: Function, defaults: Mapping[str, object]) -> None:
        self.name, self.function, self.defaults = name, function, MappingProxyType(dict(defaults))
        self.parameters = MappingProxyType({**function.parameters, **defaults})
        own = function.__signature__
        changed = [each.replace(default=defaults.get(each.name, each.default)) for each in own.parameters.values()]
        self.__signature__ = own.replace(parameters=changed)

    def __call__(self, *args: Any, **keywords: Any) -> Any:
        return self.function(*args, **self.remaining(args, keywords))

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):  # of a copy that has nothing yet
            raise AttributeError(name)
        found = getattr(self.function, name)
        return functools.partial(found, **self.defaults) if isinstance(found, Function) else found

    def __reduce__(self) -> tuple[Callable[[str], object], tuple[str]]:
        return get, (self.name,)

    def __repr__(self) -> str:
        return f"<fastact.{self.function.name}{self.__signature__}>"

    def remaining(self, args: tuple[Any, ...], keywords: dict[str, Any]) -> dict[str, Any]:
        """Return the keywords of a call: defaults that were not given by position are among them."""
        by_position = list(self.function.parameters)[: max(len(args) - 1, 0)]
        return {**{name: value for name, value in self.defaults.items() if name not in by_position}, **keywords}


def folded(name: str) -> str:
    """Return a name without capitals and underscores, in which libraries differ: LogSigmoid, log_sigmoid, logsigmoid."""
    return name.replace("_", "").lower()


NAMES: Mapping[str, str] = MappingProxyType(
    {folded(name): spec.name for spec in catalogue.SPECS.values() for name in (spec.name, *spec.aliases)}
)
PRESETS: Mapping[str, tuple[str, Mapping[str, object]]] = MappingProxyType(
    {name: (spec.name, defaults) for spec in catalogue.SPECS.values() for name, defaults in spec.presets.items()}
)
# What other libraries have and the catalogue has not, with what serves the same end.
ELSEWHERE = {
    "gelu10": "it is np.clip(fa.gelu(x), -10, 10)",
    "hardmax": "it is x == x.max(axis, keepdims=True), which has no gradient",
    "laplace": "it is the normal distribution function of (x - sqrt(1/2)) / sqrt(1 / (4 pi))",
    "xielu": "it has weights that are learnt, in the exponent too",
}


def named(specs: Iterable[catalogue.Spec]) -> Functions:
    """Return the functions of some specs, by name."""
    return MappingProxyType({spec.name: FUNCTIONS[spec.name] for spec in specs})


ACTIVATIONS = named(catalogue.ACTIVATIONS)
GATES = named(catalogue.GATES)
REDUCTIONS = named(catalogue.REDUCTIONS)

Given = TypeVar("Given", bound=Callable[..., Any])


def get(name: str | Given) -> Function | Preset | Given:
    """Return a function by its name, in fastact's spelling or another library's.

    It knows the names of PyTorch, JAX, Keras, SciPy, ONNX and Hugging Face. Capitals and underscores do not matter, with one
    exception: "HardSigmoid", as ONNX writes it, has a slope of 0.2, and PyTorch's "Hardsigmoid" one of 1/6. Where a name means
    other defaults than fastact's, as here, the function that is returned has those of the name.

    Parameters
    ----------
    name : str or callable
        The name of an activation, a gated unit, a reduction or a loss. A callable is returned as it is.

    Returns
    -------
    callable
        The function.

    Raises
    ------
    ValueError
        If no function has this name; the message lists similar names.

    Examples
    --------
    >>> import fastact as fa
    >>> fa.get("expit")
    <fastact.sigmoid(x, *, bias=None, out=None)>
    >>> fa.get("LogSigmoid") is fa.log_sigmoid
    True
    >>> fa.get("HardSigmoid")
    <fastact.hard_sigmoid(x, slope=0.2, offset=0.5, *, bias=None, out=None)>
    """
    if callable(name):
        return name
    if not isinstance(name, str):
        raise TypeError(f"an activation's name must be a str, not {type(name).__name__}")
    if name in PRESETS:
        stands_for, defaults = PRESETS[name]
        return Preset(name, FUNCTIONS[stands_for], defaults)
    known = NAMES.get(folded(name))
    if known:
        return FUNCTIONS[known]
    raise ValueError(f"no activation is called {name!r}; {hint(name)}")


def hint(name: str) -> str:
    """Return what may have been meant by an unknown name."""
    if folded(name) in ELSEWHERE:
        return ELSEWHERE[folded(name)]
    close = dict.fromkeys(NAMES[found] for found in difflib.get_close_matches(folded(name), NAMES, n=3))
    return f"did you mean {' or '.join(close)}?" if close else f"there are {', '.join(FUNCTIONS)}"
