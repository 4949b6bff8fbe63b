"""The caller's code, which conversions run in the middle of a call, at every argument: whatever it does to the others, the
answer is right, for what they held before or after, or there is a clear error.  Never a crash, never a wrong number.

Memory that is given back goes back to the system at once here, and what is reused is poisoned.
"""

import functools
import unittest.mock
import warnings

import numpy as np
import pytest

import helpers
from contract import calls, processes

POISONED = {"MALLOC_MMAP_THRESHOLD_": "4096", "MALLOC_PERTURB_": "165"}
CLEAR = (TypeError, ValueError, OverflowError, BufferError)  # an AxisError is a ValueError


# What is done to another argument.


def shrink(array):
    array.resize((1,) * array.ndim, refcheck=False)


def empty(array):
    array.resize((0,) * max(1, array.ndim), refcheck=False)


def grow(array):
    array.resize(tuple(2 * extent for extent in array.shape), refcheck=False)


def turn(array):
    array.shape = array.shape[::-1]


def flatten(array):
    array.shape = (array.size,)


def rewrite(array):
    array[...] = 1 if array.dtype.kind == "b" else np.iinfo(array.dtype).max if array.dtype.kind in "iu" else -2.5


def retype(array):
    array.dtype = array.dtype.newbyteorder()


def lock(array):
    array.flags.writeable = False


ATTACKS = (shrink, rewrite, turn, flatten, grow, retype, lock, empty)


# How the code is run: what stands in the place of an argument.


class Array:
    def __init__(self, gives, attack):
        self.gives, self.attack = gives, attack

    def __array__(self, dtype=None, copy=None):
        self.attack()
        return self.gives


class Interface:
    def __init__(self, gives, attack):
        self.gives, self.attack = gives, attack

    @property
    def __array_interface__(self):
        self.attack()
        return self.gives.__array_interface__


class Capsule:
    def __init__(self, gives, attack):
        self.gives, self.attack = gives, attack

    def __dlpack__(self, **keywords):
        self.attack()
        return self.gives.__dlpack__(**keywords)

    def __dlpack_device__(self):
        self.attack()
        return self.gives.__dlpack_device__()


class Declines(Array):
    def __array_ufunc__(self, *args, **keywords):
        self.attack()
        return NotImplemented


class Number:
    def __init__(self, gives, attack):
        self.gives, self.attack = gives, attack

    def __float__(self):
        self.attack()
        return float(self.gives)

    def __index__(self):
        self.attack()
        return self.gives

    def __bool__(self):
        self.attack()
        return bool(self.gives)


class Text(str):
    def __new__(cls, gives, attack):
        made = super().__new__(cls, gives)
        made.attack = attack
        return made

    def __eq__(self, other):
        self.attack()
        return str.__eq__(self, other)

    def __hash__(self):
        self.attack()
        return str.__hash__(self)


def nested(gives, attack):
    """A list, one of whose numbers runs code."""
    listed = gives.tolist()
    if not isinstance(listed, list):
        return Number(listed, attack)
    inner = listed
    while inner and isinstance(inner[-1], list):
        inner = inner[-1]
    if inner:
        inner[-1] = Number(inner[-1], attack)
    return listed


def finalized(gives, attack):
    """A subclass, whose attributes run code."""

    class Attribute(np.ndarray):
        @property
        def shape(self):
            attack()
            return np.ndarray.shape.__get__(self)

        @property
        def dtype(self):
            attack()
            return np.ndarray.dtype.__get__(self)

        def view(self, *args):
            attack()
            return super().view(*args)

    return gives.view(Attribute)


STAND_INS = (Array, Interface, Capsule, Declines, nested, finalized)


def stand_ins(call, name, value):
    """Yield what may stand for an argument and runs code."""
    if isinstance(value, np.ndarray):
        yield from STAND_INS if not call.operand(name).is_written else STAND_INS[:4]
    elif isinstance(value, str):
        yield Text
    elif value is not None:
        yield Number


def combinations(call, names, arrays):
    """Yield who runs code, how, to whom, and what."""
    for who in names:
        value = arrays.get(who, call.settings.get(who))
        for how in stand_ins(call, who, value):
            for whom in arrays:
                if whom != who:
                    for what in ATTACKS:
                        if arrays[whom].ndim or what in (rewrite, retype, lock):
                            yield who, how, whom, what


def called(call, arguments):
    """Make a call by names, of operands and settings that stand in for others; return what it gives, copied."""
    settings = {name: value for name, value in arguments.items() if name in call.settings}
    args, keywords = call.arguments({name: value for name, value in arguments.items() if name not in settings})
    returned = call.function()(*args, **{**keywords, **settings})
    return [np.array(getattr(found, "gives", found)) for found in call.collect(returned, arguments)]


def same(got, want):
    """Whether results are the same to the bit."""
    return len(got) == len(want) and all(
        a.dtype == b.dtype and a.shape == b.shape and np.array_equal(a, b, equal_nan=True)
        for a, b in zip(got, want, strict=True)
    )


def attempt(call, shape, dtype, who, how, whom, what):
    """Return what is wrong about a call in which an argument runs code that does something to another."""
    arrays = call.make(shape, dtype)
    arrays |= call.new_outputs(arrays)
    before = called(call, {name: array.copy() for name, array in arrays.items()})
    done = []

    def attack():
        if not done:
            done.append(True)
            try:
                what(arrays[whom])
            except ValueError:
                done.append(False)  # someone holds its buffer

    given = arrays[who] if who in arrays else call.settings[who]
    arguments = {**arrays, who: how(given, attack)}
    written = {operand.name: arrays[operand.name] for operand in call.written if operand.name != whom}
    try:
        got = called(call, arguments)
    except CLEAR as error:
        if type(error) is not ValueError and type(error) is not TypeError and not str(error):
            return f"{type(error).__name__} without a message"
        if any((array != 7).any() for array in written.values()):
            return f"refused ({error}), but an output is written"
        return None
    if same(got, before):
        return None
    after = {name: array.copy() for name, array in arrays.items()}
    try:
        if same(got, called(call, after)):
            return None
    except CLEAR:
        pass
    return "a wrong answer"


def by_callable():
    """Yield the name of each callable, and its calls with a number each."""
    chosen = list(enumerate(calls.of_lane()))
    for name in calls.NAMES:
        own = [(number, call) for number, call in chosen if call.name == name]
        yield name, own if name != "diagnose" else own[:: helpers.by_lane(20, 10, 1)]


def attempts(own, chosen, every):
    """Make some of the attempts at some calls."""
    warnings.simplefilter("ignore")  # what sets shapes and types in place is not recommended
    for number, call in chosen:
        shapes = [shape for shape in ((512, 16), (16, 512), (4, 16, 128), (8192,)) if call.fits(shape)]
        dtype = (np.float64, np.float32)[number % 2]
        arrays = call.make(shapes[0], dtype)
        arrays |= call.new_outputs(arrays)
        for k, (who, how, whom, what) in enumerate(combinations(call, [*arrays, *call.settings], arrays)):
            if (k + number) % every:
                continue
            doing = f"{how.__name__} at {who} does {what.__name__} to {whom}"
            processes.note(f"{doing}, {call.id}")
            try:
                wrong = attempt(call, shapes[k % min(2, len(shapes))], dtype, who, how, whom, what)
            except Exception as error:
                wrong = processes.place(error)
            if wrong:
                own.add(call.id, f"{doing}: {wrong}")


def try_to_crash():
    findings, every = processes.Findings(), helpers.by_lane(11, 11, 5)
    processes.in_children(
        findings, [(name, functools.partial(attempts, chosen=chosen, every=every)) for name, chosen in by_callable()]
    )
    findings.finish()


@pytest.mark.sampled
def test_code_of_the_caller_at_any_argument_crashes_nothing_and_changes_no_answer():
    processes.succeeds(try_to_crash, **POISONED)


# Subclasses that lie.


def subclass(**members):
    return type("Lies", (np.ndarray,), members)


def raising(*args, **keywords):
    raise ZeroDivisionError("mine")


def finalizes(self, made_of):
    if type(self).armed:
        raise ZeroDivisionError("mine")


LIES = {
    "view() is None": subclass(view=lambda self, *args: None),
    "view() is a list": subclass(view=lambda self, *args: [1.0]),
    "view() is a type": subclass(view=lambda self, *args: np.ndarray),
    "view() is itself": subclass(view=lambda self, *args: self),
    "view() raises": subclass(view=raising),
    "view() is an array of none": subclass(view=lambda self, *args: np.empty((0,) * max(1, self.ndim), self.dtype)),
    "view() is complex": subclass(view=lambda self, *args: np.ones(np.ndarray.shape.__get__(self), complex)),
    "view() is of objects": subclass(view=lambda self, *args: np.full(np.ndarray.shape.__get__(self), None)),
    "shape is larger": subclass(shape=property(lambda self: tuple(1000 * n for n in np.ndarray.shape.__get__(self)))),
    "shape is no tuple": subclass(shape=property(lambda self: 3)),
    "shape raises": subclass(shape=property(raising)),
    "ndim is larger": subclass(ndim=property(lambda self: 70)),
    "size is larger": subclass(size=property(lambda self: 10**9)),
    "strides are larger": subclass(strides=property(lambda self: (10**9,) * 5)),
    "dtype is another": subclass(dtype=property(lambda self: np.dtype(np.float64))),
    "dtype is none": subclass(dtype=property(lambda self: None)),
    "dtype raises": subclass(dtype=property(raising)),
    "flags are none": subclass(flags=property(lambda self: None)),
    "data raises": subclass(data=property(raising)),
    "__array_finalize__ raises": subclass(armed=False, __array_finalize__=finalizes),
    "__array__ raises": subclass(__array__=raising),
    "__array_interface__ raises": subclass(__array_interface__=property(raising)),
    "__array_wrap__ raises": subclass(__array_wrap__=raising),
    "__getitem__ raises": subclass(__getitem__=raising),
    "__class__ lies": subclass(__class__=property(lambda self: dict)),
    "base raises": subclass(base=property(raising)),
    "astype() is None": subclass(astype=lambda self, *args, **keywords: None),
    "reshape() is None": subclass(reshape=lambda self, *args, **keywords: None),
    "copy() is None": subclass(copy=lambda self, *args, **keywords: None),
}


def tell(call, shape, dtype, who, lie):
    """Return what is wrong about a call one of whose operands is of a subclass that lies."""
    arrays = call.make(shape, dtype)
    arrays |= call.new_outputs(arrays)
    want = called(call, {name: array.copy() for name, array in arrays.items()})
    liar = arrays[who].view(LIES[lie])
    LIES[lie].armed = True
    args, keywords = call.arguments({**arrays, who: liar})
    try:
        returned = call.function()(*args, **keywords)
    except (ZeroDivisionError, *CLEAR) as error:
        if any((arrays[operand.name] != 7).any() for operand in call.written):
            return f"refused ({error}), but an output is written"
        return None
    finally:
        LIES[lie].armed = False
    found = call.collect(returned, {**arrays, who: liar})
    plain = [np.array(arrays[who]) if each is liar else np.array(each) for each in found]
    return None if same(plain, want) else "a wrong answer"


def lies(own, chosen, every):
    """Tell some of the lies at some calls."""
    mock = unittest.mock.Mock(spec=np.ndarray)
    for number, call in chosen:
        shape = next(shape for shape in ((40, 60), (4, 10, 60)) if call.fits(shape))
        dtype = (np.float64, np.float32)[number % 2]
        for place, operand in enumerate(call.operands):
            for k, lie in enumerate(LIES):
                if (k + number + place) % every:
                    continue
                processes.note(f"{call.id}, {operand.name}: {lie}")
                try:
                    wrong = tell(call, shape, dtype, operand.name, lie)
                except Exception as error:
                    wrong = processes.place(error)
                if wrong:
                    own.add(call.id, f"{operand.name}: {lie}: {wrong}")
            arrays = call.make(shape, dtype)
            args, keywords = call.arguments({**arrays, **call.new_outputs(arrays), operand.name: mock})
            processes.note(f"{call.id}, {operand.name}: a Mock of an array")
            try:
                call.function()(*args, **keywords)
                own.add(call.id, f"{operand.name}: a Mock of an array is taken")
            except TypeError:
                pass
            except Exception as error:
                own.add(call.id, f"{operand.name}: a Mock of an array: {processes.place(error)}")


def try_lies():
    findings, every = processes.Findings(), helpers.by_lane(7, 5, 2)
    processes.in_children(
        findings, [(name, functools.partial(lies, chosen=chosen, every=every)) for name, chosen in by_callable()]
    )
    findings.finish()


@pytest.mark.sampled
def test_a_subclass_that_lies_is_right_or_refused_at_any_operand():
    processes.succeeds(try_lies)
