"""A role's whole way through the console under one look, with a check at every step. With
SCREENSHOTS=1 each step saves `build/screenshots/<role>/<step>-<width>-<scheme>-<language>.png`.
"""

import base64
import os
import re
from pathlib import Path
from typing import NamedTuple

from skinapi.base.languages import LANGUAGES
from tests.console.visitor import DESKTOP, PHONE, Visitor
from tests.repository.documents import ROOT
from tests.support.size import drill

SCREENSHOTS = ROOT / "build" / "screenshots"
# Keys of our own tables, or missing values.
RAW = re.compile(r"\b(?:undefined|null|NaN|Invalid Date|[a-z]+_[a-z_]+)\b|\[object")
# Words that both languages have, or parts of names.
LONG_ENOUGH = 9


class Look(NamedTuple):
    size: tuple[int, int]
    dark: bool
    language: str

    def __str__(self) -> str:
        return f"{self.size[0]}-{'dark' if self.dark else 'light'}-{self.language}"


LOOKS = [
    Look(size, dark, language)
    for size in (PHONE, DESKTOP)
    for dark in (False, True)
    for language in ("en", "fr")
]


# These four contain every pair of values of size, scheme and language.
EVERY_TWO = (0, 3, 5, 6)


def looks(journey: int) -> list[Look]:
    """All eight in the drill. Otherwise one per journey: any two values meet in four journeys."""
    return LOOKS if drill else [LOOKS[EVERY_TWO[journey]]]


class Journey:
    def __init__(self, visitor: Visitor, role: str, look: Look) -> None:
        self.visitor = visitor
        self._role = role
        self._look = look
        self._count = 0
        visitor.look(look.size, dark=look.dark, language=look.language)

    @property
    def on_phone(self) -> bool:
        return self._look.size == PHONE

    def say(self, key: str, **values: str) -> str:
        return re.sub(r"\{(\w+)\}", lambda hole: values[hole[1]], self._words(self.language)[key])

    @property
    def language(self) -> str:
        return self._look.language

    def see(self, key: str, **values: str) -> None:
        self.visitor.see(self.say(key, **values))

    def press(self, key: str, within: str = "", **values: str) -> None:
        self.visitor.press_button(self.say(key, **values), within)

    def step(self, name: str, *, still: bool = True, expected: tuple[str, ...] = ()) -> None:
        """Check the page. `expected` names the requests that were meant to be refused."""
        if still:
            self.visitor.await_stillness()
        self._count += 1
        if os.environ.get("SCREENSHOTS"):
            self._keep(f"{self._count:02}-{name}")
        if drill:  # test_every_page.py asks it of each page in every run
            self.visitor.assert_accessible()
        self.visitor.assert_nothing_overflows()
        self.visitor.assert_frame()
        self.visitor.assert_quiet(expected=expected)
        self._assert_words()

    def _keep(self, name: str) -> None:
        folder = SCREENSHOTS / self._role
        folder.mkdir(parents=True, exist_ok=True)
        picture = base64.b64decode(self.visitor.photograph())
        (folder / f"{name}-{self._look}.png").write_bytes(picture)

    def _assert_words(self) -> None:
        texts = self.visitor.texts(self.language)
        raw = [text for text in texts if RAW.search(text)]
        assert raw == [], raw
        ours = set(self._words(self.language).values())
        foreign = {
            word
            for other in LANGUAGES
            for word in set(self._words(other).values()) - ours
            if len(word) >= LONG_ENOUGH and "{" not in word
        }
        untranslated = [text for text in texts if text.strip() in foreign]
        assert untranslated == [], untranslated

    def _words(self, language: str) -> dict[str, str]:
        return self.visitor.words(language)


def file_of(folder: Path, name: str, content: bytes) -> Path:
    path = folder / name
    path.write_bytes(content)
    return path
