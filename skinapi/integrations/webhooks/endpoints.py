"""Endpoints of webhooks: their records, signing secrets and events. A message has a type and ids,
but no medical content.

No secret is stored. It is derived from the server's secret, the endpoint's id and the number of the
secret. The job worker imports this module, so it imports nothing of findings.
"""

import base64
import hmac
import time
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from skinapi.base.errors import NotFound
from skinapi.base.stored_record import StoredRecord
from skinapi.platform.jobs.job import PERSON_FILE, Job
from skinapi.platform.notices.deliveries import Deliveries
from skinapi.platform.storage.ids import now
from skinapi.platform.storage.ports import Store
from skinapi.platform.storage.records import Repository
from skinapi.platform.storage.store_version import SigningKeys

KIND = "webhook"
TEST = "webhook.test"
PURPOSE = "skinapi webhooks"
SECRET_PREFIX = "whsec_"  # noqa: S105 (what each begins with)
# Both secrets sign while the receiver changes to the new one.
ROTATED_FOR = timedelta(days=1)
MOST_ENDPOINTS = 20
# The delay until other processes know a new endpoint.
KNOWN_FOR_S = 3.0


class EventType(StrEnum):
    FINDING_STORED = "finding.stored"
    FINDING_CHANGED = "finding.changed"
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
    GONE = "gone"  # it answered 410


class MadeSecret(StoredRecord):
    number: int
    key: str


class Endpoint(StoredRecord):
    """`former` is the previous secret, which also signs until `former_ends_at`. Since
    `failing_since_at` no delivery has succeeded.
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
        self._keys = SigningKeys(secrets, purpose=PURPOSE)

    def next(self, before: MadeSecret | None = None) -> MadeSecret:
        return MadeSecret(number=before.number + 1 if before else 1, key=self._keys.current)

    def show(self, endpoint: str, secret: MadeSecret) -> str:
        return SECRET_PREFIX + base64.b64encode(self._bytes(endpoint, secret)).decode()

    def is_known(self, secret: MadeSecret) -> bool:
        return secret.key in self._keys.names

    def sign(self, endpoint: Endpoint, *, identifier: str, timestamp: int, body: bytes) -> str:
        signed = f"{identifier}.{timestamp}.".encode() + body
        valid = [endpoint.secret]
        if endpoint.former and endpoint.former_ends_at and now() < endpoint.former_ends_at:
            valid.append(endpoint.former)
        made = (
            hmac.digest(self._bytes(endpoint.id, secret), signed, "sha256")
            for secret in valid
            if self.is_known(secret)
        )
        return " ".join(f"v1,{base64.b64encode(signature).decode()}" for signature in made)

    def _bytes(self, endpoint: str, secret: MadeSecret) -> bytes:
        facts = {"endpoint": endpoint, "number": secret.number, "key": secret.key}
        return bytes.fromhex(self._keys.sign(facts))


class Endpoints(Repository[Endpoint]):
    """What is read for each event is cached for some seconds."""

    collection, record, missing = "webhooks", Endpoint, "There is no such webhook"

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self._known: tuple[Endpoint, ...] = ()
        self._known_until = 0.0

    def list_all(self) -> list[Endpoint]:
        # Concurrent requests may exceed the limit by one.
        return self._list(limit=2 * MOST_ENDPOINTS)

    def change(self, identifier: str, **fields: Any) -> Endpoint:
        changed = self._change({"id": identifier}, **fields)
        if changed is None:
            raise NotFound(self.missing)
        return changed

    def remove(self, identifier: str) -> None:
        if not self._documents.delete({"id": identifier}):
            raise NotFound(self.missing)

    def subscribed(self, event: EventType) -> list[Endpoint]:
        return [each for each in self._recent() if each.enabled and event in each.events]

    def notice_change(self) -> None:
        self._known_until = 0.0

    def _recent(self) -> tuple[Endpoint, ...]:
        if time.monotonic() >= self._known_until:
            # A damaged endpoint must not block the action or the others.
            self._known = tuple(self.walk_all())
            self._known_until = time.monotonic() + KNOWN_FOR_S
        return self._known

    def problems(self) -> list[str]:
        failed = (DisabledBecause.FAILING, DisabledBecause.GONE)
        count = sum(each.disabled_because in failed for each in self._recent())
        return [f"Webhooks that were disabled because they failed: {count}"] if count else []


class WebhookEvents:
    def __init__(self, endpoints: Endpoints, deliveries: Deliveries) -> None:
        self._endpoints, self._deliveries = endpoints, deliveries

    def on_review(self, event: Any) -> None:
        finding, review, owner = event.finding, event.review, event.owner
        ids = {"finding": finding and finding.number, "patient": owner, "spot": review.lesion}
        self._tell(EventType.REVIEW_SIGNED, {**ids, "review": review.id}, owner=owner)
        if review.opinion.photo_wanted:
            self._tell(EventType.REQUEST_MADE, {**ids, "request": "new_picture"}, owner=owner)

    def on_sorted(self, event: Any) -> None:
        """Listens to FindingsChanged only for events that have no other message."""
        for finding in event.findings if event.alone else ():
            self.tell_of_finding(EventType.FINDING_CHANGED, finding, version=finding.version)

    def on_account_erased(self, event: Any) -> None:
        """The receiver must delete its data too, so the delivery outlives the account."""
        self._tell(EventType.ACCOUNT_ERASED, {"patient": event.account}, owner=None)

    def on_model(self, move: Any) -> None:
        ids = {"model": move.entered, "former": move.left, "action": move.action}
        self._tell(EventType.MODEL_PROMOTED, ids, owner=None)

    def on_job_ended(self, job: Job) -> None:
        if job.kind == PERSON_FILE:  # private
            return
        ids = {"job": job.id, "kind": job.kind, "status": job.status}
        self._tell(EventType.JOB_ENDED, ids, owner=job.owner)

    def tell_of_finding(self, event: EventType, finding: Any, **more: object) -> None:
        ids = {"finding": finding.number, "patient": finding.owner, "spot": finding.lesion, **more}
        self._tell(event, ids, owner=finding.owner)

    def _tell(self, event: EventType, ids: Mapping[str, object], *, owner: str | None) -> None:
        for endpoint in self._endpoints.subscribed(event):
            known = {name: value for name, value in ids.items() if value is not None}
            about = {"type": event.value, "ids": known}
            self._deliveries.add(KIND, to=endpoint.id, about=about, owner=owner)
