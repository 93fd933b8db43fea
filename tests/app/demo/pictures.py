"""The pictures of the README and of docs/, taken of the demo: `make pictures`.

They need chromium, and pdftoppm (of Debian's poppler-utils). A program draws the spots: no picture
is of a person.
"""

import io
import subprocess
import sys
from base64 import b64decode
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image

from tests.app.demo.demo_server import DemoServer, serving_demo
from tests.console.visitor import Visitor
from tests.repository.documents import ROOT
from tests.support.browser import NoBrowserError, open_browser

DOCS = ROOT / "docs"
WINDOW = (1200, 800)
WIDEST = 960
# A page of A4 at 100 dots an inch, and how much of it is shown.
DOTS, SHOWN_HEIGHT = 100, 1020
COLOURS = 256
DOCTOR, PATIENT = "holt@demo.example", "petit@demo.example"


def take_pictures(demo: DemoServer) -> None:
    number = demo.read(PATIENT, "/lesions")[0]["latest"]["id"]
    photograph(demo, "finding", PATIENT, f"finding/{number}")
    photograph(demo, "queue", DOCTOR, f"case/{number}")
    draw_report(demo, number)


def photograph(demo: DemoServer, name: str, email: str, place: str) -> None:
    """What this person sees there."""
    with open_browser() as browser:
        visitor = Visitor(browser, demo.port)
        visitor.look(WINDOW)
        visitor.enter(demo.caller(email), demo.role_of(email))
        visitor.go(place)
        visitor.find("main img")
        visitor.await_rest("return document.images.length", "every picture")
        visitor.await_stillness()
        save(name, Image.open(io.BytesIO(b64decode(browser.get_screenshot_as_base64()))))


def draw_report(demo: DemoServer, number: int) -> None:
    """The beginning of the first page."""
    pdf = demo.caller(PATIENT).call("GET", f"/submissions/{number}/report.pdf").data
    command = ["pdftoppm", "-png", "-r", str(DOTS), "-l", "1", "-"]
    png = subprocess.run(command, input=pdf, capture_output=True, check=True).stdout
    page = Image.open(io.BytesIO(png))
    save("report", page.crop((0, 0, page.width, SHOWN_HEIGHT)))


def save(name: str, picture: Image.Image) -> None:
    """With few colours: a quarter of the bytes."""
    picture.thumbnail((WIDEST, picture.height), Image.Resampling.LANCZOS)
    path = DOCS / f"{name}.png"
    picture.convert("RGB").quantize(COLOURS, kmeans=1).save(path, optimize=True)
    sys.stdout.write(f"{path.relative_to(ROOT)}: {path.stat().st_size / 1000:.0f} kB\n")


def main() -> int:
    try:
        with TemporaryDirectory() as folder, serving_demo(Path(folder)) as demo:
            take_pictures(demo)
    except (NoBrowserError, FileNotFoundError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
