"""The guide says what is so: the code on its pages runs, links lead somewhere, and its figures show what they claim."""

import doctest
import functools
import importlib.util
import re
import sys
from pathlib import Path

import numpy as np
import pytest

import fastact as fa
import helpers
from fastact.catalogue import SPECS

PROJECT = Path(__file__).parents[2]
DOCS = PROJECT / "docs"
MADE = ("_build", "reference")  # by the build, out of what is tested elsewhere
PAGES = [
    PROJECT / "README.md",
    *(page for page in sorted(DOCS.glob("**/*.md")) if page.relative_to(DOCS).parts[0] not in MADE),
]
PAGE = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(PROJECT)))


@pytest.fixture(autouse=True)
def threads_as_before():
    before = fa.get_num_threads()
    yield
    fa.set_num_threads(before)


@pytest.fixture(scope="module", autouse=True)
def scripts():
    """Let the guide's scripts be imported, as they import each other."""
    path = sys.path[:]
    sys.path[:0] = [str(DOCS), str(DOCS / "figures")]
    yield
    sys.path[:] = path


# Pages.


def blocks(page, language):
    return re.findall(rf"^```{language}\n(.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL)


@PAGE
def test_code_blocks_of_a_page_run(page, tmp_path, monkeypatch):
    """The blocks of a page are one session: a later one may use what an earlier one made."""
    monkeypatch.chdir(tmp_path)
    namespace, found = {}, blocks(page, "python")
    for library in re.findall(r"^(?:import|from) (\w+)", "".join(found), re.MULTILINE):
        if importlib.util.find_spec(library) is None:
            pytest.skip(f"no {library} here")
    if page.name == "numba.md":
        importlib.import_module("fastact.numba")  # a source tree has no entry points
    for number, block in enumerate(found):
        exec(compile(block, f"{page.name} block {number}", "exec"), namespace)  # noqa: S102


@PAGE
def test_code_on_a_page_is_marked_as_what_it_is(page):
    """What is called py or pycon would not be run."""
    opened = re.findall(r"^```(.*)$", page.read_text(), re.MULTILINE)[::2]
    assert {language for language in opened if not language.startswith("{")} <= {"", "python", "sh"}


def anchors(page):
    """Return what headings of a page are called in links."""
    headings = re.findall(
        r"^#+ (.*)$", re.sub(r"^```.*?^```", "", page.read_text(), flags=re.MULTILINE | re.DOTALL), re.MULTILINE
    )
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize(
    "page", [*PAGES, *sorted(PROJECT.glob("C*.md"))], ids=lambda page: str(page.relative_to(PROJECT))
)
def test_links_to_files_lead_somewhere(page):
    for link, anchor in re.findall(r"\]\((?!https?:|mailto:)([^)#\s]*)#?([^)\s]*)\)", page.read_text()):
        target = page.parent / link if link else page
        assert target.exists() or link.endswith("reference/index.rst"), link
        assert not anchor or anchor in anchors(target), f"{link}#{anchor}"


@PAGE
def test_functions_that_a_page_refers_to_exist(page):
    for name in re.findall(r"`fa\.(\w+)[`(]", page.read_text()):
        assert hasattr(fa, name), name


@PAGE
def test_a_page_has_its_text_where_directives_are_not_known(page):
    """As at GitHub, where an include or a table of contents is a grey box."""
    text = re.sub(r"^(```+)(?:\{.*?\}|\w).*?^\1$", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    assert len(re.findall(r"\w+", text)) > 60
    assert "{include}" not in page.read_text()


# Formulas and the reference.


@pytest.mark.parametrize("spec", list(SPECS.values()), ids=lambda spec: spec.name)
def test_every_formula_can_be_set(spec):
    latex = importlib.import_module("latex").latex
    formulas = (spec.formula, spec.derivative, spec.backward_y, spec.backward_x, spec.gate_grad, spec.value_grad)
    for formula in filter(None, formulas):
        text = latex(formula)
        assert text.count("{") == text.count("}")
        assert text.count(r"\left") == text.count(r"\right")


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        ("a - (b - c)", r"a - \left(b - c\right)"),
        ("(a + b) * c", r"\left(a + b\right) \, c"),
        ("a / b / c", r"\frac{a}{b \, c}"),
        ("(a * b) ** 2", r"\left(a \, b\right)^{2}"),
        ("a * expm1(x)", r"a \, \left(e^{x} - 1\right)"),
        ("where(x > 0, x, where(x < -1, a, b))", r"\begin{cases} x & \text{if } x > 0 \\ a & \text{if } x < -1 \\ b & \text{otherwise} \end{cases}"),
    ],
)  # fmt: skip
def test_brackets_are_where_a_formula_needs_them(formula, expected):
    assert importlib.import_module("latex").latex(formula) == expected


def test_every_public_function_has_a_page_with_its_docstrings(tmp_path, monkeypatch):
    pytest.importorskip("sphinx")
    pages = importlib.import_module("reference_pages")
    monkeypatch.setattr(pages, "REFERENCE", tmp_path)
    monkeypatch.setattr(pages.style, "draw", lambda path, *rest: path.touch())
    pages.write()
    names = {name for name in fa.__all__ if callable(getattr(fa, name))}
    assert {path.stem for path in tmp_path.glob("*.rst")} == {"index", *names}
    for name in SPECS:
        text = (tmp_path / f"{name}.rst").read_text()
        assert (tmp_path / f"{name}.svg").exists()
        for method in ("derivative", "backward", "jacobian"):
            if hasattr(getattr(fa, name), method) and not (name in fa.GATES and method == "derivative"):
                assert f"fastact.{name}.{method}(" in text
                for example in doctest.DocTestParser().get_examples(getattr(getattr(fa, name), method).__doc__):
                    assert example.source.splitlines()[0] in text


def test_the_reference_does_not_repeat_an_argument():
    pytest.importorskip("sphinx")
    pages = importlib.import_module("reference_pages")
    page = pages.function_page(SPECS["elu"])
    assert page.count(SPECS["elu"].parameters[0].meaning) == 1
    assert "As above: :py:func:" not in page
    assert "As above: ``x``, ``alpha``, ``bias``, ``out``." in page
    assert page.count("Only with ``x``") == 1


def test_the_reference_has_every_function_in_its_table():
    pytest.importorskip("sphinx")
    table = importlib.import_module("reference_pages").table()
    for name, spec in SPECS.items():
        assert f":doc:`{name}`" in table
        assert (f"``{spec.formula}``" if spec.kind != "gate" else f"``{spec.activation}(gate) * value``") in table
    assert "expit, logistic, logistic_sigmoid\n" in table


def test_the_reference_shows_the_measurements():
    pytest.importorskip("sphinx")
    pages = importlib.import_module("reference_pages")
    page = """\
## First
| | type | error |
|---|---|---|
| relu | float32 | 1 |
| relu6 | float32 | 2 |

## Second
| | type |
|---|---|
| relu backward | float64 |
"""
    assert list(pages.tables_about("relu", page)) == [
        ("First", ["", "type", "error"], [["relu", "float32", "1"]]),
        ("Second", ["", "type"], [["relu backward", "float64"]]),
    ]


@pytest.mark.parametrize(
    "name", ["relu", "gelu", "softmax", "sparsemax", "logsumexp", "swiglu", "sigmoid_cross_entropy"]
)
def test_pictures_can_be_drawn(name, tmp_path):
    pytest.importorskip("matplotlib")
    curves, style = (importlib.import_module(module) for module in ("curves", "style"))
    spec = SPECS[name]
    style.draw(tmp_path / "picture.svg", curves.SIZE, curves.PICTURES[spec.kind], spec)
    assert "<svg" in (tmp_path / "picture.svg").read_text()


# What the lesson's figures show.

SMALL = {
    "moons": {"count": 300, "steps": 400},
    "gradients": {"count": 100},
    "dead": helpers.by_lane({"count": 200, "epochs": 2, "seeds": 2}, {"count": 1000, "epochs": 4, "seeds": 3}),
    "temperature": {"count": 1000, "epochs": 2},
}


@functools.cache
def run(name):
    """Return what a figure shows, at a smaller size."""
    if name != "moons":
        pytest.importorskip("mlxtend")
    return importlib.import_module(name).compute(**SMALL[name])


def test_moons_are_told_apart_with_an_activation_and_not_without():
    _, _, fitted = run("moons")
    right = {activation: share for activation, (_, share) in fitted.items()}
    assert right["relu"] > 0.95
    assert right["tanh"] > 0.95
    assert right["identity"] < 0.92


def test_the_first_layers_gradient_vanishes_with_the_sigmoid():
    norms = run("gradients")
    assert norms["sigmoid"][0] < norms["relu"][0] / 100
    assert norms["sigmoid"][0] < norms["tanh"][0] / 100
    assert np.all(np.diff(norms["sigmoid"]) > 0)
    for activation in ("relu", "tanh"):
        assert 0.1 < norms[activation][1] / norms[activation][-1] < 10


@pytest.mark.full
def test_more_units_stay_dead_with_relu_than_with_leaky_relu_or_a_smaller_step():
    dead = {activation: shares[:, -1].mean() for activation, (shares, _) in run("dead").items()}
    assert dead["relu"] > 2 * dead["leaky"]
    assert dead["relu"] > 2 * dead["small"]


def test_a_larger_scale_makes_the_same_answer_surer():
    _, _, logits, right = run("temperature")
    sure = [fa.softmax(logits, scale=scale).max() for scale in (0.5, 1.0, 2.0)]
    assert sure == sorted(sure)
    assert 0.3 < sure[1] < 0.7
    assert right > 0.7


@pytest.mark.sampled
@pytest.mark.parametrize("name", SMALL)
def test_every_figure_can_be_drawn_and_is_on_a_page_whose_numbers_it_gives(name, tmp_path):
    text = "\n".join(page.read_text() for page in PAGES)
    assert f"figures/made/{name}.svg" in text
    used = re.findall(rf"\{{\{{ {name}_(\w+) \}}\}}", text)
    script, shown = importlib.import_module(name), run(name)
    assert set(used) == set(script.numbers(shown))
    pytest.importorskip("matplotlib")
    importlib.import_module("style").draw(tmp_path / "figure.svg", script.SIZE, script.draw, shown)
    assert "<svg" in (tmp_path / "figure.svg").read_text()
