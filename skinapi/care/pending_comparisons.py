from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from skinapi.base.errors import NotFound, Unavailable
from skinapi.care.comparisons import choose_pictures, compare_contents
from skinapi.findings.records.events import AnswerChanged
from skinapi.findings.records.finding_access import FindingAccess
from skinapi.findings.records.stored_finding import StoredFinding
from skinapi.findings.status.spot import compare
from skinapi.findings.status.spot_view import MeasuredChange
from skinapi.model.comparison.comparison import Change
from skinapi.model.registry.inference import InferenceService
from skinapi.model.registry.prediction_pool import BACKGROUND
from skinapi.platform.storage.background import Lease, Stopping
from skinapi.platform.storage.failed_items import FailedItems
from skinapi.platform.storage.ids import now
from skinapi.platform.storage.ports import Store
from skinapi.platform.storage.unit_of_work import Unit, UnitOfWork, atomic

MOST_AT_ONCE = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingComparisons:
    """A finding is `uncompared` from the transaction that adds it until the result is stored."""

    store: Store
    work: UnitOfWork
    findings: FindingAccess
    inference: InferenceService
    failed: FailedItems
    stopping: Stopping

    def run_once(self) -> None:
        """Only one process runs at a time. If the pool is full, the rest waits for the next run."""
        if not (pending := self.findings.records.list_uncompared(MOST_AT_ONCE)):
            return
        lease = Lease(self.store.collection("leases"), "comparisons")
        if not lease.claim():
            return
        try:
            with suppress(Unavailable):
                each = self._while_held(lease, pending)
                for _ in self.failed.each(
                    "comparison", each, self._compare, passing=(Unavailable,)
                ):
                    pass
        finally:
            lease.release()

    def _while_held(self, lease: Lease, pending: list[str]) -> Iterator[str]:
        for identifier in pending:
            if self.stopping.is_set() or not lease.renew():
                return
            yield identifier

    def _compare(self, identifier: str) -> None:
        records = self.findings.records
        if after := records.find(identifier):
            before = records.find_before(after)
            found = self._find_changes(before, after) if before else ()
            self._settle(before=before, after=after, found=found)

    def _find_changes(self, before: StoredFinding, after: StoredFinding) -> tuple[Change, ...]:
        if any(change.before == before.id for change in after.changes):
            return ()
        try:
            contents = [
                self.findings.photos.content_of(picture.finding)
                for picture in choose_pictures(before, after)
            ]
        except NotFound:
            return ()
        work = partial(compare_contents, *contents)
        comparison, _ = self.inference.run_in_pool(work, caller=BACKGROUND)
        return comparison.beyond_error if comparison.has_changed else ()

    @atomic
    def _settle(
        self,
        unit: Unit,
        *,
        before: StoredFinding | None,
        after: StoredFinding,
        found: tuple[Change, ...],
    ) -> None:
        records = self.findings.records
        first, second = records.find(before.id) if before else None, records.find(after.id)
        if second is None or second.uncompared != after.uncompared:
            return  # it was deleted, or came to its spot again
        records.change(second.id, uncompared=None)
        if not found or not first or first.error or first.lesion != second.lesion:
            return
        records.touch(first.id)
        unit.audit("submission.compare", by="system", target=second.id, owner=second.owner)
        at = now()
        changed_from = partial(compare, earlier=first.id, later=second.id, at=at)
        records.spots.change(second.lesion, changed_from)
        records.add_change(second, MeasuredChange(before=first.id, measured_at=at, changes=found))
        changed = records.renew([second.lesion])
        unit.publish(AnswerChanged(second))
        unit.publish(changed)
