from typing import Any

from skinapi.app.composition.person_data import open_file_maker
from skinapi.app.composition.services import open_services
from skinapi.base.errors import NotFound
from skinapi.base.logs import current_request_id
from skinapi.base.settings.settings import Settings
from skinapi.base.subject import Allowances, Unlimited
from skinapi.platform.jobs.handlers import JobContext
from skinapi.privacy.person_file.stored_files import FileEnded


def make_file(context: JobContext) -> dict[str, Any]:
    """A job `Handler`. An account has one file at a time, without a quota."""
    settings, job = Settings(), context.job
    current_request_id.set(job.id)
    services = open_services(settings, change=False)
    try:
        account = services.data.accounts.get(job.owner)
    except NotFound as error:
        raise FileEnded from error
    services.container.put({Allowances: Unlimited()})
    size = services.container.build(open_file_maker).make(
        account=account,
        file=str(job.request["file"]),
        folder=context.work,
        progress=context.progress,
    )
    return {"bytes": size}
