"""Notifies endpoints that a job has ended. Imported without the area by the worker, where most jobs
end.
"""

from collections.abc import Callable
from typing import Any

from skinapi.integrations.webhooks.endpoints import Endpoints, WebhookEvents
from skinapi.platform.jobs.job import Job
from skinapi.platform.notices.deliveries import Deliveries


def listen(get: Callable[[type], Any]) -> Callable[[Job], None]:
    return WebhookEvents(get(Endpoints), get(Deliveries)).on_job_ended
