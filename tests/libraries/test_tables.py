"""Labelled arrays and tables: xarray, pandas and polars go in with every function, and come out with their labels.

Every operand and option by position of its axes is in contract/test_overrides.py.
"""

import numpy as np
import pytest

import fastact as fa
import helpers
from fastact.catalogue import SPECS

ROWS = [name for name, spec in SPECS.items() if spec.kind == "rowwise"]
SHAPE_KEPT = [name for name, spec in SPECS.items() if spec.kind not in ("reduction", "loss")]


def operands(name, x):
    """The arrays that a function must have, by name, of which the first is x."""
    kind, rest = SPECS[name].kind, helpers.typical(getattr(fa, name)) if name in fa.ACTIVATIONS else {}
    if kind == "gate":
        return dict.fromkeys(SPECS[name].inputs, x), {}
    if kind == "channelwise":
        return {"x": x}, {"weight": 0.25}
    return {"x": x}, rest


# xarray.


@pytest.fixture
def scores():
    xarray = pytest.importorskip("xarray")
    coords = {"row": [10, 20, 30], "class": list("abcd"), "of_row": ("row", [1.0, 2, 3]), "all": 7}
    values = np.random.default_rng(0).normal(size=(3, 4)).astype(np.float32)
    return xarray.DataArray(values, coords, ("row", "class"), "scores", {"units": "1"})


@pytest.mark.parametrize("name", SHAPE_KEPT)
def test_names_coordinates_and_attributes_stay(name, scores):
    given, options = operands(name, scores)
    result = getattr(fa, name)(**given, **options)
    assert (result.name, result.attrs, result.dims) == (scores.name, scores.attrs, scores.dims)
    assert result.coords.identical(scores.coords)
    plain, _ = operands(name, scores.values)
    helpers.assert_same_bits(result.values, getattr(fa, name)(**plain, **options))


@pytest.mark.parametrize("name", ROWS)
@pytest.mark.parametrize(
    ("axis", "number"), [("row", 0), ("class", 1), (("class", "row"), (0, 1)), (("row", -1), None)]
)
def test_an_axis_may_be_a_name(name, axis, number, scores):
    function = getattr(fa, name)
    y = function(scores, axis=axis)
    helpers.assert_same_bits(y.values, function(scores.values, axis=number))
    grad = function.backward(scores, y=y, axis=axis)
    helpers.assert_same_bits(grad.values, function.backward(scores.values, y=y.values, axis=number))


def test_what_is_reduced_loses_the_coordinates_of_its_dimensions(scores):
    result = fa.logsumexp(scores, axis="class")
    assert set(result.coords) == {"row", "of_row", "all"}
    assert (result.dims, result.attrs) == (("row",), scores.attrs)
    kept = fa.logsumexp(scores, axis="class", keepdims=True)
    assert set(kept.coords) == {"row", "of_row", "all"}
    assert kept.sizes == {"row": 3, "class": 1}
    assert set(fa.logsumexp(scores, axis=("row", "class")).coords) == {"all"}
    assert fa.logsumexp.backward(result, x=scores, axis="class").coords.identical(scores.coords)
    assert set(fa.glu(scores, axis="class").coords) == {"row", "of_row", "all"}


def test_operands_go_by_the_names_of_their_dimensions(scores):
    xarray = pytest.importorskip("xarray")
    x = scores.values
    keep = (scores > -1).transpose("class", "row")
    helpers.assert_same_bits(fa.softmax(scores, axis="row", where=keep).values, fa.softmax(x, axis=0, where=x > -1))
    by_row = xarray.DataArray(np.array([0.1, 0.2, 0.3], np.float32), dims="row")
    helpers.assert_same_bits(fa.gelu(scores, bias=by_row).values, fa.gelu(x, bias=by_row.values[:, None]))
    helpers.assert_same_bits(fa.prelu(scores, by_row).values, fa.prelu(x, by_row.values, axis=0))
    labels = xarray.DataArray([0, 1, 3], dims="row")
    for reduction in ("mean", "sum", "none"):
        loss = fa.softmax_cross_entropy(scores.T, labels, axis="class", weight=by_row, reduction=reduction)
        want = fa.softmax_cross_entropy(x, labels.values, weight=by_row.values, reduction=reduction)
        helpers.assert_same_bits(loss.values, want)
        assert loss.dims == ("row",) * (reduction == "none")


def test_what_does_not_fit_is_refused_by_name(scores):
    xarray = pytest.importorskip("xarray")
    with pytest.raises(ValueError, match="no dimension 'color', but row, class"):
        fa.softmax(scores, axis="color")
    with pytest.raises(ValueError, match="bias has dimensions"):
        fa.gelu(scores, bias=xarray.DataArray(np.ones(2), dims="color"))
    with pytest.raises(ValueError, match="align"):
        fa.softmax(scores, where=scores.assign_coords(row=[1, 2, 3]) > 0)
    with pytest.raises(TypeError, match=r"out=.*DataArray"):
        fa.softmax(scores, axis="class", out=scores)
    with pytest.raises(TypeError, match="DataArray"):
        fa.softmax(scores.values, where=scores > 0)
    with pytest.raises(TypeError, match="DataArray, DataFrame"):
        fa.softmax(scores, where=pytest.importorskip("pandas").DataFrame(scores.values > 0))


def test_what_lies_on_dask_stays_lazy(scores):
    da = pytest.importorskip("dask.array")
    lazy = scores.chunk({"class": 3, "row": 2})
    for function, axis in ((fa.softmax, "row"), (fa.logsumexp, "class"), (fa.swiglu, "class")):
        result = function(lazy, axis=axis)
        assert isinstance(result.data, da.Array)
        assert result.identical(function(scores, axis=axis).chunk())


def test_a_dataset_goes_variable_by_variable(scores):
    data = pytest.importorskip("xarray").Dataset({"a": scores, "b": 2 * scores}, attrs={"from": "here"})
    result = fa.softmax(data, axis="class")
    assert result.attrs == data.attrs
    for name in data:
        assert result[name].identical(fa.softmax(data[name], axis="class"))


# pandas.


def frame(dtype=np.float32, shape=(3, 4)):
    pandas = pytest.importorskip("pandas")
    values = (4 * np.random.default_rng(0).normal(size=shape)).astype(dtype)
    return pandas.DataFrame(values, index=list("xyzw")[: shape[0]], columns=list("abcd")[: shape[1]])


@pytest.mark.parametrize("name", SHAPE_KEPT)
@pytest.mark.parametrize("shape", [(3, 4), (0, 4), (3, 0)], ids=str)
def test_a_frame_keeps_its_index_and_columns(name, shape, dtype):
    x = frame(dtype, shape)
    for table in (x, x["b"]) if shape[1] else (x,):
        given, options = operands(name, table)
        result = getattr(fa, name)(**given, **options)
        assert type(result) is type(table)
        assert all(a.equals(b) for a, b in zip(result.axes, table.axes, strict=True))
        assert getattr(result, "name", None) == getattr(table, "name", None)
        plain, _ = operands(name, table.to_numpy())
        helpers.assert_same_bits(result.to_numpy(), getattr(fa, name)(**plain, **options))


@pytest.mark.parametrize("name", ROWS)
def test_groups_of_rows(name):
    pandas = pytest.importorskip("pandas")
    function = getattr(fa, name)
    data = pandas.DataFrame({"k": [0, 1, 0, 1, 0], "s": [1.0, 2, 3, 4, 5], "t": [1.0, 0, 1, 1, 2]}, index=list("abcde"))
    result = data.groupby("k").transform(function)
    assert list(result.index) == list("abcde")
    for column in ("s", "t"):
        assert data.groupby("k")[column].transform(function).equals(result[column])
        for k in (0, 1):
            values = data.loc[data["k"] == k, column].to_numpy()
            helpers.assert_same_bits(result.loc[data["k"] == k, column].to_numpy(), function(values))


def test_a_frame_without_one_of_its_axes_is_a_series():
    x = frame()
    columns, index = fa.logsumexp(x, axis=0), fa.logsumexp(x)
    assert (list(columns.index), list(index.index)) == (list(x.columns), list(x.index))
    helpers.assert_same_bits(columns.to_numpy(), fa.logsumexp(x.to_numpy(), axis=0))
    assert type(fa.logsumexp(x, axis=None)) is np.float32
    each = fa.softmax_cross_entropy(x, [0, 1, 2], reduction="none")
    assert list(each.index) == list(x.index)
    assert fa.softmax_cross_entropy(x, [0, 1, 2]) == fa.softmax_cross_entropy(x.to_numpy(), [0, 1, 2])
    halves = fa.swiglu(x)
    assert (list(halves.index), list(halves.columns)) == (list(x.index), [0, 1])


def test_labels_that_differ_are_refused_and_positions_are_not_guessed():
    x = frame()
    with pytest.raises(ValueError, match=r"where has other labels than x.*to_numpy"):
        fa.softmax(x, where=x.rename(columns={"a": "e"}) > 0)
    with pytest.raises(ValueError, match="bias has other labels than x"):
        fa.gelu(x, bias=x.loc["x"].reset_index(drop=True))
    helpers.assert_same_bits(fa.gelu(x, bias=x.loc["x"]).to_numpy(), fa.gelu(x.to_numpy(), bias=x.loc["x"].to_numpy()))
    with pytest.raises(ValueError, match="bias has shape"):
        fa.gelu(x, bias=x["a"])
    with pytest.raises(TypeError, match=r"out=.*DataFrame.*to_numpy"):
        fa.softmax(x, out=x)
    with pytest.raises(TypeError, match="object"):
        fa.softmax(x.astype(object))


# polars.


@pytest.mark.parametrize("name", SHAPE_KEPT)
def test_a_polars_frame_keeps_its_columns(name, dtype):
    pl = pytest.importorskip("polars")
    values = np.random.default_rng(0).normal(size=(3, 2)).astype(dtype)
    x = pl.DataFrame(values, ["a", "b"], orient="row")
    for table, type_of in ((x, pl.DataFrame), (x["b"], pl.Series)):
        given, options = operands(name, table)
        result = getattr(fa, name)(**given, **options)
        assert type(result) is type_of
        assert getattr(result, "name", None) == getattr(table, "name", None)
        assert getattr(result, "columns", None) == getattr(table, "columns", None)
        plain, _ = operands(name, table.to_numpy())
        helpers.assert_same_bits(np.asarray(result), getattr(fa, name)(**plain, **options))


def test_rows_of_polars_without_an_axis_and_in_groups():
    pl = pytest.importorskip("polars")
    x = pl.DataFrame({"k": [0, 1, 0], "a": [1.0, 2, 3], "b": [0.0, 1, 2]})
    helpers.assert_same_bits(fa.logsumexp(x[["a", "b"]]).to_numpy(), fa.logsumexp(x[["a", "b"]].to_numpy()))
    assert fa.logsumexp(x["a"]) == fa.logsumexp(x["a"].to_numpy())
    in_groups = x.select(pl.col("a").map_batches(fa.softmax, return_dtype=pl.Float64).over("k"))["a"].to_numpy()
    helpers.assert_same_bits(in_groups[[0, 2]], fa.softmax([1.0, 3.0]))
    with pytest.raises(ValueError, match="x has nulls"):
        fa.softmax(pl.Series([1.0, None]))
    with pytest.raises(ValueError, match="x has nulls"):
        fa.relu(pl.DataFrame({"a": [1.0, None]}))
    with pytest.raises(TypeError, match="Expr"):
        fa.softmax(pl.col("a"))
    with pytest.raises(TypeError, match=r"DataFrame.*to_numpy"):
        fa.relu(x, out=np.zeros((3, 3)))


# None of it before it is needed.


def test_no_library_is_imported_for_the_sake_of_another():
    pytest.importorskip("pandas")
    code = """
import sys, numpy as np, fastact as fa
fa.softmax(np.ones(3)), fa.softmax([1.0, 2.0]), fa.softmax(memoryview(np.ones(3)))
print(any(name.startswith("fastact.foreign") for name in sys.modules))
import pandas
fa.softmax(pandas.Series([1.0, 2.0]))
print("fastact.foreign.frames" in sys.modules, {"dask", "xarray", "polars"} & set(sys.modules))
"""
    assert helpers.python_output(code).splitlines() == ["False", "True set()"]
