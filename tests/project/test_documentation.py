"""What is written is true: examples run, and the catalogue, the kernels, the stub and the docstrings agree."""

import ast
import doctest
import inspect
import pathlib
import pydoc
import re
import subprocess
import sys

import numpy as np
import pytest

import fastact as fa
import helpers
from fastact.catalogue import SPECS, signatures

PACKAGE = pathlib.Path(fa.__file__).parent
PROJECT = pathlib.Path(__file__).parents[2]
NAMES = pytest.mark.parametrize("name", list(fa.ACTIVATIONS))
EVERY = pytest.mark.parametrize("name", list(SPECS))
FUNCTIONS = [name for name in fa.__all__ if callable(getattr(fa, name)) and name not in SPECS]
SECTIONS = ["Parameters", "Returns", "Raises", "See Also", "Notes", "Examples"]


def documented():
    """Yield the name and the docstring of everything public."""
    yield "fastact", inspect.getdoc(fa)
    for name in fa.__all__:
        thing = getattr(fa, name)
        if callable(thing):
            yield name, thing.__doc__
        for method in ("derivative", "backward", "jacobian"):
            if name in SPECS and hasattr(thing, method):
                yield f"{name}.{method}", getattr(thing, method).__doc__


def run_examples(text, name, namespace):
    """Run the doctests in a text; return how many there were."""
    test = doctest.DocTestParser().get_doctest(text, namespace, name, name, 0)
    report = []
    options = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
    with np.printoptions(legacy=False):
        failed = doctest.DocTestRunner(optionflags=options).run(test, out=report.append).failed
    assert not failed, "".join(report)
    return len(test.examples)


@pytest.mark.parametrize(("name", "text"), [pytest.param(*row, id=row[0]) for row in documented()])
def test_examples_in_docstrings_run(name, text):
    assert text, f"{name} has no docstring"
    examples = run_examples(inspect.cleandoc(text), name, {"fa": fa, "np": np})
    if "." not in name and name != "fastact":
        assert examples, f"{name} has no example"


def roles(name):
    """Yield the roles of a function, each with what is called."""
    function = fa.get(name)
    yield "forward", function
    for role in ("derivative", "backward"):
        if hasattr(function, role):
            yield role, getattr(function, role)


@EVERY
def test_every_function_is_documented(name):
    """Formula, range, derivative, accuracy and an example, in numpydoc's sections; all arguments with type and default."""
    spec = SPECS[name]
    for role, function in roles(name):
        text = function.__doc__
        assert re.findall(r"^(.+)\n-+$", text, re.MULTILINE) == SECTIONS
        assert text.splitlines()[0].startswith(f"{function.name}(")
        for argument in signatures.arguments(spec, role):
            described = re.search(rf"^{argument.name} : (.+)\n    (.+)", text, re.MULTILINE)
            assert described, f"{argument.name} is not described"
            optional = argument.default is None
            assert ("optional" in described[1]) == optional
            assert ("default" in described[1]) == (not optional and argument.default is not signatures.REQUIRED)
        assert "ulp" in text or role == "backward"
        assert ">>> " in text
    words = " ".join(fa.get(name).__doc__.split())
    assert f"``{spec.formula}``" in words or f"``{spec.activation}(gate) * value``" in words
    assert "Range: " in words
    assert re.search(r"Derivatives?: |Gradient of", words)
    assert all(alias in words for alias in spec.aliases)


def test_what_is_summed_has_the_shape_of_what_was_broadcast():
    for name, spec in SPECS.items():
        for role, function in roles(name):
            for argument in signatures.arguments(spec, role):
                if argument.role == "sum":
                    words = " ".join(function.__doc__.split())
                    assert (
                        f"the sum over the axes along which it was broadcast, of the shape of `{argument.of}`" in words
                    )


@EVERY
def test_the_ways_of_a_call_have_every_argument(name):
    spec = SPECS[name]
    for role, function in roles(name):
        ways, declared = signatures.ways(spec, role), signatures.arguments(spec, role)
        seen = {argument.name for way in ways for argument in way}
        refused = (
            {"y"} if role == "backward" and spec.kind in ("elementwise", "channelwise") and not spec.from_y else set()
        )
        assert seen == {argument.name for argument in declared} - refused
        assert [argument.name for argument in declared] == list(inspect.signature(function).parameters)


@EVERY
def test_help_shows_the_page_of_the_function(name):
    """Not that of its class."""
    for _, function in roles(name):
        page = pydoc.render_doc(function, renderer=pydoc.plaintext)
        assert all(line.strip() in page for line in function.__doc__.splitlines())
        if SPECS[name].kind != "gate":  # which shows both ways of a call instead
            assert str(inspect.signature(function)) in page


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_public_function_has_parameters_described(name):
    function = getattr(fa, name)
    for parameter in inspect.signature(function).parameters:
        assert re.search(rf"^\s*\**{parameter} : ", inspect.getdoc(function), re.MULTILINE), parameter


# The three places of an activation.


def stub_names():
    """Return the public names that the stub declares, each with its node."""
    found = {}
    for node in ast.parse((PACKAGE / "__init__.pyi").read_text()).body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            found[node.name] = node
        elif isinstance(node, ast.AnnAssign):
            found[node.target.id] = node
        elif isinstance(node, ast.Assign):
            found.update({target.id: node for target in node.targets})
        elif isinstance(node, ast.ImportFrom):  # only `from m import a as a` exports
            found.update({alias.asname: node for alias in node.names if alias.asname == alias.name})
    return found


@EVERY
def test_every_function_has_a_line_in_the_stub(name):
    assert name in stub_names()


def test_the_stub_is_what_the_catalogue_makes():
    pytest.importorskip("ruff")
    if not (PROJECT / "fastact").exists():
        pytest.skip("no source tree")
    done = subprocess.run(
        [sys.executable, PROJECT / "tools" / "make_stub.py", "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_the_stub_lists_nothing_else():
    public = {name for name in stub_names() if not name.startswith("_")}
    assert public - set(fa.__all__) == set()
    assert set(fa.__all__) - set(stub_names()) - {"__version__"} == set()
    assert set(SPECS) <= public


@NAMES
def test_every_activation_has_a_kernel_for_every_type_and_target(name, target, dtype):
    for operation in helpers.operations(helpers.on_target(name, target)):
        assert operation(*[np.ones((2, 3), dtype)] * operation.arity).dtype == dtype


def test_the_package_is_typed():
    assert (PACKAGE / "py.typed").exists()


# The README; test_guide.py runs its code.


def blocks(page, language):
    return re.findall(rf"^```{language}\n(.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL)


def test_the_readme_has_code_that_is_run():
    assert len(blocks(PROJECT / "README.md", "(?:python|pycon)")) >= 2


def test_the_quick_start_is_two_commands():
    text = (PROJECT / "README.md").read_text()
    section = text[text.index("## Quick start") :]
    language, first = re.search(r"^```(\w*)\n(.*?)^```$", section, re.MULTILINE | re.DOTALL).groups()
    assert language == "sh"
    assert len(first.strip().splitlines()) == 2
    assert all(command in first for command in ("pip install", "examples/mnist.py", "pytest"))


def marked_in_the_readme():
    """Return the functions of the README's table, as PyPI renders it, and whether a mark stands behind each."""
    renderer = pytest.importorskip("readme_renderer.markdown")
    page = renderer.render((PROJECT / "README.md").read_text(encoding="utf-8"))
    if page is None:
        pytest.skip("needs readme_renderer[md]")
    (table,) = [table for table in re.findall(r"<table.*?</table>", page, re.DOTALL) if "<th>family</th>" in table]
    found = re.findall(r"<code>(\w+)</code>(\S?)", table.partition("<tbody>")[2])
    return {name: mark == "†" for name, mark in found}


def test_the_readmes_table_marks_what_has_no_derivative_from_the_output():
    has_none = {name: "y" not in activation.backward_from for name, activation in fa.ACTIVATIONS.items()}
    has_none |= dict.fromkeys([*fa.GATES, *fa.REDUCTIONS], True)
    marked = marked_in_the_readme()
    assert has_none.items() <= marked.items()
    assert not any(marked[name] for name in marked.keys() - has_none.keys())


def test_the_readmes_largest_error_is_that_of_the_measurements():
    lines = (PROJECT / "docs" / "accuracy.md").read_text(encoding="utf-8").splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]
    kinds = {name: spec.kind for name, spec in SPECS.items()}
    errors = [
        float(row[4].strip("*"))
        for row in rows
        if kinds.get(row[0]) in ("elementwise", "channelwise") and row[2] == "float32"
    ]
    assert len(errors) > 60
    assert f"{max(errors):.2f} ulp" in (PROJECT / "README.md").read_text(encoding="utf-8")


def test_the_readmes_picture_shows_every_case_in_which_a_peer_leads():
    pytest.importorskip("matplotlib")
    sys.path.append(str(PROJECT / "tools"))
    import speed_picture

    found, _ = speed_picture.measured()
    led = {case for case, ratios in found.items() if min(ratios.values(), default=1) < 0.95}
    assert led
    assert led <= set(speed_picture.shown(found).values())


@pytest.mark.parametrize("page", ["speed", "fused"])
def test_a_published_ratio_above_1_means_that_fastact_is_faster(page):
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines_of_tables(f"docs/{page}.md")]
    counted = 0
    for row in rows:
        if "best peer" in row:
            heading = row
            continue
        cells = dict(zip(heading, row, strict=False))
        if not cells.get("best peer"):
            continue
        ratio, quotient = float(cells["its time / ours"]), float(cells[cells["best peer"]]) / float(cells["fastact"])
        if abs(quotient - 1) > 0.1:
            assert (ratio > 1) == (quotient > 1), row
            counted += 1
    assert counted > 50


def lines_of_tables(page):
    """Return the lines of a page's tables whose heading names the best peer, without rules."""
    text = (PROJECT / page).read_text(encoding="utf-8")
    return [
        line
        for part in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE)
        if "best peer" in part
        for line in part.splitlines()
        if "---" not in line
    ]


@NAMES
def test_the_readme_names_every_activation(name):
    assert f"`{name}" in (PROJECT / "README.md").read_text()
