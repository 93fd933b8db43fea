"""Tells endpoints that a job has ended. A worker, which ends most, imports this and no area."""

from collections.abc import Callable
from typing import Any

from skinapi.integrations.webhooks.endpoints import Endpoints, WebhookEvents
from skinapi.platform.jobs.job import Job
from skinapi.platform.notices.deliveries import Deliveries


def listen(get: Callable[[type], Any]) -> Callable[[Job], None]:
    return WebhookEvents(get(Endpoints), get(Deliveries)).on_job_ended
