"""Creates the demo in INSTANCE_DIR. `python -m skinapi demo` serves it."""

import shutil
import sys
import time

from skinapi.app.demo.clinic import PASSWORD
from skinapi.app.demo.story import tell
from skinapi.base.errors import SkinAPIError, UnsafeSettings
from skinapi.base.pages import PageRequest
from skinapi.base.settings.demo_folder import DEMO_FILE, Demo, DemoPerson, is_demo, read_demo
from skinapi.base.settings.safety import read_settings
from skinapi.base.settings.settings import Settings
from skinapi.base.subject import Role

HALF_MADE = ".being-made"
ROLES: tuple[Role, ...] = ("doctor", "admin", "researcher", "user")  # as the log-in page lists them


def build_demo(settings: Settings) -> bool:
    """Return False if the demo exists. This sets the clock back, so use a separate process."""
    folder = settings.instance_dir
    if settings.production:
        raise UnsafeSettings("The demo is for looking around, and not for ENVIRONMENT=production")
    if is_demo(folder):
        return False
    if folder.exists():
        raise UnsafeSettings(f"{folder} is there, and no demo: remove it, or name another folder")
    making = folder.with_name(folder.name + HALF_MADE)
    shutil.rmtree(making, ignore_errors=True)
    demo = _make(settings.model_copy(update={"instance_dir": making}))
    (making / DEMO_FILE).write_text(demo.model_dump_json(indent=1))
    making.rename(folder)
    return True


def _make(settings: Settings) -> Demo:
    services = tell(settings).services
    services.data.trail.seal()
    accounts = services.admin.list_accounts(
        roles=ROLES, status="approved", beginning=None, paging=PageRequest(100)
    )
    services.store.close()
    people = (
        DemoPerson(email=person.email, name=person.name, role=person.role)
        for person in sorted(accounts.items, key=lambda item: ROLES.index(item.role))
    )
    return Demo(password=PASSWORD, people=tuple(people))


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
