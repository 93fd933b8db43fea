"""Workers and mongod die, freeze and step down under load: what was acknowledged is there, once,
and `check` explains and mends what was half done. A seed names all faults.
"""

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from tests.faults.drill import acting, assert_all_promises_are_kept
from tests.served.server import Server, serving
from tests.stores.mongod import Mongod
from tests.support.size import size

LONGEST_PEACE_S = size(1, 2)
WORKER, MONGOD = "worker killed", "mongod killed"
KILLS = (WORKER, MONGOD)
# Two of three are kills, as often of the one as of the other.
ON_MONGOD = (*KILLS, *KILLS, "mongod frozen", "mongod stepped down")
Report = Callable[[str], None]


def drilled(
    server: Server, mongod: Mongod | None, kinds: tuple[str, ...], kills: int, seed: int
) -> str:
    """Break things until so many faults were kills."""
    done, chance = Counter[str](), random.Random(seed)
    with acting(server, seed) as drill:
        while sum(done[kind] for kind in KILLS) < kills:
            time.sleep(chance.uniform(0.2, LONGEST_PEACE_S))
            kind, lasts_s = chance.choice(kinds), chance.uniform(0.2, 2.5)
            done[kind] += 1
            if kind == WORKER:
                kill_worker(server, chance)
            else:
                assert mongod
                break_mongod(mongod, kind, lasts_s)
        server.await_ready()
    server.await_ready()
    return f"{dict(done)} (seed {seed}): {assert_all_promises_are_kept(drill)}"


def kill_worker(server: Server, chance: random.Random) -> None:
    """While the server answers: on a busy machine workers start more slowly than they would be
    killed, and then there is nothing to break.
    """
    server.await_ready("/healthz")
    with suppress(ProcessLookupError, IndexError):  # none is up at the moment
        os.kill(chance.choice(server.workers()), signal.SIGKILL)


def break_mongod(mongod: Mongod, kind: str, lasts_s: float) -> None:
    if kind == MONGOD:
        mongod.kill()
        time.sleep(lasts_s)
        mongod.start()
        return
    with mongod.frozen() if kind == "mongod frozen" else mongod.stepped_down():
        time.sleep(lasts_s)


@pytest.mark.timeout(size(120, 3600))
def test_no_guarantee_is_broken_on_sqlite_while_workers_are_killed(
    tmp_path: Path, seed: int, report: Report
) -> None:
    with serving(tmp_path, {"PHOTOS": "always"}, workers=size(2, 4)) as server:
        report(drilled(server, None, (WORKER,), size(2, 250), seed))


@pytest.mark.drill
@pytest.mark.timeout(3600)
def test_no_guarantee_is_broken_on_mongodb_while_workers_and_mongod_fail(
    tmp_path: Path, mongod: Mongod, seed: int, report: Report
) -> None:
    environment = {"PHOTOS": "always", "MONGO_URI": mongod.uri}
    with serving(tmp_path, environment, workers=3) as server:
        report(drilled(server, mongod, ON_MONGOD, 250, seed))
