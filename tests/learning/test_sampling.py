"""How often pictures are drawn: by source, by class, and normal skin within its bound."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from skinapi.errors import BadDataset
from skinapi.learning.data.samples import Sample
from skinapi.learning.train.inputs.sampling import Sampler, balance_samples, share_sources

SKIN = "normal_skin"
COUNTS = {
    ("archive", "nevus"): 640,
    ("archive", "melanoma"): 40,
    ("archive", SKIN): 300,
    ("phones", "nevus"): 25,
    ("phones", "carcinoma"): 100,
    ("videos", SKIN): 12,
}
SAMPLES = [
    Sample(f"{source}{label}{row}", Path("x"), label, f"{row}", source=source)
    for (source, label), count in COUNTS.items()
    for row in range(count)
]


def sampler_of(
    samples: list[Sample], shares: Mapping[str, float | None] | None = None, skin: float = 0.08
) -> Sampler:
    return balance_samples(samples, shares=shares or {}, most_normal_skin=skin)


def drawn(sampler: Sampler, seed: int = 0) -> Counter[tuple[str, str]]:
    rows = sampler.draw(np.random.default_rng(seed), len(sampler))
    return Counter((SAMPLES[row].source, SAMPLES[row].label) for row in rows)


def test_unbalanced_classes_are_drawn_as_often_as_they_occur() -> None:
    lesions = [sample for sample in SAMPLES if sample.source == "archive" and sample.label != SKIN]
    weights = {
        balanced: balance_samples(
            lesions, shares={}, most_normal_skin=0.0, balanced=balanced
        ).weights
        for balanced in (True, False)
    }
    assert weights[False] == pytest.approx(1.0)
    assert weights[True].max() > 2 * weights[True].min()


def test_given_shares_are_met_in_every_epoch() -> None:
    sampler = sampler_of(SAMPLES, {"phones": 0.4, "archive": None})
    for seed in range(20):
        times = drawn(sampler, seed)
        assert times.total() == len(SAMPLES)
        lesions = {
            source: sum(n for (s, label), n in times.items() if s == source and label != SKIN)
            for source in ("archive", "phones")
        }
        share = lesions["phones"] / sum(lesions.values())
        assert share == pytest.approx(0.4, abs=4 / len(SAMPLES))


def test_without_a_given_share_a_source_is_drawn_by_the_root_of_its_lesions() -> None:
    shares = share_sources({"archive": 900, "phones": 100, "clinic": 25}, {"clinic": 0.2})
    assert shares == pytest.approx({"archive": 0.6, "phones": 0.2, "clinic": 0.2})
    assert share_sources({"archive": 900, "phones": 100}, {}) == pytest.approx(
        {"archive": 0.75, "phones": 0.25}
    )


def test_shares_given_to_every_source_need_not_sum_to_one() -> None:
    assert share_sources({"a": 5, "b": 90}, {"a": 0.2, "b": 0.6}) == pytest.approx(
        {"a": 0.25, "b": 0.75}
    )


def test_within_a_source_a_class_is_drawn_by_the_root_of_its_number() -> None:
    times = drawn(sampler_of(SAMPLES))
    assert times["archive", "nevus"] / times["archive", "melanoma"] == pytest.approx(4, rel=0.03)
    assert times["phones", "carcinoma"] / times["phones", "nevus"] == pytest.approx(2, rel=0.03)


def test_normal_skin_is_one_class_over_all_sources_and_has_a_bound() -> None:
    times = drawn(sampler_of(SAMPLES))
    skin = {source: times[source, SKIN] for source in ("archive", "videos")}
    assert sum(skin.values()) / times.total() == pytest.approx(0.08, abs=2 / len(SAMPLES))
    assert skin["archive"] / skin["videos"] == pytest.approx(5, rel=0.1)


def test_little_normal_skin_is_drawn_no_more_often_than_another_class() -> None:
    few = [s for s in SAMPLES if s.source == "phones"]
    few += [s for s in SAMPLES if s.source == "videos"][:1]
    weights = sampler_of(few).weights
    assert weights[-1] / len(few) == pytest.approx(1 / (1 + 5 + 10))


def test_one_source_is_drawn_by_class_alone() -> None:
    only = [s for s in SAMPLES if s.source == "phones"]
    weights = sampler_of(only).weights
    assert weights.mean() == pytest.approx(1)
    assert weights[0] / weights[-1] == pytest.approx(2)


@pytest.mark.parametrize("share", [0.1, 1, 2.5])
def test_each_picture_and_each_class_is_drawn_within_one_of_its_weight(share: float) -> None:
    sampler = sampler_of(SAMPLES, {"phones": 0.4})
    many = round(share * len(SAMPLES))
    expected = sampler.weights * many / len(SAMPLES)
    for seed in range(20):
        rows = sampler.draw(np.random.default_rng(seed), many)
        assert len(rows) == many
        times = np.bincount(rows, minlength=len(SAMPLES))
        assert (np.abs(times - expected) < 1).all()
        for group in np.unique(sampler.groups):
            mine = sampler.groups == group
            assert abs(times[mine].sum() - expected[mine].sum()) < 1 + 1e-6


def test_the_same_seed_draws_alike_and_another_seed_differently() -> None:
    sampler = sampler_of(SAMPLES)
    first, again, other = (sampler.draw(np.random.default_rng(seed), 500) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
    assert not np.array_equal(first, np.sort(first))


@pytest.mark.parametrize(
    ("shares", "said"),
    [
        ({"phone": 0.4}, "phone was given a share, but no lesion"),
        ({"videos": 0.1}, "videos was given a share, but no lesion"),
        ({"phones": 0.0}, "share of phones is 0;"),
        ({"phones": 1.5}, "share of phones is 1.5;"),
        ({"phones": 1.0}, "leave nothing to draw of archive"),
    ],
)
def test_shares_that_cannot_be_met_are_refused_by_name(
    shares: Mapping[str, float], said: str
) -> None:
    with pytest.raises(BadDataset, match=said):
        sampler_of(SAMPLES, shares)
