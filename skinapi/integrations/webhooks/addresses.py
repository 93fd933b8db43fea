"""The allowed addresses of webhooks: the public internet, and those that the operator lists.
Otherwise an admin, or an attacker who controls an endpoint's name, could reach internal services,
the clinic's network or a cloud's metadata.
"""

import re
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import SplitResult, urlsplit

from skinapi.base.errors import InvalidBody
from skinapi.base.http_client import CallFailed, CallFault, Resolve

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
LONGEST_URL = 2000
HOST = re.compile(r"[\w.-]{1,253}", re.ASCII)
# Addresses that hold one of IPv4, which is what is called in the end.
# https://www.rfc-editor.org/rfc/rfc6052, https://www.rfc-editor.org/rfc/rfc4291#section-2.5.5.1
EMBEDDING = tuple(map(ip_network, ("64:ff9b::/96", "::/96")))
# Ways to IPv4 that nobody needs: 6to4, its relays, Teredo, NAT64 with a local prefix; site-local
# addresses; and blocks that IANA reserves and Python 3.11 does not know to be.
NEVER = tuple(
    map(
        ip_network,
        (
            *("2002::/16", "192.88.99.0/24", "2001::/32", "64:ff9b:1::/48", "fec0::/10"),
            *("192.0.0.0/24", "3fff::/20", "5f00::/16"),
        ),
    )
)
NO_URL = (
    "url: name an address as https://host/path, of at most 2,000 visible ASCII characters, without "
    "user, password or #"
)
NOT_HTTPS = (
    "url: only https:// is allowed; http:// only to an address that WEBHOOK_PRIVATE_RANGES lists"
)
NOT_PUBLIC = (
    "url: this address is not one of the public internet. An operator can allow it with "
    "WEBHOOK_PRIVATE_RANGES"
)


@dataclass(frozen=True, slots=True)
class Addresses:
    listed: tuple[Network, ...] = ()

    def require_url(self, url: str) -> None:
        parts = _split(url)
        host = parts.hostname or ""
        if parts.scheme == "http" and not self.listed:
            raise InvalidBody(NOT_HTTPS)
        # Without a lookup: also 2130706433, 0x7f.1 and other forms that the system accepts.
        port = parts.port or (443 if parts.scheme == "https" else 80)
        try:
            numeric = _look_up(host, port, flags=socket.AI_NUMERICHOST)
        except (OSError, UnicodeError):
            return
        if not all(self._allows(address) for address in numeric):
            raise InvalidBody(NOT_PUBLIC)
        if parts.scheme == "http" and not all(map(self._lists, numeric)):
            raise InvalidBody(NOT_HTTPS)

    def resolver(self, url: str) -> Resolve:
        plain = urlsplit(url).scheme == "http"

        def resolve(host: str, port: int) -> Sequence[str]:
            try:
                addresses = _look_up(host, port)
            except (OSError, UnicodeError) as error:
                raise CallFailed(CallFault.UNKNOWN_HOST) from error
            judge = self._lists if plain else self._allows
            if not addresses or not all(map(judge, addresses)):
                raise CallFailed(CallFault.ADDRESS_REFUSED)
            return [str(address) for address in addresses]

        return resolve

    def _lists(self, address: Address) -> bool:
        meant = _meant(address)
        return any(meant in network for network in self.listed if network.version == meant.version)

    def _allows(self, address: Address) -> bool:
        return self._lists(address) or is_public(address)


def is_public(address: Address) -> bool:
    meant = _meant(address)
    if any(meant in network for network in NEVER):
        return False
    return meant.is_global and not (
        meant.is_multicast or meant.is_reserved or meant.is_loopback or meant.is_link_local
    )


def _meant(address: Address) -> Address:
    if isinstance(address, IPv4Address):
        return address
    if any(address in network for network in EMBEDDING) and int(address) > 1:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address


def _look_up(host: str, port: int, *, flags: int = 0) -> list[Address]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=flags)
    # Without the zone of a link-local one, which ip_address would read into it.
    return [ip_address(str(place[0]).partition("%")[0]) for *_, place in found]


def _split(url: str) -> SplitResult:
    visible = all("!" <= letter <= "~" for letter in url) and "\\" not in url
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise InvalidBody(NO_URL) from error
    names_user = "@" in parts.netloc
    if not visible or len(url) > LONGEST_URL or names_user or port == 0:
        raise InvalidBody(NO_URL)
    if not _is_host(parts):
        raise InvalidBody(NO_URL)
    if "#" in url or parts.scheme not in ("http", "https"):
        raise InvalidBody(NO_URL)
    return parts


def _is_host(parts: SplitResult) -> bool:
    host = parts.hostname or ""
    if not parts.netloc.startswith("["):
        return HOST.fullmatch(host) is not None
    try:
        return ip_address(host).version == 6
    except ValueError:
        return False
