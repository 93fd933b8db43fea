from datetime import timedelta
from typing import Any

import pytest

from skinapi.care import own_data as module
from skinapi.care.own_data import MOST_LISTED
from skinapi.platform.storage.ids import now
from tests.care.clinic import (
    REFERRAL,
    REVIEW,
    ROUTINE,
    URGENT,
    file_for,
    patient_in_care,
    patient_of,
    review,
)
from tests.care.conversation import Talk
from tests.care.test_lesions import begin
from tests.care.test_letters import Practice
from tests.findings.prediction.photographer import predicted
from tests.support.backends import Backend, Person
from tests.support.photos import photo_of
from tests.support.reviews import signed_review


def inbox(person: Person, query: str = "") -> Any:
    return person.call_ok("GET", f"/inbox{query}")


def tasks(person: Person) -> list[tuple[str, str | None]]:
    return [(item["task"], item["name"]) for item in inbox(person)["tasks"]]


def write(person: Person, about: str) -> None:
    person.call_ok(
        "POST", f"/conversations/{about}/messages", json={"text": "Please call."}, status=201
    )


def ask_for_picture(doctor: Person, number: int) -> None:
    body = {"photo_wanted": True, "urgency": "routine"}
    signed_review(doctor, number, body)


def test_what_waits_stands_in_the_order_of_its_urgency(any_backend: Backend) -> None:
    grey, ada = patient_in_care(any_backend)
    spots = {name: begin(ada, name=name) for name in ("calm", "blurred", "asked", "weeks", "now")}
    file_for(any_backend, ada, ROUTINE, lesion=spots["calm"])
    blurred = file_for(any_backend, ada, ROUTINE, lesion=spots["blurred"]).number
    file_for(any_backend, ada, REVIEW, lesion=spots["weeks"])
    file_for(any_backend, ada, REFERRAL, lesion=spots["asked"])
    file_for(any_backend, ada, URGENT, lesion=spots["now"])
    ask_for_picture(grey, blurred)
    write(grey, spots["calm"])
    assert tasks(ada) == [
        ("see_doctor", "now"),
        ("message", "calm"),
        ("see_doctor", "asked"),
        ("picture", "blurred"),
        ("see_doctor", "weeks"),
        ("photograph", "calm"),
    ]


def test_a_decision_comes_to_the_top_and_says_who_said_it(backend: Backend) -> None:
    grey, ada = patient_in_care(backend)
    lesion = begin(ada, name="left of the spine")
    number = file_for(backend, ada, ROUTINE, lesion=lesion).number
    blob = backend.services.store.blobs.put(photo_of("melanoma"))
    file_for(backend, ada, REFERRAL, photo_blob=blob)
    review(grey, number)
    first, second = inbox(ada)["tasks"]
    assert (first["task"], first["lesion"]) == ("see_doctor", lesion)
    assert (first["photo_kept"], second["photo_kept"]) == (False, True)
    advice = first["advice"]
    assert (advice["from"], advice["finding"], advice["band"]) == ("review", number, URGENT)
    assert advice["action"] == "See a doctor this week"
    assert (second["name"], second["place"], second["advice"]["from"]) == (None, None, "model")


def test_who_is_asked_for_a_photo_beside_a_visit_reads_the_visit_once(backend: Backend) -> None:
    grey, ada = patient_in_care(backend)
    number = file_for(backend, ada, URGENT, lesion=begin(ada)).number
    signed_review(grey, number, photo_wanted=True, urgency=URGENT)
    said = {task["task"]: "sentence" in task for task in inbox(ada)["tasks"]}
    assert said == {"see_doctor": True, "picture": False}


def test_who_waits_for_a_result_is_not_told_to_see_a_doctor(any_backend: Backend) -> None:
    grey, ada = patient_in_care(any_backend)
    number = file_for(any_backend, ada, ROUTINE, lesion=begin(ada)).number
    review(grey, number, sample="waiting")
    (task,) = inbox(ada)["tasks"]
    assert (task["task"], task["advice"]["waits_for"]) == ("result", "result")


def test_a_photo_is_due_on_the_day_that_the_band_asks_for(
    backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = backend.member()
    for name in ("first", "second"):
        filed = file_for(backend, ada, ROUTINE, lesion=begin(ada, name=name))
    due = filed.created_at.date() + timedelta(days=90)
    [ahead] = inbox(ada)["tasks"]
    assert (ahead["task"], ahead["due"]) == ("photograph", due.isoformat())
    monkeypatch.setattr(module, "now", lambda: now() + timedelta(days=91))
    assert [item["due"] for item in inbox(ada)["tasks"]] == [due.isoformat()] * 2


@pytest.mark.parametrize("about_a_spot", [True, False])
def test_a_message_that_was_read_waits_no_more(backend: Backend, about_a_spot: bool) -> None:
    talk = Talk(backend, about_a_spot=about_a_spot)
    talk.sent(talk.grey)
    [task] = inbox(talk.ada)["tasks"]
    told = (task["task"], task["unread"], task["lesion"], task["advice"])
    assert told == ("message", 1, talk.lesion if about_a_spot else None, None)
    talk.read(talk.ada)
    assert tasks(talk.ada) == []


def test_it_has_an_end_and_says_how_many_others_wait(backend: Backend) -> None:
    ada = backend.member()
    numbers = [file_for(backend, ada, URGENT).number for _ in range(MOST_LISTED + 3)]
    answer = inbox(ada)
    shown = [item["advice"]["finding"] for item in answer["tasks"]]
    assert (shown, answer["more"]) == (numbers[: -MOST_LISTED - 1 : -1], 3)


def test_nothing_of_others_stands_in_it(backend: Backend) -> None:
    grey, ada = patient_in_care(backend)
    bob = patient_of(backend, grey)
    file_for(backend, ada, URGENT, lesion=begin(ada))
    for person in (grey, bob):
        assert tasks(person) == []


def summary(person: Person) -> dict[str, Any]:
    told: dict[str, Any] = person.call("GET", "/me/data/summary").get_json()
    return told


def test_what_a_person_sees_is_counted(any_backend: Backend) -> None:
    practice = Practice(any_backend)
    ada = practice.ada
    practice.sign(practice.draft())
    practice.draft()  # which nobody else sees
    predicted(ada, keep_photo="false")
    spot = ada.call("POST", "/lesions", json={"place": {"site": "back"}}).get_json()["id"]
    body = {"text": "Does it itch?"}
    for about in (spot, any_backend.account(ada.email).id):
        practice.doctor.call_ok("POST", f"/conversations/{about}/messages", json=body, status=201)
    counted = {"findings": 2, "photos": 1, "spots": 2, "letters": 1, "messages": 2}
    since = ada.call("GET", "/me").get_json()["created_at"]
    assert summary(ada) == {**counted, "since": since}


def test_nobody_elses_is_counted(backend: Backend) -> None:
    talk, other = Talk(backend), Talk(backend)
    other.sent(other.ada, "nobody else's words")
    predicted(other.ada)
    assert summary(talk.ada)["findings"] == 0
    assert summary(talk.grey)["messages"] == 0


def test_what_a_doctor_decided_is_new_until_its_finding_was_opened(any_backend: Backend) -> None:
    grey, ada = patient_in_care(any_backend)
    spot = begin(ada, name="beside the nose")
    decided = file_for(any_backend, ada, ROUTINE, lesion=spot).number
    file_for(any_backend, ada, URGENT)
    assert inbox(ada)["decisions"] == []
    review(grey, decided)
    [new] = inbox(ada)["decisions"]
    assert (new["finding"], new["lesion"], new["by_result"]) == (decided, spot, False)
    assert (new["advice"]["band"], new["advice"]["finding"]) == (URGENT, decided)
    assert new["advice"]["due"]
    assert new["sentence"]
    assert new["title"].endswith("has decided about this spot.")
    assert inbox(ada, "?lang=fr")["decisions"][0]["title"].endswith("décision sur cette tache.")
    assert ada.call("GET", f"/submissions/{decided}").status_code == 200
    assert inbox(ada)["decisions"] == []


def test_what_is_new_says_that_something_newer_counts(any_backend: Backend) -> None:
    grey, ada = patient_in_care(any_backend)
    spot = begin(ada, name="beside the nose")
    decided = file_for(any_backend, ada, ROUTINE, lesion=spot).number
    review(grey, decided, label="melanocytic_nevus")
    newer = file_for(any_backend, ada, URGENT, lesion=spot).number
    [new] = inbox(ada)["decisions"]
    assert (new["finding"], new["advice"]["finding"]) == (newer, newer)
    assert new["title"].endswith("What to do now follows from what has come since.")
    told = inbox(ada, "?lang=fr")["decisions"][0]["title"]
    assert told.endswith("Ce qu'il faut faire maintenant dépend de ce qui s'est passé depuis.")


def test_the_laboratory_s_result_heads_the_milder_decision(any_backend: Backend) -> None:
    grey, ada = patient_in_care(any_backend)
    mild, proven = (file_for(any_backend, ada, ROUTINE).number for _ in range(2))
    review(grey, proven, sample="waiting")
    review(grey, proven, label="melanoma", certainty="laboratory")
    review(grey, mild, label="melanocytic_nevus", urgency="self_monitoring")
    found = inbox(ada)["decisions"]
    assert [(item["finding"], item["by_result"]) for item in found] == [
        (proven, True),
        (mild, False),
    ]
    assert found[0]["title"] == "The laboratory's result has come."
