"""Checks that a narrative does not contradict its facts. No writer is trusted.

The checker works with a closed set of what is allowed, so no list of wrong sentences is needed.
The template's sentences for these facts must all be present, in their place and without any change.
So the action, the doubt, the notices and every sentence about a disease cannot be lost or altered.
In addition, two sections may contain sentences on the calculation, but only if a picture was
classified. These are from a closed list (`added_sentences`), with slots for a name and a number.
All names and numbers, the template's too, are compared with the facts.

The reason for a refusal is guessed from the sentence's look; the refusal itself does not depend on
that guess.
"""

import re
from collections.abc import Iterator, Sequence
from functools import cache

from skinapi.languages import LANGUAGES, NO_BREAK_SPACE, Language
from skinapi.reports.facts import Facts
from skinapi.reports.narrative import MOST_CHARACTERS, Narrative, Reason
from skinapi.reports.text.added_sentences import admitted_words, is_admitted
from skinapi.reports.text.catalogues import CATALOGUES
from skinapi.reports.text.sentences import (
    NAME_PLACEHOLDER,
    NUMBER,
    WORD,
    Figures,
    names_in,
    sentences_of,
    without_names,
)
from skinapi.reports.text.template import write_template
from skinapi.vision.conditions import Band, conditions_table
from skinapi.vision.context import SkinTone
from skinapi.vision.finding.notices import say_untested_skin

LLM_PARTS = ("overview", "confidence_explanation")
ACTION_PARTS = ("recommendation", "next_steps")
MOST_SENTENCES = 40
MARKUP = re.compile(r"[<>{}\[\]|\\`*_#@~^=$&]|//|www\.|\b[a-z]{2,}\.[a-z]{2,}\b", re.IGNORECASE)
FORBIDDEN_CHARACTER = re.compile(r"[^\w\s.,;:()'%/-]")
NEGATIVE = re.compile(r"-\s*\d")
# Typical endings of disease names in English and French.
DISEASE_WORD = re.compile(
    r"\w{3,}(?:omas?|omes?|osis|oses?|itis|ites?|iasis|[eé]mas?|[eé]mi[ae]s?)"
)


def contradictions(narrative: Narrative, facts: Facts) -> tuple[Reason, ...]:
    """All faults of the narrative, the most serious first."""
    found = set(_Checker(narrative, facts).find())
    return tuple(reason for reason in Reason if reason in found)


class _Checker:
    def __init__(self, narrative: Narrative, facts: Facts) -> None:
        self._narrative = narrative
        self._facts = facts
        self._language: Language = narrative.language
        self._vocabulary = CATALOGUES[narrative.language].vocabulary
        self._figures = Figures(facts, narrative.language)
        self._expected = write_template(facts, narrative.language)

    def find(self) -> Iterator[Reason]:
        yield from self._find_format_faults()
        expected, said = _by_part(self._expected), _by_part(self._narrative)
        for part, sentences in said.items():
            yield from self._find_in_part(part, sentences, expected[part])

    def _find_format_faults(self) -> Iterator[Reason]:
        sections = self._narrative.sections.model_dump().values()
        whole = " ".join(self._narrative.texts)
        if sum(map(len, sections)) > MOST_CHARACTERS:
            yield Reason.LENGTH
        # The font of the Angular app's PDF has only the letters of Latin-1.
        if not (whole.replace(NO_BREAK_SPACE, " ").isprintable() and _is_latin(whole)):
            yield Reason.CHARACTERS
        if MARKUP.search(whole):
            yield Reason.MARKUP

    def _find_in_part(
        self, part: str, said: Sequence[str], expected: Sequence[str]
    ) -> Iterator[Reason]:
        added = _added_to(expected, said)
        if added is None:
            yield Reason.URGENCY if part in ACTION_PARTS else Reason.MISSING
            added = [sentence for sentence in said if sentence not in expected]
        for sentence in expected:
            yield from self._find_against_facts(sentence, self._template_names())
        if len(added) > MOST_SENTENCES:
            yield Reason.LENGTH
        for sentence in added[:MOST_SENTENCES]:
            yield from self._find_in_added(sentence)
        if added and not (part in LLM_PARTS and self._facts.examined):
            yield Reason.WORDS

    def _find_against_facts(self, sentence: str, nameable: set[str]) -> Iterator[Reason]:
        if sentence in _table_sentences(self._language):
            return
        if names_in(sentence) - nameable:
            yield Reason.CONDITION
        if not self._figures.fit(sentence):
            yield Reason.NUMBER

    def _template_names(self) -> set[str]:
        """The conditions that the template may name. With a malignant score it lists all malignant
        conditions by name.
        """
        facts = self._facts
        added = conditions_table().malignant_keys if facts.examined else frozenset()
        return {facts.stated, *added, *(entry.key for entry in facts.ranked)}

    def _find_in_added(self, sentence: str) -> Iterator[Reason]:
        violations = set(self._find_violations(sentence))
        yield from violations
        words = WORD.findall(self._bare(sentence))
        if not violations and not is_admitted(sentence, self._language):
            yield self._language_or_words(words)
        if not words or not sentence.endswith("."):
            yield Reason.WORDS

    def _find_violations(self, sentence: str) -> Iterator[Reason]:
        facts, bare = self._facts, self._bare(sentence)
        named = names_in(sentence)
        yield from self._find_against_facts(
            sentence, {facts.stated, facts.concern.key, facts.most_probable}
        )
        for reason, pattern in self._vocabulary.violations.items():
            if re.search(pattern, bare):
                yield reason
        if any(
            DISEASE_WORD.fullmatch(word)
            for word in set(WORD.findall(bare)) - admitted_words(self._language)
        ):
            yield Reason.CONDITION
        if NAME_PLACEHOLDER in bare:
            yield Reason.DIAGNOSIS
        if FORBIDDEN_CHARACTER.search(sentence):
            yield Reason.MARKUP
        yield from self._find_unclear_numbers(sentence, named)

    def _find_unclear_numbers(self, sentence: str, named: set[str]) -> Iterator[Reason]:
        """Refuse more than one number in a sentence, more than one subject, a number without a
        subject, and a negative number.
        """
        lower = sentence.casefold()
        terms = [term for term in self._vocabulary.terms if term in lower]
        numbers = NUMBER.findall(self._bare(sentence))
        if len(numbers) > 1 or NEGATIVE.search(lower):
            yield Reason.NUMBER
        if len(named) + len(terms) > 1 or (numbers and not named and not terms):
            yield Reason.NUMBER

    def _bare(self, sentence: str) -> str:
        """The sentence in lower case, without terms and without names inside an allowed frame."""
        bare = without_names(sentence)
        for term in self._vocabulary.terms:
            bare = bare.replace(term, " ")
        for frame in self._vocabulary.frames:
            bare = re.sub(frame, lambda found: found[0].replace(NAME_PLACEHOLDER, ""), bare)
        return bare

    def _language_or_words(self, words: Sequence[str]) -> Reason:
        known = {spoken: len(_known_words(spoken) & set(words)) for spoken in LANGUAGES}
        own = known.pop(self._language)
        return Reason.LANGUAGE if max(known.values()) > own else Reason.WORDS


def _by_part(narrative: Narrative) -> dict[str, list[str]]:
    """The sentences of each section and each list."""
    sections: dict[str, str] = narrative.sections.model_dump()
    lists = {
        "findings": narrative.findings,
        "limits": narrative.limits,
        "next_steps": narrative.next_steps,
    }
    parts = {part: sentences_of(text) for part, text in sections.items()}
    return parts | {
        part: [s for text in texts for s in sentences_of(text)] for part, texts in lists.items()
    }


def _added_to(expected: Sequence[str], said: Sequence[str]) -> list[str] | None:
    """The sentences that are not expected. None if an expected sentence is missing, if their order
    is changed, or if the text does not start with the first of them.
    """
    if said[:1] != expected[:1]:
        return None
    added, remaining = [], iter([*expected, None])
    next_one = next(remaining)
    for sentence in said:
        if sentence == next_one:
            next_one = next(remaining)
        else:
            added.append(sentence)
    return added if next_one is None else None


@cache
def _table_sentences(language: Language) -> frozenset[str]:
    """The fixed sentences of the conditions table. They have sources and are checked elsewhere, so
    their names and numbers are not compared with the facts.
    """
    table = conditions_table()
    texts = [text for c in table.conditions for text in c.sentences[language].model_dump().values()]
    texts += [table.band_words(band, language).action for band in Band]
    notices, result = table.notices, table.checklist.result
    said = (
        *(notices.information_only, notices.uncertain, notices.strange),
        *(notices.little_tested, notices.modality_unsure),
        *map(say_untested_skin, SkinTone),
        *(result.at_or_above, result.below),
    )
    texts += [sentence.in_language(language) for sentence in said]
    return frozenset(sentence for text in texts for sentence in sentences_of(text))


@cache
def _known_words(language: Language) -> frozenset[str]:
    """Every word of one language that the table or the LLM may use."""
    table_text = " ".join(_table_sentences(language)).casefold()
    return admitted_words(language) | set(WORD.findall(table_text))


def _is_latin(text: str) -> bool:
    return all(ord(letter) < 256 for letter in text)
