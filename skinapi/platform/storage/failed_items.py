"""Processes each item of a background pass separately, so that a damaged record does not stop the
others. Records that a request could not read are recorded here, too.

A failure is logged by id, counted, retried with growing delays, and named by `/readyz`. It is
removed once it succeeds, or after a week without an attempt.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, TypeVar

from skinapi.base.errors import RecordDamaged, SkinAPIError, StoreBusy, StoreUnavailable
from skinapi.base.logs import log
from skinapi.base.stored_record import StoredRecord
from skinapi.base.values import GaugeReading
from skinapi.platform.storage.background import backoff
from skinapi.platform.storage.ids import now
from skinapi.platform.storage.ports import Document, Store
from skinapi.platform.storage.records import Repository
from skinapi.platform.storage.unreadable import Name

FIRST_RETRY = timedelta(minutes=1)
LONGEST_RETRY = timedelta(hours=6)
KEPT = timedelta(days=7)
MOST_NAMED = 3
T = TypeVar("T")
R = TypeVar("R")


def _id_of(item: Any) -> str:
    if isinstance(item, str):
        return item
    identifier: str = item["id"] if isinstance(item, dict) else item.id
    return identifier


class FailedItem(StoredRecord):
    """`work` is the pass that failed on an item, or the collection of a record that a request could
    not read. `reason` is the type of the error, never its text, which may contain personal data.
    """

    id: str
    created_at: datetime
    work: str
    item: str
    attempts: int
    reason: str
    due_at: datetime
    expires_at: datetime


class FailedItems(Repository[FailedItem]):
    collection, record = "failed_items", FailedItem
    indexes = (("work", "id"), ("item",))
    expiry = "expires_at"

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        # Is told of records that cannot be read, when they are found and from time to time.
        self.on_damaged: Callable[[Collection[Name]], object] = lambda _: None

    def each(
        self,
        work: str,
        items: Iterable[T],
        act: Callable[[T], R],
        *,
        key: Callable[[T], str] = _id_of,
        postpone: Callable[[T, int], object] | None = None,
        passing: tuple[type[Exception], ...] = (),
    ) -> Iterator[R]:
        """Yield the result of `act` for each item, identified by `key`. An item that fails is
        skipped until its next attempt is due; if it has its own due time, `postpone` moves that.

        StoreUnavailable and errors in `passing` are raised, because then the item is not damaged. A
        refusal for another reason, such as a record deleted meanwhile, is only logged.
        """
        failed: dict[str, FailedItem] | None = None
        away: tuple[type[Exception], ...] = (StoreUnavailable, *passing)
        for item in items:
            identifier = key(item)
            if failed is None:
                failed = self.find_all(work)
            known = failed.get(identifier)
            if known and postpone is None and known.due_at > now():
                continue
            try:
                result = act(item)
            except StoreBusy:
                continue
            except away:
                raise
            except Exception as error:  # noqa: BLE001 (damaged data can break any code that reads it)
                if postpone is None and isinstance(error, SkinAPIError) and error.status < 500:
                    log.warning("item_refused", work=work, item=identifier, reason=error.code)
                    continue
                if isinstance(error, RecordDamaged) and error.record:
                    self.note_damaged({error.record: error.code})
                reason = error.code if isinstance(error, SkinAPIError) else type(error).__name__
                attempts = self._note(work, identifier, reason, known)
                if postpone:
                    postpone(item, attempts)
                continue
            if known:
                self._documents.delete({"id": known.id})
            yield result

    def do_each(
        self,
        work: str,
        items: Iterable[T],
        act: Callable[[T], object],
        key: Callable[[T], str] = _id_of,
    ) -> None:
        for _ in self.each(work, items, act, key=key):
            pass

    def find_all(self, work: str) -> dict[str, FailedItem]:
        return {failed.item: failed for failed in self._list({"work": work})}

    def _note(self, work: str, item: str, reason: str, known: FailedItem | None) -> int:
        attempts, moment = (known.attempts if known else 0) + 1, now()
        log.error("item_failed", work=work, item=item, reason=reason, attempts=attempts)
        fields: Document = {
            "created_at": known.created_at if known else moment,
            "work": work,
            "item": item,
            "attempts": attempts,
            "reason": reason,
            "due_at": moment + backoff(attempts, first=FIRST_RETRY, longest=LONGEST_RETRY),
            "expires_at": moment + KEPT,
            "schema": 1,
        }
        self._documents.update({"id": f"{work}-{item}"}, {"$set": fields}, upsert=True)
        return attempts

    def note_damaged(self, damaged: Mapping[Name, str], hidden: Iterable[Name] = ()) -> None:
        noted = list[Name]()
        for (collection, identifier), reason in damaged.items():
            known = self._first({"work": collection, "item": identifier})
            if known is None or known.due_at <= now():
                self._note(collection, identifier, reason, known)
                noted.append((collection, identifier))
        if not noted:
            return
        try:
            self.on_damaged([*noted, *hidden])
        except StoreUnavailable:
            raise
        except Exception as error:  # noqa: BLE001 (damaged data can break any code that reads it)
            log.error("damaged_not_told", reason=type(error).__name__)

    def forget(self, identifier: str) -> None:
        self._documents.delete({"item": identifier})

    def problems(self) -> list[str]:
        if not (count := self._documents.count()):
            return []
        named = [
            f"{entry.work}/{entry.item}"
            for entry in self._list({"work": {"$gt": ""}}, sort="work", limit=MOST_NAMED)
        ]
        listed = ", ".join([*named, "…"] if count > MOST_NAMED else named)
        left_out = f"Damaged records, left out of lists and of background work: {count} ({listed})"
        return [f"{left_out}. `python -m skinapi check` names the damaged fields"]

    def gauges(self) -> list[GaugeReading]:
        text = "Damaged records that the server found: that it cannot read, or cannot work on"
        return [GaugeReading("skinapi_damaged_records", text, float(self._documents.count()))]
