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

from fastact.core import function as core

PROJECT = pathlib.Path(__file__).parents[2]
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


def setup_py(tree, *commands, compiler=None, **environment):
    """Run setup.py; return the finished process."""
    return subprocess.run(
        [sys.executable, "setup.py", *commands],
        cwd=tree,
        env={**os.environ, "CC": str(compiler or tree / "compiler"), **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def build(tree):
    """Build as a developer does."""
    done = setup_py(tree, "build_clib", "build_ext", "--inplace")
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
    """All that has code of ours in it."""
    return extensions(path.name for path in tree.rglob("*.so")) - {"_cython_utilities"}


def sources(pattern):
    return pytest.mark.parametrize("source", sorted(str(path.relative_to(PROJECT)) for path in PROJECT.glob(pattern)))


def test_nothing_edited_is_nothing_built(tree):
    assert made_again(tree, None) == set()


def one_of_each_folder():
    """The headers of the vector types, and one of each folder of the kernels: setup.py finds them by one pattern."""
    folders = {path.parent: path for path in sorted((PROJECT / "fastact" / "kernels").rglob("*.h"))}
    vectors = (PROJECT / "fastact" / "kernels" / "simd").glob("vec_*.h")
    return sorted(str(path.relative_to(PROJECT)) for path in {*folders.values(), *vectors})


@pytest.mark.parametrize("source", one_of_each_folder())
def test_a_header_edited_is_a_kernel_rebuilt_and_an_extension_linked_again(tree, source):
    made = made_again(tree, tree / source)
    header = pathlib.Path(source).stem
    users = [target for target in core.TARGETS if header == f"vec_{target}" or not header.startswith("vec_")]
    assert {f"{target}_f{bits}.o" for target in users for bits in (32, 64)} <= made
    assert extensions(made) == every_extension(tree)


@pytest.mark.parametrize("source", [f"fastact/kernels/targets/{core.TARGETS[-1]}_f32.c"])
def test_a_kernel_source_edited_is_an_extension_linked_again(tree, source):
    made = made_again(tree, tree / source)
    assert pathlib.Path(source).stem + ".o" in made
    assert extensions(made) == every_extension(tree)


@sources("fastact/core/*.h")
def test_a_header_of_the_core_edited_is_every_extension_rebuilt(tree, source):
    made = made_again(tree, tree / source)
    assert extensions(made) == every_extension(tree)
    assert {f"{name}.o" for name in every_extension(tree)} <= made


def test_a_missing_compiler_is_an_error_that_says_what_to_install(tree):
    done = setup_py(tree, "build_clib", compiler="no-such-compiler")
    assert done.returncode != 0
    assert "no-such-compiler is missing" in done.stderr
    assert "apt install build-essential python3-dev" in done.stderr


def wrapped(tree, name, lines):
    """Return a compiler that does something before it compiles."""
    path = tree / name
    path.write_text(f'#!/bin/sh\n{lines}\nexec {tree / "compiler"} "$@"\n')
    path.chmod(0o755)
    return path


def test_openmp_that_is_asked_for_and_missing_is_an_error(tree):
    without = wrapped(tree, "without_openmp", 'case "$*" in *-fopenmp*) exit 1 ;; esac')
    done = setup_py(tree, "build_ext", "--inplace", compiler=without, FASTACT_OPENMP="1")
    assert done.returncode != 0
    assert "this compiler has none" in done.stderr


@pytest.mark.parametrize(("variable", "jobs"), [("FASTACT_BUILD_JOBS", 1), ("FASTACT_BUILD_JOBS", 3), ("MAX_JOBS", 3)])
def test_so_many_compilers_run_at_a_time(tree, variable, jobs, tmp_path):
    log = tmp_path / "log"
    slow = wrapped(
        tree, "slow", f'case "$*" in *" fastact/kernels/"*) echo + >> {log}; sleep 0.5; echo - >> {log} ;; esac'
    )
    build_base = ["build", "--build-base", tmp_path / "base"]
    done = setup_py(tree, *build_base, "build_clib", compiler=slow, **{"MAX_JOBS": "2", variable: str(jobs)})
    assert done.returncode == 0, done.stderr
    running, most = 0, 0
    for line in log.read_text().split():
        running += 1 if line == "+" else -1
        most = max(most, running)
    assert most == jobs


@pytest.mark.parametrize("jobs", ["0", "two", "-1"])
def test_a_number_of_compilers_that_is_none_is_an_error(tree, jobs):
    done = setup_py(tree, "build_ext", "--inplace", FASTACT_BUILD_JOBS=jobs)
    assert done.returncode != 0
    assert "FASTACT_BUILD_JOBS is to be a number from 1 on" in done.stderr


def test_a_source_that_does_not_compile_is_an_error_and_the_others_are_given_up(tree, tmp_path):
    log = tmp_path / "log"
    failing = wrapped(
        tree, "failing", f'case "$*" in *" fastact/kernels/"*) echo >> {log}; echo it is broken >&2; exit 1 ;; esac'
    )
    done = setup_py(
        tree, "build", "--build-base", tmp_path / "base", "build_clib", compiler=failing, FASTACT_BUILD_JOBS="1"
    )
    assert done.returncode != 0
    assert "it is broken" in done.stderr
    assert done.stderr.splitlines()[-1].startswith("error: ")
    assert len(log.read_text()) <= 2


@pytest.mark.parametrize("given", [{"FASTACT_SANITIZE": "undefined"}, {"CFLAGS": "-fsanitize=undefined"}])
def test_a_build_with_sanitizers_keeps_openmp(tree, tmp_path, given):
    """A program that is to be linked with what its objects were compiled for needs the same flags."""
    log = tmp_path / "log"
    logging = wrapped(tree, "logging", f'echo "$*" >> {log}')
    done = setup_py(
        tree,
        "build",
        "--build-lib",
        tmp_path / "lib",
        "build_ext",
        "--force",
        compiler=logging,
        FASTACT_OPENMP="1",
        **given,
    )
    assert done.returncode == 0, done.stderr
    lines = [line for line in log.read_text().splitlines() if "core/function" in line]
    assert lines
    assert all("-fopenmp" in line and "-fsanitize=undefined" in line for line in lines)
    if "FASTACT_SANITIZE" in given:
        assert not any("-Wl,-s" in line for line in lines)
        assert all("/sanitize/" in line for line in lines)
