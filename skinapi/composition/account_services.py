"""Builds the services of accounts, logins and passwords."""

from datetime import timedelta

from skinapi.admin.service import AdminService
from skinapi.auth.account_deletion import Eraser
from skinapi.auth.accounts import TEACHING_CONSENT
from skinapi.auth.passwords import Authentication, Passwords
from skinapi.auth.recovery import RecoveryService
from skinapi.auth.second_factor import SecondFactorService
from skinapi.auth.service import AuthService
from skinapi.auth.tokens import Guard, Tokens
from skinapi.composition.repositories import Repositories
from skinapi.settings import Settings


def open_guard(
    settings: Settings, data: Repositories, tokens: Tokens, second_factor: SecondFactorService
) -> Guard:
    return Guard(
        accounts=data.accounts,
        sessions=data.sessions,
        tokens=tokens,
        metrics_token=settings.secret("metrics_token"),
        password_page=settings.password_page,
        open_clients=settings.open_clients,
        lacks_second_factor=second_factor.is_missing,
        account_page=settings.account_page,
    )


def open_authentication(
    settings: Settings, data: Repositories, passwords: Passwords
) -> Authentication:
    return Authentication(
        accounts=data.accounts,
        passwords=passwords,
        guess_limits=data.guess_limits,
        trail=data.trail,
        initial_password_life=timedelta(hours=settings.initial_password_hours),
    )


def open_second_factor(
    settings: Settings, data: Repositories, passwords: Passwords, authentication: Authentication
) -> SecondFactorService:
    return SecondFactorService(
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


def open_recovery(
    settings: Settings, data: Repositories, passwords: Passwords, authentication: Authentication
) -> RecoveryService:
    return RecoveryService(
        accounts=data.accounts,
        authentication=authentication,
        guess_limits=data.guess_limits,
        links=data.password_links,
        outbox=data.outbox,
        passwords=passwords,
        sessions=data.sessions,
        trail=data.trail,
        handed_link_life=timedelta(hours=settings.initial_password_hours),
    )


def open_auth(
    settings: Settings,
    data: Repositories,
    tokens: Tokens,
    passwords: Passwords,
    authentication: Authentication,
    second_factor: SecondFactorService,
) -> AuthService:
    return AuthService(
        accounts=data.accounts,
        passwords=passwords,
        sessions=data.sessions,
        tokens=tokens,
        guess_limits=data.guess_limits,
        trail=data.trail,
        password_page=settings.password_page,
        authentication=authentication,
        second_factor=second_factor,
        count_account=data.usage.add_account,
        outbox=data.outbox,
        on_withdrawal={TEACHING_CONSENT: data.contributed.withdraw},
    )


def open_admin(
    settings: Settings, data: Repositories, eraser: Eraser, passwords: Passwords
) -> AdminService:
    return AdminService(
        accounts=data.accounts,
        eraser=eraser,
        passwords=passwords,
        trail=data.trail,
        reset_guesses=data.guess_limits.reset,
        initial_password_life=timedelta(hours=settings.initial_password_hours),
        count_account=data.usage.add_account,
        outbox=data.outbox,
    )
