"""Deletion: begun is finished, whatever fails on the way."""

import pytest

from skinapi.app import create_app
from skinapi.auth.accounts import Accounts
from skinapi.auth.deletion import Eraser
from skinapi.errors import SkinAPIError, StoreUnavailable
from tests.houses import House


class Room:
    """Forgets owners, once it works."""

    def __init__(self, *, broken: bool = False) -> None:
        self.broken = broken
        self.asked: list[str] = []

    def forget(self, owner: str) -> None:
        self.asked.append(owner)
        if self.broken:
            raise StoreUnavailable


def eraser_of(house: House, *rooms: Room) -> Eraser:
    return Eraser(
        accounts=Accounts(house.rooms.store),
        roster=house.rooms.roster,
        forget=[room.forget for room in rooms],
    )


def test_every_room_forgets_before_the_account_goes(any_house: House) -> None:
    person = any_house.member("ada@example.org")
    account = any_house.account("ada@example.org")
    first, second = Room(), Room()
    eraser_of(any_house, first, second).erase(account)
    assert first.asked == second.asked == [account.id]
    assert any_house.rooms.store.collection("accounts").count({"id": account.id}) == 0
    assert person.call("GET", "/me").status_code == 401


def test_a_room_that_fails_leaves_a_dead_account_to_finish(any_house: House) -> None:
    person = any_house.member("ada@example.org")
    account = any_house.account("ada@example.org")
    healthy, broken = Room(), Room(broken=True)
    eraser = eraser_of(any_house, healthy, broken)
    with pytest.raises(StoreUnavailable):
        eraser.erase(account)
    assert any_house.account("ada@example.org").status == "deleting"
    assert person.call("GET", "/me").status_code == 401
    (fault,) = eraser.faults()
    assert fault.says == f"account {account.id} is half deleted"
    broken.broken = False
    assert fault.repair is not None
    fault.repair()
    assert list(eraser.faults()) == []
    assert healthy.asked == [account.id] * 2


def test_erasing_twice_is_erasing_once(house: House) -> None:
    house.member("ada@example.org")
    account = house.account("ada@example.org")
    eraser = eraser_of(house, Room())
    eraser.erase(account)
    with pytest.raises(SkinAPIError, match="Not found"):
        eraser.erase(account)
    eraser.resume()


def test_what_fails_at_the_start_stops_neither_the_start_nor_the_others(house: House) -> None:
    for name in "abc":
        house.member(f"{name}@example.org", status="deleting")
    stubborn = house.account("a@example.org").id

    def forget(owner: str) -> None:
        if owner == stubborn:
            raise StoreUnavailable

    accounts = Accounts(house.rooms.store)
    Eraser(accounts=accounts, roster=house.rooms.roster, forget=[forget]).resume()
    assert [account.id for account in accounts.find({"status": "deleting"})] == [stubborn]


def test_a_start_finishes_what_a_crash_left(any_house: House) -> None:
    any_house.member("ada@example.org", status="deleting")
    grey = any_house.member("grey@example.org", role="doctor", status="deleting")
    any_house.member("ben@example.org", doctor_id=any_house.account(grey.email).id)
    create_app(any_house.settings, any_house.rooms.store)
    left = any_house.rooms.store.collection("accounts").find()
    assert [document["email"] for document in left] == ["ben@example.org"]
    assert "doctor_id" not in left[0]
