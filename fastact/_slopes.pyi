from typing import Any

from numpy.typing import NDArray

from fastact.core.function import Function

def slope_statistics(
    activation: Function, x: NDArray[Any], threshold: float, parameters: dict[str, float]
) -> tuple[NDArray[Any], NDArray[Any], float, int, int]: ...
