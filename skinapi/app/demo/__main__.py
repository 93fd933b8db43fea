"""`python -m skinapi.app.demo` makes the demo in INSTANCE_DIR, where it is missing, and says who
can log in there. `python -m skinapi demo` serves it, too.
"""

import sys
import time

from skinapi.app.demo.build import build_demo
from skinapi.base.errors import SkinAPIError
from skinapi.base.settings.demo_folder import read_demo
from skinapi.base.settings.reading import read_settings


def main() -> int:
    started = time.monotonic()
    try:
        settings = read_settings()
        if build_demo(settings):
            print(f"\nThe demo was made in {time.monotonic() - started:.1f} s")
    except SkinAPIError as error:
        sys.stderr.writelines(f"skinapi: {line}\n" for line in error.detail.splitlines())
        return 2
    if demo := read_demo(settings.instance_dir):
        print(f"\nThe demo is in {settings.instance_dir}. All have the password: {demo.password}")
        for person in demo.people:
            print(f"  {person.role:10}  {person.email:24}  {person.name}")
    sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
