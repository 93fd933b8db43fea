"""The template writer: a narrative from facts alone, the same for the same facts. Every sentence
about a disease is the conditions table's; the catalogues' own speak of the finding.
"""

from skinapi.reports.facts import Facts
from skinapi.reports.narrative import Narrative, Sections
from skinapi.reports.words.catalogues import CATALOGUES
from skinapi.vision.bands import RaisedBy
from skinapi.vision.conditions import (
    NORMAL_SKIN,
    Condition,
    Frozen,
    Language,
    Said,
    conditions_table,
)
from skinapi.vision.finding import probability_of


class Added(Frozen):
    """What another writer says beside the template's sentences, before the notices."""

    overview: str = ""
    confidence_explanation: str = ""


NOTHING = Added()


class TemplateWriter:
    def write(self, facts: Facts, language: Language, added: Added = NOTHING) -> Narrative:
        said = _Said(facts, language)
        return Narrative(
            language=language,
            sections=Sections(
                overview=_join(
                    *said.lead(), *said.urgency_beyond(), *said.what_it_is(), added.overview
                ),
                importance_of_early_detection=said.why_early(),
                recommendation=_join(said.action(), *said.advice(), *said.checklist_result()),
                confidence_explanation=_join(
                    *said.confidence(), added.confidence_explanation, *said.first_notices()
                ),
            ),
            findings=(*said.lead(), *said.figures(), said.band(), *said.circumstances()),
            limits=said.notices(),
            next_steps=(
                said.action(),
                *said.urgency_beyond(),
                *said.advice(),
                *said.checklist_result(),
            ),
        )


def say_reasons(facts: Facts, language: Language) -> str:
    """The rules that asked for the band."""
    return _Said(facts, language).reasons()


def _join(*sentences: str) -> str:
    return " ".join(filter(None, sentences))


class _Said:
    """The sentences, each by what it is about."""

    def __init__(self, facts: Facts, language: Language) -> None:
        self._facts = facts
        self._language = language
        self._catalogue = CATALOGUES[language]
        self._phrases = self._catalogue.phrases
        self._table = conditions_table()
        self._stated = self._table.by_key(facts.stated)

    def lead(self) -> list[str]:
        facts, phrases, name = self._facts, self._phrases, self._name(self._stated)
        if not facts.examined:
            return [phrases.as_stated.format(name=name)]
        if not facts.uncertain:
            return [phrases.most_probable.format(name=name)]
        doubts = ", ".join(phrases.doubts[doubt] for doubt in facts.reasons)
        return [phrases.uncertain.format(doubts=doubts), phrases.not_excluded.format(name=name)]

    def what_it_is(self) -> list[str]:
        """What is said of normal skin speaks of the picture, and there may be none."""
        if not self._facts.examined and self._facts.stated == NORMAL_SKIN:
            return []
        return [self._stated.sentences[self._language].what_it_is]

    def why_early(self) -> str:
        return self._facts.concern.sentences[self._language].why_early

    def action(self) -> str:
        return self._facts.band_words(self._language).action

    def urgency_beyond(self) -> list[str]:
        """Said before what the condition is: "harmless" must not be all that is read."""
        if not self._facts.more_urgent:
            return []
        name = self._name(self._stated)
        return [self._phrases.more_urgent.format(name=name, reasons=self.reasons())]

    def advice(self) -> list[str]:
        """The condition's own, where it is just as urgent."""
        told = self._stated.sentences[self._language].what_to_do
        return [told] if self._facts.as_urgent else []

    def checklist_result(self) -> list[str]:
        score, checklist = self._facts.checklist_score, self._table.checklist
        if score is None:
            return []
        high = score >= checklist.threshold
        return [self._say(checklist.result.at_or_above if high else checklist.result.below)]

    def confidence(self) -> list[str]:
        facts, phrases = self._facts, self._phrases
        spoken = {"name": self._name(self._stated), "share": self._share(facts.confidence)}
        if not facts.examined:
            return [phrases.stated_confidence.format(**spoken)]
        return [phrases.probability.format(**spoken), *self._malignant_score()]

    def first_notices(self) -> list[str]:
        """Of two doubts the first speaks at length; the overview names both. What holds for every
        finding comes last.
        """
        information_only, *notices = self._facts.notices
        told = [*notices[: 1 + self._facts.not_dermoscopic], information_only]
        return [self._say(notice) for notice in told]

    def notices(self) -> tuple[str, ...]:
        return tuple(self._say(notice) for notice in self._facts.notices)

    def figures(self) -> list[str]:
        if not self._facts.examined:
            return self.confidence()
        names = ", ".join(self._with_share(entry.key) for entry in self._facts.ranked)
        return [self._phrases.ranked.format(names=names), *self._malignant_score()]

    def band(self) -> str:
        label = self._facts.band_words(self._language).label
        return self._phrases.band.format(label=label, reasons=self.reasons())

    def circumstances(self) -> list[str]:
        facts, phrases = self._facts, self._phrases
        if not facts.examined:
            return []
        said = []
        if facts.quality:
            size = {"width": facts.quality.width, "height": facts.quality.height}
            said.append(phrases.quality.format(**size))
        if facts.checklist_score is None:
            return [*said, phrases.checklist_unanswered]
        return [*said, phrases.checklist_score.format(score=facts.checklist_score)]

    def _malignant_score(self) -> list[str]:
        score = self._facts.malignant_score
        if score is None:
            return []
        added = ", ".join(self._name(c) for c in self._table.conditions if c.malignant)
        return [self._phrases.malignant_score.format(names=added, share=self._share(score))]

    def reasons(self) -> str:
        """Each once: two rules may have the same to say."""
        return ", ".join(dict.fromkeys(self._why(rule) for rule in self._facts.raised_by))

    def _why(self, rule: RaisedBy) -> str:
        facts, phrases = self._facts, self._phrases
        if rule is RaisedBy.NOT_DERMOSCOPIC and not facts.examined:
            return phrases.nothing_examined
        if rule in phrases.why_urgent:
            return phrases.why_urgent[rule].format(share=self._share(facts.malignant_score or 0))
        key = facts.most_probable if rule is RaisedBy.MOST_PROBABLE else rule.value
        return self._with_share(key)

    def _with_share(self, key: str) -> str:
        facts = self._facts
        share = probability_of(facts.ranked, key) if facts.examined else facts.confidence
        return f"{self._name(self._table.by_key(key))} ({self._share(share)})"

    def _say(self, said: Said) -> str:
        return str(getattr(said, self._language))

    def _name(self, condition: Condition) -> str:
        return str(getattr(condition.names, self._language))

    def _share(self, value: float) -> str:
        return self._catalogue.share(value)
