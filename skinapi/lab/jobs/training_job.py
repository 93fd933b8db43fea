"""The job that trains a network on a data set and stores it as a model version.

It imports Keras, which the server never does. After a crash it resumes after the last finished
epoch, and it never stores a version twice.
"""

import math
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from skinapi.base.errors import BadNetwork
from skinapi.lab.datasets.dataset_images import DatasetImage
from skinapi.lab.datasets.dataset_versions import DatasetVersion
from skinapi.lab.datasets.learned_pictures import learned_by
from skinapi.lab.datasets.reference import list_held_out
from skinapi.lab.jobs.job_services import (
    JobServices,
    count_erased,
    open_job_services,
    register_once,
)
from skinapi.lab.jobs.model_comparison import LearnedFrom, compare_models, compare_on_reference
from skinapi.lab.service import TrainingRequest
from skinapi.learning.commands.options import TrainOptions
from skinapi.learning.commands.train import train_model
from skinapi.learning.data.datasets import load_sources
from skinapi.learning.data.samples import Sample, read_split, select_part
from skinapi.learning.progress import Progress, StageLine, StepLine
from skinapi.learning.train.weights import find_imagenet
from skinapi.model.network.model import NORMS, SPLIT, read_card
from skinapi.model.registry.stored_version import ModelVersion, Origin, PatientPictures
from skinapi.platform.jobs.handlers import JobContext
from skinapi.platform.storage.ids import now

TRAINING = "training"  # the folder of the checkpoints
NOTED = ".json"  # next to the data set
# Percent of the job's progress; the epochs lie between the first two.
READ, TRAINED, MEASURED, COMPARED = 2.0, 80.0, 95.0, 99.0
# How often all pictures of a part are run: of the calibration, the test and its changed pictures;
# by the model in service and by the new one.
MEASURING, COMPARING = 18, 2


def train(context: JobContext) -> dict[str, Any]:
    lab = open_job_services(context)
    version = lab.find_stored() or _store_version(lab)
    return {"version": version.version, "dataset": version.dataset, "headline": version.headline}


def _store_version(lab: JobServices) -> ModelVersion:
    context = lab.context
    request = TrainingRequest.model_validate(context.job.request)
    dataset = lab.datasets.get_published(request.dataset)
    serving = lab.write_serving()
    stages = _Stages(context)
    stages.begin(0.0, READ, "Reading the data set")
    source = _write_source(lab, dataset, serving, stages)
    lab.datasets.get_published(dataset.id)  # deleted meanwhile, it may have been written in part
    options = _options(lab, request, dataset, source, serving)
    stages.begin(READ, TRAINED, "Training")
    folder = train_model(lab.settings, options, report=stages.report, on_epoch=stages.tell_epoch)
    stages.begin(MEASURED, COMPARED, "Comparing with the model in service", COMPARING)
    samples = _test_samples(options, folder)
    compared = compare_models(serving, folder, samples, stages.report) if serving else None
    origin = Origin(
        dataset=dataset.id,
        parent=compared.first_version if compared else None,
        patient_pictures=_find_read(source),
        started_from=_started_from(serving, options),
        comparison=compared,
        reference_comparison=compare_on_reference(
            lab, serving, folder, learned_from=LearnedFrom(dataset, source)
        ),
    )
    return register_once(lab, folder, origin)


def _write_source(
    lab: JobServices, dataset: DatasetVersion, serving: Path | None, stages: "_Stages"
) -> Path:
    """Write the data set without the pictures in the reference, again if a picture was erased
    before the training begins. The public card contains the folder's name, so that is not the
    user's name of the data set.
    """
    folder = lab.context.work / "data" / f"dataset-{dataset.id}"
    while True:
        if not folder.is_dir():
            _write_once(lab, dataset, serving, folder, stages)
        begun = (lab.context.work / TRAINING).exists()
        if begun:
            return folder
        read = lab.datasets.find(dataset.id)
        erased = count_erased(lab.images, dataset.id, folder)
        if not erased:
            _note_read(folder, read)
            return folder
        lab.context.say(f"{erased} pictures were erased meanwhile: the data set is read again")
        shutil.rmtree(folder)


def _note_read(folder: Path, dataset: DatasetVersion | None) -> None:
    if dataset and dataset.labels_from:
        read = PatientPictures(
            pictures=len([*(folder / "images").iterdir()]), erased_before=dataset.erased
        )
        folder.with_suffix(NOTED).write_text(read.model_dump_json())


def _find_read(folder: Path) -> PatientPictures | None:
    noted = folder.with_suffix(NOTED)
    return PatientPictures.model_validate_json(noted.read_bytes()) if noted.exists() else None


def _write_once(
    lab: JobServices,
    dataset: DatasetVersion,
    serving: Path | None,
    folder: Path,
    stages: "_Stages",
) -> None:
    reference = lab.datasets.find_reference()
    held_out = (
        list_held_out(lab.images, dataset=dataset, reference=reference) if reference else set()
    )
    progress = Progress("picture", dataset.pictures, stages.count)

    def is_left_out(image: DatasetImage) -> bool:
        progress.advance()
        return image.id in held_out

    lab.write_pictures(
        dataset,
        folder,
        leave_out=is_left_out,
        known=learned_by(serving).parts if serving else (),
    )
    if held_out:
        lab.context.say(
            f"{len(held_out)} pictures are left out: the reference has them, or others of their "
            "lesions or patients"
        )


def _options(
    lab: JobServices,
    request: TrainingRequest,
    dataset: DatasetVersion,
    source: Path,
    serving: Path | None,
) -> TrainOptions:
    """Pictures that the model in service was trained on stay in training, so that the test is new
    to both models.
    """
    split = serving / SPLIT if serving else None
    healthy, work = lab.own_settings.normal_skin_pictures, lab.context.work
    return TrainOptions(
        data=[f"{source},modality={dataset.modality or 'unknown'}"],
        skip_unknown_labels=True,
        normal_skin=str(healthy) if healthy else None,
        split=split if split and split.is_file() else None,
        architecture=request.architecture,
        init=choose_start(request.architecture, serving, lab.own_settings.starting_weights),
        epochs=request.epochs,
        optimizer=request.optimizer,
        learning_rate=request.learning_rate,
        batch=request.batch_size,
        unbalanced=not request.class_balancing,
        not_skin=lab.own_settings.not_skin_pictures,
        licence=dataset.licence or "that of the pictures it was trained on",
        note=["trained in the lab"],
        work=work / TRAINING,
        out=work / "model",
    )


def choose_start(architecture: str, serving: Path | None, weights: Path | None) -> str:
    """A value of `--init`: the model in service if it has this architecture, or else ImageNet's
    from the folder `weights`, or else none.
    """
    if serving and read_card(serving).architecture == architecture and (serving / NORMS).is_file():
        return str(serving)
    try:
        imagenet = find_imagenet(architecture, weights) if weights else None
    except OSError as error:
        raise BadNetwork("The folder of STARTING_WEIGHTS cannot be read") from error
    return str(imagenet) if imagenet else "none"


def _started_from(serving: Path | None, options: TrainOptions) -> str | None:
    return read_card(serving).version if serving and options.init == str(serving) else None


@dataclass(slots=True)
class _Stages:
    context: JobContext
    low: float = 0.0
    high: float = 0.0
    message: str = ""
    passes: int = 1  # how often this stage counts its steps from the start
    percent: float = 0.0

    def begin(self, low: float, high: float, message: str, passes: int = 1) -> None:
        self.low = self.percent = low
        self.high, self.message, self.passes = high, message, passes
        self.context.progress(low, message)

    def report(self, line: str) -> None:
        if isinstance(line, StageLine):
            self.context.progress(self.percent, line)
            return
        self.context.say(line)
        self.count(line)

    def count(self, line: str) -> None:
        if isinstance(line, StepLine):
            width = (self.high - self.low) / self.passes
            done = line.done / line.total
            self.percent = min(self.low + width * done, self.high)
            self.context.progress(self.percent, f"{self.message}: {line.done} of {line.total}")
            if done == 1:
                self.low, self.passes = self.percent, max(self.passes - 1, 1)

    def tell_epoch(self, row: Mapping[str, float], last: bool) -> None:
        known = {name: value for name, value in row.items() if math.isfinite(value)}
        self.context.metric(**known, timestamp=now().isoformat())
        if last:
            self.begin(TRAINED, MEASURED, "Measuring the model", MEASURING)


def _test_samples(options: TrainOptions, folder: Path) -> list[Sample]:
    sources = load_sources(options.data, skip_unknown_labels=True)
    return select_part(sources.samples, read_split(folder / SPLIT), "test")
