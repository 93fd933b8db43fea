"""The bench of this folder runs to its end, in the drill alone."""

import pytest

from skinapi.model.network.model import SHIPPED_MODEL
from tests.integrations.dicom import bench


@pytest.mark.drill
def test_the_bench_runs_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench, "TURNS", 1)
    (line,) = bench.table(bench.measure_dicom(SHIPPED_MODEL))
    assert "POST /predict" in line
