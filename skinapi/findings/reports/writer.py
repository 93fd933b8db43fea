"""Asks an LLM to rephrase passages. The request contains only passages with condition names and
rounded numbers: no picture, no typed text, and no fact about the person, not even the age, which
the consent does not cover.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field, StringConstraints

from skinapi.base.languages import LANGUAGE_NAMES, Language, space_all_french
from skinapi.base.stored_record import Frozen
from skinapi.findings.reports.explanation import Plan
from skinapi.findings.reports.openrouter import Question, closed_object
from skinapi.model.passages import Passage, PassageReader

MOST_ENTRIES, MOST_JOINED = 40, 2
MOST_TOKENS = 2000
INSTRUCTIONS = """\
You put a report on a skin lesion into words, for {reader}, in {language}. You get paragraphs of
passages that people have reviewed, each with an id, a text and its number of words. Say each
passage in your own words, so that the whole reads as one person speaking to this reader: plain,
calm and kind, in whole sentences, with links between them.

Answer with one entry for each passage, in the order given. You may join two passages that stand
next to each other in one paragraph into one entry, and name both ids.

Add nothing, leave nothing out: another model compares each entry with its passage and drops it if
it finds a difference.
- Keep what is certain and what is not: each "can", "may", "usually", "most", "about", "not", "if".
- Keep each number, in figures or in words as it stands, and what it is a number of.
- Call each condition by the name that its passage uses; "it" is allowed where the sentence before
  names it. Say again what happens ("it spreads"), not "this": each entry is compared by itself.
- A passage speaks of a disease or of this check in general. Do not turn it to the reader's own
  spot, and do not say what the spot is.
- No advice, time, place, example, reason or comfort that the passage does not have.
- One sentence, or two, of no more words than the passage has. A short opener ("In other words",
  "And if it were a melanoma") is welcome where it helps; padding is not.
- No question, quotation, heading, list or markup."""
READERS: Mapping[PassageReader, str] = {
    "patient": "a patient, in plain words",
    "colleague": "a doctor, in clinical words",
}


class Entry(Frozen):
    passages: Annotated[tuple[str, ...], Field(min_length=1, max_length=MOST_JOINED)]
    text: Annotated[str, StringConstraints(min_length=1, max_length=800)]


class Draft(Frozen):
    entries: Annotated[tuple[Entry, ...], Field(max_length=MOST_ENTRIES)]


@dataclass(frozen=True, slots=True)
class Pair:
    """`sentence` is None if the LLM left it out."""

    passages: tuple[Passage, ...]
    sentence: str | None = None

    @property
    def ids(self) -> tuple[str, ...]:
        return tuple(passage.id for passage in self.passages)

    def text(self, language: Language) -> str:
        return " ".join(passage.in_language(language) for passage in self.passages)


Paired = tuple[tuple[Pair, ...], ...]  # paragraphs, each passage of the plan once


def ask_for_words(plan: Plan, reader: PassageReader, language: Language) -> Question:
    return Question(
        name="explanation",
        instructions=INSTRUCTIONS.format(reader=READERS[reader], language=LANGUAGE_NAMES[language]),
        sent={"paragraphs": [[*_show(group, language)] for group in plan.groups]},
        schema=_schema([passage.id for passage in plan.passages]),
        most_tokens=MOST_TOKENS,
    )


def _show(group: Sequence[Passage], language: Language) -> Iterator[dict[str, Any]]:
    for passage in group:
        text = passage.in_language(language)
        yield {"id": passage.id, "text": text, "words": len(text.split())}


def _schema(ids: list[str]) -> dict[str, Any]:
    # No `maxItems`, because not every provider's strict mode supports it.
    entry = closed_object(
        passages={"type": "array", "items": {"type": "string", "enum": ids}},
        text={"type": "string"},
    )
    return closed_object(entries={"type": "array", "items": entry})


def pair_up(draft: Draft, plan: Plan, language: Language) -> Paired:
    """The first entry for a passage counts. An entry on passages that are apart is ignored."""
    by_first = dict[str, Entry]()
    for entry in draft.entries:
        text: str = space_all_french(entry.text.strip(), french=language == "fr")
        by_first.setdefault(entry.passages[0], entry.model_copy(update={"text": text}))
    return tuple(tuple(_pair(group, by_first)) for group in plan.groups)


def _pair(group: Sequence[Passage], by_first: Mapping[str, Entry]) -> Iterator[Pair]:
    place = 0
    while place < len(group):
        entry = by_first.get(group[place].id)
        count = len(entry.passages) if entry else 1
        passages = tuple(group[place : place + count])
        if entry and entry.passages == tuple(passage.id for passage in passages):
            yield Pair(passages, entry.text)
        else:
            passages = passages[:1]
            yield Pair(passages)
        place += len(passages)
