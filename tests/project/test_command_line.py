"""`python -m fastact`: what it prints, and the status that scripts go by."""

import importlib.util
import json
import subprocess
import sys
import types

import numpy as np
import pytest

import fastact as fa
from fastact import __main__ as command_line
from fastact._bench.peers import OUT, Way, ways
from fastact._bench.workers import compare


def run(*arguments, **environment):
    return subprocess.run(
        [sys.executable, "-P", "-m", "fastact", *arguments], capture_output=True, text=True, timeout=240, check=False
    )


def test_info_tells_what_runs_here():
    done = run("info")
    assert done.returncode == 0
    assert fa.__version__ in done.stdout
    assert fa.show_config(mode="dicts")["cpu_target"] in done.stdout
    assert json.loads(run("info", "--json").stdout)["version"] == fa.__version__


def test_check_takes_names():
    done = run("check", "relu", "softmax")
    assert done.returncode == 0, done.stdout + done.stderr
    rows = [line.split()[0] for line in done.stdout.splitlines() if line.endswith("ok")]
    assert set(rows) == {"relu", "softmax"}
    assert "\033" not in done.stdout


def test_an_error_beyond_its_bound_is_status_1(monkeypatch, capsys):
    monkeypatch.setattr(command_line, "float64_error", lambda activation, kind: 1e6 if kind == "forward" else 0.0)
    assert command_line.main(["check", "relu"]) == 1
    assert "1e+06" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["nothing"], "invalid choice"),
        (["check", "rellu"], "did you mean relu"),
        (["bench", "swiglu"], "gated unit"),
        (["plot"], "required"),
        (["plot", "softmax"], "element by element"),
        (["plot", "relu", "-o", "x.nothing"], "nothing"),
        (["bench", "relu", "-n", "many"], "invalid int"),
    ],
)
def test_a_bad_command_is_status_2_with_a_word(arguments, says, tmp_path, monkeypatch):
    if "-o" in arguments:
        pytest.importorskip("matplotlib")
    done = subprocess.run(
        [sys.executable, "-P", "-m", "fastact", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd=tmp_path,
    )
    assert done.returncode == 2
    assert says in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("command", [[], ["info"], ["check"], ["bench"], ["plot"]])
def test_help_reads_well(command):
    done = run(*command, "--help")
    assert done.returncode == 0
    assert done.stdout.startswith(" ".join(["usage: python -m fastact", *command]))
    assert max(map(len, done.stdout.splitlines())) <= 80


def test_plot_draws_here_or_to_a_file(tmp_path):
    done = run("plot", "gelu", "silu", "-d")
    assert done.returncode == 0
    assert done.stdout.splitlines()[-1].split()[1::2] == ["gelu", "gelu'", "silu", "silu'"]
    if importlib.util.find_spec("matplotlib"):
        picture = tmp_path / "out.png"
        assert run("plot", "gelu", "-o", str(picture)).returncode == 0
        assert picture.read_bytes().startswith(b"\x89PNG")


class Clock:
    """A worker of a library whose ways take as many seconds as they are called."""

    def __init__(self, name):
        self.name = name

    def seconds(self, case, way, calls):
        return float(way.statement)


def test_libraries_are_compared_by_their_fastest_ways():
    ours, slow, quick = (Clock(name) for name in ("fastact", "NumPy", "JAX"))
    asked = [(ours, "4"), (slow, "9"), (slow, "8"), (quick, "2"), (quick, "3")]
    best, ratios = compare([(worker, None, Way(OUT, statement)) for worker, statement in asked], rounds=3)
    assert {name: (seconds, way.statement) for name, (seconds, way) in best.items()} == {
        "JAX": (2, "2"),
        "fastact": (4, "4"),
        "NumPy": (8, "8"),
    }
    assert list(best) == ["JAX", "fastact", "NumPy"]
    assert ratios == {"JAX": 0.5, "NumPy": 2}  # above 1, fastact is faster
    assert compare([(ours, None, Way(OUT, "4"))], rounds=3) is None


def test_no_library_is_compared_by_a_loop_of_pythons():
    """NumPy has no error function; SciPy's ways with one are right, in the array's type."""
    assert ways("NumPy", "gelu", "forward") == ways("NumPy", "gelu", "backward_x") == []
    scipy_special = pytest.importorskip("scipy.special")
    x, grad = np.linspace(-3, 3, 50, dtype=np.float32), np.linspace(1, 2, 50, dtype=np.float32)
    for kind, want in (("forward", fa.gelu(x)), ("backward_x", fa.gelu.backward(grad, x=x))):
        for way in ways("SciPy", "gelu", kind):
            names = {"np": np, "scipy": types.SimpleNamespace(special=scipy_special), "x": x, "grad": grad}
            got = eval(way.statement, names | {"out": np.empty_like(x)})
            assert got.dtype == x.dtype
            np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-6)


def test_bench_compares_with_what_is_installed():
    done = run("bench", "relu", "-n", "1000")
    assert done.returncode == 0, done.stderr
    rows = [line.split() for line in done.stdout.splitlines() if line.startswith("relu")]
    assert {row[1] for row in rows} >= {"forward", "backward_x", "backward_y"}
    assert all(float(row[3]) > 0 for row in rows)
