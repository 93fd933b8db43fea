import json
import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from bench import cores, growth, serving
from bench.load import Bounds, load, request_bytes
from skinapi.accounts.auth.passwords import HASHER
from skinapi.base.settings.settings import Settings
from skinapi.model.network.model import SHIPPED_MODEL
from tests.served.people import Caller, Seeder
from tests.served.server import Server, stopping
from tests.served.server import serving as standing
from tests.served.wire import ask
from tests.stores.mongod import running_mongod
from tests.support.backends import PASSWORD
from tests.support.size import size

RESULT = Path("instance/bench.json")
CALLS = size(400, 4000)
LOGINS = size(40, 400)
USERS = 100
LONGEST_S = 600  # of a round
IMPORT = "import time; t = time.{clock}(); import wsgi; print(time.{clock}() - t)"
Results = dict[str, Any]


def main(path: Path) -> None:
    results: Results = {"argon2_ms": argon2_ms(), "stores": {}}
    with TemporaryDirectory(prefix="bench-") as folder:
        results |= process_costs(Path(folder))
        results["stores"]["sqlite"] = backend_timings(Path(folder) / "sqlite", {})
        results["stores"]["mongod"] = mongod_timings(Path(folder) / "mongod")
    results["growth"] = growth.measure_growth(collections=growth.LARGEST)
    results["serving"] = serving.measure_serving(Settings().model_path or SHIPPED_MODEL, None)
    results["cores"] = cores.measure_cores(Settings().model_path or SHIPPED_MODEL)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(results, indent=1) + "\n")
    sys.stdout.write("\n".join([*table(results), "", f"written to {path}", ""]))


def argon2_ms() -> float:
    kept = HASHER.hash(PASSWORD)
    times = []
    for _ in range(20):
        began = time.perf_counter()
        HASHER.verify(kept, PASSWORD)
        times.append(time.perf_counter() - began)
    return round(statistics.median(times) * 1000, 1)


def process_costs(folder: Path) -> Results:
    """Return the seconds to import the application and to be ready, and the MiB when idle."""
    server = Server(folder / "idle", workers=1)
    with stopping(server):
        server.start()  # makes the store, too
    imports = {clock: import_times(server, clock) for clock in ("perf_counter", "process_time")}
    with stopping(server):
        began = time.perf_counter()
        server.start()
        ready = time.perf_counter() - began
        master, (worker,) = server.master(), server.workers()
        return {
            "import_s": round(min(imports["perf_counter"]), 3),
            "import_cpu_s": round(statistics.median(imports["process_time"]), 3),
            "ready_again_s": round(ready, 2),
            "master_mib": resident_mib(master),
            "worker_mib": resident_mib(worker),
        }


def import_times(server: Server, clock: str) -> list[float]:
    code = IMPORT.format(clock=clock)
    return [float(server.python("-c", code).stdout) for _ in range(5)]


def resident_mib(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmRSS"))
    return round(int(line.split()[1]) / 1024, 1)


def mongod_timings(folder: Path) -> Results | str:
    try:
        with running_mongod() as mongod:
            return backend_timings(folder, {"MONGO_URI": mongod.uri})
    except pytest.skip.Exception as error:
        return f"skipped: {error}"


def backend_timings(folder: Path, environment: dict[str, str]) -> Results:
    with (
        standing(folder, environment, workers=1) as server,
        closing(Seeder(server)) as seeder,
    ):
        for _ in range(USERS):
            seeder.person()
        admin = seeder.person("admin")
        return {
            path: timings(server, request, LOGINS if path == "/login" else CALLS)
            for path, request in requests_of(seeder, admin)
        }


def requests_of(seeder: Seeder, admin: Caller) -> Iterator[tuple[str, bytes]]:
    yield "/healthz", request_bytes("GET", "/healthz")
    for path in ("/me", "/users", "/audit"):
        yield path, request_bytes("GET", path, token=admin.token)
    credentials = {"email": "bench@example.org", "password": PASSWORD}
    ask(seeder.server.port, "POST", "/register", json={"name": "Bench", **credentials})
    admin.call("PATCH", f"/users/{credentials['email']}/approve", json={})
    yield "/login", request_bytes("POST", "/login", body=credentials)


def timings(server: Server, request: bytes, calls: int) -> Results:
    return {
        f"{clients} client{'s' if clients > 1 else ''}": load(
            server.port, [request], clients=clients, bounds=Bounds(calls, seconds=LONGEST_S)
        ).as_dict()
        for clients in (1, 4)
    }


def table(results: Results) -> Iterator[str]:
    yield f"import of the application   {results['import_s']:>8} s    (target 0.6)"
    yield f"  of that, processor time     {results['import_cpu_s']:>8} s"
    yield f"ready again                 {results['ready_again_s']:>8} s    (target 3)"
    yield f"idle worker                 {results['worker_mib']:>8} MiB  (target 80)"
    yield f"idle master                 {results['master_mib']:>8} MiB"
    yield f"argon2, one check           {results['argon2_ms']:>8} ms   (inside /login)"
    yield ""
    yield f"{'':8}{'route':12}{'':12}{'p50 ms':>8}{'p99 ms':>8}{'req/s':>8}"
    for store, routes in results["stores"].items():
        yield from [f"{store:8}{routes}"] if isinstance(routes, str) else _rows(store, routes)
    yield ""
    yield from growth.table(results["growth"])
    yield ""
    yield from serving.table(results["serving"])
    yield ""
    yield from cores.table(results["cores"])


def _rows(name: str, routes: Results) -> Iterator[str]:
    for path, by_clients in routes.items():
        for clients, timing in by_clients.items():
            figures = "".join(f"{timing[figure]:>8.1f}" for figure in ("p50", "p99", "per_second"))
            yield f"{name:8}{path:12}{clients:12}{figures}"


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else RESULT)
