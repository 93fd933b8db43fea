"""What is made of a close-up and a dermoscope picture that are sent together, without a kind told.

    python -m tests.bench.joined joins --images MILK10K --model DIR --part test
    python -m tests.bench.joined spots --images MILK10K --model DIR --part validation

`joins`: of the lesions of that part of the model's split that have both kinds, what the joined
findings state; then each cancer's dermoscope picture with the close-up of a benign lesion, as where
somebody confirmed wrongly that both show one spot. `spots`: whether anything tells the two pictures
of one lesion from those of two: the distance of their colours, of the network's features and of its
probabilities, for the limit that lets one in twenty pairs of two lesions pass.
"""

import argparse
import csv
import json
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from skinapi.errors import Refused
from skinapi.vision.bands import severity_rank, urgency
from skinapi.vision.classification import JudgedPhoto, join_photos, judge_prepared, prepare_photo
from skinapi.vision.comparison.same_spot import KnownPicture, find_apart
from skinapi.vision.conditions import Band, conditions_table
from skinapi.vision.context import NOTHING_TOLD
from skinapi.vision.decoding.photo import shrink_to_stored
from skinapi.vision.finding.finding import Finding
from skinapi.vision.network.model import Model, open_model

KINDS = ("clinical", "dermoscopic")
CANCERS = ("mel", "bcc", "scc", "akiec")
BENIGN = ("nv", "bkl", "df", "vasc")


class Lesion:
    """Its first close-up and its first dermoscope picture, judged."""

    def __init__(self, model: Model, lines: Sequence[dict[str, str]], folder: Path) -> None:
        self.dx = lines[0]["dx"]
        self.paths = [folder / f"{one['image_id']}.jpg" for one in lines]
        prepared = [prepare_photo(path.read_bytes()) for path in self.paths]
        self.judged = [judge_prepared(model, one, NOTHING_TOLD) for one in prepared]

    def known(self, place: int) -> KnownPicture:
        modality = self.judged[place].assessment.modality
        photo = shrink_to_stored(prepare_photo(self.paths[place].read_bytes()).photo)
        return KnownPicture(photo.pixels, modality.recognised)


def read_lesions(options: argparse.Namespace, model: Model) -> Iterator[Lesion]:
    """In the order of their ids; without those of which a picture is refused."""
    part = {*json.loads((options.model / "split.json").read_text())[options.part]}
    groups: dict[str, dict[str, dict[str, str]]] = defaultdict(dict)
    with (options.images / "metadata.csv").open() as file:
        for line in csv.DictReader(file):
            if line["image_id"] in part and line["dx"] in (*CANCERS, *BENIGN):
                groups[line["lesion_id"]].setdefault(line["modality"], line)
    both = [[one[kind] for kind in KINDS] for _, one in sorted(groups.items()) if len(one) == 2]
    for lines in both[: options.count]:
        try:
            yield Lesion(model, lines, options.images)
        except Refused:
            continue


def joins(options: argparse.Namespace) -> Iterator[str]:
    model = open_model(options.model)
    lesions = [*read_lesions(options, model)]
    cancers = [one for one in lesions if one.dx in CANCERS]
    benign = [one for one in lesions if one.dx in BENIGN]
    yield from _told("cancers", [join_photos(model, one.judged) for one in cancers])
    yield from _told("benign lesions", [join_photos(model, one.judged) for one in benign])
    confused = [
        [benign[place % len(benign)].judged[0], one.judged[1]] for place, one in enumerate(cancers)
    ]
    told = [join_photos(model, pair) for pair in confused]
    yield from _told("a cancer with the close-up of a benign lesion", told)


def _told(name: str, findings: Sequence[Finding]) -> Iterator[str]:
    counts: Counter[str] = Counter()
    malignant = conditions_table().malignant_keys
    for one in findings:
        state = severity_rank(one.stated)
        headed = severity_rank(one.headline.named.key)
        counts["most probable benign"] += one.most_probable not in malignant
        counts["stated benign"] += one.stated not in malignant
        counts["  and without a doubt"] += one.stated not in malignant and not one.uncertain
        counts["  though a picture states a malignant one"] += one.stated not in malignant and any(
            picture.stated in malignant for picture in one.pictures
        )
        counts["stated milder than by a picture"] += any(
            severity_rank(picture.stated) < state for picture in one.pictures
        )
        counts["headed milder than by a picture"] += any(
            severity_rank(picture.headline.named.key) < headed for picture in one.pictures
        )
        counts["in doubt"] += one.uncertain
        counts["  because the pictures disagree, alone"] += [*one.reasons] == ["pictures_disagree"]
        counts["  because of it, and of others"] += "pictures_disagree" in one.reasons[:1] and (
            len(one.reasons) > 1
        )
        counts["referral or more"] += urgency(one.band) <= urgency(Band.REFERRAL)
    yield f"{name}: {len(findings)}"
    yield from (f"  {count:4}  {what}" for what, count in counts.items())


def spots(options: argparse.Namespace) -> Iterator[str]:
    """A pair of two lesions has the same diagnosis where another lesion has it."""
    model = open_model(options.model)
    lesions = [*read_lesions(options, model)]
    by_dx = defaultdict(list)
    for one in lesions:
        by_dx[one.dx].append(one)
    others = [
        (one, group[(place + 1) % len(group)])
        for group in by_dx.values()
        for place, one in enumerate(group)
        if len(group) > 1
    ]
    any_others = [(one, lesions[place - len(lesions) // 2]) for place, one in enumerate(lesions)]
    yield f"{len(lesions)} lesions; pairs of two: {len(others)} of one diagnosis, {len(any_others)}"
    for what, pairs in (("one lesion", [(one, one) for one in lesions]), ("two", any_others)):
        asked = sum(find_apart([a.known(0), b.known(1)]) is not None for a, b in pairs)
        yield f"  pictures of {what}: asked about {asked} of {len(pairs)}"
    for name, distance in DISTANCES.items():
        true = np.array([distance(one, one) for one in lesions])
        for what, pairs in (("one diagnosis", others), ("any", any_others)):
            false = np.array([distance(*pair) for pair in pairs])
            limit = np.quantile(false, 0.05)
            area = (true[:, None] < false[None]).mean() + (true[:, None] == false[None]).mean() / 2
            yield (
                f"  {name:14} against two lesions of {what:13}: AUC {area:.3f}; "
                f"where 5 % of them pass, {np.mean(true > limit):.0%} of one lesion are asked"
            )


def _features(first: Lesion, second: Lesion) -> float:
    near, far = first.judged[0].output.pooled[0], second.judged[1].output.pooled[0]
    return -float(near @ far / np.linalg.norm(near) / np.linalg.norm(far))


def _probabilities(first: Lesion, second: Lesion) -> float:
    """Hellinger's distance."""
    near, far = (_shares(one) for one in (first.judged[0], second.judged[1]))
    return float(np.linalg.norm(np.sqrt(near) - np.sqrt(far)))


def _shares(judged: JudgedPhoto) -> np.ndarray:
    return np.array([share for _, share in sorted(judged.assessment.probabilities.items())])


def _colours(first: Lesion, second: Lesion) -> float:
    """Of the middles of both pictures, against their edges: in CIELAB."""
    return float(np.linalg.norm(_contrast(first.paths[0]) - _contrast(second.paths[1])))


def _contrast(path: Path) -> np.ndarray:
    small = np.asarray(Image.open(path).convert("LAB").resize((32, 32)), dtype=float)
    small[..., 1:] = (small[..., 1:] + 128) % 256 - 128
    middle = small[12:20, 12:20].mean(axis=(0, 1))
    return np.asarray(middle - np.concatenate([small[:4], small[-4:]]).mean(axis=(0, 1)))


DISTANCES: dict[str, Callable[[Lesion, Lesion], float]] = {
    "colours": _colours,
    "features": _features,
    "probabilities": _probabilities,
}


def main() -> None:
    words = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    words.add_argument("what", choices=("joins", "spots"))
    words.add_argument("--images", type=Path, required=True, help="with metadata.csv")
    words.add_argument("--model", type=Path, required=True)
    words.add_argument("--part", choices=("validation", "test"), required=True)
    words.add_argument("--count", type=int, help="of lesions, at most")
    options = words.parse_args()
    sys.stdout.writelines(
        f"{line}\n" for line in {"joins": joins, "spots": spots}[options.what](options)
    )


if __name__ == "__main__":
    main()
