"""The caller of a use case, and the roles of accounts."""

from dataclasses import dataclass, field
from typing import Any, Literal, get_args

Role = Literal["user", "doctor", "researcher", "admin"]
ROLES: tuple[Role, ...] = get_args(Role)
# Why an admin does not approve an account.
RefusalReason = Literal["unknown_person", "not_offered", "wrong_role", "second_account", "other"]


@dataclass(frozen=True)
class Subject:
    """The caller: an account that was usable when the request arrived, and its session.

    `account` is the record that was read then (`auth.accounts.Account`), so that nothing reads it
    again for the same request; but what a change depends on is read in its transaction.
    `factor_given` says whether the session was opened with a code of the second factor.
    """

    id: str
    role: str
    session_id: str
    account: Any = field(default=None, repr=False)
    factor_given: bool = False
