"""The catalogue: one row per activation, family by family, as the kernels have them."""

from collections.abc import Mapping
from types import MappingProxyType

from fastact.catalogue import algebraic, exponential, gates, logistic, losses, normal, piecewise, rows, softplus
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
LOSSES: tuple[Row, ...] = losses.ROWS

ROW: Mapping[str, Row] = MappingProxyType({row.name: row for row in (*ROWS, *REDUCTIONS)})

__all__ = ["GATES", "LOSSES", "REDUCTIONS", "ROW", "ROWS", "Parameter", "Row"]
