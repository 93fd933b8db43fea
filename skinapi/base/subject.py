from dataclasses import dataclass, field
from typing import Annotated, Literal, Protocol, get_args

from pydantic import AfterValidator
from pydantic_core import PydanticKnownError

Role = Literal["user", "doctor", "researcher", "admin"]
ROLES: tuple[Role, ...] = get_args(Role)
# What a program may do with a key. A route names the scopes that it takes; others take no key.
# Those of areas are added where these are listed.
SCOPES = ["findings:write", "findings:read", "lab", "audit:read"]


class _OneOfScopes:
    def __get_pydantic_json_schema__(self, *_: object) -> dict[str, object]:
        return {"type": "string", "enum": [*SCOPES]}


def _refuse_unknown(scope: str) -> str:
    if scope not in SCOPES:
        *others, last = map(repr, SCOPES)
        raise PydanticKnownError("literal_error", {"expected": f"{', '.join(others)} or {last}"})
    return scope


# One that is stored may be of an area that is not there any more: it opens nothing.
Scope = Annotated[str, _OneOfScopes()]
KnownScope = Annotated[Scope, AfterValidator(_refuse_unknown)]
# Why an admin does not approve an account.
RefusalReason = Literal["unknown_person", "not_offered", "wrong_role", "second_account", "other"]
# Why an admin deletes an account.
ErasureReason = Literal["asked", "second_account", "not_used", "other"]


@dataclass(frozen=True)
class KeyUse:
    """The key of a calling program. With `clinic_wide` it may see the findings of every patient,
    otherwise those of its owner. With `patient` it is a session key, made by the key `session_of`,
    and sees only the findings of this account. `doctor` is the account in charge of the patients
    whom it adds. A `test` key stores nothing; its requests count against `owner`, who made it.
    """

    id: str
    scopes: tuple[str, ...]
    clinic_wide: bool = False
    patient: str | None = None
    session_of: str | None = None
    test: bool = False
    owner: str | None = None
    doctor: str | None = None

    @property
    def reads_what_it_filed(self) -> bool:
        """Return whether it may only read findings that such keys have just filed: a session key
        that files is for a page that shows the result of a photo.
        """
        return self.session_of is not None and "findings:read" not in self.scopes


@dataclass(frozen=True)
class Caller:
    """The sender of a request. `factor_given` tells if the session was opened with a second factor.
    `key` is set for a program and None for a person.
    """

    id: str
    role: str
    session_id: str
    factor_given: bool = field(default=False, kw_only=True)
    key: KeyUse | None = field(default=None, kw_only=True)

    @property
    def counted_as(self) -> str:
        return (self.key and self.key.owner) or self.id


class Allowances(Protocol):
    """`caller` is an account or an address. A role may have its own allowance."""

    def count_photos(self, caller: str, role: str | None, photos: int = 1) -> None:
        """Count all of these photos against today's allowance, or none."""

    def count_rendering(self, caller: str, role: str | None) -> None: ...


class Unlimited:
    """For a process that serves nobody."""

    def count_photos(self, caller: str, role: str | None, photos: int = 1) -> None: ...

    def count_rendering(self, caller: str, role: str | None) -> None: ...
