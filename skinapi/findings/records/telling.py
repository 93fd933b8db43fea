"""How a patient hears of what a doctor has signed."""

from enum import StrEnum

from skinapi.accounts.auth.account import Account


class Way(StrEnum):
    MAIL = "mail"
    LOG_IN = "log_in"
    OTHER_SYSTEM = "other_system"


def way_to(owner: Account, *, mails: bool) -> Way:
    """How the patient hears of what is shown; `mails` says whether this server sends any."""
    if not owner.can_log_in:
        return Way.OTHER_SYSTEM
    return Way.MAIL if mails and owner.notices and owner.approved else Way.LOG_IN
