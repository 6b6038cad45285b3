import hmac
import struct

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given, settings
from hypothesis import strategies as st

from trunkline.media.rtcp import ReceiverReport, encode_rtcp
from trunkline.media.rtp import Packet
from trunkline.media.sdes import SUITES, Crypto, Suite, answer_crypto, offer_crypto
from trunkline.media.srtp import LONGEST, Cause, SrtpFailure, SrtpSession

MASTER_KEY = bytes.fromhex("E1F97A0D3E018BE0D64FA32C06DE4139")
MASTER_SALT = bytes.fromhex("0EC675AD498AFEEBB6960B3AABE6")
"RFC 3711 appendix B.3."
EVERY_SUITE = pytest.mark.parametrize("suite", SUITES.values(), ids=list(SUITES))


def pair(suite: Suite) -> tuple[SrtpSession, SrtpSession]:
    (here,) = offer_crypto([suite])
    there = answer_crypto(here)
    return SrtpSession(here, there), SrtpSession(there, here)


def speech(sequence: int, payload: bytes = b"\xd5" * 160) -> bytes:
    return Packet(8, sequence & 0xFFFF, 160 * sequence & 0xFFFF_FFFF, 0xCAFEBABE, payload).encode()


def keystream(key: bytes, counter: bytes, size: int) -> bytes:
    return Cipher(algorithms.AES(key), modes.CTR(counter)).encryptor().update(bytes(size))


def derive(key: bytes, salt: bytes, label: int, size: int) -> bytes:
    """Key derivation of RFC 3711 section 4.3 at rate 0."""
    start = int.from_bytes(salt.ljust(14, b"\0")) ^ label << 48
    return keystream(key, (start << 16).to_bytes(16), size)


def test_the_judges_key_derivation_meets_rfc_3711_appendix_b3() -> None:
    assert derive(MASTER_KEY, MASTER_SALT, 0, 16).hex().upper() == "C61E7A93744F39EE10734AFE3FF7A087"
    assert derive(MASTER_KEY, MASTER_SALT, 2, 14).hex().upper() == "30CBBC08863D8C85D49DB34A9AE1"
    assert derive(MASTER_KEY, MASTER_SALT, 1, 20).hex().upper() == "CEBE321F6FF7716B6FD4AB49AF256A156D38BAA4"


@pytest.mark.parametrize(("name", "tag_size"), [("AES_CM_128_HMAC_SHA1_80", 10), ("AES_CM_128_HMAC_SHA1_32", 4)])
def test_a_packet_is_what_rfc_3711_makes_of_it(name: str, tag_size: int) -> None:
    """Judge: AES-CTR and HMAC-SHA1 of the cryptography package, under session keys of appendix B.3."""
    crypto = Crypto(1, name, MASTER_KEY + MASTER_SALT)
    packet = speech(0x1234)
    ssrc, index = 0xCAFEBABE, 0x1234
    salt = int.from_bytes(derive(MASTER_KEY, MASTER_SALT, 2, 14))
    counter = (salt << 16 ^ ssrc << 64 ^ index << 16).to_bytes(16)
    stream = keystream(derive(MASTER_KEY, MASTER_SALT, 0, 16), counter, 160)
    sealed = packet[:12] + bytes(a ^ b for a, b in zip(packet[12:], stream, strict=True))
    tag = hmac.digest(derive(MASTER_KEY, MASTER_SALT, 1, 20), sealed + bytes(4), "sha1")[:tag_size]
    assert SrtpSession(crypto, crypto).protect(packet) == sealed + tag


@pytest.mark.parametrize(("name", "key_size"), [("AEAD_AES_128_GCM", 16), ("AEAD_AES_256_GCM", 32)])
def test_a_packet_is_what_rfc_7714_makes_of_it(name: str, key_size: int) -> None:
    """Judge: AES-GCM of the cryptography package."""
    key, salt = bytes(range(key_size)), MASTER_SALT[:12]
    packet = speech(0x1234)
    nonce = int.from_bytes(derive(key, salt, 2, 12)) ^ int.from_bytes(struct.pack("!HIIH", 0, 0xCAFEBABE, 0, 0x1234))
    sealed = AESGCM(derive(key, salt, 0, key_size)).encrypt(nonce.to_bytes(12), packet[12:], packet[:12])
    crypto = Crypto(1, name, key + salt)
    assert SrtpSession(crypto, crypto).protect(packet) == packet[:12] + sealed


def test_the_reference_packet_of_libsrtp() -> None:
    crypto = Crypto(1, "AES_CM_128_HMAC_SHA1_80", MASTER_KEY + MASTER_SALT)
    plain = bytes.fromhex("800f1234decafbadcafebabe") + b"\xab" * 16
    sealed = bytes.fromhex("800f1234decafbadcafebabe4e55dc4ce79978d88ca4d215949d2402b78d6acc99ea179b8dbb")
    assert SrtpSession(crypto, crypto).protect(plain) == sealed
    assert SrtpSession(crypto, crypto).unprotect(sealed) == plain


@EVERY_SUITE
def test_what_one_side_protects_the_other_reads(suite: Suite) -> None:
    here, there = pair(suite)
    # Past the wrap of the sequence number, where the roll-over counter steps up.
    for sequence in range(65_530, 65_545):
        sealed = here.protect(speech(sequence))
        assert isinstance(sealed, bytes)
        assert len(sealed) == len(speech(0)) + suite.tag_size
        assert speech(0)[12:] not in sealed
        assert there.unprotect(sealed) == speech(sequence)
    back = there.protect(speech(1))
    assert isinstance(back, bytes)
    assert here.unprotect(back) == speech(1)


@EVERY_SUITE
def test_control_packets_have_keys_of_their_own(suite: Suite) -> None:
    here, there = pair(suite)
    compound = encode_rtcp([ReceiverReport(7)])
    sealed = here.protect_rtcp(compound)
    assert isinstance(sealed, bytes)
    assert there.unprotect_rtcp(sealed) == compound
    assert there.unprotect_rtcp(sealed) == SrtpFailure(Cause.REPLAYED)
    forged = sealed[:-1] + bytes([sealed[-1] ^ 1])
    assert pair(suite)[1].unprotect_rtcp(forged) == SrtpFailure(Cause.FORGED)


@EVERY_SUITE
def test_a_repeat_is_told_apart_from_a_late_packet(suite: Suite) -> None:
    here, there = pair(suite)
    first, second = here.protect(speech(1)), here.protect(speech(2))
    assert isinstance(first, bytes)
    assert isinstance(second, bytes)
    assert there.unprotect(second) == speech(2)
    assert there.unprotect(first) == speech(1)
    assert there.unprotect(first) == SrtpFailure(Cause.REPLAYED)


@EVERY_SUITE
def test_any_byte_changed_is_a_forgery(suite: Suite) -> None:
    here, there = pair(suite)
    sealed = here.protect(speech(1, b"abcdefgh"))
    assert isinstance(sealed, bytes)
    for at in range(1, len(sealed)):
        forged = sealed[:at] + bytes([sealed[at] ^ 0x01]) + sealed[at + 1 :]
        assert there.unprotect(forged) == SrtpFailure(Cause.FORGED), at
    assert there.unprotect(sealed) == speech(1, b"abcdefgh"), "forgeries leave no trace"


def test_another_key_opens_nothing() -> None:
    suite = SUITES["AES_CM_128_HMAC_SHA1_80"]
    sealed = pair(suite)[0].protect(speech(1))
    assert isinstance(sealed, bytes)
    assert pair(suite)[1].unprotect(sealed) == SrtpFailure(Cause.FORGED)


def test_what_is_no_packet_or_too_long_is_refused() -> None:
    here, there = pair(SUITES["AES_CM_128_HMAC_SHA1_80"])
    assert here.protect(b"hello") == SrtpFailure(Cause.NOT_RTP)
    assert here.protect_rtcp(speech(1)) == SrtpFailure(Cause.NOT_RTP)
    assert there.unprotect(b"") == SrtpFailure(Cause.NOT_RTP)
    assert there.unprotect_rtcp(b"\x16\xfe\xff" + bytes(20)) == SrtpFailure(Cause.NOT_RTP)
    assert here.protect(speech(1, bytes(LONGEST - 11))) == SrtpFailure(Cause.TOO_LONG)
    assert isinstance(here.protect(speech(1, bytes(LONGEST - 12))), bytes)
    assert there.unprotect(bytes(1501)) == there.unprotect_rtcp(bytes(1501)) == SrtpFailure(Cause.TOO_LONG)


def test_the_two_directions_share_a_suite() -> None:
    one, other = offer_crypto()[:2]
    with pytest.raises(ValueError, match="both directions"):
        SrtpSession(one, other)


@EVERY_SUITE
@settings(max_examples=50)
@given(data=st.binary(max_size=200), first=st.integers(0, 255))
def test_any_datagram_is_refused_with_a_reason(suite: Suite, data: bytes, first: int) -> None:
    _, there = pair(suite)
    for one in (data, bytes([0x80 | first & 0x3F]) + data, bytes([0x80 | first & 0x3F, 200]) + data):
        assert isinstance(there.unprotect(one), SrtpFailure)
        assert isinstance(there.unprotect_rtcp(one), SrtpFailure)


@EVERY_SUITE
def test_what_is_sealed_to_be_sent_stands_until_the_next_packet(suite: Suite) -> None:
    here, there = pair(suite)
    first = here.seal(speech(1))
    assert isinstance(first, memoryview)
    wire = bytes(first)
    second = here.seal(speech(2))
    assert isinstance(second, memoryview)
    for sent, sequence in ((wire, 1), (bytes(second), 2)):
        opened = there.open(sent)
        assert isinstance(opened, memoryview)
        assert opened == speech(sequence)
