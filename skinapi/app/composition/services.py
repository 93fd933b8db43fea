import math
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from skinapi.accounts.admin.decisions import Assignments, DecisionsService
from skinapi.accounts.admin.service import AdminService
from skinapi.accounts.admin.waiting_work import (
    Checkers,
    FindingNumbers,
    PatientsWithoutDoctor,
    WaitingSpotCounts,
)
from skinapi.accounts.auth.authorizer import Authorizer, Tokens
from skinapi.accounts.auth.closing import AccountClosing, RecordEnds
from skinapi.accounts.auth.consents import OPENROUTER, ConsentsService
from skinapi.accounts.auth.email_addresses import list_spellings
from skinapi.accounts.auth.guess_limits import GuessLimits
from skinapi.accounts.auth.owners import AccountUses, OwnerStatus
from skinapi.accounts.auth.passwords import PLACES, Passwords
from skinapi.accounts.auth.recovery import PasswordLinks, RecoveryService
from skinapi.accounts.auth.second_factor import SecondFactorService
from skinapi.accounts.auth.service import AuthService
from skinapi.accounts.auth.sessions import Lifetimes, Sessions
from skinapi.app.areas import switched_on
from skinapi.app.composition.forgetting import open_forget_steps
from skinapi.app.composition.repositories import Repositories
from skinapi.app.composition.subscriptions import subscribe
from skinapi.app.jobs import open_broker, open_jobs
from skinapi.app.migration.run import (
    LONGEST_S,
    find_number_key,
    migrate_store,
    refuse_pause,
    refuse_unready,
)
from skinapi.base.container import Container, Parts
from skinapi.base.settings.installation import AreaSettings
from skinapi.base.settings.safety import refuse_unsafe
from skinapi.base.settings.settings import Settings
from skinapi.care.cases import CasesService
from skinapi.care.lesions import LesionsService
from skinapi.care.letters import LettersService
from skinapi.care.messages import MessagesService
from skinapi.care.own_data import InboxService, OwnDataService
from skinapi.care.queue import CareService
from skinapi.findings.records.finding_access import Programs
from skinapi.findings.records.finding_records import FindingRecords
from skinapi.findings.records.lesions import Lesions
from skinapi.findings.records.photos import KeptPhotos
from skinapi.findings.records.record_retention import RecordRetention
from skinapi.findings.records.review_queue import ReviewQueue
from skinapi.findings.records.service import FindingsService
from skinapi.findings.records.unassigned_patients import Clinic, UnassignedPatients
from skinapi.findings.records.waiting_spots import WaitingSpots
from skinapi.findings.reports.checker_records import CheckerRecords
from skinapi.findings.reports.narrator import open_checker, open_llm
from skinapi.findings.reports.service import ReportsService, SpotPlaces
from skinapi.findings.reviews.corrections import CorrectionsService
from skinapi.findings.reviews.service import ReviewsService
from skinapi.integrations.keys.service import KeysService, ReadingKeys
from skinapi.integrations.patients import PatientsService
from skinapi.model.registry.composition import open_models
from skinapi.model.registry.prediction_pool import ServedModel
from skinapi.model.registry.version_service import ModelsService
from skinapi.platform.audit.trail import AuditTrail
from skinapi.platform.backups.backup import refuse_unfinished_restore
from skinapi.platform.jobs.announcements import Announcer
from skinapi.platform.jobs.job_queue import Jobs
from skinapi.platform.jobs.service import JobOwners, JobsService
from skinapi.platform.notices.outbox import Outbox
from skinapi.platform.storage.number_key import NumberKey
from skinapi.platform.storage.ports import Blobs, Store
from skinapi.platform.storage.store_version import begin_migration, is_older, join_store
from skinapi.platform.storage.unit_of_work import AuditRows
from skinapi.platform.stores.store_factory import open_store
from skinapi.privacy.erasure.service import ErasureService
from skinapi.privacy.retention.service import RetentionService


class Services(Parts):
    """The services that need no model, with their repositories. Each is built on first use."""

    settings: Settings
    store: Store
    data: Repositories
    tokens: Tokens
    assignments: Assignments
    second_factor: SecondFactorService
    authorizer: Authorizer
    auth: AuthService
    consents: ConsentsService
    recovery: RecoveryService
    admin: AdminService
    decisions: DecisionsService
    patients: PatientsService
    models: ModelsService
    jobs: JobsService
    unassigned: UnassignedPatients
    queue: ReviewQueue
    findings: FindingsService
    reviews: ReviewsService
    corrections: CorrectionsService
    care: CareService
    cases: CasesService
    lesions: LesionsService
    letters: LettersService
    messages: MessagesService
    inbox: InboxService
    own_data: OwnDataService
    keys: KeysService
    erasure: ErasureService
    retention: RetentionService


# The implementations of protocols that other packages declare.
STAND_FOR: Final[Mapping[Any, Any]] = {
    AuditRows: AuditTrail,
    Checkers: CheckerRecords,
    FindingNumbers: FindingRecords,
    JobOwners: OwnerStatus,
    Programs: ReadingKeys,
    RecordEnds: RecordRetention,
    PatientsWithoutDoctor: UnassignedPatients,
    SpotPlaces: Lesions,
    WaitingSpotCounts: WaitingSpots,
}


def _values(settings: Settings) -> dict[Any, dict[str, Any]]:
    """Return the arguments that cannot be chosen by their type."""
    address, key, secrets = settings.address, settings.signing_key(), settings.audit_secrets()
    password_life = timedelta(hours=settings.initial_password_hours)
    seen_by = settings.unassigned_seen_by
    return {
        AuditTrail: {"secrets": secrets},
        CheckerRecords: {"models": settings.checker_models},
        AccountUses: {"stored": settings.retain_accounts_days is not None},
        Sessions: {"lifetimes": Lifetimes.from_settings(settings)},
        GuessLimits: {"key": key},
        PasswordLinks: {"key": key, "console": address},
        Outbox: {"enabled": settings.mail_server is not None},
        Tokens: {"key": key},
        # At most half of the threads, so that the others can serve requests without a password.
        Passwords: {"places": max(1, min(PLACES, settings.threads // 2))},
        Assignments: {"default": settings.default_doctor},
        SecondFactorService: {"keys": secrets, "required_roles": settings.second_factor_roles},
        Authorizer: {
            "metrics_token": settings.secret("metrics_token"),
            "password_page": settings.password_page,
            "second_factor_roles": settings.second_factor_roles,
            "account_page": settings.account_page,
        },
        AuthService: {"password_page": settings.password_page},
        RecoveryService: {"handed_link_life": password_life},
        AccountClosing: {"wait": timedelta(days=settings.deletion_wait_days)},
        AdminService: {"initial_password_life": password_life},
        UnassignedPatients: {
            "seen_by": seen_by if seen_by is None else list_spellings(seen_by),
            "review_days": settings.review_within_days,
        },
        Clinic: {"name": settings.clinic_name, "phone": settings.clinic_phone},
        RecordRetention: {"years": settings.record_retention},
        KeptPhotos: {"policy": settings.photos, "days": settings.retain_photos_days},
        ReportsService: {"clinic": settings.clinic_name, "address": address},
        ConsentsService: {"company": settings.llm_company or OPENROUTER},
        RetentionService: {"days": settings.retained_days},
    }


def _open_announcer(settings: Settings) -> Announcer | None:
    broker = open_broker(settings)
    return Announcer(broker) if broker else None


def _open_jobs(store: Store, settings: Settings, container: Container) -> Jobs:
    return open_jobs(store, settings, container.get)


FACTORIES = (
    *(open_checker, open_forget_steps, open_llm, open_models),
    *(_open_announcer, _open_jobs),
)


def open_services(
    settings: Settings,
    store: Store | None = None,
    *,
    change: bool = True,
    served: ServedModel | None = None,
    restoring: bool = False,
) -> Services:
    """Without `change`, the store does not record this code and its key. Raises UnsafeSettings,
    StoreTooNew, StoreTooOld, BrokenStore for a shared e-mail address, and StoreUnavailable while an
    older store is migrated.
    """
    refuse_unsafe(settings)
    store, secrets = store or open_store(settings), settings.audit_secrets()
    if not restoring:
        refuse_unfinished_restore(store)
    if change and is_older(store):
        refuse_pause(store, settings)
        refuse_unready(store)
        begin_migration(store, secrets=secrets, number_key=find_number_key(store))
        longest_s = math.inf if restoring else LONGEST_S
        migrating = _open_container(settings, store, served)
        migrating.build(migrate_store, longest_s=longest_s)
    number_key = join_store(store, secrets=secrets, change=change)
    container = _open_container(settings, store, served)
    container.put({NumberKey: number_key})
    container.get(Repositories).build_all()  # each makes its indexes
    for area in switched_on(settings):
        for repository in area.stores:
            container.get(repository)
    container.build(subscribe)
    return container.get(Services)


def _open_container(settings: Settings, store: Store, served: ServedModel | None) -> Container:
    container = Container()
    container.put({Settings: settings, Store: store, Blobs: store.blobs})
    container.put(dict.fromkeys(AreaSettings.__subclasses__(), settings))
    if served:
        container.put({ServedModel: served})
    container.learn(FACTORIES, _values(settings), STAND_FOR)
    scopes = {"findings:read"}
    for area in switched_on(settings):
        container.learn(area.factories, container.build(area.values), area.stand_for)
        if container.build(area.reads):
            scopes.update(area.scopes)
    container.learn((), {ReadingKeys: {"scopes": frozenset(scopes)}}, {})
    return container
