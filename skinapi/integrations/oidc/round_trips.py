"""The way of a log-in to a provider and back: what is kept of it, and what binds it to a browser.

A browser gets one secret, as a cookie. The state, the nonce and the PKCE verifier are derived of
it, each by an HMAC with a name, so that none of them is stored, and each is of this browser alone.
The store has a hash of the secret: each way can be gone once, and within minutes.
"""

import base64
import hashlib
import hmac
import secrets
from datetime import datetime, timedelta

from skinapi.base.stored_record import StoredRecord
from skinapi.platform.storage.ids import is_ahead, new_id, now
from skinapi.platform.storage.records import Records

LIFE = timedelta(minutes=10)


def new_secret() -> str:
    return secrets.token_urlsafe(32)


def derive(secret: str, name: str) -> str:
    """43 letters, digits, `-` and `_`, which say nothing of the secret."""
    digest = hmac.digest(secret.encode("utf-8", "surrogatepass"), name.encode(), "sha256")
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


class RoundTrip(StoredRecord):
    """`secret` is a hash. Once the provider has answered, it has the `account`, a hash of the
    provider's `session`, and whether that vouches for a second `factor`. One of a log-out token
    only says that it was used.
    """

    id: str
    created_at: datetime
    expires_at: datetime
    secret: str
    provider: str
    account: str | None = None
    session: str | None = None
    factor: bool = False


class RoundTrips(Records[RoundTrip]):
    collection, record = "oidc_round_trips", RoundTrip
    indexes = (("account",), ("session",))
    unique = (("secret",),)
    expiry = "expires_at"

    def add(
        self,
        secret: str,
        *,
        provider: str,
        account: str | None = None,
        session: str | None = None,
        factor: bool = False,
        life: timedelta = LIFE,
    ) -> None:
        """Raises Duplicate where there is one of this secret."""
        self.insert(
            RoundTrip(
                id=new_id(),
                created_at=now(),
                expires_at=now() + life,
                secret=_hash(secret),
                provider=provider,
                account=account,
                session=session,
                factor=factor,
            )
        )

    def find_by_secret(self, secret: str) -> RoundTrip | None:
        trip = self._first({"secret": _hash(secret)})
        return None if trip is None or is_ahead(trip.created_at) else trip

    def use(self, trip: RoundTrip) -> bool:
        """Delete it. False where it was used before."""
        return self._documents.delete({"id": trip.id}) > 0

    def end_with(self, session: str) -> None:
        """Delete the ways whose session at the provider has ended."""
        self._documents.delete({"session": session})

    def forget(self, account_id: str) -> None:
        self._documents.delete({"account": account_id})


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
