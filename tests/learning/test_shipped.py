import csv
import json
from pathlib import Path

import numpy as np
import pytest

from skinapi.learning.data.made_pictures import make_pictures
from skinapi.learning.measure.figures import short_name
from skinapi.learning.measure.predictions import lesion_classes
from skinapi.learning.train.card import README, write_readable_card
from skinapi.learning.train.networks import build_network
from skinapi.learning.train.openvino_export import Servable, make_servable
from skinapi.learning.train.weights import load_model_weights
from skinapi.model.bands import THRESHOLDS
from skinapi.model.decoding.photo import read_photo
from skinapi.model.finding import Doubt
from skinapi.model.network.engine import Precision
from skinapi.model.network.model import CARD, SHIPPED_MODEL, Model, open_model
from skinapi.model.network.picture import Tensor, make_tensor
from tests.model.photos import encoded
from tests.support.outcomes import name_outcome
from tests.support.size import size

PICTURES = Path(__file__).parents[3] / "shared" / "data" / "ham10000"
pytestmark = pytest.mark.xdist_group("shipped network")  # opened once
needs_pictures = pytest.mark.skipif(
    not PICTURES.is_dir(), reason="skipped: the HAM10000 pictures are not beside the project"
)


@pytest.fixture(scope="module")
def served() -> Model:
    return open_model(SHIPPED_MODEL, precision=Precision.F32)


@pytest.fixture(scope="module")
def rebuilt(served: Model) -> Servable:
    network = build_network(
        served.card.architecture, outputs=len(served.labels), side=served.card.side
    )
    load_model_weights(network, SHIPPED_MODEL)
    return make_servable(network)


def tensors(served: Model, count: int) -> Tensor:
    split = json.loads((SHIPPED_MODEL / "split.json").read_text())
    names = [name for name in split["validation"] if (PICTURES / f"{name}.jpg").exists()]
    shown = (PICTURES / f"{name}.jpg" for name in names[:count])
    pictures = [read_photo(path.read_bytes()).pixels for path in shown]
    card = served.card
    return np.stack(
        [make_tensor(p, side=card.side, scaling=card.scaling, seen=card.seen) for p in pictures]
    )


@pytest.mark.drill
@needs_pictures
def test_serving_equals_keras_in_probabilities_and_the_gradient_tape_in_heat_maps(
    served: Model, rebuilt: Servable
) -> None:
    tensorflow = pytest.importorskip("tensorflow")
    batch = tensors(served, 200)
    with tensorflow.GradientTape() as tape:
        logits, feature_map, pooled = rebuilt.network(batch[:4], training=False)
        outputs = logits.numpy().argmax(axis=1)
        # A picture of a batch does not change the answer to another.
        chosen = tensorflow.gather(logits, outputs, axis=1, batch_dims=1)
    gradients = tape.gradient(chosen, feature_map).numpy()
    for row, (features, gradient) in enumerate(zip(feature_map.numpy(), gradients, strict=True)):
        taped = np.maximum((features * gradient.mean(axis=(0, 1))).sum(axis=-1), 0)
        heat = rebuilt.head.heat(features, pooled[row].numpy(), int(outputs[row]))
        np.testing.assert_allclose(heat, taped, atol=1e-5)
    kept = np.concatenate([rebuilt.network(item[None], training=False)[0] for item in batch])
    answered = np.concatenate([served.engine.infer(item[None]).logits for item in batch])
    probabilities = served.calibration.dermoscopic.probabilities
    np.testing.assert_allclose(probabilities(answered), probabilities(kept), atol=1e-4)


def test_the_card_tells_what_is_asked_of_it(served: Model) -> None:
    test = served.card.figures["test"]
    for part in (test, test["one_per_lesion"]):
        assert set(part["per_class"]) == {short_name(key) for key in lesion_classes()}
        assert part["macro_auc_interval"][0] < part["macro_auc"] < part["macro_auc_interval"][1]
    assert served.card.figures["validation"]["stress"]["untouched"]["n"] > 700
    assert set(test["bands"]) == {*THRESHOLDS} & {*served.labels, "malignant"}
    assert set(test["by_source"]) >= {"ham10000", "isic2017", "pad_ufes_20"}
    assert set(test["by_modality"]) >= {"dermoscopic", "clinical"}
    assert "non-commercial" in served.card.licence
    assert len(served.card.limits) >= 5
    f32, bf16 = (served.card.figures["precision"][p.value] for p in Precision)
    assert served.card.precision is Precision.F32 or f32 - bf16 <= 0.002


def test_the_readable_card_says_what_the_card_says(tmp_path: Path) -> None:
    card = json.loads((SHIPPED_MODEL / CARD).read_text())
    write_readable_card(tmp_path, card, card["version"])
    assert (tmp_path / README).read_text() == (SHIPPED_MODEL / README).read_text()


def test_what_a_program_makes_is_refused_or_doubted_to_show_skin(served: Model) -> None:
    pictures = make_pictures(size(8, 50), seed=1)
    outcomes = [name_outcome(served, encoded(picture, "PNG")) for picture in pictures]
    refused = [outcome.startswith("refused") for outcome in outcomes]
    asked = [Doubt.NOT_SURELY_SKIN in outcome for outcome in outcomes]
    assert np.mean(refused) > 0.7
    assert np.mean(np.logical_or(refused, asked)) > 0.95


def test_the_shipped_split_names_pictures_alone() -> None:
    split = json.loads((SHIPPED_MODEL / "split.json").read_text())
    names = [name for part in split.values() for name in part]
    old, new = 10_015 + 2_315 + 762 + 8_818 + 1_743 + 109, 345 + 239 + 12_021
    assert len(names) == len(set(names)) == old + new


@needs_pictures
@pytest.mark.parametrize(
    ("source", "column", "count"),
    [
        ("ham10000", "lesion_id", 7_470),
        ("isic2017", "lesion_id", 656),
        ("pad_ufes_20", "lesion_id", 546),
        ("pad_ufes_20", "patient_id", 460),
    ],
)
def test_no_lesion_or_patient_is_on_two_sides_of_the_shipped_split(
    source: str, column: str, count: int
) -> None:
    split = json.loads((SHIPPED_MODEL / "split.json").read_text())
    part_of = {name: part for part, names in split.items() for name in names}
    sides: dict[str, set[str]] = {}
    with (PICTURES.parent / source / "metadata.csv").open(newline="") as table:
        for row in csv.DictReader(table):
            if row[column]:
                sides.setdefault(row[column], set()).add(part_of[row["image_id"]])
    assert len(sides) == count
    assert all(len(parts) == 1 for parts in sides.values())
