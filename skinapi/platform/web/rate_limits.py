import importlib
import math
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, Protocol, TypeVar

import apsw
from flask import Flask, Response, g, request
from limits import RateLimitItem, RateLimitItemPerDay, parse
from limits.errors import ConfigurationError, StorageError
from limits.storage import StorageTypes, storage_from_string
from limits.strategies import MovingWindowRateLimiter

from skinapi.base.caller_addresses import address_key, site_key
from skinapi.base.errors import (
    PredictionQuotaReached,
    RateLimitsUnavailable,
    StoreUnavailable,
    TooManyRequests,
    UnsafeSettings,
)
from skinapi.base.subject import ROLES
from skinapi.platform.storage.files import disk_error
from skinapi.platform.stores.database_file import inode_of, sqlite_errors
from skinapi.platform.stores.outage import Outage
from skinapi.platform.web.declaration import Rate

LONGEST_WAIT_MS = 10_000
# SQLError: the table is missing, or has other columns.
DAMAGED = (apsw.CorruptError, apsw.NotADBError, apsw.SQLError)
FIRST = "SELECT at, number FROM hits WHERE key = ? AND at >= ? ORDER BY at, number LIMIT 1"
LAST = "SELECT at, number FROM hits WHERE key = ? ORDER BY at DESC, number DESC LIMIT 1"
T = TypeVar("T")


class Window(NamedTuple):
    """Whether a hit was within the limit and so was counted, how many more are, and when the oldest
    hit leaves the window.
    """

    allowed: bool
    remaining: int
    resets_at: float


class SqliteWindows:
    """Counts hits in a SQLite file, exact across processes.

    One connection serves all threads of a process. If the file was removed, replaced or damaged, or
    is of an earlier version, a new one is created: losing the counts of a minute does no harm.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._connection: apsw.Connection | None = None
        self._opened_by = 0
        self._inode: tuple[int, int] | None = None
        # A child must not close its parent's connection: https://www.sqlite.org/howtocorrupt.html
        self._of_parent: apsw.Connection | None = None

    def hit(self, item: RateLimitItem, *names: str, cost: int = 1) -> Window:
        key, moment = item.key_for(*names), time.time()
        return self._run(lambda connection: _hit(connection, item, key, moment, cost))

    def ping(self) -> None:
        self._run(lambda connection: connection.execute(LAST, ("",)).fetchall())

    def _run(self, act: Callable[[apsw.Connection], T]) -> T:
        with sqlite_errors(), self._lock:
            try:
                return act(self._connect())
            except DAMAGED:
                Path(f"{self._path}-journal").unlink(missing_ok=True)
                self._path.unlink(missing_ok=True)
            except apsw.ReadOnlyError:  # also raised where the file was removed a moment ago
                pass
            self._close()
            return act(self._connect())

    def _connect(self) -> apsw.Connection:
        if self._opened_by != os.getpid():
            self._of_parent, self._connection = self._connection, None
        elif self._inode != inode_of(self._path):
            self._close()
        if self._connection is None:
            self._connection = self._open()
            self._opened_by, self._inode = os.getpid(), inode_of(self._path)
        return self._connection

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _open(self) -> apsw.Connection:
        connection = apsw.Connection(str(self._path))
        try:
            connection.set_busy_timeout(LONGEST_WAIT_MS)
            # Nothing is synced: losing counts in a power cut does no harm. Without a journal, a
            # process that is killed in a transaction would leave a file that cannot be read.
            connection.execute(
                "PRAGMA synchronous = OFF; PRAGMA journal_mode = PERSIST;"
                "CREATE TABLE IF NOT EXISTS hits (key TEXT, at REAL, number INTEGER, expires REAL,"
                " PRIMARY KEY (key, at, number)) WITHOUT ROWID;"
                "CREATE INDEX IF NOT EXISTS by_expiry ON hits (expires);"
            ).fetchall()  # a statement that returns rows stops the script until they are read
        except BaseException:
            connection.close()
            raise
        return connection


def _hit(
    connection: apsw.Connection, item: RateLimitItem, key: str, moment: float, cost: int
) -> Window:
    """The hits of a key are numbered by time. So the number of hits in a window follows from the
    first and the last one, in constant time.
    """
    expiry = item.get_expiry()
    with _transaction(connection):
        connection.execute("DELETE FROM hits WHERE expires < ?", (moment,))
        last_at, last = connection.execute(LAST, (key,)).get or (moment, 0)
        at, number = max(moment, last_at), last + 1
        oldest, first = connection.execute(FIRST, (key, moment - expiry)).get or (at, number)
        spent = number - first
        counted = cost if spent + cost <= item.amount else 0
        hits = [(key, at, number + more, at + expiry) for more in range(counted)]
        connection.executemany("INSERT INTO hits VALUES (?, ?, ?, ?)", hits)
        return Window(counted > 0, item.amount - spent - counted, oldest + expiry)


@contextmanager
def _transaction(connection: apsw.Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


EVERYBODY = "everybody"
DAY = 24 * 60 * 60
_UNITS = (("day", DAY), ("hour", 60 * 60), ("minute", 60), ("second", 1))
# A request waits for Redis once at most: no retries, which by default are three.
REDIS_WAIT_S = 1.5


class Windows(Protocol):
    def hit(self, item: RateLimitItem, *names: str, cost: int = 1) -> Window: ...

    def ping(self) -> None: ...


class LibraryWindows:
    def __init__(self, storage: StorageTypes) -> None:
        self._storage = storage
        self._limiter = MovingWindowRateLimiter(storage)

    def hit(self, item: RateLimitItem, *names: str, cost: int = 1) -> Window:
        allowed = self._limiter.hit(item, *names, cost=cost)
        stats = self._limiter.get_window_stats(item, *names)
        return Window(allowed, stats.remaining, stats.reset_time)

    def ping(self) -> None:
        if not self._storage.check():
            raise StoreUnavailable


class Limits:
    def __init__(self, windows: Windows, rates: dict[Rate, str], *, apart: bool = False) -> None:
        """`apart`: the counts are on a separate server, which error messages name."""
        self._windows, self._apart = windows, apart
        self._outage = Outage(_storage_errors)
        self._items = {rate: _by_role(text) for rate, text in rates.items()}

    def spend(self, rate: Rate, caller: str, role: str | None = None, *, cost: int = 1) -> None:
        """Count `cost` requests. If any would exceed the limit, count none and raise
        TooManyRequests.
        """
        if rate not in self._items:
            return
        items = self._items[rate]
        item = items.get(role or EVERYBODY, items[EVERYBODY])
        allowed, wait = self._hit(item, rate.value, caller, cost=cost)
        if not allowed:
            if rate is Rate.PREDICTIONS:
                photos = _say_quota("photo limit", item, wait)
                many = "" if cost == 1 else f"There is no room for {cost} more photos. "
                raise PredictionQuotaReached(f"{many}{photos}", retry_after=wait)
            raise TooManyRequests(retry_after=wait)

    def spend_quota(self, key: str, most: int) -> None:
        item = RateLimitItemPerDay(most)
        allowed, wait = self._hit(item, "key", key)
        if not allowed:
            sentence = _say_quota("limit of this key", item, wait)
            raise TooManyRequests(sentence, retry_after=wait)

    def _hit(
        self, item: RateLimitItem, name: str, caller: str, *, cost: int = 1
    ) -> tuple[bool, int]:
        with self._noticed_outage():
            window = self._windows.hit(item, name, caller, cost=cost)
        seconds = item.get_expiry()
        # At least 1: a client that is told 0 seconds would ask again at once.
        wait = max(1, round(window.resets_at - time.time()))
        # https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/
        _add_header("RateLimit-Policy", f'"{name}";q={item.amount};w={seconds}')
        _add_header("RateLimit", f'"{name}";r={max(0, window.remaining)};t={wait}')
        return window.allowed, wait

    def count_photos(self, caller: str, role: str | None, photos: int = 1) -> None:
        self.spend(Rate.PREDICTIONS, caller, role, cost=photos)

    def count_rendering(self, caller: str, role: str | None) -> None:
        self.spend(Rate.RENDERINGS, caller, role)

    def ping(self) -> None:
        with self._noticed_outage():
            self._windows.ping()

    @contextmanager
    def _noticed_outage(self) -> Iterator[None]:
        try:
            with self._outage.noticed():
                yield
        except StoreUnavailable as error:
            if self._apart:  # it is not the database that does not answer
                raise RateLimitsUnavailable from error
            raise


@contextmanager
def _storage_errors() -> Iterator[None]:
    try:
        yield
    except StorageError as error:
        raise disk_error(error.storage_error) from error


def _say_quota(limit: str, item: RateLimitItem, wait: int) -> str:
    """Say how long to wait instead of until when, because the window moves."""
    daily = f"Daily {limit}" if item.get_expiry() == DAY else limit.capitalize()
    return f"{daily} reached ({item.amount}). Try again in {_say_wait(wait)}."


def _say_wait(seconds: int) -> str:
    unit, size = next((each for each in _UNITS if seconds > 2 * each[1]), _UNITS[-1])
    count = math.ceil(seconds / size)
    return f"{count} {unit}{'s' * (count > 1)}"


def _by_role(text: str) -> dict[str, RateLimitItem]:
    parts = [part.strip().rpartition("=") for part in text.split(",")]
    items = {role.strip() or EVERYBODY: parse(amount.strip()) for role, _, amount in parts}
    if EVERYBODY not in items or not items.keys() <= {EVERYBODY, *ROLES}:
        raise ValueError("a rate names what everybody may, and then roles")
    return items


def _add_header(header: str, limit: str) -> None:
    headers = g.setdefault("rate_headers", {})
    headers[header] = ", ".join(filter(None, (headers.get(header), limit)))


def open_limits(storage_uri: str | None, instance_dir: Path, rates: dict[Rate, str]) -> Limits:
    if storage_uri is None:
        return Limits(SqliteWindows(instance_dir / "limits.db"), rates)
    return Limits(_windows_at(storage_uri), rates, apart=storage_uri.startswith("redis"))


def _windows_at(uri: str) -> Windows:
    try:
        if uri.startswith("mongodb"):
            # Imported late: a server without MongoDB does without its driver.
            windows: Windows = importlib.import_module(
                "skinapi.platform.web.mongo_limit_windows"
            ).MongoWindows(uri)
            return windows
        options = _redis_options() if uri.startswith("redis") else {}
        return LibraryWindows(storage_from_string(uri, wrap_exceptions=True, **options))
    except (ConfigurationError, ValueError):
        # Without its cause: that may quote the password.
        raise UnsafeSettings("RATE_LIMIT_STORAGE is not an address that can be used") from None


def _redis_options() -> dict[str, Any]:
    """The driver's own timeouts and retries would delay a request by half a minute."""
    backoff, retry = (importlib.import_module(f"redis.{name}") for name in ("backoff", "retry"))
    once = retry.Retry(backoff.NoBackoff(), 0)
    return {"socket_connect_timeout": REDIS_WAIT_S, "socket_timeout": REDIS_WAIT_S, "retry": once}


def caller_address() -> str:
    return address_key(request.remote_addr or "")


def caller_site() -> str:
    return site_key(request.remote_addr or "")


def add_rate_headers(app: Flask) -> None:
    @app.after_request
    def add(response: Response) -> Response:
        response.headers.update(g.get("rate_headers", {}))
        return response
