import json
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from skinapi.base.errors import BadDataset
from skinapi.learning.data.datasets import Source, load_sources, parse_source
from skinapi.model.context import Modality
from tests.learning.conftest import Joined, Small, run_command
from tests.learning.pictures import draw_lesion, write_source


@pytest.fixture
def hospital(tmp_path: Path) -> Path:
    return write_source(tmp_path / "hospital", "h1,,,nv,dermoscopic", "h2,,,mel,dermoscopic")


@pytest.fixture
def phones(tmp_path: Path) -> Path:
    rows = ("p1,l1,A,nv,", "p2,l1,A,nv,", "p3,l2,A,scc,", "p4,l3,B,bcc,")
    return write_source(tmp_path / "phones", *rows, seed=1)


def test_a_source_is_written_as_a_folder_and_what_is_said_of_it() -> None:
    assert parse_source("data/ham") == Source("ham", Path("data/ham"))
    text = (
        "ham,modality=dermoscopic,licence=CC BY-NC 4.0, by Tschandl, Kittler,share=0.5,labels=a.csv"
    )
    assert parse_source(text) == Source(
        name="ham",
        folder=Path("ham"),
        modality=Modality.DERMOSCOPIC,
        licence="CC BY-NC 4.0, by Tschandl, Kittler",
        share=0.5,
        labels=Path("a.csv"),
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("ham,modality=xray", "ham: there is no modality 'xray'; choose among dermoscopic"),
        ("ham,colour=red", "ham: there is no option 'colour'; choose among modality"),
        ("ham,share=many", "ham: the share 'many' is not"),
        ("ham,share=0", "ham: the share '0' is not"),
        ("ham,licence=", "ham: the option 'licence' needs one value"),
        ("ham,share=0.1,share=0.2", "ham: the option 'share' needs one value"),
    ],
)
def test_a_source_that_is_written_wrongly_is_refused_by_name(text: str, said: str) -> None:
    with pytest.raises(BadDataset, match=said):
        parse_source(text)


def test_sources_are_joined_and_each_is_described(hospital: Path, phones: Path) -> None:
    data = [f"{hospital},share=0.7", f"{phones},modality=clinical,licence=CC BY 4.0"]
    sources = load_sources(data)
    assert [s.image_id for s in sources.samples] == ["h1", "h2", "p1", "p2", "p3", "p4"]
    assert [(each.name, each.share) for each in sources.sources] == [
        ("hospital", 0.7), ("phones", None)
    ]  # fmt: skip
    assert Counter(sample.source for sample in sources.samples) == {"hospital": 2, "phones": 4}
    assert "phones: 4 pictures of 3 lesions" in sources.describe()


def test_a_source_whose_pictures_have_no_modality_is_refused_by_name(
    hospital: Path, phones: Path
) -> None:
    with pytest.raises(
        BadDataset, match="phones does not say how 4 of its pictures were taken, p1"
    ):
        load_sources([str(hospital), str(phones)])


def test_an_unknown_label_is_refused_with_its_source_unless_skipped(
    hospital: Path, tmp_path: Path
) -> None:
    other = write_source(tmp_path / "other", "o1,,,nv,clinical", "o2,,,freckle,clinical", seed=2)
    with pytest.raises(BadDataset, match=r"other has labels that are not ours(.|\n)*'freckle'"):
        load_sources([str(hospital), str(other)])
    kept = load_sources([str(hospital), str(other)], skip_unknown_labels=True)
    assert [sample.image_id for sample in kept.samples] == ["h1", "h2", "o1"]


@pytest.mark.parametrize(
    ("folder", "picture", "said"),
    [
        ("b/hospital", "h9", "Two sources are called hospital"),
        ("other", "h1", "The picture id h1 is in hospital and in other"),
    ],
)
def test_one_name_or_picture_id_in_two_sources_is_refused(
    hospital: Path, tmp_path: Path, folder: str, picture: str, said: str
) -> None:
    again = write_source(tmp_path / folder, f"{picture},,,nv,clinical", seed=3)
    with pytest.raises(BadDataset, match=said):
        load_sources([str(hospital), str(again)])


def test_the_same_bytes_in_two_sources_are_refused_with_both_names(
    hospital: Path, phones: Path
) -> None:
    shutil.copy(hospital / "h2.png", phones / "p3.png")
    with pytest.raises(BadDataset, match="The same picture is h2 in hospital and p3 in phones"):
        load_sources([str(hospital), f"{phones},modality=clinical"])


def test_the_same_bytes_are_refused_under_two_patients_and_allowed_under_one(phones: Path) -> None:
    shutil.copy(phones / "p1.png", phones / "p2.png")
    shutil.copy(phones / "p1.png", phones / "p3.png")
    load_sources([f"{phones},modality=clinical"])
    shutil.copy(phones / "p1.png", phones / "p4.png")
    with pytest.raises(BadDataset, match="The same picture is p1 in phones and p4 in phones"):
        load_sources([f"{phones},modality=clinical"])


def test_normal_skin_is_a_source_of_its_own_whose_modality_may_be_unknown(
    hospital: Path, tmp_path: Path
) -> None:
    (tmp_path / "healthy").mkdir()
    draw_lesion("nv", np.random.default_rng(7)).save(tmp_path / "healthy" / "n1.png")
    sources = load_sources([str(hospital)], normal_skin=str(tmp_path / "healthy"))
    (healthy,) = sources.normal_skin
    assert (healthy.label, healthy.source) == ("normal_skin", "healthy")
    assert healthy.modality is Modality.UNKNOWN
    shutil.copy(hospital / "h1.png", tmp_path / "healthy" / "n1.png")
    with pytest.raises(BadDataset, match="h1 in hospital and n1 in healthy"):
        load_sources([str(hospital)], normal_skin=str(tmp_path / "healthy"))


Command = Callable[[Path, Path], list[object]]
EVERY_COMMAND: dict[str, Command] = {
    "calibrate": lambda model, _: ["calibrate", model],
    "compare": lambda model, split: ["compare", model, model, "--split", split],
}


@pytest.mark.parametrize("command", EVERY_COMMAND)
def test_a_lesion_on_both_sides_is_refused_where_nothing_is_dealt(
    small: Small, tmp_path: Path, command: str
) -> None:
    model = shutil.copytree(small.model, tmp_path / "model")
    split = json.loads((model / "split.json").read_text())
    duplicate = next(image for image in split["validation"] if image.endswith("_1"))
    split["validation"].remove(duplicate)
    split["train"].append(duplicate)
    (model / "split.json").write_text(json.dumps(split))
    words = [*EVERY_COMMAND[command](model, model / "split.json"), "--data", small.data]
    with pytest.raises(BadDataset, match=r"The lesion \w+ in data is on both sides"):
        run_command(words, tmp_path)


def test_a_model_is_trained_on_two_sources_and_its_card_names_them(
    small: Small, joined: Joined
) -> None:
    phones = joined.phones
    card = json.loads((joined.model / "card.json").read_text())
    (named,) = [source for source in card["sources"] if source["name"] == "phones"]
    assert sum(named["pictures"].values()) == 40
    assert sum(named["patients"].values()) == 20
    assert named["licence"] == "CC BY 4.0"
    assert sum(named["normal_skin_cut_out"].values()) > 0
    assert card["figures"]["test"]["normal_skin"]["n"] > 0
    assert str(phones.parent) not in card["training"]["command"], "the card is public"
    assert "data,labels=third.csv" in card["training"]["command"]
    assert f"{phones.name},licence=CC BY 4.0,share=0.3" in card["training"]["command"]
    given, dealt = (
        {image: part for part, images in json.loads(split.read_text()).items() for image in images}
        for split in (small.model / "split.json", joined.model / "split.json")
    )
    assert dealt.keys() - given.keys() == {f"x{n}" for n in range(50)}
    known = dealt.keys() & given.keys()
    assert len(known) > 30
    assert all(dealt[image] == given[image] for image in known)
