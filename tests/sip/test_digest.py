"""Digest authentication."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.sip import digest
from trunkline.sip.digest import DigestServer, Verdict, answer_challenge, digest_response
from trunkline.sip.fault import Fault
from trunkline.sip.headers import Challenge, Credentials, parse_challenge, parse_credentials

PASSWORDS = {"dialer-7": "open sesame", "Zoë": "ü"}
URI = "sip:+14155550123@trunk.example.com"


def server(lifetime_s: float = 60.0) -> DigestServer:
    counter = iter(range(1_000_000))
    return DigestServer(b"boot key", "trunk.example.com", lambda n: next(counter).to_bytes(n, "big"), lifetime_s)


def reply(challenges: tuple[str, ...], nc: int = 1, user: str = "dialer-7", password: str | None = None) -> str:
    value = answer_challenge(challenges, user, password or PASSWORDS[user], "INVITE", URI, b"v=0", "cn", nc)
    assert isinstance(value, str), value
    return value


def check(digest_server: DigestServer, value: str, now: float = 1000.0, uri: str = URI) -> str | Verdict:
    return digest_server.verify(value, "INVITE", uri, b"v=0", PASSWORDS.get, now)


@pytest.mark.parametrize(
    ("algorithm", "expected"),
    [
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ],
)
def test_rfc_7616_section_3_9_1(algorithm: str, expected: str) -> None:
    challenge = (
        f'Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm={algorithm},'
        ' nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"'
    )
    cnonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"
    value = answer_challenge([challenge], "Mufasa", "Circle of Life", "GET", "/dir/index.html", b"", cnonce, 1)
    assert isinstance(value, str)
    credentials = parse_credentials(value)
    assert isinstance(credentials, Credentials)
    assert credentials.response == expected
    assert credentials.opaque == "FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"


def test_rfc_7616_section_3_9_2_with_erratum_4897() -> None:
    credentials = Credentials(
        "J\u00e4s\u00f8n Doe",
        "api@example.org",
        "5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK",
        "/doe.json",
        "",
        "SHA-512-256",
        "auth",
        "NTg6RKcb9boFIAS3KrFK9BGeh+iDa/sm6jUMp2wds69v",
        1,
    )
    expected = "3798d4131c277846293534c3edc11bd8a5e4cdcbff78b05db9d95eeb1cec68a5"
    assert digest_response(credentials, "Secret, or not?", "GET") == expected


def test_rfc_2617_section_3_5() -> None:
    credentials = Credentials(
        "Mufasa",
        "testrealm@host.com",
        "dcd98b7102dd2f0e8b11d0f600bfb0c093",
        "/dir/index.html",
        "",
        "MD5",
        "auth",
        "0a4f113b",
        1,
    )
    assert digest_response(credentials, "Circle Of Life", "GET") == "6629fae49393a05397450978507c4ef1"


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def test_a_peer_of_rfc_2069_gets_a_response_without_qop() -> None:
    value = answer_challenge(['Digest realm="r", nonce="n"'], "u", "p", "REGISTER", "sip:r", b"", "cn", 1)
    assert value == str(Credentials("u", "r", "n", "sip:r", _md5(f"{_md5('u:r:p')}:n:{_md5('REGISTER:sip:r')}")))


def test_the_session_variant_binds_the_key_to_both_nonces() -> None:
    value = answer_challenge(
        ['Digest realm="r", nonce="n", algorithm=MD5-sess, qop="auth-int"'],
        "u",
        "p",
        "INVITE",
        "sip:r",
        b"v=0",
        "cn",
        2,
    )
    key = _md5(f"{_md5('u:r:p')}:n:cn")
    subject = _md5(f"INVITE:sip:r:{_md5('v=0')}")
    response = _md5(f"{key}:n:00000002:cn:auth-int:{subject}")
    assert value == str(Credentials("u", "r", "n", "sip:r", response, "MD5-sess", "auth-int", "cn", 2))


def test_the_strongest_challenge_we_can_answer_is_answered() -> None:
    value = answer_challenge(
        [
            'Basic realm="r"',
            "rubbish",
            'Digest realm="r", nonce="a", algorithm=MD5, qop="auth"',
            'Digest realm="r", nonce="b", algorithm=SHA3-512, qop="auth"',
            'Digest realm="r", nonce="c", algorithm=sha-256, qop="auth"',
            'Digest realm="r", nonce="d", algorithm=SHA-512-256, qop="novel"',
        ],
        "u", "p", "INVITE", "sip:r", b"", "cn", 1,
    )  # fmt: skip
    assert isinstance(value, str)
    assert 'nonce="c"' in value


@pytest.mark.parametrize("challenges", [[], ['Basic realm="r"'], ['Digest realm="r", nonce="n", algorithm=SHA3-512']])
def test_no_challenge_we_can_answer_is_a_fault(challenges: list[str]) -> None:
    assert isinstance(answer_challenge(challenges, "u", "p", "INVITE", "sip:r", b"", "cn", 1), Fault)


def test_an_algorithm_this_machine_lacks_is_not_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(digest, "ALGORITHMS", ("MD5",))
    challenges = server().challenge(0.0, ("SHA-256", "MD5"))
    assert "algorithm=MD5" in reply(challenges)


@pytest.mark.parametrize("algorithm", ["MD5", "SHA-256", "SHA-512-256", "MD5-sess", "SHA-256-sess"])
@pytest.mark.parametrize("user", PASSWORDS)
def test_our_client_convinces_our_server(algorithm: str, user: str) -> None:
    ours = server()
    base = algorithm.removesuffix("-sess")
    challenges = ours.challenge(1000.0, (base,))
    asked = tuple(text.replace(f"algorithm={base}", f"algorithm={algorithm}") for text in challenges)
    assert check(ours, reply(asked, user=user), 1060.0) == user


def test_one_challenge_per_algorithm_in_the_order_of_preference() -> None:
    parsed = [parse_challenge(text) for text in server().challenge(0.0, ("SHA-256", "MD5"), stale=True)]
    assert [(one.algorithm, one.stale, one.qop) for one in parsed if isinstance(one, Challenge)] == [
        ("SHA-256", True, ("auth",)),
        ("MD5", True, ("auth",)),
    ]


def test_a_nonce_lives_for_its_lifetime_and_no_longer() -> None:
    ours = server(lifetime_s=60.0)
    challenges = ours.challenge(1000.0)
    assert check(ours, reply(challenges, 1), 1060.001) is Verdict.STALE
    assert check(ours, reply(challenges, 2), 999.0) is Verdict.STALE
    assert check(ours, reply(challenges, 3), 1060.0) == "dialer-7"


def test_a_replay_is_stale_and_a_higher_count_is_not() -> None:
    ours = server()
    challenges = ours.challenge(1000.0)
    assert check(ours, reply(challenges, 5)) == "dialer-7"
    assert check(ours, reply(challenges, 5)) is Verdict.STALE
    assert check(ours, reply(challenges, 4)) is Verdict.STALE
    assert check(ours, reply(challenges, 6)) == "dialer-7"


def test_without_qop_a_nonce_serves_once() -> None:
    ours = server()
    challenges = tuple(text.replace(', qop="auth"', "") for text in ours.challenge(1000.0))
    assert check(ours, reply(challenges)) == "dialer-7"
    assert check(ours, reply(challenges)) is Verdict.STALE


def test_a_forgotten_nonce_is_stale_rather_than_good_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(digest, "NONCE_LIMIT", 2)
    ours = server()
    values = [reply(ours.challenge(1000.0 + second)) for second in range(4)]
    assert [check(ours, value, 1010.0) for value in values] == ["dialer-7"] * 4
    assert [check(ours, value, 1010.0) for value in values] == [Verdict.STALE] * 4
    assert check(ours, reply(ours.challenge(1001.0)), 1010.0) is Verdict.STALE
    assert check(ours, reply(ours.challenge(1002.0)), 1010.0) == "dialer-7"


def test_a_nonce_of_another_key_or_realm_or_algorithm_is_stale() -> None:
    ours = server()
    elsewhere = DigestServer(b"other key", ours.realm, lambda n: bytes(n))
    assert check(ours, reply(elsewhere.challenge(1000.0))) is Verdict.STALE
    weaker = tuple(text.replace("SHA-256", "MD5") for text in ours.challenge(1000.0, ("SHA-256",)))
    assert check(ours, reply(weaker)) is Verdict.STALE
    assert check(ours, reply(('Digest realm="trunk.example.com", nonce="made up", qop="auth"',))) is Verdict.STALE


def test_a_wrong_password_or_user_is_never_called_stale() -> None:
    ours = server()
    challenges = ours.challenge(0.0)
    assert check(ours, reply(challenges, password="guess")) is Verdict.WRONG
    assert check(ours, reply(challenges, user="dialer-7").replace("dialer-7", "nobody")) is Verdict.WRONG
    other_realm = tuple(text.replace("trunk.example.com", "elsewhere") for text in challenges)
    assert check(ours, reply(other_realm)) is Verdict.WRONG


def test_credentials_are_good_for_one_request_uri() -> None:
    ours = server()
    challenges = ours.challenge(1000.0)
    assert check(ours, reply(challenges), uri="sip:+19005550199@trunk.example.com") is Verdict.MALFORMED
    assert check(ours, reply(challenges), uri=URI.replace("example", "EXAMPLE")) == "dialer-7"


@pytest.mark.parametrize("value", ["", "Digest", "Basic dTpw", "Bearer token=x"])
def test_what_is_no_digest_is_malformed(value: str) -> None:
    assert check(server(), value) is Verdict.MALFORMED


def test_an_algorithm_we_never_offered_is_malformed() -> None:
    ours = server()
    value = reply(ours.challenge(1000.0)).replace("SHA-256", "SHA3-512")
    assert check(ours, value) is Verdict.MALFORMED


@given(st.text() | st.text('Digest realm="trunk.example.com", nonce=uriqopc0', max_size=80).map("Digest ".__add__))
def test_any_text_is_refused_without_an_exception(text: str) -> None:
    assert isinstance(check(server(), text), Verdict)
    answer_challenge([text], "u", "p", "INVITE", "sip:r", b"", "cn", 1)


@given(st.text(max_size=60), st.text(max_size=60))
def test_a_made_up_nonce_or_response_is_refused(nonce: str, response: str) -> None:
    made_up = Credentials("dialer-7", "trunk.example.com", nonce, URI, response, "MD5", "auth", "cn", 1)
    assert check(server(), str(made_up)) is not None
    assert check(server(), str(made_up)) != "dialer-7"
