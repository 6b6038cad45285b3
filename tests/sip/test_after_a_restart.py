"""INVITEs of an earlier life: cancelled by the node that starts again, and properly ended whatever the carrier says."""

from random import Random

from trunkline.sip.build import Head
from trunkline.sip.endpoint import Endpoint
from trunkline.sip.events import Stray
from trunkline.sip.flow import Door, Flow

CARRIER = Flow(Door("carriers", "udp", "127.0.0.1", 5080), ("127.0.0.1", 5070))
VIA = "SIP/2.0/UDP 127.0.0.1:5080;branch=z9hG4bKbefore;rport"


def restarted() -> Endpoint:
    endpoint = Endpoint(Random(1))
    head = Head("sip:1@127.0.0.1:5070", VIA, "<sip:2@127.0.0.1>;tag=f", "<sip:1@127.0.0.1>", "c1", 1, "")
    endpoint.send_cancel(head, "z9hG4bKbefore", CARRIER, 1.0)
    ((_, cancel),) = endpoint.datagrams_to_send()
    assert cancel.startswith(b"CANCEL sip:1@127.0.0.1:5070 SIP/2.0\r\nVia: " + VIA.encode())
    return endpoint


def response(status: str, method: str = "INVITE") -> bytes:
    return (
        f"SIP/2.0 {status}\r\nVia: {VIA}\r\nFrom: <sip:2@127.0.0.1>;tag=f\r\nTo: <sip:1@127.0.0.1>;tag=t\r\nCall-ID: c1\r\n"
        f"CSeq: 1 {method}\r\nContact: <sip:1@127.0.0.1:5070>\r\nContent-Length: 0\r\n\r\n"
    ).encode()


def test_the_487_to_such_a_cancel_is_acknowledged_each_time_it_comes() -> None:
    endpoint = restarted()
    for now in (1.1, 1.6):
        endpoint.receive(response("487 Request Terminated"), CARRIER, now)
        ((flow, ack),) = endpoint.datagrams_to_send()
        assert flow == CARRIER
        assert ack.startswith(b"ACK sip:1@127.0.0.1:5070 SIP/2.0\r\nVia: " + VIA.encode())
        assert b"To: <sip:1@127.0.0.1>;tag=t\r\n" in ack
        assert b"CSeq: 1 ACK\r\n" in ack


def test_a_late_200_is_reported_so_that_it_can_be_hung_up() -> None:
    endpoint = restarted()
    endpoint.receive(response("200 OK"), CARRIER, 1.1)
    assert isinstance(endpoint.next_event(), Stray)


def test_a_refusal_to_an_invite_that_was_never_ours_is_dropped() -> None:
    endpoint = restarted()
    endpoint.receive(response("487 Request Terminated").replace(b"before", b"stranger"), CARRIER, 1.1)
    assert endpoint.datagrams_to_send() == []
    assert endpoint.discarded == 1


