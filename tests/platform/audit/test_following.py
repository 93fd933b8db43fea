import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import pytest

from skinapi.base.errors import InvalidQuery
from skinapi.platform.audit import trail as trail_module
from skinapi.platform.audit.trail import AuditSealer, AuditTrail, CursorLost, cursor_of
from skinapi.platform.storage.ids import new_id
from skinapi.platform.storage.ports import Store
from skinapi.platform.storage.unit_of_work import AuditRow
from skinapi.platform.stores.mongo_store import MongoStore
from tests.conftest import own_database
from tests.support.backends import SECRET, Backend, Person, store_of_kind
from tests.support.size import size

NDJSON = {"Accept": "application/x-ndjson"}
WRITERS = 4
EACH = size(60, 1000)


@pytest.fixture(params=["sqlite", "mongod"])
def stores(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[list[Store]]:
    uri = own_database(request.getfixturevalue("mongo_uri")) if request.param == "mongod" else None
    opened = [store_of_kind(request.param, tmp_path, uri) for _ in range(3)]
    yield opened
    for store in opened:
        store.close()


def test_while_many_write_and_several_seal_no_row_is_skipped(stores: list[Store]) -> None:
    trails = [AuditTrail(store, secrets=[SECRET]) for store in stores]
    done = threading.Event()

    def write(number: int) -> None:
        trail = trails[number % len(trails)]
        for place in range(EACH):
            trail.record(AuditRow("test.act", by=str(number), target=str(place)))

    def seal(trail: AuditTrail) -> None:
        while not done.is_set():
            trail.seal()

    def collect() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        while len(found) < WRITERS * EACH:
            after = cursor_of(found[-1]) if found else None
            found += islice(trails[0].follow(after), 7)
        return found

    with ThreadPoolExecutor(WRITERS + 4) as pool:
        sealing = [pool.submit(seal, trail) for trail in trails[:2]]
        collecting = pool.submit(collect)
        for writing in [pool.submit(write, number) for number in range(WRITERS)]:
            writing.result()
        rows = collecting.result()
        done.set()
        for sealed in sealing:
            sealed.result()
    assert [row["sequence"] for row in rows] == list(range(1, WRITERS * EACH + 1))
    assert all(row["previous"] == before["hash"] for before, row in pairwise(rows))
    written = {(row["by"], row["target"]) for row in rows}
    assert written == {(str(w), str(n)) for w in range(WRITERS) for n in range(EACH)}
    assert list(trails[0].check_integrity()) == []


@pytest.fixture
def admin(backend: Backend) -> Person:
    return backend.admin()


def write(backend: Backend, rows: int) -> None:
    for number in range(rows):
        backend.services.data.trail.record(AuditRow("test.act", by="-", target=str(number)))


def lines(person: Person, **query: Any) -> list[dict[str, Any]]:
    answer = person.call("GET", "/audit", headers=NDJSON, query_string=query)
    assert answer.status_code == 200, answer.text
    assert answer.mimetype == "application/x-ndjson"
    assert answer.text == "" or answer.text.endswith("\n")
    return [json.loads(line) for line in answer.text.splitlines()]


def test_a_program_goes_on_where_it_was(backend: Backend, admin: Person) -> None:
    write(backend, 5)
    collected: list[dict[str, Any]] = []
    query: dict[str, Any] = {"limit": 2}
    while more := lines(admin, **query):
        assert len(more) <= 2
        collected += more
        query["after"] = more[-1]["cursor"]
    stored = sorted(backend.stored()["audit"], key=lambda row: row["sequence"])
    assert [row["id"] for row in collected] == [row["id"] for row in stored]
    assert [row["sequence"] for row in collected] == list(range(1, len(stored) + 1))
    assert all(row["signed"] for row in collected)
    assert all(row["previous"] == before["hash"] for before, row in pairwise(collected))
    assert "example.org" not in json.dumps(collected)
    write(backend, 2)
    assert len(lines(admin, after=collected[-1]["cursor"])) == 2


def test_who_reads_the_trail_as_before_gets_it_as_before(backend: Backend, admin: Person) -> None:
    for accept in ("application/json", "*/*", "text/html,*/*;q=0.8", ""):
        answer = admin.call("GET", "/audit", headers={"Accept": accept})
        assert answer.mimetype == "application/json"
        newest_first = [row["sequence"] for row in answer.get_json()]
        assert newest_first == sorted(newest_first, reverse=True)


def test_what_is_no_cursor_gets_a_sentence(admin: Person) -> None:
    for after in ("0-", "x", "1", "1-xyz", "9" * 30 + "-ab", "1-ab\n"):
        answer = admin.call("GET", "/audit", headers=NDJSON, query_string={"after": after})
        assert answer.status_code in (400, 409)
        assert answer.get_json()["detail"]
    for limit in ("0", "10001", "x"):
        path = f"/audit?limit={limit}"
        assert admin.call("GET", path, headers=NDJSON).status_code == 400


def test_of_a_trail_that_an_older_backup_replaced_nothing_is_skipped_in_silence(
    backend: Backend, admin: Person
) -> None:
    newest = lines(admin)[-1]
    rows = backend.services.store.collection("audit")
    rows.update({"id": newest["id"]}, {"$set": {"hash": new_id() * 2}})
    answer = admin.call("GET", "/audit", headers=NDJSON, query_string={"after": newest["cursor"]})
    assert (answer.status_code, answer.get_json()["code"]) == (409, "audit_cursor_lost")
    rows.delete({"id": newest["id"]})
    with pytest.raises(CursorLost):
        backend.services.data.trail.follow(newest["cursor"])
    with pytest.raises(InvalidQuery):
        backend.services.data.trail.follow("newest")


@pytest.fixture
def mongo_store(emptied_database_uri: str) -> Iterator[Store]:
    with closing(MongoStore.at(emptied_database_uri)) as opened:
        yield opened


def trail_on(mongo_store: Store) -> AuditTrail:
    return AuditTrail(mongo_store, secrets=[SECRET])


def sequences(mongo_store: Store) -> list[int | None]:
    return [row.get("sequence") for row in mongo_store.collection("audit").find()]


def says(mongo_store: Store) -> list[str]:
    return [fault.message for fault in trail_on(mongo_store).check_integrity()]


def test_rows_that_nobody_sealed_are_found_and_sealed(
    mongo_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    trail = trail_on(mongo_store)
    trail.record(AuditRow("test.act", by="system", target="x"))
    monkeypatch.setattr(trail_module, "LATEST_SEAL", -trail_module.LATEST_SEAL)
    (fault,) = trail.check_integrity()
    assert fault.message == "1 audit rows are not numbered yet"
    assert fault.repair
    fault.repair()
    assert sequences(mongo_store) == [1]


def test_a_row_that_was_changed_before_it_is_sealed_is_found(mongo_store: Store) -> None:
    trail = trail_on(mongo_store)
    trail.record(AuditRow("test.act", by="system", target="x"))
    rows = mongo_store.collection("audit")
    rows.update({"action": "test.act"}, {"$set": {"by": "somebody-else"}})
    assert [
        fault.endswith("is not signed, and not numbered yet") for fault in says(mongo_store)
    ] == [True]
    trail.seal()
    assert says(mongo_store) == ["audit row 1 was not signed before it was numbered"]


def test_the_newest_sealed_row_is_logged_once(
    capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    backend = Backend(tmp_path)
    sealer = AuditSealer(backend.services.store, backend.services.data.trail)
    backend.services.data.trail.record(AuditRow("test.act", by="system", target="x"))
    capfd.readouterr()
    for _ in range(2):
        sealer.run_once()
    (line,) = [json.loads(line) for line in capfd.readouterr().err.splitlines()]
    (row,) = backend.audit()
    assert line["event"] == "audit"
    assert (line["sequence"], line["hash"]) == (row["sequence"], row["hash"])
    assert line.keys() == {"event", "level", "timestamp", "sequence", "hash"}
