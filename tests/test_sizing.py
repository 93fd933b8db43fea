import os
from pathlib import Path

import pytest

from skinapi.base.settings import sizing
from skinapi.base.settings.sizing import size_server, usable_cores, usable_memory

GIB = 2**30
OF_THIS_MACHINE = 64 * GIB


@pytest.fixture(autouse=True)
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine of 16 cores and 64 GiB, whose control groups are empty files of the test."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(16)), raising=False)
    pages = {"SC_PAGE_SIZE": 4096, "SC_PHYS_PAGES": OF_THIS_MACHINE // 4096}
    monkeypatch.setattr(os, "sysconf", pages.__getitem__)
    monkeypatch.setattr(sizing, "CONTROL_GROUPS", tmp_path)
    monkeypatch.setattr(sizing, "OWN_GROUPS", tmp_path / "own")
    (tmp_path / "own").write_text("4:cpu,cpuacct:/old\n5:memory:/pod:x\n0::/a.slice/b:c\n")
    return tmp_path


@pytest.mark.parametrize(
    ("file", "text", "cores"),
    [
        ("cpu.max", "max 100000", 16),
        ("cpu.max", "400000 100000", 4),
        ("cpu.max", "150000 100000", 1),
        ("cpu.max", "50000 100000", 1),
        ("a.slice/cpu.max", "200000 100000", 2),
        ("a.slice/b:c/cpu.max", "300000 100000", 3),
        ("cpu/old/cpu.cfs_quota_us", "200000", 2),
        ("cpu/pod:x/cpu.cfs_quota_us", "200000", 16),  # the group of its memory alone
        ("cpu/cpu.cfs_quota_us", "-1", 16),
        ("cpu.max", "100000 0", 16),
        ("cpu.max", f"{10**400} 1", 16),
        ("cpu.max", "0 100000 1", 16),
    ],
)
def test_cores_are_those_of_the_container_or_the_service(
    file: str, text: str, cores: int, machine: Path
) -> None:
    (machine / file).parent.mkdir(parents=True, exist_ok=True)
    (machine / file).write_text(text)
    (machine / file).with_name("cpu.cfs_period_us").write_text("100000")
    assert usable_cores() == cores


@pytest.mark.parametrize(
    "file", ["memory.max", "a.slice/memory.max", "memory/pod:x/memory.limit_in_bytes"]
)
def test_memory_is_that_of_the_container_or_the_service(file: str, machine: Path) -> None:
    assert usable_memory() == OF_THIS_MACHINE
    (machine / file).parent.mkdir(parents=True, exist_ok=True)
    (machine / file).write_text(str(GIB))
    assert usable_memory() == GIB


@pytest.mark.parametrize(
    ("cores", "memory", "given", "workers", "streams", "threads"),
    [
        (1, GIB // 2, (None, None), 1, 1, 1),
        (2, GIB // 2, (None, None), 1, 2, 2),
        (2, 8 * GIB, (None, None), 1, 2, 2),
        (4, 8 * GIB, (None, None), 2, 2, 2),
        (16, 8 * GIB, (None, None), 8, 2, 2),
        (16, GIB // 2, (None, None), 1, 4, 16),
        (16, GIB, (None, None), 2, 4, 8),
        (16, 8 * GIB, (16, None), 16, 1, 1),
        (2, GIB // 2, (4, None), 4, 1, 1),
        (16, 8 * GIB, (1, 2), 1, 2, 16),
        (2, 8 * GIB, (None, 8), 1, 8, 8),
    ],
)
def test_processes_and_streams_follow_from_cores_and_memory_unless_they_are_set(
    cores: int,
    memory: int,
    given: tuple[int | None, int | None],
    workers: int,
    streams: int,
    threads: int,
    machine: Path,
) -> None:
    (machine / "cpu.max").write_text(f"{cores}00000 100000")
    (machine / "memory.max").write_text(str(memory))
    chosen = size_server(*given)
    assert (chosen.workers, chosen.streams, chosen.inference_threads) == (workers, streams, threads)
    assert f"cores: {cores}, " in chosen.reason
    assert f"WORKERS={workers} ({'set' if given[0] else 'chosen'}" in chosen.reason
