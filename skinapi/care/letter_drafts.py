"""Drafts of letters by a language model, which gets no names."""

import re
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Annotated, Any

from pydantic import Field, StringConstraints

from skinapi.base.days import say_day
from skinapi.base.field_types import Contained, PrintableLines
from skinapi.base.languages import LANGUAGE_NAMES, LANGUAGES, Language
from skinapi.base.stored_record import Frozen
from skinapi.care.letter_check import WORDS
from skinapi.care.letter_texts import LetterFacts, say_course, say_decision, say_place
from skinapi.findings.records.letters import Addressee
from skinapi.findings.reports.openrouter import Question, closed_object, read_answer
from skinapi.findings.reports.words import LABELS
from skinapi.model.conditions import conditions_table
from skinapi.model.passages import passages_table

MOST_PARAGRAPHS, MOST_TOKENS = 6, 1200
HIDDEN = "…"
_PART = re.compile(r"\w{2,}")
_TITLE = r"\b(?:dr|doctor|mr|mrs|ms|miss|mme|mlle|m|monsieur|madame|docteur|docteure|prof)\b\.?\s+"
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
Paragraph = Annotated[
    str,
    StringConstraints(min_length=1, max_length=700, strip_whitespace=True),
    PrintableLines,
    Contained,
]


class WrittenBody(Frozen):
    paragraphs: Annotated[tuple[Paragraph, ...], Field(min_length=1, max_length=MOST_PARAGRAPHS)]


def make_question(
    about: LetterFacts, reader: Addressee, language: Language, key_words: str
) -> Question:
    """Nothing is sent of the picture, names or the model's estimate."""
    return Question(
        name="letter",
        instructions=INSTRUCTIONS.format(
            reader=READERS[reader], language=LANGUAGE_NAMES[language], plan=PLANS[reader]
        ),
        sent=list_sent(about, reader, language, key_words),
        schema=closed_object(paragraphs={"type": "array", "items": {"type": "string"}}),
        most_tokens=MOST_TOKENS,
    )


def list_sent(
    about: LetterFacts, reader: Addressee, language: Language, key_words: str, **more: Any
) -> dict[str, Any]:
    labels, told, checklist = (
        LABELS[language],
        about.finding.context,
        conditions_table().checklist,
    )
    asked = {item.key: item.doctor if reader == "colleague" else item for item in checklist.items}
    signed = [item.decided_by for item in (about.decision, about.counts) if item]
    facts = {
        "age_group": labels.say_fact("age_band", told.age_band),
        "sex": labels.say_fact("sex", told.sex),
        "site": say_place(about, language),
        "signs_told": [asked[sign].in_language(language) for sign in told.checklist or ()],
        "photographed": say_day(about.finding.created_at, language),
        "course": [*say_course(about, language)],
        "decided": say_decision(about, reader, language).splitlines(),
        "key_words_of_the_doctor": key_words,
        **more,
    }
    return hide_names(facts, [about.patient, about.doctor, *signed])


def read_body(content: str) -> tuple[str, ...]:
    return read_answer(WrittenBody, content).paragraphs


def hide_names(facts: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """Replace each whole name and its parts, even if typed by a doctor. A part that is an ordinary
    word ("petit", "White") stays unless it is capitalised within a sentence or follows a title.
    """
    whole = {name for name in names if name}
    parts = {part for name in whole for part in _PART.findall(re.sub(_TITLE, "", name, flags=re.I))}
    words = {part for part in parts if part.casefold() in _words()}
    patterns = [
        *((re.escape(name), re.IGNORECASE) for name in sorted(whole, key=len, reverse=True)),
        *((re.escape(part), re.IGNORECASE) for part in parts - words),
        *((rf"(?P<title>{_TITLE}){re.escape(part)}", re.IGNORECASE) for part in words),
        *((rf"(?<=[\w,{HIDDEN}] ){re.escape(part.capitalize())}", 0) for part in words),
    ]

    def hide(value: Any) -> Any:
        if not isinstance(value, str):
            return [hide(item) for item in value]
        for pattern, flags in patterns:
            value = re.sub(rf"(?<!\w)(?:{pattern})(?!\w)", _hidden, value, flags=flags)
        return value

    return {name: hide(value) for name, value in facts.items() if value}


def _hidden(found: re.Match[str]) -> str:
    return (found.groupdict().get("title") or "") + HIDDEN


@cache
def _words() -> frozenset[str]:
    texts = [words.also_names for words in WORDS.values()]
    for language in LANGUAGES:
        texts += (passage.in_language(language) for passage in passages_table().all)
        for condition in conditions_table().conditions:
            texts += (text for _, text in condition.sentences[language])
    return frozenset(item for item in _PART.findall(" ".join(texts)) if item.islower())
