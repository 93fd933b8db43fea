"""The narrative: the facts of a report in words, written by the template or with the LLM."""

from enum import StrEnum

from skinapi.errors import Unavailable
from skinapi.languages import Language
from skinapi.stored_record import StoredRecord

# The Angular app's PDF shows the four sections on one page, without a page break and in a Latin-1
# font. So this limits the characters of all four together.
MOST_CHARACTERS = 2000


class Sections(StoredRecord):
    """The four sections that the Angular app shows."""

    overview: str
    importance_of_early_detection: str
    recommendation: str
    confidence_explanation: str


class Writer(StrEnum):
    TEMPLATE = "template"
    LLM = "llm"


class Reason(StrEnum):
    """Why the template wrote the narrative although the LLM was requested.

    First the reasons why no request was sent, then the failures of a request.
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
    FAULT = "fault"


class NarrativeUnavailable(Unavailable):
    """The LLM wrote no usable narrative.

    The template writes the narrative instead, so no client ever sees this error.
    """

    code, sentence = "unwritten", "The report could not be put into other words"

    def __init__(self, reason: Reason) -> None:
        self.reason = reason
        super().__init__()


class Source(StoredRecord):
    """The writer of a narrative: the LLM, with its model, or the template. `reason` is set if the
    LLM was requested and its text was not used.
    """

    writer: Writer = Writer.TEMPLATE
    model: str | None = None
    reason: Reason | None = None


class Narrative(StoredRecord):
    language: Language
    sections: Sections
    findings: tuple[str, ...]
    limits: tuple[str, ...]
    next_steps: tuple[str, ...]
    source: Source = Source()

    @property
    def texts(self) -> tuple[str, ...]:
        """All texts, in the order in which they are read."""
        sections: tuple[str, ...] = tuple(self.sections.model_dump().values())
        return (*sections, *self.findings, *self.limits, *self.next_steps)
