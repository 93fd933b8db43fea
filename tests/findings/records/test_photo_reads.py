import io
from datetime import timedelta
from typing import Any

import pytest
from PIL import Image
from pypdf import PdfReader
from werkzeug.test import TestResponse

from skinapi.findings.records import read_notes
from skinapi.model.decoding.photo import THUMBNAIL_SIDE
from skinapi.platform.audit.trail import AuditTrail
from skinapi.platform.storage.ids import now
from skinapi.platform.storage.ports import Document
from skinapi.platform.storage.unit_of_work import AuditRow
from skinapi.platform.web.declaration import declared_routes
from tests.care.clinic import patient_in_care
from tests.findings.prediction.photographer import predicted
from tests.support.backends import Backend, erase, unavailable
from tests.support.photos import photo_of

OWNERS_ALONE = "/lesion-proposals"
KINDS = ("application/json", "text/html", "application/pdf", "image/jpeg")


def shows_a_photo(answer: TestResponse) -> bool:
    if answer.mimetype == "application/pdf":
        return any(page.images for page in PdfReader(io.BytesIO(answer.data)).pages)
    return str(answer.mimetype).startswith("image/") or "data:image/" in answer.text


def reads(backend: Backend) -> list[Document]:
    return [row for row in backend.audit() if row["action"] == "photo.read"]


def paths(backend: Backend, number: int) -> list[str]:
    """All that a doctor in charge and the owner may read, except the thumbnail, whose reads
    test_thumbnails.py covers.
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


@pytest.mark.parametrize("reader", ["owner", "stranger"])
def test_who_owns_the_photo_or_is_refused_it_leaves_no_row(backend: Backend, reader: str) -> None:
    _, patient = patient_in_care(backend)
    person = patient if reader == "owner" else backend.member(role="doctor")
    number = predicted(patient, keep_photo="true")["id"]
    for path in paths(backend, number):
        answer = person.call("GET", path)
        assert answer.status_code == (200 if reader == "owner" else 404)
    assert reads(backend) == []


def test_a_photo_is_not_shown_where_the_trail_cannot_be_written(
    backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    doctor, patient = patient_in_care(backend)
    number = predicted(patient, keep_photo="true")["id"]
    monkeypatch.setattr(AuditTrail, "add", unavailable)
    for what in ("photo", "thumbnail"):
        assert doctor.call("GET", f"/submissions/{number}/{what}").status_code == 503
        assert patient.call("GET", f"/submissions/{number}/{what}").status_code == 200


LARGE = (2400, 1800)


def path_of(body: dict[str, Any]) -> str:
    return f"/submissions/{body['id']}/thumbnail"


def looks(backend: Backend) -> list[Document]:
    return [row for row in backend.audit() if row["action"] == "thumbnail.read"]


def test_a_thumbnail_is_a_small_picture_of_the_whole_photo(backend: Backend) -> None:
    answer = backend.member().call("GET", "/submissions/1/thumbnail")
    assert answer.status_code == 404
    ada = backend.member()
    body = predicted(ada, photo_of("melanoma", LARGE), keep_photo="true")
    answer = ada.call("GET", path_of(body))
    assert answer.mimetype == "image/jpeg"
    picture = Image.open(io.BytesIO(answer.data))
    assert picture.size == (THUMBNAIL_SIDE, THUMBNAIL_SIDE * 3 // 4)
    assert len(answer.data) < 20_000
    assert not picture.getexif()


def test_a_browser_keeps_it_and_asks_whether_it_may_still_show_it(backend: Backend) -> None:
    doctor, ada = patient_in_care(backend)
    path = path_of(predicted(ada, keep_photo="true"))
    first = doctor.call("GET", path)
    assert first.headers["Cache-Control"] == "private, no-cache"
    kept = {"If-None-Match": first.headers["ETag"]}
    again = doctor.call("GET", path, headers=kept)
    assert (again.status_code, again.data) == (304, b"")
    other = backend.member(role="doctor")
    backend.edit(ada.email, doctor_id=backend.account(other.email).id)
    assert doctor.call("GET", path, headers=kept).status_code == 404
    assert ada.call("GET", path).headers["ETag"] == first.headers["ETag"]


def test_it_is_deleted_with_the_photo(backend: Backend) -> None:
    ada, bob = backend.member(), backend.member()
    bodies = [predicted(person, keep_photo="true") for person in (ada, bob)]
    for person, body in zip((ada, bob), bodies, strict=True):
        assert person.call("GET", path_of(body)).status_code == 200
    assert len(list(backend.services.store.blobs.keys())) == 4
    assert ada.call("DELETE", f"/submissions/{bodies[0]['id']}").status_code == 200
    erase(backend.services, backend.account(bob.email))
    assert list(backend.services.store.blobs.keys()) == []


def test_a_list_of_pictures_leaves_one_row_for_each_patient_and_day(
    backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    doctor, ada = patient_in_care(backend)
    paths = [path_of(predicted(ada, keep_photo="true")) for _ in range(2)]
    for path in paths * 2:
        assert ada.call("GET", path).status_code == 200
        assert doctor.call("GET", path).status_code == 200
    [row] = looks(backend)
    assert row["by"] == backend.account(doctor.email).id
    assert row["target"] == backend.account(ada.email).id
    assert (row["phase"], row["outcome"]) == ("outcome", "done")
    tomorrow = now() + timedelta(days=1)
    monkeypatch.setattr(read_notes, "now", lambda: tomorrow)
    doctor.call("GET", paths[0])
    assert len(looks(backend)) == 2


@pytest.mark.parametrize("path", ["/queue", "/patients", "/patients/{id}/submissions", "/lesions"])
def test_a_list_leaves_a_row_for_each_reader_patient_and_day(backend: Backend, path: str) -> None:
    doctor, ada = patient_in_care(backend)
    predicted(ada)
    patient = backend.account(ada.email).id
    spot = ada.call("POST", "/lesions", json={"place": {"site": "back"}}).get_json()
    path = f"/lesions/{spot['id']}" if path == "/lesions" else path.format(id=patient)
    for _ in range(3):
        assert doctor.call("GET", path).status_code == 200, path
    assert ada.call("GET", "/submissions").status_code == 200
    rows = [row for row in backend.audit() if row["action"] == "record.read"]
    assert [row["target"] for row in rows] == [patient]
    assert [item["what"] for item in ada.pages("/me/readers")] == ["record"]


def test_emergency_accesses_of_earlier_versions_stay_in_the_list_of_readers(
    backend: Backend,
) -> None:
    ada, admin = backend.member(), backend.member(role="admin")
    number, owner = predicted(ada)["id"], backend.account(ada.email).id
    finding = backend.services.data.findings.find_by_number(number)
    assert finding
    by, owned = backend.account(admin.email).id, {"target": finding.id, "owner": owner}
    backend.services.data.trail.record(
        AuditRow("breakglass.ask", by=by, outcome="not_found", **owned),
        AuditRow("breakglass.choose", by=by, **owned),
        AuditRow("breakglass.read", by=by, detail="report", **owned),
        AuditRow("photo.read", by=by, detail="break-glass", **owned),
    )
    read = ada.pages("/me/readers")
    assert {(item["finding"], item["role"], item["break_glass"]) for item in read} == {
        (number, "admin", True)
    }
    assert [(item["what"], item["refused"]) for item in read] == [
        ("photo", False),
        ("report", False),
        ("chosen", False),
        ("asked", True),
    ]
