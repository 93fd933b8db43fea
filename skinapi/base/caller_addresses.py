"""Client addresses as keys, by which rate limits and connections are counted."""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

UNKNOWN = "unknown"


def address_key(address: str) -> str:
    """One key per caller, however its address is written; `unknown` for what is no address.

    An IPv6 household is one caller, so the key is its /64 network. A socket that listens on [::]
    shows IPv4 addresses as IPv6 (`::ffff:192.0.2.1`), and some proxies send `ip:port`.
    """
    parsed = parse_address(address)
    if parsed is None:
        return UNKNOWN
    if parsed.version == 4:
        return str(parsed)
    # One household gets at least a /64 and can use any address of it:
    # https://www.rfc-editor.org/rfc/rfc6177
    return str(ip_network((parsed, 64), strict=False))


def parse_address(address: str) -> IPv4Address | IPv6Address | None:
    """The address in its plain form; None for what is none."""
    try:
        parsed = ip_address(_without_port(address).partition("%")[0])
    except ValueError:
        return None
    mapped = parsed.ipv4_mapped if parsed.version == 6 else None
    return mapped or parsed


def site_key(address: str) -> str:
    """One key per site, which is wider than a caller: of IPv6 the /48 network.

    A provider gives a customer a /48 on request, and that holds 65,536 networks of size /64. So
    where few places are shared by all, a customer must count as one.
    """
    key = address_key(address)
    if key == UNKNOWN or ":" not in key:
        return key
    return str(ip_network(key).supernet(new_prefix=48))


def _without_port(address: str) -> str:
    # More than one colon without brackets is an IPv6 address without a port.
    if address.startswith("["):
        return address[1:].partition("]")[0]
    return address.partition(":")[0] if address.count(":") == 1 else address
