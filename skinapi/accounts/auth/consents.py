"""The account has the current consents, where each request finds them. History never changes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any, Literal, Self, get_args

from pydantic import BaseModel, ConfigDict, RootModel, model_validator

from skinapi.accounts.auth.account import Account
from skinapi.accounts.auth.accounts import Accounts
from skinapi.accounts.auth.errors import ConsentTextChanged, PhotosStillKept
from skinapi.accounts.auth.events import ConsentWithdrawn, KeptPhotosUnwanted
from skinapi.base.languages import LANGUAGES, Language, LocalizedText, load_words
from skinapi.base.stored_record import StoredRecord
from skinapi.platform.storage.ids import new_id, now
from skinapi.platform.storage.records import Repository
from skinapi.platform.storage.unit_of_work import AuditRow, Unit, UnitOfWork, atomic

Purpose = Literal["photos", "llm", "training", "sharing"]
PURPOSES: tuple[Purpose, ...] = get_args(Purpose)
# How a consent was changed: on a page that named the version of the text, by another client, or for
# a single photo in its form, by a system's key or in a FHIR Consent.
PatientChannel = Literal["console", "client", "photo", "key", "fhir"]

# The placeholder for the company that gets the data: OpenRouter unless LLM_COMPANY names another.
COMPANY, OPENROUTER = "{company}", "OpenRouter"


class ConsentText(BaseModel):
    model_config = ConfigDict(frozen=True)

    version: int
    title: LocalizedText
    text: LocalizedText

    @property
    def names_company(self) -> bool:
        return COMPANY in self.text.en

    def say(self, language: Language, company: str | None) -> str:
        known = _COMPANIES[language].openrouter
        name = known if company in (None, OPENROUTER) else company
        return self.text.in_language(language).replace(COMPANY, name or known)


class _CompanyWords(BaseModel):
    openrouter: str


class _Written(BaseModel):
    title: str
    text: str


class _Consents(RootModel[Mapping[Purpose, tuple[_Written, ...]]]):
    model_config = ConfigDict(frozen=True)

    @model_validator(mode="after")
    def _require_all(self) -> Self:
        if missing := [purpose for purpose in PURPOSES if not self.root.get(purpose)]:
            raise ValueError(f"No text for the consents: {', '.join(missing)}")
        return self


_COMPANIES = load_words("accounts.companies", _CompanyWords)


@cache
def list_consent_texts() -> Mapping[Purpose, tuple[ConsentText, ...]]:
    """The newest version of each text is the last."""
    words = load_words("accounts.consents", _Consents)
    texts: dict[Purpose, tuple[ConsentText, ...]] = {}
    for purpose in PURPOSES:
        versions = zip(*(words[language].root[purpose] for language in LANGUAGES), strict=True)
        texts[purpose] = tuple(
            ConsentText(
                version=version,
                title=_localized([written.title for written in each]),
                text=_localized([written.text for written in each]),
            )
            for version, each in enumerate(versions, 1)
        )
    return texts


def _localized(texts: list[str]) -> LocalizedText:
    return LocalizedText(**dict(zip(LANGUAGES, texts, strict=True)))


def find_text(purpose: Purpose, version: int | None) -> ConsentText | None:
    texts = list_consent_texts()[purpose]
    return next((text for text in texts if text.version == version), None)


def newest_text(purpose: Purpose) -> ConsentText:
    return list_consent_texts()[purpose][-1]


class ConsentGiven(StoredRecord):
    """`version` and `language` are None if the client did not state them, `company` if the text
    named none. With `finding`, only the photo of that finding is meant.
    """

    id: str
    created_at: datetime
    account: str
    purpose: str
    given: bool
    version: int | None = None
    language: str | None = None
    company: str | None = None
    by: str
    way: str
    finding: str | None = None


class Consents(Repository[ConsentGiven]):
    collection, record = "consents", ConsentGiven
    indexes = (("account", "id"),)

    def note(self, **fields: Any) -> None:
        self.insert(ConsentGiven(id=new_id(), created_at=now(), **fields))

    def history_of(self, account: str) -> list[ConsentGiven]:
        return self._list({"account": account})

    def find_latest(self, account: str) -> dict[str, ConsentGiven]:
        return latest_of(self.history_of(account))

    def forget(self, account: str) -> int:
        return self._documents.delete({"account": account})


def latest_of(history: list[ConsentGiven]) -> dict[str, ConsentGiven]:
    """Consents about a single photo do not count."""
    return {change.purpose: change for change in history if change.finding is None}


def is_given_under(given: ConsentGiven, text: ConsentText, company: str) -> bool:
    named = company if text.names_company else None
    return (given.version, given.company) == (text.version, named)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangedConsents:
    given: Mapping[Purpose, bool]
    texts: Mapping[Purpose, int] = field(default_factory=dict)
    language: Language | None = None
    erase_kept: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentsService:
    work: UnitOfWork
    accounts: Accounts
    consents: Consents
    company: str

    @atomic
    def change(self, unit: Unit, *, account_id: str, changed: ChangedConsents) -> None:
        """Naming the newest text renews an existing consent. If a doctor must keep the photos by
        law, nothing changes.
        """
        account = self.accounts.get(account_id)
        for purpose, version in changed.texts.items():  # a withdrawal needs no text
            if changed.given.get(purpose) and version != newest_text(purpose).version:
                raise ConsentTextChanged
        keeps = changed.given.get("photos", account.consents.get("photos"))
        if changed.erase_kept and keeps is not False:
            raise PhotosStillKept
        due = self._find_due(account, changed)
        if due:
            self._set(unit, account, due, changed)
        if changed.erase_kept:
            # A photo that is filed concurrently is either seen here or conflicts.
            self.accounts.lock(account.id)
            unit.record(AuditRow("account.photos_erased", by=account.id, target=account.id))
            unit.publish(KeptPhotosUnwanted(account.id))

    def _find_due(self, account: Account, changed: ChangedConsents) -> dict[Purpose, bool]:
        latest = self.consents.find_latest(account.id) if changed.texts else {}
        due: dict[Purpose, bool] = {}
        for purpose, allowed in changed.given.items():
            before, shown = latest.get(purpose), changed.texts.get(purpose)
            text = newest_text(purpose)
            stands = before is not None and is_given_under(before, text, self.company)
            renewed = allowed and shown is not None and not stands
            if account.consents.get(purpose) is not allowed or renewed:
                due[purpose] = allowed
        return due

    def _set(
        self, unit: Unit, account: Account, due: Mapping[Purpose, bool], changed: ChangedConsents
    ) -> None:
        unit.audit("account.consents", by=account.id, target=account.id)
        self.accounts.lock(account.id)  # of two at once the second sees what the first has noted
        self.accounts.change(unit, account, consents=dict(account.consents) | {**due})
        for purpose, allowed in due.items():
            version = changed.texts.get(purpose)
            text = find_text(purpose, version)
            self.consents.note(
                account=account.id,
                purpose=purpose,
                given=allowed,
                by=account.id,
                way="client" if version is None else "console",
                version=version,
                language=None if version is None else changed.language,
                company=self.company if text and text.names_company else None,
            )
            if not allowed:
                unit.publish(ConsentWithdrawn(account.id, purpose))
