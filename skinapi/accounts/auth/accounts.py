"""The account repository: users, doctors, researchers and admins. E-mail addresses are unique."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any, Literal, TypedDict, Unpack

from skinapi.accounts.auth.account_search import find_by_beginning, find_patients, search_fields
from skinapi.accounts.auth.email_addresses import spellings_of
from skinapi.accounts.auth.errors import LastAdmin
from skinapi.accounts.auth.events import (
    AdminStopped,
    DoctorChanged,
    DoctorReturned,
    DoctorStopped,
    PatientsReleased,
)
from skinapi.base.errors import (
    AccountJoined,
    AccountNotApproved,
    AccountRefused,
    AccountSuspended,
    Conflict,
    NotFound,
    TooManyFound,
)
from skinapi.base.languages import LANGUAGES, Language, known_language
from skinapi.base.pages import Page, PageRequest, page_of
from skinapi.base.stored_record import StoredRecord
from skinapi.base.subject import RefusalReason, Role
from skinapi.model.context import Sex
from skinapi.platform.storage.documents import merged
from skinapi.platform.storage.faults import Fault
from skinapi.platform.storage.ids import made_at, new_id, now
from skinapi.platform.storage.ports import Document, Filter, set_or_remove
from skinapi.platform.storage.records import Records, changes_between, in_transaction
from skinapi.platform.storage.unit_of_work import AuditRow, Unit, UnitOfWork

WantedRole = Literal["doctor", "researcher"]
Status = Literal["waiting", "approved", "suspended", "deleting"]
# That kept photos may teach a model.
TEACHING_CONSENT = "training"
EXPIRED_AT_ONCE = 100
ANY_TIME = datetime.fromtimestamp(0, UTC)
MOST_PATIENTS_FOUND = 1000
# So many patients at most are named in one row of the audit trail.
NAMED_AT_ONCE = 50
# Sorts after the queue keys of findings.
WITHOUT_FINDINGS = "9"
ACTIVE_ADMIN: Filter = {"role": "admin", "status": "approved"}
LOCAL_ADMIN: Filter = {**ACTIVE_ADMIN, "password_hash": {"$ne": ""}}
JOINED = "This account was joined to another one: do it there"
BEING_DELETED = "This account is being deleted"
RECORD_KEPT = "Of this account only the medical record is kept, by law: it cannot be changed"
RECORDS = "records.invalid"  # https://www.rfc-editor.org/rfc/rfc2606#section-2
NO_LOG_IN = "Nobody can log in to this account: it is a program's, or a patient's of another system"


class SecondFactor(StoredRecord):
    """Its secret is derived of `salt`, and it is in force once `confirmed`. `used_step` is the time
    step of the last code, `recovery` holds the hashes of the recovery codes that are left.
    """

    salt: str
    confirmed: bool = False
    used_step: int = 0
    recovery: tuple[str, ...] = ()


class Refusal(StoredRecord):
    """`note` is what the admin has added for the owner."""

    reason: RefusalReason
    note: str | None = None


class Account(StoredRecord):
    """A frozen copy of one account.

    - `token_version`: a new one revokes all tokens
    - `queue_key`: sorts a doctor's patients by how urgently their findings need a review
    - `notices`: whether mails are sent that are not of security
    - `birth_year`, `sex`: as its owner has told them for photos to come
    - `patients_rest`: it was a doctor's, who has lost the role and still has patients
    - `wanted_role`: asked for at the registration, until an admin approves the account
    - `browsers`: hashes of those that have opened the account, the newest last
    - `refused`: an admin did not approve it, and it is suspended
    - `external`: keyed hash of another system's identifier of a patient, of the key `sent_by`
    - `machine`: a program's key acts through it; nobody logs in to it, nor to an `external` one
    - `provider`, `identity`: of the clinic's log-in, and a hash of who it is there; its password
      hash is empty, which no password has; `group_role` is what a group there has given it
    - `link_allowed`: the provider whose account it becomes at its next log-in there
    - `seen_at`, `warned_at`: when it was last used, to the day, and its owner was told that it goes
      unused; known only where unused ones go
    - `held_at`: nothing of it goes by its time meanwhile
    - `deletion_due_at`: it is deleted then, as its owner has asked
    - `record_kept_until_at`: until then its medical record alone is kept, without an address
    - `joined_to`: the account of the same person that has all that it had, and names it in
      `joined`; `joined_because` is the admin's reason
    """

    id: str
    created_at: datetime
    email: str
    name: str
    role: Role = "user"
    status: Status = "waiting"
    password_hash: str
    must_change: bool = False
    initial_password_expires_at: datetime | None = None
    token_version: int = 1
    locale: str = "en"
    consents: Mapping[str, bool] = {}
    notices: bool = True
    birth_year: int | None = None
    sex: Sex | None = None
    doctor_id: str | None = None
    patients_rest: bool | None = None
    queue_key: str
    findings: int
    second_factor: SecondFactor | None = None
    wanted_role: WantedRole | None = None
    browsers: tuple[str, ...] = ()
    refused: bool | None = None
    refused_at: datetime | None = None
    refusal: Refusal | None = None
    external: str | None = None
    sent_by: str | None = None
    machine: bool | None = None
    provider: str | None = None
    identity: str | None = None
    group_role: Role | None = None
    link_allowed: str | None = None
    seen_at: datetime | None = None
    warned_at: datetime | None = None
    held_at: datetime | None = None
    held_by: str | None = None
    held_because: str | None = None
    deletion_asked_at: datetime | None = None
    deletion_due_at: datetime | None = None
    record_kept_until_at: datetime | None = None
    joined_to: str | None = None
    joined_because: str | None = None
    joined: tuple[str, ...] = ()

    @property
    def can_log_in(self) -> bool:
        return self.external is None and not self.machine

    @property
    def record_end(self) -> datetime | None:
        """Until when the record is kept that alone is left of the account."""
        return self.record_kept_until_at if self.is_record else None

    @property
    def is_record(self) -> bool:
        """Whether only the medical record is left of it."""
        return self.record_kept_until_at is not None and self.status == "suspended"

    @property
    def has_password(self) -> bool:
        return bool(self.password_hash)

    @property
    def has_second_factor(self) -> bool:
        return self.second_factor is not None and self.second_factor.confirmed

    def lacks_second_factor(self, required: Collection[str]) -> bool:
        return self.role in required and not self.has_second_factor and self.can_log_in

    @property
    def recovery_codes_left(self) -> int:
        return len(self.second_factor.recovery) if self.second_factor else 0

    @property
    def approved(self) -> bool:
        return self.status == "approved"

    @property
    def language(self) -> Language:
        """The language of reports where none is asked for."""
        return known_language(self.locale) or LANGUAGES[0]

    @property
    def stays(self) -> bool:
        """Whether it is neither being deleted nor waits for that."""
        return self.status != "deleting" and self.deletion_due_at is None

    @property
    def may_teach(self) -> bool:
        """Whether its kept photos may be in data sets; not those of one that is to be deleted."""
        return self.stays and self.consents.get(TEACHING_CONSENT, False)

    @property
    def active_admin(self) -> bool:
        return self.role == "admin" and self.approved

    @property
    def local_admin(self) -> bool:
        """Whether it can administer this server while no other server answers."""
        return self.active_admin and self.has_password

    @property
    def active_doctor(self) -> bool:
        return self.role == "doctor" and self.approved

    def never_approved(self, *, before: datetime) -> bool:
        """Whether it has waited since it registered before this time, or was refused before it. An
        approval that was undone has made another token version.
        """
        if self.token_version > 1 or self.created_at >= before:
            return False
        if self.status == "waiting":
            return True
        refused_at = self.refused_at if self.refusal and self.status == "suspended" else None
        return refused_at is not None and refused_at < before

    def refuse_inactive(self, *, even_waiting: bool = False) -> None:
        if self.status == "suspended" and self.refusal:
            raise AccountRefused(self.refusal.reason, self.refusal.note)
        if self.status == "suspended":
            raise AccountSuspended
        if self.status == "waiting" and not even_waiting:
            raise AccountNotApproved


class AccountFields(TypedDict, total=False):
    """What an account is added with, or what of it is changed."""

    id: str
    name: str
    email: str
    role: Role
    status: Status
    password_hash: str
    must_change: bool
    initial_password_expires_at: datetime | None
    token_version: int
    locale: str
    consents: Mapping[str, bool]
    notices: bool
    birth_year: int | None
    sex: Sex | None
    doctor_id: str | None
    second_factor: SecondFactor | None
    wanted_role: WantedRole | None
    browsers: tuple[str, ...]
    refused: bool | None
    refused_at: datetime | None
    refusal: Refusal | None
    external: str | None
    sent_by: str | None
    machine: bool | None
    provider: str | None
    identity: str | None
    group_role: Role | None
    link_allowed: str | None
    held_at: datetime | None
    held_by: str | None
    held_because: str | None
    deletion_asked_at: datetime | None
    deletion_due_at: datetime | None
    record_kept_until_at: datetime | None
    joined_to: str | None
    joined_because: str | None
    joined: tuple[str, ...]


IN_CHARGE = frozenset({"doctor_id", "held_at", "held_by", "held_because"})
OF_JOINED = frozenset({"external", "joined_to"})
NOT_REFUSED = AccountFields(refused=None, refused_at=None, refusal=None)


class Accounts(Records[Account]):
    """Raises Duplicate as it opens if stored accounts share an e-mail address."""

    collection, record = "accounts", Account
    indexes = (
        ("status", "id"),
        ("deletion_due_at", "id"),
        ("record_kept_until_at", "id"),
        ("doctor_id", "id"),
        ("doctor_id", "queue_key", "id"),
        ("doctor_id", "search", "id"),
        ("doctor_id", "family", "id"),
        ("doctor_id", "email", "id"),
        ("patients_rest", "id"),
        ("role", "id"),
        ("role", "status", "id"),
        ("role", "status", "refused", "id"),
        ("role", "search", "id"),
        ("role", "family", "id"),
        ("role", "email", "id"),
    )
    unique = (("email",), ("external",), ("identity",))

    def add(self, **fields: Unpack[AccountFields]) -> Account:
        return self.insert(self.draft(**fields))

    @staticmethod
    def draft(**fields: Unpack[AccountFields]) -> Account:
        """Make an account that is not stored yet."""
        made = AccountFields(**{"id": new_id(), **fields})
        return Account(
            **made, created_at=now(), queue_key=key_without_findings(made["id"]), findings=0
        )

    @in_transaction
    def insert(self, account: Account, /, **more: Any) -> Account:
        if account.active_admin:
            self._keep_an_admin(account, stays=True)
        found_by = search_fields(account.name, account.email)
        return super().insert(account, **found_by, **more)

    def find_by_email(self, email: str) -> Account | None:
        """`email` is in normal form; another spelling of its domain is found too."""
        accounts = (self._first({"email": spelling}) for spelling in spellings_of(email))
        return next(filter(None, accounts), None)

    def find_external(self, hashes: Sequence[str]) -> Account | None:
        """The patient of another system whose identifier has one of these hashes."""
        accounts = (self._first({"external": external}) for external in hashes)
        return next(filter(None, accounts), None)

    def find_by_identity(self, identity: str) -> Account | None:
        return self._first({"identity": identity})

    def change(self, unit: Unit, account: Account, **fields: Unpack[AccountFields]) -> Account:
        """Change an account as this transaction has read it; a field that is None is removed.

        Who becomes a doctor, or is being deleted, leaves the care of a doctor, unless the medical
        record is kept. A doctor who is suspended or loses the role keeps the patients, who rest
        until the role is back (`list_resting_doctors`); one who is being deleted has none any more.
        """
        if account.status == "deleting" and fields.get("status") != "deleting":
            raise NotFound(BEING_DELETED)
        if account.is_record and fields.get("status") != "deleting" and fields.keys() - IN_CHARGE:
            raise Conflict(RECORD_KEPT)
        if account.joined_to and fields.get("status") != "deleting" and fields.keys() - OF_JOINED:
            raise Conflict(JOINED)
        wanted = account.model_copy(update={**fields})
        gone = wanted.status == "deleting" and not wanted.record_kept_until_at
        if wanted.role == "doctor" or gone:
            wanted = wanted.model_copy(update={"doctor_id": None})
        if wanted == account:
            return account
        if wanted.role != account.role and "doctor" in (wanted.role, account.role):
            rest = account.role == "doctor" and bool(self.count_patients({account.id}))
            wanted = wanted.model_copy(update={"patients_rest": rest or None})
        if not account.can_log_in and (
            wanted.role != account.role or wanted.password_hash != account.password_hash
        ):
            raise Conflict(NO_LOG_IN)
        if (wanted.active_admin, wanted.local_admin) != (account.active_admin, account.local_admin):
            self._keep_an_admin(account, stays=wanted.local_admin)
        self._write(account, wanted)
        if wanted.doctor_id != account.doctor_id:
            unit.publish(DoctorChanged(account.id, wanted.doctor_id))
        if wanted.status == "deleting":
            self._release_patients(unit, account.id)
        if account.role == "doctor" and not wanted.active_doctor:
            unit.publish(DoctorStopped(account.id))
        if account.active_doctor != wanted.active_doctor:
            self._note_patients(unit, wanted)
        if account.active_admin and not wanted.active_admin:
            unit.publish(AdminStopped(account.id))
        return wanted

    def _write(self, account: Account, wanted: Account) -> None:
        changed = changes_between(account, wanted)
        if changed.keys() & {"name", "email"}:
            changed |= search_fields(wanted.name, wanted.email)
        self._documents.update({"id": account.id}, set_or_remove(changed))

    def list_active_admins(self) -> list[str]:
        return self._list_ids(ACTIVE_ADMIN)

    def is_last_admin(self, account: Account) -> bool:
        """Whether no other admin has a password."""
        local = self._documents.find(LOCAL_ADMIN, fields=())
        return account.local_admin and not {found["id"] for found in local} - {account.id}

    def _keep_an_admin(self, account: Account, *, stays: bool) -> None:
        """All who make or unmake an active admin write the accounts of all of them, so that two of
        them conflict.
        """
        if not stays and self.is_last_admin(account):
            raise LastAdmin
        self._documents.update_all(ACTIVE_ADMIN, {"$inc": {"holds": 1}})

    def hold(self, account_id: str) -> Account:
        """What the caller decides by the result stays true: another transaction that changes the
        account at the same time conflicts.
        """
        held = self._documents.update({"id": account_id}, {"$inc": {"holds": 1}})
        if held is None:
            raise NotFound
        return Account.model_validate(held)

    def add_findings(self, account_id: str, more: int) -> Account | None:
        """Count findings that are stored or deleted in the same transaction. None where the account
        is being deleted, is gone, or was joined to another one.
        """
        counted: Filter = {"id": account_id, "status": {"$ne": "deleting"}, "joined_to": None}
        return self._read(self._documents.update(counted, {"$inc": {"findings": more}}))

    def set_queue_key(self, account_id: str, key: str) -> None:
        self._documents.update({"id": account_id}, {"$set": {"queue_key": key}})

    def set_findings(self, account_id: str, count: int) -> None:
        self._documents.update({"id": account_id}, {"$set": {"findings": count}})

    def page_patients(self, doctor_id: str, paging: PageRequest) -> Page[Account]:
        """Page this doctor's patients by their queue key: most urgent unreviewed finding first."""
        wanted: Filter = {"doctor_id": doctor_id}
        if paging.after:
            wanted["queue_key"] = {"$gt": paging.after}
        found = self._documents.find(wanted, sort="queue_key", limit=paging.limit + 1)
        return page_of(found, paging, by="queue_key").map_all(self._read_each)

    def page_of_doctor(self, doctor_id: str | None, paging: PageRequest) -> Page[Account]:
        """The patients of this doctor, or of all, in the order in which they registered."""
        wanted: Filter = {"doctor_id": doctor_id} if doctor_id else {"role": "user"}
        return self._page(wanted, paging)

    def search_patients(self, doctor_id: str, beginning: str, paging: PageRequest) -> Page[Account]:
        """Page, as `page_patients`, those whose name, last name or e-mail begins so."""
        documents = find_patients(self._documents, doctor_id, beginning, most=MOST_PATIENTS_FOUND)
        if len(documents) > MOST_PATIENTS_FOUND:
            raise TooManyFound
        patients = self._read_each(documents)
        after = paging.after or ""
        behind = [patient for patient in patients if (patient.queue_key or "") > after]
        behind.sort(key=lambda one: one.queue_key or "")
        return page_of(behind, paging, by="queue_key")

    def by_ids(self, identifiers: set[str]) -> dict[str, Account]:
        if not identifiers:
            return {}
        accounts = self.list_where({"id": {"$in": sorted(identifiers)}})
        return {account.id: account for account in accounts}

    def find_staying(self, identifier: str) -> Account | None:
        """The account with this id; of one that was joined to another, that one."""
        found = self.by_ids({identifier}).get(identifier)
        return self.find_staying(found.joined_to) if found and found.joined_to else found

    def refuse_joined(self, account: Account) -> None:
        """Call it once the caller has proved to be the owner of the account."""
        if account.joined_to and (staying := self.find_staying(account.joined_to)):
            raise AccountJoined(staying.email)

    def find_stored(self, identifiers: set[str]) -> list[Document]:
        wanted: Filter = {"id": {"$in": sorted(identifiers)}}
        return self._documents.find(wanted) if identifiers else []

    def count_patients(self, doctors: set[str]) -> dict[str, int]:
        """A doctor who has none is left out."""
        if not doctors:
            return {}
        return self._documents.count_by("doctor_id", {"doctor_id": {"$in": sorted(doctors)}})

    def list_resting_doctors(self) -> list[str]:
        """Ids of those who are no active doctors now and still have patients."""
        doctors = [
            *self._list_ids({"role": "doctor", "status": "suspended"}),
            *self._list_ids({"role": "doctor", "status": "waiting"}),
            *self._list_ids({"patients_rest": True}),
        ]
        patients = self.count_patients({*doctors})
        return [doctor for doctor in doctors if doctor in patients]

    def find_waiting_patients(self, doctor_id: str | None, *, limit: int) -> list[Document]:
        """List patients of this doctor, or of nobody, with a finding that waits for a review, as
        they are stored; the most urgent first.
        """
        wanted: Filter = {"doctor_id": doctor_id, "queue_key": {"$lt": WITHOUT_FINDINGS}}
        return self._documents.find(wanted, sort="queue_key", limit=limit)

    def has_active_doctor(self) -> bool:
        active = {"role": "doctor", "status": "approved"}
        return bool(self._documents.find(active, limit=1, fields=()))

    def list_active_doctors(self) -> list[str]:
        return self._list_ids({"role": "doctor", "status": "approved"})

    def _note_patients(self, unit: Unit, doctor: Account) -> None:
        """Write which patients rest from now on, or come back, to the audit trail."""
        documents = self._documents.find({"doctor_id": doctor.id}, fields=())
        ids = [document["id"] for document in documents]
        if not ids:
            return
        back = doctor.active_doctor
        by = unit.named.by if unit.named else "system"
        count = f"{len(ids)} patient{'s' if len(ids) > 1 else ''}"
        for start in range(0, len(ids), NAMED_AT_ONCE):
            detail = f"{count}: {' '.join(ids[start : start + NAMED_AT_ONCE])}"
            action = "doctor.return" if back else "doctor.rest"
            unit.record(AuditRow(action, by=by, target=doctor.id, detail=detail))
        if back:
            unit.publish(DoctorReturned(doctor.id))

    def _release_patients(self, unit: Unit, doctor_id: str) -> None:
        if self._documents.update_all({"doctor_id": doctor_id}, {"$unset": {"doctor_id": True}}):
            unit.publish(PatientsReleased(doctor_id))

    def remove(self, unit: Unit, account_id: str) -> None:
        if self._documents.get(account_id):
            self._release_patients(unit, account_id)
            self._documents.delete({"id": account_id})

    def set_record_end(self, account_id: str, until_at: datetime | None) -> None:
        """For the transaction that begins a deletion; None: no record is kept."""
        self._change({"id": account_id}, record_kept_until_at=until_at)

    def keep_record(self, account_id: str) -> None:
        """At the end of a deletion, keep no more than names the patient of a medical record."""
        account = self.get(account_id)
        kept = Account(
            id=account.id,
            created_at=account.created_at,
            email=f"{account.id}@{RECORDS}",
            name=account.name,
            status="suspended",
            password_hash="",
            token_version=account.token_version + 1,
            notices=False,
            doctor_id=account.doctor_id,
            queue_key=account.queue_key,
            findings=account.findings,
            held_at=account.held_at,
            held_by=account.held_by,
            held_because=account.held_because,
            record_kept_until_at=account.record_kept_until_at,
        )
        self._write(account, kept)

    def list_to_delete(self, *, at: datetime) -> list[str]:
        """Ids of those whose owners have asked for it and cannot take it back any more, and of
        those whose medical record need not be kept any more.
        """
        return [
            document["id"]
            for field in ("deletion_due_at", "record_kept_until_at")
            for document in self._documents.find(
                {field: {"$lte": at}}, sort=field, limit=EXPIRED_AT_ONCE, fields=()
            )
        ]

    def list_waiting_deletions(self, *, limit: int) -> list[Account]:
        waiting = {"deletion_due_at": {"$gt": ANY_TIME}}
        return self._list(waiting, sort="deletion_due_at", limit=limit)

    def list_kept_records(self, *, limit: int) -> list[Account]:
        """What is kept of accounts that are deleted otherwise, the next to end first."""
        kept = {"record_kept_until_at": {"$gt": ANY_TIME}}
        return self._list(kept, sort="record_kept_until_at", limit=limit)

    def list_deleting(self) -> list[str]:
        """Ids of those whose deletion has begun but not ended."""
        return self._list_ids({"status": "deleting"})

    def _list_ids(self, filter: Filter) -> list[str]:
        return [document["id"] for document in self._documents.find(filter, fields=())]

    def list_where(self, filter: Filter) -> list[Account]:
        return self._list(filter)

    def page_accounts(
        self,
        roles: Iterable[Role],
        *,
        status: Status | None,
        beginning: str | None,
        paging: PageRequest,
        refused: bool | None = None,
    ) -> Page[Account]:
        """Page accounts in the order they registered; those whose name, last name or e-mail has
        this beginning. `refused` parts those that the status "suspended" joins. A program's account
        is listed only once its key is revoked, so a page may have fewer than `limit`.
        """
        wanted: Filter = {"status": status} if status else {}
        if refused is not None:
            wanted["refused"] = refused or None
        filters = [{"role": role, **wanted} for role in roles]
        if beginning:
            found = find_by_beginning(self._documents, filters, beginning, paging)
        else:
            # One listing for each role, not one with $in: see `merging`.
            most = paging.limit + 1
            find = self._documents.find
            listings = [find(one, after=paging.after, limit=most) for one in filters]
            found = merged(listings, limit=most)
        page = page_of(found, paging)
        listed = self._read_each(page.items)
        shown = [one for one in listed if not (one.machine and one.approved)]
        return Page(shown, page.next_after)

    def count_waiting(self, *, most: int) -> int:
        return len(self._documents.find({"status": "waiting"}, limit=most, fields=()))

    def walk_unapproved(self, *, before: datetime) -> Iterator[Document]:
        """Walk accounts that may be `never_approved`, as they are stored."""
        for status in ("waiting", "suspended"):
            after = None
            while found := self._documents.find(
                {"status": status}, after=after, limit=EXPIRED_AT_ONCE
            ):
                yield from found
                after = found[-1]["id"]
                if made_at(after) >= before:
                    break

    def faults(self, work: UnitOfWork) -> Iterator[Fault]:
        """Yield patients whose doctor is none and never was, or who are doctors themselves."""
        accounts = self.list_where({})
        doctors = {one.id for one in accounts if one.role == "doctor" or one.patients_rest}
        for account in accounts:
            if account.doctor_id and (account.role == "doctor" or account.doctor_id not in doctors):
                message = f"account {account.id} has an invalid doctor assignment"
                yield Fault(message, partial(work.run, partial(self._end_care, account.id)))

    def _end_care(self, account_id: str, unit: Unit) -> None:
        self.change(unit, self.get(account_id), doctor_id=None)


def key_without_findings(account_id: str) -> str:
    """The key sorts after all other keys, and is unique."""
    return f"{WITHOUT_FINDINGS}{account_id}"
