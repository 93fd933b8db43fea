import re
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from html import unescape
from itertools import product
from typing import Any

import pytest
from werkzeug.test import TestResponse

from skinapi.app.integrity_check import check_integrity
from skinapi.base.days import say_day
from skinapi.findings.errors import ContradictoryReview, IncompleteReview
from skinapi.findings.records.schemas.review import NewReview
from skinapi.findings.status import decisions
from skinapi.findings.status.reviews import Opinion
from skinapi.findings.status.spot import Certainty, Sample
from skinapi.model.conditions import Band, conditions_table
from skinapi.platform.storage import ids
from skinapi.platform.storage.ids import now
from tests.care.clinic import REFERRAL, REVIEW, ROUTINE, URGENT, file_for, patient_in_care
from tests.findings.prediction.photographer import predicted
from tests.findings.reports.sample_reports import one_line, plain_text, text_of
from tests.support.backends import Backend, Person
from tests.support.channels import READERS
from tests.support.findings import finding_of
from tests.support.photos import photo_of
from tests.support.reviews import review_of, sign_review, signed_review, spot_version_of

# The network of the tests states melanoma.
MELANOMA = {"label": "melanoma", "certainty": "sure"}


def in_care(backend: Backend) -> tuple[Person, Person, int]:
    doctor = backend.member(role="doctor", name="Dr Grace Hopper")
    ada = backend.member(doctor_id=backend.account(doctor.email).id)
    return doctor, ada, predicted(ada, keep_photo="true")["id"]


def review(person: Person, number: int, key: str | None = None, **fields: Any) -> TestResponse:
    headers = {"Idempotency-Key": key} if key else {}
    body = {"spot_version": spot_version_of(person, number), **MELANOMA, **fields}
    path = f"/submissions/{number}/review"
    return person.call("POST", path, json=review_of(body), headers=headers)


def test_reviews_are_signed_and_kept_beside_each_other(backend: Backend) -> None:
    doctor, ada, number = in_care(backend)
    first = review(doctor, number)
    assert first.status_code == 201, first.text
    second = review(
        doctor,
        number,
        label="melanocytic_nevus",
        certainty="laboratory",
        note="Excised.\nClear margins.",
    )
    for reader in (ada, doctor):
        rows = reader.call("GET", f"/submissions/{number}/reviews").get_json()
        assert rows == [first.get_json(), second.get_json()]
    assert rows[0]["signed_by"] == "Dr Grace Hopper"
    assert rows[0]["sample"] is rows[0]["note"] is None
    assert rows[1]["note"] == "Excised.\nClear margins."
    assert len(ada.pages(f"/submissions/{number}/reviews?limit=1")) == 2


@pytest.mark.parametrize("language", ["en", "fr"])
def test_actinic_keratosis_alone_is_decided_by_its_look_and_is_no_cancer(
    any_backend: Backend, language: str
) -> None:
    """The sentence once was "suspected: an actinic keratosis or Bowen's disease"."""
    doctor, ada = patient_in_care(any_backend)
    finding = finding_of("actinic_keratosis", band=REFERRAL)
    number = file_for(any_backend, ada, REFERRAL, finding=finding).number
    said = {"label": "actinic_keratosis_alone", "certainty": "sure"}
    signed_review(doctor, number, said)
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
        {"label": "wart", "urgency": "routine"},
        {"sample": True},
        {"urgency": "soon"},
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
        assert own["graver_review"] == one["graver_review"]
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
        "next_step": "See a doctor sooner if it changes, bleeds or worries you.",
        "waits_for": None,
        "due": None,
        "for_doctor": ["Doctor's decision: Benign (pigmented) keratosis", "Routine visit."],
        "remarks": [],
        "certainty": "sure",
        "sample": None,
        "photo_wanted": False,
        "decided_at": own["decision"]["decided_at"],
        "decided_by": "Dr Grace Hopper",
    }
    assert own["graver_review"] is None
    assert "Benign (pigmented) keratosis" in shown["overview"]
    assert own["decision"]["next_step"] in shown["recommendation"]
    mild = {**kept.find()[0]["finding"], "band": "self_monitoring"}
    assert kept.update({"number": number}, {"$set": {"finding": mild}})
    stated = ("melanoma", "self_monitoring")
    assert review(doctor, number, label="other_malignant").status_code == 201
    own, shown = told()
    assert own["decision"]["urgency"] == "urgent_referral"
    assert "Other malignant lesion" in shown["overview"]
    assert own["graver_review"] == (
        "The doctor's review is more urgent than this answer of the model: "
        "Other malignant lesion. The review comes first."
    )


STATED = {"urgency": URGENT, "spot_version": 1}


@pytest.mark.parametrize(
    ("said", "code", "missing"),
    [
        ({}, "incomplete_review", "urgency"),
        ({"spot_version": 1, **MELANOMA}, "incomplete_review", "urgency"),
        ({"spot_version": 1, "urgency": None, **MELANOMA}, "incomplete_review", "urgency"),
        ({"urgency": URGENT, **MELANOMA}, "incomplete_review", "spot_version"),
        ({**STATED, "spot_version": None}, "incomplete_review", "spot_version"),
        ({**STATED, "label": "melanoma"}, "incomplete_review", "certainty"),
        ({**STATED, "certainty": "sure"}, "incomplete_review", "label"),
        (
            {**STATED, **MELANOMA, "certainty": "laboratory", "sample": "waiting"},
            "contradictory_review",
            "awaited",
        ),
    ],
)
def test_an_incomplete_review_is_refused_with_what_is_missing(
    shared_backend: Backend, said: dict[str, Any], code: str, missing: str
) -> None:
    doctor, _, number = in_care(shared_backend)
    answer = doctor.call("POST", f"/submissions/{number}/review", json=said)
    assert (answer.status_code, answer.get_json()["code"]) == (422, code)
    assert missing in answer.get_json()["detail"]


def test_no_opinion_has_two_spellings() -> None:
    said: dict[str, tuple[Any, ...]] = {
        "urgency": (None, *Band),
        "label": (None, "melanoma", "melanocytic_nevus"),
        "certainty": (None, *Certainty),
        "sample": (None, *Sample),
        "photo_wanted": (False, True),
    }
    opinions = list[Opinion]()
    for values in product(*said.values()):
        with suppress(IncompleteReview, ContradictoryReview):
            body = {**dict(zip(said, values, strict=True)), "spot_version": 1}
            opinions.append(NewReview.model_validate(body).opinion)
    assert len(opinions) == len({*opinions}) == 5 * (6 + 2 * (3 * 6 - 2))


@pytest.mark.parametrize(
    "former", ["agrees_with_label", "histology", "histology_result", "told_by", "hold_until"]
)
def test_a_former_spelling_is_refused_by_its_name(shared_backend: Backend, former: str) -> None:
    doctor, _, number = in_care(shared_backend)
    refused = review(doctor, number, **{former: "confirmed"})
    assert refused.status_code == 400
    assert former in refused.get_json()["detail"]


MOLE, SELF = "melanocytic_nevus", Band.SELF_MONITORING
HARMLESS = {"urgency": SELF, "label": MOLE, "certainty": "sure"}


@pytest.mark.parametrize(
    ("band", "before", "said", "replaced"),
    [
        (URGENT, None, {"urgency": REFERRAL}, None),
        (URGENT, None, {"urgency": REVIEW}, ("model", URGENT, None)),
        (ROUTINE, None, HARMLESS, None),
        (REVIEW, None, HARMLESS, ("model", REVIEW, None)),
        (ROUTINE, {**HARMLESS, "urgency": ROUTINE}, HARMLESS, ("review", ROUTINE, MOLE)),
        (ROUTINE, HARMLESS, {**HARMLESS, "urgency": ROUTINE}, None),
        (
            URGENT,
            {"urgency": URGENT, **MELANOMA},
            {**HARMLESS, "urgency": URGENT},
            ("review", URGENT, "melanoma"),
        ),
        (
            URGENT,
            {"urgency": URGENT, **MELANOMA},
            {"urgency": URGENT, "photo_wanted": True},
            ("review", URGENT, "melanoma"),
        ),
        (
            ROUTINE,
            {**HARMLESS, "certainty": "laboratory"},
            {**HARMLESS, "certainty": "sure"},
            ("review", SELF, MOLE),
        ),
        (ROUTINE, None, {**MELANOMA, "urgency": REFERRAL}, ("conditions", URGENT, "melanoma")),
    ],
)
def test_a_milder_review_is_signed_once_it_is_confirmed(
    backend: Backend,
    band: Band,
    before: dict[str, Any] | None,
    said: dict[str, Any],
    replaced: tuple[str, str, str | None] | None,
) -> None:
    doctor, ada = patient_in_care(backend)
    number = file_for(backend, ada, band, finding=finding_of(MOLE, band=band)).number
    if before:
        signed_review(doctor, number, before)
    answer = sign_review(doctor, number, said, confirm_milder=False)
    if replaced is None:
        assert answer.status_code == 201, answer.text
        return
    problem = answer.get_json()
    assert (answer.status_code, problem["code"]) == (409, "milder_not_confirmed")
    told = problem["replaces"]
    assert (told["said_by"], told["urgency"], told["label"]) == replaced
    assert told["doctor"] == (backend.account(doctor.email).name if before else None)
    assert (told["said_at"] is None) == (replaced[0] == "conditions")
    assert told["said_at"] is None or datetime.fromisoformat(told["said_at"])
    assert replaced[1] in problem["detail"]
    signed_review(doctor, number, said)
    decision = ada.call("GET", f"/submissions/{number}").get_json()["decision"]
    assert (decision["urgency"], decision["label"]) == (said["urgency"], said.get("label"))
    rows = [row for row in backend.audit() if row["action"] == "review.create"]
    detail = f"{replaced[1]} to {said['urgency']}"
    assert [row["detail"] for row in rows[-2:]] == [detail] * 2


def test_until_its_result_each_review_says_what_became_of_a_sample(backend: Backend) -> None:
    doctor, ada, number = in_care(backend)
    path = f"/submissions/{number}"

    def sign(**said: Any) -> tuple[int, str | None]:
        answer = sign_review(doctor, number, said)
        return answer.status_code, answer.get_json().get("code")

    def awaited() -> list[int]:
        return [row["finding"]["id"] for row in doctor.pages("/waiting?kind=result")]

    waiting = {**MELANOMA, "sample": "waiting"}
    refused = (422, "sample_awaited")
    assert (sign(**waiting), awaited()) == ((201, None), [number])
    assert sign(label=MOLE) == sign(urgency=URGENT) == refused
    assert sign(label=MOLE, sample="waiting") == refused, "it is milder"
    assert sign(**waiting, note="Not yet.") == (201, None)
    assert (sign(label=MOLE, sample="none"), awaited()) == ((201, None), [])
    assert (sign(**waiting), awaited()) == ((201, None), [number])
    assert sign(label=MOLE, certainty="laboratory") == (201, None)
    decision = ada.call("GET", path).get_json()["decision"]
    assert (decision["label"], decision["certainty"], awaited()) == (MOLE, "laboratory", [])
    assert list(check_integrity(backend.services)) == []


@pytest.mark.parametrize("band", [URGENT, SELF])
def test_a_photo_that_was_sent_as_asked_has_been_judged_by_no_doctor(
    backend: Backend, band: Band
) -> None:
    doctor, ada, _ = in_care(backend)
    mole = finding_of(MOLE, band=SELF)
    first = file_for(backend, ada, SELF, finding=mole)
    asked: dict[str, Any] = {
        "label": None,
        "certainty": None,
        "urgency": SELF,
        "photo_wanted": True,
    }
    assert review(doctor, first.number, **asked).status_code == 201
    spared = "The great majority of moles stay harmless"
    before = ada.call("GET", f"/submissions/{first.number}").get_json()
    assert spared not in before["report"]["importance_of_early_detection"]
    came = finding_of(MOLE, band=band)
    number = file_for(backend, ada, band, finding=came, lesion=first.lesion).number
    path, counts = (
        f"/submissions/{number}",
        f". What was decided about finding {first.number} still",
    )
    unseen = "The review of Dr Grace Hopper is not about this photo"
    after = ada.call("GET", path).get_json()
    said = after["decision"]["signed_before"]
    assert f" {unseen}." in said
    assert said.endswith(".")
    assert after["decision"]["heading"] == "Dr Grace Hopper asked for another photo"
    assert "unjudged" not in after["decision"]
    assert unseen in after["report"]["recommendation"]
    assert "certain" not in after["instruction"], "no opinion was given"
    assert spared not in after["report"]["importance_of_early_detection"]
    page = one_line(plain_text(ada.call("GET", f"{path}/report.html").text))
    paper = text_of(ada.call("GET", f"{path}/report.pdf").data)
    coded = (reader.read_report(ada, number)["conclusion"] for reader in READERS)
    for text in (page, paper, *coded):
        assert "Dr Grace Hopper asked for another photo" in text
        assert unseen in text
        assert (f"{unseen}{counts}" in text) == (band is SELF)
        assert "could not be judged" not in text
        assert "Not known yet" not in text


def test_a_decision_has_the_day_of_the_spot_only_if_it_counts(backend: Backend) -> None:
    doctor, ada = patient_in_care(backend)
    first = file_for(backend, ada, SELF)
    assert review(doctor, first.number, label=MOLE, urgency=SELF).status_code == 201
    second = file_for(backend, ada, URGENT, lesion=first.lesion)
    for number in (first.number, second.number):
        for path in ("", "/report.json"):
            seen = ada.call("GET", f"/submissions/{number}{path}").get_json()
            assert (seen["decision"]["urgency"], seen["decision"]["due"]) == (SELF, None)
        counts = ada.call("GET", f"/submissions/{number}").get_json()["instruction"]
        assert (counts["band"], bool(counts["due"])) == (URGENT, True)
    assert review(doctor, second.number, urgency=URGENT).status_code == 201
    seen = ada.call("GET", f"/submissions/{first.number}").get_json()
    assert seen["decision"]["due"] == seen["instruction"]["due"] is not None


@pytest.mark.parametrize("band", [URGENT, SELF])
def test_who_is_asked_for_another_photo_waits_for_it_unless_a_doctor_should_look(
    backend: Backend, band: Band
) -> None:
    """A doctor once saw a candle, and its patient read "See a doctor this week"."""
    doctor, ada, number = in_care(backend)
    said: dict[str, Any] = {"label": None, "urgency": band, "photo_wanted": True}
    assert review(doctor, number, **said).status_code == 201
    own = ada.call("GET", f"/submissions/{number}").get_json()
    photo, waits = conditions_table().notices.decision.waits_for["photo"], band is SELF
    assert own["instruction"]["waits_for"] == ("photo" if waits else None)
    assert (own["decision"]["next_step"] == photo.next_step.en) == waits
    page = unescape(ada.call("GET", f"/submissions/{number}/report.html").text)
    assert ("See a doctor this week" in page) != waits
    told = f"{own['instruction']['sentence']} {own['decision']['remarks']} {own['report']}"
    assert "another photo of the same spot" in told
    assert ("If you cannot, go without it." in told) != waits


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"sample": "none"},
        {"sample": "waiting"},
        {"certainty": "suspected"},
    ],
)
def test_a_cancer_is_suspected_until_a_laboratory_has_proven_it(
    backend: Backend, said: dict[str, Any]
) -> None:
    doctor, ada, number = in_care(backend)
    heading = "Doctor's suspicion, not confirmed"
    path = f"/submissions/{number}"
    assert review(doctor, number, **said).status_code == 201
    for who, name in ((ada, "a melanoma"), (doctor, "Melanoma")):
        one = who.call("GET", path).get_json()
        assert one["decision"]["title"] == heading
        assert one["instruction"]["suspected"] is True
        dated = f"Doctor's suspicion of {say_day(now(), 'en')}, not confirmed: Melanoma."
        assert one["report"]["overview"].startswith(dated)
        assert heading in unescape(who.call("GET", f"{path}/report.html").text)
        for coded in (reader.read_report(who, number) for reader in READERS):
            assert coded["conclusion"].startswith(f"{heading}: {name}")
            assert "coding" not in coded["conclusionCode"][0]
    for reader in ("patient", "colleague"):
        letter = doctor.call("POST", f"{path}/letters", json={"reader": reader}).get_json()
        assert letter["decision"].startswith(f"{heading}: ")
    proven = {"label": "melanoma", "certainty": "laboratory"}
    signed_review(doctor, number, proven)
    one = ada.call("GET", path).get_json()
    step = (
        "A skin specialist should talk with you about the result and what follows. If you have no "
        "appointment yet, call the doctor's practice today."
    )
    assert one["decision"]["heading"] == "Laboratory's result: a melanoma"
    assert one["decision"]["next_step"] == one["instruction"]["sentence"] == step
    assert "suspected" not in one["instruction"]
    seen = doctor.call("GET", path).get_json()["instruction"]
    assert seen["sentence"] == "Proven by histology."
    read = [reader.read_report(ada, number) for reader in READERS]
    assert all(coded["conclusionCode"][0]["coding"] for coded in read)


def test_who_awaits_a_result_reads_from_when_to_ask_for_it(
    backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    doctor, ada = patient_in_care(backend)
    number = file_for(backend, ada, URGENT).number
    said = {"label": "melanoma", "certainty": "sure", "sample": "waiting"}
    signed_review(doctor, number, said)
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


@pytest.mark.parametrize("band", [URGENT, SELF])
def test_a_photo_that_has_come_is_asked_for_in_no_channel(backend: Backend, band: Band) -> None:
    doctor, ada = patient_in_care(backend)
    found = file_for(backend, ada, SELF)
    path = f"/submissions/{found.number}"
    wanted: dict[str, Any] = {"label": None, "urgency": band, "photo_wanted": True}
    assert review(doctor, found.number, **wanted).status_code == 201
    asks = re.compile("take another photo|wants another photo|another photo asked for", re.I)

    def list_asking() -> list[str]:
        addresses = [path, f"{path}/report.json", f"{path}/report.html", f"/lesions/{found.lesion}"]
        pages = {address: one_line(ada.call("GET", address).text) for address in addresses}
        pages["pdf"] = text_of(ada.call("GET", f"{path}/report.pdf").data)
        pages["doctor"] = " ".join(doctor.call("GET", path).get_json()["decision"]["for_doctor"])
        return [name for name, text in pages.items() if asks.search(text)]

    assert len(list_asking()) == 6
    file_for(backend, ada, SELF, lesion=found.lesion)
    assert list_asking() == []


@pytest.mark.parametrize("by_doctor", [False, True])
def test_older_clients_read_of_the_next_photo_what_counts_about_its_spot(
    backend: Backend, *, by_doctor: bool
) -> None:
    doctor, ada = patient_in_care(backend)
    urgent = file_for(backend, ada, SELF if by_doctor else URGENT)
    if by_doctor:
        assert review(doctor, urgent.number).status_code == 201
    mole = photo_of("melanocytic_nevus")
    next_one = predicted(ada, mole, lesion=urgent.lesion, modality="dermoscopic")
    path = f"/submissions/{next_one['id']}"
    assert next_one["band"] == SELF
    listed = ada.pages("/submissions")[-1]
    report = ada.call("GET", f"{path}/report.json").get_json()
    label, counts = "See a doctor this week", next_one["instruction"]["sentence"]
    for answer in (next_one, listed, ada.call("GET", path).get_json(), report):
        sections = answer.get("report") or answer["narrative"]["sections"]
        assert "Keep an eye on it" not in f"{answer['action']} {sections}"
        assert answer["band_label"] == label
        for field in (answer["action"], sections["recommendation"]):
            assert field.startswith(f"{label}. {counts}")
        assert ("elanoma" if by_doctor else label) in sections["overview"]
        assert ("elanoma" in (answer["graver_review"] or "")) is by_doctor
    assert report["reading"]["summary"]["to_do"] == f"{label}."
    assert review(doctor, urgent.number, **HARMLESS).status_code == 201
    [old, _] = ada.pages("/submissions")
    assert old["report"]["recommendation"].startswith("Keep an eye on it;")


ASKED = "Dr Grace Hopper asked for another photo"


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        (
            {"label": None, "urgency": SELF, "photo_wanted": True},
            [ASKED, "Another photo asked for.", "No urgency yet."],
        ),
        (
            {"label": None, "urgency": URGENT, "photo_wanted": True},
            [ASKED, "Another photo asked for.", "Urgent referral."],
        ),
        (
            {"sample": "waiting"},
            [
                "Doctor's suspicion, not confirmed: Melanoma",
                "Urgent referral.",
                "A sample was taken; the laboratory's result is awaited.",
            ],
        ),
        ({"certainty": "laboratory"}, ["Laboratory's result: Melanoma", "Urgent referral."]),
    ],
)
def test_a_doctor_reads_a_doctors_words(
    shared_backend: Backend, said: dict[str, Any], shown: list[str]
) -> None:
    doctor, _, number = in_care(shared_backend)
    assert review(doctor, number, **said).status_code == 201
    decision = doctor.call("GET", f"/submissions/{number}").get_json()["decision"]
    assert decision["for_doctor"] == shown


def test_normal_skin_is_no_all_clear(backend: Backend) -> None:
    doctor, ada, number = in_care(backend)
    for label, is_clear in (("normal_skin", False), (MOLE, True)):
        assert review(doctor, number, label=label, urgency=SELF).status_code == 201
        told = ada.call("GET", f"/submissions/{number}").get_json()["instruction"]
        assert ("No appointment" in told["sentence"]) == is_clear
