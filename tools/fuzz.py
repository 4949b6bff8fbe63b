"""Make random calls for minutes or hours, and hold each to what it must give: see tests/contract/fuzz.py.

    python tools/fuzz.py --minutes 60 --seed 1          # all processors; a failing call is printed as a script
    python tools/fuzz.py --calls 1000000 --report       # and adds a line to docs/fuzzing.md

Calls are made in processes of their own, so that a crash or a hang is a finding too.  Call n of a seed is the same whatever
the number of processes (`--jobs`); `--first` begins elsewhere, and what is stopped says where to go on.  Scripts go to the folder `--found`.  Exits with 1 if anything differs.
"""

from __future__ import annotations

import argparse
import json
import mmap
import os
import platform
import selectors
import signal
import struct
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

HERE = Path(__file__).resolve()
PAGE = HERE.parent.parent / "docs" / "fuzzing.md"
HANGS = 120  # seconds that no call takes
SHOWN = 20  # findings that are printed and made smaller; all are counted


# ---------------------------------------------------------------------------------------------------------------
# In the processes
# ---------------------------------------------------------------------------------------------------------------


def fuzzing():
    """Import the fuzzer."""
    sys.path.insert(0, str(HERE.parent.parent / "tests"))
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # as many threads as there are waits elsewhere
    from contract import fuzz

    return fuzz


def call_of(fuzz, seed, number):
    import numpy as np

    return fuzz.random_call(np.random.default_rng([seed, number]), (seed, number))


def work(options):
    """Make every `step`th call from `first` on; write down the number of each before, and tell of what differs."""
    fuzz = fuzzing()
    with open(options.log, "r+b") as file:
        log = mmap.mmap(file.fileno(), 8)
    told, done, found = time.monotonic(), 0, 0
    number = options.first
    while options.calls is None or number < options.calls:
        log[:8] = struct.pack("q", number)
        try:
            call = call_of(fuzz, options.seed, number)
            fault = fuzz.check(call)
        except Exception as error:  # noqa: BLE001  # not the call's, the fuzzer's own
            import traceback

            tell(
                failed=number,
                fault=f"the fuzzer itself: {type(error).__name__}: {error}",
                script=traceback.format_exc(),
            )
        else:
            if fault:
                found += 1
                if found <= SHOWN:
                    call = fuzz.shrink(call, fuzz.fails_like(fault), options.shrink)
                tell(failed=number, fault=fault, script=fuzz.script(call, fuzz.check(call) or fault))
        done += 1
        number += options.step
        if time.monotonic() - told > 0.25:
            tell(done=done)
            told = time.monotonic()
    tell(done=done)


def tell(**what):
    print(json.dumps(what), flush=True)


def write_script(options):
    """Print the script of one call, made smaller by running it in other processes, without making it in this."""
    fuzz = fuzzing()

    def fails(call):
        program = fuzz.script(call, "").encode()  # too long for an argument
        done = subprocess.run([sys.executable, "-"], input=program, capture_output=True, timeout=HANGS, check=False)
        return done.returncode < 0

    call = call_of(fuzz, options.seed, options.first)
    if options.smaller:
        call = fuzz.shrink(call, fails, options.shrink)
    print(fuzz.script(call, options.script))


# ---------------------------------------------------------------------------------------------------------------
# The one that starts them
# ---------------------------------------------------------------------------------------------------------------


class Worker:
    """A process that makes every so manyth call, and another where it has died."""

    def __init__(self, options, first, step, folder):
        self.options, self.step = options, step
        self.log, self.errors = folder / f"{first}.log", folder / f"{first}.err"
        self.log.write_bytes(bytes(8))
        self.start(first)

    def start(self, first):
        command = [sys.executable, str(HERE), "--work", "--seed", str(self.options.seed), "--first", str(first)]
        command += ["--step", str(self.step), "--log", str(self.log)]
        command += ["--shrink", str(self.options.shrink)]
        command += [] if self.options.last is None else ["--calls", str(self.options.last)]
        self.log.write_bytes(struct.pack("q", first))
        with open(self.errors, "wb") as errors:
            self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors)
        self.first, self.heard, self.text, self.done = first, time.monotonic(), b"", 0

    @property
    def number(self):
        return struct.unpack("q", self.log.read_bytes())[0]

    @property
    def next(self):
        """The number of the first call that is not known to have been made."""
        return self.first + self.done * self.step

    def messages(self):
        """Yield what the process has told since."""
        data = os.read(self.process.stdout.fileno(), 1 << 20)
        self.text += data
        *lines, self.text = self.text.split(b"\n")
        for line in lines:
            self.heard = time.monotonic()
            yield json.loads(line)


class Campaign:
    def __init__(self, options, bar):
        self.options, self.bar = options, bar
        self.done, self.found, self.next = 0, {}, options.first

    def differs(self, number, fault, script):
        """Count, print and write down a call that differs."""
        self.found[number] = fault
        folder = Path(self.options.found)
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"fuzz_{self.options.seed}_{number}.py"
        path.write_text(script)
        self.bar.set_postfix(differences=len(self.found))
        if len(self.found) <= SHOWN:
            lines = [line if len(line) < 400 else line[:400] + " ..." for line in script.splitlines()]
            self.bar.write("\n".join(["", fault, f"{path}:", *lines]))

    def count(self, worker, done):
        """A process has made so many calls since it was started."""
        self.done += done - worker.done
        self.bar.update(done - worker.done)
        worker.done = done

    def died(self, worker):
        """A worker has ended: done, or by a signal."""
        code = worker.process.wait()
        error = worker.errors.read_text(errors="replace")
        if code == 0:
            return
        number = worker.number
        how = signal.Signals(-code).name if code < 0 else f"exit {code}"
        fault = f"the process died: {how}"
        command = [
            sys.executable,
            str(HERE),
            "--script",
            fault,
            "--seed",
            str(self.options.seed),
            "--first",
            str(number),
        ]
        command += ["--shrink", str(self.options.shrink)]
        command += ["--smaller"] if len(self.found) < SHOWN else []
        made = subprocess.run(command, capture_output=True, text=True, check=False)
        self.differs(number, fault, made.stdout or f"# {fault}\n# {made.stderr}\n# {error[-2000:]}")
        self.count(worker, (number - worker.first) // worker.step + 1)
        worker.start(number + worker.step)

    def run(self):
        options = self.options
        end = time.monotonic() + 60 * options.minutes if options.minutes else None
        with tempfile.TemporaryDirectory() as folder, selectors.DefaultSelector() as selector:
            workers = [
                Worker(options, options.first + k, options.processes, Path(folder)) for k in range(options.processes)
            ]
            try:
                for worker in workers:
                    selector.register(worker.process.stdout, selectors.EVENT_READ, worker)
                while selector.get_map() and (end is None or time.monotonic() < end):
                    for key, _ in selector.select(timeout=1):
                        self.listen(key, selector)
                    for worker in workers:
                        if worker.process.poll() is None and time.monotonic() - worker.heard > HANGS:
                            worker.process.send_signal(signal.SIGABRT)  # a hang is told like a crash
            except KeyboardInterrupt:
                self.bar.write("stopped")
            finally:
                for worker in workers:
                    worker.process.kill()
                self.next = min(worker.next for worker in workers)

    def listen(self, key, selector):
        worker, silent = key.data, True
        for message in worker.messages():
            silent = False
            if "done" in message:
                self.count(worker, message["done"])
            else:
                self.differs(message["failed"], message["fault"], message["script"])
        if silent and worker.process.poll() is not None:
            selector.unregister(key.fileobj)
            self.died(worker)
            if worker.process.poll() is None:
                selector.register(worker.process.stdout, selectors.EVENT_READ, worker)


# ---------------------------------------------------------------------------------------------------------------
# The page
# ---------------------------------------------------------------------------------------------------------------

HEAD = """# Fuzzing

Random calls of everything there is, with random options, shapes, types, layouts, overlaps, threads and targets, each held
to a slow reference in long double numbers, to the bits of the plain call, and to what may be written. Lines are added by
`python tools/fuzz.py --report`.

| date | CPU | fastact | seed | calls | minutes | differences |
| --- | --- | --- | --- | --- | --- | --- |
"""


def cpu():
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def report(options, campaign, minutes):
    import fastact

    line = (
        date.today().isoformat(),
        cpu(),
        fastact.__version__,
        options.seed,
        f"{campaign.done:,}",
        f"{minutes:.0f}",
        len(campaign.found),
    )
    text = PAGE.read_text() if PAGE.exists() else HEAD
    PAGE.write_text(f"{text}| {' | '.join(map(str, line))} |\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, help="stop after so many")
    parser.add_argument("--calls", type=int, help="stop after so many")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--first", type=int, default=0, help="the number of the first call")
    parser.add_argument(
        "--jobs",
        "--processes",
        dest="processes",
        type=int,
        default=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
    )
    parser.add_argument(
        "--found", default="found", help="the folder for scripts of what differs (default: %(default)s)"
    )
    parser.add_argument(
        "--shrink", type=float, default=10, help="seconds to make a finding smaller (default: %(default)s)"
    )
    parser.add_argument("--report", action="store_true", help="add a line to docs/fuzzing.md")
    for hidden, kind in (("--step", int), ("--log", str), ("--script", str)):
        parser.add_argument(hidden, type=kind, help=argparse.SUPPRESS)
    for hidden in ("--work", "--smaller"):
        parser.add_argument(hidden, action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.work:
        return work(options)
    if options.script is not None:
        return write_script(options)
    if options.minutes is None and options.calls is None:
        options.minutes = 10
    options.last = None if options.calls is None else options.first + options.calls

    from tqdm import tqdm

    fuzzing()  # what cannot be imported at all is no finding

    started = time.monotonic()
    with tqdm(total=options.calls, unit=" calls", smoothing=0.05) as bar:
        campaign = Campaign(options, bar)
        campaign.run()
    seconds = time.monotonic() - started
    print(
        f"{campaign.done:,} calls in {seconds / 60:.1f} minutes, {campaign.done / seconds:.0f} a second; "
        f"{len(campaign.found)} differences"
    )
    if options.last is None or campaign.next < options.last:
        rest = "" if options.last is None else f" --calls {options.last - campaign.next}"
        print(f"go on with --seed {options.seed} --first {campaign.next}{rest}")
    if options.report:
        report(options, campaign, seconds / 60)
    return bool(campaign.found)


if __name__ == "__main__":
    sys.exit(main())
