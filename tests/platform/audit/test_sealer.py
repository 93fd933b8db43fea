"""The sealer: rows of several servers get their numbers and hashes in batches."""

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from skinapi.platform.audit import trail as trail_module
from skinapi.platform.audit.trail import AuditSealer, AuditTrail
from skinapi.platform.storage.ports import Store
from skinapi.platform.storage.unit_of_work import AuditRow
from skinapi.platform.stores.mongo_store import MongoStore
from tests.support.backends import SECRET, Backend


@pytest.fixture
def store(emptied_database_uri: str) -> Iterator[Store]:
    with closing(MongoStore.at(emptied_database_uri)) as opened:
        yield opened


def trail_on(store: Store) -> AuditTrail:
    return AuditTrail(store, secrets=[SECRET])


def sequences(store: Store) -> list[int | None]:
    return [row.get("sequence") for row in store.collection("audit").find()]


def says(store: Store) -> list[str]:
    return [fault.message for fault in trail_on(store).faults()]


def test_rows_that_nobody_sealed_are_found_and_sealed(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    trail = trail_on(store)
    trail.record(AuditRow("test.act", by="system", target="x"))
    monkeypatch.setattr(trail_module, "LATEST_SEAL", -trail_module.LATEST_SEAL)
    (fault,) = trail.faults()
    assert fault.message == "1 audit rows are not numbered yet"
    assert fault.repair
    fault.repair()
    assert sequences(store) == [1]


def test_a_row_that_was_changed_before_it_is_sealed_is_found(store: Store) -> None:
    trail = trail_on(store)
    trail.record(AuditRow("test.act", by="system", target="x"))
    rows = store.collection("audit")
    rows.update({"action": "test.act"}, {"$set": {"by": "somebody-else"}})
    assert [fault.endswith("is not signed, and not numbered yet") for fault in says(store)] == [
        True
    ]
    trail.seal()
    assert says(store) == ["audit row 1 was not signed before it was numbered"]


def test_the_newest_sealed_row_is_logged_once(
    capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    backend = Backend(tmp_path)
    sealer = AuditSealer(backend.services.store, backend.services.data.trail)
    backend.services.data.trail.record(AuditRow("test.act", by="system", target="x"))
    capfd.readouterr()
    for _ in range(2):
        sealer.make_pass()
    (line,) = [json.loads(line) for line in capfd.readouterr().err.splitlines()]
    (row,) = backend.audit()
    assert line["event"] == "audit"
    assert (line["sequence"], line["hash"]) == (row["sequence"], row["hash"])
    assert line.keys() == {"event", "level", "timestamp", "sequence", "hash"}
