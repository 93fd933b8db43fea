from typing import Any

import pytest
from werkzeug.test import TestResponse

from skinapi.app.integrity_check import check_integrity
from skinapi.base.days import say_day
from skinapi.base.languages import NO_BREAK_SPACE
from skinapi.findings.records.stored_finding import StoredFinding
from skinapi.findings.status.waiting import WaitingKind, waiting
from skinapi.platform.storage.ids import now
from tests.care.clinic import REVIEW, URGENT, file_for, numbers, patient_in_care
from tests.findings.reports.sample_reports import one_line, plain_text, text_of
from tests.support.backends import Backend, Person, change_account
from tests.support.findings import finding_of
from tests.support.reviews import mark_told, signed_review

MOLE = {"label": "melanocytic_nevus", "certainty": "sure"}
MELANOMA = {"label": "melanoma", "certainty": "sure"}
REASON = "Signed on the wrong page."


def sign(doctor: Person, number: int, **said: Any) -> str:
    review: str = signed_review(doctor, number, said)["_id"]
    return review


def void(by: Person, number: int, review: str, reason: str = REASON) -> TestResponse:
    path = f"/submissions/{number}/reviews/{review}/void"
    return by.call("POST", path, json={"reason": reason})


def read(by: Person, number: int) -> Any:
    return by.call("GET", f"/submissions/{number}").get_json()


def test_a_voided_review_counts_no_more_and_nothing_becomes_milder(any_backend: Backend) -> None:
    doctor, ada = patient_in_care(any_backend)
    mole = finding_of("melanocytic_nevus", band=REVIEW)
    number = file_for(any_backend, ada, REVIEW, finding=mole).number
    first = sign(doctor, number, **MELANOMA)
    second = sign(doctor, number, **MOLE, sample="none")
    before = read(doctor, number)["spot_version"]
    voided = void(doctor, number, second)
    assert (voided.status_code, voided.get_json()["voided"]) == (200, True), voided.text
    for reader in (ada, doctor):
        seen = read(reader, number)
        assert seen["decision"]["label"] == "melanoma"
        assert "Since then: a review that was taken back, on " in seen["decision"]["signed_before"]
        assert (seen["instruction"]["band"], seen["instruction"]["from"]) == (URGENT, "review")
        reviews = reader.call("GET", f"/submissions/{number}/reviews").get_json()
        assert [item["voided"] for item in reviews] == [False, True]
    assert numbers(doctor, "/queue?reviewed=false") == [number]
    assert void(doctor, number, second).get_json() == voided.get_json(), "the same again"
    assert read(doctor, number)["spot_version"] == before + 1
    assert void(doctor, number, first).status_code == 200
    seen = read(ada, number)
    assert (seen["decision"], seen["instruction"]["band"]) == (None, URGENT)
    for path in ("/queue", f"/lesions/{seen['lesion']}/submissions"):
        [row] = doctor.call("GET", path).get_json()
        assert (row["level"]["from"], row["level"]["voided"]) == ("review", True), path
    acts = [row for row in any_backend.audit() if row["action"] == "review.void"]
    assert [(row["outcome"], row["detail"]) for row in acts] == [("done", REASON)] * 2
    assert [it.message for it in check_integrity(any_backend.services)] == []


@pytest.mark.parametrize("lang", ["en", "fr"])
def test_no_view_says_what_a_voided_review_has_said(backend: Backend, lang: str) -> None:
    doctor, ada = patient_in_care(backend)
    mole = finding_of("melanocytic_nevus", band=REVIEW)
    number = file_for(backend, ada, REVIEW, finding=mole).number
    review = sign(doctor, number, **MELANOMA)
    assert void(doctor, number, review).status_code == 200
    day = say_day(now(), lang)  # type: ignore[arg-type]
    why = {
        "en": f"A doctor's review was taken back on {day}. Until a doctor decides again, the most "
        "urgent counts: see a doctor this week.",
        "fr": f"L'avis d'un médecin a été annulé le {day}. Jusqu'à un nouvel avis, le plus urgent "
        f"compte{NO_BREAK_SPACE}: voir un médecin cette semaine.",
    }[lang]
    for reader in (ada, doctor):
        path = f"/submissions/{number}%s?lang={lang}"
        counts = reader.call("GET", path % "").get_json()["instruction"]
        assert (counts["band"], counts["voided"], counts["why"]) == (URGENT, True, why)
        assert "label" not in counts
        spot = read(reader, number)["lesion"]
        shown = reader.call("GET", f"/lesions/{spot}?lang={lang}").get_json()
        assert shown["instruction"]["why"] == why
        report = reader.call("GET", path % "/report.json").get_json()
        assert (report["decision"], report["review"], report["graver_review"]) == (None,) * 3
        page = reader.call("GET", path % "/report.html").text
        printed = reader.call("GET", path % "/report.pdf").data
        for text in (plain_text(page), text_of(printed)):
            text = one_line(text)
            assert text.count(one_line(why)) == 1
            for said in ("elanom", "mélanom", "No doctor has reviewed", "Aucun médecin", "newer"):
                assert said not in text.partition("Model")[0]


def test_who_signs_anew_confirms_what_counts_and_no_voided_review(backend: Backend) -> None:
    doctor, ada = patient_in_care(backend)
    number = file_for(backend, ada, REVIEW).number
    review = sign(doctor, number, **MELANOMA)
    assert void(doctor, number, review).status_code == 200
    version = read(doctor, number)["spot_version"]
    said = {**MOLE, "urgency": "self_monitoring", "spot_version": version}
    refused = doctor.call("POST", f"/submissions/{number}/review", json=said)
    assert (refused.status_code, refused.get_json()["code"]) == (409, "milder_not_confirmed")
    replaced = refused.get_json()["replaces"]
    assert (replaced["said_by"], replaced["urgency"]) == ("voided", URGENT)
    assert not replaced.get("label")
    assert not replaced.get("doctor")


def test_a_deleted_photo_is_named_as_one_that_cannot_be_opened(backend: Backend) -> None:
    _, ada = patient_in_care(backend)
    urgent = file_for(backend, ada, URGENT)
    mild = file_for(backend, ada, REVIEW, lesion=urgent.lesion)
    assert "photo_deleted" not in read(ada, mild.number)["instruction"]
    assert ada.call("DELETE", f"/submissions/{urgent.number}").status_code == 200
    counts = read(ada, mild.number)["instruction"]
    assert (counts["band"], counts["finding"]) == (URGENT, urgent.number)
    assert counts["photo_deleted"] is True
    page = one_line(plain_text(ada.call("GET", f"/submissions/{mild.number}/report.html").text))
    assert "Said about a deleted photo of the same spot" in page
    assert f"finding {urgent.number}" not in page


def test_what_a_review_says_is_of_the_photo_on_which_it_was_signed(backend: Backend) -> None:
    doctor, ada = patient_in_care(backend)
    first = file_for(backend, ada, REVIEW)
    second = file_for(backend, ada, REVIEW, lesion=first.lesion)
    sign(doctor, first.number, **MELANOMA)
    assert read(ada, second.number)["instruction"]["finding"] == first.number
    assert ada.call("DELETE", f"/submissions/{first.number}").status_code == 200
    counts = read(ada, second.number)["instruction"]
    assert (counts["finding"], "photo_deleted" in counts) == (second.number, False)


def test_who_may_void_a_review(backend: Backend) -> None:
    doctor, ada = patient_in_care(backend)
    other, stranger = (backend.member(role="doctor") for _ in range(2))
    patient = backend.account(ada.email).id
    number = file_for(backend, ada, REVIEW).number
    by_signer, by_next, by_anybody = (sign(doctor, number, **MOLE) for _ in range(3))
    change_account(backend.services, patient, doctor_id=backend.account(other.email).id)
    assert void(ada, number, by_signer).status_code == 403
    assert void(backend.member(role="admin"), number, by_signer).status_code == 403
    assert void(stranger, number, by_signer).status_code == 404
    assert void(other, number, "0" * 32).status_code == 404
    assert void(other, number, by_signer, reason=" ").status_code == 400
    assert void(doctor, number, by_signer).status_code == 200
    assert void(other, number, by_next).status_code == 200
    change_account(backend.services, patient, doctor_id=None)
    assert void(stranger, number, by_anybody).status_code == 200
    assert read(ada, number)["decision"] is None


def test_no_review_whose_sample_is_awaited_is_voided(backend: Backend) -> None:
    doctor, ada = patient_in_care(backend)
    number = file_for(backend, ada, REVIEW).number
    mole = sign(doctor, number, **MOLE)
    waits = sign(doctor, number, **MELANOMA, sample="waiting")
    refused = void(doctor, number, waits)
    assert (refused.status_code, refused.get_json()["code"]) == (409, "sample_awaited")
    assert void(doctor, number, mole).status_code == 200
    sign(doctor, number, label="melanoma", certainty="laboratory")
    assert void(doctor, number, waits).status_code == 200


def test_the_figures_of_the_model_take_a_voided_result_back(backend: Backend) -> None:
    doctor, ada = patient_in_care(backend)
    number = file_for(backend, ada, URGENT).number

    def malignant() -> list[tuple[int, int]]:
        models = doctor.call("GET", "/outcomes").get_json()["models"].values()
        return [(model["results"], model["malignant"]) for model in models]

    first = sign(doctor, number, label="melanoma", certainty="laboratory")
    second = sign(doctor, number, label="melanocytic_nevus", certainty="laboratory")
    assert malignant() == [(1, 0)]
    assert void(doctor, number, second).status_code == 200
    assert malignant() == [(1, 1)]
    assert void(doctor, number, first).status_code == 200
    assert malignant() == []


def telling(backend: Backend, lesion: str) -> Any:
    spot = backend.services.findings.records.spots.get(lesion).spot
    return [item for item in waiting(spot, can_read=True) if item.kind is WaitingKind.TELLING]


def test_what_nobody_has_read_is_to_be_told_until_it_is(any_backend: Backend) -> None:
    doctor, ada = patient_in_care(any_backend)
    other = any_backend.member(role="doctor")
    found = file_for(any_backend, ada, REVIEW)
    sign(doctor, found.number, **MELANOMA)
    ada.call("GET", "/lesions")
    doctor.call("GET", f"/lesions/{found.lesion}")
    assert telling(any_backend, found.lesion), "a list is not opening"
    refused = [mark_told(by, found.lesion, found.number).status_code for by in (ada, other)]
    assert refused == [403, 404]
    assert mark_told(doctor, found.lesion, found.number).status_code == 200
    assert telling(any_backend, found.lesion) == []
    assert any_backend.audit()[-1]["action"] == "lesion.told"
    sign(doctor, found.number, **MELANOMA, note="Come soon.")
    assert telling(any_backend, found.lesion)
    assert ada.call("GET", f"/lesions/{found.lesion}").status_code == 200
    assert telling(any_backend, found.lesion) == []
    assert ada.call("GET", "/inbox").get_json()["decisions"] == []


def move(backend: Backend, owner: Person, finding: StoredFinding) -> str:
    """Move a finding that a review covers to a new spot, and return the spot."""
    lesions = backend.services.lesions
    spot: str = owner.call("POST", "/lesions", json={"place": {"site": "back"}}).get_json()["id"]
    stored = lesions.records.get(finding.id)
    lesions.records.put_in_lesion(stored, spot)
    for each in (finding.lesion, spot):
        lesions.counts.recount(each)
    return spot


def test_a_voided_review_opens_what_it_covers_in_every_spot(any_backend: Backend) -> None:
    doctor, ada = patient_in_care(any_backend)
    first = file_for(any_backend, ada, REVIEW)
    second, third, deleted = (
        file_for(any_backend, ada, REVIEW, lesion=first.lesion) for _ in range(3)
    )
    review = sign(doctor, first.number, **MOLE)
    spots = [first.lesion, *(move(any_backend, ada, it) for it in (second, third, deleted))]
    assert ada.call("DELETE", f"/submissions/{deleted.number}").status_code == 200
    sign(doctor, third.number, **MOLE)
    stored = any_backend.services.findings.records.spots
    before = [stored.get(spot).spot for spot in spots]
    assert [spot.is_open for spot in before] == [False, True, False, True]
    assert void(doctor, first.number, review).status_code == 200
    after = [stored.get(spot).spot for spot in spots]
    assert [spot.is_open for spot in after] == [True] * 4
    assert [spot.findings[0].level.urgency for spot in after] == [REVIEW] * 4
    assert [spot.version - 1 for spot in after] == [spot.version for spot in before]
    listed = [row.get("id") for row in doctor.pages("/queue?reviewed=false")]
    assert {*listed} == {first.number, second.number, third.number, None}
    assert len(listed) == 4
    assert [it.message for it in check_integrity(any_backend.services)] == []


def test_a_review_outlives_its_spot_with_a_finding_that_was_moved(backend: Backend) -> None:
    doctor, ada = patient_in_care(backend)
    found = file_for(backend, ada, REVIEW)
    sign(doctor, found.number, **MELANOMA)
    move(backend, ada, found)
    assert ada.call("DELETE", f"/lesions/{found.lesion}").status_code == 200
    assert read(ada, found.number)["decision"]["label"] == "melanoma"


def test_what_came_since_a_page_was_read_is_not_opened_with_it(backend: Backend) -> None:
    doctor, ada = patient_in_care(backend)
    found = file_for(backend, ada, REVIEW)
    spots = backend.services.findings.records.spots
    seen = spots.get(found.lesion).spot
    sign(doctor, found.number, **MELANOMA)
    spots.note_opened(seen)
    assert telling(backend, found.lesion)
    assert len(ada.call("GET", "/inbox").get_json()["decisions"]) == 1
    spots.note_opened(spots.get(found.lesion).spot)
    assert telling(backend, found.lesion) == []
