"""The faults of a drill, and when they come: a seed names them all."""

import os
import random
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

from tests.served.server import Server
from tests.stores.mongod import Mongod
from tests.support.size import size

Kind = Literal["worker killed", "mongod killed", "mongod frozen", "mongod stepped down"]
KILLS: tuple[Kind, ...] = ("worker killed", "mongod killed")
# Of the faults on MongoDB: two of three are kills, as often of the one as of the other.
ON_MONGOD: tuple[Kind, ...] = (*KILLS, *KILLS, "mongod frozen", "mongod stepped down")


LONGEST_PEACE_S = size(1, 2)


@dataclass(frozen=True)
class Fault:
    after_s: float
    kind: Kind
    lasts_s: float


def schedule(seed: int, kills: int, kinds: tuple[Kind, ...]) -> Iterator[Fault]:
    """Faults until so many of them are kills."""
    chance = random.Random(seed)
    while kills:
        fault = Fault(
            chance.uniform(0.2, LONGEST_PEACE_S), chance.choice(kinds), chance.uniform(0.2, 2.5)
        )
        kills -= fault.kind in KILLS
        yield fault


class Breaker:
    def __init__(self, server: Server, mongod: Mongod | None, seed: int) -> None:
        self._server, self._mongod = server, mongod
        self._chance = random.Random(seed)

    def do(self, fault: Fault) -> None:
        """Come, stay as long as it lasts, and go; what broke is whole again then, or is about to
        be: nobody waits for it.
        """
        time.sleep(fault.after_s)
        if fault.kind == "worker killed":
            self._kill_worker()
            return
        assert self._mongod
        if fault.kind == "mongod killed":
            self._mongod.kill()
            time.sleep(fault.lasts_s)
            self._mongod.start()
        elif fault.kind == "mongod frozen":
            with self._mongod.frozen():
                time.sleep(fault.lasts_s)
        else:
            with self._mongod.stepped_down():
                time.sleep(fault.lasts_s)

    def _kill_worker(self) -> None:
        """While the server answers: on a busy machine workers start more slowly than they would be
        killed, and then there is nothing to break.
        """
        self._server.await_ready("/healthz")
        with suppress(ProcessLookupError, IndexError):  # none is up at the moment
            os.kill(self._chance.choice(self._server.workers()), signal.SIGKILL)
