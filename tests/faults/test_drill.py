"""Workers and mongod die, freeze and step down under load: what was acknowledged is there, once,
and `check` explains and mends what was half done.
"""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.breakage import KILLS, ON_MONGOD, Breaker, Kind, schedule
from tests.faults.drill import acting, assert_all_promises_are_kept
from tests.served.server import Server, serving
from tests.stores.mongod import Mongod
from tests.support.size import size

Report = Callable[[str], None]


def drilled(
    server: Server,
    mongod: Mongod | None,
    kinds: tuple[Kind, ...],
    kills: int,
    seed: int,
) -> str:
    done = Counter[str]()
    breaker = Breaker(server, mongod, seed)
    with acting(server, seed) as drill:
        for fault in schedule(seed, kills, kinds):
            breaker.do(fault)
            done[fault.kind] += 1
        server.await_ready()
    server.await_ready()
    kept = assert_all_promises_are_kept(drill)
    return f"{dict(done)} (seed {seed}): {kept}"


@pytest.mark.timeout(size(120, 3600))
def test_no_guarantee_is_broken_on_sqlite_while_workers_are_killed(
    tmp_path: Path, seed: int, report: Report
) -> None:
    with serving(tmp_path, {"PHOTOS": "always"}, workers=size(2, 4)) as server:
        report(drilled(server, None, KILLS[:1], size(2, 250), seed))


@pytest.mark.drill
@pytest.mark.timeout(3600)
def test_no_guarantee_is_broken_on_mongodb_while_workers_and_mongod_fail(
    tmp_path: Path, mongod: Mongod, seed: int, report: Report
) -> None:
    environment = {"PHOTOS": "always", "MONGO_URI": mongod.uri}
    with serving(tmp_path, environment, workers=3) as server:
        report(drilled(server, mongod, ON_MONGOD, 250, seed))
