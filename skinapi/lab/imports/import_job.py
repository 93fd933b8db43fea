"""The job that makes a model version of a network that was uploaded.

The file is read by a process of its own, which has no secret (network_export.py), and refused
where it holds more than the layers of an allow list (learning/package/keras_objects.py).
"""

from pathlib import Path
from typing import Any

from skinapi.jobs.process.handlers import JobContext
from skinapi.lab.imports.network_export import ExportRequest, export_confined
from skinapi.lab.imports.service import ImportRequest, suffix_of
from skinapi.lab.trainings.job_services import JobServices, open_job_services, register_once
from skinapi.lab.trainings.model_comparison import compare_on_reference
from skinapi.registry.versions.version_record import ModelVersion, Origin

READ, EXPORTED, COMPARED = 10.0, 60.0, 90.0


def import_model(context: JobContext) -> dict[str, Any]:
    """The handler of jobs of the kind `import`. Raises NotFound where the upload is gone, and
    BadNetwork, BadRequest, Conflict. The upload is deleted when its version is stored.
    """
    lab = open_job_services(context)
    request = ImportRequest.model_validate(context.job.request)
    version = lab.find_stored() or _store_version(lab, request)
    lab.uploads.remove(request.upload)
    return {"version": version.version}


def _store_version(lab: JobServices, request: ImportRequest) -> ModelVersion:
    context = lab.context
    folder = context.work / "model"
    if not folder.is_dir():  # it appears when it is complete; an attempt before may have made it
        context.progress(0.0, "Reading the file")
        network = _write_network(lab, request)
        context.progress(READ, "Checking the network")
        wanted = ExportRequest(
            network=network.absolute(),
            labels=request.labels,
            scaling=request.scaling.value,
            side=request.side,
            licence=request.licence,
            out=folder.absolute(),
        )
        for line in export_confined(wanted, work=context.work, memory=lab.settings.job_memory):
            context.say(line)
    context.progress(EXPORTED, "Comparing with the model in service")
    compared = compare_on_reference(lab, lab.write_serving(), folder)
    context.progress(COMPARED, "Storing the version")
    return register_once(lab, folder, Origin(reference_comparison=compared))


def _write_network(lab: JobServices, request: ImportRequest) -> Path:
    upload = lab.uploads.get(request.upload, owner=lab.context.job.owner)
    # A name of ours: theirs may be anything.
    path = lab.context.work / f"network{suffix_of(upload.name)}"
    with path.open("wb") as file:
        file.writelines(lab.uploads.read(upload))
    return path
