"""The report: its narrative and everything that its pages show, as immutable values. PDF, HTML and
JSON are made from it.
"""

import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from PIL import Image

from skinapi.base.errors import Unavailable
from skinapi.base.languages import Language, LocalizedText
from skinapi.base.stored_record import StoredRecord
from skinapi.base.values import Value
from skinapi.findings.records.advice_words import AdviceContent, put_first, say_counting
from skinapi.findings.records.decisions import Decision
from skinapi.findings.records.letters import ShownLetter
from skinapi.findings.records.reviews import Review
from skinapi.findings.records.standing import Advice
from skinapi.findings.reports.facts import Facts
from skinapi.findings.reports.words import SENTENCES
from skinapi.model.bands import urgency
from skinapi.model.conditions import BandWords, conditions_table
from skinapi.model.decoding.photo import Photo
from skinapi.model.heat_map_overlay import draw_overlay

# 84 mm on paper at 170 dots per inch.
PRINTED_SIDE = 560
PRINTED_QUALITY = 82
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


class ReportedPatient(Value):
    name: str
    email: str


# What makes a printed report verifiable: its hash, the address that verifies it, and the time when
# it was first issued.
class SealView(Value):
    hash: str
    url: str
    issued_at: datetime


@dataclass(frozen=True, slots=True)
class Pictures:
    """The photo and its heat map as JPEG, at the same size."""

    photo: bytes = field(repr=False)
    overlay: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Report:
    """All that the pages of a report show.

    Only a report on a stored submission has `number`, `patient`, `made_at` and `seal`. Of a finding
    on several photos, `other_pictures` has those that `pictures` does not, each with its place.
    The patient is not shown the decision before `held_until`. `spot_advice` is what was said about
    another finding of the same spot, where that counts and is something else. `due` is until when
    a doctor should have seen the spot, whichever of them says it; None where no time was named.
    `content_hash` is that of a report on a stored submission, issued or not. `translations` are
    pairs of label and value, for a client that has its own words.
    """

    facts: Facts
    narrative: Narrative
    clinic: str | None = None
    number: int | None = None
    patient: ReportedPatient | None = None
    made_at: datetime | None = None
    pictures: Pictures | None = None
    other_pictures: tuple[tuple[int, Pictures], ...] = ()
    photo_damaged: bool = False
    photo_removed: bool = False
    review: Review | None = None
    decision: Decision | None = None
    held_until: datetime | None = None
    letters: tuple[ShownLetter, ...] = ()
    model_withdrawn_at: datetime | None = None
    spot_advice: Advice | None = None
    due: date | None = None
    seal: SealView | None = None
    content_hash: str = ""
    translations: tuple[tuple[str, str], ...] = ()

    @property
    def language(self) -> Language:
        return self.narrative.language

    @property
    def band_words(self) -> BandWords:
        return self.facts.band_words(self.language)

    @property
    def graver_review(self) -> str | None:
        """What clients without decisions show first, where what counts is more urgent."""
        elsewhere = self.spot_advice.decision if self.spot_advice else None
        decision = elsewhere or self.decision
        return decision.graver_sentence(self.facts.band, self.language) if decision else None

    @property
    def words_that_count(self) -> BandWords:
        """What is to be done about the spot, of all that was said of it."""
        if self.spot_advice:
            return self.spot_advice.words(self.language)
        return self.decision.band_words(self.language) if self.decision else self.band_words

    @property
    def shown_words(self) -> BandWords:
        """The words that count, where the finding's own are milder."""
        asked = self.decision.urgency if self.decision else self.facts.band
        counts = self.spot_advice.band if self.spot_advice else asked
        if urgency(counts) >= urgency(self.facts.band):
            return self.band_words
        return say_counting(self.words_that_count, self.due, self.language)

    @property
    def decided(self) -> Decision | None:
        """The decision, where what was said of the finding counts no more."""
        if self.decision and self.decision.replaces(self.facts.band):
            return self.decision
        return None

    @property
    def unjudged(self) -> bool:
        """Whether a doctor could not judge the photo: then the model's answer says nothing."""
        return self.decision is not None and self.decision.unjudged

    @property
    def says_nothing_milder(self) -> bool:
        """What counts was said about another finding of the spot, or is not known yet."""
        waits = self.decision is not None and self.decision.waits_for is not None
        return waits or self.spot_advice is not None

    @property
    def shown_narrative(self) -> Narrative:
        """What counts comes first, in place of what was written and would contradict it."""
        narrative, language = self.narrative, self.language
        if self.decision is None and self.spot_advice is None:
            return narrative
        sections = put_first(
            narrative.sections.model_dump(),
            self.facts.band,
            language,
            decision=self.decision,
            elsewhere=self.spot_advice,
        )
        steps, findings = list[str](), narrative.findings
        if self.spot_advice:
            steps = [AdviceContent.of(self.spot_advice, language).to_do]
            head = SENTENCES[language].band.partition("{")[0]
            findings = tuple(one for one in findings if not one.startswith(head))
        elif self.decision:
            steps = self.decision.next_steps(language)
        shown = {
            "sections": Sections(**sections), "next_steps": tuple(steps), "findings": findings
        }  # fmt: skip
        return narrative.model_copy(update=shown)

    def say(self, said: LocalizedText) -> str:
        return said.in_language(self.language)

    def name(self, condition: str) -> str:
        return conditions_table().name(condition, self.language)


def print_pictures(photo: Photo, heat: Sequence[Sequence[float]]) -> Pictures:
    """Shrink the photo and draw its heat map, at the size in which they are printed."""
    printed = photo.pixels.copy()
    printed.thumbnail((PRINTED_SIDE, PRINTED_SIDE), Image.Resampling.BICUBIC)
    out = io.BytesIO()
    printed.save(out, "JPEG", quality=PRINTED_QUALITY, optimize=True)
    overlay = draw_overlay(photo, heat, size=printed.size)
    return Pictures(photo=out.getvalue(), overlay=overlay)
