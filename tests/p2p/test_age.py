"""age's notation of our keys, against the published vectors of BIP 173 and age's own parser."""

import pyrage
import pytest

from chain.primitives.errors import Refusal
from chain.primitives.keys import AgreementKey
from p2p.age import bech32, identity_text, recipient_text, seal, unseal

KEY = AgreementKey(bytes(range(32)))


def test_bip_173_vectors() -> None:
    assert bech32("a", b"") == "a12uel5l"
    assert bech32("abcdef", bytes.fromhex("00443214c74254b635cf84653a56d7c675be77df")) == (
        "abcdef1qpzry9x8gf2tvdw0s3jn54khce6mua7lmqqqxw"
    )


def test_age_reads_our_keys_and_pairs_them() -> None:
    identity = pyrage.x25519.Identity.from_str(identity_text(KEY))
    assert str(identity.to_public()) == recipient_text(KEY.public)


def test_only_the_holder_opens() -> None:
    sealed = seal(b"content", KEY.public)
    assert sealed.startswith(b"age-encryption.org/v1")
    assert unseal(sealed, KEY) == b"content"
    with pytest.raises(Refusal, match="does not open with age1"):
        unseal(sealed, AgreementKey(bytes(32)))
    with pytest.raises(Refusal, match="cannot-open"):
        unseal(sealed[:-1], KEY)
    with pytest.raises(Refusal, match="cannot-open"):
        unseal(b"", KEY)


def test_sealing_twice_gives_different_files() -> None:
    assert seal(b"content", KEY.public) != seal(b"content", KEY.public)
