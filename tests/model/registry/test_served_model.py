"""What the server does with a model folder: verifies, loads, warms; never TensorFlow."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from skinapi.base.errors import ModelDamaged
from skinapi.model.network.model import SHIPPED_MODEL
from skinapi.model.registry.prediction_pool import open_warm
from tests.support.models import tiny_model
from tests.support.size import drill


def test_the_shipped_model_is_whole_and_gets_ready() -> None:
    started = time.monotonic()
    model = open_warm(SHIPPED_MODEL)
    assert model.version.startswith("resnet50-")
    assert time.monotonic() - started < 20


def test_the_shipped_model_and_its_weights_stay_under_a_hundred_megabytes() -> None:
    size = sum(path.stat().st_size for path in SHIPPED_MODEL.iterdir())
    assert size < 100_000_000


def test_a_keras_file_as_model_path_is_told_how_to_export(tmp_path: Path) -> None:
    with pytest.raises(ModelDamaged, match="export"):
        open_warm(tmp_path / "mine.keras")


def test_the_serving_path_never_loads_a_training_framework() -> None:
    program = (
        "import sys; import skinapi; from skinapi.model.registry.prediction_pool import open_warm; "
        "from pathlib import Path; open_warm(Path(sys.argv[1])); "
        "print([m for m in ('tensorflow', 'keras', 'jax', 'torch') if m in sys.modules])"
    )
    told = subprocess.run(
        [sys.executable, "-c", program, SHIPPED_MODEL if drill else tiny_model()],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert told.stdout.strip() == "[]"
