"""The second LLM compares each sentence of a letter with the decision, the facts and the key words.
If it fails on one of the known sentences in each call, its answer is discarded and the word lists
(letter_check.py) are used.
"""

import hashlib
import json
import random
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import Field, StringConstraints

from skinapi.base.field_types import PrintableLines
from skinapi.base.languages import LANGUAGE_NAMES, Language, read_yaml
from skinapi.base.stored_record import Frozen
from skinapi.care.letter_drafts import READERS, list_sent
from skinapi.care.letter_texts import LetterFacts
from skinapi.findings.records.letters import Letter, ReadSentence
from skinapi.findings.reports.checker_records import Checker
from skinapi.findings.reports.openrouter import Question, Reading, closed_object, read_answer
from skinapi.findings.reports.report import NarrativeUnavailable, Unwritten
from skinapi.model.bands import is_sent

WAIT_S = 10.0
MOST_READ, MOST_TOKENS = 60, 3000  # the lists of words compare what is beyond
INSTRUCTIONS = """\
You read single sentences of a doctor's letter about a spot on the skin, to {reader}, in {language}.
`decided` is what the doctor decided and stands above the letter; with the facts and the doctor's
key words it is all that is known. Judge each sentence by itself, as a careful dermatologist who
looks for mistakes before the letter is signed.

says is
- "contradicts" if it cannot be true together with the decision, the facts or the key words, or
  makes something else of them: another diagnosis, person, side, place, sign, result or number;
  surer or less sure; later, sooner or no visit where another one is asked for; a comfort or a fear
  that the decision does not bear;
- "adds" if it says something of this person, spot, examination, result or treatment that is not in
  them: a number, a date, a sign, a medicine, an instruction that could harm, a promise of cure;
- "agrees" else: it says the same in other words or a part of it, is polite or kind, offers help or
  an answer, tells of the practical side of a visit, or what is generally known of what was decided,
  such as how a spot is examined or what to watch for.

Some of the sentences are wrong. Say why in a few words, in {language}, or nothing of one that
agrees. If you doubt whether one agrees, it does not."""


class _Verdict(Frozen):
    sentence: int
    says: Literal["agrees", "contradicts", "adds"]
    why: Annotated[str, StringConstraints(max_length=300), PrintableLines] = ""


class _Verdicts(Frozen):
    verdicts: Annotated[tuple[_Verdict, ...], Field(max_length=2 * MOST_READ)]


class KnownSentences(Frozen):
    """`sent` contradicts a letter with a referral, `not_sent` a letter without one."""

    agrees: tuple[str, ...]
    adds: tuple[str, ...]
    sent: tuple[str, ...]
    not_sent: tuple[str, ...]


KNOWN: Mapping[Language, KnownSentences] = {
    language: KnownSentences.model_validate(known)
    for language, known in read_yaml("skinapi.care", "known_sentences.yaml").items()
}


class _Shown(NamedTuple):
    sentence: str
    agrees: bool | None = None


def hide_known(
    sentences: Sequence[str], language: Language, *, sent: bool, draw: random.Random
) -> list[_Shown]:
    known = KNOWN[language]
    wrong = draw.choice(known.sent if sent else known.not_sent), draw.choice(known.adds)
    hidden = [_Shown(draw.choice(known.agrees), True), *(_Shown(item, False) for item in wrong)]
    mixed = [*map(_Shown, sentences), *hidden]
    draw.shuffle(mixed)
    return mixed


class _Judged(NamedTuple):
    said: list[tuple[str, _Verdict]]
    known: list[bool]


def judge(shown: Sequence[_Shown], content: str) -> _Judged:
    """Raise NarrativeUnavailable if a sentence is missing."""
    said = {item.sentence: item for item in read_answer(_Verdicts, content).verdicts}
    if said.keys() != {*range(1, len(shown) + 1)}:
        raise NarrativeUnavailable(Unwritten.MALFORMED)
    judged = [(item, said[index]) for index, item in enumerate(shown, 1)]
    return _Judged(
        [(item.sentence, answer) for item, answer in judged if item.agrees is None],
        [
            item.agrees is (answer.says == "agrees")
            for item, answer in judged
            if item.agrees is not None
        ],
    )


def read_sentences(
    checker: Checker,
    sentences: Sequence[str],
    letter: Letter,
    about: LetterFacts,
    account: str,
) -> tuple[ReadSentence, ...]:
    """Earlier judgements are included. Raises NarrativeUnavailable if no model is trusted."""
    known = find_read(sentences, letter, about)
    asked = [item for item in sentences if item not in known][:MOST_READ]
    if not asked or about.decision is None:
        return tuple(known.values())
    sent, draw = is_sent(about.decision.urgency), random.SystemRandom()
    shown = hide_known(asked, letter.language, sent=sent, draw=draw)
    records = checker.records
    answer: Reading[_Judged] = checker.llm.ask(
        ask_to_read(shown, letter, about),
        partial(judge, shown),
        deadline=time.monotonic() + WAIT_S,
        models=records.require_believed(letter.language),
        account=account,
    )
    known_right = answer.answer.known
    believed = records.count(answer.model, letter.language, known_right)
    if not believed or not all(known_right):
        raise NarrativeUnavailable(Unwritten.CHECKER_NOT_BELIEVED)
    key_of = _key_by(letter, about)
    read = (
        ReadSentence(key=key_of(sentence), says=item.says, why=item.why)
        for sentence, item in answer.answer.said
    )
    return (*known.values(), *read)


def ask_to_read(shown: Sequence[_Shown], letter: Letter, about: LetterFacts) -> Question:
    facts = list_sent(
        about,
        letter.reader,
        letter.language,
        letter.key_words,
        sentences=[item.sentence for item in shown],
    )
    numbered = [
        {"sentence": index, "text": text} for index, text in enumerate(facts["sentences"], 1)
    ]
    says = {"type": "string", "enum": ["agrees", "contradicts", "adds"]}
    verdict = closed_object(sentence={"type": "integer"}, says=says, why={"type": "string"})
    return Question(
        name="letter_reading",
        instructions=_instructions(letter),
        sent={**facts, "sentences": numbered},
        schema=closed_object(verdicts={"type": "array", "items": verdict}),
        most_tokens=MOST_TOKENS,
    )


def find_read(
    sentences: Sequence[str], letter: Letter, about: LetterFacts
) -> dict[str, ReadSentence]:
    """Return the judgements that were made against the same decision, facts and key words."""
    read = {item.key: item for item in letter.read}
    key_of = _key_by(letter, about) if read else str
    return {item: read[key] for item in sentences if (key := key_of(item)) in read}


def _key_by(letter: Letter, about: LetterFacts) -> Callable[[str], str]:
    facts: Any = list_sent(about, letter.reader, letter.language, letter.key_words)
    compared = json.dumps([_instructions(letter), facts])
    return lambda item: hashlib.sha256(f"{compared}{item}".encode()).hexdigest()[:32]


def _instructions(letter: Letter) -> str:
    reader, language = READERS[letter.reader], LANGUAGE_NAMES[letter.language]
    return INSTRUCTIONS.format(reader=reader, language=language)
