from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

UNKNOWN = "unknown"


def address_key(address: str) -> str:
    """Return one key per caller, for all notations of its address; `unknown` for an invalid
    address. An IPv6 household can use any address of its /64 network (RFC 6177). A socket on [::]
    shows IPv4 addresses as IPv6 (`::ffff:192.0.2.1`), and some proxies send `ip:port`.
    """
    parsed = parse_address(address)
    if parsed is None:
        return UNKNOWN
    if parsed.version == 4:
        return str(parsed)
    return str(ip_network((parsed, 64), strict=False))


def parse_address(address: str) -> IPv4Address | IPv6Address | None:
    try:
        parsed = ip_address(_without_port(address).partition("%")[0])
    except ValueError:
        return None
    mapped = parsed.ipv4_mapped if parsed.version == 6 else None
    return mapped or parsed


def site_key(address: str) -> str:
    """One key per customer of a provider, who may have a whole /48 network of IPv6."""
    key = address_key(address)
    if key == UNKNOWN or ":" not in key:
        return key
    return str(ip_network(key).supernet(new_prefix=48))


def _without_port(address: str) -> str:
    # More than one colon without brackets is an IPv6 address without a port.
    if address.startswith("["):
        return address[1:].partition("]")[0]
    return address.partition(":")[0] if address.count(":") == 1 else address
