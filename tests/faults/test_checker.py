"""The checker finds each kind of violation: one of each is planted here."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from skinapi.storage.ports import Document
from tests.faults.checker import violations
from tests.faults.contents import Contents
from tests.faults.history import HUNG, Event

ADA, BOB, EVE = "ada@example.org", "bob@example.org", "eve@example.org"


def told() -> list[Event]:
    """A day without faults: Ada registers and is made a doctor, Bob sends two photos."""
    return [
        Event("enrol", BOB, "bob-id", 201),
        Event("register", ADA, "first", 201),
        Event("approve", ADA, "", 200),
        Event("role", ADA, "doctor", 200),
        Event("log_in", ADA, "first", 200),
        Event("password", ADA, "second", 200, "old-token"),
        Event("predict", BOB, "key-1", 200, "1"),
        Event("predict", BOB, "key-1", 200, "1"),
        Event("predict", BOB, "key-2", 200, "2"),
        Event("discard", BOB, "2", 200),
        Event("log_out", BOB, "", 200, "bobs-token"),
    ]


def kept() -> Contents:
    """What the store holds after that day."""
    return Contents(
        accounts=[
            account(BOB, "bob-id"),
            account(ADA, "ada-id", role="doctor", password_hash="second"),
        ],
        submissions=[finding(1, "key-1")],
        audit=[
            *rows("account.register"),
            *rows("account.approve"),
            *rows("account.role_doctor"),
            *rows("account.password"),
            *rows("submission.create", "finding-1"),
            *rows("submission.create", "finding-2"),
            *rows("submission.delete"),
            *rows("account.logout"),
        ],
        blobs=frozenset({"photo-1"}),
    )


def account(email: str, identifier: str, **fields: Any) -> Document:
    plain = {"role": "user", "status": "approved", "password_hash": "first"}
    return {"id": identifier, "email": email, **plain, **fields}


def finding(number: int, key: str, **fields: Any) -> Document:
    plain = {"owner": "bob-id", "idempotency_key": key, "photo_blob": f"photo-{number}"}
    return {"id": f"finding-{number}", "number": number, **plain, **fields}


def rows(action: str, target: str = "x") -> list[Document]:
    return [{"action": action, "by": "somebody", "target": target, "outcome": "done"}]


def without(events: list[Event], action: str) -> list[Event]:
    return [event for event in events if event.action != action]


def test_a_history_without_faults_has_no_violation() -> None:
    assert violations(told(), kept()) == []


PLANTED: dict[str, tuple[list[Event], Callable[[Contents], Contents], str]] = {
    "a lost account": (
        [],
        lambda c: replace(c, accounts=c.accounts[:1]),
        f"account {ADA} is lost",
    ),
    "an account twice": (
        [],
        lambda c: replace(c, accounts=[*c.accounts, account(ADA, "other", role="doctor")]),
        f"2 accounts share {ADA}",
    ),
    "an e-mail given out twice": (
        [Event("register", ADA, "first", 201)],
        lambda c: replace(c, audit=[*c.audit, *rows("account.register", "again")]),
        f"{ADA} was given out 2 times",
    ),
    "a free e-mail refused": (
        [Event("register", EVE, "p", 409)],
        lambda c: c,
        f"{EVE} was refused though nobody had it",
    ),
    "an account that outlives its deletion": (
        [Event("remove", BOB, "", 200)],
        lambda c: replace(
            c, submissions=[], blobs=frozenset(), audit=c.audit + rows("account.delete")
        ),
        f"account {BOB} is there",
    ),
    "findings that outlive their owner": (
        [Event("remove", BOB, "", 200)],
        lambda c: replace(c, accounts=c.accounts[1:], audit=c.audit + rows("account.delete")),
        f"1 findings outlived {BOB}",
    ),
    "a lost approval": (
        [],
        lambda c: replace(c, accounts=[c.accounts[0], {**c.accounts[1], "status": "waiting"}]),
        f"account {ADA} is waiting, not approved",
    ),
    "a lost role": (
        [],
        lambda c: replace(c, accounts=[c.accounts[0], {**c.accounts[1], "role": "user"}]),
        f"account {ADA} is a user, not a doctor",
    ),
    "a role that nobody gave": (
        [],
        lambda c: replace(c, accounts=[{**c.accounts[0], "role": "admin"}, c.accounts[1]]),
        f"account {BOB} is a admin, not a user",
    ),
    "an account half deleted by nobody": (
        [],
        lambda c: replace(c, accounts=[{**c.accounts[0], "status": "deleting"}, c.accounts[1]]),
        f"account {BOB} is deleting, not approved",
    ),
    "a lost password": (
        [],
        lambda c: replace(c, accounts=[c.accounts[0], {**c.accounts[1], "password_hash": "first"}]),
        f"the password of {ADA} is lost",
    ),
    "the right password refused": (
        [Event("log_in", ADA, "second", 401)],
        lambda c: c,
        f"{ADA} was refused the right password",
    ),
    "an old password taken": (
        [Event("log_in", ADA, "first", 200)],
        lambda c: c,
        f"{ADA} was let in by a password that is not theirs",
    ),
    "a lost finding": (
        [],
        lambda c: replace(c, submissions=[], blobs=frozenset()),
        f"finding 1 of {BOB} is lost",
    ),
    "a key with two findings": (
        [],
        lambda c: replace(
            c,
            submissions=[*c.submissions, finding(3, "key-1")],
            blobs=c.blobs | {"photo-3"},
            audit=c.audit + rows("submission.create", "finding-3"),
        ),
        "key key-1 made 2 findings",
    ),
    "a number with two findings": (
        [],
        lambda c: replace(c, submissions=[*c.submissions, finding(1, "key-2")]),
        "two findings share a number",
    ),
    "a key with two answers": (
        [Event("predict", BOB, "key-1", 200, "7")],
        lambda c: c,
        "key key-1 was answered with 1 and others",
    ),
    "two keys with one answer": (
        [Event("predict", BOB, "key-3", 200, "1")],
        lambda c: c,
        f"two keys of {BOB} were answered with one number",
    ),
    "somebody else's finding": (
        [],
        lambda c: replace(c, submissions=[finding(1, "key-1", owner="ada-id")]),
        f"finding 1 of {BOB} is somebody else's",
    ),
    "a finding nobody asked for": (
        [],
        lambda c: replace(
            c,
            submissions=[*c.submissions, finding(4, "never-sent")],
            blobs=c.blobs | {"photo-4"},
            audit=c.audit + rows("submission.create", "finding-4"),
        ),
        "nobody asked for finding 4",
    ),
    "a lost photo": (
        [],
        lambda c: replace(c, blobs=frozenset()),
        "the photo of finding 1 is lost",
    ),
    "a photo of nobody": (
        [],
        lambda c: replace(c, blobs=c.blobs | {"stray"}),
        "1 photos without a finding, 0 unanswered requests",
    ),
    "a deletion that did not last": (
        [],
        lambda c: replace(
            c, submissions=[*c.submissions, finding(2, "key-2")], blobs=c.blobs | {"photo-2"}
        ),
        "finding 2 is there though its deletion was acknowledged",
    ),
    "a token that outlives its log-out": (
        [],
        lambda c: replace(c, living_tokens=frozenset({"bobs-token"})),
        f"a token of {BOB} outlived its log_out",
    ),
    "a token that outlives its password": (
        [],
        lambda c: replace(c, living_tokens=frozenset({"old-token"})),
        f"a token of {ADA} outlived its password",
    ),
    "a change without its row": (
        [],
        lambda c: replace(c, audit=[row for row in c.audit if row["action"] != "account.approve"]),
        "0 rows of account.approve done, not 1 to 1",
    ),
    "a row that nobody asked for": (
        [],
        lambda c: replace(c, audit=c.audit + rows("account.suspend")),
        "1 rows of account.suspend done, not 0 to 0",
    ),
    "guesses that nobody made": (
        [Event("log_in", ADA, "wrong", 401)] * 58,
        lambda c: replace(c, audit=c.audit + rows("account.guessing")),
        "1 rows of account.guessing done, not 0 to 0",
    ),
    "a finding without its row": (
        [],
        lambda c: replace(c, submissions=[{**c.submissions[0], "id": "another"}]),
        "finding 1 has no row in the trail",
    ),
    "a break that check finds": (
        [],
        lambda c: replace(c, faults=("audit rows 7 to 8 are missing",)),
        "check says: audit rows 7 to 8 are missing",
    ),
    "half a deletion that nobody asked for": (
        [],
        lambda c: replace(c, faults=("account 17 is half deleted",)),
        "check says: account 17 is half deleted",
    ),
    "a server error": (
        [Event("approve", ADA, "", 500)],
        lambda c: c,
        f"approve of {ADA} was answered 500",
    ),
    "an answer that never came": (
        [Event("approve", ADA, "", HUNG)],
        lambda c: c,
        f"approve of {ADA} was never answered",
    ),
}


@pytest.mark.parametrize("planted", PLANTED)
def test_each_planted_violation_is_found(planted: str) -> None:
    events, spoil, says = PLANTED[planted]
    assert says in violations([*told(), *events], spoil(kept()))


EXPLAINED: dict[str, tuple[list[Event], Callable[[Contents], Contents]]] = {
    "more guesses than are checked": (
        [Event("log_in", ADA, "wrong", 401)] * 60,
        lambda c: replace(c, audit=c.audit + rows("account.guessing")),
    ),
    "a change that nobody heard of again": ([Event("approve", ADA)], lambda c: c),
    "one that happened, with its row": (
        [Event("role", ADA, "user", 503)],
        lambda c: replace(
            c,
            accounts=[c.accounts[0], {**c.accounts[1], "role": "user"}],
            audit=c.audit + rows("account.role_user"),
        ),
    ),
    "half a deletion": (
        [Event("remove", BOB)],
        lambda c: replace(
            c,
            accounts=[{**c.accounts[0], "status": "deleting"}, c.accounts[1]],
            audit=c.audit + rows("account.delete", "bob-id"),
            faults=("account 17 is half deleted",),
        ),
    ),
    "a photo that outlives its finding": (
        [Event("discard", BOB, "1", 503)],
        lambda c: replace(c, submissions=[], audit=c.audit + rows("submission.delete", "y")),
    ),
    "a photo whose finding was never written": (
        [Event("predict", BOB, "key-3")],
        lambda c: replace(c, blobs=c.blobs | {"photo-3"}),
    ),
    "either password": (
        [Event("password", ADA, "third", 0, "a-token")],
        lambda c: replace(c, living_tokens=frozenset({"a-token"})),
    ),
}


@pytest.mark.parametrize("explained", EXPLAINED)
def test_what_an_unanswered_request_may_leave_is_no_violation(explained: str) -> None:
    events, leave = EXPLAINED[explained]
    assert violations([*told(), *events], leave(kept())) == []


@pytest.mark.parametrize("action", ["approve", "role", "password", "log_out", "discard"])
def test_a_row_is_allowed_only_to_whom_it_was_promised(action: str) -> None:
    """The same store, with the action struck from the history: nobody asked for it."""
    assert violations(without(told(), action), kept())
