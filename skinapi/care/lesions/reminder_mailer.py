"""Puts reminders that are due into the outbox."""

from contextlib import suppress
from functools import partial

from pydantic import ValidationError

from skinapi.care.lesions.lesions import Lesions
from skinapi.care.lesions.reminders import look_at
from skinapi.notices.outbox import Kind, Outbox
from skinapi.records.findings.lesion_findings import LesionFindings
from skinapi.storage.background.threads import PeriodicThread
from skinapi.storage.ids import now
from skinapi.storage.ports import Store

PASS_EVERY_S = 600.0
REMINDED_AT_ONCE = 1000


class ReminderMailer(PeriodicThread):
    """Any process may make a pass: of two at once, one reminds of each spot."""

    def __init__(
        self, store: Store, *, lesions: Lesions, findings: LesionFindings, outbox: Outbox
    ) -> None:
        super().__init__("reminders", every_s=PASS_EVERY_S, failure="not reminded")
        self._store, self._outbox = store, outbox
        self._lesions, self._findings = lesions, findings

    def make_pass(self) -> None:
        if not self._outbox.enabled:
            return
        for identifier in self._lesions.list_due(REMINDED_AT_ONCE):
            with suppress(ValidationError):  # `check` names a damaged spot
                self._store.transaction(partial(self._remind, identifier))

    def _remind(self, identifier: str) -> None:
        """Once after each newest finding. The time is looked at again: it may have moved."""
        lesion = self._lesions.find(identifier)
        if lesion is None or lesion.remind_at is None or lesion.remind_at > now():
            return
        newest = self._findings.newest(identifier)
        if newest and look_at(newest) > now():
            self._lesions.change(identifier, {"remind_at": look_at(newest)})
            return
        if newest and newest.id != lesion.reminded:
            self._outbox.add(Kind.REMINDER, to=lesion.owner)
        reminded = newest.id if newest else None
        self._lesions.change(identifier, {"remind_at": None, "reminded": reminded})
