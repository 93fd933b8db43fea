"""Conversations about a spot: written, read, moved and deleted with it."""

from typing import Any

from tests.care.conversation import Talk
from tests.support.backends import Backend, Person
from tests.use_cases.use_case import UseCase, acts_on, notices_to


def silent(backend: Backend) -> tuple[Talk, str]:
    """A patient, the doctor in charge, and two spots."""
    talk = Talk(backend)
    return talk, talk.begin()


def answered(backend: Backend) -> tuple[Talk, str]:
    talk, other = silent(backend)
    for lesion in (talk.lesion, other):
        for by in (talk.ada, talk.grey):
            talk.sent(by, lesion=lesion)
    return talk, other


def write(_: Backend, spots: tuple[Talk, str]) -> object:
    talk = spots[0]
    return talk.send(talk.ada)


def read_it(_: Backend, spots: tuple[Talk, str]) -> object:
    talk = spots[0]
    path = f"/lesions/{talk.lesion}/messages/read"
    return talk.grey.call("PUT", path, json={"message": "f" * 32})


def need_no_answer(_: Backend, spots: tuple[Talk, str]) -> object:
    talk = spots[0]
    path = f"/lesions/{talk.lesion}/messages/done"
    return talk.grey.call("POST", path, json={"message": "f" * 32})


def report_it(_: Backend, spots: tuple[Talk, str]) -> object:
    talk = spots[0]
    [_, answer] = talk.ada.call("GET", f"/lesions/{talk.lesion}/messages").get_json()
    path = f"/lesions/{talk.lesion}/messages/{answer['_id']}/abuse"
    return talk.ada.call("POST", path, json={"reason": "insult"})


def delete_the_spot(_: Backend, spots: tuple[Talk, str]) -> object:
    talk = spots[0]
    return talk.ada.call("DELETE", f"/lesions/{talk.lesion}")


def join_the_spots(_: Backend, spots: tuple[Talk, str]) -> object:
    talk, other = spots
    return talk.ada.call("POST", f"/lesions/{talk.lesion}/join", json={"lesion": other})


def leave_the_doctor(backend: Backend, spots: tuple[Talk, str]) -> object:
    talk = spots[0]
    path = f"/users/{talk.ada.email}/doctor"
    return backend.member(role="admin").call("PUT", path, json={"doctor": None})


def said_and_told(backend: Backend, spots: tuple[Talk, str]) -> Any:
    """What both read, what waits for them, and what the trail says."""
    talk, other = spots
    return [
        (
            [said(person, lesion) for lesion in (talk.lesion, other)],
            sorted(one["unread"] for one in talk.waiting(person)),
            notices_to(backend, backend.account(person.email).id),
        )
        for person in (talk.ada, talk.grey)
    ] + [
        acts_on(backend, target)
        for target in (talk.lesion, other, backend.account(talk.grey.email).id)
    ]


def said(person: Person, lesion: str) -> Any:
    answer = person.call("GET", f"/lesions/{lesion}/messages").get_json()
    if isinstance(answer, dict):
        return answer["status"]
    return [
        (one["text"], one["by"], one["read_at"] is not None, one["waits"], one["reported"])
        for one in answer
    ]


USE_CASES = (
    UseCase("write a message", silent, write, said_and_told),
    UseCase("read a message", answered, read_it, said_and_told),
    UseCase("mark a message as done", answered, need_no_answer, said_and_told),
    UseCase("report a message", answered, report_it, said_and_told),
    UseCase("delete a spot with messages", answered, delete_the_spot, said_and_told),
    UseCase("join two spots with messages", answered, join_the_spots, said_and_told),
    UseCase("leave the doctor of messages", answered, leave_the_doctor, said_and_told),
)
