"""The names in a sentence that are neither the patient's nor the doctor's."""

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import cache

from skinapi.care.letters.sentences import VOCABULARIES, WORD
from skinapi.care.letters.words import LETTER_WORDS
from skinapi.languages import LANGUAGES
from skinapi.vision.conditions import Band, conditions_table


def find_strangers(written: str, people: Collection[str]) -> Iterator[str]:
    for words in VOCABULARIES:
        for titled in re.findall(words.title, written):
            if titled.split()[-1] not in people:
                yield titled
            written = written.replace(titled, titled.casefold())
    known = _known_words() | {word.casefold() for word in people}
    begins = True
    for found in WORD.finditer(written):
        # Of "L'Alsace" the second word, of "J'ai" none.
        word = re.sub(r"^\w{1,2}['’]", "", found[0])
        after = written[found.end() : found.end() + 20]
        is_subject = any(re.match(rf"\s?{one.after_name}", after) for one in VOCABULARIES)
        if (is_subject or not begins) and word[0].isupper() and word.casefold() not in known:
            yield word
        begins = False


@cache
def _known_words() -> frozenset[str]:
    """The words that are no names, at the beginning of a sentence or within it."""
    table = conditions_table()
    texts: list[str] = []
    for language in LANGUAGES:
        words = LETTER_WORDS[language].vocabulary
        texts += [words.first_words, *words.months, words.months[0]]
        texts += [table.name(key, language) for key in table.labels]
        texts += _all_texts(table.band_words(band, language) for band in Band)
        texts += _all_texts(one.sentences[language] for one in table.conditions)
    return frozenset(word.casefold() for text in texts for word in WORD.findall(text))


def _all_texts(values: Iterable[object]) -> Sequence[str]:
    return [text for value in values for text in vars(value).values() if isinstance(text, str)]
