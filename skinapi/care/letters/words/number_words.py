"""The words for numbers, from one on, with what they count."""

from collections.abc import Mapping

_ONES = (
    "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen"
    " sixteen seventeen eighteen nineteen"
)
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
_UNS = (
    "un deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze quinze seize"
    " dix-sept dix-huit dix-neuf"
)
_DIZAINES = {"vingt": 20, "trente": 30, "quarante": 40, "cinquante": 50, "soixante": 60}


def _english() -> dict[str, float]:
    ones = {word: count for count, word in enumerate(_ONES.split(), 1)}
    tens = {word: 10 * count for count, word in enumerate(_TENS.split(), 2)}
    more = {
        f"{ten}{between}{one}": tens[ten] + ones[one]
        for ten in tens
        for one in _ONES.split()[:9]
        for between in " -"
    }
    dozens = {"dozen": 12, "a dozen": 12, "half a dozen": 6}
    parts = {"a": 1, "an": 1, "half a": 0.5, "half an": 0.5, "one and a half": 1.5}
    large = {"hundred": 100, "a hundred": 100, "one hundred": 100, "thousand": 1000}
    return {**ones, **tens, **more, **dozens, **parts, **large}


def _french() -> dict[str, float]:
    ones = {word: count for count, word in enumerate(_UNS.split(), 1)}
    more = {
        f"{ten}{between}{one}": value + count
        for ten, value in {**_DIZAINES, "quatre-vingt": 80}.items()
        for one, count in ones.items()
        for between in ("-", "-et-", " et ")
    }
    exact = {**ones, **_DIZAINES, **more, "quatre-vingts": 80, "cent": 100, "mille": 1000}
    about = {
        f"{word[:-1] if word.endswith('e') else word}aine de": value
        for word, value in {**_DIZAINES, "douz": 12, "quinz": 15, "cent": 100}.items()
    }
    parts = {"une": 1, "demi": 0.5, "demie": 0.5, "dizaine de": 10}
    apart = {word.replace("-", " "): count for word, count in exact.items()}
    return {**exact, **apart, **about, **parts}


ENGLISH_NUMBERS: Mapping[str, float] = _english()
FRENCH_NUMBERS: Mapping[str, float] = _french()
