"""What is handed out is whole, small and says nothing about the machine that built it."""

import importlib.metadata
import pathlib
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
import tomllib
import zlib

import pytest

import fastact as fa
import helpers

PACKAGE = pathlib.Path(fa.__file__).parent
PROJECT = pathlib.Path(__file__).parents[2]
LIBRARIES = [*PACKAGE.glob("*.so"), *PACKAGE.glob("*.pyd")]

in_a_source_tree = pytest.mark.skipif(not (PROJECT / "setup.py").exists(), reason="not in a source tree")


def test_the_extensions_hold_no_path_of_the_machine_that_built_them():
    folders = [PROJECT, pathlib.Path.home(), tempfile.gettempdir(), sysconfig.get_config_var("LIBDIR"), sys.prefix]
    paths = {f"{folder}/".encode() for folder in folders if folder} - {b"//"}
    assert LIBRARIES
    found = [(library.name, path) for library in LIBRARIES for path in paths if path in library.read_bytes()]
    assert found == []


def test_a_wheel_stays_under_3_megabytes():
    left_out = (".c", ".h", ".pxd", ".pyc", ".pyx")  # sources, where the tests run beside them
    files = [path for path in PACKAGE.rglob("*") if path.is_file() and path.suffix not in left_out]
    files += [*PACKAGE.glob("*.pxd"), *PACKAGE.glob("include/*")]  # which callers compile against
    files += (PACKAGE.parent / "fastact.libs").glob("*")
    assert sum(len(zlib.compress(path.read_bytes(), 6)) for path in files) < 3_000_000


def test_every_extension_is_one_that_the_package_loads():
    """What serves tests alone is not handed out."""
    loaded = helpers.python_output("import sys, fastact, fastact._c_api, fastact._xla\nprint(*sys.modules)").split()
    libraries = [*PACKAGE.rglob("*.so"), *PACKAGE.rglob("*.pyd")]
    found = {".".join([*path.relative_to(PACKAGE.parent).parts[:-1], path.name.split(".")[0]]) for path in libraries}
    assert found
    assert found - set(loaded) == set()


def test_the_version_is_that_of_the_installed_distribution():
    assert importlib.metadata.version("fastact") == fa.__version__


@in_a_source_tree
def test_the_version_is_that_of_the_project():
    assert tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]["version"] == fa.__version__
    assert f"\nversion: {fa.__version__}\n" in (PROJECT / "CITATION.cff").read_text()


@pytest.mark.slow
@in_a_source_tree
def test_the_source_distribution_has_every_source_and_nothing_built(tmp_path):
    for module in ("setuptools", "Cython"):
        pytest.importorskip(module)
    tree = tmp_path / "tree"
    made = ("_build", "made", "reference")  # of the guide
    built = shutil.ignore_patterns(".*", "build", "dist", "*.egg-info", "*.so", "*.pyd", "__pycache__", *made)
    shutil.copytree(PROJECT, tree, ignore=built)
    want = {str(path.relative_to(tree)) for path in tree.rglob("*") if path.is_file()}
    (tree / "fastact" / "stray.so").touch()
    subprocess.run([sys.executable, "setup.py", "-q", "sdist", "-d", tmp_path], cwd=tree, check=True)
    with tarfile.open(next(tmp_path.glob("*.tar.gz"))) as archive:
        got = {member.name.partition("/")[2] for member in archive if member.isfile()}
    assert {"setup.py", "LICENSE", "fastact/core/function.pyx", "fastact/kernels/table.h"} <= want
    assert want - got == set()
    assert {name for name in got - want if not name.startswith("fastact.egg-info/")} <= {"PKG-INFO", "setup.cfg"}
