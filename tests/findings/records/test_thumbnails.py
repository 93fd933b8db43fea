"""The small pictures of lists: made once, for whoever may see the photo, gone with it."""

import io
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from skinapi.findings.records import readers
from skinapi.model.decoding.photo import THUMBNAIL_SIDE
from skinapi.platform.audit import AuditTrail
from skinapi.platform.storage.ids import now
from skinapi.platform.storage.ports import Document
from tests.care.clinic import patient_in_care
from tests.findings.prediction.photographer import predicted
from tests.support.backends import Backend, erase, unavailable
from tests.support.photos import photo_of

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


def test_no_photo_no_thumbnail(backend: Backend) -> None:
    ada = backend.member()
    answer = ada.call("GET", path_of(predicted(ada)))
    assert answer.status_code == 404
    assert answer.get_json()["error"] == "The photo of this submission was not kept"


@pytest.mark.parametrize("harm", ["lost", "damaged"])
def test_check_names_a_harmed_thumbnail_and_the_next_reader_gets_a_new_one(
    backend: Backend, tmp_path: Path, harm: str
) -> None:
    ada = backend.member()
    body = predicted(ada, keep_photo="true")
    good = ada.call("GET", path_of(body)).data
    [document] = backend.stored()["submissions"]
    [file] = tmp_path.rglob(document["thumbnail_blob"])
    if harm == "lost":
        file.unlink()
    else:
        file.write_bytes(b"not the picture")
    says = [fault.message for fault in backend.services.faults()]
    assert len(says) == 1
    assert "thumbnail_blob" in says[0]
    assert ada.call("GET", path_of(body)).data == good
    assert list(backend.services.faults()) == []
    assert len(list(backend.services.store.blobs.keys())) == 2


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
    monkeypatch.setattr(readers, "now", lambda: tomorrow)
    doctor.call("GET", paths[0])
    assert len(looks(backend)) == 2


def test_each_doctor_and_each_patient_has_a_row(backend: Backend) -> None:
    doctor, ada = patient_in_care(backend)
    bob = backend.member(doctor_id=backend.account(doctor.email).id)
    paths = [path_of(predicted(person, keep_photo="true")) for person in (ada, bob)]
    for path in paths * 2:
        doctor.call("GET", path)
    other = backend.member(role="doctor")
    backend.edit(ada.email, doctor_id=backend.account(other.email).id)
    other.call("GET", paths[0])
    assert doctor.call("GET", paths[0]).status_code == 404
    seen = [(row["by"], row["target"]) for row in looks(backend)]
    pairs = [(doctor, ada), (doctor, bob), (other, ada)]
    assert seen == [tuple(backend.account(one.email).id for one in pair) for pair in pairs]


def test_it_is_not_shown_where_the_trail_cannot_be_written(
    backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    doctor, ada = patient_in_care(backend)
    path = path_of(predicted(ada, keep_photo="true"))
    monkeypatch.setattr(AuditTrail, "add", unavailable)
    assert doctor.call("GET", path).status_code == 503
    assert ada.call("GET", path).status_code == 200
