"""Servers of two versions on one store: upgraded one after the other, and back, while people work.

The next version is a copy of this tree with more fields, and the same version of the store.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from skinapi.platform.storage.ports import Document
from tests.faults.cluster import Cluster, running_cluster
from tests.faults.code_versions import code_after
from tests.faults.drill import Drill, acting, assert_all_promises_are_kept
from tests.faults.proxy import NoProxyError
from tests.faults.reviewer import Reviewer
from tests.platform.jobs.brokers import NoBrokerError
from tests.served.people import Seeder
from tests.served.server import ROOT
from tests.stores.mongod import NoMongodError

ACTORS = 4
Report = Callable[[str], None]


@contextmanager
def cluster_of(
    folder: Path, code: Path, settings: Mapping[str, str] | None = None
) -> Iterator[tuple[Cluster, Seeder]]:
    try:
        with (
            running_cluster(folder, broker=None, code=code, settings=settings) as running,
            closing(Seeder(running.entrance)) as seeder,
        ):
            yield running, seeder
    except (NoMongodError, NoBrokerError, NoProxyError) as error:
        pytest.skip(f"no cluster: {error}")


@pytest.mark.drill
@pytest.mark.timeout(900)
def test_an_upgrade_to_the_next_version_and_back_loses_nothing(
    tmp_path: Path, seed: int, report: Report
) -> None:
    """What the next version stores besides keeps no server of this version from showing it."""
    after = code_after(tmp_path / "after")
    with cluster_of(tmp_path / "cluster", ROOT) as (cluster, seeder):
        with working(cluster, seeder, seed) as work:
            for code in (after, ROOT, after):
                roll(cluster, to=code)
            stored = work.submissions()
            assert any("queued" in one["finding"]["timings"] for one in stored)
            assert any("year" in one for one in stored)
        work.assert_answered()
        report(f"{work.figures()}; {work.kept()}")


class Work:
    """What is looked at when the people have gone."""

    def __init__(self, drill: Drill, cluster: Cluster, seeder: Seeder, reviewer: Reviewer) -> None:
        self._drill, self._cluster = drill, cluster
        self._seeder, self._reviewer = seeder, reviewer

    def assert_answered(self) -> None:
        """No request went without an answer, and none was answered wrongly."""
        assert [event for event in self._drill.history.events() if event.unknown] == []
        counted = self._cluster.proxy.figures()["BACKEND"]
        again = {name: int(counted[name]) for name in ("wretr", "wredis", "econ", "eresp")}
        assert not any(again.values()), again
        assert self._reviewer.wrong == []
        assert self._reviewer.read["right, graver"]

    def submissions(self) -> list[Document]:
        return self._seeder.services.store.collection("submissions").find()

    def figures(self) -> str:
        findings = self._reviewer.findings
        signed = sum(len(finding.labels) for finding in findings)
        return f"{signed} reviews of {len(findings)} findings; {dict(self._reviewer.read)} read"

    def kept(self) -> str:
        return assert_all_promises_are_kept(self._drill)


@contextmanager
def working(cluster: Cluster, seeder: Seeder, seed: int) -> Iterator[Work]:
    """People at work inside, and done with it afterwards."""
    with acting(cluster.entrance, seed, ACTORS) as drill:
        reviewer = Reviewer(seeder, drill.history, f"{seed}-reviewer")
        reviewer.start()
        try:
            yield Work(drill, cluster, seeder, reviewer)
        finally:
            reviewer.finish()


def roll(cluster: Cluster, *, to: Path) -> None:
    """Each server in turn, as docs/operate/upgrade.md says."""
    for server in cluster.servers:
        time.sleep(1)
        cluster.proxy.drain(server)
        assert server.stop() == 0
        server.code = to
        server.start()
        cluster.proxy.make_ready(server)
    time.sleep(1)
