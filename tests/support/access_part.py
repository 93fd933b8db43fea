from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.support.backends import Backend


def _no_samples(_: Backend) -> dict[str, str]:
    return {}


@dataclass(frozen=True, kw_only=True)
class AccessPart:
    """`table`, `requests`, `keyed`: as in tests/support/access.py. `name_samples`: what its paths
    name. `open_to_all`: its public routes. `no_key`: routes that take no key. `spooled_photos`:
    routes whose photos are spooled to a file. `fits_a_get`: a path that matches another route's
    GET. `large_bodies`, `strangers`: for tests/deploy/test_large_requests.py; they say how many a
    token holds. `proxy_forms`: in which forms nginx answers errors; how it recognises a request of
    each, the path of one, and what else it has.
    """

    table: str
    requests: Mapping[str, Any] = field(default_factory=dict)
    keyed: Mapping[str, dict[str, str]] = field(default_factory=dict)
    name_samples: Callable[[Backend], dict[str, str]] = _no_samples
    open_to_all: Iterable[tuple[str, str]] = ()
    no_key: Iterable[str] = ()
    spooled_photos: Iterable[str] = ()
    fits_a_get: Iterable[str] = ()
    large_bodies: Iterable[tuple[bytes, bytes, str, int]] = ()
    strangers: Iterable[tuple[bytes, bytes, str, int]] = ()
    proxy_forms: Mapping[str, tuple[str, str, dict[str, Any]]] = field(default_factory=dict)
