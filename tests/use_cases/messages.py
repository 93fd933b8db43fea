"""Conversations about a spot: written, read, moved and deleted with it."""

from dataclasses import dataclass
from typing import Any

from tests.support.backends import Backend, Person
from tests.use_cases.findings import a_patient_of_a_doctor
from tests.use_cases.use_case import UseCase, acts_on, notices_to

BACK = {"place": {"site": "back"}}


@dataclass
class Talk:
    """A patient with two spots, and the doctor in charge."""

    ada: Person
    grey: Person
    lesions: list[str]

    @property
    def messages(self) -> str:
        return f"/lesions/{self.lesions[0]}/messages"


def silent(backend: Backend) -> Talk:
    ada, grey = a_patient_of_a_doctor(backend)
    lesions = [ada.call("POST", "/lesions", json=BACK).get_json()["id"] for _ in range(2)]
    return Talk(ada, grey, lesions)


def answered(backend: Backend) -> Talk:
    talk = silent(backend)
    for lesion in talk.lesions:
        for person, text in ((talk.ada, "It itches."), (talk.grey, "Since when?")):
            answer = person.call("POST", f"/lesions/{lesion}/messages", json={"text": text})
            assert answer.status_code == 201, answer.text
    return talk


def write(_: Backend, talk: Talk) -> object:
    return talk.ada.call("POST", talk.messages, json={"text": "It itches."})


def delete_the_spot(_: Backend, talk: Talk) -> object:
    return talk.ada.call("DELETE", f"/lesions/{talk.lesions[0]}")


def join_the_spots(_: Backend, talk: Talk) -> object:
    first, second = talk.lesions
    return talk.ada.call("POST", f"/lesions/{first}/join", json={"lesion": second})


def change_the_doctor(backend: Backend, talk: Talk) -> object:
    admin, other = backend.member(role="admin"), backend.member(role="doctor")
    path = f"/users/{talk.ada.email}/doctor"
    return admin.call("PUT", path, json={"doctor": other.email})


def said_and_told(backend: Backend, talk: Talk) -> Any:
    """What both read, what waits for them, and what the trail says."""
    people = (talk.ada, talk.grey)
    return (
        [
            [said(person, lesion) for person in people]
            + [acts_on(backend, lesion), addressed(backend, talk, lesion)]
            for lesion in talk.lesions
        ],
        [notices_to(backend, backend.account(person.email).id) for person in people],
    )


def said(person: Person, lesion: str) -> Any:
    answer = person.call("GET", f"/lesions/{lesion}/messages").get_json()
    if isinstance(answer, dict):
        return answer["status"]
    return [(one["text"], one["by"], one["read_at"] is not None) for one in answer]


def addressed(backend: Backend, talk: Talk, lesion: str) -> list[str | None]:
    """Who is to read each message: a doctor who came later is another one in each run."""
    names = {backend.account(one.email).id: one.email for one in (talk.ada, talk.grey)}
    stored = backend.services.store.collection("messages").find({"lesion": lesion})
    roles = {talk.ada.email: "ada", talk.grey.email: "grey"}
    return [roles.get(names.get(one.get("to", ""), ""), "other") for one in stored]


USE_CASES = (
    UseCase("write a message", silent, write, said_and_told),
    UseCase("delete a spot with messages", answered, delete_the_spot, said_and_told),
    UseCase("join two spots with messages", answered, join_the_spots, said_and_told),
    UseCase("change the doctor of messages", answered, change_the_doctor, said_and_told),
)
