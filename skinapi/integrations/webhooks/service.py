"""The use cases of webhooks: add an endpoint, change it, give it another secret, remove it, send
it a test, send something again; and switch off one that takes nothing.
"""

from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from skinapi.accounts.auth.accounts import Accounts
from skinapi.base.errors import Conflict, NotFound
from skinapi.base.pages import Page
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
from skinapi.platform.notices.deliveries import Deliveries, Delivery
from skinapi.platform.notices.outbox import Kind, Outbox
from skinapi.platform.storage.ids import new_id, now
from skinapi.platform.storage.unit_of_work import Unit, UnitOfWork, atomic

DISABLED_AFTER = timedelta(days=7)
SYSTEM = "system"
NO_DELIVERY = "There is no such delivery to this webhook; they are kept for seven days"
ENABLE_FIRST = "This webhook is switched off; switch it on first"


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

    def list_endpoints(self) -> list[Endpoint]:
        return self.endpoints.list_all()

    @atomic
    def add(
        self, unit: Unit, *, url: str, events: Collection[EventType], clinical: bool, by: str
    ) -> tuple[Endpoint, str]:
        """An endpoint and its secret, which is shown now alone. Raises InvalidBody,
        TooManyWebhooks.
        """
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
        """One that is switched on again begins without failures. Raises NotFound, InvalidBody."""
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
        """Another secret, which is shown now alone; the one before signs too for a day. Raises
        NotFound.
        """
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
        """With all that waits for it. Raises NotFound."""
        self.endpoints.get(webhook)
        unit.audit("webhook.delete", by=by, target=webhook)
        self.endpoints.remove(webhook)
        self.deliveries.forget_endpoint(webhook)
        unit.afterwards(self.endpoints.notice_change)

    @atomic
    def send_test(self, unit: Unit, *, webhook: str, by: str) -> str:
        """The result is the id of the message. Raises NotFound, and Conflict where the endpoint is
        switched off.
        """
        if not self.endpoints.get(webhook).enabled:
            raise Conflict(ENABLE_FIRST)
        unit.audit("webhook.send_test", by=by, target=webhook)
        return self.deliveries.add(KIND, to=webhook, about={"type": TEST, "ids": {}})

    @atomic
    def send_again(self, unit: Unit, *, webhook: str, delivery: str, by: str) -> None:
        """The same message under the same id. Raises NotFound, and Conflict where the endpoint is
        switched off.
        """
        if not self.endpoints.get(webhook).enabled:
            raise Conflict(ENABLE_FIRST)
        unit.audit("webhook.send_again", by=by, target=webhook)
        if not self.deliveries.send_again(delivery, to=webhook):
            raise NotFound(NO_DELIVERY)

    def list_deliveries(self, *, webhook: str, after: str | None, limit: int) -> Page[Delivery]:
        """The newest first. Raises NotFound."""
        self.endpoints.get(webhook)
        return self.deliveries.page(webhook, after=after, limit=limit)

    def note_failure(self, endpoint: Endpoint) -> None:
        """Switch it off where it has failed for a week."""
        if endpoint.failing_since_at is None:
            with suppress(NotFound):  # deleted meanwhile
                self.endpoints.change(endpoint.id, failing_since_at=now())
        elif endpoint.failing_since_at <= now() - DISABLED_AFTER:
            self.disable(endpoint.id, because=DisabledBecause.FAILING)

    @atomic
    def disable(self, unit: Unit, webhook: str, *, because: DisabledBecause) -> None:
        """Send nothing more to it, and tell the admins by mail."""
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
    """For the audit trail: what is sent, and that it is clinical."""
    return ", ".join([*endpoint.events, *(["clinical content"] if endpoint.clinical else [])])
