"""The job that trains a network on a data set and stores it as a model version.

It runs in the process of the job alone: it imports Keras, which the server never does. It may run
again after a crash: it then goes on after the last finished epoch, and stores no version twice.
"""

import math
import re
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from skinapi.audit import AuditTrail
from skinapi.jobs.handlers import Context
from skinapi.lab.datasets import Datasets, DatasetVersion
from skinapi.lab.images import DatasetImages
from skinapi.lab.training import TrainingRequest
from skinapi.lab.training_folder import write_training_folder
from skinapi.learning.commands.train import train_model
from skinapi.learning.commands.train_options import TrainOptions
from skinapi.learning.data.samples import Sample, select_part
from skinapi.learning.data.sources import load_sources
from skinapi.learning.data.splits import SPLIT, read_split
from skinapi.learning.measure.comparison import Difference
from skinapi.learning.measure.gate_differences import compare_for_gates
from skinapi.registry.gates import GateName, PairedComparison, PairedDifference, name_test_part
from skinapi.registry.latency import compare_latency
from skinapi.registry.models_service import ModelsService
from skinapi.registry.opening import open_models
from skinapi.registry.versions import ModelVersion
from skinapi.settings import Settings
from skinapi.storage import open_store
from skinapi.storage.ids import now
from skinapi.storage.ports import Store
from skinapi.vision.model import NORMS, open_model, read_card

# Shares of the whole, in percent, as `progress` tells them.
PREPARED, TRAINED, MEASURED = 5.0, 75.0, 90.0
PHASE = "whole"


def train(context: Context) -> dict[str, Any]:
    """The handler of jobs of the kind `training`. Raises NotFound where the data set is gone."""
    settings = Settings()
    store = open_store(instance_dir=settings.instance_dir, mongo_uri=settings.secret("mongo_uri"))
    trail = AuditTrail(store, lambda: context.job.id, secrets=settings.audit_secrets())
    models = open_models(settings, store, trail.act)
    request = TrainingRequest.model_validate(context.job.request)
    datasets = Datasets(store)
    dataset = datasets.get(request.dataset)
    source = _write_source(context, store, dataset)
    datasets.get(dataset.id)  # deleted meanwhile, it may have been written in part
    context.progress(PREPARED, "Training")
    serving = _write_serving(context, models)
    options = _options(request, dataset, source, serving, context.work)
    folder = train_model(
        settings,
        options,
        report=context.say,
        on_epoch=lambda _, row: _tell_epoch(context, row, request.epochs),
    )
    context.progress(MEASURED, "Comparing with the model in service")
    samples = _test_samples(options, folder)
    comparison = _compare(folder, serving, samples, context) if serving else None
    version = _register(models, folder, context, dataset, comparison)
    return {"version": version.version, "dataset": dataset.id, "headline": version.headline}


def _write_source(context: Context, store: Store, dataset: DatasetVersion) -> Path:
    """The data set as a folder; its name stands in the model's card."""
    name = re.sub(r"[^A-Za-z0-9_-]+", "-", dataset.name).strip("-")[:40] or "dataset"
    folder = context.work / "data" / name
    if not folder.is_dir():
        context.progress(0.0, "Reading the data set")
        draft = context.work / "draft"
        shutil.rmtree(draft, ignore_errors=True)  # an attempt before may have been interrupted
        write_training_folder(DatasetImages(store), dataset.id, draft)
        folder.parent.mkdir(exist_ok=True)
        draft.rename(folder)
    return folder


def _write_serving(context: Context, models: ModelsService) -> Path | None:
    """The folder of the model in service; None without any."""
    pointed = models.pointer.read().version
    if pointed is None:
        return models.built_in if models.built_in_card else None
    folder = context.work / "serving" / pointed
    models.versions.write_folder(pointed, folder)
    return folder


def _options(
    request: TrainingRequest,
    dataset: DatasetVersion,
    source: Path,
    serving: Path | None,
    work: Path,
) -> TrainOptions:
    """A network of the same architecture starts from the model in service, another from nothing.

    What the model in service has learned from stays in training: the two are compared on pictures
    that neither has seen.
    """
    split = serving / SPLIT if serving else None
    return TrainOptions(
        data=[f"{source},modality={dataset.modality or 'unknown'}"],
        skip_unknown_labels=True,
        normal_skin=None,
        cut_normal_skin=False,
        split=split if split and split.is_file() else None,
        architecture=request.architecture,
        init=str(serving) if serving and _fits(serving, request) else "none",
        weights=None,
        phases=(PHASE,),
        teachers=[],
        keep=None,
        epochs=request.epochs,
        optimizer=request.optimizer,
        learning_rate=request.learning_rate,
        batch=request.batch_size,
        unbalanced=not request.class_balancing,
        views=None,
        side=request.side,
        seed=0,
        not_skin=None,
        licence=dataset.licence or "that of the pictures it was trained on",
        note=[f"trained in the lab on {dataset.name}, version {dataset.version}"],
        work=work / "training",
        out=work / "model",
    )


def _fits(serving: Path, request: TrainingRequest) -> bool:
    return read_card(serving).architecture == request.architecture and (serving / NORMS).is_file()


def _tell_epoch(context: Context, row: Mapping[str, float], epochs: int) -> None:
    known = {name: value for name, value in row.items() if math.isfinite(value)}
    context.metric(**known, timestamp=now().isoformat())
    share = row["epoch"] / epochs
    told = f"Epoch {row['epoch']:.0f} of {epochs}"
    context.progress(PREPARED + (TRAINED - PREPARED) * share, told)


def _test_samples(options: TrainOptions, folder: Path) -> list[Sample]:
    sources = load_sources(options.data, skip_unknown_labels=True)
    return select_part(sources.samples, read_split(folder / SPLIT), "test")


def _compare(
    folder: Path, serving: Path, samples: Sequence[Sample], context: Context
) -> PairedComparison:
    first, second = open_model(serving), open_model(folder)
    found = compare_for_gates(first, second, samples, report=context.say)
    differences = _paired(found.overall)
    differences[GateName.LATENCY] = compare_latency(first, second)
    return PairedComparison(
        first_version=first.version,
        test_part=name_test_part(sample.image_id for sample in samples),
        pictures=len(samples),
        lesions=len({sample.lesion_key for sample in samples}),
        measured_at=now(),
        differences=differences,
        by_source={name: _paired(each) for name, each in found.by_source.items()},
    )


def _paired(found: Mapping[str, Difference]) -> dict[GateName, PairedDifference]:
    """Without figures that these pictures cannot show."""
    return {
        GateName(name): PairedDifference(first=d.first, second=d.second, low=d.low, high=d.high)
        for name, d in found.items()
        if all(map(math.isfinite, (d.first, d.second, d.low, d.high)))
    }


def _register(
    models: ModelsService,
    folder: Path,
    context: Context,
    dataset: DatasetVersion,
    comparison: PairedComparison | None,
) -> ModelVersion:
    """Store the version, unless an attempt before has."""
    existing = models.versions.find_one(read_card(folder).version)
    if existing and existing.job == context.job.id:
        return existing
    return models.add(
        folder=folder,
        by=context.job.owner,
        parent=comparison.first_version if comparison else None,
        dataset=dataset.id,
        job=context.job.id,
        comparison=comparison,
    )
