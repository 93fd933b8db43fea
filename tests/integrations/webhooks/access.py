from typing import TYPE_CHECKING, Any

from skinapi.integrations.webhooks.endpoints import Endpoint
from skinapi.integrations.webhooks.service import WebhooksService
from skinapi.platform.storage.ids import now
from tests.support.access_part import AccessPart
from tests.support.backends import Backend

if TYPE_CHECKING:
    from tests.support.access import SampleAccounts

URL = "https://example.org/hooks"
WEBHOOK = {"url": URL, "events": ["job.ended"]}


def _set_webhook(backend: Backend) -> str:
    webhooks, identifier = backend.services.get(WebhooksService), "1" * 32
    if webhooks.endpoints.find(identifier) is None:
        secret = webhooks.secrets.next()
        endpoint = Endpoint(id=identifier, created_at=now(), url=URL, events=(), secret=secret)
        webhooks.endpoints.insert(endpoint)
    return identifier


def _some_webhook(accounts: "SampleAccounts") -> dict[str, Any]:
    _set_webhook(accounts.backend)
    return {}


def _name_samples(backend: Backend) -> dict[str, str]:
    webhook = _set_webhook(backend)
    webhooks = backend.services.get(WebhooksService)
    return {"webhook": webhook, "delivery": webhooks.send_test(webhook=webhook, by="system")}


PART = AccessPart(
    table="""
# webhooks
list_webhooks                admins            /webhooks
add_webhook                  admins            /webhooks
change_webhook               admins            /webhooks/{webhook}
rotate_webhook_secret        admins            /webhooks/{webhook}/secret
send_webhook_test            admins            /webhooks/{webhook}/test
list_webhook_deliveries      admins            /webhooks/{webhook}/deliveries
send_webhook_again           admins            /webhooks/{webhook}/deliveries/{delivery}/again
delete_webhook               admins            /webhooks/{webhook}
""",
    requests={
        "add_webhook": {"json": WEBHOOK},
        "change_webhook": {"json": WEBHOOK},
        "list_webhook_deliveries": _some_webhook,
    },
    name_samples=_name_samples,
    # A stolen key must not change where data is sent.
    no_key=(
        *("list_webhooks", "add_webhook", "change_webhook", "rotate_webhook_secret"),
        *("delete_webhook", "send_webhook_test", "list_webhook_deliveries", "send_webhook_again"),
    ),
)
