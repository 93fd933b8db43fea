from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)
from werkzeug.test import TestResponse

from skinapi.app.integrity_check import check_integrity
from skinapi.base.errors import Unauthenticated
from skinapi.platform.web.declaration import Authenticated
from tests.stores.mock_store import MockStore
from tests.support.backends import ADMIN, Backend, Person
from tests.support.size import size

EMAILS = st.sampled_from([ADMIN, "ada@example.org", "bob@example.org", "cyd@example.org"])
ROLES = st.sampled_from(["user", "doctor", "researcher", "admin"])
PASSWORD = "correct horse battery"
ANY_STATE = Authenticated(even_waiting=True, even_unready=True)


@dataclass(eq=False)
class Account:
    """The expected account. A deleted account stays deleted, even if its address is registered
    again.
    """

    email: str
    password: str = PASSWORD
    role: str = "user"
    status: str = "waiting"
    version: int = 1
    must_change: bool = False

    @property
    def active_admin(self) -> bool:
        return (self.role, self.status) == ("admin", "approved")


@dataclass(eq=False)
class Session:
    account: Account
    version: int
    ended: bool = False
    access: list[str] = field(default_factory=list)
    refresh: str | None = None

    @property
    def is_valid(self) -> bool:
        account = self.account
        return not self.ended and account.status != "deleted" and self.version == account.version


class Accounts(RuleBasedStateMachine):
    backend: ClassVar[Backend]
    sessions: Bundle[Session] = Bundle("sessions")
    spent: Bundle[tuple[Session, str]] = Bundle("spent")

    def __init__(self) -> None:
        super().__init__()
        for name in self.backend.services.store.collections():
            self.backend.services.store.collection(name).delete({})
        self.accounts: dict[str, Account] = {}
        self.opened: list[Session] = []

    @initialize(target=sessions)
    def start_with_an_admin(self) -> Session:
        self.backend.services.admin.ensure_admin(email=ADMIN, password=PASSWORD)
        self.accounts[ADMIN] = Account(ADMIN, role="admin", status="approved")
        answer = self.post("/login", {"email": ADMIN, "password": PASSWORD, "refresh": True})
        return self.keep(self.accounts[ADMIN], answer)

    @rule(target=sessions, email=EMAILS, asks=st.booleans())
    def register(self, email: str, asks: bool) -> Any:
        sent = {"name": "A", "email": email, "password": PASSWORD, "refresh": asks}
        answer = self.post("/register", sent)
        if email in self.accounts:
            assert answer.status_code in (409, 429)  # the caller may ask too often
            return multiple()
        assert answer.status_code == 201
        self.accounts[email] = Account(email)
        return self.keep(self.accounts[email], answer)

    @rule(target=sessions, email=EMAILS, asks=st.booleans(), right=st.booleans())
    def log_in(self, email: str, asks: bool, right: bool) -> Any:
        account = self.accounts.get(email)
        password = account.password if account and right else "wrong horse"
        answer = self.post("/login", {"email": email, "password": password, "refresh": asks})
        if account is None or not right:
            assert answer.status_code == 401
        elif account.status != "approved" or account.must_change:
            assert answer.status_code == 403
        else:
            assert answer.status_code == 200
            return self.keep(account, answer)
        return multiple()

    @rule(target=spent, session=sessions)
    def refresh(self, session: Session) -> Any:
        if session.refresh is None:
            return multiple()
        shown, session.refresh = session.refresh, None
        answer = self.post("/auth/refresh", {"refresh_token": shown})
        assert answer.status_code == (200 if session.is_valid else 401), answer.text
        if session.is_valid:
            body = answer.get_json()
            session.access.append(body["access_token"])
            session.refresh = body["refresh_token"]
        return session, shown

    @rule(kept=spent)
    def reuse_refresh_token(self, kept: tuple[Session, str]) -> None:
        session, token = kept
        assert self.post("/auth/refresh", {"refresh_token": token}).status_code == 401
        session.ended = True

    @rule(session=consumes(sessions))
    def log_out(self, session: Session) -> None:
        self.call(session, "POST", "/auth/logout", may=session.is_valid)
        session.ended = True

    @rule(target=sessions, session=sessions)
    def change_password(self, session: Session) -> Any:
        account = session.account
        fresh = account.password + "!" if len(account.password) < 60 else PASSWORD
        body = {"current_password": account.password, "new_password": fresh, "refresh": True}
        may = session.is_valid and account.status == "approved"
        answer = self.call(session, "PUT", "/me/password", body, may=may)
        if not may:
            return multiple()
        account.password, account.must_change = fresh, False
        account.version += 1
        return self.keep(account, answer)

    @rule(target=sessions, email=EMAILS, right=st.booleans())
    def replace_password(self, email: str, right: bool) -> Any:
        account = self.accounts.get(email)
        current = account.password if account and right else "wrong horse"
        fresh = current + "?" if len(current) < 60 else f"{PASSWORD}?"
        sent = {"email": email, "current_password": current, "new_password": fresh}
        answer = self.post("/password", {**sent, "refresh": True})
        if account is None or not right:
            assert answer.status_code == 401
        elif account.status != "approved":
            assert answer.status_code == 403
        else:
            assert answer.status_code == 200
            account.password, account.must_change = fresh, False
            account.version += 1
            return self.keep(account, answer)
        return multiple()

    @rule(by=sessions, email=EMAILS, doctor=st.booleans())
    def approve(self, by: Session, email: str, doctor: bool) -> None:
        body = {"role": "doctor"} if doctor else {}
        if account := self.desk(by, "PATCH", f"/users/{email}/approve", email, body):
            account.status = "approved"
            if doctor and account.role == "user":
                account.role = "doctor"

    @rule(by=sessions, email=EMAILS, role=ROLES)
    def change_role(self, by: Session, email: str, role: str) -> None:
        leaves = role != "admin"
        path = f"/users/{email}/role"
        if account := self.desk(by, "PUT", path, email, {"role": role}, leaves=leaves):
            account.role = role

    @rule(by=sessions, email=EMAILS)
    def suspend(self, by: Session, email: str) -> None:
        if account := self.desk(by, "PATCH", f"/users/{email}/suspend", email, leaves=True):
            account.status = "suspended"
            account.version += 1

    @rule(by=sessions, email=EMAILS)
    def delete(self, by: Session, email: str) -> None:
        account = self.accounts.get(email)
        kind = "doctors" if account and account.role == "doctor" else "users"
        if account := self.desk(by, "DELETE", f"/{kind}/{email}", email, leaves=True):
            account.status = "deleted"
            del self.accounts[email]

    @invariant()
    def tokens_live_and_die_with_their_session(self) -> None:
        for session in self.opened:
            for token in session.access:
                assert self.opens(token, session.account) == session.is_valid

    @invariant()
    def an_admin_is_left(self) -> None:
        if not self.accounts:
            return  # not begun yet
        expected = {item.email for item in self.accounts.values() if item.active_admin}
        found = self.backend.services.data.accounts.list_where(
            {"role": "admin", "status": "approved"}
        )
        assert expected == {account.email for account in found} != set()

    def teardown(self) -> None:
        assert list(check_integrity(self.backend.services)) == []

    def post(self, path: str, body: dict[str, Any]) -> TestResponse:
        return self.backend.client.post(path, json=body)

    def keep(self, account: Account, answer: TestResponse) -> Session:
        body = answer.get_json()
        session = Session(account, account.version, refresh=body.get("refresh_token"))
        session.access.append(body["access_token"])
        self.opened.append(session)
        return session

    def call(
        self, session: Session, method: str, path: str, body: object = None, *, may: bool
    ) -> TestResponse:
        person = Person(self.backend.client, session.access[-1])
        answer = person.call(method, path, json=body)
        assert (answer.status_code == 200) == may, answer.text
        assert answer.status_code == 401 or session.is_valid, answer.text
        return answer

    def desk(
        self,
        by: Session,
        method: str,
        path: str,
        email: str,
        body: object = None,
        *,
        leaves: bool = False,
    ) -> Account | None:
        target = self.accounts.get(email)
        admin = by.is_valid and by.account.active_admin and not by.account.must_change
        last = target and [item for item in self.accounts.values() if item.active_admin] == [target]
        may = bool(admin and target and not (leaves and last))
        self.answer = self.call(by, method, path, body, may=may)
        return target if may else None

    def opens(self, token: str, account: Account) -> bool:
        try:
            subject = self.backend.services.authorizer.admit(ANY_STATE, f"Bearer {token}")
        except Unauthenticated:
            return False
        assert subject
        assert subject.role == account.role
        return True


def test_no_sequence_of_account_changes_revives_a_token_or_removes_the_last_admin(
    tmp_path: Path,
) -> None:
    Accounts.backend = Backend(tmp_path, MockStore())
    run_state_machine_as_test(
        Accounts,
        settings=settings(
            max_examples=size(10, 1000),
            stateful_step_count=size(25, 50),
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
