import re
import shlex
import shutil
import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path

import pytest

from skinapi.__main__ import _parser
from skinapi.base.settings.settings import Settings
from tests.repository.documents import ROOT, blocks

UNITS = sorted((ROOT / "deploy" / "systemd").glob("*.service"))
CODE = "/opt/skinapi"
# Of 100: systemd calls up to 30 "OK", and a unit without any confinement has 96.
MOST_EXPOSED = 25
SETTINGS = {name.upper() for name in Settings.model_fields}


def service(unit: Path) -> dict[str, str]:
    parser = ConfigParser(interpolation=None, strict=False)
    parser.optionxform = str  # type: ignore[method-assign, assignment]
    parser.read(unit)
    return dict(parser["Service"])


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_a_unit_is_valid_and_confined_as_systemd_sees_it(unit: Path, tmp_path: Path) -> None:
    program = shutil.which("systemd-analyze")
    if not program:
        pytest.skip("no systemd-analyze is installed")
    here = tmp_path / unit.name  # with a program that is there
    here.write_text(re.sub(r"(?m)^ExecStart=\S+", f"ExecStart={sys.executable}", unit.read_text()))
    for arguments in (
        ["verify", "--man=no"],
        ["security", "--offline=true", f"--threshold={MOST_EXPOSED}"],
    ):
        command = [program, *arguments, str(here)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, ""), done.stdout


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_a_unit_starts_what_there_is_and_writes_in_one_folder(unit: Path) -> None:
    found = service(unit)
    for line in re.findall(r"(?m)^ExecStart=(.*)", unit.read_text()):
        program, *arguments = shlex.split(line)
        assert Path(program).parent == Path(CODE, ".venv/bin")
        if Path(program).name == "gunicorn":
            assert arguments == ["wsgi:app"]
            assert (ROOT / "wsgi.py").is_file()
        else:
            assert arguments[:2] == ["-m", "skinapi"]
            _parser().parse_args(arguments[2:])
    assert (found["User"], found["EnvironmentFile"]) == ("skinapi", "/etc/skinapi.env")
    settings = dict(item.split("=", 1) for item in shlex.split(found["Environment"]))
    assert settings.keys() <= SETTINGS
    assert settings["INSTANCE_DIR"] == f"/var/lib/{found['StateDirectory']}"
    assert (found["ProtectSystem"], found["StateDirectoryMode"]) == ("strict", "0700")
    # OpenVINO and TensorFlow make code while they run.
    assert "MemoryDenyWriteExecute" not in found


def test_a_timer_is_valid_and_starts_the_backup_every_night(tmp_path: Path) -> None:
    program = shutil.which("systemd-analyze")
    if not program:
        pytest.skip("no systemd-analyze is installed")
    timer = UNITS[0].parent / "skinapi-backup.timer"
    for unit in (timer, timer.with_suffix(".service")):
        text = re.sub(r"(?m)^ExecStart=\S+", f"ExecStart={sys.executable}", unit.read_text())
        (tmp_path / unit.name).write_text(text)
    command = [program, "verify", "--man=no", str(tmp_path / timer.name)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    (when,) = re.findall(r"OnCalendar=(.*)", timer.read_text())
    command = [program, "calendar", "--iterations=2", "--base-time=2026-01-01 00:00:00", when]
    utc = {"TZ": "UTC", "LANG": "C"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=utc)
    days = re.findall(r"(\d{4}-\d\d-\d\d) 02:30:00", done.stdout)
    assert days[:2] == ["2026-01-01", "2026-01-02"]
    assert "*.timer" in blocks("sh systemd")[0].text


def test_a_worker_may_read_networks_that_strangers_send_in_namespaces() -> None:
    allowed = {unit.stem: service(unit)["RestrictNamespaces"] for unit in UNITS}
    assert allowed.pop("skinapi-worker") == "user net"
    assert set(allowed.values()) == {"yes"}
