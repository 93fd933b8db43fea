"""Announcements of jobs through a real broker, and what becomes of jobs when they are lost."""

import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from skinapi.base.errors import UnsafeSettings
from skinapi.platform.jobs import announcements
from skinapi.platform.jobs.announcements import (
    MOST_WAITING,
    Announcer,
    Broker,
    BrokerUnavailableError,
    open_broker,
)
from tests.platform.jobs.bench import Bench
from tests.platform.jobs.brokers import BrokerServer, NoBrokerError, running_broker
from tests.stores.mongod import free_port
from tests.support.backends import Backend

# So seldom that within a test a job is found by its announcement alone.
NEVER = {"SELDOM_POLL_S": "1000"}
PATIENCE_S = 20


@pytest.fixture
def redis_server() -> Iterator[BrokerServer]:
    yield from running("redis")


@pytest.fixture(scope="module")
def rabbitmq_server() -> Iterator[BrokerServer]:
    yield from running("rabbitmq")


# RabbitMQ takes six seconds of processor to start. A dozen lines of the adapter are for it alone.
RABBITMQ = pytest.param("rabbitmq", marks=[pytest.mark.xdist_group("rabbitmq"), pytest.mark.drill])


@pytest.fixture(params=["redis", RABBITMQ])
def server(request: pytest.FixtureRequest) -> BrokerServer:
    started: BrokerServer = request.getfixturevalue(f"{request.param}_server")
    return started


def running(kind: str) -> Iterator[BrokerServer]:
    try:
        with running_broker(kind) as server:
            yield server
    except NoBrokerError as error:
        pytest.skip(f"no {kind}: {error}")


@pytest.fixture
def broker(server: BrokerServer) -> Iterator[Broker]:
    """Without what the tests before have left in it."""
    broker = opened(server.uri)
    while broker.receive():
        broker.acknowledge()
    broker.disconnect()  # else RabbitMQ hands the next one to it
    yield broker
    broker.disconnect()


@pytest.fixture
def redis_broker(redis_server: BrokerServer) -> Iterator[Broker]:
    broker = opened(redis_server.uri)
    yield broker
    broker.disconnect()


def opened(uri: str) -> Broker:
    broker = open_broker(uri)
    assert broker
    return broker


def received(broker: Broker) -> bool:
    return any(broker.receive() for _ in range(PATIENCE_S * 2))


@pytest.fixture
def bench(tmp_path: Path, broker: Broker, server: BrokerServer) -> Iterator[Bench]:
    with Bench(tmp_path, settings={"JOBS_BROKER": server.uri, **NEVER}) as bench:
        yield bench


@pytest.fixture
def redis_bench(
    tmp_path: Path, redis_broker: Broker, redis_server: BrokerServer
) -> Iterator[Bench]:
    with Bench(tmp_path, settings={"JOBS_BROKER": redis_server.uri, **NEVER}) as bench:
        yield bench


def test_one_worker_gets_an_announcement_and_it_is_gone_when_acknowledged(
    broker: Broker, server: BrokerServer
) -> None:
    other = opened(server.uri)
    broker.announce("0badc0de")
    assert received(broker)
    assert not other.receive()
    broker.acknowledge()
    broker.disconnect()
    assert not other.receive()
    other.disconnect()


def test_whoever_dies_before_the_claim_leaves_the_announcement_to_another(
    server: BrokerServer, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    if server.uri.startswith("redis"):
        adapter = sys.modules[announcements.ADAPTER]
        monkeypatch.setattr(adapter, "REDIS_HEARTBEAT_MS", 100)
        monkeypatch.setattr(adapter, "REDIS_MAINTENANCE", 10**6)
    dying, other = opened(server.uri), opened(server.uri)
    broker.announce("0badc0de")
    assert received(dying)
    dying.disconnect()
    assert received(other)
    other.acknowledge()
    other.disconnect()


def test_an_idle_worker_takes_the_job_whose_turn_it_is_when_one_is_announced(
    bench: Bench, broker: Broker
) -> None:
    """Announcements that are doubled, or name no job, change nothing."""
    first = bench.submit("count")
    bench.start_worker()
    bench.ended(first)
    jobs = [bench.submit("count", owner=f"owner{number}") for number in range(3)]
    for name in (jobs[2].id, jobs[2].id, "0badc0de", "x" * 1000, jobs[2].id):
        broker.announce(name)
    ended = [bench.ended(job) for job in jobs]
    assert [job.status for job in ended] == ["completed"] * 3
    started = [job.started_at for job in ended]
    assert started == sorted(started, key=str)
    assert [bench.starts(job) for job in jobs] == [1, 1, 1]
    bench.await_(lambda: not broker.receive())


def test_a_job_that_no_announcement_names_is_found_all_the_same(redis_bench: Bench) -> None:
    bench = redis_bench
    first = bench.submit("count")
    bench.start_worker(SELDOM_POLL_S="0.5")
    bench.ended(first)
    assert bench.ended(bench.submit("count")).status == "completed"


def test_without_its_broker_a_worker_asks_the_store_and_says_so_once(tmp_path: Path) -> None:
    uri = f"redis://:hidden@127.0.0.1:{free_port()}/0"
    with Bench(tmp_path, settings={"JOBS_BROKER": uri, **NEVER}) as bench:
        bench.start_worker()
        bench.await_(lambda: "broker_unavailable" in bench.worker_log())
        assert bench.ended(bench.submit("count")).status == "completed"
        assert bench.ended(bench.submit("count")).status == "completed"
        log = bench.worker_log()
    assert log.count("broker_unavailable") == 1
    assert "hidden" not in log


def test_a_broker_that_returns_is_used_again(
    redis_server: BrokerServer, redis_broker: Broker
) -> None:
    redis_server.kill()
    with pytest.raises(BrokerUnavailableError):
        redis_broker.announce("0badc0de")
    with pytest.raises(BrokerUnavailableError):
        redis_broker.receive()
    redis_server.start()
    redis_broker.announce("0badc0de")
    assert received(redis_broker)
    redis_broker.acknowledge()


class SlowBroker:
    """Answers nothing until it is told to."""

    def __init__(self) -> None:
        self.answers = threading.Event()
        self.announced: list[str] = []
        self.disconnected = threading.Event()

    def announce(self, job: str) -> None:
        self.answers.wait(PATIENCE_S)
        self.announced.append(job)
        if job == "refused":
            raise BrokerUnavailableError("refused")

    def receive(self) -> bool:
        return False

    def acknowledge(self) -> None: ...

    def disconnect(self) -> None:
        self.disconnected.set()


def test_nobody_waits_for_a_broker_that_does_not_answer() -> None:
    """What waits in memory is bounded, and no refused one keeps the others."""
    broker = SlowBroker()
    announcer = Announcer(broker)
    announcer.announce("refused")
    for number in range(2 * MOST_WAITING):
        announcer.announce(f"{number}")
    assert not broker.announced
    broker.answers.set()
    assert broker.disconnected.wait(PATIENCE_S)
    assert broker.announced[:2] == ["refused", "0"]
    assert MOST_WAITING <= len(broker.announced) <= MOST_WAITING + 1


def test_a_new_and_a_retried_job_are_announced(
    tmp_path: Path, redis_server: BrokerServer, redis_broker: Broker
) -> None:
    backend = Backend(tmp_path, jobs_broker=redis_server.uri)
    ada = backend.member("ada@example.org", role="researcher")
    owner = backend.account(ada.email).id
    job = backend.services.jobs.submit(kind="count", owner=owner, request={})
    assert received(redis_broker)
    redis_broker.acknowledge()
    ada.call("POST", f"/jobs/{job.id}/cancel")
    assert not redis_broker.receive()
    ada.call("POST", f"/jobs/{job.id}/retry")
    assert received(redis_broker)
    redis_broker.acknowledge()
    backend.services.store.close()


def test_a_missing_library_is_named_at_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, announcements.ADAPTER, raising=False)
    monkeypatch.setitem(sys.modules, "dramatiq", None)
    with pytest.raises(UnsafeSettings, match=r"\(dramatiq\): install requirements-broker.txt"):
        open_broker("redis://127.0.0.1/0")


def test_an_address_that_cannot_be_used_is_refused_without_its_words() -> None:
    with pytest.raises(UnsafeSettings, match="JOBS_BROKER") as refused:
        open_broker("amqp://u:hidden@127.0.0.1/?heartbeat=hidden")
    assert "hidden" not in str(refused.value)
