"""What a developer runs, a line each: `nox -s quick`, `nox -s lint docs`; `nox -l` lists them.

The commands run in the environment that nox is called from, which has the build in it: `pip install nox`, then see
CONTRIBUTING.md.  `.ci/run` is the gate, in an environment of its own.
"""

from pathlib import Path

import nox

nox.options.default_venv_backend = "none"
nox.options.sessions = ["build", "quick", "lint"]


def run(session, *command, **variables):
    session.run(*command, *session.posargs, external=True, env=variables)


def sources_in_c():
    folders = ("fastact/kernels", "fastact/core", "fastact/include", "examples", "tests", "bench")
    found = sorted(str(path) for folder in folders for path in Path(folder).rglob("*.[ch]"))
    return [path for path in found if not path.endswith("constants.h")]  # which a script writes


@nox.session
def build(session):
    """Compile what has changed, in place."""
    run(session, "python", "setup.py", "-q", "build_clib", "build_ext", "--inplace")


@nox.session
def quick(session):
    """Every promise on some of the inputs."""
    run(session, "pytest", "-q")


@nox.session
def full(session):
    """All tests but those that compare times."""
    run(session, "pytest", "-q", "--lane", "full")


@nox.session
def lint(session):
    """Style, types, and files that scripts write."""
    for command in (
        ["ruff", "check", "."],
        ["ruff", "format", "--check", "."],
        ["cython-lint", "fastact/", "examples/", "tests/"],
        ["mypy"],
        ["clang-format", "--dry-run", "--Werror", *sources_in_c()],
        ["python", "tools/make_stub.py", "--check"],
        ["python", "tools/make_pxd.py", "--check"],
        ["python", "tools/make_constants.py", "--check"],
        ["python", "tools/special_values.py", "--check"],
        ["python", "tools/migrating.py", "--check"],
        ["python", "tools/call_picture.py", "--check"],
    ):
        session.run(*command, external=True)


@nox.session
def docs(session):
    """The guide, to docs/_build/html."""
    run(session, "sphinx-build", "-W", "-q", "docs", "docs/_build/html")


@nox.session
def bench(session):
    """pytest-benchmark over the catalogue; `nox -s bench -- -k gelu` for one."""
    run(session, "pytest", "bench")
