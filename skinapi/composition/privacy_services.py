"""Builds the services of a person's rights, and of what an operator must be able to prove."""

from dataclasses import dataclass

from skinapi.composition.services import Services
from skinapi.privacy.break_glass.readers import ReadersService
from skinapi.privacy.break_glass.service import BreakGlassService
from skinapi.privacy.person_file.importing import PersonImportService, Stores
from skinapi.privacy.person_file.signature import FileSigner
from skinapi.privacy.register.service import RegisterService
from skinapi.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class PrivacyServices:
    person_import: PersonImportService
    register: RegisterService
    break_glass: BreakGlassService
    readers: ReadersService


def open_privacy_services(settings: Settings, services: Services) -> PrivacyServices:
    data = services.data
    return PrivacyServices(
        person_import=_open_person_import(settings, services),
        register=RegisterService(
            settings=settings,
            store=services.store,
            endpoints=data.webhook_endpoints,
            keys=data.keys,
        ),
        break_glass=BreakGlassService(
            work=data.work,
            grants=data.break_glass,
            accounts=data.accounts,
            submissions=data.submissions,
            second_factor=services.second_factor,
            trail=data.trail,
            outbox=data.outbox,
            most=settings.break_glass,
        ),
        readers=ReadersService(
            trail=data.trail,
            accounts=data.accounts,
            keys=data.keys,
            findings=data.lesion_findings,
        ),
    )


def _open_person_import(settings: Settings, services: Services) -> PersonImportService:
    data = services.data
    return PersonImportService(
        work=data.work,
        to=Stores(
            accounts=data.accounts,
            submissions=data.submissions,
            findings=data.lesion_findings,
            reviews=data.reviews,
            letters=data.letters,
            lesions=data.lesions,
            messages=data.messages,
            blobs=services.store.blobs,
            imported=data.imported_persons,
        ),
        queue=services.records.queue,
        signer=FileSigner(settings.audit_secrets()),
        policy=settings.photos,
    )
