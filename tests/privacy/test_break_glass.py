"""An admin reads one finding in an emergency: with a reason, for an hour, and everybody is told."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest
from werkzeug.test import TestResponse

from skinapi.findings.records import break_glasses, finding_access, read_notes
from skinapi.platform.notices.mail_texts import WORDS
from skinapi.platform.notices.outbox import Kind
from skinapi.platform.storage.ids import now
from skinapi.privacy import break_glass as service
from tests.care.clinic import patient_in_care
from tests.findings.prediction.photographer import predicted
from tests.findings.records.test_holds import hold
from tests.support.access import RECOVERY_CODE
from tests.support.backends import PASSWORD, Backend, Person, erase
from tests.support.smtp_server import SmtpServer

REASON = "Called by the ward: the patient is unconscious, the doctor cannot be reached"
PICTURES = ("photo", "thumbnail", "heatmap")
REST = ("", "/reviews", "/letters", "/report", "/report.json", "/report.html", "/report.pdf")


@pytest.fixture
def given(smtp: SmtpServer) -> dict[str, str]:
    return {"smtp_url": smtp.url, "mail_from": "clinic@example.org", "photos": "always"}


@contextmanager
def clock(at: datetime) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for module in (break_glasses, read_notes, finding_access, service):
            patch.setattr(module, "now", lambda: at)
        yield


def ask(admin: Person, **body: Any) -> TestResponse:
    wanted = {"reason": REASON, "current_password": PASSWORD, **body}
    return admin.call("POST", "/break-glass", json=wanted)


def opened(admin: Person, **body: Any) -> dict[str, Any]:
    answer = ask(admin, **body)
    assert answer.status_code == 201, answer.text
    grant: dict[str, Any] = answer.get_json()
    return grant


def refused(answer: TestResponse) -> tuple[int, str]:
    assert answer.get_json()["detail"], "a sentence"
    return answer.status_code, answer.get_json()["code"]


def reads(admin: Person, number: int) -> set[int]:
    """The statuses of all that shows a finding."""
    path = f"/submissions/{number}"
    paths = [*(f"{path}/{item}" for item in PICTURES), *(path + item for item in REST)]
    return {admin.call("GET", item).status_code for item in paths}


def acts(backend: Backend) -> list[tuple[str, str, str | None]]:
    """What the audit trail says of it."""
    return [
        (row["action"], row["outcome"], row.get("detail"))
        for row in backend.audit()
        if row["action"].startswith("breakglass") or row.get("detail") == "break-glass"
    ]


def test_an_admin_reads_what_the_doctor_does_and_each_reading_is_in_the_trail(
    backend: Backend,
) -> None:
    doctor, ada = patient_in_care(backend)
    number, other = (predicted(ada, keep_photo="true")["id"] for _ in range(2))
    admin = backend.member(role="admin")
    assert reads(admin, number) == {404}
    grant = opened(admin, number=number)
    assert grant["number"] == number
    assert grant["choices"] == []
    assert reads(admin, number) == {200}
    seen = admin.call("GET", f"/submissions/{number}").get_json()
    doctors = doctor.call("GET", f"/submissions/{number}").get_json()
    assert doctors.pop("spot_state"), "what a doctor signs with"
    assert seen == doctors
    assert reads(admin, other) == {404}
    assert admin.call("DELETE", f"/break-glass/{grant['_id']}").status_code == 200
    assert reads(admin, number) == {404}
    rows = acts(backend)
    assert rows[0] == ("breakglass.ask", "done", None)
    assert set(rows[1:-1]) == {
        ("photo.read", "done", "break-glass"),
        ("thumbnail.read", "done", "break-glass"),
        *(
            ("breakglass.read", "done", what)
            for what in ("finding", "report", "reviews", "letters")
        ),
    }
    assert rows[-1] == ("breakglass.end", "done", "closed")
    readings = ada.pages("/me/readers")
    assert readings[-1] | {"_id": "", "at": ""} == {
        "_id": "",
        "at": "",
        "what": "asked",
        "name": "Ada Example",
        "role": "admin",
        "program": None,
        "finding": number,
        "break_glass": True,
        "refused": False,
    }
    said = {"finding", "report", "reviews", "letters"}
    assert {reading["what"] for reading in readings} == {
        "asked",
        "photo",
        "record",
        "thumbnails",
        *said,
    }


def test_it_ends_after_an_hour_and_what_was_begun_is_finished(backend: Backend) -> None:
    _, ada = patient_in_care(backend)
    number = predicted(ada, keep_photo="true")["id"]
    admin = backend.member(role="admin")
    begun = now()
    opened(admin, number=number)
    with clock(begun + timedelta(minutes=59)):
        printing = admin.call("GET", f"/submissions/{number}/report.pdf", buffered=False)
    with clock(begun + timedelta(minutes=61)):
        assert printing.data.endswith(b"%%EOF\n")
        assert reads(admin, number) == {404}
        (listed,) = admin.call("GET", "/break-glass").get_json()
        assert listed["ended"] == "time"
        backend.app.background.run("break-glass")
        assert acts(backend)[-1] == ("breakglass.end", "done", "time")
        assert opened(admin, number=number)["ended_at"] is None
    with clock(begun):
        assert reads(admin, number) == {404}, "no clock that is set back opens it again"


def test_a_clock_that_is_set_back_lengthens_no_hour(backend: Backend) -> None:
    _, ada = patient_in_care(backend)
    number = predicted(ada, keep_photo="true")["id"]
    admin, begun = backend.member(role="admin"), now()
    opened(admin, number=number)
    with clock(begun + timedelta(minutes=50)):
        assert reads(admin, number) == {200}
    with clock(begun + timedelta(minutes=10)):
        assert reads(admin, number) == {404}
        backend.app.background.run("break-glass")
    assert acts(backend)[-1] == ("breakglass.end", "done", "clock")
    assert reads(admin, number) == {404}


def test_who_was_no_admin_meanwhile_reads_nothing_more(backend: Backend) -> None:
    _, ada = patient_in_care(backend)
    number, root = predicted(ada, keep_photo="true")["id"], backend.admin()
    demoted = [("PUT", "role", {"role": role}) for role in ("user", "admin")]
    suspended = [("PATCH", verb, dict[str, str]()) for verb in ("suspend", "approve")]
    for acts_meanwhile in (demoted, suspended):
        admin = backend.member(role="admin")
        opened(admin, number=number)
        for method, verb, body in acts_meanwhile:
            answer = root.call(method, f"/users/{admin.email}/{verb}", json=body)
            assert answer.status_code == 200
        assert reads(backend.log_in(admin.email), number) == {404}
        assert acts(backend)[-1] == ("breakglass.end", "done", "account")


def test_it_ends_with_its_finding_and_goes_with_its_patient(backend: Backend) -> None:
    doctor, ada = patient_in_care(backend)
    number = predicted(ada, keep_photo="true")["id"]
    admin = backend.member(role="admin")
    opened(admin, number=number)
    assert ada.call("DELETE", f"/submissions/{number}").status_code == 200
    assert acts(backend)[-1] == ("breakglass.end", "done", "finding")
    (told,) = ada.call("GET", "/me/break-glass").get_json()
    assert (told["number"], told["reason"], told["admin_name"]) == (number, REASON, "Ada Example")
    kept = backend.services.store.collection("break_glass")
    admins, doctors = backend.account(admin.email), backend.account(doctor.email)
    backend.admin()
    erase(backend.services, admins)
    assert admins.id not in str(kept.find())
    (told,) = ada.call("GET", "/me/break-glass").get_json()
    assert told["admin_name"] is None
    ada_id = backend.account(ada.email).id
    assert doctors.id in str(kept.find())
    erase(backend.services, backend.account(ada.email))
    assert kept.find() == []
    outlive = ("audit", "guesses", "erased_ids", "erasure_receipts", "outbox", "people_to_reach")
    assert ada_id not in str(backend.stored(but=outlive))


def test_a_patient_is_found_by_e_mail_and_one_finding_is_chosen_within_the_same_act(
    backend: Backend,
) -> None:
    _, ada = patient_in_care(backend)
    numbers = [predicted(ada)["id"] for _ in range(2)]
    strangers = predicted(backend.member())["id"]
    admin = backend.member(role="admin")
    grant = opened(admin, email=ada.email)
    assert [item.keys() for item in grant["choices"]] == [{"number", "created_at"}] * 2
    assert [item["number"] for item in grant["choices"]] == numbers[::-1]
    assert {admin.call("GET", f"/submissions/{number}").status_code for number in numbers} == {404}
    path = f"/break-glass/{grant['_id']}/finding"
    assert refused(admin.call("PUT", path, json={"number": strangers})) == (404, "not_found")
    another = backend.member(role="admin")
    assert refused(another.call("PUT", path, json={"number": numbers[0]})) == (404, "not_found")
    assert admin.call("PUT", path, json={"number": numbers[0]}).status_code == 200
    assert admin.call("GET", f"/submissions/{numbers[0]}").status_code == 200
    again = admin.call("PUT", path, json={"number": numbers[1]})
    assert refused(again) == (409, "break_glass_chosen")
    assert admin.call("GET", f"/submissions/{numbers[1]}").status_code == 404
    found = [(item["what"], item["refused"]) for item in ada.pages("/me/readers")]
    assert found == [
        ("chosen", True),
        ("finding", False),
        ("chosen", False),
        ("chosen", True),
        ("asked", False),
    ]


def test_everybody_concerned_is_told_by_mail_that_names_nothing(
    backend: Backend, smtp: SmtpServer
) -> None:
    doctor, ada = patient_in_care(backend)
    number = predicted(ada)["id"]
    hold(doctor, number)
    backend.services.store.collection("outbox").delete({})
    admin, another = (backend.member(role="admin") for _ in range(2))
    assert ada.call("PUT", "/me/notices", json={"mail": False}).status_code == 200
    opened(admin, number=number)
    backend.app.background.run("notice-sender")
    texts = WORDS["en"].texts
    told = {str(mail["To"]): mail.get_content() for mail in smtp.mails}
    assert told.keys() >= {ada.email, doctor.email, another.email}
    assert admin.email not in told
    page = "http://127.0.0.1:5000/#"
    for person, kind, place in (
        (ada, Kind.GLASS_BROKEN, "my-data"),
        (doctor, Kind.GLASS_BROKEN_OF_PATIENT, "my-data"),
        (another, Kind.GLASS_BROKEN_BY_ADMIN, "data-protection"),
    ):
        assert told[person.email].split() == [*texts[kind].split(), f"{page}/{place}"]


def test_who_is_in_charge_as_the_finding_is_chosen_is_told(backend: Backend) -> None:
    former, ada = patient_in_care(backend)
    doctor, admin = backend.member(role="doctor"), backend.member(role="admin")
    number = predicted(ada)["id"]
    grant = opened(admin, email=ada.email)
    body = {"doctor": doctor.email}
    assert admin.call("PUT", f"/users/{ada.email}/doctor", json=body).status_code == 200
    assert doctor.pages("/me/break-glass") == []
    path = f"/break-glass/{grant['_id']}/finding"
    assert admin.call("PUT", path, json={"number": number}).status_code == 200
    assert [item["number"] for item in doctor.pages("/me/break-glass")] == [number]
    outbox = backend.services.data.outbox
    account = backend.account(doctor.email).id
    assert outbox.find_last(Kind.GLASS_BROKEN_OF_PATIENT, to=account, about="my-data")
    assert former.pages("/me/break-glass") == []


def test_the_console_tells_who_has_not_seen_it(backend: Backend) -> None:
    doctor, ada = patient_in_care(backend)
    opened(backend.member(role="admin"), number=predicted(ada)["id"])

    def untold(person: Person) -> int:
        count: int = person.call("GET", "/me/break-glass/untold").get_json()["count"]
        return count

    assert [untold(item) for item in (ada, doctor, backend.member())] == [1, 1, 0]
    assert ada.call("PUT", "/me/break-glass/told").status_code == 200
    assert [untold(item) for item in (ada, doctor)] == [0, 1]
    assert [item["own"] for item in ada.pages("/me/break-glass")] == [True]
    assert [item["own"] for item in doctor.pages("/me/break-glass")] == [False]


def test_a_reason_is_not_read_by_the_patient_while_a_doctor_holds_something_back(
    backend: Backend,
) -> None:
    doctor, ada = patient_in_care(backend)
    number = predicted(ada)["id"]
    hold(doctor, number)
    opened(backend.member(role="admin"), number=number)
    (told,) = ada.call("GET", "/me/break-glass").get_json()
    assert told["reason"] is None
    (told,) = doctor.call("GET", "/me/break-glass").get_json()
    assert told["reason"] == REASON
    assert doctor.call("DELETE", f"/submissions/{number}/hold").status_code == 200
    (told,) = ada.call("GET", "/me/break-glass").get_json()
    assert told["reason"] == REASON


def test_who_does_not_know_the_password_learns_of_no_number(backend: Backend) -> None:
    _, ada = patient_in_care(backend)
    number = predicted(ada)["id"]
    admin = backend.member(role="admin")
    answers = [ask(admin, number=item, current_password="no") for item in (number, 4711)]
    assert [refused(answer) for answer in answers] == [(403, "wrong_password")] * 2
    assert answers[0].get_json()["detail"] == answers[1].get_json()["detail"]
    assert acts(backend) == [("breakglass.ask", "wrong_password", None)] * 2
    backend.edit(
        admin.email, second_factor={"salt": "", "confirmed": True, "recovery": [RECOVERY_CODE]}
    )
    sessions = backend.services.store.collection("sessions")
    sessions.update_all(
        {"account": backend.account(admin.email).id}, {"$set": {"factor_given": True}}
    )
    assert refused(ask(admin, number=number)) == (403, "code_required")
    assert backend.services.store.collection("outbox").find({"kind": "glass_broken"}) == []


def test_what_is_no_request_is_refused_with_a_sentence(backend: Backend) -> None:
    admin = backend.member(role="admin")
    for body in (
        {"number": 1, "reason": "too short"},
        {"number": 1, "reason": "\u200b" * 40},
        {"number": 1, "reason": "a reason \u202eof the other way round"},
        {"number": 10**16},
        {"email": "a" * 300},
        {"number": 1, "email": "ada@example.org"},
        {},
        {"number": 1, "hours": 5},
    ):
        assert refused(ask(admin, **body)) == (400, "invalid_body")
    assert acts(backend) == []


def test_what_is_not_there_and_what_is_ones_own_is_refused_and_counted(backend: Backend) -> None:
    admin, nobody = backend.member(role="admin"), backend.member()
    own = predicted(admin)["id"]
    assert refused(ask(admin, number=own)) == (409, "break_glass_not_needed")
    for unknown in ({"number": 4711}, {"email": nobody.email}, {"email": "who@example.org"}):
        assert refused(ask(admin, **unknown)) == (404, "not_found")
    assert refused(ask(admin, number=4711)) == (429, "too_many_break_glass")
    # It may name somebody whose account is erased later.
    assert REASON not in str(backend.stored())
    assert [outcome for _, outcome, _ in acts(backend)] == [
        "break_glass_not_needed",
        *["not_found"] * 3,
        "too_many_break_glass",
    ]


def test_more_than_a_few_in_a_day_are_refused_and_the_other_admins_are_told_once(
    backend: Backend, smtp: SmtpServer
) -> None:
    ada = backend.member()
    number = predicted(ada)["id"]
    admin, another = (backend.member(role="admin") for _ in range(2))
    for _ in range(3):
        grant = opened(admin, number=number)
        assert admin.call("DELETE", f"/break-glass/{grant['_id']}").status_code == 200
    backend.app.background.run("notice-sender")
    smtp.mails.clear()
    for _ in range(3):
        assert refused(ask(admin, number=number)) == (429, "too_many_break_glass")
    backend.app.background.run("notice-sender")
    subject = WORDS["en"].subjects[Kind.GLASS_BROKEN_OFTEN]
    assert [(str(mail["To"]), mail["Subject"]) for mail in smtp.mails] == [(another.email, subject)]
    assert [item["ended"] for item in another.pages("/break-glass")] == ["limit", *["closed"] * 3]
    with clock(now() + timedelta(hours=25)):
        opened(admin, number=number)


def test_an_operator_can_switch_it_off(backend: Backend) -> None:
    object.__setattr__(backend.services.break_glass, "most", 0)
    answer = ask(backend.member(role="admin"), number=1)
    assert refused(answer) == (403, "break_glass_off")


def test_a_key_of_an_admin_reads_nothing_by_it(backend: Backend) -> None:
    ada, admin = backend.member(), backend.member(role="admin")
    number = predicted(ada)["id"]
    wanted = {"name": "mine", "scopes": ["findings:read"], "current_password": PASSWORD}
    secret = admin.call("POST", "/keys", json=wanted).get_json()["secret"]
    opened(admin, number=number)
    assert reads(Person(backend.client, secret), number) == {404}
