import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import TemporaryDirectory

import pytest
from selenium import webdriver

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--process-per-site",  # else each page begins in a new process
)


def find_chromium() -> str | None:
    """Prefer the headless shell, which takes less time because it has no window."""
    # Debian's launcher would be ended in place of the program that it starts.
    programs = os.pathsep.join(("/usr/lib/chromium", os.environ.get("PATH", os.defpath)))
    return shutil.which("chromium-headless-shell", path=programs) or shutil.which("chromium")


@contextmanager
def open_browser() -> Iterator[webdriver.Chrome]:
    chromium, driver = find_chromium(), shutil.which("chromedriver")
    if not chromium or not driver:
        pytest.skip("chromium and chromedriver are not on the PATH")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for flag in FLAGS:
        options.add_argument(flag)
    with TemporaryDirectory() as downloads:  # else the shell leaves them where the tests run
        options.add_experimental_option("prefs", {"download.default_directory": downloads})
        browser = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
        try:
            yield browser
        finally:
            browser.quit()
