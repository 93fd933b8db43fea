"""Each login opens a session with an access token for a working day or rotating refresh tokens
(https://www.rfc-editor.org/rfc/rfc9700#section-4.14.2).

A refresh token has two secrets, of which hashes are stored. `family` identifies the session, and
`turn` can be used once. A known `family` with another `turn` means that a used token was copied,
which ends the session. Concurrent requests with the same token end it too, so a client must refresh
from one place.
"""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

from skinapi.accounts.auth.account import Account
from skinapi.base.pages import Page, PageRequest
from skinapi.base.settings.settings import Settings
from skinapi.base.stored_record import StoredRecord
from skinapi.platform.storage.ids import new_id, now
from skinapi.platform.storage.ports import Store
from skinapi.platform.storage.records import Repository, in_transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class Lifetimes:
    day: timedelta
    access: timedelta
    session: timedelta
    idle: timedelta

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        return cls(
            day=timedelta(hours=settings.token_hours),
            access=timedelta(minutes=settings.access_minutes),
            session=timedelta(days=settings.session_days),
            idle=timedelta(days=settings.session_idle_days),
        )

    def end_session(self, opened_at: datetime, *, renews: bool) -> datetime:
        """A session that is not renewed ends with its only token."""
        return opened_at + (self.session if renews else self.day)

    def end_unused(self, used_at: datetime, ends_at: datetime) -> datetime:
        return min(used_at + self.idle, ends_at)


MOST_SESSIONS = 100  # for each account; a new session then ends the oldest


class Session(StoredRecord):
    """`ends_at` is the latest possible end, `expires_at` the end without renewal."""

    id: str
    created_at: datetime
    account: str
    token_version: int
    used_at: datetime
    ends_at: datetime
    expires_at: datetime
    client: str | None = None
    family: str | None = None
    turn: str | None = None
    factor_given: bool = False
    provider: str | None = None
    provider_session: str | None = None
    factor_there: bool = False

    def opens(self, account: Account) -> bool:
        return self.factor_given or not account.has_second_factor


@dataclass(frozen=True, slots=True)
class ProviderSession:
    """`session` is a hash of the provider's own. `factor`: it vouches for a second factor."""

    provider: str
    session: str | None
    factor: bool


class Sessions(Repository[Session]):
    collection, record = "sessions", Session
    indexes = (("family", "id"), ("account", "id"), ("provider_session", "id"))
    expiry = "expires_at"

    def __init__(self, store: Store, lifetimes: Lifetimes) -> None:
        super().__init__(store)
        self._lifetimes = lifetimes

    def open(
        self,
        account: Account,
        *,
        client: str | None = None,
        renews: bool = False,
        factor_given: bool = False,
        opened_at: ProviderSession | None = None,
    ) -> tuple[Session, str | None]:
        """If the account has changed meanwhile, the session is invalid by its token version."""
        current, family, turn = now(), _random_secret(), _random_secret()
        ends_at = self._lifetimes.end_session(current, renews=renews)
        session = Session(
            id=new_id(),
            created_at=current,
            account=account.id,
            token_version=account.token_version,
            used_at=current,
            ends_at=ends_at,
            expires_at=self._lifetimes.end_unused(current, ends_at) if renews else ends_at,
            client=client,
            family=_hash(family) if renews else None,
            turn=_hash(turn) if renews else None,
            factor_given=factor_given or (opened_at is not None and opened_at.factor),
            provider=opened_at.provider if opened_at else None,
            provider_session=opened_at.session if opened_at else None,
            factor_there=opened_at is not None and opened_at.factor,
        )
        self._insert(session)
        return session, f"{family}.{turn}" if renews else None

    def access_until(self, session: Session) -> datetime:
        if session.family is None:
            return session.ends_at
        return min(session.used_at + self._lifetimes.access, session.expires_at)

    def find_valid(self, session_id: str, *, account: Account) -> Session | None:
        session = self.find(session_id)
        if session is None:
            return None
        owner = (session.account, session.token_version)
        return session if owner == (account.id, account.token_version) else None

    def by_refresh_token(self, token: str) -> Session | None:
        return self._first({"family": _hash(token.partition(".")[0])})

    def renew(self, session: Session, token: str) -> tuple[Session, str] | None:
        """Return None if this token was used before. Of concurrent requests, one succeeds."""
        family, _, turn = token.partition(".")
        current, next_turn = now(), _random_secret()
        renewed = self._change(
            {"id": session.id, "turn": _hash(turn)},
            turn=_hash(next_turn),
            used_at=current,
            expires_at=self._lifetimes.end_unused(current, session.ends_at),
        )
        return (renewed, f"{family}.{next_turn}") if renewed else None

    def page(self, account: Account, paging: PageRequest) -> Page[Session]:
        live = {"account": account.id, "token_version": account.token_version}
        return self._page(live, paging)

    def end(self, session_id: str, *, account_id: str) -> bool:
        return self._documents.delete({"id": session_id, "account": account_id}) > 0

    def end_of_provider(self, provider: str, account_id: str, *, unnamed_alone: bool) -> None:
        """With `unnamed_alone`, end only those for which the provider named no session."""
        opened = {"account": account_id, "provider": provider}
        self._documents.delete({**opened, "provider_session": None} if unnamed_alone else opened)

    def end_with(self, provider_session: str) -> None:
        self._documents.delete({"provider_session": provider_session})

    def keep_only(self, session_id: str, *, account_id: str) -> None:
        self._change({"id": session_id, "account": account_id}, factor_given=True)
        self._documents.delete({"account": account_id, "id": {"$ne": session_id}})

    def forget(self, account_id: str) -> int:
        return self._documents.delete({"account": account_id})

    @in_transaction
    def _insert(self, session: Session) -> None:
        own = {"account": session.account}
        kept = self._documents.find(own, sort="-id", limit=MOST_SESSIONS, fields=())
        if len(kept) == MOST_SESSIONS:
            self._documents.delete({"account": session.account, "id": {"$lte": kept[-1]["id"]}})
        self.insert(session)


def _random_secret() -> str:
    return secrets.token_urlsafe(32)


def _hash(secret: str) -> str:
    # A slow password hash is not needed: 256 random bits cannot be guessed.
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
