"""Known pairs of passage and sentence that test the second LLM. The LLM cannot tell them apart from
the pairs to judge, which come from the same passages.
"""

import random
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property

from pydantic import TypeAdapter

from skinapi.base.languages import Language, LocalizedText, read_yaml, space_all_french
from skinapi.base.stored_record import Frozen
from skinapi.model.conditions import conditions_table
from skinapi.model.headline import say_chance
from skinapi.model.passages import Passage, PassageReader, passages_table

# The pairs of an exam by what their passages describe.
OF_CONDITION, OF_PROGRAM, OF_FINDING = 8, 2, 1


class KnownSentences(Frozen):
    """A `slip` is wrong by a small word, a `flip` claims something else."""

    passage: str
    good: tuple[str, ...]
    slip: tuple[str, ...]
    flip: tuple[str, ...]

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        escaped = re.escape(self.passage)
        return re.compile(re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>.+?)", escaped))

    def say_of(self, passage: str) -> list[tuple[str, bool]]:
        """Return nothing if the wording of the passage has changed."""
        if not (fits := self._pattern.fullmatch(passage)):
            return []
        good = [(text, True) for text in self.good]
        wrong = [(text, False) for text in (*self.slip, *self.flip)]
        return [(text.format(**fits.groupdict()), keep) for text, keep in good + wrong]


@cache
def known_pairs() -> Mapping[Language, Mapping[str, KnownSentences]]:
    written = read_yaml("skinapi.findings.reports", "known_pairs.yaml")
    adapter = TypeAdapter(dict[Language, dict[str, KnownSentences]])
    return adapter.validate_python(space_all_french(written))


def known_of(passage: Passage, language: Language) -> list[tuple[str, bool]]:
    known = known_pairs()[language].get(passage.id)
    return known.say_of(passage.in_language(language)) if known else []


@dataclass(frozen=True, slots=True)
class Shown:
    """`about` names the subject of "it". A known pair has the `place` of the sentence it tests."""

    passage: str
    sentence: str
    about: str = ""
    place: int = 0
    keep: bool | None = None


def show(
    passages: Sequence[Passage],
    sentence: str,
    language: Language,
    *,
    place: int = 0,
    keep: bool | None = None,
) -> Shown:
    named = next((item.about for item in passages if item.about), None)
    names = passages_table().names.get(named or "")
    return Shown(
        passage=" ".join(item.in_language(language) for item in passages),
        sentence=sentence,
        about=names[language][0] if names else "",
        place=place,
        keep=keep,
    )


def draw_twin(
    passages: Sequence[Passage], language: Language, draw: random.Random, *, place: int
) -> Shown:
    """A pair for two joined passages is good only if it is good for both."""
    drawn = [draw.choice(known_of(passage, language)) for passage in passages]
    said, keep = " ".join(text for text, _ in drawn), all(good for _, good in drawn)
    return show(passages, said, language, place=place, keep=keep)


def draw_exam(language: Language, reader: PassageReader, draw: random.Random) -> list[Shown]:
    shown = []
    for place, passage in enumerate(_draw_passages(reader, draw)):
        known = known_of(passage, language)
        for said, keep in draw.sample(known, min(2, len(known))):
            shown.append(show([passage], said, language, place=place, keep=keep))
    draw.shuffle(shown)
    return shown


def _draw_passages(reader: PassageReader, draw: random.Random) -> Iterator[Passage]:
    table = passages_table()
    told = table.list_about(draw.choice(sorted(_told_conditions())), reader)
    yield from draw.sample(told, min(OF_CONDITION, len(told)))
    of_program = [
        item for item in table.all if item.about is None and item.reader in (None, reader)
    ]
    yield from draw.sample(of_program, OF_PROGRAM)
    if reader == "patient":
        for topic in draw.sample(sorted(table.finding), OF_FINDING):
            yield table.of_finding(topic, about=None, **_draw_values(topic, draw))


def _told_conditions() -> set[str]:
    return {item.about for item in passages_table().all if item.about}


def _draw_values(topic: str, draw: random.Random) -> dict[str, LocalizedText]:
    names = conditions_table().notices.headline.names
    drawn = [names[key] for key in draw.sample(sorted(_told_conditions() & names.keys()), 2)]
    # French needs "d'un mélanome" after a figure.
    first, second = (item.patient if topic == "in_case" else item.of_patient for item in drawn)
    picture = draw.randint(1, 4)
    return {
        "name": first,
        "second_name": second,
        "share": say_chance(draw.random(), malignant=True),
        "second_share": say_chance(draw.random()),
        "picture": LocalizedText.by(lambda _: str(picture)),
    }
