from dataclasses import dataclass
from pathlib import Path
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
from skinapi.care.letters import EditedDraft
from skinapi.findings.prediction.service import SentPhotos
from skinapi.findings.records.lesions import Place
from skinapi.findings.records.letters import Addressee
from skinapi.findings.records.schemas.review import NewReview
from skinapi.findings.records.stored_finding import StoredFinding
from skinapi.model.context import Context
from skinapi.model.registry.composition import open_inference, open_served
from skinapi.platform.stores.store_factory import make_store

SPOTS = Path(__file__).parent / "spots"
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
        inference, reloader = open_inference(
            settings, opened.models, served, list_condition_names(settings)
        )
        reloader.run_once()
        services = open_server_services(opened, inference, Unlimited())
        account, _ = services.admin.ensure_admin(email=f"admin@{DOMAIN}", password=PASSWORD)
        return cls(services, Person(services, account.email))

    def register(self, name: str, *, wanted_role: WantedRole | None = None) -> "Person":
        email = f"{name.rpartition(' ')[2].lower()}@{DOMAIN}"
        self.services.auth.register_user(
            name=name, email=email, password=PASSWORD, caller=HERE, wanted_role=wanted_role
        )
        return Person(self.services, email)

    def add_colleague(self, name: str, role: WantedRole) -> "Person":
        colleague, by = self.register(name, wanted_role=role), self.admin.account.id
        self.services.decisions.approve_account(email=colleague.email, role=role, by=by)
        return colleague

    def add_patient(self, name: str, *, doctor: "Person", language: Language = "en") -> "Person":
        patient, by = self.register(name), self.admin.account.id
        self.services.decisions.approve_account(email=patient.email, role=None, by=by)
        self.services.decisions.assign_doctor(email=patient.email, doctor=doctor.email, by=by)
        given: dict[Purpose, bool] = {"photos": True, "training": True}
        texts = {purpose: newest_text(purpose).version for purpose in given}
        agreed = ChangedConsents(given=given, texts=texts, language=language)
        self.services.consents.change(account_id=patient.account.id, changed=agreed)
        self.services.auth.change_own_account(
            account_id=patient.account.id, wanted={"locale": language}
        )
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

    def begin_spot(self, name: str, place: Place) -> str:
        owner = self.account.id
        shown = self.services.lesions.create_lesion(owner=owner, place=place, name=name, key=None)
        return shown.lesion.id

    def photograph(self, lesion: str, photo: str, context: Context) -> StoredFinding:
        content = (SPOTS / f"{photo}.jpg").read_bytes()
        if place := self.services.data.lesions.get(lesion).place:
            where = {"body_site": place.site, "body_side": place.side}
            context = context.model_copy(update={**where, "body_laterality": place.laterality})
        sent = SentPhotos(contents=(content,), same_spot=True, context=context, lesion=lesion)
        return self.services.prediction.predict(owner=self.account, sent=sent)

    def review(self, finding: StoredFinding, **said: Any) -> None:
        number = str(finding.number)
        seen, _ = self.services.findings.access.get(number=number, to=self.subject)
        stated = {"spot_version": seen.spot.version, "confirm_milder": True, **said}
        statement = NewReview.model_validate(stated)
        self.services.reviews.add_review(number=number, by=self.subject, sent=statement, key=None)

    def write_letter(self, finding: StoredFinding, reader: Addressee) -> None:
        letters, number, by = self.services.letters, str(finding.number), self.subject
        drafted = letters.draft_letter(number=number, by=by, reader=reader, language=None)
        letter = drafted.shown.letter
        edited = EditedDraft(text=letter.text, version=letter.version)
        letters.sign_letter(letter=letter.id, edited=edited, by=by)

    def ask_opinion(self, finding: StoredFinding, colleague: "Person", question: str) -> None:
        number, asked = str(finding.number), colleague.email
        self.services.cases.ask_colleague(
            number=number, colleague=asked, question=question, by=self.subject
        )

    def write(self, lesion: str, text: str) -> None:
        self.services.messages.send_message(
            lesion, text=text, finding=None, by=self.subject, key=None
        )
