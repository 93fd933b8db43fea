import os
import re
from collections.abc import Callable, Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from pydantic import ValidationError
from pydantic_settings import DotEnvSettingsSource

from skinapi.base.errors import UnsafeSettings
from skinapi.base.settings.demo_folder import is_demo
from skinapi.base.settings.instance_folder import refuse_shared
from skinapi.base.settings.privacy import faults_of_retention
from skinapi.base.settings.settings import Settings, sentences_of
from skinapi.base.settings.value_checks import (
    LEAST_OF_TOKEN,
    LONGEST_URL,
    MAKES_KEY,
    MEMORY,
    NOT_MONGO,
    asks_for_password,
    caught,
    estimate_bits,
    faults_of_header,
    is_mail_address,
    is_mongo_address,
    is_origin,
    is_rate,
    is_url,
    read_authorities,
    split,
    stays_private,
)

SHORTEST_TOKEN = 16
LISTEN_ADDRESS = re.compile(r"(\[[0-9a-fA-F:.%]+\]|[^\s:,/\[\]]+):(\d{1,5})")
# A note for the operator: a server starts with it, the account may be made or suspended later.
WRONG_DEFAULT_DOCTOR = (
    "DEFAULT_DOCTOR is not the e-mail of an active doctor: new patients whom nobody assigns have"
    " no doctor"
)
WRONG_UNASSIGNED = (
    "UNASSIGNED_PATIENTS names no active doctor: nobody here sees patients without a doctor"
)
EMAIL = re.compile(r"[^@\s]+@[^@\s]+")  # an account may have non-ASCII letters
SECRETS_OF_HEADERS = ("openrouter_api_key", "metrics_token")
ALIASES = ("RENDER_EXTERNAL_URL",)
# What 2.0.0 read. A server that ignored them would do something else than its operator has set.
REMOVED = ("ARCHIVE_AFTER", "BREAK_GLASS", "MOST_LESIONS", "MOST_LESION_FINDINGS")
# What compose.yaml reads from the same file.
OF_COMPOSE = ("MONGO_PASSWORD", "MONGO_ROOT_PASSWORD", "CERTIFICATES")
# Of the environment, which is full of names of others. METRIC_TOKEN is at 0.96, MONGODB_URI at 0.9.
CLOSE = 0.82
SHORTEST_NAME = 6
# A line of `.env` that is not like this is maybe a secret that was broken into lines: not repeated.
NAME = re.compile(r"[A-Z][A-Z0-9_]{0,39}")
BROKEN_LINE = "A line of .env is no NAME=value: a value, such as a secret, must be on one line"


def refuse_unsafe(settings: Settings) -> None:
    """Raises UnsafeSettings, with a line for each fault, if it is not safe to serve patients with
    these settings.
    """
    if faults := faults_of(settings):
        raise UnsafeSettings("\n".join(faults))


def faults_of(settings: Settings) -> list[str]:
    faults = [
        *_faults_of_removed(),
        *(_faults_of_unset(settings) if settings.production else ()),
        *caught(lambda: refuse_shared(settings.instance_dir)),
        *_faults_of_demo(settings),
        *_faults_of_reach(settings),
        *_faults_of_addresses(settings),
        *_faults_of_secrets(settings),
        *_faults_of_rates(settings),
        *_faults_of_clinic(settings),
        *faults_of_retention(settings),
        *(_faults_of_production(settings) if settings.production else ()),
    ]
    return list(dict.fromkeys(faults))


def _faults_of_removed() -> Iterator[str]:
    named = {name.upper() for name in (*DotEnvSettingsSource(Settings).env_vars, *os.environ)}
    for name in REMOVED:
        if name in named:
            yield f"{name} was removed in 3.0.0: read CHANGELOG.md, and leave it out"


def _faults_of_unset(settings: Settings) -> Iterator[str]:
    yield from caught(settings.signing_key)
    if settings.mongo_uri is None and "instance_dir" not in settings.model_fields_set:
        yield (
            "Set MONGO_URI, or set INSTANCE_DIR to a disk that survives restarts: "
            "without either, every account would be lost at the next deployment"
        )
    if not settings.public_url:
        yield (
            "Set PUBLIC_URL to the address that people use, as https://host: "
            "the QR code of every report leads there"
        )
    elif not settings.public_url.startswith("https://"):
        yield (
            "PUBLIC_URL must begin with https:// in production, also where it names this machine: "
            "the QR code of every report leads there"
        )


def _faults_of_demo(settings: Settings) -> Iterator[str]:
    if is_demo(settings.instance_dir) and (settings.production or not settings.loopback):
        yield (
            "INSTANCE_DIR is the folder of the demo, whose passwords everybody knows: name another "
            "one, or serve it with BIND on 127.0.0.1 alone, without a proxy, and not in production"
        )


def _faults_of_reach(settings: Settings) -> Iterator[str]:
    named = [LISTEN_ADDRESS.fullmatch(address) for address in settings.binds]
    if not all(item and 0 < int(item[2]) <= 65535 for item in named):
        yield "BIND must name host:port, several separated by one comma"


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
    url = settings.privacy_url
    if url and not (is_url(url) and url.startswith("https://")):
        yield "PRIVACY_URL must be the address of a page, as https://host/path"
    yield from _faults_of_embed(settings)
    yield from settings.list_faults()
    yield from _faults_of_mail(settings)
    yield from _faults_of_integrations(settings)
    yield from _faults_of_stores(settings)


def _faults_of_clinic(settings: Settings) -> Iterator[str]:
    named = split(settings.unassigned_patients)
    if named not in ({"all"}, {"none"}) and not (named and all(map(EMAIL.fullmatch, named))):
        yield (
            "UNASSIGNED_PATIENTS must be all, none, or the e-mails of doctors, comma-separated: "
            "else nobody sees patients without a doctor"
        )
    if settings.default_doctor and not EMAIL.fullmatch(settings.default_doctor.strip()):
        yield "DEFAULT_DOCTOR must be the e-mail of a doctor"
    if settings.clinic_phone and not any(map(str.isdecimal, settings.clinic_phone)):
        yield "CLINIC_PHONE must be a number that patients can dial"


def faults_of_folders(settings: Settings) -> list[str]:
    """A sentence for each missing folder. A server starts without it: it may be mounted later, and
    people read their findings meanwhile.
    """
    return [
        f"{name.upper()} must name a folder that is there"
        for name in settings.list_folders()
        if (folder := getattr(settings, name)) and not folder.is_dir()
    ]


def _faults_of_embed(settings: Settings) -> Iterator[str]:
    if not all(_may_call(origin, settings) for origin in settings.frame_origins):
        yield (
            "EMBED_ORIGINS must name each site as https://host or https://host:port, without *, "
            "user or path; in production http:// is for this machine alone"
        )


def _faults_of_mail(settings: Settings) -> Iterator[str]:
    yield from caught(lambda: settings.mail_server)
    if settings.smtp_url and not is_mail_address(settings.mail_from or ""):
        yield "MAIL_FROM must be the address that mails come from, as name@host"


def _faults_of_integrations(settings: Settings) -> Iterator[str]:
    if authorities := settings.trusted_authorities:
        yield from caught(lambda: read_authorities(authorities))


def _faults_of_stores(settings: Settings) -> Iterator[str]:
    uri = settings.secret("mongo_uri")
    if uri and not uri.startswith(("mongodb://", "mongodb+srv://")):
        yield "MONGO_URI must begin with mongodb:// or mongodb+srv://"
    elif uri and not is_mongo_address(uri):
        yield NOT_MONGO
    yield from caught(lambda: settings.rate_limit_uri)
    for name in ("mongo_uri", "rate_limit_storage") * settings.production:
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
        yield from faults_of_header(name, settings.secret(name))


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
    short = token is not None and len(token) < SHORTEST_TOKEN
    if token is not None and (short or estimate_bits(token) < LEAST_OF_TOKEN):
        yield f"METRICS_TOKEN must have at least 16 random characters: {MAKES_KEY}"
    counted = (settings.secret("rate_limit_storage") or "").strip().lower()
    if counted.startswith(f"{MEMORY}:") and settings.sizing.workers > 1:
        yield (
            "RATE_LIMIT_STORAGE must be shared by the workers; memory:// counts in each alone: "
            "set WORKERS=1, or another storage"
        )


def read_settings(faults: Callable[[Settings], list[str]] = faults_of) -> Settings:
    """Read the environment and `.env`. Raises UnsafeSettings with a line for each invalid value and
    for each of the `faults`.
    """
    try:
        return Settings()
    except (OSError, UnicodeDecodeError):
        # Without its cause, which quotes the file and so perhaps secrets.
        raise UnsafeSettings(".env cannot be read: it must be a file of UTF-8 text") from None
    except ValidationError as error:
        raise UnsafeSettings("\n".join(_with_the_others(error, faults))) from None


def _with_the_others(error: ValidationError, faults: Callable[[Settings], list[str]]) -> list[str]:
    unread = {_field_of(str(fault["loc"][0])) for fault in error.errors(include_input=False)}
    defaults: dict[str, Any] = {
        name: Settings.model_fields[name].default
        for name in unread
        if name in Settings.model_fields
    }
    try:
        others = faults(Settings(**defaults))
    except ValidationError:
        others = []
    return [*sentences_of(error), *others, *odd_names()]


def _field_of(place: str) -> str:
    return "public_url" if place.upper() in ALIASES else place.lower()


def odd_names() -> list[str]:
    """A sentence for each name that is probably a misspelled setting: all unknown names in `.env`,
    and those in the environment that resemble a setting.
    """
    known = {name.upper() for name in Settings.model_fields} | {*ALIASES, *REMOVED}
    lines = DotEnvSettingsSource(Settings).env_vars
    written = {name.upper() for name in lines} - {*OF_COMPOSE}
    broken = {name for name in written - known if not _is_named(name, lines)}
    unknown = sorted(written - known - broken)
    close = [name for name in map(str.upper, sorted(os.environ)) if name not in known | written]
    unknown += [name for name in close if len(name) >= SHORTEST_NAME and _closest(name)]
    return [*map(_say_odd, unknown), *([BROKEN_LINE] if broken else [])]


def _is_named(name: str, lines: Mapping[str, str | None]) -> bool:
    """Return whether a line is like NAME=value, and not a piece of base64, which may also end with
    `=`.
    """
    value = lines.get(name.lower())
    return value is not None and set(value) != {"="} and bool(NAME.fullmatch(name))


def _closest(name: str) -> str | None:
    settings = [each.upper() for each in Settings.model_fields]
    return next(iter(get_close_matches(name, settings, n=1, cutoff=CLOSE)), None)


def _say_odd(name: str) -> str:
    closest = _closest(name)
    return f"{name} is no setting" + (f": did you mean {closest}?" if closest else "")
