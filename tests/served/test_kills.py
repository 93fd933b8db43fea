"""kill -9 under writers: what was acknowledged is there, and the house mends itself."""

import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from datetime import timedelta
from pathlib import Path

import pytest

from skinapi import audit
from tests.mongod import Mongod, NoMongodError, a_mongod
from tests.served.people import Town
from tests.served.server import Server, serving
from tests.served.wire import ask
from tests.served.writers import Writer, broken_promises, promised
from tests.size import size

WRITERS = 6


@contextmanager
def writing(server: Server, seed: int) -> Iterator[list[Writer]]:
    with closing(Town(server)) as town:
        admin = town.person("admin")
        writers = [Writer(server.port, admin, seed + number) for number in range(WRITERS)]
    for writer in writers:
        writer.start()
    try:
        yield writers
    finally:
        for writer in writers:
            writer.finish()


def assert_nothing_is_lost(server: Server, writers: list[Writer]) -> str:
    """What was promised and kept."""
    with closing(Town(server)) as town:
        assert broken_promises(town, writers) == []
    many, statuses = promised(writers)
    assert many > 0
    return f"{many} writes acknowledged, 0 lost; statuses {dict(statuses)}"


def assert_it_can_be_mended(server: Server, monkeypatch: pytest.MonkeyPatch) -> str:
    """`check` mends what there is, intents of a moment ago included, and the chain is whole."""
    mended = server.run("check", "--repair")
    assert mended.returncode == 0, mended.stdout
    monkeypatch.setattr(audit, "LONGEST_ACT", timedelta(0))
    with closing(Town(server)) as town:
        faults = list(town.rooms.faults())
        for fault in faults:
            assert fault.repair, fault.says
            fault.repair()
        assert list(town.rooms.faults()) == []
    assert server.run("check").stdout == "all is well\n"
    return f"{mended.stdout.count('mended')} faults mended, then {len(faults)} open intents closed"


def test_workers_killed_under_writers_lose_no_acknowledged_write(
    tmp_path: Path,
    on_store: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    report: Callable[[str], None],
) -> None:
    seed = random.randrange(10**6)
    kills = size(6, 100)
    chance = random.Random(seed)
    with serving(tmp_path, on_store) as server:
        with writing(server, seed) as writers:
            for _ in range(kills):
                time.sleep(chance.uniform(0.1, 0.6))
                with suppress(ProcessLookupError, IndexError):  # none is up at the moment
                    os.kill(chance.choice(server.workers()), signal.SIGKILL)
        await_workers(server, 4)
        assert ask(server.port, "GET", "/readyz").status == 200
        kept = assert_nothing_is_lost(server, writers)
        mended = assert_it_can_be_mended(server, monkeypatch)
        report(f"{kills} kills of workers (seed {seed}): {kept}; {mended}")


def await_workers(server: Server, many: int) -> None:
    deadline = time.monotonic() + 20
    while len(server.workers()) != many:
        assert time.monotonic() < deadline, server.workers()
        time.sleep(0.05)


@pytest.fixture
def mongod() -> Iterator[Mongod]:
    """A mongod of this test's own, to be killed."""
    try:
        with a_mongod() as running:
            yield running
    except NoMongodError as error:
        pytest.skip(f"no mongod: {error}")


def test_a_mongod_killed_under_writers_loses_no_acknowledged_write(
    tmp_path: Path, mongod: Mongod, monkeypatch: pytest.MonkeyPatch, report: Callable[[str], None]
) -> None:
    seed = random.randrange(10**6)
    kills = size(1, 10)
    with serving(tmp_path, {"MONGO_URI": mongod.uri}, workers=2) as server:
        with closing(Town(server)) as town:
            ada = town.person()
        with writing(server, seed) as writers:
            for _ in range(kills):
                time.sleep(1.5)
                mongod.kill()
                for path in ("/me", "/readyz"):
                    answer = ada.call("GET", path)
                    assert answer.status == 503
                    assert int(answer.headers["Retry-After"]) >= 1
                    assert answer.json["code"] == "store_unavailable"
                assert ask(server.port, "GET", "/healthz").status == 200
                mongod.start()
                await_ready(server)
            time.sleep(1)
        kept = assert_nothing_is_lost(server, writers)
        mended = assert_it_can_be_mended(server, monkeypatch)
        report(f"{kills} kills of mongod (seed {seed}): {kept}; {mended}")


def await_ready(server: Server) -> None:
    deadline = time.monotonic() + 30
    while ask(server.port, "GET", "/readyz").status != 200:
        assert time.monotonic() < deadline, "it does not recover"
        time.sleep(0.05)
