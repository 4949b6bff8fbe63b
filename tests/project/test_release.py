"""What a release says in several places is the same everywhere: versions, Pythons, what is needed, the changelog."""

import datetime
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import fastact as fa

PROJECT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.skipif(not (PROJECT / ".github").exists(), reason="needs the repository")


def text(path):
    return (PROJECT / path).read_text(encoding="utf-8")


def pyproject():
    return tomllib.loads(text("pyproject.toml"))


def yaml(path):
    return pytest.importorskip("yaml").safe_load(text(path))


def pythons():
    """Return the Pythons of the classifiers: 3.11, 3.12, ..."""
    found = [re.fullmatch(r".*Python :: (3\.\d+)", each) for each in pyproject()["project"]["classifiers"]]
    return [match[1] for match in found if match]


def short(version):
    """Return a Python's version from cibuildwheel's name: 3.14t from cp314t-*."""
    return f"3.{version.removeprefix('cp3').removesuffix('-*')}"


def supported():
    """Return the table of supported Pythons in docs/dev/releasing.md, by version."""
    rows = re.findall(r"^\| (3\.\d+t?) \| (.*) \|$", text("docs/dev/releasing.md"), re.MULTILINE)
    return {version: [cell.strip() for cell in cells.split("|")] for version, cells in rows}


def test_the_pythons_of_classifiers_wheels_and_the_page_are_the_same():
    wheels = [short(each) for each in pyproject()["tool"]["cibuildwheel"]["build"]]
    assert wheels == list(supported())
    assert [version for version in wheels if not version.endswith("t")] == pythons()
    assert pyproject()["project"]["requires-python"] == f">={pythons()[0]}"


def test_every_python_is_tested_by_a_workflow():
    jobs = yaml(".github/workflows/tests.yml")["jobs"]
    tested = {each["python"] for each in jobs["gate"]["strategy"]["matrix"]["include"]}
    tested |= set(jobs["contract"]["strategy"]["matrix"]["python"])
    assert tested == set(supported())


def test_the_pythons_are_at_least_those_of_spec_0():
    """Three years from a Python's first release on; the page says from when to when."""
    for released, until, *_ in (cells for version, cells in supported().items() if not version.endswith("t")):
        begin, end = (datetime.date.fromisoformat(f"{day}-01") for day in (released, until))
        assert (end.year, end.month) == (begin.year + 3, begin.month)


def test_the_recipe_agrees_with_the_project():
    project, recipe = pyproject(), yaml("recipe/recipe.yaml")
    assert recipe["context"] == {"name": project["project"]["name"], "version": project["project"]["version"]}
    host = {str(need).replace(" ", "").lower() for need in recipe["requirements"]["host"]}
    assert {need.lower() for need in project["build-system"]["requires"]} <= host
    run = {str(need).replace(" ", "") for need in recipe["requirements"]["run"]}
    assert run == {"python", *project["project"]["dependencies"]}
    assert recipe["build"]["skip"] == [f'match(python, "<{pythons()[0]}")']
    assert recipe["about"]["summary"] == project["project"]["description"]
    assert recipe["about"]["license"] == project["project"]["license"]


@pytest.mark.skipif(sys.platform == "win32", reason="needs a shell")
@pytest.mark.parametrize(("tag", "passes"), [(f"v{fa.__version__}", True), ("v0.0.9", False), (fa.__version__, False)])
def test_a_tag_that_is_not_the_version_is_refused(tag, passes):
    """The workflow's own command is run."""
    (command,) = re.findall(
        r'^ +run: (test "\$GITHUB_REF_NAME".*)$', text(".github/workflows/wheels.yml"), re.MULTILINE
    )
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = os.environ | {"GITHUB_REF_NAME": tag, "PATH": path}
    done = subprocess.run(["sh", "-c", command], cwd=PROJECT, env=environment, capture_output=True, check=False)
    assert done.stderr == b""
    assert (done.returncode == 0) == passes


def test_nothing_is_published_whose_tag_was_not_compared():
    jobs = yaml(".github/workflows/wheels.yml")["jobs"]
    assert "sdist" in jobs["publish"]["needs"]
    assert any("GITHUB_REF_NAME" in step.get("run", "") for step in jobs["sdist"]["steps"])


def test_the_changelog_has_every_version_with_its_date_newest_first():
    headings = re.findall(r"^## (.*)$", text("CHANGELOG.md"), re.MULTILINE)
    assert headings.pop(0) == "Unreleased"
    versions, dates = zip(*(heading.split(" - ") for heading in headings), strict=True)
    assert versions[0] == fa.__version__
    for values in (
        [tuple(map(int, version.split("."))) for version in versions],
        [*map(datetime.date.fromisoformat, dates)],
    ):
        assert values == sorted(values, reverse=True)


def test_read_the_docs_builds_what_ci_builds():
    site = yaml(".readthedocs.yaml")
    assert site["sphinx"] == {"configuration": "docs/conf.py", "fail_on_warning": True}
    assert site["build"]["tools"]["python"] in pythons()
    assert site["python"]["install"] == [{"method": "pip", "path": ".", "extra_requirements": ["docs"]}]
