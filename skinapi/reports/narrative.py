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


class Reason(StrEnum):
    """Why the LLM was wanted and the template wrote. First what kept it from being asked, then
    what became of the call, then what was wrong with its words, the gravest first.
    """

    NO_KEY = "no_key"
    NO_CONSENT = "no_consent"
    NOTHING_EXAMINED = "nothing_examined"
    NO_ROOM = "no_room"
    RESTING = "resting"
    BUSY = "busy"
    BUDGET = "budget"
    STORE = "store"

    DEADLINE = "deadline"
    UNREACHABLE = "unreachable"
    KEY_REFUSED = "key_refused"
    NO_CREDIT = "no_credit"
    RATE_LIMITED = "rate_limited"
    PROVIDER = "provider"
    TOO_LARGE = "too_large"
    MALFORMED = "malformed"

    MARKUP = "markup"
    CHARACTERS = "characters"
    LENGTH = "length"
    LANGUAGE = "language"
    DOSE = "dose"
    URGENCY = "urgency"
    DIAGNOSIS = "diagnosis"
    CONDITION = "condition"
    NUMBER = "number"
    MISSING = "missing"
    WORDS = "words"


class Source(Frozen):
    """Who wrote it: the LLM with its model; or the template, with the reason where the LLM was
    wanted and its words were not used.
    """

    writer: Writer = Writer.TEMPLATE
    model: str | None = None
    reason: Reason | None = None


class Narrative(Frozen):
    language: Language
    sections: Sections
    findings: tuple[str, ...]
    limits: tuple[str, ...]
    next_steps: tuple[str, ...]
    source: Source = Source()

    @property
    def texts(self) -> tuple[str, ...]:
        """Every text of it, in the order of reading."""
        sections: tuple[str, ...] = tuple(self.sections.model_dump().values())
        return (*sections, *self.findings, *self.limits, *self.next_steps)


class NarrativeWriter(Protocol):
    def write(self, facts: Facts, language: Language) -> Narrative: ...
