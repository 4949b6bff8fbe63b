"""What is edited is built again: a stale kernel in a fresh extension would be found by nobody.

A stand-in for the compiler makes empty objects in no time: only what is made again is asked here.
"""

import os
import pathlib
import shutil
import subprocess
import sys
import time

import pytest

from fastact import engine

PROJECT = pathlib.Path(__file__).parents[1]
COMPILER = os.environ.get("CC") or shutil.which("cc") or shutil.which("gcc")
STAND_IN = r"""#!/bin/sh
for argument; do
    [ "$before" = -o ] && output=$argument
    case $argument in fastact/*.c | build/*.c) ours=1 ;; esac
    before=$argument
done
[ -z "$ours" ] && exec {compiler} "$@"
: | exec {compiler} -x c -fPIC -c - -o "$output"
"""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not COMPILER or sys.platform == "win32", reason="no C compiler"),
    pytest.mark.skipif(not (PROJECT / "setup.py").exists(), reason="not in a source tree"),
]


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """A copy of the sources, built once."""
    for module in ("setuptools", "Cython"):
        pytest.importorskip(module)
    copy = tmp_path_factory.mktemp("build") / "tree"
    copy.mkdir()
    for name in ("setup.py", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(PROJECT / name, copy)
    shutil.copytree(PROJECT / "fastact", copy / "fastact", ignore=shutil.ignore_patterns("*.so", "*.o", "__pycache__"))
    (copy / "compiler").write_text(STAND_IN.format(compiler=COMPILER))
    (copy / "compiler").chmod(0o755)
    build(copy)
    return copy


def build(tree):
    """Build as a developer does."""
    done = subprocess.run(
        [sys.executable, "setup.py", "build_clib", "build_ext", "--inplace"],
        cwd=tree,
        env={**os.environ, "CC": str(tree / "compiler")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def made_again(tree, edited):
    """Return the names of the objects and extensions that a build writes after a file was edited.

    Everything is made a little older first: setuptools compares whole seconds.
    """
    past = time.time() - 10
    for path in tree.rglob("*"):
        os.utime(path, (past, past))
    if edited:
        edited.write_text(edited.read_text() + "/* edited */\n")
    build(tree)
    return {path.name for ending in ("*.o", "*.so") for path in tree.rglob(ending) if path.stat().st_mtime > past + 1}


def extensions(names):
    return {name.partition(".")[0] for name in names if name.endswith(".so")}


def every_extension(tree):
    return extensions(path.name for path in tree.rglob("*.so"))


def sources(pattern):
    return pytest.mark.parametrize("source", sorted(str(path.relative_to(PROJECT)) for path in PROJECT.glob(pattern)))


def test_nothing_edited_is_nothing_built(tree):
    assert made_again(tree, None) == set()


@sources("fastact/kernels/*.h")
def test_a_header_edited_is_a_kernel_rebuilt_and_an_extension_linked_again(tree, source):
    made = made_again(tree, tree / source)
    header = pathlib.Path(source).stem
    users = [target for target in engine.TARGETS if header == f"vec_{target}" or not header.startswith("vec_")]
    assert {f"{target}_f{bits}.o" for target in users for bits in (32, 64)} <= made
    assert extensions(made) == every_extension(tree)


@pytest.mark.parametrize("source", ["fastact/kernels/generic_f32.c"])
def test_a_kernel_source_edited_is_an_extension_linked_again(tree, source):
    made = made_again(tree, tree / source)
    assert pathlib.Path(source).stem + ".o" in made
    assert extensions(made) == every_extension(tree)


@sources("fastact/*.h")
def test_a_header_of_the_engine_edited_is_every_extension_rebuilt(tree, source):
    made = made_again(tree, tree / source)
    assert extensions(made) == every_extension(tree)
    assert {f"{name}.o" for name in every_extension(tree)} <= made


def test_a_missing_compiler_is_an_error_that_says_what_to_install(tree):
    done = subprocess.run(
        [sys.executable, "setup.py", "build_clib"],
        cwd=tree,
        env={**os.environ, "CC": "no-such-compiler"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert "no-such-compiler is missing" in done.stderr
    assert "apt install build-essential python3-dev" in done.stderr


def test_openmp_that_is_asked_for_and_missing_is_an_error(tree):
    compiler = tree / "compiler"
    without = tree / "without_openmp"
    without.write_text(f'#!/bin/sh\ncase "$*" in *-fopenmp*) exit 1 ;; esac\nexec {compiler} "$@"\n')
    without.chmod(0o755)
    done = subprocess.run(
        [sys.executable, "setup.py", "build_ext", "--inplace"],
        cwd=tree,
        env={**os.environ, "CC": str(without), "FASTACT_OPENMP": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert "this compiler has none" in done.stderr
