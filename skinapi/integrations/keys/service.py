from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import ip_network
from typing import Annotated

from pydantic import AfterValidator, BaseModel, Field, StringConstraints

from skinapi.accounts.admin.decisions import Assignments
from skinapi.accounts.auth.account import Account, Subject
from skinapi.accounts.auth.accounts import Accounts
from skinapi.accounts.auth.closing import AccountClosing
from skinapi.accounts.auth.email_addresses import Email
from skinapi.accounts.auth.passwords import Proof
from skinapi.accounts.auth.second_factor import SecondFactorService
from skinapi.base.errors import Forbidden, NotFound, Unprocessable
from skinapi.base.field_types import Legible, NumberPart, Printable
from skinapi.base.subject import KnownScope, Scope
from skinapi.findings.records.finding_access import FindingAccess
from skinapi.integrations.keys.api_keys import (
    ApiKey,
    ApiKeys,
    KeyLacksScope,
    Kind,
    MakesNoSessions,
    SessionKey,
    TooManyKeys,
    hash_secret,
    new_secret,
)
from skinapi.platform.notices.outbox import Kind as NoticeKind
from skinapi.platform.notices.outbox import Outbox
from skinapi.platform.storage.ids import new_id, now
from skinapi.platform.storage.unit_of_work import AuditRow, Unit, UnitOfWork, atomic

MOST_KEYS = 20  # per person, without ended ones
SESSION_LIFE = timedelta(minutes=10)
# The scopes of a patient's browser.
SESSION_SCOPES: tuple[Scope, ...] = ("findings:write", "findings:read")
# Scopes whose answers cannot be empty for a test key.
LIVE_SCOPES: tuple[Scope, ...] = ("lab", "audit:read")
NO_KEY = "There is no such key"
NOT_FOR_TESTS = "A test key takes no scope lab or audit:read"
NO_PATIENTS = "Only a clinic-wide key adds patients, who can have a doctor"
SHOWS_NOBODY = "Only the program of a clinic-wide key shows findings to its patients"
SHOWS_UNREAD = "A program that reads no findings shows none: add a scope such as findings:read"
NO_OWN_ACCOUNT = "Name the patient: this key is nobody's own"
MACHINES = "programs.invalid"  # https://www.rfc-editor.org/rfc/rfc2606#section-2


LONGEST_NAME = 100
MOST_ADDRESSES = 20
MOST_SYSTEMS = 20
MOST_DAYS = 3650
# The windows of the rate limits hold a time for each request of a day.
LARGEST_QUOTA = 100_000
KeyName = Annotated[
    str,
    StringConstraints(min_length=1, max_length=LONGEST_NAME, strip_whitespace=True),
    Printable,
    Legible,
]


def _network(text: str) -> str:
    try:
        return str(ip_network(text.strip(), strict=False))
    except ValueError as error:
        raise ValueError(
            "an address such as 192.0.2.7, or a network such as 192.0.2.0/24"
        ) from error


Network = Annotated[str, StringConstraints(max_length=64), AfterValidator(_network)]


class WantedKey(BaseModel):
    name: KeyName
    kind: Kind = Field(
        default="live", description="`test`: it answers with a sample, and stores nothing"
    )
    scopes: Annotated[
        list[KnownScope],
        Field(min_length=1, max_length=20),
        AfterValidator(lambda each: sorted({*each})),
    ]
    days: Annotated[int, Field(ge=1, le=MOST_DAYS)] | None = Field(
        default=365, description="after so many it expires; null: never"
    )
    addresses: Annotated[list[Network], Field(max_length=MOST_ADDRESSES)] = Field(
        default=[], description="networks in CIDR form from which it may be used; empty: from all"
    )
    quota: Annotated[int, Field(ge=1, le=LARGEST_QUOTA)] | None = Field(
        default=None, description="how many requests it may make in a day"
    )
    sessions: bool = Field(default=False, description="whether it may make session keys")
    doctor: Email | None = Field(
        default=None,
        description="of a clinic-wide key: the e-mail of the doctor in charge of the patients whom "
        "it adds; unless given that of DEFAULT_DOCTOR",
    )
    shows_patients_of: Annotated[list[NumberPart], Field(max_length=MOST_SYSTEMS)] = Field(
        default=[],
        description="of a clinic-wide key: the systems to whose patients its program shows findings"
        ", each as it stands with their numbers. To all others a doctor tells what is grave",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingKeys:
    keys: ApiKeys
    scopes: frozenset[str]

    def reads(self, scopes: Sequence[str]) -> bool:
        return not self.scopes.isdisjoint(scopes)

    def may_show(self, patient: Account, *, key: str | None = None) -> bool:
        return any(
            patient.number_system in item.shows_patients_of
            and not item.ended
            and self.reads(item.scopes)
            for item in self.keys.list_clinic_wide()
            if key in (None, item.id)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class KeysService:
    work: UnitOfWork
    accounts: Accounts
    keys: ApiKeys
    reading: ReadingKeys
    closing: AccountClosing
    findings: FindingAccess
    outbox: Outbox
    second_factor: SecondFactorService
    assignments: Assignments

    def make_own(self, *, wanted: WantedKey, by: Subject, proof: Proof) -> tuple[ApiKey, str]:
        """Return a key with the caller's rights and its secret, which cannot be read again. The
        `proof` keeps a stolen session from making keys.
        """
        if wanted.kind == "test" and {*wanted.scopes} & {*LIVE_SCOPES}:
            raise Unprocessable(NOT_FOR_TESTS)
        if wanted.kind == "test" and wanted.sessions:
            raise Unprocessable("A test key makes no session keys")
        if wanted.doctor:
            raise Unprocessable(NO_PATIENTS)
        if wanted.shows_patients_of:
            raise Unprocessable(SHOWS_NOBODY)
        self._prove(by, proof)
        return self.make_own_proven(wanted=wanted, by=by)

    @atomic
    def make_own_proven(self, unit: Unit, *, wanted: WantedKey, by: Subject) -> tuple[ApiKey, str]:
        # Locked, so that concurrent requests count each other's key.
        account = self.accounts.lock(by.id)
        account.refuse_inactive()  # it may have changed since the admission
        if sum(not key.ended for key in self.keys.list_of(account.id)) >= MOST_KEYS:
            raise TooManyKeys
        return self._make(unit, wanted, account=account, by=by, clinic_wide=False)

    def make_clinic_wide(
        self, *, wanted: WantedKey, by: Subject, proof: Proof
    ) -> tuple[ApiKey, str]:
        """Return a key with its own account, which sees the findings of every patient, and its
        secret. The caller must be an admin.
        """
        if wanted.kind == "test":
            raise Unprocessable("A test key is nobody's but its maker's: it shows no patient")
        if wanted.shows_patients_of and not self.reading.reads(wanted.scopes):
            raise Unprocessable(SHOWS_UNREAD)
        self._prove(by, proof)
        return self.make_clinic_wide_proven(wanted=wanted, by=by)

    def _prove(self, by: Subject, proof: Proof) -> None:
        account = self.accounts.get(by.id)
        self.second_factor.reauthenticate(account, proof, session_id=by.session_id)

    @atomic
    def make_clinic_wide_proven(
        self, unit: Unit, *, wanted: WantedKey, by: Subject
    ) -> tuple[ApiKey, str]:
        identifier = new_id()
        account = self.accounts.add(
            id=identifier,
            name=wanted.name,
            email=f"{identifier}@{MACHINES}",
            # Data sets and trainings check the role of their owner.
            role="researcher" if "lab" in wanted.scopes else "user",
            status="approved",
            password_hash="",
            machine=True,
        )
        return self._make(unit, wanted, account=account, by=by, clinic_wide=True)

    def _make(
        self, unit: Unit, wanted: WantedKey, *, account: Account, by: Subject, clinic_wide: bool
    ) -> tuple[ApiKey, str]:
        moment, secret = now(), new_secret(wanted.kind)
        key = ApiKey(
            id=new_id(),
            created_at=moment,
            hash=hash_secret(secret),
            hint=secret[-4:],
            name=wanted.name,
            kind=wanted.kind,
            scopes=tuple(wanted.scopes),
            account=account.id,
            made_by=by.id,
            clinic_wide=clinic_wide,
            sessions=wanted.sessions,
            shows_patients_of=tuple(wanted.shows_patients_of),
            doctor=self.assignments.find_doctor(wanted.doctor).id if wanted.doctor else None,
            ends_at=moment + timedelta(days=wanted.days) if wanted.days else None,
            addresses=tuple(dict.fromkeys(wanted.addresses)),
            quota=wanted.quota,
        )
        of = "clinic-wide" if clinic_wide else "own"
        unit.audit(
            "key.make",
            by=by.id,
            target=key.id,
            owner=account.id,
            detail=f"{of} {key.kind}: {', '.join(key.scopes)}",
        )
        self.keys.insert(key)
        # Otherwise a stolen log-in would survive a new password.
        self.outbox.add(
            NoticeKind.KEY_MADE, to=by.id, about="integrations" if clinic_wide else "keys"
        )
        return key, secret

    def people_of(self, keys: Sequence[ApiKey]) -> dict[str, Account]:
        named = {who for key in keys for who in (key.account, key.made_by, key.doctor) if who}
        return self.accounts.by_ids(named)

    def get_used(self, *, by: Subject) -> ApiKey:
        """The key of the request. A session key gets none, because a browser must not see what made
        it.
        """
        key = self.keys.find(by.key.id) if by.key else None
        if key is None:
            raise NotFound(NO_KEY)
        return key

    def get_session(self, *, by: Subject) -> SessionKey:
        session = self.keys.sessions.find(by.key.id) if by.key and by.key.session_of else None
        if session is None:
            raise NotFound(NO_KEY)
        return session

    @atomic
    def revoke(self, unit: Unit, *, key: str, by: str, own: bool = False) -> None:
        """A program's own account is closed with its key if it certainly has no finding or data
        set. Otherwise it is suspended, and an admin may close it.
        """
        revoked = self.keys.find(key)
        if revoked is None or (own and revoked.account != by):
            raise NotFound(NO_KEY)
        if revoked.revoked_at:
            return
        unit.audit("key.revoke", by=by, target=revoked.id, owner=revoked.account)
        self.keys.revoke(revoked)
        if revoked.clinic_wide:
            self._close(unit, revoked, by=by)

    def _close(self, unit: Unit, key: ApiKey, *, by: str) -> None:
        account = self.accounts.lock(key.account)
        if account.status == "closed":
            return
        if self.findings.records.count_of(account.id) or "lab" in key.scopes:
            self.accounts.change(unit, account, status="suspended")
            return
        unit.record(AuditRow("key.revoke", by=by, target=key.id, owner=key.account))
        self.closing.close(unit, account, by=by)

    @atomic
    def make_session(
        self, unit: Unit, *, scope: Scope, patient: str | None, by: Subject
    ) -> tuple[SessionKey, str]:
        key = self.keys.find(by.key.id) if by.key else None
        if key is None:
            raise Forbidden("Only a program with a key makes session keys")
        if not key.sessions:
            raise MakesNoSessions
        if scope not in key.scopes:
            raise KeyLacksScope((scope,))
        if key.clinic_wide and patient is None:
            raise Unprocessable(NO_OWN_ACCOUNT)
        account = self.findings.find_owner(patient=patient, by=by)
        moment, secret = now(), new_secret("session")
        session = SessionKey(
            id=new_id(),
            created_at=moment,
            hash=hash_secret(secret),
            key=key.id,
            account=account.id,
            scope=scope,
            expires_at=moment + SESSION_LIFE,
        )
        unit.audit("key.session", by=by.id, target=session.id, owner=account.id, detail=f"{scope}")
        self.keys.sessions.insert(session)
        return session, secret
