"""Reads the audit trail for whom a breach touched. The rows are streamed: what is kept in memory
grows with the persons, not with the rows.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from skinapi.audit import AuditTrail
from skinapi.auth.accounts import Account, Accounts
from skinapi.errors import NotFound
from skinapi.integrations.keys.api_keys import ApiKeys
from skinapi.privacy.breach.acts import Act, read_row
from skinapi.storage.ids import now
from skinapi.storage.ports import Document
from skinapi.storage.unit_of_work import AuditRow

READ_AT_ONCE = 500
NO_TRACE = "There is no key or account with this id, and no row of the audit trail names it"


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What was in other hands: a key, an account, or else the server, at this time."""

    key: str | None = None
    account: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    @property
    def kind(self) -> str:
        return "key" if self.key else "account" if self.account else "span"


@dataclass(slots=True)
class Touched:
    """What was done with one person's data. `account` is None where it is gone."""

    id: str
    first: datetime | None = None
    last: datetime | None = None
    times: int = 0
    acts: dict[Act, int] = field(default_factory=dict)
    account: Account | None = None

    def add(self, act: Act, at: datetime) -> None:
        self.first = min(self.first or at, at)
        self.last = max(self.last or at, at)
        self.times += 1
        self.acts[act] = self.acts.get(act, 0) + 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Breach:
    """`persons`: most rows first. `rows`: how many rows were read, also about nobody.
    `reads_noted_since`: since when reading a record leaves a row; None where none did.
    """

    question: Question
    asked_at: datetime
    persons: Sequence[Touched]
    rows: int
    reads_noted_since: datetime | None

    @property
    def first(self) -> datetime | None:
        return min((one.first for one in self.persons if one.first), default=None)

    @property
    def last(self) -> datetime | None:
        return max((one.last for one in self.persons if one.last), default=None)

    @property
    def acts(self) -> dict[Act, int]:
        summed: dict[Act, int] = {}
        for person in self.persons:
            for act, count in person.acts.items():
                summed[act] = summed.get(act, 0) + count
        return summed


@dataclass(frozen=True, slots=True, kw_only=True)
class BreachService:
    trail: AuditTrail
    accounts: Accounts
    keys: ApiKeys
    clinic: str | None
    contact: str | None

    def find_touched(self, question: Question, *, by: str) -> Breach:
        """Whom it touched. That it was asked is a row of the audit trail itself. Raises NotFound
        for a key or an account that nothing names.
        """
        persons, rows = dict[str, Touched](), 0
        for row in self._walk(question):
            rows += 1
            for person, act in read_row(row):
                persons.setdefault(person, Touched(person)).add(act, row["created_at"])
        # What it shows of itself, it shows without a row.
        if holder := self._find_holder(question):
            persons.setdefault(holder, Touched(holder))
        elif not rows and question.kind != "span":
            raise NotFound(NO_TRACE)
        asked = question.key or question.account or "span"
        self.trail.record(AuditRow("breach.ask", by=by, target=asked))
        return Breach(
            question=question,
            asked_at=now(),
            persons=sorted(self._named(persons), key=lambda one: (-one.times, one.id)),
            rows=rows,
            reads_noted_since=self.trail.find_oldest("record.read"),
        )

    def _walk(self, question: Question) -> Iterator[Document]:
        """The rows of a key, and of the session keys that were made with it; of an account; of a
        time.
        """
        walk = partial(self.trail.walk_where, since=question.since, until=question.until)
        if question.key is None:
            yield from walk({"by": question.account} if question.account else {})
            return
        keys = [question.key]
        for key in keys:
            for row in walk({"by_key": key}):
                yield row
                if row["action"] == "key.session":
                    keys.append(row["target"])

    def _find_holder(self, question: Question) -> str | None:
        """The account that was in other hands, or that of the key."""
        if question.account:
            found = self.accounts.by_ids({question.account})
            return question.account if found else None
        key = self.keys.find(question.key) if question.key else None
        return key.account if key else None

    def _named(self, persons: dict[str, Touched]) -> Iterator[Touched]:
        identifiers = sorted(persons)
        for start in range(0, len(identifiers), READ_AT_ONCE):
            some = identifiers[start : start + READ_AT_ONCE]
            found = self.accounts.by_ids({*some})
            for one in some:
                persons[one].account = found.get(one)
                yield persons[one]
