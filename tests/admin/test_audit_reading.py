"""The audit trail by time, and as a file that a spreadsheet may open."""

import csv
import io
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from skinapi.admin import routes
from skinapi.storage.ids import first_id_at
from tests.support.backends import Backend, Person

DAY = datetime(2026, 3, 1, tzinfo=UTC)


def write(backend: Backend, *moments: datetime, **fields: Any) -> None:
    """Rows as they stand in a store, of times that are past."""
    rows = backend.services.store.collection("audit")
    for number, moment in enumerate(moments):
        row = {
            "id": f"{int(first_id_at(moment), 16) + number:032x}",
            "created_at": moment,
            "schema": 1,
            "action": "photo.read",
            "phase": "outcome",
            "outcome": "done",
            "by": "system",
            "target": "7",
            "sequence": -number - 1,
        }
        rows.insert({**row, **fields})


def times(admin: Person, **query: str) -> list[str]:
    pages = admin.pages("/audit?" + "&".join(f"{name}={value}" for name, value in query.items()))
    return [row["created_at"][:10] for row in pages if row["action"] == "photo.read"]


def test_rows_are_found_by_time_with_and_without_the_other_filters(backend: Backend) -> None:
    admin = backend.member(role="admin")
    who = backend.account(admin.email).id
    write(backend, *(DAY + timedelta(days=number) for number in range(4)), by=who)
    span = {"since": "2026-03-02T00:00:00Z", "until": "2026-03-04T00:00:00Z", "limit": "1"}
    wanted = ["2026-03-03", "2026-03-02"]
    assert times(admin, **span) == wanted
    assert times(admin, **span, action="photo.read") == wanted
    assert times(admin, **span, account=who) == wanted
    assert times(admin, **span, account=who, action="photo.read") == wanted
    assert times(admin, since="2026-03-04T01:00:00%2B01:00", action="photo.read") == ["2026-03-04"]
    assert times(admin, until="2026-03-01T00:00:00Z") == []


@pytest.mark.parametrize("moment", ["yesterday", "2026-03-01", "0001-01-01T00:00:00Z", "", "1e99"])
def test_a_time_that_is_none_is_refused(backend: Backend, moment: str) -> None:
    answer = backend.member(role="admin").call("GET", f"/audit?since={moment}")
    assert answer.status_code == 400


@pytest.mark.parametrize("begins", ["=", "+", "-", "@", "\t", "\r", "\n"])
def test_no_cell_of_the_file_is_a_formula(backend: Backend, begins: str) -> None:
    admin = backend.member(role="admin")
    detail = f'{begins}HYPERLINK("http://evil.example","x"), "quoted"\nand so on'
    write(backend, DAY, detail=detail)
    answer = admin.call("GET", "/audit/export?action=photo.read")
    assert answer.mimetype == "text/csv"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="audit.csv"'
    [row] = csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig"), newline=""))
    assert row["detail"] == f"'{detail}"
    assert (row["action"], row["by"], row["by_email"]) == ("photo.read", "system", "")
    assert not any(cell.startswith(("=", "+", "-", "@")) for cell in row.values())


def test_a_file_ends_where_it_would_be_too_long_and_names_the_next(
    backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(routes, "MOST_EXPORTED", 2)
    admin = backend.member(role="admin")
    write(backend, *(DAY + timedelta(days=number) for number in range(3)))
    first = admin.call("GET", "/audit/export?format=json&action=photo.read")
    assert first.mimetype == "application/json"
    rows = json.loads(first.data)
    listed = admin.call("GET", "/audit?action=photo.read").get_json()
    assert rows == listed[:2]
    path = first.headers["Link"].partition(">")[0].removeprefix("<")
    rest = admin.call("GET", path)
    assert json.loads(rest.data) == listed[2:]
    assert "Link" not in rest.headers


@pytest.mark.parametrize(
    "query", ["format=xlsx", "limit=5", "account=$ne", "format=csv&format=x;y"]
)
def test_what_no_file_is_made_of_is_refused(backend: Backend, query: str) -> None:
    answer = backend.member(role="admin").call("GET", f"/audit/export?{query}")
    assert answer.status_code == 400
