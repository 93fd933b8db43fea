from collections.abc import Iterator
from pathlib import Path

import pytest

from skinapi.base.errors import UnsafeSettings
from skinapi.integrations.broker.dramatiq_broker import DramatiqBroker
from skinapi.platform.jobs.announcements import Broker
from tests.platform.jobs.bench import Bench
from tests.platform.jobs.brokers import BrokerServer, running_broker
from tests.stores.mongod import free_port
from tests.support.backends import Backend

# The interval is so long that only an announcement starts a job within a test.
NEVER = {"SELDOM_POLL_S": "1000"}
PATIENCE_S = 60


# RabbitMQ takes six seconds of processor to start. A dozen lines of the adapter are for it alone.
RABBITMQ = pytest.param("rabbitmq", marks=[pytest.mark.xdist_group("rabbitmq"), pytest.mark.drill])


@pytest.fixture(scope="module", params=["redis", RABBITMQ])
def server(request: pytest.FixtureRequest) -> Iterator[BrokerServer]:
    with running_broker(request.param) as server:
        yield server


@pytest.fixture
def broker(server: BrokerServer) -> Iterator[Broker]:
    broker = DramatiqBroker(server.uri)
    while broker.receive():
        broker.acknowledge()
    broker.disconnect()  # else RabbitMQ hands the next one to it
    yield broker
    broker.disconnect()


@pytest.fixture
def bench(tmp_path: Path, broker: Broker, server: BrokerServer) -> Iterator[Bench]:
    with Bench(tmp_path, settings={"JOBS_BROKER": server.uri, **NEVER}) as bench:
        yield bench


def test_a_new_and_a_retried_job_are_announced(
    tmp_path: Path, server: BrokerServer, broker: Broker
) -> None:
    backend = Backend(tmp_path, jobs_broker=server.uri)
    ada = backend.member(role="researcher")
    owner = backend.account(ada.email).id
    job = backend.services.jobs.submit(kind="count", owner=owner, request={})
    for act in ("cancel", "retry"):
        assert any(broker.receive() for _ in range(PATIENCE_S * 2)), act
        broker.acknowledge()
        if act == "cancel":
            assert ada.call("POST", f"/jobs/{job.id}/cancel").status_code == 200
            assert ada.call("POST", f"/jobs/{job.id}/retry").status_code == 200
    backend.services.store.close()


def test_an_idle_worker_takes_the_job_whose_turn_it_is_when_one_is_announced(
    bench: Bench, broker: Broker
) -> None:
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


def test_a_job_that_no_announcement_names_is_found_all_the_same(bench: Bench) -> None:
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


def test_an_address_that_cannot_be_used_is_refused_without_its_words() -> None:
    with pytest.raises(UnsafeSettings, match="JOBS_BROKER") as refused:
        DramatiqBroker("amqp://u:hidden@127.0.0.1/?heartbeat=hidden")
    assert "hidden" not in str(refused.value)
