"""The published form of a person's file: its schemas, its signature, and how it names people."""

import pytest

from skinapi.privacy.person_file.format import ME, Manifest, person_of
from skinapi.privacy.signature import PublicKey, Signer
from tests.repository.reference import SCHEMAS, write_schemas

OWNER, DOCTOR = "0" * 32, "1" * 32


def test_the_published_schemas_are_those_of_the_code() -> None:
    assert {file: file.read_text() for file in SCHEMAS.iterdir()} == write_schemas()


def test_a_signature_holds_for_these_bytes_and_this_key_alone() -> None:
    signer, other = Signer(["a" * 40]), Signer(["b" * 40, "a" * 40])
    signature = signer.sign(b"manifest")
    assert signer.public_key.verifies(b"manifest", signature)
    assert not signer.public_key.verifies(b"manifest ", signature)
    assert not other.public_key.verifies(b"manifest", signature)
    assert signer.public_key in other.known_keys


def test_what_is_no_signature_verifies_nothing() -> None:
    for key in ("", "no key", "aGVsbG8=", Signer(["a"]).public_key.encoded):
        for signature in (b"", b"\xff\x00", b"aGVsbG8=\n", b"=" * 10_000):
            assert not PublicKey(key).verifies(b"manifest", signature)


def test_others_are_named_by_what_leads_back_to_nobody_and_stays_the_same() -> None:
    named = person_of(DOCTOR, owner=OWNER)
    assert DOCTOR not in named
    assert named == person_of(DOCTOR, owner="2" * 32)
    assert person_of(OWNER, owner=OWNER) == ME


def test_no_path_leads_out_of_the_folder() -> None:
    for path in ("../a", "/a", "a/../b", "C:a", "a\\b", "a//b", "A", "a/", ".a"):
        listed = {"path": path, "bytes": 1, "sha256": "0" * 64}
        with pytest.raises(ValueError, match="path"):
            Manifest.model_validate({"files": [listed]})
