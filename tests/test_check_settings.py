from pathlib import Path

import pytest

from skinapi.__main__ import REFUSED, main
from skinapi.base.settings.settings import Settings
from tests.support.backends import SECRET

GOOD = {
    "ENVIRONMENT": "production",
    "INSTANCE_DIR": "disk",
    "JWT_SECRET_KEY": SECRET,
    "PUBLIC_URL": "https://skin.example",
}
# One of each kind: not set, too weak, unsafe, malformed, out of bounds, not a number.
SEVEN = {
    "JWT_SECRET_KEY": "brief",
    "PUBLIC_URL": "",
    "METRICS_TOKEN": "aaaaaaaaaaaaaaaaaaaa",
    "ALLOWED_ORIGINS": "*",
    "RATE_READ": "often",
    "WORKERS": "0",
    "TRUSTED_PROXIES": "one",
}


@pytest.fixture(autouse=True)
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    for name, value in GOOD.items():
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize("command", ["check-settings", "serve"])
def test_seven_bad_settings_are_named_in_one_run(
    command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in SEVEN.items():
        monkeypatch.setenv(name, value)
    assert main([command]) == REFUSED
    said = capsys.readouterr().err
    for name in SEVEN:
        assert name.lower() in said.lower(), name
    assert len(said.splitlines()) == len(SEVEN)
    assert all(line.startswith("skinapi: ") for line in said.splitlines())


def test_an_area_that_is_none_is_named_with_what_else_is_wrong(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AREAS", "clients,cleints")
    monkeypatch.setenv("CLINIC_PHONE", "none")
    assert main(["check-settings"]) == REFUSED
    said = capsys.readouterr().err.splitlines()
    assert [line.split()[1].rstrip(":") for line in said] == ["CLINIC_PHONE", "AREAS"]


def test_areas_and_folders_are_looked_at_beside_a_value_that_cannot_be_read(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = {"PREVALENCE": "0.02", "STARTING_WEIGHTS": "/nowhere", "AREAS": "clients,cleints"}
    for name, value in wrong.items():
        monkeypatch.setenv(name, value)
    assert main(["check-settings"]) == REFUSED
    said = capsys.readouterr().err.splitlines()
    assert [line.split()[1].rstrip(":") for line in said] == [*wrong]


@pytest.mark.parametrize("address", ["http://127.0.0.1:7250", "http://skin.example"])
def test_a_public_address_without_tls_is_refused_as_one(
    address: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The code on a report is scanned with a device other than the server."""
    monkeypatch.setenv("PUBLIC_URL", address)
    assert main(["check-settings"]) == REFUSED
    (said,) = capsys.readouterr().err.splitlines()
    assert said.startswith("skinapi: PUBLIC_URL must begin with https:// in production")


def test_good_settings_are_called_safe(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check-settings"]) == 0
    said = capsys.readouterr()
    assert said.out.endswith("\nthe settings are safe to serve with (production)\n")


def test_a_server_without_a_worker_of_its_own_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LAB_WORKERS", "0")
    assert main(["check-settings"]) == 0
    assert "start `python -m skinapi worker` too" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("METRIC_TOKEN", "METRICS_TOKEN"),
        ("MONGODB_URI", "MONGO_URI"),
        ("ALLOWED_ORIGIN", "ALLOWED_ORIGINS"),
        ("JWT_SECRET", "JWT_SECRET_KEY"),
    ],
)
def test_a_name_that_is_no_setting_is_told_with_the_one_that_was_meant(
    name: str, meant: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(name, "hidden")
    assert main(["check-settings"]) == 0
    said = capsys.readouterr().err
    assert f"{name} is no setting: did you mean {meant}?" in said
    assert "hidden" not in said


def test_every_name_of_the_file_is_looked_at_and_of_the_environment_those_that_are_close(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / ".env").write_text("NOTHING_LIKE_IT=1\nMONGO_PASSWORD=x\nworkers=1\n")
    for name in ("LANGUAGE", "SSH_CONNECTION", "OMP_NUM_THREADS", "HOSTNAME", "PORTS"):
        monkeypatch.setenv(name, "1")
    monkeypatch.setenv("RENDER_EXTERNAL_URL", "https://skin.example")
    assert main(["check-settings"]) == 0
    assert capsys.readouterr().err == "skinapi: NOTHING_LIKE_IT is no setting\n"


@pytest.mark.parametrize("in_file", [True, False])
def test_a_removed_setting_is_refused_wherever_it_is_set(
    in_file: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    if in_file:
        (tmp_path / ".env").write_text("ARCHIVE_AFTER=finding\n")
    else:
        monkeypatch.setenv("archive_after", "finding")
    for command in ("check-settings", "serve"):
        assert main([command]) == REFUSED
        said = capsys.readouterr().err
        assert said.count("ARCHIVE_AFTER was removed in 3.0.0") == said.count("ARCHIVE_AFTER") == 1


def test_a_secret_that_was_broken_into_lines_is_not_repeated(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = ["JWT_SECRET_KEY=", "q8Zs0mYw5pXc2Lr7", "dGhlIHJlc3Q==", "c29t+/x=1", "METRIC_TOKEN=1"]
    (tmp_path / ".env").write_text("\n".join(lines))
    assert main(["check-settings"]) == 0
    said = capsys.readouterr().err
    for piece in ("q8Zs0mYw5pXc2Lr7", "dGhlIHJlc3Q", "c29t"):
        assert piece.lower() not in said.lower()
    assert "skinapi: METRIC_TOKEN is no setting" in said
    assert "skinapi: A line of .env is no NAME=value" in said


@pytest.mark.parametrize("odd", [f"{SECRET},x", f"{SECRET} "])
def test_a_key_that_could_never_be_changed_is_refused(
    odd: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("JWT_SECRET_KEY", odd)
    assert main(["check-settings"]) == REFUSED
    assert "JWT_SECRET_KEY has a comma, or a space at an end" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["check-settings", "serve"])
@pytest.mark.parametrize(
    "address",
    [
        "mongodb://me:pass@word:1@db.example/skinapi",
        "mongodb://me:pass/word@db.example/skinapi",
        "mongodb+srv://me:p%zz@db.example/skinapi",
        "mongodb://me:pw@db.example/skinapi?replicaSet",
        "mongodb+srv://me:pw@db.example/skinapi?retryWrites",
    ],
)
def test_an_address_that_no_mongodb_has_is_refused_before_a_start(
    command: str, address: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MONGO_URI", address)
    assert main([command]) == REFUSED
    said = capsys.readouterr().err
    assert "percent-encoded" in said
    assert "pass" not in said.replace("password", "")


@pytest.mark.parametrize("command", ["check-settings", "serve"])
def test_a_doctor_who_is_no_address_is_refused(
    command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DEFAULT_DOCTOR", "grace")
    assert main([command]) == REFUSED
    assert "DEFAULT_DOCTOR must be the e-mail of a doctor" in capsys.readouterr().err


@pytest.mark.parametrize("wrong", ["0", "100", "-2", "250", "nan", "inf", "two", "2 %", "2,5"])
def test_a_prevalence_that_cannot_be_is_refused_with_the_way_out(
    wrong: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PREVALENCE", wrong)
    assert main(["check-settings"]) == REFUSED
    (said,) = capsys.readouterr().err.splitlines()
    assert said.startswith("skinapi: PREVALENCE must be a number above 0 and below 100")
    assert said.endswith("Leave it empty if that is not known")


@pytest.mark.parametrize(
    ("wrong", "says"),
    [("0.02", "0.02 means 2 of 10,000 spots; for 2 % write 2"), ("0.07", "for 7 % write 7")],
)
def test_a_prevalence_that_was_meant_as_a_share_is_refused(
    wrong: str, says: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PREVALENCE", wrong)
    assert main(["check-settings"]) == REFUSED
    assert capsys.readouterr().err.endswith(f"{says}\n")


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("REVIEW_WITHIN_DAYS", "0", "must be at least 1"),
        ("REVIEW_WITHIN_DAYS", "soon", "must be a whole number"),
        ("TOKEN_HOURS", "745", "must be at most 744"),
        ("JOB_HOURS", "0", "must be more than 0"),
        ("JOB_HOURS", "long", "must be a number"),
        ("LOG_ADDRESSES", "perhaps", "must be true or false"),
        ("TRIAGE", "bold", "must be 'cautious', 'standard' or 'selective'"),
        ("CLINIC_PHONE", "0" * 41, "must have at most 40 characters"),
        ("MODEL_PATH", "nowhere", "must name a folder that is there"),
        ("STARTING_WEIGHTS", "nowhere", "must name a folder that is there"),
    ],
)
def test_a_wrong_value_is_told_by_the_settings_name_and_in_plain_words(
    name: str,
    value: str,
    says: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv(name, value)
    assert main(["check-settings"]) == REFUSED
    assert capsys.readouterr().err == f"skinapi: {name} {says}\n"


@pytest.mark.parametrize(("told", "share"), [("2", 0.02), ("1.5", 0.015), ("", None)])
def test_a_prevalence_is_told_in_percent(
    told: str, share: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREVALENCE", told)
    assert Settings().prevalence_share == share
