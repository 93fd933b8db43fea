"""A report in the order in which a person reads it: the notice and three sentences first, then all
the rest, with no sentence twice. Console, HTML and PDF show it.
"""

import re
from collections.abc import Iterable, Sequence

from skinapi.reports.report import Report
from skinapi.reports.text.summary import Summary, say_headline, summarise
from skinapi.vision.conditions import Frozen, conditions_table
from skinapi.vision.finding.notices import say_calibrated_on, say_restated

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
    """`about` are the sentences on the likely condition, which come last."""
    narrative, facts = report.shown_narrative, report.facts
    notice = report.say(conditions_table().notices.information_only)
    summary = summarise(facts, report.language)
    decided = report.decision.next_steps(report.language) if report.decision else []
    # Wherever the findings are shown, a doctor reads the headline above them.
    for_doctor = say_headline(facts, report.language, for_doctor=True)
    fresh = _Fresh([notice, *decided, *summary.sentences, for_doctor])
    sections = narrative.sections
    return Reading(
        notice=notice,
        summary=summary,
        overview="" if report.decision else fresh.text(sections.overview),
        importance_of_early_detection=fresh.text(sections.importance_of_early_detection),
        recommendation=fresh.text(sections.recommendation),
        next_steps=fresh.items(narrative.next_steps),
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
