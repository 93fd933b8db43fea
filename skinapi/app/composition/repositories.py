"""Opens the repositories: one for each kind of stored data, shared by the services."""

from skinapi.accounts.admin.usage import DailyCounts
from skinapi.accounts.auth.accounts import Accounts
from skinapi.accounts.auth.consents import Consents
from skinapi.accounts.auth.guess_limits import GuessLimits
from skinapi.accounts.auth.owners import AccountUses
from skinapi.accounts.auth.recovery import PasswordLinks
from skinapi.accounts.auth.sessions import Lifetimes, Sessions
from skinapi.base.errors import BrokenStore, Duplicate
from skinapi.base.settings import Settings
from skinapi.care.message_records import Messages
from skinapi.care.spot_records import Lesions
from skinapi.findings.records.deciding_review import Reviews
from skinapi.findings.records.letters import Letters
from skinapi.findings.records.outcomes import OutcomeCounts
from skinapi.findings.records.readers import BreakGlasses
from skinapi.findings.records.record_retention import Resting
from skinapi.findings.records.spots import Spots
from skinapi.findings.records.submissions import Submissions
from skinapi.findings.reports.narrator import DroppedPairs, NarrativeCache
from skinapi.findings.reports.verification import IssuedReports
from skinapi.integrations.keys.api_keys import ApiKeys, KeyUses
from skinapi.integrations.oidc.service import RoundTrips
from skinapi.integrations.webhooks.endpoints import Endpoints, WebhookEvents
from skinapi.lab.reviewed_findings import ContributedPictures
from skinapi.lab.uploads import LabRepositories
from skinapi.platform.audit import AuditTrail
from skinapi.platform.backups.erased_ids import ErasedIds
from skinapi.platform.notices.deliveries import Deliveries
from skinapi.platform.notices.outbox import Outbox
from skinapi.platform.storage.background import Totals
from skinapi.platform.storage.clock_watch import ClockWatch
from skinapi.platform.storage.failed_items import FailedItems
from skinapi.platform.storage.ports import Store
from skinapi.platform.storage.unit_of_work import UnitOfWork
from skinapi.privacy.erasure.people_to_reach import PeopleToReach
from skinapi.privacy.erasure.receipts import Receipts
from skinapi.privacy.person_file.stored_files import PersonFiles

TAKEN_TWICE = (
    "The accounts {} and {} share one e-mail address: restore a backup, or give one of them another"
    " address in the store"
)


class Repositories:
    """One for each kind of stored data. `usage` adds to `totals`."""

    def __init__(self, settings: Settings, store: Store) -> None:
        """Raises BrokenStore if two accounts share an e-mail address."""
        try:
            self.accounts = Accounts(store)
        except Duplicate as error:
            raise BrokenStore(TAKEN_TWICE.format(*_sharing_an_email(store))) from error
        key = settings.signing_key()
        self.trail = AuditTrail(store, secrets=settings.audit_secrets())
        self.work = UnitOfWork(store, self.trail)
        self.consents = Consents(store)
        self.account_uses = AccountUses(store, stored=settings.retain_accounts_days is not None)
        self.totals = Totals(store)
        self.usage = DailyCounts(store, self.totals)
        self.submissions, self.lesions = Submissions(store), Lesions(store)
        self.reviews = Reviews(store)
        self.spots = Spots(store, self.reviews)
        self.resting = Resting(store)
        self.messages = Messages(store)
        self.outcome_counts = OutcomeCounts(store)
        self.letters = Letters(store)
        self.break_glass = BreakGlasses(store, self.trail)
        self.issued = IssuedReports(store)
        self.narratives = NarrativeCache(store)
        self.dropped_pairs = DroppedPairs(store)
        self.sessions = Sessions(store, Lifetimes.of(settings))
        self.guess_limits = GuessLimits(store, key=key)
        self.password_links = PasswordLinks(store, key=key, console=settings.address)
        self.round_trips = RoundTrips(store)
        self.outbox = Outbox(store, enabled=settings.mail_server is not None)
        self.deliveries = Deliveries(store)
        self.keys = ApiKeys(store)
        self.key_uses = KeyUses(self.keys)
        self.webhook_endpoints = Endpoints(store)
        self.webhook_events = WebhookEvents(self.webhook_endpoints, self.deliveries)
        self.lab = LabRepositories(store, self.trail, self.work)
        self.contributed = ContributedPictures(self.lab, self.work)
        self.receipts = Receipts(store)
        self.people_to_reach = PeopleToReach(store)
        self.erased_ids = ErasedIds(store)
        self.failed_items = FailedItems(store)
        self.clock = ClockWatch(store)
        self.person_files = PersonFiles(store, self.work, self.outbox)


def _sharing_an_email(store: Store) -> tuple[str, str]:
    first = dict[str, str]()
    for account in store.collection("accounts").find(fields=("email",)):
        email = str(account.get("email", account["id"]))
        if first.setdefault(email, account["id"]) != account["id"]:
            return first[email], account["id"]
    raise AssertionError("a unique index refused what is unique")
