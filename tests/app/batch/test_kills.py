import asyncio
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from distributed import LocalCluster

from skinapi.app.batch.arguments import ClusterUnavailable
from skinapi.app.batch.cluster import JudgePlugin, refuse_open_address
from skinapi.app.batch.judge import JudgeOptions
from skinapi.model.bands import OperatingPoint
from skinapi.model.network.engine import Precision
from tests.app.batch.archives import Archive, archive_of
from tests.repository.documents import ROOT
from tests.support.models import tiny_model
from tests.support.size import drill, size

KILLS = size(1, 10)
# Parts are small, or nothing would be finished between two kills. Who is to be killed pauses, or it
# might have ended before.
PROGRAM = """
import sys, time
from skinapi.__main__ import main
from skinapi.app.batch import command
command.PART_ROWS = 4
write_part, pause = command.Output.write_part, float(sys.argv.pop(1))
command.Output.write_part = lambda *a, **b: (write_part(*a, **b), time.sleep(pause))
sys.exit(main(sys.argv[1:]))
"""


def start(archive: Archive, *, pause: float = 0.0) -> "subprocess.Popen[str]":
    given = (archive.pictures, "--out", archive.out, "--model", tiny_model(), "--threads", "2")
    command = [sys.executable, "-c", PROGRAM, str(pause), "batch", *map(str, given)]
    return subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)


def test_after_kills_at_random_every_picture_has_one_row(
    tmp_path: Path, report: Callable[[str], None]
) -> None:
    seed = random.randrange(10**6)
    chance = random.Random(seed)
    report(f"kills of a batch run: seed {seed}")
    whole, killed = (archive_of(tmp_path / name, size(60, 200)) for name in ("whole", "killed"))
    assert whole.run() == 0
    at: list[int] = []
    for _ in range(KILLS):
        process = start(killed, pause=0.2)
        before = len(killed.parts())
        while process.poll() is None and len(killed.parts()) == before:
            time.sleep(0.005)
        time.sleep(chance.uniform(0, 0.1))
        process.kill()
        process.communicate()
        at.append(len(killed.parts()))
        if killed.out.exists():
            break
    last = start(killed)
    _, said = last.communicate(timeout=60)
    assert last.returncode == 0, said
    assert killed.rows() == whole.rows()
    assert killed.left_beside() == []
    assert sum(count > 0 for count in at) >= size(1, 2), f"killed too early or too late: {at}"
    report(f"parts finished at each kill: {at}")


@pytest.fixture(scope="module")
def cluster() -> Iterator[LocalCluster]:
    """A scheduler and two workers, which communicate over TCP. In the drill each is a process."""
    with LocalCluster(
        n_workers=2, threads_per_worker=1, processes=drill, protocol="tcp", dashboard_address=None
    ) as cluster:
        yield cluster


def test_a_cluster_gives_the_rows_of_one_machine(tmp_path: Path, cluster: LocalCluster) -> None:
    alone, together = archive_of(tmp_path / "alone", 36), archive_of(tmp_path / "together", 36)
    (together.pictures / "ward 0" / "0003.jpg").write_bytes(b"damaged")
    (alone.pictures / "ward 0" / "0003.jpg").write_bytes(b"damaged")
    assert alone.run() == 0
    assert together.run("--cluster", cluster.scheduler_address) == 0
    assert together.rows() == alone.rows()
    left = [name for name in cluster.scheduler.worker_plugins if "skinapi" in name]
    assert not left


def test_workers_that_cannot_judge_are_named_before_the_first_picture(tmp_path: Path) -> None:
    options = JudgeOptions(
        model=tiny_model(),
        point=OperatingPoint.CAUTIOUS,
        precision=Precision.F32,
        root=b"/",
        largest_bytes=10**7,
        inside=True,
    )
    worker: Any = SimpleNamespace(address="tcp://10.0.0.7:1", state=SimpleNamespace(nthreads=1))
    for plugin, says in [
        (JudgePlugin(options, "0" * 64), "10.0.0.7:1 has another model"),
        (JudgePlugin(replace(options, model=tmp_path), "0" * 64), "10.0.0.7:1: The model in"),
    ]:
        with pytest.raises(ClusterUnavailable, match=says):
            asyncio.run(plugin.setup(worker))


@pytest.mark.parametrize(
    ("address", "taken"),
    [
        ("tls://ward.example.org:8786", True),
        ("tcp://127.0.0.1:8786", True),
        ("localhost:8786", True),
        ("tcp://[::1]:8786", True),
        ("tcp://10.0.0.1:8786", False),
        ("ward.example.org:8786", False),
        ("ws://127.0.0.1:8786", False),
    ],
)
def test_paths_of_pictures_travel_only_encrypted(address: str, taken: bool) -> None:
    if taken:
        refuse_open_address(address)
    else:
        with pytest.raises(ClusterUnavailable, match="tls://"):
            refuse_open_address(address)
