import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium import webdriver

from skinapi.model.bands import OperatingPoint
from skinapi.model.calibration import ModelCalibration, PointFigures
from skinapi.model.network.model import (
    CALIBRATION,
    CARD,
    SHIPPED_MODEL,
    read_calibration,
    read_card,
    write_checksums,
)
from skinapi.platform.jobs.job_queue import Jobs
from tests.console.embedding_site import EmbeddingSite
from tests.console.journey import file_of
from tests.console.visitor import Visitor
from tests.served.people import Caller, Seeder
from tests.served.server import Server, serving
from tests.support.backends import MAIL
from tests.support.models import GREEN_IS_NO_SKIN, tiny_model
from tests.support.photos import photo_of


@pytest.fixture(scope="session")
def carded_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The toy network under the shipped card, whose figures fill the page about the model. It asks
    about green photos.
    """
    folder = tmp_path_factory.mktemp("carded") / "model"
    shutil.copytree(tiny_model(), folder)
    calibration = read_calibration(folder).model_copy(update={"skin": GREEN_IS_NO_SKIN})
    (folder / CALIBRATION).write_text(calibration.model_dump_json())
    toy = {key: getattr(read_card(folder), key) for key in ("side", "scaling", "precision")}
    card = read_card(SHIPPED_MODEL).model_copy(update=toy)
    (folder / CARD).write_text(card.model_dump_json())
    (folder / CALIBRATION).write_text(_with_figures(read_calibration(folder)).model_dump_json())
    write_checksums(folder)
    return folder


def _with_figures(calibration: ModelCalibration) -> ModelCalibration:
    """Add what each operating point does on a test part of 200 malignant and 1,000 benign
    lesions.
    """
    sent = {
        OperatingPoint.CAUTIOUS: (199, 550, 260),
        OperatingPoint.STANDARD: (196, 460, 190),
        OperatingPoint.SELECTIVE: (190, 350, 180),
    }
    figures = {
        point: PointFigures(
            malignant=200,
            malignant_sent=malignant,
            malignant_urgent=150,
            benign=1000,
            benign_sent=benign,
            benign_urgent=urgent,
            melanomas=100,
            melanomas_sent=malignant // 2,
            melanomas_urgent=80,
        )
        for point, (malignant, benign, urgent) in sent.items()
    }
    dermoscopic = calibration.dermoscopic.model_copy(update={"point_figures": figures})
    return calibration.model_copy(update={"dermoscopic": dermoscopic})


@pytest.fixture(scope="session")
def site() -> Iterator[EmbeddingSite]:
    with EmbeddingSite() as site:
        yield site


@pytest.fixture(scope="session")
def settings(carded_model: Path, site: EmbeddingSite) -> dict[str, str]:
    mail = {name.upper(): value for name, value in MAIL.items()}
    embed = {"EMBED_ORIGINS": ", ".join(site.origins)}
    webhooks = {"WEBHOOK_PRIVATE_RANGES": "127.0.0.0/8"}
    return {"PHOTOS": "consent", "MODEL_PATH": str(carded_model), **mail, **embed, **webhooks}


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory, settings: dict[str, str]) -> Iterator[Server]:
    """One server for all tests: the people of one test are unknown to those of another."""
    with serving(tmp_path_factory.mktemp("console"), settings, workers=1) as server:
        yield server


@pytest.fixture
def seeder(server: Server) -> Iterator[Seeder]:
    seeder = Seeder(server)
    yield seeder
    seeder.close()


@pytest.fixture
def ada(seeder: Seeder) -> Caller:
    return seeder.person()


@pytest.fixture
def mole(tmp_path: Path) -> Path:
    return file_of(tmp_path, "mole.jpg", photo_of("melanocytic_nevus", (600, 450)))


@pytest.fixture
def patient(seeder: Seeder) -> Caller:
    patient = seeder.person()
    assert patient.call("PUT", "/me/consents", json={"photos": True}).status == 200
    return patient


@pytest.fixture
def doctor(seeder: Seeder, patient: Caller) -> Caller:
    doctor = seeder.person("doctor")
    seeder.services.decisions.assign_doctor(email=patient.email, doctor=doctor.email, by="admin")
    return doctor


@pytest.fixture
def jobs(seeder: Seeder) -> Jobs:
    """The job queue of the server. No worker runs: the test is the worker."""
    jobs = Jobs(seeder.services.store)
    for owner in {item["owner"] for item in seeder.services.store.collection("jobs").find()}:
        jobs.forget(owner)
    return jobs


@pytest.fixture
def visitor(browser: webdriver.Chrome, server: Server) -> Visitor:
    return Visitor(browser, server.port)
