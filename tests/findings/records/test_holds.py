"""A grave decision that the doctor tells: until then no answer to the patient betrays it."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import TestResponse

from skinapi.app.integrity_check import check_integrity
from skinapi.findings.records.events import ReviewSigned
from skinapi.findings.records.queue_order import make_hold_key
from skinapi.findings.reviews.service import EndedHolds
from skinapi.platform.storage.ids import now
from tests.care.clinic import REVIEW, file_for, patient_in_care, patient_of
from tests.integrations.test_keys import made
from tests.support.access import PEOPLE, ROWS, SampleAccounts
from tests.support.backends import Backend, Person
from tests.support.findings import finding_of
from tests.support.smtp_server import SmtpServer
from tests.test_access import declared

MELANOMA = {"label": "melanoma", "certainty": "sure", "histology": "confirmed"}
MOLE = finding_of("melanocytic_nevus", band=REVIEW)
# What changes by itself, or with each request.
NOT_OF_FINDINGS = {"list_sessions", "fetch_file"}  # there is no file: tests/privacy has it
MADE_AT = re.compile(
    rb'DTSTAMP:\S+|"made_at": "[^"]+"|"timestamp": "[^"]+"'
    rb'|"Bundle", "meta": {"lastUpdated": "[^"]+"|--[0-9a-f]{32}(?=--|\r\n)'
)


def in_days(days: float) -> str:
    return (now() + timedelta(days=days)).isoformat()


def sign(doctor: Person, number: int, **said: Any) -> TestResponse:
    return doctor.call("POST", f"/submissions/{number}/review", json={**MELANOMA, **said})


def hold(doctor: Person, number: int, days: float = 2, **said: Any) -> dict[str, Any]:
    answer = sign(doctor, number, hold_until=in_days(days), **said)
    assert answer.status_code == 201, answer.text
    review: dict[str, Any] = answer.get_json()
    return review


def decided(reader: Person, number: int) -> Any:
    """The label at the top of the finding, and of its report."""
    finding = reader.call("GET", f"/submissions/{number}").get_json()["decision"]
    report = reader.call("GET", f"/submissions/{number}/report.json").get_json()["decision"]
    assert (finding and finding["label"]) == (report and report["label"])
    return finding and finding["label"]


def pass_days(backend: Backend, number: int, days: float) -> None:
    """As if it all had happened so much earlier."""
    store, ago = backend.services.store, timedelta(days=days)
    (stored,) = store.collection("submissions").find({"number": number})
    for review in store.collection("reviews").find({"submission": stored["id"]}):
        names = ("hold_ends_at", "own_hold_ends_at")
        earlier = {name: review[name] - ago for name in names if review.get(name)}
        if earlier:
            store.collection("reviews").update({"id": review["id"]}, {"$set": earlier})
    if key := stored.get("hold_key"):
        ends = datetime.fromtimestamp(int(key[:13]) / 1000, UTC)
        change = {"$set": {"hold_key": make_hold_key(ends - ago, number)}}
        store.collection("submissions").update({"id": stored["id"]}, change)


def test_no_answer_to_the_owner_betrays_what_is_held(backend: Backend) -> None:
    accounts = SampleAccounts(backend)
    two = accounts.sort_two()
    backend.services.lesions.counts.recount(accounts.named["lesion"])
    number, ada, doctor = (
        accounts.named["number"],
        accounts.people["user"],
        accounts.people["doctor"],
    )
    assert ada
    assert doctor
    routes = declared(backend)
    own, anybody = PEOPLE.index("user"), PEOPLE.index("anonymous")
    readable = [
        name
        for name, row in ROWS.items()
        if routes[name].method == "GET" and row.who[own] == "o" and row.who[anybody] != "o"
    ]

    def read_all() -> dict[str, bytes]:
        answers = {
            name: ada.call(
                "GET",
                ROWS[name].path.format_map(accounts.named),
                **(two if name == "compare_findings" else {}),
            )
            for name in readable
            if name not in NOT_OF_FINDINGS
        }
        assert {answer.status_code for answer in answers.values()} == {200}
        told = {name: MADE_AT.sub(b"", answer.data) for name, answer in answers.items()}
        return {**told, "seal": ada.call("GET", f"/reports/verify/{seal}").data}

    seal = ada.call("GET", f"/submissions/{number}/report.json").get_json()["verification"]["hash"]
    before = read_all()
    findings = list(two["query_string"].values())
    for finding in findings:
        hold(doctor, finding)
    draft = doctor.call("POST", f"/submissions/{number}/letters", json={"reader": "patient"})
    letter = draft.get_json()
    path, body = f"/letters/{letter['_id']}/sign", {"version": 1}
    body |= {name: letter[name] for name in ("text", "decision")}
    assert doctor.call("POST", path, json=body).status_code == 200
    assert decided(doctor, int(number)) == "melanoma"  # which issues a report of its own
    assert read_all() == before
    assert decided(doctor, int(number)) == "melanoma"
    for finding in findings:
        pass_days(backend, finding, 2)
    changed = {name for name, answer in read_all().items() if answer != before[name]}
    assert changed >= {
        "list_submissions", "show_submission", "list_lesions", "show_lesion", "list_course",
        "compare_findings", "list_reviews", "list_letters", "list_spot_letters", "show_report",
        "show_report_json", "show_report_html", "show_report_pdf", "seal",
    }  # fmt: skip


def test_the_order_of_a_doctors_patients_tells_a_program_of_no_hold(backend: Backend) -> None:
    doctor, ada = patient_in_care(backend)
    other = patient_of(backend, doctor, "lin@example.org")
    number = file_for(backend, ada, REVIEW, finding=MOLE).number
    file_for(backend, other, REVIEW, finding=MOLE)
    program, _ = made(doctor, scopes=["findings:read"])

    def order() -> list[str]:
        return [item["_id"] for item in program.call("GET", "/patients").get_json()]

    before = order()
    hold(doctor, number)
    assert order() == before == [backend.account(item.email).id for item in (ada, other)]


def test_a_held_decision_is_shown_by_itself_when_its_time_has_come(backend: Backend) -> None:
    doctor, ada = patient_in_care(backend)
    number = file_for(backend, ada, REVIEW, finding=MOLE).number
    assert sign(doctor, number, label="dermatofibroma", histology=None).status_code == 201
    review = hold(doctor, number)
    assert datetime.fromisoformat(review["held_until"]) > now()
    assert decided(ada, number) == "dermatofibroma"
    assert decided(doctor, number) == "melanoma"
    seen = doctor.call("GET", f"/submissions/{number}").get_json()["decision"]
    assert seen["held_until"] == review["held_until"]
    assert len(ada.call("GET", f"/submissions/{number}/reviews").get_json()) == 1
    assert len(doctor.call("GET", f"/submissions/{number}/reviews").get_json()) == 2
    assert list(check_integrity(backend.services)) == []
    pass_days(backend, number, 2)
    assert decided(ada, number) == decided(doctor, number) == "melanoma"
    assert len(ada.pages(f"/submissions/{number}/reviews?limit=1")) == 2
    assert list(backend.services.reviews.check_integrity()) == []


def test_a_report_that_the_owner_opens_during_the_hold_is_told_to_be_the_newest(
    backend: Backend,
) -> None:
    doctor, ada = patient_in_care(backend)
    number = file_for(backend, ada, REVIEW, finding=MOLE).number
    hold(doctor, number)
    path = f"/submissions/{number}/report.json"

    def verdict_on(reader: Person) -> Any:
        code = reader.call("GET", path).get_json()["verification"]["hash"]
        return ada.call("GET", f"/reports/verify/{code}").get_json()

    assert verdict_on(doctor)["newest"], "the doctor's says what is decided"
    told = verdict_on(ada)
    assert (told["newest"], told["superseded"]) == (True, None)
    kept = ada.call("GET", path).get_json()["verification"]["hash"]
    pass_days(backend, number, 2)
    ended = ada.call("GET", f"/reports/verify/{kept}").get_json()
    assert ended["superseded"]["later_decision_at"]
    assert verdict_on(ada)["newest"], "what the doctor read first, and not what was issued last"


def test_the_seals_of_a_spot_tell_what_is_held_about_another_photo_to_the_doctors_paper_alone(
    backend: Backend,
) -> None:
    doctor, ada = patient_in_care(backend)
    lesion = ada.call("POST", "/lesions", json={"place": {"site": "back"}}).get_json()["id"]
    first, second = (
        file_for(backend, ada, REVIEW, finding=MOLE, lesion=lesion).number for _ in range(2)
    )
    path = f"/submissions/{first}/report.json"

    def codes() -> list[str]:
        readers = doctor, ada
        return [reader.call("GET", path).get_json()["verification"]["hash"] for reader in readers]

    def superseded(code: str) -> Any:
        return ada.call("GET", f"/reports/verify/{code}").get_json()["superseded"]

    [before, _] = codes()
    hold(doctor, second)
    assert superseded(before) is None, "whoever asks may be the patient"
    held, own = codes()
    assert own == before != held
    assert superseded(held) is superseded(own) is None
    pass_days(backend, second, 2)
    assert superseded(held) is None
    assert superseded(own)["spot_changed_at"]


def test_the_doctor_in_charge_shows_it_before(backend: Backend) -> None:
    doctor, ada = patient_in_care(backend)
    number = file_for(backend, ada, REVIEW, finding=MOLE).number
    hold(doctor, number)
    path = f"/submissions/{number}/hold"
    assert ada.call("DELETE", path).status_code == 403
    assert backend.member(role="doctor").call("DELETE", path).status_code == 404
    assert decided(ada, number) is None
    second = hold(doctor, number)
    signed = [
        item["_id"] for item in doctor.call("GET", f"/submissions/{number}/reviews").get_json()
    ]
    assert (len(signed), signed[-1]) == (2, second["_id"])
    ended = doctor.call("DELETE", path)
    assert ended.status_code == 200
    assert ended.get_json()["message"] == "Shown to the patient"
    assert [item["_id"] for item in ended.get_json()["shown"]] == signed
    again = doctor.call("DELETE", path).get_json()
    assert again == {"message": "Nothing was held back", "shown": []}
    assert decided(ada, number) == "melanoma"
    shown = ada.call("GET", f"/submissions/{number}/reviews").get_json()
    assert ["held_until" in item for item in shown] == [False, False]
    trail = backend.services.store.collection("audit").find({"action": "review.show"})
    assert len(trail) == 1


@pytest.mark.parametrize("gone", ["suspend", "delete"])
def test_a_hold_ends_at_its_time_although_its_doctor_is_gone(backend: Backend, gone: str) -> None:
    doctor, ada = patient_in_care(backend)
    number = file_for(backend, ada, REVIEW, finding=MOLE).number
    hold(doctor, number)
    root = backend.admin()
    if gone == "suspend":
        assert root.call("PATCH", f"/users/{doctor.email}/suspend").status_code == 200
    else:
        assert root.call("DELETE", f"/doctors/{doctor.email}").status_code == 200
    assert decided(ada, number) is None
    pass_days(backend, number, 2)
    assert decided(ada, number) == "melanoma"


@pytest.mark.parametrize(
    ("said", "says"),
    [
        ({"days": 7.1}, "within 7 days"),
        ({"days": -0.1}, "lies ahead"),
        ({"days": 2, "label": "dermatofibroma", "histology": None}, "Only a cancer"),
    ],
)
def test_what_may_not_be_held_is_refused_with_a_sentence(
    backend: Backend, said: dict[str, Any], says: str
) -> None:
    doctor, ada = patient_in_care(backend)
    number = file_for(backend, ada, REVIEW, finding=MOLE).number
    days = said.pop("days")
    answer = sign(doctor, number, hold_until=in_days(days), **said)
    assert (answer.status_code, answer.get_json()["code"]) == (422, "hold_refused")
    assert says in answer.get_json()["detail"]
    assert decided(doctor, number) is None


def test_a_benign_name_that_asks_for_a_visit_this_week_may_be_held(backend: Backend) -> None:
    doctor, ada = patient_in_care(backend)
    number = file_for(backend, ada, REVIEW, finding=MOLE).number
    hold(doctor, number, label="inflammatory", histology=None, urgency="urgent_referral")
    assert decided(ada, number) is None


def test_who_asks_what_has_changed_learns_of_it_when_the_hold_ends(backend: Backend) -> None:
    doctor, ada = patient_in_care(backend)
    number = file_for(backend, ada, REVIEW, finding=MOLE).number

    def last_changed() -> Any:
        found = backend.services.store.collection("submissions").find({"number": number})
        return found[0]["changed"], found[0].get("hold_key")

    filed, _ = last_changed()
    hold(doctor, number)
    held, waits = last_changed()
    assert (held, waits is not None) == (filed, True)
    pass_days(backend, number, 3)
    backend.app.background.run("ended-holds")
    shown, waits = last_changed()
    assert shown > filed
    assert waits is None
    backend.app.background.run("ended-holds")
    assert last_changed() == (shown, None)


class TestMails:
    """The mail that a doctor has answered goes out when the patient can read it."""

    @pytest.fixture
    def given(self, smtp: SmtpServer) -> dict[str, str]:
        return {"smtp_url": smtp.url, "mail_from": "clinic@example.org"}

    def test_no_malignant_label_leaves_before_it_is_said_who_tells_the_patient(
        self, backend: Backend, smtp: SmtpServer
    ) -> None:
        grey, ada = patient_in_care(backend)
        for said in ({"histology": "not_taken"}, MELANOMA, {**MELANOMA, "told_by": "doctor"}):
            number = file_for(backend, ada, REVIEW, finding=MOLE).number
            answer = sign(grey, number, **said)
            assert answer.status_code == 201
            held = datetime.fromisoformat(answer.get_json()["held_until"]) - now()
            assert timedelta(days=1) < held <= timedelta(days=2)
            assert (decided(ada, number), decided(grey, number)) == (None, "melanoma")
        number = file_for(backend, ada, REVIEW, finding=MOLE).number
        both = sign(grey, number, told_by="server", hold_until=in_days(2))
        assert (both.status_code, both.get_json()["code"]) == (422, "hold_refused")
        shown = sign(grey, number, told_by="server").get_json()
        assert "held_until" not in shown
        assert (shown["telling"]["way"], shown["telling"]["held_until"]) == ("mail", None)
        harmless = file_for(backend, ada, REVIEW, finding=MOLE).number
        mole = {"label": "melanocytic_nevus", "histology": None}
        assert "held_until" not in sign(grey, harmless, **mole).get_json()
        backend.app.background.run("notice-sender")
        [mail] = smtp.mails
        assert f"finding/{number}" in mail.get_content(), "of what the server was to tell"
        assert decided(ada, number) == "melanoma"

    def test_nobody_is_told_before_the_hold_ends(self, backend: Backend, smtp: SmtpServer) -> None:
        doctor, ada = patient_in_care(backend)
        number = file_for(backend, ada, REVIEW, finding=MOLE).number
        hold(doctor, number, days=6)
        backend.app.background.run("notice-sender")
        assert smtp.mails == []
        assert backend.services.store.collection("outbox").find() == []
        assert doctor.call("DELETE", f"/submissions/{number}/hold").status_code == 200
        backend.app.background.run("notice-sender")
        assert [mail["Subject"] for mail in smtp.mails] == ["A doctor has answered"]


def test_the_answer_says_until_when_a_review_is_held_and_why(backend: Backend) -> None:
    grey, ada = patient_in_care(backend)
    number = file_for(backend, ada, REVIEW, finding=MOLE).number
    unsaid, by_doctor = sign(grey, number).get_json(), sign(grey, number, told_by="doctor")
    for review, why in ((unsaid, "nobody has said who"), (by_doctor.get_json(), "you tell")):
        telling = review["telling"]
        assert telling["held_until"] == review["held_until"]
        assert f"{datetime.fromisoformat(review['held_until']):%H:%M} UTC" in telling["sentence"]
        assert why in telling["sentence"]


def test_the_server_tells_nobody_to_whom_no_mail_goes(backend: Backend) -> None:
    grey, ada = patient_in_care(backend)
    number = file_for(backend, ada, REVIEW, finding=MOLE).number
    refused = sign(grey, number, told_by="server")
    assert (refused.status_code, refused.get_json()["code"]) == (422, "no_mail_to_patient")
    case = f"/submissions/{number}/case"
    assert grey.call("GET", case).get_json()["telling"] == "log_in"
    telling = sign(grey, number, told_by="nobody").get_json()["telling"]
    assert (telling["way"], telling["held_until"]) == ("log_in", None)
    assert "next log-in" in telling["sentence"]


def test_a_patient_who_wants_no_mails_or_is_of_another_system_gets_none(
    tmp_path: Path, smtp: SmtpServer
) -> None:
    at = Backend(tmp_path, smtp_url=smtp.url, mail_from="clinic@example.org")
    grey, ada = patient_in_care(at)
    number = file_for(at, ada, REVIEW, finding=MOLE).number
    case = f"/submissions/{number}/case"
    accounts = at.services.store.collection("accounts")
    changes: tuple[tuple[dict[str, Any], str], ...]
    changes = (({}, "mail"), ({"notices": False}, "log_in"), ({"external": "h"}, "none"))
    for change, way in changes:
        if change:
            accounts.update({"email": ada.email}, {"$set": change})
        assert grey.call("GET", case).get_json()["telling"] == way
        answer = sign(grey, number, told_by="server")
        assert answer.status_code == (201 if way == "mail" else 422), change


def test_no_other_system_shows_anything_unless_a_key_in_force_says_so(backend: Backend) -> None:
    grey, ada = patient_in_care(backend)
    number = file_for(backend, ada, REVIEW, finding=MOLE).number
    backend.services.store.collection("accounts").update(
        {"email": ada.email}, {"$set": {"external": "h", "number_system": "urn:x"}}
    )
    admin = backend.member(role="admin")
    made(admin, "/admin/keys", scopes=["findings:write"])
    made(admin, "/admin/keys", scopes=["findings:read"])

    def telling() -> str:
        told = grey.call("GET", f"/submissions/{number}/case").get_json()["telling"]
        assert isinstance(told, str)
        return told

    assert telling() == "none", "a program of statistics tells nobody"
    made(admin, "/admin/keys", scopes=["findings:read"], shows_patients_of=["urn:y"])
    assert telling() == "none", "it shows those of another hospital"
    told = {"scopes": ["findings:read"], "shows_patients_of": ["urn:y", "urn:x"]}
    key = made(admin, "/admin/keys", **told)[1]["_id"]
    assert telling() == "other_system"
    assert admin.call("DELETE", f"/admin/keys/{key}").status_code == 200
    assert telling() == "none"
    assert sign(grey, number, told_by="nobody").status_code == 422
    assert grey.call("GET", "/people-to-reach").get_json() == []
    patient = backend.account(ada.email).id
    unread = grey.call("POST", f"/patients/{patient}/messages", json={"text": "Call us."})
    assert (unread.status_code, unread.get_json()["code"]) == (409, "patient_shut_out")
    assert sign(grey, number, told_by="doctor").get_json()["telling"]["way"] == "none"
    assert grey.call("DELETE", f"/submissions/{number}/hold").status_code == 200
    [person] = grey.call("GET", "/people-to-reach").get_json()
    assert [(item["number"], item["why"]) for item in person["findings"]] == [(number, "unopened")]


def test_a_case_says_when_the_patient_has_opened_what_was_decided(backend: Backend) -> None:
    grey, ada = patient_in_care(backend)
    number = file_for(backend, ada, REVIEW, finding=MOLE).number
    case, finding = f"/submissions/{number}/case", f"/submissions/{number}"

    def opened() -> bool:
        return "opened_at" in grey.call("GET", case).get_json()

    ada.call("GET", finding)
    assert not opened(), "nothing was decided"
    hold(grey, number)
    ada.call("GET", finding)
    assert not opened(), "it is held back"
    grey.call("DELETE", f"{finding}/hold")
    grey.call("GET", finding)
    ada.call("GET", "/submissions")
    assert not opened(), "the doctor has read it, and the patient a list"
    ada.call("GET", finding)
    assert opened()
    sign(grey, number, told_by="nobody")
    assert not opened(), "another decision"
    ada.call("GET", f"{finding}/report")
    assert opened()


def test_of_two_holds_each_is_told_of_at_its_end_and_once(backend: Backend) -> None:
    told = list[str]()
    backend.services.data.work.inside(ReviewSigned, lambda event: told.append(event.review.id))
    doctor, ada = patient_in_care(backend)
    place = {"place": {"site": "back", "side": "rear"}}
    lesion = ada.call("POST", "/lesions", json=place).get_json()["id"]
    number = file_for(backend, ada, REVIEW, finding=MOLE, lesion=lesion).number
    reviews = [hold(doctor, number, days)["_id"] for days in (2, 4)]
    passes = EndedHolds(backend.services.reviews, backend.services.data.failed_items)
    for ended in (1, 2):
        pass_days(backend, number, 2)
        file_for(backend, ada, REVIEW, finding=MOLE, lesion=lesion)
        passes.run_once()
        passes.run_once()
        assert told == reviews[:ended]
    assert list(check_integrity(backend.services)) == []
