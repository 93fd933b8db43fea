"""The only medical words of the software: `conditions.yaml` read into frozen, typed values.

No other module writes a sentence about a disease; it asks here by key and language.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from functools import cache
from importlib import resources
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field

Language = Literal["en", "fr"]
# What may stand behind a sentence: a guideline, a professional society or a national cancer
# charity, a reviewed paper, a public health service, a classification of diseases, or this
# software itself.
SourceKind = Literal[
    "guideline", "society", "peer_reviewed", "health_service", "classification", "software"
]
NORMAL_SKIN = "normal_skin"
LANGUAGES: tuple[Language, ...] = ("en", "fr")


class Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Band(StrEnum):
    """How soon a doctor should see it, most urgent first."""

    URGENT_REFERRAL = "urgent_referral"
    REFERRAL = "referral"
    DOCTOR_REVIEW = "doctor_review"
    ROUTINE = "routine"
    SELF_MONITORING = "self_monitoring"


class Names(Frozen):
    """What people and each published client call the condition; None where a client has no word."""

    en: str
    fr: str
    angular: str
    skinartify: str | None
    explainable: str | None
    guide: str | None
    lab_class_id: str | None
    lab_class_name: str | None


class Codes(Frozen):
    icd10cm: tuple[str, ...]
    icdo3: tuple[str, ...]
    snomed: tuple[str, ...]


class Sentences(Frozen):
    what_it_is: str
    why_early: str
    what_to_do: str
    treatment_note: str
    epidemiology: str


class Source(Frozen):
    """Where a sentence comes from; `supports` names the sentences it carries."""

    kind: SourceKind
    url: str | None = None
    publisher: str | None = None
    citation: str | None = None
    date: str
    supports: tuple[str, ...] = ()


class Condition(Frozen):
    key: str
    dx: str | None
    bundle: bool
    names: Names
    severity: Literal["High", "Medium", "Low", "None"]
    malignant: bool
    urgency: Band
    codes: Codes
    sentences: Mapping[Language, Sentences]
    sources: tuple[Source, ...]

    @property
    def code_relation(self) -> Literal["equivalent", "broader than"]:
        """A bundle joins several diseases, so its codes name only some of them."""
        return "broader than" if self.bundle else "equivalent"


class BandWords(Frozen):
    label: str
    action: str


class BandEntry(Frozen):
    key: Band
    en: BandWords
    fr: BandWords


class Said(Frozen):
    """One sentence in every language."""

    en: str
    fr: str

    def fill(self, **values: "Said") -> "Said":
        """With each value, in the same language, in the place that its name marks in braces."""
        return Said(
            en=self.en.format(**{name: value.en for name, value in values.items()}),
            fr=self.fr.format(**{name: value.fr for name, value in values.items()}),
        )


class PictureKind(Frozen):
    """A kind of picture in words, for one and for many."""

    one: Said
    many: Said


class Notices(Frozen):
    """`kinds` is by modality. In braces stands what `skinapi.vision.notices` fills in."""

    information_only: Said
    kinds: Mapping[str, PictureKind]
    tested: Said
    untested: Said
    little_tested: Said
    modality_unsure: Said
    modality_contradicts: Said
    uncertain: Said
    strange: Said
    refused: Mapping[str, Said]


class ChecklistItem(Said):
    key: str
    group: Literal["major", "minor"]
    points: int


class ChecklistResult(Frozen):
    at_or_above: Said
    below: Said


class Checklist(Frozen):
    name: Said
    applies_to: Said
    threshold: int
    band: Band
    items: tuple[ChecklistItem, ...]
    result: ChecklistResult
    sources: tuple[Source, ...]

    def score(self, ticked: Iterable[str]) -> int:
        """The weighted points of the items that were ticked; an unknown item is an error, not a
        zero.
        """
        points = {item.key: item.points for item in self.items}
        return sum(points[key] for key in set(ticked))


class ConditionsTable(Frozen):
    """Everything medical that the code may say."""

    table_schema: int = Field(alias="schema")
    conditions: tuple[Condition, ...]
    bands: tuple[BandEntry, ...]
    bands_sources: tuple[Source, ...]
    notices: Notices
    checklist: Checklist
    snomed_retired: tuple[int, ...]
    unconfirmed: tuple[str, ...]

    def by_key(self, key: str) -> Condition:
        return next(condition for condition in self.conditions if condition.key == key)

    def band_words(self, band: Band, language: Language) -> BandWords:
        """A band's label and its action: there is always something to do."""
        entry = next(entry for entry in self.bands if entry.key == band)
        return entry.fr if language == "fr" else entry.en

    @property
    def keys(self) -> tuple[str, ...]:
        return tuple(condition.key for condition in self.conditions)

    @property
    def malignant_keys(self) -> frozenset[str]:
        return frozenset(condition.key for condition in self.conditions if condition.malignant)

    def label_spellings(self) -> dict[str, str]:
        """Every word a data set may use for a condition, in lower case, to the condition's key."""
        spellings: dict[str, str] = {}
        for condition in self.conditions:
            words = [condition.key, condition.dx, *condition.names.model_dump().values()]
            spellings.update({word.lower(): condition.key for word in words if word is not None})
        return spellings


@cache
def conditions_table() -> ConditionsTable:
    text = resources.files("skinapi.vision").joinpath("conditions.yaml").read_text("utf-8")
    return ConditionsTable.model_validate(yaml.load(text, yaml.CSafeLoader))
