"""`calibrate`: what stands between a network's numbers and a finding, fitted anew. The test part of
the split is never opened.
"""

import argparse
import json

from skinapi.learning.answers import ask_model
from skinapi.learning.calibrating import calibrate, fit_familiar
from skinapi.learning.datasets import by_part, load_dataset, load_pictures
from skinapi.learning.export import write_papers
from skinapi.learning.saying import disk_full_told, say
from skinapi.learning.splits import SPLIT, read_split
from skinapi.settings import Settings
from skinapi.vision.conditions import NORMAL_SKIN, conditions_table
from skinapi.vision.model import CARD, open_model


def run(settings: Settings, options: argparse.Namespace) -> int:  # noqa: ARG001
    model = open_model(options.model)
    samples = [*load_dataset(options.data, labels=conditions_table().label_spellings()).samples]
    if options.normal_skin is not None:
        samples += load_pictures(options.normal_skin, label=NORMAL_SKIN)
    parts = read_split(options.split or options.model / SPLIT)
    watched = by_part(samples, parts, "validation")
    familiar = fit_familiar(model, by_part(samples, parts, "train"), watched, report=say)
    calibration = calibrate(model, ask_model(model, watched, report=say)).model_copy(
        update={"familiar": familiar}
    )
    card = json.loads((options.model / CARD).read_bytes())
    with disk_full_told():
        version = write_papers(options.model, card=card, calibration=calibration)
    say(f"{version}: temperature {calibration.temperature:.3f}, {dict(calibration.thresholds)}")
    say(f"strange from {familiar.limit:.2f} on, or below {calibration.unlike_training:.2f}")
    return 0
