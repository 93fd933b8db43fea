"""What a letter says before its doctor writes: the decision, with which it begins and which nobody
can change, and the draft, which its doctor edits: by a language model, or made of our sentences.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any

from pydantic import Field, StringConstraints, ValidationError

from skinapi.base.field_types import Contained, PrintableLines
from skinapi.base.languages import Language, load_words
from skinapi.base.stored_record import Frozen
from skinapi.care.lesion_records import Place
from skinapi.care.letter_check import Decided
from skinapi.findings.records.letters import Addressee
from skinapi.findings.records.stored_finding import StoredFinding
from skinapi.findings.records.visible_findings import VisibleFindingRow
from skinapi.findings.reports.openrouter import Question
from skinapi.findings.reports.report import NarrativeUnavailable, Unwritten
from skinapi.findings.reports.words import LABELS, FirstContent, say_advice
from skinapi.findings.status.decisions import Decision, say_day
from skinapi.findings.status.lesion_status import Advice
from skinapi.model.bands import is_sent
from skinapi.model.conditions import NORMAL_SKIN, Condition, conditions_table


class LetterWords(Frozen):
    to_patient: str
    to_colleague: str
    opening: Mapping[str, str]
    about: Mapping[Addressee, str]
    spot: Mapping[str, str]
    person: str
    signs: str
    no_signs: str
    course: str
    suspected: str
    question: Mapping[str, str]
    ask: str
    closing: str


LETTER_WORDS: Mapping[Language, LetterWords] = load_words("reports.letters", LetterWords)
MOST_PARAGRAPHS, MOST_TOKENS = 6, 1200
INSTRUCTIONS = """\
You draft the body of a letter about a spot on the skin, for the doctor who will read, change and \
sign it: to {reader}, in {language}, as a good dermatologist would write it. The decision in \
`decided` is printed above your text and is what counts.

Write flowing prose in two to five short paragraphs, 180 words at most. {plan}

Rest on the facts and on the doctor's key words alone: no other condition, number, date, result, \
sign or examination. Be no surer and no less sure than the decision, ask for nothing sooner or \
later than it does, and deny nothing that it says. Where a fact is missing, leave it out. No \
greeting, no closing formula, no name, no heading, no list, no markup. Say nothing of software, of \
a model, or of its figures.
"""
PLANS: Mapping[Addressee, str] = {
    "patient": "Begin with a sentence to this person, as one human being to another. Then say what "
    "was seen and what that means in plain words, what is to be done by when and what happens "
    "there, what to watch for until then, and that questions are welcome. No clinical terms.",
    "colleague": "First the facts in clinical words: age group, sex, site, course, the signs that "
    "the patient told. Then the question, and the reason for it.",
}
READERS: Mapping[Addressee, str] = {"patient": "the patient", "colleague": "a colleague"}
NAMES: Mapping[Language, str] = {"en": "English", "fr": "French"}
SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "properties": {"paragraphs": {"type": "array", "items": {"type": "string"}}},
    "required": ["paragraphs"],
    "additionalProperties": False,
}
Paragraph = Annotated[
    str,
    StringConstraints(min_length=1, max_length=700, strip_whitespace=True),
    PrintableLines,
    Contained,
]


class WrittenBody(Frozen):
    """The model's answer. With `MOST_PARAGRAPHS` of them a letter is as long as one may be."""

    paragraphs: Annotated[tuple[Paragraph, ...], Field(min_length=1, max_length=MOST_PARAGRAPHS)]


@dataclass(frozen=True)
class LetterFacts:
    """`decision` is about the letter's finding; `advice` is what counts of the spot, where that was
    said about another finding. `due` is until when a doctor should have seen the spot. `earlier`
    are the findings of the spot before it, as its patient may know them. What the patient calls the
    spot is in no letter.
    """

    submission: StoredFinding
    decision: Decision | None
    patient: str
    doctor: str
    spot_place: Place | None = None
    advice: Advice | None = None
    due: date | None = None
    earlier: Sequence[VisibleFindingRow] = ()

    @property
    def place(self) -> Place | None:
        """That of the spot, else what was told."""
        told = self.submission.context
        if self.spot_place or not told.body_site:
            return self.spot_place
        return Place(site=told.body_site, told_laterality=told.body_laterality)

    @property
    def counts(self) -> Decision | None:
        return (self.advice.decision if self.advice else None) or self.decision

    def decided(self, reader: Addressee, language: Language) -> Decided | None:
        """None before a review. What our own draft says may be said."""
        own, counts = self.decision, self.counts
        if own is None or counts is None:
            return None
        first = self.advice or own
        said = (say_decision(self, reader, language), write_draft(self, reader, language))
        return Decided(
            labels=frozenset(filter(None, (own.label, counts.label))),
            band=self.advice.band if self.advice else own.urgency,
            sure=counts.settled,
            proven=counts.proven,
            waits=first.waits_for is not None or first.unjudged,
            said="\n".join(said),
        )


def say_decision(about: LetterFacts, reader: Addressee, language: Language) -> str:
    """What was decided, what to do by when, and who decided, a line each; empty before a review."""
    decision = about.decision
    if decision is None:
        return ""
    doctor = reader != "patient"
    own = FirstContent.of_decision(decision, language, due=about.due, for_doctor=doctor)
    if about.advice:
        head = decision.heading(language)
        counts = say_advice(about.advice, language, for_doctor=doctor)
        replaced = LABELS[language].decision_replaced.format(head)
        lines = [*counts, f"{replaced}. {own.signed}"]
    else:
        label = [f"{own.label}."] if own.label else []
        lines = [own.head, " ".join([*label, *own.sentences]), own.signed]
    return "\n".join(filter(None, lines))


def write_draft(
    about: LetterFacts,
    reader: Addressee,
    language: Language,
    written: Sequence[str] = (),
) -> str:
    """Paragraphs with an empty line between them: greeting, what the model has `written` or else
    our own sentences, closing.
    """
    words = LETTER_WORDS[language]
    greeting = words.to_patient if reader == "patient" else words.to_colleague
    own = _write_to_patient if reader == "patient" else _write_to_colleague
    return "\n\n".join(
        [
            greeting.format(patient=about.patient),
            *(written or filter(None, own(about, language))),
            words.closing.format(doctor=about.doctor),
        ]
    )


def _write_to_patient(about: LetterFacts, language: Language) -> Iterator[str]:
    words, decision = LETTER_WORDS[language], about.decision
    unjudged = decision is not None and decision.unjudged
    if decision:
        yield words.opening["unjudged" if unjudged else "judged"]
    yield _say_spot(about, "patient", language)
    if decision and decision.label and not (unjudged or about.advice):
        yield _say_what_it_is(decision, language)
    yield words.ask


def _write_to_colleague(about: LetterFacts, language: Language) -> Iterator[str]:
    """The facts, the question and the reason for it."""
    words, decision = LETTER_WORDS[language], about.decision
    facts = [_say_spot(about, "colleague", language), *_say_person(about, language)]
    if about.earlier:
        facts.append(words.course.format(course="; ".join(say_course(about, language))))
    yield " ".join(facts)
    if decision and not about.advice:
        yield words.question[_question_of(decision)].format(name=_name(decision, language))


def _say_what_it_is(decision: Decision, language: Language) -> str:
    """Nothing that comforts, unless that is what was decided for good."""
    label = conditions_table().label(decision.label or "")
    if not isinstance(label, Condition) or label.key == NORMAL_SKIN:
        return ""
    if not label.malignant and (not decision.concluded or is_sent(decision.urgency)):
        return ""
    said = label.sentences[language]
    what = f"{said.what_it_is} {said.treatment_note}"
    return LETTER_WORDS[language].suspected.format(what=what) if decision.suspected else what


def _question_of(decision: Decision) -> str:
    kinds = {
        "unjudged": decision.unjudged,
        "awaited": decision.awaited,
        "suspected": decision.suspected,
        "proven": decision.proven and is_sent(decision.urgency),
        "open": is_sent(decision.urgency) or not decision.settled,
    }
    return next((kind for kind, holds in kinds.items() if holds), "benign")


def _name(decision: Decision, language: Language) -> str:
    names = conditions_table().notices.headline.names.get(decision.label or "")
    return names.doctor.in_language(language) if names else decision.name(language)


def _say_spot(about: LetterFacts, reader: Addressee, language: Language) -> str:
    words, place = LETTER_WORDS[language], _say_place(about, language)
    return words.about[reader].format(
        spot=words.spot["placed"].format(place=place) if place else "",
        date=say_day(about.submission.created_at, language),
        number=about.submission.number,
    )


def _say_place(about: LetterFacts, language: Language) -> str:
    place = about.place
    if place is None:
        return ""
    return LABELS[language].say_place(place.site, place.laterality, place.side)


def _say_person(about: LetterFacts, language: Language) -> Iterator[str]:
    words, told = LETTER_WORDS[language], about.submission.context
    if person := [*_list_person(about, language).values()]:
        yield words.person.format(facts=", ".join(person))
    if told.checklist:
        signs = conditions_table().checklist.list_told(told.checklist).in_language(language)
        yield words.signs.format(signs=signs)
    elif told.checklist is not None:
        yield words.no_signs


def _list_person(about: LetterFacts, language: Language) -> dict[str, str]:
    labels, told = LABELS[language], about.submission.context
    age = {"age_group": labels.ages[told.age_band]} if told.age_band else {}
    return age | ({"sex": labels.sexes[told.sex]} if told.sex else {})


def say_course(about: LetterFacts, language: Language) -> Iterator[str]:
    """Of each earlier photo the day, and what a doctor decided."""
    for item in about.earlier:
        day, decision = say_day(item.created_at, language), item.decision
        yield f"{day} ({decision.heading(language, for_doctor=True)})" if decision else day


def make_question(
    about: LetterFacts, reader: Addressee, language: Language, key_words: str
) -> Question:
    """No picture, no name, and nothing of the model's estimate is sent."""
    checklist, told = conditions_table().checklist, about.submission.context.checklist
    asked = {item.key: item.doctor if reader == "colleague" else item for item in checklist.items}
    facts = {
        **_list_person(about, language),
        "site": _say_place(about, language),
        "signs_told": [asked[sign].in_language(language) for sign in told or ()],
        "photographed": say_day(about.submission.created_at, language),
        "course": [*say_course(about, language)],
        "decided": say_decision(about, reader, language).splitlines(),
        "key_words_of_the_doctor": key_words,
    }
    return Question(
        name="letter",
        instructions=INSTRUCTIONS.format(
            reader=READERS[reader], language=NAMES[language], plan=PLANS[reader]
        ),
        sent=_without_names(facts, about),
        schema=SCHEMA,
        most_tokens=MOST_TOKENS,
    )


def _without_names(facts: Mapping[str, Any], about: LetterFacts) -> dict[str, Any]:
    """Put a sign in place of each part of a name, also where the doctor has typed one."""
    signed = [item.decided_by for item in (about.decision, about.counts) if item]
    names = [about.patient, about.doctor, *signed]
    words = {word for name in names for word in (name, *re.findall(r"\w{2,}", name)) if word}
    parts = "|".join(map(re.escape, sorted(words, key=len, reverse=True)))

    def hide(value: Any) -> Any:
        if isinstance(value, list):
            return [hide(item) for item in value]
        return re.sub(rf"(?<!\w)(?:{parts})(?!\w)", "…", value, flags=re.IGNORECASE)

    return {name: hide(value) for name, value in facts.items() if value}


def read_body(content: str) -> tuple[str, ...]:
    try:
        return WrittenBody.model_validate_json(content).paragraphs
    except ValidationError as error:
        raise NarrativeUnavailable(Unwritten.MALFORMED) from error
