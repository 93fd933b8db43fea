"""The threads that work beside the requests of a process."""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import timedelta

from skinapi.audit.sealer import AuditSealer
from skinapi.auth.accounts.waiting_expiry import WaitingExpiry
from skinapi.composition.migrations import migrations_of
from skinapi.composition.services import Services
from skinapi.registry.model_reloader import ModelReloader
from skinapi.settings import Settings
from skinapi.storage.background.erasures import ErasureRetry
from skinapi.storage.background.migration import Migrator
from skinapi.storage.background.threads import BackgroundThread
from skinapi.storage.background.totals import Totals


@dataclass(frozen=True)
class Background:
    """Whoever serves starts and stops them."""

    model_reloader: ModelReloader
    migrator: Migrator
    totals: Totals
    audit_sealer: AuditSealer
    erasures: ErasureRetry
    waiting_expiry: WaitingExpiry

    def start(self) -> None:
        """Call it in the process that serves: a thread does not survive a fork."""
        for thread in self._threads():
            thread.start()

    def stop(self) -> None:
        """End each after what it is doing, before the store is closed."""
        for thread in self._threads():
            thread.stop()

    def _threads(self) -> Iterator[BackgroundThread]:
        return (getattr(self, field.name) for field in fields(self))


def open_background(
    settings: Settings, services: Services, model_reloader: ModelReloader
) -> Background:
    return Background(
        model_reloader=model_reloader,
        migrator=Migrator(services.store, migrations_of(services)),
        totals=services.totals,
        audit_sealer=AuditSealer(services.store, services.trail),
        erasures=ErasureRetry(services.store),
        waiting_expiry=WaitingExpiry(
            accounts=services.accounts,
            eraser=services.eraser,
            life=timedelta(days=settings.waiting_account_days),
        ),
    )
