"""Opens the queue of jobs with who is told when one ends: areas that have a `jobs.py`."""

from collections.abc import Callable
from typing import Any

from skinapi.base.area_parts import list_parts
from skinapi.base.settings import Settings
from skinapi.platform.jobs.job import Job
from skinapi.platform.jobs.job_queue import Jobs
from skinapi.platform.storage.ports import Store


def open_jobs(store: Store, settings: Settings, get: Callable[[type], Any]) -> Jobs:
    """`get` gives the repositories."""
    listeners = [
        part.listen(get)
        for part in list_parts("jobs")
        if settings.switches_on(part.__name__.split(".")[-2])
    ]

    def tell(job: Job) -> None:
        for listener in listeners:
            listener(job)

    return Jobs(store, on_ended=tell)
