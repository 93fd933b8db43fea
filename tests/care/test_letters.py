from datetime import datetime
from typing import Any

import pytest
from werkzeug.test import TestResponse

from skinapi.accounts.auth.consents import newest_text
from skinapi.base.days import say_day
from skinapi.care.letter_check import split_sentences
from skinapi.platform.storage.ids import now
from tests.findings.prediction.photographer import predicted
from tests.findings.reports.sample_reports import one_line, plain_text, text_of
from tests.support.backends import MAIL, Backend, Person
from tests.support.openrouter import believe
from tests.support.reviews import signed_review
from tests.use_cases.use_case import notices_to


class Practice:
    def __init__(self, backend: Backend, *, reviewed: bool = True) -> None:
        self.backend = backend
        self.doctor = backend.member(role="doctor", name="Dr Grace Hopper")
        self.other = backend.member(role="doctor")
        self.ada = backend.member(
            name="Ada Example", doctor_id=backend.account(self.doctor.email).id
        )
        self.number = predicted(self.ada, keep_photo="true")["id"]
        if reviewed:
            self.review("melanoma")

    @property
    def letters(self) -> str:
        return f"/submissions/{self.number}/letters"

    def agree(self, *, llm: bool = True) -> None:
        believe(self.backend.services.store)
        agreed = {"llm": llm, "texts": {"llm": newest_text("llm").version}, "language": "en"}
        assert self.ada.call("PUT", "/me/consents", json=agreed).status_code == 200

    @property
    def spot(self) -> str:
        spot: str = self.ada.call("GET", f"/submissions/{self.number}").get_json()["lesion"]
        return spot

    def sort_into_spot(self, laterality: str | None = None, site: str = "back") -> str:
        place = {"site": site, **({"laterality": laterality} if laterality else {})}
        spot: str = self.ada.call("POST", "/lesions", json={"place": place}).get_json()["id"]
        path = f"/submissions/{self.number}/lesion"
        assert self.ada.call("PUT", path, json={"lesion": spot}).status_code == 200
        return spot

    def review(self, label: str | None, by: Person | None = None, **said: Any) -> dict[str, Any]:
        body = {"label": label, "certainty": "sure", **said}
        review: dict[str, Any] = signed_review(by or self.doctor, self.number, body)
        return review

    def draft(self, reader: str = "patient", **fields: Any) -> dict[str, Any]:
        answer = self.doctor.call("POST", self.letters, json={"reader": reader, **fields})
        assert answer.status_code == 201, answer.text
        draft: dict[str, Any] = answer.get_json()
        return draft

    def change(self, letter: dict[str, Any], text: str, **fields: Any) -> TestResponse:
        body = {"text": text, "version": letter["version"], **fields}
        return self.doctor.call("PUT", f"/letters/{letter['_id']}", json=body)

    def sign(self, letter: dict[str, Any], text: str | None = None, **fields: Any) -> TestResponse:
        shown = {name: letter[name] for name in ("text", "version", "spot_version")}
        told = text or letter["text"]
        body = {**shown, "text": told, "confirmed": split_sentences(told), **fields}
        return self.doctor.call("POST", f"/letters/{letter['_id']}/sign", json=body)

    def withdraw(
        self, letter: dict[str, Any], reason: str = "It was wrong.", by: Person | None = None
    ) -> TestResponse:
        path = f"/letters/{letter['_id']}/withdrawal"
        return (by or self.doctor).call("POST", path, json={"reason": reason})

    def shown_to(self, person: Person) -> Any:
        return person.call("GET", self.letters).get_json()

    def report(self, kind: str = "report.json") -> TestResponse:
        return self.ada.call("GET", f"/submissions/{self.number}/{kind}")

    def assign(self, doctor: Person | None) -> None:
        admin = self.backend.member(role="admin")
        body = {"doctor": doctor.email if doctor else None}
        assert admin.call("PUT", f"/users/{self.ada.email}/doctor", json=body).status_code == 200

    def rows(self) -> list[tuple[str, str]]:
        rows = self.backend.stored()["audit"]
        return [(r["action"], r["outcome"]) for r in rows if r["action"].startswith("letter.")]


def test_a_letter_reaches_the_patient_when_it_is_signed(any_backend: Backend) -> None:
    at = Practice(any_backend)
    draft = at.draft()
    assert draft["text"].startswith("Dear Ada Example,")
    assert draft["text"].endswith("Dr Grace Hopper")
    changed = at.change(draft, draft["text"] + "\n\nThank you for the photo.").get_json()
    sealed = at.report().get_json()["verification"]["hash"]
    assert at.shown_to(at.doctor) == [changed]
    assert at.shown_to(at.ada) == at.report().get_json()["letters"] == []
    signed = at.sign(changed)
    assert signed.status_code == 200, signed.text
    assert signed.get_json()["signed_by"] == "Dr Grace Hopper"
    assert at.shown_to(at.ada) == at.shown_to(at.doctor) == [signed.get_json()]
    report = at.report().get_json()
    assert [(item["text"], item["signed_by"]) for item in report["letters"]] == [
        (changed["text"], "Dr Grace Hopper")
    ]
    assert report["verification"]["hash"] != sealed
    page = at.report("report.html").text
    assert '<p lang="en"><bdi>Thank you for the photo.</bdi></p>' in page
    assert "Written and signed by Dr Grace Hopper" in page
    assert at.report("report.pdf").data.startswith(b"%PDF")
    assert at.rows() == [(f"letter.{act}", "done") for act in ("draft", "change", "sign")]


def test_the_letters_of_a_spot_are_those_of_all_its_findings(any_backend: Backend) -> None:
    at = Practice(any_backend)
    spot = at.spot
    signed = [at.sign(at.draft()).get_json()["_id"]]
    at.number = predicted(at.ada, lesion=spot)["id"]
    at.review("melanoma")
    signed.append(at.sign(at.draft()).get_json()["_id"])
    at.draft("colleague")
    for reader in (at.ada, at.doctor):
        letters = reader.call("GET", f"/lesions/{spot}/letters").get_json()
        assert [letter["_id"] for letter in letters] == signed
        assert all(letter["signed_by"] == "Dr Grace Hopper" for letter in letters)
    assert at.other.call("GET", f"/lesions/{spot}/letters").status_code == 404


def test_what_is_signed_does_not_change(backend: Backend) -> None:
    at = Practice(backend)
    draft = at.draft()
    assert at.sign(draft).status_code == 200
    again = [
        at.sign(draft),
        at.change(draft, "Another word."),
        at.doctor.call("DELETE", f"/letters/{draft['_id']}"),
    ]
    assert [item.get_json()["code"] for item in again] == ["letter_signed"] * 3
    assert at.shown_to(at.ada)[0]["text"] == draft["text"]


def test_of_two_windows_the_later_one_is_told(backend: Backend) -> None:
    at = Practice(backend)
    draft = at.draft()
    assert at.change(draft, "The first window.").status_code == 200
    refused = [
        at.change(draft, "The second window."),
        at.sign(draft, draft["text"] + " The second window."),
    ]
    assert [(item.status_code, item.get_json()["code"]) for item in refused] == [
        (409, "changed_meanwhile")
    ] * 2
    assert at.shown_to(at.doctor)[0]["text"] == "The first window."
    assert at.shown_to(at.ada) == []


def test_a_doctor_who_loses_the_case_writes_no_more(backend: Backend) -> None:
    at = Practice(backend)
    draft = at.draft()
    at.assign(at.other)
    assert at.sign(draft).status_code == at.change(draft, "a").status_code == 404
    assert at.shown_to(at.other) == at.shown_to(at.ada) == []
    assert at.other.call("POST", f"/letters/{draft['_id']}/sign", json={}).status_code in (400, 404)
    assert at.other.call("POST", at.letters, json={"reader": "patient"}).status_code == 201
    at.assign(at.doctor)
    assert at.sign(draft).status_code == 200
    assert len(at.shown_to(at.ada)) == 1


def test_a_draft_does_not_say_that_its_doctor_has_seen_what_another_decided(
    backend: Backend,
) -> None:
    at = Practice(backend)
    assert "I have looked at it myself" in at.draft()["text"]
    at.assign(at.other)
    draft = at.other.call("POST", at.letters, json={"reader": "patient"}).get_json()
    assert "I have looked at it myself" not in draft["text"]
    assert draft["text"].startswith("Dear Ada Example,\n\nThis letter is about your spot")


@pytest.mark.parametrize(("language", "looked"), [("en", "looked at it"), ("fr", "regardée")])
def test_a_draft_about_a_later_photo_does_not_say_that_its_doctor_has_seen_it(
    backend: Backend, language: str, looked: str
) -> None:
    at = Practice(backend)
    assert looked in at.draft(language=language)["text"]
    at.number = predicted(at.ada, lesion=at.spot)["id"]
    shown = at.doctor.call("GET", f"/submissions/{at.number}").get_json()
    assert shown["instruction"]["from"] == "review"
    assert looked not in at.draft(language=language)["text"]


def test_letters_go_with_their_finding(backend: Backend) -> None:
    at = Practice(backend)
    at.sign(at.draft())
    draft = at.draft("colleague")
    assert at.ada.call("DELETE", f"/submissions/{at.number}").status_code == 200
    assert at.sign(draft).status_code == 404
    assert at.doctor.call("POST", at.letters, json={"reader": "patient"}).status_code == 404
    assert backend.stored().get("letters", []) == []


def test_a_deleted_doctor_leaves_what_is_signed(backend: Backend) -> None:
    at = Practice(backend)
    at.sign(at.draft())
    at.draft("colleague")
    admin = backend.member(role="admin")
    assert admin.call("DELETE", f"/doctors/{at.doctor.email}").status_code == 200
    (letter,) = backend.stored()["letters"]
    assert letter["signature"] == "Dr Grace Hopper"
    assert len(at.shown_to(at.ada)) == 1


def test_a_draft_can_be_deleted(backend: Backend) -> None:
    at = Practice(backend)
    draft = at.draft()
    path = f"/letters/{draft['_id']}"
    assert at.other.call("DELETE", path).status_code == 404
    assert at.doctor.call("DELETE", path).status_code == 200
    assert at.doctor.call("DELETE", path).status_code == 404
    assert at.shown_to(at.doctor) == []


def test_a_finding_has_no_more_letters_than_are_kept(
    backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("skinapi.findings.records.letters.MOST_LETTERS", 2)
    at = Practice(backend)
    at.sign(at.draft())
    at.draft()
    refused = at.doctor.call("POST", at.letters, json={"reader": "patient"})
    assert (refused.status_code, refused.get_json()["code"]) == (422, "too_many_letters")
    at.assign(at.other)
    answer = at.other.call("POST", at.letters, json={"reader": "patient"})
    assert answer.status_code == 201, "a draft of another doctor counts"


@pytest.mark.parametrize(
    "wrong",
    [
        {"text": " \n"},
        {"text": "n" * 5001},
        {"text": "bell\a"},
        {"text": "no \u202emelanoma"},
        {"text": "a" + 6 * "\u0301"},
        {"version": 0},
        {"version": 2**40},
    ],
    ids=str,
)
def test_what_is_no_letter_is_refused(shared_backend: Backend, wrong: dict[str, Any]) -> None:
    at = Practice(shared_backend)
    draft = at.draft()
    body = {"text": "a", "version": draft["version"], **wrong}
    for method, path in (("PUT", ""), ("POST", "/sign")):
        answer = at.doctor.call(method, f"/letters/{draft['_id']}{path}", json=body)
        assert answer.status_code == 400, answer.text


def test_letters_of_a_finding_that_is_gone_are_found(backend: Backend) -> None:
    at = Practice(backend)
    at.draft()
    services = backend.services
    services.store.collection("submissions").delete({"number": at.number})
    faults = [*services.data.letters.check_integrity(services.findings.records.has)]
    assert [fault.message for fault in faults] != []
    for fault in faults:
        assert fault.repair
        fault.repair()
    assert backend.stored().get("letters", []) == []


def test_a_withdrawn_letter_is_shown_with_its_reason(any_backend: Backend) -> None:
    at = Practice(any_backend)
    letter = at.sign(at.draft()).get_json()
    withdrawn = at.withdraw(letter, "I mixed up <two> patients.")
    assert withdrawn.status_code == 200, withdrawn.text
    said = withdrawn.get_json()["withdrawn"]
    told = {"withdrawn_by": "Dr Grace Hopper", "reason": "I mixed up <two> patients."}
    assert said == {"withdrawn_at": said["withdrawn_at"], **told}
    (shown,) = at.report().get_json()["letters"]
    assert (shown["text"], shown["withdrawn"]) == (letter["text"], said)
    assert at.shown_to(at.ada) == at.shown_to(at.doctor) == [withdrawn.get_json()]
    day = say_day(datetime.fromisoformat(said["withdrawn_at"]), "en")
    heading = f"Withdrawn by Dr Grace Hopper, {day}: I mixed up "
    assert f"{heading}&lt;two&gt; patients." in at.report("report.html").text
    assert f"{heading}<two> patients." in text_of(at.report("report.pdf").data)
    assert at.rows()[-1] == ("letter.withdraw", "done")


@pytest.mark.parametrize("given", [MAIL])
def test_its_patient_gets_a_mail_when_a_letter_is_signed_and_when_it_is_withdrawn(
    backend: Backend,
) -> None:
    at = Practice(backend)
    ada = backend.account(at.ada.email).id
    assert at.sign(at.draft("colleague")).status_code == 200
    of_review = notices_to(backend, ada)
    letter = at.sign(at.draft()).get_json()
    assert notices_to(backend, ada) == [*of_review, "news"]
    for reason in (" ", "n" * 501, "bell\a"):
        assert at.withdraw(letter, reason).status_code == 400
    assert at.shown_to(at.ada)[1]["withdrawn"] is None
    first, again = at.withdraw(letter), at.withdraw(letter)
    assert first.get_json() == again.get_json()
    other = at.withdraw(letter, "Another reason.")
    assert (other.status_code, other.get_json()["code"]) == (409, "letter_withdrawn")
    assert at.shown_to(at.ada)[1] == first.get_json()
    acts = [row for row in at.rows() if row[0] == "letter.withdraw"]
    assert acts == [("letter.withdraw", "done")]
    assert notices_to(backend, ada) == [*of_review, "news", "news"]


def test_a_draft_that_is_older_than_its_spot_is_not_signed(any_backend: Backend) -> None:
    at = Practice(any_backend)
    draft = at.draft()
    predicted(at.ada, lesion=at.spot)
    for refused in (at.sign(draft), at.change(draft, "Dear Ada,")):
        assert (refused.status_code, refused.get_json()["code"]) == (409, "spot_changed")
    (seen,) = at.shown_to(at.doctor)
    assert seen["spot_version"] == draft["spot_version"] + 1
    assert at.sign(seen).status_code == 200


def test_a_signed_letter_says_in_print_too_what_came_after_it(any_backend: Backend) -> None:
    at = Practice(any_backend)
    signed = at.sign(at.draft()).get_json()
    assert signed["written_before"] is None
    day = say_day(now(), "en")
    since = f"Written on {day}. Since then: a new photo, on {day}."
    line = f"{since} What to do now: See a doctor this week"
    predicted(at.ada, lesion=at.spot)
    for person in (at.ada, at.doctor):
        (shown,) = at.shown_to(person)
        assert (shown["text"], shown["written_before"][: len(line)]) == (signed["text"], line)
    (letter,) = at.report().get_json()["letters"]
    assert letter["written_before"] == shown["written_before"]
    page, paper = at.report("report.html").text, at.report("report.pdf").data
    for text in (one_line(plain_text(page)), text_of(paper)):
        assert text.count(line) == 1
        assert text.index(line) < text.index("Dear Ada Example,")


def test_key_words_that_differ_from_the_decision_are_marked(any_backend: Backend) -> None:
    """The key words may be older than the decision; the software's draft that quotes them is
    not.
    """
    at = Practice(any_backend)
    at.review("melanocytic_nevus")
    draft = at.draft(key_words="It is a harmless mole.")
    assert "marked" not in draft
    at.review("melanoma")
    (anew,) = at.shown_to(at.doctor)
    (marked,) = anew["marked"]
    assert "harmless mole" in marked["sentence"]
    assert "name" in marked["differs"]
    assert at.sign(anew, confirmed=[]).get_json()["code"] == "letter_unconfirmed"
