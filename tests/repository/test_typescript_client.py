import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.npm_tools import tool
from tests.repository.typescript_client import FOLDER, NoToolError, generate
from tests.served.server import serving
from tests.support.photos import photo_of

PASSWORD = "a long enough passphrase"
# What the page of an Angular app would do.
EXAMPLE = """
import { readFileSync } from "node:fs";
import { SkinApi, SkinApiError } from "./skinapi.js";

const [address, email, password, photo] = process.argv.slice(2);
const api = new SkinApi(address);
const loggedIn = await api.logIn(email, password);
const found = await api.predict(new Blob([readFileSync(photo)]), { body_site: "back" }, "visit-1");
const again = await api.predict(new Blob([readFileSync(photo)]), { body_site: "back" }, "visit-1");
const report = await api.report(found.id, "fr");
const pdf = await api.reportPdf(found.id, "en");
const refused = await api.predict(new Blob(["no photo"])).catch((error) => error);
console.log(JSON.stringify({
  role: loggedIn.role, band: found.band, same: again.id === found.id, said: report.band_label,
  pdf: pdf.type, code: refused instanceof SkinApiError && refused.problem.code,
}));
"""


def compile_client(folder: Path) -> None:
    compiler, node = tool("typescript"), shutil.which("node")
    if not compiler or not node:
        pytest.skip("TypeScript could not be had from npm")
    for name in ("skinapi.ts", "tsconfig.json"):
        shutil.copy(FOLDER / name, folder)
    try:
        generate(folder / "schema.ts")
    except NoToolError as error:
        pytest.skip(str(error))
    command = [node, str(compiler / "bin" / "tsc"), "-p", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stdout


def test_the_client_logs_in_sends_a_photo_and_gets_its_report(tmp_path: Path) -> None:
    compile_client(tmp_path)
    (tmp_path / "package.json").write_text('{"type": "module"}')
    (tmp_path / "example.js").write_text(EXAMPLE)
    photo = tmp_path / "lesion.jpg"
    photo.write_bytes(photo_of("melanoma"))
    with serving(tmp_path / "server", workers=1) as server:
        services = server.services()
        services.admin.ensure_admin(email="root@example.org", password=PASSWORD)
        services.store.close()
        address = f"http://127.0.0.1:{server.port}"
        command = ["node", "example.js", address, "root@example.org", PASSWORD, str(photo)]
        done = subprocess.run(
            command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60
        )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "role": "admin",
        "band": "urgent_referral",
        "same": True,
        "said": "Voir un médecin cette semaine",
        "pdf": "application/pdf",
        "code": "not_judgeable",
    }
