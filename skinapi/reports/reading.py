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
from skinapi.vision.finding.notices import say_calibrated_on, say_restated

# A check misses few cancers if it found at least this share of the malignant test lesions, and
# some if it found at least the other. The least careful operating point is fitted to the first.
MISSES_FEW, MISSES_SOME = 0.95, 0.80


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

    Where the model was not tested for the patient's skin, that counts. Of several kinds of picture
    that it may be, the one on which least is known counts.
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
    return max((_by_figures(*used) for used in _used(facts)), key=lambda said: said[0])[1]


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


def _by_figures(modality: Modality, tested: HeldOutFigures | None) -> tuple[float, LocalizedText]:
    """How little is known, and the sentence that says it."""
    notices = conditions_table().notices
    words, kinds = notices.certainty, notices.kinds[modality].many
    if tested is None:
        return 2.0, words.untested.fill(kinds=kinds)
    sensitivity = tested.sensitivity
    missed = (
        "few" if sensitivity >= MISSES_FEW else "some" if sensitivity >= MISSES_SOME else "many"
    )
    said = words.little_tested if tested.is_little else words.tested
    filled = said.fill(missed=words.missed[missed], kinds=kinds)
    return tested.is_little + (1 - sensitivity), filled


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
    another urgency than the one that counts is left out: the views say that one first.
    """
    narrative, facts = report.shown_narrative, report.facts
    notice = report.say(conditions_table().notices.information_only)
    summary = summarise(facts, report.language)
    decided = report.decision.next_steps(report.language) if report.decision else []
    # Wherever the findings are shown, a doctor reads the headline above them.
    for_doctor = say_headline(facts, report.language, for_doctor=True)
    fresh = _Fresh([notice, *decided, *summary.sentences, for_doctor])
    sections = narrative.sections
    elsewhere = report.spot_advice is not None
    return Reading(
        notice=notice,
        summary=summary,
        overview="" if report.decision or elsewhere else fresh.text(sections.overview),
        importance_of_early_detection=""
        if report.says_nothing_milder
        else fresh.text(sections.importance_of_early_detection),
        recommendation="" if elsewhere else fresh.text(sections.recommendation),
        next_steps=() if elsewhere else fresh.items(narrative.next_steps),
        confidence_explanation=fresh.text(sections.confidence_explanation),
        findings=fresh.items(narrative.findings),
        limits=fresh.items([*narrative.limits, *map(report.say, facts.notices)]),
        about=fresh.items(about),
        restated=report.say(say_restated(facts.restated.prevalence)) if facts.restated else "",
        calibrated_on=report.say(say_calibrated_on(facts.mixes)) if facts.mixes else "",
    )


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
