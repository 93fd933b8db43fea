import time
from functools import partial

from skinapi.app.migration.steps import EMPTIED, STEPS, Step, Tools
from skinapi.base.errors import StoreUnavailable, UnsafeSettings
from skinapi.base.logs import log
from skinapi.base.settings.privacy import PrivacySettings
from skinapi.platform.audit.trail import AuditTrail
from skinapi.platform.storage.background import Lease
from skinapi.platform.storage.failed_items import FailedItems
from skinapi.platform.storage.numbers import FINDINGS
from skinapi.platform.storage.ports import Document, Store
from skinapi.platform.storage.store_version import MIGRATING, VERSION, end_migration, is_older
from skinapi.platform.storage.unit_of_work import AuditRow

READ_AT_ONCE = 100
# The version is included because the lease of an earlier migration stores its progress.
LEASE = f"migration {VERSION}"
# Gunicorn ends a worker that does not respond for a minute.
LONGEST_S = 20.0

PAUSED = (
    "Retention is paused in this store, and no pause is left: start once without RETAIN_…_DAYS, "
    "then set them as you want them"
)


def refuse_pause(store: Store, settings: PrivacySettings) -> None:
    """Refuse to migrate if the sweep would delete what an admin has kept by a pause."""
    if any(settings.retained_days.values()) and store.collection("retention_pause").count():
        raise UnsafeSettings(PAUSED)


def migrate_store(
    tools: Tools, failed: FailedItems, trail: AuditTrail, *, longest_s: float = LONGEST_S
) -> None:
    """Raise StoreUnavailable after `longest_s` seconds if it is not finished: call it again."""
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


TO_TELL = (
    "People to reach of 2.0.0 whose account or finding is gone: {}. Start 2.0.0 again, tell them, "
    "and mark them there: docs/operate/upgrade.md"
)
HALF_DELETED = (
    "Accounts that 2.0.0 has half deleted: {}. Start 2.0.0 again, which goes on, and stop it after "
    "some minutes"
)


def refuse_unready(store: Store) -> None:
    """Refuse a store with something that only 2.0.0 can finish."""
    if half := store.collection("accounts").count({"status": "deleting"}):
        raise UnsafeSettings(HALF_DELETED.format(half))
    people = store.collection("people_to_reach")
    people.ensure_index("account", "id")  # a restore has made none
    if to_tell := sum(_is_to_tell(store, person) for person in people.find()):
        raise UnsafeSettings(TO_TELL.format(to_tell))


def _is_to_tell(store: Store, person: Document) -> bool:
    """True if what the patient must be told is stored nowhere else."""
    account = store.collection("accounts").get(person["account"])
    if account is None or account.get("record_kept_until_at"):
        return True
    numbers = {finding["number"] for finding in person.get("findings", ())} - {None}
    return any(not store.collection(FINDINGS).count({"number": number}) for number in numbers)
