"""`python -m tests.support.third_language [PLACE]`: an application that has German as well, except
at this place, and what a patient reads from it.

Its German is English with two dots on each vowel: a word without them is an English one.
"""

import json
import re
import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import CodeType, ModuleType
from typing import Any

# A place: its module, what stands there, and what German adds behind it.
PLACES = {
    "LocalizedText": ("skinapi.base.languages", "    fr: str\n", "    de: str\n"),
    "NUMBERS": (
        "skinapi.base.languages",
        "thousands=NO_BREAK_SPACE),\n",
        '"de": NumberFormat(decimal_mark=",", percent="{} %", thousands="."),\n',
    ),
    "BandEntry": ("skinapi.model.conditions", "    fr: BandWords\n", "    de: BandWords\n"),
    "conditions.yaml": ("skinapi.model.conditions", "space_all_french(written)", " | in_german"),
    "passages.yaml": ("skinapi.model.passages", "space_all_french(written)", " | in_german"),
    "words.de.js": (
        "skinapi.console.routes",
        "    if path.suffix in TYPES\n}\n",
        "for of in ('words', 'words.staff'):\n    ASSETS[f'{of}.de.js'] = ASSETS[f'{of}.en.js']\n",
    ),
}
# The German files of `skinapi/base/words/en`, made of the English ones, and who reads them.
WORDS = {
    "words/de/accounts.yaml": "skinapi.platform.web.answers",
    "words/de/letters.yaml": "skinapi.care.letter_check",
    "words/de/mails.yaml": "skinapi.platform.notices.mail_texts",
    "words/de/privacy.yaml": "skinapi.privacy.person_file.page",
    "words/de/reports.yaml": "skinapi.findings.reports.words",
}
LANGUAGE = ("skinapi.base.languages", 'Literal["en", "fr"', ', "de"')
_DOTTED = str.maketrans("aeiouAEIOU", "äëïöüÄËÏÖÜ")
_HOLE = re.compile(r"(\{[^}\s]*\})")


class InGerman:
    """`value | in_german`: the same with German beside or in place of its English."""

    def __ror__(self, value: Any) -> Any:
        if isinstance(value, dict):
            return _beside(value)
        return type(value).model_validate(_dotted(value.model_dump()))


def _beside(value: Any) -> Any:
    if isinstance(value, list):
        return [_beside(part) for part in value]
    if not isinstance(value, dict):
        return value
    german = {"de": _dotted(value["en"])} if "en" in value else {}
    return {key: _beside(part) for key, part in value.items()} | german


def _dotted(value: Any) -> Any:
    match value:
        case str():
            parts = enumerate(_HOLE.split(value))
            return "".join(part if hole % 2 else part.translate(_DOTTED) for hole, part in parts)
        case dict():
            return {key: _dotted(part) for key, part in value.items()}
        case list() | tuple():
            return [_dotted(part) for part in value]
    return value


class _GermanLoader(SourceFileLoader):
    def get_code(self, fullname: str) -> CodeType:
        source = self.get_source(fullname) or ""
        for module, there, added in _changes:
            if module == fullname:
                assert source.count(there) == 1, (module, there)
                source = source.replace(there, there + added)
        return compile(source, self.path, "exec", dont_inherit=True)

    def exec_module(self, module: ModuleType) -> None:
        module.__dict__["in_german"] = InGerman()
        super().exec_module(module)


class _GermanFinder(MetaPathFinder):
    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname not in {module for module, _, _ in _changes}:
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec and spec.origin:
            spec.loader = _GermanLoader(fullname, spec.origin)
        return spec


_changes: list[tuple[str, str, str]] = []


def add_german(*, except_at: str | None = None) -> None:
    """From here on modules of the application that are imported have it."""
    _changes.append(LANGUAGE)
    _changes.extend(change for place, change in PLACES.items() if place != except_at)
    sys.meta_path.insert(0, _GermanFinder())
    languages = import_module("skinapi.base.languages")
    read_yaml = languages.read_yaml

    def read(package: str, file: str) -> Any:
        if file in WORDS and file != except_at:
            return _dotted(read_yaml(package, file.replace("/de/", "/en/")))
        return read_yaml(package, file)

    vars(languages)["read_yaml"] = read


if __name__ == "__main__":
    missing = sys.argv[1] if len(sys.argv) > 1 else None
    add_german(except_at=missing)
    if missing:
        # The application does so too, after many others.
        module = import_module(WORDS.get(missing) or PLACES[missing][0])
        if missing == "passages.yaml":  # read when the first finding is explained
            module.passages_table()
    import_module("skinapi.app.application")
    # Only now: it imports modules that are to have German.
    sys.stdout.write(json.dumps(import_module("tests.support.german_reader").read_all()))
