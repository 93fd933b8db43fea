"""What crosses the wire of the routes of webhooks."""

from datetime import datetime
from typing import Annotated, Any, Self

from pydantic import Field

from skinapi.integrations.webhooks.endpoints import DisabledBecause, Endpoint, EventType
from skinapi.platform.notices.deliveries import Delivery, State
from skinapi.platform.web.schemas import Answer, Body

Url = Annotated[
    str,
    Field(
        min_length=1,
        max_length=2000,
        description="`https://host/path`, of the public internet, or what WEBHOOK_PRIVATE_RANGES "
        "lists",
    ),
]
Events = Annotated[list[EventType], Field(min_length=1, max_length=len(EventType))]


class NewWebhook(Body):
    url: Url
    events: Events
    clinical: bool = Field(
        default=False,
        description="whether messages about a finding have its result too, without names, photo "
        "or texts",
    )


class WebhookChange(NewWebhook):
    enabled: bool = True


class WebhookView(Answer):
    id: str
    url: str
    events: list[EventType]
    clinical: bool
    enabled: bool
    disabled_because: DisabledBecause | None
    failing_since: datetime | None
    created_at: datetime

    @classmethod
    def of(cls, endpoint: Endpoint) -> Self:
        return cls(**_fields(endpoint))


class WebhookWithSecret(WebhookView):
    secret: str = Field(description="shown now alone; a receiver checks signatures with it")
    former_ends_at: datetime | None = Field(
        description="until then the secret before signs too; null of the first one"
    )

    @classmethod
    def showing(cls, endpoint: Endpoint, secret: str) -> Self:
        former = endpoint.former_ends_at
        return cls(**_fields(endpoint), secret=secret, former_ends_at=former)


def _fields(endpoint: Endpoint) -> dict[str, Any]:
    known = {*EventType}
    return {
        "id": endpoint.id,
        "url": endpoint.url,
        "events": [event for event in endpoint.events if event in known],
        "clinical": endpoint.clinical,
        "enabled": endpoint.enabled,
        "disabled_because": endpoint.disabled_because,
        "failing_since": endpoint.failing_since_at,
        "created_at": endpoint.created_at,
    }


class DeliveryView(Answer):
    id: str = Field(description="the header `webhook-id`")
    type: str
    created_at: datetime
    state: State
    attempts: int
    tried_at: datetime | None
    due_at: datetime | None = Field(description="when it is tried next; null where it has ended")
    answer: int | None = Field(description="the status of the last answer; null where none came")
    fault: str | None = Field(
        description="why the last attempt failed: `status`, `redirect`, `deadline`, "
        "`unreachable`, `unknown_host`, `address_refused`, `certificate`, `disabled`, `gone`, …"
    )

    @classmethod
    def of(cls, delivery: Delivery) -> Self:
        return cls(
            id=delivery.id,
            type=str(delivery.about.get("type", "")),
            created_at=delivery.created_at,
            state=delivery.state,
            attempts=delivery.attempts,
            tried_at=delivery.tried_at,
            due_at=delivery.due_at,
            answer=delivery.answer,
            fault=delivery.fault,
        )
