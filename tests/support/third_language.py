"""A copy of the application with German, added only by its folder of words and the two files of
medical sentences. Its German is English with two dots on each vowel, so that an English word stands
out.
"""

import os
import re
import shutil
from pathlib import Path
from typing import Any

import yaml

from tests.repository.documents import ROOT

ENGLISH = sorted(path.relative_to(ROOT) for path in ROOT.glob("skinapi/**/words/en/*.yaml"))
# The places of German words.
PLACES = [
    *(str(path.parents[1] / "de" / path.name) for path in ENGLISH),
    "skinapi/model/conditions.yaml",
    "skinapi/model/passages.yaml",
]
NUMBERS = {"decimal_mark": ",", "percent": "{} %", "thousands": "."}
_DOTTED = str.maketrans("aeiouAEIOU", "äëïöüÄËÏÖÜ")
_HOLE = re.compile(r"(\{[^}\s]*\})")


def copy_with_german(folder: Path, *, without: str | None = None) -> None:
    """Copy with German words everywhere but at the place `without`."""
    shutil.copytree(ROOT / "skinapi", folder / "skinapi", copy_function=os.symlink)
    (folder / "tests").symlink_to(ROOT / "tests")
    for place in PLACES:
        if place != without:
            _add_german(folder / place)


def _add_german(path: Path) -> None:
    if path.parent.name == "de":
        path.parent.mkdir(exist_ok=True)
        german = _dotted(_read(path.parents[1] / "en" / path.name))
        if path.name == "language.yaml":
            german["numbers"] = NUMBERS
    else:
        german = _beside(_read(path))
        path.unlink()  # a link to the original
    path.write_text(yaml.dump(german, Dumper=yaml.CSafeDumper, allow_unicode=True), "utf-8")


def _read(path: Path) -> Any:
    return yaml.load(path.read_text("utf-8"), yaml.CSafeLoader)


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
        case list():
            return [_dotted(part) for part in value]
    return value
