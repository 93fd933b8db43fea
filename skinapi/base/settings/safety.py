"""What the server refuses to start with: all of it at once, else each start would name one more."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from skinapi.base.errors import UnsafeSettings
from skinapi.base.settings import Settings
from skinapi.base.settings.contrast import faults_of_colour
from skinapi.base.settings.demo_folder import is_demo
from skinapi.base.settings.instance_folder import refuse_shared
from skinapi.base.settings.privacy import faults_of_retention
from skinapi.base.settings.value_checks import (
    LONGEST_URL,
    MEMORY,
    asks_for_password,
    is_header_token,
    is_in_private_network,
    is_mail_address,
    is_origin,
    is_rate,
    is_url,
    looks_made_up,
    read_authorities,
    stays_private,
)

SHORTEST_TOKEN = 16
# Tokens end in 2242, and with a clock in the year 9999 no date lies an hour ahead.
LAST_YEAR = 2200
LISTEN_ADDRESS = re.compile(r"(\[[0-9a-fA-F:.%]+\]|[^\s:,/\[\]]+):(\d{1,5})")
# A note for the operator: a server starts with it, the account may be made or suspended later.
WRONG_DEFAULT_DOCTOR = (
    "DEFAULT_DOCTOR is not the e-mail of an active doctor: new patients whom nobody assigns have"
    " no doctor"
)
SECRETS_OF_HEADERS = ("openrouter_api_key", "metrics_token", "archive_token")


def refuse_unsafe(settings: Settings) -> None:
    """Raises UnsafeSettings if it would not be safe to serve patients with these settings; its
    sentences are lines.
    """
    if faults := faults_of(settings):
        raise UnsafeSettings("\n".join(faults))


def faults_of(settings: Settings) -> list[str]:
    """A sentence for each setting that it would not be safe to serve patients with."""
    faults = [
        *_faults_of_clock(),
        *(_faults_of_unset(settings) if settings.production else ()),
        *_caught(lambda: refuse_shared(settings.instance_dir)),
        *_faults_of_demo(settings),
        *_faults_of_reach(settings),
        *_faults_of_addresses(settings),
        *_faults_of_secrets(settings),
        *_faults_of_rates(settings),
        *faults_of_retention(settings),
        *(_faults_of_production(settings) if settings.production else ()),
    ]
    return list(dict.fromkeys(faults))


def _caught(read: Callable[[], object]) -> Iterator[str]:
    """The sentence of a value that cannot be read."""
    try:
        read()
    except UnsafeSettings as error:
        yield error.detail


def _faults_of_clock() -> Iterator[str]:
    year = datetime.now(UTC).year
    if year > LAST_YEAR:
        yield f"The clock of this machine says that the year is {year}: set it right"


def _faults_of_unset(settings: Settings) -> Iterator[str]:
    yield from _caught(settings.signing_key)
    if settings.mongo_uri is None and "instance_dir" not in settings.model_fields_set:
        yield (
            "Set MONGO_URI, or set INSTANCE_DIR to a disk that survives restarts: "
            "without either, every account would be lost at the next deployment"
        )
    if not settings.public_url or not settings.public_url.startswith("https://"):
        yield (
            "Set PUBLIC_URL to the address that people use, as https://host: "
            "the QR code of every report leads there"
        )


def _faults_of_demo(settings: Settings) -> Iterator[str]:
    """Its log-in page says every password."""
    if is_demo(settings.instance_dir) and (settings.production or not settings.loopback):
        yield (
            "INSTANCE_DIR is the folder of the demo, whose passwords everybody knows: name another "
            "one, or serve it with BIND on 127.0.0.1 alone, without a proxy, and not in production"
        )


def _faults_of_reach(settings: Settings) -> Iterator[str]:
    named = [LISTEN_ADDRESS.fullmatch(address) for address in settings.binds]
    if not all(one and 0 < int(one[2]) <= 65535 for one in named):
        yield "BIND must name host:port, several separated by one comma"
    if settings.open_lab and not settings.loopback:
        yield "OPEN_LAB=true needs BIND on 127.0.0.1 alone, without a proxy"


def _faults_of_addresses(settings: Settings) -> Iterator[str]:
    if not is_url(settings.openrouter_url) or not stays_private(settings.openrouter_url):
        yield "OPENROUTER_URL must be https://host/path: the key travels there"
    if not all(_may_call(origin, settings) for origin in settings.origins):
        yield (
            "ALLOWED_ORIGINS must name each front end as https://host or https://host:port, "
            "without *, user or path; in production http:// is for this machine alone"
        )
    if settings.public_url and not is_url(settings.public_url):
        yield (
            "PUBLIC_URL must be the address that people use, as https://host, without user, "
            f"query or fragment, and of at most {LONGEST_URL} characters"
        )
    yield from _faults_of_embed(settings)
    yield from _faults_of_archive(settings)
    yield from _faults_of_mail(settings)
    yield from _faults_of_integrations(settings)
    yield from _faults_of_stores(settings)


def _faults_of_embed(settings: Settings) -> Iterator[str]:
    if not all(_may_call(origin, settings) for origin in settings.frame_origins):
        yield (
            "EMBED_ORIGINS must name each site as https://host or https://host:port, without *, "
            "user or path; in production http:// is for this machine alone"
        )
    if settings.embed_color:
        yield from faults_of_colour("EMBED_COLOR", settings.embed_color, "light")
    if settings.embed_color_dark:
        yield from faults_of_colour("EMBED_COLOR_DARK", settings.embed_color_dark, "dark")


def _faults_of_archive(settings: Settings) -> Iterator[str]:
    url = settings.archive_url
    if url is None:
        return
    safe = not settings.production or stays_private(url) or is_in_private_network(url)
    if not is_url(url) or not safe:
        yield (
            "ARCHIVE_URL must be https://host/path, without user, query or fragment; in production "
            "http:// is for this machine and for IP addresses of private networks alone, because "
            "findings travel there"
        )
    if settings.archive_user and ":" in settings.archive_user:
        yield "ARCHIVE_USER must have no colon: the archive would read the rest as the password"


def _faults_of_mail(settings: Settings) -> Iterator[str]:
    yield from _caught(lambda: settings.mail_server)
    if settings.smtp_url and not is_mail_address(settings.mail_from or ""):
        yield "MAIL_FROM must be the address that mails come from, as name@host"


def _faults_of_integrations(settings: Settings) -> Iterator[str]:
    yield from _caught(lambda: settings.log_in_providers)
    yield from _caught(lambda: settings.webhook_networks)
    if authorities := settings.trusted_authorities:
        yield from _caught(lambda: read_authorities(authorities))


def _faults_of_stores(settings: Settings) -> Iterator[str]:
    uri = settings.secret("mongo_uri")
    if uri and not uri.startswith(("mongodb://", "mongodb+srv://")):
        yield "MONGO_URI must begin with mongodb:// or mongodb+srv://"
    yield from _caught(lambda: settings.rate_limit_uri)
    yield from _caught(lambda: settings.broker_uri)
    for name in ("mongo_uri", "rate_limit_storage", "jobs_broker") * settings.production:
        address = (settings.secret(name) or "").strip()
        if not address or address.lower().startswith(f"{MEMORY}:"):
            continue
        if not asks_for_password(address):
            yield (
                f"{name.upper()} must have a password, and not guest's, unless it is on this "
                "machine"
            )


def _may_call(origin: str, settings: Settings) -> bool:
    return is_origin(origin) and (not settings.production or stays_private(origin))


def _faults_of_secrets(settings: Settings) -> Iterator[str]:
    for name in SECRETS_OF_HEADERS:
        if not is_header_token(settings.secret(name) or "unset"):
            yield (
                f"{name.upper()} must be one word of ASCII letters, digits and signs, because a "
                "header carries it: remove spaces and line breaks"
            )


def _faults_of_rates(settings: Settings) -> Iterator[str]:
    for name, text in settings.rates.items():
        if not is_rate(text):
            yield (
                f"RATE_{name.upper()} must be a number of requests in at most a day, for example "
                "600/minute, and then maybe others for roles: 600/minute, doctor=1200/minute"
            )


def _faults_of_production(settings: Settings) -> Iterator[str]:
    key = settings.secret("jwt_secret_key")
    listed = (settings.secret("former_jwt_secret_keys") or "").split(",")
    former = {each.strip() for each in listed} - {""}
    if key in former:
        yield (
            "FORMER_JWT_SECRET_KEYS holds the value of JWT_SECRET_KEY: give that a new value, or "
            "leave it out there"
        )
    token = settings.secret("metrics_token")
    if token in {key, *former} - {None}:
        yield "METRICS_TOKEN must not be JWT_SECRET_KEY: who collects metrics could sign tokens"
    if token is not None and (len(token) < SHORTEST_TOKEN or looks_made_up(token)):
        yield "METRICS_TOKEN must have at least 16 random characters"
    counted = (settings.secret("rate_limit_storage") or "").strip().lower()
    if counted.startswith(f"{MEMORY}:") and settings.workers > 1:
        yield ("RATE_LIMIT_STORAGE must be shared by the workers; memory:// counts in each alone")
