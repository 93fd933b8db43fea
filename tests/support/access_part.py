"""What an area has of the tables of tests/support/access.py: `PART` in its `access.py`."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.support.backends import Backend


def _no_samples(_: Backend) -> dict[str, str]:
    return {}


@dataclass(frozen=True, kw_only=True)
class AccessPart:
    """`table`, `requests`, `keyed`: as there. `name_samples`: what its paths name. `open_to_all`:
    its routes for anybody. `no_key`: those that take no key. `spooled_photos`: routes whose photos
    lie in a file meanwhile. `fits_a_get`: a path that a GET fits as another route's.
    `large_bodies`, `strangers`: for tests/deploy/test_large_requests.py; they say how many a token
    holds. `proxy_forms`: in which forms nginx answers errors; how it knows a request of each, the
    path of one, and what else it has.
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
