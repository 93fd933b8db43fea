"""A whole installation on this machine: HAProxy, servers, a replica set of three, Redis for the
rate limits, RabbitMQ for the jobs, lab workers. Each part can be broken and repaired; a seed
decides what breaks, and for how long.
"""

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.faults.proxy import Proxy
from tests.platform.jobs.bench import Bench
from tests.platform.jobs.brokers import BrokerServer, RedisServer, running_broker
from tests.platform.jobs.killing import kill_one, replace_dead
from tests.served.server import Server, stopping
from tests.stores.mongod import Mongod
from tests.stores.replica_set import ReplicaSet, running_replica_set

SERVERS = 3
MOST_AT_ONCE = 2
SHORTEST_S, LONGEST_S = 0.3, 4.0  # longer than an election takes
Fault = Callable[[], AbstractContextManager[None]]


@dataclass(frozen=True)
class Cluster:
    """`entrance` is a server that is never started: it has the settings of the others and the port
    of the proxy, so that a cluster can be used like a single server.
    """

    replica_set: ReplicaSet
    limits: RedisServer
    broker: BrokerServer
    servers: list[Server]
    proxy: Proxy
    entrance: Server

    def running(self) -> list[Server]:
        return [server for server in self.servers if server.workers()]

    def await_ready(self) -> None:
        for server in self.servers:
            server.await_ready()
            self.proxy.await_up(server)


@contextmanager
def running_cluster(folder: Path) -> Iterator[Cluster]:
    with ExitStack() as stack:
        replica_set = stack.enter_context(running_replica_set())
        limits = stack.enter_context(running_broker("redis"))
        assert isinstance(limits, RedisServer)
        jobs = stack.enter_context(running_broker("rabbitmq"))
        environment = {
            "PHOTOS": "always",
            "MONGO_URI": replica_set.uri,
            "RATE_LIMIT_STORAGE": limits.uri,
            "TRUSTED_PROXIES": "1",
            "JOBS_BROKER": jobs.uri,
        }
        started = [
            stack.enter_context(stopping(Server(folder / str(each), environment, workers=1)))
            for each in range(SERVERS)
        ]
        short = stack.enter_context(TemporaryDirectory(prefix="haproxy-"))
        proxy = Proxy(Path(short), started)
        entrance = Server(folder / "entrance", environment)
        entrance.port = proxy.port
        entrance.services().store.close()  # makes the store, which servers do one after the other
        for server in started:
            server.launch()
        for server in started:
            server.await_ready()
        stack.callback(proxy.kill)
        proxy.start()
        cluster = Cluster(replica_set, limits, jobs, started, proxy, entrance)
        cluster.await_ready()
        yield cluster


class ClusterBreaker:
    def __init__(self, cluster: Cluster, lab: Bench, seed: int) -> None:
        self._cluster, self._lab = cluster, lab
        self._workers = [lab.start_worker() for _ in range(2)]
        self._chance = random.Random(seed)
        self.done = Counter[str]()
        self._faults: dict[str, Fault] = {
            "server killed": self._server_killed,
            "server frozen": self._server_frozen,
            "process of a server killed": self._process_killed,
            "mongod killed": self._mongod_killed,
            "primary killed": self._primary_killed,
            "mongod frozen": self._mongod_frozen,
            "redis killed": lambda: restarting(cluster.limits),
            "proxy killed": lambda: restarting(cluster.proxy),
            "broker killed": lambda: restarting(cluster.broker),
            "lab worker or job killed": self._lab_killed,
        }

    def rounds(self, number: int) -> Iterator[list[str]]:
        """Yield the faults of each round. All parts work again before the next round, and each
        fault is about as frequent as the others.
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
        """A frozen server keeps its connections, and later continues with its requests."""
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

    def _mongod_killed(self) -> AbstractContextManager[None]:
        return restarting(self._chance.choice(self._cluster.replica_set.running()))

    def _primary_killed(self) -> AbstractContextManager[None]:
        return restarting(self._cluster.replica_set.await_primary())

    def _mongod_frozen(self) -> AbstractContextManager[None]:
        return self._chance.choice(self._cluster.replica_set.running()).frozen()

    @contextmanager
    def _lab_killed(self) -> Iterator[None]:
        victim = kill_one(self._lab, self._chance)
        yield
        replace_dead(self._lab, self._workers, victim)


@contextmanager
def restarting(part: Proxy | BrokerServer | Mongod) -> Iterator[None]:
    part.kill()
    yield
    part.start()
