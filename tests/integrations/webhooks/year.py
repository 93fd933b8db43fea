from skinapi.integrations.webhooks.endpoints import EventType
from skinapi.integrations.webhooks.service import WebhooksService
from tests.support.backends import Backend


def begin(backend: Backend) -> None:
    events = [EventType.FINDING_STORED, EventType.REVIEW_SIGNED, EventType.LETTER_SIGNED]
    backend.services.get(WebhooksService).add(
        url="https://hooks.example.org/skinapi", events=events, clinical=False, by="system"
    )
