"""What the operating system lets this process use.  Read once, at import."""

from __future__ import annotations

import os
import sys
from pathlib import Path

FORKED_WITHOUT_EXEC = 0x40  # PF_FORKNOEXEC in Linux's sched.h


def available_cpus() -> int:
    """Return how many CPUs this process may use: those of its affinity, or fewer where a cgroup's quota says so."""
    cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota = cgroup_quota()
    return cpus if quota is None else max(1, min(cpus, int(quota)))


def cgroup_quota(process: Path = Path("/proc/self/cgroup"), root: Path = Path("/sys/fs/cgroup")) -> float | None:
    """Return the CPUs' worth of time that this process's control groups grant, of version 1 or 2; None is no limit."""
    quotas = []
    for line in read(process).splitlines():
        controllers, path = line.split(":", 2)[1:]
        if not controllers:
            top = root
        elif "cpu" in controllers.split(","):
            top = root / controllers if (root / controllers).is_dir() else root / "cpu"
        else:
            continue
        # A container may see its own group as the root, or the path outside it: all that exist count.
        group = top / path.lstrip("/")
        for folder in (group, *group.parents):
            quotas += [quota for quota in (quota_v2(folder), quota_v1(folder)) if quota is not None]
            if folder == top:
                break
    return min(quotas, default=None)


def quota_v2(folder: Path) -> float | None:
    match read(folder / "cpu.max").split():
        case [quota, period] if quota != "max":
            return int(quota) / int(period)
    return None


def quota_v1(folder: Path) -> float | None:
    quota, period = read(folder / "cpu.cfs_quota_us"), read(folder / "cpu.cfs_period_us")
    return int(quota) / int(period) if quota and period and int(quota) > 0 else None


def is_forked() -> bool:
    """Return whether this process was forked, and has not started another program since (only Linux tells)."""
    if sys.platform != "linux":
        return False
    fields = read(Path("/proc/self/stat")).rpartition(")")[2].split()
    return len(fields) > 6 and bool(int(fields[6]) & FORKED_WITHOUT_EXEC)


def read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""
