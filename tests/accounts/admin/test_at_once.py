import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial, wraps
from typing import Any

import pytest

from skinapi.accounts.auth.account import Subject
from skinapi.accounts.auth.accounts import Accounts
from skinapi.accounts.auth.errors import EmailTaken, LastAdmin, WrongPassword
from skinapi.accounts.auth.passwords import ClientInfo
from skinapi.accounts.auth.service import IssuedTokens
from skinapi.app.composition.services import Services
from skinapi.base.errors import Conflict, NotFound, SkinAPIError
from tests.served.wire import at_once
from tests.support.backends import PASSWORD, Backend, Person

CALLER = ClientInfo(address="192.0.2.1")
LONGEST_WAIT_S = 0.3  # on SQLite the second begins when the first has ended
BOSS, CHIEF, ADA, GREY, HOUSE = (
    f"{name}@example.org" for name in ("boss", "chief", "ada", "grey", "house")
)

Error = type[SkinAPIError] | None
Meet = Callable[[str], None]
ReminderKind = Callable[[Services], object]
ACTS: dict[str, ReminderKind] = {
    "demote boss": lambda of: of.admin.set_role(email=BOSS, role="user", by="-"),
    "demote chief": lambda of: of.admin.set_role(email=CHIEF, role="user", by="-"),
    "suspend chief": lambda of: of.admin.suspend_account(email=CHIEF, by="-"),
    "delete boss": lambda of: of.admin.close_account(of_doctor=False, email=BOSS, by="-"),
    "make ada an admin": lambda of: of.admin.set_role(email=ADA, role="admin", by="-"),
    "make ada a doctor": lambda of: of.admin.set_role(email=ADA, role="doctor", by="-"),
    "delete ada": lambda of: of.admin.close_account(of_doctor=False, email=ADA, by="-"),
    "suspend ada": lambda of: of.admin.suspend_account(email=ADA, by="-"),
    "assign ada to house": lambda of: of.decisions.assign_doctor(email=ADA, doctor=HOUSE, by="-"),
    "demote grey": lambda of: of.admin.set_role(email=GREY, role="user", by="-"),
    "demote house": lambda of: of.admin.set_role(email=HOUSE, role="user", by="-"),
    "delete house": lambda of: of.admin.close_account(of_doctor=True, email=HOUSE, by="-"),
}


@pytest.fixture
def backend(real_backend: Backend) -> Backend:
    return real_backend


@pytest.fixture
def meet(monkeypatch: pytest.MonkeyPatch) -> Meet:
    """Let the first two calls of this method wait for each other, so that neither transaction has
    written anything when the other one reads.
    """

    def install(method: str) -> None:
        read = getattr(Accounts, method)
        barrier, calls = threading.Barrier(2), iter(range(2))

        @wraps(read)
        def reading(*arguments: Any, **options: Any) -> Any:
            found = read(*arguments, **options)
            if next(calls, None) is not None:
                with suppress(threading.BrokenBarrierError):
                    barrier.wait(LONGEST_WAIT_S)
            return found

        monkeypatch.setattr(Accounts, method, reading)

    return install


def errors_of(*acts: Callable[[], object]) -> list[Error]:
    def tried(act: Callable[[], object]) -> Error:
        try:
            act()
        except SkinAPIError as error:
            return type(error)
        return None

    ends = at_once([partial(tried, act) for act in acts])
    return sorted(ends, key=lambda error: error is not None)


def play(backend: Backend, acts: str) -> list[Error]:
    return errors_of(*(partial(ACTS[name], backend.services) for name in acts.split(" | ")))


@pytest.mark.parametrize(
    "acts",
    ["demote boss | demote chief", "delete boss | suspend chief"],
)
def test_of_two_admins_who_remove_each_other_one_is_left(
    backend: Backend, meet: Meet, acts: str
) -> None:
    for email in (BOSS, CHIEF):
        backend.member(email, role="admin")
    meet("get")
    assert play(backend, acts) == [None, LastAdmin]
    assert len(backend.services.data.accounts.list_active_admins()) == 1


@pytest.mark.parametrize("ends", ["demote house", "delete house"])
def test_a_doctor_who_loses_the_role_gets_no_patient_afterwards(
    backend: Backend, meet: Meet, ends: str
) -> None:
    for email in (GREY, HOUSE):
        backend.member(email, role="doctor")
    grey, house = (backend.account(email).id for email in (GREY, HOUSE))
    backend.member(ADA, doctor_id=grey)
    meet("get")
    first, refused = play(backend, f"assign ada to house | {ends}")
    assert first is None
    # A patient whose doctor is gone keeps the id: the list of patients without a doctor has both.
    assert backend.account(ADA).doctor_id == (grey if refused else house)


def test_who_is_deleted_does_not_stay_as_an_admin(backend: Backend, meet: Meet) -> None:
    backend.member(BOSS, role="admin")
    backend.member(ADA)
    meet("get")
    assert play(backend, "make ada an admin | delete ada") in (
        *([None, None], [None, NotFound], [None, Conflict]),
    )
    accounts = backend.services.data.accounts
    assert accounts.find_by_email(ADA) is None
    assert accounts.list_active_admins() == [backend.account(BOSS).id]


def change_password(backend: Backend, account_id: str, new: str) -> IssuedTokens:
    account = backend.services.data.accounts.get(account_id)
    return backend.services.auth.change_password(
        subject=Subject(account_id, "user", "-", account), current=PASSWORD, new=new, caller=CALLER
    )


def test_one_password_is_replaced_once(backend: Backend, meet: Meet) -> None:
    backend.member(ADA)
    account_id = backend.account(ADA).id
    meet("get")
    ended = errors_of(
        *(partial(change_password, backend, account_id, f"{word} horse") for word in "ab")
    )
    assert ended == [None, WrongPassword]
    assert backend.account(ADA).token_version == 2


def test_a_suspension_ends_a_session_that_begins_at_once(backend: Backend, meet: Meet) -> None:
    """A session that began with the new password would be valid again after the suspension."""
    backend.member(ADA)
    account_id = backend.account(ADA).id
    issued: list[IssuedTokens] = []
    meet("get")
    errors_of(
        partial(ACTS["suspend ada"], backend.services),
        lambda: issued.append(change_password(backend, account_id, "another horse")),
    )
    assert backend.account(ADA).status == "suspended"
    backend.services.decisions.approve_account(email=ADA, role=None, by="-")
    for tokens in issued:
        person = Person(backend.client, tokens.access_token)
        assert person.call("GET", "/me").status_code == 401


def test_of_two_who_register_an_address_one_has_it(backend: Backend, meet: Meet) -> None:
    meet("find_by_email")
    ended = errors_of(
        *(
            partial(
                backend.services.auth.register_user,
                name=name,
                email=ADA,
                password=PASSWORD,
                caller=CALLER,
            )
            for name in ("Ada Lovelace", "Ada King")
        )
    )
    assert ended == [None, EmailTaken]


@pytest.mark.parametrize("registered", [False, True], ids=["empty store", "address registered"])
def test_of_two_workers_one_tells_the_password_that_opens(
    backend: Backend, meet: Meet, registered: bool
) -> None:
    if registered:
        backend.register(BOSS)
    told: list[str | None] = []
    meet("find_by_email")

    def start() -> None:
        told.append(backend.services.admin.ensure_admin(email=BOSS, password=None)[1])

    assert errors_of(start, start) == [None, None]
    [password] = [item for item in told if item]
    account = backend.account(BOSS)
    assert account.active_admin
    answer = backend.client.post("/login", json={"email": BOSS, "password": password})
    assert answer.get_json()["code"] == "password_change_required"


def test_a_worker_that_starts_late_makes_no_second_admin_of_the_first(backend: Backend) -> None:
    """The slow worker has read that there is no admin. Another worker then creates one, who is
    demoted.
    """
    ada = backend.member(role="admin")
    first, _ = backend.services.admin.ensure_admin(email=BOSS, password=None)
    assert ada.call("PUT", f"/users/{BOSS}/role", json={"role": "user"}).status_code == 200
    told = backend.services.admin.ensure_admin(email=BOSS, password=None, only_first=True)
    assert told[1] is None
    assert backend.services.data.accounts.list_active_admins() == [backend.account(ada.email).id]
    assert ada.call("DELETE", f"/users/{BOSS}").status_code == 200
    assert first.id not in backend.services.data.accounts.list_active_admins()
