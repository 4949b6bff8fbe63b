"""Floating-point control and status: a call leaves both as they were, on the caller and on every worker, and gives the
right bits whatever they are.

State is read from the registers themselves: NumPy clears the flags before it looks at them.
"""

import platform
import warnings

import numpy as np
import pytest

import fastact as fa
import helpers
from contract import calls, processes

X86 = platform.machine().lower() in ("x86_64", "amd64")
ARM = platform.machine().lower() in ("aarch64", "arm64")
pytestmark = pytest.mark.skipif(not (X86 or ARM), reason="does not know the registers")

# Control and status as a caller may have left them.
if X86:
    STATES = {
        "default": (0x1F80,),
        "every flag raised": (0x1FBF,),
        "one flag raised": (0x1F81,),
        "subnormals off": (0x9FC0,),
        "flush to zero": (0x9F80,),
        "subnormals are zero": (0x1FC0,),
        "rounding down": (0x3F80,),
        "rounding up": (0x5F80,),
        "rounding to zero": (0x7F80,),
        "subnormals off, rounding up, flags": (0xDFFF,),
    }
else:
    STATES = {
        "default": (0, 0),
        "every flag raised": (0, 0x9F),
        "one flag raised": (0, 1),
        "subnormals off": (1 << 24, 0),
        "rounding up": (1 << 22, 0),
        "rounding down": (2 << 22, 0),
        "rounding to zero": (3 << 22, 0),
        "subnormals off, rounding up, flags": (1 << 24 | 1 << 22, 0x9F),
    }
DEFAULT = STATES["default"]


@pytest.fixture(autouse=True)
def registers():
    """Put the state back: pytest itself should not run without subnormals."""
    before = helpers.read_registers()
    yield
    helpers.write_registers(before)


def under(state, function, *args, **keywords):
    """Return what a call returns when made in a floating-point state, and the state it leaves."""
    before = helpers.read_registers()
    helpers.write_registers(state)
    try:
        result = function(*args, **keywords)
    finally:
        after = helpers.read_registers()
        helpers.write_registers(before)
    return result, after


def misaligned(array):
    """Return a copy one byte away from where its type should stand."""
    memory = np.empty(array.nbytes + 1, np.uint8)[1:]
    view = memory.view(array.dtype).reshape(array.shape) if array.size else array
    view[...] = array
    return view


def strided(array):
    """Return a copy of which every other element along the last axis counts, backwards."""
    return np.repeat(array, 2, axis=-1)[..., ::-2][..., ::-1] if array.ndim else array


def some_shape(call, *shapes):
    return next((shape for shape in shapes if call.fits(shape)), None)


def whole_numbers(call):
    """Return the inputs that integers are made for, with their type: where there must be no 0, they are not."""
    found = [operand for operand in call.inputs if operand.values in (calls.real, calls.share)]
    return {operand.name: np.int32 for operand in found if np.int32 in operand.dtypes}


def ways(call):
    """Yield (name, arrays) for every path of a call: given outputs and new ones, small, strided, misaligned, mixed."""
    large, small = some_shape(call, (601,), (37, 17), (9, 11, 3)), some_shape(call, (3,), (3, 3), (2, 2, 2))
    for dtype in (np.float32, np.float64):
        named = np.dtype(dtype).name
        arrays = call.make(large, dtype, wild=True)
        outputs = call.new_outputs(arrays)
        yield f"{named} into outputs", {**arrays, **outputs}
        sums = {operand.name: outputs[operand.name] for operand in call.written if operand.role == calls.SUM}
        yield f"{named} into a new array", {**arrays, **sums}
        yield (
            f"{named} strided",
            {key: strided(array) for key, array in arrays.items()} | {k: strided(out) for k, out in outputs.items()},
        )
        yield (
            f"{named} misaligned",
            {k: misaligned(array) for k, array in arrays.items()} | {k: misaligned(out) for k, out in outputs.items()},
        )
        few = call.make(small, dtype, wild=True)
        yield f"{named} small", {**few, **call.new_outputs(few)}
    inputs = [operand.name for operand in call.inputs if operand.role in (calls.INPUT, calls.VECTOR)]
    inputs = [name for name in inputs if np.float64 in call.operand(name).dtypes]
    for place in range(len(inputs)):  # one narrower, one wider than the others
        for narrow, wide in ((np.float32, np.float64), (np.float64, np.float32))[: 1 if len(inputs) == 1 else 2]:
            mixed = {name: narrow if k == place else wide for k, name in enumerate(inputs)}
            arrays = call.make(large, mixed, wild=True)
            yield f"{mixed}", {**arrays, **call.new_outputs(arrays)}
    integers = whole_numbers(call)
    if integers:
        arrays = call.make(large, dict.fromkeys(inputs, np.float64) | integers)
        yield "integers", {**arrays, **call.new_outputs(arrays)}
    if call.fits(()):
        arrays = call.make((), np.float32)
        yield "0-d", {**arrays, **call.new_outputs(arrays)}


def made(call, arrays, target, state):
    """Return everything a call gives in a floating-point state, and the state it leaves."""
    for operand in call.written:
        if operand.name in arrays:
            arrays[operand.name][...] = 7
    args, keywords = call.arguments(arrays)
    returned, after = under(state, call.function(target), *args, **keywords)
    return [np.array(found) for found in call.collect(returned, arrays)], after


def try_states(target, chosen, states):
    findings = processes.Findings()
    for call in chosen:
        for way, arrays in ways(call):
            try:
                want, _ = made(call, arrays, target, DEFAULT)
                for state in states:
                    got, after = made(call, arrays, target, STATES[state])
                    if after != STATES[state]:
                        findings.add(f"{call.id} ({way})", f"{state}: registers {[*map(hex, after)]} are left behind")
                    for name, a, b in zip(call.results, got, want, strict=True):
                        findings.same(a, b, f"{call.id} ({way})", f"{state}: {name}")
            except Exception as error:
                findings.add(f"{call.id} ({way})", processes.place(error))
    findings.check()


def thinned(chosen, step):
    """Every step-th call of diagnose, which is the same for all activations, and all others."""
    return [call for k, call in enumerate(chosen) if call.name != "diagnose" or k % step == 0]


def test_the_registers_read_are_the_registers_written():
    for state in STATES.values():
        helpers.write_registers(state)
        assert helpers.read_registers() == state


def test_a_call_leaves_control_and_status_as_they_were_and_gives_the_right_bits_in_any(target):
    some = ("subnormals off", "rounding up", "every flag raised")
    try_states(target, thinned(calls.REPRESENTATIVES, 8), some)


@pytest.mark.sampled
@pytest.mark.full
def test_every_call_leaves_control_and_status_as_they_were_and_gives_the_right_bits_in_any(target):
    some = tuple(STATES)[:4:3] + tuple(STATES)[-1:]
    try_states(target, calls.of_lane()[helpers.TARGETS.index(target) :: helpers.by_lane(3, 3, 1)], some)
    try_states(target, calls.REPRESENTATIVES, tuple(STATES))


def try_workers(target, chosen, states):
    findings, count = processes.Findings(), 3
    for call in chosen:
        shape = some_shape(call, (53, 97), (6, 9, 97))
        for dtype in (np.float32, np.float64):
            arrays = call.make(shape, dtype, wild=True)
            arrays |= call.new_outputs(arrays)
            turned = {key: strided(array) for key, array in arrays.items()}
            for state in states:
                for way, given in (("contiguous", arrays), ("strided", turned)):
                    with fa.num_threads(1):
                        want, _ = made(call, given, target, DEFAULT)
                    with fa.num_threads(count), helpers.parallel_threshold(0):
                        helpers.write_worker_registers(count, STATES[state])
                        try:
                            got, after = made(call, given, target, STATES[state])
                            workers = helpers.worker_registers(count)
                        finally:
                            helpers.write_worker_registers(count, DEFAULT)
                    where = f"{np.dtype(dtype).name} {way}, {state}"
                    # the first worker is the caller, whose state was put back before
                    if after != STATES[state] or workers[1:] != [STATES[state]] * (count - 1):
                        findings.add(call.id, f"{where}: registers {after} {workers} are left behind")
                    for name, a, b in zip(call.results, got, want, strict=True):
                        findings.same(a, b, call.id, f"{where}: {name}")
    findings.check()


with_openmp = pytest.mark.skipif(not fa.show_config(mode="dicts")["openmp"], reason="built without OpenMP")


@with_openmp
def test_workers_keep_their_registers_and_give_the_right_bits():
    try_workers(None, thinned(calls.REPRESENTATIVES, 8), ("subnormals off, rounding up, flags",))


@with_openmp
@pytest.mark.full
def test_workers_on_every_target_keep_their_registers_and_give_the_right_bits(target):
    try_workers(target, calls.REPRESENTATIVES, tuple(STATES))


def first_calls():
    """Every callable in every way, each for the first time in this process."""
    findings = processes.Findings()
    for call in calls.REPRESENTATIVES:
        shape = some_shape(call, (3,), (3, 4), (2, 3, 4))
        arrays = call.make(shape, np.float32)
        lists = {k: array.tolist() if k in [o.name for o in call.inputs] else array for k, array in arrays.items()}
        doubles = {o.name: np.float64 for o in call.inputs if np.float64 in o.dtypes}
        whole = call.make(shape, doubles | whole_numbers(call))
        scalars = call.make((), np.float64) if call.fits(()) else whole
        for way, given, like in (
            ("arrays", arrays, arrays),
            ("lists", lists, call.make(shape, np.float64)),
            ("integers", whole, whole),
            ("memoryviews", {k: memoryview(array) if array.ndim else array for k, array in arrays.items()}, arrays),
            ("scalars", {k: array[()] for k, array in scalars.items()}, scalars),
        ):
            sums = {k: v for k, v in call.new_outputs(like).items() if call.operand(k).role == calls.SUM}
            args, keywords = call.arguments({**given, **sums})
            try:
                after = under(DEFAULT, call.function(), *args, **keywords)[1]
            except Exception as error:
                findings.add(f"{call.id} ({way})", processes.place(error))
                continue
            if after != DEFAULT:
                findings.add(f"{call.id} ({way})", f"registers {[*map(hex, after)]} are left behind")
    findings.finish()


def test_the_first_calls_of_a_process_leave_control_and_status_as_they_were():
    """What is imported or set up late would raise flags: reading the time of a file is floating-point arithmetic."""
    processes.succeeds(first_calls)


def test_a_refused_call_leaves_control_and_status_as_they_were():
    state, findings = STATES["subnormals off, rounding up, flags"], processes.Findings()
    for call in calls.REPRESENTATIVES:
        arrays = call.make(some_shape(call, (3,), (3, 4), (2, 3, 4)), np.float32)
        arrays |= call.new_outputs(arrays)
        for operand in call.operands:
            wrong = np.ones(np.shape(arrays[operand.name]), complex)
            args, keywords = call.arguments(arrays | {operand.name: wrong})
            function = call.function()

            def refused(function=function, args=args, keywords=keywords):
                try:
                    function(*args, **keywords)
                except TypeError:
                    return True
                return False

            result, after = under(state, refused)
            if not result:
                findings.add(call.id, f"complex {operand.name} is taken")
            if after != state:
                findings.add(call.id, f"complex {operand.name}: registers {[*map(hex, after)]} are left behind")
    findings.check()


def trapped():
    """Every call in a process whose floating-point exceptions trap: one in a kernel would end it."""
    state = (0x1F80 & ~0x0E80,)  # invalid, division by zero, overflow and underflow trap
    findings = processes.Findings()

    def attempt(name):
        def function(own):
            for call in [call for call in chosen if call.name == name]:
                for way, arrays in ways(call):
                    processes.note(f"{call.id}: {way}")
                    args, keywords = call.arguments(arrays)
                    try:
                        after = under(state, call.function(), *args, **keywords)[1]
                    except Exception as error:
                        own.add(f"{call.id} ({way})", processes.place(error))
                        continue
                    if after != state:
                        own.add(f"{call.id} ({way})", f"registers {[*map(hex, after)]} are left behind")

        return name, function

    chosen = thinned(calls.REPRESENTATIVES, 8)
    processes.in_children(findings, map(attempt, calls.NAMES))
    findings.finish()


@pytest.mark.skipif(not X86, reason="unmasks exceptions in MXCSR")
def test_a_caller_who_traps_exceptions_is_not_trapped():
    processes.succeeds(trapped)


def test_no_floating_point_error_is_raised_or_warned_of(target):
    findings = processes.Findings()
    for setting in ("raise", "warn"):
        for call in thinned(calls.REPRESENTATIVES, 4):
            for way, arrays in ways(call):
                try:
                    with np.errstate(all=setting), warnings.catch_warnings():
                        warnings.simplefilter("error")
                        args, keywords = call.arguments(arrays)
                        call.function(target)(*args, **keywords)
                except Exception as error:
                    findings.add(call.id, f"{way}, {setting}: {processes.place(error)}")
    findings.check()


@pytest.mark.parametrize("size", ["tiny", "huge"])
def test_no_floating_point_error_is_raised_for_vectors_that_do_not_fit_the_type(size):
    """A weight or a bias that underflows or overflows where it is converted."""
    findings = processes.Findings()
    for call in calls.REPRESENTATIVES:
        for operand in call.inputs:
            if operand.role not in (calls.VECTOR, calls.INPUT) or np.float64 not in operand.dtypes:
                continue
            arrays = call.make(some_shape(call, (3,), (3, 4), (2, 3, 4)), np.float32)
            value = 1e-300 if size == "tiny" else 1e300
            arrays[operand.name] = np.full(arrays[operand.name].shape, value)
            arrays |= {k: v for k, v in call.new_outputs(arrays).items() if call.operand(k).role == calls.SUM}
            try:
                with np.errstate(all="raise"):
                    args, keywords = call.arguments(arrays)
                    call.function()(*args, **keywords)
            except (TypeError, ValueError):
                pass  # out of range
            except Exception as error:
                findings.add(call.id, f"{size} {operand.name}: {processes.place(error)}")
    findings.check()
