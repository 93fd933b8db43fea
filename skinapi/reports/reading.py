"""What a patient reads first, and the whole report in the order in which a person reads it: the
notice and three sentences first, then all the rest, with no sentence twice.
"""

import re
from collections.abc import Iterable, Iterator, Sequence

from skinapi.languages import Language, LocalizedText
from skinapi.reports.facts import Facts
from skinapi.reports.report import Report
from skinapi.reports.words import SENTENCES
from skinapi.stored_record import Frozen
from skinapi.vision.calibration.model_calibration import HeldOutFigures
from skinapi.vision.conditions import conditions_table
from skinapi.vision.context import Modality
from skinapi.vision.finding.finding import doubt_notice
from skinapi.vision.finding.notices import say_calibrated_on, say_restated

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


def summarise(facts: Facts, language: Language) -> Summary:
    return Summary(
        likely=say_headline(facts, language),
        to_do=f"{facts.band_words(language).label}.",
        certainty=say_certainty(facts, language),
    )


def say_certainty(facts: Facts, language: Language) -> str:
    """How sure one may be: the doubt, where there is one, else how the model did in its test.

    Where the model was not tested for the patient's skin, that counts. The sentence is of the kind
    of picture that was sent. Of several that it may be, the one on which least is known counts, and
    where that is not the one sent, or none is known, the sentence names no kind.
    """
    return _certainty(facts).in_language(language)


def _certainty(facts: Facts) -> LocalizedText:
    notices = conditions_table().notices
    words = notices.certainty
    if not facts.examined:
        return words.not_examined
    if facts.uncertain:
        return words.uncertain.fill(doubts=_doubts(facts))
    if facts.untested_skin:
        return words.untested_skin.fill(skin=notices.skins[facts.untested_skin[-1]])
    used = dict(_used(facts))
    least = max(used.values(), key=_how_little)
    sent = _kind_sent(facts)
    alike = sent in used and _how_little(used[sent]) == _how_little(least)
    return _by_figures(least, notices.kinds[sent].many if alike else words.of_this_kind)


def _doubts(facts: Facts) -> LocalizedText:
    def said(language: Language) -> str:
        doubts = SENTENCES[language].doubts
        return ", ".join(doubts[reason] for reason in facts.reasons)

    return LocalizedText.by(said)


def _used(facts: Facts) -> Iterator[tuple[Modality, HeldOutFigures | None]]:
    """Each kind of picture whose calibration was used, with its test figures."""
    figures = {tested.modality: tested for tested in facts.tested}
    old = (Modality.CLINICAL if facts.not_dermoscopic else Modality.DERMOSCOPIC,)
    for modality in facts.modality.used if facts.modality else old:
        yield modality, figures.get(modality)


def _kind_sent(facts: Facts) -> Modality:
    """As what the picture was recognised, else what the sender told."""
    seen = facts.modality
    if seen is None:
        return Modality.CLINICAL if facts.not_dermoscopic else Modality.DERMOSCOPIC
    return seen.told if seen.recognised is Modality.UNKNOWN else seen.recognised


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
    hold that people read, and for doctors the model's own; empty where there are none.
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


def read_in_order(report: Report, about: Iterable[str] = ()) -> Reading:
    """`about` are the sentences on the likely condition, which come last. What was written for
    another urgency than the one that counts is left out: the views say that one first, and of the
    doubts nothing else is asked for then.
    """
    narrative, facts = report.shown_narrative, report.facts
    notice = report.say(conditions_table().notices.information_only)
    summary = summarise(facts, report.language)
    decided = report.decision.next_steps(report.language) if report.decision else []
    # Wherever the findings are shown, a doctor reads the headline above them.
    for_doctor = say_headline(facts, report.language, for_doctor=True)
    elsewhere = report.spot_advice is not None
    told = [*_asked_by_doubts(facts, report.language)] if report.decision or elsewhere else []
    fresh = _Fresh([notice, *decided, *summary.sentences, for_doctor, *told])
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
        findings=fresh.items(narrative.findings),
        limits=fresh.items([*narrative.limits, *map(report.say, facts.notices)]),
        about=fresh.items(about),
        restated=report.say(say_restated(facts.restated.prevalence)) if facts.restated else "",
        calibrated_on=report.say(say_calibrated_on(facts.mixes)) if facts.mixes else "",
    )


def _asked_by_doubts(facts: Facts, language: Language) -> Iterator[str]:
    """What the notices on its doubts ask for. The first sentence of each says what the doubt is."""
    for doubt in facts.reasons:
        yield from sentences_of(doubt_notice(doubt).in_language(language))[1:]


def sentences_of(text: str) -> list[str]:
    return [sentence for sentence in END_OF_SENTENCE.split(text.strip()) if sentence]


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
