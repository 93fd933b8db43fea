"""The command that mends one damaged record of a store by what a backup has of it.

What was changed since the backup is not taken from it: an account is suspended then, a key revoked,
and of every other kind of record the command is refused.
"""

import argparse
from collections.abc import Sequence, Set
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from pydantic import BaseModel, ValidationError

from skinapi.app.commands import OPERATOR
from skinapi.app.composition.services import Services, open_services
from skinapi.app.integrity_check import list_record_types
from skinapi.app.restore_commands import DROPPED, erase_again
from skinapi.base.errors import Conflict, NotFound, RecordDamaged, UnsafeSettings
from skinapi.base.logs import configure_logs
from skinapi.base.settings.safety import refuse_unsafe
from skinapi.base.settings.settings import Settings
from skinapi.findings.records.queue_order import make_hold_key
from skinapi.findings.records.stored_findings import NONE_CAME, NOT_ASKED
from skinapi.findings.status.deciding_review import list_unanswered
from skinapi.findings.status.decisions import urgency_of
from skinapi.platform.backups.backup import find_in_backup, read_facts
from skinapi.platform.backups.backup_file import verify_backup
from skinapi.platform.storage.ids import now
from skinapi.platform.storage.numbers import FINDING, FINDINGS
from skinapi.platform.storage.ports import Document, Store
from skinapi.platform.storage.unit_of_work import Unit

# What a colleague is asked about a finding, and what has come of it.
ASKED_FIELDS = frozenset((*NOT_ASKED, *NONE_CAME))
# Of findings and reviews: an older one is milder, or says what somebody has taken back.
LOOK_AT = frozenset({"hold_ends_at", "opinion"})
CHANGED = (
    "{record} was changed since the backup ({changes}), and its damaged fields may be of before: "
    "take a later backup. Until then it is named as damaged: nothing changed"
)
# What follows from other records, or only says when something was used.
FOLLOWS = frozenset({
    *("browsers", "findings", "latest", "queue_key", "search", "seen_at", "warned_at"),
    *("read_at", "reminded", "used_at", "uses"),
})  # fmt: skip
# Of an account: neither lets anybody in, nor says what may be done with what is stored.
HARMLESS = FOLLOWS | {"birth_year", "created_at", "locale", "name", "notices", "sex"}
DELETION = frozenset({"deletion_asked_at", "deletion_due_at"})
WORK_ON_CASE = ("account.", "case.", "review.")
OPEN_WORK = frozenset({"opened_at", "taken_at", "taken_by"})
HELD_UNKNOWN = "Not known any more: a damaged record was restored"
PLACED = frozenset({"former_lesion", "lesion", "placed"})
# The acts that change such a record; of every other kind each act about it.
ACTS = {
    "accounts": ("account.", "retention."),
    "keys": ("key.",),
    "lesions": ("lesion.",),
    "letters": ("letter.",),
    FINDINGS: ("submission.sort", "lesion."),
}
# What a correction, or another judgement of the photo, changes together.
JUDGED = frozenset({
    *("version", "earlier", "band", "finding", "model_version", "context", "amendments"),
    *("judged_at", "judged_by", "corrected", "sections", "narrative_source"),
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Restored:
    """`taken`: the fields of the backup; `changes`: what was changed since it."""

    taken: set[str]
    changes: list[str]
    suspended: bool


def restore_record(settings: Settings, options: argparse.Namespace) -> int:
    """Mend one damaged record of the store by what a backup has of it. Servers may run."""
    configure_logs()
    refuse_unsafe(settings)
    collection, _, identifier = options.record.partition("/")
    model = list_record_types().get(collection)
    if model is None:
        raise UnsafeSettings(f"Name the record as collection/id; not {options.record}")
    verify_backup(options.file)
    kept = find_in_backup(options.file, collection, identifier)
    if kept is None:
        raise NotFound(f"{options.file.name} does not hold {options.record}")
    if _damaged_fields(model, kept):
        raise Conflict(f"{options.record} is damaged in {options.file.name} too: take an older one")
    services, begun_at = open_services(settings), read_facts(options.file).begun_at

    def replace(unit: Unit) -> Restored:
        rows = services.store.collection(collection)
        stored = rows.get(identifier)
        damaged = stored and (_damaged_fields(model, stored) or _orphaned_fields(services, stored))
        if not stored or not damaged:
            raise Conflict(f"{options.record} is not damaged here, or was deleted: nothing changed")
        incomplete = bool(damaged - stored.keys())
        damaged = _with_lost_fields(damaged, stored, kept)
        asked = damaged & ASKED_FIELDS
        changes = _find_changes(services, begun_at, collection, stored, kept, damaged)
        if changes and collection not in ("accounts", "keys"):
            raise Conflict(CHANGED.format(record=options.record, changes=", ".join(changes)))
        sound = {name: value for name, value in stored.items() if name not in damaged}
        mended = sound | {name: kept[name] for name in damaged if name in kept}
        if _damaged_fields(model, mended):
            mended, damaged = kept, {*kept}
        if collection == FINDINGS:
            ended = _find_ended(services, begun_at, kept, damaged)
            mended = {name: value for name, value in mended.items() if name not in ended}
            damaged = damaged - ended
            changes += ["second opinion"] if asked & ended else []
        suspends = collection == "accounts" and _suspends(services, mended, damaged, changes)
        since = _changed_since(services, mended, damaged)
        since |= {"status": "suspended"} if suspends else {}
        rows.delete({"id": identifier})
        rows.insert({**mended, **since})
        if suspends or damaged & {"status", "token_version"}:
            services.data.sessions.forget(identifier)
        if collection == "keys" and changes and (key := services.data.keys.find(identifier)):
            services.data.keys.revoke(key)
        if collection == FINDINGS and (incomplete or asked):
            _bring_back_opinion(services, identifier)
        unit.audit("store.restore", by=OPERATOR, target=identifier)
        services.data.failed_items.forget_damaged(collection, identifier)
        return Restored(damaged, changes, suspends)

    restored = services.data.work.run(replace)
    erase_again(services, of=identifier)
    print(f"restored: {options.record}. As in the backup: {', '.join(sorted(restored.taken))}")
    planned = restored.changes and restored.taken & DELETION
    if planned and services.erasure.drop(identifier, by=OPERATOR):
        print(DROPPED.format(identifier))
    _say_changes(collection, restored)
    print("now run `python -m skinapi check --repair`: other records may count on it")
    return 0


def _say_changes(collection: str, restored: Restored) -> None:
    taken, changes = restored.taken, restored.changes
    if changes:
        print(f"changed since the backup: {', '.join(changes)}. What was restored may be of before")
    if changes and collection == "keys":
        print("the key is revoked: whoever needs it makes another one")
    if collection in (FINDINGS, "reviews") and (since := ", ".join(sorted(taken & LOOK_AT))):
        print(f"look with the doctor what has changed since: {since}")
    if restored.suspended:
        print("the account is suspended, and may have been since: an admin approves it again")
    elif "status" in taken:
        print("the account may have been suspended since: an admin looks")


def _with_lost_fields(damaged: set[str], stored: Document, kept: Document) -> set[str]:
    """Where a field is lost that each record has, those that it may lack may be lost, too. What is
    asked of a colleague, and has come, is one fact in many fields.
    """
    lost = kept.keys() - stored.keys() if damaged - stored.keys() else set[str]()
    # What the store itself notes of a record is in no model.
    lost |= {
        name for name in stored if type(stored[name]) is not type(kept.get(name, stored[name]))
    }
    asked = ASKED_FIELDS & (kept.keys() | stored.keys()) if damaged & ASKED_FIELDS else set[str]()
    return damaged | lost | asked


def _find_changes(
    services: Services,
    since: datetime,
    collection: str,
    stored: Document,
    kept: Document,
    damaged: Set[str],
) -> list[str]:
    """Find what was changed since the backup of a record, its whole fields and the acts about it:
    what is damaged may have been changed with it.
    """
    fields, kinds = stored.keys() | kept.keys(), ACTS.get(collection, ("",))
    if collection == FINDINGS:
        fields = {*JUDGED} if JUDGED & damaged else set()
        kinds = kinds if PLACED & damaged else ()
    elif collection == "reviews" or damaged <= FOLLOWS:
        return []
    whole = fields - damaged - FOLLOWS
    changed = sorted(name for name in whole if stored.get(name) != kept.get(name))
    spot = kept.get("lesion") if collection == FINDINGS and kinds else None
    if spot and not services.lesions.has(spot):
        changed.append("lesion.join")  # the audit row names the one that stays
    about = filter(None, {kept["id"], kept.get(FINDING), spot})
    acts = {act for one in about for act in services.data.trail.list_acts(one, since=since)}
    return [*changed, *sorted(act for act in acts if act.startswith(kinds))]


def _find_ended(
    services: Services, since: datetime, finding: Document, damaged: Set[str]
) -> Set[str]:
    """Find the fields of a finding that are not taken: that it was opened, and that somebody works
    on it, may have ended since; what a colleague was asked, where anything was done since.
    """
    about = (finding["id"], finding["owner"])
    acts = {act for one in about for act in services.data.trail.list_acts(one, since=since)}
    asks = damaged & ASKED_FIELDS and any(act.startswith(WORK_ON_CASE) for act in acts)
    return (damaged & OPEN_WORK) | (ASKED_FIELDS if asks else frozenset())


def _suspends(
    services: Services, record: Document, damaged: Set[str], changes: Sequence[str]
) -> bool:
    """Whether an account may let somebody in, or let them see, who may not since the backup. The
    only admin stays.
    """
    role, others = record.get("role"), {*services.data.accounts.list_active_admins()}
    if record.get("status") == "deleting" or (role == "admin" and not others - {record["id"]}):
        return False
    staff = role in ("doctor", "researcher", "admin")
    return bool(changes and damaged - HARMLESS - DELETION) or (staff and "status" in damaged)


def _bring_back_opinion(services: Services, identifier: str) -> None:
    """A second opinion that has come since the backup, or whose fields are damaged, is the doctor's
    in charge again until that one has answered it.
    """
    records = services.data.findings
    finding = records.get(identifier)
    came = list_unanswered(records.reviews.list_of(identifier))
    if not came or finding.error or finding.opinion_came_at:
        return
    if any(review.doctor == finding.opinion_of for review in came):  # who is asked has answered
        records.change(identifier, **NOT_ASKED)
    for review in came:
        finding = records.get(identifier)
        records.note_opinion(finding, urgency=urgency_of(review, None, finding.band))


def _changed_since(services: Services, record: Document, damaged: Set[str]) -> Document:
    """The fields that must not be as in the backup: a hold that was ended, an owner whose account
    was joined to another one, and a hold on an account's data that came since.
    """
    changed: Document = {}
    held = {"held_at": now(), "held_by": OPERATOR, "held_because": HELD_UNKNOWN}
    if held.keys() & {name for name, value in record.items() if value is not None}:
        changed |= {name: value for name, value in held.items() if record.get(name) is None}
    if "hold_ends_at" in damaged and _has_ended(services.store, record):
        changed["hold_ends_at"] = now()
    if "owner" in damaged:
        with suppress(RecordDamaged):
            if staying := services.data.accounts.find_staying(record["owner"]):
                changed["owner"] = staying.id
    return changed


def _has_ended(store: Store, review: Document) -> bool:
    """Whether what this review holds back has been shown: its finding waits for a later hold, or
    for none.
    """
    finding = store.collection(FINDINGS).get(review[FINDING]) or {}
    key = make_hold_key(review.get("hold_ends_at"), finding.get("number", 0))
    return key is not None and (finding.get("hold_key") is None or finding["hold_key"] > key)


def _orphaned_fields(services: Services, record: Document) -> set[str]:
    """The fields that name an account or a finding which is not there: the id may be damaged."""
    parents = {"owner": "accounts", FINDING: FINDINGS}
    rows = services.store.collection
    named = {field: rows(parents[field]) for field in parents if record.get(field)}
    return {field for field, parent in named.items() if parent.get(record[field]) is None}


def _damaged_fields(model: type[BaseModel], document: Document) -> set[str]:
    """The fields that cannot be read; all where it is not one of them alone."""
    try:
        model.model_validate(document)
    except ValidationError as error:
        fields = {str(fault["loc"][0]) if fault["loc"] else "" for fault in error.errors()}
        return {*document} if "" in fields else fields
    return set()
