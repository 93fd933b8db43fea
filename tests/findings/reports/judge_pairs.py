"""Tests pairs from another author against the rules and the question of the second LLM. `FILE` is
YAML, a list of `{language, id, sentence, keep}`: `id` is that of the passage, or two of neighbours;
`passage` is their texts if one is a finding's. `python -m tests.findings.reports.judge_pairs FILE`
prints the questions as JSON. With `ANSWERS` after it, a JSON list with an answer for each question,
it prints what was kept.
"""

import json
import random
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import yaml

from skinapi.base.languages import LANGUAGES, space_all_french
from skinapi.findings.reports.checker import ask_to_compare, find_fault, hide_known, judge
from skinapi.findings.reports.known_pairs import Shown
from skinapi.findings.reports.openrouter import Question
from skinapi.findings.reports.writer import Pair
from skinapi.model.passages import Passage, passages_table

IN_A_CALL = 9


def read_pair(written: dict[str, Any]) -> Pair:
    ids = [written["id"]] if isinstance(written["id"], str) else written["id"]
    table, texts = passages_table(), written.get("passage")
    passages = [
        Passage(id=item, **dict.fromkeys(LANGUAGES, texts[at])) if texts else table.by_id(item)
        for at, item in enumerate(ids)
    ]
    said = space_all_french(written["sentence"], french=written["language"] == "fr")
    return Pair(tuple(passages), said)


def ask_about(written: list[dict[str, Any]]) -> list[tuple[list[Shown], Question]]:
    draw, calls = random.Random(1), []
    for language in LANGUAGES:
        pairs = [(place, read_pair(one)) for place, one in enumerate(written)]
        whole = [
            (place, pair)
            for place, pair in pairs
            if written[place]["language"] == language and not find_fault(pair, language)
        ]
        draw.shuffle(whole)
        for start in range(0, len(whole), IN_A_CALL):
            shown = hide_known(whole[start : start + IN_A_CALL], language, draw)
            calls.append((shown, ask_to_compare(shown, language, "patient")))
    return calls


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")


def main(file: str, answers: str = "") -> None:
    written = yaml.safe_load(Path(file).read_text("utf-8"))
    calls = ask_about(written)
    if not answers:
        questions = [{"instructions": q.instructions, **q.sent} for _, q in calls]
        say(json.dumps(questions, ensure_ascii=False, indent=1))
        return
    given = json.loads(Path(answers).read_text("utf-8"))
    judged = [judge(shown, json.dumps(one)) for (shown, _), one in zip(calls, given, strict=True)]
    kept = {place for one in judged for place in one.kept}
    known = [right for one in judged for right in one.known]
    say(f"known pairs answered right: {sum(known)} of {len(known)}")
    counts = Counter((one["keep"], place in kept) for place, one in enumerate(written))
    say(f"wrong kept: {counts[False, True]} of {counts[False, True] + counts[False, False]}")
    say(f"good kept: {counts[True, True]} of {counts[True, True] + counts[True, False]}")
    for place, one in enumerate(written):
        if one["keep"] is not (place in kept):
            fault = find_fault(read_pair(one), one["language"])
            say(f"{'kept' if place in kept else fault or 'checker'}: {one['sentence']}")


if __name__ == "__main__":
    main(*sys.argv[1:])
