"""French typography: a space before : ; ? ! and inside « », at which no line may break.

It is a no-break space of Latin-1, because older clients print in a Latin-1 font.
"""

import re
from typing import Any

NO_BREAK_SPACE = "\u00a0"
_BEFORE = re.compile(r"(?<=\S)\s*([:;?!»])(?=[\s)»]|$)")
_AFTER = re.compile(r"«\s*")


def space_french(text: str) -> str:
    """
    >>> space_french("Le plus probable: Mélanome; voir https://example.org").split("\u00a0")
    ['Le plus probable', ': Mélanome', '; voir https://example.org']
    """
    spaced = _BEFORE.sub(rf"{NO_BREAK_SPACE}\1", text)
    return _AFTER.sub(f"«{NO_BREAK_SPACE}", spaced)


def space_all_french(value: Any, *, french: bool = False) -> Any:
    """The same of all texts under a key `fr`, at any depth; with `french`, of all texts."""
    match value:
        case str():
            return space_french(value) if french else value
        case dict():
            return {
                key: space_all_french(part, french=french or key == "fr")
                for key, part in value.items()
            }
        case list():
            return [space_all_french(part, french=french) for part in value]
    return value
