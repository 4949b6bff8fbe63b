"""Every promise is tested for every callable: some of its calls in the quick lane, all of them in the full one."""

import pytest

from contract import calls, lanes


def pytest_generate_tests(metafunc):
    if "found" in metafunc.fixturenames:
        cases = [pytest.param(lanes.quick(name), id=name) for name in calls.NAMES]
        cases += [pytest.param(lanes.full(name), id=f"{name}-all", marks=pytest.mark.full) for name in calls.NAMES]
        metafunc.parametrize("found", cases)
