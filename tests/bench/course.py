"""`python -m tests.bench.course [sqlite|mongod]`: what the course of a spot costs that has 1,000
findings of an account's 10,000, and the list of 1,000 spots. Medians in ms of requests through the
whole application, without a network; the answer is built and written each time. And of the
processor's time, what it costs to say what holds.
"""

import gc
import random
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from skinapi.care.lesion_records import Lesion, Place
from skinapi.logs import configure_logs
from skinapi.records.instructions import JudgedPhoto
from skinapi.records.opinions import Certainty, Opinion
from skinapi.records.reviews import Review
from skinapi.records.standing import Reader, SpotFacts, standing
from skinapi.records.submission import Submission
from skinapi.storage.ids import new_id, now
from skinapi.storage.ports import Document
from skinapi.vision.conditions import Band, conditions_table
from skinapi.vision.context import Context
from tests.bench.growth_common import document_of
from tests.stores.bulk_insert import fill_alike, settle
from tests.stores.mongod import running_mongod
from tests.support.backends import GENEROUS, Backend, Person, store_of_kind
from tests.support.findings import told_finding
from tests.support.size import size

FINDINGS, KEPT, SPOTS = 1000, 10_000, 1000
CALLS = size(20, 100)
BEGAN, DRAW = datetime(2026, 1, 1, tzinfo=UTC), random.Random(1)
SECTIONS = (
    "overview", "importance_of_early_detection", "recommendation", "confidence_explanation"
)  # fmt: skip


def measure(backend: Backend) -> Iterator[tuple[str, float]]:
    ada = backend.member()
    lesion = fill_spots(backend, backend.account(ada.email).id)
    settle(backend.services.store)
    path = f"/lesions/{lesion}/submissions"
    yield "the first 100 of the 1,000 findings of a spot", timed(ada, path, 100)
    yield "all 1,000 in one answer", timed(ada, f"{path}?limit=1000", FINDINGS)
    yield "its newest 100", timed(ada, f"{path}?order=newest&limit=100", 100)
    yield "100 from its middle", timed(ada, f"{path}?limit=100&after={middle(ada, path)}", 100)
    yield "all 1,000 spots", timed(ada, "/lesions", SPOTS)


def measure_standing() -> Iterator[tuple[str, float]]:
    page = [spot_of(photos=5, reviews=1) for _ in range(50)]
    crowded = spot_of(photos=1, reviews=100)
    for name, spots in (("50 spots of 10 facts", page), ("a spot with 100 reviews", [crowded])):
        took = [processor_seconds(partial(stand, spots)) for _ in range(CALLS)]
        yield f"what holds about {name}", statistics.median(took) * 1000


def stand(spots: Sequence[SpotFacts]) -> None:
    for one in spots:
        standing(one, Reader.DOCTOR, BEGAN)


def spot_of(*, photos: int, reviews: int) -> SpotFacts:
    """A photo each day, each with so many reviews of three doctors, an hour after the other."""
    days = [BEGAN + timedelta(days=place) for place in range(photos)]
    judged = [
        JudgedPhoto(f"{place}", place, DRAW.choice([*Band]), day, day)
        for place, day in enumerate(days)
    ]
    return SpotFacts(
        tuple(judged),
        {one.id: [some_review(one, hours) for hours in range(reviews)] for one in judged},
    )


def some_review(photo: JudgedPhoto, hours: int) -> Review:
    opinion = Opinion(
        certainty=DRAW.choice([*Certainty]),
        label=DRAW.choice(conditions_table().labels),
        urgency=DRAW.choice([None, *Band]),
    )
    return Review(
        id=new_id(),
        created_at=photo.created_at + timedelta(hours=1 + hours),
        submission=photo.id,
        doctor=DRAW.choice("abc"),
        signature="Grace",
        opinion=opinion,
    )


def processor_seconds(call: Callable[[], object]) -> float:
    start = time.process_time()
    call()
    return time.process_time() - start


def fill_spots(backend: Backend, owner: str) -> str:
    """Spots of this owner, one of which has FINDINGS of its findings; that one's id."""
    store, finding = backend.services.store, told_finding()
    spots = [new_id() for _ in range(SPOTS)]
    submission = Submission(
        id=owner,
        created_at=now(),
        number=0,
        owner=owner,
        band=finding.band,
        finding=finding,
        context=Context(),
        language="en",
        sections=dict.fromkeys(SECTIONS, "As it was answered. " * 20),
    )
    newest: dict[str, str] = {}

    def findings() -> Iterator[Document]:
        for number in range(1, KEPT + 1):
            # A tenth in the first spot, the others in turn in all that follow it.
            spot = spots[0 if number % 10 == 0 else 1 + number % (SPOTS - 1)]
            newest[spot] = new_id()
            keys = submission.model_copy(update={"number": number}).alone().make_keys()
            yield {"id": newest[spot], "number": number, "lesion": spot, **keys}

    fill_alike(store, "submissions", document_of(submission), findings())
    lesion = Lesion(
        id=owner, created_at=now(), owner=owner, place=Place(site="back"), name="x", findings=9
    )
    each = ({"id": spot, "latest": newest[spot]} for spot in spots)
    fill_alike(store, "lesions", document_of(lesion), each)
    return spots[0]


def middle(person: Person, path: str) -> str:
    found: str = person.call("GET", f"{path}?limit=1000").get_json()[FINDINGS // 2]["_id"]
    return found


def timed(person: Person, path: str, expected: int) -> float:
    def ask() -> Any:
        return person.call("GET", path)

    assert len(ask().get_json()) == expected
    gc.collect()
    gc.freeze()  # as the server does
    return statistics.median(seconds(ask) for _ in range(CALLS)) * 1000


def seconds(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def main(kind: str) -> None:
    configure_logs()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        uri = stack.enter_context(running_mongod()).uri if kind == "mongod" else None
        backend = Backend(folder, store_of_kind(kind, folder, uri), **GENEROUS)
        for name, took in (*measure_standing(), *measure(backend)):
            print(f"| {name} | {took:.1f} |")  # noqa: T201
        backend.services.store.close()


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "sqlite")
