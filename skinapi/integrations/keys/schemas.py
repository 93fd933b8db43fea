"""What crosses the wire of keys."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from ipaddress import ip_network
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, ConfigDict, Field, StringConstraints

from skinapi.accounts.auth.accounts import Account
from skinapi.accounts.auth.emails import Email
from skinapi.accounts.auth.schemas import ProvenBody
from skinapi.base.field_types import Identifier, Legible, NumberPart, Printable
from skinapi.base.subject import Scope
from skinapi.integrations.keys.api_keys import ApiKey, Kind, SessionKey
from skinapi.integrations.keys.service import WantedKey
from skinapi.platform.web.schemas import Answer, Body

LONGEST_NAME = 100
MOST_ADDRESSES = 20
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


def _each_once(scopes: list[Scope]) -> list[Scope]:
    return sorted({*scopes})


Network = Annotated[str, StringConstraints(max_length=64), AfterValidator(_network)]


class NewKey(ProvenBody):
    name: KeyName
    kind: Kind = Field(
        default="live", description="`test`: it answers with a sample, and stores nothing"
    )
    scopes: Annotated[list[Scope], Field(min_length=1, max_length=20), AfterValidator(_each_once)]
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

    def wanted(self) -> WantedKey:
        return WantedKey(
            name=self.name,
            kind=self.kind,
            scopes=tuple(self.scopes),
            life=timedelta(days=self.days) if self.days else None,
            addresses=tuple(dict.fromkeys(self.addresses)),
            quota=self.quota,
            sessions=self.sessions,
            doctor=self.doctor,
        )


class KeyView(Answer):
    model_config = ConfigDict(from_attributes=True)

    id: str = Field(serialization_alias="_id")
    name: str
    kind: Kind
    scopes: list[Scope]
    clinic_wide: bool = Field(description="whether it may see the findings of every patient")
    sessions: bool = Field(description="whether it may make session keys")
    hint: str = Field(description="the end of its secret")
    created_at: datetime
    ends_at: datetime | None = Field(description="when it expires")
    addresses: list[str]
    quota: int | None = Field(description="requests in a day")
    uses: int = Field(description="written once a minute")
    used_at: datetime | None
    revoked_at: datetime | None = Field(description="a revoked key is listed for 30 days")


class MadeKey(KeyView):
    secret: str = Field(description="shown this once")

    @classmethod
    def of(cls, key: ApiKey, secret: str) -> Self:
        return cls.model_validate({**KeyView.model_validate(key).model_dump(), "secret": secret})


class AnyKeyView(KeyView):
    """A key as admins see it."""

    account: str = Field(description="whose rights it has")
    account_email: str | None
    made_by_email: str | None = Field(description="null once the account is gone")
    doctor_email: str | None = Field(
        default=None,
        description="the doctor in charge of the patients whom a clinic-wide key adds; null "
        "without one of its own",
    )
    maker_gone: bool = Field(
        description="whether nobody answers for a clinic-wide key: who made it is no admin any more"
    )

    @classmethod
    def of(cls, key: ApiKey, people: Mapping[str, Account]) -> Self:
        owner, maker = people.get(key.account), people.get(key.made_by)
        doctor = people.get(key.doctor or "")
        beside = {
            "account": key.account,
            "account_email": owner and owner.email,
            "made_by_email": maker and maker.email,
            "doctor_email": doctor and doctor.email,
            "maker_gone": key.clinic_wide and not (maker and maker.active_admin),
        }
        return cls.model_validate({**KeyView.model_validate(key).model_dump(), **beside})


class NewSessionKey(Body):
    scope: Literal["findings:write", "findings:read"]
    patient: Identifier | None = Field(
        default=None, description="the account; the caller's own unless given"
    )


class SessionKeyInfo(Answer):
    patient: str
    scope: Scope
    expires_at: datetime

    @classmethod
    def of(cls, session: SessionKey) -> Self:
        return cls(patient=session.account, scope=session.scope, expires_at=session.expires_at)


class SessionKeyView(Answer):
    secret: str
    patient: str
    scope: Scope
    expires_at: datetime

    @classmethod
    def of(cls, session: SessionKey, secret: str) -> Self:
        return cls(
            secret=secret,
            patient=session.account,
            scope=session.scope,
            expires_at=session.expires_at,
        )


class ExternalPatient(Body):
    """The identifier under which another system knows a patient."""

    system: NumberPart = Field(
        description="who gives the numbers, as a URI: `urn:oid:…`, `https://…`"
    )
    value: NumberPart
    doctor: Email | None = Field(
        default=None,
        description="the e-mail of the doctor in charge of the patient, unless there is another",
    )


class FoundPatient(Answer):
    """For an admin, who finds the account by it among all."""

    id: str = Field(serialization_alias="_id")
    name: str = Field(description="made up, for the doctors' lists")
    email: str = Field(description="of the routes below `/users`; no mail reaches it")
    status: str

    @classmethod
    def of(cls, account: Account) -> Self:
        return cls(id=account.id, name=account.name, email=account.email, status=account.status)


class PatientView(Answer):
    id: str = Field(serialization_alias="_id", description="for `patient` of `POST /predict`")
    name: str = Field(description="made up, for the doctors' lists")

    @classmethod
    def of(cls, account: Account) -> Self:
        return cls(id=account.id, name=account.name)
