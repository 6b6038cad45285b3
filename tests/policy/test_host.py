import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.policy.host import join_host, split_host


@pytest.mark.parametrize(
    "text",
    [
        "",
        ":5060",
        "a b",
        "-a.example",
        "a..b",
        "a.example:",
        "a.example:0",
        "a.example:65536",
        "a.example:sip",
        "a.example:٥",
        "192.0.2.256",
        "10.0.0",
        "[192.0.2.1]",
        "[2001:db8::1",
        "[2001:db8::1]x",
        "2001:db8::x",
        "fe80::1%eth0",
        "sip:a.example",
        "a" * 64 + ".example",
    ],
)
def test_what_is_no_host_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"not|no "):
        split_host(text)


@given(
    st.from_regex(r"[a-z]{1,8}(\.[a-z]{1,8}){0,3}", fullmatch=True) | st.ip_addresses().map(str), st.integers(0, 65_535)
)
def test_host_and_port_round_trip(host: str, port: int) -> None:
    assert split_host(join_host(host, port)) == (host, port)
