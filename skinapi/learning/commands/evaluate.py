"""`evaluate`: measures the served model on a folder of labelled pictures."""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from skinapi.errors import BadDataset
from skinapi.learning.commands.evaluate_options import EvaluateOptions
from skinapi.learning.commands.terminal import print_line, raise_disk_full
from skinapi.learning.data.dataset_folders import Dataset, load_dataset, load_pictures
from skinapi.learning.data.samples import measuring_half, select_part
from skinapi.learning.data.skin_patches import cut_normal_skin
from skinapi.learning.data.sources import load_normal_skin, parse_source
from skinapi.learning.data.splits import read_split
from skinapi.learning.measure.evaluation import evaluate_model, measure_robustness
from skinapi.learning.measure.figure_text import describe_figures
from skinapi.learning.measure.predictions import ModelOutputs, run_model
from skinapi.learning.measure.served_figures import measure_not_skin
from skinapi.learning.package.fit_bands import malignant_scores, write_left_out
from skinapi.settings import Settings
from skinapi.vision.context import Modality
from skinapi.vision.dataset_labels import label_spellings
from skinapi.vision.network.model import SHIPPED_MODEL, SPLIT, Model, open_model
from skinapi.vision.network.openvino_engine import Precision


def run(settings: Settings, options: EvaluateOptions) -> int:
    precision = Precision(options.precision) if options.precision else None
    folder = settings.model_path or SHIPPED_MODEL
    model = open_model(folder, precision=precision)
    dataset = _load(options)
    figures, outputs = evaluate_model(model, dataset, report=print_line, turns=options.turns)
    if options.not_skin:
        # The other half was for fitting the skin detector.
        unseen = measuring_half(load_pictures(options.not_skin, label="not skin"))
        not_skin = run_model(model, unseen, report=print_line, turns=options.turns)
        figures["not_skin"] = measure_not_skin(model, outputs, not_skin)
    if options.stress:
        figures |= measure_robustness(model, dataset.samples, report=print_line)
    print_line(describe_figures(figures))
    with raise_disk_full():
        if options.left_out:
            _write_left_out(folder, model, options.left_out, figures, outputs)
        if options.out:
            options.out.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    return 0


def _write_left_out(
    folder: Path, model: Model, out: Path, figures: Mapping[str, Any], outputs: ModelOutputs
) -> None:
    """Raises BadDataset for a picture that the model may have learned from."""
    if not (folder / SPLIT).is_file():
        raise BadDataset(f"{folder} has no {SPLIT}: what it has learned from is not known.")
    parts = read_split(folder / SPLIT)
    seen = [s.image_id for s in outputs.samples if parts.get(s.image_id, "test") != "test"]
    if seen:
        raise BadDataset(f"{model.version} knows {len(seen)} of these pictures, {seen[0]} is one.")
    scores = malignant_scores(model, outputs)
    command = f"MODEL_PATH={folder.name} python -m skinapi evaluate --images {{}} --left-out FILE"
    write_left_out(out, command.format(" ".join(scores)), figures, scores)


def _load(options: EvaluateOptions) -> Dataset:
    modality = Modality(options.modality) if options.modality else None
    dataset = load_dataset(
        options.images, labels=label_spellings(), table=options.labels, modality=modality
    )
    # Before a part is selected: patches are thinned by the size of the whole source.
    sizes = Counter(sample.source for sample in dataset.samples)
    if options.normal_skin:
        healthy = load_normal_skin(parse_source(options.normal_skin))
        dataset = replace(dataset, samples=(*dataset.samples, *healthy))
    if options.split:
        parts = read_split(options.split)
        chosen, others = (
            tuple(select_part(samples, parts, options.part))
            for samples in (dataset.samples, dataset.others)
        )
        dataset = replace(dataset, samples=chosen, others=others)
    if options.cut_normal_skin:
        patches = cut_normal_skin(dataset.samples, source_sizes=sizes, report=print_line)
        dataset = replace(dataset, samples=(*dataset.samples, *patches))
    if not dataset.samples:
        raise BadDataset(f"There is nothing to measure:\n{dataset.describe()}")
    return dataset
