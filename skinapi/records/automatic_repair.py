"""Repairs the doctors' lists where a change was broken off: its server died, or lost the store.

On MongoDB a change of two records is not one transaction. Between them, an urgent finding may be
stored while the list of patients still says that nothing waits; on either store, who is no doctor
any more may still have patients, and would see them again as a doctor. The audit trail names each
change before it begins and after it is done, so the changes that were not done can be found.
"""

from contextlib import suppress

from pydantic import ValidationError

from skinapi.audit import AuditTrail
from skinapi.auth.active_admins import ActiveAdmins
from skinapi.auth.errors import ConcurrentChange, LastAdmin
from skinapi.errors import NotFound
from skinapi.logs import log
from skinapi.records.review_service import ReviewsService
from skinapi.records.service import RecordsService
from skinapi.storage.background import PeriodicThread
from skinapi.storage.lease import Lease
from skinapi.storage.ports import Document, Store

REPAIRS = "repairs"
LISTS = "doctors_lists"
PASS_EVERY_S = 30.0


class AutomaticRepair(PeriodicThread):
    """Of all processes, one looks at the new rows of the audit trail now and then. A repair may be
    made twice.
    """

    def __init__(
        self,
        store: Store,
        *,
        trail: AuditTrail,
        records: RecordsService,
        reviews: ReviewsService,
        active_admins: ActiveAdmins,
    ) -> None:
        super().__init__("automatic-repair", every_s=PASS_EVERY_S, failure="not repaired")
        self._lease = Lease(store.collection(REPAIRS), LISTS)
        self._trail = trail
        self._records = records
        self._reviews = reviews
        self._active_admins = active_admins

    def make_pass(self) -> None:
        """Look at what is new since the last pass of any process. Raises StoreUnavailable; then
        the next pass looks at the same again.
        """
        held = self._lease.claim()
        if held is None:
            return
        changes, reached = self._trail.not_done(after=held.get("reached"))
        for change in changes:
            self._repair(change)
        self._lease.release(reached=reached)
        if changes:
            log.info("repaired", count=len(changes))

    def _repair(self, change: Document) -> None:
        try:
            self._put_right(change)
        except ValidationError:  # damaged records, which `check` names, hold up no other repair
            log.error("not repaired", action=change["action"], target=change["target"])

    def _put_right(self, change: Document) -> None:
        if change["action"] == "review.create":
            self._reviews.repair_mark(change["target"])
        elif change["action"] in ("submission.create", "submission.delete"):
            self._records.repair_places(change["by"])
        elif change["action"] == "account.assign":
            self._records.repair_places(change["target"])
        elif change["action"].startswith("account.role_"):
            # Deleted, changed by others, or left to `check`: it holds up no other repair.
            with suppress(NotFound, ConcurrentChange, LastAdmin):
                self._active_admins.change(change["target"], lambda _: {})
            self._records.repair_places(change["target"])
