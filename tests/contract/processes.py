"""Functions of the suite's modules, run in a process of their own: what may crash must not take pytest with it."""

import faulthandler
import mmap
import os
import pathlib
import signal
import subprocess
import sys
import traceback

import pytest

import helpers

TESTS = pathlib.Path(__file__).parents[1]
# Read on import: no thread of ours or of NumPy's BLAS spins on a core that another test wants.
QUIET = {"OPENBLAS_NUM_THREADS": "1", "OMP_WAIT_POLICY": "passive", "OMP_NUM_THREADS": None}

PATIENCE = {"quick": 1, "full": 1, "all": 12}  # how much longer a lane may take


def run(function, *arguments, **environment):
    """Call a function of one of the suite's modules in a fresh interpreter; return the finished process."""
    code = f"""
import faulthandler, sys
faulthandler.enable()
sys.path.insert(0, {str(TESTS)!r})
import helpers
helpers.lane = {helpers.lane!r}
from {function.__module__} import {function.__name__} as function
function(*{arguments!r})
"""
    return helpers.run_python(code, timeout=600 * PATIENCE[helpers.lane], **{**QUIET, **environment})


def succeeds(function, *arguments, **options):
    """Run as above; what the function reported, or a crash, fails the test.  Return what it printed."""
    try:
        done = run(function, *arguments, **options)
    except subprocess.TimeoutExpired as expired:
        said = (expired.stderr or b"")[-500:]
        pytest.fail(f"{function.__name__}{arguments} hangs; it last said {said!r}", pytrace=False)
    if done.returncode:
        said = f"{done.stdout[:20000]}\n{done.stderr[-4000:]}"
        pytest.fail(f"{function.__name__}{arguments} ended with {ended(done.returncode)}\n{said}", pytrace=False)
    return done.stdout.strip()


def ended(code):
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"


def place(error):
    """Return an exception, and where in the suite it came up."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if str(TESTS) in frame.filename]
    at = f" ({pathlib.Path(frames[-1].filename).name}:{frames[-1].lineno})" if frames else ""
    return f"{type(error).__name__}: {error}{at}"


class Findings:
    """Collects what is wrong in a process of its own, call by call, and ends it with a list."""

    def __init__(self):
        self.found = {}

    def add(self, name, text):
        self.found.setdefault(str(name), []).append(" ".join(str(text).split()))

    def same(self, got, want, name, where=""):
        """Note where bits differ."""
        try:
            helpers.assert_same_bits(got, want)
        except AssertionError as error:
            self.add(f"{name} ({error})", f"{where}: other bits")

    def text(self):
        """Return a list of what is wrong, the kinds at the most calls first, each with some of these calls."""
        kinds = {}
        for name, texts in self.found.items():
            for text in dict.fromkeys(texts):
                kinds.setdefault(text[:400], []).append(name)
        lines = [f"{sum(map(len, self.found.values()))} findings of {len(kinds)} kinds at {len(self.found)} calls"]
        for text, names in sorted(kinds.items(), key=lambda item: -len(item[1]))[:30]:
            more = f" and {len(names) - 3} more" if len(names) > 3 else ""
            lines.append(f"- {text}\n    at {', '.join(names[:3])}{more}")
        return "\n".join(lines)

    def check(self):
        """Fail the test with a list, if there is something to list."""
        if self.found:
            pytest.fail(self.text(), pytrace=False)

    def finish(self):
        """End the process with a list, if there is something to list."""
        if self.found:
            print(self.text(), flush=True)
            os._exit(1)


doing = mmap.mmap(-1, mmap.PAGESIZE)  # shared with the children of a fork


def note(text):
    """Say what is about to be done: told where it ends the process."""
    doing[:1000] = text.encode()[:999].ljust(1000, b"\0")


def in_children(findings, items, seconds=100, fatal=(signal.SIGSEGV, signal.SIGBUS)):
    """Call each (name, function) in a forked child, which a crash or a hang ends.

    A function is given Findings of its own, which join `findings`."""
    sys.stdout.flush()
    sys.stderr.flush()
    hung = 0
    for name, function in items:
        if hung == 3:
            findings.add("the rest", "is not tried: three others hang")
            return
        reading, writing = os.pipe()
        note("")
        pid = os.fork()
        if pid == 0:
            faulthandler.disable()
            signal.alarm(seconds * PATIENCE[helpers.lane])
            own = Findings()
            try:
                function(own)
            except BaseException as error:
                own.add(name, f"{doing[:1000].strip(bytes(1)).decode()} {place(error)}")
            text = "\0".join(f"{key}\1{text}" for key, texts in own.found.items() for text in texts)
            with os.fdopen(writing, "w") as pipe:
                pipe.write(text)
            os._exit(0)
        os.close(writing)
        with os.fdopen(reading) as pipe:
            text = pipe.read()
        status = os.waitpid(pid, 0)[1]
        for each in filter(None, text.split("\0")):
            findings.add(*each.split("\1", 1))
        if os.WIFSIGNALED(status):
            number = os.WTERMSIG(status)
            hung += number == signal.SIGALRM
            how = "hangs" if number == signal.SIGALRM else f"ends the process with {signal.Signals(number).name}"
            findings.add(name, f"{how}: {doing[:1000].strip(bytes(1)).decode()}")
