"""Many jobs, data sets, their pictures and model versions, and the calls that list them."""

from collections.abc import Iterator
from datetime import timedelta
from functools import partial

from skinapi.composition.services import Services
from skinapi.jobs.job import Job
from skinapi.lab.datasets.dataset_images import DatasetImage
from skinapi.lab.datasets.dataset_versions import DatasetVersion
from skinapi.registry.serving_pointer import ModelVersion
from skinapi.registry.shadow import Disagreement, ShadowResults
from skinapi.storage.ids import new_id, now
from skinapi.storage.ports import Document, Store
from tests.bench.growth_common import (
    ADA,
    OTHER,
    OWNER,
    PAGE,
    PARENT,
    Calls,
    document_of,
    id_at,
    is_of_few,
    owned_by_few,
)
from tests.stores.bulk_insert import fill, fill_alike

# A data set has these fields only where they are true.
UNMARKED = {"reference": None}


# --- jobs: those of others have ended, forty are the owner's ---


def fill_jobs(store: Store, records: int) -> None:
    job = Job(
        id="made",
        created_at=now(),
        kind="training",
        owner=OTHER,
        request={"dataset": OWNER, "epochs": 4},
        status="completed",
        place="made",
        queue_key="made",
        completed_at=now(),
        metrics=tuple({"epoch": epoch, "loss": 0.5} for epoch in range(4)),
        result={"version": "resnet50-1"},
    )

    def each() -> Iterator[Document]:
        for number in range(records):
            place = new_id()
            owner = OWNER if is_of_few(number, records) else OTHER
            key = f"{number:010d}-{place}"
            yield {"id": f"{number:08x}", "place": place, "queue_key": key, "owner": owner}

    fill_alike(store, "jobs", document_of(job), each())


def job_calls(services: Services, records: int) -> Calls:
    middle = f"{records // 2:08x}"
    return {
        "jobs of all": lambda: services.jobs.queue.list_jobs(owner=None, limit=PAGE, after=None),
        "jobs, from the middle": lambda: services.jobs.queue.list_jobs(
            owner=None, limit=PAGE, after=middle
        ),
        "jobs of an account": lambda: services.jobs.queue.list_jobs(
            owner=OWNER, limit=PAGE, after=None
        ),
    }


# --- data sets and their pictures ---


def fill_datasets(store: Store, records: int) -> None:
    """A half published, a half refused; forty of the refused ones are the owner's."""
    made = DatasetVersion(
        id="made",
        created_at=now(),
        touched_at=now(),
        owner=OTHER,
        name="Ham",
        name_key="made",
        counts={"melanoma": 100, "nevus": 900},
        report={"pictures": 1000},
        pictures=1000,
    )
    each = (
        {
            "id": new_id(),
            "name_key": f"ham {number}",
            "version": 1,
            "status": "published" if number % 2 else "refused",
            "owner": OWNER if is_of_few(number, records) else OTHER,
        }
        for number in range(records)
    )
    fill_alike(store, "datasets", {**document_of(made), **UNMARKED}, each)


def dataset_calls(services: Services, records: int) -> Calls:
    datasets = services.lab.datasets
    middle = id_at(services.store, "datasets", {"name_key": f"ham {records // 2 + 1}"})

    def refused() -> None:
        datasets.page_unpublished(status="refused", after=None, limit=PAGE, by=ADA)

    return {
        "data sets, first page": lambda: datasets.page_datasets(after=None, limit=PAGE),
        "data sets, from the middle": lambda: datasets.page_datasets(after=middle, limit=PAGE),
        "data sets, own refused": refused,
    }


def fill_images(store: Store, records: int) -> None:
    """All of one data set."""
    image = DatasetImage(
        id="made",
        dataset=PARENT,
        sha256="made",
        dhash="0" * 16,
        name="pictures/made.jpg",
        created_at=now(),
        image_id="made",
        label="nevus",
        written="nv",
        lesion="made",
        width=600,
        height=450,
        format="jpeg",
        size=50_000,
    )
    bands = {f"band_{letter}": "0000" for letter in "abcd"}
    each = ({"id": new_id(), "sha256": f"{number:064x}"} for number in range(records))
    fill_alike(store, "images", {**document_of(image), **bands}, each)
    dataset = DatasetVersion(
        id=PARENT,
        created_at=now(),
        touched_at=now(),
        owner=OTHER,
        name="Ham",
        name_key="ham",
        version=1,
        status="published",
    )
    fill(store, "datasets", [{**document_of(dataset), **UNMARKED}])


def image_calls(services: Services, records: int) -> Calls:
    middle = id_at(services.store, "images", {"sha256": f"{records // 2:064x}"})

    def pictures(after: str | None) -> None:
        services.lab.datasets.page_images(dataset=PARENT, after=after, limit=PAGE)

    return {
        "pictures, first page": lambda: pictures(None),
        "pictures, from the middle": lambda: pictures(middle),
    }


# --- models ---


def fill_disagreements(store: Store, records: int) -> None:
    found = Disagreement(
        id="made", created_at=now(), version="other", serving_version="s", band="low", label="nevus"
    )
    alike = {**document_of(found), "expires_at": now() + timedelta(days=1)}
    fill_alike(store, "shadow_results", alike, owned_by_few("version", records))


def disagreement_calls(services: Services, _: int) -> Calls:
    results = ShadowResults(services.store)
    page = partial(results.page_disagreements, OWNER, after=None, limit=PAGE)
    return {"disagreements of a shadow": page}


def fill_versions(store: Store, records: int) -> None:
    version = ModelVersion(
        id="made",
        created_at=now(),
        version="made",
        state="retired",
        architecture="resnet50",
        created_by=OTHER,
        revision=1,
        card="{}" * 100,
    )
    each = ({"id": new_id(), "version": f"resnet50-{number}"} for number in range(records))
    fill_alike(store, "models", document_of(version), each)


def version_calls(services: Services, records: int) -> Calls:
    middle = id_at(services.store, "models", {"version": f"resnet50-{records // 2}"})
    versions = services.models.versions
    return {
        "models, first page": lambda: versions.page_versions(after=None, limit=PAGE),
        "models, from the middle": lambda: versions.page_versions(after=middle, limit=PAGE),
    }
