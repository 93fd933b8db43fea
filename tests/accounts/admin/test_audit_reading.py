"""The audit trail by time, and as a file that a spreadsheet may open."""

import csv
import io
from datetime import UTC, datetime, timedelta
from typing import Any

from werkzeug.test import TestResponse

from skinapi.platform.storage.ids import first_id_at
from tests.findings.prediction.photographer import predicted
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


def rows_in(file: TestResponse) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(file.data.decode("utf-8-sig"), newline="")))


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


def test_what_is_done_about_a_patient_is_found_by_the_patient(backend: Backend) -> None:
    """Also a doctor's review of her finding, whose row names neither of them as its target."""
    admin = backend.member(role="admin")
    doctor = backend.member(role="doctor")
    ada, eve = (backend.member(doctor_id=backend.account(doctor.email).id) for _ in "12")
    hers, other = (predicted(person)["id"] for person in (ada, eve))
    said = {"label": "melanoma", "certainty": "sure"}
    for number in (hers, other):
        path = f"/submissions/{number}/review"
        assert doctor.call("POST", path, json=said).status_code == 201
    account = backend.account(ada.email)
    rows = admin.pages(f"/audit?account={account.id}&action=review.create")
    assert [(row["finding"], row["by_email"], row["owner_name"]) for row in rows] == [
        (hers, doctor.email, account.name)
    ]
    found = {row["action"] for row in admin.pages(f"/audit?account={account.id}")}
    assert found >= {"review.create", "submission.create"}
    assert list(backend.services.data.trail.faults()) == []
    span = f"account={account.id}&since=2026-01-01T00:00:00Z&until=2100-01-01T00:00:00Z"
    assert len(admin.pages(f"/audit?{span}&action=review.create")) == 1
    assert len(admin.pages(f"/audit?{span}&limit=1")) >= 2


def test_who_is_put_in_charge_is_said_with_the_patient(backend: Backend) -> None:
    admin, doctor = backend.member(role="admin"), backend.member(role="doctor")
    ada = backend.member()
    body = {"doctor": doctor.email}
    assert admin.call("PUT", f"/users/{ada.email}/doctor", json=body).status_code == 200
    [row] = admin.pages("/audit?action=doctor.assign")
    assert (row["target_email"], row["owner_email"]) == (doctor.email, ada.email)


def test_no_cell_of_the_file_is_a_formula(backend: Backend) -> None:
    admin = backend.member(role="admin")
    texts = [f'{begins}HYPERLINK("http://evil.example"), "quoted"\nend' for begins in "=+-@\t\r\n"]
    for number, text in enumerate(texts):
        write(backend, DAY + timedelta(days=number), detail=text, sequence=-number - 1)
    answer = admin.call("GET", "/audit/export?action=photo.read")
    assert answer.mimetype == "text/csv"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="audit.csv"'
    rows = rows_in(answer)
    assert [row["detail"] for row in reversed(rows)] == [f"'{text}" for text in texts]
    assert (rows[0]["action"], rows[0]["by"], rows[0]["by_email"]) == ("photo.read", "system", "")
    cells = [cell for row in rows for cell in row.values()]
    assert not any(cell.startswith(("=", "+", "-", "@")) for cell in cells)
