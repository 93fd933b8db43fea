from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Literal, Self

from pydantic import ConfigDict, Field

from skinapi.accounts.auth.account import Account, Subject
from skinapi.accounts.auth.email_addresses import Email
from skinapi.accounts.auth.errors import UNPROVEN
from skinapi.accounts.auth.passwords import ClientInfo
from skinapi.accounts.auth.schemas import ProvenBody
from skinapi.base.errors import BadRequest, Conflict, Forbidden, NotFound, Unprocessable
from skinapi.base.field_types import Identifier, NumberPart
from skinapi.base.pages import Page
from skinapi.base.subject import SCOPES, Scope
from skinapi.integrations.keys.api_keys import (
    ApiKey,
    Kind,
    MakesNoSessions,
    SessionKey,
    TooManyKeys,
)
from skinapi.integrations.keys.service import SESSION_SCOPES, KeysService, WantedKey
from skinapi.integrations.patients import PatientsService
from skinapi.platform.web.declaration import Authenticated, Rate, Routes, admins
from skinapi.platform.web.rate_limits import caller_address
from skinapi.platform.web.schemas import Answer, Body, Message, PageQuery


class NewKey(ProvenBody, WantedKey):
    pass


class KeyView(Answer):
    model_config = ConfigDict(from_attributes=True)

    id: str = Field(serialization_alias="_id")
    name: str
    kind: Kind
    scopes: list[Scope]
    clinic_wide: bool = Field(description="whether it may see the findings of every patient")
    sessions: bool = Field(description="whether it may make session keys")
    shows_patients_of: list[str] = Field(
        description="the systems to whose patients its program shows findings"
    )
    hint: str = Field(description="the end of its secret")
    created_at: datetime
    ends_at: datetime | None = Field(description="when it expires")
    addresses: list[str]
    quota: int | None = Field(description="requests in a day")
    uses: int = Field(description="counted within seconds")
    used_at: datetime | None
    revoked_at: datetime | None = Field(description="a revoked key is listed for 30 days")


class MadeKey(KeyView):
    secret: str = Field(description="shown this once")

    @classmethod
    def from_key(cls, key: ApiKey, secret: str) -> Self:
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

    @classmethod
    def from_key(cls, key: ApiKey, people: Mapping[str, Account]) -> Self:
        owner, maker = people.get(key.account), people.get(key.made_by)
        doctor = people.get(key.doctor or "")
        beside = {
            "account": key.account,
            "account_email": owner and owner.email,
            "made_by_email": maker and maker.email,
            "doctor_email": doctor and doctor.email,
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
    def from_session(cls, session: SessionKey) -> Self:
        return cls(patient=session.account, scope=session.scope, expires_at=session.expires_at)


class SessionKeyView(SessionKeyInfo):
    secret: str


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


class PatientView(Answer):
    model_config = ConfigDict(from_attributes=True)

    id: str = Field(serialization_alias="_id", description="for `patient` of `POST /predict`")
    name: str = Field(description="made up, for the doctors' lists")


class PatientOfSystem(PatientView):
    doctor: str | None = Field(
        description="the e-mail of the doctor in charge, who stays where the request names another;"
        " null where no active doctor is"
    )


class FoundPatient(PatientView):
    email: str = Field(description="of the routes below `/users`; no mail reaches it")
    status: str


NO_RETRY = (
    "Idempotency-Key: a secret is shown once, so a retry cannot be answered. Look whether the key "
    "is in the list, and revoke it there"
)
ADMINS_ONLY = "Only admin can manage keys"

routes: Routes[KeysService] = Routes()
patient_routes: Routes[PatientsService] = Routes()


@routes.route("GET", "/keys", access=Authenticated())
def list_keys(keys: KeysService, *, subject: Subject) -> list[KeyView]:
    """The caller's own keys, the oldest first."""
    return [KeyView.model_validate(key) for key in keys.keys.list_of(subject.id)]


@routes.route(
    "POST",
    "/keys",
    access=Authenticated(),
    rate=Rate.SIGN_IN,
    status=201,
    raises=(*UNPROVEN, TooManyKeys, Unprocessable),
)
def make_key(
    keys: KeysService, *, body: NewKey, subject: Subject, idempotency_key: str | None
) -> MadeKey:
    """Make a key with the caller's rights, for a program, with the password again. Its secret is in
    this answer alone.
    """
    _refuse_retry(idempotency_key)
    proof = body.proof(ClientInfo(address=caller_address()))
    return MadeKey.from_key(*keys.make_own(wanted=body, by=subject, proof=proof))


@routes.route("DELETE", "/keys/<key>", access=Authenticated(), raises=(NotFound,))
def revoke_key(keys: KeysService, *, key: str, subject: Subject) -> Message:
    """Revoke a key of the caller, and the session keys that it has made, at once."""
    keys.revoke(key=key, by=subject.id, own=True)
    return Message(message="Key revoked")


@routes.route("GET", "/keys/current", access=Authenticated(scopes=SCOPES), raises=(NotFound,))
def show_current_key(keys: KeysService, *, subject: Subject) -> KeyView:
    """The key of this request: what it may do, and until when."""
    return KeyView.model_validate(keys.get_used(by=subject))


@routes.route(
    "POST",
    "/keys/sessions",
    access=Authenticated(scopes=SESSION_SCOPES),
    status=201,
    raises=(Forbidden, MakesNoSessions, NotFound, Unprocessable),
)
def make_session_key(keys: KeysService, *, body: NewSessionKey, subject: Subject) -> SessionKeyView:
    """Make a key for the browser of one patient: for ten minutes and with one scope.

    A program calls it on its server, with a key that makes session keys, and hands the secret to
    the page. There it does what this patient may do.
    """
    session, secret = keys.make_session(scope=body.scope, patient=body.patient, by=subject)
    return SessionKeyView(secret=secret, **SessionKeyInfo.from_session(session).model_dump())


@routes.route(
    "GET", "/keys/sessions/current", access=Authenticated(scopes=SESSION_SCOPES), raises=(NotFound,)
)
def show_session_key(keys: KeysService, *, subject: Subject) -> SessionKeyInfo:
    """The session key of this request: whose it is, what it may do, and until when."""
    return SessionKeyInfo.from_session(keys.get_session(by=subject))


@routes.route("GET", "/admin/keys", access=admins(ADMINS_ONLY))
def list_all_keys(keys: KeysService, *, query: PageQuery) -> Page[AnyKeyView]:
    """All keys, of persons and of programs, the oldest first."""
    page = keys.keys.page_all(query.paging)
    return page.map(partial(AnyKeyView.from_key, people=keys.people_of(page.items)))


@routes.route(
    "POST",
    "/admin/keys",
    access=admins(ADMINS_ONLY),
    rate=Rate.SIGN_IN,
    status=201,
    raises=(*UNPROVEN, NotFound, Conflict, Unprocessable),
)
def make_clinic_key(
    keys: KeysService, *, body: NewKey, subject: Subject, idempotency_key: str | None
) -> MadeKey:
    """Make a clinic-wide key: a program's, with an account of its own, which may see the findings
    of every patient and file for them. Its secret is in this answer alone.
    """
    _refuse_retry(idempotency_key)
    proof = body.proof(ClientInfo(address=caller_address()))
    return MadeKey.from_key(*keys.make_clinic_wide(wanted=body, by=subject, proof=proof))


@routes.route("DELETE", "/admin/keys/<key>", access=admins(ADMINS_ONLY), raises=(NotFound,))
def revoke_any_key(keys: KeysService, *, key: str, subject: Subject) -> Message:
    """Revoke any key at once. A program's own account is deleted with it if it has no finding;
    otherwise it is suspended.
    """
    keys.revoke(key=key, by=subject.id)
    return Message(message="Key revoked")


@patient_routes.route(
    "POST",
    "/patients/external",
    access=Authenticated(scopes=("findings:write",)),
    raises=(Forbidden, BadRequest, NotFound, Conflict),
)
def find_or_add_patient(
    patients: PatientsService, *, body: ExternalPatient, subject: Subject
) -> PatientOfSystem:
    """The account of a patient whom another system knows under this identifier; it is made where
    there is none. With a clinic-wide key. The identifier itself is not stored.
    """
    account = patients.find_or_add(body.system, body.value, by=subject, doctor=body.doctor)
    doctor = patients.find_in_charge(account.id)
    return PatientOfSystem.from_record(account, doctor=doctor.email if doctor else None)


@patient_routes.route(
    "POST",
    "/patients/external/find",
    access=admins("Only admin can find a patient by a number of another system"),
    raises=(NotFound, BadRequest, Conflict),
)
def find_external_patient(
    patients: PatientsService, *, body: ExternalPatient, subject: Subject
) -> FoundPatient:
    """The account of a patient whom another system has sent under this identifier: for who asks for
    all that is stored, or for its erasure. 404 where nobody came under it; none is made.
    """
    account = patients.find_by_number(body.system, body.value, by=subject.id)
    return FoundPatient.model_validate(account)


def _refuse_retry(idempotency_key: str | None) -> None:
    if idempotency_key:
        raise BadRequest(NO_RETRY)
