"""Threads: how many, who limits them, many callers at once, and children of a fork.

How many threads work is seen from outside, in a fresh process: Linux lists its tasks, and OpenMP starts what it needs.
"""

import concurrent.futures
import os
import shutil
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

import fastact as fa
import helpers

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs /proc and affinity")
openmp = pytest.mark.skipif(not fa.show_config(mode="dicts")["openmp"], reason="built without OpenMP")
two_processors = pytest.mark.skipif(
    not hasattr(os, "sched_getaffinity") or len(os.sched_getaffinity(0)) < 2, reason="needs two processors"
)

# Runs before each script below: NumPy's own threads would be counted too.
QUIET = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": None, "OMP_WAIT_POLICY": "passive"}
PRELUDE = """
import os, sys
import numpy as np

def tasks():
    return len(os.listdir("/proc/self/task"))

alone = tasks()
import fastact as fa
from fastact import engine
x = np.linspace(-5, 5, 1 << 20)
"""


def in_a_new_process(code, **environment):
    """Run PRELUDE and the code; return what it printed."""
    return helpers.python_output(PRELUDE + code, **{**QUIET, **environment})


# How many.


@openmp
@linux
@two_processors
@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_a_large_call_uses_the_threads_it_was_given(count):
    code = f"fa.set_num_threads({count}); fa.tanh(x); print(tasks() - alone + 1, fa.get_num_threads())"
    assert in_a_new_process(code) == f"{count} {count}"


@openmp
@linux
@two_processors
def test_a_small_call_starts_no_thread():
    code = """
from fastact import catalogue
for size in (0, 1, 16, 256, 1000):
    for row in catalogue.ROWS:
        activation = fa.ACTIVATIONS[row.name]
        activation(x[:size], **row.required)
        activation.backward(x[:size], **{activation.backward_from_any: x[:size]}, **row.required)
print(tasks() - alone, fa.get_num_threads() > 1)
""".replace("activation.backward_from_any", "sorted(activation.backward_from)[0]")
    assert in_a_new_process(code) == "0 True"


@linux
@two_processors
def test_import_starts_no_thread():
    assert in_a_new_process("print(tasks() - alone)") == "0"


@two_processors
def test_the_default_is_what_the_process_may_use():
    processors = len(os.sched_getaffinity(0))
    assert int(in_a_new_process("print(fa.get_num_threads())")) <= processors


@openmp
@two_processors
@pytest.mark.parametrize(("setting", "most"), [("1", 1), ("2", 2), ("1,4", 1), ("64", None)])
def test_omp_num_threads_lowers_the_default_and_does_not_raise_it(setting, most):
    expected = int(in_a_new_process("print(fa.get_num_threads())"))
    expected = min(expected, most or expected)
    assert int(in_a_new_process("print(fa.get_num_threads())", OMP_NUM_THREADS=setting)) == expected


@linux
@two_processors
def test_affinity_of_one_processor_gives_one_thread():
    code = "fa.tanh(x); print(tasks() - alone, fa.get_num_threads())"
    one = f"import os; os.sched_setaffinity(0, [{min(os.sched_getaffinity(0))}])\n"
    assert helpers.python_output(one + PRELUDE + code, **QUIET) == "0 1"
    assert helpers.python_output(one + PRELUDE + code, **{**QUIET, "OMP_NUM_THREADS": "2"}) == "0 1"


@openmp
@linux
@two_processors
def test_threadpoolctl_limits_it():
    pytest.importorskip("threadpoolctl")
    code = """
import threadpoolctl
before = fa.get_num_threads()
with threadpoolctl.threadpool_limits(1):
    inside = fa.get_num_threads()
    fa.tanh(x)
    started = tasks() - alone
fa.tanh(x)
print(before > 1, inside, started, fa.get_num_threads() == before, tasks() - alone > 0)
"""
    assert in_a_new_process(code) == "True 1 0 True True"


@openmp
@linux
@two_processors
def test_threadpoolctl_limits_what_was_set_too():
    pytest.importorskip("threadpoolctl")
    code = """
import threadpoolctl
fa.set_num_threads(2)
with threadpoolctl.threadpool_limits(1, user_api="openmp"):
    fa.tanh(x)
    print(tasks() - alone)
"""
    assert in_a_new_process(code) == "0"


CGROUPS = {
    "version 2": ("0::/box", {"box/cpu.max": "{quota} 100000"}),
    "version 2, its own root": ("0::/", {"cpu.max": "{quota} 100000"}),
    "version 2, limited above": (
        "0::/slice/box",
        {"slice/cpu.max": "{quota} 100000", "slice/box/cpu.max": "max 100000"},
    ),
    "version 1": (
        "5:cpu,cpuacct:/box\n3:memory:/box",
        {"cpu,cpuacct/box/cpu.cfs_quota_us": "{quota}", "cpu,cpuacct/box/cpu.cfs_period_us": "100000"},
    ),
    "version 1, seen from inside": (
        "5:cpu,cpuacct:/docker/0123\n1:name=systemd:/docker/0123\n0::/system.slice",
        {"cpu/cpu.cfs_quota_us": "{quota}", "cpu/cpu.cfs_period_us": "100000"},
    ),
}


def in_a_cgroup(folder, kind, quota, code):
    """Run the code in a new process that sees a cgroup with a quota, in microseconds of each 100,000."""
    line, files = CGROUPS[kind]
    (folder / "process").write_text(line + "\n")
    for name, content in files.items():
        (folder / "root" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "root" / name).write_text(content.format(quota=quota) + "\n")
    # limits.py is loaded ahead of the package, which takes its defaults from it on import
    before = f"""
import importlib.util, pathlib, sys
location = pathlib.Path(importlib.util.find_spec("fastact").origin).with_name("limits.py")
spec = importlib.util.spec_from_file_location("fastact.limits", location)
limits = sys.modules["fastact.limits"] = importlib.util.module_from_spec(spec)
spec.loader.exec_module(limits)
limits.cgroup_quota.__defaults__ = tuple(map(pathlib.Path, {(str(folder / "process"), str(folder / "root"))!r}))
"""
    return helpers.python_output(before + PRELUDE + code, **QUIET)


@linux
@two_processors
@pytest.mark.parametrize("kind", CGROUPS)
def test_a_cgroup_quota_of_one_processor_gives_one_thread(tmp_path, kind):
    code = "fa.tanh(x); print(tasks() - alone, fa.get_num_threads())"
    assert in_a_cgroup(tmp_path, kind, 100000, code) == "0 1"


@openmp
@linux
@two_processors
@pytest.mark.parametrize("kind", ["version 1", "version 2"])
@pytest.mark.parametrize(("quota", "threads"), [("150000", 1), ("20000", 1), ("200000", 2), ("1000000000", None)])
def test_a_cgroup_quota_is_rounded_down_but_never_to_nothing(tmp_path, kind, quota, threads):
    code = "print(fa.get_num_threads())"
    unlimited = in_a_new_process(code)
    assert in_a_cgroup(tmp_path, kind, quota, code) == str(min(threads or 1000, int(unlimited)))


@linux
@two_processors
@pytest.mark.parametrize(("kind", "none"), [("version 2", "max"), ("version 1", "-1")])
def test_a_cgroup_without_a_quota_limits_nothing(tmp_path, kind, none):
    code = "print(fa.get_num_threads())"
    assert in_a_cgroup(tmp_path, kind, none, code) == in_a_new_process(code)


# Setting the number.


@pytest.fixture
def restored():
    before = fa.get_num_threads()
    yield before
    fa.set_num_threads(before)


@openmp
def test_the_number_set_is_the_number_got(restored):
    for count in (1, 3, 2):
        fa.set_num_threads(count)
        assert fa.get_num_threads() == count
    fa.set_num_threads(np.int64(2))
    assert fa.get_num_threads() == 2


@pytest.mark.parametrize("count", [0, -1, -(2**40)])
def test_a_number_below_one_is_a_value_error(restored, count):
    with pytest.raises(ValueError, match="thread"):
        fa.set_num_threads(count)
    with pytest.raises(ValueError, match="thread"):
        fa.num_threads(count)
    assert fa.get_num_threads() == restored


@pytest.mark.parametrize("count", [1.0, "2", None, [1]], ids=repr)
def test_what_is_no_integer_is_a_type_error(restored, count):
    with pytest.raises(TypeError):
        fa.set_num_threads(count)
    with pytest.raises(TypeError):
        fa.num_threads(count)
    assert fa.get_num_threads() == restored


@linux
def test_an_absurd_number_does_not_end_the_process():
    """A runtime that cannot create a thread calls exit()."""
    code = """
for absurd in (10**6, 2**40, 2**70):
    try:
        fa.set_num_threads(absurd)
    except (ValueError, OverflowError):
        pass
    engine.set_parallel_threshold(0)
    fa.tanh(x)
print("alive", tasks() < 1000)
"""
    assert in_a_new_process(code) == "alive True"


@openmp
def test_blocks_of_num_threads_nest(restored):
    with fa.num_threads(3):
        assert fa.get_num_threads() == 3
        with fa.num_threads(1):
            assert fa.get_num_threads() == 1
            with fa.num_threads(5):
                assert fa.get_num_threads() == 5
            assert fa.get_num_threads() == 1
        assert fa.get_num_threads() == 3
    assert fa.get_num_threads() == restored


def test_an_exception_ends_the_block(restored):
    with pytest.raises(ZeroDivisionError), fa.num_threads(3):
        raise ZeroDivisionError
    assert fa.get_num_threads() == restored


@openmp
def test_a_block_holds_for_the_calling_thread_only(restored):
    seen = []
    with fa.num_threads(restored + 3):
        thread = threading.Thread(target=lambda: seen.append(fa.get_num_threads()))
        thread.start()
        thread.join()
        assert fa.get_num_threads() == restored + 3
    assert seen == [restored]


@openmp
def test_one_block_object_serves_many_threads(restored):
    """Python threads that share it do not get each other's numbers back."""
    shared, entered, left = fa.num_threads(1), threading.Event(), threading.Event()

    def other():
        with shared:
            entered.set()
            left.wait(10)

    thread = threading.Thread(target=other)
    with fa.num_threads(restored + 3):
        with shared:
            thread.start()
            entered.wait(10)
        assert fa.get_num_threads() == restored + 3
        left.set()
        thread.join()
    assert fa.get_num_threads() == restored


@openmp
def test_set_num_threads_holds_for_every_thread(restored):
    fa.set_num_threads(restored + 2)
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        assert pool.submit(fa.get_num_threads).result() == restored + 2


@openmp
def test_the_number_set_inside_a_block_holds_after_it(restored):
    with fa.num_threads(1):
        fa.set_num_threads(restored + 2)
        assert fa.get_num_threads() == 1
    assert fa.get_num_threads() == restored + 2


# Sharing out.


@pytest.mark.parametrize("count", [2, 3, 7])
def test_same_bits_however_the_work_is_shared_out(operation, dtype, count, always_parallel):
    layouts = [
        (slice(None),),  # one run
        (slice(None), slice(None, None, 2)),  # strided
        (slice(None, None, -3), slice(None, None, -1)),
        (slice(1, 2),),  # one row
        (slice(None), slice(3, 4)),  # one column
    ]
    arrays = helpers.arguments(operation, (201, 61), dtype)
    views_of_arrays = [[array[layout] for array in arrays] for layout in layouts]
    records = np.zeros((3, 2, 2, 11, 31), dtype=[("tag", "u1"), ("a", dtype), ("b", dtype)])  # many axes, misaligned
    for field in "ab":
        records[field] = helpers.values(records.shape, dtype, seed=7)
    views_of_arrays.append([records["a"][:, :, ::-1], records["b"][:, :, ::-1]][: operation.arity])
    for views in views_of_arrays:
        with fa.num_threads(1):
            want = operation(*views)
        with fa.num_threads(count):
            helpers.assert_same_bits(operation(*views), want)
            copies = [np.repeat(view, 2, axis=-1)[..., ::2] for view in views]
            operation(*copies, out=copies[0])
            helpers.assert_same_bits(copies[0], want)
            out = np.empty(want.shape[::-1], dtype).T
            operation(*views, out=out)
            helpers.assert_same_bits(out, want)


@pytest.mark.parametrize("length", [200, 5000, 200_000])
def test_same_bits_of_rows_that_are_copied_by_several_threads(rowwise, dtype, length, always_parallel):
    """Rows too long for the stack, from an array whose rows are not contiguous."""
    rows = max(4, 100_000 // length)
    for operation in helpers.operations(rowwise):
        arrays = helpers.arguments(operation, (rows, length), dtype)
        want = operation(*arrays)
        for count in (2, 3, 7):
            columns = [np.asfortranarray(array) for array in arrays]
            with fa.num_threads(count):
                helpers.assert_same_bits(operation(*columns), want)
                operation(*columns, out=columns[0])
            helpers.assert_same_bits(columns[0], want)


def test_many_python_threads_call_at_once(dtype, always_parallel):
    """Eight callers, arrays of their own, every operation, with and without threads of OpenMP below."""
    calls = [operation for activation in fa.ACTIVATIONS.values() for operation in helpers.operations(activation)]

    def caller(seed):
        count = 1 + seed % 3
        for k, operation in enumerate(calls * 3):
            arrays = helpers.arguments(operation, (97, 31 + seed), dtype, seed=seed * 100 + k)
            with fa.num_threads(1):
                want = operation(*arrays)
            with fa.num_threads(count):
                got = operation(*arrays)
                operation(*arrays, out=arrays[0])
            helpers.assert_same_bits(got, want)
            helpers.assert_same_bits(arrays[0], want)
        return True

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        assert all(pool.map(caller, range(8), timeout=100))


def test_other_python_threads_run_during_a_long_call():
    x = np.zeros(1 << 22)
    span = []

    def call():
        begin = time.perf_counter()
        with fa.num_threads(1):
            fa.tanh(x, out=x)
        span.extend((begin, time.perf_counter()))

    for _ in range(10):  # a busy machine may need several attempts
        span.clear()
        thread = threading.Thread(target=call)
        stamps = []
        thread.start()
        while thread.is_alive():
            stamps.append(time.perf_counter())
            time.sleep(0.0002)
        begin, end = span
        middle = [stamp for stamp in stamps if begin + (end - begin) / 4 < stamp < end - (end - begin) / 4]
        if len(middle) >= 2:
            return
    pytest.fail("no other thread ran in the middle of a call")


# Children of a fork, and other users of the same OpenMP runtime.

OTHER_LIBRARY = r"""
#include <omp.h>

/* Enters a region and returns how many threads were in it. */
int region(int threads) {
    int count = 0;
    #pragma omp parallel num_threads(threads) reduction(+:count)
    count += 1;
    return count;
}

/* Calls back from every thread of a region, one at a time, and lets regions nest. */
void call_from_region(int threads, void (*callback)(void)) {
    omp_set_max_active_levels(4);
    #pragma omp parallel num_threads(threads)
    {
        #pragma omp critical
        callback();
    }
}
"""


@pytest.fixture(scope="module")
def other_library(tmp_path_factory):
    """The path of a shared library, not of fastact, that uses OpenMP."""
    compiler = os.environ.get("CC") or shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if not compiler:
        pytest.skip("no C compiler")
    folder = tmp_path_factory.mktemp("other")
    source, library = folder / "other.c", folder / "libother.so"
    source.write_text(OTHER_LIBRARY)
    command = [*compiler.split(), "-fopenmp", "-shared", "-fPIC", "-o", str(library), str(source)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"cannot build with OpenMP: {done.stderr}")
    return str(library)


SAME_RUNTIME = """
import ctypes
other = ctypes.CDLL({library!r})
with open("/proc/self/maps") as maps:
    runtimes = {{line.split()[-1] for line in maps if "omp" in line.split()[-1].rsplit("/", 1)[-1] and ".so" in line}}
if len(runtimes) != 1:
    print("another runtime:", runtimes)
    sys.exit()
"""

FORK = """
import itertools, signal, time

engine.set_parallel_threshold(0)
fa.set_num_threads(2)
grad = np.linspace(1, 2, x.size)

def work():
    results = [fa.tanh(x[::-1]), fa.sigmoid.backward(grad, x=x), fa.softmax(x.reshape(-1, 64)), fa.relu(x)]
    return [result.tobytes() for result in results]

def child_finishes(want):
    pid = os.fork()
    if pid == 0:
        os._exit(0 if work() == want and tasks() == 1 else 1)
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return status == 0
        time.sleep(0.001)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return False

x = x[:1 << 14]
grad = grad[:1 << 14]
"""


@openmp
@linux
def test_a_child_forked_after_a_threaded_call_finishes_with_the_same_bits():
    code = """
want = work()
assert tasks() > alone or os.cpu_count() == 1
print(len(list(itertools.takewhile(child_finishes, itertools.repeat(want, 50)))))
assert work() == want
"""
    assert in_a_new_process(FORK + code) == "50"


@openmp
@linux
def test_a_child_forked_after_another_library_used_the_runtime_finishes(other_library):
    code = """
assert other.region(2) == 2
with fa.num_threads(1):
    want = work()
print(len(list(itertools.takewhile(child_finishes, itertools.repeat(want, 50)))))
"""
    got = in_a_new_process(SAME_RUNTIME.format(library=other_library) + FORK + code)
    if got.startswith("another runtime"):
        pytest.skip(got)
    assert got == "50"


@linux
def test_a_child_forked_before_the_import_of_fastact_finishes_too(other_library):
    """The flag must be right where only the child imports fastact, after the parent had used the runtime."""
    code = f"""
import ctypes, os, signal, time
other = ctypes.CDLL({other_library!r})
assert other.region(2) == 2
finished = 0
for _ in range(5):
    pid = os.fork()
    if pid == 0:
        import numpy as np
        import fastact as fa
        fa.set_num_threads(2)
        y = fa.tanh(np.ones(1 << 20))
        os._exit(0 if (y == y[0]).all() else 1)
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            finished += status == 0
            break
        time.sleep(0.001)
    else:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
print(finished)
"""
    assert helpers.python_output(code, **QUIET) == "5"


@linux
def test_a_grandchild_finishes():
    code = """
want = work()
pid = os.fork()
if pid == 0:
    os._exit(0 if work() == want and child_finishes(want) else 1)
print(os.waitpid(pid, 0)[1])
"""
    assert in_a_new_process(FORK + code) == "0"


@openmp
@linux
@two_processors
def test_inside_a_region_of_the_same_runtime_a_call_is_serial(other_library):
    """Threads of a nested region end with it: a watcher counts them while calls run."""
    code = """
import threading
engine.set_parallel_threshold(0)
fa.set_num_threads(4)
allowed, most, finished = [], [0], threading.Event()

def watch():
    while not finished.wait(0.0001):
        most[0] = max(most[0], tasks())

@ctypes.CFUNCTYPE(None)
def callback():
    allowed.append(fa.get_num_threads())
    for _ in range(50):
        fa.tanh(x, out=x)

watcher = threading.Thread(target=watch)
watcher.start()
other.call_from_region(2, callback)
finished.set()
watcher.join()
print(most[0] - alone, *allowed)  # the watcher and one worker
fa.tanh(x)
print(tasks() - alone)
"""
    got = in_a_new_process(SAME_RUNTIME.format(library=other_library) + code)
    if got.startswith("another runtime"):
        pytest.skip(got)
    assert got.split() == ["2", "1", "1", "3"]
