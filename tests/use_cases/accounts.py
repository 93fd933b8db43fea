from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.support.backends import PASSWORD, Backend, Person
from tests.use_cases.use_case import UseCase, acts_in, notices_to


@dataclass
class Desk:
    root: Person
    ada: Person
    other: Person | None = None


Act = Callable[[Backend, Desk], object]


def somebody(backend: Backend, **fields: Any) -> Desk:
    return Desk(backend.member(role="admin"), backend.member(**fields))


def waiting(backend: Backend) -> Desk:
    return somebody(backend, status="waiting")


def a_patient(backend: Backend, **fields: Any) -> Desk:
    grey = backend.member(role="doctor")
    desk = somebody(backend, doctor_id=backend.account(grey.email).id, **fields)
    return Desk(desk.root, desk.ada, grey)


def a_doctor(backend: Backend) -> Desk:
    desk = somebody(backend, role="doctor")
    patient = backend.member(doctor_id=backend.account(desk.ada.email).id)
    return Desk(desk.root, desk.ada, patient)


def waiting_beside_a_doctor(backend: Backend) -> Desk:
    desk = waiting(backend)
    return Desk(desk.root, desk.ada, backend.member(role="doctor"))


def nobody_yet(backend: Backend) -> Desk:
    desk = somebody(backend)
    return Desk(desk.root, Person(backend.client, "", f"new.{desk.ada.email}"))


def with_a_used_refresh_token(backend: Backend) -> Desk:
    """The token is a refresh token."""
    desk = somebody(backend)
    account = backend.account(desk.ada.email)
    _, token = backend.services.data.sessions.open(account, renews=True)
    backend.services.auth.refresh(token=token or "")
    return Desk(desk.root, Person(backend.client, token or "", desk.ada.email))


def by_root(method: str, path: str, body: object = None) -> Act:
    return lambda _, desk: desk.root.call(method, path.format(desk.ada.email), json=body)


def by_oneself(method: str, path: str, body: object = None) -> Act:
    return lambda _, desk: desk.ada.call(method, path, json=body)


def approve_into_care(backend: Backend, desk: Desk) -> object:
    body = {"role": "wanted", "doctor": desk.other.email if desk.other else None}
    return decide(backend, desk, "approvals", body)


def refuse(backend: Backend, desk: Desk) -> object:
    return decide(backend, desk, "refusals", {"reason": "other", "note": "Ask the ward."})


def decide(backend: Backend, desk: Desk, what: str, body: dict[str, Any]) -> object:
    chosen = {"accounts": [backend.account(desk.ada.email).id], **body}
    return desk.root.call("POST", f"/accounts/{what}", json=chosen)


def register(backend: Backend, desk: Desk) -> object:
    return backend.register(desk.ada.email)


def log_in(backend: Backend, desk: Desk) -> object:
    return backend.log_in(desk.ada.email)


def refresh(backend: Backend, desk: Desk) -> object:
    return backend.client.post("/auth/refresh", json={"refresh_token": desk.ada.token})


def seen(backend: Backend, desk: Desk) -> Any:
    """Return what the account may do, what an admin reads about it and its trail, and who cares for
    whom.
    """
    reader, services = desk.root, backend.services
    account = services.data.accounts.find_by_email(desk.ada.email)
    me = desk.ada.call("GET", "/me")
    other = desk.other and (
        desk.other.call("GET", "/me").get_json()["doctor"] is None,
        len(desk.other.call("GET", "/patients").get_json()),
    )
    if account is None or account.status == "closed":  # it is erased after the transaction
        return me.status_code
    rows = reader.call("GET", f"/audit?account={account.id}").get_json()
    [listed] = reader.call("GET", f"/accounts?q={desk.ada.email}").get_json()
    sessions = services.store.collection("sessions").find({"account": account.id})
    links = services.store.collection("password_links").find({"account": account.id})
    return (
        (me.status_code, other),
        acts_in(rows),
        [listed.get(name) for name in ("role", "status", "patients", "must_change_password")],
        account.refusal and (account.refusal.reason, account.refusal.note),
        (account.token_version, account.consents, account.locale, account.doctor_id is None),
        account.id in services.data.accounts.list_active_admins(),
        [session["token_version"] == account.token_version for session in sessions],
        (me.get_json().get("notices"), notices_to(backend, account.id), len(links)),
    )


OWN_PASSWORD = {"current_password": PASSWORD}
CASES: dict[str, tuple[Callable[[Backend], Desk], Act]] = {
    "register": (nobody_yet, register),
    "approve into care": (waiting_beside_a_doctor, approve_into_care),
    "refuse an account": (waiting, refuse),
    "make a patient a doctor": (a_patient, by_root("PUT", "/users/{}/role", {"role": "doctor"})),
    "delete a doctor": (a_doctor, by_root("DELETE", "/doctors/{}")),
    "use a refresh token again": (with_a_used_refresh_token, refresh),
    "delete one's own account": (a_patient, by_oneself("DELETE", "/me", OWN_PASSWORD)),
}
USE_CASES = tuple(UseCase(name, prepare, act, seen) for name, (prepare, act) in CASES.items())
