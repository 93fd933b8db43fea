import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.repository.documents import ROOT
from tests.served.wire import open_connection
from tests.stores.mongod import free_port
from tests.support.local_server import LocalServer, serving_in_a_thread

RECIPE = ROOT / "deploy" / "nginx" / "skinapi.conf.template"
ERRORS = ROOT / "deploy" / "nginx" / "skinapi-errors.conf"
READY_S = 60
OWN_503 = b'{"detail":"The model is loading","code":"no_model"}'
# What Debian's nginx.conf has around the site, with the connections that
# docs/operate/install.md asks for.
AROUND = """\
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
worker_processes 1;
{user}
events {{ worker_connections 2048; }}
http {{
    access_log off;
    client_body_temp_path {folder}/bodies;
    proxy_temp_path {folder}/answers;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/site.conf;
}}
"""


def find_nginx() -> str:
    places = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin"))
    if program := shutil.which("nginx", path=places):
        return program
    pytest.skip("no nginx is installed (Debian: nginx)")


def make_certificates(folder: Path) -> Path:
    if not shutil.which("openssl"):
        pytest.skip("no openssl is installed")
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    command += ["-nodes", "-subj", "/CN=localhost", "-keyout", "privkey.pem"]
    subprocess.run([*command, "-out", "fullchain.pem"], cwd=folder, check=True, capture_output=True)
    return folder


def filled_recipe(*, server: str, origins: str = "", certificates: str = "") -> str:
    values = {"SERVER": server, "ALLOWED_ORIGINS": origins, "CERTIFICATES": certificates}
    text = re.sub(r"\$\{(\w+)\}", lambda name: values[name[1]], RECIPE.read_text())
    return text.replace("/etc/nginx/snippets/skinapi-errors.conf", str(ERRORS))


class Proxy:
    """nginx on free ports of this machine. Without certificates it speaks plain HTTP. Unless it is
    `patient`, as the recipe is, its timeouts are a second.
    """

    def __init__(
        self,
        folder: Path,
        *,
        server: str,
        origins: str = "",
        certificates: str = "",
        patient: bool = False,
    ) -> None:
        self.folder, self.port, self.plain_port = folder, free_port(), free_port()
        site = filled_recipe(server=server, origins=origins, certificates=certificates)
        site = re.sub(r"\n +listen \[::\]:.*", "", site)
        site = site.replace("listen 80;", f"listen 127.0.0.1:{self.plain_port};")
        site = site.replace("listen 443 ", f"listen 127.0.0.1:{self.port} ")
        if not certificates:
            site = re.sub(r"\n +ssl_.*", "", site).replace(" ssl http2;", ";")
        shortened = () if patient else ("proxy_read_timeout 90s", "client_header_timeout 10s")
        for name in shortened:
            assert f"{name};" in site
            site = site.replace(f"{name};", f"{name.split()[0]} 1s;")
        (folder / "site.conf").write_text(site)
        user = "user root root;" if os.geteuid() == 0 else ""
        (folder / "nginx.conf").write_text(AROUND.format(folder=folder, user=user))
        self.command = [find_nginx(), "-p", str(folder), "-c", str(folder / "nginx.conf")]

    def check(self) -> "subprocess.CompletedProcess[str]":
        return subprocess.run([*self.command, "-t"], capture_output=True, text=True, check=False)

    @contextmanager
    def running(self) -> Iterator["Proxy"]:
        with (self.folder / "output.log").open("wb") as log:
            process = subprocess.Popen(self.command, stdout=log, stderr=log)
        try:
            self._await(process)
            yield self
        finally:
            process.terminate()
            process.wait()

    def _await(self, process: "subprocess.Popen[bytes]") -> None:
        deadline = time.monotonic() + READY_S
        while time.monotonic() < deadline:
            assert process.poll() is None, (self.folder / "output.log").read_text()
            with suppress(OSError):
                open_connection(self.port).close()
                return
            time.sleep(0.02)
        raise AssertionError("nginx does not listen")


def ask_with_http_2(proxy: Proxy, path: str, *options: str) -> tuple[bytes, str]:
    curl = shutil.which("curl")
    if not curl or b"HTTP2" not in subprocess.check_output([curl, "--version"]):
        pytest.skip("no curl with HTTP/2 is installed")
    command = [curl, "--silent", "--insecure", "--http2", *options]
    command += ["--write-out", "\n%{http_version} %{http_code}"]
    said = subprocess.check_output([*command, f"https://localhost:{proxy.port}{path}"])
    answer, _, version_and_status = said.rpartition(b"\n")
    return answer, version_and_status.decode()


class TellableServer(LocalServer):
    """Records the requests. A request with `X-Do: 503` gets that error, and `X-Do: hang` no
    answer.
    """

    def __init__(self) -> None:
        self.heads: list[dict[str, str]] = []
        super().__init__(0, _Handler)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.server_address[1]}"


class Behind(NamedTuple):
    proxy: Proxy
    server: TellableServer


@contextmanager
def before_a_server(folder: Path, *, origins: str) -> Iterator[Behind]:
    with (
        serving_in_a_thread(TellableServer()) as server,
        _made(folder, server.address, origins).running() as proxy,
    ):
        yield Behind(proxy, server)


@contextmanager
def before_nothing(folder: Path, *, origins: str) -> Iterator[Proxy]:
    with _made(folder, f"127.0.0.1:{free_port()}", origins).running() as proxy:
        yield proxy


def _made(folder: Path, server: str, origins: str) -> Proxy:
    return Proxy(folder, server=server, origins=origins)


class _Handler(BaseHTTPRequestHandler):
    server: TellableServer

    def do_POST(self) -> None:
        heads = {name.lower(): value for name, value in self.headers.items()}
        self.server.heads.append(heads)
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        asked = heads.get("x-do", "")
        if asked == "hang":
            self.server.closing.wait()
            return
        self.send_response(503 if asked == "503" else 200)
        if asked == "503":
            self.send_header("Retry-After", "7")
        self.send_header("Content-Type", "application/problem+json")
        self.send_header("Content-Length", str(len(OWN_503)))
        self.end_headers()
        self.wfile.write(OWN_503)

    do_GET = do_OPTIONS = do_POST  # noqa: N815 (as the class above names them)

    def log_message(self, format: str, *args: object) -> None:
        pass
