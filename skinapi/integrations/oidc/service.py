"""Log-in and log-out with the clinic's accounts.

A browser gets one secret in a cookie. State, nonce and PKCE verifier are derived from it by HMAC
with different names, so none of them is stored, and each is bound to this browser. The store has a
hash of the secret: each log-in can be completed once, and within minutes.
"""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, ConfigDict, StringConstraints

from skinapi.accounts.admin.decisions import NO_ACCOUNT, get_by_email
from skinapi.accounts.auth.account import Account
from skinapi.accounts.auth.accounts import NO_LOG_IN, Accounts
from skinapi.accounts.auth.passwords import ClientInfo
from skinapi.accounts.auth.second_factor import SecondFactorService
from skinapi.accounts.auth.service import AuthService, IssuedTokens
from skinapi.accounts.auth.sessions import ProviderSession, Sessions
from skinapi.base.errors import Conflict, Duplicate, NotFound, PasswordChangeRequired, SkinAPIError
from skinapi.base.logs import log
from skinapi.base.stored_record import StoredRecord
from skinapi.integrations.oidc.people import (
    Claims,
    LogInExpired,
    LogInRefused,
    LogOutRefused,
    People,
    Person,
    ProviderUnavailable,
    hash_of,
    read_person,
)
from skinapi.integrations.oidc.settings import OidcProvider
from skinapi.platform.storage.ids import new_id, now
from skinapi.platform.storage.records import Repository
from skinapi.platform.storage.unit_of_work import Unit, UnitOfWork, atomic

if TYPE_CHECKING:  # its libraries are only imported if there is a provider
    from skinapi.integrations.oidc.provider import Provider

LIFE = timedelta(minutes=10)
Parameter = Annotated[str, StringConstraints(max_length=4096)]


def derive(secret: str, name: str) -> str:
    digest = hmac.digest(secret.encode("utf-8", "surrogatepass"), name.encode(), "sha256")
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


class RoundTrip(StoredRecord):
    """`secret` is a hash. After the provider's answer it has the `account`, a hash of the
    provider's `session`, and whether that confirms a second `factor`. That of a log-out token only
    records its use.
    """

    id: str
    created_at: datetime
    expires_at: datetime
    secret: str
    provider: str
    account: str | None = None
    session: str | None = None
    factor: bool = False


class RoundTrips(Repository[RoundTrip]):
    collection, record = "oidc_round_trips", RoundTrip
    indexes = (("account",), ("session",))
    unique = (("secret",),)
    expiry = "expires_at"

    def add(self, secret: str, *, life: timedelta = LIFE, **fields: Any) -> None:
        begun_at = now()
        ends_at, hashed = begun_at + life, _hash(secret)
        self.insert(
            RoundTrip(id=new_id(), created_at=begun_at, expires_at=ends_at, secret=hashed, **fields)
        )

    def find_by_secret(self, secret: str) -> RoundTrip | None:
        return self._first({"secret": _hash(secret)})

    def use(self, trip: RoundTrip) -> bool:
        return self._documents.delete({"id": trip.id}) > 0

    def end_with(self, session: str) -> None:
        self._documents.delete({"session": session})

    def forget(self, account_id: str) -> int:
        return self._documents.delete({"account": account_id})


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


NO_PROVIDER = "There is no such log-in"
LINKED_ELSEWHERE = "This account logs in at another provider: end that first"
# How long a used log-out token is stored: longer than its validity.
LOG_OUT_LIFE = timedelta(hours=1)


class ProviderAnswer(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)
    code: Parameter | None = None
    state: Parameter | None = None
    iss: Parameter | None = None
    error: Parameter | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedInThere:
    account: Account
    tokens: IssuedTokens
    log_out: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OidcService:
    work: UnitOfWork
    accounts: Accounts
    sessions: Sessions
    auth: AuthService
    second_factor: SecondFactorService
    people: People
    trips: RoundTrips
    providers: Mapping[str, "Provider"]
    address: str

    def begin(self, *, provider: str) -> tuple[str, str]:
        speaker, secret = self._speaker(provider), secrets.token_urlsafe(32)
        with _logged(provider):
            address = speaker.authorization_address(
                state=derive(secret, "state"),
                nonce=derive(secret, "nonce"),
                verifier=derive(secret, "verifier"),
            )
        self.trips.add(secret, provider=provider)
        return address, secret

    def take_answer(self, *, provider: str, secret: str | None, answer: ProviderAnswer) -> None:
        speaker = self._speaker(provider)
        with _logged(provider):
            trip = self.trips.find_by_secret(secret) if secret else None
            if not secret or trip is None or trip.provider != provider or trip.account:
                raise LogInExpired
            state = (answer.state or "").encode("utf-8", "surrogatepass")
            if not hmac.compare_digest(derive(secret, "state").encode(), state):
                raise LogInExpired
            speaker.refuse_other_issuer(answer.iss)
            if not self.trips.use(trip) or answer.error:
                raise LogInExpired
            if not answer.code:
                raise LogInRefused("no_code")
            claims = speaker.redeem(
                answer.code, verifier=derive(secret, "verifier"), nonce=derive(secret, "nonce")
            )
            person = read_person(speaker.settings, claims)
            try:
                self._sign_in(speaker.settings, person, secret)
            except Duplicate as error:  # a concurrent first log-in of the same person
                raise LogInExpired from error

    @atomic
    def _sign_in(self, unit: Unit, provider: OidcProvider, person: Person, secret: str) -> None:
        account = self.people.account_of(unit, provider, person)
        self.trips.add(
            secret,
            provider=provider.name,
            account=account.id,
            session=person.session,
            factor=person.factor,
        )

    def finish(self, *, secret: str | None, code: str | None, caller: ClientInfo) -> LoggedInThere:
        """Open a session, once, for the log-in at a provider in this browser. `code` is needed if
        the account has a second factor and the provider has not asked for one.
        """
        trip = self.trips.find_by_secret(secret) if secret else None
        if trip is None or trip.account is None or trip.provider not in self.providers:
            raise LogInExpired
        try:
            account = self.accounts.get(trip.account)
        except NotFound as error:
            raise LogInExpired from error
        if account.provider != trip.provider:
            raise LogInExpired
        account.refuse_inactive()
        if account.must_change:
            raise PasswordChangeRequired(self.auth.password_page)
        given = trip.factor or self.second_factor.verify(account, code, caller)
        tokens = self._open(trip, account, caller, factor_given=given)
        return LoggedInThere(account=account, tokens=tokens, log_out=self._log_out(trip.provider))

    @atomic
    def _open(
        self,
        unit: Unit,
        trip: RoundTrip,
        account: Account,
        caller: ClientInfo,
        *,
        factor_given: bool,
    ) -> IssuedTokens:
        if not self.trips.use(trip):
            raise LogInExpired
        opened_at = ProviderSession(trip.provider, trip.session, trip.factor)
        return self.auth.open_session(
            unit, account, caller, factor_given=factor_given, opened_at=opened_at
        )

    def _log_out(self, provider: str) -> str | None:
        try:
            return self.providers[provider].log_out_address(f"{self.address}/")
        except ProviderUnavailable:
            return None

    def end_sessions(self, *, provider: str, token: str) -> None:
        speaker = self._speaker(provider)
        try:
            with _logged(provider):
                claims = speaker.read_log_out(token)
                try:
                    self._end_sessions(speaker.settings, claims)
                except Duplicate as error:
                    raise LogInRefused("used_before") from error
        except LogInRefused as refused:
            raise LogOutRefused from refused

    @atomic
    def _end_sessions(self, unit: Unit, provider: OidcProvider, claims: Claims) -> None:
        issuer, subject, session = provider.issuer, claims.get("sub"), claims.get("sid")
        used = hash_of(issuer, "jti", claims["jti"])
        self.trips.add(used, provider=provider.name, life=LOG_OUT_LIFE)
        ended = hash_of(issuer, "sid", session) if isinstance(session, str) else None
        if ended:
            self.trips.end_with(ended)
            self.sessions.end_with(ended)
        if not isinstance(subject, str):
            return
        account = self.accounts.find_by_identity(hash_of(issuer, "sub", subject))
        if account:
            unit.audit("account.logout", by="system", target=account.id, detail=provider.name)
            self.sessions.end_of_provider(provider.name, account.id, unnamed_alone=bool(ended))
            if not ended:
                self.trips.forget(account.id)

    @atomic
    def allow_link(self, unit: Unit, *, email: str, provider: str | None, by: str) -> Account:
        """Allow an existing account to be linked to the provider at its next log-in there. None
        revokes that and unlinks an account, which then needs a password link from an admin.
        """
        account = get_by_email(self.accounts, email, NO_ACCOUNT)
        if not account.can_log_in:
            raise Conflict(NO_LOG_IN)
        if provider is None:
            return self._part(unit, account, by=by)
        self._speaker(provider)
        if provider in (account.link_allowed, account.provider):
            return account
        unit.audit("account.allow_link", by=by, target=account.id, detail=provider)
        if account.identity:
            raise Conflict(LINKED_ELSEWHERE)
        return self.accounts.change(unit, account, link_allowed=provider)

    def _part(self, unit: Unit, account: Account, *, by: str) -> Account:
        if not (account.identity or account.link_allowed):
            return account
        detail = account.provider or account.link_allowed
        unit.audit("account.unlink", by=by, target=account.id, detail=detail)
        if not account.identity:
            return self.accounts.change(unit, account, link_allowed=None)
        return self.accounts.change(
            unit,
            account,
            provider=None,
            identity=None,
            group_role=None,
            link_allowed=None,
            token_version=account.token_version + 1,
        )

    def is_reachable(self, speaker: "Provider") -> bool:
        try:
            speaker.metadata()
        except ProviderUnavailable:
            return False
        return True

    def _speaker(self, provider: str) -> "Provider":
        if provider not in self.providers:
            raise NotFound(NO_PROVIDER)
        return self.providers[provider]


@contextmanager
def _logged(provider: str) -> Iterator[None]:
    try:
        yield
    except SkinAPIError as error:
        reason = getattr(error, "reason", None) or error.code
        log.warning("oidc refused", provider=provider, reason=reason)
        raise
