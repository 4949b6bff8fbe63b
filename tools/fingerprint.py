"""Print a hash of the bits that every call gives: one line a call, type and target.

    python tools/fingerprint.py --output before.txt             # then edit, build
    python tools/fingerprint.py --compare before.txt            # names the calls whose bits differ; status 1 if any does

The calls are those of tests/contract/calls.py: every callable and operation, with each combination of what is optional.
The package measured is the one that Python imports, so `PYTHONPATH=OTHER python tools/fingerprint.py` measures another
build.  A NaN counts as a NaN, whatever its sign and payload.  tests/numerics/cross/fingerprint.c does the same below the core, for
every kernel and also on other machines.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
import zlib
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

import numpy as np

import helpers
from contract import calls

SHAPES = ((), (1,), (19,), (2, 33), (33, 5), (3, 7, 16), (5, 300), (20011,), (300, 70))
QUICK = ((19,), (2, 33), (5, 300))
TYPES = (np.float32, np.float64)


def canonical(array):
    """The bytes of an array, with one pattern for all NaNs."""
    array = np.array(array, order="C")
    if array.dtype.kind == "f":
        array[np.isnan(array)] = np.nan
    return array.dtype.str.encode() + str(array.shape).encode() + array.tobytes()


def fingerprint(call, dtype, target, shapes):
    """Hash what a call gives for some shapes, ordinary values and all exponents among them."""
    found = hashlib.blake2b(digest_size=8)
    for number, shape in enumerate(shapes):
        if not call.fits(shape):
            continue
        for wild in (False, True):
            seed = zlib.crc32(call.id.encode()) + number
            arrays = call.make(shape, dtype, seed=seed, wild=wild)
            try:
                for result in call.run(arrays, target=target):
                    found.update(canonical(result))
            except (ValueError, TypeError) as error:
                found.update(type(error).__name__.encode())
    return found.hexdigest()


def lines(chosen, targets, shapes):
    """Yield what a call is, and its hash."""
    for target in targets:
        for dtype in TYPES:
            for call in chosen:
                if all(np.dtype(dtype) in map(np.dtype, operand.dtypes) for operand in call.inputs if operand.widens):
                    yield f"{target} {np.dtype(dtype)} {call.id}", fingerprint(call, dtype, target, shapes)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--compare", metavar="FILE", help="compare with the lines of another run")
    parser.add_argument("--output", metavar="FILE", help="write the lines to a file instead of the standard output")
    parser.add_argument("--quick", action="store_true", help="every pair of options instead of all, and few shapes")
    parser.add_argument("--target", action="append", choices=helpers.TARGETS, help="of these targets only")
    given = parser.parse_args()
    chosen, shapes = (calls.REPRESENTATIVES, QUICK) if given.quick else (calls.ALL, SHAPES)
    before = {}
    if given.compare:
        before = dict(line.rsplit(" ", 1) for line in Path(given.compare).read_text().splitlines())
    out = open(given.output, "w") if given.output else sys.stdout  # noqa: SIM115  # closed by the end
    different, count = 0, 0
    for name, found in lines(chosen, given.target or helpers.TARGETS, shapes):
        count += 1
        if not given.compare:
            print(name, found, file=out)
        elif before.pop(name, None) != found:
            different += 1
            print(name, file=out)
    if given.compare:
        missing = [name for name in before if name.split(" ", 1)[0] in (given.target or helpers.TARGETS)]
        print(f"{count} compared, {different} differ or are new, {len(missing)} are gone", file=sys.stderr)
        sys.exit(1 if different or missing else 0)


if __name__ == "__main__":
    main()
