"""`python -m tests.bench.growth`: what lists, the trail and the quota cost with 1,000 and with
100,000 records, in one run: each call on the one store, then on the other.

The stores are filled past the port, for through it a hundred thousand would take minutes; the rows
of the trail are no chain. Everything measured goes through the services.
"""

import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlsplit

from skinapi.auth.accounts import Account
from skinapi.records.finding_counts import FindingCounts
from skinapi.records.submissions import Submission, _document
from skinapi.services import Services, open_services
from skinapi.storage import make_store, open_store
from skinapi.storage.ids import new_id, now
from skinapi.storage.ports import Document, Store
from skinapi.vision.context import Context
from tests.backends import settings_in
from tests.bulk_insert import fill
from tests.findings import told_finding
from tests.mongod import NoMongodError, running_mongod
from tests.size import size

FEW, MANY = 1_000, 100_000
CALLS = size(40, 400)
PAGE = 20
Calls = dict[str, Callable[[], object]]


def measure_growth() -> dict[str, Any]:
    results: dict[str, Any] = {}
    with TemporaryDirectory(prefix="growth-") as folder:
        results["sqlite"] = growth_of([_sqlite(Path(folder) / str(n), n) for n in (FEW, MANY)])
    try:
        with running_mongod() as server:
            results["mongod"] = growth_of([_mongod(server.uri, n) for n in (FEW, MANY)])
    except NoMongodError as error:
        results["mongod"] = f"skipped: no mongod: {error}"
    return results


def growth_of(stores: list[tuple[Store, int]]) -> dict[str, Any]:
    with ExitStack() as stack:
        began = time.perf_counter()
        calls = []
        for store, records in stores:
            stack.callback(store.close)
            calls.append(calls_on(store, records))
        filled_s = round(time.perf_counter() - began, 1)
        return {"filled_s": filled_s, **{what: _compared(what, *calls) for what in calls[0]}}


def _compared(what: str, few: Calls, many: Calls) -> dict[str, float]:
    taken: dict[int, list[float]] = {FEW: [], MANY: []}
    for _ in range(CALLS):
        for records, calls in ((FEW, few), (MANY, many)):
            began = time.perf_counter()
            calls[what]()
            taken[records].append(time.perf_counter() - began)
    small, large = (statistics.median(times) * 1e3 for times in taken.values())
    return {"few_ms": round(small, 2), "many_ms": round(large, 2), "ratio": round(large / small, 2)}


def calls_on(store: Store, records: int) -> Calls:
    """What is measured, over a store with so many accounts, findings of one owner, audit rows."""
    owner = new_id()
    fill(store, "accounts", (_account(new_id() if n else owner, n) for n in range(records)))
    fill(store, "submissions", findings_of(owner, records))
    fill(store, "audit", trail_about(owner, records))
    fill(store, "counters", [{"id": "submissions", "schema": 1, "value": records}])
    services = open_services(settings_in(Path("/nonexistent")), store)
    middle = store.collection("submissions").find({"number": records // 2}, limit=1)[0]["id"]
    return {
        "findings, first page": lambda: _findings(services, owner, None),
        "findings, from the middle": lambda: _findings(services, owner, middle),
        "accounts, first page": lambda: services.admin.list_users(
            role=None, status=None, containing=None, after=None, limit=PAGE
        ),
        "audit, first page": lambda: _trail(services),
        "audit of an account": lambda: _trail(services, account=owner),
        "audit of an action": lambda: _trail(services, action="report.issue"),
        "audit of both": lambda: _trail(services, account=owner, action="report.issue"),
        "audit, append a row": lambda: services.trail.note("test.note", by=owner, target=owner),
        "findings, quota": lambda: FindingCounts(store).reaches(owner, 2 * MANY),
    }


def _findings(services: Services, owner: str, after: str | None) -> None:
    services.records.list_own(owner=owner, after=after, limit=PAGE)


def _trail(services: Services, *, action: str | None = None, account: str | None = None) -> None:
    services.admin.read_trail(action=action, account=account, after=None, limit=PAGE)


def findings_of(owner: str, records: int) -> Iterator[Document]:
    finding = told_finding()
    submission = Submission(
        id=owner,
        created_at=now(),
        number=0,
        owner=owner,
        band=finding.band,
        finding=finding,
        context=Context(),
        language="en",
        sections=dict.fromkeys(("overview", "recommendation"), "As it was answered. " * 20),
    )
    plain = _document(submission)
    for number in range(1, records + 1):
        yield {**plain, "schema": 1, "id": new_id(), "number": number}


def trail_about(owner: str, records: int) -> Iterator[Document]:
    """A tenth by the owner, half of that a report: a full page of each even of a thousand."""
    began, other = now() - timedelta(days=1), new_id()
    for number in range(1, records + 1):
        yield {
            "id": new_id(),
            "schema": 1,
            "created_at": began,
            "sequence": number,
            "phase": "outcome",
            "outcome": "done",
            "action": "report.issue" if number % 20 == 0 else "submission.create",
            "by": owner if number % 10 == 0 else other,
            "target": other,
            "previous": "0" * 64,
            "hash": "0" * 64,
        }


def _account(identifier: str, number: int) -> Document:
    account = Account(
        id=identifier,
        created_at=now(),
        email=f"{number}@example.org",
        name="Ada Example",
        status="approved",
        role="doctor" if number % 10 == 0 else "user",
        password_hash="x",
    )
    return {**account.model_dump(), "schema": 1, "search": f"ada example\n{account.email}"}


def _sqlite(folder: Path, records: int) -> tuple[Store, int]:
    make_store(instance_dir=folder, mongo_uri=None)
    return open_store(instance_dir=folder, mongo_uri=None), records


def _mongod(uri: str, records: int) -> tuple[Store, int]:
    address = urlsplit(uri)._replace(path=f"/growth_{records}").geturl()
    return open_store(instance_dir=Path(), mongo_uri=address), records


def table(results: dict[str, Any]) -> Iterator[str]:
    yield f"{'':8}{'with records':28}{FEW:>12,}{MANY:>12,}{'ratio':>8}"
    for store, figures in results.items():
        if isinstance(figures, str):
            yield f"{store:8}{figures}"
            continue
        for what, timing in figures.items():
            if isinstance(timing, dict):
                small, large = (f"{timing[name]:>9.2f} ms" for name in ("few_ms", "many_ms"))
                yield f"{store:8}{what:28}{small}{large}{timing['ratio']:>8.2f}"
        yield f"{store:8}(filled in {figures['filled_s']} s)"


if __name__ == "__main__":
    sys.stdout.write("\n".join([*table(measure_growth()), ""]))
