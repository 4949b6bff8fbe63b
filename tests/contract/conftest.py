"""Every promise is tested for every callable; which of its calls are made, the lane says."""

import pytest

from contract import calls, lanes


def pytest_generate_tests(metafunc):
    if "found" in metafunc.fixturenames:
        metafunc.parametrize(
            "found", [pytest.param(name, marks=pytest.mark.sampled) for name in calls.NAMES], indirect=True
        )


@pytest.fixture
def found(request):
    """Calls of a callable."""
    return lanes.of_lane(request.param)
