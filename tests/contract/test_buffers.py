"""Whatever lies in memory of the CPU is read where it lies, at every operand, and written through as an output: what is
returned is the very object that was given.
"""

import array
import itertools
import mmap

import numpy as np
import pytest

import helpers
from contract import calls, processes

SHAPES = ((60,), (6, 10), (2, 5, 6))


class HasArray:
    """Offers __array__ and nothing else."""

    def __init__(self, values):
        self.values = values

    def __array__(self, dtype=None, copy=None):
        return self.values


class HasDLPack:
    """Offers DLPack and nothing else."""

    def __init__(self, values):
        self.values = values

    def __dlpack__(self, **keywords):
        return self.values.__dlpack__(**keywords)

    def __dlpack_device__(self):
        return self.values.__dlpack_device__()


class HasInterface:
    """Offers __array_interface__ and nothing else."""

    def __init__(self, values):
        self.values = values
        self.__array_interface__ = values.__array_interface__


class Subclass(np.ndarray):
    """An array by another name."""


class Copies:
    """Gives a new array each time: what is written into it is lost."""

    def __init__(self, values):
        self.values = values

    def __array__(self, dtype=None, copy=None):
        if copy is False:
            raise ValueError("cannot be had without a copy")
        return self.values.copy()


def as_array_array(values):
    kind = values.dtype.char if values.dtype.char in "fdbBhHiIlLqQ" else None
    return array.array(kind, values.tolist()) if kind and values.ndim == 1 else None


def as_ctypes(values):
    kind = np.ctypeslib.as_ctypes_type(values.dtype)
    for extent in reversed(values.shape):
        kind = kind * extent
    return kind.from_buffer_copy(values.tobytes()) if values.ndim else None


def as_cast(values):
    return (
        memoryview(bytearray(values.tobytes())).cast("B").cast(values.dtype.char, values.shape) if values.ndim else None
    )


def in_a_map(values):
    memory = mmap.mmap(-1, max(1, values.nbytes))
    made = np.frombuffer(memory, values.dtype, values.size).reshape(values.shape)
    made[...] = values
    return made


WRAPPERS = {
    "array.array": as_array_array,
    "memoryview": lambda values: memoryview(values.copy()),
    "a cast memoryview": as_cast,
    "ctypes": as_ctypes,
    "mmap": in_a_map,
    "__array__": lambda values: HasArray(values.copy()),
    "__dlpack__": lambda values: HasDLPack(values.copy()),
    "__array_interface__": lambda values: HasInterface(values.copy()),
    "a subclass": lambda values: values.copy().view(Subclass),
}
STRIDED = {
    "a strided memoryview": lambda values: memoryview(np.repeat(values, 2, axis=0))[::2] if values.ndim == 1 else None,
    "a strided __array__": lambda values: HasArray(np.repeat(values, 2, axis=-1)[..., ::2]) if values.ndim else None,
    "a strided __dlpack__": lambda values: HasDLPack(np.repeat(values, 2, axis=-1)[..., ::2]) if values.ndim else None,
}


def content(wrapped):
    """Return what a wrapped buffer holds now, read without the help of fastact."""
    return np.array(getattr(wrapped, "values", wrapped))


def by_wrapper(wrap, chosen):
    findings = processes.Findings()
    for k, call in enumerate(chosen):
        shape = next(shape for shape in SHAPES if call.fits(shape))
        arrays = call.make(shape, (np.float32, np.float64)[k % 2])
        outputs = call.new_outputs(arrays)
        want = dict(
            zip(call.results, call.run({key: a.copy() for key, a in {**arrays, **outputs}.items()}), strict=True)
        )
        for names in (*[[operand.name] for operand in call.operands], [operand.name for operand in call.operands]):
            given = {**arrays, **{key: np.full_like(out, 7) for key, out in outputs.items()}}
            wrapped = {name: wrap(given[name]) for name in names}
            wrapped = {name: value for name, value in wrapped.items() if value is not None}
            given |= wrapped
            args, keywords = call.arguments(given)
            try:
                found = call.collect(call.function()(*args, **keywords), given)
            except TypeError as error:
                lost = [name for name in wrapped if name in outputs and "copy" in str(error)]
                if not lost:
                    findings.add(call.id, f"{', '.join(names)}: {processes.place(error)}")
                continue
            except Exception as error:
                findings.add(call.id, f"{', '.join(names)}: {processes.place(error)}")
                continue
            for name, value in zip(call.results, found, strict=True):
                findings.same(content(value), want[name], call.id, f"{name}, {', '.join(names)} wrapped")
    findings.check()


def thinned():
    return [call for k, call in enumerate(calls.REPRESENTATIVES) if call.name != "diagnose" or k % 10 == 0]


@pytest.mark.parametrize("wrap", [*WRAPPERS.values(), *STRIDED.values()], ids=[*WRAPPERS, *STRIDED])
def test_a_buffer_is_read_and_written_through_at_every_operand(wrap):
    by_wrapper(wrap, thinned())


@pytest.mark.sampled
@pytest.mark.full
@pytest.mark.parametrize("wrap", [*WRAPPERS.values(), *STRIDED.values()], ids=[*WRAPPERS, *STRIDED])
def test_a_buffer_is_read_and_written_through_at_every_operand_of_every_call(wrap):
    by_wrapper(wrap, calls.of_lane()[:: helpers.by_lane(2, 2, 1)])


def test_a_memmap_is_read_and_written_through_at_every_operand(tmp_path):
    numbers = itertools.count()

    def wrap(values):
        path = tmp_path / f"{next(numbers)}.npy"
        np.save(path, values)
        return np.load(path, mmap_mode="r+") if values.ndim else None

    by_wrapper(wrap, thinned()[::3])


def test_what_cannot_be_written_through_is_refused_as_any_output():
    findings = processes.Findings()
    for call in thinned():
        shape = next(shape for shape in SHAPES if call.fits(shape))
        arrays = call.make(shape, np.float64)
        outputs = call.new_outputs(arrays)
        for operand in call.written:
            out = outputs[operand.name]
            locked = out.copy()
            locked.flags.writeable = False
            for kind, wrong in {
                "a copy": Copies(out),
                "bytes": out.tobytes(),
                "a read-only memoryview": memoryview(out.copy()).toreadonly(),
                "a read-only __array__": HasArray(locked),
                "a read-only __array_interface__": HasInterface(locked),
            }.items():
                args, keywords = call.arguments({**arrays, **outputs, operand.name: wrong})
                try:
                    call.function()(*args, **keywords)
                    findings.add(call.id, f"{operand.name}: {kind} is taken")
                except (TypeError, ValueError) as error:
                    if operand.name not in str(error):
                        findings.add(call.id, f"{kind}: '{error}' does not name {operand.name}")
                except Exception as error:
                    findings.add(call.id, f"{operand.name}: {kind}: {processes.place(error)}")
                if any((each != 7).any() for each in (*outputs.values(), locked)):
                    findings.add(call.id, f"{operand.name}: {kind} is refused, but something is written")
    findings.check()


def test_no_buffer_is_kept_after_a_call_or_a_refusal():
    """A bytearray cannot be resized while anyone holds its buffer."""
    findings = processes.Findings()
    for call in thinned():
        shape = next(shape for shape in SHAPES if call.fits(shape))
        arrays = call.make(shape, np.float32)
        arrays |= call.new_outputs(arrays)
        for operand in call.operands:
            value = arrays[operand.name]
            if not value.ndim:
                continue
            for kind in ("given", "of another shape"):
                memory = bytearray(value.tobytes())
                view = memoryview(memory).cast("B").cast(value.dtype.char, value.shape)
                if kind != "given":
                    view = memoryview(memory)
                args, keywords = call.arguments({**arrays, operand.name: view})
                try:
                    call.function()(*args, **keywords)
                except (TypeError, ValueError):
                    if kind == "given":
                        findings.add(call.id, f"{operand.name}: a memoryview is refused")
                del args, keywords
                view.release()
                try:
                    memory.extend(b"more")
                except BufferError:
                    findings.add(call.id, f"{operand.name}, {kind}: its buffer is kept")
    findings.check()


def test_dlpack_elsewhere_than_on_the_cpu_is_refused_at_every_operand():
    class OnGPU(HasDLPack):
        def __dlpack_device__(self):
            return (2, 0)

        def __dlpack__(self, **keywords):
            raise BufferError("not on the CPU")

    findings = processes.Findings()
    for call in thinned():
        shape = next(shape for shape in SHAPES if call.fits(shape))
        arrays = call.make(shape, np.float32)
        arrays |= call.new_outputs(arrays)
        for operand in call.operands:
            args, keywords = call.arguments({**arrays, operand.name: OnGPU(arrays[operand.name])})
            try:
                call.function()(*args, **keywords)
                findings.add(call.id, f"{operand.name}: what is on a GPU is taken")
            except (TypeError, BufferError):
                pass
            except Exception as error:
                findings.add(call.id, f"{operand.name}: {processes.place(error)}")
    findings.check()
