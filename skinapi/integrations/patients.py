"""Patients of another system, who cannot log in here.

The identifier of a person at a hospital is personal data, and is not needed to find the account
again. So it is stored as a hash with a key of the store. That key is encrypted, so somebody with
only the store cannot try all numbers of a hospital.
"""

from dataclasses import dataclass
from functools import partial

from skinapi.accounts.admin.decisions import Assignments
from skinapi.accounts.auth.account import Account, Subject
from skinapi.accounts.auth.accounts import Accounts
from skinapi.accounts.auth.events import AccountAdded
from skinapi.base.errors import BadRequest, Conflict, Duplicate, Forbidden, NotFound
from skinapi.base.field_types import LONGEST_NAME, find_unseen
from skinapi.base.languages import LANGUAGES, Language
from skinapi.findings.records.service import PatientRegistration
from skinapi.platform.storage.ids import new_id
from skinapi.platform.storage.number_key import NumberKey
from skinapi.platform.storage.unit_of_work import AuditRow, Unit, UnitOfWork, atomic

PATIENTS = "patients.invalid"  # https://www.rfc-editor.org/rfc/rfc2606#section-2
CLINIC_WIDE_ONLY = "Only a clinic-wide key names patients of another system"
NOBODY = (
    "Nobody here came under this number. Look at each sign of it, and at the system that gave it"
)
SUSPENDED = "The account of this patient is suspended or closed: nothing is filed for it"
LONGEST = LONGEST_NAME
UNSEEN = (
    "An identifier has a character that nobody sees ({unseen}). Send it without: else one number "
    "would have two patients"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PatientsService:
    work: UnitOfWork
    accounts: Accounts
    number_key: NumberKey
    assignments: Assignments

    def find(self, system: str, value: str, *, by: Subject) -> Account | None:
        return self.accounts.find_external(self.hash_number(system, value, by=by))

    @atomic
    def find_by_number(self, unit: Unit, system: str, value: str, *, by: str) -> Account:
        """For an admin, when a patient asks for access or erasure. Never makes an account."""
        account = self.accounts.find_external(self._checked(system, value))
        if account is None:
            raise NotFound(NOBODY)
        unit.audit("patient.find", by=by, target=account.id)
        return account

    def find_or_add(
        self, system: str, value: str, *, by: Subject, doctor: str | None = None
    ) -> Account:
        """`doctor` is the e-mail of the doctor in charge, for a patient without one."""
        chosen = self.assignments.find_doctor(doctor).id if doctor else None
        account, _ = self.add_once(system, value, by=by, doctor=chosen)
        if chosen and account.doctor_id != chosen:
            self.assignments.put_in_care(patient=account.id, doctor=chosen, by=by.id)
        return account

    @atomic
    def set_phone(self, unit: Unit, account_id: str, phone: str, *, by: Subject) -> None:
        account = self.accounts.get(account_id)
        if account.external and account.phone != phone:
            unit.audit("account.phone", by=by.id, target=account.id)
            self.accounts.change(unit, account, phone=phone)

    def find_in_charge(self, patient: str) -> Account | None:
        doctor = self.accounts.find_by_id(self.accounts.get(patient).doctor_id or "")
        return doctor if doctor and doctor.active_doctor else None

    def add_once(
        self, system: str, value: str, *, by: Subject, doctor: str | None = None
    ) -> tuple[Account, bool]:
        """The account of this identifier, and whether this call has made it. Concurrent calls make
        only one.
        """
        account, newcomer = self.find_or_newcomer(system, value, by=by, doctor=doctor)
        if newcomer is None:
            return account, False
        try:
            self._store(newcomer)
        except Duplicate:
            found = newcomer.find()
            if found is None:
                raise
            return found, False
        return account, True

    def find_or_newcomer(
        self,
        system: str,
        value: str,
        *,
        by: Subject,
        locale: Language = LANGUAGES[0],
        doctor: str | None = None,
    ) -> tuple[Account, PatientRegistration | None]:
        """The account of this identifier. For a new one also its registration, which is stored with
        the first finding, so that a refused request leaves no account. The doctor in charge of a
        new one is `doctor` (an id), or else that of the caller's key, or else DEFAULT_DOCTOR. A
        closed account without a log-in is opened again.
        """
        hashed = self.hash_number(system, value, by=by)
        found = self.accounts.find_external(hashed)
        if found and found.status == "closed" and not found.can_log_in:
            found = self._open(found.id, by=by.id)
        if found and not found.approved:
            raise Conflict(SUSPENDED)
        if found:
            return found, None
        identifier = new_id()
        drafted = self.accounts.draft(
            id=identifier,
            # Doctors distinguish such patients by it.
            name=f"Patient {identifier[-8:].upper()}",
            email=f"{identifier}@{PATIENTS}",
            status="approved",
            password_hash="",
            locale=locale,
            external=hashed,
            number_system=system.strip(),
            sent_by=by.account.name if by.account else None,  # also the name of the key
            doctor_id=self.assignments.choose(doctor, by.key.doctor if by.key else None),
        )
        adding = partial(self._add, drafted=drafted, by=by.id)
        return drafted, PatientRegistration(adding, partial(self.find, system, value, by=by))

    def _add(self, unit: Unit, drafted: Account, *, by: str) -> None:
        self.accounts.insert(drafted)
        unit.record(AuditRow("patient.add", by=by, target=drafted.id))
        if drafted.doctor_id:
            self.assignments.note(unit, drafted.id, doctor=drafted.doctor_id, by=by)
        unit.publish(AccountAdded(drafted.id))

    @atomic
    def _open(self, unit: Unit, account_id: str, *, by: str) -> Account:
        unit.audit("account.open", by=by, target=account_id)
        return self.accounts.change(unit, self.accounts.get(account_id), status="approved")

    @atomic
    def _store(self, unit: Unit, newcomer: PatientRegistration) -> None:
        newcomer.add(unit)

    def hash_number(self, system: str, value: str, *, by: Subject) -> str:
        if by.key is None or not by.key.clinic_wide:
            raise Forbidden(CLINIC_WIDE_ONLY)
        return self._checked(system, value)

    def _checked(self, system: str, value: str) -> str:
        named = [part.strip() for part in (system, value)]
        if not all(named) or any(len(part) > LONGEST for part in named):
            raise BadRequest(
                f"An identifier has a system and a value, of 1 to {LONGEST} signs each"
            )
        return self.hash_identifier("patient", *named)

    def hash_identifier(self, *parts: str) -> str:
        for part in parts:
            if unseen := find_unseen(part):
                raise BadRequest(UNSEEN.format(unseen=unseen))
        # Lengths first, so that different identifiers never give the same text.
        lengths = "\n".join(str(len(part)) for part in parts[1:-1])
        message = "\n".join([parts[0], lengths, *parts[1:]]).encode("utf-8", "surrogatepass")
        return self.number_key.hash(message)
