"""The people of the demo at work: each act is the use case that a route calls for a person."""

import lzma
import shutil
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Self

from skinapi.accounts.auth.account import Account, Subject, WantedRole
from skinapi.accounts.auth.consents import ChangedConsents, Purpose, newest_text
from skinapi.accounts.auth.passwords import ClientInfo
from skinapi.app.areas import list_condition_names
from skinapi.app.composition.server_services import ServerServices, open_server_services
from skinapi.app.composition.services import open_services
from skinapi.base.languages import Language
from skinapi.base.settings.settings import Settings
from skinapi.base.subject import Unlimited
from skinapi.care.lesion_records import Place
from skinapi.care.letters import EditedDraft
from skinapi.care.messages import ConversationTopic
from skinapi.findings.prediction.service import SentPhotos
from skinapi.findings.records.letters import Addressee
from skinapi.findings.records.schemas.review import NewReview
from skinapi.findings.records.visible_findings import VisibleFinding
from skinapi.model.context import Context
from skinapi.model.network.model import CALIBRATION, CARD, LABELS, SHIPPED_MODEL, SPLIT, read_card
from skinapi.model.registry.composition import open_inference, open_served
from skinapi.model.registry.version_records import ModelVersions
from skinapi.platform.stores.store_factory import make_store

FORMER_CARD = Path(__file__).parent / "former_model.json.xz"


def record_former_model(versions: ModelVersions) -> None:
    """Store the card of an earlier release as a version that served, for the lab to compare."""
    with TemporaryDirectory() as folder:
        former = Path(folder)
        for name in (CALIBRATION, LABELS, SPLIT):
            shutil.copy(SHIPPED_MODEL / name, former)
        (former / CARD).write_bytes(lzma.decompress(FORMER_CARD.read_bytes()))
        versions.record_built_in(former, read_card(former))


PASSWORD = "look around"  # noqa: S105 (the log-in page says it)
DOMAIN = "demo.example"
HERE = ClientInfo(address="127.0.0.1", client="the demo")


@dataclass(frozen=True, slots=True)
class Clinic:
    services: ServerServices
    admin: "Person"

    @classmethod
    def open(cls, settings: Settings) -> Self:
        make_store(settings)
        served = open_served(settings)
        opened = open_services(settings, served=served)
        record_former_model(opened.models.versions)
        inference, reloader = open_inference(
            settings, opened.models, served, list_condition_names(settings)
        )
        reloader.run_once()
        services = open_server_services(opened, inference, Unlimited())
        account, _ = services.admin.ensure_admin(email=f"admin@{DOMAIN}", password=PASSWORD)
        return cls(services, Person(services, account.email))

    def register(self, name: str, *, wanted_role: WantedRole | None = None) -> "Person":
        """Register somebody who waits for approval."""
        email = f"{name.rpartition(' ')[2].lower()}@{DOMAIN}"
        self.services.auth.register_user(
            name=name, email=email, password=PASSWORD, caller=HERE, wanted_role=wanted_role
        )
        return Person(self.services, email)

    def approve(self, person: "Person", *, role: WantedRole | None = None) -> None:
        by = self.admin.account.id
        self.services.decisions.approve_account(email=person.email, role=role, by=by)

    def add_colleague(self, name: str, role: WantedRole) -> "Person":
        colleague = self.register(name, wanted_role=role)
        self.approve(colleague, role=role)
        return colleague

    def add_patient(
        self, name: str, *, doctor: "Person", language: Language = "en", teaches: bool = False
    ) -> "Person":
        """Add a patient whose photos may be kept; with `teaches` they may teach a model."""
        patient = self.register(name)
        self.approve(patient)
        by = self.admin.account.id
        self.services.decisions.assign_doctor(email=patient.email, doctor=doctor.email, by=by)
        asked: dict[Purpose, bool] = {"photos": True, "training": teaches}
        texts = {purpose: newest_text(purpose).version for purpose in asked}
        agreed = ChangedConsents(given=asked, texts=texts, language=language)
        self.services.consents.change(account_id=patient.account.id, changed=agreed)
        self.services.auth.change_locale(account_id=patient.account.id, locale=language)
        return patient


@dataclass(frozen=True, slots=True)
class Person:
    services: ServerServices
    email: str

    @property
    def account(self) -> Account:
        found = self.services.data.accounts.find_by_email(self.email)
        if found is None:
            raise LookupError(self.email)
        return found

    @property
    def subject(self) -> Subject:
        account = self.account
        return Subject(id=account.id, role=account.role, session_id="", account=account)

    # --- of a patient ---

    def begin_spot(self, name: str, place: Place) -> str:
        owner = self.account.id
        shown = self.services.lesions.create_lesion(owner=owner, place=place, name=name, key=None)
        return shown.lesion.id

    def photograph(
        self,
        lesion: str | None,
        *photos: bytes,
        told: Context,
        checklist: tuple[str, ...] | None = None,
    ) -> VisibleFinding:
        more: dict[str, Any] = {} if checklist is None else {"checklist": checklist}
        found = self.services.data.lesions.find(lesion) if lesion else None
        if found:
            place = found.place
            more |= {"body_site": place.site, "body_side": place.side}
            more["body_laterality"] = place.laterality
        sent = SentPhotos(
            contents=photos, same_spot=True, context=told.model_copy(update=more), lesion=lesion
        )
        return self.services.prediction.predict(owner=self.account, sent=sent)

    # --- of a doctor ---

    def review(self, finding: VisibleFinding, **said: Any) -> None:
        """Sign a review that the patient is shown at once, of a cancer too."""
        statement = NewReview.model_validate({"told_by": "nobody", **said})
        number = str(finding.number)
        self.services.reviews.add_review(number=number, by=self.subject, sent=statement, key=None)

    def agree(self, finding: VisibleFinding) -> None:
        self.review(finding, certainty="sure", agrees_with_label=True, agrees_with_urgency=True)

    def reassure(self, finding: VisibleFinding, note: str | None = None) -> None:
        """Agree with the label, and let the patient watch the spot."""
        fields = {"certainty": "sure", "agrees_with_label": True, "urgency": "self_monitoring"}
        self.review(finding, **fields, note=note)

    def write_letter(
        self, finding: VisibleFinding, reader: Addressee, *, sign: bool = True
    ) -> None:
        letters, number = self.services.letters, str(finding.number)
        letter = letters.draft_letter(
            number=number, by=self.subject, reader=reader, language=None
        ).shown.letter
        if sign:
            edited = EditedDraft(text=letter.text, version=letter.version, decision=letter.decision)
            letters.sign_letter(letter=letter.id, edited=edited, by=self.subject)

    def take(self, finding: VisibleFinding) -> None:
        self.services.cases.take_case(number=str(finding.number), by=self.subject)

    def ask_opinion(self, finding: VisibleFinding, colleague: "Person", question: str) -> None:
        number, asked = str(finding.number), colleague.email
        self.services.cases.ask_colleague(
            number=number, colleague=asked, question=question, by=self.subject
        )

    # --- of both ---

    def write(self, lesion: str, text: str) -> None:
        self.services.messages.send_message(
            topic=ConversationTopic(lesion=lesion),
            text=text,
            finding=None,
            by=self.subject,
            key=None,
        )

    def read(self, lesion: str) -> None:
        self.services.messages.mark_read(
            topic=ConversationTopic(lesion=lesion), last="f" * 32, by=self.subject
        )
