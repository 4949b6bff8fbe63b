"""What `fastact.sklearn` and `fastact.keras` share: entries of another library that are replaced, and put back."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterable, Iterator, MutableMapping
from typing import Any

Place = tuple[MutableMapping[str, Any], str, object]  # a table, a name in it, and what is to stand there

MISSING = object()


class Patches:
    """Replacements that are made once, however often they are asked for, and undone when nobody wants them any more."""

    def __init__(self, places: Callable[[], Iterable[Place]]) -> None:
        self.places = places
        self.wanted = 0
        self.before: list[Place] = []
        self.lock = threading.RLock()

    def patch(self) -> None:
        with self.lock:
            if not self.wanted:
                for table, name, replacement in list(self.places()):  # all or, where it raises, nothing
                    self.before.append((table, name, table.get(name, MISSING)))
                    table[name] = replacement
            self.wanted += 1

    def unpatch(self) -> None:
        with self.lock:
            if not self.wanted:
                return
            self.wanted -= 1
            while not self.wanted and self.before:
                table, name, previous = self.before.pop()
                if previous is MISSING:
                    table.pop(name, None)
                else:
                    table[name] = previous

    def is_patched(self) -> bool:
        return self.wanted > 0

    @contextlib.contextmanager
    def patched(self) -> Iterator[None]:
        self.patch()
        try:
            yield
        finally:
            self.unpatch()
