"""An admin opens one finding in an emergency, chooses it, and ends it."""

from dataclasses import dataclass
from typing import Any

from tests.care.clinic import REVIEW, file_for, patient_in_care
from tests.support.backends import PASSWORD, Backend, Person
from tests.use_cases.use_case import UseCase, notices_to


@dataclass
class Emergency:
    """An admin, another one, and a patient in a doctor's care with a finding."""

    admin: Person
    another: Person
    ada: Person
    doctor: Person
    number: int
    grant: str = ""


def emergency(backend: Backend) -> Emergency:
    doctor, ada = patient_in_care(backend)
    admin, another = (backend.member(role="admin") for _ in range(2))
    return Emergency(admin, another, ada, doctor, file_for(backend, ada, REVIEW).number)


def ask(_: Backend, made: Emergency, **of: Any) -> Any:
    body = {"reason": "nobody else can be reached", "current_password": PASSWORD}
    return made.admin.call("POST", "/break-glass", json={**body, **(of or {"number": made.number})})


def opened(backend: Backend) -> Emergency:
    made = emergency(backend)
    made.grant = ask(backend, made).get_json()["_id"]
    return made


def named(backend: Backend) -> Emergency:
    made = emergency(backend)
    made.grant = ask(backend, made, email=made.ada.email).get_json()["_id"]
    return made


def choose(_: Backend, made: Emergency) -> object:
    path = f"/break-glass/{made.grant}/finding"
    return made.admin.call("PUT", path, json={"number": made.number})


def close(_: Backend, made: Emergency) -> object:
    return made.another.call("DELETE", f"/break-glass/{made.grant}")


def read(_: Backend, made: Emergency) -> object:
    return made.admin.call("GET", f"/submissions/{made.number}")


def suspend(_: Backend, made: Emergency) -> object:
    return made.another.call("PATCH", f"/users/{made.admin.email}/suspend", json={})


def delete_finding(_: Backend, made: Emergency) -> object:
    return made.ada.call("DELETE", f"/submissions/{made.number}")


def be_told(_: Backend, made: Emergency) -> object:
    return made.ada.call("PUT", "/me/break-glass/told")


def seen(backend: Backend, made: Emergency) -> Any:
    """What its admin did and was told, and what the others are."""
    by = backend.account(made.admin.email).id
    rows = backend.services.store.collection("audit").find({"owner": made_of(backend, made)})
    acts = [(row["action"], row["outcome"], row.get("detail")) for row in rows]
    told = {
        one: sorted(notices_to(backend, backend.account(person.email).id))
        for one, person in (("patient", made.ada), ("doctor", made.doctor), ("admin", made.another))
    }
    listed = made.ada.call("GET", "/me/break-glass").get_json()
    grants = [(one["number"] is not None, one["ended_at"] is not None) for one in listed]
    untold = made.ada.call("GET", "/me/break-glass/untold").get_json()
    open_now = backend.services.data.break_glass.find_open(by) is not None
    return acts, told, grants, untold, open_now


def made_of(backend: Backend, made: Emergency) -> str:
    return backend.account(made.ada.email).id


USE_CASES = (
    UseCase("break the glass of a finding", emergency, ask, seen),
    UseCase("choose a finding in an emergency", named, choose, seen),
    UseCase("read a finding in an emergency", opened, read, seen),
    UseCase("end an emergency access", opened, close, seen),
    UseCase("suspend an admin who reads a finding", opened, suspend, seen),
    UseCase("delete a finding that an admin reads", opened, delete_finding, seen),
    UseCase("be told of an emergency access", opened, be_told, seen),
)
