import io
import re
import shlex
import subprocess
import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import pytest

from skinapi.__main__ import _parser, main
from skinapi.base.area_parts import list_parts
from tests.repository.documents import ROOT, blocks, chapter
from tests.served.server import Server, serving
from tests.support.models import write_model
from tests.support.photos import photo_of
from tests.test_gates import NOT_SERVING

# How each kind of block is tested: run here line by line, run as a whole, or looked at.
KINDS = {
    "sh",
    "bash clone",
    "bash example",
    "bash backup",
    "python client",
    "bash integrate",
    "python integrate",
    "sh docker",
    "sh systemd",
    "sh haproxy",
    "sh nginx",
    "sh systemd-run",
    "sh worker",
    "bash audit",
    "python audit",
    "html",
    "js",
    "python",
    "mermaid",
    "",
}
COMMANDS = [(block.page, line) for block in blocks("sh") for line in block.commands()]


def test_no_page_has_commands_that_no_test_knows() -> None:
    beside = [f"tests.{package.split('.', 1)[1]}.docs" for package in NOT_SERVING]
    parts = [
        *list_parts("docs", "tests"),
        *(import_module(one) for one in beside if find_spec(one)),
    ]
    known = {*KINDS, *(kind for part in parts for kind in part.KINDS)}
    assert {block.kind for block in blocks()} <= known
    assert {page for page, _ in COMMANDS} == {
        "README.md",
        "CONTRIBUTING.md",
        "docs/operate/commands.md",
        *(page for part in parts for page in getattr(part, "PAGES", ())),
    }


@pytest.mark.parametrize(("page", "command"), COMMANDS)
def test_a_command_is_one_that_the_makefile_and_the_command_line_take(
    page: str, command: str
) -> None:
    called = command
    if command.startswith("make "):
        plan = ["make", "--dry-run", *shlex.split(command)[1:]]
        done = subprocess.run(plan, cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        called = done.stdout
    else:
        assert "python -m skinapi " in command, f"{page} has a command of another kind"
    for arguments in re.findall(r"python -m skinapi (.*)", called):
        _parser().parse_args(shlex.split(arguments))


def test_the_example_with_curl_works_as_written(tmp_path: Path) -> None:
    text = "".join(block.text for block in blocks("bash example"))
    (tmp_path / "lesion.jpg").write_bytes(photo_of("melanoma"))
    with serving(tmp_path / "server", workers=1) as server:
        script = text.replace("127.0.0.1:5000", f"127.0.0.1:{server.port}")
        done = _bash(script, tmp_path, ADMIN_PASSWORD=_one_time_password(server))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "User ada@example.org approved as user." in done.stdout
    assert '"band":"urgent_referral"' in done.stdout
    assert '"action":"account.approve"' in done.stdout
    begins = {"report.pdf": b"%PDF", "report.html": b"<!doctype html>"}
    for name, first in begins.items():
        assert (tmp_path / name).read_bytes().startswith(first), name


def test_the_commands_of_the_command_line_work_as_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    server = Server(tmp_path, workers=1)
    commands = [line for page, line in COMMANDS if page == "docs/operate/commands.md"]
    assert len(commands) == 19
    assert commands[2] == "python -m skinapi worker"  # runs until it is stopped
    made = server.run(*_arguments(commands[1]), stdin="correct horse battery\n")
    assert made.stdout == "me@clinic.example is an admin: the account was created\n", made.stderr
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    # In this process, because each process takes seconds to begin.
    monkeypatch.setattr(sys, "stdin", io.StringIO("correct horse battery\n"))
    assert main(_arguments(commands[1])) == 0
    capsys.readouterr()
    for command in commands[3:5]:
        assert main(_arguments(command)) == 0
        assert capsys.readouterr().out == "no faults\n"
    model = str(write_model(tmp_path / "mymodel", "mine-1"))
    backup = str(tmp_path / "backup.tar")
    erased = str(tmp_path / "erased-ids.jsonl")
    named = {"mymodel": model, "VERSION": "mine-1"}
    named |= {"skinapi-backup.tar": backup, "erased-ids.jsonl": erased}
    for command in commands[5:]:
        assert main([named.get(word, word) for word in _arguments(command)]) == 0


def test_every_test_that_the_security_page_names_is_there() -> None:
    risks = chapter("docs/security.md", "The OWASP API Top 10 (2023)")
    named = set(re.findall(r"`(test_\w+)`", risks))
    there = {
        name
        for path in (ROOT / "tests").rglob("test_*.py")
        for name in re.findall(r"^def (test_\w+)", path.read_text(), re.MULTILINE)
    }
    assert named <= there, named - there
    assert set(re.findall(r"^\| (API\d+) ", risks, re.MULTILINE)) == {
        f"API{number}" for number in range(1, 11)
    }


def _arguments(command: str) -> list[str]:
    return shlex.split(command.partition("python -m skinapi ")[2])


def _one_time_password(server: Server) -> str:
    found = re.search(r"password  (\S+)", server.log())
    assert found, server.log()
    return found[1]


def _bash(script: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=folder,
        env={"PATH": "/usr/local/bin:/usr/bin:/bin", **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
