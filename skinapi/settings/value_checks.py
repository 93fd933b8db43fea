"""Checks values of settings that are more than a number or a word. No error quotes the value, which
may hold a password.
"""

import re
from ipaddress import ip_address, ip_network
from typing import Literal, get_args
from urllib.parse import urlsplit

from skinapi.errors import UnsafeSettings

Role = Literal["user", "doctor", "researcher", "admin"]
ROLES: tuple[Role, ...] = get_args(Role)
MEMORY = "memory"
SHARED_COUNTS = ("mongodb", "mongodb+srv", "redis", "rediss")
BROKERS = ("amqp", "amqps", "redis", "rediss")
# RabbitMQ makes this user, with this password, and lets it in from its own machine alone.
KNOWN_TO_ALL = "guest"
SOCKET = "%2f"  # a MongoDB's socket is named by its path, percent-encoded
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
# https://www.rfc-editor.org/rfc/rfc1918 and https://www.rfc-editor.org/rfc/rfc4193
PRIVATE_NETWORKS = tuple(
    map(ip_network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"))
)
LONGEST_WINDOW_S = 86400  # counts are kept for a day
LONGEST_URL = 200  # the QR code of a report has room for this address and a checksum


def read_rate_limit_uri(text: str) -> str:
    """The URI with its scheme as the library of the rate limits reads it: trimmed, in lower case.

    Raises UnsafeSettings for a scheme that this server does not count with.
    """
    uri, scheme = _with_scheme(text)
    if scheme not in (MEMORY, *SHARED_COUNTS):
        raise UnsafeSettings(
            "RATE_LIMIT_STORAGE must begin with redis://, rediss://, mongodb:// or mongodb+srv://, "
            "or with memory:// for one worker"
        )
    if scheme.startswith("redis") and not _is_readable(uri):
        raise UnsafeSettings(
            "RATE_LIMIT_STORAGE must name redis://host:port, its password percent-encoded"
        )
    return uri


def read_broker_uri(text: str) -> str:
    """The URI of a message broker with its scheme in lower case. Raises UnsafeSettings."""
    uri, scheme = _with_scheme(text)
    if scheme not in BROKERS:
        raise UnsafeSettings(
            "JOBS_BROKER must begin with amqp:// or amqps:// (RabbitMQ), redis:// or rediss://"
        )
    if not _is_readable(uri) or not urlsplit(uri).hostname:
        raise UnsafeSettings(
            "JOBS_BROKER must name scheme://user:password@host:port, percent-encoded"
        )
    return uri


def asks_for_password(uri: str) -> bool:
    """Whether only those who know a password, or have a certificate, can use what this address
    names, or only this machine. A MongoDB's address may name several hosts.
    """
    try:
        parts = urlsplit(uri)
    except ValueError:
        return True  # the driver refuses it
    user, _, hosts = parts.netloc.rpartition("@")
    if all(map(_is_on_this_machine, hosts.split(","))):
        return True
    password = user.partition(":")[2]
    # Else the driver proves who it is in another way, such as MONGODB-X509.
    proves = parts.scheme.startswith("mongodb") and "authmechanism=" in parts.query.lower()
    return proves or password not in ("", KNOWN_TO_ALL)


def _is_on_this_machine(host: str) -> bool:
    if host.lower().startswith(SOCKET):
        return True
    name = host.partition("]")[0] if host.startswith("[") else host.partition(":")[0]
    return _is_loopback(name)


def _with_scheme(text: str) -> tuple[str, str]:
    """The URI, trimmed and with its scheme in lower case, and the scheme; "" if it has none."""
    scheme, separator, rest = text.strip().partition("://")
    scheme = scheme.lower()
    return f"{scheme}://{rest}", scheme if separator else ""


def _is_readable(uri: str) -> bool:
    try:
        _ = urlsplit(uri).port  # raises ValueError with a part of the URI
    except ValueError:
        return False
    return True


def is_rate(text: str) -> bool:
    """Whether the text is one rate for all, and at most one for each role, separated by commas.

    The library would ignore what it does not understand, such as a second rate behind a semicolon.
    """
    parts = [RATE.fullmatch(part.strip()) for part in text.split(",")]
    rates = [part for part in parts if part]
    named = [part["role"] for part in rates]
    return (
        len(rates) == len(parts)
        and all(_is_window(part) for part in rates)
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
    match = ORIGIN.fullmatch(text)
    return bool(match and _is_host(match["host"]) and _is_port(match["port"]))


def is_url(text: str) -> bool:
    """Whether the text is an origin, and maybe a plain path."""
    match = ORIGIN.match(text)
    if not match or len(text) > LONGEST_URL:
        return False
    return is_origin(match[0]) and PATH.fullmatch(text[match.end() :]) is not None


def stays_private(url: str) -> bool:
    """Whether nobody on the way can read what is sent to this URL or origin."""
    match = ORIGIN.match(url)
    return bool(match and (match["scheme"] == "https" or _is_loopback(match["host"])))


def is_in_private_network(url: str) -> bool:
    """Whether the URL names an IP address that is never routed through the internet."""
    match = ORIGIN.match(url)
    return bool(match and _is_private(match["host"]))


def is_near(host: str) -> bool:
    """Whether the host is this machine, or an IP address of a private network."""
    return _is_loopback(host) or _is_private(host)


def _is_private(host: str) -> bool:
    try:
        address = ip_address(host.strip("[]"))
    except ValueError:
        return False
    return any(address in network for network in PRIVATE_NETWORKS)


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
