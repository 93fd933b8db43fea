"""Reads `conditions.yaml`, the only source of medical sentences, into immutable typed values.

No other module contains a sentence about a disease; it looks one up here by key and language.
"""

from collections.abc import Collection, Iterable, Mapping
from enum import StrEnum
from functools import cache, cached_property
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field

from skinapi.base.languages import (
    LANGUAGES,
    Language,
    LocalizedText,
    in_each_language,
    lower_first,
    read_yaml,
    space_all_french,
)
from skinapi.base.stored_record import Frozen


class PictureKind(Frozen):
    """The words for a kind of picture, in singular and plural; `guessed` where nobody told it."""

    one: LocalizedText
    many: LocalizedText
    guessed: LocalizedText


class CertaintyWords(Frozen):
    """How sure a patient may be of a finding. `sent` or `sent_if_skin` is added to `uncertain`.
    `either_kind` is about pictures of unknown kind, and `there` about spots at the reader's body
    site.
    """

    tested: LocalizedText
    elsewhere: LocalizedText
    there: LocalizedText
    little_tested: LocalizedText
    untested: LocalizedText
    untested_skin: LocalizedText
    uncertain: LocalizedText
    sent: LocalizedText
    sent_if_skin: LocalizedText
    not_examined: LocalizedText
    either_kind: LocalizedText


class HeadlineNames(Frozen):
    patient: LocalizedText
    doctor: LocalizedText

    @property
    def of_patient(self) -> LocalizedText:
        """The patient's wording after "of". In French each of two names needs it."""
        french = "d'" + self.patient.fr.replace(" ou un", " ou d'un")
        return self.patient.model_copy(update={"fr": french})


class ChanceWords(Frozen):
    about: LocalizedText
    less: LocalizedText
    more: LocalizedText


class HeadlineWords(Frozen):
    """`sent_for` is keyed by the reason of a referral that the picture does not explain. `mostly`
    is used if all cancers together have more than half, but the likely condition is not one.
    """

    likely: LocalizedText
    mostly: LocalizedText
    nothing_recognised: LocalizedText
    not_skin: LocalizedText
    doctor_not_skin: LocalizedText
    not_ruled_out: LocalizedText
    by_picture: LocalizedText
    cancer: LocalizedText
    sent_for: Mapping[str, LocalizedText]
    doctor_likely: LocalizedText
    doctor_mostly: LocalizedText
    doctor_single: LocalizedText
    doctor_not_ruled_out: LocalizedText
    doctor_by_picture: LocalizedText
    doctor_cancer: LocalizedText
    doctor_sent_for: Mapping[str, LocalizedText]
    chance: ChanceWords
    names: Mapping[str, HeadlineNames]


class FactsEffectWords(Frozen):
    """The keys of both lists of facts are facts, and `other`; those of `picture` and `doctor` are
    `one` and `many`.
    """

    more_likely: LocalizedText
    less_likely: LocalizedText
    picture: Mapping[str, LocalizedText]
    facts: Mapping[str, LocalizedText]
    doctor: Mapping[str, LocalizedText]
    doctor_facts: Mapping[str, LocalizedText]
    both: LocalizedText
    less_than_one: LocalizedText
    more_than_99: LocalizedText


class WaitingWords(Frozen):
    label: LocalizedText
    next_step: LocalizedText
    doctor_label: LocalizedText | None = None
    doctor_action: LocalizedText


class DecisionWords(Frozen):
    title: LocalizedText
    opinion: LocalizedText
    unconfirmed: LocalizedText
    suspected: LocalizedText
    result: LocalizedText
    asked: LocalizedText
    heading: LocalizedText
    dated: LocalizedText
    of_finding: LocalizedText
    waits_for: Mapping[str, WaitingWords]
    result_overdue: LocalizedText
    proven: Mapping[str, LocalizedText]
    proven_for_doctor: LocalizedText
    unnamed: LocalizedText
    awaited: LocalizedText
    new_picture: LocalizedText
    without_picture: LocalizedText
    new_picture_doctor: LocalizedText
    normal_skin: LocalizedText
    ask_a_doctor: LocalizedText
    overview: LocalizedText
    said_elsewhere: LocalizedText
    said_of_deleted: LocalizedText
    risen: Mapping[str, LocalizedText]
    compared: LocalizedText
    taken_back: LocalizedText
    counts_here: LocalizedText
    signed_before: LocalizedText
    not_covered: LocalizedText
    still_counts: LocalizedText
    written_before: LocalizedText
    changes: Mapping[str, LocalizedText]


class ComparisonWords(Frozen):
    not_comparable: LocalizedText
    why_not_comparable: Mapping[str, LocalizedText]
    not_measured: LocalizedText
    area_not_measured: LocalizedText
    part_not_measured: LocalizedText
    why_not_measured: Mapping[str, LocalizedText]
    unchanged: LocalizedText
    unchanged_in: Mapping[str, LocalizedText]
    changed_in: Mapping[str, LocalizedText]
    beyond_error: LocalizedText
    compared: LocalizedText
    earlier: LocalizedText
    earlier_elsewhere: LocalizedText
    told: LocalizedText
    told_doctor: LocalizedText
    decided_with_both: LocalizedText
    decided_before: LocalizedText
    despite_change: LocalizedText
    may_miss: LocalizedText
    may_miss_change: LocalizedText


class Notices(Frozen):
    reminder: Mapping[str, LocalizedText]
    information_only: LocalizedText
    early: LocalizedText
    headline: HeadlineWords
    facts_effect: FactsEffectWords
    kinds: Mapping[str, PictureKind]
    tested: LocalizedText
    untested: LocalizedText
    little_tested: LocalizedText
    about_model: tuple[LocalizedText, ...]
    tested_there: LocalizedText
    tested_elsewhere: LocalizedText
    skins: Mapping[str, LocalizedText]
    untested_skin: LocalizedText
    certainty: CertaintyWords
    modality_unsure: LocalizedText
    modality_contradicts: LocalizedText
    uncertain: LocalizedText
    strange: LocalizedText
    disagree: LocalizedText
    not_surely_skin: LocalizedText
    decision: DecisionWords
    comparison: ComparisonWords
    restated: LocalizedText
    calibrated_on: LocalizedText
    calibrated_on_both: LocalizedText
    joined: LocalizedText
    picture_refused: LocalizedText
    profile_unread: LocalizedText
    text_in_picture: LocalizedText
    graver_review: LocalizedText
    refused: Mapping[str, LocalizedText]


# What a sentence may be based on: a guideline, a professional society or a national cancer
# charity, a reviewed paper, a public health service, a classification of diseases, or this
# software itself.
SourceKind = Literal[
    "guideline", "society", "peer_reviewed", "health_service", "classification", "software"
]
NORMAL_SKIN = "normal_skin"


class Band(StrEnum):
    """How soon a doctor should see the lesion, the most urgent first."""

    URGENT_REFERRAL = "urgent_referral"
    REFERRAL = "referral"
    DOCTOR_REVIEW = "doctor_review"
    ROUTINE = "routine"
    SELF_MONITORING = "self_monitoring"


class Codes(Frozen):
    icd10cm: tuple[str, ...] = ()
    icdo3: tuple[str, ...] = ()
    snomed: tuple[str, ...] = ()


class Sentences(Frozen):
    what_it_is: str
    why_early: str
    what_to_do: str
    treatment_note: str
    epidemiology: str


class Source(Frozen):
    kind: SourceKind
    url: str | None = None
    publisher: str | None = None
    citation: str | None = None
    date: str
    supports: tuple[str, ...] = ()


class Sourced(Frozen):
    sources: tuple[Source, ...]

    def sources_of(self, sentence: str) -> list[Source]:
        return [source for source in self.sources if sentence in source.supports]


class Condition(Sourced):
    key: str
    dx: str | None
    bundle: bool
    names: LocalizedText
    api_name: str
    spellings: tuple[str, ...] = ()
    severity: Literal["High", "Medium", "Low", "None"]
    malignant: bool
    urgency: Band
    codes: Codes
    sentences: Annotated[Mapping[Language, Sentences], AfterValidator(in_each_language)]
    # The class in models without this output, and for clients of seven classes.
    counted_as: str | None = None
    # The name if nothing may be called harmless.
    in_short: LocalizedText | None = None

    # All texts about it.
    not_told: ClassVar[tuple[str, ...]] = ()

    @property
    def told_as(self) -> str | None:
        return self.key

    @property
    def code_relation(self) -> Literal["equivalent", "broader than"]:
        """A bundle joins several diseases, so its codes name only some of them."""
        return "broader than" if self.bundle else "equivalent"


class ReviewLabel(Sourced):
    """A condition that a doctor may name in a review, and no model states. `counted_as` is the
    model's class that it belongs to. An explanation leaves out the topics `not_told` of that class.
    """

    key: str
    names: LocalizedText
    malignant: bool
    urgency: Band
    counted_as: str | None = None
    codes: Codes = Codes()
    not_told: tuple[str, ...] = ()
    sources: tuple[Source, ...] = ()
    bundle: ClassVar[bool] = False

    @property
    def told_as(self) -> str | None:
        """The condition whose passages explain it; None if it is not known which of them apply."""
        return self.counted_as if self.not_told else None


class BandWords(Frozen):
    """`label` and `action` are a patient's words, and `next_step` after a doctor has decided
    (`first_step` before); the others are a doctor's. `doctor_action` has `guideline` in it where
    that applies.
    """

    label: str
    action: str
    doctor_label: str
    doctor_action: str
    first_step: str
    next_step: str
    guideline: str = ""


class BandEntry(Frozen):
    """`photograph_again_days`: when a reminder asks for another photo. `see_within_days`: until
    when a doctor should have seen the spot, if its words name a time. `guideline_for`: the
    conditions of which the words' `guideline` speaks.
    """

    key: Band
    photograph_again_days: int
    see_within_days: int | None = None
    guideline_for: tuple[str, ...] = ()
    if TYPE_CHECKING:
        en: BandWords
        fr: BandWords
    else:
        __annotations__ |= dict.fromkeys(LANGUAGES, BandWords)

    def in_language(self, language: Language) -> BandWords:
        words: BandWords = getattr(self, language)
        return words


class ChecklistItem(LocalizedText):
    """A question to the patient; `doctor` is the term of the checklist. With `every_spot` the
    question is asked first, and about spots of any colour.
    """

    doctor: LocalizedText
    key: str
    group: Literal["major", "minor"]
    points: int
    every_spot: bool = False


class ChecklistResult(Frozen):
    at_or_above: LocalizedText
    below: LocalizedText
    told: LocalizedText
    told_and: LocalizedText


class Checklist(Frozen):
    name: LocalizedText
    applies_to: LocalizedText
    left_out: LocalizedText
    threshold: int
    band: Band
    items: tuple[ChecklistItem, ...]
    result: ChecklistResult
    sources: tuple[Source, ...]

    def score(self, ticked: Iterable[str]) -> int:
        points = {item.key: item.points for item in self.items}
        return sum(points[key] for key in set(ticked))

    def say_told(self, signs: Collection[str]) -> LocalizedText:
        return self.result.told.fill(signs=self.join_told(signs))

    def join_told(self, signs: Collection[str]) -> LocalizedText:
        *first, last = (_within_sentence(item) for item in self.items if item.key in signs)
        if not first:
            return last
        return self.result.told_and.fill(first=LocalizedText.joined(", ", first), second=last)

    def list_told(self, signs: Collection[str]) -> LocalizedText:
        terms = [_within_sentence(item.doctor) for item in self.items if item.key in signs]
        return LocalizedText.joined(", ", terms)


class VisitWords(Sourced):
    """Sentences for a patient about the visit that a finding recommends. The keys of `reasons` are
    rules that required the urgency, and a few others.
    """

    why: LocalizedText
    reasons: Mapping[str, LocalizedText]
    also: LocalizedText
    phone: LocalizedText
    own_doctor: LocalizedText
    there: LocalizedText
    there_melanoma: LocalizedText
    most_without: LocalizedText
    many_without: LocalizedText
    likely: LocalizedText
    until: LocalizedText
    sooner: LocalizedText


def _within_sentence(said: LocalizedText) -> LocalizedText:
    return LocalizedText.by(lambda language: lower_first(said.in_language(language)))


class ConditionsTable(Frozen):
    table_schema: int = Field(alias="schema")
    conditions: tuple[Condition, ...]
    review_only: tuple[ReviewLabel, ...]
    bands: tuple[BandEntry, ...]
    bands_sources: tuple[Source, ...]
    notices: Notices
    visit: VisitWords
    checklist: Checklist
    snomed_retired: tuple[int, ...]
    unconfirmed: tuple[str, ...]

    def by_key(self, key: str) -> Condition:
        return self._by_key[key]

    # Called 80 times for a photo, and twice for each row of a list.
    @cached_property
    def _by_key(self) -> dict[str, Condition]:
        return {condition.key: condition for condition in self.conditions}

    @cached_property
    def _by_label(self) -> dict[str, Condition | ReviewLabel]:
        return {**self._by_key, **{label.key: label for label in self.review_only}}

    def label(self, key: str) -> Condition | ReviewLabel:
        return self._by_label[key]

    def counted_as(self, key: str, outputs: Collection[str] = ()) -> str | None:
        label = self.label(key)
        if key in outputs or (isinstance(label, Condition) and label.counted_as is None):
            return key
        return label.counted_as

    def counted_as_this(self, key: str) -> tuple[str, ...]:
        return self._counted_as_each.get(key, ())

    @cached_property
    def _counted_as_each(self) -> dict[str, tuple[str, ...]]:
        return {
            key: tuple(
                other for other in self._by_label if other != key and self.counted_as(other) == key
            )
            for key in self.keys
        }

    def name(self, key: str, language: Language) -> str:
        return self.label(key).names.in_language(language)

    def name_for_patient(self, key: str, language: Language) -> str:
        """A condition that no model outputs has the same name for everybody."""
        names = self.notices.headline.names.get(key)
        return names.patient.in_language(language) if names else self.name(key, language)

    def band_words(
        self, band: Band, language: Language, suspected: Collection[str] = ()
    ) -> BandWords:
        """A band's words, for a doctor including what a guideline says about the `suspected`
        conditions. If one of them requires an urgent referral, a referral gets its guideline.
        """
        entry = self.band_entry(band)
        words = entry.in_language(language)
        urgent = Band.URGENT_REFERRAL
        if band is Band.REFERRAL and any(
            self.by_key(key).urgency is urgent for key in suspected if key in self.keys
        ):
            action = self.band_entry(urgent).in_language(language).doctor_action
            return words.model_copy(update={"doctor_action": action})
        if not set(entry.guideline_for) & {*suspected}:
            return words
        action = f"{words.doctor_action} {words.guideline}"
        return words.model_copy(update={"doctor_action": action})

    def band_entry(self, band: Band) -> BandEntry:
        return next(entry for entry in self.bands if entry.key == band)

    @property
    def keys(self) -> tuple[str, ...]:
        return tuple(condition.key for condition in self.conditions)

    @property
    def labels(self) -> tuple[str, ...]:
        return tuple(self._by_label)

    @cached_property
    def malignant_keys(self) -> frozenset[str]:
        return frozenset(condition.key for condition in self.conditions if condition.malignant)

    def label_spellings(self) -> dict[str, str]:
        spellings: dict[str, str] = {}
        for condition in self.conditions:
            words = [condition.key, condition.dx, *condition.names.model_dump().values()]
            words += [condition.api_name, *condition.spellings]
            spellings.update({word.lower(): condition.key for word in words if word is not None})
        for label in self.review_only:
            if label.counted_as:
                words = [label.key, *label.names.model_dump().values()]
                spellings.update({word.lower(): label.counted_as for word in words})
        return {word.replace("_", " "): key for word, key in spellings.items()} | spellings


@cache
def conditions_table() -> ConditionsTable:
    written = read_yaml("skinapi.model", "conditions.yaml")
    return ConditionsTable.model_validate(space_all_french(written))
