"""Builds the services that need no model, and passes each one the others that it needs."""

import math
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from pydantic import BaseModel

from skinapi.accounts.admin.decisions import Assignments, DecisionsService
from skinapi.accounts.admin.service import AdminService
from skinapi.accounts.auth.account_deletion import Eraser
from skinapi.accounts.auth.account_search import search_faults
from skinapi.accounts.auth.accounts import Account
from skinapi.accounts.auth.authorizer import Authorizer, Tokens
from skinapi.accounts.auth.consents import ConsentGiven, ConsentsService
from skinapi.accounts.auth.emails import normalise_email, spellings_of
from skinapi.accounts.auth.owners import OwnerStatus
from skinapi.accounts.auth.recovery import PasswordLink, RecoveryService
from skinapi.accounts.auth.second_factor import SecondFactorService
from skinapi.accounts.auth.service import AuthService
from skinapi.accounts.auth.sessions import Session
from skinapi.app.composition.account_services import open_account_services
from skinapi.app.composition.care_services import open_care_services
from skinapi.app.composition.erasure_services import open_erasure
from skinapi.app.composition.integration_services import (
    IntegrationServices,
    open_integration_services,
)
from skinapi.app.composition.log_in_services import open_oidc
from skinapi.app.composition.migration import LONGEST_S, migrate_store
from skinapi.app.composition.repositories import Repositories, open_repositories
from skinapi.app.composition.subscriptions import subscribe
from skinapi.base.settings import Settings
from skinapi.base.settings.safety import refuse_unsafe
from skinapi.care.cases import CasesService
from skinapi.care.inbox import InboxService
from skinapi.care.letters import LettersService
from skinapi.care.message_records import Message
from skinapi.care.messages import MessagesService, find_unanswered
from skinapi.care.own_data import OwnDataService
from skinapi.care.queue import CareService
from skinapi.care.reminders import LesionCounts, ReminderMailer
from skinapi.care.spot_records import Lesion
from skinapi.care.spots import LesionsService
from skinapi.findings.records.corrections import CorrectionsService
from skinapi.findings.records.letters import Letter
from skinapi.findings.records.outcomes import CountedOutcome
from skinapi.findings.records.photos import KeptPhotos, Thumbnails
from skinapi.findings.records.readers import BreakGlass, ReadNotes
from skinapi.findings.records.record_retention import RecordRetention
from skinapi.findings.records.review_queue import ReviewQueue, UnassignedPatients
from skinapi.findings.records.review_service import ReviewsService
from skinapi.findings.records.reviews import Review
from skinapi.findings.records.service import RecordsService
from skinapi.findings.records.submission import Submission
from skinapi.findings.reports.narrator import open_llm
from skinapi.findings.reports.openrouter import OpenRouterClient
from skinapi.findings.reports.verification import Issued
from skinapi.integrations.keys.api_keys import ApiKey, SessionKey
from skinapi.integrations.oidc.service import OidcService, RoundTrip
from skinapi.integrations.webhooks.endpoints import Endpoint
from skinapi.lab.composition import LabServices, open_lab_services
from skinapi.lab.dataset_images import DatasetImage
from skinapi.lab.dataset_versions import DatasetVersion
from skinapi.lab.reviewed_findings import ReviewedFindings
from skinapi.lab.trainings.reference import CurrentReference
from skinapi.lab.uploads import UploadRecord
from skinapi.model.registry.composition import open_models
from skinapi.model.registry.drift import DriftService
from skinapi.model.registry.prediction_pool import ServedModel
from skinapi.model.registry.serving_pointer import ModelVersion, Serving
from skinapi.model.registry.version_service import ModelsService
from skinapi.platform.backups.backup import BackupMade, refuse_unfinished_restore
from skinapi.platform.backups.erased_ids import Erased
from skinapi.platform.jobs.announcements import Announcer, open_broker
from skinapi.platform.jobs.job import Job
from skinapi.platform.jobs.job_logs import LogBatch
from skinapi.platform.jobs.job_queue import Jobs
from skinapi.platform.jobs.service import JobsService
from skinapi.platform.notices.deliveries import Delivery
from skinapi.platform.notices.outbox import Notice
from skinapi.platform.storage.faults import Fault, blob_faults, document_faults, guarded
from skinapi.platform.storage.ports import Store
from skinapi.platform.storage.store_version import begin_migration, is_released, join_store
from skinapi.platform.stores import open_store
from skinapi.privacy.erasure.receipts import Receipt
from skinapi.privacy.erasure.service import ErasureService
from skinapi.privacy.person_file.stored_files import PersonFile
from skinapi.privacy.retention.service import Announced, Pause, Run

# What `check` reads each document of a collection as.
MODELS: Mapping[str, type[BaseModel]] = {
    "accounts": Account,
    "consents": ConsentGiven,
    "sessions": Session,
    "keys": ApiKey,
    "session_keys": SessionKey,
    "password_links": PasswordLink,
    "oidc_round_trips": RoundTrip,
    "outbox": Notice,
    "deliveries": Delivery,
    "webhooks": Endpoint,
    "submissions": Submission,
    "lesions": Lesion,
    "messages": Message,
    "reviews": Review,
    "outcome_counts": CountedOutcome,
    "letters": Letter,
    "break_glass": BreakGlass,
    "reports": Issued,
    "person_files": PersonFile,
    "datasets": DatasetVersion,
    "images": DatasetImage,
    "uploads": UploadRecord,
    "jobs": Job,
    "backups": BackupMade,
    "erased_ids": Erased,
    "job_logs": LogBatch,
    "models": ModelVersion,
    "serving": Serving,
    "retention": Announced,
    "retention_pause": Pause,
    "retention_runs": Run,
    "erasure_receipts": Receipt,
}


@dataclass(frozen=True)
class Services:
    """The services that need no model, and the repositories that they share."""

    store: Store
    data: Repositories
    tokens: Tokens
    eraser: Eraser
    authorizer: Authorizer
    auth: AuthService
    consents: ConsentsService
    recovery: RecoveryService
    second_factor: SecondFactorService
    oidc: OidcService
    admin: AdminService
    decisions: DecisionsService
    assignments: Assignments
    records: RecordsService
    reviews: ReviewsService
    corrections: CorrectionsService
    care: CareService
    cases: CasesService
    lesions: LesionsService
    reminder_mailer: ReminderMailer
    letters: LettersService
    messages: MessagesService
    inbox: InboxService
    own_data: OwnDataService
    llm: OpenRouterClient | None
    lab: LabServices
    jobs: JobsService
    models: ModelsService
    drift: DriftService
    integrations: IntegrationServices
    erasure: ErasureService

    def faults(self) -> Iterator[Fault]:
        """Yield all broken invariants that `check` can find in a store that can be opened."""
        searches = {
            "documents": document_faults(self.store, MODELS),
            "stored files": blob_faults(self.store),
            "deletions": self.eraser.faults(),
            "accounts": self.data.accounts.faults(self.data.work),
            "the search of accounts": search_faults(self.store),
            "findings": self.records.faults(),
            "spots": self.lesions.faults(),
            "messages": self.data.messages.faults(self.lesions.has),
            "reviews": self.reviews.faults(),
            "letters": self.data.letters.faults(self.records.has),
            "reports": self.data.issued.faults(self.records.has),
            "data sets": self.lab.cleanup.faults(),
            "jobs": self.jobs.faults(),
            "models": self.models.faults(),
            "the audit trail": self.data.trail.faults(),
            "the admins' audit rows": self._unexplained_admins(),
        }
        for subject, found in searches.items():
            yield from guarded(subject, found)

    def _unexplained_admins(self) -> Iterator[Fault]:
        for admin in self.data.accounts.list_active_admins():
            if not self.data.trail.find_newest("account.role_admin", target=admin):
                yield Fault(f"no audit row says who made the account {admin} an admin")


def open_services(
    settings: Settings,
    store: Store | None = None,
    *,
    change: bool = True,
    served: ServedModel | None = None,
    workers_here: bool = False,
    restoring: bool = False,
) -> Services:
    """Build the services on the given store, or on the one that the settings name. Without
    `change`, the store does not learn of this code and its key. `served` is the model that this
    process serves; `workers_here`: this server keeps the job workers. `restoring`: the caller is
    the restore, which has not ended yet.

    Raises UnsafeSettings, StoreTooNew, StoreTooOld, BrokenStore if two accounts share an e-mail
    address, and StoreUnavailable while a store of release 1.0.0 is migrated.
    """
    refuse_unsafe(settings)
    store = store or open_store(settings)
    if not restoring:
        refuse_unfinished_restore(store)
    if change and is_released(store):
        begin_migration(store, secrets=settings.audit_secrets())
        services = _build(settings, store, served=served, workers_here=workers_here)
        longest_s = math.inf if restoring else LONGEST_S
        migrate_store(store, services.data, services.records.queue, longest_s=longest_s)
    join_store(store, secrets=settings.audit_secrets(), change=change)
    return _build(settings, store, served=served, workers_here=workers_here)


def _build(
    settings: Settings, store: Store, *, served: ServedModel | None, workers_here: bool
) -> Services:
    data = open_repositories(settings, store)
    counts = LesionCounts(data.lesions, data.spots, most=settings.most_lesion_findings)
    models = open_models(
        settings, store, data.work, reference=CurrentReference(data.lab.datasets), served=served
    )
    unassigned = UnassignedPatients(
        accounts=data.accounts,
        submissions=data.submissions,
        spots=data.spots,
        outbox=data.outbox,
        failed=data.failed_items,
        seen_by=_spellings(settings.unassigned_seen_by),
        find_unanswered=partial(find_unanswered, data.messages, data.lesions),
    )
    queue = ReviewQueue(
        work=data.work,
        submissions=data.submissions,
        spots=data.spots,
        accounts=data.accounts,
    )
    retention = RecordRetention(
        years=settings.record_retention,
        submissions=data.submissions,
        spots=data.spots,
        reviews=data.reviews,
        letters=data.letters,
        clock=data.clock,
    )
    records = _open_records(
        settings,
        store,
        data,
        queue=queue,
        models=models,
        retention=retention,
        unassigned=unassigned,
    )
    reviews = _open_reviews(data, queue=queue, records=records)
    jobs = _open_jobs(settings, store, data, workers_here=workers_here)
    lab = _open_lab(settings, store, data, jobs=jobs, models=models)
    llm = open_llm(settings, store)
    people = open_account_services(settings, data)
    care = open_care_services(
        settings,
        store,
        data,
        records=records,
        counts=counts,
        pointer=models.pointer,
        assignments=people.assignments,
    )
    integrations = open_integration_services(
        settings,
        data,
        eraser=people.eraser,
        records=records,
        second_factor=people.second_factor,
        assignments=people.assignments,
    )
    erasure = open_erasure(
        settings,
        store,
        data,
        people=people,
        models=models,
        retention=retention,
        unassigned=unassigned,
        patients=integrations.patients,
    )
    subscribe(
        data,
        cases=care.cases,
        counts=counts,
        records=records,
        jobs=jobs,
        lab=lab,
        erasure=erasure,
        archive_after=settings.archive_after if settings.archive_url else None,
    )
    return Services(
        store=store,
        data=data,
        tokens=people.tokens,
        eraser=people.eraser,
        authorizer=people.authorizer,
        auth=people.auth,
        consents=people.consents,
        second_factor=people.second_factor,
        oidc=open_oidc(settings, data, people),
        recovery=people.recovery,
        admin=people.admin,
        decisions=people.decisions,
        assignments=people.assignments,
        records=records,
        reviews=reviews,
        corrections=CorrectionsService(
            work=data.work,
            records=records,
            submissions=data.submissions,
            spots=data.spots,
            queue=queue,
            accounts=data.accounts,
            outcomes=data.outcome_counts,
            outbox=data.outbox,
        ),
        care=care.care,
        cases=care.cases,
        reminder_mailer=care.reminder_mailer,
        lesions=care.lesions,
        letters=care.letters,
        messages=care.messages,
        inbox=care.inbox,
        own_data=OwnDataService(
            records=records,
            letters=care.letters,
            lesions=care.lesions,
            messages=care.messages,
        ),
        llm=llm,
        lab=lab,
        jobs=jobs,
        models=models,
        drift=DriftService(counts=data.weekly_counts, models=models),
        integrations=integrations,
        erasure=erasure,
    )


def _open_records(
    settings: Settings,
    store: Store,
    data: Repositories,
    *,
    queue: ReviewQueue,
    models: ModelsService,
    retention: RecordRetention,
    unassigned: UnassignedPatients,
) -> RecordsService:
    notes = ReadNotes(trail=data.trail)
    photos = KeptPhotos(
        blobs=store.blobs,
        trail=data.trail,
        policy=settings.photos,
        days=settings.retain_photos_days,
    )
    return RecordsService(
        work=data.work,
        submissions=data.submissions,
        spots=data.spots,
        queue=queue,
        accounts=data.accounts,
        consents=data.consents,
        photos=photos,
        thumbnails=Thumbnails(
            submissions=data.submissions, photos=photos, blobs=store.blobs, notes=notes
        ),
        notes=notes,
        outbox=data.outbox,
        models=models,
        break_glass=data.break_glass,
        retention=retention,
        erased=data.erased_ids,
        unassigned=unassigned,
    )


def _spellings(emails: frozenset[str] | None) -> frozenset[str] | None:
    """These addresses as accounts may have them. One that is none names nobody."""
    if emails is None:
        return None
    found = set[str]()
    for email in emails:
        with suppress(ValueError):
            found.update(spellings_of(normalise_email(email)))
    return frozenset(found)


def _open_reviews(
    data: Repositories, *, queue: ReviewQueue, records: RecordsService
) -> ReviewsService:
    return ReviewsService(
        work=data.work,
        reviews=data.reviews,
        letters=data.letters,
        records=records,
        submissions=data.submissions,
        spots=data.spots,
        queue=queue,
        accounts=data.accounts,
        outcomes=data.outcome_counts,
        weekly_counts=data.weekly_counts,
        outbox=data.outbox,
    )


def _open_jobs(
    settings: Settings, store: Store, data: Repositories, *, workers_here: bool
) -> JobsService:
    broker = open_broker(settings.broker_uri)
    return JobsService(
        work=data.work,
        queue=Jobs(store, on_ended=data.webhook_events.on_job_ended),
        owners=OwnerStatus(store),
        announcer=Announcer(broker) if broker else None,
        workers_here=workers_here,
    )


def _open_lab(
    settings: Settings,
    store: Store,
    data: Repositories,
    *,
    jobs: JobsService,
    models: ModelsService,
) -> LabServices:
    findings = ReviewedFindings(
        store=store,
        reviews=data.reviews,
        submissions=data.submissions,
        accounts=data.accounts,
    )
    return open_lab_services(
        settings,
        data.lab,
        contributed=data.contributed,
        findings=findings,
        jobs=jobs,
        models=models,
    )
