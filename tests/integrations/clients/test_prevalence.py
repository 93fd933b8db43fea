from pathlib import Path

from tests.integrations.clients.dialects import guide, inference, lab, skinartify
from tests.model.registry.test_prevalence import CHANGING, PREVALENCE, Clinic, write_mixed
from tests.support.photos import photo_of


def test_clients_of_earlier_systems_get_the_models_own_probabilities(tmp_path: Path) -> None:
    folder, said = write_mixed(tmp_path / "mixed"), []
    for prevalence in (PREVALENCE, None):
        clinic = Clinic(
            tmp_path / str(prevalence), model_path=folder, prevalence=prevalence, open_lab=True
        )
        answers = [
            send(clinic, photo_of("melanocytic_nevus"))
            for send in (skinartify, guide, inference, lab)
        ]
        clinic.services.store.close()
        assert [answer.status_code for answer in answers] == [200] * 4
        said.append([_lasting(answer.get_json()) for answer in answers])
    assert said[0] == said[1]


def _lasting(answer: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in answer.items() if name not in CHANGING}
