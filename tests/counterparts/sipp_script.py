"""SIPp scenarios with audio, put together from steps.

A script is a list of steps; `write` makes the XML. `speaking` scripts describe the port of SIPp's `rtp_stream`, the others that of
`-mp`, where `-rtp_echo` answers and packet captures are played from.
"""

from pathlib import Path
from typing import Literal

ALLOW = "INVITE, ACK, CANCEL, BYE, INFO, REFER, NOTIFY, UPDATE, OPTIONS"
AudioPort = Literal["media_port", "rtpstream_audio_port"]
ECHO: AudioPort = "media_port"
STREAM: AudioPort = "rtpstream_audio_port"


def sdp(port: AudioPort, direction: str = "sendrecv", version: int = 1, payloads: str = "0 101") -> str:
    events = "a=rtpmap:101 telephone-event/8000\na=fmtp:101 0-15\n" if "101" in payloads else ""
    return (
        f"v=0\no=sipp 77 {version} IN IP4 [local_ip]\ns=-\nc=IN IP4 [media_ip]\nt=0 0\nm=audio [{port}] RTP/AVP {payloads}\n"
        f"a=rtpmap:0 PCMU/8000\n{events}a=ptime:20\na={direction}\n"
    )


def _message(start: str, headers: str, body: str = "", kind: str = "application/sdp", retransmitted: bool = False) -> str:
    content = f"Content-Type: {kind}\n" if body else ""
    lines = f"{start}\n{headers}Contact: <sip:sipp@[local_ip]:[local_port];transport=[transport]>\n{content}Content-Length: [len]\n\n{body}"
    repeats = ' retrans="500"' if retransmitted else ""
    return f"  <send{repeats}><![CDATA[\n{lines}\n  ]]></send>\n"


# The side that calls.


def ask(method: str, cseq: int, body: str = "", kind: str = "application/sdp", more: str = "") -> str:
    """A request of the caller's: the first INVITE creates the dialog, everything else belongs to it."""
    is_first = method in ("INVITE", "ACK") and cseq == 1
    uri = "sip:[service]@[remote_ip]:[remote_port]" if method == "INVITE" and is_first else "[next_url]"
    tag = "" if method == "INVITE" and is_first else "[peer_tag_param]"
    headers = (
        "Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]\n"
        "From: sipp <sip:5550100@[local_ip]:[local_port]>;tag=[pid]SIPp[call_number]\n"
        f"To: <sip:[service]@[remote_ip]:[remote_port]>{tag}\nCall-ID: [call_id]\nCSeq: {cseq} {method}\nMax-Forwards: 70\nAllow: {ALLOW}\n{more}"
    )
    return _message(f"{method} {uri} SIP/2.0", headers, body, kind, retransmitted=method != "ACK")


def hear(status: int) -> str:
    """Wait for a final answer."""
    passing = "".join(f'  <recv response="{code}" optional="true"/>\n' for code in (100, 180, 183))
    return f'{passing}  <recv response="{status}" rrs="true"/>\n'


def call(port: AudioPort, payloads: str = "0 101") -> str:
    """Call and be answered."""
    return ask("INVITE", 1, sdp(port, payloads=payloads)) + hear(200) + ask("ACK", 1)


def again(cseq: int, port: AudioPort, direction: str) -> str:
    """A re-INVITE that changes the direction."""
    return ask("INVITE", cseq, sdp(port, direction, cseq)) + hear(200) + ask("ACK", cseq)


def hang_up(cseq: int = 90) -> str:
    return ask("BYE", cseq) + '  <recv response="200"/>\n'


# The side that is called.


def reply(status: str, port: AudioPort | None = None, direction: str = "sendrecv", version: int = 1, retransmitted: bool = False, payloads: str = "0 101") -> str:
    """Answer the last request."""
    headers = (
        "[last_Via:]\n[last_From:]\n[last_To:]"
        + ("" if version > 1 or (port is None and status.startswith("200")) else ";tag=[pid]SIPpAnswer[call_number]")
        + f"\n[last_Call-ID:]\n[last_CSeq:]\nAllow: {ALLOW}\n"
    )
    return _message(f"SIP/2.0 {status}", headers, sdp(port, direction, version, payloads) if port else "", retransmitted=retransmitted)


def expect(method: str) -> str:
    return f'  <recv request="{method}"/>\n'


def answer(port: AudioPort, payloads: str = "0 101") -> str:
    return expect("INVITE") + reply("180 Ringing") + reply("200 OK", port, retransmitted=True, payloads=payloads) + expect("ACK")


def answer_again(port: AudioPort, direction: str, version: int) -> str:
    """Answer a re-INVITE."""
    return expect("INVITE") + reply("200 OK", port, direction, version, retransmitted=True) + expect("ACK")


def be_hung_up_on() -> str:
    return expect("BYE") + reply("200 OK")


# Both.


def speak(file: str = "voice.ul") -> str:
    """Send a file of bare G.711 mu-law once, 20 ms in a packet."""
    return f'  <nop><action><exec rtp_stream="{file},1,0"/></action></nop>\n'


def play(capture: str) -> str:
    """Send the packets of a pcap file."""
    return f'  <nop><action><exec play_pcap_audio="{capture}"/></action></nop>\n'


def pause(milliseconds: int) -> str:
    return f'  <pause milliseconds="{milliseconds}"/>\n'


def write(folder: Path, *steps: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "scenario.xml"
    file.write_text(f'<?xml version="1.0" encoding="ISO-8859-1" ?>\n<!DOCTYPE scenario SYSTEM "sipp.dtd">\n<scenario name="audio">\n{"".join(steps)}</scenario>\n')
    return file
