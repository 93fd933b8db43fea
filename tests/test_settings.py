import os
import threading
from collections.abc import Iterator
from dataclasses import astuple
from pathlib import Path
from traceback import format_exception
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from skinapi.app.application import create_app
from skinapi.app.commands import name_store
from skinapi.base.errors import UnsafeSettings
from skinapi.base.settings.limits import RATES
from skinapi.base.settings.safety import refuse_unsafe
from skinapi.base.settings.settings import Settings
from skinapi.platform.stores.mongo_store import MongoStore
from skinapi.platform.stores.store_factory import make_store
from skinapi.platform.web.declaration import Rate
from skinapi.platform.web.rate_limits import open_limits
from tests.stores.mock_store import MockStore
from tests.support.backends import SECRET, settings_in


@pytest.fixture(autouse=True)
def clean_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove the developer's .env file and environment."""
    monkeypatch.chdir(tmp_path)
    for name in ("JWT_SECRET_KEY", "INSTANCE_DIR", "MONGO_URI", "ALLOWED_ORIGINS", "ENVIRONMENT"):
        monkeypatch.delenv(name, raising=False)


def production(**settings: Any) -> Settings:
    safe = {
        "environment": "production",
        "instance_dir": Path("disk"),
        "jwt_secret_key": SECRET,
        "public_url": "https://skin.example",
    }
    return Settings(**{**safe, **settings})


def mock_store_unless(given: dict[str, str]) -> MongoStore | None:
    return None if "mongo_uri" in given else MockStore()


REFUSED: list[tuple[str, list[Any]]] = [
    (
        "jwt_secret_key",
        [None, "hid", SECRET[:31], "a" * 40, "change-me-change-me-change-me-please"],
    ),
    ("jwt_secret_key", [" " * 40, "0123456789" * 4, "98765432109876543210987654321098"]),
    ("jwt_secret_key", ["abcdefghijklmnopqrstuvwxyzABCDEF", "aB3_xY7-kL9z" * 3]),
    (
        "jwt_secret_key",
        ["qwertyuiopasdfghjklzxcvbnm1234567890", "0987654321POIUYTREWQlkjhgfdsa;;;"],
    ),
    ("jwt_secret_key", ["thequickbrownfoxjumpsoverthelazydog", "MySuperSecretKeyForSkin2026x9Lq7"]),
    ("former_jwt_secret_keys", [f"{SECRET[::-1]}, {SECRET}"]),
    (
        "metrics_token",
        [
            "1",
            "0123456789012345",
            "qwertyuiopasdfgh",
            SECRET,
            "hidden\n",
            "hid\r\nX: den",
            "hidd\u00e9n",
        ],
    ),
    ("openrouter_api_key", ["hidden\n", "hid\r\nX: den", "hid den", "hidd\u00e9n", "hid\0den"]),
    ("instance_dir", [Path("/"), Path("/proc/self/root")]),
    ("allowed_origins", ["*", "https://a.example,*", "https://*.example", "null", "https://a/b"]),
    ("allowed_origins", ["https://user:hidden@front.example", "https://front.example:0"]),
    ("allowed_origins", ["https://front.example;https://b.example", "https://fron\u0442.example"]),
    ("allowed_origins", ["https://[::1", "https://front.example\nX: y", "http://front.example"]),
    ("allowed_origins", ["http://localhost.evil.example", "http://127.0.0.1.evil.example"]),
    ("public_url", [None, "skin.example", "https://skin.example\nX", "http://skin.example"]),
    ("public_url", ["https://user:hidden@skin.example", "https://skin.example?x=1", "https://"]),
    ("public_url", ['https://skin.example/"><script>', "https://skin.example/%0a", "https://[zz]"]),
    ("public_url", ["https://skin.example/../x", "https://skin.example/" + "x" * 200]),
    ("privacy_url", ["javascript:alert(1)", "skin.example/privacy", "http://skin.example/x"]),
    ("unassigned_patients", ["grey", "ghost@clinic.example,typo", "all,a@b.example", ",", "None"]),
    ("clinic_phone", ["call me"]),
    ("bind", ["0.0.0.0:8000,", "0.0.0.0", "127.0.0.1:0", "127.0.0.1:70000", "[::1:5000"]),
    ("mongo_uri", ["hidden", "mongodb://db.example/x", "mongodb://user@db.example/x"]),
    ("mongo_uri", ["mongodb+srv://user:@db.example/x"]),
    ("mongo_uri", ["mongodb://127.0.0.1:27017,db.example:27017/x"]),
    ("rate_limit_storage", ["MEMORY://", " memory://", "async+redis://host", "foo://:hidden@host"]),
    ("rate_limit_storage", ["redis://:hidden@host:badport/0", "redis://:hid/den@host/0"]),
    ("rate_limit_storage", ["redis://counts.example:6379", "Rediss://:guest@counts.example:6379"]),
    ("rate_limit_storage", ["mongodb://localhost.example/x"]),
    ("openrouter_url", ["http://openrouter.ai/api/v1", "ftp://x", "", "https://[::1"]),
    ("openrouter_url", ["https://user:hidden@ai", "https://ai\nX: y", "https://ai?key=hidden"]),
    ("smtp_url", ["hidden:587", "http://mail.example", "smtp://user@mail.example"]),
    ("smtp_url", ["smtp://mail.example:port"]),
    ("mail_from", [None, "the clinic", "a@b.example\r\nBcc: x"]),
    ("rate_read", ["0/minute", "10/minute;5/second", "10/fortnight", "5/2 days", "lots", ""]),
    ("rate_read", ["doctor=10/minute", "10/minute, queen=5/minute", "10/minute, 5/minute"]),
    ("rate_read", ["10/minute, doctor=5/minute, doctor=6/minute", "\u0661/minute"]),
]


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, values in REFUSED for value in values]
)
def test_production_refuses_a_value_unquoted(name: str, value: Any) -> None:
    mail = {"smtp_url": "smtp://mail.example", "mail_from": "a@b.example"}
    others = {"workers": 2, **(mail if name in mail else {})}
    with pytest.raises(UnsafeSettings, match=name.upper()) as refused:
        refuse_unsafe(production(**{**others, name: value}))
    told = "".join(format_exception(refused.value))
    assert "hid" not in told.replace("hidden_", "")


TAKEN: list[tuple[str, list[Any]]] = [
    ("unassigned_patients", ["all", "none", " all ", "grey@clinic.example, zoe@klinik.münchen"]),
    ("clinic_phone", ["+44 20 7946 0018", "117"]),
    (
        "allowed_origins",
        ["http://localhost:4200, http://[::1]:5173", "https://front.example:8443/"],
    ),
    ("public_url", ["https://skin.example:8443/", "https://[2001:db8::1]/clinic/skin"]),
    ("bind", ["[::]:5000", "0.0.0.0:1, localhost:8000", "skin.example:443"]),
    ("mongo_uri", ["mongodb://127.0.0.1:27017,[::1]:27018,localhost/x"]),
    ("mongo_uri", ["mongodb://%2Frun%2Fmongodb-27017.sock/x"]),
    ("mongo_uri", ["mongodb+srv://user:password@a.example/x"]),
    ("mongo_uri", ["mongodb://a.example,b.example/?authMechanism=MONGODB-X509&tls=true"]),
    ("rate_limit_storage", ["redis://localhost:6379", "redis://:password@counts.example:6379"]),
    ("rate_limit_storage", ["memory://", "MEMORY://"]),
    ("openrouter_url", ["http://127.0.0.1:9"]),
    ("openrouter_api_key", ["sk-or-v1-0123abc", ""]),
    ("metrics_token", ["f3a9c17e5b2d8046", "9f06ad3c1b6cd06a"]),
    ("jwt_secret_key", ["57b29ee04a3f8c6607d1b1c0a85f9e23", "k3x9w0qv7bz2m5tj8hr1c6yn4pd0sf7g"]),
    ("rate_read", ["1/second", "10 per 2 hours", "600/minute, doctor=1200/minute", "9 / Hour"]),
]


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, values in TAKEN for value in values]
)
def test_production_takes_a_safe_value(name: str, value: Any) -> None:
    given = production(**{name: value})
    refuse_unsafe(given)
    open_limits("memory://", Path(), {Rate.READ: given.rate_read})


@pytest.mark.parametrize(
    ("uri", "read"),
    [
        (" Redis://localhost:6379/0", "redis://localhost:6379/0"),
        ("MongoDB://u:p@a,b/limits", "mongodb://u:p@a,b/limits"),
    ],
)
def test_an_address_is_read_as_its_library_reads_it(uri: str, read: str) -> None:
    given = production(workers=2, rate_limit_storage=uri)
    refuse_unsafe(given)
    assert given.rate_limit_uri == read


def test_development_takes_what_only_production_refuses() -> None:
    refuse_unsafe(Settings(mongo_uri=SecretStr("mongodb://db.example/x")))
    refuse_unsafe(Settings(allowed_origins="http://front.example"))
    refuse_unsafe(Settings(public_url="http://skin.example:5000"))
    with pytest.raises(UnsafeSettings, match="PUBLIC_URL"):
        refuse_unsafe(Settings(public_url="http://skin.example/<b>"))


@pytest.mark.parametrize("key", [None, "supersecret", "qwertyuiopasdfghjklzxcvbnm1234567890"])
def test_a_refused_key_names_the_command_that_makes_one(key: str | None) -> None:
    for name in ("jwt_secret_key", "metrics_token") if key else ("jwt_secret_key",):
        with pytest.raises(UnsafeSettings, match="`openssl rand -base64 48`"):
            refuse_unsafe(production(**{name: key}))


@pytest.mark.parametrize(
    "models",
    [
        {"openrouter_models": "anthropic/claude-sonnet-4.5"},
        {"openrouter_models": "a/b, c/d", "openrouter_checker_models": "e/f,c/g"},
        {"openrouter_checker_models": " , "},
    ],
)
def test_who_checks_is_of_another_maker_than_who_writes(models: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="of other makers than OPENROUTER_MODELS"):
        Settings(**models)


def test_production_names_all_that_is_unset_at_once() -> None:
    with pytest.raises(UnsafeSettings) as caught:
        refuse_unsafe(Settings(environment="production"))
    for name in ("JWT_SECRET_KEY", "INSTANCE_DIR", "PUBLIC_URL"):
        assert name in caught.value.detail


@pytest.mark.parametrize("rate", RATES)
def test_each_rate_is_looked_at(rate: str) -> None:
    with pytest.raises(UnsafeSettings, match=f"RATE_{rate.upper()}"):
        refuse_unsafe(production(**{f"rate_{rate}": "often"}))


def test_production_takes_a_disk_named_by_hand_or_mongodb(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENVIRONMENT", "production")
    monkeypatch.setenv("JWT_SECRET_KEY", SECRET)
    monkeypatch.setenv("MONGO_URI", "mongodb://skinapi:pw@db.example/skinapi")
    monkeypatch.setenv("RENDER_EXTERNAL_URL", "https://skin.onrender.com")
    refuse_unsafe(Settings())
    monkeypatch.setenv("MONGO_URI", "")
    monkeypatch.setenv("INSTANCE_DIR", "disk")
    refuse_unsafe(Settings())


@pytest.mark.parametrize(
    ("url", "asked"),
    [
        ("smtp://me:p%40ss@mail.example", ("mail.example", 587, False, True, "me", "p@ss")),
        ("smtps://me:pw@mail.example:2465", ("mail.example", 2465, True, False, "me", "pw")),
        ("smtp://127.0.0.1:25", ("127.0.0.1", 25, False, False, "", "")),
        ("smtp://10.1.2.3:25/", ("10.1.2.3", 25, False, False, "", "")),
        ("smtp://8.8.8.8:25", ("8.8.8.8", 25, False, True, "", "")),
    ],
)
def test_a_mail_server_that_is_not_near_must_change_to_tls(url: str, asked: object) -> None:
    settings = production(smtp_url=url, mail_from="clinic@skin.example")
    refuse_unsafe(settings)
    server = settings.mail_server
    assert server
    assert astuple(server) == asked
    assert server.password == "" or server.password not in repr(server)


@pytest.mark.parametrize("mode", [0o1777, 0o777, 0o1700])
def test_a_folder_that_others_use_too_is_refused_and_left_as_it_is(
    tmp_path: Path, mode: int
) -> None:
    folder = tmp_path / "shared"
    folder.mkdir()
    folder.chmod(mode)
    with pytest.raises(UnsafeSettings, match="INSTANCE_DIR is a folder that others use"):
        refuse_unsafe(production(instance_dir=folder))
    with pytest.raises(UnsafeSettings, match="INSTANCE_DIR is a folder that others use"):
        make_store(settings_in(folder))
    assert folder.stat().st_mode & 0o7777 == mode
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    "given",
    [
        {"rate_limit_storage": "mongodb://u:hid@den@host/"},
        {"rate_limit_storage": "mongodb://u:hidden@ho st:99999/"},
        {"mongo_uri": "mongodb://u:hid@den@host/"},
        {"mongo_uri": "mongodb://u:hidden@ho st:99999/"},
    ],
)
def test_no_password_shows_where_an_address_cannot_be_used(
    given: dict[str, str], tmp_path: Path
) -> None:
    with pytest.raises(UnsafeSettings) as refused:
        create_app(production(instance_dir=tmp_path, **given), mock_store_unless(given))
    assert "hid" not in "".join(format_exception(refused.value))


def test_no_other_user_of_the_machine_reads_the_state(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    folder.mkdir(mode=0o755)
    make_store(settings_in(folder))
    assert folder.stat().st_mode & 0o777 == 0o700


def test_a_state_folder_that_others_read_and_cannot_be_closed_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def not_yours(*_: object) -> None:
        raise PermissionError

    tmp_path.chmod(0o755)
    monkeypatch.setattr(Path, "chmod", not_yours)
    with pytest.raises(UnsafeSettings, match="INSTANCE_DIR"):
        make_store(settings_in(tmp_path))


@pytest.fixture
def unprivileged() -> Iterator[None]:
    """root may write everywhere, so the test runs with another effective user."""
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)
    yield
    if user == 0:
        os.seteuid(user)


@pytest.mark.usefixtures("unprivileged")
def test_a_state_folder_that_cannot_be_written_is_refused() -> None:
    with pytest.raises(UnsafeSettings, match=r"INSTANCE_DIR cannot be used \(no permission"):
        make_store(settings_in(Path("/usr")))
    with pytest.raises(UnsafeSettings, match=r"INSTANCE_DIR cannot be used \(Permission denied"):
        make_store(settings_in(Path("/skinapi-state")))


def test_a_state_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    for folder, fault in ((file, "it is a file"), (file / "state", "Not a directory")):
        with pytest.raises(UnsafeSettings, match=rf"INSTANCE_DIR cannot be used \({fault}"):
            make_store(settings_in(folder))
        with pytest.raises(UnsafeSettings, match="INSTANCE_DIR"):
            Settings(instance_dir=folder).signing_key()


@pytest.mark.parametrize("name", ["jwt_secret_key", "clinic_name", "workers"])
def test_a_setting_that_is_not_utf8_is_refused_unquoted(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setitem(os.environb, name.upper().encode(), b"hidden\xff" * 8)
    with pytest.raises(ValidationError) as refused:
        Settings()
    assert [fault["msg"] for fault in refused.value.errors()] == ["must be UTF-8 text"]
    assert "hidden" not in str(refused.value)


def test_no_secret_shows_when_settings_are_printed() -> None:
    shown = repr(production(mongo_uri="mongodb://u:hidden@db/x", metrics_token="hidden"))
    assert SECRET not in shown
    assert "hidden" not in shown


def test_development_keeps_its_secret_across_restarts(tmp_path: Path) -> None:
    key = Settings(instance_dir=tmp_path / "i").signing_key()
    assert len(key) >= 32
    assert Settings(instance_dir=tmp_path / "i").signing_key() == key
    assert Settings(instance_dir=tmp_path / "other").signing_key() != key
    kept = tmp_path / "i" / "jwt-secret"
    assert kept.stat().st_mode & 0o777 == 0o600
    assert list(kept.parent.iterdir()) == [kept]


def test_many_who_start_at_once_make_one_secret(tmp_path: Path) -> None:
    start, keys = threading.Barrier(20), []

    def open_up() -> None:
        start.wait()
        keys.append(Settings(instance_dir=tmp_path / "i").signing_key())

    threads = [threading.Thread(target=open_up) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(keys) == 20
    assert len(set(keys)) == 1
    assert [path.name for path in (tmp_path / "i").iterdir()] == ["jwt-secret"]


def test_an_empty_variable_of_the_environment_overrides_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text("MONGO_URI=mongodb://db/skinapi\nWORKERS=3\n")
    monkeypatch.delenv("MONGO_URI", raising=False)
    assert Settings().secret("mongo_uri") == "mongodb://db/skinapi"
    monkeypatch.setenv("MONGO_URI", "")
    assert Settings().secret("mongo_uri") is None
    assert Settings().workers == 3


@pytest.mark.parametrize(
    ("uri", "named"),
    [
        (None, "SQLite in "),
        ("mongodb://ada:secret@db.example:27017/care?tls=true", "MongoDB at db.example:27017/care"),
    ],
)
def test_a_command_names_the_store_that_it_is_about_to_write_without_its_password(
    uri: str | None, named: str, tmp_path: Path
) -> None:
    settings = Settings(mongo_uri=uri, instance_dir=tmp_path)  # type: ignore[arg-type]
    assert name_store(settings).startswith(named)
    assert "secret" not in name_store(settings)
