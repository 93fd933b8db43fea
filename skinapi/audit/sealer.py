"""Seals the rows of all servers, and logs the newest sealed row. What a seal is: trail.py."""

from datetime import timedelta

from skinapi.audit.trail import SEALED_AT_ONCE, AuditTrail
from skinapi.logs import log
from skinapi.storage.background import Lease, PeriodicThread
from skinapi.storage.ports import Document, Store

SEAL_EVERY_S = 1.0
# After a crash the others wait for so long.
LEASE_LENGTH = timedelta(seconds=5)


class AuditSealer(PeriodicThread):
    """Of all processes one seals at a time; that two do would harm nothing but their speed."""

    def __init__(self, store: Store, trail: AuditTrail) -> None:
        super().__init__("audit-sealer", every_s=SEAL_EVERY_S, failure="audit rows not sealed")
        self._lease = Lease(store.collection("leases"), "audit-sealer", length=LEASE_LENGTH)
        self._trail = trail
        self._logged: Document | None = None

    def make_pass(self) -> None:
        if self._trail.has_unsealed() and self._lease.claim():
            while self._trail.seal() == SEALED_AT_ONCE and self._lease.renew():
                pass
            self._lease.release()
        self._log_newest()

    def _log_newest(self) -> None:
        """A log that is kept elsewhere shows when the newest rows and the head were put back."""
        newest = self._trail.get_newest_sealed()
        if newest != self._logged:
            log.info("audit", sequence=newest["sequence"], hash=newest["hash"])
            self._logged = newest
