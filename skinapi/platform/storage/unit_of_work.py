"""The unit of work: one use case is one transaction, which includes its audit row.

A method with the decorator `atomic` runs in a transaction. Its `Unit` takes the audit row, the
events for other packages, and the files to delete afterwards. app/composition/subscriptions.py
lists the listeners of each event, in order, inside the transaction or after it.

    @atomic
    def approve_account(self, unit: Unit, *, email: str, by: str) -> Account:
        account = self.accounts.get_by_email(email)
        unit.audit("account.approve", by=by, target=account.id)
        return self.accounts.change(account, status="approved")

A `with` block is not possible: after a conflict in MongoDB a transaction runs again from the
beginning, and SQLite may run it on another writer's thread. So the method must change nothing
outside of the store.
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
    """`outcome` is "done", or the code of the error that refused the action. `detail` gives the
    grounds and names nobody. `owner` is the account whose finding, spot or letter the target is, or
    the patient concerned.
    """

    action: str
    by: str
    target: str
    detail: str | None = None
    outcome: str = "done"
    owner: str | None = None


class AuditRows(Protocol):
    def add(self, row: AuditRow) -> None: ...


class Erasures:
    """Files that are still to be deleted.

    A blob is not part of a transaction. So the transaction that deletes a record notes the keys of
    its blobs, which are deleted after it. A task deletes what an interruption or an unavailable
    disk left behind.
    """

    def __init__(self, store: Store) -> None:
        self._noted = store.collection("erasures")
        self._blobs = store.blobs

    def note(self, keys: Sequence[str]) -> None:
        if keys:
            moment = now()
            self._noted.insert_many(
                [{"id": key, "schema": 1, "created_at": moment} for key in keys]
            )

    def finish(self, keys: Sequence[str]) -> None:
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
        self._afterwards.setdefault(event, []).extend(listeners)

    def run(
        self, act: Callable[Concatenate["Unit", P], T], /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run `act` and add its audit row in one transaction, then delete its files and call the
        listeners.

        If a SkinAPIError refuses `act`, only the audit row that it has named is added, with the
        error's code. There is no row if the store fails or another request has stored the same.
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
        for listener in self._inside.get(type(event), ()):
            yield from listener(event) or ()

    def announce(self, event: object) -> None:
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
        """Set the audit row of this transaction, also for a refusal. The last call counts."""
        self.named = AuditRow(action, by, target, detail, owner=owner)

    def record(self, row: AuditRow) -> None:
        """Add another row now. It is only stored if the transaction succeeds."""
        self._rows.add(row)

    def publish(self, event: object) -> None:
        self.erase(self._work.tell(event))
        self.afterwards(partial(self._work.announce, event))

    def afterwards(self, call: Callable[[], object]) -> None:
        self.later.append(call)

    def erase(self, files: Iterable[str]) -> None:
        """Delete these blobs after the transaction. If that fails, a task retries."""
        self.files.extend(files)

    def attempt(
        self, act: Callable[Concatenate["Unit", P], T], /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """The whole transaction. It may run several times."""
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
    @wraps(method)
    def run(service: S, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return service.work.run(partial(method, service), *args, **kwargs)

    return run
