"""An LLM that hangs delays only the few requests that wait for it."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from skinapi.findings.reports.openrouter import MOST_AT_ONCE
from skinapi.model.network.model import SHIPPED_MODEL
from tests.served.people import Caller, Seeder
from tests.served.photo_clients import ANGULAR, lesions
from tests.served.server import Server, stopping
from tests.served.wire import Answer
from tests.support.models import tiny_model
from tests.support.openrouter import KEY, OpenRouter, hang, running_openrouter
from tests.support.size import drill, size

CLIENTS = 16
REQUESTS = size(32, 1600)
ROUNDS = size(1, 2)
SERVE = (
    "import runpy, sys; from skinapi.findings.reports import narrator; "
    f"narrator.LLM_DEADLINE_S = {size(1, 8)}; sys.argv = ['skinapi', 'serve']; "
    "runpy.run_module('skinapi', run_name='__main__')"
)


@pytest.fixture
def llm() -> Iterator[OpenRouter]:
    with running_openrouter() as server:
        server.behave = hang
        yield server


@contextmanager
def ada_of_a_backend(folder: Path, llm: OpenRouter) -> Iterator[Caller]:
    environment = {
        "MODEL_PATH": str(SHIPPED_MODEL if drill else tiny_model()),
        "OPENROUTER_API_KEY": KEY,
        "OPENROUTER_URL": llm.url,
        "PREDICT_NARRATIVE": "llm",
    }
    with (
        stopping(Server(folder, environment, workers=1)) as server,
        closing(Seeder(server)) as seeder,
    ):
        server.start(("-c", SERVE))
        yield seeder.person()


def send_all(ada: Caller) -> tuple[float, list[Answer]]:
    photos = lesions(CLIENTS)

    def send(number: int) -> Answer:
        return ANGULAR.send(ada.port, photos[number % len(photos)], token=ada.token)

    started = time.monotonic()
    with ThreadPoolExecutor(CLIENTS) as pool:
        answers = list(pool.map(send, range(REQUESTS)))
    return REQUESTS / (time.monotonic() - started), answers


def test_predictions_go_on_while_the_llm_hangs(
    tmp_path: Path, llm: OpenRouter, report: Callable[[str], None]
) -> None:
    reasons: Counter[str] = Counter()
    for turn in range(ROUNDS):
        with ada_of_a_backend(tmp_path / str(turn), llm) as ada:
            alone, _ = send_all(ada)  # without consent the template writes
            assert ada.call("PUT", "/me/consents", json={"llm": True}).status == 200
            hung, answers = send_all(ada)
        assert {answer.status for answer in answers} == {200}
        sources = [answer.json["narrative"]["source"] for answer in answers]
        assert {source["writer"] for source in sources} == {"template"}
        reasons.update(source["reason"] for source in sources)
        report(
            f"{REQUESTS} photos of {CLIENTS} clients: {alone:.1f}/s by the template, "
            f"{hung:.1f}/s while the LLM hangs ({hung / alone:.0%}); why: {dict(reasons)}"
        )
    assert set(reasons) <= {"deadline", "busy", "resting"}
    assert reasons["deadline"]
    assert llm.most_at_once <= MOST_AT_ONCE
