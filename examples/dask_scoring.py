"""Score more rows than memory holds, with Dask: logits lie on disk, chunk by chunk, and so do their probabilities.

The script makes the logits, a file a chunk, then computes from them the softmax, which is stored beside them, and the
cross-entropy and the accuracy against labels.  No more than some chunks are in memory at any time:

    python examples/dask_scoring.py --rows 1_000_000
"""

import argparse
import resource
import sys
import tempfile
from pathlib import Path

import dask
import dask.array as da
import numpy as np
from dask.diagnostics import ProgressBar

import fastact as fa

CLASSES = 128
CHUNK = 65_536  # rows: 34 MB of float32


def peak():
    """Return the most memory that the process has had, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def make_logits(labels, block_info=None):
    """Return logits of a chunk: noise, and more at the labels of most rows."""
    rng = np.random.default_rng(block_info[None]["chunk-location"])
    logits = rng.standard_normal((len(labels), CLASSES), np.float32)
    logits[np.arange(len(labels)), labels] += 4 * (rng.random(len(labels)) < 0.9)
    return logits


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--chunk", type=int, default=CHUNK, help="rows of a chunk")
    parser.add_argument("--folder", help="where chunks are kept; by default one that is removed in the end")
    given = parser.parse_args()
    fa.set_num_threads(1)  # Dask computes as many chunks at a time as there are cores
    with tempfile.TemporaryDirectory(dir=given.folder) as folder, ProgressBar(dt=0.5):
        run(Path(folder), given.rows, given.chunk)


def run(folder, rows, chunk):
    labels = da.arange(rows, chunks=chunk, dtype=np.int64) % CLASSES
    made = da.map_blocks(make_logits, labels, new_axis=1, chunks=(labels.chunks[0], (CLASSES,)), dtype=np.float32)
    print(
        f"making {rows:,} rows of {CLASSES} logits, {made.nbytes / 1e6:,.0f} MB in {made.npartitions} files", flush=True
    )
    before = peak()
    da.to_npy_stack(folder / "logits", made)

    logits = da.from_npy_stack(folder / "logits", mmap_mode=None)
    print("the softmax, to files again", flush=True)
    da.to_npy_stack(folder / "scores", fa.softmax(logits))
    scores = da.from_npy_stack(folder / "scores", mmap_mode=None)

    print("the loss, and how often the label has the highest score", flush=True)
    loss, accuracy = dask.compute(fa.softmax_cross_entropy(logits, labels), (scores.argmax(axis=1) == labels).mean())
    print(f"loss {loss:.6f}, accuracy {accuracy:.4f}")
    print(f"peak memory: {(peak() - before) / 1e6:,.0f} MB above {before / 1e6:,.0f} MB of libraries; ", end="")
    print(f"the array: {logits.nbytes / 1e6:,.0f} MB")


if __name__ == "__main__":
    main()
