"""The repositories: one for each kind of stored data, shared by the services."""

from typing import Any, get_type_hints

from skinapi.accounts.admin.acts import Acts
from skinapi.accounts.admin.usage import DailyCounts
from skinapi.accounts.auth.accounts import Accounts
from skinapi.accounts.auth.consents import Consents
from skinapi.accounts.auth.guess_limits import GuessLimits
from skinapi.accounts.auth.owners import AccountUses
from skinapi.accounts.auth.recovery import PasswordLinks
from skinapi.accounts.auth.sessions import Lifetimes, Sessions
from skinapi.base.container import Parts
from skinapi.base.errors import BrokenStore, Duplicate
from skinapi.base.settings.settings import Settings
from skinapi.care.lesion_records import Lesions
from skinapi.care.message_records import Messages
from skinapi.findings.records.break_glasses import BreakGlasses
from skinapi.findings.records.finding_records import FindingRecords
from skinapi.findings.records.letters import Letters
from skinapi.findings.records.record_retention import UntouchedFindings
from skinapi.findings.reports.checker_records import CheckerRecords
from skinapi.findings.reports.kept_answers import DroppedPairs, KeptAnswers
from skinapi.findings.reports.verification import IssuedReports
from skinapi.findings.reviews.outcomes import OutcomeCounts
from skinapi.findings.status.reviews import Reviews
from skinapi.integrations.keys.api_keys import ApiKeys
from skinapi.platform.audit.trail import AuditTrail
from skinapi.platform.backups.erased_ids import ErasedIds
from skinapi.platform.notices.deliveries import Deliveries
from skinapi.platform.notices.outbox import Outbox
from skinapi.platform.storage.background import Totals
from skinapi.platform.storage.clock_watch import ClockWatch
from skinapi.platform.storage.failed_items import FailedItems
from skinapi.platform.storage.ports import Store
from skinapi.platform.storage.records import Repository
from skinapi.platform.storage.unit_of_work import UnitOfWork
from skinapi.privacy.erasure.people_to_reach import PeopleToReach
from skinapi.privacy.erasure.receipts import Receipts
from skinapi.privacy.person_file.stored_files import PersonFiles

TAKEN_TWICE = (
    "The accounts {} and {} share one e-mail address: restore a backup, or give one of them another"
    " address in the store"
)


class Repositories(Parts):
    """Holds a repository for each kind of stored data."""

    accounts: Accounts
    acts: Acts
    trail: AuditTrail
    work: UnitOfWork
    consents: Consents
    account_uses: AccountUses
    totals: Totals
    usage: DailyCounts
    findings: FindingRecords
    lesions: Lesions
    reviews: Reviews
    resting: UntouchedFindings
    messages: Messages
    outcome_counts: OutcomeCounts
    letters: Letters
    break_glass: BreakGlasses
    issued: IssuedReports
    kept_answers: KeptAnswers
    checker_records: CheckerRecords
    dropped_pairs: DroppedPairs
    sessions: Sessions
    guess_limits: GuessLimits
    password_links: PasswordLinks
    outbox: Outbox
    deliveries: Deliveries
    keys: ApiKeys
    receipts: Receipts
    people_to_reach: PeopleToReach
    erased_ids: ErasedIds
    failed_items: FailedItems
    clock: ClockWatch
    person_files: PersonFiles


def list_stores() -> list[type[Repository[Any]]]:
    """List those of them that keep records of one kind in a collection of their own."""
    kinds = get_type_hints(Repositories).values()
    return [kind for kind in kinds if issubclass(kind, Repository)]


def repository_values(settings: Settings) -> dict[Any, dict[str, Any]]:
    """Return what no type tells apart of what each class is given."""
    key = settings.signing_key()
    return {
        AuditTrail: {"secrets": settings.audit_secrets()},
        CheckerRecords: {"models": settings.checker_models},
        AccountUses: {"stored": settings.retain_accounts_days is not None},
        Sessions: {"lifetimes": Lifetimes.from_settings(settings)},
        GuessLimits: {"key": key},
        PasswordLinks: {"key": key, "console": settings.address},
        Outbox: {"enabled": settings.mail_server is not None},
    }


def open_accounts(store: Store) -> Accounts:
    """Raises BrokenStore if two accounts share an e-mail address."""
    try:
        return Accounts(store)
    except Duplicate as error:
        raise BrokenStore(TAKEN_TWICE.format(*_sharing_an_email(store))) from error


def _sharing_an_email(store: Store) -> tuple[str, str]:
    first = dict[str, str]()
    for account in store.collection("accounts").find(fields=("email",)):
        email = str(account.get("email", account["id"]))
        if first.setdefault(email, account["id"]) != account["id"]:
            return first[email], account["id"]
    raise AssertionError("a unique index refused what is unique")
