"""`calibrate`: fits the calibration of a model folder again. The test part is never read."""

import json

from skinapi.learning.commands.model_pictures import load_model_pictures
from skinapi.learning.commands.terminal import print_line, raise_disk_full
from skinapi.learning.commands.train_options import CalibrateOptions
from skinapi.learning.data.samples import select_fitting
from skinapi.learning.data.sources import load_part
from skinapi.learning.data.splits import write_split
from skinapi.learning.package.fit_bands import describe_elsewhere, read_left_out
from skinapi.learning.package.fit_calibration import calibrate_model
from skinapi.learning.package.openvino_export import write_model_files
from skinapi.settings import Settings
from skinapi.vision.network.model import CARD, SPLIT, open_model


def run(settings: Settings, options: CalibrateOptions) -> int:  # noqa: ARG001
    left_out = read_left_out(options.left_out)
    model = open_model(options.model, calibrated=False)
    sources, parts = load_model_pictures(options)
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
    for entry in left_out:
        print_line(f"{entry.source}, by a network that never saw it:")
        for line in describe_elsewhere(entry.scores, calibration):
            print_line(f"  {line}")
    card = json.loads((options.model / CARD).read_bytes())
    if left_out:
        card["left_out"] = [entry.for_card() for entry in left_out]
    with raise_disk_full():
        if sources.others and options.split is None:
            write_split(parts, options.model / SPLIT)
        version = write_model_files(options.model, card=card, calibration=calibration)
    print_line(
        f"{version}: calibrated. Its old test figures no longer apply; run card for new ones."
    )
    return 0
