"""Runs the steps of the migration. Nothing else uses the store meanwhile."""

import time
from functools import partial

from skinapi.app.migration.steps import EMPTIED, STEPS, Step, Tools
from skinapi.base.errors import StoreUnavailable, UnsafeSettings
from skinapi.base.logs import log
from skinapi.base.settings.privacy import PrivacySettings
from skinapi.platform.audit.trail import AuditTrail
from skinapi.platform.storage.background import Lease
from skinapi.platform.storage.failed_items import FailedItems
from skinapi.platform.storage.ports import Document, Store
from skinapi.platform.storage.store_version import MIGRATING, VERSION, end_migration, is_older
from skinapi.platform.storage.unit_of_work import AuditRow

READ_AT_ONCE = 100
# It has the version because the lease of an earlier migration keeps what that one has reached.
LEASE = f"migration {VERSION}"
# A worker of gunicorn that says nothing for a minute is ended.
LONGEST_S = 20.0

PAUSED = (
    "Retention is paused in this store, and no pause is left: start once without RETAIN_…_DAYS, "
    "then set them as you want them"
)


def refuse_pause(store: Store, settings: PrivacySettings) -> None:
    """Refuse to migrate a store if the sweep would delete what an admin has kept by a pause."""
    if any(settings.retained_days.values()) and store.collection("retention_pause").count():
        raise UnsafeSettings(PAUSED)


def migrate_store(
    tools: Tools, failed: FailedItems, trail: AuditTrail, *, longest_s: float = LONGEST_S
) -> None:
    """Continue the migration for at most `longest_s` seconds. Raises StoreUnavailable if it is not
    finished then, or if another process is working on it: call it again.
    """
    store = tools.store
    lease, end = Lease(store.collection("leases"), LEASE), time.monotonic() + longest_s
    begun = lease.claim()
    if begun is None:
        raise StoreUnavailable(MIGRATING)
    if not is_older(store):  # another process has finished it meanwhile
        lease.release()
        return
    first, after = begun.get("step", 0), begun.get("reached")
    for index, (name, step) in enumerate(STEPS[first:], first):
        while found := store.collection(name).find(after=after, limit=READ_AT_ONCE):
            failed.do_each("migration", found, partial(_convert, tools, name, step))
            after = found[-1]["id"]
            if not lease.renew(step=index, reached=after):
                raise StoreUnavailable(MIGRATING)
            if time.monotonic() > end:
                lease.release()
                raise StoreUnavailable(f"{MIGRATING} ({name})")
        after = None
    for name in EMPTIED:
        store.collection(name).delete({})
    trail.record(AuditRow("store.migrate", by="system", target="store"))
    end_migration(store)
    lease.release()


def _convert(tools: Tools, name: str, step: Step, document: Document) -> None:
    if change := step(tools, document):
        log.warning("migrated", change=change, collection=name, id=document["id"])
