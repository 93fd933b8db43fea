"""One spelling for one e-mail address, so that one unique index holds users and doctors alike."""

import unicodedata
from typing import Annotated

from pydantic import AfterValidator

LONGEST = 254
LONGEST_TYPED = 1024  # one character can unfold into eighteen
MOST_ROUNDS = 8  # no letter is known that needs more than three
FORBIDDEN = set('/\\?#"<>(),:;[]')


def normalise_email(text: str) -> str:
    """The address as it is kept. Raises ValueError for what is no address."""
    if len(text) > LONGEST_TYPED:
        raise ValueError("This is not an e-mail address")
    email = _folded(text)
    local, at, domain = email.rpartition("@")
    plain = all(character.isprintable() and not character.isspace() for character in email)
    if not (local and at and domain) or not plain or FORBIDDEN & set(email):
        raise ValueError("This is not an e-mail address")
    if "@" in local or len(email) > LONGEST or domain.startswith(".") or domain.endswith("."):
        raise ValueError("This is not an e-mail address")
    return email


def _folded(text: str) -> str:
    """One spelling for every way to type the same address.

    Lower-casing can leave letters that compose (J with a caron has no capital of its own), and
    composing can make new capitals: repeat until nothing changes, else the kept form is one that no
    later call finds again.
    """
    for _ in range(MOST_ROUNDS):
        before, text = text, unicodedata.normalize("NFKC", text).strip().lower()
        if text == before:
            return text
    raise ValueError("This is not an e-mail address")


Email = Annotated[str, AfterValidator(normalise_email)]
