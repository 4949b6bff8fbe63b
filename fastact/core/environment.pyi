from collections.abc import Callable
from typing import Any, TypeVar

_Result = TypeVar("_Result")

def in_default_mode(function: Callable[..., _Result], *args: Any, **keywords: Any) -> _Result: ...
def without_trace(function: Callable[..., _Result], *args: Any) -> _Result: ...
