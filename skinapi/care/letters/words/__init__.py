"""The words of letters, one file per language."""

from collections.abc import Mapping

from skinapi.care.letters.words.english import ENGLISH
from skinapi.care.letters.words.french import FRENCH
from skinapi.care.letters.words.letter_words import LetterWords
from skinapi.languages import Language, in_each_language

LETTER_WORDS: Mapping[Language, LetterWords] = in_each_language({"en": ENGLISH, "fr": FRENCH})
