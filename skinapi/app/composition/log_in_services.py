"""Builds the service of the clinic's log-in (OpenID Connect)."""

from skinapi.app.composition.account_services import AccountServices
from skinapi.app.composition.repositories import Repositories
from skinapi.base.settings import Settings
from skinapi.integrations.oidc.people import People
from skinapi.integrations.oidc.service import OidcService, Speaker


def open_oidc(settings: Settings, data: Repositories, people: AccountServices) -> OidcService:
    return OidcService(
        work=data.work,
        accounts=data.accounts,
        sessions=data.sessions,
        auth=people.auth,
        second_factor=people.second_factor,
        people=People(
            accounts=data.accounts, sessions=data.sessions, assignments=people.assignments
        ),
        trips=data.round_trips,
        providers=_open_providers(settings),
        address=settings.address,
    )


def _open_providers(settings: Settings) -> dict[str, Speaker]:
    named = settings.log_in_providers
    if not named:
        return {}
    # Here, because its libraries take long to load, and most servers have no provider.
    from skinapi.integrations.oidc.provider import Provider  # noqa: PLC0415

    return {
        one.name: Provider(
            one,
            redirect_uri=f"{settings.address}/auth/oidc/{one.name}/callback",
            authorities=settings.trusted_authorities,
        )
        for one in named
    }
