"""How often a caller may call: one moving window a rate class, shared by all workers."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from enum import Enum
from pathlib import Path

from flask import Flask, Response, g, request
from limits import RateLimitItem, parse
from limits.errors import StorageError
from limits.storage import StorageTypes, storage_from_string
from limits.strategies import MovingWindowRateLimiter

from skinapi.errors import PredictionQuotaReached, StoreUnavailable, TooManyRequests
from skinapi.storage.disk_errors import disk_error
from skinapi.storage.outage import Outage
from skinapi.web.access import ROLES
from skinapi.web.addresses import address_key
from skinapi.web.limits_mongo import MongoWindows
from skinapi.web.limits_sqlite import SqliteWindows


class Rate(Enum):
    """The rate classes. How many each allows is the operator's setting."""

    READ = "read"
    WRITE = "write"
    SIGN_IN = "sign_in"
    ANONYMOUS = "anonymous"
    PREDICTIONS = "predictions"
    UNLIMITED = "unlimited"


REFUSALS: dict[Rate, type[TooManyRequests]] = {Rate.PREDICTIONS: PredictionQuotaReached}
EVERYBODY = "everybody"


class Limits:
    def __init__(self, limiter: MovingWindowRateLimiter, rates: dict[Rate, str]) -> None:
        self._limiter = limiter
        self._outage = Outage(_storage_errors)
        self._items = {rate: _by_role(text) for rate, text in rates.items()}

    def spend(self, rate: Rate, caller: str, role: str | None = None) -> None:
        """Count one request. Raises TooManyRequests past the limit, and counts nothing then."""
        if rate not in self._items:
            return
        items = self._items[rate]
        item = items.get(role or EVERYBODY, items[EVERYBODY])
        with self._outage.noticed():
            allowed = self._limiter.hit(item, rate.value, caller)
            stats = self._limiter.get_window_stats(item, rate.value, caller)
        wait = max(1, round(stats.reset_time - time.time()))
        window = item.get_expiry()
        _say("RateLimit-Policy", f'"{rate.value}";q={item.amount};w={window}')
        _say("RateLimit", f'"{rate.value}";r={max(0, stats.remaining)};t={wait}')
        if not allowed:
            raise REFUSALS.get(rate, TooManyRequests)(retry_after=wait)

    def ping(self) -> None:
        """Raises StoreUnavailable unless the windows can be read."""
        with self._outage.noticed():
            if not self._limiter.storage.check():
                raise StoreUnavailable


@contextmanager
def _storage_errors() -> Iterator[None]:
    try:
        yield
    except StorageError as error:
        raise disk_error(error.storage_error) from error


def _by_role(text: str) -> dict[str, RateLimitItem]:
    """From `120/minute, doctor=600/minute`: what everybody may, and some roles instead."""
    parts = [part.strip().rpartition("=") for part in text.split(",")]
    items = {role.strip() or EVERYBODY: parse(amount.strip()) for role, _, amount in parts}
    if EVERYBODY not in items or not items.keys() <= {EVERYBODY, *ROLES}:
        raise ValueError("a rate names what everybody may, and then roles")
    return items


def _say(header: str, limit: str) -> None:
    """A request may count under several limits."""
    said = g.setdefault("rate_headers", {})
    said[header] = ", ".join(filter(None, (said.get(header), limit)))


def open_limits(storage_uri: str | None, instance_dir: Path, rates: dict[Rate, str]) -> Limits:
    if storage_uri is None:
        return Limits(MovingWindowRateLimiter(SqliteWindows(instance_dir / "limits.db")), rates)
    return Limits(MovingWindowRateLimiter(_storage_at(storage_uri)), rates)


def _storage_at(uri: str) -> StorageTypes:
    """The drivers' own patience with a server that is gone would keep every request waiting."""
    if uri.startswith("mongodb"):
        return MongoWindows.at(uri)
    patience = (
        {"socket_connect_timeout": 3, "socket_timeout": 15} if uri.startswith("redis") else {}
    )
    return storage_from_string(uri, wrap_exceptions=True, **patience)


def caller_address() -> str:
    """The address that answers for an anonymous call; one IPv6 household is one address."""
    return address_key(request.remote_addr or "")


def rate_headers() -> dict[str, str]:
    """What the answer to the request at hand will say of its limits so far."""
    said: dict[str, str] = g.get("rate_headers", {})
    return said


def recall_rate_headers(headers: Mapping[str, str]) -> None:
    """Where the request was counted before."""
    g.rate_headers = dict(headers)


def add_rate_headers(app: Flask) -> None:
    @app.after_request
    def add(response: Response) -> Response:
        response.headers.update(rate_headers())
        return response
