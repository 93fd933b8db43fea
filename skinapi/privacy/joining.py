"""An admin joins two accounts of one person: what the duplicate has goes to the one that stays."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from pydantic import Field

from skinapi.accounts.admin.decisions import NO_ACCOUNT, get_by_email
from skinapi.accounts.auth.account import Account, AccountFields, Subject
from skinapi.accounts.auth.accounts import Accounts
from skinapi.accounts.auth.consents import PURPOSES, Consents
from skinapi.accounts.auth.events import AccountsJoined, ConsentWithdrawn
from skinapi.accounts.auth.passwords import Proof
from skinapi.accounts.auth.second_factor import SecondFactorService
from skinapi.base.errors import Conflict
from skinapi.base.pages import PageRequest
from skinapi.base.values import Value
from skinapi.care.message_records import Thread
from skinapi.care.messages import UnansweredMessages
from skinapi.findings.records.lesions import Lesions
from skinapi.findings.records.service import FindingsService
from skinapi.platform.notices.outbox import Kind, Outbox
from skinapi.platform.storage.numbers import FINDINGS
from skinapi.platform.storage.ports import Filter, Store
from skinapi.platform.storage.unit_of_work import AuditRow, Unit, UnitOfWork, atomic

# Which fields of which collections name whose it is, and get the account that stays.
MOVED: Mapping[str, tuple[str, ...]] = {
    FINDINGS: ("owner",),
    "lesions": ("owner",),
    "messages": ("owner", "to"),
    "consents": ("account",),
    "keys": ("account",),
    "outbox": ("account", "author"),
    "deliveries": ("owner",),
    "images": ("account",),
}
# And who has acted, where that was the person.
ACTED: Mapping[str, str] = {"consents": "by", "keys": "made_by", "messages": "author"}
# Who has used an idempotency key cannot send it again: of a key of both, the duplicate's goes.
KEY = "idempotency_key"
KEYED: Mapping[str, str] = {FINDINGS: "owner", "lesions": "owner", "messages": "author"}

ITSELF = "An account cannot be joined with itself; name the one that stays"
PATIENTS_ALONE = "Only accounts of patients are joined: give both the role user first"
CLOSED = "One of these accounts is closed: open it first"
JOINED_ALREADY = "One of these accounts was joined to another one already: name that one"
NOT_APPROVED = "Approve the account that stays first"
OTHER_WAY_ROUND = (
    "Join them the other way round: whoever logs in to this account could log in to none then"
)


class CannotJoin(Conflict):
    code, sentence = "cannot_join", "These two accounts cannot be joined"


class AccountToJoin(Value):
    """What tells an admin whose account it is."""

    email: str
    name: str
    birth_year: int | None
    created_at: datetime
    findings: int
    spots: int
    last_finding_at: datetime | None
    doctor: str | None = Field(description="the name of who is in charge")
    doctor_rests: bool = Field(description="whether that one is suspended, or no doctor now")


class JoiningPreview(Value):
    gone: AccountToJoin
    stays: AccountToJoin
    doctor: str | None = Field(description="the name of who will be in charge of all")
    loses: str | None = Field(description="the name of the doctor who loses the patient")


@dataclass(frozen=True, slots=True, kw_only=True)
class JoiningService:
    work: UnitOfWork
    store: Store
    accounts: Accounts
    consents: Consents
    findings: FindingsService
    lesions: Lesions
    second_factor: SecondFactorService
    outbox: Outbox
    unanswered: UnansweredMessages

    def preview(self, *, email: str, into: str) -> JoiningPreview:
        """Show both people, and what becomes of their doctors. Refused as `join` is."""
        gone, stays = self._find_both(email, into)
        _refuse(gone, stays)
        chosen = self._choose_doctor(gone, stays)
        doctors = self.accounts.by_ids({item for item in (gone.doctor_id, stays.doctor_id) if item})
        loses = [doctor.name for name, doctor in doctors.items() if name != chosen]
        return JoiningPreview(
            gone=self._show(gone, doctors),
            stays=self._show(stays, doctors),
            doctor=doctors[chosen].name if chosen in doctors else None,
            loses=next(iter(loses), None),
        )

    def _find_both(self, email: str, into: str) -> tuple[Account, Account]:
        gone, stays = (get_by_email(self.accounts, item, NO_ACCOUNT) for item in (email, into))
        return gone, stays

    def _show(self, account: Account, doctors: Mapping[str, Account]) -> AccountToJoin:
        newest = self.findings.records.page_owned(account.id, PageRequest(1), newest_first=True)
        doctor = doctors.get(account.doctor_id or "")
        return AccountToJoin.from_record(
            account,
            findings=self.findings.records.count_of(account.id),
            spots=self.lesions.count_of(account.id),
            last_finding_at=next((item.created_at for item in newest.items), None),
            doctor=doctor.name if doctor else None,
            doctor_rests=doctor is not None and not doctor.active_doctor,
        )

    def join(self, *, email: str, into: str, reason: str, by: Subject, proof: Proof) -> Account:
        """Let an admin who proves who it is join both, for this reason."""
        admin = self.accounts.get(by.id)
        self.second_factor.reauthenticate(admin, proof, session_id=by.session_id)
        return self._join(email=email, into=into, reason=reason, by=by.id)

    @atomic
    def _join(self, unit: Unit, *, email: str, into: str, reason: str, by: str) -> Account:
        """Join the account with this e-mail, the duplicate, to the one that stays.

        An active doctor of either is in charge of all, first that of the one that stays. A consent
        holds that one of both has given and neither has refused. The same again changes nothing.
        """
        # What is filed in either at the same time conflicts.
        gone, stays = (self.accounts.lock(item.id) for item in self._find_both(email, into))
        if gone.joined_to == stays.id:
            return stays
        unit.audit("account.join", by=by, target=gone.id)
        _refuse(gone, stays)
        unit.record(AuditRow("account.join", by=by, target=stays.id))
        doctor = self._choose_doctor(gone, stays)
        gone = self._put_in_care(unit, gone, doctor, by)
        stays = self._put_in_care(unit, stays, doctor, by)
        consents = self._join_consents(unit, gone, stays, by)
        unit.publish(AccountsJoined(gone.id, stays.id))
        spots = {item.lesion for item in self.findings.records.walk_owned(gone.id)}
        for kind in (Kind.APPROVED, Kind.REFUSED):  # they are of the log-in that ends
            self.outbox.withdraw(kind, to=gone.id, about="")
        self._move(gone.id, stays.id)
        stays = self._close(unit, gone, stays, consents, reason)
        self.findings.records.renew_waiting_of(stays.id)
        self.findings.records.waiting.forget(gone.id)
        self.unanswered.note(Thread(stays.id, None))
        unit.publish(self.findings.records.renew(spots))
        self.outbox.add(Kind.ACCOUNTS_JOINED, to=stays.id)
        if gone.can_log_in:
            self.outbox.add(
                Kind.ACCOUNTS_JOINED,
                to=gone.id,
                address=gone.email,
                language=gone.language,
            )
        return stays

    def _choose_doctor(self, gone: Account, stays: Account) -> str | None:
        """One who rests is in charge where no active one is."""
        active = map(self.findings.access.unassigned.find_doctor, (stays, gone))
        chosen = next(filter(None, active), None)
        return chosen.id if chosen else stays.doctor_id or gone.doctor_id

    def _put_in_care(self, unit: Unit, account: Account, doctor: str | None, by: str) -> Account:
        if account.doctor_id == doctor:
            return account
        unit.record(AuditRow("account.assign", by=by, target=account.id))
        return self.accounts.change(unit, account, doctor_id=doctor)

    def _join_consents(self, unit: Unit, gone: Account, stays: Account, by: str) -> dict[str, bool]:
        """Join what both have answered; a refusal of one holds for the other at once."""
        joined = dict(stays.consents)
        for purpose in PURPOSES:
            answers = {account.id: account.consents.get(purpose) for account in (gone, stays)}
            refused = False in answers.values()
            if refused or True in answers.values():
                joined[purpose] = not refused
            # Who has answered nothing has not refused: a colleague may be asked about them.
            stands = [account for account, answer in answers.items() if answer is not False]
            if stands and refused:
                self.consents.note(
                    account=stays.id, purpose=purpose, given=False, by=by, way="joining"
                )
                unit.publish(ConsentWithdrawn(stands[0], purpose))
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
        keyed: Filter = {**of, KEY: {"$gt": ""}}
        documents = self.store.collection(name).find(keyed, sort=KEY, fields=(KEY,))
        return [(document["id"], document[KEY]) for document in documents]

    def _close(
        self,
        unit: Unit,
        gone: Account,
        stays: Account,
        consents: Mapping[str, bool],
        reason: str,
    ) -> Account:
        """The password stays: whoever knows it is told which log-in there is now."""
        nothing = AccountFields(
            status="suspended",
            joined_to=stays.id,
            joined_because=reason,
            joined=(),
            token_version=gone.token_version + 1,
            second_factor=None,
            doctor_id=None,
            consents={},
            phone=None,
            birth_year=None,
            sex=None,
            wanted_role=None,
            keep=None,
        )
        self.accounts.change(unit, gone, **nothing)
        for earlier in self.accounts.by_ids({*gone.joined}).values():
            self.accounts.change(unit, earlier, joined_to=stays.id)
        joined = AccountFields(
            consents=consents,
            phone=stays.phone or gone.phone,
            birth_year=stays.birth_year or gone.birth_year,
            sex=stays.sex or gone.sex,
            joined=(*stays.joined, gone.id, *gone.joined),
            keep=stays.keep or gone.keep,
        )
        return self.accounts.change(unit, stays, **joined)


def _refuse(gone: Account, stays: Account) -> None:
    both = (gone, stays)
    reasons = {
        ITSELF: gone.id == stays.id,
        PATIENTS_ALONE: any(item.role != "user" or item.machine for item in both),
        CLOSED: any(item.status == "closed" for item in both),
        JOINED_ALREADY: any(item.joined_to for item in both),
        NOT_APPROVED: not stays.approved,
        OTHER_WAY_ROUND: (gone.can_log_in and not stays.can_log_in)
        or (gone.identity is not None and stays.identity is None),
    }
    for sentence, applies in reasons.items():
        if applies:
            raise CannotJoin(sentence)
