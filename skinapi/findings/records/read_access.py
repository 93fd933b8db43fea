"""Who may read a finding."""

from skinapi.accounts.auth.account import Account, Subject
from skinapi.findings.records.stored_finding import StoredFindingRow


def in_care(owner: Account, doctor: Subject) -> bool:
    """Whether this account is a patient in the care of this doctor, or of the clinic whose key the
    caller has. Becoming a doctor ends care, but older accounts may still have one. A record that is
    kept of a deleted account is the doctor's in charge alone.
    """
    patient = owner.role != "doctor" and owner.status != "deleting"
    if doctor.key and doctor.key.clinic_wide:
        return patient and not owner.is_record
    return doctor.role == "doctor" and patient and owner.doctor_id == doctor.id


def is_asked(finding: StoredFindingRow, owner: Account, doctor: Subject) -> bool:
    stays = owner.status != "deleting" and not owner.is_record
    asked = finding.opinion_of == doctor.id != owner.id
    return doctor.role == "doctor" and asked and stays


def can_read(owner: Account) -> bool:
    """Whether the patient can read findings here. An external patient cannot."""
    return owner.approved and owner.can_log_in
