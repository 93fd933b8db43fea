"""The command that mends one damaged record of a store by what a backup has of it.

What was changed since the backup is not taken from it: an account is suspended then, a key revoked,
and of every other kind of record the command is refused.
"""

import argparse
from collections.abc import Sequence, Set
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pydantic import BaseModel, ValidationError

from skinapi.accounts.auth.account import Account
from skinapi.accounts.auth.account_search import search_fields
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
from skinapi.platform.storage.documents import walk_by_id
from skinapi.platform.storage.ids import now
from skinapi.platform.storage.numbers import FINDING, FINDINGS
from skinapi.platform.storage.ports import Document
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
    """`taken`: the fields of the backup; `changes`: what was changed since it. `kept_by_law`: it is
    what is left of a deleted account.
    """

    taken: set[str]
    changes: list[str]
    suspended: bool
    kept_by_law: bool


@dataclass(frozen=True, slots=True)
class KeptRecord:
    """A record as a backup has it that was begun at `since`."""

    services: Services
    collection: str
    model: type[BaseModel]
    kept: Document
    since: datetime

    def restore(self, unit: Unit) -> Restored:
        """Replace what is stored by what is sound of it, and the rest of the backup's."""
        identifier, rows = self.kept["id"], self.services.store.collection(self.collection)
        name = f"{self.collection}/{identifier}"
        stored = rows.get(identifier)
        unsound = stored and self._find_unsound(stored)
        if not stored or not unsound:
            raise Conflict(f"{name} is not damaged here, or was deleted: nothing changed")
        damaged = _with_lost_fields(unsound, stored, self.kept)
        changes = self._find_changes(stored, damaged)
        unknown = "account.join" in changes and "former_identity" in damaged
        if changes and (unknown or self.collection not in ("accounts", "keys")):
            raise Conflict(CHANGED.format(record=name, changes=", ".join(changes)))
        mended, taken = self._mend(stored, damaged)
        ended = self._find_ended(taken, changes)
        mended, taken = _without(mended, ended), taken - ended
        changes += ["second opinion"] if damaged & ASKED_FIELDS & ended else []
        suspends = self.collection == "accounts" and self._suspends(mended, taken, changes)
        since = self._changed_since(mended, taken) | ({"status": "suspended"} if suspends else {})
        whole = {**mended, **since}
        if "owner" in taken and self._is_gone(whole["owner"]):
            raise Conflict(CHANGED.format(record=name, changes="its account is gone"))
        rows.delete({"id": identifier})
        rows.insert(whole)
        restored = Restored(taken, changes, suspends, bool(mended.get("former_identity")))
        lost = bool(unsound - stored.keys())
        self._follow(restored, asked=lost or bool(damaged & ASKED_FIELDS))
        unit.audit("store.restore", by=OPERATOR, target=identifier)
        self.services.data.failed_items.forget_damaged(self.collection, identifier)
        return restored

    def _is_gone(self, account: str) -> bool:
        """It may have been joined to one that was deleted since, which took it along."""
        return self.services.store.collection("accounts").get(account) is None

    def _find_unsound(self, stored: Document) -> set[str]:
        """The fields that cannot be read, or else name an account or a finding which is not there:
        the id may be damaged.
        """
        if damaged := _damaged_fields(self.model, stored):
            return damaged
        parents = {"owner": "accounts", FINDING: FINDINGS}
        rows = self.services.store.collection
        named = {field: rows(parents[field]) for field in parents if stored.get(field)}
        return {field for field, parent in named.items() if parent.get(stored[field]) is None}

    def _mend(self, stored: Document, damaged: set[str]) -> tuple[Document, set[str]]:
        """Return the mended record, and the fields that it has from the backup."""
        mended = _without(stored, damaged) | {
            name: self.kept[name] for name in damaged if name in self.kept
        }
        if _damaged_fields(self.model, mended):
            return self.kept, {*self.kept}
        return mended, damaged

    def _follow(self, restored: Restored, *, asked: bool) -> None:
        """Change what hangs on the record. `asked`: perhaps a second opinion has come."""
        data, identifier = self.services.data, self.kept["id"]
        if restored.suspended or restored.taken & {"status", "token_version"}:
            data.sessions.forget(identifier)
        if self.collection == "keys" and restored.changes and (key := data.keys.find(identifier)):
            data.keys.revoke(key)
        if self.collection == FINDINGS and asked:
            self._bring_back_opinion()

    def _find_changes(self, stored: Document, damaged: Set[str]) -> list[str]:
        """Find what was changed since the backup, the whole fields and the acts about the record:
        what is damaged may have been changed with it.
        """
        kept, collection = self.kept, self.collection
        fields, kinds = stored.keys() | kept.keys(), ACTS.get(collection, ("",))
        if collection == FINDINGS:
            fields = {*JUDGED} if JUDGED & damaged else set()
            kinds = kinds if PLACED & damaged else ()
        elif collection == "reviews" or damaged <= FOLLOWS:
            return []
        whole = fields - damaged - FOLLOWS
        changed = sorted(name for name in whole if stored.get(name) != kept.get(name))
        spot = kept.get("lesion") if collection == FINDINGS and kinds else None
        if spot and not self.services.lesions.has(spot):
            changed.append("lesion.join")  # the audit row names the one that stays
        acts = self._list_acts(kept["id"], kept.get(FINDING), spot)
        return [*changed, *sorted(act for act in acts if act.startswith(kinds))]

    def _list_acts(self, *about: str | None) -> set[str]:
        """List what was done since the backup about these."""
        trail = self.services.data.trail
        return {act for one in about if one for act in trail.list_acts(one, since=self.since)}

    def _find_ended(self, damaged: Set[str], changes: Sequence[str]) -> Set[str]:
        """Find the fields that are not taken. Of a finding: that it was opened, and that somebody
        works on it, may have ended since; what a colleague was asked, where anything was done
        since. Of a kept record: its doctor, where it was given to another one.
        """
        if self.collection == "accounts" and self.kept.get("former_identity"):
            return {"doctor_id"} & damaged if "account.assign" in changes else frozenset()
        if self.collection != FINDINGS:
            return frozenset()
        acts = self._list_acts(self.kept["id"], self.kept["owner"])
        asks = damaged & ASKED_FIELDS and any(act.startswith(WORK_ON_CASE) for act in acts)
        return (damaged & OPEN_WORK) | (ASKED_FIELDS if asks else frozenset())

    def _suspends(self, record: Document, taken: Set[str], changes: Sequence[str]) -> bool:
        """Whether an account may let somebody in, or let them see, who may not since the backup.
        The only admin stays.
        """
        admins = {*self.services.data.accounts.list_active_admins()}
        if record.get("former_identity"):
            return False  # nobody logs in to what is kept by law
        role = record.get("role")
        only = role == "admin" and not admins - {record["id"]}
        if record.get("status") == "deleting" or only:
            return False
        staff = role in ("doctor", "researcher", "admin")
        return bool(changes and taken - HARMLESS - DELETION) or (staff and "status" in taken)

    def _bring_back_opinion(self) -> None:
        """A second opinion that has come since the backup, or whose fields are damaged, is the
        doctor's in charge again until that one has answered it.
        """
        records, identifier = self.services.data.findings, self.kept["id"]
        finding = records.get(identifier)
        came = list_unanswered(records.reviews.list_of(identifier))
        if not came or finding.error or finding.opinion_came_at:
            return
        if any(review.doctor == finding.opinion_of for review in came):  # who is asked has answered
            records.change(identifier, **NOT_ASKED)
        for review in came:
            finding = records.get(identifier)
            records.note_opinion(finding, urgency=urgency_of(review, None, finding.band))

    def _changed_since(self, record: Document, taken: Set[str]) -> Document:
        """The fields that must not be as in the backup: a hold that was ended, an owner whose
        account was joined to another one, and a hold on an account's data that came since.
        """
        changed: Document = {}
        held = {"held_at": now(), "held_by": OPERATOR, "held_because": HELD_UNKNOWN}
        if held.keys() & {name for name, value in record.items() if value is not None}:
            changed |= {name: value for name, value in held.items() if record.get(name) is None}
        if "hold_ends_at" in taken and self._has_ended(record):
            changed["hold_ends_at"] = now()
        if self.collection == "accounts" and taken & {"joined", "joined_to"}:
            changed |= self._find_joined(record["id"])
        if "owner" in taken:
            with suppress(RecordDamaged):
                if staying := self.services.data.accounts.find_staying(record["owner"]):
                    changed["owner"] = staying.id
        return changed

    def _find_joined(self, identifier: str) -> Document:
        """Find what the other accounts say of an account that was joined to one, or has some."""
        fields = ("joined", "joined_to")
        every = walk_by_id(self.services.store.collection("accounts"), fields=fields)
        others = [item for item in every if item["id"] != identifier]
        joined = [item["id"] for item in others if item.get("joined_to") == identifier]
        into = [item["id"] for item in others if identifier in (item.get("joined") or ())]
        return {"joined": joined} | ({"joined_to": into[0]} if into else {})

    def _has_ended(self, review: Document) -> bool:
        """Whether what this review holds back has been shown: its finding waits for a later hold,
        or for none.
        """
        finding = self.services.store.collection(FINDINGS).get(review[FINDING]) or {}
        key = make_hold_key(review.get("hold_ends_at"), finding.get("number", 0))
        return key is not None and (finding.get("hold_key") is None or finding["hold_key"] > key)


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
    services = open_services(settings)
    if collection == "accounts":
        kept = _as_kept_by_law(services, kept, options.file)
    backup = KeptRecord(services, collection, model, kept, read_facts(options.file).begun_at)
    restored = services.data.work.run(backup.restore)
    erase_again(services, of=identifier)
    print(f"restored: {options.record}. As in the backup: {', '.join(sorted(restored.taken))}")
    planned = restored.changes and restored.taken & DELETION
    if planned and services.erasure.drop(identifier, by=OPERATOR):
        print(DROPPED.format(identifier))
    _say_changes(collection, restored)
    print("now run `python -m skinapi check --repair`: other records may count on it")
    return 0


def _as_kept_by_law(services: Services, kept: Document, file: Path) -> Document:
    """What is left of an account that was deleted since the backup: its medical record."""
    account, erased = Account.model_validate(kept), services.data.erased_ids.find(kept["id"])
    if erased is None or erased.kept_until_at is None or account.is_record:
        return kept
    gone = account.model_copy(update={"record_kept_until_at": erased.kept_until_at})
    joined = (find_in_backup(file, "accounts", item) for item in account.joined)
    accounts = [account, *(Account.model_validate(item) for item in joined if item)]
    identity = services.eraser.former.hash_identity(accounts)
    record = gone.as_record(identity, made_at=erased.created_at)
    fields = {name: value for name, value in record.stored().items() if value is not None}
    unread = {name: value for name, value in kept.items() if name not in Account.model_fields}
    return unread | fields | search_fields(record.name, record.email)


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
    elif "status" in taken and not restored.kept_by_law:
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


def _without(document: Document, fields: Set[str]) -> Document:
    return {name: value for name, value in document.items() if name not in fields}


def _damaged_fields(model: type[BaseModel], document: Document) -> set[str]:
    """The fields that cannot be read; all where it is not one of them alone."""
    try:
        model.model_validate(document)
    except ValidationError as error:
        fields = {str(fault["loc"][0]) if fault["loc"] else "" for fault in error.errors()}
        return {*document} if "" in fields else fields
    return set()
