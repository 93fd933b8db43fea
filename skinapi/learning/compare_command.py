"""`compare`: two models before the same validation pictures. The test part stays closed."""

import argparse
from pathlib import Path

from skinapi.learning.answers import Judged, ask_model, judge
from skinapi.learning.comparing import compare
from skinapi.learning.datasets import Sample, by_part, load_dataset
from skinapi.learning.saying import say
from skinapi.learning.splits import read_split
from skinapi.settings import Settings
from skinapi.vision.conditions import conditions_table
from skinapi.vision.model import open_model


def run(settings: Settings, options: argparse.Namespace) -> int:  # noqa: ARG001
    samples = load_dataset(options.data, labels=conditions_table().label_spellings()).samples
    watched = by_part(samples, read_split(options.split), "validation")
    contenders = zip(options.models, options.turns, strict=True)
    first, second = (_judge(folder, turns, watched) for folder, turns in contenders)
    say(f"{len(watched)} validation pictures, 95 % intervals of the paired bootstrap by lesion")
    for name, difference in compare(first, second).items():
        say(f"  {name.replace('_', ' '):18} {difference}")
    return 0


def _judge(folder: Path, turns: int, watched: list[Sample]) -> Judged:
    model = open_model(folder)
    return judge(model, ask_model(model, watched, report=say, turns=turns))
