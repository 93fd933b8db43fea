"""The job that makes the file with everything about its owner, in a process of its own.

It stands above `composition`, whose services it needs; `run_job` names it by its text alone.
"""

from typing import Any

from skinapi.app.composition.privacy_services import open_file_maker
from skinapi.app.composition.services import open_services
from skinapi.base.errors import NotFound
from skinapi.base.logs import current_request_id
from skinapi.base.settings import Settings
from skinapi.platform.jobs.handlers import JobContext
from skinapi.privacy.person_file.stored_files import FileEnded


def make_file(context: JobContext) -> dict[str, Any]:
    """A `Handler`: its request names the file."""
    settings, job = Settings(), context.job
    current_request_id.set(job.id)
    services = open_services(settings, change=False)
    try:
        account = services.data.accounts.get(job.owner)
    except NotFound as error:
        raise FileEnded from error
    maker = open_file_maker(settings, services)
    made = maker.make(
        account=account,
        file=str(job.request["file"]),
        attempt=job.attempts,
        folder=context.work,
        progress=context.progress,
    )
    return {"bytes": made.bytes}
