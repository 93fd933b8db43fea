"""Builds the services of doctors and their patients: lists, cases, spots, letters, messages."""

from dataclasses import dataclass

from skinapi.accounts.admin.decisions import Assignments
from skinapi.accounts.auth.owners import OwnerStatus
from skinapi.app.composition.repositories import Repositories
from skinapi.base.settings import Settings
from skinapi.care.cases import CasesService
from skinapi.care.inbox import InboxService
from skinapi.care.letters import LettersService
from skinapi.care.messages import MessagesService
from skinapi.care.queue import CareService
from skinapi.care.reminders import LesionCounts, ReminderMailer
from skinapi.care.spots import LesionsService
from skinapi.findings.records.service import RecordsService
from skinapi.model.registry.serving_pointer import ServingPointer
from skinapi.platform.storage.ports import Store


@dataclass(frozen=True, slots=True)
class CareServices:
    care: CareService
    cases: CasesService
    lesions: LesionsService
    reminder_mailer: ReminderMailer
    letters: LettersService
    messages: MessagesService
    inbox: InboxService


def open_care_services(
    settings: Settings,
    store: Store,
    data: Repositories,
    *,
    records: RecordsService,
    counts: LesionCounts,
    pointer: ServingPointer,
    assignments: Assignments,
) -> CareServices:
    lesions = LesionsService(
        work=data.work,
        lesions=data.lesions,
        spots=data.spots,
        counts=counts,
        records=records,
        accounts=data.accounts,
        messages=data.messages,
        owners=OwnerStatus(store),
        most=settings.most_lesions,
    )
    return CareServices(
        care=CareService(
            accounts=data.accounts,
            submissions=data.submissions,
            spots=data.spots,
            pointer=pointer,
            notes=records.notes,
            unassigned=records.unassigned,
        ),
        cases=CasesService(
            work=data.work,
            accounts=data.accounts,
            submissions=data.submissions,
            records=records,
            outbox=data.outbox,
            trail=data.trail,
            assignments=assignments,
        ),
        lesions=lesions,
        reminder_mailer=ReminderMailer(
            store,
            lesions=data.lesions,
            spots=data.spots,
            outbox=data.outbox,
            failed=data.failed_items,
        ),
        letters=LettersService(
            work=data.work,
            letters=data.letters,
            records=records,
            lesions=lesions,
            outbox=data.outbox,
        ),
        messages=MessagesService(
            work=data.work,
            messages=data.messages,
            lesions=data.lesions,
            spots=data.spots,
            records=records,
            accounts=data.accounts,
            outbox=data.outbox,
        ),
        inbox=InboxService(
            lesions=data.lesions,
            spots=data.spots,
            messages=data.messages,
            most=settings.most_lesions,
        ),
    )
