"""Builds the services of accounts, log-ins, models, jobs and the lab, and what the services of
findings and care share.
"""

from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property, partial
from typing import TYPE_CHECKING

from skinapi.accounts.admin.decisions import Assignments, DecisionsService
from skinapi.accounts.admin.service import AdminService
from skinapi.accounts.auth.account_deletion import Eraser
from skinapi.accounts.auth.authorizer import Authorizer, Tokens
from skinapi.accounts.auth.consents import ConsentsService
from skinapi.accounts.auth.email_addresses import normalise_email, spellings_of
from skinapi.accounts.auth.owners import OwnerStatus
from skinapi.accounts.auth.passwords import PLACES, Authentication, Passwords
from skinapi.accounts.auth.recovery import RecoveryService
from skinapi.accounts.auth.second_factor import SecondFactorService
from skinapi.accounts.auth.service import AuthService
from skinapi.app.composition.repositories import Repositories
from skinapi.base.settings import Settings
from skinapi.care.messages import find_unanswered
from skinapi.care.reminders import LesionCounts
from skinapi.findings.records.record_retention import RecordRetention
from skinapi.findings.records.review_queue import Clinic, ReviewQueue, UnassignedPatients
from skinapi.findings.reports.narrator import open_checker, open_llm
from skinapi.findings.reports.openrouter import OpenRouterClient
from skinapi.integrations.oidc.people import People
from skinapi.integrations.oidc.service import OidcService
from skinapi.integrations.patients import PatientsService
from skinapi.integrations.webhooks.addresses import Addresses
from skinapi.integrations.webhooks.endpoints import Secrets
from skinapi.integrations.webhooks.service import WebhooksService
from skinapi.lab.composition import LabServices, open_lab_services
from skinapi.lab.reference import CurrentReference
from skinapi.lab.reviewed_findings import ReviewedFindings
from skinapi.model.registry.composition import open_models
from skinapi.model.registry.prediction_pool import ServedModel
from skinapi.model.registry.version_service import ModelsService
from skinapi.platform.jobs.announcements import Announcer, open_broker
from skinapi.platform.jobs.job_queue import Jobs
from skinapi.platform.jobs.service import JobsService
from skinapi.platform.storage.ports import Store

if TYPE_CHECKING:
    from skinapi.integrations.oidc.provider import Provider


@dataclass(frozen=True)
class BaseServices:
    """Each service is built when it is first asked for. `served` is the model that this process
    serves; `workers_here`: this server keeps the job workers.
    """

    settings: Settings
    store: Store
    data: Repositories
    served: ServedModel | None = None
    workers_here: bool = False

    @cached_property
    def tokens(self) -> Tokens:
        return Tokens(key=self.settings.signing_key())

    @cached_property
    def eraser(self) -> Eraser:
        data = self.data
        return Eraser(work=data.work, accounts=data.accounts, failed=data.failed_items)

    @cached_property
    def passwords(self) -> Passwords:
        # No more than half of the threads, so that the others can serve what needs no password.
        return Passwords(places=max(1, min(PLACES, self.settings.threads // 2)))

    @cached_property
    def initial_password_life(self) -> timedelta:
        return timedelta(hours=self.settings.initial_password_hours)

    @cached_property
    def authentication(self) -> Authentication:
        return Authentication(
            accounts=self.data.accounts,
            passwords=self.passwords,
            guess_limits=self.data.guess_limits,
            trail=self.data.trail,
            initial_password_life=self.initial_password_life,
        )

    @cached_property
    def assignments(self) -> Assignments:
        return Assignments(
            work=self.data.work,
            accounts=self.data.accounts,
            default=self.settings.default_doctor,
        )

    @cached_property
    def second_factor(self) -> SecondFactorService:
        return SecondFactorService(
            work=self.data.work,
            accounts=self.data.accounts,
            passwords=self.passwords,
            authentication=self.authentication,
            guess_limits=self.data.guess_limits,
            sessions=self.data.sessions,
            trail=self.data.trail,
            outbox=self.data.outbox,
            keys=self.settings.audit_secrets(),
            required_roles=self.settings.second_factor_roles,
        )

    @cached_property
    def authorizer(self) -> Authorizer:
        return Authorizer(
            accounts=self.data.accounts,
            sessions=self.data.sessions,
            tokens=self.tokens,
            metrics_token=self.settings.secret("metrics_token"),
            password_page=self.settings.password_page,
            open_clients=self.settings.open_clients,
            second_factor_roles=self.settings.second_factor_roles,
            account_page=self.settings.account_page,
            uses=self.data.account_uses,
        )

    @cached_property
    def auth(self) -> AuthService:
        return AuthService(
            work=self.data.work,
            accounts=self.data.accounts,
            passwords=self.passwords,
            sessions=self.data.sessions,
            tokens=self.tokens,
            guess_limits=self.data.guess_limits,
            password_page=self.settings.password_page,
            authentication=self.authentication,
            second_factor=self.second_factor,
            outbox=self.data.outbox,
        )

    @cached_property
    def consents(self) -> ConsentsService:
        data = self.data
        return ConsentsService(work=data.work, accounts=data.accounts, consents=data.consents)

    @cached_property
    def recovery(self) -> RecoveryService:
        return RecoveryService(
            work=self.data.work,
            accounts=self.data.accounts,
            authentication=self.authentication,
            guess_limits=self.data.guess_limits,
            links=self.data.password_links,
            outbox=self.data.outbox,
            passwords=self.passwords,
            sessions=self.data.sessions,
            handed_link_life=self.initial_password_life,
        )

    @cached_property
    def admin(self) -> AdminService:
        return AdminService(
            work=self.data.work,
            accounts=self.data.accounts,
            eraser=self.eraser,
            passwords=self.passwords,
            guess_limits=self.data.guess_limits,
            assignments=self.assignments,
            trail=self.data.trail,
            initial_password_life=self.initial_password_life,
            find_numbers=self.data.spots.numbers_of,
            count_waiting=self.data.submissions.count_waiting_by,
        )

    @cached_property
    def decisions(self) -> DecisionsService:
        return DecisionsService(
            work=self.data.work,
            accounts=self.data.accounts,
            outbox=self.data.outbox,
            assignments=self.assignments,
        )

    @cached_property
    def oidc(self) -> OidcService:
        accounts, sessions = self.data.accounts, self.data.sessions
        return OidcService(
            work=self.data.work,
            accounts=accounts,
            sessions=sessions,
            auth=self.auth,
            second_factor=self.second_factor,
            people=People(accounts=accounts, sessions=sessions, assignments=self.assignments),
            trips=self.data.round_trips,
            providers=_open_providers(self.settings),
            address=self.settings.address,
        )

    @cached_property
    def patients(self) -> PatientsService:
        return PatientsService(
            work=self.data.work,
            accounts=self.data.accounts,
            secrets=self.settings.audit_secrets(),
            assignments=self.assignments,
        )

    @cached_property
    def webhooks(self) -> WebhooksService:
        return WebhooksService(
            work=self.data.work,
            endpoints=self.data.webhook_endpoints,
            deliveries=self.data.deliveries,
            secrets=Secrets(self.settings.audit_secrets()),
            addresses=Addresses(self.settings.webhook_networks),
            accounts=self.data.accounts,
            outbox=self.data.outbox,
        )

    @cached_property
    def models(self) -> ModelsService:
        return open_models(
            self.settings,
            self.store,
            self.data.work,
            reference=CurrentReference(self.data.lab.datasets),
            served=self.served,
        )

    @cached_property
    def llm(self) -> OpenRouterClient | None:
        return open_llm(self.settings, self.store)

    @cached_property
    def checker(self) -> OpenRouterClient | None:
        return open_checker(self.settings, self.store)

    @cached_property
    def jobs(self) -> JobsService:
        broker = open_broker(self.settings.broker_uri)
        return JobsService(
            work=self.data.work,
            queue=Jobs(self.store, on_ended=self.data.webhook_events.on_job_ended),
            owners=OwnerStatus(self.store),
            announcer=Announcer(broker) if broker else None,
            workers_here=self.workers_here,
        )

    @cached_property
    def lab(self) -> LabServices:
        findings = ReviewedFindings(
            store=self.store,
            reviews=self.data.reviews,
            submissions=self.data.submissions,
            accounts=self.data.accounts,
        )
        return open_lab_services(
            self.settings,
            self.data.lab,
            contributed=self.data.contributed,
            findings=findings,
            jobs=self.jobs,
            models=self.models,
        )

    @cached_property
    def counts(self) -> LesionCounts:
        most = self.settings.most_lesion_findings
        return LesionCounts(self.data.lesions, self.data.spots, most=most)

    @cached_property
    def unassigned(self) -> UnassignedPatients:
        return UnassignedPatients(
            accounts=self.data.accounts,
            submissions=self.data.submissions,
            spots=self.data.spots,
            outbox=self.data.outbox,
            failed=self.data.failed_items,
            seen_by=_spellings(self.settings.unassigned_seen_by),
            review_days=self.settings.review_within_days,
            clinic=Clinic(self.settings.clinic_name, self.settings.clinic_phone),
            find_unanswered=partial(
                find_unanswered, self.data.messages, self.data.lesions, self.data.submissions
            ),
        )

    @cached_property
    def queue(self) -> ReviewQueue:
        return ReviewQueue(
            work=self.data.work,
            submissions=self.data.submissions,
            spots=self.data.spots,
            accounts=self.data.accounts,
        )

    @cached_property
    def retention(self) -> RecordRetention:
        return RecordRetention(
            years=self.settings.record_retention,
            submissions=self.data.submissions,
            spots=self.data.spots,
            reviews=self.data.reviews,
            letters=self.data.letters,
            clock=self.data.clock,
        )


def _open_providers(settings: Settings) -> "dict[str, Provider]":
    named = settings.log_in_providers
    if not named:
        return {}
    # Here, because its libraries take long to load, and most servers have no provider.
    from skinapi.integrations.oidc.provider import Provider  # noqa: PLC0415

    return {
        described.name: Provider(
            described,
            redirect_uri=f"{settings.address}/auth/oidc/{described.name}/callback",
            authorities=settings.trusted_authorities,
        )
        for described in named
    }


def _spellings(emails: frozenset[str] | None) -> frozenset[str] | None:
    """These addresses as accounts may have them. One that is none names nobody."""
    if emails is None:
        return None
    found = set[str]()
    for email in emails:
        with suppress(ValueError):
            found.update(spellings_of(normalise_email(email)))
    return frozenset(found)
