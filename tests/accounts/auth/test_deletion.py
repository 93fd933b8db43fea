"""Deleting an account: once begun it is finished, whatever fails in between."""

import pytest

from skinapi.accounts.auth.account_deletion import Eraser
from skinapi.accounts.auth.accounts import Account, Accounts
from skinapi.accounts.auth.events import AccountErased
from skinapi.app.application import create_app
from skinapi.base.errors import SkinAPIError, StoreUnavailable
from skinapi.platform.storage.failed_items import FailedItems
from skinapi.platform.storage.unit_of_work import UnitOfWork
from tests.support.backends import Backend


class ForgettingPackage:
    """Forgets owners, once it works."""

    def __init__(self, *, broken: bool = False) -> None:
        self.broken = broken
        self.asked: list[str] = []

    def forget(self, event: AccountErased) -> None:
        self.asked.append(event.account)
        if self.broken:
            raise StoreUnavailable


def eraser_of(backend: Backend, *services: ForgettingPackage) -> Eraser:
    store = backend.services.store
    work = UnitOfWork(store, backend.services.data.trail)
    for package in services:
        work.afterwards(AccountErased, package.forget)
    return Eraser(work=work, accounts=Accounts(store), failed=FailedItems(store))


def erase(eraser: Eraser, account: Account) -> None:
    accounts = eraser.accounts
    eraser.work.run(
        lambda unit: eraser.begin(unit, accounts.get(account.id), by="-", action="account.delete")
    )
    eraser.finish(account.id)


def test_every_package_deletes_its_data_before_the_account_goes(any_backend: Backend) -> None:
    person = any_backend.member("ada@example.org")
    account = any_backend.account("ada@example.org")
    first, second = ForgettingPackage(), ForgettingPackage()
    erase(eraser_of(any_backend, first, second), account)
    assert first.asked == second.asked == [account.id]
    assert any_backend.services.store.collection("accounts").count({"id": account.id}) == 0
    assert person.call("GET", "/me").status_code == 401


def test_a_package_that_fails_leaves_a_deleting_account_to_finish(any_backend: Backend) -> None:
    person = any_backend.member("ada@example.org")
    account = any_backend.account("ada@example.org")
    healthy, broken = ForgettingPackage(), ForgettingPackage(broken=True)
    eraser = eraser_of(any_backend, healthy, broken)
    with pytest.raises(StoreUnavailable):
        erase(eraser, account)
    assert any_backend.account("ada@example.org").status == "deleting"
    assert person.call("GET", "/me").status_code == 401
    (fault,) = eraser.faults()
    assert fault.message == f"account {account.id} is half deleted"
    broken.broken = False
    assert fault.repair is not None
    fault.repair()
    assert list(eraser.faults()) == []
    assert healthy.asked == [account.id] * 2


def test_deleting_an_account_is_idempotent(backend: Backend) -> None:
    backend.member("ada@example.org")
    account = backend.account("ada@example.org")
    eraser = eraser_of(backend, ForgettingPackage())
    erase(eraser, account)
    with pytest.raises(SkinAPIError, match="Not found"):
        erase(eraser, account)
    eraser.resume()


def test_what_fails_at_the_start_stops_neither_the_start_nor_the_others(backend: Backend) -> None:
    for name in "abc":
        backend.member(f"{name}@example.org", status="deleting")
    stubborn = backend.account("a@example.org").id

    def forget(event: AccountErased) -> None:
        if event.account == stubborn:
            raise StoreUnavailable

    eraser = eraser_of(backend)
    eraser.work.afterwards(AccountErased, forget)
    eraser.resume()
    accounts = eraser.accounts
    assert accounts.list_deleting() == [stubborn]


def test_a_start_finishes_what_a_crash_left(any_backend: Backend) -> None:
    any_backend.member("ada@example.org", status="deleting")
    grey = any_backend.member("grey@example.org", role="doctor", status="deleting")
    any_backend.member("ben@example.org", doctor_id=any_backend.account(grey.email).id)
    create_app(any_backend.settings, any_backend.services.store)
    left = any_backend.services.store.collection("accounts").find()
    assert [document["email"] for document in left] == ["ben@example.org"]
    assert "doctor_id" not in left[0]
