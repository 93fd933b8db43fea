"""The languages, texts in all of them, and French typography.

A language is a folder of words next to `skinapi/base/words/en`; medical sentences are in
`model/conditions.yaml` and `model/passages.yaml`. To add a language, see CONTRIBUTING.md.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar, get_args

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints

WORDS_FOLDER = resources.files("skinapi.base") / "words"
if TYPE_CHECKING:
    Language = Literal["en", "fr"]  # those that the code may name
else:
    # English comes first: it is the default for all other languages.
    _FOLDERS = {item.name for item in WORDS_FOLDER.iterdir() if item.is_dir()}
    Language = Literal["en", *sorted(_FOLDERS - {"en"})]
LANGUAGES: tuple[Language, ...] = get_args(Language)
T = TypeVar("T")
Words = TypeVar("Words", bound=BaseModel)
LanguageTag = Annotated[str, StringConstraints(max_length=35)]  # as sent; `known_language` reads it
# A line break in it counts for nothing.
Pattern = Annotated[str, AfterValidator(lambda lines: lines.replace("\n", ""))]
# Before : ; ? ! and inside « » no line may break. It is the one of Latin-1, because older clients
# print in a Latin-1 font.
NO_BREAK_SPACE = "\u00a0"
_BEFORE = re.compile(r"(?<=\S)\s*([:;?!»])(?=[\s)»]|$)")
_AFTER = re.compile(r"«\s*")


def known_language(text: str | None) -> Language | None:
    return next((language for language in LANGUAGES if language == text), None)


def in_each_language(words: Mapping[Language, T] | Mapping[str, T]) -> Mapping[Any, T]:
    missing = [language for language in LANGUAGES if language not in words]
    if missing:
        raise ValueError(f"No words in: {', '.join(missing)}")
    return words


def require_same_keys(words: Mapping[Any, BaseModel]) -> None:
    first, *others = words
    for language in others:
        for field, texts in words[first]:
            own = getattr(words[language], field)
            if isinstance(texts, Mapping) and (differing := texts.keys() ^ own.keys()):
                raise ValueError(f"{field} in {language}, unlike {first}: {sorted(differing)}")


def space_french(text: str) -> str:
    """
    >>> space_french("Le plus probable: Mélanome; voir https://example.org").split("\u00a0")
    ['Le plus probable', ': Mélanome', '; voir https://example.org']
    """
    spaced = _BEFORE.sub(rf"{NO_BREAK_SPACE}\1", text)
    return _AFTER.sub(f"«{NO_BREAK_SPACE}", spaced)


def space_all_french(value: Any, *, french: bool = False) -> Any:
    """The same for all texts under a key `fr`, at any depth, or with `french` for all texts."""
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


def read_yaml(package: str, file: str) -> Any:
    text = resources.files(package).joinpath(file).read_text("utf-8")
    return yaml.load(text, yaml.CSafeLoader)


@cache
def _read_words(package: str, file: str, language: Language) -> Any:
    return read_yaml(package, f"words/{language}/{file}.yaml")


def load_words(
    name: str, schema: type[Words], *, package: str = "skinapi.base", patterns: bool = False
) -> Mapping[Language, Words]:
    """Load the words of each language: `reports.labels` is in `skinapi/base/words/en/reports.yaml`,
    `mails` is a whole file. A missing text is an error at the start, so that no reader gets another
    language. `package` contains the folder `words`. With `patterns` the typographic spaces are
    omitted.
    """
    file, _, table = name.partition(".")
    words = {}
    for language in LANGUAGES:
        written = _read_words(package, file, language)
        french = language == "fr" and not patterns
        spaced = space_all_french(written[table] if table else written, french=french)
        words[language] = schema.model_validate(spaced)
    require_same_keys(words)
    return words


class _LanguageNames(BaseModel):
    own: str
    english: str


_NAMES = load_words("language.names", _LanguageNames)
OWN_NAMES = {language: names.own for language, names in _NAMES.items()}
LANGUAGE_NAMES = {language: names.english for language, names in _NAMES.items()}


class NumberFormat(BaseModel):
    model_config = ConfigDict(frozen=True)

    decimal_mark: str
    percent: str
    thousands: str

    def write_count(self, number: int) -> str:
        return f"{number:,}".replace(",", self.thousands)

    def write(self, number: float, *, decimals: int) -> str:
        return f"{number:.{decimals}f}".replace(".", self.decimal_mark)

    def write_share(self, share: float, *, decimals: int = 1) -> str:
        return self.percent.format(self.write(100 * share, decimals=decimals))


NUMBERS = load_words("language.numbers", NumberFormat, patterns=True)


class LocalizedText(BaseModel):
    """The same words in every language."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    if TYPE_CHECKING:
        en: str
        fr: str
    else:
        __annotations__ = dict.fromkeys(LANGUAGES, str)

    @staticmethod
    def by(say: Callable[[Language], str]) -> "LocalizedText":
        return LocalizedText.model_validate({language: say(language) for language in LANGUAGES})

    @staticmethod
    def joined(separator: str, texts: Iterable["LocalizedText"]) -> "LocalizedText":
        each = [*texts]
        return LocalizedText.by(lambda spoken: separator.join(t.in_language(spoken) for t in each))

    def in_language(self, language: Language) -> str:
        return str(getattr(self, language))

    def fill(self, **values: "LocalizedText") -> "LocalizedText":
        def filled(language: Language) -> str:
            inserted = {name: value.in_language(language) for name, value in values.items()}
            return self.in_language(language).format(**inserted)

        return LocalizedText.by(filled)


def lower_first(text: str) -> str:
    return text[:1].lower() + text[1:]
