"""What the pages for developers name is there: files, functions, the picture of a call, the developer's commands."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.skipif(
    not (PROJECT / "fastact" / "core" / "function.pyx").exists(), reason="needs the source tree"
)
ARCHITECTURE = PROJECT / "docs" / "dev" / "architecture.md"
NUMERICS = ARCHITECTURE.with_name("numerics.md")
# `core/plan.pyx`: `lay_out`, `describe_box`
PLACE = re.compile(r"`([\w/.]+\.(?:pyx|pxd|py|h|c))`(?:: ((?:`\w+`(?:, )?)+))?")


def places():
    """Return every file that the pages name, each with the names that are said to be in it."""
    found = [
        (match[1], name)
        for match in PLACE.finditer(ARCHITECTURE.read_text(encoding="utf-8"))
        for name in re.findall(r"\w+", match[2] or "") or [""]
    ]
    numerics = NUMERICS.read_text(encoding="utf-8")
    found += [(file, name) for name, file in re.findall(r"`(\w+)` in\s`([\w/]+\.h)`", numerics)]
    return sorted(set(found))


@pytest.mark.parametrize(("file", "name"), places(), ids=lambda value: value or "file")
def test_what_the_architecture_names_is_there(file, name):
    paths = [path for path in (PROJECT / "fastact" / file, PROJECT / file) if path.exists()]
    assert paths, f"{file} is not there"
    if name:
        assert re.search(rf"\b{name}\b", paths[0].read_text(encoding="utf-8")), f"{file} has no {name}"


def test_the_architecture_names_enough_to_be_a_check():
    assert len(places()) > 50


def test_every_phase_of_a_call_is_in_the_page_in_the_order_it_has_in_the_code():
    code = (PROJECT / "fastact" / "core" / "function.pyx").read_text(encoding="utf-8")
    body = code[code.index("cdef object general_path") :]
    body = body[: body.index("\ncdef ")]
    phases = [
        "read_numbers",
        "dispatch_override",
        "read_arrays",
        "resolve",
        "allocate",
        "separate",
        "execute",
        "finish",
    ]
    called = [re.search(rf"\b{phase}\(self, ", body).start() for phase in phases]
    assert called == sorted(called)
    table = ARCHITECTURE.read_text(encoding="utf-8").partition("| phase |")[2]
    named = [table.index(f"`{phase}`") for phase in phases]
    assert named == sorted(named)


def test_the_picture_of_a_call_is_what_its_script_draws():
    command = [sys.executable, PROJECT / "tools" / "call_picture.py", "--check"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr


def test_every_session_that_contributing_names_is_one():
    tree = ast.parse((PROJECT / "noxfile.py").read_text(encoding="utf-8"))
    sessions = {node.name for node in tree.body if isinstance(node, ast.FunctionDef) and node.decorator_list}
    named = re.findall(r"`nox -s (\w+)`", (PROJECT / "CONTRIBUTING.md").read_text(encoding="utf-8"))
    assert set(named) == sessions


def test_every_test_that_the_pages_name_is_there():
    pages = [*(PROJECT / "docs" / "dev").glob("*.md"), PROJECT / "CONTRIBUTING.md"]
    named = {name for page in pages for name in re.findall(r"\btest_\w+\b", page.read_text(encoding="utf-8"))}
    files = list((PROJECT / "tests").rglob("test_*.py"))
    there = {file.stem for file in files}
    for file in files:
        there.update(re.findall(r"^def (test_\w+)", file.read_text(encoding="utf-8"), re.MULTILINE))
    assert len(named) > 15
    assert named <= there
