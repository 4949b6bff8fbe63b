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


# Where every formula is tried.  Elsewhere the engine is tested, which sees of an activation what `signature` says.
OF_FORMULAS = {"test_accuracy", "test_special_values", "test_same_bits", "test_guard_pages", "test_documentation"}
KINDS = {
    "activation": ["elementwise"],
    "rowwise": ["rowwise"],
    "operation": ["elementwise", "rowwise"],
    "elementwise_operation": ["elementwise"],
}


def signature(activation):
    """Return what the engine sees of an activation."""
    return activation.kind, len(activation.parameters), len(helpers.typical(activation)), activation.backward_from


def representatives():
    """Return the first activation of every signature."""
    found = {}
    for activation in fa.ACTIVATIONS.values():
        found.setdefault(signature(activation), activation)
    return list(found.values())


def pytest_generate_tests(metafunc):
    everything = metafunc.module.__name__ in OF_FORMULAS
    own = {mark.args[0] for mark in metafunc.definition.iter_markers("parametrize")}
    for fixture in sorted(KINDS.keys() & set(metafunc.fixturenames) - own):
        chosen = fa.ACTIVATIONS.values() if everything else representatives()
        cases = [
            (activation.name, *kind, target)
            for activation in chosen
            if activation.kind in KINDS[fixture]
            for kind in ([[kind] for kind in helpers.kinds(activation)] if "operation" in fixture else [[]])
            for target in engine.TARGETS
        ]
        metafunc.parametrize(fixture, cases, ids=map("-".join, cases), indirect=True)


@pytest.fixture(params=[np.float32, np.float64], ids=["float32", "float64"])
def dtype(request):
    """A floating-point type."""
    return np.dtype(request.param)


@pytest.fixture(params=engine.TARGETS)
def target(request):
    """The name of a target that this machine can run."""
    return request.param


@pytest.fixture
def activation(request):
    """An elementwise activation bound to a target."""
    return helpers.on_target(*request.param)


@pytest.fixture
def rowwise(request):
    """A rowwise activation bound to a target."""
    return helpers.on_target(*request.param)


@pytest.fixture
def operation(request):
    """Anything an activation computes, bound to a target: see helpers.Operation."""
    name, kind, target = request.param
    return helpers.Operation(helpers.on_target(name, target), kind)


@pytest.fixture
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
