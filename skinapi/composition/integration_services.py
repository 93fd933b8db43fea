"""Builds the services of keys for programs, and of what other systems send."""

from dataclasses import dataclass

from skinapi.auth.account_deletion import Eraser
from skinapi.composition.repositories import Repositories
from skinapi.integrations.keys.service import KeysService
from skinapi.integrations.patients import PatientsService
from skinapi.records.service import RecordsService
from skinapi.settings import Settings


@dataclass(frozen=True, slots=True)
class IntegrationServices:
    keys: KeysService
    patients: PatientsService


def open_integration_services(
    settings: Settings, data: Repositories, *, eraser: Eraser, records: RecordsService
) -> IntegrationServices:
    return IntegrationServices(
        keys=KeysService(
            work=data.work,
            accounts=data.accounts,
            keys=data.keys,
            uses=data.key_uses,
            eraser=eraser,
            records=records,
        ),
        patients=PatientsService(
            work=data.work, accounts=data.accounts, secrets=settings.audit_secrets()
        ),
    )
