"""Does a narrative contradict its facts? Whoever wrote it is not believed.

What is admitted is a closed set, so that nobody has to think of every wrong sentence. The
template's sentences for these facts must all stand where they belong, to the letter: so the
action, the doubt, the notices and all that is said of a disease cannot be lost or bent. Beside
them, in two sections and only where a picture was examined, there may be sentences on the
calculation, from the language's short list of words, which has no negation, no advice, no
certainty, no amount and no disease. Names and numbers, the template's too, are read again and
held against the facts.

Why a sentence was refused is told by what it looks like; that it is refused does not hang on it.
"""

import re
from collections.abc import Iterator, Sequence
from functools import cache

from skinapi.reports.facts import Facts
from skinapi.reports.narrative import LONGEST, Narrative, Reason
from skinapi.reports.text.catalogues import CATALOGUES
from skinapi.reports.text.sentences import (
    NAMED,
    NUMBER,
    WORD,
    Figures,
    names_in,
    sentences_of,
    without_names,
)
from skinapi.reports.text.template import TemplateWriter
from skinapi.vision.conditions import LANGUAGES, Band, Language, conditions_table

OPEN_TO_WRITERS = ("overview", "confidence_explanation")
WHAT_TO_DO = ("recommendation", "next_steps")
MOST_SENTENCES = 40
MARKUP = re.compile(r"[<>{}\[\]|\\`*_#@~^=$&]|//|www\.|\b[a-z]{2,}\.[a-z]{2,}\b", re.IGNORECASE)
STRANGE = re.compile(r"[^\w\s.,;:()'%/-]")
NEGATIVE = re.compile(r"-\s*\d")
# The ends of disease names in either language.
DISEASE = re.compile(r"\w{3,}(?:omas?|omes?|osis|oses?|itis|ites?|iasis|[eé]mas?|[eé]mi[ae]s?)")


def contradictions(narrative: Narrative, facts: Facts) -> tuple[Reason, ...]:
    """Everything that is wrong with it, the gravest first."""
    found = set(_Checker(narrative, facts).find())
    return tuple(reason for reason in Reason if reason in found)


class _Checker:
    def __init__(self, narrative: Narrative, facts: Facts) -> None:
        self._said = narrative
        self._facts = facts
        self._language: Language = narrative.language
        self._speech = CATALOGUES[narrative.language].speech
        self._figures = Figures(facts, narrative.language)
        self._expected = TemplateWriter().write(facts, narrative.language)

    def find(self) -> Iterator[Reason]:
        yield from self._find_misshapen()
        expected, said = _by_part(self._expected), _by_part(self._said)
        for part, sentences in said.items():
            yield from self._find_in_part(part, sentences, expected[part])

    def _find_misshapen(self) -> Iterator[Reason]:
        sections = self._said.sections.model_dump().values()
        whole = " ".join(self._said.texts)
        if sum(map(len, sections)) > LONGEST:
            yield Reason.LENGTH
        if not (whole.isprintable() and _is_latin(whole)):
            yield Reason.CHARACTERS
        if MARKUP.search(whole):
            yield Reason.MARKUP

    def _find_in_part(
        self, part: str, said: Sequence[str], expected: Sequence[str]
    ) -> Iterator[Reason]:
        added = _added_to(expected, said)
        if added is None:
            yield Reason.URGENCY if part in WHAT_TO_DO else Reason.MISSING
            added = [sentence for sentence in said if sentence not in expected]
        for sentence in expected:
            yield from self._find_against_facts(sentence, self._rankable())
        if len(added) > MOST_SENTENCES:
            yield Reason.LENGTH
        for sentence in added[:MOST_SENTENCES]:
            yield from self._find_in_added(sentence)
        if added and not (part in OPEN_TO_WRITERS and self._facts.examined):
            yield Reason.WORDS

    def _find_against_facts(self, sentence: str, nameable: set[str]) -> Iterator[Reason]:
        if sentence in _table_sentences(self._language):
            return
        if names_in(sentence) - nameable:
            yield Reason.CONDITION
        if not self._figures.fit(sentence):
            yield Reason.NUMBER

    def _rankable(self) -> set[str]:
        """What the template may name: it adds up the malignant conditions by name."""
        facts = self._facts
        added = conditions_table().malignant_keys if facts.examined else frozenset()
        return {facts.stated, *added, *(entry.key for entry in facts.ranked)}

    def _find_in_added(self, sentence: str) -> Iterator[Reason]:
        trespasses = set(self._find_trespasses(sentence))
        yield from trespasses
        words = WORD.findall(self._bare(sentence))
        if set(words) - self._speech.words and not trespasses:
            yield self._language_or_words(words)
        if not words or not sentence.endswith("."):
            yield Reason.WORDS

    def _find_trespasses(self, sentence: str) -> Iterator[Reason]:
        facts, bare = self._facts, self._bare(sentence)
        named = names_in(sentence)
        yield from self._find_against_facts(
            sentence, {facts.stated, facts.concern.key, facts.most_probable}
        )
        for reason, pattern in self._speech.trespasses.items():
            if re.search(pattern, bare):
                yield reason
        if any(DISEASE.fullmatch(word) for word in set(WORD.findall(bare)) - self._speech.words):
            yield Reason.CONDITION
        if NAMED in bare:
            yield Reason.DIAGNOSIS
        if STRANGE.search(sentence):
            yield Reason.MARKUP
        yield from self._find_unclear_numbers(sentence, named)

    def _find_unclear_numbers(self, sentence: str, named: set[str]) -> Iterator[Reason]:
        """One number, of one subject."""
        small = sentence.casefold()
        terms = [term for term in self._speech.terms if term in small]
        numbers = NUMBER.findall(self._bare(sentence))
        if len(numbers) > 1 or NEGATIVE.search(small):
            yield Reason.NUMBER
        if len(named) + len(terms) > 1 or (numbers and not named and not terms):
            yield Reason.NUMBER

    def _bare(self, sentence: str) -> str:
        """In small letters, without terms, and without a name where it stands in a frame."""
        bare = without_names(sentence)
        for term in self._speech.terms:
            bare = bare.replace(term, " ")
        for frame in self._speech.frames:
            bare = re.sub(frame, lambda found: found[0].replace(NAMED, ""), bare)
        return bare

    def _language_or_words(self, words: Sequence[str]) -> Reason:
        known = {spoken: len(_vocabulary(spoken) & set(words)) for spoken in LANGUAGES}
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
    """What stands beside the expected sentences; None unless these open it and keep their order."""
    if said[:1] != expected[:1]:
        return None
    added, awaited = [], iter([*expected, None])
    next_one = next(awaited)
    for sentence in said:
        if sentence == next_one:
            next_one = next(awaited)
        else:
            added.append(sentence)
    return added if next_one is None else None


@cache
def _table_sentences(language: Language) -> frozenset[str]:
    """What the table says of diseases, in the order of nothing: sourced, and checked elsewhere."""
    table = conditions_table()
    texts = [text for c in table.conditions for text in c.sentences[language].model_dump().values()]
    texts += [table.band_words(band, language).action for band in Band]
    notices, result = table.notices, table.checklist.result
    said = (
        *(notices.information_only, notices.uncertain, notices.strange),
        *(notices.little_tested, notices.modality_unsure),
        *(result.at_or_above, result.below),
    )
    texts += [getattr(sentence, language) for sentence in said]
    return frozenset(sentence for text in texts for sentence in sentences_of(text))


@cache
def _vocabulary(language: Language) -> frozenset[str]:
    """Every word of one language that the texts may use."""
    spoken = " ".join(_table_sentences(language)).casefold()
    return CATALOGUES[language].speech.words | set(WORD.findall(spoken))


def _is_latin(text: str) -> bool:
    return all(ord(letter) < 256 for letter in text)
