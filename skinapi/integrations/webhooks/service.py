"""The use cases of webhooks, and the sending of messages.
https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import json
import time
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from skinapi.accounts.auth.accounts import Accounts
from skinapi.base.errors import Conflict, NotFound
from skinapi.base.http_client import CallFailed, HttpClient, Request
from skinapi.base.pages import Page, PageRequest
from skinapi.base.settings.settings import VERSION
from skinapi.findings.records.changed_findings import ChangedFindings
from skinapi.findings.records.schemas.finding_answer import FindingView
from skinapi.integrations.webhooks.addresses import Addresses
from skinapi.integrations.webhooks.endpoints import (
    KIND,
    MOST_ENDPOINTS,
    ROTATED_FOR,
    TEST,
    DisabledBecause,
    Endpoint,
    Endpoints,
    EventType,
    Secrets,
)
from skinapi.platform.notices.deliveries import Deliveries, Delivery, NotDelivered, Refused
from skinapi.platform.notices.outbox import Kind, Outbox
from skinapi.platform.storage.failed_items import FailedItems
from skinapi.platform.storage.ids import new_id, now
from skinapi.platform.storage.unit_of_work import Unit, UnitOfWork, atomic

DISABLED_AFTER = timedelta(days=7)
SYSTEM = "system"
NO_DELIVERY = "There is no such delivery to this webhook; they are kept for seven days"
ENABLE_FIRST = "This webhook is switched off; switch it on first"
DEADLINE_S = 15.0
GONE = 410
# Of what `GET /submissions/{number}` answers, where an admin has chosen that for the endpoint: no
# name, no e-mail, no photo, and nothing that somebody has written.
CLINICAL = {
    *("stated", "headline", "band", "probabilities", "codes", "malignant_score", "uncertain"),
    *("reasons", "model_version", "decision", "instruction"),
}
NAMES = {"decision": {"decided_by"}}
# The API's address for an id in a message, and the console's.
PATHS = {
    "finding": ("/submissions/{}", "/#/finding/{}"),
    "review": ("/submissions/{finding}/reviews", ""),
    "letter": ("/submissions/{finding}/letters", ""),
    "job": ("/jobs/{}", "/#/job/{}"),
    "model": ("/models/{}", ""),
}


class TooManyWebhooks(Conflict):
    code = "too_many_webhooks"
    sentence = f"At most {MOST_ENDPOINTS} webhooks can be set. Delete one that nobody needs."


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhooksService:
    work: UnitOfWork
    endpoints: Endpoints
    deliveries: Deliveries
    secrets: Secrets
    addresses: Addresses
    accounts: Accounts
    outbox: Outbox
    failed: FailedItems

    @atomic
    def add(
        self, unit: Unit, *, url: str, events: Collection[EventType], clinical: bool, by: str
    ) -> tuple[Endpoint, str]:
        self.addresses.require_url(url)
        if len(self.endpoints.list_all()) >= MOST_ENDPOINTS:
            raise TooManyWebhooks
        endpoint = Endpoint(
            id=new_id(),
            created_at=now(),
            url=url,
            events=_sorted(events),
            clinical=clinical,
            secret=self.secrets.next(),
        )
        unit.audit("webhook.add", by=by, target=endpoint.id, detail=_says(endpoint))
        self.endpoints.insert(endpoint)
        unit.afterwards(self.endpoints.notice_change)
        return endpoint, self.secrets.show(endpoint.id, endpoint.secret)

    @atomic
    def change(
        self,
        unit: Unit,
        *,
        webhook: str,
        url: str,
        events: Collection[EventType],
        clinical: bool,
        enabled: bool,
        by: str,
    ) -> Endpoint:
        """Enabling an endpoint resets its failures."""
        before = self.endpoints.get(webhook)
        if url != before.url:
            self.addresses.require_url(url)
        known = {"url": url, "events": [*_sorted(events)], "clinical": clinical}
        unit.audit("webhook.change", by=by, target=webhook)
        if enabled:
            changed = self.endpoints.change(
                webhook, **known, enabled=True, disabled_because=None, failing_since_at=None
            )
        else:
            because = before.disabled_because or DisabledBecause.BY_ADMIN
            changed = self.endpoints.change(
                webhook, **known, enabled=False, disabled_because=because.value
            )
            self.deliveries.give_up(webhook, why="disabled")
        unit.audit("webhook.change", by=by, target=webhook, detail=_says(changed))
        unit.afterwards(self.endpoints.notice_change)
        return changed

    @atomic
    def rotate_secret(self, unit: Unit, *, webhook: str, by: str) -> tuple[Endpoint, str]:
        """The new secret is only returned here. The previous one also signs for a day."""
        before = self.endpoints.get(webhook)
        unit.audit("webhook.rotate_secret", by=by, target=webhook)
        changed = self.endpoints.change(
            webhook,
            secret=self.secrets.next(before.secret).stored(),
            former=before.secret.stored(),
            former_ends_at=now() + ROTATED_FOR,
        )
        unit.afterwards(self.endpoints.notice_change)
        return changed, self.secrets.show(webhook, changed.secret)

    @atomic
    def delete(self, unit: Unit, *, webhook: str, by: str) -> None:
        unit.audit("webhook.delete", by=by, target=webhook)
        self.endpoints.remove(webhook)
        self.deliveries.forget_endpoint(webhook)
        self.failed.forget(webhook)
        unit.afterwards(self.endpoints.notice_change)

    @atomic
    def send_test(self, unit: Unit, *, webhook: str, by: str) -> str:
        if not self.endpoints.get(webhook).enabled:
            raise Conflict(ENABLE_FIRST)
        unit.audit("webhook.send_test", by=by, target=webhook)
        return self.deliveries.add(KIND, to=webhook, about={"type": TEST, "ids": {}})

    @atomic
    def send_again(self, unit: Unit, *, webhook: str, delivery: str, by: str) -> None:
        if not self.endpoints.get(webhook).enabled:
            raise Conflict(ENABLE_FIRST)
        unit.audit("webhook.send_again", by=by, target=webhook)
        if not self.deliveries.send_again(delivery, to=webhook):
            raise NotFound(NO_DELIVERY)

    def list_deliveries(self, *, webhook: str, paging: PageRequest) -> Page[Delivery]:
        self.endpoints.get(webhook)
        return self.deliveries.page(webhook, paging)

    def note_failure(self, endpoint: Endpoint) -> None:
        if endpoint.failing_since_at is None:
            with suppress(NotFound):  # deleted meanwhile
                self.endpoints.change(endpoint.id, failing_since_at=now())
        elif endpoint.failing_since_at <= now() - DISABLED_AFTER:
            self.disable(endpoint.id, because=DisabledBecause.FAILING)

    @atomic
    def disable(self, unit: Unit, webhook: str, *, because: DisabledBecause) -> None:
        endpoint = self.endpoints.find(webhook)
        if endpoint is None or not endpoint.enabled:
            return
        unit.audit("webhook.disable", by=SYSTEM, target=webhook, detail=because.value)
        self.endpoints.change(webhook, enabled=False, disabled_because=because.value)
        self.deliveries.give_up(webhook, why="disabled")
        for admin in self.accounts.list_active_admins():
            self.outbox.add(Kind.WEBHOOK_DISABLED, to=admin, about="integrations")
        unit.afterwards(self.endpoints.notice_change)


def _sorted(events: Collection[EventType]) -> tuple[str, ...]:
    return tuple(event.value for event in EventType if event in events)


def _says(endpoint: Endpoint) -> str:
    return ", ".join([*endpoint.events, *(["clinical content"] if endpoint.clinical else [])])


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookSender:
    endpoints: Endpoints
    secrets: Secrets
    addresses: Addresses
    service: WebhooksService
    findings: ChangedFindings
    address: str
    authorities: Path | None = None

    def send(self, delivery: Delivery) -> int | None:
        endpoint = self.endpoints.find(delivery.to)
        if endpoint is None or not endpoint.enabled:
            raise Refused("disabled")
        if not self.secrets.is_known(endpoint.secret):
            raise NotDelivered("secret_unknown")
        try:
            status = self._post(endpoint, delivery)
        except NotDelivered:
            self.service.note_failure(endpoint)
            raise
        if status == GONE:
            self.service.disable(endpoint.id, because=DisabledBecause.GONE)
            raise Refused("gone", answer=status)
        if not 200 <= status < 300:
            self.service.note_failure(endpoint)
            raise NotDelivered("redirect" if 300 <= status < 400 else "status", answer=status)
        if endpoint.failing_since_at:
            with suppress(NotFound):  # deleted meanwhile
                self.endpoints.change(endpoint.id, failing_since_at=None)
        return status

    def _post(self, endpoint: Endpoint, delivery: Delivery) -> int:
        url, body = urlsplit(endpoint.url), self._body(endpoint, delivery)
        timestamp = int(time.time())
        signature = self.secrets.sign(
            endpoint, identifier=delivery.id, timestamp=timestamp, body=body
        )
        # Only for this call: the name is looked up each time.
        client = HttpClient(
            f"{url.scheme}://{url.netloc}",
            most_at_once=1,
            largest_answer=0,
            resolve=self.addresses.resolver(endpoint.url),
            authorities=self.authorities,
        )
        headers = {
            "Content-Type": "application/json",
            "User-Agent": f"SkinAPI/{VERSION}",
            "webhook-id": delivery.id,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": signature,
        }
        path = (url.path or "/") + (f"?{url.query}" if url.query else "")
        try:
            request = Request("POST", path, headers, body)
            return client.send(request, deadline=time.monotonic() + DEADLINE_S).status
        except CallFailed as failed:
            raise NotDelivered(failed.fault.value) from failed

    def _body(self, endpoint: Endpoint, delivery: Delivery) -> bytes:
        ids: Mapping[str, Any] = delivery.about.get("ids", {})
        data: dict[str, Any] = {"ids": ids, "links": self._links(ids)}
        if endpoint.clinical and "finding" in ids and (read := self._finding(ids["finding"])):
            data["finding"] = read
        happened = delivery.created_at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        message = {"type": delivery.about["type"], "timestamp": happened, "data": data}
        return json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode()

    def _links(self, ids: Mapping[str, Any]) -> dict[str, str]:
        links = {}
        for name, (path, page) in PATHS.items():
            with suppress(KeyError):  # without one of its ids
                links[name] = self.address + path.format(ids[name], **ids)
                if page:
                    links["console"] = self.address + page.format(ids[name], **ids)
        return links

    def _finding(self, number: int) -> dict[str, Any] | None:
        finding = self.findings.find(number)
        if finding is None:
            return None
        view = FindingView.from_finding(*finding, for_doctor=True)
        return view.model_dump(mode="json", by_alias=True, include=CLINICAL, exclude=NAMES)
