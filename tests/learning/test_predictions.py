from pathlib import Path

import numpy as np
from PIL import Image

from skinapi.learning.data.samples import Sample
from skinapi.learning.measure.figures import serve_pictures
from skinapi.learning.measure.predictions import name_result, predict, run_model
from skinapi.model.calibration import Calibration, NamingRule, softmax
from skinapi.model.context import Modality
from tests.learning.toy_answers import (
    ALL,
    CLINICAL,
    DERMOSCOPIC,
    answer,
    answers_of,
    told_calibration,
    toy_model,
)
from tests.support.outcomes import name_outcome

NEVUS, MELANOMA, BASAL = "melanocytic_nevus", "melanoma", "basal_cell_carcinoma"
UNKNOWN = Modality.UNKNOWN


def write_picture(folder: Path, name: str, colour: tuple[int, int, int], side: int = 256) -> Sample:
    noise = np.random.default_rng(1).normal(0, 12, (side, side, 1))
    pixels = (np.full((side, side, 3), colour, np.float64) + noise).clip(0, 255).astype(np.uint8)
    path = folder / f"{name}.png"
    Image.fromarray(pixels).save(path)
    return Sample(name, path, NEVUS, name, modality=DERMOSCOPIC)


def test_each_picture_is_calibrated_by_its_own_modality() -> None:
    rows = [
        answer(NEVUS, NEVUS, lesion="a"),
        answer(NEVUS, NEVUS, lesion="b", modality=CLINICAL, seen_as="clinical"),
        answer(MELANOMA, NEVUS, lesion="c", modality=UNKNOWN, seen_as="clinical"),
    ]
    answers = answers_of(rows)
    judged = predict(toy_model(), answers)
    assert judged.classes == (MELANOMA, NEVUS)
    places = [ALL.index(MELANOMA), ALL.index(NEVUS)]
    np.testing.assert_allclose(judged.probabilities[0], softmax(answers.logits[0, places], 1.0))
    for row in (1, 2):
        wanted = softmax(answers.logits[row, places], 2.0)
        np.testing.assert_allclose(judged.probabilities[row], wanted)
    assert judged.calibrated_as.tolist() == ["dermoscopic", "clinical", "clinical"]


def test_the_naming_rule_never_replaces_a_more_probable_cancer() -> None:
    rule = NamingRule(tau=1.0, prior={NEVUS: 0.9, BASAL: 0.1, MELANOMA: 0.5})
    rows = [
        answer(BASAL, {NEVUS: 0.7, BASAL: 0.3}, lesion="rare"),
        answer(MELANOMA, {MELANOMA: 0.7, BASAL: 0.3}, lesion="grave"),
        answer(NEVUS, NEVUS, lesion="plain"),
    ]
    named = predict(toy_model(told_calibration(naming=rule)), answers_of(rows))
    assert [named.classes[index] for index in named.named] == [BASAL, MELANOMA, NEVUS]
    without = predict(toy_model(), answers_of(rows))
    assert [without.classes[index] for index in without.named] == [NEVUS, MELANOMA, NEVUS]


def test_what_is_told_is_the_gravest_in_doubt_and_nothing_where_refused() -> None:
    rows = [
        answer(NEVUS, {NEVUS: 0.5, MELANOMA: 0.45}, lesion="doubt"),
        answer(NEVUS, NEVUS, lesion="cloth", skin=False),
        answer(MELANOMA, {"normal_skin": 0.99}, lesion="bare"),
    ]
    judged = predict(toy_model(), answers_of(rows))
    assert judged.named.tolist()[:2] == [1, 1]
    assert judged.stated.tolist() == [0, -1, -1]
    assert judged.refused.tolist() == [False, True, False]


def test_a_malignant_picture_is_not_refused_however_little_it_looks_like_skin() -> None:
    rows = [answer(MELANOMA, MELANOMA, lesion="a", skin=False), answer(NEVUS, NEVUS, lesion="b")]
    answers = answers_of(rows)
    answers.pooled[0, 1] = -2.3  # hardly over the limit of 0.9
    calibration = told_calibration().model_copy(
        update={"dermoscopic": Calibration(thresholds=dict.fromkeys(("melanoma",), 0.05))}
    )
    assert predict(toy_model(calibration), answers).refused.tolist() == [False, False]


def test_quality_checks_refuse_the_same_pictures_as_serving(tmp_path: Path) -> None:
    model = toy_model()
    samples = [
        write_picture(tmp_path, "nevus", (80, 200, 80)),
        write_picture(tmp_path, "doubtful", (200, 190, 80)),
        write_picture(tmp_path, "dark", (0, 0, 0)),
        write_picture(tmp_path, "small", (80, 200, 80), side=100),
    ]
    answers = run_model(model, samples, report=lambda _: None)
    served = serve_pictures(model, answers)
    for sample, item in zip(samples, served.results, strict=True):
        assert name_result(item) == name_outcome(model, sample.path.read_bytes())
    assert served.table["refused"].tolist() == [False, False, True, True]
    assert served.table["outcome"].tolist()[2:] == ["refused: too_dark", "refused: too_small"]
