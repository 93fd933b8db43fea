"""The faults of a cluster: what breaks, for how long, and how it is mended. A seed names them."""

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress

from tests.faults.cluster import Cluster
from tests.platform.jobs.bench import Bench
from tests.platform.jobs.killing import kill_one, replace_dead

MOST_AT_ONCE = 2
SHORTEST_S, LONGEST_S = 0.3, 4.0  # longer than an election takes
Fault = Callable[[], AbstractContextManager[None]]


class ClusterBreaker:
    """Breaks one or two different parts at a time, and mends them."""

    def __init__(self, cluster: Cluster, lab: Bench | None, seed: int) -> None:
        self._cluster, self._lab = cluster, lab
        self._workers = [lab.start_worker() for _ in range(2)] if lab else []
        self._chance = random.Random(seed)
        self.done = Counter[str]()
        self._faults: dict[str, Fault] = {
            "server killed": self._server_killed,
            "server frozen": self._server_frozen,
            "process of a server killed": self._process_killed,
            "mongod killed": self._mongod_killed,
            "primary killed": self._primary_killed,
            "mongod frozen": self._mongod_frozen,
            "redis killed": self._redis_killed,
            "proxy killed": self._proxy_killed,
        }
        if cluster.broker:
            self._faults["broker killed"] = self._broker_killed
        if lab:
            self._faults["lab worker or job killed"] = self._lab_killed

    def rounds(self, number: int) -> Iterator[list[str]]:
        """What is broken while the caller has its turn. All is whole again before the next round.

        Each fault comes about as often as the others.
        """
        waiting: list[str] = []
        for _ in range(number):
            if len(waiting) < MOST_AT_ONCE:
                waiting += self._chance.sample(sorted(self._faults), len(self._faults))
            chosen = [waiting.pop(0) for _ in range(self._chance.randint(1, MOST_AT_ONCE))]
            with ExitStack() as broken:
                for name in dict.fromkeys(chosen):
                    broken.enter_context(self._faults[name]())
                    self.done[name] += 1
                yield chosen
                time.sleep(self._chance.uniform(SHORTEST_S, LONGEST_S))
            self._cluster.await_ready()

    @contextmanager
    def _server_killed(self) -> Iterator[None]:
        server = self._chance.choice(self._cluster.running())
        os.killpg(server.master(), signal.SIGKILL)
        server.await_end()
        yield
        server.launch()

    @contextmanager
    def _server_frozen(self) -> Iterator[None]:
        """It keeps its connections and goes on later with what it was asked for."""
        group = self._chance.choice(self._cluster.running()).master()
        os.killpg(group, signal.SIGSTOP)
        yield
        with suppress(ProcessLookupError):  # it was killed meanwhile
            os.killpg(group, signal.SIGCONT)

    @contextmanager
    def _process_killed(self) -> Iterator[None]:
        server = self._chance.choice(self._cluster.running())
        os.kill(self._chance.choice(server.workers()), signal.SIGKILL)
        yield

    @contextmanager
    def _mongod_killed(self) -> Iterator[None]:
        member = self._chance.choice(self._cluster.replica_set.running())
        member.kill()
        yield
        member.start()

    @contextmanager
    def _primary_killed(self) -> Iterator[None]:
        member = self._cluster.replica_set.primary()
        if member:
            member.kill()
        yield
        if member:
            member.start()

    @contextmanager
    def _mongod_frozen(self) -> Iterator[None]:
        member = self._chance.choice(self._cluster.replica_set.running())
        with member.frozen():
            yield

    @contextmanager
    def _redis_killed(self) -> Iterator[None]:
        self._cluster.limits.kill()
        yield
        self._cluster.limits.start()

    @contextmanager
    def _broker_killed(self) -> Iterator[None]:
        assert self._cluster.broker
        self._cluster.broker.kill()
        yield
        self._cluster.broker.start()

    @contextmanager
    def _proxy_killed(self) -> Iterator[None]:
        self._cluster.proxy.kill()
        yield
        self._cluster.proxy.start()

    @contextmanager
    def _lab_killed(self) -> Iterator[None]:
        assert self._lab
        victim = kill_one(self._lab, self._chance)
        yield
        replace_dead(self._lab, self._workers, victim)
