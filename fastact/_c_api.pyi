API: object
ADDRESS: int
RUN: int
SIZE: int
OVERLAP: int
MEMORY: int
REASONS: dict[int, str]

def addresses() -> dict[tuple[str, str, int], int]: ...
