import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from skinapi.base.errors import BadDataset
from skinapi.base.settings.settings import Settings
from skinapi.learning.commands.command_line import print_line, raise_disk_full
from skinapi.learning.commands.options import (
    CardOptions,
    CompareOptions,
    EvaluateOptions,
)
from skinapi.learning.data.datasets import (
    Dataset,
    Sources,
    load_dataset,
    load_part,
    load_sources,
    source_name,
)
from skinapi.learning.data.samples import (
    read_split,
    require_one_part_per_group,
    select_fitting,
    select_part,
    split_samples,
    write_split,
)
from skinapi.learning.measure.evaluation import evaluate_model
from skinapi.learning.measure.metrics import Difference
from skinapi.learning.measure.predictions import (
    ModelOutputs,
    compare_predictions,
    predict,
    run_model,
    split_by_group,
)
from skinapi.learning.measure.stress import measure_stress
from skinapi.learning.train.card import describe_figures, write_readable_card
from skinapi.learning.train.fit_calibration import calibrate_model
from skinapi.learning.train.openvino_export import write_model_files
from skinapi.learning.train.trained_model import measure_again
from skinapi.model.context import Modality
from skinapi.model.dataset_labels import label_spellings
from skinapi.model.network.model import CARD, SHIPPED_MODEL, SPLIT, Model, Part, open_model
from skinapi.model.network.picture import SEEN

# The card's figures for a clinic outside of the training data.
ON_CARD = ("n", "lesions", "named", "named_interval", "points")


def evaluate(settings: Settings, options: EvaluateOptions) -> int:
    folder = settings.model_path or SHIPPED_MODEL
    model = open_model(folder)
    dataset = _load(options)
    figures, outputs = evaluate_model(model, dataset, report=print_line)
    if options.stress:
        figures["stress"] = measure_stress(model, dataset.samples, report=print_line)
    print_line(describe_figures(figures))
    with raise_disk_full():
        if options.on_card:
            _write_on_card(folder, model, options.images, figures, outputs)
        if options.out:
            options.out.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    return 0


def _write_on_card(
    folder: Path, model: Model, images: Path, figures: Mapping[str, Any], outputs: ModelOutputs
) -> None:
    _refuse_learned(folder, model, outputs)
    name = source_name(images)
    told = {key: figures[key] for key in ON_CARD if key in figures}
    command = f"MODEL_PATH={folder.name} python -m skinapi evaluate --images {name} --on-card"
    entry = {"command": command, **told}
    card = json.loads((folder / CARD).read_bytes())
    card["elsewhere"] = {**card.get("elsewhere", {}), name: entry}
    if "training" in card:
        write_readable_card(folder, card, model.version)
    write_model_files(folder, card=card, calibration=model.calibration)


def _refuse_learned(folder: Path, model: Model, outputs: ModelOutputs) -> None:
    if not (folder / SPLIT).is_file():
        raise BadDataset(f"{folder} has no {SPLIT}: what it has learned from is not known.")
    parts = read_split(folder / SPLIT)
    seen = [s.image_id for s in outputs.samples if parts.get(s.image_id, "test") != "test"]
    if seen:
        raise BadDataset(f"{model.version} knows {len(seen)} of these pictures, {seen[0]} is one.")


def _load(options: EvaluateOptions) -> Dataset:
    modality = Modality(options.modality) if options.modality else None
    dataset = load_dataset(
        options.images, labels=label_spellings(), table=options.labels, modality=modality
    )
    if not dataset.samples:
        raise BadDataset(f"There is nothing to measure:\n{dataset.describe()}")
    return dataset


def compare(settings: Settings, options: CompareOptions) -> int:  # noqa: ARG001
    sources = load_sources(options.data, skip_unknown_labels=options.skip_unknown_labels)
    parts = read_split(options.split)
    require_one_part_per_group(sources.samples, parts)
    samples = select_part(sources.samples, parts, "validation")
    first, second = (open_model(folder) for folder in options.models)
    before, after = (
        predict(model, run_model(model, samples, report=print_line)) for model in (first, second)
    )
    print_line(
        f"{len(samples)} validation pictures, 95 % intervals of the paired bootstrap by lesion"
    )
    _print_differences(compare_predictions(before, after))
    for name, rows in split_by_group(before):
        print_line(f"{name}: {rows.sum()} pictures")
        _print_differences(compare_predictions(before.select(rows), after.select(rows)))
    return 0


def _print_differences(differences: Mapping[str, Difference]) -> None:
    for name, difference in differences.items():
        print_line(f"  {name.replace('_', ' '):18} {difference}")


def calibrate(settings: Settings, options: CardOptions) -> int:  # noqa: ARG001
    """Fit the calibration of a model folder again. The test part is never read."""
    model = open_model(options.model, calibrated=False)
    model = replace(model, card=model.card.model_copy(update={"seen": SEEN}))
    sources, parts = _load_model_pictures(options)
    cut = options.cut_normal_skin
    calibration = calibrate_model(
        model,
        train=load_part(sources, parts, "train", cut=cut, report=print_line),
        validation=load_part(sources, parts, "validation", cut=cut, report=print_line),
        not_skin=options.not_skin,
        others=select_fitting(sources.dataset.others, parts),
        report=print_line,
    )
    card = {**json.loads((options.model / CARD).read_bytes()), "seen": SEEN}
    del card["version"]  # its input may have changed
    with raise_disk_full():
        if sources.dataset.others:
            write_split(parts, options.model / SPLIT)
        version = write_model_files(options.model, card=card, calibration=calibration)
    print_line(
        f"{version}: calibrated. Its old test figures no longer apply; run card for new ones."
    )
    return 0


def card(settings: Settings, options: CardOptions) -> int:  # noqa: ARG001
    sources, parts = _load_model_pictures(options)
    # Only its lesions are measured, without skin patches.
    validation = select_part(sources.samples, parts, "validation")
    test = load_part(sources, parts, "test", cut=options.cut_normal_skin, report=print_line)
    if not test or not validation:
        raise BadDataset("None of these pictures is in the validation or in the test part.")
    unseen = tuple(select_part(sources.dataset.others, parts, "test"))
    with raise_disk_full():
        figures = measure_again(
            options.model,
            json.loads((options.model / CARD).read_bytes()),
            validation=validation,
            test=replace(sources.dataset, samples=tuple(test), others=unseen),
            not_skin=options.not_skin,
            report=print_line,
        )
    print_line(describe_figures(figures))
    print_line(f"{figures['model_version']}: its card tells these figures")
    return 0


def _load_model_pictures(options: CardOptions) -> tuple[Sources, dict[str, Part]]:
    """Pictures of other diseases that the model's split does not contain are split now."""
    sources = load_sources(
        options.data,
        normal_skin=options.normal_skin,
        skip_unknown_labels=options.skip_unknown_labels,
    )
    parts = read_split(options.model / SPLIT)
    require_one_part_per_group(sources.samples, parts)
    unnamed = [sample for sample in sources.samples if sample.image_id not in parts]
    if unnamed:
        print_line(
            f"{len(unnamed)} pictures are in no part of the split: {unnamed[0].image_id}, ..."
        )
    split = split_samples((*sources.dataset.samples, *sources.dataset.others), given=parts)
    return sources, parts | {s.image_id: split[s.image_id] for s in sources.dataset.others}
