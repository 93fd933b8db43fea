"""Validates addresses, secrets, memory and similar settings. No error quotes the value, which may
hold a password.
"""

import re
import secrets
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from math import inf, log2
from pathlib import Path
from urllib.parse import unquote, urlsplit

from skinapi.base.errors import UnsafeSettings
from skinapi.base.settings.instance_folder import open_folder
from skinapi.base.subject import ROLES

MEMORY = "memory"
SHARED_COUNTS = ("mongodb", "mongodb+srv", "redis", "rediss")
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


def caught(read: Callable[[], object]) -> Iterator[str]:
    try:
        read()
    except UnsafeSettings as error:
        yield error.detail


def split_in_order(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def split(text: str) -> frozenset[str]:
    return frozenset(split_in_order(text))


def split_origins(text: str | None) -> list[str]:
    return [origin.rstrip("/") for origin in split_in_order(text or "")]


def read_rate_limit_uri(text: str) -> str:
    uri, scheme = split_scheme(text)
    if scheme not in (MEMORY, *SHARED_COUNTS):
        raise UnsafeSettings(
            "RATE_LIMIT_STORAGE must begin with redis://, rediss://, mongodb:// or mongodb+srv://, "
            "or with memory:// for one worker"
        )
    if scheme.startswith("redis") and not is_readable_uri(uri):
        raise UnsafeSettings(
            "RATE_LIMIT_STORAGE must name redis://host:port, its password percent-encoded"
        )
    return uri


def asks_for_password(uri: str) -> bool:
    """Return whether access requires a password or a certificate, or is limited to this machine. A
    MongoDB address may name several hosts.
    """
    try:
        parts = urlsplit(uri)
    except ValueError:
        return True  # the driver will refuse it
    user, _, hosts = parts.netloc.rpartition("@")
    if all(map(_is_on_this_machine, hosts.split(","))):
        return True
    password = user.partition(":")[2]
    # Otherwise the driver authenticates in another way, such as MONGODB-X509.
    proves = parts.scheme.startswith("mongodb") and "authmechanism=" in parts.query.lower()
    return proves or password not in ("", KNOWN_TO_ALL)


def _is_on_this_machine(host: str) -> bool:
    if host.lower().startswith(SOCKET):
        return True
    name = host.partition("]")[0] if host.startswith("[") else host.partition(":")[0]
    return _is_loopback(name)


def split_scheme(text: str) -> tuple[str, str]:
    scheme, separator, rest = text.strip().partition("://")
    scheme = scheme.lower()
    return f"{scheme}://{rest}", scheme if separator else ""


def is_readable_uri(uri: str) -> bool:
    try:
        _ = urlsplit(uri).port  # the ValueError quotes a part of the URI
    except ValueError:
        return False
    return True


def is_rate(text: str) -> bool:
    """Return whether the text is one rate for all, and at most one for each role, separated by
    commas. The library would ignore what it cannot parse, such as a second rate after a semicolon.
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
    return HEADER_TOKEN.fullmatch(text) is not None


def faults_of_header(name: str, value: str | None) -> Iterator[str]:
    if value and not is_header_token(value):
        yield (
            f"{name.upper()} must be one word of ASCII letters, digits and signs, because a header "
            "carries it: remove spaces and line breaks"
        )


def is_origin(text: str) -> bool:
    match = ORIGIN.fullmatch(text)
    return bool(match and _is_host(match["host"]) and _is_port(match["port"]))


def is_url(text: str) -> bool:
    match = ORIGIN.match(text)
    if not match or len(text) > LONGEST_URL:
        return False
    return is_origin(match[0]) and PATH.fullmatch(text[match.end() :]) is not None


def stays_private(url: str) -> bool:
    """Return whether nobody on the way can read requests to this URL or origin."""
    match = ORIGIN.match(url)
    return bool(match and (match["scheme"] == "https" or _is_loopback(match["host"])))


def is_in_private_network(url: str) -> bool:
    match = ORIGIN.match(url)
    return bool(match and _is_private(match["host"]))


def is_near(host: str) -> bool:
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


PORTS = {"smtp": 587, "smtps": 465}
# What every mail server takes: https://www.rfc-editor.org/rfc/rfc5321#section-4.1.2
MAILBOX = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]+@[\w-]+(?:\.[\w-]+)*", re.ASCII)


@dataclass(frozen=True)
class MailAddress:
    """`tls` is implicit TLS, from the first byte on. `starttls` requires the change to TLS before
    anything is sent.
    """

    host: str
    port: int
    tls: bool
    starttls: bool
    user: str = ""
    password: str = field(default="", repr=False)


def read_smtp_url(text: str) -> MailAddress:
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


def read_networks(name: str, text: str) -> tuple[IPv4Network | IPv6Network, ...]:
    try:
        return tuple(ip_network(part.strip()) for part in text.split(",") if part.strip())
    except ValueError as error:
        raise UnsafeSettings(
            f"{name} must name networks such as 10.1.0.0/16, separated by commas"
        ) from error


def read_authorities(path: Path) -> None:
    try:
        ssl.create_default_context(cafile=path)
    except (OSError, ValueError) as error:
        raise UnsafeSettings(
            "TRUSTED_AUTHORITIES must name a file that this server can read, with certificates in "
            "PEM form"
        ) from error


SHORTEST_KEY = 32
# In bits, as `estimate_bits` counts. Of 2000 random ones each, 32 hex digits had 100 or more, and
# 16 of them 41. One in a hundred of 32 small letters and digits has less than 90.
LEAST_OF_KEY, LEAST_OF_TOKEN = 90, 38
MAKES_KEY = "make one with `openssl rand -base64 48`"
SAMPLE_KEYS = ("change-me", "changeme", "example", "sample", "secret", "password")
# What hands type without thinking; each of them backwards too.
WALKS = (
    *("abcdefghijklmnopqrstuvwxyz", "01234567890", "qwertyuiop", "asdfghjkl", "zxcvbnm"),
    *("azertyuiop", "qsdfghjklm", "wxcvbn", "qwertzuiop", "yxcvbnm", "1qaz2wsx3edc4rfv5tgb6yhn"),
)
KNOWN = " ".join([*WALKS, *(walk[::-1] for walk in WALKS)])
# A guesser tries pieces that are known, or came before, as wholes, and words before other letters:
# https://www.usenix.org/conference/usenixsecurity16/technical-sessions/presentation/wheeler
BITS_OF_PIECE, BITS_OF_LETTER_IN_WORD = 8.0, 2.5
SHORTEST_PIECE = 4
WORD = re.compile(r"[a-z]{4,}")


# A store is not begun with one: it says so of a store that has one already.
ODD_KEY = (
    "JWT_SECRET_KEY has a comma, or a space at an end, which separate the values of "
    f"FORMER_JWT_SECRET_KEYS: take another one; {MAKES_KEY}"
)
OLD_ODD_KEY = (
    "JWT_SECRET_KEY has a comma, or a space at an end. To change it, put exactly this value, and "
    "no other beside it, into FORMER_JWT_SECRET_KEYS"
)


NOT_MONGO = (
    "MONGO_URI is not the address of a MongoDB: user and password must be percent-encoded (%40 for "
    "@, %3A for :, %2F for /), and each option needs a value"
)


def is_mongo_address(uri: str) -> bool:
    from pymongo import MongoClient  # noqa: PLC0415 (a server on SQLite does without the driver)
    from pymongo.errors import ConfigurationError  # noqa: PLC0415

    # Without the parts for which the driver would query DNS.
    plain = re.sub(r"srv[A-Za-z]+=[^&]*&?", "", uri.replace("mongodb+srv://", "mongodb://", 1))
    try:
        client: MongoClient[dict[str, object]] = MongoClient(plain, connect=False)
    except (ConfigurationError, ValueError, OSError):  # OSError: a file of its TLS options
        return False
    client.close()
    return True


def is_odd_key(key: str) -> bool:
    return "," in key or key != key.strip()


def refuse_weak_key(key: str) -> None:
    if not key:
        raise UnsafeSettings(
            f"Set JWT_SECRET_KEY to a secret of at least 32 random characters: {MAKES_KEY}"
        )
    if len(key) < SHORTEST_KEY:
        raise UnsafeSettings(
            f"JWT_SECRET_KEY is too short: use at least 32 random characters; {MAKES_KEY}"
        )
    if any(word in key.lower() for word in SAMPLE_KEYS) or estimate_bits(key) < LEAST_OF_KEY:
        raise UnsafeSettings(
            "JWT_SECRET_KEY can be guessed, however long it is: use random characters instead of "
            f"words, rows of keys and repetitions; {MAKES_KEY}"
        )


def estimate_bits(secret: str) -> float:
    """Estimate how many bits a guesser must find. An upper limit: a machine cannot tell that a
    secret was not chosen at random, only that it looks so.

    >>> round(estimate_bits("f3a9c17e5b2d8046"))
    64
    >>> round(estimate_bits("qwertyuiop1234567890"))
    16
    """
    lower = secret.lower()
    of_sign = log2(max(len(set(secret)), 2))
    in_words = {
        index for word in WORD.finditer(secret) for index in range(word.start(), word.end())
    }
    least = [0.0]
    for end in range(1, len(secret) + 1):
        sign = min(of_sign, BITS_OF_LETTER_IN_WORD) if end - 1 in in_words else of_sign
        before = [
            least[begin]
            for begin in range(end - SHORTEST_PIECE + 1)
            if lower[begin:end] in KNOWN or lower[begin:end] in lower[:begin]
        ]
        least.append(min(least[-1] + sign, *(bits + BITS_OF_PIECE for bits in before), inf))
    return least[-1]


def stored_secret(path: Path) -> str:
    """Read the secret, or create it. Workers that create it at the same time all use the first
    one.
    """
    open_folder(path.parent)
    if not path.exists():
        temporary = path.with_name(f".{path.name}-{secrets.token_hex(8)}")
        temporary.touch(mode=0o600)
        temporary.write_text(secrets.token_urlsafe(48))
        try:
            # Not rename: it would replace a secret that another worker has just stored.
            path.hardlink_to(temporary)
        except FileExistsError:
            pass
        finally:
            temporary.unlink()
    return path.read_text()
