"""`python -m tests.bench.scale_out`: what a finding costs each part of an installation of several
servers. How fast the part is that all servers share: findings.py.

HAProxy, one to three servers with the shipped model, a replica set of three, Redis. All servers are
pinned to the first core, everything else and the clients to the second: so two cores show what a
server costs, what the shared parts cost, and whether more servers cost more. They cannot show more
findings a second than one core makes.
"""

import json
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from skinapi.vision.network.model import SHIPPED_MODEL
from tests.bench.beside_training import processor_s
from tests.bench.load import Bounds, times_of, timing_of
from tests.bench.photos import SIZES, photos
from tests.bench.serving import request_of
from tests.faults.cluster import Cluster, running_cluster
from tests.served.people import Seeder
from tests.served.photo_clients import ANGULAR
from tests.served.server import children
from tests.support.size import size

RESULT = Path("instance/bench-scale-out.json")
SERVERS = (1, 2, 3)
CLIENTS = 8
WARM = Bounds(60, seconds=10)
ROUND = Bounds(10**6, seconds=size(20, 60))
SERVER_CORE, OTHER_CORE = 0, 1
MILLION = 10**6
Results = dict[str, Any]


def measure_scale_out() -> Results:
    rows = []
    for servers in SERVERS:
        settings = {"MODEL_PATH": str(SHIPPED_MODEL)}
        with (
            TemporaryDirectory(prefix="bench-") as folder,
            running_cluster(
                Path(folder), servers=servers, broker=None, settings=settings
            ) as cluster,
        ):
            rows.append({"servers": servers, **measure_findings(cluster)})
            sys.stderr.write(f"{rows[-1]}\n")
    return {"rounds": rows}


def measure_findings(cluster: Cluster) -> Results:
    with closing(Seeder(cluster.entrance)) as seeder:
        token = seeder.person().token
    port = cluster.proxy.port
    requests = [
        request_of(ANGULAR, photo, token)
        for photo in photos(None)[next(iter(SIZES))]
        if ANGULAR.send(port, photo, token=token).status == 200
    ]
    with pinned(cluster):
        times_of(port, requests, clients=CLIENTS, bounds=WARM)
        stored, used = stored_bytes(cluster), used_s(cluster)
        times, wall = times_of(port, requests, clients=CLIENTS, bounds=ROUND)
        spent = {name: after - used[name] for name, after in used_s(cluster).items()}
    grown = (stored_bytes(cluster) - stored) / len(times)
    return {
        **timing_of(times, wall).as_dict(),
        "cpu_ms": {name: round(1000 * s / len(times), 2) for name, s in spent.items()},
        "stored_kb": round(grown / 1000, 1),
    }


def processes(cluster: Cluster) -> Mapping[str, Iterable[int]]:
    masters = [server.master() for server in cluster.servers]
    return {
        "servers": [pid for master in masters for pid in (master, *children(master))],
        "mongod": [member.pid for member in cluster.replica_set.members],
        "redis": [cluster.limits.pid],
        "haproxy": [cluster.proxy.pid],
    }


def used_s(cluster: Cluster) -> dict[str, float]:
    """Seconds of processor time of each part so far."""
    return {name: sum(map(processor_s, pids)) for name, pids in processes(cluster).items()}


@contextmanager
def pinned(cluster: Cluster) -> Iterator[None]:
    """Every thread that is there; those of later take the core of the one that makes them."""
    all_cores = os.sched_getaffinity(0)
    for name, pids in processes(cluster).items():
        core = SERVER_CORE if name == "servers" else OTHER_CORE
        for task in (task for pid in pids for task in Path(f"/proc/{pid}/task").iterdir()):
            os.sched_setaffinity(int(task.name), {core})
    os.sched_setaffinity(0, {OTHER_CORE})
    try:
        yield
    finally:
        os.sched_setaffinity(0, all_cores)


def stored_bytes(cluster: Cluster) -> int:
    """On the disk of one member, once it has written what it had in memory."""
    primary = cluster.replica_set.await_primary()
    primary.order({"fsync": 1})
    counted = primary.order({"dbStats": 1}, database="skinapi")
    return int(counted["storageSize"] + counted["indexSize"])


def table(results: Results) -> Iterator[str]:
    names = list(results["rounds"][0]["cpu_ms"])
    yield f"{'servers':>8}{'findings/s':>12}{'p50 ms':>8}{'p99 ms':>8}" + "".join(
        f"{name:>10}" for name in names
    )
    for row in results["rounds"]:
        figures = (
            f"{row['servers']:>8}{row['per_second']:>12.1f}{row['p50']:>8.0f}{row['p99']:>8.0f}"
        )
        yield figures + "".join(f"{row['cpu_ms'][name]:>10.1f}" for name in names)
    yield "  (under each part: ms of processor time for a finding)"
    last = results["rounds"][-1]
    for name, spent in last["cpu_ms"].items():
        yield f"a million findings, {name}: {spent * MILLION / 3.6e6:.1f} core hours"
    yield f"a million findings, disk of each member: {last['stored_kb'] * MILLION / 1e6:.1f} GB"


if __name__ == "__main__":
    found = measure_scale_out()
    RESULT.parent.mkdir(parents=True, exist_ok=True)
    RESULT.write_text(json.dumps(found, indent=1) + "\n")
    sys.stdout.write("\n".join([*table(found), "", f"written to {RESULT}", ""]))
