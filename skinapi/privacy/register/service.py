"""Makes the register of processing of the inventory and of what is in force now."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import get_args

from skinapi.domain.pages import read_pages
from skinapi.integrations.keys.api_keys import ApiKey, ApiKeys
from skinapi.integrations.webhooks.endpoints import Endpoints
from skinapi.languages import Language
from skinapi.privacy.inventory import INVENTORY, Kind, Purpose, Stored, Whose
from skinapi.privacy.register.recipients import InForce, Recipient, list_recipients
from skinapi.privacy.register.words import WORDS
from skinapi.settings import Settings
from skinapi.storage.backups_made import find_last_backup
from skinapi.storage.ids import now
from skinapi.storage.ports import Store

# What limits how long a row is stored, where it is set.
LIMITS: Mapping[str, Sequence[str]] = {
    "account": ("retain_accounts_days",),
    "finding": ("retain_photos_days", "retain_findings_days"),
    "message": ("retain_messages_days",),
}


@dataclass(frozen=True, slots=True)
class Retained:
    """A row of what is stored, in words."""

    title: str
    until: str


@dataclass(frozen=True, slots=True)
class Activity:
    """What is done for one purpose."""

    purpose: Purpose
    persons: tuple[Whose, ...]
    kinds: tuple[Kind, ...]
    retention: tuple[Retained, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Register:
    language: Language
    made_at: datetime
    controller: str | None
    contact: str | None
    address: str
    activities: Sequence[Activity]
    recipients: Sequence[Recipient]
    measures: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterService:
    settings: Settings
    store: Store
    endpoints: Endpoints
    keys: ApiKeys

    def make_register(self, *, language: Language) -> Register:
        return Register(
            language=language,
            made_at=now(),
            controller=self.settings.clinic_name,
            contact=self.settings.privacy_contact,
            address=self.settings.address,
            activities=[self._activity(one, language) for one in get_args(Purpose)],
            recipients=self.list_recipients(),
            measures=[*self._measures(language)],
        )

    def list_recipients(self) -> list[Recipient]:
        """Who gets data, and who would if it were switched on."""
        backup = find_last_backup(self.store)
        return list_recipients(
            InForce(
                settings=self.settings,
                webhooks=self.endpoints.list_all(),
                keys=[*self._walk_keys()],
                backup=f"{backup:%Y-%m-%d}" if backup else None,
            )
        )

    def _walk_keys(self) -> Iterator[ApiKey]:
        for page in read_pages(lambda after: self.keys.page_all(after=after, limit=200)):
            yield from page.items

    def _activity(self, purpose: Purpose, language: Language) -> Activity:
        stored = [one for one in INVENTORY if one.purpose == purpose]
        said = [fields for one in stored for fields in one.fields if fields.of != "nobody"]
        return Activity(
            purpose=purpose,
            persons=tuple(one for one in get_args(Whose) if one in {each.of for each in said}),
            kinds=tuple(one for one in get_args(Kind) if one in {each.kind for each in said}),
            retention=tuple(self._retained(stored, language)),
        )

    def _retained(self, stored: Sequence[Stored], language: Language) -> Iterator[Retained]:
        said, values = WORDS[language], self.settings.model_dump()
        for row in dict.fromkeys(one.row for one in stored):
            words = said.stored[row]
            until = [words.until.format_map(values)]
            until += [
                said.limits[setting].format(days=values[setting])
                for setting in LIMITS.get(row, ())
                if values[setting]
            ]
            yield Retained(words.title, "; ".join(until))

    def _measures(self, language: Language) -> Iterator[str]:
        said, settings = WORDS[language].measures, self.settings
        backup = find_last_backup(self.store)
        roles = sorted(settings.second_factor_roles)
        yield said["access"]
        yield said["passwords"]
        yield (
            said["second_factor"].format(roles=", ".join(roles))
            if roles
            else said["no_second_factor"]
        )
        yield said["https" if settings.address.startswith("https://") else "no_https"]
        yield said["trail"]
        yield said["photos"]
        yield said[f"photos_{settings.photos}"]
        yield said["log_addresses" if settings.log_addresses else "no_log_addresses"]
        if settings.open_clients:
            yield said["open_clients"].format(clients=", ".join(sorted(settings.open_clients)))
        yield said["backup"].format(moment=f"{backup:%Y-%m-%d}") if backup else said["no_backup"]
        yield said["disk"]
