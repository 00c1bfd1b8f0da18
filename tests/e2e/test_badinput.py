"""What bad input gets from the server: every row of the tables that concerns it, and the byte vectors."""
import socket
import struct

import dns.message
import pytest

import harness
from harness import (DSOTYPENI, FORMERR, KEEPALIVE, NOERROR, PADDING, PUSH, RECONFIRM, RETRY_DELAY, SUBSCRIBE, UNSUBSCRIBE,
                     WAIT, dso, frame, keepalive, question, short, subscribe, tlv, unsubscribe)

TIMERS = struct.pack("!II", 15000, 3600000)
KEEPALIVE_TLV = tlv(KEEPALIVE, TIMERS)
DELAY_TLV = tlv(RETRY_DELAY, struct.pack("!I", 1000))
QUESTION = question("www.example.com", "A")
RECORD = QUESTION + bytes((192, 0, 2, 80))
FLAGS_RESPONSE = 0xB000


@pytest.fixture
def session(shared):
    with shared.established() as s:
        yield s


def counts_of(n):
    return tuple(1 if i == n else 0 for i in range(4))


# ---- what is no fault ----


@pytest.mark.parametrize("flags", [0x37F0, 0x3005, 0x300F, 0x37FF])
def test_flags_that_mean_nothing(session, flags):
    """DSO-003, DSO-007: Z bits and the RCODE of a request are ignored, and not copied."""
    session.send(keepalive(9, flags=flags))
    message = session.recv()
    assert (message.id, message.flags) == (9, FLAGS_RESPONSE) and message.tlvs == [(KEEPALIVE, TIMERS)]


@pytest.mark.parametrize("extra", [tlv(0xF8FF, b"x"), tlv(0x0004), tlv(0, bytes(40)), tlv(0xFFFF) * 100])
def test_unknown_additional_tlvs(session, extra):
    """DSO-010: skipped, and the rest handled as ever."""
    session.send(keepalive(9, extra=extra))
    session.expect(9, NOERROR, [(KEEPALIVE, TIMERS)])


@pytest.mark.parametrize("padding", [b"", b"\0", b"any content", bytes(range(256)) * 60])
def test_padding_of_any_kind(session, padding):
    """DSO-077, DSO-076, DSO-012: accepted, and answered by padding behind the Keepalive TLV."""
    session.send(keepalive(9, extra=tlv(PADDING, padding) + tlv(PADDING)))
    message = session.recv()
    assert message.flags == FLAGS_RESPONSE and [kind for kind, _ in message.tlvs] == [KEEPALIVE, PADDING]
    assert not any(message.tlvs[1][1]) and len(message.raw) % 468 == 0


def test_ten_thousand_empty_tlvs(session):
    session.send(keepalive(9, extra=10000 * tlv(0xF8FF)))
    session.expect(9, NOERROR, [(KEEPALIVE, TIMERS)])


def test_message_of_the_greatest_length(session):
    session.send(keepalive(9, extra=tlv(0xF8FF, bytes(65535 - 12 - 12 - 4))))
    session.expect(9, NOERROR, [(KEEPALIVE, TIMERS)])


def test_any_wishes_for_timers(session):
    """DSO-026, DSO-046, DSO-055: any well-formed Keepalive is granted something, never K below 10 s."""
    for wish in ((0, 0), (1, 1), (0xFFFFFFFF, 0xFFFFFFFF), (0, 9999)):
        inactivity, interval = session.keepalive(*wish)
        assert inactivity == 15000 and 10000 <= interval <= 3600000


# ---- requests that are answered ----


@pytest.mark.parametrize("n", range(4))
def test_counts_in_a_request(session, n):
    """DSO-002: FORMERR, 12 bytes, alive."""
    session.send(dso(9, KEEPALIVE_TLV, counts=counts_of(n)))
    session.expect_error(9, FORMERR)
    session.expect_alive()


@pytest.mark.parametrize("kind", [0, 4, 0x3F, 0x44, 0xF7FF, 0xF8FF, 0xFFFF])
def test_unknown_primary_in_a_request(session, kind):
    """DSO-009, DSO-033: DSOTYPENI without a copy of the TLV."""
    session.send(dso(9, tlv(kind, b"data")))
    session.expect_error(9, DSOTYPENI)
    session.send(dso(10, tlv(kind) + tlv(PADDING)))
    message = session.recv()
    assert message.flags == FLAGS_RESPONSE | DSOTYPENI and [kind for kind, _ in message.tlvs] == [PADDING]
    session.expect_alive()


def test_request_without_a_tlv(session):
    """DSO-104, DSO-008"""
    session.send(dso(9))
    session.expect_error(9, FORMERR)
    session.expect_alive()


CUT_TLVS = {
    "1 byte": b"\0",
    "2 bytes": b"\0\1",
    "3 bytes": b"\0\1\0",
    "length past the end": b"\0\1\0\x08" + bytes(7),
    "greatest length": b"\0\1\xff\xff" + bytes(8),
}


@pytest.mark.parametrize("cut", CUT_TLVS.values(), ids=CUT_TLVS.keys())
def test_cut_tlv_in_a_request(session, cut):
    """DSO-105: FORMERR, nothing executed, alive: as the first TLV, and behind a whole one."""
    session.send(dso(9, cut))
    session.expect_error(9, FORMERR)
    session.send(dso(10, KEEPALIVE_TLV + cut))
    session.expect_error(10, FORMERR)
    session.send(dso(11, tlv(SUBSCRIBE, QUESTION) + cut))
    session.expect_error(11, FORMERR)
    session.send(dso(12, tlv(SUBSCRIBE, QUESTION)))  # neither the ID nor the question is in use
    session.expect(12, NOERROR)
    assert len(session.push()) == 1
    session.expect_alive()


@pytest.mark.parametrize("length", [0, 4, 7, 9, 16])
def test_keepalive_of_wrong_length(session, length):
    """DSO-111"""
    session.send(dso(9, tlv(KEEPALIVE, bytes(length))))
    session.expect_error(9, FORMERR)
    session.expect_alive()


def test_padding_first(session):
    """DSO-115, DSO-078"""
    session.send(dso(9, tlv(PADDING, bytes(8))), dso(10, tlv(PADDING) + KEEPALIVE_TLV))
    for ident in (9, 10):
        message = session.recv()
        assert message.id == ident and message.flags == FLAGS_RESPONSE | FORMERR
        assert all(kind == PADDING for kind, _ in message.tlvs)
    session.expect_alive()


MISPLACED = {
    "Keepalive twice": KEEPALIVE_TLV + KEEPALIVE_TLV,
    "Retry Delay behind Keepalive": KEEPALIVE_TLV + DELAY_TLV,
    "SUBSCRIBE behind Keepalive": KEEPALIVE_TLV + tlv(SUBSCRIBE, QUESTION),
    "Keepalive behind SUBSCRIBE": tlv(SUBSCRIBE, QUESTION) + KEEPALIVE_TLV,
    "two SUBSCRIBE": 2 * tlv(SUBSCRIBE, QUESTION),
    "UNSUBSCRIBE behind SUBSCRIBE": tlv(SUBSCRIBE, QUESTION) + tlv(UNSUBSCRIBE, b"\0\1"),
    "PUSH behind SUBSCRIBE": tlv(SUBSCRIBE, QUESTION) + tlv(PUSH),
}


@pytest.mark.parametrize("body", MISPLACED.values(), ids=MISPLACED.keys())
def test_known_tlv_in_a_forbidden_place(session, body):
    """DSO-116: FORMERR in a request, nothing executed."""
    session.send(dso(9, body))
    session.expect_error(9, FORMERR)
    session.subscribe("www.example.com", "A")
    assert len(session.push()) == 1
    session.expect_alive()


NAME = b"\3www\7example\3com\0"
BAD_QUESTIONS = {
    "empty": b"",
    "name alone": NAME,
    "no class": NAME + b"\0\1",
    "half a class": NAME + b"\0\1\0",
    "name runs out": NAME[:-4],
    "trailing byte": QUESTION + b"\0",
    "trailing record": RECORD,
    "reserved label 01": b"\x41a\0\0\1\0\1",
    "reserved label 10": b"\x81a\0\0\1\0\1",
    "pointer": b"\xc0\x10\0\1\0\1",
    "pointer behind a label": b"\3www\xc0\x0c\0\1\0\1",
    "256 bytes of name": b"\x3f" + b"a" * 63 + b"\x3f" + b"b" * 63 + b"\x3f" + b"c" * 63 + b"\x3e" + b"d" * 62 +
                         b"\0" + b"\0\1\0\1",
    "type 0": NAME + b"\0\0\0\1",
    "type OPT": NAME + b"\0\x29\0\1",
    "type TKEY": NAME + b"\0\xf9\0\1",
    "type TSIG": NAME + b"\0\xfa\0\1",
    "type IXFR": NAME + b"\0\xfb\0\1",
    "type AXFR": NAME + b"\0\xfc\0\1",
    "type MAILB": NAME + b"\0\xfd\0\1",
    "type MAILA": NAME + b"\0\xfe\0\1",
}


@pytest.mark.parametrize("data", BAD_QUESTIONS.values(), ids=BAD_QUESTIONS.keys())
def test_bad_subscribe(session, data):
    """PUSH-204, PUSH-055: FORMERR with 5 min, alive."""
    session.send(dso(9, tlv(SUBSCRIBE, data)))
    session.expect_error(9, FORMERR, 300)
    session.expect_alive()


def test_too_many_malformed_requests(session):
    """dso.md A1, DSO-066, DSO-062: the eighth is answered, then comes a Retry Delay of FORMERR and 5 min."""
    for ident in range(10, 18):
        session.send(dso(ident))
        session.expect_error(ident, FORMERR)
    message = session.recv()
    assert (message.id, message.flags) == (0, 0x3001)
    assert message.tlvs == [(RETRY_DELAY, struct.pack("!I", 300000))]
    session.send(keepalive(100))
    session.expect_reset()  # DSO-063: 5 s after, and nothing before


# ---- what ends the session ----


@pytest.mark.parametrize("length", range(12))
def test_short_message(session, length):
    """DSO-100"""
    session.send_bytes(struct.pack("!H", length) + bytes(length))
    session.expect_reset()


@pytest.mark.parametrize("n", range(4))
def test_counts_where_no_answer_may_be(shared, n):
    """DSO-101: unidirectional, and a response."""
    for message in (dso(0, tlv(UNSUBSCRIBE, b"\0\1"), counts=counts_of(n)),
                    dso(9, KEEPALIVE_TLV, FLAGS_RESPONSE, counts=counts_of(n))):
        with shared.established() as session:
            session.send(message)
            session.expect_reset()


RESETS = {
    "DSO-102 response with ID 0": dso(0, KEEPALIVE_TLV, FLAGS_RESPONSE),
    "DSO-102 empty response with ID 0": dso(0, b"", FLAGS_RESPONSE),
    "DSO-103 response to nothing": dso(9, KEEPALIVE_TLV, FLAGS_RESPONSE),
    "DSO-103 empty response to nothing": dso(9, b"", FLAGS_RESPONSE),
    "DSO-103 error to nothing": dso(9, b"", FLAGS_RESPONSE | DSOTYPENI),
    "DSO-104 unidirectional without a TLV": dso(0),
    "DSO-105 cut TLV header": dso(0, b"\0\x42\0"),
    "DSO-105 TLV past the end": dso(0, b"\0\x42\0\3\0\1"),
    "DSO-105 second TLV cut": dso(0, tlv(UNSUBSCRIBE, b"\0\1") + b"\0"),
    "DSO-105 in a response": dso(9, b"\0\1\0", FLAGS_RESPONSE),
    "DSO-106 unknown unidirectional": dso(0, tlv(0xF8FF, b"data")),
    "DSO-106 type 0": dso(0, tlv(0)),
    "DSO-107 Keepalive with ID 0": dso(0, KEEPALIVE_TLV),
    "DSO-109 Retry Delay": dso(0, DELAY_TLV),
    "DSO-109 Retry Delay with an ID": dso(9, DELAY_TLV),
    "DSO-109 Retry Delay with an RCODE": dso(0, DELAY_TLV, 0x3002),
    "DSO-110 PUSH-202 PUSH with an ID": dso(9, tlv(PUSH, QUESTION + b"\xff\xff\xff\xfe\0\0")),
    "DSO-110 PUSH-202 UNSUBSCRIBE with an ID": dso(9, tlv(UNSUBSCRIBE, b"\0\1")),
    "DSO-110 PUSH-202 RECONFIRM with an ID": dso(9, tlv(RECONFIRM, RECORD)),
    "DSO-110 PUSH-202 SUBSCRIBE with ID 0": dso(0, tlv(SUBSCRIBE, QUESTION)),
    "DSO-115 Padding with ID 0": dso(0, tlv(PADDING, bytes(8))),
    "DSO-116 Keepalive behind UNSUBSCRIBE": dso(0, tlv(UNSUBSCRIBE, b"\0\1") + KEEPALIVE_TLV),
    "DSO-116 Retry Delay behind RECONFIRM": dso(0, tlv(RECONFIRM, RECORD) + DELAY_TLV),
    "DSO-116 UNSUBSCRIBE twice": dso(0, 2 * tlv(UNSUBSCRIBE, b"\0\1")),
    "DSO-118 PUSH-201 PUSH": dso(0, tlv(PUSH, QUESTION + b"\0\0\0\x78\0\4" + bytes(4))),
    "PUSH-201 empty PUSH": dso(0, tlv(PUSH)),
    "PUSH-203 SUBSCRIBE as a response": dso(9, tlv(SUBSCRIBE, QUESTION), FLAGS_RESPONSE),
    "PUSH-203 PUSH as a response": dso(0, tlv(PUSH, QUESTION + b"\0\0\0\x78\0\4" + bytes(4)), FLAGS_RESPONSE),
    "PUSH-203 UNSUBSCRIBE as a response": dso(9, tlv(UNSUBSCRIBE, b"\0\1"), FLAGS_RESPONSE),
    "PUSH-203 RECONFIRM as a response": dso(9, tlv(RECONFIRM, RECORD), FLAGS_RESPONSE),
    "PUSH-213 UNSUBSCRIBE of 0 bytes": dso(0, tlv(UNSUBSCRIBE)),
    "PUSH-213 UNSUBSCRIBE of 1 byte": dso(0, tlv(UNSUBSCRIBE, b"\1")),
    "PUSH-213 UNSUBSCRIBE of 3 bytes": dso(0, tlv(UNSUBSCRIBE, b"\0\0\1")),
    "PUSH-215 RECONFIRM empty": dso(0, tlv(RECONFIRM)),
    "PUSH-215 RECONFIRM cut in the name": dso(0, tlv(RECONFIRM, NAME[:5])),
    "PUSH-215 RECONFIRM without a class": dso(0, tlv(RECONFIRM, NAME + b"\0\1")),
    "PUSH-215 RECONFIRM of type ANY": dso(0, tlv(RECONFIRM, NAME + b"\0\xff\0\1")),
    "PUSH-215 RECONFIRM of class ANY": dso(0, tlv(RECONFIRM, NAME + b"\0\1\0\xff" + bytes(4))),
    "PUSH-215 RECONFIRM of a short A": dso(0, tlv(RECONFIRM, QUESTION + bytes(3))),
}


@pytest.mark.parametrize("message", RESETS.values(), ids=RESETS.keys())
def test_reset(session, message):
    """DSO-102, DSO-103, DSO-104, DSO-105, DSO-106, DSO-107, DSO-109, DSO-110, DSO-115, DSO-116, DSO-118, DSO-013,
    DSO-080, PUSH-201, PUSH-202, PUSH-203, PUSH-213, PUSH-215: RST, without close_notify and without a byte."""
    session.send(message)
    session.expect_reset()


def test_id_in_use(shared):
    """DSO-117: the ID of an active subscription, in any request."""
    for message in (subscribe(5, "printer.example.com", "A"), keepalive(5), dso(5), dso(5, tlv(0xF8FF))):
        with shared.established() as session:
            session.send(subscribe(5, "www.example.com", "A"))
            session.expect(5, NOERROR)
            session.push()
            session.send(message)
            session.expect_reset()


@pytest.mark.parametrize("name", ["www.example.com", "WWW.Example.COM"])
def test_duplicate(session, name):
    """PUSH-043, PUSH-205"""
    session.subscribe("www.example.com", "A")
    session.push()
    session.send(subscribe(99, name, "A"))
    session.expect_reset()


def test_unidirectional_before_any_request(shared):
    """DSO-119: RST; after a request that failed an UNSUBSCRIBE is ignored (dso.md A7)."""
    for message in (unsubscribe(1), dso(0, tlv(RECONFIRM, RECORD))):
        with shared.session() as session:
            session.send(message)
            session.expect_reset()
    with shared.session() as session:
        session.refused("www.example.org", "A", harness.NOTAUTH, 300)
        session.send(unsubscribe(1))
        session.expect_alive()


def test_unsubscribe_of_what_is_not(session):
    """PUSH-214, PUSH-102: unknown IDs, and 0, are ignored; what is subscribed stays."""
    ident = session.subscribe("www.example.com", "A")
    session.push()
    session.send(unsubscribe(0), unsubscribe(ident + 1), unsubscribe(65535))
    session.expect_alive()
    session.send(keepalive(ident))
    session.expect_reset()  # the ID is still in use


def test_reconfirm(shared, session):
    """PUSH-216, PUSH-112, PUSH-113, PUSH-115: no answer and no effect, held or not, ours or not, compressed or plain."""
    session.subscribe("www.example.com", "A")
    session.push()
    records = [RECORD, QUESTION + bytes(4), question("none.example.com", "A") + bytes(4),
               question("www.example.org", "A") + bytes(4),
               question("_ipp._tcp.example.com", "PTR") + b"\x06Office\xc0\x10"]
    for record in records:
        session.send(dso(0, tlv(RECONFIRM, record)), dso(0, tlv(RECONFIRM, record) + tlv(PADDING, bytes(8))))
    session.expect_alive()
    assert shared.records("www.example.com", "A") == ["192.0.2.80"]


# ---- below DSO ----


@pytest.mark.parametrize("data", [b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", bytes(100), b"\x16\x03\x01\xff\xff" + bytes(50),
                                  bytes(range(256))], ids=["http", "zeros", "record header", "all bytes"])
def test_what_is_no_tls(shared, data):
    """PUSH-001: an alert at most, then the end."""
    with socket.create_connection(("127.0.0.1", shared.tls_port), WAIT) as s:
        s.sendall(data)
        received = b""
        try:
            s.shutdown(socket.SHUT_WR)
            while chunk := s.recv(4096):
                received += chunk
        except OSError:  # reset, maybe before our FIN
            pass
        assert received[:1] in (b"", b"\x15") and len(received) < 64
    with shared.established():
        pass


def test_cut_message_is_never_executed(shared):
    """A message whose last byte did not come before the end of the stream did not come."""
    whole = frame(subscribe(2, "www.example.com", "A"))
    with shared.established() as session:
        session.send_bytes(whole[:-1])
        session.socket.shutdown(socket.SHUT_WR)
        with pytest.raises((harness.Ended, harness.Reset)):
            session.recv_raw()


def test_ordinary_messages_in_a_session(session):
    """DSO-060, DSO-020: EDNS and bad queries are answered and harm nothing."""
    assert session.query("www.example.com", "A", use_edns=0, want_dnssec=True).answer
    session.send(struct.pack("!HHHHHH", 3, 0, 1, 0, 0, 0))
    assert session.recv_raw()[:4] == b"\0\3\x80\1"
    session.send(struct.pack("!HHHHHH", 0, 0, 1, 0, 0, 0) + QUESTION)  # ID 0 is a good one for a query
    answer = dns.message.from_wire(session.recv_raw())
    assert answer.id == 0 and answer.answer
    session.send(struct.pack("!HHHHHH", 4, 0x8400, 1, 0, 0, 0) + QUESTION)  # a response to no query: dropped
    session.expect_alive()


# ---- the vectors ----


def vectors():
    """{name: (what is said of it, bytes)}"""
    found, name, text = {}, None, None
    for line in (harness.DATA / "dso-push.txt").read_text().splitlines():
        if line.startswith("# "):
            name, text = line[2:].split(":", 1)
        elif line:
            found[name] = (text, bytes.fromhex(line))
    return found


VECTORS = vectors()


def vector(name):
    return VECTORS[name][1]


def test_vector_keepalive(shared):
    with shared.session() as session:
        session.send(vector("keepalive-request"))
        assert session.recv_raw() == vector("keepalive-response")
        session.send(vector("keepalive-request") + bytes.fromhex("0003000400000000"))
        message = session.recv()
        assert [kind for kind, _ in message.tlvs] == [KEEPALIVE, PADDING]


def test_vector_subscribe(session):
    session.send(vector("subscribe"))
    assert session.recv_raw() == vector("subscribe-response")
    assert short(session.push()) == [("_ipp._tcp.example.com.", "PTR", 120, "Office._ipp._tcp.example.com.")]
    session.send(vector("unsubscribe"))
    session.expect_alive()
    session.send(vector("unsubscribe"))
    session.expect_alive()
    session.send(vector("subscribe"))
    assert session.recv_raw() == vector("subscribe-response")
    session.push()
    session.send(b"\0\7" + vector("subscribe")[2:].replace(b"_ipp", b"_IPP"))
    session.expect_reset()


def test_vector_reconfirm(session):
    session.send(vector("reconfirm-padded"))
    session.expect_alive()


@pytest.mark.parametrize("name", ["nonzero-qdcount", "unknown-primary-request", "truncated-tlv"])
def test_vector_answered(session, name):
    answers = {"nonzero-qdcount": "0004b0010000000000000000", "unknown-primary-request": "0005b00b0000000000000000",
               "truncated-tlv": "0006b0010000000000000000"}
    session.send(vector(name))
    assert session.recv_raw().hex() == answers[name]
    session.expect_alive()


def test_vector_with_id_0(session):
    session.send(b"\0\0" + vector("nonzero-qdcount")[2:])
    session.expect_reset()


@pytest.mark.parametrize("name", ["unknown-unidirectional", "retry-delay", "keepalive-response", "subscribe-response",
                                  "subscribe-response-notauth"] + [name for name in VECTORS if name.startswith("push-")])
def test_vector_reset(session, name):
    """What only a server may send, or nobody."""
    session.send(vector(name))
    session.expect_reset()


if __name__ == "__main__":
    harness.main(__file__)
