"""Sessions of a server: timers, framing, limits, slow readers, reload and stop."""
import concurrent.futures
import select
import signal
import socket
import struct
import time

import dns.edns
import dns.message
import dns.query
import dns.rcode
import dns.update
import pytest

import harness
from harness import (KEEPALIVE, NOERROR, PADDING, RETRY_DELAY, SERVFAIL, WAIT, Ended, Reset, Silence, View, frame,
                     keepalive, parse_push, subscribe, tlv, unsubscribe)

LOG = {"level": "info"}


# ---- timers ----


def await_end(session, during=None, step=2.0):
    """How it ended and after how long; during() is called about every `step` seconds."""
    start = time.monotonic()
    while time.monotonic() - start < 2 * WAIT:
        try:
            session.recv(step if during else 2 * WAIT)
        except Silence:
            if during:
                try:
                    during(session)
                except Reset:
                    return "RST", time.monotonic() - start
        except Reset:
            return "RST", time.monotonic() - start
        except Ended as end:
            return str(end), time.monotonic() - start
    return "open", time.monotonic() - start


def send_keepalive(session):
    session.send(keepalive(session.take_id()))


def stays_open(session, seconds):
    start = time.monotonic()
    while time.monotonic() - start < seconds:
        try:
            session.recv(2.0)
        except Silence:
            session.keepalive()
    session.keepalive()
    return "open", time.monotonic() - start


def test_timers(make_server):
    """Each timer on a session of its own, all at once; none may fire early."""
    server = make_server(dso={"inactivity-timeout": "1s", "keepalive-interval": "10s"})
    sessions = []

    def session(make=server.established):
        sessions.append(make())
        return sessions[-1]

    waits = {}
    with concurrent.futures.ThreadPoolExecutor(16) as pool:

        def expect(what, least, end, wait, *arguments):
            waits[what] = least, end, pool.submit(wait, *arguments)

        expect("DSO-040 idle: max(5 s, 2 I)", 4.5, "RST", await_end, session())
        expect("DSO-037 Keepalives do not make it active", 4.5, "RST", await_end, session(), send_keepalive)
        s = session()
        s.subscribe("www.example.com", "A")
        s.push()
        expect("DSO-045 silent for 2 K with a subscription", 19.0, "RST", await_end, s)
        s = session()
        s.subscribe("none.example.com", "A")
        expect("DSO-038 PUSH-014 subscribed, Keepalives only", 21.0, "open", stays_open, s, 21.0)
        s = session()
        s.subscribe("none.example.com", "A")
        s.send(unsubscribe(s.next_id - 1))
        expect("DSO-040 idle from the end of the last operation", 4.5, "RST", await_end, s)
        expect("dso.md A18 connection without a session", 14.0, "close_notify", await_end, session(server.session))
        s = session(server.session)
        s.subscribe("none.example.com", "A")
        s.send(unsubscribe(1))
        expect("DSO-036 15 s both until a Keepalive exchange", 29.0, "RST", await_end, s)
        s = session()
        s.subscribe("none.example.com", "A")
        s.send_bytes(b"\0")
        expect("a message that does not go on", 4.5, "RST", await_end, s, None)
        ended = {what: (least, end, future.result()) for what, (least, end, future) in waits.items()}
    for what, (least, end, (how, after)) in ended.items():
        assert how == end and least <= after < least + WAIT, (what, how, after)
    for s in sessions:
        s.close()


def test_new_values_reach_live_sessions(server):
    """DSO-053, DSO-049: changed `dso:` values go out as a unidirectional Keepalive, and to new sessions."""
    with server.established() as session, server.session() as none:
        server.config["dso"] = {"inactivity-timeout": "20s", "keepalive-interval": "30s"}
        server.write_config()
        server.reload()
        message = session.recv()
        assert (message.id, message.flags, message.counts) == (0, 0x3000, (0, 0, 0, 0))
        assert message.tlvs == [(KEEPALIVE, struct.pack("!II", 20000, 30000))]
        assert session.keepalive() == (20000, 30000)
        assert none.keepalive() == (20000, 30000)  # DSO-023: nothing before its first request
        server.reload()
        session.expect_alive()  # nothing changed, nothing said


# ---- the end of the server ----


def test_goodbye(make_server):
    """DSO-061, DSO-062, DSO-063, DSO-066, DSO-071: a Retry Delay each, all different; then nothing; RST; the end."""
    server = make_server(server={"workers": 2, "log": LOG})
    sessions = [server.established() for _ in range(8)]
    plain = server.session()
    start = time.monotonic()
    server.process.signal(signal.SIGTERM)
    delays = set()
    for s in sessions:
        message = s.recv()
        assert (message.id, message.flags) == (0, 0x3000) and [kind for kind, _ in message.tlvs] == [RETRY_DELAY]
        delays.add(message.tlvs[0][1])
        s.send(dns.message.make_query("www.example.com", "A").to_wire())
    assert len(delays) > 4, "the delays differ"
    with pytest.raises(Ended):
        plain.recv()
    for s in sessions:
        s.expect_reset()
    assert server.finish() == 0
    assert time.monotonic() - start < WAIT


def test_goodbye_to_the_polite(server):
    """Once all clients have left, the server does not wait any longer."""
    with server.established() as session:
        server.process.signal(signal.SIGTERM)
        assert session.recv().tlvs[0][0] == RETRY_DELAY
        with pytest.raises(harness.ssl.SSLWantReadError):
            session.tls.unwrap()
        session._flush()
        session.socket.shutdown(socket.SHUT_WR)
    assert server.finish() == 0


# ---- framing ----


def test_however_it_is_cut(server):
    """Message borders and TLS records have nothing to do with each other, nor with segments."""
    with server.session() as session:
        one = frame(keepalive(1))
        for i in range(len(one)):  # a record for each byte
            session.send_bytes(one[i:i + 1])
        assert session.recv().id == 1
        for byte in session.record(frame(keepalive(2))):  # a segment for each byte
            session.send_raw(bytes([byte]))
        assert session.recv().id == 2
        session.send(*[keepalive(i) for i in range(10, 60)])  # many in a record
        assert [session.recv().id for _ in range(50)] == list(range(10, 60))
        stream = frame(*[keepalive(i) for i in range(100, 160)])
        for at in range(0, len(stream), 37):
            session.send_bytes(stream[at:at + 37])
        assert [session.recv().id for _ in range(60)] == list(range(100, 160))


def test_pipelining(server):
    """DSO-014, DSO-018: a thousand requests and queries in one go, each answered once, DSO in order."""
    with server.established() as session:
        query = dns.message.make_query("www.example.com", "A", id=77).to_wire()
        messages = []
        for i in range(1000):
            messages += [keepalive(100 + i), query]
        for at in range(0, len(messages), 50):
            session.send(*messages[at:at + 50])
        raws = [session.recv_raw() for _ in range(2000)]
        dso_ids = [struct.unpack("!H", raw[:2])[0] for raw in raws if (raw[2] >> 3) & 15 == 6]
        assert dso_ids == list(range(100, 1100))
        assert sum(raw[:2] == b"\0\x4d" for raw in raws) == 1000


# ---- EDNS and padding ----


def with_option_11():
    option = dns.edns.GenericOption(11, b"")
    return dns.message.make_query("www.example.com", "A", use_edns=0, options=[option]).to_wire()


def test_edns_keepalive_in_a_session(server):
    """DSO-059: RST; DSO-058: none in what is answered once the session is there."""
    with server.session() as session:
        session.send(with_option_11())
        answer = dns.message.from_wire(session.recv_raw())
        assert answer.answer
        session.send(keepalive(1))
        assert session.recv().id == 1
        answer = session.query("www.example.com", "A", use_edns=0)
        assert all(option.otype != 11 for option in answer.options)
        session.send(with_option_11())
        session.expect_reset()


def test_padding(server):
    """DSO-076: padded answers to padded requests, of errors too; DSO-078: none to others."""
    with server.session() as session:
        session.send(keepalive(1))
        assert [kind for kind, _ in session.recv().tlvs] == [KEEPALIVE]
        session.send(keepalive(2, extra=tlv(PADDING, bytes(40))))
        message = session.recv()
        assert [kind for kind, _ in message.tlvs] == [KEEPALIVE, PADDING] and len(message.raw) % 468 == 0
        session.send(subscribe(3, "www.example.org", "A", extra=tlv(PADDING)))
        message = session.recv()
        assert [kind for kind, _ in message.tlvs] == [RETRY_DELAY, PADDING] and len(message.raw) % 468 == 0
        session.send(keepalive(4))
        assert [kind for kind, _ in session.recv().tlvs] == [KEEPALIVE]


# ---- limits ----


def test_fifty_connections(server):
    """DSO-085: from one address, all at once, all served."""
    sessions = [server.session() for _ in range(50)]
    for s in sessions:
        s.send(subscribe(1, "www.example.com", "A"))
    for s in sessions:
        s.expect(1, NOERROR)
        assert len(s.push()) == 1
        s.close()


def test_sessions_per_address(make_server):
    """Beyond the limit a connection is reset at accept; one that leaves makes room."""
    server = make_server(limits={"sessions-per-address": 5})
    sessions = [server.established() for _ in range(5)]
    with pytest.raises(Reset):
        server.session()
    for s in sessions:
        s.expect_alive()
    sessions.pop().abort()
    deadline = time.monotonic() + WAIT
    while True:  # the server may not have seen the reset yet
        try:
            sessions.append(server.established())
            break
        except Reset:
            assert time.monotonic() < deadline
    for s in sessions:
        s.close()


def test_subscriptions_per_session(make_server):
    """PUSH-011, PUSH-050, PUSH-059: the one beyond the limit is refused by SERVFAIL and 60 s, others stay."""
    server = make_server(limits={"subscriptions-per-session": 10})
    with server.established() as session, server.established() as other:
        ids = [session.subscribe("name%d.example.com" % i, "A") for i in range(10)]
        refused = session.refused("name10.example.com", "A", SERVFAIL, 60)
        other.subscribe("name10.example.com", "A")
        server.set(("add", "name9", 60, "A", "192.0.2.1"), ("add", "name10", 60, "A", "192.0.2.1"))
        assert [c.name for c in session.push()] == ["name9.example.com."]
        assert [c.name for c in other.push()] == ["name10.example.com."]
        session.send(unsubscribe(ids[0]), subscribe(refused, "name10.example.com", "A"))
        session.expect(refused, NOERROR)
        assert len(session.push()) == 1


def test_subscribe_rate(make_server):
    server = make_server(limits={"subscribe-rate": {"burst": 5, "per-second": 1}})
    with server.established() as session:
        for i in range(5):
            session.subscribe("name%d.example.com" % i, "A")
        session.refused("name6.example.com", "A", SERVFAIL, 60)
        session.expect_alive()


def test_update_rate(make_server):
    """A burst beyond the limit is answered SERVFAIL or REFUSED, and the server goes on."""
    server = make_server(limits={"update-rate": {"burst": 5, "per-second": 1}})
    rcodes = [server.update(("add", "name%d" % i, 60, "A", "192.0.2.1")) for i in range(20)]
    assert rcodes[:5] == 5 * [dns.rcode.NOERROR] and set(rcodes[8:]) <= {dns.rcode.SERVFAIL, dns.rcode.REFUSED}
    assert server.records("name0.example.com", "A") == ["192.0.2.1"]


# ---- who does not read ----


class Updater:
    """Updates one after the other on one TCP connection."""

    def __init__(self, server):
        self.socket = socket.create_connection(("127.0.0.1", server.dns_port), WAIT)
        self.stream = self.socket.makefile("rb")

    def set(self, *changes):
        message = dns.update.UpdateMessage("example.com")
        for change in changes:
            getattr(message, change[0])(*change[1:])
        message.use_tsig(harness.KEY, algorithm=harness.KEY.algorithm)
        wire = message.to_wire()
        self.socket.sendall(struct.pack("!H", len(wire)) + wire)
        answer = self.stream.read(struct.unpack("!H", self.stream.read(2))[0])
        assert answer[3] & 15 == dns.rcode.NOERROR, answer

    def close(self):
        self.stream.close()
        self.socket.close()


def big_text(i):
    return " ".join('"%s"' % (chr(97 + (i + j) % 26) * 250) for j in range(16)) + ' "%d"' % i


def test_slow_reader(server):
    """push.md B16: it gets what is true in the end, not every step; meanwhile memory does not grow with the changes."""
    updater = Updater(server)
    with server.established() as quick, server.established(rcvbuf=4096) as slow:
        for s in (quick, slow):
            s.subscribe("big.example.com", "TXT")
        before = server.memory()
        view = View()
        for i in range(2000):
            updater.set(("replace", "big", 60, "TXT", big_text(i)))
            view.apply(quick.push())
            assert len(view.records) == 1, "others are not held up"
        grown = server.memory() - before
        assert server.is_sanitized() or grown < 32 << 20, grown
        late, pushes = View(), 0
        while not any('"1999"' in key[3] for key in late.records):
            late.apply(slow.push())
            pushes += 1
            assert len(late.records) == 1
        assert late.records == view.records
        assert pushes < 1900, "steps were left out"
        slow.expect_alive()
        updater.set(("replace", "big", 60, "TXT", '"small again"'))
        for s, v in ((quick, view), (slow, late)):
            v.apply(s.push())
            assert [key[3] for key in v.records] == ['"small again"']
    updater.close()


def test_who_never_reads_is_shed(make_server):
    """reliability.md section 4: output that stalls ends the session; others stay."""
    server = make_server(limits={"output": {"stall": "1s"}})
    updater = Updater(server)
    with server.established() as quick, server.established(rcvbuf=4096) as stuck:
        for s in (quick, stuck):
            s.subscribe("big.example.com", "TXT")
        poll = select.poll()
        poll.register(stuck.socket, select.POLLERR | select.POLLHUP)
        deadline = time.monotonic() + 2 * WAIT
        i = 0
        while not poll.poll(0):
            updater.set(("replace", "big", 60, "TXT", big_text(i)))
            quick.push()
            i += 1
            assert time.monotonic() < deadline
        quick.expect_alive()
    server.process.err.wait(lambda line: "session-aborted" in line and "took nothing" in line)
    updater.close()


def test_update_crossing_reset(server):
    """A storm of resets in every stage leaves the server well."""
    for _ in range(30):
        s = socket.create_connection(("127.0.0.1", server.tls_port), WAIT)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        s.close()
        s = server.session()
        s.send(subscribe(1, "www.example.com", "A"))
        s.abort()
        s = server.established()
        s.subscribe("www.example.com", "A")
        s.abort()
        server.set(("replace", "www", 60, "A", "192.0.2.1"))
    with server.established() as session:
        session.expect_alive()


if __name__ == "__main__":
    harness.main(__file__)
