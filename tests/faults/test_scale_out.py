"""A whole installation with three servers, while anything in it is killed or frozen, models are
promoted, and servers are restarted one by one.

Lost: answered 2xx, and not in the store afterwards. Doubled: one Idempotency-Key, two findings.
Mixed: an answer whose version, calibration and class list are not those of one model version. A
client sends again what got no answer, 502, 503 or 504, with the same key.
"""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from skinapi.base.errors import SkinAPIError
from skinapi.platform.jobs.job import Job
from tests.faults.actors import send
from tests.faults.cluster import Cluster, running_cluster
from tests.faults.cluster_breakage import ClusterBreaker
from tests.faults.drill import Drill, acting, assert_all_promises_are_kept, photos_of
from tests.faults.history import Event
from tests.faults.proxy import NoProxyError
from tests.faults.versions import VersionsSeen, make_versions
from tests.platform.jobs.bench import Bench
from tests.platform.jobs.brokers import NoBrokerError
from tests.platform.jobs.killing import assert_one_end_each
from tests.served.people import Caller, Seeder
from tests.stores.mongod import NoMongodError

ROUNDS = 24
ACTORS = 6
ROLLED = 3
IMPATIENT_S = 2.0  # less than a fault lasts: the same key comes while its request is under way
REASON = "a drill of the promotion"
Report = Callable[[str], None]
pytestmark = pytest.mark.drill


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    try:
        with running_cluster(tmp_path) as running:
            yield running
    except (NoMongodError, NoBrokerError, NoProxyError) as error:
        pytest.skip(f"no cluster: {error}")


@pytest.mark.timeout(3600)
def test_nothing_is_lost_doubled_or_mixed_while_anything_is_killed(
    cluster: Cluster, tmp_path: Path, seed: int, report: Report
) -> None:
    versions = make_versions(tmp_path)
    seen = VersionsSeen.of(versions, photos_of(seed))
    with closing(Seeder(cluster.entrance)) as seeder, lab_of(cluster, tmp_path) as lab:
        for version in versions.keys() - {"tiny-1"}:
            seeder.services.models.add(folder=versions[version], by="system")
        owners = [seeder.person("researcher") for _ in range(ROUNDS)]
        breaker = ClusterBreaker(cluster, lab, seed)
        jobs: list[Job] = []
        with (
            acting(cluster.entrance, seed, ACTORS, look=seen.look, patience_s=IMPATIENT_S) as drill,
            promoting(drill, sorted(versions)),
        ):
            for owner, _ in zip(owners, breaker.rounds(ROUNDS), strict=True):
                jobs += submitted(seeder, drill, lab, owner)
        cluster.await_ready()
        assert_one_end_each(lab, jobs)
        kept = assert_all_promises_are_kept(drill)
    assert not seen.mixed
    assert len(seen.answered) > 1
    report(
        f"{dict(breaker.done)} (seed {seed}): {kept}; 0 mixed of {dict(seen.answered)}; "
        f"{len(jobs)} jobs, each with one end"
    )


@contextmanager
def lab_of(cluster: Cluster, folder: Path) -> Iterator[Bench]:
    assert cluster.broker
    settings = {"JOBS_BROKER": cluster.broker.uri}
    own = folder / "lab"
    own.mkdir()
    with Bench(own, cluster.replica_set.uri, settings=settings) as lab:
        yield lab


@contextmanager
def promoting(drill: Drill, versions: list[str]) -> Iterator[None]:
    """One version after the other comes into service meanwhile."""
    over = threading.Event()

    def promote() -> None:
        number = 0
        while not over.wait(1.0):
            number += 1
            version = versions[number % len(versions)]
            drill.history.record(promotion(drill.admin, version))

    promoter = threading.Thread(target=promote)
    promoter.start()
    try:
        yield
    finally:
        over.set()
        promoter.join()


def promotion(admin: Caller, version: str) -> Event:
    body = json.dumps({"override": True, "reason": REASON}).encode()
    path, kind = f"/models/{version}/promote", "application/json"
    answer = send(admin.port, "POST", path, admin.token, body, kind)
    return Event("promote", admin.email, version, answer.status)


def submitted(seeder: Seeder, drill: Drill, lab: Bench, owner: Caller) -> list[Job]:
    """A job of the tests, queued and announced as a server does it; none where that failed."""
    request = {"notes": str(lab.notes), "steps": 10, "pause": 0.05}
    try:
        job = seeder.services.jobs.submit(kind="count", owner=owner.id, request=request)
    except SkinAPIError:
        drill.history.record(Event("job", owner.email))
        return []
    drill.history.record(Event("job", owner.email, job.id, 201))
    return [job]


@pytest.mark.timeout(600)
@pytest.mark.parametrize("way", ["drained first", "stopped at once"])
def test_a_rolling_restart_loses_nothing(
    cluster: Cluster, seed: int, report: Report, way: str
) -> None:
    """Drained first, no client notices anything, and the proxy has nothing to send again."""
    drained = way == "drained first"
    with acting(cluster.entrance, seed, ACTORS) as drill:
        for server in cluster.servers * ROLLED:
            time.sleep(1)
            if drained:
                cluster.proxy.drain(server)
            assert server.stop() == 0
            server.start()
            cluster.proxy.make_ready(server)
        time.sleep(1)
    counted = cluster.proxy.figures()["BACKEND"]
    figures = {name: int(counted[name]) for name in ("wretr", "wredis", "econ", "eresp")}
    broken_off = [event for event in drill.history.events() if event.unknown]
    if drained:
        assert not broken_off
        assert not any(figures.values())
    kept = assert_all_promises_are_kept(drill)
    report(
        f"{len(cluster.servers) * ROLLED} servers restarted, {way} (seed {seed}): "
        f"{len(broken_off)} requests without an answer, proxy {figures}; {kept}"
    )
