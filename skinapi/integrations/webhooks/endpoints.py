"""Endpoints of webhooks: what is stored of them, the secrets with which messages are signed, and
which events each asks for.

No secret is stored. It is made of the server's own secret, the endpoint's id and the number of the
secret, as often as it is needed.
"""

import base64
import hmac
import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from skinapi.base.errors import NotFound
from skinapi.base.stored_record import StoredRecord
from skinapi.platform.storage.ids import now
from skinapi.platform.storage.ports import Store
from skinapi.platform.storage.records import Records
from skinapi.platform.storage.store_version import SigningKeys

PURPOSE = "skinapi webhooks"
SECRET_PREFIX = "whsec_"  # noqa: S105 (what each begins with)
# Both secrets sign while the receiver takes over the new one.
ROTATED_FOR = timedelta(days=1)
MOST_ENDPOINTS = 20
# Another process knows of a new endpoint after so long.
KNOWN_FOR_S = 3.0


class EventType(StrEnum):
    FINDING_STORED = "finding.stored"
    REVIEW_SIGNED = "review.signed"
    LETTER_SIGNED = "letter.signed"
    LETTER_WITHDRAWN = "letter.withdrawn"
    REQUEST_MADE = "request.made"
    JOB_ENDED = "job.ended"
    MODEL_PROMOTED = "model.promoted"
    FINDING_DELETED = "finding.deleted"
    ACCOUNT_ERASED = "account.erased"


class DisabledBecause(StrEnum):
    BY_ADMIN = "by_admin"
    FAILING = "failing"  # for a week
    GONE = "gone"  # it has answered 410


class MadeSecret(StoredRecord):
    """Which secret it is: its number, and the name of the server's key that it is made of."""

    number: int
    key: str


class Endpoint(StoredRecord):
    """`former` is the secret before, which signs too until `former_ends_at`. `failing_since_at`:
    since then nothing was taken.
    """

    id: str
    created_at: datetime
    url: str
    events: tuple[str, ...]
    clinical: bool = False
    enabled: bool = True
    disabled_because: DisabledBecause | None = None
    secret: MadeSecret
    former: MadeSecret | None = None
    former_ends_at: datetime | None = None
    failing_since_at: datetime | None = None


class Secrets:
    def __init__(self, secrets: Sequence[str]) -> None:
        """The server's secrets, the newest first."""
        self._keys = SigningKeys(secrets, purpose=PURPOSE)

    def next(self, before: MadeSecret | None = None) -> MadeSecret:
        return MadeSecret(number=before.number + 1 if before else 1, key=self._keys.current)

    def show(self, endpoint: str, secret: MadeSecret) -> str:
        """As a receiver is given it."""
        return SECRET_PREFIX + base64.b64encode(self._bytes(endpoint, secret)).decode()

    def is_known(self, secret: MadeSecret) -> bool:
        """Whether this server still has the key that it was made of."""
        return secret.key in self._keys.names

    def sign(self, endpoint: Endpoint, *, identifier: str, timestamp: int, body: bytes) -> str:
        """The header `webhook-signature`: one signature for each secret that is valid now."""
        signed = f"{identifier}.{timestamp}.".encode() + body
        valid = [endpoint.secret]
        if endpoint.former and endpoint.former_ends_at and now() < endpoint.former_ends_at:
            valid.append(endpoint.former)
        made = (
            hmac.digest(self._bytes(endpoint.id, one), signed, "sha256")
            for one in valid
            if self.is_known(one)
        )
        return " ".join(f"v1,{base64.b64encode(each).decode()}" for each in made)

    def _bytes(self, endpoint: str, secret: MadeSecret) -> bytes:
        facts = {"endpoint": endpoint, "number": secret.number, "key": secret.key}
        return bytes.fromhex(self._keys.sign(facts))


class Endpoints(Records[Endpoint]):
    """The repository. What is asked with each event is kept in memory for some seconds."""

    collection, record, missing = "webhooks", Endpoint, "There is no such webhook"

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self._known: tuple[Endpoint, ...] = ()
        self._known_until = 0.0

    def list_all(self) -> list[Endpoint]:
        # Two that are added at the same time may be one too many.
        return self._list(limit=2 * MOST_ENDPOINTS)

    def change(self, identifier: str, **fields: Any) -> Endpoint:
        """Set these fields; those that are None are taken away. Raises NotFound."""
        changed = self._change({"id": identifier}, **fields)
        if changed is None:
            raise NotFound(self.missing)
        return changed

    def remove(self, identifier: str) -> None:
        self._documents.delete({"id": identifier})

    def subscribed(self, event: EventType) -> list[Endpoint]:
        """The endpoints that want such events, as they were some seconds ago."""
        return [one for one in self._recent() if one.enabled and event in one.events]

    def notice_change(self) -> None:
        """Read them anew with the next event."""
        self._known_until = 0.0

    def _recent(self) -> tuple[Endpoint, ...]:
        if time.monotonic() >= self._known_until:
            self._known = tuple(self.list_all())
            self._known_until = time.monotonic() + KNOWN_FOR_S
        return self._known

    def problems(self) -> list[str]:
        """What the operator should know: endpoints that were disabled because they failed."""
        failed = (DisabledBecause.FAILING, DisabledBecause.GONE)
        count = sum(one.disabled_because in failed for one in self._recent())
        return [f"Webhooks that were disabled because they failed: {count}"] if count else []


# What they are told of: for each event, the ids that its message has.


KIND = "webhook"
TEST = "webhook.test"
