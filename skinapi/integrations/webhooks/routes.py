"""Routes of webhooks, for admins."""

from skinapi.base.errors import Conflict, InvalidBody, NotFound
from skinapi.base.pages import Page
from skinapi.base.subject import Subject
from skinapi.integrations.webhooks.schemas import (
    DeliveryView,
    NewWebhook,
    WebhookChange,
    WebhookView,
    WebhookWithSecret,
)
from skinapi.integrations.webhooks.service import TooManyWebhooks, WebhooksService
from skinapi.platform.web.declaration import Routes, admins
from skinapi.platform.web.schemas import Message, PageQuery

ADMINS = admins("Only admin can set webhooks")
routes: Routes[WebhooksService] = Routes("webhooks", access=ADMINS)


@routes.route("GET", "/webhooks")
def list_webhooks(webhooks: WebhooksService) -> list[WebhookView]:
    """List the endpoints to which events are sent, without their secrets."""
    return [WebhookView.of(one) for one in webhooks.list_endpoints()]


@routes.route("POST", "/webhooks", status=201, raises=(InvalidBody, TooManyWebhooks))
def add_webhook(
    webhooks: WebhooksService, *, body: NewWebhook, subject: Subject
) -> WebhookWithSecret:
    """Add an endpoint. Its secret is shown in this answer alone."""
    endpoint, secret = webhooks.add(
        url=body.url, events=body.events, clinical=body.clinical, by=subject.id
    )
    return WebhookWithSecret.showing(endpoint, secret)


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
    return WebhookView.of(changed)


@routes.route("POST", "/webhooks/<webhook>/secret", raises=(NotFound,))
def rotate_webhook_secret(
    webhooks: WebhooksService, *, webhook: str, subject: Subject
) -> WebhookWithSecret:
    """Give an endpoint another secret. For a day messages have the signatures of both."""
    endpoint, secret = webhooks.rotate_secret(webhook=webhook, by=subject.id)
    return WebhookWithSecret.showing(endpoint, secret)


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
    page = webhooks.list_deliveries(webhook=webhook, after=query.after, limit=query.limit)
    return page.map(DeliveryView.of)


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
