"""Who read a photo is in the trail: whatever shows it, whoever but its owner asks for it."""

import io

import pytest
from pypdf import PdfReader
from werkzeug.test import TestResponse

from skinapi.platform.audit import AuditTrail
from skinapi.platform.storage.ports import Document
from skinapi.platform.web.declaration import declared_routes
from tests.care.clinic import patient_in_care
from tests.findings.prediction.photographer import predicted
from tests.support.backends import Backend, unavailable

OWNERS_ALONE = "/lesion-proposals"
KINDS = ("application/json", "text/html", "application/pdf", "image/jpeg")


def shows_a_photo(answer: TestResponse) -> bool:
    if answer.mimetype == "application/pdf":
        return any(page.images for page in PdfReader(io.BytesIO(answer.data)).pages)
    return str(answer.mimetype).startswith("image/") or "data:image/" in answer.text


def reads(backend: Backend) -> list[Document]:
    return [row for row in backend.audit() if row["action"] == "photo.read"]


def paths(backend: Backend, number: int) -> list[str]:
    """All that a doctor in charge and the owner may read but the thumbnail, of which
    test_thumbnails.py says who leaves a row when.
    """
    return [
        route.path.replace("<number>", str(number))
        for route in declared_routes(backend.app)
        if route.method == "GET"
        and "<number>" in route.path
        and not route.path.endswith(("/thumbnail", "/case", OWNERS_ALONE))
    ]


def test_every_answer_that_shows_a_photo_to_another_leaves_one_row(backend: Backend) -> None:
    doctor, patient = patient_in_care(backend)
    number = predicted(patient, keep_photo="true")["id"]
    shown = 0
    for path in paths(backend, number):
        for kind in KINDS:
            for _ in range(2):  # the second PDF is the one that was kept
                before = len(reads(backend))
                answer = doctor.call("GET", path, headers={"Accept": kind})
                assert answer.status_code == 200
                shows = shows_a_photo(answer)
                assert len(reads(backend)) - before == shows, f"{path} as {kind}"
                shown += shows
    assert shown >= 2 * len(KINDS) * 2


def test_a_row_says_who_read_which_photo_when_and_no_more(backend: Backend) -> None:
    doctor, patient = patient_in_care(backend)
    made = predicted(patient, keep_photo="true")
    doctor.call("GET", f"/submissions/{made['id']}/photo")
    (row,) = reads(backend)
    assert row["by"] == backend.account(doctor.email).id
    assert row["target"] == made["_id"]
    assert row["owner"] == backend.account(patient.email).id
    assert row.keys() == {
        *(
            "owner",
            "id",
            "schema",
            "created_at",
            "sequence",
            "previous",
            "hash",
            "request_id",
            "key",
        ),
        "signature",
        *("action", "phase", "outcome", "by", "target"),
    }
    assert list(backend.services.faults()) == []
    admin = backend.member(role="admin")
    (shown,) = admin.call("GET", "/audit?action=photo.read").get_json()
    assert (shown["by_email"], shown["target"]) == (doctor.email, made["_id"])


@pytest.mark.parametrize("reader", ["owner", "stranger"])
def test_who_owns_the_photo_or_is_refused_it_leaves_no_row(backend: Backend, reader: str) -> None:
    _, patient = patient_in_care(backend)
    person = patient if reader == "owner" else backend.member(role="doctor")
    number = predicted(patient, keep_photo="true")["id"]
    for path in paths(backend, number):
        answer = person.call("GET", path)
        assert answer.status_code == (200 if reader == "owner" else 404)
    assert reads(backend) == []


def test_a_photo_that_was_not_kept_is_not_read(backend: Backend) -> None:
    doctor, patient = patient_in_care(backend)
    number = predicted(patient)["id"]
    for path in paths(backend, number):
        doctor.call("GET", path)
    assert reads(backend) == []


def test_a_photo_is_not_shown_where_the_trail_cannot_be_written(
    backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    doctor, patient = patient_in_care(backend)
    number = predicted(patient, keep_photo="true")["id"]
    monkeypatch.setattr(AuditTrail, "add", unavailable)
    for what in ("photo", "heatmap"):
        assert doctor.call("GET", f"/submissions/{number}/{what}").status_code == 503
        assert patient.call("GET", f"/submissions/{number}/{what}").status_code == 200
