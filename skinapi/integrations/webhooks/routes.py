from datetime import datetime
from typing import Annotated, Any, Self

from pydantic import Field

from skinapi.accounts.auth.account import Subject
from skinapi.base.errors import Conflict, InvalidBody, NotFound
from skinapi.base.pages import Page
from skinapi.integrations.deliveries import DeliveryView
from skinapi.integrations.webhooks.endpoints import DisabledBecause, Endpoint, EventType
from skinapi.integrations.webhooks.service import TooManyWebhooks, WebhooksService
from skinapi.platform.web.declaration import Routes, admins
from skinapi.platform.web.schemas import Answer, Body, Message, PageQuery

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
    failing_since: datetime | None = Field(validation_alias="failing_since_at")
    created_at: datetime

    @classmethod
    def from_endpoint(cls, endpoint: Endpoint, **more: Any) -> Self:
        return cls.model_validate({**endpoint.model_dump(), **more})


class WebhookWithSecret(WebhookView):
    secret: str = Field(description="shown now alone; a receiver checks signatures with it")
    former_ends_at: datetime | None = Field(
        description="until then the secret before signs too; null of the first one"
    )


ADMINS = admins("Only admin can set webhooks")
routes: Routes[WebhooksService] = Routes(access=ADMINS)


@routes.route("GET", "/webhooks")
def list_webhooks(webhooks: WebhooksService) -> list[WebhookView]:
    """List the endpoints to which events are sent, without their secrets."""
    return [WebhookView.from_endpoint(endpoint) for endpoint in webhooks.endpoints.list_all()]


@routes.route("POST", "/webhooks", status=201, raises=(InvalidBody, TooManyWebhooks))
def add_webhook(
    webhooks: WebhooksService, *, body: NewWebhook, subject: Subject
) -> WebhookWithSecret:
    """Add an endpoint. Its secret is shown in this answer alone."""
    endpoint, secret = webhooks.add(
        url=body.url, events=body.events, clinical=body.clinical, by=subject.id
    )
    return WebhookWithSecret.from_endpoint(endpoint, secret=secret)


@routes.route("PUT", "/webhooks/<webhook>", raises=(InvalidBody, NotFound))
def change_webhook(
    webhooks: WebhooksService, *, webhook: str, body: WebhookChange, subject: Subject
) -> WebhookView:
    """Change what an endpoint gets and where it is, and switch it off or on. What waits for one
    that is switched off is given up.
    """
    changed = webhooks.change(
        webhook=webhook,
        url=body.url,
        events=body.events,
        clinical=body.clinical,
        enabled=body.enabled,
        by=subject.id,
    )
    return WebhookView.from_endpoint(changed)


@routes.route("POST", "/webhooks/<webhook>/secret", raises=(NotFound,))
def rotate_webhook_secret(
    webhooks: WebhooksService, *, webhook: str, subject: Subject
) -> WebhookWithSecret:
    """Give an endpoint another secret. For a day messages have the signatures of both."""
    endpoint, secret = webhooks.rotate_secret(webhook=webhook, by=subject.id)
    return WebhookWithSecret.from_endpoint(endpoint, secret=secret)


@routes.route("DELETE", "/webhooks/<webhook>", raises=(NotFound,))
def delete_webhook(webhooks: WebhooksService, *, webhook: str, subject: Subject) -> Message:
    """Delete an endpoint, and what waits for it."""
    webhooks.delete(webhook=webhook, by=subject.id)
    return Message(message="Webhook deleted")


@routes.route("POST", "/webhooks/<webhook>/test", status=202, raises=(NotFound, Conflict))
def send_webhook_test(webhooks: WebhooksService, *, webhook: str, subject: Subject) -> Message:
    """Send an endpoint a message of the type `webhook.test`."""
    delivery = webhooks.send_test(webhook=webhook, by=subject.id)
    return Message(message=f"Being sent as {delivery}")


@routes.route("GET", "/webhooks/<webhook>/deliveries", raises=(NotFound,))
def list_webhook_deliveries(
    webhooks: WebhooksService, *, webhook: str, query: PageQuery
) -> Page[DeliveryView]:
    """The deliveries of the last days to an endpoint, newest first."""
    page = webhooks.list_deliveries(webhook=webhook, paging=query.paging)
    return page.map(DeliveryView.model_validate)


@routes.route(
    "POST",
    "/webhooks/<webhook>/deliveries/<delivery>/again",
    status=202,
    raises=(NotFound, Conflict),
)
def send_webhook_again(
    webhooks: WebhooksService, *, webhook: str, delivery: str, subject: Subject
) -> Message:
    """Send a message again, under the same id, whether it was taken or not."""
    webhooks.send_again(webhook=webhook, delivery=delivery, by=subject.id)
    return Message(message="Being sent again")
