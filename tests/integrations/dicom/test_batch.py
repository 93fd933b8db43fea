import importlib.util
from pathlib import Path

import pytest

from skinapi.app.batch import command
from tests.app.batch.archives import archive_of
from tests.integrations.dicom.sent_objects import JPEG_LS, jpeg_object, raw_object
from tests.support.photos import photo_of


def test_an_object_has_the_row_of_its_photo_and_another_one_its_reason(tmp_path: Path) -> None:
    archive = archive_of(tmp_path, 0)
    photo = photo_of("melanoma")
    other_syntax = jpeg_object(photo).replace(b"1.2.840.10008.1.2.4.50", JPEG_LS.encode(), 1)
    for name, content in {
        "a.jpg": photo,
        "b.dcm": jpeg_object(photo, PatientBirthDate="", PatientSex="", AnatomicRegionSequence=[]),
        "c.DCM": raw_object(),
        "d.dcm": b"no object",
        "e.dcm": other_syntax,
        "f.dcm": jpeg_object(photo, NumberOfFrames=2),
    }.items():
        (archive.pictures / name).write_bytes(content)
    assert archive.run() == 0
    rows = archive.rows()
    said = [(row["path"], row["status"], row["reason"]) for row in rows]
    assert said == [
        ("a.jpg", "judged", None),
        ("b.dcm", "judged", None),
        ("c.DCM", "judged", None),
        ("d.dcm", "refused", "undecodable"),
        ("e.dcm", "refused", "transfer_syntax"),
        ("f.dcm", "refused", "processing"),
    ]
    assert rows[1]["p_melanoma"] == rows[0]["p_melanoma"]
    assert rows[2]["modality_used"] == ["dermoscopic"]  # as the header says


def test_what_a_table_tells_replaces_what_the_header_says(tmp_path: Path) -> None:
    archive = archive_of(tmp_path, 0)
    (archive.pictures / "a.dcm").write_bytes(jpeg_object(photo_of("melanoma"), PatientAge="062Y"))
    for cells, age, group in ((",", 62, "60-74"), ("20,", 20, "0-29"), (",0-29", None, "0-29")):
        table = tmp_path / "told.csv"
        table.write_text(f"path,age,age_band\n{archive.pictures / 'a.dcm'},{cells}\n")
        assert archive.run("--restart", source=table) == 0
        [row] = archive.rows()
        assert (row["age"], row["age_band"]) == (age, group), cells


def test_without_pydicom_a_run_on_objects_does_not_begin(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    archive = archive_of(tmp_path, 0)
    (archive.pictures / "a.dcm").write_bytes(jpeg_object())
    found = importlib.util.find_spec
    monkeypatch.setattr(
        command, "find_spec", lambda name: None if name == "pydicom" else found(name)
    )
    assert archive.run() == 2
    assert "requirements-dicom.txt" in capsys.readouterr().err
