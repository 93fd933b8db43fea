from typing import Any

from werkzeug.test import TestResponse

from skinapi.model.conditions import Band
from tests.care.clinic import judge_anew, patient_of
from tests.findings.prediction.photographer import predicted, send
from tests.privacy.test_moving_accounts import move_all
from tests.support.backends import Backend, Person
from tests.support.reviews import sign_review
from tests.use_cases.use_case import UseCase, acts_in, acts_on, notices_to


def a_patient_of_a_doctor(backend: Backend) -> tuple[Person, Person]:
    grey = backend.member(role="doctor")
    return backend.member(doctor_id=backend.account(grey.email).id), grey


def with_a_finding(backend: Backend) -> tuple[Person, Person]:
    people = a_patient_of_a_doctor(backend)
    predicted(people[0])
    return people


def file_one_with_its_photo(_: Backend, people: tuple[Person, Person]) -> object:
    return send(people[0], keep_photo="true")


def delete_it(_: Backend, people: tuple[Person, Person]) -> object:
    return people[0].call("DELETE", f"/submissions/{number_of(people[0])}")


def number_of(patient: Person) -> int:
    (finding,) = patient.call("GET", "/submissions").get_json()
    number: int = finding["id"]
    return number


def review_it(_: Backend, people: tuple[Person, Person]) -> object:
    ada, grey = people
    said = {"label": "melanocytic_nevus", "certainty": "sure"}
    return sign_review(grey, number_of(ada), said)


def with_a_review(backend: Backend) -> tuple[Person, Person]:
    people = with_a_finding(backend)
    review_it(backend, people)
    return people


def enter_it_in_error(_: Backend, people: tuple[Person, Person]) -> object:
    ada, grey = people
    own = [*ada.call("GET", "/submissions").get_json(), *_entered_in_error(ada)]
    path = f"/submissions/{own[0]['id']}/entered-in-error"
    return grey.call("POST", path, json={"reason": "The photo is of somebody else."})


def _entered_in_error(patient: Person) -> list[Any]:
    listed: list[Any] = patient.call("GET", "/submissions/entered-in-error").get_json()
    return listed


def with_a_letter(backend: Backend) -> tuple[Person, Person]:
    people = with_a_review(backend)
    assert draft_a_letter(backend, people).status_code == 201
    return people


def draft_a_letter(_: Backend, people: tuple[Person, Person]) -> TestResponse:
    ada, grey = people
    path = f"/submissions/{number_of(ada)}/letters"
    return grey.call("POST", path, json={"reader": "patient"})


def sign_the_letter(_: Backend, people: tuple[Person, Person]) -> TestResponse:
    ada, grey = people
    (draft,) = grey.call("GET", f"/submissions/{number_of(ada)}/letters").get_json()
    body = {name: draft[name] for name in ("text", "version")}
    return grey.call("POST", f"/letters/{draft['_id']}/sign", json=body)


def with_a_colleague(backend: Backend) -> tuple[Person, Person, Person]:
    return *with_a_finding(backend), backend.member(role="doctor")


def ask_the_colleague(_: Backend, people: tuple[Person, Person, Person]) -> object:
    ada, grey, colleague = people
    body = {"colleague": colleague.email}
    return grey.call("PUT", f"/submissions/{number_of(ada)}/second-opinion", json=body)


def with_a_question(backend: Backend) -> tuple[Person, Person, Person]:
    people = with_a_colleague(backend)
    ask_the_colleague(backend, people)
    return people


def answer_the_question(_: Backend, people: tuple[Person, Person, Person]) -> object:
    ada, _grey, colleague = people
    path = f"/submissions/{number_of(ada)}/opinion"
    return colleague.call("POST", path, json={"comment": "Excise it."})


def opinions_and_rows(backend: Backend, people: tuple[Person, ...]) -> Any:
    ada, grey = people[:2]
    (own,) = ada.call("GET", "/submissions").get_json()
    came = grey.call("GET", "/queue/counts").get_json()["to_review"]
    told = [notices_to(backend, backend.account(item.email).id) for item in (ada, grey)]
    return came, own["decision"] is None, told, case_and_rows(backend, people)


def case_and_rows(backend: Backend, people: tuple[Person, ...]) -> Any:
    ada, *doctors = people
    (own,) = ada.call("GET", "/submissions").get_json()
    path = f"/submissions/{own['id']}"
    case = doctors[0].call("GET", f"{path}/case").get_json()
    seen = [doctor.call("GET", path).status_code for doctor in doctors]
    about = [backend.account(doctor.email).id for doctor in doctors]
    rows = [row for target in (own["_id"], *about) for row in rows_of(backend, target)]
    return case["opinion"] is None, seen, sorted(rows)


def with_a_photo(backend: Backend) -> tuple[Person, Person]:
    people = a_patient_of_a_doctor(backend)
    predicted(people[0], keep_photo="true")
    return people


def review_and_lists(backend: Backend, people: tuple[Person, Person]) -> Any:
    ada, grey = people
    (own,) = ada.call("GET", "/submissions").get_json()
    reviews = grey.call("GET", f"/submissions/{own['id']}/reviews").get_json()
    waiting = grey.call("GET", "/queue?reviewed=false").get_json()
    return (
        own["decision"] and own["decision"]["label"],
        len(reviews),
        len(waiting),
        notices_to(backend, backend.account(ada.email).id),
        *rows_of(backend, own["_id"]),
    )


def letters_and_rows(backend: Backend, people: tuple[Person, Person]) -> Any:
    (own,) = people[0].call("GET", "/submissions").get_json()
    read = [person.call("GET", f"/submissions/{own['id']}/letters").get_json() for person in people]
    letters = [
        [(bool(item["signed_at"]), bool(item["withdrawn"]), item["version"]) for item in some]
        for some in read
    ]
    notices = notices_to(backend, backend.account(people[0].email).id)
    return letters, notices, rows_of(backend, own["_id"])


def rows_of(backend: Backend, target: str) -> list[tuple[str, str]]:
    rows = backend.member(role="admin").call("GET", f"/audit?account={target}").get_json()
    return acts_in(rows)


def lists_and_rows(backend: Backend, people: tuple[Person, Person]) -> Any:
    ada, grey = people
    own = ada.call("GET", "/submissions").get_json()
    patients = grey.call("GET", "/patients").get_json()
    reader = backend.member(role="admin")
    account = backend.account(ada.email)
    rows = reader.call("GET", f"/audit?account={account.id}").get_json()
    return (
        [finding["band"] for finding in own],
        [patient["waiting_band"] for patient in patients],
        acts_in(rows),
    )


def errors_and_lists(backend: Backend, people: tuple[Person, Person]) -> Any:
    outcomes = people[1].call("GET", "/outcomes").get_json()
    notices = notices_to(backend, backend.account(people[0].email).id)
    entered = len(_entered_in_error(people[0]))
    return lists_and_rows(backend, people), entered, outcomes, notices


def with_a_reviewed_photo(backend: Backend) -> tuple[Person, Person]:
    people = with_a_photo(backend)
    review_it(backend, people)
    return people


def correct_it(_: Backend, people: tuple[Person, Person]) -> TestResponse:
    body = {"checklist": ["change_in_size", "oozing"]}
    return people[0].call("PUT", f"/submissions/{number_of(people[0])}/facts", json=body)


def correct_its_side(_: Backend, people: tuple[Person, Person]) -> TestResponse:
    body = {"body_laterality": "left"}
    return people[0].call("PUT", f"/submissions/{number_of(people[0])}/facts", json=body)


def what_was_told(backend: Backend, people: tuple[Person, Person]) -> Any:
    wanted = {"number": number_of(people[0])}
    (row,) = backend.services.store.collection("submissions").find(wanted)
    told = row["context"].get("body_laterality"), len(row.get("amendments", ()))
    return told, acts_on(backend, row["id"])


def judge_it_again(backend: Backend, people: tuple[Person, Person]) -> object:
    ada, grey = people
    by = backend.account(grey.email).id
    return judge_anew(backend, number_of(ada), Band.URGENT_REFERRAL, by=by)


def versions_and_lists(backend: Backend, people: tuple[Person, Person]) -> Any:
    ada, grey = people
    finding = ada.call("GET", f"/submissions/{number_of(ada)}").get_json()
    versions = [
        (item["band"], item["version"], item.get("corrected"))
        for item in (*finding.get("versions", ()), {"version": 1, **finding})
    ]
    counts, decision = finding["instruction"], finding["decision"]
    told = notices_to(backend, backend.account(grey.email).id)
    lists = lists_and_rows(backend, people), review_and_lists(backend, people)
    return versions, counts["from"], decision and decision["label"], told, lists


def with_another_patient(backend: Backend) -> tuple[Person, Person, Person]:
    ada, grey = with_a_reviewed_photo(backend)
    correct_it(backend, (ada, grey))
    return ada, grey, patient_of(backend, grey)


def move_it(backend: Backend, people: tuple[Person, Person, Person]) -> object:
    ada, grey, bob = people
    own = [*ada.call("GET", "/submissions").get_json(), *_entered_in_error(ada)]
    body = {"reason": "The photo is of somebody else.", "patient": backend.account(bob.email).id}
    return grey.call("POST", f"/submissions/{own[0]['id']}/move", json=body)


def both_patients(backend: Backend, people: tuple[Person, Person, Person]) -> Any:
    ada, grey, bob = people
    return errors_and_lists(backend, (ada, grey)), lists_and_rows(backend, (bob, grey))


def with_a_second_account(backend: Backend) -> tuple[Person, Person, Person, Person]:
    ada, grey, old = with_another_patient(backend)
    predicted(old, keep_photo="true")
    correct_it(backend, (old, grey))
    return ada, grey, old, backend.member(role="admin")


def move_them(_: Backend, people: tuple[Person, Person, Person, Person]) -> object:
    ada, old, root = people[0], *people[2:]
    return move_all(root, old.email, ada.email)


def both_accounts(backend: Backend, people: tuple[Person, Person, Person, Person]) -> Any:
    ada, grey, old, _ = people
    accounts = [backend.account(item.email) for item in (ada, old)]
    seen = [
        (account.status, len([*backend.services.data.findings.walk_owned(account.id)]))
        for account in accounts
    ]
    versions = [item["version"] for item in ada.pages("/submissions")]
    return seen, versions, old.call("GET", "/me").status_code, lists_and_rows(backend, (ada, grey))


USE_CASES = (
    UseCase("correct a fact", with_a_reviewed_photo, correct_it, versions_and_lists),
    UseCase("correct a side", with_a_reviewed_photo, correct_its_side, what_was_told),
    UseCase("judge again", with_a_reviewed_photo, judge_it_again, versions_and_lists),
    UseCase("move a finding", with_another_patient, move_it, both_patients),
    UseCase("move all spots", with_a_second_account, move_them, both_accounts),
    UseCase("file with photo", a_patient_of_a_doctor, file_one_with_its_photo, lists_and_rows),
    UseCase("delete a finding", with_a_photo, delete_it, lists_and_rows),
    UseCase("enter in error", with_a_review, enter_it_in_error, errors_and_lists),
    UseCase("answer a question", with_a_question, answer_the_question, opinions_and_rows),
    UseCase("sign a letter", with_a_letter, sign_the_letter, letters_and_rows),
)
