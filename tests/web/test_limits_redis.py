"""Rate limits in Redis, and a Redis that takes connections and answers nothing."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.jobs.brokers import NoBrokerError, RedisServer, running_broker
from tests.support.backends import PASSWORD, Backend

SCRAPER = "a-token-for-the-collector-of-metrics"
# Prometheus gives up after so long; each of these requests took 15 s and more.
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


@pytest.mark.parametrize("asked_before", [True, False])
def test_a_frozen_redis_holds_no_request_and_is_named(
    redis: RedisServer, tmp_path: Path, asked_before: bool
) -> None:
    backend = Backend(tmp_path, rate_limit_storage=redis.uri, metrics_token=SCRAPER)
    if asked_before:  # so there is a connection
        assert backend.client.post("/login", json=LOGIN).status_code == 401
    os.kill(redis.pid, signal.SIGSTOP)
    try:
        began = time.monotonic()
        login = backend.client.post("/login", json=LOGIN)
        ready = backend.client.get("/readyz")
        metrics = backend.client.get("/metrics", headers={"Authorization": f"Bearer {SCRAPER}"})
        took = time.monotonic() - began
    finally:
        os.kill(redis.pid, signal.SIGCONT)
    for refused in (login, ready):
        assert refused.status_code == 503
        assert refused.get_json()["code"] == "rate_limits_unavailable"
        assert "rate limits" in refused.get_json()["detail"]
        assert refused.headers["Retry-After"]
    assert 'skinapi_ready{part="rate_limits"} 0.0' in metrics.text
    assert took < SCRAPE_S
    backend.services.store.close()
