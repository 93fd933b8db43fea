"""`train`: pictures in; a measured, calibrated, documented model folder out."""

import argparse
import shlex
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np

from skinapi.errors import BadDataset, BadNetwork
from skinapi.learning.commands.console import print_line, raise_disk_full
from skinapi.learning.data.datasets import Dataset, load_pictures, require_classes
from skinapi.learning.data.samples import second_half
from skinapi.learning.data.sources import Sources, load_part, load_sources
from skinapi.learning.data.splits import (
    PARTS,
    SPLIT,
    Part,
    check_leakage,
    read_split,
    split_samples,
    write_split,
)
from skinapi.learning.measure import metrics
from skinapi.learning.measure.evaluation import evaluate_model, measure_robustness
from skinapi.learning.measure.predictions import ModelOutputs, lesion_classes, predict, run_model
from skinapi.learning.measure.served_figures import measure_tested
from skinapi.learning.measure.skin_figures import measure_not_skin
from skinapi.learning.measure.tables import describe_figures
from skinapi.learning.package.calibration import calibrate_model
from skinapi.learning.package.card import describe_training, list_sources, write_readable_card
from skinapi.learning.package.charts import draw_charts
from skinapi.learning.package.export import export_servable, new_model_folder, write_model_files
from skinapi.learning.package.limits import describe_limits
from skinapi.learning.package.servable import make_servable
from skinapi.learning.train.float16_weights import round_to_float16
from skinapi.learning.train.initial_weights import initialise
from skinapi.learning.train.inputs import NetworkInputs
from skinapi.learning.train.networks import ARCHITECTURES
from skinapi.learning.train.phases import PHASES, default_phases
from skinapi.learning.train.recipe import Recipe, TrainingData
from skinapi.learning.train.stored_weights import save_norms
from skinapi.learning.train.teachers import open_teachers
from skinapi.learning.train.training import train_network
from skinapi.settings import Settings
from skinapi.vision.calibration import ModelCalibration
from skinapi.vision.conditions import NORMAL_SKIN
from skinapi.vision.context import Modality
from skinapi.vision.modality import KNOWN
from skinapi.vision.model import SHIPPED_MODEL, Model, open_model
from skinapi.vision.openvino_engine import Precision

NOT_REPEATED = ("run", "work", "out", "licence", "note")
COMPARED = 200
OUTPUTS = (*lesion_classes(), NORMAL_SKIN)
MAX_BF16_LOSS = 0.002


def run(settings: Settings, options: argparse.Namespace) -> int:
    with raise_disk_full():
        _train(settings, options)
    return 0


def _train(settings: Settings, options: argparse.Namespace) -> None:
    sources = _load(options)
    parts = _split(sources, options)
    for model in _models_it_builds_on(options):
        check_leakage(parts, model)
    recipe = _recipe(options)
    learned, watched, measured = (
        load_part(sources, parts, part, cut=options.cut_normal_skin, report=print_line)
        for part in PARTS
    )
    data = TrainingData(
        classes=OUTPUTS,
        train=learned,
        validation=watched,
        teachers=open_teachers(options.teachers, classes=OUTPUTS),
        shares=sources.shares,
    )
    test = replace(sources.dataset, samples=tuple(measured))
    name = "+".join(source.name for source in sources.sources)
    work = options.work or settings.instance_dir / "training" / f"{name}-{recipe.seed}"
    out = options.out or settings.instance_dir / "models" / work.name

    def start(network: keras.Model) -> None:
        fresh = initialise(
            network,
            architecture=recipe.architecture,
            init=options.init,
            imagenet=options.weights,
            report=print_line,
        )
        if recipe.keep and fresh:
            raise BadNetwork(f"Nothing can be kept of a start that lacks {fresh[-1]}")

    network, statuses = train_network(
        recipe=recipe, data=data, initialise=start, folder=work, report=print_line
    )
    with new_model_folder(out) as folder:
        round_to_float16(network)
        write_split(parts, folder / SPLIT)
        card = {
            **_package(network, recipe, data, folder),
            "licence": options.licence,
            "limits": describe_limits(data.train),
            "sources": list_sources(
                {"train": learned, "validation": watched, "test": measured},
                licences={source.name: source.licence for source in sources.sources},
            ),
            "training": describe_training(
                recipe, data, statuses, _repeat_command(options), options.note
            ),
        }
        figures = _measure(folder, card, data, test, options)
    print_line(describe_figures(figures))
    print_line(f"{figures['model_version']} is in {out}")


def _measure(
    folder: Path,
    card: dict[str, Any],
    data: TrainingData,
    test: Dataset,
    options: argparse.Namespace,
) -> dict[str, Any]:
    """Calibrated on validation, then read once on the test part; the card and its pages follow."""
    model, precision = _calibrate(folder, data, card, options.not_skin)
    figures, targets = evaluate_model(model, test, report=print_line)
    model = _with_test_figures(model, targets)
    if options.not_skin:
        strange = second_half(load_pictures(options.not_skin, label="not skin"))
        not_skin = run_model(model, strange, report=print_line)
        figures["not_skin"] = measure_not_skin(model, targets, not_skin)
    card |= {
        "precision": model.card.precision,
        "figures": {
            "test": figures,
            "validation": measure_robustness(model, data.validation, report=print_line),
            "precision": precision,
        },
    }
    draw_charts(predict(model, targets), figures, folder)
    write_readable_card(folder, card, model.version)
    write_model_files(folder, card=card, calibration=model.calibration)
    return figures


def _with_test_figures(model: Model, targets: ModelOutputs) -> Model:
    """What the notice beside every finding says of its modality's test part."""
    told = {
        modality.value: model.calibration.of(modality).model_copy(
            update={"tested": measure_tested(model, targets, modality)}
        )
        for modality in KNOWN
        if modality is Modality.DERMOSCOPIC or model.calibration.clinical is not None
    }
    return model.with_calibration(model.calibration.model_copy(update=told))


def _load(options: argparse.Namespace) -> Sources:
    sources = load_sources(
        options.data,
        normal_skin=options.normal_skin,
        skip_unknown_labels=options.skip_unknown_labels,
    )
    print_line(sources.describe())
    require_classes(sources.dataset)
    return sources


def _split(sources: Sources, options: argparse.Namespace) -> dict[str, Part]:
    """What a given split names stays where it was and the rest is dealt out; of a folder of normal
    skin nobody knows whose it is, so what no split names of it is only learned from.
    """
    given = read_split(options.split) if options.split else {}
    parts = split_samples(sources.dataset.samples, given=given, seed=options.seed)
    healthy = {s.image_id: given.get(s.image_id, "train") for s in sources.normal_skin}
    return parts | healthy


def _recipe(options: argparse.Namespace) -> Recipe:
    phases = [PHASES[name] for name in options.phases or default_phases(len(options.data))]
    if options.epochs:
        phases = [replace(phase, epochs=options.epochs) for phase in phases]
    if options.views is not None:
        phases = [replace(phase, views=options.views if phase.views else 0) for phase in phases]
    return Recipe(
        architecture=options.architecture,
        phases=tuple(phases),
        side=options.side,
        seed=options.seed,
        still=options.init != "none",
        keep=options.keep or 0.0,
    )


def _models_it_builds_on(options: argparse.Namespace) -> list[Path]:
    begun = {"shipped": [SHIPPED_MODEL], "imagenet": [], "none": []}
    start = Path(options.init)
    beside = [start if start.is_dir() else start.parent]
    return [*begun.get(options.init, beside), *options.teachers]


def _package(
    network: keras.Model, recipe: Recipe, data: TrainingData, folder: Path
) -> dict[str, Any]:
    """The network as it will be served, compared with Keras on validation pictures."""
    scaling = ARCHITECTURES[recipe.architecture].scaling
    watched = NetworkInputs(data.validation, recipe.side, scaling)
    if not len(watched):
        raise BadDataset("No lesion is left for validation; more pictures are needed")
    probe = np.stack([watched.load(row) for row in range(min(COMPARED, len(watched)))])
    difference = export_servable(
        make_servable(network), folder, labels=data.classes, probe=probe, float16=True
    )
    save_norms(network, folder)
    return {
        "architecture": recipe.architecture,
        "side": recipe.side,
        "scaling": scaling.value,
        "precision": Precision.F32.value,
        "difference_from_keras": {"largest": difference, "pictures": len(probe)},
    }


def _calibrate(
    folder: Path, data: TrainingData, card: Mapping[str, Any], not_skin: Path | None
) -> tuple[Model, dict[str, float]]:
    """On validation, and whether bfloat16 is as good there as full precision."""
    watched = data.validation
    write_model_files(folder, card=card, calibration=ModelCalibration())
    models = {p: open_model(folder, precision=p) for p in Precision}
    targets = {p: run_model(m, watched, report=print_line) for p, m in models.items()}
    aucs = {p.value: _macro_auc(models[p], targets[p]) for p in Precision}
    loses = aucs[Precision.F32] - aucs[Precision.BF16]
    chosen = Precision.BF16 if loses <= MAX_BF16_LOSS else Precision.F32
    calibration = calibrate_model(
        models[chosen], learned=data.train, watched=watched, not_skin=not_skin, report=print_line
    )
    write_model_files(folder, card={**card, "precision": chosen.value}, calibration=calibration)
    return open_model(folder), aucs


def _repeat_command(options: argparse.Namespace) -> str:
    """The command that makes this network again, wherever its results are put."""
    words = ["python", "-m", "skinapi", "train"]
    for name, value in vars(options).items():
        if name not in NOT_REPEATED and value is not None and value is not False and value != []:
            words.append(f"--{name.replace('_', '-')}")
            words += _spell(value)
    return shlex.join(words)


def _spell(value: object) -> list[str]:
    if isinstance(value, list):
        return [str(one) for one in value]
    if isinstance(value, tuple):
        return [",".join(value)]
    return [] if value is True else [str(value)]


def _macro_auc(model: Model, targets: ModelOutputs) -> float:
    predictions = predict(model, targets)
    return metrics.macro_auc(predictions.probabilities, predictions.labels)
