"""Compares a history with the contents of the store: acknowledged changes that are missing,
duplicates, and changes that nobody requested. A fault may leave behind only the following. A
request without an answer may have happened, with its row of the trail, or not at all; the next
acknowledged change of the same thing settles it. A closed account still exists, or its erasure is
incomplete; nobody can log in to either. A photo may be kept without its finding, at most one for
each unanswered request to judge or to delete one.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from typing import TypeVar

from skinapi.platform.storage.ports import Document
from tests.faults.history import HUNG, Contents, Event

T = TypeVar("T")
BUSY = {503, 507}
WAIT = 429
ACTIONS = {
    "register": "account.register",
    "approve": "account.approve",
    "remove": "account.close",
    "discard": "submission.delete",
    "job": "job.submit",
}


class Told:
    def __init__(self, events: Iterable[Event]) -> None:
        self.all = list(events)
        self._by_action: dict[str, list[Event]] = defaultdict(list)
        self._by_subject: dict[tuple[str, str], list[Event]] = defaultdict(list)
        for event in self.all:
            self._by_action[event.action].append(event)
            self._by_subject[event.action, event.about].append(event)

    def actions(self, action: str, about: str | None = None) -> list[Event]:
        return self._by_action[action] if about is None else self._by_subject[action, about]

    def subjects(self, *actions: str) -> list[str]:
        return sorted({event.about for action in actions for event in self._by_action[action]})

    def life(self, email: str, *actions: str) -> list[Event]:
        return [event for event in self.all if event.about == email and event.action in actions]

    def may_be_closed(self, email: str) -> bool:
        return any(not event.refused for event in self.actions("remove", email))


def violations(events: Iterable[Event], kept: Contents) -> list[str]:
    told = Told(events)
    looks = (_answers, _accounts, _changes, _log_ins, _findings, _trail, _unexplained)
    return [violation for look in looks for violation in look(told, kept)]


def _answers(told: Told, _: Contents) -> Iterator[str]:
    """Every answer is a promise, a refusal, or a request to wait."""
    for event in told.all:
        if event.status == HUNG:
            yield f"{event.action} of {event.about} was never answered"
        elif event.status >= 500 and event.status not in BUSY:
            yield f"{event.action} of {event.about} was answered {event.status}"


def _accounts(told: Told, kept: Contents) -> Iterator[str]:
    many = Counter(account["email"] for account in kept.accounts)
    yield from (f"{times} accounts share {email}" for email, times in many.items() if times > 1)
    for email in told.subjects("enrol", "register"):
        life = told.life(email, "enrol", "register", "remove")
        there, removed = {False}, False
        for event in life:
            removed |= event.action == "remove"
            if event.action != "remove":
                there = _next(there, event, value=True)
            elif not event.refused:
                there = there | {False}
        if bool(many[email]) not in there:
            yield f"account {email} is {'there' if many[email] else 'lost'}"
        granted = sum(event.done for event in life if event.action == "register")
        if granted > 1 and not removed:
            yield f"{email} was given out {granted} times"
        # A request to wait is not a refusal.
        if not any(event.done or event.unknown or event.status == WAIT for event in life):
            yield f"{email} was refused though nobody had it"


def _changes(told: Told, kept: Contents) -> Iterator[str]:
    for account in kept.accounts:
        email = account["email"]
        statuses, roles = {"waiting"}, {"user"}
        for event in told.actions("enrol", email):
            statuses, roles = {"approved"}, {event.answer or "user"}
        for event in told.life(email, "approve", "remove"):
            status = "closed" if event.action == "remove" else "approved"
            statuses = _next(statuses, event, status)
        for event in told.actions("role", email):
            roles = _next(roles, event, event.value)
        known = told.actions("enrol", email) or told.actions("register", email)
        if known and account["status"] not in statuses:
            yield f"account {email} is {account['status']}, not {_or(statuses)}"
        if known and account["role"] not in roles:
            yield f"account {email} is a {account['role']}, not a {_or(roles)}"


def _log_ins(told: Told, _: Contents) -> Iterator[str]:
    """Nobody can log in to a closed account, with its password or with an older token."""
    for email in told.subjects("remove"):
        closed = False
        for event in told.life(email, "remove", "login", "read", "predict"):
            if closed and event.done:
                yield f"{event.action} of {email} was answered though the account was closed"
            closed |= event.action == "remove" and event.done


def _findings(told: Told, kept: Contents) -> Iterator[str]:
    """Each key has one record, each number one record, and each record its photo."""
    owners = {event.about: event.value for event in told.actions("enrol")}
    by_number = {finding["number"]: finding for finding in kept.findings}
    whole = {account["email"] for account in kept.accounts}
    stored = {account["id"] for account in kept.accounts}
    if len(by_number) < len(kept.findings):
        yield "two findings share a number"
    keys = Counter((item["owner"], item.get("idempotency_key")) for item in kept.findings)
    yield from (f"key {key} made {n} findings" for (_, key), n in keys.items() if key and n > 1)
    for email in told.subjects("predict"):
        yield from _answered_findings(told, email, owners[email], by_number, whole)
        mine = [item for item in kept.findings if item["owner"] == owners[email]]
        asked = {e.value for e in told.actions("predict", email) if not e.refused}
        yield from (
            f"nobody asked for finding {item['number']}"
            for item in mine
            if item["idempotency_key"] not in asked
        )
        late = any(event.unknown for event in told.actions("predict", email))
        if mine and owners[email] not in stored and not late:
            yield f"{len(mine)} findings outlived {email}"
    for event in told.actions("discard"):
        if event.done and int(event.value) in by_number:
            yield f"finding {event.value} is there though its deletion was acknowledged"
    yield from _lost_photos(told, kept)


def _answered_findings(
    told: Told, email: str, owner: str, by_number: dict[int, Document], whole: set[str]
) -> Iterator[str]:
    discards = told.actions("discard", email)
    gone = {event.value for event in discards if not event.refused}
    erased = told.may_be_closed(email) and email not in whole
    numbers: dict[str, str] = {}
    for event in told.actions("predict", email):
        if not event.done:
            continue
        if numbers.setdefault(event.value, event.answer) != event.answer:
            if numbers[event.value] not in gone:
                yield f"key {event.value} was answered with {numbers[event.value]} and others"
            numbers[event.value] = event.answer
        found = by_number.get(int(event.answer))
        if found is None and event.answer not in gone and not erased:
            yield f"finding {event.answer} of {email} is lost"
        if found and (found["owner"], found["idempotency_key"]) != (owner, event.value):
            yield f"finding {event.answer} of {email} is somebody else's"
    if len(set(numbers.values())) < len(numbers):
        yield f"two keys of {email} were answered with one number"


def _lost_photos(told: Told, kept: Contents) -> Iterator[str]:
    for finding in kept.findings:
        if finding.get("photo_blob") not in kept.blobs:
            yield f"the photo of finding {finding['number']} is lost"
    named = {finding.get("photo_blob") for finding in kept.findings}
    orphans = len(kept.blobs - named)
    unanswered = sum(event.unknown for event in told.actions("predict"))
    unanswered += sum(event.unknown for event in told.actions("discard"))
    erasing = any("half erased" in fault for fault in kept.faults)
    erasing |= any(event.unknown for event in told.actions("remove"))
    if orphans > unanswered and not erasing:
        yield f"{orphans} photos without a finding, {unanswered} unanswered requests"


def _trail(told: Told, kept: Contents) -> Iterator[str]:
    """Every acknowledged change has a row, and every row has a request."""
    told_done, unknown = Counter[str](), Counter[str]()
    changed: dict[str, set[str]] = defaultdict(set)
    for event in told.all:
        action = _action(event)
        if event.done:
            changed[action].add(event.about)
        told_done[action] += event.done and event.action != "predict"
        unknown[action] += event.unknown
    told_done["submission.create"] = len({e.answer for e in told.actions("predict") if e.done})
    rows_done = Counter(
        row["action"]
        for row in kept.audit
        if row["by"] != "system" and row.get("outcome") == "done"
    )
    for action in sorted(set(told_done) | set(rows_done) - {""}):
        least, most = told_done[action], told_done[action] + unknown[action]
        if action.startswith(("account.approve", "account.role_")):
            # An action without effect leaves no row. An account begins unapproved, and as a user.
            least = 0 if action == "account.role_user" else len(changed[action])
        if action and not least <= rows_done[action] <= most:
            yield f"{rows_done[action]} rows of {action} done, not {least} to {most}"
    meant = {row["target"] for row in kept.audit if row["action"] == "submission.create"}
    for finding in kept.findings:
        if finding["id"] not in meant:
            yield f"finding {finding['number']} has no row in the trail"


def _action(event: Event) -> str:
    if event.action == "role":
        return f"account.role_{event.value}"
    if event.action == "predict":
        return "submission.create"
    return ACTIONS.get(event.action, "")


def _unexplained(told: Told, kept: Contents) -> Iterator[str]:
    """Return the faults of `check` that no incomplete erasure explains."""
    closed = any(map(told.may_be_closed, told.subjects("remove")))
    half_erased = r"account \w+ is half erased|submissions of account \w+, which is gone"
    explanations = {half_erased: closed}
    for fault in kept.faults:
        if not any(holds and re.fullmatch(said, fault) for said, holds in explanations.items()):
            yield f"check says: {fault}"


def _next(possible: set[T], event: Event, value: T) -> set[T]:
    if event.done:
        return {value}
    return possible | {value} if event.unknown else possible


def _or(possible: set[str]) -> str:
    return " or ".join(sorted(possible))
