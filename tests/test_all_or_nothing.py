"""Each use case that writes, stopped before each of its commands, on both stores: what anybody sees
afterwards is all of it or nothing, without any repair. And each act may run twice.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.backends import Backend, store_of_kind
from tests.kills import Kills
from tests.size import size
from tests.use_cases import accounts, findings
from tests.use_cases.use_case import UseCase

USE_CASES = (*accounts.USE_CASES, *findings.USE_CASES)
# In every run some of the points, other ones for each use case; in the drill all.
STRIDE = size(4, 1)

each_use_case = pytest.mark.parametrize("case", USE_CASES, ids=lambda case: case.name)


@pytest.fixture(params=["sqlite", "mongod"])
def backend(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Backend]:
    uri = request.getfixturevalue("emptied_database_uri") if request.param == "mongod" else None
    opened = Backend(tmp_path, store_of_kind(request.param, tmp_path, uri), photos="consent")
    yield opened
    opened.services.store.close()


@pytest.fixture
def kills(monkeypatch: pytest.MonkeyPatch) -> Kills:
    made = Kills()
    made.install(monkeypatch)
    return made


@each_use_case
def test_a_kill_at_any_command_leaves_all_or_nothing(
    backend: Backend, kills: Kills, case: UseCase
) -> None:
    prepared = case.prepare(backend)
    nothing = case.view(backend, prepared)
    with kills.counted():
        case.act(backend, prepared)
        points = kills.sent
    everything = case.view(backend, prepared)
    assert everything != nothing
    tried = range(len(case.name) % STRIDE, points, STRIDE)
    print(f"{case.name}: {points} commands, stopped before {len(tried)}")  # noqa: T201 (with -s)
    for point in tried:
        prepared = case.prepare(backend)
        with kills.before(point):
            case.act(backend, prepared)
        seen = case.view(backend, prepared)
        assert seen in (nothing, everything), f"half of it, where killed before command {point}"


@each_use_case
def test_each_act_may_run_twice(backend: Backend, kills: Kills, case: UseCase) -> None:
    prepared, other = case.prepare(backend), case.prepare(backend)
    case.act(backend, prepared)
    with kills.each_act_twice():
        case.act(backend, other)
    assert case.view(backend, other) == case.view(backend, prepared)
