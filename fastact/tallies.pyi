from typing import Any

from numpy.typing import NDArray

def tally(
    activation: Any, x: NDArray[Any], threshold: float, parameters: dict[str, float]
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any], int, int]: ...
