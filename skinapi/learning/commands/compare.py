"""`compare`: two models before the same validation pictures. The test part stays closed."""

import argparse
from collections.abc import Mapping

from skinapi.learning.commands.console import say
from skinapi.learning.data.samples import Sample, by_part
from skinapi.learning.data.sources import load_sources
from skinapi.learning.data.splits import check_split, read_split
from skinapi.learning.measure.comparison import Difference, compare
from skinapi.learning.measure.predictions import Judged, ask_model, judge
from skinapi.learning.measure.stress import compare_stress
from skinapi.settings import Settings
from skinapi.vision.model import Model, open_model


def run(settings: Settings, options: argparse.Namespace) -> int:  # noqa: ARG001
    sources = load_sources(options.data, skip_unknown_labels=options.skip_unknown_labels)
    parts = read_split(options.split)
    check_split(sources.samples, parts)
    watched = by_part(sources.samples, parts, "validation")
    first, second = (open_model(folder) for folder in options.models)
    turns = options.turns
    before, after = _judge(first, turns[0], watched), _judge(second, turns[1], watched)
    say(f"{len(watched)} validation pictures, 95 % intervals of the paired bootstrap by lesion")
    _tell(compare(before, after))
    if options.stress:
        for name, differences in compare_stress(first, second, watched, report=say).items():
            say(name)
            _tell(differences)
    return 0


def _tell(differences: Mapping[str, Difference]) -> None:
    for name, difference in differences.items():
        say(f"  {name.replace('_', ' '):18} {difference}")


def _judge(model: Model, turns: int, watched: list[Sample]) -> Judged:
    return judge(model, ask_model(model, watched, report=say, turns=turns))
