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
from skinapi.learning import metrics
from skinapi.learning.answers import Answers, ask_model, judge, lesion_classes
from skinapi.learning.calibrating import calibrate, fit_familiar
from skinapi.learning.card import LIMITS, describe_training, write_readable_card
from skinapi.learning.datasets import (
    Dataset,
    by_part,
    later_half,
    load_dataset,
    load_pictures,
    require_trainable,
)
from skinapi.learning.drawing import draw_card
from skinapi.learning.evaluation import evaluate_model, measure_robustness
from skinapi.learning.export import export_servable, new_model, write_papers
from skinapi.learning.features import Pictures
from skinapi.learning.figures import measure_foreign
from skinapi.learning.gating import count_outcomes
from skinapi.learning.half import round_to_half, save_half
from skinapi.learning.heads import make_servable
from skinapi.learning.networks import ARCHITECTURES
from skinapi.learning.recipe import PHASES, Lessons, Recipe, train_network
from skinapi.learning.saying import disk_full_told, say
from skinapi.learning.splits import (
    SPLIT,
    Part,
    check_split,
    check_unseen,
    read_split,
    split_by_lesion,
    write_split,
)
from skinapi.learning.tables import describe_figures
from skinapi.learning.teachers import open_teachers
from skinapi.learning.weights import initialise
from skinapi.settings import Settings
from skinapi.vision.calibration import Calibration
from skinapi.vision.conditions import NORMAL_SKIN, conditions_table
from skinapi.vision.model import SHIPPED_MODEL, Model, open_model
from skinapi.vision.openvino_engine import Precision

UNREPEATED = ("run", "work", "out", "licence", "note")
COMPARED = 200
OUTPUTS = (*lesion_classes(), NORMAL_SKIN)
BF16_MAY_LOSE = 0.002


def run(settings: Settings, options: argparse.Namespace) -> int:
    with disk_full_told():
        _train(settings, options)
    return 0


def _train(settings: Settings, options: argparse.Namespace) -> None:
    dataset = _load(options)
    parts = _deal(dataset, options)
    for model in _learned_before(options):
        check_unseen(parts, model)
    recipe = _recipe(options)
    lessons = Lessons(
        classes=OUTPUTS,
        train=by_part(dataset.samples, parts, "train"),
        validation=by_part(dataset.samples, parts, "validation"),
        teachers=open_teachers(options.teachers, classes=OUTPUTS),
    )
    test = replace(dataset, samples=tuple(by_part(dataset.samples, parts, "test")))
    work = options.work or settings.instance_dir / "training" / f"{options.data.name}-{recipe.seed}"
    out = options.out or settings.instance_dir / "models" / work.name

    def start(network: keras.Model) -> None:
        fresh = initialise(
            network,
            architecture=recipe.architecture,
            init=options.init,
            imagenet=options.weights,
            report=say,
        )
        if recipe.keep and fresh:
            raise BadNetwork(f"Nothing can be kept of a start that lacks {fresh[-1]}")

    network, courses = train_network(
        recipe=recipe, lessons=lessons, initialise=start, folder=work, report=say
    )
    with new_model(out) as folder:
        round_to_half(network)
        save_half(network, folder / "weights.npz")
        write_split(parts, folder / SPLIT)
        card = {
            **_package(network, recipe, lessons, folder),
            "licence": options.licence,
            "limits": LIMITS,
            "training": describe_training(lessons, courses, _repeat(options), options.note),
        }
        figures = _measure(folder, card, lessons, test, options)
    say(describe_figures(figures))
    say(f"{figures['model_version']} is in {out}")


def _measure(
    folder: Path,
    card: dict[str, Any],
    lessons: Lessons,
    test: Dataset,
    options: argparse.Namespace,
) -> dict[str, Any]:
    """Calibrated on validation, then read once on the test part; the card and its pages follow."""
    model, precision = _calibrate(folder, lessons, card)
    figures, answers = evaluate_model(model, test, report=say)
    if options.not_skin:
        strange = later_half(load_pictures(options.not_skin, label="not skin"))
        foreign = ask_model(model, strange, report=say)
        figures["not_skin"] = {
            **measure_foreign(model, answers, foreign),
            "gates": count_outcomes(model, strange, report=say),
        }
    figures["gates"] = count_outcomes(model, test.samples, report=say)
    card |= {
        "precision": model.card.precision,
        "figures": {
            "test": figures,
            "validation": measure_robustness(model, lessons.validation, report=say),
            "precision": precision,
        },
    }
    draw_card(judge(model, answers), figures, folder)
    write_readable_card(folder, card, model.version)
    write_papers(folder, card=card, calibration=model.calibration)
    return figures


def _load(options: argparse.Namespace) -> Dataset:
    dataset = load_dataset(options.data, labels=conditions_table().label_spellings())
    say(dataset.describe())
    require_trainable(dataset, skip_unknown_labels=options.skip_unknown_labels)
    if options.normal_skin is None:
        return dataset
    healthy = load_pictures(options.normal_skin, label=NORMAL_SKIN)
    say(f"{len(healthy)} pictures of normal skin")
    return replace(dataset, samples=(*dataset.samples, *healthy))


def _deal(dataset: Dataset, options: argparse.Namespace) -> dict[str, Part]:
    """A given split is checked; else lesions are dealt out, and normal skin of unknown origin is
    only learned from.
    """
    if options.split is None:
        lesions = [
            s for s in dataset.samples if s.label != NORMAL_SKIN or options.normal_skin is None
        ]
        parts = split_by_lesion(lesions, seed=options.seed)
        return {sample.image_id: parts.get(sample.image_id, "train") for sample in dataset.samples}
    parts = read_split(options.split)
    check_split(dataset.samples, parts)
    return parts


def _recipe(options: argparse.Namespace) -> Recipe:
    phases = [PHASES[name] for name in options.phases]
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


def _learned_before(options: argparse.Namespace) -> list[Path]:
    begun = {"shipped": [SHIPPED_MODEL], "imagenet": [], "none": []}
    return [*begun.get(options.init, [Path(options.init).parent]), *options.teachers]


def _package(
    network: keras.Model, recipe: Recipe, lessons: Lessons, folder: Path
) -> dict[str, Any]:
    """The network as it will be served, compared with Keras on validation pictures."""
    scaling = ARCHITECTURES[recipe.architecture].scaling
    watched = Pictures(lessons.validation, recipe.side, scaling)
    if not len(watched):
        raise BadDataset("No lesion is left for validation; more pictures are needed")
    probe = np.stack([watched.look(row) for row in range(min(COMPARED, len(watched)))])
    difference = export_servable(
        make_servable(network), folder, labels=lessons.classes, probe=probe, half=True
    )
    return {
        "architecture": recipe.architecture,
        "side": recipe.side,
        "scaling": scaling.value,
        "precision": Precision.F32.value,
        "difference_from_keras": {"largest": difference, "pictures": len(probe)},
    }


def _calibrate(
    folder: Path, lessons: Lessons, card: Mapping[str, Any]
) -> tuple[Model, dict[str, float]]:
    """On validation: temperature, thresholds, and whether bfloat16 is as good as full precision.
    What is familiar is learned from the training pictures themselves.
    """
    watched = lessons.validation
    write_papers(folder, card=card, calibration=Calibration())
    models = {p: open_model(folder, precision=p) for p in Precision}
    answers = {p: ask_model(m, watched, report=say) for p, m in models.items()}
    aucs = {p.value: _macro_auc(models[p], answers[p]) for p in Precision}
    loses = aucs[Precision.F32] - aucs[Precision.BF16]
    chosen = Precision.BF16 if loses <= BF16_MAY_LOSE else Precision.F32
    familiar = fit_familiar(models[chosen], lessons.train, watched, report=say)
    calibration = calibrate(models[chosen], answers[chosen]).model_copy(
        update={"familiar": familiar}
    )
    write_papers(folder, card={**card, "precision": chosen.value}, calibration=calibration)
    return open_model(folder), aucs


def _repeat(options: argparse.Namespace) -> str:
    """The command that makes this network again, wherever its results are put."""
    words = ["python", "-m", "skinapi", "train"]
    for name, value in vars(options).items():
        if name not in UNREPEATED and value is not None and value is not False and value != []:
            words.append(f"--{name.replace('_', '-')}")
            words += _spell(value)
    return shlex.join(words)


def _spell(value: object) -> list[str]:
    if isinstance(value, list):
        return [str(one) for one in value]
    if isinstance(value, tuple):
        return [",".join(value)]
    return [] if value is True else [str(value)]


def _macro_auc(model: Model, answers: Answers) -> float:
    judged = judge(model, answers)
    return metrics.macro_auc(judged.probabilities, judged.labels)
