"""Rate limits in Redis, and a Redis that takes connections and answers nothing."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from redis.connection import Connection
from redis.exceptions import TimeoutError as NoAnswer

from tests.platform.jobs.brokers import NoBrokerError, RedisServer, running_broker
from tests.support.backends import PASSWORD, Backend

SCRAPER = "a-token-for-the-collector-of-metrics"
# Prometheus gives up after so long; each of these requests waited for 15 s and more.
SCRAPE_S = 10
LOGIN = {"email": "ada@example.org", "password": PASSWORD}


@pytest.fixture
def redis() -> Iterator[RedisServer]:
    try:
        with running_broker("redis") as server:
            assert isinstance(server, RedisServer)
            yield server
    except NoBrokerError as error:
        pytest.skip(str(error))


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """For how long each answer of Redis was waited for in vain, in seconds."""
    found: list[float] = []
    read = Connection.read_response

    def noted(connection: Connection, *arguments: Any, **options: Any) -> Any:
        try:
            return read(connection, *arguments, **options)
        except NoAnswer:
            found.append(float(connection.socket_timeout or "inf"))
            raise

    monkeypatch.setattr(Connection, "read_response", noted)
    return found


@pytest.mark.parametrize("asked_before", [True, False])
def test_a_frozen_redis_holds_no_request_and_is_named(
    redis: RedisServer, waits: list[float], tmp_path: Path, asked_before: bool
) -> None:
    backend = Backend(tmp_path, rate_limit_storage=redis.uri, metrics_token=SCRAPER)
    if asked_before:  # so there is a connection
        assert backend.client.post("/login", json=LOGIN).status_code == 401
    os.kill(redis.pid, signal.SIGSTOP)
    try:
        login = backend.client.post("/login", json=LOGIN)
        ready = backend.client.get("/readyz")
        metrics = backend.client.get("/metrics", headers={"Authorization": f"Bearer {SCRAPER}"})
    finally:
        os.kill(redis.pid, signal.SIGCONT)
    for refused in (login, ready):
        assert refused.status_code == 503
        assert refused.get_json()["code"] == "rate_limits_unavailable"
        assert "rate limits" in refused.get_json()["detail"]
        assert refused.headers["Retry-After"]
    assert 'skinapi_ready{part="rate_limits"} 0.0' in metrics.text
    assert 0 < sum(waits) < SCRAPE_S
    backend.services.store.close()
