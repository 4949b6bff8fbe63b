"""What the operating system lets this process use.  Read once, at import."""

from __future__ import annotations

import os
import sys
from os.path import join  # pathlib takes a seventh of this package's import

FORKED_WITHOUT_EXEC = 0x40  # PF_FORKNOEXEC in Linux's sched.h


def available_cpus(bound: int = 0) -> int:
    """Return how many CPUs this process may use: those of its affinity, or fewer where a cgroup's quota says so.

    An OpenMP that binds threads has narrowed the affinity of this one to its own place; it says `bound` CPUs instead.
    """
    cpus = bound or affinity() or os.cpu_count() or 1
    quota = cgroup_quota()
    return cpus if quota is None else max(1, int(min(cpus, quota)))


def affinity() -> int | None:
    """Return how many CPUs this thread may run on; None where that is not to be learned."""
    try:
        return len(os.sched_getaffinity(0))
    except (AttributeError, OSError):  # not on this system, or refused, as sandboxes do
        return None


def cgroup_quota(process: str = "/proc/self/cgroup", root: str = "/sys/fs/cgroup") -> float | None:
    """Return the CPUs' worth of time that this process's control groups grant, of version 1 or 2; None is no limit."""
    quotas = []
    for line in read(process).splitlines():
        match line.split(":", 2):
            case [_, "", path]:
                top = str(root)
            case [_, controllers, path] if "cpu" in controllers.split(","):
                top = join(root, controllers if os.path.isdir(join(root, controllers)) else "cpu")
            case _:
                continue
        # A container may see its own group as the root, or the path outside it: all that exist count.
        folder = join(top, path.lstrip("/")).rstrip("/")
        while True:
            quotas += [quota for quota in (quota_v2(folder), quota_v1(folder)) if quota is not None]
            if len(folder) <= len(top):
                break
            folder = os.path.dirname(folder)
    return min(quotas, default=None)


def quota_v2(folder: str) -> float | None:
    match read(join(folder, "cpu.max")).split():
        case [quota, period]:
            return ratio(quota, period)
    return None


def quota_v1(folder: str) -> float | None:
    return ratio(read(join(folder, "cpu.cfs_quota_us")), read(join(folder, "cpu.cfs_period_us")))


def ratio(quota: str, period: str) -> float | None:
    """Return the CPUs that a quota in each period is; None if it is none ("max", -1) or nothing to be understood."""
    try:
        cpus = int(quota) / int(period)
    except (ValueError, ArithmeticError):
        return None
    return cpus if cpus > 0 else None


def is_forked() -> bool:
    """Return whether this process was forked, and has not started another program since (only Linux tells)."""
    if sys.platform != "linux":
        return False
    fields = read("/proc/self/stat").rpartition(")")[2].split()
    try:
        return bool(int(fields[6]) & FORKED_WITHOUT_EXEC)
    except (IndexError, ValueError):
        return False


def read(path: str) -> str:
    """Return a file's text; the system cuts a process's name anywhere, inside a character of UTF-8 too."""
    try:
        with open(path, encoding="ascii", errors="replace") as file:
            return file.read()
    except (OSError, ValueError):  # a path with a null byte
        return ""
