"""Hostile files of every family, sent as every client: no server error, and nothing of them is
stored. In the drill all of them.
"""

import itertools
import time
from collections.abc import Callable, Iterator

import pytest

from tests.clients.dialects import CLIENTS
from tests.prediction.photographer import send
from tests.support.backends import Backend
from tests.support.size import size
from tests.vision.decoding import hostile

Family = Callable[[], Iterator[tuple[str, bytes]]]
MOST_SECONDS = 2.0
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore::RuntimeWarning")


@pytest.fixture(scope="module")
def backend(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backend]:
    backend = Backend(tmp_path_factory.mktemp("hostile"), open_lab=True)
    yield backend
    backend.services.store.close()


@pytest.mark.parametrize("family", hostile.EVERY, ids=lambda family: family.__name__)
def test_no_file_breaks_any_client(backend: Backend, family: Family) -> None:
    ada, clients = backend.member(), itertools.cycle(CLIENTS.items())
    before = len(list(backend.services.store.blobs.keys()))
    for name, content in itertools.islice(family(), size(len(CLIENTS), 1000)):
        started = time.thread_time()
        answer = send(ada, content, keep_photo="true")
        assert answer.status_code in (200, 422), name
        if answer.status_code == 422:
            assert answer.get_json()["code"] == "not_judgeable", name
        client, (speak, (refused, *_), _) = next(clients)
        other = speak(backend, content)
        assert other.status_code in (200, refused, 400), f"{client}: {name}"
        assert time.thread_time() - started < 2 * MOST_SECONDS, name
    kept = len(ada.pages("/submissions"))
    assert len(list(backend.services.store.blobs.keys())) == before + kept
    assert list(backend.services.faults()) == []
