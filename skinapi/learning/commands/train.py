"""`train`: from pictures to a calibrated, measured and documented model folder."""

import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import keras

from skinapi.errors import BadNetwork
from skinapi.learning.commands.terminal import print_line, raise_disk_full
from skinapi.learning.commands.train_options import TrainOptions
from skinapi.learning.data.dataset_folders import require_classes
from skinapi.learning.data.samples import Sample, label_for, select_fitting, select_part
from skinapi.learning.data.sources import NEXT_KEY, Sources, load_part, load_sources
from skinapi.learning.data.splits import read_split, refuse_leakage, split_samples, write_split
from skinapi.learning.measure.predictions import lesion_classes
from skinapi.learning.measure.tables.figure_tables import describe_figures
from skinapi.learning.package.card import describe_training, list_sources
from skinapi.learning.package.known_limits import describe_limits
from skinapi.learning.package.openvino_export import new_model_folder
from skinapi.learning.package.trained_model import calibrate_and_measure, export_trained
from skinapi.learning.progress import Report
from skinapi.learning.train.inputs.teachers import open_teachers
from skinapi.learning.train.phase_training import OnEpoch
from skinapi.learning.train.phases import PHASES, default_phases
from skinapi.learning.train.recipe import Recipe, TrainingData
from skinapi.learning.train.training import train_network
from skinapi.learning.train.weights.initial import initialise
from skinapi.settings import Settings
from skinapi.vision.conditions import NORMAL_SKIN
from skinapi.vision.labels.spellings import SQUAMOUS
from skinapi.vision.network.model import PARTS, SHIPPED_MODEL, SPLIT, Part, read_card

# These change nothing about the network, so the card's command leaves them out.
NOT_REPEATED = ("work", "out", "licence", "note")
# Squamous cell carcinoma has an output of its own where the training part has so many pictures of
# it: HAM10000's has 80 of dermatofibroma, its rarest class. With fewer, it is actinic keratosis.
FEWEST_SQUAMOUS = 80


def run(settings: Settings, options: TrainOptions) -> int:
    out = train_model(settings, options, report=print_line)
    print_line(f"{read_card(out).version} is in {out}")
    return 0


def train_model(
    settings: Settings,
    options: TrainOptions,
    *,
    report: Report,
    on_epoch: OnEpoch = lambda _, __: None,
) -> Path:
    """Train, calibrate and measure a model; the result is its folder. Called again with the same
    options, it resumes after the last finished epoch.
    """
    with raise_disk_full():
        return _train(settings, options, report, on_epoch)


def _train(settings: Settings, options: TrainOptions, report: Report, on_epoch: OnEpoch) -> Path:
    sources = _load(options, report)
    parts = _split(sources, options)
    for model in _models_it_builds_on(options):
        refuse_leakage(parts, model)
    recipe = _recipe(options)
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
        teachers=open_teachers(options.teachers, classes=outputs),
        shares=sources.shares,
        others=select_fitting(sources.others, parts),
    )
    unseen = tuple(select_part(sources.others, parts, "test"))
    name = "+".join(source.name for source in sources.sources)
    work = options.work or settings.instance_dir / "training" / f"{name}-{recipe.seed}"
    out = options.out or settings.instance_dir / "models" / work.name
    network, statuses = train_network(
        recipe=recipe,
        data=data,
        initialise=lambda fresh: _initialise(fresh, recipe, outputs, options, report),
        folder=work,
        report=report,
        on_epoch=on_epoch,
    )
    with new_model_folder(out) as folder:
        write_split(parts, folder / SPLIT)
        card = {
            **export_trained(network, recipe, data, folder),
            "licence": options.licence,
            "limits": describe_limits(train),
            "sources": list_sources(
                {"train": train, "validation": validation, "test": test},
                licences={source.name: source.licence for source in sources.sources},
            ),
            "training": describe_training(
                recipe, data, statuses, _repeat_command(options), options.note
            ),
        }
        figures = calibrate_and_measure(
            folder,
            card,
            data,
            replace(sources.dataset, samples=tuple(test), others=unseen),
            not_skin=options.not_skin,
            report=report,
        )
    report(describe_figures(figures))
    return out


def choose_outputs(train: Sequence[Sample]) -> tuple[str, ...]:
    """The network's outputs, by the pictures that it learns from."""
    many = sum(sample.is_squamous for sample in train) >= FEWEST_SQUAMOUS
    return (*lesion_classes(), *((SQUAMOUS,) if many else ()), NORMAL_SKIN)


def _load(options: TrainOptions, report: Report) -> Sources:
    sources = load_sources(
        options.data,
        normal_skin=options.normal_skin,
        skip_unknown_labels=options.skip_unknown_labels,
    )
    report(sources.describe())
    require_classes(sources.dataset)
    return sources


def _split(sources: Sources, options: TrainOptions) -> dict[str, Part]:
    """The part of each picture. What a given split names keeps its part.

    The patients in a folder of normal skin are not known, so a picture of it that no split names
    is for training only: in another part it could leak.
    """
    given = read_split(options.split) if options.split else {}
    samples = (*sources.dataset.samples, *sources.others)
    parts = split_samples(samples, given=given, seed=options.seed)
    healthy = {s.image_id: given.get(s.image_id, "train") for s in sources.normal_skin}
    return parts | healthy


def _recipe(options: TrainOptions) -> Recipe:
    phases = [PHASES[name] for name in options.phases or default_phases(len(options.data))]
    given = {
        "epochs": options.epochs,
        "optimizer": options.optimizer,
        "learning_rate": options.learning_rate,
        "batch": options.batch,
    }
    changes: dict[str, Any] = {name: value for name, value in given.items() if value}
    phases = [replace(phase, **changes) for phase in phases]
    if options.views is not None:
        phases = [replace(phase, views=options.views if phase.views else 0) for phase in phases]
    return Recipe(
        architecture=options.architecture,
        phases=tuple(phases),
        side=options.side,
        seed=options.seed,
        still=options.init != "none",
        keep=options.keep or 0.0,
        balanced=not options.unbalanced,
    )


def _initialise(
    network: keras.Model,
    recipe: Recipe,
    outputs: Sequence[str],
    options: TrainOptions,
    report: Report,
) -> None:
    fresh = initialise(
        network,
        outputs=outputs,
        architecture=recipe.architecture,
        init=options.init,
        imagenet=options.weights,
        report=report,
    )
    if recipe.keep and fresh:
        raise BadNetwork(
            f"--keep needs starting weights for every layer; the start lacks {fresh[-1]}"
        )


def _models_it_builds_on(options: TrainOptions) -> list[Path]:
    """The folders of all models whose training pictures must not be in validation or test."""
    known = {"shipped": [SHIPPED_MODEL], "imagenet": [], "none": []}
    start = Path(options.init)
    folder = [start if start.is_dir() else start.parent]
    return [*known.get(options.init, folder), *options.teachers]


def _repeat_command(options: TrainOptions) -> str:
    """The command that trains this network again. The card is public, so it names folders and files
    without the folders that they lie in.
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
    elif isinstance(value, tuple):
        yield ",".join(value)
    elif value is not True:
        yield str(value)
