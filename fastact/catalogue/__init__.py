"""The catalogue: one row per activation, family by family, as the kernels have them."""

from fastact.catalogue import algebraic, exponential, gates, logistic, normal, piecewise, rows, softplus
from fastact.catalogue.row import Parameter, Row

ROWS: tuple[Row, ...] = (
    *piecewise.ROWS,
    *algebraic.ROWS,
    *logistic.ROWS,
    *exponential.ROWS,
    *softplus.ROWS,
    *normal.ROWS,
    *rows.ROWS,
)
GATES: tuple[Row, ...] = gates.ROWS
REDUCTIONS: tuple[Row, ...] = rows.REDUCTIONS

__all__ = ["GATES", "REDUCTIONS", "ROWS", "Parameter", "Row"]
