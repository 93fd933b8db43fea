"""Each client with the shipped model: every answer has the form that the client reads."""

from collections.abc import Iterator

import pytest

from bench.photos import draw_spots
from skinapi.model.network.model import SHIPPED_MODEL
from tests.integrations.clients.dialects import CLIENTS, each_client, said
from tests.integrations.clients.served_backend import ServedBackend
from tests.model.photos import encoded, skin_with_spot
from tests.served.server import serving
from tests.support.size import size

READS = {
    "skinartify": {"predictions"},
    "skinartify's document": {"predictions", "results"},
    "guide": {"model_version", "predictions", "malignant_score", "grad_cam", "explanation"},
    "inference": {"predicted_label", "probabilities", "heatmap"},
    "report": {"pdf_report"},
    "lab": {"class_id", "class_name", "severity", "risk_score", "confidence", "model_version"},
}
MANY = size(6, 24)

pytestmark = pytest.mark.skipif(
    not SHIPPED_MODEL.exists(), reason="no model ships with this tree yet"
)


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedBackend]:
    settings = {"OPEN_LAB": "true", "MODEL_PATH": str(SHIPPED_MODEL)}
    with serving(tmp_path_factory.mktemp("shipped"), settings, workers=1) as server:
        yield ServedBackend(server)


@each_client
@pytest.mark.parametrize("size", [(600, 450), (96, 96), (1600, 1200)])
def test_a_photo_is_answered_in_the_clients_shape(
    shipped: ServedBackend, name: str, size: tuple[int, int]
) -> None:
    send, (refused, *_), kind = CLIENTS[name]
    answer = send(shipped, encoded(skin_with_spot(size)))
    assert answer.status_code in (200, refused)
    if answer.mimetype == "application/json":
        assert set(answer.get_json()) >= READS[name]
    else:
        assert said(answer, kind)


def test_the_guide_has_a_heat_map_of_spots_that_the_bench_draws(shipped: ServedBackend) -> None:
    """It gets a sentence alone where a finding is in doubt: the bench would measure nothing."""
    send, *_ = CLIENTS["guide"]
    statuses = [send(shipped, encoded(spot)).status_code for spot in draw_spots()[:MANY]]
    assert statuses.count(200) >= MANY // 3
