from contextvars import ContextVar
from typing import Any

BLOCKS_AROUND: ContextVar[Any]
OPENMP: int
__pyx_capi__: dict[str, Any]

def set_default_threads(n: int) -> None: ...
def allowed_threads() -> int: ...
def bound_cpus() -> int: ...
