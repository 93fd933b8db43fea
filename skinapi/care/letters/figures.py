"""What a sentence of a letter says that the facts can contradict: figures, names of people, and how
soon a doctor is to be seen."""

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import cache, cached_property
from itertools import product

from skinapi.care.letters.sentences import (
    WORD,
    band_of,
    each,
    named_in,
    split,
    times_in,
    without,
    without_names,
)
from skinapi.care.letters.words import VOCABULARIES
from skinapi.languages import LANGUAGES, Language
from skinapi.reports.facts import Facts
from skinapi.vision.conditions import Band, conditions_table
from skinapi.vision.finding.headline import say_chance, say_share, say_share_of

NUMBER = re.compile(r"(?<![\w.,])\d+(?:[.,]\d+)*|(?<=\w)\d+(?:[.,]\d+)*")


class Figures:
    """Of one sentence, in lower case."""

    def __init__(self, lower: str, facts: Facts, language: Language) -> None:
        self._lower = lower
        self._facts = facts
        self._language = language
        self._words = VOCABULARIES[language]

    def find_wrong(self) -> Iterator[str]:
        for clause in map(self._without_chances, self._clauses):
            for number in NUMBER.finditer(clause):
                if not self._fits(number, clause):
                    yield number[0]
        left = without_names(self._lower)
        for _, share in self._shares():
            left = _without_chance(left, share)  # each clause has been compared with its own
        for words in VOCABULARIES.values():
            for said, _ in times_in(left, words):
                left = left.replace(said, " ; ", 1)  # a time: see the urgency
        for words in VOCABULARIES.values():
            ratio = rf"(?<!\w){words.count} {words.out_of} {words.count}(?!\w)"
            exact = "|".join(word for word, count in words.numbers.items() if count > 1)
            wrong = rf"{words.fraction}|{ratio}|(?<!\w)(?:{exact})(?!\w)(?! {words.counted})"
            yield from (part[0] for part in re.finditer(wrong, left))

    @cached_property
    def with_share(self) -> set[str]:
        """The conditions of which a part of the sentence gives the share."""
        return {
            key
            for clause in self._clauses
            for key, share in self._shares()
            if f"⟨{key}⟩" in clause
            and (
                any(_equals(number[0], share) for number in NUMBER.finditer(clause))
                or _without_chance(clause, share) != clause
            )
        }

    def say_right(self) -> str:
        """The greatest shares, in the letter's language."""
        table, language = conditions_table(), self._language
        return "; ".join(
            f"{table.name(one.key, language)} "
            f"{say_share_of(one.key, one.probability).in_language(language)}"
            for one in self._facts.shown.ranked[:3]
        )

    @cached_property
    def _clauses(self) -> list[str]:
        """The parts of the sentence with a number, each with what it is about: where a part names
        nothing, the name before it.
        """
        marked, position = "", 0
        for key, start, end in named_in(self._lower):
            marked += self._lower[position:start] + f"⟨{key}⟩"
            position = end
        marked += self._lower[position:]
        for words in VOCABULARIES.values():
            marked = re.sub(words.score, "⟨score⟩", marked)
            marked = re.sub(r"\b7[- ]?point checklist|liste en 7 points", "⟨points⟩", marked)
        parts, subject = [], ""
        for part in re.split(self._words.and_, marked):
            named = re.findall("⟨[^⟨⟩]*⟩", part)
            parts.append(part if named else f"{subject} {part}")
            subject = named[-1] if named else subject
        return parts

    def _fits(self, number: re.Match[str], clause: str) -> bool:
        said, rest = number[0], clause[number.end() :]
        if any(
            re.match(rf" ?(?:{'|'.join(one.units)})(?:e?s)?(?!\w)", rest)
            for one in VOCABULARIES.values()
        ):
            return True  # a time: see the urgency
        if re.match(rf"\W{{0,2}}(?:{self._words.points})", rest) or "⟨points⟩" in clause:
            return said == str(self._facts.checklist_score)
        return any(_equals(said, share) for share in self._shares_in(clause))

    def _without_chances(self, clause: str) -> str:
        """Without the probabilities in whole numbers that are those of what it names."""
        for share in self._shares_in(clause):
            clause = _without_chance(clause, share)
        return clause

    def _shares_in(self, clause: str) -> list[float]:
        """Those of the conditions that it names, and without any, of those named first."""
        subjects = [name.strip("⟨⟩") for name in re.findall("⟨[^⟨⟩]*⟩", clause)]
        asked = subjects or [self._facts.stated, self._facts.most_probable]
        return [share for subject, share in self._shares() if subject in asked]

    def _shares(self) -> Iterator[tuple[str, float]]:
        facts = self._facts
        yield from ((entry.key, entry.probability) for entry in facts.shown.ranked)
        yield facts.stated, facts.shown_confidence
        if alone := facts.shown.alone:
            yield alone.key, alone.probability
        if facts.shown.malignant_score is not None:
            yield "score", facts.shown.malignant_score


def _without_chance(text: str, share: float) -> str:
    for malignant, in_hundreds in product((False, True), repeat=2):
        said = say_chance(share, malignant=malignant, in_hundreds=in_hundreds)
        for language in LANGUAGES:
            text = text.replace(said.in_language(language), " ")
    return text


def _equals(said: str, share: float) -> bool:
    """Whether it is the share in percent, perhaps rounded: to whole numbers also up, or to the
    limits that stand in "<1%" and ">99%", as `say_share` does.
    """
    for malignant in (False, True):
        if said == say_share(share, malignant=malignant).en.strip("<>%"):
            return True
    decimals = len(said.replace(",", ".").partition(".")[2])
    return decimals < 3 and said.replace(",", ".") == f"{100 * share:.{decimals}f}"


# The names in a sentence that are neither the patient's nor the doctor's.


def find_strangers(written: str, people: Collection[str]) -> Iterator[str]:
    for words in VOCABULARIES.values():
        for titled in re.findall(words.title, written):
            if titled.split()[-1] not in people:
                yield titled
            written = written.replace(titled, titled.casefold())
    known = _known_words() | {word.casefold() for word in people}
    begins = True
    for found in WORD.finditer(written):
        # Of "L'Alsace" the second word, of "J'ai" none.
        word = re.sub(r"^\w{1,2}['’]", "", found[0])
        after = written[found.end() : found.end() + 20]
        is_subject = any(re.match(rf"\s?{one.after_name}", after) for one in VOCABULARIES.values())
        if (is_subject or not begins) and word[0].isupper() and word.casefold() not in known:
            yield word
        begins = False


@cache
def _known_words() -> frozenset[str]:
    """The words that are no names, at the beginning of a sentence or within it."""
    table = conditions_table()
    texts: list[str] = []
    for language in LANGUAGES:
        words = VOCABULARIES[language]
        texts += [words.first_words, *words.months, words.months[0]]
        texts += [table.name(key, language) for key in table.labels]
        texts += _all_texts(table.band_words(band, language) for band in Band)
        texts += _all_texts(one.sentences[language] for one in table.conditions)
    return frozenset(word.casefold() for text in texts for word in WORD.findall(text))


def _all_texts(values: Iterable[object]) -> Sequence[str]:
    return [text for value in values for text in vars(value).values() if isinstance(text, str)]


# How soon a sentence says that a doctor is to be seen.


class Urgencies:
    """Of one sentence without its conditions, and of what of it is `asserted`."""

    def __init__(self, bare: str, asserted: str) -> None:
        self._bare = bare
        self._asserted = asserted

    @property
    def levels(self) -> list[tuple[str, Band]]:
        """The times and the words for an urgency, each with the band that it is one of."""
        return self._read[0]

    @property
    def left(self) -> str:
        """The sentence without them."""
        return self._read[1]

    @property
    def said(self) -> set[Band]:
        return {level for said, level in self.levels if not self.is_negated(said)}

    def is_negated(self, said: str) -> bool:
        """Whether these words stand in a part that negates something."""
        parts = (part for part in self._parts if said in part)
        return any(any(each("negating", part.replace(said, " ; "))) for part in parts)

    @cached_property
    def _read(self) -> tuple[list[tuple[str, Band]], str]:
        found, left = [], without(self._bare, "urging")
        for words in VOCABULARIES.values():
            for said, days in times_in(left, words):
                found.append((said, band_of(days)))
                left = left.replace(said, " ; ", 1)
            for band, pattern in words.levels.items():
                found += [(said[0], band) for said in re.finditer(pattern, left)]
                left = re.sub(pattern, " ; ", left)
        return list(dict.fromkeys(found)), left

    @cached_property
    def _parts(self) -> list[str]:
        return split(self._asserted, "apart")
