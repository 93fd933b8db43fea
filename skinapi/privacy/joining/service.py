"""An admin joins two accounts of one person: what the duplicate has goes to the one that stays."""

from collections.abc import Mapping
from dataclasses import dataclass

from skinapi.accounts.admin.decisions import NO_ACCOUNT, get_by_email
from skinapi.accounts.auth.accounts import NOT_REFUSED, Account, AccountFields, Accounts
from skinapi.accounts.auth.consents import PURPOSES, ConsentGiven, Consents
from skinapi.accounts.auth.events import AccountsJoined, ConsentWithdrawn
from skinapi.base.errors import Conflict
from skinapi.findings.records.events import FindingsChanged
from skinapi.findings.records.service import RecordsService
from skinapi.platform.notices.outbox import Kind, Outbox
from skinapi.platform.storage.ports import Filter, Store
from skinapi.platform.storage.unit_of_work import AuditRow, Unit, UnitOfWork, atomic

# Which fields of which collections name whose it is, and get the account that stays.
MOVED: Mapping[str, tuple[str, ...]] = {
    "submissions": ("owner",),
    "lesions": ("owner",),
    "messages": ("owner", "to"),
    "consents": ("account",),
    "keys": ("account",),
    "outbox": ("account", "author"),
    "break_glass": ("owner", "owner_untold"),
    "deliveries": ("owner",),
    "images": ("account",),
}
# And who has acted, where that was the person.
ACTED: Mapping[str, str] = {"consents": "by", "keys": "made_by", "messages": "author"}
# What opens the duplicate, or was made for it, goes (app/composition/subscriptions.py).
GONE = frozenset(
    ("sessions", "session_keys", "password_links", "oidc_round_trips", "known_addresses")
) | frozenset(("person_files", "jobs", "job_logs", "failed_items"))
OF_FINDINGS = "names its finding or spot, which is moved, and whoever wrote it"
OF_STAFF = "of doctors, researchers and admins: a patient has none"
OF_ERASED = "of accounts that are gone"
STAYS: Mapping[str, str] = {
    "accounts": "what is left of the duplicate names the account that stays",
    "audit": "who did what, and to which of both, is not changed",
    "reviews": OF_FINDINGS,
    "letters": OF_FINDINGS,
    "reports": OF_FINDINGS,
    "narratives": OF_FINDINGS,
    "outcome_counts": OF_STAFF,
    "retention_pause": OF_STAFF,
    "uploads": OF_STAFF,
    "datasets": OF_STAFF,
    "models": OF_STAFF,
    "serving": OF_STAFF,
    "pseudonym_keys": "makes the names of patients in data sets, and names none",
    "erased_ids": OF_ERASED,
    "erasure_receipts": OF_ERASED,
    "people_to_reach": OF_ERASED,
}
# Who has used an idempotency key cannot send it again: of a key of both, the duplicate's goes.
KEY = "idempotency_key"
KEYED: Mapping[str, str] = {"submissions": "owner", "lesions": "owner", "messages": "author"}

ITSELF = "An account cannot be joined with itself; name the one that stays"
PATIENTS_ALONE = "Only accounts of patients are joined: give both the role user first"
RECORD_ALONE = "Of one of these accounts only the medical record is kept, by law: it stays as it is"
DELETED = "One of these accounts is being deleted, or waits for that"
JOINED_ALREADY = "One of these accounts was joined to another one already: name that one"
NOT_APPROVED = "Approve the account that stays first"
OTHER_WAY_ROUND = (
    "Join them the other way round: whoever logs in to this account could log in to none then"
)


class CannotJoin(Conflict):
    code, sentence = "cannot_join", "These two accounts cannot be joined"


@dataclass(frozen=True, slots=True, kw_only=True)
class JoiningService:
    work: UnitOfWork
    store: Store
    accounts: Accounts
    consents: Consents
    records: RecordsService
    outbox: Outbox

    @atomic
    def join(self, unit: Unit, *, email: str, into: str, by: str) -> Account:
        """Join the account with this e-mail, the duplicate, to the one that stays. In charge of all
        is the doctor of that one, if it has any. A consent holds that one of both has given and
        neither has refused. Nobody undoes it; the same again changes nothing. The result is the
        account that stays. Raises NotFound, CannotJoin.
        """
        both = (get_by_email(self.accounts, one, NO_ACCOUNT) for one in (email, into))
        # What is filed in either at the same time conflicts.
        gone, stays = (self.accounts.hold(one.id) for one in both)
        if gone.joined_to == stays.id:
            return stays
        unit.audit("account.join", by=by, target=gone.id)
        _refuse(gone, stays)
        unit.record(AuditRow("account.join", by=by, target=stays.id))
        doctor = stays.doctor_id or gone.doctor_id
        gone, stays = (self._put_in_care(unit, one, doctor, by) for one in (gone, stays))
        consents = self._join_consents(unit, gone, stays, by)
        unit.publish(AccountsJoined(gone.id, stays.id))
        findings = [one.id for one in self.records.submissions.walk_owned(gone.id)]
        self._move(gone.id, stays.id)
        self._close(unit, gone, stays, consents)
        for one in (gone.id, stays.id):
            self.records.queue.recount(one)
            self.records.queue.update_owner_key(self.accounts.get(one))
        changed = self.records.spots.change((), ids=findings)
        unit.publish(FindingsChanged(changed))
        self.outbox.add(Kind.ACCOUNTS_JOINED, to=stays.id)
        if gone.can_log_in:
            self.outbox.add(
                Kind.ACCOUNTS_JOINED,
                to=gone.id,
                address=gone.email,
                language=gone.language,
            )
        return stays

    def _put_in_care(self, unit: Unit, one: Account, doctor: str | None, by: str) -> Account:
        if one.doctor_id == doctor:
            return one
        unit.record(AuditRow("account.assign", by=by, target=one.id))
        return self.accounts.change(unit, one, doctor_id=doctor)

    def _join_consents(self, unit: Unit, gone: Account, stays: Account, by: str) -> dict[str, bool]:
        """What both have said; a refusal of one ends the consent of the other at once."""
        joined = dict(stays.consents)
        for purpose in PURPOSES:
            said = {one.id: one.consents.get(purpose) for one in (gone, stays)}
            if True in said.values():
                joined[purpose] = False not in said.values()
            elif False in said.values():
                joined[purpose] = False
            if True in said.values() and False in said.values():
                refused = ConsentGiven(
                    account=stays.id, purpose=purpose, given=False, by=by, way="joining"
                )
                self.consents.insert(refused)
                agreed = next(one for one, given in said.items() if given)
                unit.publish(ConsentWithdrawn(agreed, purpose))
        return joined

    def _move(self, gone: str, stays: str) -> None:
        for name, owner in KEYED.items():
            documents = self.store.collection(name)
            used = {key for _, key in self._list_keys(name, {owner: stays})}
            for identifier, key in self._list_keys(name, {owner: gone}):
                if key in used:
                    documents.update({"id": identifier}, {"$unset": {KEY: True}})
        for name, actor in ACTED.items():
            own: Filter = {MOVED[name][0]: gone, actor: gone}
            self.store.collection(name).update_all(own, {"$set": {actor: stays}})
        for name, fields in MOVED.items():
            for field in fields:
                self.store.collection(name).update_all({field: gone}, {"$set": {field: stays}})

    def _list_keys(self, name: str, of: Filter) -> list[tuple[str, str]]:
        """The ids and idempotency keys of those that have one."""
        keyed: Filter = {**of, KEY: {"$gt": ""}}
        found = self.store.collection(name).find(keyed, sort=KEY, fields=(KEY,))
        return [(one["id"], one[KEY]) for one in found]

    def _close(
        self, unit: Unit, gone: Account, stays: Account, consents: Mapping[str, bool]
    ) -> None:
        nothing = AccountFields(
            status="suspended",
            joined_to=stays.id,
            joined=(),
            token_version=gone.token_version + 1,
            password_hash="",
            second_factor=None,
            doctor_id=None,
            consents={},
            wanted_role=None,
            held_at=None,
            held_by=None,
            held_because=None,
        )
        self.accounts.change(unit, gone, **(nothing | NOT_REFUSED))
        for earlier in self.accounts.by_ids({*gone.joined}).values():
            self.accounts.change(unit, earlier, joined_to=stays.id)
        joined = AccountFields(consents=consents, joined=(*stays.joined, gone.id, *gone.joined))
        if gone.held_at and not stays.held_at:
            joined |= AccountFields(
                held_at=gone.held_at, held_by=gone.held_by, held_because=gone.held_because
            )
        self.accounts.change(unit, stays, **joined)


def _refuse(gone: Account, stays: Account) -> None:
    """Raises CannotJoin."""
    both = (gone, stays)
    reasons = {
        ITSELF: gone.id == stays.id,
        PATIENTS_ALONE: any(one.role != "user" or one.machine for one in both),
        RECORD_ALONE: any(one.is_record for one in both),
        DELETED: not all(one.stays for one in both),
        JOINED_ALREADY: any(one.joined_to for one in both),
        NOT_APPROVED: not stays.approved,
        OTHER_WAY_ROUND: (gone.can_log_in and not stays.can_log_in)
        or (gone.identity is not None and stays.identity is None),
    }
    for sentence, applies in reasons.items():
        if applies:
            raise CannotJoin(sentence)
