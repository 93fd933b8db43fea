"""A handler for tests that stores a model. It imports the engine, which the others do not."""

import shutil
from typing import Any

from skinapi.lab.trainings.job_services import open_job_services, register_once
from skinapi.model.registry.serving_pointer import BROUGHT
from skinapi.platform.jobs.handlers import JobContext
from tests.platform.jobs.handlers import note, note_overlap
from tests.support.models import write_model


def register(context: JobContext) -> dict[str, Any]:
    note(context, "start")
    note_overlap(context)
    folder = context.work / "model"
    shutil.rmtree(folder, ignore_errors=True)
    write_model(folder, f"trained-{context.job.id}")
    version = register_once(open_job_services(context), folder, BROUGHT)
    note(context, "end")
    return {"version": version.version}
