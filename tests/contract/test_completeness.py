"""A callable, an operation or an argument that no contract test sees cannot exist."""

import inspect

import pytest

import fastact as fa
from contract import calls


def test_every_public_name_is_described():
    described = {call.name for call in calls.ALL}
    assert set(fa.__all__) == described | calls.NO_CALLABLES
    assert {*fa.ACTIVATIONS, *fa.GATES, *fa.REDUCTIONS} < described


@pytest.mark.parametrize("name", calls.NAMES)
def test_every_operation_and_every_argument_is_described(name):
    function = getattr(fa, name)
    found = calls.of(name)
    operations = {"forward"} | {each for each in dir(function) if callable(getattr(function, each)) and each[0] != "_"}
    assert {call.operation for call in found} == operations
    for operation in operations:
        described = [call for call in found if call.operation == operation]
        given = {operand.name for call in described for operand in call.operands}
        given |= {setting for call in described for setting in call.settings}
        called = function if operation == "forward" else getattr(function, operation)
        arguments = set(inspect.signature(called).parameters)
        if name == "diagnose":
            arguments -= {"activation", "parameters"}
            given &= arguments
        if operation == "backward" and function.kind == "elementwise" and "y" not in function.backward_from:
            arguments -= {"y"}  # which is there to be refused
        assert given == arguments


def test_representatives_have_every_callable_operation_and_operand():
    for seen in (
        lambda call: {(call.name, call.operation)},
        lambda call: {(calls.family_of(call.name), call.operation, operand.name) for operand in call.operands},
        lambda call: {(calls.family_of(call.name), setting) for setting in call.settings},
    ):
        assert set().union(*map(seen, calls.REPRESENTATIVES)) == set().union(*map(seen, calls.ALL))
