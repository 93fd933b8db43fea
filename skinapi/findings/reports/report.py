import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from PIL import Image

from skinapi.base.errors import Unavailable
from skinapi.base.languages import Language, LocalizedText
from skinapi.base.stored_record import Frozen, StoredRecord, optional
from skinapi.base.values import Value
from skinapi.findings.records.letters import ShownLetter
from skinapi.findings.records.schemas.practice import Practice
from skinapi.findings.reports.explanation import Paragraphs
from skinapi.findings.reports.facts import (
    Facts,
    Summary,
    list_steps_of_doubts,
    say_doubts,
    say_headline,
    say_kind,
    say_reason,
    summarise,
)
from skinapi.findings.reports.words import SENTENCES, FreshSentences, sentences_of
from skinapi.findings.status.decisions import Decision
from skinapi.findings.status.instruction_words import (
    put_first,
    say_graver,
    say_more_urgent,
    say_to_do,
)
from skinapi.findings.status.reviews import Review
from skinapi.findings.status.spot_view import FoundChange, Instruction
from skinapi.model.bands import most_urgent
from skinapi.model.conditions import Band, BandWords, conditions_table
from skinapi.model.context import SpokenPlace
from skinapi.model.decoding.photo import Photo
from skinapi.model.finding import (
    doubt_notice,
    say_calibrated_on,
    say_joined,
    say_restated,
    say_tested,
)
from skinapi.model.heat_map_overlay import draw_overlay
from skinapi.model.passages import PassageReader

# 84 mm on paper at 170 dots per inch.
PRINTED_SIDE = 560
PRINTED_QUALITY = 82
# The Angular app's PDF shows all four sections on one page in a Latin-1 font, which limits their
# total length.
MOST_CHARACTERS = 2000


class Sections(StoredRecord):
    overview: str
    importance_of_early_detection: str
    recommendation: str
    confidence_explanation: str


class Writer(StrEnum):
    TEMPLATE = "template"
    LLM = "llm"


class Unwritten(StrEnum):
    """Why the template wrote although the LLM was requested: no request was sent, or it failed."""

    NO_KEY = "no_key"
    NO_CONSENT = "no_consent"
    NOTHING_TO_EXPLAIN = "nothing_to_explain"
    NOT_ASKED = "not_asked"
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
    NOTHING_KEPT = "nothing_kept"
    CHECKER_NOT_BELIEVED = "checker_not_believed"
    FAULT = "fault"


class NarrativeUnavailable(Unavailable):
    """The template is used instead, so no client sees this error."""

    code, sentence = "unwritten", "The report could not be put into other words"

    def __init__(self, reason: Unwritten) -> None:
        self.reason = reason
        super().__init__()


class Source(StoredRecord):
    """`kept` of the `written` sentences are the LLM's, accepted by `checker`."""

    writer: Writer = Writer.TEMPLATE
    model: str | None = None
    reason: Unwritten | None = None
    checker: str | None = optional()
    kept: int | None = optional()
    written: int | None = optional()


class Narrative(StoredRecord):
    language: Language
    sections: Sections
    explanation: Paragraphs = ()
    findings: tuple[str, ...]
    limits: tuple[str, ...]
    next_steps: tuple[str, ...]
    source: Source = Source()


class ReportedPatient(Value):
    name: str
    email: str


class SealView(Value):
    hash: str
    url: str
    issued_at: datetime


@dataclass(frozen=True, slots=True)
class Pictures:
    photo: bytes = field(repr=False)
    overlay: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Report:
    """Only a stored finding has `number`, `patient`, `made_at`, `content_hash` and, once issued,
    `seal`. A later `version` was judged because facts were `corrected` or by another model;
    `amended` facts did not require this. `spot_place` is set if it differs from the photo's place.
    """

    facts: Facts
    narrative: Narrative
    reader: PassageReader = "patient"
    clinic: str | None = None
    number: int | None = None
    patient: ReportedPatient | None = None
    made_at: datetime | None = None
    pictures: Pictures | None = None
    other_pictures: tuple[tuple[int, Pictures], ...] = ()
    photo_lost: bool = False
    photo_damaged: bool = False
    review: Review | None = None
    decision: Decision | None = None
    letters: tuple[ShownLetter, ...] = ()
    model_withdrawn_at: datetime | None = None
    version: int = 1
    judged_at: datetime | None = None
    corrected: tuple[str, ...] = ()
    amended: tuple[str, ...] = ()
    amended_at: datetime | None = None
    instruction: Instruction | None = None
    changes: tuple[FoundChange, ...] = ()
    practice: Practice | None = None
    spot_place: SpokenPlace | None = None
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
        said, band = self.instruction, self.facts.band
        return say_graver(said, self.decision, band, self.language) if said else None

    @property
    def own(self) -> bool:
        said = self.instruction
        return said is None or said.is_answer_about(self.number, self.facts.band)

    @property
    def due(self) -> date | None:
        return self.instruction.due if self.instruction else None

    @property
    def spot_advice(self) -> Instruction | None:
        said = self.instruction
        if said is None or said.is_said_by(self.decision, self.number, self.facts.band):
            return None
        return said

    @property
    def instructed_by(self) -> Decision | None:
        return self.instruction.decision if self.instruction else None

    @property
    def words_that_count(self) -> BandWords:
        said = self.instruction
        return self.band_words if self.own or said is None else said.words(self.language)

    @property
    def counting_band(self) -> Band:
        return self.instruction.band if self.instruction else self.facts.band

    @property
    def shown_band(self) -> Band:
        return most_urgent(self.counting_band, self.facts.band)

    @property
    def shown_words(self) -> BandWords:
        if self.instruction is None:
            return self.band_words
        own, band = self.band_words, self.facts.band
        return say_more_urgent(own, band, self.instruction, self.language)

    @property
    def unjudged(self) -> bool:
        return self.decision is not None and self.decision.unjudged

    @property
    def shown_narrative(self) -> Narrative:
        said, language = self.instruction, self.language
        if said is None:
            return self.narrative
        sections = put_first(
            self.narrative.sections.model_dump(),
            self.facts.band,
            language,
            instruction=said,
            decision=self.decision,
            number=self.number,
        )
        shown: dict[str, object] = {"sections": Sections(**sections)}
        if not self.own:
            shown["next_steps"] = (say_to_do(said, language),)
            urgency, found = SENTENCES[language].band.partition("{")[0], self.narrative.findings
            shown["findings"] = tuple(item for item in found if not item.startswith(urgency))
        return self.narrative.model_copy(update=shown)

    def say(self, said: LocalizedText) -> str:
        return said.in_language(self.language)

    def name(self, condition: str) -> str:
        return conditions_table().name(condition, self.language)


def print_pictures(photo: Photo, heat: Sequence[Sequence[float]], seen: float) -> Pictures:
    printed = photo.pixels.copy()
    printed.thumbnail((PRINTED_SIDE, PRINTED_SIDE), Image.Resampling.BICUBIC)
    out = io.BytesIO()
    printed.save(out, "JPEG", quality=PRINTED_QUALITY, optimize=True)
    overlay = draw_overlay(photo, heat, seen, size=printed.size)
    return Pictures(photo=out.getvalue(), overlay=overlay)


class Reading(Frozen):
    """What is empty was said before. `reason`: why it is so urgent, for a patient. `restated` and
    `calibrated_on` say for which mix of lesions the probabilities hold that people read, and the
    model's own. For doctors are `tested` (the figures of the model's test), the `kind` of picture,
    and the `doubts`.
    """

    notice: str
    summary: Summary
    reason: str
    explanation: Paragraphs
    next_steps: tuple[str, ...]
    findings: tuple[str, ...]
    limits: tuple[str, ...]
    restated: str
    calibrated_on: str
    tested: tuple[str, ...]
    kind: str
    doubts: str


def read_in_order(report: Report) -> Reading:
    """Leave out repeated sentences, and texts for another urgency than the current one."""
    narrative, facts, language = report.shown_narrative, report.facts, report.language
    notice = report.say(conditions_table().notices.information_only)
    replaced, said = not report.own, report.instruction
    summary = summarise(facts, language, decided=replaced, counts=report.words_that_count)
    decided = [say_to_do(said, language)] if said and replaced else []
    # A doctor reads the headline above the findings in every view.
    for_doctor = say_headline(facts, language, for_doctor=True)
    is_doctor = report.reader == "colleague"
    if is_doctor:
        to_do = f"{report.words_that_count.doctor_label}."
        summary = summary.model_copy(update={"to_do": to_do, "likely": for_doctor})
    if report.decision and report.decision.proven:  # what a photo shows counts no more
        summary = summary.model_copy(update={"certainty": ""})
    tested = tuple(report.say(say_tested(item)) for item in facts.tested)
    told = list_steps_of_doubts(facts, language) if replaced else _list_explained(report)
    fresh = FreshSentences([notice, *decided, *summary.sentences, for_doctor, *told, *tested])
    return Reading(
        notice=notice,
        summary=summary,
        reason="" if replaced or is_doctor else say_reason(facts, language),
        explanation=narrative.explanation,
        next_steps=() if replaced else fresh.items(narrative.next_steps),
        findings=() if report.unjudged else fresh.items(narrative.findings),
        limits=fresh.items([*narrative.limits, *map(report.say, facts.notices)]),
        restated=report.say(say_restated(facts.restated.prevalence)) if facts.restated else "",
        calibrated_on=report.say(say_calibrated_on(facts.mixes)) if facts.mixes else "",
        tested=() if report.unjudged else tested,
        kind=say_kind(facts, language),
        doubts=say_doubts(facts, language),
    )


def _list_explained(report: Report) -> Iterator[str]:
    facts, language = report.facts, report.language
    told = {
        passage
        for part in report.narrative.explanation
        for said in part
        for passage in said.passages
    }
    doubts = [doubt for doubt in facts.reasons if f"general.{doubt}" in told]
    for doubt in doubts:
        yield from sentences_of(report.say(doubt_notice(doubt)))[:2]
    if doubts and doubts == [*facts.reasons]:
        yield say_doubts(facts, language)
    if "general.joined" in told:
        yield report.say(say_joined(len(facts.pictures)))
