"""Models exchanged under people who send photos. No route exchanges a model yet, so the backend
is in this process; its requests go the whole way from form to answer.
"""

import io
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from werkzeug.test import TestResponse

from skinapi.errors import ModelDamaged
from skinapi.registry.serving.served_model import ServedModel
from tests.served.photo_clients import lesions
from tests.support.backends import Backend, Person
from tests.support.models import served_of, write_model
from tests.support.size import size

SENDERS = 8
PHOTOS = size(60, 3000)
VERSIONS = ("a", "b", "c")


class SwappingBackend(Backend):
    """A backend whose model is its own, to be exchanged."""

    def __init__(self, folder: Path) -> None:
        self.models = [write_model(folder / version, version) for version in VERSIONS]
        super().__init__(folder / "instance")

    def served(self) -> ServedModel:
        return served_of(self.models[0])


def send(person: Person, photo: bytes) -> TestResponse:
    data = {"image": (io.BytesIO(photo), "lesion.jpg")}
    return person.call("POST", "/predict", data=data, content_type="multipart/form-data")


def test_every_answer_names_one_model_that_was_in_service(
    tmp_path: Path, report: Callable[[str], None]
) -> None:
    backend = SwappingBackend(tmp_path)
    ada, (photo,) = backend.member(), lesions(1)
    broken = write_model(tmp_path / "broken", "broken")
    (broken / "network.bin").write_bytes(b"something else")
    stop, swaps = threading.Event(), Counter[str]()

    def exchange() -> None:
        """Loads and refused loads, in turns."""
        while not stop.is_set():
            for folder in backend.models:
                swaps[backend.app.registry.served.swap(folder).version] += 1
                with pytest.raises(ModelDamaged):
                    backend.app.registry.served.swap(broken)

    exchanger = threading.Thread(target=exchange)
    exchanger.start()
    with ThreadPoolExecutor(SENDERS) as pool:
        answers = list(pool.map(lambda _: send(ada, photo), range(PHOTOS)))
    stop.set()
    exchanger.join()
    assert {answer.status_code for answer in answers} == {200}
    named = Counter(answer.get_json()["model_version"] for answer in answers)
    assert set(named) <= set(VERSIONS)
    assert len(named) > 1
    report(f"{sum(swaps.values())} exchanges under {PHOTOS} photos; answers named {dict(named)}")
    backend.services.store.close()
