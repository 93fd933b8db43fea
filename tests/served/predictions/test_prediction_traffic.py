import itertools
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

import pytest

from skinapi.model.network.model import SHIPPED_MODEL
from tests.served.doors import DRAWN, OPEN
from tests.served.people import Caller, Seeder
from tests.served.photo_clients import ANGULAR, Client, lesions
from tests.served.server import Server, serving
from tests.served.wire import Answer
from tests.support.models import tiny_model
from tests.support.size import in_drill, size

CLIENTS = 16
REQUESTS = size(32, 10_000)
PHOTOS = size(8, 32)
ITS_OWN = ("_id", "id", "lesion", "time", "processing_time_ms", "instruction")


# Of several processes one starts the servers.
pytestmark = pytest.mark.xdist_group("prediction traffic")


@pytest.fixture(scope="module", params=["tiny", *in_drill("shipped")])
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """One process, with a network that takes no time and with the real one."""
    model = {"tiny": tiny_model(), "shipped": SHIPPED_MODEL}[request.param]
    folder = tmp_path_factory.mktemp("traffic")
    with serving(folder, {"MODEL_PATH": str(model), **OPEN}, workers=1) as server:
        yield server


@pytest.fixture
def ada(server: Server) -> Iterator[Caller]:
    with closing(Seeder(server)) as seeder:
        yield seeder.person()


def of_the_photo(answer: Answer) -> dict[str, Any]:
    return {name: value for name, value in answer.json.items() if name not in ITS_OWN}


def test_each_photo_gets_its_own_answer_whatever_else_is_asked(
    server: Server, ada: Caller, report: Callable[[str], None]
) -> None:
    # Many are told to some clients in one and the same sentence, which shows no mix-up.
    judged = (
        lesion
        for lesion in lesions(4 * PHOTOS)
        if all(client.send(server.port, lesion).status == 200 for client in DRAWN)
    )
    photos = list(itertools.islice(judged, PHOTOS))
    assert len(photos) == PHOTOS
    pairs = list(itertools.product((ANGULAR, *DRAWN), range(PHOTOS)))

    def send(pair: tuple[Client, int]) -> Answer:
        client, photo = pair
        return client.send(server.port, photos[photo], token=ada.token)

    alone = {pair: of_the_photo(send(pair)) for pair in pairs}
    assert len({str(answer) for answer in alone.values()}) > len(pairs) * 3 // 4
    asked = list(itertools.islice(itertools.cycle(pairs), REQUESTS))
    with ThreadPoolExecutor(CLIENTS) as pool:
        answers = list(pool.map(send, asked))
    mixed_up = [
        (client.name, photo)
        for (client, photo), answer in zip(asked, answers, strict=True)
        if of_the_photo(answer) != alone[client, photo]
    ]
    assert mixed_up == []
    numbers = Counter(answer.json["id"] for answer in answers if "id" in answer.json)
    assert set(numbers.values()) == {1}
    statuses = Counter(answer.status for answer in answers)
    report(f"{REQUESTS} requests of {CLIENTS} clients, 0 mixed up; statuses {dict(statuses)}")
