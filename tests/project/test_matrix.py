"""bench/matrix.py: what is measured is stored, and the page is made of what is stored."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

import fastact as fa
from fastact._bench.peers import ONNX, ways

ROOT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.skipif(not (ROOT / "bench" / "matrix.py").exists(), reason="needs the source tree")


@pytest.fixture
def matrix(monkeypatch):
    pytest.importorskip("tqdm")
    monkeypatch.syspath_prepend(ROOT / "bench")
    import matrix

    yield matrix
    del sys.modules["matrix"], sys.modules["compare"]


def cell(name, n, dtype="float32", **ratio):
    ns = {"fastact": 1.0} | ratio
    return {"case": name, "row": None, "n": n, "type": dtype, "form": "out=", "threads": 1, "ns": ns, "ratio": ratio}


def test_the_page_says_what_was_stored(matrix, monkeypatch, tmp_path):
    pytest.importorskip("matplotlib")
    monkeypatch.setattr(matrix, "STORED", tmp_path)
    monkeypatch.setattr(matrix, "PAGE", tmp_path / "matrix.md")
    cells = [cell("relu forward", n, torch=2.0, JAX=3.0) for n in (16, 1024)] + [cell("gelu forward", 16, torch=0.5)]
    stored = json.loads(matrix.store(cells).read_text())
    assert stored["cells"] == cells
    assert stored["target"] == fa.core.function.TARGET
    matrix.page()
    page = (tmp_path / "matrix.md").read_text()
    assert "1.00 (1 of 2)" in page  # the geometric mean of 2 and 1/2, of which one is behind
    assert "2.00 torch" in page
    assert "0.50 torch" in page
    assert len(list(tmp_path.glob("*.svg"))) == 2


def test_cells_have_every_activation_and_size(matrix):
    found = {(n, case.activation) for n, case, _ in matrix.cases(quick=False)}
    assert {name for _, name in found} == set(fa.ACTIVATIONS)
    assert {n for n, _ in found} == set(matrix.SIZES)
    assert {name for _, case, _ in matrix.cases(quick=True) for name in [case.activation]} == set(matrix.QUICK)


@pytest.mark.full
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", ONNX)
def test_onnx_runtime_computes_the_same_function(name, dtype):
    pytest.importorskip("onnxruntime")
    pytest.importorskip("onnx")
    from fastact._bench.workers import Case, Library

    case = Case(name, "forward", dtype, (4, 16))
    found = ways("onnxruntime", name, "forward", dtype)
    if not found:
        pytest.skip("it has no kernel for float64")
    (way,) = found
    x, grad = case.arrays()
    got = eval(way.statement, Library("onnxruntime", 1).namespace(name, "forward", x, grad, way))
    want = fa.get(name)(x, **fa.catalogue.SPECS[name].typical)
    np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-5)
