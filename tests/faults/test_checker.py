"""One violation of each kind is planted here."""

from dataclasses import replace
from typing import Any

import pytest

from skinapi.platform.storage.ports import Document
from tests.faults.checker import violations
from tests.faults.history import HUNG, Contents, Event

ADA, BOB = "ada@example.org", "bob@example.org"
# A day without faults: Ada registers and is made a doctor, Bob sends two photos.
TOLD = [
    Event("enrol", BOB, "bob-id", 201),
    Event("register", ADA, "first", 201),
    Event("approve", ADA, "", 200),
    Event("role", ADA, "doctor", 200),
    Event("predict", BOB, "key-1", 200, "1"),
    Event("predict", BOB, "key-1", 200, "1"),
    Event("predict", BOB, "key-2", 200, "2"),
    Event("discard", BOB, "2", 200),
]


def account(email: str, identifier: str, **fields: Any) -> Document:
    plain = {"role": "user", "status": "approved"}
    return {"id": identifier, "email": email, **plain, **fields}


def finding(number: int, key: str, **fields: Any) -> Document:
    plain = {"owner": "bob-id", "idempotency_key": key, "photo_blob": f"photo-{number}"}
    return {"id": f"finding-{number}", "number": number, **plain, **fields}


def rows(*actions: str, target: str = "x") -> list[Document]:
    told = {"by": "somebody", "target": target, "outcome": "done"}
    return [{"action": action, **told} for action in actions]


BOBS, FIRST, PHOTO = account(BOB, "bob-id"), finding(1, "key-1"), "photo-1"
ADAS = account(ADA, "ada-id", role="doctor")
CREATED = [*rows("submission.create", target="finding-1")]
CREATED += rows("submission.create", target="finding-2")
OTHERS = ("register", "role_doctor")
TRAIL = [*CREATED, *rows(*(f"account.{item}" for item in OTHERS), "submission.delete")]
AUDIT = [*TRAIL, *rows("account.approve")]
# What the store holds after that day.
KEPT = Contents(accounts=[BOBS, ADAS], findings=[FIRST], audit=AUDIT, blobs=frozenset({PHOTO}))
REMOVED = Event("remove", BOB, "", 200)
CLOSED: dict[str, Any] = {
    "accounts": [{**BOBS, "status": "closed"}, ADAS],
    "audit": [*AUDIT, *rows("account.close")],
}


def test_a_history_without_faults_has_no_violation() -> None:
    assert violations(TOLD, KEPT) == []
    refused = [Event("login", BOB, "", 401), Event("read", BOB, "", 401)]
    told, closed = [*TOLD, REMOVED, *refused], replace(KEPT, **CLOSED)
    erased = replace(closed, accounts=[ADAS], findings=[], blobs=frozenset())
    assert violations(told, closed) == violations(told, erased) == []


def filed(number: int, key: str) -> dict[str, Any]:
    row = rows("submission.create", target=f"finding-{number}")
    photos = frozenset({PHOTO, f"photo-{number}"})
    return {"findings": [FIRST, finding(number, key)], "blobs": photos, "audit": [*AUDIT, *row]}


# What else was told, what the store holds otherwise, and what the checker says.
PLANTED: dict[str, tuple[list[Event], dict[str, Any], str]] = {
    "a lost account": ([], {"accounts": [BOBS]}, f"account {ADA} is lost"),
    "an account twice": (
        [], {"accounts": [BOBS, ADAS, {**ADAS, "id": "other"}]}, f"2 accounts share {ADA}"
    ),
    "findings that outlive their owner": (
        [REMOVED], {**CLOSED, "accounts": [ADAS]}, f"1 findings outlived {BOB}"
    ),
    "an account that was not closed": (
        [REMOVED], {**CLOSED, "accounts": [BOBS, ADAS]}, f"account {BOB} is approved, not closed"
    ),
    "a lost finding of a closed account": (
        [REMOVED], {**CLOSED, "findings": [], "blobs": frozenset()}, f"finding 1 of {BOB} is lost"
    ),
    "a log-in to a closed account": (
        [REMOVED, Event("login", BOB, "", 200)],
        CLOSED,
        f"login of {BOB} was answered though the account was closed",
    ),
    "a token that outlives its account": (
        [REMOVED, Event("read", BOB, "", 200)],
        CLOSED,
        f"read of {BOB} was answered though the account was closed",
    ),
    "a lost role": (
        [], {"accounts": [BOBS, {**ADAS, "role": "user"}]}, f"account {ADA} is a user, not a doctor"
    ),
    "a lost finding": (
        [], {"findings": [], "blobs": frozenset()}, f"finding 1 of {BOB} is lost"
    ),
    "a key with two findings": ([], filed(3, "key-1"), "key key-1 made 2 findings"),
    "somebody else's finding": (
        [],
        {"findings": [{**FIRST, "owner": "ada-id"}]},
        f"finding 1 of {BOB} is somebody else's",
    ),
    "a finding nobody asked for": ([], filed(4, "never-sent"), "nobody asked for finding 4"),
    "a lost photo": ([], {"blobs": frozenset()}, "the photo of finding 1 is lost"),
    "a photo of nobody": (
        [],
        {"blobs": frozenset({PHOTO, "stray"})},
        "1 photos without a finding, 0 unanswered requests",
    ),
    "a deletion that did not last": (
        [], filed(2, "key-2"), "finding 2 is there though its deletion was acknowledged"
    ),
    "a change without its row": (
        [], {"audit": TRAIL}, "0 rows of account.approve done, not 1 to 1"
    ),
    "a row that nobody asked for": (
        [],
        {"audit": [*AUDIT, *rows("account.suspend")]},
        "1 rows of account.suspend done, not 0 to 0",
    ),
    "a break that check finds": (
        [], {"faults": ("audit rows 7 are missing",)}, "check says: audit rows 7 are missing"
    ),
    "a server error": (
        [Event("approve", ADA, "", 500)], {}, f"approve of {ADA} was answered 500"
    ),
    "an answer that never came": (
        [Event("approve", ADA, "", HUNG)], {}, f"approve of {ADA} was never answered"
    ),
}  # fmt: skip


@pytest.mark.parametrize("planted", PLANTED)
def test_each_planted_violation_is_found(planted: str) -> None:
    events, otherwise, says = PLANTED[planted]
    assert says in violations([*TOLD, *events], replace(KEPT, **otherwise))
