from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from skinapi.learning.data.samples import Sample, fitting_half, measuring_half, patient_context
from skinapi.learning.measure.predictions import ModelOutputs, name_classes
from skinapi.learning.train.fit_calibration import (
    calibrate_model,
    conformal_limit,
    fit_calibration,
    fit_naming_rule,
    fit_prediction_sets,
)
from skinapi.learning.train.fit_detectors import (
    LEAST_SURE,
    MAX_DOUBTED,
    fit_linear,
    fit_modality_detector,
    fit_skin_detector,
)
from skinapi.learning.train.fit_patient_facts import fit_patient_facts
from skinapi.model.bands import OperatingPoint
from skinapi.model.calibration import Calibration, ModelCalibration
from skinapi.model.conditions import conditions_table
from skinapi.model.context import Modality
from skinapi.model.dataset_labels import SIGNS, LabelColumns
from skinapi.model.patient_facts import PatientFactsTable
from tests.learning.toy_answers import toy_model

LABELS = ("melanoma", "melanocytic_nevus", "benign_keratosis")
LENS, PHONE = Modality.DERMOSCOPIC, Modality.CLINICAL


def silent(line: str) -> None:
    pass


def sample_of(number: int, label: str, **fields: object) -> Sample:
    values = {"source": "clinic", "modality": LENS, "facts": {"dx": "as written"}} | fields
    return Sample(f"p{number:05}", Path("none"), label, f"l{number}", **values)  # type: ignore[arg-type]


def answers_of(
    labels: Sequence[str], *, seed: int = 0, sharpness: float = 2.0, **fields: object
) -> ModelOutputs:
    random = np.random.default_rng(seed)
    truth = np.array([LABELS.index(label) for label in labels])
    logits = random.normal(size=(len(labels), len(LABELS)))
    logits[np.arange(len(labels)), truth] += sharpness
    samples = [sample_of(seed * 10_000 + n, label, **fields) for n, label in enumerate(labels)]
    pooled = np.concatenate([logits, random.normal(size=(len(labels), 5))], axis=1)
    return ModelOutputs(samples, logits.astype(np.float32), pooled.astype(np.float32))


def joined(*parts: ModelOutputs) -> ModelOutputs:
    return ModelOutputs(
        [sample for part in parts for sample in part.samples],
        np.concatenate([part.logits for part in parts]),
        np.concatenate([part.pooled for part in parts]),
    )


MIX = ["melanoma"] * 60 + ["melanocytic_nevus"] * 300 + ["benign_keratosis"] * 90


@pytest.mark.parametrize("level", [0.9, 0.95])
def test_a_conformal_limit_keeps_its_promise_on_new_scores(level: float) -> None:
    """Over many draws of sixty old scores and a new one, the new score reaches the limit as often
    as was promised, and hardly more.
    """
    random = np.random.default_rng(1)
    scores = random.beta(2, 1, (4000, 61))
    reached = [row[-1] >= (conformal_limit(row[:-1], level) or 0) for row in scores]
    assert level - 0.01 <= np.mean(reached) <= level + 0.03


def test_too_few_scores_promise_nothing() -> None:
    nine, eighteen = np.linspace(0.1, 0.9, 9), np.linspace(0.1, 0.9, 18)
    assert conformal_limit(nine, 0.9) == pytest.approx(0.1)
    assert conformal_limit(nine[:8], 0.9) is None
    assert conformal_limit(eighteen, 0.95) is None


def test_a_class_with_too_few_lesions_uses_the_limit_of_its_group() -> None:
    labels = ["melanocytic_nevus"] * 100 + ["benign_keratosis"] * 5
    answers = answers_of(labels)
    probabilities = np.full((105, 3), 0.1)
    probabilities[:, 1] = np.linspace(0.2, 0.9, 105)
    probabilities[100:, 2] = 0.05
    sets, too_few = fit_prediction_sets(answers, LABELS, probabilities)
    assert too_few["0.95"] == ("melanoma", "benign_keratosis")
    assert sets["0.95"]["benign_keratosis"] < sets["0.95"]["melanocytic_nevus"]
    assert sets["0.95"]["melanoma"] == 0.0, "no malignant lesion at all: never ruled out"


def test_prediction_sets_count_a_lesion_once() -> None:
    answers = answers_of(["melanoma"] * 100)
    same = [sample_of(n, "melanoma") for n in range(100)]
    same = [Sample(s.image_id, s.path, s.label, "one lesion", source=s.source) for s in same]
    _, too_few = fit_prediction_sets(
        ModelOutputs(same, answers.logits, answers.pooled), LABELS, np.full((100, 3), 0.3)
    )
    assert "melanoma" in too_few["0.90"]


def test_the_naming_rule_finds_rare_classes_for_at_most_half_a_point_of_accuracy() -> None:
    answers = answers_of(MIX, seed=3, sharpness=1.5)
    truth = np.array([LABELS.index(label) for label in MIX])
    prior = {label: MIX.count(label) / len(MIX) for label in LABELS}
    # As a network trained on this mix would answer.
    shifted = answers.logits + np.log([prior[label] for label in LABELS])
    probabilities = np.exp(shifted) / np.exp(shifted).sum(axis=1, keepdims=True)
    rule = fit_naming_rule(LABELS, probabilities.astype(np.float64), truth, prior=prior)
    plain, named = (
        name_classes(
            [Calibration(naming=item)] * len(MIX), LABELS, probabilities.astype(np.float64)
        )
        for item in (None, rule)
    )
    assert rule.tau > 0
    assert (named == truth).mean() >= (plain == truth).mean() - 0.005
    rare = truth == 0
    assert (named == truth)[rare].mean() > (plain == truth)[rare].mean()


def seen_through(modality: Modality, feature: float, seed: int) -> ModelOutputs:
    answers = answers_of(MIX, seed=seed, modality=modality, source=str(modality))
    pooled = answers.pooled.copy()
    pooled[:, -1] += feature
    return ModelOutputs(answers.samples, answers.logits, pooled)


def test_the_modality_is_learned_from_the_sources() -> None:
    train = joined(seen_through(LENS, 4, 1), seen_through(PHONE, -4, 2))
    watched = joined(seen_through(LENS, 4, 3), seen_through(PHONE, -4, 4))
    detector = fit_modality_detector(train, watched, report=silent)
    assert detector is not None
    assert detector.probability(watched.pooled[0]) > 0.8
    assert detector.probability(watched.pooled[-1]) < 0.2


def test_what_is_not_skin_is_told_from_every_source_and_hardly_a_lesion_refused() -> None:
    train = joined(seen_through(LENS, 0, 1), seen_through(PHONE, 0, 2))
    watched = joined(seen_through(LENS, 0, 3), seen_through(PHONE, 0, 4))
    strangers = np.random.default_rng(9).normal(6, 1, (80, train.pooled.shape[1]))
    detector = fit_skin_detector(train, watched, strangers[:40], report=silent)
    assert np.mean([detector.probability(row) >= detector.limit for row in strangers[40:]]) > 0.95
    for source in (LENS, PHONE):
        rows = [row for row, s in enumerate(watched.samples) if s.source == source]
        refused = [detector.probability(watched.pooled[row]) > detector.limit for row in rows]
        assert np.mean(refused) <= MAX_DOUBTED


def test_every_kind_of_thing_is_in_both_halves_although_names_sort_by_kind() -> None:
    """The first thirty of sixty ordinary photographs were all of animals, and those of other things
    were refused less often.
    """
    things = [sample_of(number, "beast" if number < 9 else "tool") for number in range(18)]
    fitting, measuring = fitting_half(things[::-1]), measuring_half(things[::-1])
    assert {s.image_id for s in (*fitting, *measuring)} == {s.image_id for s in things}
    assert len(fitting) == len(measuring) == 9
    for half in (fitting, measuring):
        assert {s.label for s in half} == {"beast", "tool"}


def test_no_skin_tone_is_refused_more_often_than_another() -> None:
    train, watched = seen_through(LENS, 0, 1), seen_through(LENS, 0, 3)
    few = answers_of(MIX[:4], seed=5, facts={"skin_tone": "0"}, source=str(LENS))
    few = ModelOutputs(few.samples, few.logits, few.pooled + 4)
    strangers = np.random.default_rng(9).normal(6, 1, (80, train.pooled.shape[1]))
    detector = fit_skin_detector(train, joined(watched, few), strangers, report=silent)
    most = max(detector.probability(row) for row in few.pooled)
    assert detector.limit >= 0.99 * most > 0.5, "else the test could not fail"


def test_no_picture_of_a_source_that_was_left_out_is_surely_something_else() -> None:
    train, far = seen_through(LENS, 0, 1), seen_through(PHONE, 0, 2)
    shift = np.array([10] * 7 + [-12], np.float32)
    far = ModelOutputs(far.samples, far.logits, far.pooled + shift)
    strangers = np.random.default_rng(9).normal(6, 1, (80, train.pooled.shape[1]))
    both = joined(train, far)
    detector = fit_skin_detector(both, both, strangers, report=silent)
    unseen = fit_skin_detector(train, train, strangers, report=silent)
    assert detector.sure is not None
    seen, highest = (
        max(item.probability(row) for row in far.pooled) for item in (detector, unseen)
    )
    assert detector.sure > highest > max(LEAST_SURE, seen), "else the test could not fail"


def test_a_large_source_does_not_decide_alone() -> None:
    random = np.random.default_rng(2)
    first = np.arange(2100) % 2 == 0
    pooled = random.normal(size=(2100, 2))
    large = np.arange(2100) < 2000
    pooled[large, 0] += np.where(first[large], 1.5, -1.5)
    pooled[~large, 1] += np.where(first[~large], 1.5, -1.5)
    small = random.normal((0, 1.5), size=(400, 2))
    right = [
        (fit_linear(pooled, first, groups=groups).probability(small) > 0.5).mean()
        for groups in ([""] * 2100, [str(item) for item in large])
    ]
    assert right[0] < 0.65 < 0.75 < right[1]


def test_each_modality_gets_a_calibration_of_its_own() -> None:
    sharp, flat = seen_through(LENS, 4, 1), seen_through(PHONE, -4, 2)
    flat = ModelOutputs(flat.samples, flat.logits * 3, flat.pooled)
    found = fit_calibration(
        labels=LABELS,
        train=joined(sharp, flat),
        patients=joined(sharp, flat).samples,
        validation=joined(sharp, flat),
        not_skin=None,
        report=silent,
    )
    assert found.clinical is not None
    assert found.clinical.temperature > 2 * found.dermoscopic.temperature
    assert found.skin is None
    assert ModelCalibration.model_validate_json(found.model_dump_json()) == found


AGED = {"melanoma": "80", "melanocytic_nevus": "20", "benign_keratosis": "65"}


def hospital(name: str, seed: int, *, tells: bool) -> ModelOutputs:
    """Age predicts a class perfectly, or is drawn by chance."""
    answers = answers_of(MIX, seed=seed, sharpness=1.0, source=name)
    ages = np.random.default_rng(seed).permutation([AGED[label] for label in MIX])
    samples = [
        sample_of(seed * 10_000 + n, s.label, source=name, facts={"age": age})
        for n, (s, age) in enumerate(
            zip(answers.samples, [AGED[x] for x in MIX] if tells else ages, strict=True)
        )
    ]
    return ModelOutputs(samples, answers.logits, answers.pooled)


def facts_of(learned: ModelOutputs, watched: ModelOutputs) -> PatientFactsTable | None:
    calibration = ModelCalibration(
        dermoscopic=Calibration(sent=dict.fromkeys(OperatingPoint, 0.1), thresholds={})
    )
    fitted = fit_patient_facts(calibration, LABELS, learned.samples, watched, report=silent)
    return fitted.dermoscopic.patient_facts


def test_facts_that_tell_a_class_count_and_have_thresholds_where_enough_tell_them() -> None:
    learned = joined(hospital("a", 1, tells=True), hospital("b", 2, tells=True))
    watched = joined(hospital("a", 3, tells=True), hospital("b", 4, tells=True))
    table = facts_of(learned, watched)
    assert table is not None
    assert table.age[90]["melanoma"] > 0.5 > -0.5 > table.age[30]["melanoma"]
    assert (table.sex, table.body_site, table.ticked) == ({}, {}, {})
    (limits,) = table.limits.items()
    assert limits[0] == "age"
    # All that is malignant is old, so a threshold that sends it all spares more than before.
    assert limits[1].sent[OperatingPoint.CAUTIOUS] > 0.1


def test_facts_that_tell_nothing_or_harm_one_source_do_not_count() -> None:
    learned = joined(hospital("a", 1, tells=True), hospital("b", 2, tells=True))
    for second in (False, True):
        watched = joined(hospital("a", 3, tells=second), hospital("b", 4, tells=False))
        assert facts_of(learned, watched) is None


def test_facts_compare_within_a_source_not_between_hospitals() -> None:
    old = [sample_of(n, "melanoma", source="a", facts={"age": "80"}) for n in range(200)]
    young = [
        sample_of(900 + n, "melanocytic_nevus", source="b", facts={"age": "20"}) for n in range(200)
    ]
    watched = joined(hospital("a", 3, tells=True), hospital("b", 4, tells=True))
    assert facts_of(ModelOutputs([*old, *young], watched.logits, watched.pooled), watched) is None


def test_answers_of_a_data_set_become_signs() -> None:
    columns = LabelColumns({"image_id", "dx"}, table="t")
    row = {"image_id": "a", "dx": "nv", "itch": "UNK", "hurt": "True", "grew": "False", "bleed": ""}
    facts = columns.read(
        {**row, "diameter_1": "7.0", "diameter_2": "", "oozing": " Yes", "inflammation": "?"}
    ).facts
    assert facts == {
        "change_in_sensation": "yes",
        "change_in_size": "no",
        "diameter_7mm_or_more": "yes",
        "oozing": "yes",
    }
    context = patient_context(sample_of(1, "melanoma", facts=facts))
    assert context.checklist == ("diameter_7mm_or_more", "oozing", "change_in_sensation")
    assert {*SIGNS} == {item.key for item in conditions_table().checklist.items}


def test_the_words_of_data_sets_become_those_of_the_api() -> None:
    facts = {"age": "47.0", "sex": "FEMALE", "localization": "posterior torso"}
    found = patient_context(sample_of(1, "melanoma", facts=facts))
    told = (found.age, found.age_band, found.sex, found.body_site)
    assert told == (47, "45-59", "female", "back")
    sites = {"head_neck_face": "face", "lower_extremity": "lower_extremity", "acral NOS": "acral"}
    for written, site in sites.items():
        found = patient_context(sample_of(1, "melanoma", facts={"localization": written}))
        assert found.body_site == site
    odd = {"age": "unknown", "sex": "", "localization": "elsewhere"}
    nothing = patient_context(sample_of(1, "melanoma", facts=odd)).model_dump(exclude={"modality"})
    assert not any(nothing.values())


def pictures_of(
    labels: Sequence[str], folder: Path, *, seed: int, colour: tuple[int, int, int]
) -> list[Sample]:
    """Red for a melanoma, green for a nevus, and any other in this colour."""
    random = np.random.default_rng(seed)
    colours = {"melanoma": (200, 90, 90), "melanocytic_nevus": (90, 200, 90)}
    samples = []
    for number, label in enumerate(labels):
        path = folder / f"{seed}-{number}.png"
        shade = np.array(colours.get(label, colour)) + random.integers(-60, 60, (40, 40, 3))
        Image.fromarray(shade.clip(0, 255).astype(np.uint8)).save(path)
        sample = sample_of(seed * 100 + number, label)
        samples.append(replace(sample, path=path, source=f"clinic{number % 2}"))
    return samples


def test_pictures_that_the_model_has_no_output_for_calibrate_nothing(tmp_path: Path) -> None:
    known = ["melanoma", "melanocytic_nevus"] * 8
    learned, watched = (
        pictures_of(known, tmp_path, seed=seed, colour=(0, 0, 0)) for seed in (1, 2)
    )
    foreign = pictures_of(
        ["dermatofibroma"] * 5 + ["vascular_lesion"], tmp_path, seed=3, colour=(250, 0, 0)
    )
    said: list[str] = []
    plain, mixed = (
        calibrate_model(
            toy_model(),
            train=[*learned, *more[:2]],
            validation=[*more, *watched],
            not_skin=None,
            report=said.append,
        )
        for more in ([], foreign)
    )
    assert mixed == plain
    assert [line for line in said if "left out" in line] == [
        "2 training pictures left out, no output of the model: dermatofibroma 2",
        (
            "6 validation pictures left out, no output of the model: "
            "dermatofibroma 5, vascular_lesion 1"
        ),
    ]
