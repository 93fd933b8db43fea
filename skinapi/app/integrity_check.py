from collections.abc import Iterator, Mapping, Sequence
from typing import Any, get_type_hints

from pydantic import BaseModel

from skinapi.accounts.auth.account_search import search_faults
from skinapi.app.areas import list_areas
from skinapi.app.composition.repositories import Repositories
from skinapi.app.composition.services import Services
from skinapi.care.messages import UnansweredMessages
from skinapi.integrations.keys.api_keys import SessionKeys
from skinapi.model.registry.serving_pointer import ServingPointer
from skinapi.model.registry.version_records import ModelVersions
from skinapi.platform.backups.backup import BackupMade
from skinapi.platform.jobs.job_logs import JobLogs
from skinapi.platform.jobs.job_queue import Jobs
from skinapi.platform.storage.faults import Fault, blob_faults, document_faults, guarded
from skinapi.platform.storage.numbers import FINDINGS
from skinapi.platform.storage.records import Repository


def list_record_types() -> Mapping[str, type[BaseModel]]:
    """Include the collections of inactive areas."""
    kinds = get_type_hints(Repositories).values()
    stores: Sequence[type[Repository[Any]]] = (
        *(kind for kind in kinds if issubclass(kind, Repository)),
        *(SessionKeys, ModelVersions, ServingPointer, Jobs, JobLogs),
        *(store for area in list_areas() for store in area.stores),
    )
    return {
        **{store.collection: store.record for store in stores},
        "backups": BackupMade,
    }


def check_integrity(services: Services) -> Iterator[Fault]:
    yield from check_records(services)
    yield from check_trail(services)


def check_trail(services: Services) -> Iterator[Fault]:
    yield from guarded("the audit trail", services.data.trail.check_integrity())
    yield from guarded("the admins' audit rows", _unexplained_admins(services))


def check_records(services: Services) -> Iterator[Fault]:
    data, findings = services.data, services.findings
    searches = {
        "documents": document_faults(services.store, list_record_types()),
        "stored files": blob_faults(services.store, {FINDINGS: findings.note_lost}),
        "erasures": services.erasure.check_integrity(),
        "the search of accounts": search_faults(services.store),
        "findings": findings.check_integrity(),
        "spots": services.lesions.check_integrity(),
        "messages": data.messages.check_integrity(services.lesions.has),
        "unanswered messages": services.get(UnansweredMessages).check_integrity(),
        "reviews": services.reviews.check_integrity(),
        "second opinions": data.second_opinions.check_integrity(data.findings.has),
        "letters": data.letters.check_integrity(data.findings.has),
        "reports": data.issued.check_integrity(data.findings.has),
        **{
            subject: services.get(checked).check_integrity()
            for area in list_areas()
            for subject, checked in area.checks.items()
        },
        "jobs": services.jobs.check_integrity(),
        "models": services.models.check_integrity(),
    }
    for subject, found in searches.items():
        for fault in guarded(subject, found):
            yield _keep_unless_erased(services, fault)


def _keep_unless_erased(services: Services, fault: Fault) -> Fault:
    if fault.gone is None or services.data.erased_ids.has(fault.gone):
        return fault
    return Fault(f"{fault.message} and was not erased: the id may be damaged; nothing is deleted")


def _unexplained_admins(services: Services) -> Iterator[Fault]:
    for admin in services.data.accounts.list_active_admins():
        if not services.data.trail.find_newest("account.role_admin", target=admin):
            yield Fault(f"no audit row says who made the account {admin} an admin")
