"""Builds the services that need no model, and passes each one the others that it needs."""

import math
from collections.abc import Iterator, Mapping
from datetime import timedelta
from functools import cached_property

from pydantic import BaseModel

from skinapi.accounts.auth.account_search import search_faults
from skinapi.accounts.auth.accounts import Account
from skinapi.accounts.auth.consents import ConsentGiven
from skinapi.accounts.auth.owners import OwnerStatus
from skinapi.accounts.auth.recovery import PasswordLink
from skinapi.accounts.auth.sessions import Session
from skinapi.app.composition.base_services import BaseServices
from skinapi.app.composition.judgements import JudgementJoiner
from skinapi.app.composition.migration import LONGEST_S, migrate_store
from skinapi.app.composition.repositories import Repositories
from skinapi.app.composition.subscriptions import subscribe
from skinapi.base.settings import Settings
from skinapi.base.settings.safety import refuse_unsafe
from skinapi.care.cases import CasesService
from skinapi.care.letters import LettersService
from skinapi.care.message_records import Message
from skinapi.care.messages import MessagesService
from skinapi.care.own_data import InboxService, OwnDataService
from skinapi.care.queue import CareService
from skinapi.care.reminders import ReminderMailer
from skinapi.care.spot_records import Lesion
from skinapi.care.spots import LesionsService
from skinapi.findings.records.corrections import CorrectionsService
from skinapi.findings.records.letters import Letter
from skinapi.findings.records.outcomes import CountedOutcome
from skinapi.findings.records.photos import KeptPhotos, Thumbnails
from skinapi.findings.records.readers import BreakGlass, ReadNotes
from skinapi.findings.records.review_service import ReviewsService
from skinapi.findings.records.reviews import Review
from skinapi.findings.records.service import RecordsService
from skinapi.findings.records.submission import Submission
from skinapi.findings.reports.narrator import Narrator
from skinapi.findings.reports.verification import Issued
from skinapi.integrations.keys.api_keys import ApiKey, SessionKey
from skinapi.integrations.keys.service import KeysService
from skinapi.integrations.oidc.service import RoundTrip
from skinapi.integrations.webhooks.endpoints import Endpoint
from skinapi.lab.dataset_images import DatasetImage
from skinapi.lab.dataset_versions import DatasetVersion
from skinapi.lab.uploads import UploadRecord
from skinapi.model.registry.prediction_pool import ServedModel
from skinapi.model.registry.serving_pointer import Serving
from skinapi.model.registry.stored_version import ModelVersion
from skinapi.platform.backups.backup import BackupMade, refuse_unfinished_restore
from skinapi.platform.backups.erased_ids import Erased
from skinapi.platform.jobs.job import Job
from skinapi.platform.jobs.job_logs import LogBatch
from skinapi.platform.notices.deliveries import Delivery
from skinapi.platform.notices.outbox import Notice
from skinapi.platform.storage.faults import Fault, blob_faults, document_faults, guarded
from skinapi.platform.storage.ports import Store
from skinapi.platform.storage.store_version import begin_migration, is_older, join_store
from skinapi.platform.stores import open_store
from skinapi.privacy.erasure.contents import AccountContents
from skinapi.privacy.erasure.people_to_reach import ReachService
from skinapi.privacy.erasure.receipts import Receipt
from skinapi.privacy.erasure.service import ErasureService
from skinapi.privacy.person_file.stored_files import PersonFile
from skinapi.privacy.retention.service import Announced, Pause, Run
from skinapi.privacy.signature import Signer

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


class Services(BaseServices):
    """The services that need no model, and the repositories that they share."""

    @cached_property
    def records(self) -> RecordsService:
        data, notes = self.data, ReadNotes(trail=self.data.trail)
        photos = KeptPhotos(
            blobs=self.store.blobs,
            trail=data.trail,
            policy=self.settings.photos,
            days=self.settings.retain_photos_days,
        )
        return RecordsService(
            work=data.work,
            submissions=data.submissions,
            spots=data.spots,
            queue=self.queue,
            accounts=data.accounts,
            consents=data.consents,
            photos=photos,
            thumbnails=Thumbnails(
                submissions=data.submissions, photos=photos, blobs=self.store.blobs, notes=notes
            ),
            notes=notes,
            outbox=data.outbox,
            models=self.models,
            break_glass=data.break_glass,
            retention=self.retention,
            erased=data.erased_ids,
            unassigned=self.unassigned,
        )

    @cached_property
    def reviews(self) -> ReviewsService:
        return ReviewsService(
            work=self.data.work,
            reviews=self.data.reviews,
            letters=self.data.letters,
            records=self.records,
            submissions=self.data.submissions,
            spots=self.data.spots,
            queue=self.queue,
            accounts=self.data.accounts,
            outcomes=self.data.outcome_counts,
            outbox=self.data.outbox,
        )

    @cached_property
    def corrections(self) -> CorrectionsService:
        return CorrectionsService(
            work=self.data.work,
            records=self.records,
            submissions=self.data.submissions,
            spots=self.data.spots,
            queue=self.queue,
            accounts=self.data.accounts,
            outcomes=self.data.outcome_counts,
            outbox=self.data.outbox,
        )

    @cached_property
    def care(self) -> CareService:
        return CareService(
            accounts=self.data.accounts,
            submissions=self.data.submissions,
            spots=self.data.spots,
            pointer=self.models.pointer,
            notes=self.records.notes,
            unassigned=self.unassigned,
        )

    @cached_property
    def cases(self) -> CasesService:
        return CasesService(
            work=self.data.work,
            accounts=self.data.accounts,
            submissions=self.data.submissions,
            records=self.records,
            outbox=self.data.outbox,
            trail=self.data.trail,
            assignments=self.assignments,
        )

    @cached_property
    def lesions(self) -> LesionsService:
        return LesionsService(
            work=self.data.work,
            lesions=self.data.lesions,
            spots=self.data.spots,
            counts=self.counts,
            records=self.records,
            accounts=self.data.accounts,
            messages=self.data.messages,
            owners=OwnerStatus(self.store),
            most=self.settings.most_lesions,
        )

    @cached_property
    def reminder_mailer(self) -> ReminderMailer:
        return ReminderMailer(
            self.store,
            lesions=self.data.lesions,
            spots=self.data.spots,
            outbox=self.data.outbox,
            failed=self.data.failed_items,
        )

    @cached_property
    def narrator(self) -> Narrator:
        data = self.data
        return Narrator(self.llm, self.checker, data.narratives, data.dropped_pairs, data.usage)

    @cached_property
    def letters(self) -> LettersService:
        return LettersService(
            work=self.data.work,
            letters=self.data.letters,
            records=self.records,
            lesions=self.lesions,
            outbox=self.data.outbox,
            consents=self.data.consents,
            llm=self.llm,
        )

    @cached_property
    def messages(self) -> MessagesService:
        return MessagesService(
            work=self.data.work,
            messages=self.data.messages,
            lesions=self.data.lesions,
            spots=self.data.spots,
            records=self.records,
            accounts=self.data.accounts,
            outbox=self.data.outbox,
        )

    @cached_property
    def inbox(self) -> InboxService:
        return InboxService(
            lesions=self.data.lesions,
            spots=self.data.spots,
            messages=self.data.messages,
            most=self.settings.most_lesions,
        )

    @cached_property
    def own_data(self) -> OwnDataService:
        return OwnDataService(
            records=self.records,
            letters=self.letters,
            lesions=self.lesions,
            messages=self.messages,
        )

    @cached_property
    def keys(self) -> KeysService:
        return KeysService(
            work=self.data.work,
            accounts=self.data.accounts,
            keys=self.data.keys,
            uses=self.data.key_uses,
            eraser=self.eraser,
            records=self.records,
            outbox=self.data.outbox,
            second_factor=self.second_factor,
            assignments=self.assignments,
        )

    @cached_property
    def erasure(self) -> ErasureService:
        data, settings = self.data, self.settings
        return ErasureService(
            work=data.work,
            store=self.store,
            accounts=data.accounts,
            eraser=self.eraser,
            second_factor=self.second_factor,
            receipts=data.receipts,
            contents=AccountContents(
                store=self.store,
                models=self.models,
                consents=data.consents,
                endpoints=data.webhook_endpoints,
                archive=settings.archive_after if settings.archive_url else None,
                mail=settings.mail_server is not None,
            ),
            retention=self.retention,
            to_reach=ReachService(
                work=data.work,
                people=data.people_to_reach,
                unassigned=self.unassigned,
                spots=data.spots,
                failed=data.failed_items,
                patients=self.patients,
            ),
            clock=data.clock,
            failed=data.failed_items,
            outbox=data.outbox,
            signer=Signer(settings.audit_secrets()),
            wait=timedelta(days=settings.deletion_wait_days),
            address=settings.address,
        )

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
            "letters": self.data.letters.faults(self.records.submissions.has),
            "reports": self.data.issued.faults(self.records.submissions.has),
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
        migrating = Services(settings, store, Repositories(settings, store))
        longest_s = math.inf if restoring else LONGEST_S
        joiner = JudgementJoiner(
            store=store,
            queue=migrating.queue,
            counts=migrating.counts,
            outcomes=migrating.data.outcome_counts,
        )
        migrate_store(store, migrating.data, migrating.queue, joiner, former, longest_s=longest_s)
    join_store(store, secrets=settings.audit_secrets(), change=change)
    data = Repositories(settings, store)
    services = Services(settings, store, data, served, workers_here)
    subscribe(
        data,
        cases=services.cases,
        counts=services.counts,
        records=services.records,
        jobs=services.jobs,
        lab=services.lab,
        erasure=services.erasure,
        archive_after=settings.archive_after if settings.archive_url else None,
    )
    return services
