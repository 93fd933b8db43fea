import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Self

from skinapi.base.days import say_day, say_due
from skinapi.base.field_types import cap_marks
from skinapi.base.languages import Language, load_words
from skinapi.base.stored_record import Frozen
from skinapi.findings.records.letters import Addressee, Letter, ShownLetter
from skinapi.findings.status.decisions import Decision, WaitsFor
from skinapi.findings.status.instruction_words import say_source
from skinapi.findings.status.spot_view import Instruction
from skinapi.model.bands import OperatingPoint, RaisedBy, is_sent
from skinapi.model.conditions import Band, conditions_table
from skinapi.model.context import TOLD, TWO_SIDED, BodySide, BodySite, Laterality
from skinapi.model.finding import Doubt
from skinapi.model.told_facts import say_answer


class Labels(Frozen):
    title: str
    page: str
    patient: str
    email: str
    finding: str
    number: str
    made: str
    judged: str
    judged_corrected: str
    amended: str
    version: str
    issued: str
    not_filed: str
    not_printed: str
    basis: str
    as_stated: str
    facts: Mapping[str, str]
    answers: Mapping[str, Mapping[str, str]]
    spot_place: str
    places_differ: str
    kind_sent: str
    kind_unclear: str

    stated: str
    for_doctor: str
    answer: str
    answer_uncertain: str
    answer_unjudged: str
    malignant_score: str
    checklist_score: str
    not_asked: str

    pictures: str
    picture: str
    parts: str
    photo: str
    photo_text: str
    overlay_text: str
    overlay_scale: str
    no_photo: str
    photo_lost: str
    photo_damaged: str

    probabilities: str
    condition: str
    probability: str
    stated_share: str
    counted: str

    visit: str
    whom: str
    there: str
    how_often: str
    until: str
    how_sure: str
    doctor_reason: str
    ask_reason: str

    explanation: str
    findings_of_model: str
    findings: str
    limits: str
    next_steps: str
    written_by_template: str
    written_by_llm: str
    sources: str

    score: str
    points: str
    points_alone: str
    ticked: str
    denied: str

    decided: str
    asked: str
    model_said: str
    model_unjudged: str
    unjudged: str
    says_nothing: str
    review: str
    no_review: str
    histology: str
    not_taken: str
    note: str
    letters: Mapping[Addressee, str]
    letter_by_model: str
    signed: str
    withdrawn_letter: str

    model: str
    operating_point: str
    operating_points: Mapping[OperatingPoint, str]

    verification: str
    scan: str
    address: str
    how_to_verify: str
    unknown: str
    in_error: str
    newest: str
    changed: str
    model_withdrawn: str
    compare: str
    pages_of_pdf: str
    code: str

    moment: str

    sites: Mapping[BodySite, str]
    lateralities: Mapping[Laterality, str]
    body_sides: Mapping[BodySide, str]

    def name_fact(self, name: str) -> str:
        known = "body_site" if name == "place" else name
        return self.facts[TOLD[known].part_of or known]

    def say_fact(self, name: str, value: object) -> str:
        """Return "" if the fact was not entered."""
        return self.answers[name][say_answer(value)] if value is not None else ""

    def say_place(
        self, site: BodySite, laterality: Laterality | None, side: BodySide | None
    ) -> str:
        """Return the place as exactly as it is known, such as "left leg (back)"."""
        place = self.sites[site]
        if side and site in TWO_SIDED:
            place = self.body_sides[side].format(place)
        return self.lateralities[laterality].format(place) if laterality else place


class Sentences(Frozen):
    uncertain: str
    doubts: Mapping[Doubt, str]
    in_case: str
    as_stated: str
    near_limit: str
    both: str
    why_urgent: Mapping[RaisedBy, str]
    why_open: str
    any_cancer: str
    how_probable: str
    estimated: str
    chance_alone: str
    chance_of_cancer: str
    malignant_score: str
    stated_confidence: str
    band: str
    checklist_score: str


LABELS: Mapping[Language, Labels] = load_words("reports.labels", Labels)
SENTENCES: Mapping[Language, Sentences] = load_words("reports.sentences", Sentences)


def say_moment(moment: datetime, language: Language) -> str:
    time = f"{moment.astimezone(UTC):%H:%M}"
    return LABELS[language].moment.format(day=say_day(moment, language), time=time)


def say_amended(amended: Iterable[str], amended_at: datetime | None, language: Language) -> str:
    said = [say_moment(amended_at, language), _name_facts(amended, language)] if amended_at else []
    return " · ".join(said)


def say_version(
    version: int, judged_at: datetime | None, corrected: Iterable[str], language: Language
) -> str:
    labels, facts = LABELS[language], _name_facts(corrected, language)
    said = [say_moment(judged_at, language), labels.version.format(version)] if judged_at else []
    return " · ".join([*said, *([labels.judged_corrected.format(facts)] if facts else [])])


def _name_facts(fields: Iterable[str], language: Language) -> str:
    return ", ".join(dict.fromkeys(map(LABELS[language].name_fact, fields)))


Row = tuple[str, str]
# Replaces a letter that the font does not have.
UNPRINTABLE = "□"


def strip_control_characters(text: str) -> str:
    """Remove invisible, reordering and control characters except line breaks, and marks drawn over
    other lines. Unassigned and private characters become UNPRINTABLE.
    """
    if text.isascii() and text.isprintable():
        return text  # such as a picture in base64, which takes long to go through
    # NFC combines a letter with its accent; ReportLab does not.
    composed = unicodedata.normalize("NFC", text)
    return cap_marks("".join(_replace_control(character) for character in composed))


def _replace_control(character: str) -> str:
    if character == "\n":
        return character
    match unicodedata.category(character):
        # Categories: https://www.unicode.org/reports/tr44/#General_Category_Values
        case "Cf":
            return ""
        case "Cc" | "Zl" | "Zp":
            return " "
        case "Cs" | "Cn" | "Co":
            return UNPRINTABLE
    return character


@dataclass(frozen=True, slots=True)
class Bar:
    name: str
    share: float
    text: str
    counted: bool
    named: bool


@dataclass(frozen=True, slots=True)
class ChecklistTick:
    text: str
    points: int
    ticked: bool


@dataclass(frozen=True, slots=True)
class FirstContent:
    """`urgency` is None while a result is awaited without a visit."""

    urgency: Band | None
    head: str
    label: str
    sentences: tuple[str, ...]
    signed: str

    @classmethod
    def of_instruction(
        cls,
        instruction: Instruction,
        language: Language,
        *,
        decision: Decision | None = None,
        number: int | None = None,
        for_doctor: bool = False,
        reason: str = "",
    ) -> Self:
        """`reason` says why the doctor asks for more than the label requires."""
        current = decision if decision and decision.instructs else None
        by, words, waits = instruction.decision, instruction.words(language), instruction.waits_for
        label = words.doctor_label if for_doctor else words.label
        about, head = None if current or by is None else by.number, ""
        if by:
            head = by.heading(language, for_doctor=for_doctor, dated=not current, about=about)
        source = say_source(instruction, number, language, named=bool(head))
        unjudged = not for_doctor and waits is WaitsFor.PHOTO and current and current.unjudged
        to_do = [
            *([LABELS[language].unjudged] if unjudged else []),
            *instruction.say_wanted(language, for_doctor=for_doctor),
            words.doctor_action if for_doctor else words.next_step,
            *say_due(instruction.due, language),
        ]
        return cls(
            urgency=None if waits and not is_sent(instruction.band) else instruction.band,
            head=head or label,
            label=label if head else "",
            sentences=(" ".join(to_do), *([reason] if reason else [])),
            signed=say_signed(current, language) if current else source,
        )

    def with_instruction_first(self) -> Self:
        return replace(self, head=self.label, label=self.head) if self.label else self


def say_signed(decision: Decision, language: Language) -> str:
    labels, notices = LABELS[language], conditions_table().notices.decision
    signed = labels.asked if decision.only_asked else labels.decided
    said = [signed.format(decision.decided_by, say_moment(decision.decided_at, language))]
    said += [notices.awaited.in_language(language).removesuffix(".")] if decision.awaited else []
    return ". ".join((*said, *decision.signed_before(language)))


def say_spot(
    instruction: Instruction,
    language: Language,
    *,
    decision: Decision | None = None,
    number: int | None = None,
    for_doctor: bool,
) -> Iterator[str]:
    first = FirstContent.of_instruction(
        instruction, language, decision=decision, number=number, for_doctor=for_doctor
    )
    current = decision is not None and decision.instructs
    if first.label:
        yield first.head
    yield " ".join((f"{first.label or first.head}.", *first.sentences))
    if instruction.decision and not current:
        yield say_signed(instruction.decision, language)
    if first.signed:
        yield first.signed
    if decision and not current:
        heading = decision.heading(language, for_doctor=for_doctor)
        yield f"{heading}. {say_signed(decision, language)}"


@dataclass(frozen=True, slots=True)
class LetterContent:
    """`struck` says that the letter was withdrawn, `above` that the spot has changed since."""

    head: str
    language: Language
    decision: tuple[str, ...]
    signed: str
    lines: tuple[str, ...]
    struck: str
    above: str

    @classmethod
    def from_letter(cls, shown: ShownLetter, language: Language) -> Self:
        letter, labels, struck = shown.letter, LABELS[language], ""
        if taken_back := letter.withdrawn:
            by, day = taken_back.withdrawn_by, say_day(taken_back.withdrawn_at, language)
            struck = labels.withdrawn_letter.format(by, day, taken_back.reason)
        return cls(
            head=labels.letters[letter.reader],
            language=letter.language,
            decision=tuple(letter.decision.splitlines()),
            signed=labels.signed.format(letter.signature, time_text(letter.signed_at, language)),
            lines=(*filter(None, letter.text.splitlines()), *_say_model(letter)),
            struck=struck,
            above=shown.written_before or "",
        )


def _say_model(letter: Letter) -> Iterator[str]:
    if letter.model:
        yield LABELS[letter.language].letter_by_model.format(letter.model, letter.signature)


def time_text(moment: datetime | None, language: Language) -> str:
    return say_moment(moment, language) if moment else ""


END_OF_SENTENCE = re.compile(r"(?<=[.!?…])\s+")


def sentences_of(text: str) -> list[str]:
    return [sentence for sentence in END_OF_SENTENCE.split(text.strip()) if sentence]


def without_repeats(texts: Iterable[str]) -> tuple[str, ...]:
    """Remove repeated sentences: two doubts can end with the same instruction."""
    return FreshSentences([]).items(texts)


class FreshSentences:
    def __init__(self, texts: Sequence[str]) -> None:
        self._said = {sentence for text in texts for sentence in sentences_of(text)}

    def text(self, text: str) -> str:
        fresh = [sentence for sentence in sentences_of(text) if sentence not in self._said]
        self._said |= {*fresh}
        return " ".join(dict.fromkeys(fresh))

    def items(self, items: Iterable[str]) -> tuple[str, ...]:
        return tuple(filter(None, map(self.text, items)))
