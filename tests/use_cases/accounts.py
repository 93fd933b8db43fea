"""Accounts: who may do what, who is in whose care, and who is logged in."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from skinapi.storage.ids import now
from tests.support.backends import PASSWORD, Backend, Person
from tests.use_cases.use_case import UseCase, acts_in, notices_to

NEW = "another horse"


@dataclass
class Desk:
    """An admin, somebody to whom it does something, and that one's doctor or patient."""

    root: Person
    ada: Person
    other: Person | None = None


Act = Callable[[Backend, Desk], object]


def somebody(backend: Backend, **fields: Any) -> Desk:
    return Desk(backend.member(role="admin"), backend.member(**fields))


def an_admin(backend: Backend) -> Desk:
    return somebody(backend, role="admin")


def waiting(backend: Backend) -> Desk:
    return somebody(backend, status="waiting")


def waiting_long(backend: Backend) -> Desk:
    desk = waiting(backend)
    backend.edit(desk.ada.email, created_at=now() - timedelta(days=1000))
    return desk


def a_patient(backend: Backend, **fields: Any) -> Desk:
    grey = backend.member(role="doctor")
    desk = somebody(backend, doctor_id=backend.account(grey.email).id, **fields)
    return Desk(desk.root, desk.ada, grey)


def a_doctor(backend: Backend) -> Desk:
    desk = somebody(backend, role="doctor")
    patient = backend.member(doctor_id=backend.account(desk.ada.email).id)
    return Desk(desk.root, desk.ada, patient)


def beside_a_doctor(backend: Backend) -> Desk:
    desk = somebody(backend)
    return Desk(desk.root, desk.ada, backend.member(role="doctor"))


def waiting_beside_a_doctor(backend: Backend) -> Desk:
    desk = waiting(backend)
    return Desk(desk.root, desk.ada, backend.member(role="doctor"))


def refused(backend: Backend) -> Desk:
    desk = waiting(backend)
    refuse(backend, desk)
    return desk


def nobody_yet(backend: Backend) -> Desk:
    """The address is free."""
    desk = somebody(backend)
    return Desk(desk.root, Person(backend.client, "", f"new.{desk.ada.email}"))


def with_a_used_refresh_token(backend: Backend) -> Desk:
    """Whose token is a refresh token."""
    desk = somebody(backend)
    account = backend.account(desk.ada.email)
    _, token = backend.services.data.sessions.open(account, renews=True)
    backend.services.auth.refresh(token=token or "")
    return Desk(desk.root, Person(backend.client, token or "", desk.ada.email))


def by_root(method: str, path: str, body: object = None) -> Act:
    return lambda _, desk: desk.root.call(method, path.format(desk.ada.email), json=body)


def by_oneself(method: str, path: str, body: object = None) -> Act:
    return lambda _, desk: desk.ada.call(method, path, json=body)


def assign(_: Backend, desk: Desk) -> object:
    body = {"doctor": desk.other.email if desk.other else None}
    return desk.root.call("PUT", f"/users/{desk.ada.email}/doctor", json=body)


def add_doctor(_: Backend, desk: Desk) -> object:
    body = {"name": "Grey", "email": desk.ada.email, "password": PASSWORD}
    return desk.root.call("POST", "/doctors", json=body)


def approve_into_care(backend: Backend, desk: Desk) -> object:
    body = {"role": "wanted", "doctor": desk.other.email if desk.other else None}
    return decide(backend, desk, "approvals", body)


def refuse(backend: Backend, desk: Desk) -> object:
    return decide(backend, desk, "refusals", {"reason": "other", "note": "Ask the ward."})


def reopen(backend: Backend, desk: Desk) -> object:
    return decide(backend, desk, "waiting", {})


def decide(backend: Backend, desk: Desk, what: str, body: dict[str, Any]) -> object:
    chosen = {"accounts": [backend.account(desk.ada.email).id], **body}
    return desk.root.call("POST", f"/accounts/{what}", json=chosen)


def make_admin(backend: Backend, desk: Desk) -> object:
    return backend.services.admin.ensure_admin(email=desk.ada.email, password=None)


def register(backend: Backend, desk: Desk) -> object:
    return backend.register(desk.ada.email)


def log_in(backend: Backend, desk: Desk) -> object:
    return backend.log_in(desk.ada.email)


def refresh(backend: Backend, desk: Desk) -> object:
    return backend.client.post("/auth/refresh", json={"refresh_token": desk.ada.token})


def expire(backend: Backend, _: Desk) -> None:
    backend.app.background.waiting_expiry.make_pass()


def seen(backend: Backend, desk: Desk) -> Any:
    """What the account may do, what an admin reads of it and of what was done to it, and who is in
    whose care.
    """
    reader, services = desk.root, backend.services
    account = services.data.accounts.find_by_email(desk.ada.email)
    me = desk.ada.call("GET", "/me")
    other = desk.other and (
        desk.other.call("GET", "/me").get_json()["doctor"] is None,
        len(desk.other.call("GET", "/patients").get_json()),
    )
    if account is None or account.status == "deleting":
        return me.status_code, other
    rows = reader.call("GET", f"/audit?account={account.id}").get_json()
    path = "doctors" if account.role == "doctor" else "users"
    [listed] = reader.call("GET", f"/{path}?q={desk.ada.email}").get_json()
    sessions = services.store.collection("sessions").find({"account": account.id})
    links = services.store.collection("password_links").find({"account": account.id})
    return (
        (me.status_code, other),
        acts_in(rows),
        [listed.get(name) for name in ("role", "status", "patients", "must_change_password")],
        account.refusal,
        (account.token_version, account.consents, account.locale, account.doctor_id is None),
        account.id in services.data.accounts.list_active_admins(),
        [one["token_version"] == account.token_version for one in sessions],
        (me.get_json().get("notices"), notices_to(backend, account.id), len(links)),
    )


def with_a_link(backend: Backend) -> Desk:
    """Whose token is that of a link to choose a new password."""
    desk = somebody(backend)
    link, _ = backend.services.recovery.hand_link(email=desk.ada.email, by="system")
    return Desk(desk.root, Person(backend.client, link.rpartition("/")[2], desk.ada.email))


def ask_for_link(backend: Backend, desk: Desk) -> object:
    answer = backend.client.post("/password/forgotten", json={"email": desk.ada.email})
    backend.app.background.link_mailer.make_pass()
    return answer


def use_link(backend: Backend, desk: Desk) -> object:
    body = {"token": desk.ada.token, "new_password": NEW}
    return backend.client.post("/password/reset", json=body)


PASSWORDS = {"current_password": PASSWORD, "new_password": NEW}
OWN_PASSWORD = {"current_password": PASSWORD}
CASES: dict[str, tuple[Callable[[Backend], Desk], Act]] = {
    "register": (nobody_yet, register),
    "approve": (waiting, by_root("PATCH", "/users/{}/approve", {})),
    "approve as a doctor": (waiting, by_root("PATCH", "/users/{}/approve", {"role": "doctor"})),
    "approve into care": (waiting_beside_a_doctor, approve_into_care),
    "refuse an account": (waiting, refuse),
    "take a refusal back": (refused, reopen),
    "undo an approval": (an_admin, by_root("PATCH", "/users/{}/unapprove")),
    "make a patient a doctor": (a_patient, by_root("PUT", "/users/{}/role", {"role": "doctor"})),
    "make a doctor an admin": (a_doctor, by_root("PUT", "/users/{}/role", {"role": "admin"})),
    "demote an admin": (an_admin, by_root("PUT", "/users/{}/role", {"role": "user"})),
    "suspend an admin": (an_admin, by_root("PATCH", "/users/{}/suspend")),
    "delete a patient": (a_patient, by_root("DELETE", "/users/{}")),
    "delete a doctor": (a_doctor, by_root("DELETE", "/doctors/{}")),
    "delete who waited too long": (waiting_long, expire),
    "add a doctor": (nobody_yet, add_doctor),
    "reset a password": (somebody, by_root("POST", "/users/{}/reset-password")),
    "assign a doctor": (beside_a_doctor, assign),
    "end a care": (a_patient, by_root("PUT", "/users/{}/doctor", {"doctor": None})),
    "add the first admin": (nobody_yet, make_admin),
    "make an admin at a start": (a_doctor, make_admin),
    "change one's password": (somebody, by_oneself("PUT", "/me/password", PASSWORDS)),
    "change consents": (somebody, by_oneself("PUT", "/me/consents", {"training": False})),
    "change the locale": (somebody, by_oneself("PUT", "/me/locale", {"locale": "fr"})),
    "switch notices off": (somebody, by_oneself("PUT", "/me/notices", {"mail": False})),
    "forget one's password": (somebody, ask_for_link),
    "hand a password link": (somebody, by_root("POST", "/users/{}/password-link")),
    "use a password link": (with_a_link, use_link),
    "log in": (somebody, log_in),
    "use a refresh token again": (with_a_used_refresh_token, refresh),
    "delete one's own account": (a_patient, by_oneself("DELETE", "/me", OWN_PASSWORD)),
    "log out": (somebody, by_oneself("POST", "/auth/logout")),
}
USE_CASES = tuple(UseCase(name, prepare, act, seen) for name, (prepare, act) in CASES.items())
