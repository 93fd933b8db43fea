"""Admission of programs: a key is sent as a bearer token.

Key and account are read for each request, like a session, so that revocation, suspension and
demotion take effect at once.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from flask import request

from skinapi.accounts.auth.account import Account, Subject
from skinapi.accounts.auth.accounts import Accounts
from skinapi.accounts.auth.authorizer import Authorizer, read_bearer
from skinapi.base.errors import Forbidden, InvalidToken, NotFound
from skinapi.base.subject import KeyUse, Role
from skinapi.integrations.keys.api_keys import (
    BEGINNING,
    SECRET,
    ApiKey,
    ApiKeys,
    ExpiredKey,
    InvalidKey,
    KeyFromElsewhere,
    KeyLacksScope,
    SessionKey,
    TakesNoKey,
    TestKeyStoresNothing,
)
from skinapi.platform.storage.background import Totals
from skinapi.platform.storage.ids import now
from skinapi.platform.web.declaration import (
    Access,
    Authenticated,
    MetricsReader,
    OpenedToClient,
    Public,
)

PATIENT: Role = "user"
# What changes nothing: https://www.rfc-editor.org/rfc/rfc9110#section-9.2.1
SAFE_METHODS = ("GET", "HEAD", "OPTIONS")


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyAuthorizer:
    persons: Authorizer
    keys: ApiKeys
    accounts: Accounts
    totals: Totals
    spend_quota: Callable[[str, int], None]

    def admit(self, access: Access, authorization: str | None) -> Subject | None:
        if not authorization or isinstance(access, Public | MetricsReader):
            return self.persons.admit(access, authorization)
        secret = read_bearer(authorization)
        if not secret.startswith(BEGINNING):
            return self.persons.admit(access, authorization)
        if isinstance(access, OpenedToClient):
            access = Authenticated(roles=access.roles, refusal=access.refusal, scopes=access.scopes)
        if not SECRET.fullmatch(secret):
            raise InvalidKey
        key, session = self._read(secret)
        subject = self._admit(access, key, session)
        if access.before_another:
            return subject
        if key.quota:
            self.spend_quota(key.id, key.quota)
        self.totals.add(ApiKeys.collection, key.id, {"uses": 1}, {"used_at": now()})
        return subject

    def _read(self, secret: str) -> tuple[ApiKey, SessionKey | None]:
        of_session = secret.startswith("sk_session_")
        session = self.keys.sessions.find_by_secret(secret) if of_session else None
        key = self.keys.find(session.key) if session else self.keys.find_by_secret(secret)
        if key is None or key.revoked_at:
            raise InvalidKey
        if key.expired:
            raise ExpiredKey
        # A session key is used by browsers with any address.
        if session is None and not key.takes(request.remote_addr or ""):
            raise KeyFromElsewhere
        return key, session

    def _admit(self, access: Authenticated, key: ApiKey, session: SessionKey | None) -> Subject:
        account = self._get_account(key.account)
        # Otherwise a person with a second factor only at the provider could use no key.
        self.persons.refuse_unready(access, account, factor_there=account.provider is not None)
        scopes = (session.scope,) if session else key.scopes
        reads = session is not None and session.scope == "findings:write" and access.filed
        if not access.scopes:
            raise TakesNoKey
        if not reads and not {*scopes} & {*access.scopes}:
            raise KeyLacksScope(access.scopes)
        if session:
            return self._as_patient(access, session)
        # A clinic-wide key has scopes from an admin instead of a role.
        if account.role not in access.roles and not key.clinic_wide:
            raise Forbidden(access.refusal)
        use = KeyUse(key.id, scopes, key.clinic_wide, test=key.kind == "test", doctor=key.doctor)
        if not use.test:
            return Subject(account.id, account.role, key.id, account, key=use)
        if request.method not in SAFE_METHODS and not access.test_keys:
            raise TestKeyStoresNothing
        # An empty account of nobody, so that all lists are empty.
        nobody = account.model_copy(update={"id": key.id, "doctor_id": None})
        use = replace(use, owner=account.id)
        return Subject(nobody.id, nobody.role, key.id, nobody, key=use)

    def _as_patient(self, access: Authenticated, session: SessionKey) -> Subject:
        """A session key only has the rights of a patient, on the routes of its scope. That of a
        doctor sees no other patient.
        """
        patient = self._get_account(session.account)
        patient.refuse_inactive()
        if PATIENT not in access.roles:
            raise Forbidden(access.refusal)
        use = KeyUse(session.id, (session.scope,), patient=patient.id, session_of=session.key)
        return Subject(patient.id, PATIENT, session.id, patient, key=use)

    def _get_account(self, identifier: str) -> Account:
        try:
            return self.accounts.get(identifier)
        except NotFound as error:
            raise InvalidToken from error
