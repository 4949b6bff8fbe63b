"""An operand that overrides __array_ufunc__ is handed the call, where that is documented, or there is a TypeError that
names its type.  Nothing is ever computed in memory silently.
"""

import numpy as np
import pytest

from contract import calls, processes
from fastact.catalogue import SPECS

SHAPES = ((6,), (3, 6), (2, 3, 6))


class Peeked(Exception):
    """An operand was made an array of."""


class Operand:
    """What may not be made an array of."""

    def __array__(self, dtype=None, copy=None):
        raise Peeked


class Recorder(Operand):
    def __array_ufunc__(self, function, method, *inputs, **keywords):
        self.asked = function, method, inputs, keywords
        return "answer"


class Declines(Operand):
    def __array_ufunc__(self, *args, **keywords):
        return NotImplemented


class Forbids(Operand):
    __array_ufunc__ = None


class Raises(Operand):
    def __array_ufunc__(self, *args, **keywords):
        raise ZeroDivisionError("mine")


def prepared(call, dtype=np.float64):
    shape = next(shape for shape in SHAPES if call.fits(shape))
    arrays = call.make(shape, dtype)
    return arrays, call.new_outputs(arrays)


def thinned():
    return [call for k, call in enumerate(calls.REPRESENTATIVES) if call.name != "diagnose" or k % 10 == 0]


def attempts():
    """Yield every call with every operand, and its arrays and outputs."""
    for call in thinned():
        for operand in call.operands:
            arrays, outputs = prepared(call)
            yield call, operand, arrays, outputs


def refused(findings, call, operand, given, type_name, *also):
    """Make a call that must be a TypeError which names a type."""
    args, keywords = call.arguments(given)
    try:
        result = call.function()(*args, **keywords)
    except TypeError as error:
        for word in (type_name, *also):
            if word not in str(error):
                findings.add(call.id, f"{operand.name}: '{error}' does not name {word}")
    except Exception as error:
        findings.add(call.id, f"{operand.name}, a {type_name}: {processes.place(error)}")
    else:
        findings.add(call.id, f"{operand.name}, a {type_name}, is taken: a {type(result).__name__} is returned")


def written(outputs, but=None):
    return [name for name, array in outputs.items() if name != but and (np.asarray(array) != 7).any()]


def test_an_overriding_operand_is_asked_or_refused_by_its_type():
    findings = processes.Findings()
    for call, operand, arrays, outputs in attempts():
        given = {**arrays, **outputs, operand.name: Recorder()}
        if not call.overrides:
            refused(findings, call, operand, given, "Recorder")
        else:
            args, keywords = call.arguments(given)
            try:
                answer = call.function()(*args, **keywords)
                function, method, inputs, asked = given[operand.name].asked
            except Exception as error:
                findings.add(call.id, f"{operand.name}: {processes.place(error)}")
                continue
            wanted = tuple(given[each.name] for each in call.inputs)
            if answer != "answer" or method != "__call__" or not callable(function):
                findings.add(call.id, f"{operand.name}: gave {answer}, by {method} of {function}")
            if len(inputs) != len(wanted) or any(a is not b for a, b in zip(inputs, wanted, strict=True)):
                findings.add(call.id, f"{operand.name}: is asked about {inputs}")
            if not isinstance(asked.get("out"), tuple) or asked["out"][0] is not given["out"]:
                findings.add(call.id, f"{operand.name}: is given out={asked.get('out')}")
            if (function.nin, function.nout, function.signature) != (len(wanted), 1, None):
                findings.add(call.id, f"{operand.name}: {function} is of {function.nin} to {function.nout}")
        for name in written(outputs, operand.name):
            findings.add(call.id, f"{operand.name}: {name} is written")
    findings.check()


@pytest.mark.parametrize("kind", [Declines, Forbids])
def test_an_operand_that_declines_or_forbids_is_refused_by_its_type(kind):
    findings = processes.Findings()
    for call, operand, arrays, outputs in attempts():
        refused(findings, call, operand, {**arrays, **outputs, operand.name: kind()}, kind.__name__)
        for name in written(outputs, operand.name):
            findings.add(call.id, f"{operand.name}: {name} is written")
    findings.check()


def test_what_an_override_raises_comes_through():
    findings = processes.Findings()
    for call, operand, arrays, outputs in attempts():
        if call.overrides:
            args, keywords = call.arguments({**arrays, **outputs, operand.name: Raises()})
            try:
                call.function()(*args, **keywords)
                findings.add(call.id, f"{operand.name}: what raises is taken")
            except ZeroDivisionError:
                pass
            except Exception as error:
                findings.add(call.id, f"{operand.name}: {processes.place(error)}")
    findings.check()


# Other libraries: their own type comes back, or a TypeError names it.


class Lazy:
    """An array that Dask reads when it computes, and not before."""

    def __init__(self, values):
        self.values, self.shape, self.dtype, self.ndim = values, values.shape, values.dtype, values.ndim
        self.read = 0

    def __getitem__(self, index):
        self.read += self.values[index].size > 0
        return self.values[index]


def takes(call, operand):
    """Whether an object of a library in the place of an operand, or of all inputs, is taken: no outputs, no matrices."""
    return not (operand and operand.is_written) and call.operation != "jacobian" and call.name != "diagnose"


def has_labels(call, operand):
    """The same where the result has the labels of an operand of the shape of the call."""
    if operand and (operand.role != calls.INPUT or operand.name in ("targets", "weight")):
        return False
    return takes(call, operand) and (not operand or operand.shape in (calls.LIKE, calls.DOUBLE))


def same(findings, call, operand, got, want):
    """Bits, but for losses that are added up: the sum of a chunk is rounded before that of all is."""
    if SPECS[call.name].kind == "loss" and call.settings.get("reduction") != "none":
        np.testing.assert_array_max_ulp(got, want, 1)
        got = want
    findings.same(np.asarray(got), want, call.id, operand.name)


def by_library(convert, types, must=takes, back=np.asarray):
    """Put an object of a library in each operand's place, and in all inputs'; one of `types` comes back."""
    findings = processes.Findings()
    for call in thinned():
        for operand in (*call.operands, None):
            arrays, outputs = prepared(call)
            wants = call.run({name: array.copy() for name, array in {**arrays, **outputs}.items()})
            chosen = [operand] if operand else list(call.inputs)
            sums = {o.name: outputs[o.name] for o in call.written if o.role == calls.SUM}
            if operand and operand.is_written:
                sums = outputs  # given an array of the library
            converted, kinds, asked = {}, set(), []
            for each in chosen:
                value = {**arrays, **outputs}[each.name]
                if value.ndim == 0 or (made := convert(call, each, value, asked)) is None:
                    break
                converted[each.name] = made
                kinds.add(type(made).__name__)
            if len(converted) < len(chosen):
                continue
            args, keywords = call.arguments({**arrays, **sums, **converted})
            where = operand or call.inputs[0]
            try:
                results = call.function()(*args, **keywords)
            except TypeError as error:
                if must(call, operand) and not sums:
                    findings.add(call.id, f"{where.name}: refused: {error}")
                elif not any(name in str(error) for name in kinds):
                    findings.add(call.id, f"{where.name}: '{error}' does not name {kinds}")
            except NotImplementedError as error:
                if not (call.overrides and operand and operand.is_written):  # by the library that was asked
                    findings.add(call.id, f"{where.name}, {kinds}: {processes.place(error)}")
            except Exception as error:
                findings.add(call.id, f"{where.name}, {kinds}: {processes.place(error)}")
            else:
                if any(each.read for each in asked):
                    findings.add(call.id, f"{where.name}: something is computed before it is asked for")
                results = results if isinstance(results, tuple) else (results,)
                for result, want in zip(results, wants, strict=True):
                    if not isinstance(result, types):
                        findings.add(call.id, f"{where.name}, {kinds}: a {type(result).__name__} comes back")
                    else:
                        same(findings, call, where, back(result), want)
            for name in written(sums, where.name):
                findings.add(call.id, f"{where.name}: {name} is written")
    findings.check()


def test_dask_arrays_come_back_lazy_or_are_refused():
    da = pytest.importorskip("dask.array")

    def lazy(call, operand, values, asked):
        if call.name == "diagnose":  # is numbers: computed when it is called, chunk by chunk
            return None
        asked.append(Lazy(values))
        return da.from_array(
            asked[-1], chunks=values.shape, asarray=False, meta=np.empty((0,) * values.ndim, values.dtype)
        )

    by_library(lazy, da.Array, back=lambda result: result.compute(scheduler="synchronous"))


def test_xarray_objects_come_back_as_their_own_type_or_are_refused():
    xarray = pytest.importorskip("xarray")

    def labelled(call, operand, values, asked):
        whole = tuple("abc")[: len(call.principal_shape(prepared(call)[0]))]
        dims = operand.shape.of(whole, call.counted_axis(len(whole)))
        if (
            operand.role in (calls.VECTOR, calls.MASK) and 1 in dims
        ):  # nothing is broadcast along a dimension that is there
            return None
        return xarray.DataArray(values, dims=[dim[0] if dim != 1 else whole[k] for k, dim in enumerate(dims)])

    by_library(labelled, xarray.DataArray, has_labels)


def test_pandas_objects_come_back_as_their_own_type_or_are_refused():
    pandas = pytest.importorskip("pandas")

    def convert(call, operand, values, asked):
        kind = {1: pandas.Series, 2: pandas.DataFrame}.get(values.ndim)
        return kind and kind(values)

    by_library(convert, (pandas.Series, pandas.DataFrame, np.floating), has_labels)


def test_polars_series_come_back_as_their_own_type_or_are_refused_with_the_way_out():
    polars = pytest.importorskip("polars")
    findings = processes.Findings()
    for call in thinned():
        for operand in call.operands:
            arrays, outputs = prepared(call)
            value = {**arrays, **outputs}[operand.name]
            if value.ndim != 1:
                continue
            args, keywords = call.arguments({**arrays, **outputs, operand.name: polars.Series(value)})
            try:
                result = call.function()(*args, **keywords)
            except TypeError as error:
                if "Series" not in str(error) or "to_numpy" not in str(error):
                    findings.add(call.id, f"{operand.name}, a Series: '{error}' does not name to_numpy()")
                for name in written(outputs, operand.name):
                    findings.add(call.id, f"{operand.name}: {name} is written")
            except Exception as error:
                findings.add(call.id, f"{operand.name}, a Series: {processes.place(error)}")
            else:
                each = result if isinstance(result, tuple) else (result,)
                if not all(isinstance(one, (polars.Series, np.floating)) for one in each):
                    findings.add(call.id, f"{operand.name}, a Series: a {type(result).__name__} comes back")
    findings.check()
