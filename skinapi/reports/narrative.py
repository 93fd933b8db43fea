"""The narrative: facts in words, whoever wrote them."""

from enum import StrEnum
from typing import Protocol

from skinapi.reports.facts import Facts
from skinapi.vision.conditions import Frozen, Language

# The Angular app's PDF has a Latin-1 font and no page break, and shows the four sections.
LONGEST = 2000


class Sections(Frozen):
    """What the Angular app reads."""

    overview: str
    importance_of_early_detection: str
    recommendation: str
    confidence_explanation: str


class Writer(StrEnum):
    TEMPLATE = "template"
    LLM = "llm"


class Source(Frozen):
    """Who wrote it: the LLM with its model; or the template, with the reason where the LLM was
    asked and its words were not used.
    """

    writer: Writer = Writer.TEMPLATE
    model: str | None = None
    reason: str | None = None


class Narrative(Frozen):
    language: Language
    sections: Sections
    findings: tuple[str, ...]
    limits: tuple[str, ...]
    next_steps: tuple[str, ...]
    source: Source = Source()


class NarrativeWriter(Protocol):
    def write(self, facts: Facts, language: Language) -> Narrative: ...
