import math
from collections.abc import Iterator, Sequence
from enum import StrEnum
from functools import lru_cache
from typing import Self

from pydantic import (
    Field,
    NonNegativeFloat,
    model_validator,
)

from skinapi.base.languages import NUMBERS, Language, LocalizedText
from skinapi.base.stored_record import StoredRecord
from skinapi.model.bands import OperatingPoint, RaisedBy, severity_rank, tell_rules, urgency
from skinapi.model.calibration import HeldOutFigures
from skinapi.model.conditions import NORMAL_SKIN, Band, BandWords, conditions_table
from skinapi.model.context import Modality, SkinTone
from skinapi.model.detectors import KNOWN, ModalityFinding
from skinapi.model.facts_effect import FactsEffect
from skinapi.model.headline import (
    Headline,
    NotRuledOut,
    RankedCondition,
    RestatedProbabilities,
    add_up,
    most_likely,
    probability_of,
    sum_malignant,
    without_normal_skin,
)
from skinapi.model.network.picture import Quality
from skinapi.model.patient_facts import Fact
from skinapi.model.refusals import Reason, refuse

# The first denominator that makes a prevalence a whole number is used.
_COUNTED_OF = (100, 1000, 10_000)


def modality_notices(
    modality: ModalityFinding, tested: Sequence[HeldOutFigures]
) -> tuple[LocalizedText, ...]:
    return (*modality_doubts(modality), *_tested_notices(modality.used, tested))


def joined_modality_notices(
    modalities: Sequence[ModalityFinding], tested: Sequence[HeldOutFigures]
) -> tuple[LocalizedText, ...]:
    doubts = [doubt for modality in modalities for doubt in modality_doubts(modality)]
    used = [kind for kind in KNOWN if any(kind in modality.used for modality in modalities)]
    return tuple(dict.fromkeys([*doubts, *_tested_notices(used, tested)]))


def say_joined(pictures: int) -> LocalizedText:
    return conditions_table().notices.joined.fill(pictures=_number(pictures))


def say_untested(modality: Modality) -> LocalizedText:
    notices = conditions_table().notices
    return notices.untested.fill(kinds=notices.kinds[modality].many)


def say_untested_skin(tone: SkinTone) -> LocalizedText:
    notices = conditions_table().notices
    return notices.untested_skin.fill(skin=notices.skins[tone])


def say_restated(prevalence: float) -> LocalizedText:
    whole = (of for of in _COUNTED_OF if math.isclose(round(of * prevalence), of * prevalence))
    of = next(whole, _COUNTED_OF[-1])
    count = max(1, round(of * prevalence))
    return conditions_table().notices.restated.fill(count=_number(count), of=_number(of))


def say_calibrated_on(mixes: Sequence[float]) -> LocalizedText:
    notices = conditions_table().notices
    first, *others = (percent_text(share, decimals=0) for share in mixes)
    if others:
        return notices.calibrated_on_both.fill(first=first, last=others[-1])
    return notices.calibrated_on.fill(shares=first)


def percent_text(share: float, *, decimals: int = 1) -> LocalizedText:
    return LocalizedText.by(
        lambda language: NUMBERS[language].write_share(share, decimals=decimals)
    )


def _tested_notices(
    used: Sequence[Modality], tested: Sequence[HeldOutFigures]
) -> Iterator[LocalizedText]:
    notices = conditions_table().notices
    by_modality = {figures.modality: figures for figures in tested}
    for modality in used:
        figures = by_modality.get(modality)
        yield say_tested(figures) if figures else say_untested(modality)
    if any(modality in by_modality and by_modality[modality].is_little for modality in used):
        yield notices.little_tested


@lru_cache(maxsize=64)  # all findings of a model have notices with the same figures
def say_tested(figures: HeldOutFigures) -> LocalizedText:
    notices = conditions_table().notices
    there, elsewhere = figures.at_site, figures.elsewhere
    said = notices.tested.fill(
        kinds=notices.kinds[figures.modality].many,
        lesions=_number(figures.lesions),
        malignant=_number(figures.malignant),
        sensitivity=percent_text(figures.sensitivity),
    )
    more = {notices.tested_there: there, notices.tested_elsewhere: elsewhere}
    known = [
        words.fill(sensitivity=percent_text(share))
        for words, share in more.items()
        if share is not None
    ]
    return LocalizedText.joined(" ", [said, *known])


def modality_doubts(modality: ModalityFinding | None) -> Iterator[LocalizedText]:
    notices = conditions_table().notices
    if modality is None:
        return
    if modality.contradicted:
        yield notices.modality_contradicts.fill(
            told=notices.kinds[modality.told].one, seen=notices.kinds[modality.recognised].one
        )
    elif modality.unsure:
        yield notices.modality_unsure


def _number(number: int) -> LocalizedText:
    return LocalizedText.by(lambda language: NUMBERS[language].write_count(number))


class Doubt(StrEnum):
    """Why a finding is uncertain."""

    NOT_SURELY_SKIN = "not_surely_skin"
    # One of several pictures has a more serious result than the others.
    PICTURES_DISAGREE = "pictures_disagree"
    TOO_CLOSE = "too_close"
    UNLIKE_TRAINING = "unlike_training"


class Timings(StoredRecord):
    """In milliseconds."""

    decode: NonNegativeFloat
    engine: NonNegativeFloat
    total: NonNegativeFloat


class FindingHeading(StoredRecord):
    """The part of a finding that the list of a spot shows, small enough to read a page of a
    thousand.

    `stated` is the condition of the naming rule or, in doubt, the most severe plausible one.
    `alone` is what the most serious of several pictures names, if that is a cancer that is more
    serious or more certain than the joined result. `restated` holds the displayed probabilities if
    the clinic has set PREVALENCE. `untested_skin` are entered tones on which the model was not
    tested. `asked_by_picture`: the band is that of one of several pictures. `some_skin`: some of
    them, but not all, may show no skin. `told_signs` are ticked items with too few points for a
    referral.
    """

    ranked: tuple[RankedCondition, ...] = Field(min_length=2)
    stated: str
    band: Band
    raised_by: tuple[RaisedBy, ...]
    uncertain: bool
    reasons: tuple[Doubt, ...]
    alone: RankedCondition | None = Field(default=None, exclude_if=lambda alone: alone is None)
    restated: RestatedProbabilities | None = Field(
        default=None, exclude_if=lambda restated: restated is None
    )
    untested_skin: tuple[SkinTone, ...] = ()
    asked_by_picture: bool = Field(default=False, exclude_if=lambda asked: not asked)
    some_skin: bool = Field(default=False, exclude_if=lambda some: not some)
    told_signs: tuple[str, ...] = Field(default=(), exclude_if=lambda signs: not signs)

    @property
    def confidence(self) -> float:
        return probability_of(self.ranked, self.stated)

    @property
    def shown_ranked(self) -> tuple[RankedCondition, ...]:
        return self.restated.ranked if self.restated else self.ranked

    @property
    def likely(self) -> str:
        return most_likely(self.ranked, self.shown_ranked).key

    @property
    def headline(self) -> Headline:
        return self._head(self.restated or self)

    @property
    def one_name(self) -> RankedCondition:
        """For a client that shows one name, independent of the clinic's PREVALENCE."""
        return self._head(self).one_name

    def _head(self, shown: "FindingHeading | RestatedProbabilities") -> Headline:
        return Headline.from_ranked(
            ranked=self.ranked,
            shown=shown.ranked,
            stated=self.stated,
            band=self.band,
            raised_by=self.raised_by,
            uncertain=self.uncertain,
            alone=self.alone,
            shown_alone=shown.alone,
            told_signs=self.told_signs,
            not_skin=self.not_skin,
        )

    @property
    def not_skin(self) -> bool:
        return Doubt.NOT_SURELY_SKIN in self.reasons and not self.some_skin

    @property
    def facts_effect(self) -> FactsEffect | None:
        return None

    def band_words(self, language: Language = "en") -> BandWords:
        return conditions_table().band_words(self.band, language, self.headline.suspected)


class FindingSummary(FindingHeading):
    malignant_score: float
    model_version: str

    @property
    def shown_malignant_score(self) -> float:
        return self.restated.malignant_score if self.restated else self.malignant_score


class Finding(FindingSummary):
    """All that is known about one or more photos of one lesion. With several, `pictures` has the
    finding of each, in the order sent, and quality, modality and heat map are those of
    `shown_picture`.

    `from_picture` holds the probabilities before the patient's facts, if these changed any, and
    `moved_by` the facts that moved the most probable condition. `operating_point` is the clinic's
    at that time. `calibrated_on` is the share of malignant lesions for which `ranked` is valid;
    None if it is unknown or there are several pictures.
    """

    quality: Quality
    not_dermoscopic: bool
    checklist_score: int | None
    heat: tuple[tuple[NonNegativeFloat, ...], ...]
    timings: Timings
    modality: ModalityFinding | None = None
    tested: tuple[HeldOutFigures, ...] = ()
    from_picture: tuple[RankedCondition, ...] | None = None
    moved_by: tuple[Fact, ...] = Field(default=(), exclude_if=lambda facts: not facts)
    not_ruled_out: tuple[NotRuledOut, ...] = ()
    profile_unread: bool = False
    text_in_picture: bool = Field(default=False, exclude_if=lambda written: not written)
    operating_point: OperatingPoint | None = Field(
        default=None, exclude_if=lambda point: point is None
    )
    calibrated_on: float | None = Field(
        default=None, ge=0, le=1, exclude_if=lambda share: share is None
    )
    pictures: tuple["Finding", ...] = Field(default=(), exclude_if=lambda pictures: not pictures)
    shown_picture: int = Field(default=0, exclude_if=lambda place: not place)

    @model_validator(mode="after")
    def _refuse_inconsistent(self) -> Self:
        probabilities = [entry.probability for entry in self.ranked]
        if probabilities != sorted(probabilities, reverse=True):
            raise ValueError("the most probable comes first")
        if not math.isclose(sum(probabilities), 1, abs_tol=1e-6):
            raise ValueError("probabilities sum to one")
        if len({entry.key for entry in self.ranked}) != len(self.ranked):
            raise ValueError("each condition stands once")
        if self.stated not in {entry.key for entry in self.ranked}:
            raise ValueError("what is stated is ranked")
        if self.uncertain != bool(self.reasons):
            raise ValueError("uncertain for a reason, certain without one")
        if any(urgency(picture.band) < urgency(self.band) for picture in self.pictures):
            raise ValueError("never milder than one of its pictures")
        return self

    def find_graver_alone(self) -> "Finding | None":
        """The most serious picture by its headline: a cancer that is more serious than this
        headline's, or the same one with a higher probability if the pictures disagree.
        """
        malignant, outputs = conditions_table().malignant_keys, [e.key for e in self.ranked]
        named = [(picture, picture.by_own_mix().headline.named) for picture in self.pictures]
        cancers = [(item, entry) for item, entry in named if entry.key in malignant]
        if not cancers:
            return None
        gravest, alone = min(
            cancers, key=lambda each: (severity_rank(each[1].key, outputs), -each[1].probability)
        )
        own = self.by_own_mix().headline.named
        graver = severity_rank(alone.key, outputs) < severity_rank(own.key, outputs)
        surer = alone.key == own.key and alone.probability > own.probability
        return gravest if graver or (surer and Doubt.PICTURES_DISAGREE in self.reasons) else None

    @property
    def facts_effect(self) -> FactsEffect | None:
        return FactsEffect.from_headline(
            self.headline,
            most_probable=self.most_probable,
            shown=self.shown_ranked,
            from_picture=(self.restated or self).from_picture,
            moved_by=self.moved_by,
            band=self.band,
            uncertain=self.uncertain,
            several=bool(self.pictures),
        )

    @property
    def most_probable(self) -> str:
        return self.ranked[0].key

    @property
    def mixes(self) -> tuple[float, ...]:
        own = [item.calibrated_on for item in (self, *self.pictures)]
        return tuple(dict.fromkeys(share for share in own if share is not None))

    def by_own_mix(self) -> Self:
        """The finding without restated probabilities, for clients that show the model's."""
        if self.restated is None and not self.pictures:
            return self
        pictures = tuple(picture.by_own_mix() for picture in self.pictures)
        return self.model_copy(update={"restated": None, "pictures": pictures})

    @property
    def notices(self) -> tuple[LocalizedText, ...]:
        notices = conditions_table().notices
        return (
            notices.information_only,
            *([say_joined(len(self.pictures))] if self.pictures else []),
            *map(doubt_notice, self.reasons),
            *([notices.text_in_picture] if self.text_in_picture else []),
            *([notices.profile_unread] if self.profile_unread else []),
            *map(say_untested_skin, self.untested_skin),
            *self._modality_notices(),
        )

    def _modality_notices(self) -> tuple[LocalizedText, ...]:
        """A finding without a modality is from a model that only knew dermoscope pictures."""
        if self.pictures:
            each = [picture.modality for picture in self.pictures if picture.modality]
            return joined_modality_notices(each, self.tested)
        if self.modality is not None:
            return modality_notices(self.modality, self.tested)
        return (say_untested(Modality.CLINICAL),) if self.not_dermoscopic else ()

    def within_known_classes(self) -> Self:
        """The finding for clients of seven classes: an unknown condition is added to the class that
        it counts as. The most probable result is stated, if it is more severe.
        """
        table = conditions_table()
        counted = {entry.key: table.counted_as(entry.key) or entry.key for entry in self.ranked}
        if all(key == known for key, known in counted.items()):
            return self
        sets = [
            entry.model_copy(
                update={
                    "keys": tuple(dict.fromkeys(counted[key] for key in entry.keys)),
                    "too_few": tuple(dict.fromkeys(counted[key] for key in entry.too_few)),
                }
            )
            for entry in self.not_ruled_out
        ]
        ranked, pictured = add_up(self.ranked, counted), self.from_picture
        changed = {
            "ranked": ranked,
            "stated": min(counted[self.stated], ranked[0].key, key=severity_rank),
            "raised_by": tell_rules(RaisedBy(counted.get(rule, rule)) for rule in self.raised_by),
            "from_picture": add_up(pictured, counted) if pictured else None,
            "not_ruled_out": tuple(sets),
            "alone": self.alone and self.alone.model_copy(update={"key": counted[self.alone.key]}),
        }
        return self.model_copy(update=changed)

    def over_seven(self) -> Self:
        """The finding without normal skin, renormalised, for clients that do not know that class.
        Raises Refused(no_lesion) if normal skin ranks first.
        """
        if self.most_probable == NORMAL_SKIN:
            raise refuse(Reason.NO_LESION)
        ranked = without_normal_skin(self.ranked)
        pictured = self.from_picture
        changed = {
            "ranked": ranked,
            "malignant_score": sum_malignant(ranked),
            "from_picture": without_normal_skin(pictured) if pictured else None,
        }
        return self.model_copy(update=changed)


def doubt_notice(doubt: Doubt) -> LocalizedText:
    table = conditions_table().notices
    said = {
        Doubt.NOT_SURELY_SKIN: table.not_surely_skin,
        Doubt.PICTURES_DISAGREE: table.disagree,
        Doubt.TOO_CLOSE: table.uncertain,
        Doubt.UNLIKE_TRAINING: table.strange,
    }
    return said[doubt]
