"""Checks values of settings that are more than a number or a word. No error quotes the value, which
may hold a password.
"""

import re
from ipaddress import ip_address
from urllib.parse import urlsplit

from skinapi.errors import UnsafeSettings

ROLES = ("user", "doctor", "researcher", "admin")
MEMORY = "memory"
SHARED_COUNTS = ("mongodb", "mongodb+srv", "redis", "rediss")
# An origin as a browser sends it: no user, no path, no letters outside ASCII.
ORIGIN = re.compile(
    r"(?P<scheme>https?)://(?P<host>\w(?:[\w.-]*\w)?|\[[0-9a-fA-F:.]+\])(?::(?P<port>\d{1,5}))?",
    re.ASCII,
)
PATH = re.compile(r"(?:/[\w~-][\w.~-]*)*/?", re.ASCII)
RATE = re.compile(
    r"(?:(?P<role>\w+)\s*=\s*)?(?P<amount>\d{1,7})\s*(?:/|\s+per\s+)\s*"
    r"(?:(?P<times>\d{1,5})\s*)?(?P<unit>second|minute|hour|day)s?",
    re.ASCII | re.IGNORECASE,
)
# What a header carries unchanged: https://www.rfc-editor.org/rfc/rfc9110#name-field-values
HEADER_TOKEN = re.compile(r"[!-~]+")
SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400}
LONGEST_WINDOW_S = 86400  # counts are kept for a day
LONGEST_URL = 200  # the QR code of a report has room for this address and a checksum


def read_rate_limit_uri(text: str) -> str:
    """The URI with its scheme as the library of the rate limits reads it: trimmed, in lower case.

    Raises UnsafeSettings for a scheme that this server does not count with.
    """
    scheme, separator, rest = text.strip().partition("://")
    scheme = scheme.lower()
    if not separator or scheme not in (MEMORY, *SHARED_COUNTS):
        raise UnsafeSettings(
            "RATE_LIMIT_STORAGE must begin with redis://, rediss://, mongodb:// or mongodb+srv://, "
            "or with memory:// for one worker"
        )
    if scheme.startswith("redis"):
        try:
            _ = urlsplit(f"{scheme}://{rest}").port  # raises ValueError with a part of the URI
        except ValueError:
            raise UnsafeSettings(
                "RATE_LIMIT_STORAGE must name redis://host:port, its password percent-encoded"
            ) from None
    return f"{scheme}://{rest}"


def is_rate(text: str) -> bool:
    """Whether the text is one rate for all, and at most one for each role, separated by commas.

    The library would ignore what it does not understand, such as a second rate behind a semicolon.
    """
    parts = [RATE.fullmatch(part.strip()) for part in text.split(",")]
    found = [part for part in parts if part]
    named = [part["role"] for part in found]
    return (
        len(found) == len(parts)
        and all(_is_window(part) for part in found)
        and len(named) == len(set(named))
        and None in named
        and {role for role in named if role} <= set(ROLES)
    )


def _is_window(rate: re.Match[str]) -> bool:
    seconds = SECONDS[rate["unit"].lower()] * int(rate["times"] or 1)
    return int(rate["amount"]) > 0 and 0 < seconds <= LONGEST_WINDOW_S


def is_header_token(text: str) -> bool:
    """Whether the text can be sent in a header as it is: visible ASCII characters, no space."""
    return HEADER_TOKEN.fullmatch(text) is not None


def is_origin(text: str) -> bool:
    found = ORIGIN.fullmatch(text)
    return bool(found and _is_host(found["host"]) and _is_port(found["port"]))


def is_url(text: str) -> bool:
    """Whether the text is an origin, and maybe a plain path."""
    found = ORIGIN.match(text)
    if not found or len(text) > LONGEST_URL:
        return False
    return is_origin(found[0]) and PATH.fullmatch(text[found.end() :]) is not None


def stays_private(url: str) -> bool:
    """Whether nobody on the way can read what is sent to this URL or origin."""
    found = ORIGIN.match(url)
    return bool(found and (found["scheme"] == "https" or _is_loopback(found["host"])))


def _is_host(host: str) -> bool:
    if not host.startswith("["):
        return ".." not in host
    try:
        ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True


def _is_port(port: str | None) -> bool:
    return port is None or 0 < int(port) <= 65535


def _is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
