"""Who may read a finding."""

from skinapi.accounts.auth.account import Account, Subject


def in_care(owner: Account, doctor: Subject) -> bool:
    """Whether this account is a patient in the care of this doctor, or of the clinic whose key the
    caller has. Programs do not see a doctor's own photos: other systems know only patients.
    """
    if doctor.key and doctor.key.clinic_wide:
        return owner.role != "doctor"
    return doctor.role == "doctor" and owner.doctor_id == doctor.id


def is_asked(colleague: str | None, owner: Account, doctor: Subject) -> bool:
    return doctor.role == "doctor" and colleague == doctor.id != owner.id


def can_read(owner: Account) -> bool:
    """Whether the patient can read findings here. An external patient cannot."""
    return owner.approved and owner.can_log_in
