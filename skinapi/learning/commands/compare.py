"""`compare`: measures two models on the same validation pictures. The test part is never read."""

from collections.abc import Mapping

from skinapi.learning.commands.evaluate_options import CompareOptions
from skinapi.learning.commands.terminal import print_line
from skinapi.learning.data.samples import Sample, select_part
from skinapi.learning.data.sources import load_sources
from skinapi.learning.data.splits import read_split, require_one_part_per_group
from skinapi.learning.measure.comparison import Difference, compare_predictions
from skinapi.learning.measure.predictions import Predictions, predict, run_model
from skinapi.learning.measure.stress import compare_stress
from skinapi.settings import Settings
from skinapi.vision.network.model import Model, open_model


def run(settings: Settings, options: CompareOptions) -> int:  # noqa: ARG001
    sources = load_sources(options.data, skip_unknown_labels=options.skip_unknown_labels)
    parts = read_split(options.split)
    require_one_part_per_group(sources.samples, parts)
    samples = select_part(sources.samples, parts, "validation")
    first, second = (open_model(folder) for folder in options.models)
    turns = options.turns
    before, after = _predict(first, turns[0], samples), _predict(second, turns[1], samples)
    print_line(
        f"{len(samples)} validation pictures, 95 % intervals of the paired bootstrap by lesion"
    )
    _print_differences(compare_predictions(before, after))
    if options.stress:
        for name, differences in compare_stress(first, second, samples, report=print_line).items():
            print_line(name)
            _print_differences(differences)
    return 0


def _print_differences(differences: Mapping[str, Difference]) -> None:
    for name, difference in differences.items():
        print_line(f"  {name.replace('_', ' '):18} {difference}")


def _predict(model: Model, turns: int, samples: list[Sample]) -> Predictions:
    return predict(model, run_model(model, samples, report=print_line, turns=turns))
