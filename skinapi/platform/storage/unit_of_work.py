"""The unit of work: one use case is one transaction, of which the audit row is a part.

A method that is marked `atomic` is the transaction. `Unit` is what it gets of it: the row of the
audit trail, the events that tell other packages what happens, and the files that are deleted after
it. Which functions listen to an event, in which order, and whether inside the transaction or after
it, is said in one table: app/composition/subscriptions.py.

    @atomic
    def approve_account(self, unit: Unit, *, email: str, by: str) -> Account:
        account = self.accounts.get_by_email(email)
        unit.audit("account.approve", by=by, target=account.id)
        return self.accounts.change(account, status="approved")

There is no `with` block: MongoDB lets one of two transactions in conflict run again from the
beginning, and SQLite may run it on the thread of another writer. So what runs is a function, and
changes nothing outside the store.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, replace
from functools import partial, wraps
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

from skinapi.base.errors import Duplicate, SkinAPIError, StoreUnavailable
from skinapi.base.logs import log
from skinapi.platform.storage.ids import now
from skinapi.platform.storage.ports import Store

T = TypeVar("T")
E = TypeVar("E")
P = ParamSpec("P")
Listeners = dict[type, list[Callable[[Any], Any]]]
AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class AuditRow:
    """Who did what to whom, and how it ended: "done", or the code of the error that refused it.
    `detail` says on what grounds, and names nobody. `owner` is the account whose finding, spot or
    letter the target is, or the patient whom it is about.
    """

    action: str
    by: str
    target: str
    detail: str | None = None
    outcome: str = "done"
    owner: str | None = None


class AuditRows(Protocol):
    def add(self, row: AuditRow) -> None:
        """Add a row in the transaction under way."""


class Erasures:
    """Files that are still to be deleted: what a person has deleted is gone, whatever is killed.

    A blob is no part of a transaction. So the transaction that deletes a record notes the keys of
    its blobs, and they are deleted after it; what an interruption or a disk that is away leaves, a
    task deletes.
    """

    def __init__(self, store: Store) -> None:
        self._noted = store.collection("erasures")
        self._blobs = store.blobs

    def note(self, keys: Sequence[str]) -> None:
        """Note them in the transaction that deletes the records of these blobs."""
        if keys:
            moment = now()
            self._noted.insert_many(
                [{"id": key, "schema": 1, "created_at": moment} for key in keys]
            )

    def finish(self, keys: Sequence[str]) -> None:
        """Delete the noted blobs, after the transaction. Where that fails, it is done later."""
        try:
            for start in range(0, len(keys), AT_ONCE):
                self._erase(keys[start : start + AT_ONCE])
        except StoreUnavailable:
            log.warning("erased_later", count=len(keys))

    def finish_all(self) -> None:
        while noted := self._noted.find(limit=AT_ONCE):
            self._erase([document["id"] for document in noted])

    def _erase(self, keys: Sequence[str]) -> None:
        for key in keys:
            self._blobs.delete(key)
        self._noted.delete({"id": {"$in": list(keys)}})


class UnitOfWork:
    def __init__(self, store: Store, rows: AuditRows) -> None:
        self._store, self._rows, self._erasures = store, rows, Erasures(store)
        self._inside: Listeners = {}
        self._afterwards: Listeners = {}
        self._under_way: ContextVar[bool] = ContextVar("unit_under_way", default=False)

    def inside(self, event: type[E], *listeners: Callable[[E], Iterable[str] | None]) -> None:
        self._inside.setdefault(event, []).extend(listeners)

    def afterwards(self, event: type[E], *listeners: Callable[[E], object]) -> None:
        """Call these with each such event once its transaction is durable."""
        self._afterwards.setdefault(event, []).extend(listeners)

    def run(
        self, act: Callable[Concatenate["Unit", P], T], /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run `act` and add its audit row, in one transaction. After it, delete its files and call
        who listens afterwards.

        Where `act` is refused with a SkinAPIError, only the row that it has named is added, with
        the error's code; none where the store fails, or another request has stored the same.
        """
        if self._under_way.get():
            raise RuntimeError("a unit of work within another one")
        unit = Unit(self, self._rows, self._erasures)
        token = self._under_way.set(True)
        try:
            result = self._store.transaction(partial(unit.attempt, act, *args, **kwargs))
        except (StoreUnavailable, Duplicate):
            raise
        except SkinAPIError as error:
            if unit.named:
                refused = replace(unit.named, outcome=error.code)
                self._store.transaction(partial(self._rows.add, refused))
            raise
        finally:
            self._under_way.reset(token)
        self._erasures.finish(unit.files)
        for call in unit.later:
            call()
        return result

    def tell(self, event: object) -> Iterator[str]:
        """Call who listens inside. The result is the files to be deleted."""
        for listener in self._inside.get(type(event), ()):
            yield from listener(event) or ()

    def announce(self, event: object) -> None:
        """Call who listens afterwards to what has happened in no transaction, or in many."""
        for listener in self._afterwards.get(type(event), ()):
            listener(event)


class Unit:
    named: AuditRow | None
    files: list[str]
    later: list[Callable[[], object]]

    def __init__(self, work: UnitOfWork, rows: AuditRows, erasures: Erasures) -> None:
        self._work, self._rows, self._erasures = work, rows, erasures
        self._begin()

    def audit(
        self,
        action: str,
        *,
        by: str,
        target: str,
        detail: str | None = None,
        owner: str | None = None,
    ) -> None:
        """Name what this transaction does, also where it is refused; the last name counts."""
        self.named = AuditRow(action, by, target, detail, owner=owner)

    def record(self, row: AuditRow) -> None:
        """Add a further row now. It is there only where all is done."""
        self._rows.add(row)

    def publish(self, event: object) -> None:
        """Call who listens to it inside the transaction now, and who listens afterwards then."""
        self.erase(self._work.tell(event))
        self.afterwards(partial(self._work.announce, event))

    def afterwards(self, call: Callable[[], object]) -> None:
        """Call this once the transaction is durable."""
        self.later.append(call)

    def erase(self, files: Iterable[str]) -> None:
        """Delete the blobs with these keys after the transaction; where that fails, later."""
        self.files.extend(files)

    def attempt(
        self, act: Callable[Concatenate["Unit", P], T], /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """The whole of the transaction, each time that it runs."""
        self._begin()
        result = act(self, *args, **kwargs)
        self._erasures.note(self.files)
        if self.named:
            self._rows.add(self.named)
        return result

    def _begin(self) -> None:
        self.named, self.files, self.later = None, [], []


class HasUnitOfWork(Protocol):
    @property
    def work(self) -> UnitOfWork: ...


S = TypeVar("S", bound=HasUnitOfWork)


def atomic(
    method: Callable[Concatenate[S, Unit, P], T],
) -> Callable[Concatenate[S, P], T]:
    """Make each call of this method one transaction of `work`, which passes the unit."""

    @wraps(method)
    def run(service: S, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return service.work.run(partial(method, service), *args, **kwargs)

    return run
