"""Sessions, one for each login: either one access token for a working day, or short access tokens
that are renewed with refresh tokens.

Refresh tokens are rotated: https://www.rfc-editor.org/rfc/rfc9700#section-4.14.2
A refresh token is two secrets of 256 bits, and only their hashes are stored. The first (`family`)
names the session during its whole life; the second (`turn`) can be used once. A known `family` with
another `turn` means that a used token was copied, so the session ends at once. If fifty requests
use the same token at the same time, one gets the next token, and that is revoked already. So a
client must refresh from one place at a time.
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
    """How long tokens and sessions live, by TOKEN_HOURS (`day`), ACCESS_MINUTES (`access`),
    SESSION_DAYS (`session`) and SESSION_IDLE_DAYS (`idle`).
    """

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
        """The latest end of a session, and of the only token of one that is not renewed."""
        return opened_at + (self.session if renews else self.day)

    def end_unused(self, used_at: datetime, ends_at: datetime) -> datetime:
        return min(used_at + self.idle, ends_at)


MOST_SESSIONS = 100  # for each account; a new session then ends the oldest


class Session(StoredRecord):
    """`ends_at` is the latest possible end, `expires_at` the end if it is not renewed again.
    `factor_given`: a code of the second factor was asked for and given. One that a `provider` has
    opened may have a hash of its session there; `factor_there`: it vouches for a second factor.
    """

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
        """Whether it was opened with all that its account asks for."""
        return self.factor_given or not account.has_second_factor


@dataclass(frozen=True, slots=True)
class ProviderSession:
    """The provider that has opened a session, a hash of its own one, and whether it vouches for a
    second factor.
    """

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
        """Open a session. `renews`: with its first refresh token. Where the account has changed
        meanwhile, the session is of another token version, and opens nothing.
        """
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
        """Renew the session; None if this token was used before. Compare-and-set on `turn`: of
        several concurrent requests with one token, one succeeds.
        """
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
        """End those of a provider; `unnamed_alone`: where it did not say by which of its own."""
        opened = {"account": account_id, "provider": provider}
        self._documents.delete({**opened, "provider_session": None} if unnamed_alone else opened)

    def end_with(self, provider_session: str) -> None:
        self._documents.delete({"provider_session": provider_session})

    def keep_only(self, session_id: str, *, account_id: str) -> None:
        """Keep only the session that has given a code of the new second factor."""
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
    # No slow password hash: a secret of 256 random bits cannot be guessed.
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
