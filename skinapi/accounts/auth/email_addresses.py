"""Normalises e-mail addresses, so that a unique index detects different spellings."""

import unicodedata
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Annotated

from pydantic import AfterValidator

from skinapi.base.field_types import has_undrawn

LONGEST = 254  # https://www.rfc-editor.org/errata/eid1690
LONGEST_TYPED = 1024  # one character can unfold into eighteen
MOST_ROUNDS = 8  # no known character needs more than three
# Host names treat it as a dot: https://www.rfc-editor.org/rfc/rfc3490#section-3.1
IDEOGRAPHIC_FULL_STOP = "\u3002"
# A label of a domain has two spellings: https://www.rfc-editor.org/rfc/rfc5890#section-2.3.2.1
ACE_PREFIX, LONGEST_LABEL = "xn--", 63
# These have a meaning in a URL path, where routes take addresses, or in a list of addresses.
FORBIDDEN = set('/\\?#"<>(),:;[]')


def normalise_email(text: str) -> str:
    """Raise ValueError if the text is not an address."""
    # Check the length first, so that a huge text is not normalised.
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
    """Lower case can leave characters that compose, and composing can produce capitals.
    https://www.unicode.org/reports/tr15/
    """
    for _ in range(MOST_ROUNDS):
        before, text = text, unicodedata.normalize("NFKC", text).strip().lower()
        if text == before:
            return text
    raise ValueError("This is not an e-mail address")


def normalise_new_email(text: str) -> str:
    """Raise ValueError also for an address that could be mistaken for another one."""
    email = _with_labels(_in_unicode, normalise_email(text))
    domain = email.rpartition("@")[2]
    if IDEOGRAPHIC_FULL_STOP in domain or ".." in domain:
        raise ValueError("This is not an e-mail address")
    if has_undrawn(email):
        raise ValueError("An e-mail address must have no invisible characters")
    return email


def spellings_of(email: str) -> list[str]:
    """Return the normal form, then the spellings that earlier versions stored."""
    spellings = [email, *(_with_labels(spell, email) for spell in (_in_unicode, _in_ascii))]
    return list(dict.fromkeys(spellings))


def list_spellings(emails: Iterable[str]) -> frozenset[str]:
    """Invalid addresses are ignored."""
    found = set[str]()
    for email in emails:
        with suppress(ValueError):
            found.update(spellings_of(normalise_email(email)))
    return frozenset(found)


def _with_labels(spell: Callable[[str], str], email: str) -> str:
    local, at, domain = email.rpartition("@")
    spelled = local + at + ".".join(map(spell, domain.split(".")))
    try:
        return spelled if normalise_email(spelled) == spelled else email
    except ValueError:
        return email


def _in_unicode(label: str) -> str:
    if not label.startswith(ACE_PREFIX) or len(label) > LONGEST_LABEL:
        return label
    try:
        decoded = label.removeprefix(ACE_PREFIX).encode("ascii").decode("punycode")
        only_one = decoded == _folded(decoded) and label == _punycode(decoded)
    except ValueError:
        return label
    unseen = IDEOGRAPHIC_FULL_STOP in decoded or has_undrawn(decoded)
    return decoded if only_one and not decoded.isascii() and not unseen else label


def _in_ascii(label: str) -> str:
    encoded = label if label.isascii() else _punycode(label)
    return encoded if _in_unicode(encoded) == label else label


def _punycode(label: str) -> str:
    return ACE_PREFIX + label.encode("punycode").decode("ascii")


Email = Annotated[str, AfterValidator(normalise_email)]
NewEmail = Annotated[str, AfterValidator(normalise_new_email)]
