"""`card`: measures a calibrated model on the test part of its split, and writes its card."""

import json
from dataclasses import replace

from skinapi.errors import BadDataset
from skinapi.learning.commands.evaluate_options import CardOptions
from skinapi.learning.commands.model_pictures import load_model_pictures
from skinapi.learning.commands.terminal import print_line, raise_disk_full
from skinapi.learning.data.samples import select_part
from skinapi.learning.data.sources import load_part
from skinapi.learning.measure.figure_text import describe_figures
from skinapi.learning.package.trained_model import measure_again
from skinapi.settings import Settings
from skinapi.vision.network.model import CARD


def run(settings: Settings, options: CardOptions) -> int:  # noqa: ARG001
    sources, parts = load_model_pictures(options)
    # Only lesions of it are measured: nothing is cut out of it.
    validation = select_part(sources.samples, parts, "validation")
    test = load_part(sources, parts, "test", cut=options.cut_normal_skin, report=print_line)
    if not test or not validation:
        raise BadDataset("None of these pictures is in the validation or in the test part.")
    unseen = tuple(select_part(sources.others, parts, "test"))
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
