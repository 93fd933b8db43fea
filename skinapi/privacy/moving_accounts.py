from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from pydantic import Field

from skinapi.accounts.admin.decisions import NO_ACCOUNT, Assignments, get_by_email
from skinapi.accounts.auth.account import Account, Status, Subject
from skinapi.accounts.auth.accounts import Accounts
from skinapi.accounts.auth.closing import AccountClosing
from skinapi.accounts.auth.consents import PURPOSES, Consents, Purpose
from skinapi.accounts.auth.events import ConsentWithdrawn
from skinapi.accounts.auth.owners import AccountUses
from skinapi.accounts.auth.passwords import Proof
from skinapi.accounts.auth.second_factor import SecondFactorService
from skinapi.base.errors import Conflict
from skinapi.base.values import Value
from skinapi.care.message_records import Thread
from skinapi.care.messages import UnansweredMessages
from skinapi.findings.records.lesions import Lesions
from skinapi.findings.records.service import FindingsService
from skinapi.platform.notices.outbox import Kind
from skinapi.platform.storage.numbers import FINDINGS
from skinapi.platform.storage.ports import Filter, Store
from skinapi.platform.storage.unit_of_work import AuditRow, Unit, UnitOfWork, atomic
from skinapi.platform.storage.unreadable import leaving_out

ACTION = "account.move_spots"
# The fields that name an account and change to the receiving one.
MOVED: Mapping[str, tuple[str, ...]] = {
    FINDINGS: ("owner",),
    "lesions": ("owner",),
    "messages": ("owner", "to"),
    "consents": ("account",),
    "outbox": ("author",),
    "deliveries": ("owner",),
    "images": ("account",),
}
# The fields that name an actor and change if that was the patient.
ACTED: Mapping[str, str] = {"consents": "by", "messages": "author"}
# An idempotency key that both accounts have used is removed from moved records.
KEY = "idempotency_key"
KEYED: Mapping[str, str] = {FINDINGS: "owner", "lesions": "owner", "messages": "author"}
# Unsent mails that move to the other account. Mails about logins stay with the closed one.
MAILS = [Kind.NEWS, Kind.MESSAGE, Kind.OTHER_DOCTOR, Kind.REMINDER]


class CannotMove(Conflict):
    code = "cannot_move"
    sentence = (
        "Spots are moved between two accounts of patients. Neither may be closed, and an account "
        "that waits for approval or was refused receives none"
    )


class AccountToMove(Value):
    """What tells an admin whose account it is."""

    email: str
    name: str
    birth_year: int | None
    status: Status
    created_at: datetime
    findings: int
    spots: int
    doctor: str | None = Field(description="the name of the doctor in charge, if active")


class MovePreview(Value):
    emptied: AccountToMove
    into: AccountToMove


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountMovingService:
    work: UnitOfWork
    store: Store
    accounts: Accounts
    uses: AccountUses
    assignments: Assignments
    closing: AccountClosing
    consents: Consents
    findings: FindingsService
    lesions: Lesions
    second_factor: SecondFactorService
    unanswered: UnansweredMessages

    def preview(self, *, email: str, into: str) -> MovePreview:
        """Raises the same errors as `move`."""
        emptied, other = (get_by_email(self.accounts, item, NO_ACCOUNT) for item in (email, into))
        _refuse(emptied, other)
        return MovePreview(emptied=self._show(emptied), into=self._show(other))

    def _show(self, account: Account) -> AccountToMove:
        doctor = self._find_doctor(account)
        return AccountToMove.from_record(
            account,
            findings=self.findings.records.count_of(account.id),
            spots=self.lesions.count_of(account.id),
            doctor=doctor.name if doctor else None,
        )

    def _find_doctor(self, *accounts: Account) -> Account | None:
        doctors = map(self.findings.access.unassigned.find_doctor, accounts)
        return next(filter(None, doctors), None)

    def move(self, *, email: str, into: str, by: Subject, proof: Proof) -> Account:
        admin = self.accounts.get(by.id)
        self.second_factor.reauthenticate(admin, proof, session_id=by.session_id)
        return self._move(email=email, into=into, by=by.id)

    @atomic
    def _move(self, unit: Unit, *, email: str, into: str, by: str) -> Account:
        # The locks conflict with findings that are filed for either account.
        named = (get_by_email(self.accounts, item, NO_ACCOUNT) for item in (email, into))
        emptied, other = (self.accounts.lock(account.id) for account in named)
        if emptied.status == "closed" and emptied.id in self.accounts.moved.list_into(other.id):
            return other  # the same request again
        unit.audit(ACTION, by=by, target=other.id, detail=emptied.id)
        _refuse(emptied, other)
        if doctor := self._find_doctor(other, emptied):
            assign = partial(self.assignments.assign, unit, doctor=doctor.id, by=by)
            emptied, other = assign(emptied), assign(other)
        records, waiting = self.findings.records, self.findings.records.waiting
        spots = records.spots.list_of(emptied.id) | waiting.lesions_of(emptied.id)
        self._move_records(emptied.id, other.id)
        with leaving_out():  # a spot with a record that cannot be read goes along
            changed = records.renew(spots)
            unit.publish(replace(changed, lesions=changed.views.keys(), alone=True))
        waiting.forget(emptied.id)
        self.unanswered.note(Thread(other.id, None))
        other = self.accounts.change(
            unit,
            other,
            consents=self._merge_consents(unit, emptied, other, by),
            phone=other.phone or emptied.phone,
            birth_year=other.birth_year or emptied.birth_year,
            sex=other.sex or emptied.sex,
            keep=other.keep or emptied.keep,
        )
        self.uses.note(other.id)
        self.accounts.moved.note(emptied, into=other.id)
        emptied = self.accounts.change(unit, emptied, doctor_id=None, keep=None)
        unit.record(AuditRow(ACTION, by=by, target=other.id, detail=emptied.id))
        self.closing.close(unit, emptied, by=by)
        return other

    def _merge_consents(
        self, unit: Unit, emptied: Account, other: Account, by: str
    ) -> dict[str, bool]:
        """A refusal by either account stays."""
        merged = dict(other.consents)
        for purpose in PURPOSES:
            answers = {emptied.consents.get(purpose), other.consents.get(purpose)}
            if answers != {None}:
                merged[purpose] = False not in answers
            if False in answers and answers != {False}:
                self._withdraw(unit, other.id, purpose, by)
        return merged

    def _withdraw(self, unit: Unit, account: str, purpose: Purpose, by: str) -> None:
        self.consents.note(account=account, purpose=purpose, given=False, by=by, way="closing")
        unit.publish(ConsentWithdrawn(account, purpose))

    def _move_records(self, emptied: str, other: str) -> None:
        for name, owner in KEYED.items():
            used = {key for _, key in self._list_keys(name, {owner: other})}
            for identifier, key in self._list_keys(name, {owner: emptied}):
                if key in used:
                    self.store.collection(name).update({"id": identifier}, {"$unset": {KEY: True}})
        for name, actor in ACTED.items():
            own: Filter = {MOVED[name][0]: emptied, actor: emptied}
            self.store.collection(name).update_all(own, {"$set": {actor: other}})
        for name, fields in MOVED.items():
            for field in fields:
                self.store.collection(name).update_all({field: emptied}, {"$set": {field: other}})
        unsent: Filter = {"account": emptied, "kind": {"$in": MAILS}}
        self.store.collection("outbox").update_all(unsent, {"$set": {"account": other}})

    def _list_keys(self, name: str, of: Filter) -> list[tuple[str, str]]:
        keyed: Filter = {**of, KEY: {"$gt": ""}}
        documents = self.store.collection(name).find(keyed, sort=KEY, fields=(KEY,))
        return [(document["id"], document[KEY]) for document in documents]


def _refuse(emptied: Account, other: Account) -> None:
    # An account that is never approved is erased with all that it has.
    expires = other.status in ("waiting", "refused")
    if emptied.id == other.id or expires or not (_can_move(emptied) and _can_move(other)):
        raise CannotMove


def _can_move(account: Account) -> bool:
    return account.role == "user" and not account.machine and account.status != "closed"
