"""How often a caller may call: one moving window a rate class, shared by all workers."""

import ipaddress
import time
from enum import Enum
from pathlib import Path

from flask import Flask, Response, g, request
from limits import RateLimitItem, parse
from limits.errors import StorageError
from limits.storage import storage_from_string
from limits.strategies import MovingWindowRateLimiter

from skinapi.errors import StoreUnavailable, TooManyRequests
from skinapi.web.limits_sqlite import SqliteWindows

PATIENCE: dict[str, dict[str, float]] = {
    "mongodb": {"serverSelectionTimeoutMS": 3000, "socketTimeoutMS": 15000},
    "redis": {"socket_connect_timeout": 3, "socket_timeout": 15},
}


class Rate(Enum):
    """The rate classes. How many each allows is the operator's setting."""

    READ = "read"
    WRITE = "write"
    SIGN_IN = "sign_in"
    UNLIMITED = "unlimited"


class Limits:
    def __init__(self, limiter: MovingWindowRateLimiter, rates: dict[Rate, str]) -> None:
        self._limiter = limiter
        self._items: dict[Rate, RateLimitItem] = {rate: parse(text) for rate, text in rates.items()}

    def spend(self, rate: Rate, caller: str) -> None:
        """Count one request. Raises TooManyRequests past the limit, and counts nothing then."""
        if rate not in self._items:
            return
        item = self._items[rate]
        try:
            allowed = self._limiter.hit(item, rate.value, caller)
            stats = self._limiter.get_window_stats(item, rate.value, caller)
        except StorageError as error:
            raise StoreUnavailable from error
        wait = max(1, round(stats.reset_time - time.time()))
        window = item.get_expiry()
        g.rate_headers = {
            "RateLimit-Policy": f'"{rate.value}";q={item.amount};w={window}',
            "RateLimit": f'"{rate.value}";r={max(0, stats.remaining)};t={wait}',
        }
        if not allowed:
            raise TooManyRequests(retry_after=wait)

    def ping(self) -> None:
        """Raises StoreUnavailable unless the windows can be read."""
        if not self._limiter.storage.check():
            raise StoreUnavailable


def open_limits(storage_uri: str | None, instance_dir: Path, rates: dict[Rate, str]) -> Limits:
    storage = (
        storage_from_string(storage_uri, wrap_exceptions=True, **_patience(storage_uri))
        if storage_uri
        else SqliteWindows(instance_dir / "limits.db")
    )
    return Limits(MovingWindowRateLimiter(storage), rates)


def _patience(storage_uri: str) -> dict[str, float]:
    """How long to wait for a store of limits that is gone; the drivers' own answer is too long."""
    scheme = storage_uri.partition(":")[0].partition("+")[0]
    return PATIENCE.get(scheme.removesuffix("s"), {})


def caller_address() -> str:
    """The address that answers for an anonymous call; one IPv6 household is one address."""
    try:
        address = ipaddress.ip_address(request.remote_addr or "")
    except ValueError:
        return "unknown"
    if address.version == 4:
        return str(address)
    return str(ipaddress.ip_network((address, 64), strict=False))


def add_rate_headers(app: Flask) -> None:
    @app.after_request
    def add(response: Response) -> Response:
        response.headers.update(g.get("rate_headers", {}))
        return response
