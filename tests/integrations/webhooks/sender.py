import json
from typing import Any

from skinapi.integrations.webhooks.endpoints import KIND, Endpoint, MadeSecret
from skinapi.integrations.webhooks.service import WebhookSender
from skinapi.platform.notices.deliveries import Delivery
from skinapi.platform.storage.ids import new_id, now
from tests.support.backends import Backend


def read_clinical(backend: Backend, number: int) -> Any:
    about = {"type": "finding.changed", "ids": {"finding": number}}
    endpoint = Endpoint(
        id=new_id(),
        created_at=now(),
        url="https://ehr.example/hooks",
        events=("finding.changed",),
        clinical=True,
        secret=MadeSecret(number=1, key=""),
    )
    made, to = now(), endpoint.id
    delivery = Delivery(id=to, created_at=made, kind=KIND, to=to, about=about, expires_at=made)
    sender = backend.services.container.get(WebhookSender)
    return json.loads(sender._body(endpoint, delivery))["data"]["finding"]
