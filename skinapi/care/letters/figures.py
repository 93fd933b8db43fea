"""The figures of a sentence: whether each is one of the facts, of what the sentence names."""

import re
from collections.abc import Iterator
from functools import cached_property

from skinapi.care.letters.sentences import VOCABULARIES, count_in, named_in, times_in, without_names
from skinapi.care.letters.words import LETTER_WORDS
from skinapi.languages import LANGUAGES, NUMBERS, Language
from skinapi.reports.facts import Facts
from skinapi.vision.conditions import conditions_table
from skinapi.vision.finding.headline import say_chance

NUMBER = re.compile(r"(?<![\w.,])\d+(?:[.,]\d+)*|(?<=\w)\d+(?:[.,]\d+)*")


class Figures:
    """Of one sentence, in lower case."""

    def __init__(self, lower: str, facts: Facts, language: Language) -> None:
        self._lower = lower
        self._facts = facts
        self._language = language
        self._words = LETTER_WORDS[language].vocabulary

    def find_wrong(self) -> Iterator[str]:
        for clause in map(self._without_chances, self._clauses):
            for number in NUMBER.finditer(clause):
                if not self._fits(number, clause):
                    yield number[0]
        left = without_names(self._lower)
        for _, share in self._shares():
            left = _without_chance(left, share)  # each clause has been compared with its own
        for words in VOCABULARIES:
            for said, _ in times_in(left, words):
                left = left.replace(said, " ; ", 1)  # a time: see the urgency
        for words in VOCABULARIES:
            count = count_in(words)
            ratio = rf"(?<!\w){count} {words.out_of} {count}(?!\w)"
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
        table, share = conditions_table(), NUMBERS[self._language].write_share
        return "; ".join(
            f"{table.name(one.key, self._language)} {share(one.probability)}"
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
        for words in VOCABULARIES:
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
            re.match(rf" ?(?:{'|'.join(one.units)})(?:e?s)?(?!\w)", rest) for one in VOCABULARIES
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
    said = say_chance(share)
    for language in LANGUAGES:
        text = text.replace(said.in_language(language), " ")
    return text


def _equals(said: str, share: float) -> bool:
    """Whether it is the share in percent, perhaps rounded."""
    decimals = len(said.replace(",", ".").partition(".")[2])
    return decimals < 3 and said.replace(",", ".") == f"{100 * share:.{decimals}f}"
