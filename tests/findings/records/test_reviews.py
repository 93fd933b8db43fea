"""What the doctor in charge makes of a finding: signed rows, never overwritten."""

import html
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

import pytest
from werkzeug.test import TestResponse

from skinapi.app.integrity_check import check_integrity
from skinapi.findings.status import decisions
from skinapi.findings.status.decisions import WaitsFor, say_day, words_for_patient
from skinapi.model.conditions import Band, conditions_table
from skinapi.model.finding import Doubt
from skinapi.platform.storage import ids
from tests.care.clinic import (
    REFERRAL,
    REVIEW,
    ROUTINE,
    URGENT,
    file_for,
    judge_anew,
    patient_in_care,
)
from tests.findings.prediction.photographer import predicted
from tests.support.backends import Backend, Person, change_account
from tests.support.channels import READERS
from tests.support.findings import finding_of
from tests.support.photos import photo_of

# The network of the tests states melanoma.
AGREED = {"label": "melanoma", "agreement": "agree"}


def in_care(backend: Backend) -> tuple[Person, Person, int]:
    """A doctor, a patient and the patient's finding."""
    doctor = backend.member(role="doctor", name="Dr Grace Hopper")
    ada = backend.member(doctor_id=backend.account(doctor.email).id)
    return doctor, ada, predicted(ada, keep_photo="true")["id"]


def review(person: Person, number: int, key: str | None = None, **fields: Any) -> TestResponse:
    """One that agrees; or disagrees, where it names another condition and does not say."""
    headers = {"Idempotency-Key": key} if key else {}
    said = {**AGREED, **fields}
    if said["label"] not in (None, AGREED["label"]):
        said = {**said, "agreement": "disagree", **fields}
    return person.call("POST", f"/submissions/{number}/review", json=said, headers=headers)


def test_reviews_are_signed_and_kept_beside_each_other(backend: Backend) -> None:
    doctor, ada, number = in_care(backend)
    first = review(doctor, number)
    assert first.status_code == 201, first.text
    second = review(
        doctor,
        number,
        label="melanocytic_nevus",
        agreement="disagree",
        histology="confirmed",
        note="Excised.\nClear margins.",
    )
    for reader in (ada, doctor):
        rows = reader.call("GET", f"/submissions/{number}/reviews").get_json()
        signed = [first.get_json(), second.get_json()]
        assert rows == [{name: item[name] for name in item if name != "telling"} for item in signed]
    assert rows[0]["signed_by"] == "Dr Grace Hopper"
    assert rows[0]["histology"] is rows[0]["note"] is None
    assert rows[1]["note"] == "Excised.\nClear margins."
    assert len(ada.pages(f"/submissions/{number}/reviews?limit=1")) == 2


@pytest.mark.parametrize("language", ["en", "fr"])
def test_actinic_keratosis_alone_is_decided_by_its_look_and_is_no_cancer(
    any_backend: Backend, language: str
) -> None:
    """It was "suspected: an actinic keratosis or Bowen's disease"."""
    doctor, ada = patient_in_care(any_backend)
    finding = finding_of("actinic_keratosis", band=REFERRAL)
    number = file_for(any_backend, ada, REFERRAL, finding=finding).number
    said = {"label": "actinic_keratosis_alone", "certainty": "sure"}
    signed = doctor.call("POST", f"/submissions/{number}/review", json=said)
    assert signed.status_code == 201, signed.text
    report = ada.call("GET", f"/submissions/{number}/report.json?lang={language}").get_json()
    decision = report["decision"]
    assert (decision["title_key"], decision["urgency"]) == ("title", REVIEW)
    assert decision["name"] == {"en": "Actinic keratosis", "fr": "Kératose actinique"}[language]
    topics = {passage["id"] for passage in report["passages"]}
    assert {"actinic_keratosis.what", "actinic_keratosis.treat"} <= topics
    assert "actinic_keratosis.bowen" not in topics
    path = f"/submissions/{number}/report.html?lang={language}"
    page = ada.call("GET", path).get_data(as_text=True)
    first = unescape(page.partition("<h2")[0])
    assert "owen" not in first
    assert not any(word in first.lower() for word in ("suspected", "suspicion", "not proven"))


def test_a_correction_counts_although_the_clock_was_put_back(
    backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    doctor, ada, number = in_care(backend)
    assert review(doctor, number, label="melanocytic_nevus").status_code == 201
    for behind in (timedelta(seconds=5), timedelta(hours=1)):
        past = datetime.now(UTC) - behind
        monkeypatch.setattr(ids, "now", lambda past=past: past)
        monkeypatch.setattr(ids._Ids, "last", 0)  # as in another process
        note = f"melanoma after all, {behind}"
        assert review(doctor, number, label="melanoma", note=note).status_code == 201
        rows = ada.call("GET", f"/submissions/{number}/reviews").get_json()
        assert rows[-1]["note"] == note
        report = ada.call("GET", f"/submissions/{number}/report.json").get_json()
        assert note in str(report)


@pytest.mark.parametrize(
    "wrong",
    [
        {"label": "wart"},
        {"histology": True},
        {"note": ""},
        {"note": "n" * 1001},
        {"note": "\ud800"},
        {"surprise": 1},
        {"note": "no \u202emelanoma"},
    ],
)
def test_what_is_no_review_is_refused(shared_backend: Backend, wrong: dict[str, Any]) -> None:
    doctor, _, number = in_care(shared_backend)
    assert review(doctor, number, **wrong).status_code == 400


def test_a_retry_signs_once(backend: Backend) -> None:
    doctor, _, number = in_care(backend)
    first, again = (review(doctor, number, key="visit-7") for _ in range(2))
    assert first.get_json() == again.get_json()
    assert review(doctor, number, key="visit-7", note="another").status_code == 422
    assert len(backend.stored()["reviews"]) == 1


def test_a_decision_stands_before_the_finding_in_every_view(backend: Backend) -> None:
    doctor, ada, number = in_care(backend)
    kept = backend.services.store.collection("submissions")

    def told() -> tuple[dict[str, Any], dict[str, Any]]:
        (own,), (queued,) = ada.pages("/submissions"), doctor.pages("/queue")
        one = doctor.call("GET", f"/submissions/{number}").get_json()
        report = ada.call("GET", f"/submissions/{number}/report.json").get_json()
        assert own["report"] == one["report"]
        assert own["decision"] == one["decision"] == queued["decision"] == report["decision"]
        assert own["graver_review"] == one["graver_review"] == queued["graver_review"]
        assert (own["class"], own["band"]) == stated
        return own, own["report"]

    stated = ("melanoma", "urgent_referral")
    own, _ = told()
    assert own["decision"] is None
    assert review(doctor, number, label="benign_keratosis").status_code == 201
    own, shown = told()
    assert own["decision"] == {
        "heading": "Doctor's decision: a benign keratosis",
        "title": "Doctor's decision",
        "title_key": "title",
        "label": "benign_keratosis",
        "name": "Benign (pigmented) keratosis",
        "urgency": "routine",
        "urgency_label": "Mention it at your next doctor's visit",
        "by_when": "at the next visit",
        "next_step": "See a doctor sooner if it changes, bleeds or worries you.",
        "waits_for": None,
        "due": None,
        "for_doctor": ["Doctor's decision: Benign (pigmented) keratosis", "Routine visit."],
        "remarks": [],
        "certainty": "sure",
        "histology": None,
        "new_picture_wanted": False,
        "decided_at": own["decision"]["decided_at"],
        "decided_by": "Dr Grace Hopper",
    }
    assert own["graver_review"] is None
    assert "Benign (pigmented) keratosis" in shown["overview"]
    assert own["decision"]["next_step"] in shown["recommendation"]
    mild = {**kept.find()[0]["finding"], "band": "self_monitoring"}
    assert kept.update({"number": number}, {"$set": {"band": mild["band"], "finding": mild}})
    stated = ("melanoma", "self_monitoring")
    assert review(doctor, number, label="other_malignant").status_code == 201
    own, shown = told()
    assert own["decision"]["urgency"] == "urgent_referral"
    assert "Other malignant lesion" in shown["overview"]
    assert "Other malignant lesion" in own["graver_review"]


def test_a_pending_suspicion_stays_until_the_result(backend: Backend) -> None:
    first, ada, number = in_care(backend)
    second = backend.member(role="doctor", name="Dr Second")

    def decided_after(doctor: Person, **said: Any) -> tuple[str, str]:
        move(backend, ada, doctor)
        assert review(doctor, number, **said).status_code == 201
        (own,) = ada.pages("/submissions")
        return own["decision"]["label"], own["decision"]["histology"]

    waiting = ("melanoma", "awaited")
    assert decided_after(first, label="melanoma", histology="awaited") == waiting
    for agreement in ("unsure", "disagree"):
        said = {"label": "melanocytic_nevus", "agreement": agreement}
        assert decided_after(second, **said) == waiting
    assert list(check_integrity(backend.services)) == []
    result = {"label": None, "agreement": None, "histology_result": "melanoma"}
    found = ("melanoma", "confirmed")
    assert decided_after(second, **result) == found
    move(backend, ada, first)
    treated = {"label": "melanoma", "urgency": "self_monitoring"}
    for other in ({"label": "melanocytic_nevus"}, {"label": "basal_cell_carcinoma"}, treated):
        refused = review(first, number, **other)
        assert (refused.status_code, refused.get_json()["code"]) == (422, "result_stands")
    assert review(first, number, label="melanoma").status_code == 201, "the same again"
    harmless = {**result, "histology_result": "dermatofibroma"}
    assert decided_after(first, **harmless) == ("dermatofibroma", "confirmed")


def move(backend: Backend, patient: Person, doctor: Person) -> None:
    doctor_id = backend.account(doctor.email).id
    account = backend.account(patient.email)
    change_account(backend.services, account.id, doctor_id=doctor_id)


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({"label": "melanoma", "agreement": "unsure", "histology": "confirmed"}, 422),
        ({"certainty": "unsure", "histology_result": "melanoma"}, 422),
        ({"certainty": "sure", "histology": "confirmed"}, 422),
        ({"histology": "awaited", "histology_result": "melanoma"}, 422),
        ({"certainty": "sure"}, 422),
        ({"certainty": "unsure", "agrees_with_label": True}, 422),
        ({"certainty": "sure", "agrees_with_label": True, "label": "dermatofibroma"}, 422),
        ({"certainty": "sure", "agrees_with_label": False, "label": "melanoma"}, 422),
        ({"certainty": "sure", "agrees_with_urgency": True, "urgency": "routine"}, 422),
        ({"certainty": "sure", "agrees_with_urgency": False}, 422),
        ({"label": "melanoma", "certainty": "sure", "histology_result": "dermatofibroma"}, 422),
        ({"agrees_with_label": True, "histology_result": "dermatofibroma"}, 422),
        ({"label": "dermatofibroma", "certainty": "sure", "new_picture_wanted": True}, 422),
        ({"label": "melanoma", "certainty": "unsure", "new_picture_wanted": True}, 422),
        ({"histology_result": "melanoma", "new_picture_wanted": True}, 422),
        ({"urgency": "referral", "new_picture_wanted": True}, 422),
        ({"certainty": "sure", "agreement": "agree", "label": "melanoma"}, 400),
        ({"agreement": "agree"}, 400),
        ({"label": "melanoma"}, 400),
        ({"histology_result": "wart"}, 400),
    ],
)
def test_what_contradicts_itself_is_refused(
    shared_backend: Backend, said: dict[str, Any], code: int
) -> None:
    doctor, _, number = in_care(shared_backend)
    answer = doctor.call("POST", f"/submissions/{number}/review", json=said)
    assert answer.status_code == code, answer.text
    if code == 422:
        assert answer.get_json()["code"] == "contradictory_review"


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        (
            {"certainty": "sure", "agrees_with_label": True},
            {"label": "melanoma", "agrees_with_label": True, "urgency": None},
        ),
        (
            {"certainty": "sure", "agrees_with_urgency": True},
            {"label": None, "agrees_with_label": None, "urgency": "urgent_referral"},
        ),
        (
            {"certainty": "sure", "label": "melanoma", "urgency": "referral"},
            {"agrees_with_label": True, "agrees_with_urgency": False, "agreement": "agree"},
        ),
        ({"certainty": "unsure"}, {"label": None, "agreement": "unsure"}),
        ({"new_picture_wanted": True}, {"label": None, "new_picture_wanted": True}),
        (
            {"histology_result": "squamous_cell_carcinoma"},
            {"histology": "confirmed", "certainty": "sure", "label": "squamous_cell_carcinoma"},
        ),
        (AGREED, {"agrees_with_label": True, "agrees_with_urgency": None, "certainty": "sure"}),
    ],
)
def test_a_review_says_with_what_it_agrees(
    shared_backend: Backend, said: dict[str, Any], shown: dict[str, Any]
) -> None:
    doctor, _, number = in_care(shared_backend)
    answer = doctor.call("POST", f"/submissions/{number}/review", json=said)
    assert answer.status_code == 201, answer.text
    assert shown.items() <= answer.get_json().items()


@pytest.mark.parametrize(
    "said",
    [
        AGREED,
        {"certainty": "sure", "agrees_with_label": True},
        {"certainty": "sure", "agrees_with_urgency": True},
    ],
)
def test_nobody_agrees_with_a_finding_without_a_picture(
    shared_backend: Backend, said: dict[str, Any]
) -> None:
    doctor, ada, _ = in_care(shared_backend)
    number = predicted(ada)["id"]
    answer = doctor.call("POST", f"/submissions/{number}/review", json=said)
    assert (answer.status_code, answer.get_json()["code"]) == (422, "no_picture_to_agree_on")
    assert "Ask for another photo" in answer.get_json()["detail"]


@pytest.mark.parametrize(
    ("said", "agrees"),
    [
        ({"certainty": "sure", "label": "melanoma", "urgency": "urgent_referral"}, None),
        ({"certainty": "sure", "label": "melanocytic_nevus"}, None),
        ({"certainty": "unsure"}, None),
        ({"new_picture_wanted": True}, None),
        ({"histology_result": "melanoma"}, True),  # the laboratory needs none
    ],
)
def test_what_a_doctor_saw_is_signed_without_a_picture_and_is_no_agreement(
    shared_backend: Backend, said: dict[str, Any], agrees: bool | None
) -> None:
    doctor, ada, _ = in_care(shared_backend)
    number = predicted(ada)["id"]
    answer = doctor.call("POST", f"/submissions/{number}/review", json=said)
    assert answer.status_code == 201, answer.text
    signed = answer.get_json()
    assert (signed["agrees_with_label"], signed["agrees_with_urgency"]) == (agrees, None)


MOLE, BASALIOMA = "melanocytic_nevus", "basal_cell_carcinoma"
MOLE_RESULT = {"label": None, "agreement": None, "histology_result": MOLE}
SELF = Band.SELF_MONITORING


@pytest.mark.parametrize(
    ("stated", "band", "said", "urgency"),
    [
        (MOLE, URGENT, {**MOLE_RESULT}, SELF),
        ("melanoma", URGENT, {**MOLE_RESULT}, SELF),
        ("melanoma", URGENT, {"label": MOLE, "agreement": "disagree"}, SELF),
        (MOLE, REVIEW, {"label": MOLE, "agreement": "agree"}, SELF),
        ("dermatofibroma", REVIEW, {"label": "dermatofibroma", "agreement": "agree"}, ROUTINE),
        (MOLE, URGENT, {"label": MOLE, "agreement": "agree", "histology": "awaited"}, URGENT),
        (MOLE, URGENT, {"label": MOLE, "agreement": "unsure"}, URGENT),
        (BASALIOMA, URGENT, {"label": BASALIOMA, "agreement": "agree"}, URGENT),
    ],
)
def test_what_is_benign_asks_for_its_own_urgency_and_nothing_else_becomes_milder(
    backend: Backend, stated: str, band: Band, said: dict[str, Any], urgency: Band
) -> None:
    doctor, ada = patient_in_care(backend)
    blob = backend.services.store.blobs.put(photo_of("melanoma"))
    finding = finding_of(stated, band=band)
    number = file_for(backend, ada, band, finding=finding, photo_blob=blob).number
    body = {**AGREED, **said}
    assert doctor.call("POST", f"/submissions/{number}/review", json=body).status_code == 201
    waits = WaitsFor.RESULT if body.get("histology") == "awaited" else None
    asked = words_for_patient(urgency, waits, "en", since=ids.now())
    (own,), (queued,) = ada.pages("/submissions"), doctor.pages(f"/queue?urgency={urgency}")
    assert own["decision"]["urgency"] == queued["decision"]["urgency"] == urgency
    assert own["report"]["recommendation"].endswith(f"{asked.label}. {asked.next_step}")
    page = html.unescape(ada.call("GET", f"/submissions/{number}/report.html").text)
    assert f"<h2>{asked.label}</h2>" in page
    assert page.count(f'class="band {urgency}"') == 1, "one coloured box: that of the decision"
    assert f'class="band {band}"' not in page or band == urgency


@pytest.mark.parametrize("band", [URGENT, REFERRAL, ROUTINE])
@pytest.mark.parametrize(
    "said",
    [
        {"label": MOLE, "agreement": "agree"},  # what older clients send
        {"certainty": "sure", "agrees_with_label": True},
    ],
)
def test_who_agrees_lowers_no_urgency_without_saying_so(
    backend: Backend, band: Band, said: dict[str, Any]
) -> None:
    doctor, ada = patient_in_care(backend)
    blob = backend.services.store.blobs.put(photo_of("melanoma"))
    finding = finding_of(MOLE, band=band)
    filed = file_for(backend, ada, band, finding=finding, photo_blob=blob)
    path = f"/submissions/{filed.number}"
    signed = doctor.call("POST", f"{path}/review", json=said).get_json()
    assert (signed["agreement"], signed["urgency"]) == ("agree", band)
    assert "lowered_from" not in signed
    assert doctor.call("GET", path).get_json()["decision"]["urgency"] == band
    enough = {**said, "urgency": "self_monitoring", "downgrade_confirmed": True}
    signed = doctor.call("POST", f"{path}/review", json=enough).get_json()
    assert (signed["agreement"], signed["downgrade_confirmed"]) == ("agree", True)
    assert (signed["lowered_from"], signed["lowered_to"]) == (band, "self_monitoring")
    assert doctor.call("GET", path).get_json()["decision"]["urgency"] == "self_monitoring"


def test_another_photo_keeps_the_urgency_and_what_was_decided(backend: Backend) -> None:
    doctor, _, number = in_care(backend)
    path, wanted = f"/submissions/{number}", {"new_picture_wanted": True}

    def decided() -> tuple[str | None, str, bool]:
        one = doctor.call("GET", path).get_json()["decision"]
        return one["label"], one["urgency"], one["new_picture_wanted"]

    assert doctor.call("POST", f"{path}/review", json=wanted).status_code == 201
    assert decided() == (None, "urgent_referral", True)
    assert doctor.call("GET", path).get_json()["decision"]["title"] == "Doctor's decision"
    assert "the doctor is unsure" not in doctor.call("GET", f"{path}/report.html").text
    assert review(doctor, number).status_code == 201
    assert doctor.call("POST", f"{path}/review", json=wanted).status_code == 201
    assert decided() == ("melanoma", "urgent_referral", True)


@pytest.mark.parametrize(
    ("said", "heading"),
    [
        ({}, "Doctor's suspected diagnosis"),
        ({"histology": "not_taken"}, "Doctor's suspected diagnosis"),
        ({"histology": "awaited"}, "Doctor's suspected diagnosis"),
        ({"agreement": "unsure"}, "What the doctor thinks possible"),
    ],
)
def test_a_cancer_is_suspected_until_a_laboratory_has_proven_it(
    backend: Backend, said: dict[str, Any], heading: str
) -> None:
    doctor, ada, number = in_care(backend)
    path = f"/submissions/{number}"
    assert review(doctor, number, **said).status_code == 201
    for who, name in ((ada, "a melanoma"), (doctor, "Melanoma")):
        one = who.call("GET", path).get_json()
        assert one["decision"]["title"] == heading
        assert one["instruction"]["suspected"] is True
        assert heading in one["report"]["overview"]
        assert heading in unescape(who.call("GET", f"{path}/report.html").text)
        for coded in (reader.read_report(who, number) for reader in READERS):
            assert coded["conclusion"].startswith(f"{heading}: {name}")
            assert "coding" not in coded["conclusionCode"][0]
    for reader in ("patient", "colleague"):
        letter = doctor.call("POST", f"{path}/letters", json={"reader": reader}).get_json()
        assert letter["decision"].startswith(f"{heading}: ")
    proven = {"histology_result": "melanoma"}
    assert doctor.call("POST", f"{path}/review", json=proven).status_code == 201
    one = ada.call("GET", path).get_json()
    assert one["decision"]["heading"] == "Laboratory's result: a melanoma"
    assert "suspected" not in one["instruction"]
    read = [reader.read_report(ada, number) for reader in READERS]
    assert all(coded["conclusionCode"][0]["coding"] for coded in read)


@pytest.mark.parametrize("asked", [REFERRAL, REVIEW])
def test_a_proven_cancer_is_never_later_than_a_suspected_one(backend: Backend, asked: str) -> None:
    doctor, ada = patient_in_care(backend)
    number = file_for(backend, ada, REFERRAL).number
    path = f"/submissions/{number}"
    proven = {"histology_result": "melanoma"}
    answer = doctor.call("POST", f"{path}/review", json={**proven, "urgency": asked})
    assert answer.status_code == 201, answer.text
    assert ada.call("GET", path).get_json()["decision"]["urgency"] == URGENT
    # Once that was said, a later review may say that it was treated.
    treated = {**proven, "urgency": ROUTINE}
    assert doctor.call("POST", f"{path}/review", json=treated).status_code == 201
    assert ada.call("GET", path).get_json()["decision"]["urgency"] == ROUTINE


def test_a_cancer_that_is_proven_is_suspected_no_more(backend: Backend) -> None:
    doctor, ada = patient_in_care(backend)
    number = file_for(backend, ada, URGENT).number
    said = {"histology_result": "melanoma"}
    assert doctor.call("POST", f"/submissions/{number}/review", json=said).status_code == 201
    own, seen = (who.call("GET", f"/submissions/{number}").get_json() for who in (ada, doctor))
    step = (
        "A skin specialist should talk with you about the result and what follows. If you have no "
        "appointment yet, call the doctor's practice today."
    )
    assert own["decision"]["next_step"] == own["instruction"]["sentence"] == step
    assert seen["instruction"]["sentence"] == "Proven by histology."


@pytest.mark.parametrize("by_another", [False, True])
@pytest.mark.parametrize(
    "unsure",
    [
        {"label": None, "urgency": "urgent_referral"},
        {"label": None, "histology": "awaited"},
        {"label": None, "histology": "awaited", "new_picture_wanted": True},
        {"label": None},
        {"label": "melanoma"},
    ],
)
def test_an_unsure_opinion_that_asks_for_more_than_a_sure_one_counts_or_is_refused(
    backend: Backend, unsure: dict[str, Any], by_another: bool
) -> None:
    doctor, ada, number = in_care(backend)
    assert (
        review(doctor, number, label="melanocytic_nevus", urgency="self_monitoring").status_code
        == 201
    )
    if by_another:
        doctor = backend.member(role="doctor")
        move(backend, ada, doctor)
    said = {**unsure, "agreement": "unsure"}
    answer = review(doctor, number, **said)
    band = ada.call("GET", f"/submissions/{number}").get_json()["instruction"]["band"]
    if unsure["label"] and not by_another:  # the same doctor's later opinion replaces the earlier
        assert (answer.status_code, band) == (201, "urgent_referral")
    else:
        assert (answer.status_code, answer.get_json()["code"]) == (422, "opinion_stands")
        assert band == "self_monitoring"
        sure = {**said, "agreement": "disagree", "label": "melanoma", "new_picture_wanted": False}
        assert review(doctor, number, **sure).status_code == 201
        band = ada.call("GET", f"/submissions/{number}").get_json()["instruction"]["band"]
        assert band == "urgent_referral"


@pytest.mark.parametrize("photo", [True, False])
def test_who_names_and_asks_for_nothing_takes_back_no_urgency_that_was_asked_for(
    backend: Backend, *, photo: bool
) -> None:
    doctor, ada, number = in_care(backend)
    urgent = {"label": None, "agreement": "unsure", "urgency": "urgent_referral"}
    assert review(doctor, number, **urgent).status_code == 201
    agreement = None if photo else "unsure"
    unsure: dict[str, Any] = {"label": None, "agreement": agreement, "new_picture_wanted": photo}
    assert review(doctor, number, **unsure).status_code == 201
    instruction = ada.call("GET", f"/submissions/{number}").get_json()["instruction"]
    assert (instruction["band"], instruction["picture_wanted"]) == ("urgent_referral", photo)
    assert instruction["due"]


def test_who_awaits_a_result_reads_from_when_to_ask_for_it(
    backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    doctor, ada = patient_in_care(backend)
    number = file_for(backend, ada, URGENT).number
    said = {"label": "melanoma", "certainty": "sure", "histology": "awaited"}
    assert doctor.call("POST", f"/submissions/{number}/review", json=said).status_code == 201
    day = ids.now() + timedelta(days=14)
    for language, asked, late in (
        (
            "en",
            f"If you have heard nothing by {say_day(day, 'en', weekday=True)}, call",
            "should have come by",
        ),
        (
            "fr",
            f"Sans nouvelle d'ici au {say_day(day, 'fr', weekday=True)}, appelez",
            "devait arriver",
        ),
    ):
        told = ada.call("GET", f"/submissions/{number}?lang={language}").get_json()
        assert asked in told["instruction"]["sentence"]
        with monkeypatch.context() as changed:
            changed.setattr(decisions, "now", lambda: day + timedelta(days=1))
            told = ada.call("GET", f"/submissions/{number}?lang={language}").get_json()
        assert asked not in told["instruction"]["sentence"]
        assert late in told["instruction"]["sentence"]


@pytest.mark.parametrize(
    ("told", "waits"),
    [({}, True), ({"checklist_score": 4}, False), ({"reasons": (Doubt.TOO_CLOSE,)}, False)],
)
def test_who_is_asked_for_another_photo_of_what_may_be_no_skin_is_sent_nowhere_else(
    backend: Backend, told: dict[str, Any], *, waits: bool
) -> None:
    """A doctor saw a candle, and its patient read "See a doctor this week"."""
    doctor, ada = patient_in_care(backend)
    seen: dict[str, Any] = {"reasons": (Doubt.NOT_SURELY_SKIN,), "band": Band.URGENT_REFERRAL}
    found = finding_of(**{**seen, **told})
    number = file_for(backend, ada, found.band, finding=found).number
    said = {"new_picture_wanted": True}
    assert doctor.call("POST", f"/submissions/{number}/review", json=said).status_code == 201
    own = ada.call("GET", f"/submissions/{number}").get_json()
    words = conditions_table().notices.decision
    photo, decision, instruction = words.waits_for["photo"], own["decision"], own["instruction"]
    assert (instruction["waits_for"], instruction["due"] is None) == (
        ("photo", True) if waits else (None, False)
    )
    assert (decision["next_step"] == photo.next_step.en) == waits
    page = ada.call("GET", f"/submissions/{number}/report.html").text
    assert ("See a doctor this week" in unescape(page)) != waits
    assert (words.new_picture.en in unescape(page)) != waits


def test_a_sample_is_awaited_until_its_doctor_says_that_none_was_taken(
    any_backend: Backend,
) -> None:
    """An opinion that says nothing of the sample does not end it, nor does another doctor, who has
    taken none.
    """
    grey, next_one = (any_backend.member(role="doctor") for _ in range(2))
    ada = any_backend.member(doctor_id=any_backend.account(grey.email).id)
    number = predicted(ada)["id"]
    mole = {"label": "melanocytic_nevus", "downgrade_confirmed": True}

    def awaited(doctor: Person, **said: Any) -> list[int]:
        in_charge(doctor)
        body = {**mole, "certainty": "sure", **said}
        answer = doctor.call("POST", f"/submissions/{number}/review", json=body)
        assert answer.status_code == 201, answer.text
        return [row["id"] for row in doctor.pages("/queue?awaited=result")]

    def in_charge(doctor: Person) -> None:
        path, body = f"/users/{ada.email}/doctor", {"doctor": doctor.email}
        assert any_backend.admin().call("PUT", path, json=body).status_code == 200

    assert awaited(grey, certainty="unsure", histology="awaited") == [number]
    assert awaited(grey) == [number]
    assert awaited(next_one, histology="not_taken") == [number]
    assert awaited(grey, histology="not_taken") == []


def test_another_photo_that_is_wanted_lowers_no_urgency_that_has_risen_since(
    any_backend: Backend,
) -> None:
    """The doctor had called it a mole; a photo answers nothing of what is told since."""
    doctor, ada, number = in_care(any_backend)
    mole = {"label": "melanocytic_nevus", "urgency": "self_monitoring"}
    assert review(doctor, number, **mole).status_code == 201
    judge_anew(any_backend, number, Band.URGENT_REFERRAL)

    def read() -> tuple[Any, ...]:
        own = ada.call("GET", f"/submissions/{number}").get_json()
        instruction = own["instruction"]
        return instruction["band"], instruction["waits_for"], instruction["due"]

    before = read()
    assert before[:2] == ("urgent_referral", None)
    wanted = {"new_picture_wanted": True, "certainty": "unsure", "version": 2}
    signed = doctor.call("POST", f"/submissions/{number}/review", json=wanted)
    assert (signed.status_code, signed.get_json().get("lowered_to")) == (201, None)
    assert read() == before
    own = ada.call("GET", f"/submissions/{number}").get_json()
    assert own["decision"]["new_picture_wanted"]
    other = any_backend.member(role="doctor")
    move(any_backend, ada, other)
    doubts: dict[str, Any] = {
        "label": None,
        "agreement": "unsure",
        "urgency": "self_monitoring",
        "version": 2,
    }
    for who in (other, doctor):
        move(any_backend, ada, who)
        refused = review(who, number, **doubts)
        assert (refused.status_code, refused.get_json()["code"]) == (422, "opinion_stands")
        assert read() == before
    assert review(doctor, number, **mole, version=2).status_code == 201
    assert read()[0] == "self_monitoring"


@pytest.mark.parametrize("by_another", [False, True])
def test_an_unsure_opinion_without_an_urgency_lowers_none_that_was_asked_for(
    backend: Backend, *, by_another: bool
) -> None:
    doctor, ada, number = in_care(backend)
    urgent = {"label": None, "agreement": "unsure", "urgency": "urgent_referral"}
    assert review(doctor, number, **urgent).status_code == 201
    if by_another:
        doctor = backend.member(role="doctor")
        move(backend, ada, doctor)
    said = {"label": "basal_cell_carcinoma"}
    for _ in range(2):
        assert review(doctor, number, **said, agreement="unsure").status_code == 201
        decision = ada.call("GET", f"/submissions/{number}").get_json()["decision"]
        assert (decision["label"], decision["urgency"]) == (said["label"], "urgent_referral")
    assert review(doctor, number, **said).status_code == 201
    decision = ada.call("GET", f"/submissions/{number}").get_json()["decision"]
    assert decision["urgency"] == "referral"
