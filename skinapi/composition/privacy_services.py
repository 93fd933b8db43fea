"""Builds the services of a person's rights, and of what an operator must be able to prove."""

from dataclasses import dataclass
from typing import Any

from skinapi.composition.services import Services
from skinapi.privacy.break_glass.readers import ReadersService
from skinapi.privacy.break_glass.service import BreakGlassService
from skinapi.privacy.person_file.importing import PersonImportService, Stores
from skinapi.privacy.person_file.signature import FileSigner
from skinapi.privacy.register.service import RegisterService
from skinapi.privacy.retention.kinds import (
    Kind,
    Retained,
    RetainedAccounts,
    RetainedFindings,
    RetainedMessages,
    RetainedPhotos,
)
from skinapi.privacy.retention.plan import RetentionPlan
from skinapi.privacy.retention.service import Fixed, RetentionService
from skinapi.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class PrivacyServices:
    person_import: PersonImportService
    register: RegisterService
    break_glass: BreakGlassService
    readers: ReadersService
    retention: RetentionService


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
        retention=_open_retention(settings, services),
    )


def _open_retention(settings: Settings, services: Services) -> RetentionService:
    data = services.data
    of_findings: dict[str, Any] = {
        "work": data.work,
        "records": services.records,
        "resting": data.resting,
        "accounts": data.accounts,
    }
    kinds: dict[Kind, Retained] = {
        Kind.PHOTOS: RetainedPhotos(**of_findings),
        Kind.FINDINGS: RetainedFindings(**of_findings),
        Kind.MESSAGES: RetainedMessages(
            work=data.work, messages=data.messages, accounts=data.accounts
        ),
        Kind.ACCOUNTS: RetainedAccounts(
            work=data.work,
            accounts=data.accounts,
            uses=data.account_uses,
            resting=data.resting,
            eraser=services.eraser,
            outbox=data.outbox,
        ),
    }
    return RetentionService(
        work=data.work,
        store=services.store,
        plan=RetentionPlan(services.store),
        kinds=kinds,
        days={kind: getattr(settings, f"retain_{kind}_days") for kind in Kind},
        fixed=(
            Fixed("waiting_accounts", settings.waiting_account_days, "WAITING_ACCOUNT_DAYS"),
            Fixed("sessions", settings.session_days, "SESSION_DAYS"),
            Fixed("keys", 30),
            Fixed("known_addresses", 90),
            Fixed("jobs", 90),
            Fixed("llm_choices", 90),
            Fixed("deliveries", 7),
        ),
        accounts=data.accounts,
        uses=data.account_uses,
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
