"""Builds the service that erases accounts."""

from datetime import timedelta

from skinapi.app.composition.account_services import AccountServices
from skinapi.app.composition.repositories import Repositories
from skinapi.base.settings import Settings
from skinapi.findings.records.record_retention import RecordRetention
from skinapi.findings.records.review_queue import UnassignedPatients
from skinapi.integrations.patients import PatientsService
from skinapi.model.registry.version_service import ModelsService
from skinapi.platform.storage.ports import Store
from skinapi.privacy.erasure.contents import AccountContents
from skinapi.privacy.erasure.people_to_reach import ReachService
from skinapi.privacy.erasure.service import ErasureService
from skinapi.privacy.signature import Signer


def open_erasure(
    settings: Settings,
    store: Store,
    data: Repositories,
    *,
    people: AccountServices,
    models: ModelsService,
    retention: RecordRetention,
    unassigned: UnassignedPatients,
    patients: PatientsService,
) -> ErasureService:
    return ErasureService(
        work=data.work,
        store=store,
        accounts=data.accounts,
        eraser=people.eraser,
        second_factor=people.second_factor,
        receipts=data.receipts,
        contents=AccountContents(
            store=store,
            models=models,
            consents=data.consents,
            endpoints=data.webhook_endpoints,
            archive=settings.archive_after if settings.archive_url else None,
            mail=settings.mail_server is not None,
        ),
        retention=retention,
        to_reach=ReachService(
            work=data.work,
            people=data.people_to_reach,
            unassigned=unassigned,
            spots=data.spots,
            failed=data.failed_items,
            patients=patients,
        ),
        clock=data.clock,
        failed=data.failed_items,
        outbox=data.outbox,
        signer=Signer(settings.audit_secrets()),
        wait=timedelta(days=settings.deletion_wait_days),
        address=settings.address,
    )
