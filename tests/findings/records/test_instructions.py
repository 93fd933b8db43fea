"""One spot, one instruction: the table of docs/reviews.md."""

import io
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pypdf import PdfReader

from skinapi.findings.status.decisions import Decision, WaitsFor
from skinapi.findings.status.lesion_status import (
    AdviceSource,
    FindingStatus,
    JudgedPhoto,
    MeasuredChange,
    reconcile,
)
from skinapi.findings.status.reviews import Certainty, Sample
from skinapi.model.bands import urgency
from skinapi.model.conditions import Band
from tests.care.clinic import file_for, judge_anew, patient_in_care
from tests.findings.prediction.photographer import predicted
from tests.findings.reports.sample_reports import one_line
from tests.support.backends import Backend
from tests.support.findings import judged
from tests.support.photos import photo_of
from tests.support.reviews import review_of

URGENT, REFERRAL, REVIEW, ROUTINE, SELF = Band
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
SURE, SUSPECTED, PROVEN = Certainty.SURE, Certainty.SUSPECTED, Certainty.LABORATORY
AWAITED = Sample.WAITING
FINDING, DECISION, COMPARISON = AdviceSource.FINDING, AdviceSource.DECISION, AdviceSource.COMPARISON


def decided(band: Band, *, day: int, doctor: str = "grey", **said: Any) -> Decision:
    values: dict[str, Any] = {
        "review": "1",
        "label": "melanoma" if band is URGENT else "melanocytic_nevus",
        "urgency": band,
        "certainty": SURE,
        "sample": None,
        "photo_wanted": False,
        "decided_at": BEGAN + timedelta(days=day, hours=1),
        "decided_by": doctor,
        "doctor": doctor,
    }
    return Decision(**{**values, **said})


def spot(*findings: tuple[Band, Decision | None]) -> list[FindingStatus]:
    """A finding a day, from day 1, with its band and what doctors have decided."""
    return [
        FindingStatus(
            JudgedPhoto(f"{day}", day, (judged(band, BEGAN + timedelta(days=day)),)), decision
        )
        for day, (band, decision) in enumerate(findings, 1)
    ]


WANTED = {"photo_wanted": True}
SUSPECTED_MOLE = decided(SELF, day=2, certainty=SUSPECTED)
AWAITED_MOLE = decided(SELF, day=2, sample=AWAITED)
PROVEN_MOLE = decided(SELF, day=1, certainty=PROVEN)


def with_change(findings: list[FindingStatus], finding: int) -> list[FindingStatus]:
    """The photo of this finding has changed from that of the one before."""
    about = findings[finding - 1]
    at = about.photo.created_at + timedelta(minutes=1)
    change = MeasuredChange(before=f"{finding - 1}", band=REVIEW, measured_at=at)
    photo = replace(about.photo, changes=(change,))
    return [replace(item, photo=photo) if item is about else item for item in findings]


@pytest.mark.parametrize(
    ("findings", "counts"),
    [
        # what is waited for comes first of what is as urgent
        (spot((SELF, AWAITED_MOLE), (SELF, SUSPECTED_MOLE)), (DECISION, SELF, 1)),
        (
            spot((SELF, decided(URGENT, day=1, sample=AWAITED)), (SELF, decided(URGENT, day=2))),
            (DECISION, URGENT, 2),
        ),
        # the model alone: a later, milder photo takes nothing back
        (spot((ROUTINE, None)), (FINDING, ROUTINE, 1)),
        (spot((URGENT, None), (SELF, None)), (FINDING, URGENT, 1)),
        (spot((SELF, None), (URGENT, None)), (FINDING, URGENT, 2)),
        # a decision on the finding
        (spot((URGENT, decided(SELF, day=1))), (DECISION, SELF, 1)),
        (spot((SELF, decided(URGENT, day=1))), (DECISION, URGENT, 1)),
        # a decision on the newest finding ends what the model said of older ones, if it is settled
        (spot((URGENT, None), (SELF, decided(SELF, day=2))), (DECISION, SELF, 2)),
        (spot((URGENT, None), (SELF, SUSPECTED_MOLE)), (FINDING, URGENT, 1)),
        (spot((URGENT, None), (SELF, AWAITED_MOLE)), (FINDING, URGENT, 1)),
        # a newer finding that is more urgent than an older decision stands
        (spot((URGENT, decided(SELF, day=1)), (REFERRAL, None)), (FINDING, REFERRAL, 2)),
        (spot((URGENT, PROVEN_MOLE), (URGENT, None)), (FINDING, URGENT, 2)),
        (spot((SELF, decided(URGENT, day=1)), (SELF, None)), (DECISION, URGENT, 1)),
        # of two decisions: the same doctor's later one, the graver, or the laboratory's
        (spot((SELF, decided(URGENT, day=1)), (SELF, decided(SELF, day=2))), (DECISION, SELF, 2)),
        (
            spot((SELF, decided(URGENT, day=1)), (SELF, decided(SELF, day=2, doctor="other"))),
            (DECISION, URGENT, 1),
        ),
        (
            spot(
                (SELF, decided(URGENT, day=1, certainty=SUSPECTED)),
                (SELF, decided(SELF, day=2, doctor="other")),
            ),
            (DECISION, SELF, 2),
        ),
        (
            spot((SELF, decided(URGENT, day=1, sample=AWAITED)), (SELF, decided(SELF, day=2))),
            (DECISION, URGENT, 1),
        ),
        (
            spot((SELF, decided(URGENT, day=1, certainty=PROVEN)), (SELF, decided(SELF, day=2))),
            (DECISION, URGENT, 1),
        ),
        (
            spot(
                (SELF, decided(URGENT, day=1, certainty=PROVEN)),
                (SELF, decided(SELF, day=2, certainty=PROVEN, doctor="other")),
            ),
            (DECISION, SELF, 2),
        ),
        # of equally urgent ones a result comes before what was said of a newer photo
        *(
            (
                spot(
                    (SELF, decided(URGENT, day=1, certainty=PROVEN)),
                    (SELF, decided(URGENT, day=2, **newer)),
                ),
                (DECISION, URGENT, 1),
            )
            for newer in ({}, {"certainty": SUSPECTED}, {"sample": AWAITED})
        ),
        # what was decided later about the older finding is not ended by what is older
        (
            spot((SELF, decided(URGENT, day=3)), (SELF, decided(SELF, day=2))),
            (DECISION, URGENT, 1),
        ),
    ],
)  # fmt: skip
def test_the_most_urgent_that_is_still_valid_counts(
    findings: list[FindingStatus], counts: tuple[AdviceSource, Band, int]
) -> None:
    told = reconcile(findings)
    assert told
    assert (told.counts.said_by, told.counts.band, told.counts.finding) == counts
    said = len(findings) + sum(finding.decision is not None for finding in findings)
    assert len(told.others) == said - 1, "all else is there, to be folded"
    dates = [other.since for other in told.others]
    assert dates == sorted(dates, reverse=True)


@pytest.mark.parametrize(
    ("findings", "counts"),
    [
        (spot((SELF, None), (SELF, None)), (COMPARISON, 2)),
        (spot((SELF, None), (SELF, decided(SELF, day=2))), (DECISION, 2)),
        (spot((SELF, None), (SELF, decided(SELF, day=2, certainty=SUSPECTED))), (COMPARISON, 2)),
        (spot((URGENT, None), (SELF, None)), (FINDING, 1)),
        (spot((SELF, None), (SELF, None), (SELF, decided(SELF, day=3))), (DECISION, 3)),
    ],
)
def test_a_change_counts_until_a_doctor_has_decided(
    findings: list[FindingStatus], counts: tuple[AdviceSource, int]
) -> None:
    told = reconcile(with_change(findings, 2))
    assert told
    assert (told.counts.said_by, told.counts.finding) == counts


def test_whatever_was_said_no_model_makes_it_milder() -> None:
    decisions = [
        None,
        *(
            decided(band, day=1, certainty=sure)
            for band in (URGENT, SELF)
            for sure in (SURE, SUSPECTED)
        ),
        decided(SELF, day=1, certainty=PROVEN),
        decided(URGENT, day=1, sample=AWAITED),
    ]
    for decision in decisions:
        for first in Band:
            for then in Band:
                before = reconcile(spot((first, decision)))
                after = reconcile(spot((first, decision), (then, None)))
                assert before
                assert after
                assert urgency(after.counts.band) <= urgency(before.counts.band)


def test_another_photo_is_waited_for_until_it_is_there_and_reassures_nobody() -> None:
    said: dict[str, Any] = {"label": None, "certainty": None}
    unjudged = decided(SELF, day=1, photo_wanted=True, **said)
    told = reconcile(spot((SELF, unjudged)))
    assert told
    assert [other.unjudged for other in told.others] == [True], "the check says nothing then"
    assert (told.counts.waits_for, told.picture_wanted) == (WaitsFor.PHOTO, True)
    sent = reconcile(spot((SELF, unjudged), (ROUTINE, None)))
    assert sent
    assert (sent.counts.said_by, sent.counts.band, sent.counts.waits_for) == (
        FINDING,
        ROUTINE,
        None,
    )
    urgent = decided(REFERRAL, day=1, label=None, certainty=None, photo_wanted=True)
    status = reconcile(spot((REFERRAL, urgent)))
    assert status
    assert (status.counts.waits_for, status.picture_wanted) == (None, True)


@pytest.mark.parametrize(
    ("decision", "said"),
    [
        (
            decided(SELF, day=1, label=None, certainty=None, photo_wanted=True),
            ["Another photo asked for", "No urgency yet."],
        ),
        (
            decided(URGENT, day=1, label=None, certainty=None, photo_wanted=True),
            ["Another photo asked for", "Urgent referral."],
        ),
        (
            decided(URGENT, day=1, sample=AWAITED),
            [
                "Doctor's suspected diagnosis: Melanoma",
                "Urgent referral.",
                "A sample was taken; the laboratory's result is awaited.",
            ],
        ),
        (
            decided(URGENT, day=1, certainty=PROVEN),
            [
                "Laboratory's result: Melanoma",
                "Urgent referral.",
            ],
        ),
    ],
)
def test_a_doctor_reads_a_doctors_words(decision: Decision, said: list[str]) -> None:
    assert decision.for_doctor("en") == said


def test_normal_skin_is_no_all_clear() -> None:
    told = reconcile(spot((SELF, decided(SELF, day=1, label="normal_skin"))))
    mole = reconcile(spot((SELF, decided(SELF, day=1))))
    assert told
    assert mole
    assert "No appointment" not in told.counts.words("en").next_step
    assert "No appointment" in mole.counts.words("en").next_step


@pytest.mark.parametrize("by_doctor", [False, True])
def test_older_clients_read_of_the_next_photo_what_counts_about_its_spot(
    backend: Backend, *, by_doctor: bool
) -> None:
    doctor, ada = patient_in_care(backend)
    lesion = ada.call("POST", "/lesions", json={"place": {"site": "back"}}).get_json()["id"]
    urgent = file_for(backend, ada, SELF if by_doctor else URGENT, lesion=lesion).number
    if by_doctor:
        sure = {"label": "melanoma", "certainty": "sure"}
        answered = doctor.call("POST", f"/submissions/{urgent}/review", json=review_of(sure))
        assert answered.status_code == 201, answered.text
    next_one = predicted(ada, photo_of("melanocytic_nevus"), lesion=lesion, modality="dermoscopic")
    number = next_one["id"]
    assert next_one["band"] == SELF
    path = f"/submissions/{number}"
    [listed] = [item for item in ada.call("GET", "/submissions").get_json() if item["id"] == number]
    report = ada.call("GET", f"{path}/report.json").get_json()
    label, counts = "See a doctor this week", next_one["instruction"]["sentence"]
    said = f"finding {urgent}"
    for answer in (next_one, listed, ada.call("GET", path).get_json(), report):
        text = str(answer.get("report") or answer["narrative"]["sections"])
        for field in (answer["action"], answer["band_label"], text):
            assert "Keep an eye on it" not in field
        assert answer["band_label"] == label
        assert answer["action"].startswith(f"{label}. {counts}")
        sections = answer.get("report") or answer["narrative"]["sections"]
        assert sections["recommendation"].startswith(f"{label}. {counts}")
        assert label in sections["overview"]
        assert said in sections["overview"]
        assert ("elanoma" in (answer["graver_review"] or "")) is by_doctor
    course = ada.call("GET", f"/lesions/{lesion}/submissions").get_json()
    assert {item["band_label"] for item in course if item["id"] == number} == {label}
    assert report["reading"]["summary"]["to_do"] == f"{label}."
    assert report["narrative"]["next_steps"][0].startswith(f"{label}. {counts}")
    assert "Keep an eye" not in str(report["narrative"])
    settled = {"label": "melanocytic_nevus", "certainty": "sure"}
    if not by_doctor:
        assert doctor.call("POST", f"{path}/review", json=review_of(settled)).status_code == 201
        [old] = [
            item for item in ada.call("GET", "/submissions").get_json() if item["id"] == urgent
        ]
        assert old["report"]["recommendation"].startswith("Keep an eye on it;")


def test_a_decision_on_an_old_photo_that_was_judged_again_ends_nothing_of_a_newer_photo(
    backend: Backend,
) -> None:
    doctor, ada = patient_in_care(backend)
    lesion = ada.call("POST", "/lesions", json={"place": {"site": "back"}}).get_json()["id"]
    old = file_for(backend, ada, SELF, lesion=lesion)
    new = file_for(backend, ada, URGENT, lesion=lesion).number
    judge_anew(backend, old.number, SELF)
    body = {"label": "melanocytic_nevus", "certainty": "sure", "version": 2}
    answered = doctor.call("POST", f"/submissions/{old.number}/review", json=review_of(body))
    assert answered.status_code == 201, answered.text
    told = ada.call("GET", f"/lesions/{lesion}").get_json()
    assert (told["instruction"]["finding"], told["instruction"]["band"]) == (new, URGENT)
    assert told["latest"]["id"] == new, "the newest photo, by which reminders go too"


@pytest.mark.parametrize("band", [URGENT, SELF])
def test_a_photo_that_has_come_is_asked_for_in_no_channel(backend: Backend, band: Band) -> None:
    doctor, ada = patient_in_care(backend)
    lesion = ada.call("POST", "/lesions", json={"place": {"site": "back"}}).get_json()["id"]
    path = f"/submissions/{file_for(backend, ada, band, lesion=lesion).number}"
    assert (
        doctor.call("POST", f"{path}/review", json=review_of(WANTED, urgency=band)).status_code
        == 201
    )
    asks = re.compile("take another photo|wants another photo|another photo asked for", re.I)

    def list_asking() -> list[str]:
        addresses = [path, f"{path}/report.json", f"{path}/report.html", f"/lesions/{lesion}"]
        texts = {address: ada.call("GET", address).text for address in addresses}
        # What was said besides, which counts no more, is told with its date.
        pages = {name: re.sub(r'"superseded":\[.*?\]', "", one_line(texts[name])) for name in texts}
        pdf = PdfReader(io.BytesIO(ada.call("GET", f"{path}/report.pdf").data)).pages
        pages["pdf"] = one_line(" ".join(page.extract_text() for page in pdf))
        pages["doctor"] = " ".join(doctor.call("GET", path).get_json()["decision"]["for_doctor"])
        return [name for name, text in pages.items() if asks.search(text)]

    assert len(list_asking()) == 6
    file_for(backend, ada, SELF, lesion=lesion)
    assert list_asking() == []
    decision = ada.call("GET", path).get_json()["decision"]
    assert (decision["photo_wanted"], decision["photo_came"]) == (True, True)
    assert decision["heading"] == "Another photo is there in place of this one"


@pytest.mark.parametrize(
    ("band", "said"),
    [
        (ROUTINE, {**WANTED, "label": "basal_cell_carcinoma", "urgency": "routine"}),
        (SELF, {**WANTED, "label": "basal_cell_carcinoma", "urgency": "self_monitoring"}),
        (ROUTINE, {**WANTED, "label": "melanocytic_nevus", "urgency": "routine"}),
    ],
)
def test_the_photo_that_was_asked_for_ends_nothing_that_a_doctor_has_said(
    any_backend: Backend, band: Band, said: dict[str, Any]
) -> None:
    doctor, ada = patient_in_care(any_backend)
    lesion = ada.call("POST", "/lesions", json={"place": {"site": "back"}}).get_json()["id"]
    number = file_for(any_backend, ada, SELF, lesion=lesion).number
    answer = doctor.call("POST", f"/submissions/{number}/review", json=review_of(said))
    assert answer.status_code == 201, answer.text

    def read() -> tuple[Any, ...]:
        told = ada.call("GET", f"/submissions/{number}").get_json()
        counts = told["instruction"]
        assert told["decision"]["label"] == said["label"]
        return counts["from"], counts["band"], counts["finding"], counts.get("waits_for")

    decided_so = ("decision", band, number, None)
    assert read() == decided_so
    came = file_for(any_backend, ada, SELF, lesion=lesion).number
    assert read() == decided_so
    told = ada.call("GET", f"/submissions/{came}").get_json()["instruction"]
    assert (told["band"], told["finding"]) == (band, number)


@pytest.mark.parametrize(
    "said",
    [
        {"label": "melanoma", "certainty": "suspected"},
        {"label": "melanoma", "certainty": "sure"},
        {"certainty": "suspected", "urgency": "urgent_referral"},
    ],
)
def test_what_is_told_of_an_older_photo_after_a_mole_was_signed_of_the_newer_counts(
    any_backend: Backend, said: dict[str, Any]
) -> None:
    """The decision about the older one was as urgent, and the newer one had ended it."""
    doctor, ada = patient_in_care(any_backend)
    lesion = ada.call("POST", "/lesions", json={"place": {"site": "back"}}).get_json()["id"]
    old, new = (file_for(any_backend, ada, SELF, lesion=lesion).number for _ in range(2))
    mole = {"label": "melanocytic_nevus", "certainty": "sure"}
    for number, body in ((old, said), (new, mole)):
        signed = doctor.call("POST", f"/submissions/{number}/review", json=review_of(body))
        assert signed.status_code == 201, signed.text

    def read(number: int) -> tuple[str, bool]:
        told = ada.call("GET", f"/submissions/{number}").get_json()["instruction"]
        return told["band"], bool(told["due"])

    def to_review() -> list[int]:
        return [row["id"] for row in doctor.pages("/queue?reviewed=false")]

    assert [read(number) for number in (old, new)] == [("self_monitoring", False)] * 2
    assert to_review() == []
    judge_anew(any_backend, old, URGENT)
    assert [read(number) for number in (old, new)] == [("urgent_referral", True)] * 2
    assert to_review() == [old]
    answer = {**mole, "version": 2}
    assert (
        doctor.call("POST", f"/submissions/{old}/review", json=review_of(answer)).status_code == 201
    )
    assert [read(number) for number in (old, new)] == [("self_monitoring", False)] * 2
    assert to_review() == []
