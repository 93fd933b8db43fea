"""Opens the repositories: one for each kind of stored data, shared by the services."""

from dataclasses import dataclass

from skinapi.accounts.admin.usage import DailyCounts, PhotoCounts
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
from skinapi.findings.records.letters import Letters
from skinapi.findings.records.outcomes import OutcomeCounts
from skinapi.findings.records.readers import BreakGlasses
from skinapi.findings.records.record_retention import Resting
from skinapi.findings.records.reviews import Reviews
from skinapi.findings.records.spots import Spots
from skinapi.findings.records.submissions import Submissions
from skinapi.findings.reports.narrator import NarrativeCache
from skinapi.findings.reports.verification import IssuedReports
from skinapi.integrations.keys.api_keys import ApiKeys, KeyUses
from skinapi.integrations.oidc.service import RoundTrips
from skinapi.integrations.webhooks.endpoints import Endpoints, WebhookEvents
from skinapi.lab.reviewed_findings import ContributedPictures
from skinapi.lab.uploads import LabRepositories
from skinapi.model.registry.drift_counts import WeeklyCounts
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


@dataclass(frozen=True)
class Repositories:
    """One for each kind of stored data. `photo_counts` counts in `usage` and in `weekly_counts`,
    which add to `totals`.
    """

    work: UnitOfWork
    accounts: Accounts
    consents: Consents
    account_uses: AccountUses
    trail: AuditTrail
    totals: Totals
    usage: DailyCounts
    weekly_counts: WeeklyCounts
    photo_counts: PhotoCounts
    submissions: Submissions
    spots: Spots
    lesions: Lesions
    resting: Resting
    messages: Messages
    reviews: Reviews
    outcome_counts: OutcomeCounts
    letters: Letters
    break_glass: BreakGlasses
    issued: IssuedReports
    narratives: NarrativeCache
    sessions: Sessions
    guess_limits: GuessLimits
    password_links: PasswordLinks
    round_trips: RoundTrips
    outbox: Outbox
    deliveries: Deliveries
    keys: ApiKeys
    key_uses: KeyUses
    webhook_endpoints: Endpoints
    webhook_events: WebhookEvents
    lab: LabRepositories
    contributed: ContributedPictures
    receipts: Receipts
    people_to_reach: PeopleToReach
    erased_ids: ErasedIds
    failed_items: FailedItems
    clock: ClockWatch
    person_files: PersonFiles


def open_repositories(settings: Settings, store: Store) -> Repositories:
    """Raises BrokenStore if two accounts share an e-mail address."""
    try:
        accounts = Accounts(store)
    except Duplicate as error:
        raise BrokenStore(TAKEN_TWICE.format(*_sharing_an_email(store))) from error
    totals = Totals(store)
    deliveries, endpoints = Deliveries(store), Endpoints(store)
    usage, weekly_counts = DailyCounts(store, totals), WeeklyCounts(store, totals)
    trail = AuditTrail(store, secrets=settings.audit_secrets())
    work = UnitOfWork(store, trail)
    outbox = Outbox(store, enabled=settings.mail_server is not None)
    lab, keys = LabRepositories(store, trail, work), ApiKeys(store)
    reviews = Reviews(store)
    spots = Spots(store, reviews)
    return Repositories(
        work=work,
        accounts=accounts,
        consents=Consents(store),
        account_uses=AccountUses(store, stored=settings.retain_accounts_days is not None),
        trail=trail,
        totals=totals,
        usage=usage,
        weekly_counts=weekly_counts,
        photo_counts=PhotoCounts(daily=usage, weekly=weekly_counts),
        submissions=Submissions(store),
        lesions=Lesions(store),
        spots=spots,
        resting=Resting(store),
        messages=Messages(store),
        reviews=reviews,
        outcome_counts=OutcomeCounts(store),
        letters=Letters(store),
        break_glass=BreakGlasses(store, trail),
        issued=IssuedReports(store),
        narratives=NarrativeCache(store),
        sessions=Sessions(store, Lifetimes.of(settings)),
        guess_limits=GuessLimits(store, key=settings.signing_key()),
        password_links=PasswordLinks(store, key=settings.signing_key(), console=settings.address),
        round_trips=RoundTrips(store),
        outbox=outbox,
        keys=keys,
        key_uses=KeyUses(keys),
        deliveries=deliveries,
        webhook_endpoints=endpoints,
        webhook_events=WebhookEvents(endpoints, deliveries),
        lab=lab,
        contributed=ContributedPictures(lab, work),
        receipts=Receipts(store),
        people_to_reach=PeopleToReach(store),
        erased_ids=ErasedIds(store),
        failed_items=FailedItems(store),
        clock=ClockWatch(store),
        person_files=PersonFiles(store, work, outbox),
    )


def _sharing_an_email(store: Store) -> tuple[str, str]:
    first = dict[str, str]()
    for one in store.collection("accounts").find(fields=("email",)):
        email = str(one.get("email", one["id"]))
        if first.setdefault(email, one["id"]) != one["id"]:
            return first[email], one["id"]
    raise AssertionError("a unique index refused what is unique")
