"""What is kept of sentences that recombine the passages' own words: `DRILL=1 pytest -s` makes
20,000 and prints 300 of the kept ones, which are to be read.
"""

import random
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import get_args

import pytest

from skinapi.base.languages import LANGUAGES, Language
from skinapi.findings.reports.explanation import choose_passages
from skinapi.findings.reports.narrator import Draft, prove_draft
from skinapi.findings.reports.proof import Proved, prove
from skinapi.model.passages import Passage, PassageReader, passages_table
from tests.findings.reports.contradictions import contradictions
from tests.findings.reports.random_findings import Said, random_findings
from tests.findings.reports.recombinations import Quoted, Recombination, recombinations
from tests.findings.reports.sentence_views import view_of, views_of
from tests.findings.reports.test_sentences import about
from tests.support.size import size

SEED = 69
MADE = size(500, 20_000)
READ = 300
FINDINGS = size(40, 2000)
READERS: tuple[PassageReader, ...] = get_args(PassageReader)
READ_BY: dict[PassageReader, str] = {"patient": "patient: finding", "colleague": "doctor: case"}
ALWAYS_WRONG = ("negation dropped", "negation added", "number exchanged")


def say(line: str) -> None:
    sys.stdout.write(line + "\n")


def quote(passages: Sequence[Passage], language: Language) -> list[Quoted]:
    return [Quoted(one.id, one.in_language(language)) for one in passages]


def offered(draw: random.Random, reader: PassageReader) -> list[Passage]:
    """As a finding offers them: of what is likely, of what is open, and of every finding."""
    table = passages_table()
    conditions = sorted({one.about for one in table.all if one.about})
    chosen = draw.sample(conditions, draw.choice([1, 2]))
    general = [one for one in table.all if not one.about and one.reader in (None, reader)]
    told = [one for condition in chosen for one in table.list_about(condition, reader)]
    return [*told, *draw.sample(general, 2)]


def proved_recombinations(draw: random.Random, count: int) -> Iterator[tuple[Recombination, bool]]:
    """With whether it is kept, behind a sentence on one of the conditions or on none."""
    for number in range(count):
        language, reader = LANGUAGES[number % 2], draw.choice([*READERS, "patient"])
        passages = offered(draw, reader)
        made = next(recombinations(quote(passages, language), language, draw, 1))
        cited = [one for one in passages if one.id in made.cited]
        subject = draw.choice([*dict.fromkeys([None, *(one.about for one in passages)])])
        yield made, isinstance(prove(made.text, cited, language, subject=subject), Proved)


def test_a_changed_negation_or_number_is_dropped() -> None:
    draw = random.Random(SEED)
    made, kinds, kept = Counter[str](), Counter[str](), dict[str, Recombination]()
    for recombination, is_kept in proved_recombinations(draw, MADE):
        made[recombination.kind] += 1
        if is_kept:
            kinds[recombination.kind] += 1
            kept[recombination.text] = recombination
    for kind in sorted(made):
        say(f"{kind}: {kinds[kind]} of {made[kind]} kept")
    for one in draw.sample([*kept.values()], min(READ, len(kept))):
        say(f"{one.kind} | {' '.join(one.cited)} | {one.text}")
    assert kept
    assert not [one for one in kept.values() if one.kind in ALWAYS_WRONG]


def write_at_random(said: Said, reader: PassageReader, draw: random.Random) -> tuple[str, ...]:
    """The sentences that are kept of an LLM that recombines what it gets."""
    basis = choose_passages(said.facts, reader, decision=said.decision)
    if not basis.sent:
        return ()
    quoted = quote(basis.sent, said.language)
    sentences = [
        {"text": one.text[:600], "passages": one.cited[:4]}
        for one in recombinations(quoted, said.language, draw, 40)
    ]
    paragraphs = [sentences[start : start + 10] for start in range(0, 40, 10)]
    draft = Draft.model_validate({"paragraphs": paragraphs})
    kept, _ = prove_draft(draft, basis, said.language)
    return tuple(dict.fromkeys(one.text for paragraph in kept for one in paragraph))


@pytest.mark.timeout(size(120, 1800))
def test_no_kept_sentence_contradicts_the_finding() -> None:
    draw, kept = random.Random(SEED), 0
    wrong = dict[str, int]()
    for seed, said in random_findings(FINDINGS):
        reader = draw.choice(READERS)
        sentences = write_at_random(said, reader, draw)
        kept += len(sentences)
        views = [
            # They stand in place of the template's explanation: the same words are told once.
            view_of(view.name, list(dict.fromkeys([*view.sentences, *sentences])))
            for view in views_of(said)
            if view.name in ("both: report", READ_BY[reader])
        ]
        for one in contradictions(views, about(said)):
            wrong.setdefault(str(one), seed)
    say(f"{kept} sentences kept, of {FINDINGS} findings")
    for text, seed in wrong.items():
        say(f"finding {seed}: {text}")
    assert kept
    assert not wrong
