"""Webhooks: what happens is told where it happened, and one that takes nothing is switched off."""

from typing import Any

from skinapi.integrations.webhooks.endpoints import DisabledBecause, EventType
from tests.care.clinic import patient_in_care
from tests.prediction.photographer import send
from tests.support.backends import Backend, Person
from tests.use_cases.use_case import UseCase, acts_on


def watched(backend: Backend) -> tuple[Person, str]:
    """A patient, and an endpoint that is told of findings."""
    webhooks = backend.services.integrations.webhooks
    for one in webhooks.list_endpoints():
        webhooks.delete(webhook=one.id, by="-")
    added, _ = webhooks.add(
        url="https://example.org/hooks", events=[EventType.FINDING_STORED], clinical=False, by="-"
    )
    _, patient = patient_in_care(backend)
    return patient, added.id


def one_waits(backend: Backend) -> tuple[Person, str]:
    patient, webhook = watched(backend)
    backend.services.integrations.webhooks.send_test(webhook=webhook, by="-")
    return patient, webhook


def store_finding(_: Backend, prepared: tuple[Person, str]) -> object:
    return send(prepared[0])


def switch_off(backend: Backend, prepared: tuple[Person, str]) -> object:
    webhooks = backend.services.integrations.webhooks
    return webhooks.disable(prepared[1], because=DisabledBecause.GONE)


def seen(backend: Backend, prepared: tuple[Person, str]) -> Any:
    """The findings, what is to be sent, whether the endpoint is on, and what the trail says."""
    patient, webhook = prepared
    webhooks = backend.services.integrations.webhooks
    sent = webhooks.list_deliveries(webhook=webhook, after=None, limit=9).items
    findings = len(patient.call("GET", "/submissions").get_json())
    told = [(one.about["type"], one.state) for one in sent]
    acts = acts_on(backend, webhook)
    return findings, told, webhooks.endpoints.get(webhook).enabled, acts


USE_CASES = (
    UseCase("store a finding that a webhook is told of", watched, store_finding, seen),
    UseCase("switch off a webhook", one_waits, switch_off, seen),
)
