"""Workers are killed under load, as a seed decides. test_cluster.py does this to a whole
installation.
"""

import os
import random
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from tests.faults.drill import acting, assert_all_promises_are_kept
from tests.served.server import serving
from tests.support.size import size

KILLS = size(2, 250)


@pytest.mark.timeout(size(120, 3600))
def test_no_guarantee_is_broken_on_sqlite_while_workers_are_killed(
    tmp_path: Path, seed: int, report: Callable[[str], None]
) -> None:
    chance = random.Random(seed)
    with serving(tmp_path, {"PHOTOS": "always"}, workers=size(2, 4)) as server:
        with acting(server, seed) as drill:
            for _ in range(KILLS):
                time.sleep(chance.uniform(0.2, size(1, 2)))
                # A busy machine starts workers more slowly than they would be killed.
                server.await_ready("/healthz")
                with suppress(ProcessLookupError, IndexError):  # none is up at the moment
                    os.kill(chance.choice(server.workers()), signal.SIGKILL)
            server.await_ready()
        server.await_ready()
        report(f"{KILLS} kills (seed {seed}): {assert_all_promises_are_kept(drill)}")
