"""Whose address it is: what limits and connections are counted by."""

from ipaddress import ip_address, ip_network

UNKNOWN = "unknown"


def address_key(address: str) -> str:
    """One key for one caller, however the address is written; an IPv6 household is one caller.

    A socket on [::] shows callers over IPv4 as IPv6, and some proxies send `ip:port`.
    """
    try:
        parsed = ip_address(_without_port(address).partition("%")[0])
    except ValueError:
        return UNKNOWN
    if parsed.version == 4:
        return str(parsed)
    if parsed.ipv4_mapped:
        return str(parsed.ipv4_mapped)
    return str(ip_network((parsed, 64), strict=False))


def _without_port(address: str) -> str:
    if address.startswith("["):
        return address[1:].partition("]")[0]
    return address.partition(":")[0] if address.count(":") == 1 else address
