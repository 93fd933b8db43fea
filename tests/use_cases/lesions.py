"""Spots: begun, filed into, sorted, joined, deleted."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from skinapi.storage.ids import now
from tests.prediction.photographer import predicted, send
from tests.support.backends import Backend, Person
from tests.use_cases.use_case import UseCase, acts_on, notices_to

BACK = {"place": {"site": "back"}}


@dataclass
class Spots:
    """Somebody with two spots, and a finding in each."""

    ada: Person
    lesions: list[str]
    numbers: list[int]


def nothing_yet(backend: Backend) -> Spots:
    return Spots(backend.member(), [], [])


def two_spots(backend: Backend) -> Spots:
    ada = backend.member()
    lesions = [ada.call("POST", "/lesions", json=BACK).get_json()["id"] for _ in range(2)]
    return Spots(ada, lesions, [predicted(ada, lesion=lesion)["id"] for lesion in lesions])


def with_a_reminder_due(backend: Backend) -> Spots:
    spots = two_spots(backend)
    lesions = backend.services.store.collection("lesions")
    lesions.update({"id": spots.lesions[0]}, {"$set": {"remind_at": now() - timedelta(days=1)}})
    submissions = backend.services.store.collection("submissions")
    long_ago = {"created_at": now() - timedelta(days=400)}
    submissions.update({"lesion": spots.lesions[0]}, {"$set": long_ago})
    return spots


def remind(backend: Backend, _: Spots) -> None:
    backend.services.reminder_mailer.make_pass()


def begin(_: Backend, spots: Spots) -> object:
    return spots.ada.call("POST", "/lesions", json=BACK)


def file_into(_: Backend, spots: Spots) -> object:
    return send(spots.ada, lesion=spots.lesions[0])


def rename(_: Backend, spots: Spots) -> object:
    return spots.ada.call("PATCH", f"/lesions/{spots.lesions[0]}", json={"name": "left"})


def delete(_: Backend, spots: Spots) -> object:
    return spots.ada.call("DELETE", f"/lesions/{spots.lesions[0]}")


def delete_its_finding(_: Backend, spots: Spots) -> object:
    return spots.ada.call("DELETE", f"/submissions/{spots.numbers[0]}")


def join(_: Backend, spots: Spots) -> object:
    first, second = spots.lesions
    return spots.ada.call("POST", f"/lesions/{first}/join", json={"lesion": second})


def sort(_: Backend, spots: Spots) -> object:
    path = f"/submissions/{spots.numbers[0]}/lesion"
    return spots.ada.call("PUT", path, json={"lesion": spots.lesions[1]})


def course_and_rows(backend: Backend, spots: Spots) -> Any:
    """What the spots say, which findings they have, and what the trail says of both."""
    listed = spots.ada.call("GET", "/lesions").get_json()
    findings = spots.ada.call("GET", "/submissions").get_json()
    return (
        [
            (
                one["name"],
                one["findings"],
                one["latest"] is not None,
                len(spots.ada.call("GET", f"/lesions/{one['id']}/submissions").get_json()),
                acts_on(backend, one["id"]),
            )
            for one in listed
        ],
        [("lesion" in one, acts_on(backend, one["_id"])) for one in findings],
        notices_to(backend, backend.account(spots.ada.email).id),
    )


USE_CASES = (
    UseCase("begin a spot", nothing_yet, begin, course_and_rows),
    UseCase("remind of a spot", with_a_reminder_due, remind, course_and_rows),
    UseCase("file into a spot", two_spots, file_into, course_and_rows),
    UseCase("rename a spot", two_spots, rename, course_and_rows),
    UseCase("delete a spot", two_spots, delete, course_and_rows),
    UseCase("delete a finding of a spot", two_spots, delete_its_finding, course_and_rows),
    UseCase("join two spots", two_spots, join, course_and_rows),
    UseCase("sort a finding", two_spots, sort, course_and_rows),
)
