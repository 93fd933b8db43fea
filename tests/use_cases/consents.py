"""The use cases of consents, for the test that stops them at each of their commands."""

from dataclasses import dataclass
from typing import Any

from tests.care.clinic import URGENT, file_for
from tests.lab.sending import picture
from tests.support.backends import Backend, Person
from tests.use_cases.use_case import UseCase, acts_on, notices_to


@dataclass(frozen=True)
class Agreed:
    """A patient who has agreed to all, with a photo, its PDF, and a colleague who is asked."""

    ada: Person
    colleague: Person
    number: int


def agreed(backend: Backend) -> Agreed:
    doctor, colleague = backend.member(role="doctor"), backend.member(role="doctor")
    given = dict.fromkeys(("photos", "sharing", "llm"), True)
    ada = backend.member(doctor_id=backend.account(doctor.email).id, consents=given)
    blob = backend.services.store.blobs.put(picture(1))
    number = file_for(backend, ada, URGENT, photo_blob=blob).number
    assert ada.call("GET", f"/submissions/{number}/report.pdf").status_code == 200
    path, body = f"/submissions/{number}/second-opinion", {"colleague": colleague.email}
    assert doctor.call("PUT", path, json=body).status_code == 200
    return Agreed(ada, colleague, number)


def take_back(_: Backend, people: Agreed) -> object:
    body = {**dict.fromkeys(("photos", "sharing", "llm"), False), "erase_kept": True}
    return people.ada.call("PUT", "/me/consents", json=body)


def seen(backend: Backend, people: Agreed) -> Any:
    account = backend.account(people.ada.email)
    history = people.ada.call("GET", "/me/consents").get_json()["history"]
    asked = backend.account(people.colleague.email).id
    found = backend.services.data.submissions.find_by_number(people.number)
    assert found
    reports = backend.services.store.collection("reports").find({"submission": found.id})
    return (
        sorted(account.consents.items()),
        [(one["purpose"], one["given"]) for one in history],
        people.ada.call("GET", f"/submissions/{people.number}/photo").status_code,
        people.colleague.call("GET", f"/submissions/{people.number}").status_code,
        ["pdf_blob" in report for report in reports],
        (notices_to(backend, asked), acts_on(backend, account.id), acts_on(backend, found.id)),
    )


USE_CASES = (UseCase("take consents back, with the kept photos", agreed, take_back, seen),)
