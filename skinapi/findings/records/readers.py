"""Who may read a finding, and as whom: its owner, the doctor in charge, the clinic whose key asks,
a colleague who is asked for a second opinion. An admin in an emergency: break_glass.py.
"""

from skinapi.accounts.auth.accounts import Account
from skinapi.base.subject import Subject
from skinapi.findings.records.standing import Reader
from skinapi.findings.records.submission import Listed


def reader_of(owner_id: str, to: Subject) -> Reader:
    """Tell as whom the caller reads what this account has here."""
    return Reader.PATIENT if owner_id == to.id else reader_in_care(to)


def reader_in_care(to: Subject) -> Reader:
    """Tell as whom the caller reads what others have here."""
    return Reader.PROGRAM if to.key else Reader.DOCTOR


def in_care(owner: Account, doctor: Subject) -> bool:
    """Whether this account is a patient in the care of this doctor, or of the clinic whose key the
    caller has. Becoming a doctor ends care, but older accounts may still have one. A record that is
    kept of a deleted account is the doctor's in charge alone.
    """
    patient = owner.role != "doctor" and owner.status != "deleting"
    if doctor.key and doctor.key.clinic_wide:
        return patient and not owner.is_record
    return doctor.role == "doctor" and patient and owner.doctor_id == doctor.id


def is_asked(submission: Listed, owner: Account, doctor: Subject) -> bool:
    """Whether this doctor is asked for a second opinion about this finding."""
    stays = owner.status != "deleting" and not owner.is_record
    asked = submission.opinion_of == doctor.id and stays
    return doctor.role == "doctor" and asked
