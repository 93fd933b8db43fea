from skinapi.accounts.admin.usage import DailyCounts
from skinapi.accounts.auth.accounts import Accounts
from skinapi.accounts.auth.consents import Consents
from skinapi.accounts.auth.erasure_guard import ErasureGuard
from skinapi.accounts.auth.guess_limits import GuessLimits
from skinapi.accounts.auth.moved_accounts import MovedAccounts
from skinapi.accounts.auth.owners import AccountUses
from skinapi.accounts.auth.recovery import PasswordLinks
from skinapi.accounts.auth.sessions import Sessions
from skinapi.base.container import Parts
from skinapi.care.message_records import Messages
from skinapi.care.second_opinions import SecondOpinions
from skinapi.findings.records.finding_records import FindingRecords
from skinapi.findings.records.lesions import Lesions
from skinapi.findings.records.letters import Letters
from skinapi.findings.records.waiting_spots import WaitingSpots
from skinapi.findings.reports.checker_records import CheckerRecords
from skinapi.findings.reports.kept_answers import KeptAnswers
from skinapi.findings.reports.verification import IssuedReports
from skinapi.findings.reviews.outcomes import OutcomeCounts
from skinapi.findings.status.reviews import Reviews
from skinapi.integrations.keys.api_keys import ApiKeys
from skinapi.platform.audit.trail import AuditTrail
from skinapi.platform.backups.erased_ids import ErasedIds
from skinapi.platform.notices.deliveries import Deliveries
from skinapi.platform.notices.outbox import Outbox
from skinapi.platform.storage.background import Totals
from skinapi.platform.storage.failed_items import FailedItems
from skinapi.platform.storage.unit_of_work import UnitOfWork
from skinapi.privacy.erasure.receipts import Receipts
from skinapi.privacy.person_file.stored_files import PersonFiles


class Repositories(Parts):
    accounts: Accounts
    moved_accounts: MovedAccounts
    trail: AuditTrail
    work: UnitOfWork
    consents: Consents
    account_uses: AccountUses
    totals: Totals
    usage: DailyCounts
    findings: FindingRecords
    lesions: Lesions
    waiting: WaitingSpots
    reviews: Reviews
    second_opinions: SecondOpinions
    messages: Messages
    outcome_counts: OutcomeCounts
    letters: Letters
    issued: IssuedReports
    kept_answers: KeptAnswers
    checker_records: CheckerRecords
    sessions: Sessions
    guess_limits: GuessLimits
    password_links: PasswordLinks
    outbox: Outbox
    deliveries: Deliveries
    keys: ApiKeys
    receipts: Receipts
    erased_ids: ErasedIds
    failed_items: FailedItems
    erasure_guard: ErasureGuard
    person_files: PersonFiles
