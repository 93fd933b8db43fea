"""The bench of batch runs to its end, in the drill alone."""

import pytest

from tests.app.batch import bench


@pytest.mark.drill
@pytest.mark.timeout(1800)
def test_the_bench_runs_to_its_end(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in {"PICTURES": 4, "ROUNDS": 1}.items():
        monkeypatch.setattr(bench, name, value)
    bench.main(None)
    assert "batch / bare" in capsys.readouterr().out
