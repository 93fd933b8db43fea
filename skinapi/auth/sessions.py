"""Sessions, one a login: a working day on one access token, or short ones renewed by refresh
tokens.

A refresh token is two secrets of 256 bits, of which only hashes are kept: the first names the
session for as long as it lives, the second is good for one turn. Whoever shows the first with
another second has a copy of a spent token, so the session ends there and then: of fifty who show
one token at once, one gets the next, and that one is dead already. A client refreshes in one
place at a time.
"""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from pydantic import BaseModel, ConfigDict

from skinapi.auth.accounts import Account
from skinapi.storage.ids import new_id, now
from skinapi.storage.ports import Store
from skinapi.web.pagination import Page, page_of

MOST = 100  # of one account; the oldest makes room


@dataclass(frozen=True)
class SessionLifetimes:
    """How long things live: a day's token, a short one, a session, a session nobody renews."""

    day: timedelta
    access: timedelta
    session: timedelta
    idle: timedelta


class Session(BaseModel):
    """A frozen copy of one session. `ends_at` is its last day, `expires_at` where it ends as
    things stand.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

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


class Sessions:
    def __init__(self, store: Store, lives: SessionLifetimes) -> None:
        self._lifetimes = lives
        self._documents = store.collection("sessions")
        self._documents.ensure_index("family", "id")
        self._documents.ensure_index("account", "id")
        self._documents.expire_by("expires_at")

    def open(
        self, account: Account, *, client: str | None = None, renews: bool = False
    ) -> tuple[Session, str | None]:
        """A new session, and its refresh token where it renews itself."""
        moment, family, turn = now(), _secret(), _secret()
        ends_at = moment + (self._lifetimes.session if renews else self._lifetimes.day)
        session = Session(
            id=new_id(),
            created_at=moment,
            account=account.id,
            token_version=account.token_version,
            used_at=moment,
            ends_at=ends_at,
            expires_at=min(ends_at, moment + self._lifetimes.idle) if renews else ends_at,
            client=client,
            family=_kept(family) if renews else None,
            turn=_kept(turn) if renews else None,
        )
        self._make_room(account.id)
        self._documents.insert({**session.model_dump(), "schema": 1})
        return session, f"{family}.{turn}" if renews else None

    def access_until(self, session: Session) -> datetime:
        """When the access token of this session's last login or renewal must expire."""
        if session.family is None:
            return session.ends_at
        return min(session.used_at + self._lifetimes.access, session.expires_at)

    def lives(self, session_id: str) -> bool:
        return self._documents.get(session_id) is not None

    def by_refresh_token(self, token: str) -> Session | None:
        found = self._documents.find({"family": _kept(token.partition(".")[0])}, limit=1)
        return Session.model_validate(found[0]) if found else None

    def renew(self, session: Session, token: str) -> tuple[Session, str] | None:
        """The session and its next refresh token, for one caller alone; None for all others."""
        family, _, turn = token.partition(".")
        moment, fresh = now(), _secret()
        renewed = self._documents.update(
            {"id": session.id, "turn": _kept(turn)},
            {
                "$set": {
                    "turn": _kept(fresh),
                    "used_at": moment,
                    "expires_at": min(moment + self._lifetimes.idle, session.ends_at),
                }
            },
        )
        return (Session.model_validate(renewed), f"{family}.{fresh}") if renewed else None

    def page(self, account: Account, *, after: str | None, limit: int) -> Page[Session]:
        """The account's live sessions, oldest first."""
        live = {"account": account.id, "token_version": account.token_version}
        found = self._documents.find(live, after=after, limit=limit + 1)
        return page_of(found, limit).map(Session.model_validate)

    def end(self, session_id: str, *, account_id: str) -> bool:
        """Whether it was there, and this account's."""
        return self._documents.delete({"id": session_id, "account": account_id}) > 0

    def forget(self, account_id: str) -> None:
        self._documents.delete({"account": account_id})

    def _make_room(self, account_id: str) -> None:
        kept = self._documents.find({"account": account_id}, sort="-id", limit=MOST)
        if len(kept) == MOST:
            self._documents.delete({"account": account_id, "id": {"$lte": kept[-1]["id"]}})


def _secret() -> str:
    return secrets.token_urlsafe(32)


def _kept(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
