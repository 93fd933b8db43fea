"""What a patient reads first, and the whole report in the order in which a person reads it: the
notice and three sentences first, then all the rest, with no sentence twice.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Sequence

from skinapi.base.languages import Language, LocalizedText
from skinapi.base.stored_record import Frozen
from skinapi.findings.reports.facts import Facts
from skinapi.findings.reports.report import Report
from skinapi.findings.reports.words import LABELS, SENTENCES
from skinapi.model.bands import is_sent
from skinapi.model.calibration import HeldOutFigures
from skinapi.model.conditions import BandWords, conditions_table
from skinapi.model.context import Modality
from skinapi.model.finding import Doubt, doubt_notice, say_calibrated_on, say_restated, say_tested

# A check misses few cancers if it found at least this share of the malignant test lesions, and
# some if it found at least the other. The least careful operating point is fitted to the first.
MISSES_FEW, MISSES_SOME = 0.95, 0.80
MISSED = ("few", "some", "many")


class Summary(Frozen):
    """One sentence each, of `likely` two where something cannot be ruled out."""

    likely: str
    to_do: str
    certainty: str

    @property
    def sentences(self) -> tuple[str, str, str]:
        return self.likely, self.to_do, self.certainty


def summarise(
    facts: Facts, language: Language, *, decided: bool = False, counts: BandWords | None = None
) -> Summary:
    """`decided`: what a doctor says counts; then nothing is said of whether one should look.
    `counts`: what is to be done, where it is not what the finding asks for.
    """
    return Summary(
        likely=say_headline(facts, language),
        to_do=f"{(counts or facts.band_words(language)).label}.",
        certainty=say_certainty(facts, language, decided=decided),
    )


def say_certainty(facts: Facts, language: Language, *, decided: bool = False) -> str:
    """How sure one may be: the doubt, where there is one, else how the model did in its test.

    Where the model was not tested for the patient's skin, that counts. Of several kinds of picture
    that it may be, the one on which least is known counts, and the sentence names both.
    """
    said = [_certainty(facts), *([] if decided else say_sent(facts))]
    return " ".join(one.in_language(language) for one in said)


def say_sent(facts: Facts) -> list[LocalizedText]:
    """That a doctor should see it, whatever the doubt. Where it may be no skin, that is no fact."""
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
    used = dict(_used(facts))
    least = max(used.values(), key=_how_little)
    return _by_figures(least, _say_kinds(facts, used))


def _say_kinds(facts: Facts, used: Collection[Modality]) -> LocalizedText:
    """The kind of picture, where the sender told it or said nothing else: both where the sender
    told another than the picture shows, and where several pictures are of both kinds.
    """
    notices, kind = conditions_table().notices, _kind_of(facts)
    if len(used) > 1 or kind not in used:
        return notices.certainty.either_kind
    words, seen = notices.kinds[kind], facts.modality
    guessed = seen is not None and seen.told is Modality.UNKNOWN and not facts.pictures
    return words.guessed if guessed else words.many


def _used(facts: Facts) -> Iterator[tuple[Modality, HeldOutFigures | None]]:
    """Each kind of picture whose calibration was used, with its test figures."""
    figures = {tested.modality: tested for tested in facts.tested}
    old = (Modality.CLINICAL if facts.not_dermoscopic else Modality.DERMOSCOPIC,)
    others = {one.kind for one in facts.pictures} - {Modality.UNKNOWN}
    for modality in {*(facts.modality.used if facts.modality else old), *others}:
        yield modality, figures.get(modality)


def _kind_of(facts: Facts) -> Modality:
    """As what the picture counts: what it was recognised as, or where the model recognises none,
    what the sender told; unknown where it does not show its kind.
    """
    seen = facts.modality
    if seen is None:
        return Modality.CLINICAL if facts.not_dermoscopic else Modality.DERMOSCOPIC
    if seen.recognised is not Modality.UNKNOWN:
        return seen.recognised
    return seen.used[0] if len(seen.used) == 1 else Modality.UNKNOWN


def say_kind(facts: Facts, language: Language) -> str:
    """The kind of picture in a doctor's words, and as what it was sent where that is another."""
    labels, told = LABELS[language], facts.context.modality
    kind = _kind_of(facts) if facts.modality else told
    said = labels.modalities[kind]
    if kind is Modality.UNKNOWN and facts.modality:
        said = labels.kind_unclear
    if told in (kind, Modality.UNKNOWN):
        return said
    return labels.kind_sent.format(kind=said, sent=labels.modalities[told])


def _how_little(tested: HeldOutFigures | None) -> tuple[bool, bool, int]:
    """A sort key: the less is known, the larger. Equal where the same is said."""
    if tested is None:
        return True, True, 0
    return False, tested.is_little, MISSED.index(_missed(tested))


def _missed(tested: HeldOutFigures) -> str:
    limits = zip(MISSED, (MISSES_FEW, MISSES_SOME, 0.0), strict=True)
    return next(said for said, least in limits if tested.sensitivity >= least)


def _by_figures(tested: HeldOutFigures | None, kinds: LocalizedText) -> LocalizedText:
    words = conditions_table().notices.certainty
    if tested is None:
        return words.untested.fill(kinds=kinds)
    said = words.little_tested if tested.is_little else words.tested
    return said.fill(missed=words.missed[_missed(tested)], kinds=kinds)


def say_headline(facts: Facts, language: Language, *, for_doctor: bool = False) -> str:
    """What is likely, and what cannot be ruled out."""
    if not facts.examined:
        name = conditions_table().name(facts.stated, language)
        return SENTENCES[language].as_stated.format(name=name)
    headline = facts.headline
    return (headline.for_doctor if for_doctor else headline.for_patient).in_language(language)


END_OF_SENTENCE = re.compile(r"(?<=[.!?…])\s+")


class Reading(Frozen):
    """Texts that are left empty, and lists without items, have been said before: also at the top,
    in the decision. `restated` and `calibrated_on` say for which mix of lesions the probabilities
    hold that people read, and for doctors the model's own; empty where there are none. For doctors
    are `tested`, the figures of the model's test, the `kind` of picture, and the `doubts`.
    """

    notice: str
    summary: Summary
    overview: str
    importance_of_early_detection: str
    recommendation: str
    next_steps: tuple[str, ...]
    confidence_explanation: str
    findings: tuple[str, ...]
    limits: tuple[str, ...]
    about: tuple[str, ...]
    restated: str
    calibrated_on: str
    tested: tuple[str, ...]
    kind: str
    doubts: str


def read_in_order(report: Report, about: Iterable[str] = ()) -> Reading:
    """`about` are the sentences on the likely condition, which come last. What was written for
    another urgency than the one that counts is left out: the views say that one first, and of the
    doubts nothing else is asked for then.
    """
    narrative, facts = report.shown_narrative, report.facts
    notice = report.say(conditions_table().notices.information_only)
    elsewhere = report.spot_advice is not None
    summary = summarise(
        facts,
        report.language,
        decided=bool(report.decision) or elsewhere,
        counts=report.words_that_count,
    )
    decided = report.decision.next_steps(report.language) if report.decision else []
    # Wherever the findings are shown, a doctor reads the headline above them.
    for_doctor = say_headline(facts, report.language, for_doctor=True)
    tested = tuple(report.say(say_tested(one)) for one in facts.tested)
    told = [*_asked_by_doubts(facts, report.language)] if report.decision or elsewhere else []
    fresh = _Fresh([notice, *decided, *summary.sentences, for_doctor, *told, *tested])
    sections = narrative.sections
    return Reading(
        notice=notice,
        summary=summary,
        overview="" if report.decision or elsewhere else fresh.text(sections.overview),
        importance_of_early_detection=""
        if report.says_nothing_milder
        else fresh.text(sections.importance_of_early_detection),
        recommendation="" if elsewhere else fresh.text(sections.recommendation),
        next_steps=() if elsewhere else fresh.items(narrative.next_steps),
        confidence_explanation=""
        if report.unjudged
        else fresh.text(sections.confidence_explanation),
        findings=() if report.unjudged else fresh.items(narrative.findings),
        limits=fresh.items([*narrative.limits, *map(report.say, facts.notices)]),
        about=fresh.items(about),
        restated=report.say(say_restated(facts.restated.prevalence)) if facts.restated else "",
        calibrated_on=report.say(say_calibrated_on(facts.mixes)) if facts.mixes else "",
        tested=() if report.unjudged else tested,
        kind=say_kind(facts, report.language),
        doubts=_say_doubts(facts, report.language),
    )


def _say_doubts(facts: Facts, language: Language) -> str:
    """Why the finding is uncertain, in one sentence for doctors; empty where it is not."""
    said = SENTENCES[language].uncertain
    return said.format(doubts=list_doubts(facts, language)) if facts.uncertain else ""


def list_doubts(facts: Facts, language: Language) -> str:
    """The doubts of an uncertain finding, within a sentence."""
    phrases = SENTENCES[language]
    *others, last = (phrases.doubts[doubt] for doubt in facts.reasons)
    return phrases.both.format(", ".join(others), last) if others else last


def _asked_by_doubts(facts: Facts, language: Language) -> Iterator[str]:
    """What the notices on its doubts ask for. The first sentence of each says what the doubt is."""
    for doubt in facts.reasons:
        yield from sentences_of(doubt_notice(doubt).in_language(language))[1:]


def sentences_of(text: str) -> list[str]:
    return [sentence for sentence in END_OF_SENTENCE.split(text.strip()) if sentence]


def without_repeats(texts: Iterable[str]) -> tuple[str, ...]:
    """The same texts, with no sentence twice: two doubts end with the same advice."""
    return _Fresh([]).items(texts)


class _Fresh:
    """Leaves out of each text the sentences of the texts before it."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._said = {sentence for text in texts for sentence in sentences_of(text)}

    def text(self, text: str) -> str:
        fresh = [sentence for sentence in sentences_of(text) if self._is_new(sentence)]
        return " ".join(fresh)

    def items(self, items: Iterable[str]) -> tuple[str, ...]:
        return tuple(filter(None, map(self.text, items)))

    def _is_new(self, sentence: str) -> bool:
        if sentence in self._said:
            return False
        self._said.add(sentence)
        return True
