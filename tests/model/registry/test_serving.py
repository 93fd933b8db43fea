import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from skinapi.base.errors import ModelDamaged, NoModel, Unavailable
from skinapi.base.settings.settings import Settings
from skinapi.base.settings.sizing import usable_cores
from skinapi.model.network.engine import OpenVinoEngine
from skinapi.model.registry.composition import open_inference, open_models, open_served
from skinapi.model.registry.inference import InferenceService
from skinapi.model.registry.prediction_pool import BACKGROUND, PoolCaller, PredictionPool, open_warm
from skinapi.platform.audit.trail import AuditTrail
from skinapi.platform.storage.unit_of_work import UnitOfWork
from tests.stores.mock_store import MockStore
from tests.support.backends import SECRET, settings_in
from tests.support.models import registry_of, tiny_model, write_model
from tests.support.photos import photo_of
from tests.support.size import size

PATIENCE_S = 60
ADA, BERT, MALLORY = (PoolCaller(name, signed_in=True) for name in ("ada", "bert", "mallory"))


def opened(settings: Settings) -> InferenceService:
    store = MockStore()
    trail = AuditTrail(store, secrets=[SECRET])
    models = open_models(settings, store, UnitOfWork(store, trail))
    inference, reloader = open_inference(settings, models, open_served(settings), {})
    reloader.run_once()
    return inference


def test_a_keras_file_as_model_path_is_told_how_to_export(tmp_path: Path) -> None:
    with pytest.raises(ModelDamaged, match="export"):
        open_warm(tmp_path / "mine.keras")


def test_during_a_model_swap_every_answer_names_one_existing_version(tmp_path: Path) -> None:
    inference = registry_of(write_model(tmp_path / "a", "a"), queue=1000)
    other = write_model(tmp_path / "b", "b")
    photo = photo_of("melanoma")
    stop = threading.Event()

    def exchange() -> None:
        while not stop.is_set():
            inference.served.swap(other)
            inference.served.swap(tmp_path / "a")

    exchanger = threading.Thread(target=exchange)
    exchanger.start()
    found = list[str]()
    with ThreadPoolExecutor(8) as pool:
        while len(found) < size(100, 2000) or len({*found}) < 2:
            found += [
                judged.finding.model_version
                for judged in pool.map(
                    lambda _: inference.classify_photo(content=photo, caller=ADA), range(100)
                )
            ]
    stop.set()
    exchanger.join()
    assert {*found} == {"a", "b"}


def test_past_the_queue_the_answer_is_503_at_once_and_places_are_freed() -> None:
    pool, go = PredictionPool(streams=1, queue=1), threading.Event()
    refused = []

    def call() -> bool:
        try:
            return pool.run(go.wait, caller=ADA)
        except Unavailable as busy:
            refused.append(busy.retry_after)
            if len(refused) == 6:
                go.set()
            return False

    with ThreadPoolExecutor(8) as crowd:
        answers = list(crowd.map(lambda _: call(), range(8)))
    assert sum(answers) == 2
    assert len(refused) == 6
    assert all(refused)
    assert pool.run(lambda: 7, caller=ADA) == 7


class FullPool:
    """One thread and three places in the queue. Its photos wait until `go` is set."""

    def __init__(self) -> None:
        self.pool = PredictionPool(streams=1, queue=3)
        self.go, self.began = threading.Event(), threading.Event()
        self.refused: list[PoolCaller] = []
        self.crowd = ThreadPoolExecutor(16)

    def send(self, *callers: PoolCaller) -> list[Future[PoolCaller | None]]:
        sent = []
        for caller in callers:
            before = self._arrived(caller)
            sent.append(self.crowd.submit(self._call, caller))
            assert self.began.wait(PATIENCE_S)
            while self._arrived(caller) == before:
                time.sleep(0.001)
        return sent

    def _arrived(self, caller: PoolCaller) -> int:
        with self.pool._lock:
            inside = [place.caller for place in self.pool._under_way.values()]
        return inside.count(caller) + self.refused.count(caller)

    def _call(self, caller: PoolCaller) -> PoolCaller | None:
        try:
            self.pool.run(self._hold, caller=caller)
        except Unavailable:
            self.refused.append(caller)
            return None
        return caller

    def _hold(self) -> bool:
        self.began.set()
        return self.go.wait(PATIENCE_S)


@pytest.fixture
def full() -> Iterator[FullPool]:
    full = FullPool()
    yield full
    full.go.set()
    full.crowd.shutdown()


def test_when_the_queue_is_full_the_caller_who_has_most_photos_makes_room(full: FullPool) -> None:
    sent = full.send(MALLORY, MALLORY, MALLORY, MALLORY, ADA, BERT)
    # With two places nobody can have more than their share.
    with pytest.raises(Unavailable):
        full.pool.run(full._hold, caller=MALLORY)
    full.go.set()
    assert [item.result() for item in sent] == [MALLORY, MALLORY, None, None, ADA, BERT]
    assert full.refused == [MALLORY, MALLORY]
    assert len(full.pool) == 0


def test_a_photo_without_an_account_gives_way_to_one_with_an_account(full: FullPool) -> None:
    strangers = [PoolCaller(f"2001:db8:{n}::/48", signed_in=False) for n in range(6)]
    sent = full.send(*strangers[:4], ADA, ADA, ADA)
    with pytest.raises(Unavailable):
        full.pool.run(full._hold, caller=strangers[5])
    full.go.set()
    assert [item.result() for item in sent] == [strangers[0], None, None, None, ADA, ADA, ADA]


def test_work_in_the_background_gives_way_to_everybody(full: FullPool) -> None:
    stranger = PoolCaller("2001:db8::/48", signed_in=False)
    sent = full.send(ADA, BACKGROUND, stranger, stranger, stranger)
    with pytest.raises(Unavailable):
        full.pool.run(full._hold, caller=BACKGROUND)
    full.go.set()
    assert [item.result() for item in sent] == [ADA, None, stranger, stranger, stranger]


def test_without_a_model_the_registry_opens_and_judges_nothing(tmp_path: Path) -> None:
    inference = opened(settings_in(tmp_path, model_path=tmp_path / "nowhere"))
    with pytest.raises(NoModel):
        inference.served.ping()
    with pytest.raises(NoModel):
        inference.classify_photo(content=photo_of("melanoma"), caller=ADA)


def test_a_photo_that_comes_before_the_first_model_waits_for_it(tmp_path: Path) -> None:
    served = open_served(settings_in(tmp_path))
    with pytest.raises(Unavailable, match="starting"):
        served.ping()
    with ThreadPoolExecutor(1) as sender:
        waiting = sender.submit(lambda: served.model)
        opened = served.swap(tiny_model())
        assert waiting.result(PATIENCE_S) is opened


def test_an_engine_has_its_process_s_share_of_the_cores_and_is_pinned_to_none(
    tmp_path: Path,
) -> None:
    settings = settings_in(tmp_path, workers=usable_cores())
    engine = open_served(settings).swap(tiny_model()).engine
    assert isinstance(engine, OpenVinoEngine)
    names = ("INFERENCE_NUM_THREADS", "ENABLE_CPU_PINNING")
    assert [engine._compiled.get_property(name) for name in names] == [1, False]
