"""What the quality checks decide for every photo of a folder: refused and why, or in doubt.

    python -m bench.refusal_limits --model DIR --images DIR [--split FILE --part validation]
    python -m bench.refusal_limits --model DIR --images NOT_SKIN --rows :30

Limits are chosen on the train and validation parts, and on the first thirty pictures of what is not
skin; the test part and the other thirty are for one reading at the end.
"""

import argparse
import json
import sys
from collections import Counter
from pathlib import Path

import numpy as np

from skinapi.base.errors import Refused
from skinapi.model.dataset_labels import PICTURE_SUFFIXES
from skinapi.model.decoding.photo import read_photo
from skinapi.model.network.model import open_model
from skinapi.model.network.picture import measure_quality
from tests.support.outcomes import name_outcome

SHARES = (0, 0.001, 0.01, 0.05, 0.5, 0.95, 0.99, 0.999, 1)


def main() -> None:
    options = options_of(__doc__)
    paths = choose_pictures(options)
    outcomes: Counter[str] = Counter()
    measures: dict[str, list[float]] = {}
    model = open_model(options.model)
    for path in paths:
        content = path.read_bytes()
        outcome = name_outcome(model, content)
        outcomes[outcome] += 1
        if options.names and outcome != "found":
            print(f"{path.name}: {outcome}")  # noqa: T201
        for name, value in measure(content).items():
            measures.setdefault(name, []).append(value)
    show(outcomes, measures, len(paths))


def measure(content: bytes) -> dict[str, float]:
    try:
        photo = read_photo(content)
    except Refused:
        return {}
    quality = measure_quality(photo)
    return {
        "brightness": quality.brightness,
        "highlights": quality.highlights,
        "sharpness": quality.sharpness,
    }


def show(outcomes: Counter[str], measures: dict[str, list[float]], total: int) -> None:
    lines = [f"{total} photos"]
    lines += [f"  {name:40} {n:6} {n / total:7.2%}" for name, n in outcomes.most_common()]
    refused = sum(n for name, n in outcomes.items() if name.startswith("refused"))
    lines.append(f"  refused in all {refused / total:.2%}")
    lines.append("  " + "".join(f"{share:>10.1%}" for share in SHARES))
    for name, values in measures.items():
        levels = "".join(f"{level:10.3f}" for level in np.quantile(values, SHARES))
        lines.append(f"  {levels}  {name}")
    sys.stdout.write("\n".join(lines) + "\n")


def options_of(description: str | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--images", type=Path, nargs="+", required=True)
    parser.add_argument("--split", type=Path)
    parser.add_argument("--part", default="validation")
    parser.add_argument("--rows", default=":", help="by name, such as :30 or 30:")
    parser.add_argument("--names", action="store_true", help="name every photo not plainly found")
    return parser.parse_args()


def choose_pictures(options: argparse.Namespace) -> list[Path]:
    found = (path for folder in options.images for path in folder.iterdir())
    paths = sorted(path for path in found if path.suffix.lower() in PICTURE_SUFFIXES)
    if options.split:
        part = set(json.loads(options.split.read_text())[options.part])
        paths = [path for path in paths if path.stem in part]
    first, _, last = options.rows.partition(":")
    return paths[int(first or 0) : int(last) if last else None]


if __name__ == "__main__":
    main()
