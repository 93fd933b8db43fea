from collections.abc import Callable
from functools import partial
from typing import Any

from skinapi.base.area_parts import list_parts
from skinapi.base.settings.settings import Settings
from skinapi.platform.jobs.announcements import Broker
from skinapi.platform.jobs.job import Job
from skinapi.platform.jobs.job_queue import Jobs
from skinapi.platform.storage.ports import Store
from skinapi.platform.storage.store_version import refuse_former_key


def open_jobs(store: Store, settings: Settings, get: Callable[[type], Any]) -> Jobs:
    parts = list_parts("job_listener", on=settings.switches_on)
    listeners = [part.listen(get) for part in parts]

    def tell(job: Job) -> None:
        for listener in listeners:
            listener(job)

    check_key = partial(refuse_former_key, store, secrets=settings.audit_secrets())
    return Jobs(store, on_ended=tell, before_claim=check_key)


def open_broker(settings: Settings) -> Broker | None:
    parts = list_parts("announcing", on=settings.switches_on)
    return next(filter(None, (part.open_broker(settings) for part in parts)), None)
