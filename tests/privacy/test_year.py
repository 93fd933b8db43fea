"""The simulated year leaves something in each collection, and its marks are where one looks."""

from contextlib import closing
from datetime import datetime
from pathlib import Path

import pytest

from tests.privacy.year import Year, live_a_year, settings_of_year
from tests.support.backends import Backend, store_of_kind
from tests.support.openrouter import OpenRouter
from tests.support.size import in_drill

FILLED = {
    "accounts",
    "audit",
    "daily_counts",
    "datasets",
    "deliveries",
    "guesses",
    "images",
    "jobs",
    "keys",
    "known_addresses",
    "lesions",
    "letters",
    "messages",
    "narratives",
    "outbox",
    "outcome_counts",
    "password_links",
    "reports",
    "reviews",
    "session_keys",
    "sessions",
    "submissions",
    "webhooks",
}
# Of a clinic's log-in, of uploads, and of a model in service: nobody's data, or not in this year.
EMPTY = {"oidc_round_trips", "uploads", "serving", "job_logs", "erasure_receipts"}


@pytest.mark.parametrize("kind", ["sqlite", *in_drill("mongod")])
def test_a_year_leaves_marks_of_the_person_in_all_collections(
    kind: str, tmp_path: Path, llm: OpenRouter, request: pytest.FixtureRequest
) -> None:
    uri = request.getfixturevalue("emptied_database_uri") if kind == "mongod" else None
    store = store_of_kind(kind, tmp_path, uri)
    with closing(store):
        backend = Backend(tmp_path, store, **settings_of_year(llm))
        year = live_a_year(backend, tmp_path / "backups")
        stored = backend.stored(but=())
        assert {name for name in FILLED if not stored.get(name)} == set()
        assert [fault.message for fault in backend.services.faults()] == []
        text = repr(stored)
        assert [name for name, word in year.marks.words.items() if word not in text] == []
        assert _dates(year) == sorted(_dates(year))
        assert len(year.marks.needles()) == len({*year.marks.needles().values()})
        assert all(file.stat().st_size > 100_000 for file in year.backups)


def _dates(year: Year) -> list[datetime]:
    find = year.backend.services.data.submissions.find_by_number
    return [found.created_at for number in year.numbers if (found := find(number))]
