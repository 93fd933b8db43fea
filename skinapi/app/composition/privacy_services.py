"""Builds the services of a person's rights, and of the limits of time."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from skinapi.accounts.auth.owners import OwnerStatus
from skinapi.app.composition.model_services import open_reports
from skinapi.app.composition.services import Services, open_services
from skinapi.base.errors import NotFound
from skinapi.base.logs import current_request_id
from skinapi.base.settings import VERSION, Settings
from skinapi.platform.jobs.handlers import JobContext
from skinapi.privacy.break_glass import BreakGlassService
from skinapi.privacy.joining import JoiningService
from skinapi.privacy.person_file.contents import PersonContents
from skinapi.privacy.person_file.format import Maker
from skinapi.privacy.person_file.making import FileMaker
from skinapi.privacy.person_file.service import PersonFilesService
from skinapi.privacy.person_file.stored_files import FileEnded
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


@dataclass(frozen=True)
class PrivacyServices:
    """Each service is built when it is first asked for."""

    settings: Settings
    services: Services

    @cached_property
    def person_files(self) -> PersonFilesService:
        services, data = self.services, self.services.data
        return PersonFilesService(
            files=data.person_files,
            accounts=data.accounts,
            trail=data.trail,
            jobs=services.jobs,
            failed=data.failed_items,
            second_factor=services.second_factor,
            workers_here=services.workers_here,
        )

    @cached_property
    def break_glass(self) -> BreakGlassService:
        data = self.services.data
        return BreakGlassService(
            work=data.work,
            grants=data.break_glass,
            accounts=data.accounts,
            submissions=data.submissions,
            spots=data.spots,
            second_factor=self.services.second_factor,
            trail=data.trail,
            outbox=data.outbox,
            failed=data.failed_items,
            most=self.settings.break_glass,
        )

    @cached_property
    def readers(self) -> ReadersService:
        data = self.services.data
        return ReadersService(
            trail=data.trail, accounts=data.accounts, keys=data.keys, spots=data.spots
        )

    @cached_property
    def joining(self) -> JoiningService:
        data = self.services.data
        return JoiningService(
            work=data.work,
            store=self.services.store,
            accounts=data.accounts,
            consents=data.consents,
            records=self.services.records,
            lesions=data.lesions,
            second_factor=self.services.second_factor,
            outbox=data.outbox,
        )

    @cached_property
    def retention(self) -> RetentionService:
        settings, services, data = self.settings, self.services, self.services.data
        return RetentionService(
            work=data.work,
            store=services.store,
            clock=data.clock,
            failed=data.failed_items,
            plan=RetentionPlan(services.store),
            kinds=self._retained(),
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
            records=services.retention,
        )

    def _retained(self) -> dict[Kind, Retained]:
        data = self.services.data
        of_findings: dict[str, Any] = {
            "work": data.work,
            "records": self.services.records,
            "resting": data.resting,
            "accounts": data.accounts,
            "failed": data.failed_items,
        }
        return {
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
                eraser=self.services.eraser,
                outbox=data.outbox,
                failed=data.failed_items,
            ),
        }


class _NoLimits:
    """No quota: an account has one file at a time."""

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
            reports=reports,
            letters=services.letters,
            lesions=data.lesions,
            messages=data.messages,
            outbox=data.outbox,
            consents=data.consents,
            break_glass=data.break_glass,
            trail=data.trail,
        ),
        reports=reports,
        hold=OwnerStatus(services.store).hold,
        failed=data.failed_items,
        maker=Maker(address=settings.address, clinic=settings.clinic_name, software=VERSION),
    )


def make_file(context: JobContext) -> dict[str, Any]:
    """Make the file with everything about the owner of a job, as a `Handler`."""
    settings, job = Settings(), context.job
    current_request_id.set(job.id)
    services = open_services(settings, change=False)
    try:
        account = services.data.accounts.get(job.owner)
    except NotFound as error:
        raise FileEnded from error
    maker = open_file_maker(settings, services)
    made = maker.make(
        account=account,
        file=str(job.request["file"]),
        attempt=job.attempts,
        folder=context.work,
        progress=context.progress,
    )
    return {"bytes": made.bytes}
