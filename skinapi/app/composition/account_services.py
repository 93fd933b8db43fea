"""Builds the services of accounts, logins and passwords."""

from dataclasses import dataclass
from datetime import timedelta

from skinapi.accounts.admin.decisions import Assignments, DecisionsService
from skinapi.accounts.admin.service import AdminService
from skinapi.accounts.auth.account_deletion import Eraser
from skinapi.accounts.auth.authorizer import Authorizer, Tokens
from skinapi.accounts.auth.consents import ConsentsService
from skinapi.accounts.auth.passwords import PLACES, Authentication, Passwords
from skinapi.accounts.auth.recovery import RecoveryService
from skinapi.accounts.auth.second_factor import SecondFactorService
from skinapi.accounts.auth.service import AuthService
from skinapi.app.composition.repositories import Repositories
from skinapi.base.settings import Settings


@dataclass(frozen=True, slots=True)
class AccountServices:
    tokens: Tokens
    eraser: Eraser
    authorizer: Authorizer
    auth: AuthService
    consents: ConsentsService
    second_factor: SecondFactorService
    recovery: RecoveryService
    admin: AdminService
    decisions: DecisionsService
    assignments: Assignments


def open_account_services(settings: Settings, data: Repositories) -> AccountServices:
    work, accounts, limits, outbox = data.work, data.accounts, data.guess_limits, data.outbox
    initial_password_life = timedelta(hours=settings.initial_password_hours)
    tokens = Tokens(key=settings.signing_key())
    eraser = Eraser(work=work, accounts=accounts, failed=data.failed_items)
    # No more than half of the threads, so that the others can serve what needs no password.
    passwords = Passwords(places=max(1, min(PLACES, settings.threads // 2)))
    authentication = Authentication(
        accounts=accounts,
        passwords=passwords,
        guess_limits=limits,
        trail=data.trail,
        initial_password_life=initial_password_life,
    )
    assignments = Assignments(work=work, accounts=accounts, default=settings.default_doctor)
    second_factor = _open_second_factor(
        settings, data, passwords=passwords, authentication=authentication
    )
    return AccountServices(
        tokens=tokens,
        eraser=eraser,
        authorizer=_open_authorizer(settings, data, tokens=tokens),
        auth=AuthService(
            work=work,
            accounts=accounts,
            passwords=passwords,
            sessions=data.sessions,
            tokens=tokens,
            guess_limits=limits,
            password_page=settings.password_page,
            authentication=authentication,
            second_factor=second_factor,
            outbox=outbox,
        ),
        consents=ConsentsService(work=work, accounts=accounts, consents=data.consents),
        second_factor=second_factor,
        recovery=_open_recovery(
            data, passwords=passwords, authentication=authentication, life=initial_password_life
        ),
        admin=AdminService(
            work=work,
            accounts=accounts,
            eraser=eraser,
            passwords=passwords,
            guess_limits=limits,
            assignments=assignments,
            trail=data.trail,
            initial_password_life=initial_password_life,
            find_numbers=data.spots.numbers_of,
        ),
        decisions=DecisionsService(
            work=work, accounts=accounts, outbox=outbox, assignments=assignments
        ),
        assignments=assignments,
    )


def _open_second_factor(
    settings: Settings, data: Repositories, *, passwords: Passwords, authentication: Authentication
) -> SecondFactorService:
    return SecondFactorService(
        work=data.work,
        accounts=data.accounts,
        passwords=passwords,
        authentication=authentication,
        guess_limits=data.guess_limits,
        sessions=data.sessions,
        trail=data.trail,
        outbox=data.outbox,
        keys=settings.audit_secrets(),
        required_roles=settings.second_factor_roles,
    )


def _open_authorizer(settings: Settings, data: Repositories, *, tokens: Tokens) -> Authorizer:
    return Authorizer(
        accounts=data.accounts,
        sessions=data.sessions,
        tokens=tokens,
        metrics_token=settings.secret("metrics_token"),
        password_page=settings.password_page,
        open_clients=settings.open_clients,
        second_factor_roles=settings.second_factor_roles,
        account_page=settings.account_page,
        uses=data.account_uses,
    )


def _open_recovery(
    data: Repositories, *, passwords: Passwords, authentication: Authentication, life: timedelta
) -> RecoveryService:
    return RecoveryService(
        work=data.work,
        accounts=data.accounts,
        authentication=authentication,
        guess_limits=data.guess_limits,
        links=data.password_links,
        outbox=data.outbox,
        passwords=passwords,
        sessions=data.sessions,
        handed_link_life=life,
    )
