"""Checks values of settings that are more than a number or a word. No error quotes the value, which
may hold a password.
"""

from urllib.parse import urlsplit

from skinapi.errors import UnsafeSettings

MEMORY = "memory"
SHARED_COUNTS = ("mongodb", "mongodb+srv", "redis", "rediss")


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
