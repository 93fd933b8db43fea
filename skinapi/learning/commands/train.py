import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import keras

from skinapi.base.settings.settings import Settings
from skinapi.learning.commands.command_line import print_line, raise_disk_full
from skinapi.learning.commands.options import TrainOptions
from skinapi.learning.data.datasets import (
    NEXT_KEY,
    Dataset,
    Sources,
    load_part,
    load_sources,
    require_classes,
)
from skinapi.learning.data.samples import (
    Sample,
    label_for,
    read_split,
    refuse_leakage,
    select_fitting,
    select_part,
    split_samples,
    write_split,
)
from skinapi.learning.measure.predictions import lesion_classes
from skinapi.learning.progress import Report
from skinapi.learning.train.card import (
    describe_figures,
    describe_limits,
    describe_training,
    list_sources,
)
from skinapi.learning.train.openvino_export import new_model_folder
from skinapi.learning.train.recipe import Recipe, TrainingData
from skinapi.learning.train.trained_model import (
    calibrate_trained,
    export_trained,
    measure_again,
)
from skinapi.learning.train.training import OnEpoch, TrainingRun, TrainingStatus, train_network
from skinapi.learning.train.weights import initialise
from skinapi.model.conditions import NORMAL_SKIN
from skinapi.model.dataset_labels import SQUAMOUS
from skinapi.model.network.model import PARTS, SHIPPED_MODEL, SPLIT, Part, read_card

# These change nothing about the network, so the card's command leaves them out.
NOT_REPEATED = ("work", "out", "licence", "note")
# Squamous cell carcinoma has an output of its own where the training part has so many pictures of
# it: HAM10000's has 80 of dermatofibroma, its rarest class. With fewer, it is actinic keratosis.
FEWEST_SQUAMOUS = 80


def train(settings: Settings, options: TrainOptions) -> int:
    out = train_model(settings, options, report=print_line)
    print_line(f"{read_card(out).version} is in {out}")
    return 0


def train_model(
    settings: Settings,
    options: TrainOptions,
    *,
    report: Report,
    on_epoch: OnEpoch = lambda *_: None,
) -> Path:
    """Called again with the same options, it resumes after the last finished epoch."""
    with raise_disk_full():
        training = _train(settings, options, report, on_epoch)
        out = options.out or settings.instance_dir / "models" / training.work.name
        with new_model_folder(out) as folder:
            figures = _write_model(training, options, folder, report)
        report(describe_figures(figures))
        return out


@dataclass(frozen=True, slots=True)
class _Training:
    network: keras.Model
    recipe: Recipe
    status: TrainingStatus
    data: TrainingData
    test: Dataset
    sources: Sources
    parts: dict[str, Part]
    work: Path


def _train(
    settings: Settings, options: TrainOptions, report: Report, on_epoch: OnEpoch
) -> _Training:
    sources = load_sources(
        options.data,
        normal_skin=options.normal_skin,
        skip_unknown_labels=options.skip_unknown_labels,
    )
    report(sources.describe())
    require_classes(sources.dataset)
    parts = _split(sources, options)
    if start := _start_folder(options):
        refuse_leakage(parts, start)
    recipe = choose_recipe(options)
    train, validation, test = (
        load_part(sources, parts, part, cut=options.cut_normal_skin, report=report)
        for part in PARTS
    )
    outputs = choose_outputs(train)
    train, validation, test = (label_for(part, outputs) for part in (train, validation, test))
    data = TrainingData(
        classes=outputs,
        train=train,
        validation=validation,
        shares={source.name: source.share for source in sources.sources},
        others=select_fitting(sources.dataset.others, parts),
    )
    name = "+".join(source.name for source in sources.sources)
    work = options.work or settings.instance_dir / "training" / f"{name}-{recipe.seed}"
    network, status = train_network(
        TrainingRun(recipe, data, work, report, on_epoch),
        lambda fresh: initialise(
            fresh,
            outputs=outputs,
            architecture=recipe.architecture,
            init=options.init,
            imagenet=options.weights,
            report=report,
        ),
    )
    unseen = tuple(select_part(sources.dataset.others, parts, "test"))
    return _Training(
        network=network,
        recipe=recipe,
        status=status,
        data=data,
        test=replace(sources.dataset, samples=tuple(test), others=unseen),
        sources=sources,
        parts=parts,
        work=work,
    )


def _write_model(
    training: _Training,
    options: TrainOptions,
    folder: Path,
    report: Report,
) -> dict[str, Any]:
    data, recipe = training.data, training.recipe
    write_split(training.parts, folder / SPLIT)
    card = {
        **_export(training, options, folder),
        "sources": list_sources(
            {"train": data.train, "validation": data.validation, "test": training.test.samples},
            licences={source.name: source.licence for source in training.sources.sources},
        ),
        "training": describe_training(
            recipe, data, training.status, _repeat_command(options), options.note
        ),
    }
    model, aucs = calibrate_trained(folder, data, card, options.not_skin, report)
    card |= {"precision": model.card.precision, "figures": {"precision": aucs}}
    # The test part is read here and nowhere else, after everything has been fitted.
    return measure_again(
        folder,
        card,
        validation=data.validation,
        test=training.test,
        not_skin=options.not_skin,
        report=report,
    )


def _export(training: _Training, options: TrainOptions, folder: Path) -> dict[str, Any]:
    return {
        **export_trained(training.network, training.recipe, training.data, folder),
        "licence": options.licence,
        "limits": describe_limits(training.data.train),
    }


def choose_outputs(train: Sequence[Sample]) -> tuple[str, ...]:
    many = sum(sample.is_squamous for sample in train) >= FEWEST_SQUAMOUS
    return (*lesion_classes(), *((SQUAMOUS,) if many else ()), NORMAL_SKIN)


def _split(sources: Sources, options: TrainOptions) -> dict[str, Part]:
    """The part of each picture, which a given split may fix.

    Patients in a folder of normal skin are unknown, so a picture that no split contains is only
    used for training: elsewhere it could leak.
    """
    given = read_split(options.split) if options.split else {}
    samples = (*sources.dataset.samples, *sources.dataset.others)
    parts = split_samples(samples, given=given, seed=options.seed)
    healthy = {s.image_id: given.get(s.image_id, "train") for s in sources.normal_skin}
    return parts | healthy


def choose_recipe(options: TrainOptions) -> Recipe:
    given = {
        "epochs": options.epochs,
        "optimizer": options.optimizer,
        "learning_rate": options.learning_rate,
        "batch": options.batch,
    }
    changes: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    if options.epochs is not None:
        changes["patience"] = options.epochs  # run all of them
    return Recipe(
        architecture=options.architecture,
        side=options.side,
        seed=options.seed,
        still=options.init != "none",
        balanced=not options.unbalanced,
        **changes,
    )


def _start_folder(options: TrainOptions) -> Path | None:
    start = Path(options.init)
    known = {"shipped": SHIPPED_MODEL, "imagenet": None, "none": None}
    return known.get(options.init, start if start.is_dir() else start.parent)


def _repeat_command(options: TrainOptions) -> str:
    """The command that trains this network again. The card is public, so parent folders are
    omitted.
    """
    words = ["python", "-m", "skinapi", "train"]
    for field in fields(options):
        if field.name not in NOT_REPEATED:
            words += _spell(field.name, _without_parents(getattr(options, field.name)))
    return shlex.join(words)


def _without_parents(value: Any) -> Any:
    if isinstance(value, list):
        return [_without_parents(item) for item in value]
    if isinstance(value, Path):
        return value.name
    if isinstance(value, str):
        folder, *options = NEXT_KEY.split(value)
        options = [re.sub(r"^labels=\s*/.*/", "labels=", option) for option in options]
        return ",".join([Path(folder).name if folder.startswith("/") else folder, *options])
    return value


def _spell(name: str, value: object) -> Iterator[str]:
    if value is None or value is False or value == []:
        return
    yield f"--{name.replace('_', '-')}"
    if isinstance(value, list):
        yield from map(str, value)
    elif value is not True:
        yield str(value)
