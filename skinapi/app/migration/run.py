import re
import time
from functools import partial

from skinapi.app.migration.steps import EMPTIED, STEPS, Step, Tools
from skinapi.base.errors import StoreUnavailable, UnsafeSettings
from skinapi.base.logs import log
from skinapi.base.settings.privacy import PrivacySettings
from skinapi.platform.audit.trail import AuditTrail
from skinapi.platform.storage.background import Lease
from skinapi.platform.storage.documents import walk_by_id
from skinapi.platform.storage.failed_items import FailedItems
from skinapi.platform.storage.numbers import FINDINGS
from skinapi.platform.storage.ports import Document, Store
from skinapi.platform.storage.store_version import (
    MIGRATING,
    STORE_COLLECTION,
    VERSION,
    end_migration,
    is_older,
)
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
SEVERAL_KEYS = (
    "Start this store with 2.0.0 again: patients or orders of other systems are stored by a key "
    "that is lost, or by several keys, and this version has one: docs/operate/upgrade.md"
)
# A patient's number or that of an order as 2.0.0 stored it, with the name of its key.
NUMBER = re.compile("(?:fhir/)?(?:([0-9a-f]{8}):)?[0-9a-f]{64}")
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
    """Return True if a message for the patient is stored nowhere else."""
    account = store.collection("accounts").get(person["account"])
    if account is None or account.get("record_kept_until_at"):
        return True
    numbers = {finding["number"] for finding in person.get("findings", ())} - {None}
    return any(not store.collection(FINDINGS).count({"number": number}) for number in numbers)


def find_number_key(store: Store) -> Document:
    """Find the only key of 2.0.0 by which numbers are stored, or its newest if there are none.
    Numbers that were given up in 2.0.0 find nobody there either.
    """
    stored = store.collection(STORE_COLLECTION).get(STORE_COLLECTION) or {}
    if "number_key" in stored:  # the migration has begun
        return dict(stored["number_key"])
    keys = [key for key in stored["number_keys"] if "given_up" not in key]
    used = _names_of_number_keys(store) if len(keys) > 1 else set()
    keys = [key for key in keys if key["name"] in used] or keys[:1]
    if len(keys) != 1 or not keys[0]["name"] or keys[0]["key"] != stored["key"]:
        raise UnsafeSettings(SEVERAL_KEYS)
    return {field: keys[0][field] for field in ("name", "wrapped")}


def _names_of_number_keys(store: Store) -> set[str]:
    names = set[str]()
    for name, field in (("accounts", "external"), (FINDINGS, "idempotency_key")):
        for document in walk_by_id(store.collection(name), fields=(field,)):
            if number := NUMBER.fullmatch(document.get(field) or ""):
                names.add(number[1] or "")
    return names
