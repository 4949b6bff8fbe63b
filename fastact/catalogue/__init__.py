"""The catalogue: one row per activation, family by family, as the kernels have them."""

from fastact.catalogue import algebraic, exponential, logistic, normal, piecewise, rows, softplus
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

__all__ = ["ROWS", "Parameter", "Row"]
