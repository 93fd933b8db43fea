from skinapi.accounts.auth.account import Account, Subject


def in_care(owner: Account, doctor: Subject) -> bool:
    """External systems do not see a doctor's own photos, because they know only patients."""
    if doctor.key and doctor.key.clinic_wide:
        return owner.role != "doctor"
    return doctor.role == "doctor" and owner.doctor_id == doctor.id


def is_asked(colleague: str | None, owner: Account, doctor: Subject) -> bool:
    return doctor.role == "doctor" and colleague == doctor.id != owner.id


def can_read(owner: Account) -> bool:
    """An external patient cannot read here."""
    return owner.approved and owner.can_log_in
