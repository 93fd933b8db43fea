from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from werkzeug.test import TestResponse

from skinapi.app.integrity_check import check_integrity
from skinapi.platform.storage.ids import now
from tests.care.clinic import REVIEW, ROUTINE, URGENT, file_for, numbers, patient_in_care
from tests.privacy.made_files import made_for, read
from tests.support.backends import Backend, Person, erase
from tests.support.findings import finding_of
from tests.support.reviews import signed_review
from tests.use_cases.use_case import acts_on

REASON = "The photo is of somebody else."
MELANOMA = {"label": "melanoma", "certainty": "laboratory"}


def enter(person: Person, number: int, reason: str = REASON) -> TestResponse:
    path = f"/submissions/{number}/entered-in-error"
    return person.call("POST", path, json={"reason": reason})


def sign(doctor: Person, number: int, **said: Any) -> None:
    signed_review(doctor, number, {**MELANOMA, **said})


def get(person: Person, path: str) -> Any:
    return person.call("GET", path).get_json()


def spot_of_two(backend: Backend) -> tuple[Person, Person, str, int, int]:
    doctor, ada = patient_in_care(backend)
    lesion = get_new_spot(ada)
    mole = finding_of("melanocytic_nevus", band=ROUTINE)
    first = file_for(backend, ada, ROUTINE, lesion=lesion, finding=mole).number
    wrong = file_for(backend, ada, REVIEW, lesion=lesion).number
    backend.services.lesions.counts.recount(lesion)
    return doctor, ada, lesion, first, wrong


def in_a_year() -> datetime:
    return now() + timedelta(days=365)


def get_new_spot(ada: Person) -> str:
    place = {"place": {"site": "back"}}
    return str(ada.call("POST", "/lesions", json=place).get_json()["id"])


def test_an_admin_enters_no_own_finding_in_error(backend: Backend) -> None:
    doctor, ada = patient_in_care(backend)
    number = file_for(backend, ada, URGENT).number
    sign(doctor, number)
    root = backend.member(role="admin")
    path = f"/users/{ada.email}/role"
    assert root.call("PUT", path, json={"role": "admin"}).status_code == 200
    own = backend.log_in(ada.email)
    wanted = {"patient": "0" * 32, "reason": "."}
    moved = own.call("POST", f"/submissions/{number}/move", json=wanted)
    assert [enter(own, number).status_code, moved.status_code] == [403, 403]
    assert enter(root, number).status_code == 200


def test_what_was_entered_in_error_is_in_no_list_and_its_review_stays(
    backend: Backend,
) -> None:
    doctor, ada, lesion, first, wrong = spot_of_two(backend)
    sign(doctor, wrong)
    before = get(ada, f"/submissions/{first}")["instruction"]
    assert (before["band"], before["label"]) == (URGENT, "melanoma")
    answer = enter(doctor, wrong)
    assert answer.status_code == 200, answer.text
    assert get(ada, f"/submissions/{first}")["instruction"] == {**before, "finding": first}
    sign(doctor, first, label="melanocytic_nevus", confirm_milder=True)
    assert get(ada, f"/submissions/{first}")["instruction"]["label"] == "melanocytic_nevus"
    assert numbers(ada, "/submissions") == numbers(ada, f"/lesions/{lesion}/submissions") == [first]
    assert get(ada, f"/lesions/{lesion}")["findings"] == 1
    assert numbers(doctor, "/queue?reviewed=true") == [first]
    assert numbers(doctor, "/queue?reviewed=false") == []
    assert [*check_integrity(backend.services)] == []


def test_nobody_is_shown_it_and_its_patient_reads_why(backend: Backend) -> None:
    doctor, ada, _, _, wrong = spot_of_two(backend)
    sign(doctor, wrong)
    paths = [
        f"/submissions/{wrong}{part}"
        for part in ("", "/photo", "/thumbnail", "/report.json",
                     "/report.html", "/report.pdf", "/reviews", "/letters", "/case")
    ]  # fmt: skip
    assert enter(doctor, wrong).get_json()["reason"] == REASON
    for reader in (ada, doctor):
        for path in paths if reader is doctor else paths[:-1]:
            problem = reader.call("GET", path)
            assert problem.status_code == 404, path
            assert problem.get_json()["code"] == "entered_in_error", path
            assert REASON in problem.get_json()["detail"]
    patient = backend.account(ada.email).id
    assert get(doctor, paths[0])["in_error"] == {"reason": REASON, "patient": patient}
    assert get(ada, paths[0])["in_error"] == {"reason": REASON}
    (listed,) = get(ada, "/submissions/entered-in-error")
    assert (listed["id"], listed["reason"]) == (wrong, REASON)
    assert listed.keys() == {"id", "filed_at", "entered_in_error_at", "reason"}
    assert get(doctor, "/submissions/entered-in-error") == []


def test_nothing_is_entered_in_error_while_a_sample_is_awaited(backend: Backend) -> None:
    doctor, _, _, first, wrong = spot_of_two(backend)
    sign(doctor, wrong, certainty="suspected", sample="waiting")
    for by, number in ((doctor, wrong), (backend.member(role="admin"), first)):
        refused = enter(by, number)
        assert (refused.status_code, refused.get_json()["code"]) == (409, "sample_awaited")
    sign(doctor, wrong, certainty="laboratory")
    assert enter(doctor, wrong).status_code == 200


def test_the_doctor_in_charge_and_an_admin_enter_it_once(backend: Backend) -> None:
    doctor, ada = patient_in_care(backend)
    other, admin = (backend.member(role=role) for role in ("doctor", "admin"))
    wrong = file_for(backend, ada, REVIEW)
    told = [enter(item, wrong.number).status_code for item in (ada, other, backend.member())]
    assert told == [403, 404, 403]
    assert enter(admin, wrong.number).status_code == 200
    again = enter(doctor, wrong.number, "Another reason.")
    assert (again.status_code, again.get_json()["reason"]) == (200, REASON)
    done = acts_on(backend, wrong.id)
    assert done.count(("submission.enter_in_error", "done")) == 1


def test_its_report_is_void_in_words_without_content(backend: Backend) -> None:
    doctor, ada, _, _, wrong = spot_of_two(backend)
    seal = get(ada, f"/submissions/{wrong}/report.json")["verification"]
    enter(doctor, wrong)
    path = f"/reports/verify/{seal['hash']}"
    verdict = backend.client.get(path).get_json()
    assert verdict["valid"] is False
    assert verdict["entered_in_error"]
    assert verdict["number"] is None
    page = backend.client.get(path, headers={"Accept": "text/html"}).text
    assert "Please disregard this report" in page
    assert REASON not in page


def test_it_keeps_nobody_from_leaving_and_goes_with_the_account(backend: Backend) -> None:
    doctor, ada = patient_in_care(backend)
    blob = backend.services.store.blobs.put(b"a photo")
    wrong = file_for(backend, ada, REVIEW, photo_blob=blob)
    assert enter(doctor, wrong.number).status_code == 200
    assert backend.services.data.waiting.list_of("owner", [wrong.owner]) == []
    unchanged = backend.services.data.lesions.walk_unchanged(before=in_a_year())
    assert [*unchanged] == [(wrong.lesion, wrong.owner)]
    found = backend.services.data.findings
    assert [item.id for item in found.list_with_errors(wrong.lesion)] == [wrong.id]
    assert found.spots_with_photos([wrong.lesion]) == {wrong.lesion}
    assert get(ada, "/me/data/summary")["findings"] == 0
    erase(backend.services, backend.account(ada.email))
    assert backend.services.store.collection("submissions").find() == []
    assert [*backend.services.store.blobs.keys()] == []


def test_the_file_of_its_person_has_that_and_why_and_nothing_of_it(
    backend: Backend, tmp_path: Path
) -> None:
    doctor, ada, _, first, wrong = spot_of_two(backend)
    sign(doctor, wrong)
    enter(doctor, wrong)
    made = read(made_for(backend, ada, tmp_path / "file"))
    assert [item["id"] for item in made["findings"]] == [first]
    assert [(item["id"], item["reason"]) for item in made["in_error"]] == [(wrong, REASON)]
