"""The caller of a use case, with the account that calls."""

from dataclasses import dataclass, field

from skinapi.accounts.auth.accounts import Account
from skinapi.base.subject import Caller


@dataclass(frozen=True)
class Subject(Caller):
    """`account` was usable when the request arrived, and is as it was read then, so that nothing
    reads it again for the same request; but what a change depends on is read in its transaction.
    """

    account: Account = field(repr=False)
