"""What the server refuses to start with."""

import re
from datetime import UTC, datetime

from skinapi.errors import UnsafeSettings
from skinapi.settings import Settings
from skinapi.settings.instance_folder import refuse_shared
from skinapi.settings.mail_address import is_mail_address
from skinapi.settings.secret_keys import looks_made_up
from skinapi.settings.value_checks import (
    LONGEST_URL,
    MEMORY,
    asks_for_password,
    is_header_token,
    is_in_private_network,
    is_origin,
    is_rate,
    is_url,
    stays_private,
)

SHORTEST_TOKEN = 16
# Tokens end in 2242, and with a clock in the year 9999 no date lies an hour ahead.
LAST_YEAR = 2200
LISTEN_ADDRESS = re.compile(r"(\[[0-9a-fA-F:.%]+\]|[^\s:,/\[\]]+):(\d{1,5})")
SECRETS_OF_HEADERS = ("openrouter_api_key", "metrics_token")


def refuse_unsafe(settings: Settings) -> None:
    """Raises UnsafeSettings if it would not be safe to serve patients with these settings."""
    year = datetime.now(UTC).year
    if year > LAST_YEAR:
        raise UnsafeSettings(
            f"The clock of this machine says that the year is {year}: set it right"
        )
    if settings.production:
        _refuse_unset(settings)
    refuse_shared(settings.instance_dir)
    for address in settings.binds:
        named = LISTEN_ADDRESS.fullmatch(address)
        if not named or not 0 < int(named[2]) <= 65535:
            raise UnsafeSettings("BIND must name host:port, several separated by one comma")
    if settings.open_lab and not settings.loopback:
        raise UnsafeSettings("OPEN_LAB=true needs BIND on 127.0.0.1 alone, without a proxy")
    _refuse_addresses(settings)
    _refuse_secrets_of_headers(settings)
    _refuse_rates(settings)
    if settings.production:
        _refuse_for_production(settings)


def _refuse_unset(settings: Settings) -> None:
    """All that production needs, in one error: else each start would name one more."""
    unset = []
    try:
        settings.signing_key()
    except UnsafeSettings as error:
        unset.append(error.detail)
    if settings.mongo_uri is None and "instance_dir" not in settings.model_fields_set:
        unset.append(
            "Set MONGO_URI, or set INSTANCE_DIR to a disk that survives restarts: "
            "without either, every account would be lost at the next deployment"
        )
    if not settings.public_url or not settings.public_url.startswith("https://"):
        unset.append(
            "Set PUBLIC_URL to the address that people use, as https://host: "
            "the QR code of every report leads there"
        )
    if unset:
        raise UnsafeSettings("\n".join(unset))


def _refuse_addresses(settings: Settings) -> None:
    if not is_url(settings.openrouter_url) or not stays_private(settings.openrouter_url):
        raise UnsafeSettings("OPENROUTER_URL must be https://host/path: the key travels there")
    if not all(_may_call(origin, settings) for origin in settings.origins):
        raise UnsafeSettings(
            "ALLOWED_ORIGINS must name each front end as https://host or https://host:port, "
            "without *, user or path; in production http:// is for this machine alone"
        )
    if settings.public_url and not is_url(settings.public_url):
        raise UnsafeSettings(
            "PUBLIC_URL must be the address that people use, as https://host, without user, "
            f"query or fragment, and of at most {LONGEST_URL} characters"
        )
    _refuse_engine(settings)
    _refuse_mail(settings)
    uri = settings.secret("mongo_uri")
    if uri and not uri.startswith(("mongodb://", "mongodb+srv://")):
        raise UnsafeSettings("MONGO_URI must begin with mongodb:// or mongodb+srv://")
    named = {
        "MONGO_URI": uri,
        "RATE_LIMIT_STORAGE": settings.rate_limit_uri,  # raises UnsafeSettings
        "JOBS_BROKER": settings.broker_uri,  # raises UnsafeSettings
    }
    for name, address in named.items():
        if not settings.production or not address or address.startswith(f"{MEMORY}:"):
            continue
        if not asks_for_password(address):
            raise UnsafeSettings(
                f"{name} must have a password, and not guest's, unless it is on this machine"
            )


def _refuse_engine(settings: Settings) -> None:
    url = settings.engine_url
    if url is None:
        return
    safe = not settings.production or stays_private(url) or is_in_private_network(url)
    if not is_url(url) or not safe:
        raise UnsafeSettings(
            "ENGINE_URL must be https://host, without user, query or fragment; in production "
            "http:// is for this machine and for IP addresses of private networks alone, because "
            "pictures travel there"
        )


def _refuse_mail(settings: Settings) -> None:
    if settings.mail_server is None:  # raises UnsafeSettings
        return
    if not is_mail_address(settings.mail_from or ""):
        raise UnsafeSettings("MAIL_FROM must be the address that mails come from, as name@host")


def _may_call(origin: str, settings: Settings) -> bool:
    return is_origin(origin) and (not settings.production or stays_private(origin))


def _refuse_secrets_of_headers(settings: Settings) -> None:
    for name in SECRETS_OF_HEADERS:
        if not is_header_token(settings.secret(name) or "unset"):
            raise UnsafeSettings(
                f"{name.upper()} must be one word of ASCII letters, digits and signs, because a "
                "header carries it: remove spaces and line breaks"
            )


def _refuse_rates(settings: Settings) -> None:
    for name, text in settings.rates.items():
        if not is_rate(text):
            raise UnsafeSettings(
                f"RATE_{name.upper()} must be a number of requests in at most a day, for example "
                "600/minute, and then maybe others for roles: 600/minute, doctor=1200/minute"
            )
    _ = settings.rate_limit_uri  # raises UnsafeSettings


def _refuse_for_production(settings: Settings) -> None:
    key, *former = settings.audit_secrets()
    if key in former:
        raise UnsafeSettings(
            "FORMER_JWT_SECRET_KEYS holds the value of JWT_SECRET_KEY: give that a new value, or "
            "leave it out there"
        )
    token = settings.secret("metrics_token")
    if token in (key, *former):
        raise UnsafeSettings(
            "METRICS_TOKEN must not be JWT_SECRET_KEY: who collects metrics could sign tokens"
        )
    if token is not None and (len(token) < SHORTEST_TOKEN or looks_made_up(token)):
        raise UnsafeSettings("METRICS_TOKEN must have at least 16 random characters")
    if (settings.rate_limit_uri or "").startswith(f"{MEMORY}:") and settings.workers > 1:
        raise UnsafeSettings(
            "RATE_LIMIT_STORAGE must be shared by the workers; memory:// counts in each alone"
        )
