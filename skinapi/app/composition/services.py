"""Says which services there are, and what no type tells of what they are given; opens them."""

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any, Final

from pydantic import BaseModel

from skinapi.accounts.admin.decisions import Assignments, DecisionsService
from skinapi.accounts.admin.service import AdminService
from skinapi.accounts.admin.undo import UndoService
from skinapi.accounts.admin.waiting_work import (
    Checkers,
    DamagedOwners,
    FindingCounts,
    FindingNumbers,
    MessageCounts,
    PatientsWithoutDoctor,
)
from skinapi.accounts.auth.account_deletion import Eraser
from skinapi.accounts.auth.account_search import search_faults
from skinapi.accounts.auth.authorizer import Authorizer, Tokens
from skinapi.accounts.auth.consents import OPENROUTER, ConsentsService
from skinapi.accounts.auth.email_addresses import normalise_email, spellings_of
from skinapi.accounts.auth.owners import OwnerStatus
from skinapi.accounts.auth.passwords import PLACES, Authentication, Passwords
from skinapi.accounts.auth.recovery import RecoveryService
from skinapi.accounts.auth.second_factor import SecondFactorService
from skinapi.accounts.auth.service import AuthService
from skinapi.app.areas import list_areas, switched_on
from skinapi.app.composition.migration import LONGEST_S, migrate_store
from skinapi.app.composition.repositories import (
    Repositories,
    list_stores,
    open_accounts,
    repository_values,
)
from skinapi.app.composition.subscriptions import subscribe
from skinapi.app.jobs import open_broker, open_jobs
from skinapi.base.area_parts import list_parts
from skinapi.base.container import Container, Parts
from skinapi.base.settings.installation import AreaSettings
from skinapi.base.settings.safety import refuse_unsafe
from skinapi.base.settings.settings import VERSION, Settings
from skinapi.care.cases import CasesService
from skinapi.care.lesion_records import Lesions
from skinapi.care.lesions import LesionsService
from skinapi.care.letter_reading import LetterReader
from skinapi.care.letters import LettersService
from skinapi.care.message_records import Messages
from skinapi.care.messages import MessagesService, UnansweredMessages
from skinapi.care.own_data import InboxService, OwnDataService
from skinapi.care.queue import CareService
from skinapi.care.reminders import LesionCounts
from skinapi.findings.records.damaged_records import DamagedRecords
from skinapi.findings.records.finding_records import FindingRecords
from skinapi.findings.records.photos import KeptPhotos
from skinapi.findings.records.record_retention import RecordRetention
from skinapi.findings.records.review_queue import ReviewQueue
from skinapi.findings.records.service import FindingsService
from skinapi.findings.records.unassigned_patients import Clinic, FindUnanswered, UnassignedPatients
from skinapi.findings.reports.checker_records import Checker, CheckerRecords
from skinapi.findings.reports.narrator import open_checker, open_llm
from skinapi.findings.reports.service import ReportsService, SpotPlaces
from skinapi.findings.reviews.corrections import CorrectionsService
from skinapi.findings.reviews.service import ReviewsService
from skinapi.integrations.keys.api_keys import SessionKeys
from skinapi.integrations.keys.service import KeysService
from skinapi.integrations.patients import PatientsService
from skinapi.model.registry.composition import open_models
from skinapi.model.registry.prediction_pool import ServedModel
from skinapi.model.registry.serving_pointer import ServingPointer
from skinapi.model.registry.version_records import ModelVersions
from skinapi.model.registry.version_service import ModelsService
from skinapi.platform.audit.trail import AuditTrail
from skinapi.platform.backups.backup import BackupMade, refuse_unfinished_restore
from skinapi.platform.jobs.announcements import Announcer
from skinapi.platform.jobs.job_logs import JobLogs
from skinapi.platform.jobs.job_queue import Jobs
from skinapi.platform.jobs.service import JobOwners, JobsService
from skinapi.platform.storage.faults import Fault, blob_faults, document_faults, guarded
from skinapi.platform.storage.number_keys import NumberKeys
from skinapi.platform.storage.numbers import FINDINGS
from skinapi.platform.storage.ports import Blobs, Store
from skinapi.platform.storage.records import Repository
from skinapi.platform.storage.store_version import begin_migration, is_older, join_store
from skinapi.platform.storage.unit_of_work import AuditRows
from skinapi.platform.stores.store_factory import open_store
from skinapi.privacy.erasure.contents import AccountContents
from skinapi.privacy.erasure.service import ErasureService
from skinapi.privacy.person_file.format import Maker
from skinapi.privacy.retention.service import Announced, Pause, Run


def list_models() -> Mapping[str, type[BaseModel]]:
    """What `check` reads each document of a collection as, those of areas that are off too."""
    stores: Sequence[type[Repository[Any]]] = (
        *list_stores(),
        *(SessionKeys, ModelVersions, ServingPointer, Jobs, JobLogs),
        *(store for area in list_areas() for store in area.stores),
    )
    return {
        **{store.collection: store.record for store in stores},
        "backups": BackupMade,
        "retention": Announced,
        "retention_pause": Pause,
        "retention_runs": Run,
    }


class Services(Parts):
    """The services that need no model, and the repositories that they share. Each is built when it
    is first asked for.
    """

    settings: Settings
    store: Store
    data: Repositories
    tokens: Tokens
    eraser: Eraser
    assignments: Assignments
    second_factor: SecondFactorService
    authorizer: Authorizer
    auth: AuthService
    consents: ConsentsService
    recovery: RecoveryService
    admin: AdminService
    decisions: DecisionsService
    undo: UndoService
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

    def check_integrity(self) -> Iterator[Fault]:
        """Yield all broken invariants that `check` can find in a store that can be opened."""
        yield from self.check_records()
        yield from self.check_trail()

    def check_trail(self) -> Iterator[Fault]:
        """Yield what the audit trail cannot prove. No other record depends on it."""
        yield from guarded("the audit trail", self.data.trail.check_integrity())
        yield from guarded("the admins' audit rows", self._unexplained_admins())

    def check_records(self) -> Iterator[Fault]:
        """Yield the broken invariants of all but the audit trail."""
        searches = {
            "documents": document_faults(self.store, list_models()),
            "stored files": blob_faults(self.store, {FINDINGS: self.findings.note_lost}),
            "deletions": self.eraser.check_integrity(),
            "accounts": self.data.accounts.check_integrity(self.data.work),
            "the search of accounts": search_faults(self.store),
            "findings": self.findings.check_integrity(),
            "spots": self.lesions.check_integrity(),
            "messages": self.data.messages.check_integrity(self.lesions.has),
            "reviews": self.reviews.check_integrity(),
            "numbers of patients": self.patients.check_integrity(),
            "letters": self.data.letters.check_integrity(self.findings.records.has),
            "reports": self.data.issued.check_integrity(self.findings.records.has),
            **{
                subject: self.get(checked).check_integrity()
                for area in list_areas()
                for subject, checked in area.checks.items()
            },
            "jobs": self.jobs.check_integrity(),
            "models": self.models.check_integrity(),
        }
        for subject, found in searches.items():
            yield from map(self._keep_unless_erased, guarded(subject, found))

    def _keep_unless_erased(self, fault: Fault) -> Fault:
        if fault.gone is None or self.data.erased_ids.has(fault.gone):
            return fault
        return Fault(
            f"{fault.message} and was not erased: the id may be damaged; nothing is deleted"
        )

    def _unexplained_admins(self) -> Iterator[Fault]:
        for admin in self.data.accounts.list_active_admins():
            if not self.data.trail.find_newest("account.role_admin", target=admin):
                yield Fault(f"no audit row says who made the account {admin} an admin")


# Which class stands for what another package describes.
STAND_FOR: Final[Mapping[Any, Any]] = {
    AuditRows: AuditTrail,
    FindUnanswered: UnansweredMessages,
    DamagedOwners: DamagedRecords,
    FindingCounts: FindingRecords,
    Checkers: CheckerRecords,
    FindingNumbers: FindingRecords,
    JobOwners: OwnerStatus,
    MessageCounts: Messages,
    PatientsWithoutDoctor: UnassignedPatients,
    SpotPlaces: Lesions,
}


def _values(settings: Settings, *, workers_here: bool) -> dict[Any, dict[str, Any]]:
    """Return what no type tells apart of what each class is given."""
    address, secrets = settings.address, settings.audit_secrets()
    password_life = timedelta(hours=settings.initial_password_hours)
    stored = list_parts("stored")
    return {
        **repository_values(settings),
        Tokens: {"key": settings.signing_key()},
        # No more than half of the threads, so that the others can serve what needs no password.
        Passwords: {"places": max(1, min(PLACES, settings.threads // 2))},
        Authentication: {"initial_password_life": password_life},
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
        AdminService: {"initial_password_life": password_life},
        JobsService: {"workers_here": workers_here},
        LesionCounts: {"most": settings.most_lesion_findings},
        LesionsService: {"most": settings.most_lesions},
        InboxService: {"most": settings.most_lesions},
        UnassignedPatients: {
            "seen_by": _spellings(settings.unassigned_seen_by),
            "review_days": settings.review_within_days,
        },
        Clinic: {"name": settings.clinic_name, "phone": settings.clinic_phone},
        RecordRetention: {"years": settings.record_retention},
        KeptPhotos: {"policy": settings.photos, "days": settings.retain_photos_days},
        ReportsService: {"clinic": settings.clinic_name, "address": address},
        ConsentsService: {"company": settings.llm_company or OPENROUTER},
        AccountContents: {
            "counted": {k: v for area in stored for k, v in area.STORED.counted.items()},
            "told": {k: v for area in stored for k, v in area.STORED.told.items()},
            "archive": "ARCHIVE_URL" in settings.list_outlets(),
            "mail": settings.mail_server is not None,
        },
        ErasureService: {"wait": timedelta(days=settings.deletion_wait_days)},
        Maker: {"address": address, "clinic": settings.clinic_name, "software": VERSION},
    }


def _open_announcer(settings: Settings) -> Announcer | None:
    broker = open_broker(settings)
    return Announcer(broker) if broker else None


def _open_jobs(store: Store, settings: Settings, container: Container) -> Jobs:
    return open_jobs(store, settings, container.get)


def _open_checker(records: CheckerRecords, settings: Settings, store: Store) -> Checker | None:
    llm = open_checker(settings, store)
    return Checker(llm, records) if llm else None


def _open_letter_reader(checker: Checker | None) -> LetterReader | None:
    return LetterReader(checker) if checker else None


FACTORIES = (
    open_accounts,
    open_llm,
    open_models,
    _open_announcer,
    _open_checker,
    _open_jobs,
    _open_letter_reader,
)


def _spellings(emails: frozenset[str] | None) -> frozenset[str] | None:
    """List these addresses as accounts may have them. One that is none names nobody."""
    if emails is None:
        return None
    found = set[str]()
    for email in emails:
        with suppress(ValueError):
            found.update(spellings_of(normalise_email(email)))
    return frozenset(found)


class Unlimited:
    """Sets no quota, in a process that serves nobody."""

    def count_photos(self, caller: str, role: str | None, photos: int = 1) -> None: ...

    def count_rendering(self, caller: str, role: str | None) -> None: ...


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
    `change`, the store does not learn of this code and its key. `restoring`: the caller is the
    restore, which has not ended yet.

    Raises UnsafeSettings, StoreTooNew, StoreTooOld, BrokenStore if two accounts share an e-mail
    address, and StoreUnavailable while an older store is migrated.
    """
    refuse_unsafe(settings)
    store = store or open_store(settings)
    if not restoring:
        refuse_unfinished_restore(store)
    if change and is_older(store):
        former = begin_migration(store, secrets=settings.audit_secrets())
        longest_s = math.inf if restoring else LONGEST_S
        migrating = _open_container(settings, store, served, workers_here)
        migrating.build(migrate_store, former=former, longest_s=longest_s)
    numbers = join_store(store, secrets=settings.audit_secrets(), change=change)
    container = _open_container(settings, store, served, workers_here)
    container.put({NumberKeys: numbers})
    container.get(Repositories).build_all()  # each makes its indexes
    for area in switched_on(settings):
        for repository in area.stores:
            container.get(repository)
    container.build(subscribe)
    return container.get(Services)


def _open_container(
    settings: Settings, store: Store, served: ServedModel | None, workers_here: bool
) -> Container:
    container = Container()
    container.put({Settings: settings, Store: store, Blobs: store.blobs})
    container.put(dict.fromkeys(AreaSettings.__subclasses__(), settings))
    if served:
        container.put({ServedModel: served})
    container.learn(FACTORIES, _values(settings, workers_here=workers_here), STAND_FOR)
    for area in switched_on(settings):
        container.learn(area.factories, container.build(area.values), area.stand_for)
    return container
