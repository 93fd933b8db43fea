"""Takes names out of what is sent to a language model, and leaves the words that names can be."""

import re
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from skinapi.base.languages import LANGUAGES
from skinapi.care.letter_check import WORDS
from skinapi.model.conditions import conditions_table
from skinapi.model.passages import passages_table

HIDDEN = "…"
_PART = re.compile(r"\w{2,}")
_TITLE = r"\b(?:dr|doctor|mr|mrs|ms|miss|mme|mlle|m|monsieur|madame|docteur|docteure|prof)\b\.?\s+"


def hide_names(facts: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """Put a sign in place of each whole name and each part of one, also where a doctor has typed
    it. A part that is a word ("petit", "White") stays, unless it is written as a name: capitalised
    within a sentence, or behind a title.
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
    """Those of our own sentences about skin, and a list of others that are names, too."""
    texts = [words.also_names for words in WORDS.values()]
    for language in LANGUAGES:
        texts += (passage.in_language(language) for passage in passages_table().all)
        for condition in conditions_table().conditions:
            texts += (text for _, text in condition.sentences[language])
    return frozenset(item for item in _PART.findall(" ".join(texts)) if item.islower())
