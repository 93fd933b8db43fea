from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from werkzeug.test import TestResponse

from skinapi.app.integrity_check import check_integrity
from skinapi.care import message_records as module
from skinapi.care import messages as message_service
from skinapi.platform.storage.unit_of_work import UnitOfWork
from tests.care.clinic import ROUTINE, file_for, patient_of
from tests.care.conversation import Talk
from tests.findings.prediction.photographer import predicted
from tests.findings.records.test_races import Call, overlapped, overlapped_back
from tests.support.backends import MAIL, Backend

MARKUP = "<b>not bold</b> & <img src=x onerror=alert(1)>\nsecond line"


@pytest.fixture
def given() -> dict[str, Any]:
    return MAIL


@pytest.fixture
def talk(backend: Backend) -> Talk:
    return Talk(backend)


@pytest.fixture
def either(any_backend: Backend) -> Talk:
    return Talk(any_backend)


@pytest.fixture(params=[True, False], ids=["a spot", "no spot"])
def each(request: pytest.FixtureRequest, any_backend: Backend) -> Talk:
    return Talk(any_backend, about_a_spot=request.param)


def code_of(answer: TestResponse) -> tuple[int, str]:
    return answer.status_code, answer.get_json()["code"]


def test_patient_and_doctor_read_what_both_wrote_in_its_order(each: Talk) -> None:
    for by, text in ((each.ada, "one"), (each.grey, "two"), (each.ada, MARKUP)):
        each.sent(by, text)
    texts = ["one", "two", MARKUP]
    for person in (each.ada, each.grey):
        assert each.texts(person) == each.texts(person, "?limit=1") == texts
        assert each.texts(person, "?order=newest&limit=2") == texts[::-1]
    first, second, _ = each.grey.call("GET", each.path).get_json()
    assert (first["by"], first["name"], first["own"]) == ("patient", None, False)
    assert (second["by"], second["name"], second["own"]) == ("doctor", "Ada Example", True)


def test_a_message_names_a_finding_until_that_is_deleted(each: Talk) -> None:
    number, _ = (predicted(each.ada, lesion=each.lesion)["id"] for _ in range(2))
    finding = each.ada.call("GET", f"/submissions/{number}").get_json()["_id"]
    assert each.sent(each.grey, submission=finding)["finding"] == number
    assert each.ada.call("DELETE", f"/submissions/{number}").status_code == 200
    [message] = each.ada.call("GET", each.path).get_json()
    assert (message["text"], message["finding"]) == ("hello", None)
    assert code_of(each.send(each.grey, submission=finding)) == (404, "not_found")


def test_a_finding_of_another_spot_is_not_found(talk: Talk) -> None:
    number = predicted(talk.ada, lesion=talk.begin())["id"]
    finding = talk.ada.call("GET", f"/submissions/{number}").get_json()["_id"]
    assert code_of(talk.send(talk.ada, submission=finding)) == (404, "not_found")


def test_the_same_message_sent_again_is_there_once(each: Talk) -> None:
    first, again = (each.sent(each.ada, key="k") for _ in range(2))
    assert first == again
    assert code_of(each.send(each.ada, "other", key="k")) == (422, "idempotency_key_reused")
    assert each.texts(each.grey) == ["hello"]


@pytest.mark.parametrize(
    "text", ["", " \n ", "\u200b", "a\x00b", "\u202eevil", "x" * (module.LONGEST_MESSAGE + 1)]
)
def test_what_is_no_message_is_refused(talk: Talk, text: str) -> None:
    assert code_of(talk.send(talk.ada, text)) == (400, "invalid_body")


def test_what_waits_is_counted_for_each_spot_and_named(either: Talk) -> None:
    for _ in range(3):
        either.sent(either.ada)
    [waiting] = either.waiting(either.grey)
    told = (waiting["lesion"], waiting["patient_name"], waiting["place"]["site"])
    assert (*told, waiting["unread"]) == (either.lesion, "Ada Example", "back", 3)
    assert waiting["finding"] is None
    numbers = [predicted(either.ada, lesion=either.lesion)["id"] for _ in range(2)]
    [waiting] = either.waiting(either.grey)
    assert waiting["finding"] == numbers[-1]
    assert waiting["patient"] == either.grey.call("GET", "/patients").get_json()[0]["_id"]
    assert either.waiting(either.ada) == []
    either.sent(either.grey)
    either.read(either.ada)
    assert either.waiting(either.ada) == []


def test_a_question_that_was_on_the_doctors_screen_waits_until_it_is_answered(
    each: Talk,
) -> None:
    each.sent(each.ada, "It bleeds since yesterday. Should I come?")
    for _ in range(2):  # sent again
        each.read(each.grey)
    path = each.path
    [question] = each.ada.call("GET", path).get_json()
    assert (question["read_at"] is not None, question["waits"]) == (True, True)
    assert each.waits(each.grey) == [1]
    each.sent(each.ada, "It bleeds again.")
    each.sent(each.grey, "Come today.")
    assert each.waits(each.grey) == [1], "the answer was written before that was seen"
    each.read(each.grey)
    each.sent(each.grey, "At ten.")
    assert each.waiting(each.grey) == []
    assert [item["waits"] for item in each.ada.call("GET", path).get_json()] == [False] * 4


def test_what_needs_no_answer_is_marked_as_done_with_a_row_in_the_trail(each: Talk) -> None:
    thanks = each.sent(each.ada, "Thank you!")["_id"]
    each.sent(each.ada, "One more question.")
    each.done(each.ada)
    assert each.waits(each.grey) == [2], "who wrote it does not end it"
    for _ in range(2):  # sent again
        each.done(each.grey, thanks)
    assert each.waits(each.grey) == [1]
    admin = each.backend.member(role="admin")
    [row] = admin.call("GET", "/audit?action=message.done").get_json()
    target = each.lesion if each.about_a_spot else each.patient
    assert (row["by_email"], row["target"]) == (each.grey.email, target)
    other = each.backend.member(role="doctor")
    assert code_of(other.call("POST", f"/messages/{thanks}/done")) == (404, "not_found")


def test_what_no_doctor_has_answered_waits_for_the_next_one(each: Talk) -> None:
    each.sent(each.ada, "answered")
    each.read(each.grey)
    each.sent(each.grey)
    each.sent(each.ada, "seen")
    each.read(each.grey)
    each.sent(each.ada, "unseen")
    other = each.backend.member(role="doctor")
    each.backend.services.admin.close_account(of_doctor=True, email=each.grey.email, by="-")
    each.assign(other)
    assert each.waits(other) == [2]
    assert each.waits(each.ada) == [1]


def test_who_is_not_in_charge_any_more_neither_writes_nor_reads(each: Talk) -> None:
    each.sent(each.grey)
    other = each.backend.member(role="doctor")
    each.assign(other)
    assert code_of(each.send(each.grey)) == (404, "not_found")
    assert each.grey.call("GET", each.path).status_code == 404
    assert each.texts(other) == ["hello"]


def test_a_doctor_who_loses_the_role_while_writing_is_refused(
    each: Talk, monkeypatch: pytest.MonkeyPatch
) -> None:
    admin, run = each.backend.member(role="admin"), UnitOfWork.run

    def demoted(*arguments: Any, **options: Any) -> Any:
        monkeypatch.undo()
        answer = admin.call("PUT", f"/users/{each.grey.email}/role", json={"role": "user"})
        assert answer.status_code == 200
        return run(*arguments, **options)

    monkeypatch.setattr(UnitOfWork, "run", demoted)
    assert code_of(each.send(each.grey)) == (404, "not_found")
    assert each.texts(each.ada) == []


def test_nobody_writes_where_nobody_reads(each: Talk) -> None:
    each.backend.services.admin.suspend_account(email=each.grey.email, by="-")
    assert code_of(each.send(each.ada)) == (409, "nobody_in_charge")
    each.assign(None)
    assert code_of(each.send(each.ada)) == (409, "nobody_in_charge")


def test_who_is_not_read_cannot_go_on_writing(each: Talk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(message_service, "MOST_UNREAD", 2)
    for _ in range(2):
        each.sent(each.ada)
    assert code_of(each.send(each.ada)) == (422, "too_many_unread")
    each.sent(each.grey)


def test_an_answer_stands_below_the_question_whatever_the_clocks_say(
    each: Talk, monkeypatch: pytest.MonkeyPatch
) -> None:
    newest = each.sent(each.ada, "question")["_id"]
    monkeypatch.setattr("skinapi.platform.storage.ids.new_id", lambda: "0" * 31 + "1")
    assert each.sent(each.grey, "answer")["_id"] > newest


def test_what_was_said_about_a_deleted_spot_is_about_none(either: Talk) -> None:
    path, messages = f"/lesions/{either.lesion}", f"/conversations/{either.lesion}/messages"
    file_for(either.backend, either.ada, ROUTINE, lesion=either.lesion)
    either.sent(either.ada, text="It bleeds.")
    assert either.ada.call("DELETE", path).status_code == 200
    for side in (either.ada, either.grey):
        assert side.call("GET", path).status_code == 404
        assert side.call("POST", messages, json={"text": "And now?"}).status_code == 404
    either.about_a_spot = False
    (waiting,) = either.grey.call("GET", "/messages").get_json()
    assert (waiting["lesion"], waiting["unread"]) == (None, 1)
    [row] = either.grey.pages("/waiting?kind=answer")
    assert (row["patient_id"], row["lesion"], row["finding"]) == (either.patient, None, None)
    assert either.texts(either.grey) == either.texts(either.ada) == ["It bleeds."]
    either.done(either.grey)
    assert either.waits(either.grey) == []
    assert list(check_integrity(either.backend.services)) == []


def test_the_words_of_a_doctor_stay_after_the_account_is_deleted(each: Talk) -> None:
    each.sent(each.grey)
    each.backend.services.admin.close_account(of_doctor=True, email=each.grey.email, by="-")
    assert each.texts(each.ada) == ["hello"]
    each.backend.services.admin.close_account(of_doctor=False, email=each.ada.email, by="-")
    assert each.backend.stored()["messages"] == []


def test_a_message_of_a_spot_that_is_gone_is_a_fault(talk: Talk) -> None:
    talk.sent(talk.ada)
    talk.backend.services.store.collection("lesions").delete({"id": talk.lesion})
    [fault] = talk.backend.services.data.messages.check_integrity(talk.backend.services.lesions.has)
    assert fault.repair
    fault.repair()
    assert talk.backend.stored()["messages"] == []


@pytest.fixture
def general(any_backend: Backend) -> Talk:
    return Talk(any_backend, about_a_spot=False)


def test_a_patient_without_a_spot_writes_and_the_doctor_reads_of_it_in_the_list(
    general: Talk,
) -> None:
    other = patient_of(general.backend, general.grey)
    assert general.ada.call("DELETE", f"/lesions/{general.lesion}").status_code == 200
    general.sent(general.ada, "May I swim?")
    general.sent(general.ada, "In the sea?")
    [waiting] = general.waiting(general.grey)
    named = {"patient": general.patient, "patient_name": "Ada Example", "unread": 2}
    nothing = dict.fromkeys(("lesion", "name", "place", "finding"))
    assert waiting == named | nothing
    general.sent(general.grey, "Yes.")
    [waiting] = general.waiting(general.ada)
    assert (waiting["lesion"], waiting["patient"], waiting["unread"]) == (None, None, 1)
    doctor = general.backend.member(role="doctor")
    for stranger in (other, doctor, general.backend.member(role="admin")):
        for method, path, body in (
            ("GET", general.path, None),
            ("POST", general.path, {"text": "?"}),
            ("PUT", f"/messages/{general.newest(general.ada)}/read", None),
            ("POST", f"/messages/{general.newest(general.ada)}/done", None),
        ):
            assert code_of(stranger.call(method, path, json=body)) == (404, "not_found")
    assert general.texts(general.ada) == ["May I swim?", "In the sea?", "Yes."]


def test_of_two_patients_each_has_the_own_conversation(general: Talk) -> None:
    other = patient_of(general.backend, general.grey)
    path = f"/conversations/{general.backend.account(other.email).id}/messages"
    general.sent(general.ada, "of Ada")
    assert other.call("POST", path, json={"text": "of another"}).status_code == 201
    assert general.texts(general.grey) == ["of Ada"]
    general.read(general.grey)
    general.sent(general.grey, "answered")
    [waiting] = general.waiting(general.grey)
    assert (waiting["patient"], waiting["unread"]) == (path.split("/")[2], 1)
    general.backend.services.admin.close_account(of_doctor=False, email=general.ada.email, by="-")
    assert [item["text"] for item in other.call("GET", path).get_json()] == ["of another"]


def test_beside_it_what_is_written_about_a_spot_stands_apart(general: Talk) -> None:
    general.sent(general.ada, "about none")
    general.about_a_spot = True
    general.sent(general.ada, "about a spot")
    assert general.texts(general.grey) == ["about a spot"]
    assert [item["lesion"] for item in general.waiting(general.grey)] == [general.lesion, None]
    general.read(general.grey)
    general.sent(general.grey, "an answer")
    assert [item["lesion"] for item in general.waiting(general.grey)] == [None]
    general.about_a_spot = False
    assert general.texts(general.grey) == ["about none"]


def test_it_names_any_finding_of_the_patient_and_none_of_another(general: Talk) -> None:
    other = patient_of(general.backend, general.grey)
    in_spot: dict[str, Any] = {"lesion": general.lesion}
    in_none: dict[str, Any] = {}
    for person, where, status in (
        (general.ada, in_none, 201),
        (general.ada, in_spot, 201),
        (other, in_none, 404),
    ):
        number = predicted(person, **where)["id"]
        finding = person.call("GET", f"/submissions/{number}").get_json()["_id"]
        answer = general.send(general.ada, submission=finding)
        assert answer.status_code == status
        assert status == 404 or answer.get_json()["finding"] == number


def test_a_mail_leads_to_the_conversation_unless_it_was_read(backend: Backend) -> None:
    general = Talk(backend, about_a_spot=False)
    general.sent(general.ada)
    general.sent(general.grey)
    places = {
        general.grey.email: f"patients/{general.patient}?at=messages",
        general.ada.email: "messages",
    }
    outbox, account = general.backend.services.data.outbox, general.backend.account
    for person in (general.grey, general.ada):
        [notice] = outbox.list_to(account(person.email).id)
        assert notice.about == places[person.email]
        general.read(person)
        assert outbox.list_to(account(person.email).id) == []


def test_what_is_written_while_the_doctor_changes_waits_for_who_is_in_charge_then(
    real_backend: Backend,
) -> None:
    talk, admin = Talk(real_backend, about_a_spot=False), real_backend.member(role="admin")
    doctors = [talk.grey, real_backend.member(role="doctor")]
    path = f"/users/{talk.ada.email}/doctor"
    for turn in range(1, 5):
        now_in_charge = doctors[turn % 2]
        change = partial(admin.call, "PUT", path, json={"doctor": now_in_charge.email})
        assert overlapped(partial(talk.send, talk.ada), change) == (201, 200)
        assert (talk.waits(now_in_charge), talk.waits(doctors[turn % 2 - 1])) == ([turn], [])


@pytest.mark.parametrize("run", [overlapped, overlapped_back])
def test_what_is_written_while_the_doctor_marks_another_as_done_goes_on_waiting(
    real_backend: Backend, run: Callable[[Call, Call], tuple[int, int]]
) -> None:
    talk = Talk(real_backend, about_a_spot=False)
    first = talk.sent(talk.ada, "one")["_id"]
    done = partial(talk.grey.call, "POST", f"/messages/{first}/done")
    assert run(done, partial(talk.send, talk.ada, "two")) == (200, 201)
    assert talk.waits(talk.grey) == [1]
    assert len(talk.grey.pages("/waiting?kind=answer")) == 1
