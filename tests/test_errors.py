import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import skinapi
from skinapi.base.settings.settings import Settings

SETTING = re.compile(rf"\b({'|'.join(name.upper() for name in Settings.model_fields)})\b")
BYTES = re.compile(r"(?:\d|^|\| ) bytes\b")
# What a patient may meet. Sizes in words name bytes only where they are less than a thousand.
MET_BY_PATIENTS = (
    "base/errors.py",
    "platform/web",
    "accounts/auth",
    "findings",
    "care",
)
# Calls of these address the operator, or describe a field.
UNREAD = ("UnsafeSettings", "optional")


@pytest.mark.parametrize("place", MET_BY_PATIENTS)
def test_no_sentence_for_patients_names_a_setting_or_counts_bytes(place: str) -> None:
    assert {*say_for_operators(place)} <= {("size_limits.py", "bytes")}


def say_for_operators(place: str) -> Iterator[tuple[str, str]]:
    """Return each module there whose messages patients do not understand, with the reason."""
    folder = Path(skinapi.__file__).parent / place
    for path in folder.rglob("*.py") if folder.is_dir() else [folder]:
        said = " | ".join(_texts(path))
        for what, pattern in (("a setting", SETTING), ("bytes", BYTES)):
            if pattern.search(said):
                yield path.name, what


def _texts(path: Path) -> Iterator[str]:
    """Return the texts in this file that somebody may read, without documentation and operator
    messages.
    """
    tree, unread = ast.parse(path.read_text()), set[ast.AST]()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr):
            unread.add(node.value)
        if isinstance(node, ast.keyword) and node.arg == "description":
            unread.update(ast.walk(node.value))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") in UNREAD:
            unread.update(ast.walk(node))
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in unread:
            yield node.value
