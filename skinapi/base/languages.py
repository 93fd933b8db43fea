"""Which languages there are, texts that have words in each of them, and French typography.

The words themselves are in `skinapi/base/words/en`, one such folder a language; the medical
sentences are in `model/conditions.yaml`. How a language is added: CONTRIBUTING.md.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from importlib import resources
from typing import Any, Literal, NamedTuple, TypeVar, get_args

import yaml
from pydantic import BaseModel, ConfigDict

Language = Literal["en", "fr"]
LANGUAGES: tuple[Language, ...] = get_args(Language)
T = TypeVar("T")
Words = TypeVar("Words", bound=BaseModel)
# Before : ; ? ! and inside « » no line may break. It is the one of Latin-1, because older clients
# print in a Latin-1 font.
NO_BREAK_SPACE = "\u00a0"
_BEFORE = re.compile(r"(?<=\S)\s*([:;?!»])(?=[\s)»]|$)")
_AFTER = re.compile(r"«\s*")


def known_language(text: str | None) -> Language | None:
    """The language of this code; None where there are no words in it."""
    return next((language for language in LANGUAGES if language == text), None)


def in_each_language(words: Mapping[Language, T] | Mapping[str, T]) -> Mapping[Any, T]:
    """The same words, once each language has some."""
    missing = [language for language in LANGUAGES if language not in words]
    if missing:
        raise ValueError(f"No words in: {', '.join(missing)}")
    return words


def require_same_keys(words: Mapping[Any, BaseModel]) -> None:
    """Refuse a mapping that has other keys in one language than in the first."""
    first, *others = words
    for language in others:
        for field, texts in words[first]:
            own = getattr(words[language], field)
            if isinstance(texts, Mapping) and (differing := texts.keys() ^ own.keys()):
                raise ValueError(f"{field} in {language}, unlike {first}: {sorted(differing)}")


def read_yaml(package: str, file: str) -> Any:
    text = resources.files(package).joinpath(file).read_text("utf-8")
    return yaml.load(text, yaml.CSafeLoader)


@cache
def _read_words(file: str, language: Language) -> Any:
    return read_yaml("skinapi.base", f"words/{language}/{file}.yaml")


def load_words(
    name: str, schema: type[Words], *, patterns: bool = False
) -> Mapping[Language, Words]:
    """The words of each language: `reports.labels` stands in `skinapi/base/words/en/reports.yaml`,
    `mails` is a whole file. A text that one language lacks ends the start, else its reader would
    get another language. `patterns`: they get no spaces.
    """
    file, _, table = name.partition(".")
    words = {}
    for language in LANGUAGES:
        written = _read_words(file, language)
        french = language == "fr" and not patterns
        spaced = space_all_french(written[table] if table else written, french=french)
        words[language] = schema.model_validate(spaced)
    require_same_keys(words)
    return words


class NumberFormat(NamedTuple):
    """How a language writes numbers. The number stands in the braces of `percent`."""

    decimal_mark: str
    percent: str
    thousands: str

    def write_count(self, number: int) -> str:
        return f"{number:,}".replace(",", self.thousands)

    def write(self, number: float, *, decimals: int) -> str:
        return f"{number:.{decimals}f}".replace(".", self.decimal_mark)

    def write_share(self, share: float, *, decimals: int = 1) -> str:
        """A percentage."""
        return self.percent.format(self.write(100 * share, decimals=decimals))


NUMBERS: Mapping[Language, NumberFormat] = in_each_language(
    {
        "en": NumberFormat(decimal_mark=".", percent="{}%", thousands=","),
        "fr": NumberFormat(decimal_mark=",", percent="{} %", thousands=NO_BREAK_SPACE),
    }
)


class InLanguages(BaseModel):
    """Has a field for each language. A subclass without one of them ends the import."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @classmethod
    def __pydantic_init_subclass__(cls, **_: Any) -> None:
        in_each_language(cls.model_fields)


class LocalizedText(InLanguages):
    """The same words in every language."""

    en: str
    fr: str

    @staticmethod
    def by(say: Callable[[Language], str]) -> "LocalizedText":
        """What `say` says in each language."""
        return LocalizedText.model_validate({language: say(language) for language in LANGUAGES})

    @staticmethod
    def joined(separator: str, texts: Iterable["LocalizedText"]) -> "LocalizedText":
        each = [*texts]
        return LocalizedText.by(lambda spoken: separator.join(t.in_language(spoken) for t in each))

    def in_language(self, language: Language) -> str:
        return str(getattr(self, language))

    def fill(self, **values: "LocalizedText") -> "LocalizedText":
        """Fill in the placeholders in braces: each value goes to the placeholder of its name, in
        the same language.
        """

        def filled(language: Language) -> str:
            inserted = {name: value.in_language(language) for name, value in values.items()}
            return self.in_language(language).format(**inserted)

        return LocalizedText.by(filled)


def lower_first(text: str) -> str:
    """The sentence as it stands within another."""
    return text[:1].lower() + text[1:]


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
