"""The structure of a language's words for the register: `skinapi/words/<language>/register.py`."""

from collections.abc import Mapping

from skinapi.languages import load_words
from skinapi.stored_record import Frozen


class Titled(Frozen):
    title: str
    text: str


class StoredWords(Frozen):
    title: str
    until: str


class RegisterWords(Frozen):
    """`stored` is by the row of docs/security.md, `limits` by the setting."""

    labels: Mapping[str, str]
    purposes: Mapping[str, Titled]
    persons: Mapping[str, str]
    kinds: Mapping[str, str]
    recipients: Mapping[str, Titled]
    stored: Mapping[str, StoredWords]
    measures: Mapping[str, str]
    limits: Mapping[str, str]


WORDS = load_words("register.REGISTER", RegisterWords)
