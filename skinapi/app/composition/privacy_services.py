"""Builds the services of a person's rights, and of the limits of time."""

from dataclasses import dataclass
from typing import Any

from skinapi.accounts.auth.owners import OwnerStatus
from skinapi.app.composition.model_services import open_reports
from skinapi.app.composition.services import Services
from skinapi.app.composition.standard_services import open_fhir
from skinapi.base.settings import VERSION, Settings
from skinapi.privacy.break_glass import BreakGlassService
from skinapi.privacy.joining import JoiningService
from skinapi.privacy.person_file.contents import PersonContents
from skinapi.privacy.person_file.making import FileMaker
from skinapi.privacy.person_file.service import PersonFilesService
from skinapi.privacy.readers import ReadersService
from skinapi.privacy.retention.kinds import (
    Kind,
    Retained,
    RetainedAccounts,
    RetainedFindings,
    RetainedMessages,
    RetainedPhotos,
)
from skinapi.privacy.retention.service import RetentionPlan, RetentionService
from skinapi.privacy.signature import Signer

# Where the server shows the key with which it signs.
KEY_PATH = "/signing-key"


@dataclass(frozen=True, slots=True, kw_only=True)
class PrivacyServices:
    person_files: PersonFilesService
    signer: Signer
    break_glass: BreakGlassService
    readers: ReadersService
    joining: JoiningService
    retention: RetentionService


def open_privacy_services(
    settings: Settings, services: Services, *, workers_here: bool = False
) -> PrivacyServices:
    """`workers_here`: this server keeps the job workers."""
    data = services.data
    return PrivacyServices(
        person_files=PersonFilesService(
            files=services.data.person_files,
            accounts=services.data.accounts,
            trail=services.data.trail,
            jobs=services.jobs,
            failed=data.failed_items,
            second_factor=services.second_factor,
            workers_here=workers_here,
        ),
        signer=Signer(settings.audit_secrets()),
        break_glass=BreakGlassService(
            work=data.work,
            grants=data.break_glass,
            accounts=data.accounts,
            submissions=data.submissions,
            spots=data.spots,
            second_factor=services.second_factor,
            trail=data.trail,
            outbox=data.outbox,
            failed=data.failed_items,
            most=settings.break_glass,
        ),
        readers=ReadersService(
            trail=data.trail,
            accounts=data.accounts,
            keys=data.keys,
            spots=data.spots,
        ),
        joining=JoiningService(
            work=data.work,
            store=services.store,
            accounts=data.accounts,
            consents=data.consents,
            records=services.records,
            outbox=data.outbox,
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
        "failed": data.failed_items,
    }
    kinds: dict[Kind, Retained] = {
        Kind.PHOTOS: RetainedPhotos(**of_findings),
        Kind.FINDINGS: RetainedFindings(**of_findings),
        Kind.MESSAGES: RetainedMessages(
            work=data.work,
            messages=data.messages,
            accounts=data.accounts,
            failed=data.failed_items,
        ),
        Kind.ACCOUNTS: RetainedAccounts(
            work=data.work,
            accounts=data.accounts,
            uses=data.account_uses,
            resting=data.resting,
            eraser=services.eraser,
            outbox=data.outbox,
            failed=data.failed_items,
        ),
    }
    return RetentionService(
        work=data.work,
        store=services.store,
        clock=data.clock,
        failed=data.failed_items,
        plan=RetentionPlan(services.store),
        kinds=kinds,
        days={kind: getattr(settings, f"retain_{kind}_days") for kind in Kind},
        fixed={
            "waiting_accounts": settings.waiting_account_days,
            "sessions": settings.session_days,
            "keys": 30,
            "known_addresses": 90,
            "jobs": 90,
            "llm_choices": 90,
            "deliveries": 7,
        },
        accounts=data.accounts,
        uses=data.account_uses,
        records=services.records.retention,
    )


class _NoLimits:
    """Of what a job makes, of which each account has one at a time."""

    def count_photos(self, caller: str, role: str | None, photos: int = 1) -> None: ...

    def count_rendering(self, caller: str, role: str | None) -> None: ...


def open_file_maker(settings: Settings, services: Services) -> FileMaker:
    """For the process that makes a person's file; it needs no model."""
    data = services.data
    reports = open_reports(settings, services, _NoLimits())
    return FileMaker(
        files=data.person_files,
        contents=PersonContents(
            accounts=data.accounts,
            sessions=data.sessions,
            keys=data.keys,
            jobs=services.jobs.queue,
            records=services.records,
            reviews=services.reviews,
            letters=services.letters,
            lesions=data.lesions,
            messages=data.messages,
            outbox=data.outbox,
            consents=data.consents,
            break_glass=data.break_glass,
            trail=data.trail,
        ),
        reports=reports,
        fhir=open_fhir(settings, services, reports),
        signer=Signer(settings.audit_secrets()),
        hold=OwnerStatus(services.store).hold,
        address=settings.address,
        clinic=settings.clinic_name,
        software=VERSION,
        key_address=f"{settings.address}{KEY_PATH}",
    )
