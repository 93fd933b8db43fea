"""The mail server that SMTP_URL names."""

import re
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from skinapi.errors import UnsafeSettings
from skinapi.settings.value_checks import is_near

PORTS = {"smtp": 587, "smtps": 465}
# What every mail server takes: https://www.rfc-editor.org/rfc/rfc5321#section-4.1.2
MAILBOX = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]+@[\w-]+(?:\.[\w-]+)*", re.ASCII)


@dataclass(frozen=True)
class MailAddress:
    """`tls`: from the first byte on. `starttls`: it must change to TLS before anything is said."""

    host: str
    port: int
    tls: bool
    starttls: bool
    user: str = ""
    password: str = field(default="", repr=False)


def read_smtp_url(text: str) -> MailAddress:
    """Raises UnsafeSettings, without quoting the text."""
    try:
        parts = urlsplit(text.strip())
        port = parts.port or PORTS[parts.scheme]
    except (ValueError, KeyError) as error:
        raise _unreadable() from error
    if not parts.hostname or parts.path.strip("/") or parts.query or parts.fragment:
        raise _unreadable()
    user, password = (unquote(part or "") for part in (parts.username, parts.password))
    if bool(user) != bool(password) or not (user + password).isascii():
        raise _unreadable()
    tls = parts.scheme == "smtps"
    return MailAddress(
        host=parts.hostname,
        port=port,
        tls=tls,
        starttls=not tls and not is_near(parts.hostname),
        user=user,
        password=password,
    )


def is_mail_address(text: str) -> bool:
    return MAILBOX.fullmatch(text) is not None


def _unreadable() -> UnsafeSettings:
    return UnsafeSettings(
        "SMTP_URL must be smtp://user:password@host:port or smtps://user:password@host:port, user "
        "and password percent-encoded, or both left out"
    )
