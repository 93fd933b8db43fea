"""Each bench runs at its smallest size, and in the drill alone."""

import sys
from pathlib import Path
from typing import Any

import pytest

from bench import (
    __main__,
    cores,
    growth,
    refusal_limits,
    serving,
    starts,
    steadiness,
)
from bench.load import Bounds
from bench.photos import SIZES, photos
from skinapi.model.network.model import SHIPPED_MODEL
from tests.served.server import ROOT

pytestmark = [pytest.mark.drill, pytest.mark.timeout(1800)]

SMALLEST: dict[Any, dict[str, Any]] = {
    __main__: {"CALLS": 4, "LOGINS": 2, "USERS": 2},
    cores: {"TURNS": 1, "TURN_S": 0.5},
    growth: {"FEW": 100, "MANY": 200, "CALLS": 3},
    serving: {"CLIENTS": (1,), "OURS": Bounds(4, seconds=10), "STARTS": 1},
}


@pytest.fixture(autouse=True)
def _smallest(monkeypatch: pytest.MonkeyPatch) -> None:
    for module, sizes in SMALLEST.items():
        for name, value in sizes.items():
            monkeypatch.setattr(module, name, value)


def test_the_bench_of_make_bench_runs_to_its_end(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    __main__.main(tmp_path / "bench.json")
    said = capsys.readouterr().out
    assert "audit of an action" in said
    assert said.endswith(f"written to {tmp_path / 'bench.json'}\n")


def test_the_growth_of_each_collection_is_measured() -> None:
    results = growth.measure_growth(("sqlite",))
    assert growth.GROWING.keys() == results["sqlite"].keys()


def test_the_bench_of_starts_runs_to_its_end(capsys: pytest.CaptureFixture[str]) -> None:
    starts.main([ROOT], [sys.executable], 1)
    assert "held MB" in capsys.readouterr().out


@pytest.mark.parametrize("bench", [refusal_limits, steadiness])
def test_a_bench_of_the_models_limits_runs_to_its_end(
    bench: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for number, photo in enumerate(photos(None)[next(iter(SIZES))][:4]):
        (tmp_path / f"{number}.jpg").write_bytes(photo)
    options = ["bench", "--model", str(SHIPPED_MODEL), "--images", str(tmp_path)]
    monkeypatch.setattr(sys, "argv", options)
    bench.main()
    assert capsys.readouterr().out.startswith("4 p")
