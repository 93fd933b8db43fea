"""Builds the services of a person's rights, and of what an operator must be able to prove."""

from dataclasses import dataclass

from skinapi.composition.services import Services
from skinapi.privacy.register.service import RegisterService
from skinapi.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class PrivacyServices:
    register: RegisterService


def open_privacy_services(settings: Settings, services: Services) -> PrivacyServices:
    return PrivacyServices(
        register=RegisterService(
            settings=settings,
            store=services.store,
            endpoints=services.data.webhook_endpoints,
            keys=services.data.keys,
        )
    )
