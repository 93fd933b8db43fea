"""The facts that a narrative may mention, without any that identify a person."""

import math
from collections.abc import Collection, Iterator
from functools import cached_property, partial, reduce
from typing import Annotated, Any, Literal, Self

from pydantic import Field

from skinapi.base.languages import NUMBERS, Language, LocalizedText
from skinapi.base.stored_record import Frozen, optional
from skinapi.findings.reports.words import LABELS, SENTENCES, sentences_of
from skinapi.model.bands import (
    OperatingPoint,
    RaisedBy,
    band_of_condition,
    is_raised,
    is_sent,
    most_urgent,
    severity_rank,
)
from skinapi.model.calibration import HeldOutFigures
from skinapi.model.conditions import NORMAL_SKIN, Band, BandWords, Condition, conditions_table
from skinapi.model.context import NOTHING_TOLD, Context, Modality, SkinTone
from skinapi.model.detectors import ModalityFinding
from skinapi.model.facts_effect import FactsEffect
from skinapi.model.finding import Doubt, Finding, doubt_notice
from skinapi.model.headline import (
    GRAVER_SHARE,
    PIGMENTED,
    Headline,
    NotRuledOut,
    RankedCondition,
    ReferralReason,
    RestatedProbabilities,
    needs_hundreds,
)
from skinapi.model.network.picture import Quality
from skinapi.model.patient_facts import Fact

# From this probability of cancer, a report no longer says that most referred patients have none.
MOST_CALM = 0.2
# Above this probability, it no longer says so even of many.
MOST_OPEN = 0.5
# The word "cure" is not used for a condition that can become a cancer.
CURED_EARLY = frozenset({"melanoma", "basal_cell_carcinoma", "squamous_cell_carcinoma"})
Share = Annotated[float, Field(ge=0, le=1)]


class PictureFacts(Frozen):
    """What one of several pictures alone would have been answered with; `malignant` is the sum
    over all malignant conditions.
    """

    kind: Modality
    heading: RankedCondition
    band: Band
    malignant: Share | None = optional()

    @classmethod
    def from_finding(cls, finding: Finding) -> Self:
        kind, modality = Modality.UNKNOWN, finding.modality
        if modality:
            known = modality.recognised is not Modality.UNKNOWN
            kind = modality.recognised if known else modality.told
        headline = finding.headline
        return cls(
            kind=kind, heading=headline.named, band=finding.band, malignant=headline.malignant
        )


class Facts(Frozen):
    """If not `examined`, a caller has stated a class and its probability. `ranked` and
    `from_picture` (without entered facts) decide what is said; people read `shown`. Findings of
    1.0.0 lack `modality`, `tested` and `not_ruled_out`.
    """

    examined: bool
    stated: str
    confidence: Share
    ranked: tuple[RankedCondition, ...] = ()
    malignant_score: Share | None = None
    band: Band
    raised_by: tuple[RaisedBy, ...]
    uncertain: bool = False
    reasons: tuple[Doubt, ...] = ()
    not_dermoscopic: bool
    quality: Quality | None = None
    checklist_score: int | None = None
    context: Context = NOTHING_TOLD
    model_version: str | None = None
    operating_point: OperatingPoint | None = optional()
    modality: ModalityFinding | None = None
    tested: tuple[HeldOutFigures, ...] = ()
    from_picture: tuple[RankedCondition, ...] | None = None
    not_ruled_out: tuple[NotRuledOut, ...] = ()
    untested_skin: tuple[SkinTone, ...] = ()
    told_signs: tuple[str, ...] = optional(default=())
    some_skin: bool = optional(default=False)
    notices: tuple[LocalizedText, ...]
    # Left out if empty, so that reports on one picture keep their hashes.
    pictures: tuple[PictureFacts, ...] = optional(default=())
    moved_by: tuple[Fact, ...] = optional(default=())
    alone: RankedCondition | None = optional()
    restated: RestatedProbabilities | None = optional()
    mixes: tuple[Share, ...] = optional(default=())
    # The finding provides its own headline and the effect of entered facts.
    _finding: Finding | None = None

    @classmethod
    def from_finding(cls, finding: Finding, context: Context) -> Self:
        own = cls.model_fields.keys() - {"examined", "context", "pictures"}
        facts = cls(
            examined=True,
            context=context,
            pictures=tuple(map(PictureFacts.from_finding, finding.pictures)),
            **{name: getattr(finding, name) for name in own},
        )
        facts._finding = finding
        return facts

    @classmethod
    def as_stated(cls, *, condition: str, confidence: float, outputs: Collection[str] = ()) -> Self:
        table = conditions_table()
        asked = {
            RaisedBy.MOST_PROBABLE: band_of_condition(condition, outputs),
            RaisedBy.NOT_EXAMINED: Band.DOCTOR_REVIEW,
        }
        band = most_urgent(*asked.values())
        return cls(
            examined=False,
            stated=condition,
            confidence=confidence,
            band=band,
            raised_by=tuple(rule for rule, wanted in asked.items() if wanted is band),
            not_dermoscopic=True,
            notices=(table.notices.information_only,),
        )

    @property
    def shown(self) -> "Facts | RestatedProbabilities":
        return self.restated or self

    # Cached because each sentence of a narrative uses it.
    @cached_property
    def headline(self) -> Headline:
        stated = RankedCondition(key=self.stated, probability=self.confidence)
        return self._finding.headline if self._finding else Headline.as_stated(stated)

    @property
    def one_name(self) -> RankedCondition:
        """The single name for older clients, independent of the clinic's PREVALENCE."""
        return (self._finding or self.headline).one_name

    @property
    def not_skin(self) -> bool:
        return bool(self._finding and self._finding.not_skin)

    @cached_property
    def effect(self) -> FactsEffect | None:
        return self._finding.facts_effect if self._finding else None

    @cached_property
    def in_hundreds(self) -> bool:
        if self.effect and self.effect.for_patient:
            return True
        headline, malignant = self.headline, conditions_table().malignant_keys
        ranked = [*self.shown.ranked, *(self.shown.from_picture or ())]
        named = {headline.likely.key, headline.named.key}
        entries = [*(entry for entry in ranked if entry.key in named), headline.named]
        said = [(entry.probability, entry.key in malignant) for entry in entries]
        if not self.examined:
            return needs_hundreds(said)
        cancer, likely = (headline.malignant, True), headline.likely
        apart = [] if likely.key in malignant else [(likely.probability, False), cancer]
        return needs_hundreds([*said, cancer], apart=apart)

    @property
    def place_alone(self) -> int | None:
        each = [picture.heading.probability for picture in self.pictures]
        named = self.headline.named.probability
        return each.index(named) + 1 if self.alone and named in each else None

    @property
    def described(self) -> Condition | None:
        """A benign condition needs an all-clear, because its text calls it harmless."""
        likely = conditions_table().by_key(self.headline.likely.key)
        return likely if (likely.malignant and not self.not_skin) or self.all_clear else None

    @property
    def likely_in_short(self) -> LocalizedText | None:
        """A short text without reassurance for a likely condition that is not `described`."""
        headline = self.headline
        if self.described or self.not_skin or headline.mostly_malignant:
            return None
        return conditions_table().by_key(headline.likely.key).in_short

    @property
    def how_often(self) -> Literal["most_without", "many_without", "likely"]:
        """ "Most have none" would contradict a likely cancer."""
        headline = self.headline
        if headline.malignant > MOST_OPEN:
            return "likely"
        calm = headline.malignant < MOST_CALM and not headline.by_picture
        return "most_without" if calm else "many_without"

    @property
    def all_clear(self) -> bool:
        malignant = conditions_table().by_key(self.stated).malignant
        return not (malignant or self.uncertain or self.more_urgent)

    @property
    def more_urgent(self) -> bool:
        outputs = [entry.key for entry in self.ranked]
        return is_raised(self.band, named=self.stated, outputs=outputs)

    @property
    def as_urgent(self) -> bool:
        """The likely condition's own advice applies if nothing more serious is open."""
        headline = self.headline
        own = band_of_condition(headline.likely.key, ())
        return self.band is own and not (self.uncertain or headline.not_ruled_out)

    @property
    def concern(self) -> Condition:
        """The condition whose text on early detection applies: one not ruled out, or the likely
        one. If its text would contradict the urgency, melanoma for a pigmented spot, otherwise the
        most serious cancer with at least half of the top probability.
        """
        table, named = conditions_table(), self.headline.named.key
        if self.not_skin:
            return table.by_key(NORMAL_SKIN)
        own = {item.key: item.probability for item in self.ranked}
        malignant = [key for key in own if key in table.malignant_keys]
        if named in malignant or not malignant or self.all_clear:
            return table.by_key(named if named in malignant or self.all_clear else NORMAL_SKIN)
        if self.headline.likely.key in PIGMENTED and "melanoma" in own:
            return table.by_key("melanoma")
        least = GRAVER_SHARE * own[malignant[0]]
        graver = (key for key in malignant if own[key] >= least)
        return table.by_key(min(graver, key=lambda key: severity_rank(key, own)))

    def band_words(self, language: Language) -> BandWords:
        return conditions_table().band_words(self.band, language, self.headline.suspected)

    def for_hash(self) -> dict[str, Any]:
        plain = self.model_dump(mode="json", exclude={"context"})
        return {**plain, "context": self.context.for_hash()}


class Summary(Frozen):
    """One sentence each, of `likely` one more where something cannot be ruled out, and one more
    where the patient's facts changed how likely it is.
    """

    to_do: str
    likely: str
    certainty: str

    @property
    def sentences(self) -> tuple[str, str, str]:
        return self.to_do, self.likely, self.certainty


def summarise(
    facts: Facts, language: Language, *, decided: bool = False, counts: BandWords | None = None
) -> Summary:
    """Pass `decided` after a review, so that the text no longer recommends to see a doctor."""
    effect = None if decided else facts.effect and facts.effect.for_patient
    likely = say_headline(facts, language)
    return Summary(
        likely=f"{likely} {effect.in_language(language)}" if effect else likely,
        to_do=f"{(counts or facts.band_words(language)).label}.",
        certainty=say_certainty(facts, language, decided=decided),
    )


def say_certainty(facts: Facts, language: Language, *, decided: bool = False) -> str:
    """State the first doubt, or how the model performed in tests on this skin and picture kind."""
    sent = [] if decided else say_sent(facts)
    said = sent if facts.not_skin and sent else [_certainty(facts), *sent]
    return " ".join(item.in_language(language) for item in said)


def say_sent(facts: Facts) -> list[LocalizedText]:
    """Advise seeing a doctor despite any doubt, unless the photo may not show skin."""
    words = conditions_table().notices.certainty
    if not (facts.examined and facts.uncertain and is_sent(facts.band)):
        return []
    return [words.sent_if_skin if Doubt.NOT_SURELY_SKIN in facts.reasons else words.sent]


def _certainty(facts: Facts) -> LocalizedText:
    notices = conditions_table().notices
    words = notices.certainty
    if not facts.examined:
        return words.not_examined
    if facts.uncertain:
        return words.uncertain
    if facts.untested_skin:
        return words.untested_skin.fill(skin=notices.skins[facts.untested_skin[-1]])
    used = dict(_list_used_kinds(facts))
    least, kinds = max(used.values(), key=_rank_by_tests), _say_kinds(facts, used)
    if least is None:
        return words.untested.fill(kinds=kinds)
    return _say_missed(least, kinds if least.at_site is None else words.there)


def _say_missed(tested: HeldOutFigures, kinds: LocalizedText) -> LocalizedText:
    """Always say this, because the reader's clinic may resemble none of those in the tests."""
    words = conditions_table().notices.certainty
    missed = {"missed": _write_missed(tested.sent), "kinds": kinds}
    if tested.elsewhere is not None:
        return words.elsewhere.fill(elsewhere=_write_missed(tested.elsewhere), **missed)
    return (words.little_tested if tested.is_little else words.tested).fill(**missed)


def _write_missed(sent: float) -> LocalizedText:
    return LocalizedText.by(lambda _: str(_count_missed(sent)))


def _count_missed(sent: float) -> int:
    return max(1, math.floor(100 * (1 - sent) + 0.5))


def _say_kinds(facts: Facts, used: Collection[Modality]) -> LocalizedText:
    notices, kind = conditions_table().notices, _find_kind(facts)
    if len(used) > 1 or kind not in used:
        return notices.certainty.either_kind
    words, seen = notices.kinds[kind], facts.modality
    guessed = seen is not None and seen.told is Modality.UNKNOWN and not facts.pictures
    return words.guessed if guessed else words.many


def _list_used_kinds(facts: Facts) -> Iterator[tuple[Modality, HeldOutFigures | None]]:
    figures = {tested.modality: tested for tested in facts.tested}
    old = (Modality.CLINICAL if facts.not_dermoscopic else Modality.DERMOSCOPIC,)
    others = {picture.kind for picture in facts.pictures} - {Modality.UNKNOWN}
    for modality in {*(facts.modality.used if facts.modality else old), *others}:
        yield modality, figures.get(modality)


def _find_kind(facts: Facts) -> Modality:
    seen = facts.modality
    if seen is None:
        return Modality.CLINICAL if facts.not_dermoscopic else Modality.DERMOSCOPIC
    if seen.recognised is not Modality.UNKNOWN:
        return seen.recognised
    return seen.used[0] if len(seen.used) == 1 else Modality.UNKNOWN


def say_kind(facts: Facts, language: Language) -> str:
    labels, told = LABELS[language], facts.context.modality
    kind = _find_kind(facts) if facts.modality else told
    said = labels.say_fact("modality", kind)
    if kind is Modality.UNKNOWN and facts.modality:
        said = labels.kind_unclear
    if told in (kind, Modality.UNKNOWN):
        return said
    return labels.kind_sent.format(kind=said, sent=labels.say_fact("modality", told))


def _rank_by_tests(tested: HeldOutFigures | None) -> tuple[bool, bool, int]:
    if tested is None:
        return True, True, 0
    missed = max(map(_count_missed, (tested.sent, tested.elsewhere or 1.0)))
    return False, tested.is_little, missed


def say_reason(facts: Facts, language: Language) -> str:
    """Return "" if the headline explains the urgency, or if only the likely condition sets it."""
    said_already = facts.headline.sent_for not in (
        None,
        ReferralReason.CANCER,
        ReferralReason.CHECKLIST,
    )
    if said_already or not (is_sent(facts.band) or facts.more_urgent):
        return ""
    visit = conditions_table().visit
    reasons = dict.fromkeys(_reasons(facts))
    if not reasons or (facts.not_skin and not facts.told_signs):
        return ""
    joined = reduce(lambda one, other: visit.also.fill(one=one, other=other), reasons)
    return visit.why.fill(reasons=joined).in_language(language)


def _reasons(facts: Facts) -> Iterator[LocalizedText]:
    """Entered facts come first, then conditions. The rule on all cancers together counts only if no
    condition is named.
    """
    table, rules = conditions_table(), facts.raised_by
    words, headline = table.visit.reasons, facts.headline
    ticked = facts.context.checklist or ()
    if ticked and {RaisedBy.CHECKLIST, RaisedBy.TOLD_SIGNS} & {*rules}:
        yield words["told"].fill(signs=table.checklist.join_told(ticked))
    named = dict.fromkeys(map(partial(key_asked_by, facts), rules)) if not facts.not_skin else {}
    for asked in (key for key in named if key):
        malignant = asked in table.malignant_keys
        unnamed = malignant and asked not in headline.keys
        key = headline.likely.key if unnamed else asked
        early = malignant and key == headline.likely.key
        if unnamed and key not in table.malignant_keys:
            yield words["malignant"]
        else:
            name = table.notices.headline.names[key].patient
            reason = "condition" if not early else "early" if key in CURED_EARLY else "simpler"
            yield words[reason].fill(name=name)
    told = facts.not_skin or any(named)
    others = {rule.value for rule in rules if rule is not RaisedBy.MALIGNANT or not told}
    if RaisedBy.NOT_DERMOSCOPIC in others:
        others.add(RaisedBy.LITTLE_TESTED)
    yield from (said for rule, said in words.items() if rule in others)


def key_asked_by(facts: Facts, rule: RaisedBy) -> str | None:
    if rule is RaisedBy.MOST_PROBABLE:
        return facts.ranked[0].key if facts.ranked else facts.stated
    known = rule.value in conditions_table().keys
    return facts.stated if rule is RaisedBy.NAMED else rule.value if known else None


def say_headline(facts: Facts, language: Language, *, for_doctor: bool = False) -> str:
    if not facts.examined:
        name = conditions_table().name(facts.stated, language)
        return SENTENCES[language].as_stated.format(name=name)
    if not for_doctor:
        return facts.headline.for_patient.in_language(language)
    said = [facts.headline.for_doctor, facts.effect and facts.effect.for_doctor]
    return " ".join(item.in_language(language) for item in said if item)


def say_stated(confidence: float, language: Language) -> str:
    """Write a caller's own figure without rounding up, because we do not vouch for it."""
    decimals = 0 if round(100 * confidence, 1).is_integer() else 1
    return NUMBERS[language].write_share(confidence, decimals=decimals)


def say_doubts(facts: Facts, language: Language) -> str:
    if not facts.uncertain:
        return ""
    phrases = SENTENCES[language]
    *others, last = (phrases.doubts[doubt] for doubt in facts.reasons)
    doubts = phrases.both.format(", ".join(others), last) if others else last
    return phrases.uncertain.format(doubts=doubts)


def list_steps_of_doubts(facts: Facts, language: Language) -> Iterator[str]:
    for doubt in facts.reasons:
        yield from sentences_of(doubt_notice(doubt).in_language(language))[1:]
