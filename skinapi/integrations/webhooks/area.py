from pathlib import Path

from skinapi.accounts.auth.events import AccountErased
from skinapi.base.settings.settings import Settings
from skinapi.findings.records.events import (
    AnswerChanged,
    FindingDeleted,
    FindingFiled,
    FindingsChanged,
    FindingVoided,
    LetterIssued,
    ReviewSigned,
)
from skinapi.integrations.webhooks.addresses import Addresses
from skinapi.integrations.webhooks.endpoints import (
    KIND,
    Endpoints,
    EventType,
    Secrets,
    WebhookEvents,
)
from skinapi.integrations.webhooks.routes import routes
from skinapi.integrations.webhooks.service import WebhookSender, WebhooksService
from skinapi.integrations.webhooks.settings import WebhookSettings
from skinapi.model.registry.serving_pointer import PointerChange
from skinapi.platform.area import Area, ConsolePart, Values
from skinapi.platform.storage.unit_of_work import UnitOfWork


def _values(settings: Settings) -> Values:
    return {
        Secrets: {"secrets": settings.audit_secrets()},
        WebhookSender: {"address": settings.address, "authorities": settings.trusted_authorities},
    }


def _open_addresses(settings: WebhookSettings) -> Addresses:
    return Addresses(listed=settings.webhook_networks)


def _subscribe(work: UnitOfWork, told: WebhookEvents) -> None:
    inside, tell = work.inside, told.tell_of_finding
    inside(FindingFiled, lambda event: tell(EventType.FINDING_STORED, event.finding))
    inside(
        AnswerChanged,
        lambda event: tell(EventType.FINDING_CHANGED, event.finding, version=event.finding.version),
    )
    inside(FindingsChanged, told.on_sorted)
    inside(ReviewSigned, told.on_review)
    inside(
        LetterIssued,
        lambda event: tell(
            EventType.LETTER_WITHDRAWN if event.withdrawn else EventType.LETTER_SIGNED,
            event.finding,
            letter=event.letter.id,
        ),
    )
    inside(PointerChange, told.on_model)
    # For a receiver this is the same as a deletion.
    inside(
        FindingVoided,
        lambda event: tell(EventType.FINDING_DELETED, event.finding, entered_in_error=True),
    )
    # Where its account is erased, that is told, and not each of its findings: what waits of an
    # account is deleted with it.
    inside(FindingDeleted, lambda event: tell(EventType.FINDING_DELETED, event.finding))
    inside(AccountErased, told.on_account_erased)


AREA = Area(
    name="webhooks",
    blueprint="programs",
    summary="what happens here is told to other systems",
    page="docs/integrate/webhooks.md",
    routes=((routes, WebhooksService),),
    stores=(Endpoints,),
    problems=(Endpoints,),
    values=_values,
    factories=(_open_addresses,),
    channels={KIND: WebhookSender},
    subscribe=_subscribe,
    console=ConsolePart(
        folder=Path(__file__).parent,
        sections={"integrations": {"webhooks": "webhooks.js"}},
    ),
)
