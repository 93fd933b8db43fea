"""Builds the services of keys for programs, of what other systems send, and of webhooks."""

from dataclasses import dataclass

from skinapi.accounts.admin.decisions import Assignments
from skinapi.accounts.auth.account_deletion import Eraser
from skinapi.accounts.auth.second_factor import SecondFactorService
from skinapi.app.composition.repositories import Repositories
from skinapi.base.settings import Settings
from skinapi.findings.records.changes import ChangedFindings
from skinapi.findings.records.service import RecordsService
from skinapi.integrations.keys.service import KeysService
from skinapi.integrations.patients import PatientsService
from skinapi.integrations.webhooks.addresses import Addresses
from skinapi.integrations.webhooks.endpoints import Secrets
from skinapi.integrations.webhooks.service import WebhookSender, WebhooksService


@dataclass(frozen=True, slots=True)
class IntegrationServices:
    keys: KeysService
    patients: PatientsService
    webhooks: WebhooksService


def open_integration_services(
    settings: Settings,
    data: Repositories,
    *,
    eraser: Eraser,
    records: RecordsService,
    second_factor: SecondFactorService,
    assignments: Assignments,
) -> IntegrationServices:
    return IntegrationServices(
        keys=KeysService(
            work=data.work,
            accounts=data.accounts,
            keys=data.keys,
            uses=data.key_uses,
            eraser=eraser,
            records=records,
            outbox=data.outbox,
            second_factor=second_factor,
            assignments=assignments,
        ),
        patients=PatientsService(
            work=data.work,
            accounts=data.accounts,
            secrets=settings.audit_secrets(),
            assignments=assignments,
        ),
        webhooks=WebhooksService(
            work=data.work,
            endpoints=data.webhook_endpoints,
            deliveries=data.deliveries,
            secrets=Secrets(settings.audit_secrets()),
            addresses=Addresses(settings.webhook_networks),
            accounts=data.accounts,
            outbox=data.outbox,
        ),
    )


def open_webhook_sender(
    settings: Settings, webhooks: WebhooksService, findings: ChangedFindings
) -> WebhookSender:
    return WebhookSender(
        endpoints=webhooks.endpoints,
        secrets=webhooks.secrets,
        addresses=webhooks.addresses,
        service=webhooks,
        findings=findings,
        address=settings.address,
        authorities=settings.trusted_authorities,
    )
