"""Normalises e-mail addresses, so that a unique index finds two spellings of one address."""

import unicodedata
from typing import Annotated

from pydantic import AfterValidator

from skinapi.web.visible_text import has_undrawn

LONGEST = 254  # https://www.rfc-editor.org/errata/eid1690
LONGEST_TYPED = 1024  # one character can unfold into eighteen
MOST_ROUNDS = 8  # no known character needs more than three
# Names of hosts are looked up as if it were a dot: https://www.rfc-editor.org/rfc/rfc3490#section-3.1
IDEOGRAPHIC_FULL_STOP = "\u3002"
# With a meaning in a URL (routes take an address as a path segment) or in a list of addresses.
FORBIDDEN = set('/\\?#"<>(),:;[]')


def normalise_email(text: str) -> str:
    """The address in normal form, as it is stored. Raises ValueError if it is not an address."""
    # Checked first, so that a huge text costs no normalising.
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
    """The text in Unicode normal form NFKC, stripped and in lower case.

    One pass is not enough: lower-casing can leave characters that still compose (J with a caron has
    no capital of its own), and composing can give new capitals. So it repeats until nothing
    changes; otherwise normalising a stored address again could give another text.
    https://www.unicode.org/reports/tr15/
    """
    for _ in range(MOST_ROUNDS):
        before, text = text, unicodedata.normalize("NFKC", text).strip().lower()
        if text == before:
            return text
    raise ValueError("This is not an e-mail address")


def normalise_new_email(text: str) -> str:
    """The address of a new account. Raises ValueError, also for an address with a character that
    nobody can see, or with another full stop in its domain: it would look like somebody else's in
    every list, and mail to it goes to that person.
    """
    email = normalise_email(text)
    domain = email.rpartition("@")[2]
    if IDEOGRAPHIC_FULL_STOP in domain or ".." in domain:
        raise ValueError("This is not an e-mail address")
    if has_undrawn(email):
        raise ValueError("An e-mail address must have no invisible characters")
    return email


Email = Annotated[str, AfterValidator(normalise_email)]
NewEmail = Annotated[str, AfterValidator(normalise_new_email)]
