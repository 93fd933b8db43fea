"""The bench of a server beside a training runs to its end, in the drill alone."""

import pytest

from bench.load import Bounds
from tests.lab import bench


@pytest.mark.drill
@pytest.mark.timeout(1800)
def test_the_bench_runs_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    smallest = {"ROUNDS": 1, "ROUND": Bounds(4, seconds=10), "CLIENTS": (1,)}
    for name, value in smallest.items():
        monkeypatch.setattr(bench, name, value)
    assert "beside a training" in next(bench.table(bench.measure_beside_training()))
