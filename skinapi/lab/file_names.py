"""Names of files in uploads and archives: which are refused, which are skipped, which are equal.

They are kept as text in records, and never used as paths on the disk.
"""

import re
import unicodedata

from skinapi.lab.errors import BadArchive

LONGEST_NAME = 500
DRIVE = re.compile(r"[A-Za-z]:")
LONGEST_ECHO = 80
# Folders and files that operating systems add.
SYSTEM_NAMES = {"__macosx", "thumbs.db", "desktop.ini"}


def clean_name(written: str) -> str:
    """The name with `/` between its parts. Raises BadArchive for one that leads elsewhere or that
    cannot be shown.
    """
    # A name that is not UTF-8 holds halves of surrogate pairs, which cannot be stored.
    text = written.encode("utf-8", "replace").decode("utf-8")
    name = unicodedata.normalize("NFC", text.replace("\\", "/"))
    if len(name) > LONGEST_NAME:
        raise BadArchive(f"A name in the upload has more than {LONGEST_NAME} characters")
    if any(unicodedata.category(letter) == "Cc" for letter in name):
        raise BadArchive("A name in the upload holds control characters")
    if name.startswith("/") or DRIVE.match(name):
        raise BadArchive(f"{shown(name)}: absolute names are refused")
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if ".." in parts:
        raise BadArchive(f"{shown(name)}: names with .. are refused")
    if not parts:
        raise BadArchive("An entry has no name")
    return "/".join(parts)


def is_skipped(name: str) -> bool:
    """Whether it is a hidden file, or one that an operating system added."""
    return any(part.startswith(".") or part.casefold() in SYSTEM_NAMES for part in name.split("/"))


def comparable(name: str) -> str:
    """Equal for names that some disks or people hold for the same.

    >>> comparable("Ä.JPG") == comparable("a\\u0308.jpg")
    True
    """
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def shown(name: str) -> str:
    """The name for a sentence: visible characters alone, and not too many of them."""
    visible = "".join(letter if letter.isprintable() else "?" for letter in name)
    return visible if len(visible) <= LONGEST_ECHO else f"{visible[:LONGEST_ECHO]}…"
