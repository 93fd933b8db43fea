"""How many transactions a request costs on SQLite: each of them waits for the disk."""

from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import apsw
import pytest

from skinapi.platform.storage.background import Totals
from tests.findings.prediction.photographer import predicted
from tests.support.backends import Backend

BEGUN: Counter[str] = Counter()


def count_begins(connection: apsw.Connection) -> None:
    def trace(_: apsw.Cursor, sql: str, __: object) -> bool:
        if sql.startswith("BEGIN"):
            BEGUN[Path(connection.filename).name] += 1
        return True

    connection.exec_trace = trace


@pytest.fixture
def begun() -> Iterator[Counter[str]]:
    """Transactions by file, in connections that are opened from now on."""
    apsw.connection_hooks.append(count_begins)
    yield BEGUN
    apsw.connection_hooks.remove(count_begins)


@contextmanager
def running(totals: Totals) -> Iterator[None]:
    totals.start()
    yield
    totals.stop()


@pytest.mark.parametrize("keep_photo", ["false", "true"])
def test_a_prediction_is_one_transaction_and_is_counted_in_two(
    tmp_path: Path, begun: Counter[str], keep_photo: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The finding, its place in the queue and the row of the trail."""
    monkeypatch.setattr("skinapi.platform.storage.background.WRITE_EVERY_S", 3600.0)
    backend = Backend(tmp_path)
    with closing(backend.services.store), running(backend.services.data.totals):
        ada, bob = backend.member(), backend.member()
        predicted(bob)  # makes what is made once
        for _ in range(3):
            begun.clear()
            predicted(ada, keep_photo=keep_photo)
            assert begun == {"skinapi.db": 1, "limits.db": 2}
