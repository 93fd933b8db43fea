"""Keys of programs, and the patients whom they name."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from skinapi.platform.storage.ids import new_id
from tests.support.backends import PASSWORD, Backend, Person
from tests.use_cases.use_case import UseCase

SCOPES = {
    "name": "my program",
    "scopes": ["findings:write", "findings:read"],
    "sessions": True,
    "current_password": PASSWORD,
}


@dataclass
class Programs:
    """An admin, the keys that this one has made, and the number of a patient in a hospital."""

    root: Person
    own: dict[str, Any]
    clinic: dict[str, Any]
    number: str

    def program(self) -> Person:
        return Person(self.root.client, self.clinic["secret"])


Act = Callable[[Backend, Programs], object]


def programs(backend: Backend) -> Programs:
    root = backend.member(role="admin")
    own, clinic = (root.call("POST", path, json=SCOPES) for path in ("/keys", "/admin/keys"))
    return Programs(root, own.get_json(), clinic.get_json(), new_id())


def name_patient(_: Backend, made: Programs) -> object:
    body = {"system": "urn:oid:2.999", "value": made.number}
    return made.program().call("POST", "/patients/external", json=body)


def seen(backend: Backend, made: Programs) -> object:
    root = backend.account(made.root.email)
    rows = backend.services.store.collection("audit").find({"by": root.id}, sort="id")
    keys = backend.services.store.collection("keys")
    stored = keys.get(made.clinic["_id"])
    found = backend.services.store.collection("accounts").find(
        {"id": stored["account"] if stored else ""}
    )
    calls = [
        Person(made.root.client, key["secret"]).call("GET", "/submissions").status_code
        for key in (made.own, made.clinic)
    ]
    patients = backend.services.store.collection("audit").find({"action": "patient.add"})
    mine = [row for row in patients if stored and row["by"] == stored["account"]]
    return (
        [(row["action"], row["outcome"]) for row in rows],
        [(one["revoked_at"] is None) for one in made.root.call("GET", "/keys").get_json()],
        [account["status"] for account in found if account["status"] != "deleting"],
        calls,
        len(mine),
    )


def by_root(method: str, path: str, key: str = "", json: Any = None) -> Act:
    def act(_: Backend, made: Programs) -> object:
        named = made.own if key == "own" else made.clinic
        return made.root.call(method, path.format(named["_id"]), json=json)

    return act


CASES: dict[str, tuple[Callable[[Backend], Programs], Act]] = {
    "revoke a key of the clinic": (programs, by_root("DELETE", "/admin/keys/{}")),
    "name a patient": (programs, name_patient),
}
USE_CASES = tuple(UseCase(name, prepare, act, seen) for name, (prepare, act) in CASES.items())
