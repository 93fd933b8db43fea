"""One spelling for one e-mail address, so that one unique index holds users and doctors alike."""

import unicodedata
from typing import Annotated

from pydantic import AfterValidator

LONGEST = 254
LONGEST_TYPED = 1024  # one character can unfold into eighteen
FORBIDDEN = set('/\\?#"<>(),:;[]')


def normalise_email(text: str) -> str:
    """The address as it is kept. Raises ValueError for what is no address."""
    if len(text) > LONGEST_TYPED:
        raise ValueError("This is not an e-mail address")
    email = unicodedata.normalize("NFKC", text).strip().lower()
    local, at, domain = email.rpartition("@")
    plain = all(character.isprintable() and not character.isspace() for character in email)
    if not (local and at and domain) or not plain or FORBIDDEN & set(email):
        raise ValueError("This is not an e-mail address")
    if "@" in local or len(email) > LONGEST or domain.startswith(".") or domain.endswith("."):
        raise ValueError("This is not an e-mail address")
    return email


Email = Annotated[str, AfterValidator(normalise_email)]
