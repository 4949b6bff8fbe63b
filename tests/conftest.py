"""Fixtures that walk the catalogue: a new activation, and a target this machine can run, are picked up by every test.

Functions that tests share are in helpers.py.
"""

import os

os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # read on import; spinning threads hold up tests on a busy machine

import numpy as np
import pytest

import fastact as fa
import helpers
from fastact import engine


def pytest_configure(config):
    config.addinivalue_line("markers", "slow: builds something or takes longer than some seconds")


def on_every_target(kind):
    return [
        pytest.param((name, target), id=f"{name}-{target}")
        for name, activation in fa.ACTIVATIONS.items()
        if activation.kind == kind
        for target in engine.TARGETS
    ]


def operations_on_every_target(*kinds_of_activation):
    return [
        pytest.param((name, kind, target), id=f"{name}-{kind}-{target}")
        for name, activation in fa.ACTIVATIONS.items()
        if activation.kind in kinds_of_activation
        for kind in helpers.kinds(activation)
        for target in engine.TARGETS
    ]


@pytest.fixture(params=[np.float32, np.float64], ids=["float32", "float64"])
def dtype(request):
    """A floating-point type."""
    return np.dtype(request.param)


@pytest.fixture(params=engine.TARGETS)
def target(request):
    """The name of a target that this machine can run."""
    return request.param


@pytest.fixture(params=on_every_target("elementwise"))
def activation(request):
    """An elementwise activation bound to a target."""
    return helpers.on_target(*request.param)


@pytest.fixture(params=on_every_target("rowwise"))
def rowwise(request):
    """A rowwise activation bound to a target."""
    return helpers.on_target(*request.param)


@pytest.fixture(params=operations_on_every_target("elementwise", "rowwise"))
def operation(request):
    """Anything an activation computes, bound to a target: see helpers.Operation."""
    name, kind, target = request.param
    return helpers.Operation(helpers.on_target(name, target), kind)


@pytest.fixture(params=operations_on_every_target("elementwise"))
def elementwise_operation(request):
    """Anything an elementwise activation computes, bound to a target."""
    name, kind, target = request.param
    return helpers.Operation(helpers.on_target(name, target), kind)


@pytest.fixture
def always_parallel():
    """Even the smallest work is shared out over threads."""
    previous = engine.set_parallel_threshold(0)
    yield
    engine.set_parallel_threshold(previous)
