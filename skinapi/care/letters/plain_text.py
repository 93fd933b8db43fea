"""A sentence as a reader sees it, for the words that are looked for in it: no sign that cannot be
seen, no letter of another alphabet that looks like one of ours, no letters apart.
"""

import re
import unicodedata
from functools import cache

# Of each letter of ours the Cyrillic, Greek, Armenian and Latin ones that look like it.
LOOK_ALIKES = {
    "a": "аαɑ", "A": "АΑ", "B": "вВΒβ", "c": "сϲ", "C": "СϹ", "d": "ԁ", "e": "еҽє", "E": "ЕΕ",
    "g": "ɡց", "h": "һհ", "H": "нНΗ", "i": "іιıɩ", "I": "ІΙ", "j": "јϳ", "J": "Ј", "k": "кκ",
    "K": "КΚ", "l": "ӏ", "M": "мМΜ", "n": "пոη", "N": "Ν", "o": "оοσօ", "O": "ОΟՕ", "p": "рρ",
    "P": "РΡ", "q": "ԛգ", "r": "г", "s": "ѕ", "S": "ЅՏ", "T": "тТτΤ", "u": "υսц", "v": "νѵ",
    "w": "ѡωԝ", "x": "хχ", "X": "ХΧ", "y": "уγ", "Y": "УΥ", "Z": "Ζ",
}  # fmt: skip
TABLE = str.maketrans({other: own for own, others in LOOK_ALIKES.items() for other in others})
APART = re.compile(r"(?<!\w)[^\W\d_](?:[ .·_*-][^\W\d_]){3,}(?!\w)")


def read_plainly(text: str) -> str:
    """With letters apart put together: they are no words of ours where they hide more than one,
    which `letters_apart` tells.
    """
    return APART.sub(lambda found: re.sub(r"[\W_]", "", found[0]), _as_seen(text))


def letters_apart(text: str) -> str | None:
    """The first letters of the text that stand apart, as no letter is written."""
    found = APART.search(_as_seen(text))
    return found[0] if found else None


def foreign_letters(plain: str) -> str | None:
    """The first word in an alphabet in which we look for no words."""
    return next((word for word in plain.split() if any(map(_is_foreign, word))), None)


def without_accents(lower: str) -> str:
    """As long as before. "û" stays: "sur" (on) and "sûr" (sure) are two words."""
    return "".join(map(_without_accent, lower))


def _as_seen(text: str) -> str:
    composed = unicodedata.normalize("NFKC", text)
    seen = "".join(one for one in composed if unicodedata.category(one) != "Cf")
    ours = unicodedata.normalize("NFKC", seen.translate(TABLE))
    return "".join(one for one in ours if unicodedata.category(one) != "Mn")


@cache
def _is_foreign(letter: str) -> bool:
    return (
        letter.isalpha()
        and letter not in "μªº"
        and not unicodedata.name(letter, "").startswith("LATIN")
    )


@cache
def _without_accent(letter: str) -> str:
    base = unicodedata.normalize("NFD", letter)[0]
    return base if letter not in "ûÛ" and base.isascii() else letter


def in_lower_case(text: str) -> str:
    """With "cannot" and the like in two words."""
    lower = text.casefold().replace("’", "'").replace("can't", "can not")
    return lower.replace("n't", " not").replace("cannot", "can not").replace("won not", "will not")
