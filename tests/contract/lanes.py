"""Which calls of a callable a test tries, with which shapes, types and targets: these take turns.

A test that takes `found` loops over `found.cases(shapes, each)`: calls of one callable, those that the running lane tries;
each with some of the shapes that fit, from one call to the next others.
"""

import dataclasses
import functools
import itertools
import math

import numpy as np

import helpers
from contract import calls


@dataclasses.dataclass(frozen=True)
class Case:
    """A call, the principal shape, the type of all real operands, and a target."""

    call: calls.Call
    shape: tuple[int, ...]
    dtype: np.dtype
    target: str
    number: int  # another one for every case, so a seed; of every remainder, so a choice

    @functools.cached_property
    def description(self):
        return f"{self.call.text()} [{self.call.id}], shape {self.shape}, {self.dtype}, {self.target}"

    def __str__(self):
        return self.description

    def make(self, dtypes=None, wild=False):
        return self.call.make(self.shape, self.dtype if dtypes is None else dtypes, self.number, wild)

    def run(self, arrays):
        return self.call.run(arrays, self.target)

    @property
    def sums(self):
        """Whether anything is added up over elements, so that one NaN would hide the others."""
        return self.call.results != ("out",) or self.call.operation == "jacobian"


@dataclasses.dataclass(frozen=True)
class Found:
    """Calls of one callable, each with a number."""

    name: str
    calls: tuple[tuple[int, calls.Call], ...]

    def cases(self, shapes, each, targets=helpers.TARGETS):
        turns = list(itertools.product(targets, (np.float32, np.float64)))
        for number, call in self.calls:
            fitting = [shape for shape in shapes if call.fits(shape) and not enormous(call, shape)]
            for k in range(min(each, len(fitting))):
                target, dtype = turns[(number + k + k // len(turns)) % len(turns)]
                shape = fitting[(number * each + k) % len(fitting)]
                yield Case(call, shape, np.dtype(dtype), target, 1009 * number + k)


def enormous(call, shape):
    """Whether a result has more than a million elements."""
    return call.operation == "jacobian" and math.prod(shape) * max(shape, default=1) > 10**6


@functools.cache
def of_lane(name):
    """Those that the running lane tries."""
    return Found(name, tuple((number, call) for number, call in enumerate(calls.of_lane()) if call.name == name))
