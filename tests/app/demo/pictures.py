"""Takes the pictures for the README and docs/ from the demo: `make pictures`. Needs chromium, and
pdftoppm from Debian's poppler-utils. A program drew the spots: no picture is of a person. Each file
holds the text that its page showed, which test_pictures.py compares with the current text.
"""

import io
import re
import subprocess
import sys
from base64 import b64decode
from calendar import day_abbr, day_name, month_abbr, month_name
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from pypdf import PdfReader
from selenium import webdriver

from tests.app.demo.demo_server import DemoServer, serving_demo
from tests.console.visitor import Visitor
from tests.repository.documents import ROOT
from tests.support.browser import open_browser
from tests.support.waiting import await_

DOCS = ROOT / "docs"
WINDOW = (1200, 800)
WIDEST = 960
# A page of A4 at 100 dots an inch, and how much of it is shown.
DOTS, SHOWN_HEIGHT = 100, 1020
COLOURS = 256
COMPARED_S = 60
DOCTOR, PATIENT = "holt@demo.example", "petit@demo.example"
# Each picture's reader, and the view with its finding.
PAGES = {"finding": (PATIENT, "finding"), "queue": (DOCTOR, "case")}
WORDS = "Words"  # the text of a picture that holds what its page said
# Days and times differ tomorrow.
OF_TIME = {
    name.lower()
    for names in (month_name, month_abbr, day_name, day_abbr)
    for name in filter(None, names)
} | {"am", "pm", "today", "tomorrow", "yesterday", "now", "ago"}
OF_TIME |= {"day", "days", "hour", "hours", "minute", "minutes"}
# A part of a verification code.
OF_CODE = re.compile("[0-9a-f]{4,}")


def take_pictures(demo: DemoServer) -> None:
    for name in PAGES:
        with open_browser() as browser:
            visitor = open_page(demo, browser, name)
            png = b64decode(browser.get_screenshot_as_base64())
            save(name, Image.open(io.BytesIO(png)), visitor.text())
    draw_report(demo)


def open_page(demo: DemoServer, browser: webdriver.Chrome, name: str) -> Visitor:
    email, view = PAGES[name]
    visitor = Visitor(browser, demo.port)
    visitor.look(WINDOW)
    settle(demo)
    visitor.enter(demo.caller(email), demo.role_of(email))
    visitor.go(f"{view}/{number_of_finding(demo)}")
    visitor.find("main img")
    visitor.await_rest("return document.images.length", "every picture")
    visitor.await_stillness()
    return visitor


def number_of_finding(demo: DemoServer) -> int:
    return int(demo.read(PATIENT, "/lesions")[0]["latest"]["id"])


def settle(demo: DemoServer) -> None:
    """Wait for the background comparison, and for the read receipt on the doctor's page."""
    path = f"/submissions/{number_of_finding(demo)}"
    await_(lambda: demo.read(DOCTOR, f"{path}/case").get("changes"), within=COMPARED_S)
    demo.read(PATIENT, path)


def print_report(demo: DemoServer) -> bytes:
    settle(demo)
    path = f"/submissions/{number_of_finding(demo)}/report.pdf"
    return demo.caller(PATIENT).call("GET", path).data


def text_of_report(pdf: bytes) -> str:
    return PdfReader(io.BytesIO(pdf)).pages[0].extract_text()


def draw_report(demo: DemoServer) -> None:
    pdf = print_report(demo)
    command = ["pdftoppm", "-png", "-r", str(DOTS), "-l", "1", "-"]
    png = subprocess.run(command, input=pdf, capture_output=True, check=True).stdout
    page = Image.open(io.BytesIO(png))
    save("report", page.crop((0, 0, page.width, SHOWN_HEIGHT)), text_of_report(pdf))


def text_when_taken(name: str) -> str:
    """Return the text stored in the picture. It is empty if the picture has none."""
    with Image.open(DOCS / f"{name}.png") as picture:
        return str(picture.info.get(WORDS, ""))


def list_words(text: str) -> list[str]:
    words = (word.strip("()[].,:;·") for word in text.split())
    return [
        word
        for word in words
        if word.isprintable()
        and any(map(str.isalpha, word))
        and not any(map(str.isdigit, word))
        and not (word.lower() in OF_TIME or OF_CODE.fullmatch(word))
    ]


def save(name: str, picture: Image.Image, said: str) -> None:
    """Save with few colours, which takes a quarter of the bytes."""
    picture.thumbnail((WIDEST, picture.height), Image.Resampling.LANCZOS)
    path, info = DOCS / f"{name}.png", PngInfo()
    info.add_itxt(WORDS, said, zip=True)
    picture.convert("RGB").quantize(COLOURS, kmeans=1).save(path, optimize=True, pnginfo=info)
    sys.stdout.write(f"{path.relative_to(ROOT)}: {path.stat().st_size / 1000:.0f} kB\n")


def main() -> int:
    try:
        with TemporaryDirectory() as folder, serving_demo(Path(folder)) as demo:
            take_pictures(demo)
    except (pytest.skip.Exception, FileNotFoundError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
