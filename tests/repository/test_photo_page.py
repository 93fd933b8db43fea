"""docs/photo.md tells the path of a photo: a real request is followed, and compared with it."""

import re
from pathlib import Path

from skinapi.registry.prediction_pool import ServedModel
from tests.prediction.photographer import predicted
from tests.repository.documents import PAGES, ROOT
from tests.repository.tracing import traced
from tests.support.backends import Backend
from tests.support.models import served_of

SHIPPED = ROOT / "skinapi" / "models" / "resnet50"
PAGE = PAGES["docs/photo.md"]


class WithShippedModel(Backend):
    def served(self) -> ServedModel | None:
        return served_of(SHIPPED)


def test_the_page_names_the_modules_of_a_photo_in_the_order_of_their_calls(tmp_path: Path) -> None:
    backend = WithShippedModel(tmp_path, photos="always", model_path=SHIPPED)
    ada = backend.member("ada@example.org")
    photo = (ROOT / "skinapi/console/static/sample.jpg").read_bytes()
    with traced() as called:
        assert predicted(ada, photo)["band"]
    named = re.findall(r"^\| `(\S+\.py)` \|", PAGE, re.MULTILINE)
    assert [module for module in called if module in named] == named
    assert _packages(called) <= _packages(named)


def _packages(modules: list[str]) -> set[str]:
    return {package for package, *rest in (module.split("/") for module in modules) if rest}
