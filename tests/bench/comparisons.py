"""How well two photos of one spot are aligned and compared.

    python -m tests.bench.comparisons moved --images DIR [--count 60]
    python -m tests.bench.comparisons lesions --images DIR [--count 60] [--part chosen|held]
    python -m tests.bench.comparisons alarms --images DIR [--count 60] [--part chosen|held]
    python -m tests.bench.comparisons proposals --images DIR [--count 60] [--part chosen|held]
    python -m tests.bench.comparisons grown --images DIR --masks DIR [--count 60]
    python -m tests.bench.comparisons kinds --images DIR [--count 60]
    python -m tests.bench.comparisons cost

`moved`: each picture with a view of it that was moved, turned, scaled, lit, blurred and compressed
by known amounts, and with the view of another picture. `lesions`: two pictures of one lesion of
HAM10000 (`lesion_id` of metadata.csv), and two of different lesions. Limits and uncertainties are
chosen on the lesions `chosen`, and read on those `held`. `alarms`: a black disc in the lesion, a
black satellite beside it and a blue-white centre, painted into the second photo. `proposals`: how
often the right spot is proposed first, among others at the same place and of the same diagnosis.
`grown`: lesions within their experts' outlines that were made larger by known amounts. `kinds`: the
close-up and the dermoscope picture of one lesion of MILK10k. `cost`: time and memory for two photos
of 12 megapixels.
"""

import argparse
import csv
import resource
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from itertools import combinations
from operator import eq, gt
from pathlib import Path

import numpy as np
from PIL import Image

from skinapi.vision.comparison.alignment import find_fit
from skinapi.vision.comparison.comparison import Comparison, Measure, compare, refuse_fit
from skinapi.vision.comparison.similarity import Similarity, grid
from skinapi.vision.decoding.photo import Photo, read_photo
from tests.bench.alarms import alarms as find_alarms
from tests.bench.known_changes import enlarge, random_view, take_view
from tests.bench.outlines import spread
from tests.vision.photos import as_photo, encoded, skin_with_spot

SEED = 20261123
SHARES = (0.5, 0.75, 0.9, 0.95, 0.99, 1.0)
AREAS = (1.0, 1.25, 1.5, 2.0)
# Errors of the alignment are told in pixels of a picture with this shorter side.
PIXELS = 256
OTHERS = 4  # spots at the place of the new picture


def moved(options: argparse.Namespace) -> Iterator[str]:
    random = np.random.default_rng(SEED)
    same, others, errors, before = [], [], [], None
    for path in spread(sorted(options.images.glob("*.jpg")), options.count):
        picture = read_photo(path.read_bytes()).pixels
        by = random_view(random)
        view = take_view(picture, by, random)
        same.append(compare(as_photo(picture), as_photo(view)))
        found = same[-1].alignment
        if found:
            errors.append(
                PIXELS
                * _error(
                    by,
                    Similarity.of(
                        **found.model_dump(include={"scale", "degrees", "across", "down"})
                    ),
                    view.size,
                )
            )
        if before is not None:
            others.append(compare(as_photo(picture), before))
        before = as_photo(view)
    yield from shown("moved views", same)
    yield row("error, pixels of 256", errors)
    yield from shown("views of other pictures", others)


def _error(true: Similarity, found: Similarity, size: tuple[int, int]) -> float:
    """The mean distance over the view between a point and where the alignment says that it is."""
    points = grid(size)[:, ::97]
    return float(np.hypot(*(found.at(true.at(points)) - points)).mean())


def lesions(options: argparse.Namespace) -> Iterator[str]:
    each = [[_read(options, line) for line in lines[:2]] for lines in _of_part(options)]
    yield from shown("two pictures of one lesion", [compare(*pair) for pair in each])
    others = [
        find_fit(pair[0].pixels, each[place - 1][1].pixels) for place, pair in enumerate(each)
    ]
    fitting = sum(refuse_fit(fit) is None for fit in others)
    yield f"different lesions: {len(others)} pairs, comparable {fitting}"
    yield row("  correlation", [fit.correlation for fit in others])


def alarms(options: argparse.Namespace) -> Iterator[str]:
    lesions = [[_read(options, line) for line in lines[:2]] for lines in _of_part(options)]
    yield from find_alarms(lesions, SEED)


def proposals(options: argparse.Namespace) -> Iterator[str]:
    """The later picture of a lesion is new; the earlier one is of a spot that is there already."""
    groups = _by_lesion(options.images)
    ranks, others = [], []
    for earlier, new, *_ in _of_part(options):
        photo = _read(options, new)

        def correlation(of: dict[str, str], photo: Photo = photo) -> float:
            fit = find_fit(_read(options, of).pixels, photo.pixels)
            return 0.0 if refuse_fit(fit) else fit.correlation

        right = correlation(earlier)
        at_place = [
            lines[0]
            for lesion, lines in groups.items()
            if lesion != new["lesion_id"]
            and all(lines[0][name] == new[name] for name in ("localization", "dx"))
        ]
        wrong = [correlation(one) for one in spread(at_place, OTHERS)]
        others += wrong
        ranks.append((right, wrong))
    yield f"lesions: {len(ranks)}; the right one fits {sum(right > 0 for right, _ in ranks)}"
    yield f"others at its place: {len(others)}, of which fit {sum(one > 0 for one in others)}"
    for count in range(1, OTHERS + 1):
        having = [(right, wrong[:count]) for right, wrong in ranks if len(wrong) >= count]
        first = np.mean([_share_first(*one) for one in having]) if having else np.nan
        yield (
            f"among {count + 1} spots ({len(having)} lesions): the right one is first in "
            f"{1 / (count + 1):.0%} by place, {first:.0%} with likeness"
        )
    at_one_place = defaultdict(list)
    for earliest, *_ in groups.values():
        if "patient_id" in earliest:
            at_one_place[earliest["patient_id"], earliest["localization"]].append(earliest)
    of_one_person = [
        find_fit(*(_read(options, line).pixels for line in pair))
        for lines in at_one_place.values()
        for pair in combinations(lines, 2)
    ]
    if of_one_person:
        fitting = sum(refuse_fit(fit) is None for fit in of_one_person)
        yield f"two lesions of one person at one place: {len(of_one_person)} pairs, fit {fitting}"


def _share_first(right: float, wrong: list[float]) -> float:
    """How often the right one is first: those that fit alike are in any order."""
    before, alike = (sum(test(one, right) for one in wrong) for test in (gt, eq))
    return 0.0 if before else 1 / (1 + alike)


def kinds(options: argparse.Namespace) -> Iterator[str]:
    groups: dict[str, dict[str, Path]] = defaultdict(dict)
    for line in _metadata(options.images):
        groups[line["lesion_id"]][line["modality"]] = options.images / f"{line['image_id']}.jpg"
    both = [tuple(kinds.values()) for _, kinds in sorted(groups.items()) if len(kinds) == 2]
    pairs = [
        [read_photo(path.read_bytes()) for path in paths] for paths in spread(both, options.count)
    ]
    yield from shown("close-up and dermoscope", [compare(*pair) for pair in pairs])


def grown(options: argparse.Namespace) -> Iterator[str]:
    random = np.random.default_rng(SEED)
    found = defaultdict(list)
    for path in spread(sorted(options.masks.glob("*.png")), options.count):
        picture = read_photo((options.images / f"{path.stem}.jpg").read_bytes())
        with Image.open(path) as drawn:
            mask = drawn.convert("L").resize(picture.pixels.size, Image.Resampling.NEAREST)
        if np.asarray(mask).astype(bool).mean() > 0.10:  # skin that stays must be left around it
            continue
        for area in AREAS:
            larger, true = enlarge(picture.pixels, mask, area)
            by = Similarity.of(scale=random.uniform(0.85, 0.95), degrees=random.uniform(-15, 15))
            compared = compare(picture, as_photo(take_view(larger, by, random)))
            found[area].append((true, compared))
    heads = ("area made", "pictures", "measured", "error 50%", "error 90%", "told")
    yield "".join(f"{head:>12}" for head in heads)
    for area, each in found.items():
        told = [
            (true, change)
            for true, one in each
            for change in one.changes
            if change.measure is Measure.AREA
        ]
        errors = [abs((1 + change.value) / true - 1) for true, change in told]
        half, most = np.quantile(errors, (0.5, 0.9)) if errors else (np.nan, np.nan)
        share = np.mean([change.measurable for _, change in told]) if told else np.nan
        counts = f"{area:12.2f}{len(each):12}{len(told):12}"
        yield f"{counts}{half:12.3f}{most:12.3f}{share:12.1%}"


def cost(options: argparse.Namespace) -> Iterator[str]:
    random = np.random.default_rng(SEED)
    large = skin_with_spot((4000, 3000), grain=12)
    contents = [encoded(large), encoded(take_view(large, random_view(random), random))]
    times: dict[str, list[float]] = {"decode both": [], "compare": []}
    for _ in range(5):
        began = time.process_time()
        photos = [read_photo(content) for content in contents]
        decoded = time.process_time()
        compare(*photos)
        times["decode both"].append(decoded - began)
        times["compare"].append(time.process_time() - decoded)
    for name, seconds in times.items():
        yield f"{name}: {np.median(seconds):.2f} s of processor time"
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    yield f"most memory of the process: {most:.0f} MiB"


def shown(name: str, each: list[Comparison]) -> Iterator[str]:
    fitting = [one for one in each if one.alignment]
    yield f"{name}: {len(each)} pairs, comparable {len(fitting)} ({len(fitting) / len(each):.1%})"
    reasons = Counter(str(one.not_comparable or one.not_measured or "all measured") for one in each)
    yield "  " + ", ".join(f"{reason} {count}" for reason, count in reasons.most_common())
    if not fitting:
        return
    yield f"  {'':24}" + "".join(f"{share:>9.0%}" for share in SHARES)
    yield row("  correlation", [one.alignment.correlation for one in fitting if one.alignment])
    for measure in Measure:
        found = [change for one in fitting for change in one.changes if change.measure is measure]
        told = sum(change.measurable for change in found)
        yield row(f"  {measure}, absolute", [abs(change.value) for change in found])
        yield f"  {measure}: measured {len(found)}, told as a change {told}"
    yield f"  any change told: {sum(one.has_changed for one in fitting)} of {len(fitting)}"


def row(name: str, values: list[float]) -> str:
    return f"{name:26}" + "".join(
        f"{level:9.3f}" for level in np.quantile(values or [np.nan], SHARES)
    )


def _of_part(options: argparse.Namespace) -> list[list[dict[str, str]]]:
    """The lesions of the part with several pictures, as many as asked for."""
    groups = [lines for _, lines in sorted(_by_lesion(options.images).items()) if len(lines) > 1]
    return spread(groups[::2] if options.part == "chosen" else groups[1::2], options.count)


def _by_lesion(images: Path) -> dict[str, list[dict[str, str]]]:
    groups = defaultdict(list)
    for line in _metadata(images):
        groups[line["lesion_id"]].append(line)
    return groups


def _read(options: argparse.Namespace, line: dict[str, str]) -> Photo:
    return read_photo((options.images / f"{line['image_id']}.jpg").read_bytes())


def _metadata(images: Path) -> list[dict[str, str]]:
    with (images / "metadata.csv").open() as table:
        return list(csv.DictReader(table))


PARTS: dict[str, Callable[[argparse.Namespace], Iterator[str]]] = {
    "moved": moved,
    "lesions": lesions,
    "alarms": alarms,
    "proposals": proposals,
    "kinds": kinds,
    "grown": grown,
    "cost": cost,
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("figures", choices=PARTS)
    parser.add_argument("--images", type=Path)
    parser.add_argument("--masks", type=Path)
    parser.add_argument("--count", type=int, default=60)
    parser.add_argument("--part", choices=("chosen", "held"), default="held")
    options = parser.parse_args()
    for line in PARTS[options.figures](options):
        sys.stdout.write(line + "\n")


if __name__ == "__main__":
    main()
