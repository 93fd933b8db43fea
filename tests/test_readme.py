"""The README's commands do what it says."""

import re
import shlex
import subprocess
from pathlib import Path

from tests.served.server import Server, serving

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()


def test_the_two_commands_and_the_others_are_targets_of_the_makefile() -> None:
    named = set(re.findall(r"(?:^|`)make (\w+)", README, re.MULTILINE))
    assert {"run", "test"} <= named
    for target in named:
        plan = ["make", "--dry-run", target]
        done = subprocess.run(plan, cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


def test_the_walk_with_curl_works_as_written(tmp_path: Path) -> None:
    with serving(tmp_path, workers=1) as server:
        walk = _block("bash walk").replace("127.0.0.1:5000", f"127.0.0.1:{server.port}")
        done = _bash(walk, ADMIN_PASSWORD=_one_time_password(server))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "User ada@example.org approved as user." in done.stdout
    assert '"action":"account.approve"' in done.stdout


def test_the_commands_of_the_command_line_work_as_written(tmp_path: Path) -> None:
    server = Server(tmp_path, workers=1)
    commands = [line.partition("#")[0].strip() for line in _block("sh").splitlines()]
    assert len(commands) == 4
    made = server.run(*_arguments(commands[1]), stdin="correct horse battery\n")
    assert made.stdout == "me@clinic.example is an admin\n", made.stderr
    assert server.run(*_arguments(commands[1]), stdin="correct horse battery\n").returncode == 0
    for command in commands[2:]:
        checked = server.run(*_arguments(command))
        assert checked.stdout == "all is well\n", checked.stderr


def test_every_test_that_the_security_chapter_names_is_there() -> None:
    chapter = README.partition("## Security\n")[2].partition("\n## ")[0]
    named = set(re.findall(r"`(test_\w+)`", chapter))
    there = {
        name
        for path in (ROOT / "tests").rglob("test_*.py")
        for name in re.findall(r"^def (test_\w+)", path.read_text(), re.MULTILINE)
    }
    assert named <= there, named - there
    risks = set(re.findall(r"^\| (API\d+) ", chapter, re.MULTILINE))
    assert risks == {f"API{number}" for number in range(1, 11)}


def _arguments(command: str) -> list[str]:
    return shlex.split(command.partition("python -m skinapi ")[2])


def _one_time_password(server: Server) -> str:
    found = re.search(r"password  (\S+)", server.log())
    assert found, server.log()
    return found[1]


def _block(kind: str) -> str:
    """The last block of this kind."""
    blocks: list[str] = re.findall(rf"^```{kind}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    return blocks[-1]


def _bash(script: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        env={"PATH": "/usr/local/bin:/usr/bin:/bin", **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
