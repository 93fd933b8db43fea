import errno
import importlib
import io
import math
import os
import signal
import struct
import threading
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from skinapi.__main__ import REFUSED
from skinapi.app.batch import command
from skinapi.app.batch.command import INTERRUPTED
from skinapi.app.batch.judge import STOPPING, Judge, finding_columns
from skinapi.app.batch.output import Output
from skinapi.app.batch.pictures import PictureReader
from skinapi.model.bands import OperatingPoint
from skinapi.model.calibration import Calibration, NamingRule
from skinapi.model.classification import classify_photo
from skinapi.model.context import Context, Modality
from skinapi.model.network.model import open_model
from skinapi.platform.storage import files as durable
from skinapi.platform.storage.files import DRAFT
from tests.app.batch.archives import Archive, archive_of
from tests.support.findings import TESTED, finding_of, told_finding
from tests.support.models import tiny_model, write_model
from tests.support.photos import photo_of


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return archive_of(tmp_path, 24)


@pytest.fixture(autouse=True)
def _small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "PART_ROWS", 5)
    monkeypatch.setattr(command, "PICTURES_AHEAD", 2)


@pytest.fixture
def at_picture(monkeypatch: pytest.MonkeyPatch) -> Callable[[int, Callable[[], object]], None]:
    judge = Judge.judge
    begun, lock = [0], threading.Lock()

    def plant(number: int, act: Callable[[], object]) -> None:
        def watched(self: Judge, name: bytes) -> Any:
            with lock:
                begun[0] += 1
                due = begun[0] == number
            if due:
                act()
            return judge(self, name)

        monkeypatch.setattr(Judge, "judge", watched)

    return plant


def interrupt() -> None:
    os.kill(os.getpid(), signal.SIGINT)


def bomb() -> bytes:
    """A PNG of 30,000 x 30,000 pixels in 100 bytes."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + check

    head = struct.pack(">IIBBBBB", 30_000, 30_000, 8, 2, 0, 0, 0)
    parts = (chunk(b"IHDR", head), chunk(b"IDAT", zlib.compress(b"")), chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def test_every_picture_has_the_row_of_its_finding(archive: Archive) -> None:
    assert archive.run() == 0
    rows = archive.rows()
    assert [row["path"] for row in rows] == sorted(
        path.relative_to(archive.pictures).as_posix() for path in archive.pictures.glob("*/*.jpg")
    )
    assert len(rows) == 24
    model = open_model(tiny_model())
    for row in rows[:8]:
        content = (archive.pictures / row["path"]).read_bytes()
        finding = classify_photo(model, content)
        assert (row["status"], row["reason"], row["bytes"]) == ("judged", None, len(content))
        assert (row["band"], row["condition"]) == (finding.band, finding.stated)
        assert row["malignant_score"] == pytest.approx(finding.malignant_score)
        assert [row["first"], row["second"], row["third"]] == [e.key for e in finding.ranked[:3]]
        for entry in finding.ranked:
            assert row[f"p_{entry.key}"] == pytest.approx(entry.probability, abs=1e-6)
        assert row["modality_used"] == ["dermoscopic", "clinical"]
        assert row["model_version"] == model.version
        assert row["width"] == finding.quality.width
    assert archive.left_beside() == []


def test_the_operating_point_of_the_option_or_the_setting_decides_who_is_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = archive_of(tmp_path, 8)
    sent = dict(zip(OperatingPoint, (0.0, 0.5, 0.9), strict=True))
    enough = TESTED.model_copy(update={"modality": Modality.CLINICAL})
    clinical = Calibration(tested=enough, sent=sent)
    folder = write_model(tmp_path / "models" / "points", sent=sent, clinical=clinical)

    def judged(*options: str) -> tuple[set[str], int]:
        assert archive.run("--model", folder, "--restart", *options) == 0
        rows = archive.rows()
        spared = sum(row["band"] in ("routine", "self_monitoring") for row in rows)
        return {row["operating_point"] for row in rows}, spared

    assert judged() == ({"cautious"}, 0)
    monkeypatch.setenv("TRIAGE", "standard")
    point, spared = judged()
    assert point == {"standard"}
    assert spared > 0
    assert judged("--triage", "cautious") == ({"cautious"}, 0)


def test_a_point_is_refused_for_a_model_without_points(
    archive: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    old = write_model(tmp_path / "models" / "old-1", "old-1", sent={})
    assert archive.run("--model", old, "--triage", "standard") == REFUSED
    said = capsys.readouterr().err
    assert "old-1 has no thresholds for operating points" in said
    assert "python -m skinapi calibrate" in said
    with monkeypatch.context() as patch:
        patch.setenv("TRIAGE", "cautious")
        assert archive.run("--model", old) == REFUSED
    assert archive.run("--model", old) == 0
    assert "its bands follow the older rule" in capsys.readouterr().err
    assert {row["operating_point"] for row in archive.rows()} == {None}


def test_hostile_files_get_a_row_with_a_reason_and_stop_nothing(archive: Archive) -> None:
    folder = archive.pictures
    good = photo_of("melanoma")
    named = {
        b"bomb.png": bomb(),
        b"empty.jpg": b"",
        b"cut.jpg": good[: len(good) // 2],
        b"large.jpg": good + b"\0" * 11_000_000,
        b"new\nline.jpg": good,
        b"latin-\xe9.jpg": good,
        b"x.jpg/inside.jpg": good,
    }
    for name, content in named.items():
        path = folder / os.fsdecode(name)
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
    (folder / "link.jpg").symlink_to("bomb.png")
    os.mkfifo(folder / "pipe.png")
    assert archive.run() == 0
    rows = {row["path_bytes"] or row["path"].encode(): row for row in archive.rows()}
    assert len(rows) == 24 + 9
    assert {
        name: (row["status"], row["reason"]) for name, row in rows.items() if row["reason"]
    } == {
        b"bomb.png": ("refused", "too_large"),
        b"empty.jpg": ("refused", "undecodable"),
        b"cut.jpg": ("refused", "damaged"),
        b"large.jpg": ("refused", "payload_too_large"),
        b"link.jpg": ("unreadable", "link"),
        b"pipe.png": ("unreadable", "not_a_file"),
    }
    assert rows[b"latin-\xe9.jpg"]["path"] == r"latin-\xe9.jpg"
    assert rows[b"new\nline.jpg"]["band"] == rows[b"x.jpg/inside.jpg"]["band"] is not None


def test_a_picture_that_nobody_foresaw_fails_alone(
    archive: Archive, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    real, seen = classify_photo, []

    def classify(model: Any, content: bytes, context: Context) -> Any:
        seen.append(content)
        if len(seen) == 3:
            raise ZeroDivisionError
        return real(model, content, context)

    monkeypatch.setattr("skinapi.app.batch.judge.classify_photo", classify)
    assert archive.run() == 0
    statuses = [(row["status"], row["reason"]) for row in archive.rows()]
    assert statuses.count(("failed", "internal_error")) == 1
    assert statuses.count(("judged", None)) == 23
    assert "failed 1" in capsys.readouterr().err


@pytest.mark.parametrize("number", STOPPING)
def test_ctrl_c_loses_nothing_that_was_begun(
    archive: Archive, at_picture: Any, number: int, capsys: pytest.CaptureFixture[str]
) -> None:
    before = signal.getsignal(number)
    at_picture(9, lambda: os.kill(os.getpid(), number))
    assert archive.run() == INTERRUPTED
    assert "run the same command again" in capsys.readouterr().err
    assert signal.getsignal(number) is before
    done = sum(part.rows for part in Output(archive.out).parts())
    assert 9 <= done < 24
    assert not archive.out.exists()
    assert archive.run() == 0
    assert f"{24 - done} pictures in" in capsys.readouterr().err
    assert len(set(archive.paths())) == len(archive.rows()) == 24


def test_a_resumed_run_keeps_its_rows_whatever_became_of_their_files(
    archive: Archive, at_picture: Any
) -> None:
    at_picture(12, interrupt)
    assert archive.run() == INTERRUPTED
    first = archive.pictures / "ward 0" / "0000.jpg"
    sha256 = _row(archive, "ward 0/0000.jpg")["sha256"]
    first.write_bytes(b"changed")
    (archive.pictures / "ward 0" / "0003.jpg").unlink()
    (archive.pictures / "ward 2" / "0023.jpg").unlink()
    (archive.pictures / "late.jpg").write_bytes(photo_of("melanoma"))
    assert archive.run() == 0
    assert len(archive.rows()) == 24
    assert _row(archive, "ward 0/0000.jpg")["sha256"] == sha256
    assert _row(archive, "ward 0/0003.jpg")["status"] == "judged"
    assert _row(archive, "ward 2/0023.jpg")["reason"] == "missing"


def _row(archive: Archive, path: str) -> dict[str, Any]:
    if archive.out.exists():
        return next(row for row in archive.rows() if row["path"] == path)
    parts = [archive.out.with_name(f"{archive.out.name}.parts") / name for name in archive.parts()]
    found = [row for part in parts for row in Archive(part, part).rows() if row["path"] == path]
    assert len(found) == 1
    return found[0]


def test_another_model_source_or_limit_is_refused_until_a_restart(
    archive: Archive,
    at_picture: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    at_picture(8, interrupt)
    assert archive.run() == INTERRUPTED
    newer = write_model(tmp_path / "models" / "newer", "tiny-2")
    refitted = write_model(tmp_path / "models" / "refitted", too_close=0.2)
    others = archive_of(tmp_path / "others", 1)
    capsys.readouterr()
    refused: list[tuple[tuple[str | Path, ...], Path | None, str]] = [
        (("--model", newer), None, "begun with the model tiny-1, and this is tiny-2"),
        (("--model", refitted), None, "the files of the model have changed"),
        (("--triage", "standard"), None, "its operating point was cautious, and is standard"),
        ((), others.pictures, "its paths begin at"),
        ((), _list(tmp_path, "a.jpg"), "its paths begin at"),
    ]
    for options, source, says in refused:
        assert archive.run(*options, source=source) == REFUSED
        assert says in capsys.readouterr().err
    with monkeypatch.context() as patch:
        patch.setenv("MAX_UPLOAD_BYTES", "1000000")
        assert archive.run() == REFUSED
    assert "MAX_UPLOAD_BYTES=10485760, and this is 1000000" in capsys.readouterr().err
    assert archive.run("--model", newer, "--restart") == 0
    assert {row["model_version"] for row in archive.rows()} == {"tiny-2"}
    assert len(archive.rows()) == 24


def test_with_a_prevalence_the_table_has_the_restated_probabilities_too(
    archive: Archive,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    mix = NamingRule(tau=0, prior={"melanoma": 1.0, "melanocytic_nevus": 1.0})
    model = write_model(tmp_path / "models" / "mixed", clinical=Calibration(naming=mix), naming=mix)
    assert archive.run("--model", model) == 0
    assert not [name for name in archive.rows()[0] if name.startswith("restated")]
    monkeypatch.setenv("PREVALENCE", "2")
    assert archive.run("--model", model) == REFUSED
    assert "begun with PREVALENCE empty, and this is 2" in capsys.readouterr().err
    assert archive.run("--model", model, "--restart") == 0
    for row in archive.rows():
        assert row["restated_malignant_score"] <= row["malignant_score"]
        whole = math.fsum(p for name, p in row.items() if name.startswith("restated_p_"))
        assert whole == pytest.approx(1)
    assert any(row["restated_p_melanoma"] < row["p_melanoma"] for row in archive.rows())


def test_the_table_has_the_probabilities_by_the_picture_alone_where_facts_changed_them() -> None:
    told, plain = finding_columns(told_finding("melanoma")), finding_columns(finding_of())
    assert (told["p_melanoma"], told["picture_p_melanoma"]) == pytest.approx((0.44, 0.31))
    assert "picture_p_melanoma" not in plain


def _list(folder: Path, *paths: str) -> Path:
    (folder / "list.txt").write_text("\n".join(paths))
    return folder / "list.txt"


def test_a_finished_output_is_left_alone(
    archive: Archive, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert archive.run() == 0
    written = (archive.out.stat().st_ino, archive.out.stat().st_mtime_ns)
    assert archive.run() == 0
    assert "is complete already" in capsys.readouterr().err
    newer = write_model(tmp_path / "models" / "newer", "tiny-2")
    assert archive.run("--model", newer) == REFUSED
    assert (archive.out.stat().st_ino, archive.out.stat().st_mtime_ns) == written
    assert archive.left_beside() == ["models"]
    archive.out.write_bytes(b"the only copy of something else")
    for options in ((), ("--restart",)):
        assert archive.run(*options) == REFUSED
    assert archive.out.read_bytes() == b"the only copy of something else"


def test_a_second_run_on_one_output_is_refused(
    archive: Archive, capsys: pytest.CaptureFixture[str]
) -> None:
    with Output(archive.out).held():
        for options in ((), ("--restart",)):
            assert archive.run(*options) == REFUSED
            assert "Another run writes" in capsys.readouterr().err
    assert archive.run() == 0


def test_a_list_is_read_from_standard_input_and_names_what_is_missing(
    archive: Archive, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(archive.pictures)
    absolute = archive.pictures / "ward 2" / "0002.jpg"
    listed = f"ward 1/0001.jpg\r\n./ward 1/0001.jpg\nnowhere.jpg\n\n{absolute}\nward 0\n"
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(listed.encode())))
    assert archive.run(source="-") == 0
    assert "4 pictures, 1 named twice" in capsys.readouterr().err
    assert {row["path"]: row["reason"] or row["status"] for row in archive.rows()} == {
        str(absolute): "judged",
        "nowhere.jpg": "missing",
        "ward 0": "not_a_file",
        "ward 1/0001.jpg": "judged",
    }


def test_a_full_disk_keeps_what_is_finished(
    archive: Archive, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    real, files = durable.sync, []

    def sync(path: Path) -> None:
        files.append(path)
        if path.name.startswith("part-00000000001"):
            raise OSError(errno.ENOSPC, "No space left on device")
        real(path)

    with monkeypatch.context() as full:
        full.setattr(durable, "sync", sync)
        assert archive.run() == REFUSED
    assert "make room and run the same command again" in capsys.readouterr().err
    assert archive.parts() == ["part-000000000000.parquet", "part-000000000005.parquet"]
    assert not list(archive.out.parent.glob("*/*.draft"))
    assert archive.run() == 0
    assert len(set(archive.paths())) == len(archive.rows()) == 24


@pytest.mark.parametrize("step", ["the output has its name", "a part is deleted"])
def test_an_interrupted_end_is_ended_by_the_next_run(
    archive: Archive, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    replace, unlink = Path.replace, Path.unlink

    def killed_before_name(path: Path, target: Path) -> Path:
        if target == archive.out:
            raise KeyboardInterrupt
        return replace(path, target)

    def killed_before_deletion(path: Path, *, missing_ok: bool = False) -> None:
        if path.suffix == DRAFT or path.name.startswith("part-"):
            raise KeyboardInterrupt
        unlink(path, missing_ok=missing_ok)

    with monkeypatch.context() as patch:
        if step == "the output has its name":
            patch.setattr(Path, "replace", killed_before_name)
        patch.setattr(Path, "unlink", killed_before_deletion)
        patch.setattr("skinapi.app.batch.output.shutil.rmtree", lambda *_, **__: None)
        with pytest.raises(KeyboardInterrupt):
            archive.run()
    assert archive.run() == 0
    assert len(set(archive.paths())) == len(archive.rows()) == 24
    assert archive.left_beside() == []


def test_an_unmounted_share_is_no_missing_picture(
    archive: Archive, at_picture: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    at_picture(12, lambda: archive.pictures.rename(tmp_path / "unmounted"))
    assert archive.run() == REFUSED
    assert "still mounted" in capsys.readouterr().err
    archive.pictures.mkdir()  # the empty folder below a mount
    assert archive.run() == REFUSED
    assert "still mounted" in capsys.readouterr().err
    archive.pictures.rmdir()
    (tmp_path / "unmounted").rename(archive.pictures)
    assert archive.run() == 0
    assert {row["status"] for row in archive.rows()} == {"judged"}


def test_a_damaged_part_is_named(
    archive: Archive, at_picture: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    at_picture(12, interrupt)
    assert archive.run() == INTERRUPTED
    part = Output(archive.out).folder / archive.parts()[1]
    part.write_bytes(part.read_bytes()[:100])
    assert archive.run() == REFUSED
    assert f"{part.name} cannot be read. Delete it" in capsys.readouterr().err
    for name in archive.parts()[1:]:
        (part.parent / name).unlink()
    assert archive.run() == 0
    assert len(set(archive.paths())) == 24


def test_a_folder_that_becomes_a_link_is_not_followed(
    archive: Archive, at_picture: Any, tmp_path: Path
) -> None:
    at_picture(12, interrupt)
    assert archive.run() == INTERRUPTED
    ward = archive.pictures / "ward 2"
    ward.rename(tmp_path / "secret")
    ward.symlink_to(tmp_path / "secret")
    assert archive.run() == 0
    reasons = {row["path"]: row["reason"] for row in archive.rows()[12:]}
    assert {reason for path, reason in reasons.items() if path.startswith("ward 2/")} == {"missing"}
    assert {row["sha256"] for row in archive.rows() if row["reason"] == "missing"} == {None}


def test_libraries_that_are_not_installed_are_named(
    archive: Archive, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    imported = importlib.import_module

    def missing(name: str) -> Any:
        if name == command.__name__:
            raise ModuleNotFoundError(name="pyarrow")
        return imported(name)

    monkeypatch.setattr(importlib, "import_module", missing)
    assert archive.run() == REFUSED
    assert "(pyarrow): install requirements-batch.txt" in capsys.readouterr().err


def test_a_restart_that_cannot_list_its_pictures_forgets_nothing(
    archive: Archive, at_picture: Any, tmp_path: Path
) -> None:
    at_picture(12, interrupt)
    assert archive.run() == INTERRUPTED
    parts = archive.parts()
    assert archive.run("--restart", source=tmp_path / "nowhere") == REFUSED
    assert archive.parts() == parts
    assert archive.run() == 0


def test_an_error_that_says_nothing_about_a_picture_ends_the_run(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(self: PictureReader, name: bytes) -> Any:
        raise OSError(errno.EMFILE, "Too many open files")

    with monkeypatch.context() as exhausted:
        exhausted.setattr(PictureReader, "_read", read)
        assert archive.run() == REFUSED
    assert archive.run() == 0
    assert {row["status"] for row in archive.rows()} == {"judged"}


def test_what_a_table_tells_counts_as_it_does_for_the_server(
    archive: Archive, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = next(archive.pictures.rglob("*.jpg"))
    table = tmp_path / "told.csv"
    table.write_text(f'path,age,checklist\n{path},62,"change_in_size,oozing"\n')
    assert archive.run(source=table) == 0
    [row] = archive.rows()
    told = Context(age=62, checklist=("change_in_size", "oozing"))
    finding = classify_photo(open_model(tiny_model()), path.read_bytes(), told)
    assert (row["path"], row["band"]) == (str(path), finding.band.value)
    assert row["raised_by"] == [rule.value for rule in finding.raised_by]
    assert (row["age"], row["age_band"], row["sex"]) == (62, "60-74", None)
    assert row["checklist"] == [*(told.checklist or ())]
    table.write_text(f"path,age\n{path},62\n{path},62\n")
    assert archive.run("--restart", source=table) == 0
    table.write_text(f"path,age\n{path},62\n{path},20\n")
    assert archive.run("--restart", source=table) == REFUSED
    assert "different things" in capsys.readouterr().err
