"""Facts to write: any fact from the few fields a test cares about."""

from typing import Any, TypeVar, get_origin

import msgspec

from trunkline.facts.record import (
    Attempt,
    AttemptStarted,
    Call,
    Decision,
    DialogClosed,
    DialogOpened,
    Fact,
    Ladder,
    LadderRow,
)

F = TypeVar("F")

EMPTY = {str: "", int: 0, float: 0.0, bool: False}

NOON_US = 1_772_366_400_000_000
"2026-03-01 12:00:00 UTC."


def fact(kind: type[F], **given: Any) -> F:
    """A fact with `given` fields; the others are empty."""
    for field in msgspec.structs.fields(kind):
        if field.name not in given:
            origin = get_origin(field.type)
            given[field.name] = (
                EMPTY[field.type]
                if field.type in EMPTY
                else origin()
                if isinstance(origin, type) and origin in (dict, list, tuple)
                else None
            )
    return kind(**given)


def a_call(call: str, began_us: int = NOON_US) -> list[Fact]:
    """The facts of an answered call over one carrier, as they are written, about as large as in life."""
    invite = (
        "INVITE sip:+14155550123@198.51.100.7 SIP/2.0\r\n"
        "Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK74bf9f2ac1;rport\r\n"
        "From: <sip:+14155550100@192.0.2.1>;tag=8fa2c1\r\nTo: <sip:+14155550123@198.51.100.7>\r\n"
        f"Call-ID: {call}@192.0.2.1\r\nCSeq: 1 INVITE\r\n"
    )
    rows = [
        LadderRow(0.0, 0, False, "INVITE sip:+14155550123@192.0.2.1", "1 INVITE", ""),
        LadderRow(0.1, 0, True, "100 Trying", "1 INVITE", ""),
        LadderRow(0.4, 1, True, "INVITE sip:+14155550123@198.51.100.7", "1 INVITE", ""),
        LadderRow(31.0, 1, False, "100 Trying", "1 INVITE", ""),
        LadderRow(812.4, 1, False, "180 Ringing", "1 INVITE", ""),
        LadderRow(812.6, 0, True, "180 Ringing", "1 INVITE", ""),
        LadderRow(4020.2, 1, False, "200 OK", "1 INVITE", ""),
        LadderRow(4020.4, 1, True, "ACK sip:+14155550123@198.51.100.7", "1 ACK", ""),
        LadderRow(4020.5, 0, True, "200 OK", "1 INVITE", ""),
        LadderRow(4021.9, 0, False, "ACK sip:192.0.2.1", "1 ACK", ""),
        LadderRow(37240.0, 0, False, "BYE sip:192.0.2.1", "2 BYE", "Q.850;cause=16"),
        LadderRow(37240.2, 1, True, "BYE sip:+14155550123@198.51.100.7", "2 BYE", "Q.850;cause=16"),
        LadderRow(37240.3, 0, True, "200 OK", "2 BYE", ""),
        LadderRow(37271.5, 1, False, "200 OK", "2 BYE", ""),
    ]
    way = {"transport": "udp", "remote": "198.51.100.7:5060"}
    place = {
        "tenant": "acme",
        "trunk": "dialer-1",
        "destination": "us-mobile",
        "carrier": "north",
        "gateway": "north-1",
    }
    return [
        fact(
            Decision,
            call=call,
            at=began_us,
            policy="v3",
            destination="us-mobile",
            strategy="priority",
            candidates=("north-1", "south-1"),
            excluded={"west-1": "health.down"},
            propensity=(1.0, 0.0),
        ),
        fact(
            AttemptStarted,
            call=call,
            position=1,
            at=began_us + 400,
            carrier="north",
            gateway="north-1",
            door="carriers",
            invite=invite,
            **way,
        ),
        opened(call, 1, began_us + 4_020_200),
        opened(call, 0, began_us + 4_020_500),
        fact(DialogClosed, call=call, leg=0, at=began_us + 37_240_300),
        fact(DialogClosed, call=call, leg=1, at=began_us + 37_271_500),
        fact(
            Attempt,
            call=call,
            position=1,
            at=began_us + 400,
            called="+14155550123",
            caller="+14155550100",
            carrier_call_id=f"{call}@192.0.2.1",
            status=200,
            phrase="OK",
            outcome="answered",
            evidence="sip 200",
            next="answered",
            released_by="dialer",
            alerting_ms=812.0,
            answer_ms=4019.8,
            talk_ms=33219.8,
            total_ms=37271.1,
            early_media="180",
            codec="PCMU/8000",
            server="Softswitch 7",
            **place,
            **way,
        ),
        fact(
            Call,
            call=call,
            at=began_us,
            node="node-1",
            policy="v3",
            direction="outbound",
            source="203.0.113.9:5060",
            transport="udp",
            dialer_call_id=f"{call}@203.0.113.9",
            called_raw="14155550123",
            called="+14155550123",
            caller_raw="+14155550100",
            caller="+14155550100",
            strategy="priority",
            metadata={"campaign": "spring"},
            state="disconnected",
            status=200,
            cause=16,
            result="answered",
            released_by="dialer",
            attempts=1,
            alerting_ms=812.6,
            answer_ms=4020.5,
            talk_ms=33219.5,
            total_ms=37271.5,
            **place,
        ),
        Ladder(call, began_us, ("dialer-1", "north-1"), rows),
    ]


def opened(call: str, leg: int, at: int = NOON_US) -> DialogOpened:
    """A confirmed dialog of `call`."""
    return fact(
        DialogOpened,
        call=call,
        leg=leg,
        at=at,
        door="carriers",
        transport="udp",
        remote="198.51.100.7:5060",
        call_id=f"{call}@192.0.2.1",
        local="<sip:+14155550100@192.0.2.1>;tag=8fa2c1",
        peer="<sip:+14155550123@198.51.100.7>;tag=99",
        target="sip:+14155550123@198.51.100.7",
        cseq=100,
    )


def closed(call: str, leg: int) -> DialogClosed:
    """The end of that dialog."""
    return DialogClosed(call, leg, NOON_US)
