"""A whole installation on this machine: HAProxy, servers, a replica set of three, Redis for the
rate limits, RabbitMQ for the jobs, lab workers. Each part can be broken and mended.
"""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.faults.proxy import Proxy
from tests.platform.jobs.brokers import BrokerServer, RedisServer, running_broker
from tests.served.server import ROOT, Server, stopping
from tests.stores.replica_set import ReplicaSet, running_replica_set


@dataclass(frozen=True)
class Cluster:
    """`entrance` is a server that is never started: the settings of the others, at the proxy's
    port. What tests do with one server they can do with it.
    """

    replica_set: ReplicaSet
    limits: RedisServer
    broker: BrokerServer | None
    servers: list[Server]
    proxy: Proxy
    entrance: Server

    def running(self) -> list[Server]:
        return [server for server in self.servers if server.workers()]

    def await_ready(self) -> None:
        """Until the proxy has found every server ready."""
        for server in self.servers:
            server.await_ready()
            self.proxy.await_up(server)


@contextmanager
def running_cluster(
    folder: Path,
    *,
    servers: int = 3,
    broker: str | None = "rabbitmq",
    settings: Mapping[str, str] | None = None,
    code: Path = ROOT,
) -> Iterator[Cluster]:
    """`settings` are the servers' own, `code` is the checkout that they run. Raises NoMongodError,
    NoBrokerError, NoProxyError.
    """
    with ExitStack() as stack:
        replica_set = stack.enter_context(running_replica_set())
        limits = stack.enter_context(running_broker("redis"))
        assert isinstance(limits, RedisServer)
        jobs = stack.enter_context(running_broker(broker)) if broker else None
        environment = {
            "PHOTOS": "always",
            "MONGO_URI": replica_set.uri,
            "RATE_LIMIT_STORAGE": limits.uri,
            "TRUSTED_PROXIES": "1",
            **({"JOBS_BROKER": jobs.uri} if jobs else {}),
            **(settings or {}),
        }
        started = [
            stack.enter_context(stopping(Server(folder / str(each), environment, workers=1)))
            for each in range(servers)
        ]
        short = stack.enter_context(TemporaryDirectory(prefix="haproxy-"))
        proxy = Proxy(Path(short), started)
        entrance = Server(folder / "entrance", environment)
        entrance.port = proxy.port
        entrance.services().store.close()  # makes the store, which servers do one after the other
        for server in started:
            server.code = code
            server.launch()
        for server in started:
            server.await_ready()
        stack.callback(proxy.kill)
        proxy.start()
        cluster = Cluster(replica_set, limits, jobs, started, proxy, entrance)
        cluster.await_ready()
        yield cluster
