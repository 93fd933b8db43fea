"""Only the validation part of every source is read here, and of other photos the thirty on which
the limits were chosen. The figures on unseen pictures are on the card.
"""

import json
from collections.abc import Iterable
from pathlib import Path

import pytest

from skinapi.model.finding import Doubt
from skinapi.model.network.model import SHIPPED_MODEL, Model, open_model
from tests.support.outcomes import name_outcome
from tests.support.size import size

DATA = Path(__file__).parents[3] / "shared" / "data"
pytestmark = [
    pytest.mark.skipif(
        not DATA.is_dir(), reason="skipped: the pictures are not beside the project"
    ),
    pytest.mark.skipif(not SHIPPED_MODEL.is_dir(), reason="skipped: no model is in the box"),
]


@pytest.fixture(scope="module")
def model() -> Model:
    return open_model(SHIPPED_MODEL)


def share_doubted(model: Model, paths: Iterable[Path]) -> float:
    """Return the share of pictures that are refused, or about which the sender is asked."""
    outcomes = [name_outcome(model, path.read_bytes()) for path in paths]
    doubted = [
        outcome.startswith("refused") or Doubt.NOT_SURELY_SKIN in outcome for outcome in outcomes
    ]
    return sum(doubted) / len(doubted)


@pytest.mark.parametrize("source", ["ham10000", "isic2017", "pad_ufes_20"])
def test_at_most_one_lesion_in_a_hundred_is_doubted(model: Model, source: str) -> None:
    split = json.loads((SHIPPED_MODEL / "split.json").read_text())
    paths = [DATA / source / f"{name}.jpg" for name in split["validation"]]
    chosen = [path for path in paths if path.exists()][: size(4, 5000)]
    assert len(chosen) >= size(4, 100)
    assert share_doubted(model, chosen) <= 0.01


def test_nearly_all_that_is_not_skin_is_doubted(model: Model) -> None:
    strangers = sorted((DATA / "not_skin").iterdir())[::2][: size(4, 30)]
    assert share_doubted(model, strangers) >= 0.9
