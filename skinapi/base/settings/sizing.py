"""How many processes serve, and how many photos each judges at once, from the processor cores and
the memory available to this process: those of its container or service, not of the whole machine.
"""

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, Field

CONTROL_GROUPS = Path("/sys/fs/cgroup")
OWN_GROUPS = Path("/proc/self/cgroup")
# Two streams keep a process's Python busy on one core of the two. docs/operate/performance.md has
# what other numbers bring.
CORES_OF_PROCESS = 2
# More streams in one process wait for its Python, and each takes memory.
MOST_STREAMS = 4
# What the first process takes with the parent, and what each further one does: measured with the
# shipped model, with room for a large photo. The other half of the memory is for the database, the
# job workers and the pages of files.
FIRST_PROCESS, FURTHER_PROCESS = 300 * 2**20, 150 * 2**20


def _chosen_by_machine(value: object) -> object:
    return None if isinstance(value, str) and value.strip().lower() == "auto" else value


AutoInt = Annotated[Annotated[int, Field(ge=1, le=256)] | None, BeforeValidator(_chosen_by_machine)]


@dataclass(frozen=True, slots=True)
class Sizing:
    workers: int
    streams: int
    inference_threads: int  # total of all streams of a process
    reason: str


def size_server(workers: int | None, streams: int | None) -> Sizing:
    cores, memory = usable_cores(), usable_memory()
    by_cores = max(1, cores // CORES_OF_PROCESS)
    by_memory = 1 + max(0, memory // 2 - FIRST_PROCESS) // FURTHER_PROCESS
    chosen_workers = workers or min(by_cores, by_memory)
    threads = max(1, cores // chosen_workers)
    chosen_streams = streams or min(threads, MOST_STREAMS)
    named = "chosen" if workers is None else "set"
    if workers is None and by_memory < by_cores:
        named = "chosen, as many as the memory has room for"
    return Sizing(
        chosen_workers,
        chosen_streams,
        max(threads, chosen_streams),
        f"cores: {cores}, memory: {memory / 2**30:.1f} GiB, WORKERS={chosen_workers} ({named}), "
        f"NUM_STREAMS={chosen_streams} ({'set' if streams else 'chosen'})",
    )


def usable_cores() -> int:
    try:
        allowed = len(os.sched_getaffinity(0))
    except AttributeError:  # not on Linux
        allowed = os.cpu_count() or 1
    return max(1, min([allowed, *map(int, _quotas())]))


def _quotas() -> Iterator[float]:
    for folder in _groups("cpu"):
        with suppress(OSError, ValueError, ArithmeticError):  # missing, "max", or malformed
            quota, period = (folder / "cpu.max").read_text().split()
            yield int(quota) / int(period)
        with suppress(OSError, ValueError, ArithmeticError):
            quota_us = int((folder / "cpu.cfs_quota_us").read_text())
            if quota_us > 0:  # -1: none
                yield quota_us / int((folder / "cpu.cfs_period_us").read_text())


def usable_memory() -> int:
    limits = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    for folder in _groups("memory"):
        for name in ("memory.max", "memory.limit_in_bytes"):
            with suppress(OSError, ValueError):  # missing, or "max"
                limits.append(int((folder / name).read_text()))
    return min(limits)


def _groups(controller: str) -> Iterator[Path]:
    """The control groups of this process, of version 2 and version 1, each with its ancestors. A
    container sees its own as the root. https://docs.kernel.org/admin-guide/cgroup-v2.html
    """
    roots = {"": CONTROL_GROUPS, controller: CONTROL_GROUPS / controller}
    yield from roots.values()
    lines: list[str] = []
    with suppress(OSError, ValueError):
        lines = OWN_GROUPS.read_text().splitlines()
    for line in lines:  # number:controllers:path, and a path may have colons
        _, _, names_and_path = line.partition(":")
        names, _, path = names_and_path.partition(":")
        group = Path(path.lstrip("/"))
        for name in roots.keys() & {*names.split(",")}:
            yield from (roots[name] / each for each in (group, *group.parents))
