"""`calibrate`: fits the calibration of a model folder again. The test part is never read."""

import json

from skinapi.learning.commands.terminal import print_line, raise_disk_full
from skinapi.learning.commands.train_options import CalibrateOptions
from skinapi.learning.data.samples import select_fitting
from skinapi.learning.data.sources import Sources, load_part, load_sources
from skinapi.learning.data.splits import (
    read_split,
    require_one_part_per_group,
    split_samples,
    write_split,
)
from skinapi.learning.package.fit_calibration import calibrate_model
from skinapi.learning.package.left_out import read_left_out
from skinapi.learning.package.openvino_export import write_model_files
from skinapi.settings import Settings
from skinapi.vision.network.model import CARD, SPLIT, Part, open_model


def run(settings: Settings, options: CalibrateOptions) -> int:  # noqa: ARG001
    left_out = read_left_out(options.left_out)
    model = open_model(options.model, calibrated=False)
    sources, parts = _load(options)
    cut = options.cut_normal_skin
    calibration = calibrate_model(
        model,
        train=load_part(sources, parts, "train", cut=cut, report=print_line),
        validation=load_part(sources, parts, "validation", cut=cut, report=print_line),
        not_skin=options.not_skin,
        others=select_fitting(sources.others, parts),
        left_out=[entry.scores for entry in left_out],
        report=print_line,
    )
    card = json.loads((options.model / CARD).read_bytes())
    if left_out:
        card["left_out"] = [entry.for_card() for entry in left_out]
    with raise_disk_full():
        if sources.others and options.split is None:
            write_split(parts, options.model / SPLIT)
        version = write_model_files(options.model, card=card, calibration=calibration)
    print_line(
        f"{version}: calibrated. Its old test figures no longer apply; run evaluate for new ones."
    )
    return 0


def _load(options: CalibrateOptions) -> tuple[Sources, dict[str, Part]]:
    """The pictures and their parts. Of other diseases the model's split names none where these were
    not known in its training: they are split now.
    """
    sources = load_sources(
        options.data,
        normal_skin=options.normal_skin,
        skip_unknown_labels=options.skip_unknown_labels,
    )
    parts = read_split(options.split or options.model / SPLIT)
    require_one_part_per_group(sources.samples, parts)
    unnamed = [sample for sample in sources.samples if sample.image_id not in parts]
    if unnamed:
        print_line(
            f"{len(unnamed)} pictures are in no part of the split: {unnamed[0].image_id}, ..."
        )
    split = split_samples((*sources.dataset.samples, *sources.others), given=parts)
    return sources, parts | {s.image_id: split[s.image_id] for s in sources.others}
