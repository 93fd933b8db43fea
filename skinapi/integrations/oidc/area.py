from pathlib import Path
from typing import TYPE_CHECKING

from skinapi.base.container import Container
from skinapi.base.settings.settings import Settings
from skinapi.integrations.oidc.routes import routes
from skinapi.integrations.oidc.service import OidcService, RoundTrips
from skinapi.integrations.oidc.settings import LogInProviderSettings
from skinapi.platform.area import Area, ConsolePart

if TYPE_CHECKING:
    from skinapi.integrations.oidc.provider import Provider


def _open_oidc(
    container: Container, settings: LogInProviderSettings, server: Settings
) -> OidcService:
    providers, address = _open_providers(settings, server), server.address
    return container.build(OidcService, providers=providers, address=address)


def _open_providers(settings: LogInProviderSettings, server: Settings) -> "dict[str, Provider]":
    named = settings.log_in_providers
    if not named:
        return {}
    # Here, because its libraries take long to load, and most servers have no provider.
    from skinapi.integrations.oidc.provider import Provider  # noqa: PLC0415

    return {
        described.name: Provider(
            described,
            redirect_uri=f"{server.address}/auth/oidc/{described.name}/callback",
            authorities=server.trusted_authorities,
        )
        for described in named
    }


def _list_log_ins(settings: LogInProviderSettings) -> dict[str, object]:
    return {
        provider.name: {
            "label": provider.shown_name,
            "start": f"/auth/oidc/{provider.name}/start",
        }
        for provider in settings.log_in_providers
    }


AREA = Area(
    name="oidc",
    blueprint="auth",
    summary="log-in at the clinic's own provider",
    page="docs/integrate/log_in.md",
    routes=((routes, OidcService),),
    stores=(RoundTrips,),
    factories=(_open_oidc,),
    log_ins=_list_log_ins,
    console=ConsolePart(
        folder=Path(__file__).parent,
        views={"back": "back.js"},
        open=("back",),
        sections={"integrations": {"log_in": "providers.js"}},
    ),
)
