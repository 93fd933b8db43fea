"""A whole installation with three servers, while any part is killed or frozen, and while its
servers are upgraded one by one, and back. "Lost" means answered 2xx but missing from the store, and
"doubled" means two findings for one Idempotency-Key. A client retries with the same key after no
answer, 502, 503 or 504.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from skinapi.base.errors import SkinAPIError
from skinapi.platform.jobs.job import Job
from tests.faults.cluster import Cluster, ClusterBreaker, running_cluster
from tests.faults.code_versions import code_after
from tests.faults.drill import Drill, acting, assert_all_promises_are_kept
from tests.faults.history import Event
from tests.platform.jobs.bench import Bench
from tests.platform.jobs.killing import assert_one_end_each
from tests.served.people import Caller, Seeder
from tests.served.server import ROOT

ROUNDS = 24
ACTORS = 6
IMPATIENT_S = 2.0  # less than a fault lasts: the same key comes while its request is under way
Report = Callable[[str], None]
pytestmark = pytest.mark.drill


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    with running_cluster(tmp_path / "cluster") as running:
        yield running


@pytest.mark.timeout(3600)
def test_nothing_is_lost_or_doubled_while_anything_is_killed(
    cluster: Cluster, tmp_path: Path, seed: int, report: Report
) -> None:
    with closing(Seeder(cluster.entrance)) as seeder, lab_of(cluster, tmp_path) as lab:
        owners = [seeder.person("researcher") for _ in range(ROUNDS)]
        breaker = ClusterBreaker(cluster, lab, seed)
        jobs: list[Job] = []
        with acting(cluster.entrance, seed, ACTORS, patience_s=IMPATIENT_S) as drill:
            for owner, _ in zip(owners, breaker.rounds(ROUNDS), strict=True):
                jobs += submitted(seeder, drill, lab, owner)
        cluster.await_ready()
        assert_one_end_each(lab, jobs)
        kept = assert_all_promises_are_kept(drill)
    report(f"{dict(breaker.done)} (seed {seed}): {kept}; {len(jobs)} jobs, each with one end")


@contextmanager
def lab_of(cluster: Cluster, folder: Path) -> Iterator[Bench]:
    own = folder / "lab"
    own.mkdir()
    settings = {"JOBS_BROKER": cluster.broker.uri}
    with Bench(own, cluster.replica_set.uri, settings=settings) as lab:
        yield lab


def submitted(seeder: Seeder, drill: Drill, lab: Bench, owner: Caller) -> list[Job]:
    request = {"notes": str(lab.notes), "steps": 10, "pause": 0.05}
    try:
        job = seeder.services.jobs.submit(kind="count", owner=owner.id, request=request)
    except SkinAPIError:
        drill.history.record(Event("job", owner.email))
        return []
    drill.history.record(Event("job", owner.email, job.id, 201))
    return [job]


@pytest.mark.timeout(900)
def test_an_upgrade_to_the_next_version_and_back_loses_nothing(
    cluster: Cluster, tmp_path: Path, seed: int, report: Report
) -> None:
    """Servers are drained first: no client notices anything, and the proxy retries nothing."""
    after = code_after(tmp_path / "after")
    with acting(cluster.entrance, seed, ACTORS) as drill:
        for code in (after, ROOT, after):
            roll(cluster, to=code)
    with closing(Seeder(cluster.entrance)) as seeder:
        stored = seeder.services.store.collection("submissions").find()
    assert any("queued" in finding["finding"]["timings"] for finding in stored)
    assert any("year" in finding for finding in stored)
    assert [event for event in drill.history.events() if event.unknown] == []
    counted = cluster.proxy.figures()["BACKEND"]
    again = {name: int(counted[name]) for name in ("wretr", "wredis", "econ", "eresp")}
    assert not any(again.values()), again
    report(f"{3 * len(cluster.servers)} upgrades: {assert_all_promises_are_kept(drill)}")


def roll(cluster: Cluster, *, to: Path) -> None:
    """Upgrade each server in turn, as docs/operate/upgrade.md says."""
    for server in cluster.servers:
        time.sleep(1)
        cluster.proxy.drain(server)
        assert server.stop() == 0
        server.code = to
        server.start()
        cluster.proxy.make_ready(server)
    time.sleep(1)
