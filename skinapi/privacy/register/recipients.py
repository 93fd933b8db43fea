"""Who gets data from this server: what the settings, the webhooks and the keys say now.

A module that calls another server is named here (`CALLERS`); tests/privacy/test_recipients.py fails
for one that is not.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

from skinapi.integrations.keys.api_keys import ApiKey
from skinapi.integrations.webhooks.endpoints import Endpoint
from skinapi.privacy.inventory import Kind
from skinapi.settings import Settings
from skinapi.settings.value_checks import is_near

RecipientName = Literal[
    "llm",
    "mail",
    "mongodb",
    "rate_limits",
    "broker",
    "log_in",
    "webhooks",
    "archive",
    "syslog",
    "engine",
    "programs",
    "backups",
    "packages",
]
EVERYTHING: tuple[Kind, ...] = (
    "identity",
    "contact",
    "health",
    "picture",
    "free_text",
    "technical",
    "pseudonym",
    "secret",
)
# By the module that calls: to whom.
CALLERS: Mapping[str, RecipientName] = {
    "skinapi.reports.openrouter": "llm",
    "skinapi.notices.sender": "mail",
    "skinapi.storage.mongo": "mongodb",
    "skinapi.web.mongo_limit_windows": "rate_limits",
    "skinapi.web.rate_limits": "rate_limits",
    "skinapi.jobs.dramatiq_broker": "broker",
    "skinapi.integrations.oidc.provider": "log_in",
    "skinapi.integrations.webhooks.addresses": "webhooks",
    "skinapi.integrations.webhooks.sender": "webhooks",
    "skinapi.standards.dicom.archive_client": "archive",
    "skinapi.integrations.syslog": "syslog",
    "skinapi.vision.network.remote_engine": "engine",
    "skinapi.jobs.lab_installation": "packages",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    """`to` names hosts, programs or days; nothing goes there where it is empty. `setting` switches
    it on. `outside`: it may be outside of this machine and its private network.
    """

    name: RecipientName
    to: tuple[str, ...]
    kinds: tuple[Kind, ...]
    setting: str
    outside: bool

    @property
    def on(self) -> bool:
        return bool(self.to)


@dataclass(frozen=True, slots=True, kw_only=True)
class InForce:
    """What says who gets data."""

    settings: Settings
    webhooks: Sequence[Endpoint]
    keys: Sequence[ApiKey]
    backup: str | None


def list_recipients(now: InForce) -> list[Recipient]:
    return [*_of_settings(now.settings), *_of_clinic(now)]


def _of_settings(settings: Settings) -> Iterator[Recipient]:
    """Those that a setting switches on, each with its hosts and never with a password."""
    mail = settings.mail_server
    syslog = settings.syslog_server
    yield _recipient(
        "llm",
        [settings.openrouter_url] if settings.openrouter_api_key else [],
        ("health",),
        "OPENROUTER_API_KEY",
    )
    yield _recipient(
        "mail",
        [f"smtp://{mail.host}:{mail.port}"] if mail else [],
        ("contact", "technical"),
        "SMTP_URL",
    )
    yield _recipient("mongodb", _given(settings.secret("mongo_uri")), EVERYTHING, "MONGO_URI")
    limits = settings.secret("rate_limit_storage") or ""
    counted = [] if limits.startswith("memory") else _given(limits)
    yield _recipient("rate_limits", counted, ("pseudonym", "technical"), "RATE_LIMIT_STORAGE")
    yield _recipient(
        "broker", _given(settings.secret("jobs_broker")), ("technical",), "JOBS_BROKER"
    )
    issuers = [one.issuer for one in settings.log_in_providers]
    yield _recipient("log_in", issuers, ("technical",), "OIDC_PROVIDERS")
    yield _recipient(
        "archive", _given(settings.archive_url), ("health", "picture", "pseudonym"), "ARCHIVE_URL"
    )
    yield _recipient(
        "syslog",
        [f"tls://{syslog[0]}:{syslog[1]}"] if syslog else [],
        ("pseudonym", "technical"),
        "SYSLOG_URL",
    )
    yield _recipient("engine", _given(settings.engine_url), ("picture",), "ENGINE_URL")
    index = ["https://pypi.org"] if settings.lab_workers else []
    yield _recipient("packages", index, (), "LAB_WORKERS")


def _of_clinic(now: InForce) -> Iterator[Recipient]:
    """Those that admins, and people who make keys, let in."""
    hooks = [one for one in now.webhooks if one.enabled]
    clinical: tuple[Kind, ...] = ("health",) if any(one.clinical for one in hooks) else ()
    yield _recipient(
        "webhooks", [one.url for one in hooks], ("pseudonym", *clinical), "#/integrations/webhooks"
    )
    live = [one for one in now.keys if one.kind == "live" and not one.ended]
    yield Recipient(
        name="programs",
        to=tuple(dict.fromkeys(one.name for one in live if one.clinic_wide))
        + tuple({"#/keys" for one in live if not one.clinic_wide}),
        kinds=("health", "picture", "free_text", "pseudonym") if live else (),
        setting="#/integrations/keys",
        outside=bool(live),
    )
    yield Recipient(
        name="backups",
        to=(now.backup,) if now.backup else (),
        kinds=EVERYTHING,
        setting="python -m skinapi backup",
        outside=bool(now.backup),
    )


def _given(address: str | None) -> list[str]:
    return [address] if address else []


def _recipient(
    name: RecipientName, addresses: Iterable[str], kinds: tuple[Kind, ...], setting: str
) -> Recipient:
    hosts = [host for address in addresses for host in _hosts_of(address)]
    return Recipient(
        name=name,
        to=tuple(dict.fromkeys(hosts)),
        kinds=kinds,
        setting=setting,
        outside=any(not is_near(_name_of(host)) for host in hosts),
    )


def _hosts_of(address: str) -> list[str]:
    """Each host with its port, without user, password, path and options."""
    return urlsplit(address).netloc.rpartition("@")[2].split(",")


def _name_of(host: str) -> str:
    return host.partition("]")[0].strip("[") if host.startswith("[") else host.partition(":")[0]
