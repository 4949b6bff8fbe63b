"""Fixtures that walk the catalogue: a new activation, and a target this machine can run, are picked up by every test.

Functions that tests share are in helpers.py.
"""

import os
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # read on import; spinning threads hold up tests on a busy machine

import numpy as np
import pytest

import fastact as fa
import helpers
from fastact.core import function as core

LANES = {
    "quick": "every promise on some of the inputs (default)",
    "full": "every promise on more inputs, the builds and other architectures",
    "all": "every combination of arguments, length and option: hours, by hand",
    "timing": "what is timed, which wants a quiet machine and no test beside it",
}


def pytest_addoption(parser):
    described = "; ".join(f"{name}: {what}" for name, what in LANES.items())
    parser.addoption("--lane", choices=list(LANES), default="quick", help=described)
    parser.addoption("--passed", metavar="FILE", help="write the names of the tests that pass to a file")
    parser.addoption(
        "--but", metavar="FILE", help="leave out tests that --passed wrote down, but for those marked sampled"
    )


def pytest_configure(config):
    os.environ.pop("PYTEST_ADDOPTS", None)  # tests that run pytest have options of their own
    config.addinivalue_line("markers", "full: the full lane only")
    config.addinivalue_line("markers", "slow: builds something or takes longer than some seconds; the full lane only")
    config.addinivalue_line("markers", "timing: compares times; the timing lane only")
    config.addinivalue_line("markers", "sampled: tries more inputs in later lanes, see helpers.by_lane")
    if config.option.passed and not hasattr(config, "workerinput"):
        config.pluginmanager.register(Passed(config.option.passed))
    helpers.lane = config.option.lane


def lane(item):
    """Return the first lane that runs a test.

    A module may have a function `in_quick_lane` of a test's parameters by name, `target` always among them.  Of the
    others the quick lane tries the best target and the baseline, whatever lies between in the full one.
    """
    if item.get_closest_marker("timing"):
        return "timing"
    if item.get_closest_marker("full") or item.get_closest_marker("slow"):
        return "full"
    if not hasattr(item, "callspec"):
        return "quick"
    chosen = getattr(item.module, "in_quick_lane", best_or_baseline)
    parameters = {"target": core.TARGET} | item.callspec.params
    for fixture in KINDS.keys() & parameters.keys():
        parameters["target"] = parameters[fixture][-1]
    return "quick" if chosen(**parameters) else "full"


def best_or_baseline(target, **_):
    return target not in core.TARGETS[1:-1]


class Passed:
    """Writes down which tests pass."""

    def __init__(self, path):
        self.path = path
        self.names = []

    def pytest_runtest_logreport(self, report):
        if report.when == "call" and report.passed:
            self.names.append(report.nodeid)

    def pytest_sessionfinish(self):
        Path(self.path).write_text("".join(name + "\n" for name in self.names), encoding="utf-8")


def pytest_collection_modifyitems(config, items):
    lanes = {"quick": {"quick"}, "full": {"quick", "full"}, "all": {"quick", "full"}, "timing": {"timing"}}[
        config.option.lane
    ]
    known = set(Path(config.option.but).read_text(encoding="utf-8").splitlines()) if config.option.but else set()
    runs = {item for item in items if lane(item) in lanes}
    runs -= {item for item in runs if item.nodeid in known and not item.get_closest_marker("sampled")}
    others = [item for item in items if item not in runs]
    if others:
        config.hook.pytest_deselected(items=others)
        items[:] = [item for item in items if item in runs]


def pytest_report_header(config):
    return f"lane: {config.option.lane}, {LANES[config.option.lane]}; others by --lane"


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config):
    """Where pytest-xdist is installed, the whole of a lane that times nothing runs on all CPUs."""
    if not config.pluginmanager.hasplugin("xdist") or hasattr(config, "workerinput"):
        return
    option = config.option
    whole = config.args_source is config.ArgsSource.TESTPATHS and not (option.usepdb or option.collectonly)
    if whole and option.lane != "timing" and option.numprocesses is None and option.dist == "no":
        option.numprocesses, option.dist = "auto", "worksteal"  # some tests take seconds, most take none


# Where every formula is tried.  Elsewhere the core is tested, which sees of an activation what `signature` says.
OF_FORMULAS = {"test_accuracy", "test_special_values", "test_same_bits", "test_documentation"}
KINDS = {
    "activation": ["elementwise"],
    "rowwise": ["rowwise"],
    "operation": ["elementwise", "rowwise"],
    "elementwise_operation": ["elementwise"],
}


def signature(activation):
    """Return what the core sees of an activation."""
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
            for target in core.TARGETS
        ]
        metafunc.parametrize(fixture, cases, ids=map("-".join, cases), indirect=True)


@pytest.fixture(params=[np.float32, np.float64], ids=["float32", "float64"])
def dtype(request):
    """A floating-point type."""
    return np.dtype(request.param)


@pytest.fixture(params=core.TARGETS)
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
    with helpers.parallel_threshold(0):
        yield
