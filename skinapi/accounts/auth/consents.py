"""What a person may consent to: the purposes, the texts by version, and the history of each change.

Whether a consent is given now stands in the account (`Account.consents`), where each request finds
it. Here stands how that came about: one record for each change, which nothing changes any more.
"""

from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import Literal, Self, get_args

from pydantic import BaseModel, ConfigDict, model_validator

from skinapi.base.languages import LANGUAGES, Language, LocalizedText, load_words
from skinapi.base.stored_record import StoredRecord
from skinapi.platform.storage.ids import new_id, now
from skinapi.platform.storage.records import Records

Purpose = Literal["photos", "llm", "training", "sharing"]
PURPOSES: tuple[Purpose, ...] = get_args(Purpose)
# How a consent was given or withdrawn: by a page that named the version of the text, by another
# client of the person's, or for one photo: in its form, by a program's key, in a FHIR Consent; or
# where an admin has joined two accounts that said different things.
Way = Literal["console", "client", "photo", "key", "fhir", "joining"]


class ConsentText(BaseModel):
    """What a person is asked, in one version and every language."""

    model_config = ConfigDict(frozen=True)

    version: int
    title: LocalizedText
    text: LocalizedText


class _Written(BaseModel):
    title: str
    text: str


class _Consents(BaseModel):
    """The words of one language."""

    model_config = ConfigDict(frozen=True)

    by_purpose: Mapping[Purpose, tuple[_Written, ...]]

    @model_validator(mode="before")
    @classmethod
    def _name(cls, written: object) -> object:
        return {"by_purpose": written}

    @model_validator(mode="after")
    def _require_all(self) -> Self:
        if missing := [one for one in PURPOSES if not self.by_purpose.get(one)]:
            raise ValueError(f"No text for the consents: {', '.join(missing)}")
        return self


@cache
def list_consent_texts() -> Mapping[Purpose, tuple[ConsentText, ...]]:
    """List every text there was of each purpose, the newest last. Raises ValueError where a
    language lacks one.
    """
    words = load_words("consents.CONSENTS", _Consents)
    texts: dict[Purpose, tuple[ConsentText, ...]] = {}
    for purpose in PURPOSES:
        each = [words[language].by_purpose[purpose] for language in LANGUAGES]
        texts[purpose] = tuple(
            ConsentText(
                version=version,
                title=LocalizedText(**_by_language([one.title for one in same])),
                text=LocalizedText(**_by_language([one.text for one in same])),
            )
            for version, same in enumerate(zip(*each, strict=True), 1)
        )
    return texts


def _by_language(texts: list[str]) -> dict[str, str]:
    return dict(zip(LANGUAGES, texts, strict=True))


def newest_text(purpose: Purpose) -> ConsentText:
    return list_consent_texts()[purpose][-1]


class ConsentGiven(StoredRecord):
    """One change of a consent: `given`, or withdrawn.

    - `version`, `language`: of the text that was shown; None where the client did not say
    - `by`: the account that acted: the person's own, or that of the program's key
    - `finding`: the consent is about the photo of this finding alone, and not about later ones
    """

    id: str
    created_at: datetime
    account: str
    purpose: str
    given: bool
    version: int | None = None
    language: str | None = None
    by: str
    way: str
    finding: str | None = None


class Consents(Records[ConsentGiven]):
    """The history of all consents. Nothing in it is changed; it goes with the account."""

    collection, record = "consents", ConsentGiven
    indexes = (("account", "id"),)

    def add(
        self,
        *,
        account: str,
        purpose: Purpose,
        given: bool,
        by: str,
        way: Way,
        version: int | None = None,
        language: Language | None = None,
        finding: str | None = None,
    ) -> None:
        """Note a change, in its transaction."""
        self.insert(
            ConsentGiven(
                id=new_id(),
                created_at=now(),
                account=account,
                purpose=purpose,
                given=given,
                version=version,
                language=language,
                by=by,
                way=way,
                finding=finding,
            )
        )

    def history_of(self, account: str) -> list[ConsentGiven]:
        """All changes, the oldest first."""
        return self._list({"account": account})

    def find_latest(self, account: str) -> dict[str, ConsentGiven]:
        return latest_of(self.history_of(account))

    def forget(self, account: str) -> None:
        """Idempotent."""
        self._documents.delete({"account": account})


def latest_of(history: list[ConsentGiven]) -> dict[str, ConsentGiven]:
    """Map each purpose to its last change, without consents that are about one photo alone."""
    return {change.purpose: change for change in history if change.finding is None}
