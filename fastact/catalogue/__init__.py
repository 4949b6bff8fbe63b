"""The catalogue: one Spec a function, family by family, as the kernels have them.

Names, formulas, bounds, arguments and documentation are declared here, and made into everything else: the core's slots,
docstrings, the stub, tests, benchmarks, the self-check, pages and pictures.
"""

from collections.abc import Mapping
from types import MappingProxyType

from fastact.catalogue import algebraic, exponential, gates, logistic, losses, normal, piecewise, rows, softplus
from fastact.catalogue.spec import Parameter, Spec

ACTIVATIONS: tuple[Spec, ...] = (
    *piecewise.SPECS,
    *algebraic.SPECS,
    *logistic.SPECS,
    *exponential.SPECS,
    *softplus.SPECS,
    *normal.SPECS,
    *rows.SPECS,
)
GATES: tuple[Spec, ...] = gates.SPECS
REDUCTIONS: tuple[Spec, ...] = rows.REDUCTIONS
LOSSES: tuple[Spec, ...] = losses.SPECS

SPECS: Mapping[str, Spec] = MappingProxyType({spec.name: spec for spec in (*ACTIVATIONS, *GATES, *REDUCTIONS, *LOSSES)})

__all__ = ["ACTIVATIONS", "GATES", "LOSSES", "REDUCTIONS", "SPECS", "Parameter", "Spec"]
