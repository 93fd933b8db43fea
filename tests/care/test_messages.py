"""The conversation of a spot: its owner and the doctor in charge, and nobody else."""

from typing import Any

import pytest
from werkzeug.test import TestResponse

from skinapi.care import message_records as module
from skinapi.care import messages as message_service
from skinapi.platform.storage.unit_of_work import UnitOfWork
from tests.care.conversation import Talk
from tests.findings.prediction.photographer import predicted
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


def code_of(answer: TestResponse) -> tuple[int, str]:
    return answer.status_code, answer.get_json()["code"]


def test_patient_and_doctor_read_what_both_wrote_in_its_order(either: Talk) -> None:
    for by, text in ((either.ada, "one"), (either.grey, "two"), (either.ada, MARKUP)):
        either.sent(by, text)
    texts = ["one", "two", MARKUP]
    for person in (either.ada, either.grey):
        assert either.texts(person) == either.texts(person, "?limit=1") == texts
        assert either.texts(person, "?order=newest&limit=2") == texts[::-1]
    first, second, _ = either.grey.call("GET", f"/lesions/{either.lesion}/messages").get_json()
    assert (first["by"], first["name"], first["own"]) == ("patient", None, False)
    assert (second["by"], second["name"], second["own"]) == ("doctor", "Ada Example", True)


def test_a_message_names_a_finding_of_its_spot_until_that_is_deleted(either: Talk) -> None:
    number = predicted(either.ada, lesion=either.lesion)["id"]
    finding = either.ada.call("GET", f"/submissions/{number}").get_json()["_id"]
    assert either.sent(either.grey, submission=finding)["finding"] == number
    assert either.ada.call("DELETE", f"/submissions/{number}").status_code == 200
    [message] = either.ada.call("GET", f"/lesions/{either.lesion}/messages").get_json()
    assert (message["text"], message["finding"]) == ("hello", None)
    assert code_of(either.send(either.grey, submission=finding)) == (404, "not_found")


def test_a_finding_of_another_spot_is_not_found(talk: Talk) -> None:
    number = predicted(talk.ada, lesion=talk.begin())["id"]
    finding = talk.ada.call("GET", f"/submissions/{number}").get_json()["_id"]
    assert code_of(talk.send(talk.ada, submission=finding)) == (404, "not_found")


def test_the_same_message_sent_again_is_there_once(either: Talk) -> None:
    first, again = (either.sent(either.ada, key="k") for _ in range(2))
    assert first == again
    assert code_of(either.send(either.ada, "other", key="k")) == (422, "idempotency_key_reused")
    assert either.texts(either.grey) == ["hello"]


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
    either: Talk,
) -> None:
    either.sent(either.ada, "It bleeds since yesterday. Should I come?")
    for _ in range(2):  # sent again
        either.read(either.grey)
    path = f"/lesions/{either.lesion}/messages"
    [question] = either.ada.call("GET", path).get_json()
    assert (question["read_at"] is not None, question["waits"]) == (True, True)
    assert either.waits(either.grey) == [1]
    either.sent(either.ada, "It bleeds again.")
    either.sent(either.grey, "Come today.")
    assert either.waits(either.grey) == [1], "the answer was written before that was seen"
    either.read(either.grey)
    either.sent(either.grey, "At ten.")
    assert either.waiting(either.grey) == []
    assert [one["waits"] for one in either.ada.call("GET", path).get_json()] == [False] * 4


def test_what_needs_no_answer_is_marked_as_done_with_a_row_in_the_trail(either: Talk) -> None:
    thanks = either.sent(either.ada, "Thank you!")["_id"]
    either.sent(either.ada, "One more question.")
    either.done(either.ada)
    assert either.waits(either.grey) == [2], "who wrote it does not end it"
    for _ in range(2):  # sent again
        either.done(either.grey, thanks)
    assert either.waits(either.grey) == [1]
    admin = either.backend.member(role="admin")
    [row] = admin.call("GET", "/audit?action=message.done").get_json()
    assert (row["by_email"], row["target"]) == (either.grey.email, either.lesion)
    path, other = f"/lesions/{either.lesion}/messages/done", either.backend.member(role="doctor")
    assert code_of(other.call("POST", path, json={"message": thanks})) == (404, "not_found")


def test_nobody_marks_what_waits_for_the_other_one(talk: Talk) -> None:
    talk.sent(talk.ada)
    talk.read(talk.ada)
    assert talk.waits(talk.grey) == [1]


def test_what_no_doctor_has_answered_waits_for_the_next_one(either: Talk) -> None:
    either.sent(either.ada, "answered")
    either.read(either.grey)
    either.sent(either.grey)
    either.sent(either.ada, "seen")
    either.read(either.grey)
    either.sent(either.ada, "unseen")
    other = either.backend.member(role="doctor")
    either.backend.services.admin.delete_doctor(email=either.grey.email, by="-")
    either.assign(other)
    assert either.waits(other) == [2]
    assert either.waits(either.ada) == [1]


def test_who_is_not_in_charge_any_more_neither_writes_nor_reads(either: Talk) -> None:
    either.sent(either.grey)
    other = either.backend.member(role="doctor")
    either.assign(other)
    assert code_of(either.send(either.grey)) == (404, "not_found")
    assert either.grey.call("GET", f"/lesions/{either.lesion}/messages").status_code == 404
    assert either.texts(other) == ["hello"]


def test_a_doctor_who_loses_the_role_while_writing_is_refused(
    either: Talk, monkeypatch: pytest.MonkeyPatch
) -> None:
    admin, run = either.backend.member(role="admin"), UnitOfWork.run

    def demoted(*arguments: Any, **options: Any) -> Any:
        monkeypatch.undo()
        answer = admin.call("PUT", f"/users/{either.grey.email}/role", json={"role": "user"})
        assert answer.status_code == 200
        return run(*arguments, **options)

    monkeypatch.setattr(UnitOfWork, "run", demoted)
    assert code_of(either.send(either.grey)) == (404, "not_found")
    assert either.texts(either.ada) == []


def test_nobody_writes_where_nobody_reads(talk: Talk) -> None:
    talk.backend.services.admin.suspend_account(email=talk.grey.email, by="-")
    assert code_of(talk.send(talk.ada)) == (409, "nobody_in_charge")
    talk.assign(None)
    assert code_of(talk.send(talk.ada)) == (409, "nobody_in_charge")


def test_who_is_not_read_cannot_go_on_writing(talk: Talk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(message_service, "MOST_UNREAD", 2)
    for _ in range(2):
        talk.sent(talk.ada)
    assert code_of(talk.send(talk.ada)) == (422, "too_many_unread")
    talk.sent(talk.grey)


def test_an_answer_stands_below_the_question_whatever_the_clocks_say(
    either: Talk, monkeypatch: pytest.MonkeyPatch
) -> None:
    newest = either.sent(either.ada, "question")["_id"]
    monkeypatch.setattr("skinapi.platform.storage.ids.new_id", lambda: "0" * 31 + "1")
    assert either.sent(either.grey, "answer")["_id"] > newest


def test_joined_spots_have_one_conversation(either: Talk) -> None:
    either.sent(either.ada, "one")
    first, either.lesion = either.lesion, either.begin()
    either.sent(either.grey, "two")
    body = {"lesion": either.lesion}
    assert either.ada.call("POST", f"/lesions/{first}/join", json=body).status_code == 200
    either.lesion = first
    assert either.texts(either.grey) == ["one", "two"]


def test_what_was_said_about_a_deleted_spot_stays_with_the_doctor(either: Talk) -> None:
    path, messages = f"/lesions/{either.lesion}", f"/lesions/{either.lesion}/messages"
    number = predicted(either.ada, lesion=either.lesion)["id"]
    either.sent(either.ada, text="It bleeds.")
    assert either.ada.call("DELETE", path).status_code == 200
    for asked in (path, messages):
        assert either.ada.call("GET", asked).status_code == 404
    assert either.ada.call("GET", "/lesions").get_json() == []
    case = either.grey.call("GET", f"/submissions/{number}").get_json()
    assert ("lesion" in case, case["former_lesion"]) == (False, either.lesion)
    assert either.grey.call("GET", path).get_json()["deleted"] is True
    (waiting,) = either.grey.call("GET", "/messages").get_json()
    assert (waiting["lesion"], waiting["unread"]) == (either.lesion, 1)
    assert either.texts(either.grey) == ["It bleeds."]
    either.read(either.grey)
    assert either.waits(either.grey) == [1]
    either.done(either.grey)
    assert either.waits(either.grey) == []
    for side in (either.ada, either.grey):
        assert side.call("POST", messages, json={"text": "And now?"}).status_code == 404
    assert list(either.backend.services.faults()) == []
    either.backend.services.admin.delete_user(email=either.ada.email, by="-")
    stored = either.backend.stored()
    assert (stored["messages"], stored["lesions"]) == ([], [])


def test_the_words_of_a_doctor_stay_after_the_account_is_deleted(either: Talk) -> None:
    either.sent(either.grey)
    either.backend.services.admin.delete_doctor(email=either.grey.email, by="-")
    assert either.texts(either.ada) == ["hello"]
    either.backend.services.admin.delete_user(email=either.ada.email, by="-")
    assert either.backend.stored()["messages"] == []


def test_who_lost_the_role_reads_of_no_patient_until_it_is_back(either: Talk) -> None:
    either.sent(either.ada)
    admin, email = either.backend.member(role="admin"), either.grey.email
    waiting = []
    for role in ("researcher", "doctor"):
        answer = admin.call("PUT", f"/users/{email}/role", json={"role": role})
        assert answer.status_code == 200
        waiting.append(either.waits(either.backend.log_in(email)))
    assert waiting == [[], [1]]


def test_a_message_of_a_spot_that_is_gone_is_a_fault(talk: Talk) -> None:
    talk.sent(talk.ada)
    talk.backend.services.store.collection("lesions").delete({"id": talk.lesion})
    [fault] = talk.backend.services.data.messages.faults(talk.backend.services.lesions.has)
    assert fault.repair
    fault.repair()
    assert talk.backend.stored()["messages"] == []
