"""`python -m bench.growth [sqlite|mongod] [COLLECTION ...]`: what every list, the trail and
the quota cost with 1,000 and with 1,000,000 records of their collection, in one run: each call on
the one store, then on the other. Rows are printed as they are measured.

The stores are filled past the port, for through it a million would take hours. Everything measured
goes through the services. One collection is filled at a time, and deleted when it is measured.
Accounts take longest: each has some thirty n-grams.
"""

import statistics
import sys
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack
from pathlib import Path
from shutil import rmtree
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlsplit

import pymongo
import pytest

from bench import growth_accounts as accounts
from bench import growth_people as people
from bench.bulk_insert import settle
from bench.growth_common import Calls, Growing
from skinapi.app.composition.services import open_services
from skinapi.base.errors import StoreUnavailable
from skinapi.base.logs import configure_logs
from skinapi.platform.storage.ports import Store
from skinapi.platform.stores.store_factory import make_store, open_store
from tests.stores.mongod import running_mongod
from tests.support.backends import settings_in
from tests.support.size import size

FEW, MANY = 1_000, 1_000_000
CALLS = size(100, 400)
LONGEST_S = 20.0  # for the calls of one list, however slow: never fewer than three
MOST_RATIO = 1.5
GROWING = {
    "accounts": Growing(accounts.fill_accounts, accounts.account_calls),
    "sessions": Growing(people.fill_sessions, people.session_calls),
    "submissions": Growing(people.fill_findings, people.finding_calls),
    "reviews": Growing(people.fill_reviews, people.review_calls),
    "audit": Growing(people.fill_trail, people.trail_calls),
}
# What `make bench` measures, for a clinic can have most of these.
LARGEST = ("accounts", "submissions", "audit")
# A store for so many records, and what deletes it.
OpenedToClient = tuple[Store, Callable[[], object]]


def measure_growth(
    stores: Collection[str] = ("sqlite", "mongod"), collections: Collection[str] = tuple(GROWING)
) -> dict[str, Any]:
    results: dict[str, Any] = {}
    if "sqlite" in stores:
        with TemporaryDirectory(prefix="growth-") as folder:
            at = Path(folder)
            results["sqlite"] = _all_growth("sqlite", lambda n: _sqlite(at / str(n)), collections)
    if "mongod" in stores:
        try:
            with running_mongod() as server:
                uri = server.uri
                results["mongod"] = _all_growth("mongod", lambda n: _mongod(uri, n), collections)
        except pytest.skip.Exception as error:
            results["mongod"] = f"skipped: {error}"
    return results


def _all_growth(
    store: str, open_for: Callable[[int], OpenedToClient], collections: Collection[str]
) -> dict[str, dict[str, Any]]:
    results = {}
    for name in collections:
        results[name] = growth_of(open_for, GROWING[name])
        sys.stderr.write("\n".join([*_rows(store, name, results[name]), ""]))
    return results


def growth_of(open_for: Callable[[int], OpenedToClient], growing: Growing) -> dict[str, Any]:
    with ExitStack() as stack:
        began = time.perf_counter()
        calls = []
        for records in (FEW, MANY):
            store, delete = open_for(records)
            stack.callback(delete)
            stack.callback(store.close)
            # First, so that the indexes grow with the records, as they do on a server.
            services = open_services(settings_in(Path("/nonexistent")), store)
            growing.fill(store, records)
            settle(store)
            calls.append(growing.calls(services, records))
        filled_s = round(time.perf_counter() - began, 1)
        return {"filled_s": filled_s, **{what: _compared(what, *calls) for what in calls[0]}}


def _compared(what: str, few: Calls, many: Calls) -> dict[str, float]:
    taken: dict[int, list[float]] = {FEW: [], MANY: []}
    calls_until = time.perf_counter() + LONGEST_S
    while len(taken[MANY]) < CALLS and (len(taken[MANY]) < 3 or time.perf_counter() < calls_until):
        for records, calls in ((FEW, few), (MANY, many)):
            began = time.perf_counter()
            try:
                calls[what]()
            except StoreUnavailable:
                return {"unavailable_with": records}
            taken[records].append(time.perf_counter() - began)
    small, large = (statistics.median(times) * 1e3 for times in taken.values())
    return {"few_ms": round(small, 2), "many_ms": round(large, 2), "ratio": round(large / small, 2)}


def _sqlite(folder: Path) -> OpenedToClient:
    make_store(settings_in(folder))
    return open_store(settings_in(folder)), lambda: rmtree(folder)


def _mongod(uri: str, records: int) -> OpenedToClient:
    name = f"growth_{records}"
    address = urlsplit(uri)._replace(path=f"/{name}").geturl()

    def drop() -> None:
        client: pymongo.MongoClient[dict[str, Any]]
        with pymongo.MongoClient(uri) as client:
            client.drop_database(name)

    return open_store(settings_in(Path(), mongo_uri=address)), drop


def table(results: dict[str, Any]) -> Iterator[str]:
    yield f"{'':8}{'with records':28}{FEW:>12,}{MANY:>12,}{'ratio':>8}  (target {MOST_RATIO})"
    for store, collections in results.items():
        if isinstance(collections, str):
            yield f"{store:8}{collections}"
            continue
        for name, figures in collections.items():
            yield from _rows(store, name, figures)


def _rows(store: str, name: str, figures: dict[str, Any]) -> Iterator[str]:
    for what, timing in figures.items():
        if isinstance(timing, dict) and "unavailable_with" in timing:
            yield f"{store:8}{what:28}the store takes too long with {timing['unavailable_with']:,}"
        elif isinstance(timing, dict):
            small, large = (f"{timing[name]:>9.2f} ms" for name in ("few_ms", "many_ms"))
            yield f"{store:8}{what:28}{small}{large}{timing['ratio']:>8.2f}"
    yield f"{store:8}({name} filled in {figures['filled_s']} s)"


if __name__ == "__main__":
    configure_logs()
    asked = {word.lower() for word in sys.argv[1:]}
    measured = measure_growth(
        asked & {"sqlite", "mongod"} or ("sqlite", "mongod"),
        [name for name in GROWING if name in asked] or tuple(GROWING),
    )
    sys.stdout.write("\n".join([*table(measured), ""]))
