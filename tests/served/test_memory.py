"""What the whole server holds at its worst: hosts have 512 MB, photos twelve megapixels."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from skinapi.vision.model import SHIPPED_MODEL, ModelCard
from skinapi.vision.openvino_engine import Precision
from tests.served.camera import ANGULAR, GUIDE, OPEN, large_photo
from tests.served.memory import watching_memory
from tests.served.people import Town
from tests.served.server import serving
from tests.size import size

MOST_MB = 350.0
CLIENTS = 16
UPLOADS = size(48, 480)


@pytest.mark.parametrize("precision", Precision)
def test_the_server_fits_a_small_host_under_photos_of_twelve_megapixels(
    tmp_path: Path, precision: Precision, report: Callable[[str], None]
) -> None:
    """In the precision that the shipped model's card names; the other is measured and told."""
    card = ModelCard.model_validate_json((SHIPPED_MODEL / "card.json").read_bytes())
    settings = {"MODEL_PATH": str(SHIPPED_MODEL), "MODEL_PRECISION": precision.value, **OPEN}
    with serving(tmp_path, settings, workers=1) as server, closing(Town(server)) as town:
        ada = town.person()

        def send(number: int) -> tuple[str, int]:
            client = (ANGULAR, GUIDE)[number % 2]
            return client.name, client.send(server.port, large_photo(), token=ada.token).status

        with (
            watching_memory(server.master) as seen,
            ThreadPoolExecutor(CLIENTS) as pool,
        ):
            heard = set(pool.map(send, range(UPLOADS)))
    report(
        f"{precision.value}: {UPLOADS} photos of 12 megapixels from {CLIENTS} clients: "
        f"peak {seen.peak_held:.0f} MB, {seen.peak_rss:.0f} MB where shared pages count twice"
    )
    assert {(ANGULAR.name, 200), (GUIDE.name, 200)} <= heard
    assert {status for _, status in heard} <= {200, 503}
    if precision is card.precision:
        assert seen.peak_held <= MOST_MB
