"""Everything at once: sessions that come and go at any point, updates, reloads, slow readers, and an end in the midst.

DNSPUSH_TORTURE_S is how long it goes on (20 seconds without), DNSPUSH_TORTURE_SEED what it does. A server of a build with
sanitizers ends with their report, which the harness takes for a failure.
"""
import contextlib
import os
import random
import re
import shutil
import signal
import socket
import ssl
import struct
import threading
import time

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.tsig
import dns.update
import pytest

import harness
from harness import KEY, Ended, Reset, Session, Silence, View, dso, keepalive, parse, parse_push, subscribe, tlv, unsubscribe

SECONDS = float(os.environ.get("DNSPUSH_TORTURE_S", "20"))
SEED = int(os.environ.get("DNSPUSH_TORTURE_SEED", "1"))
FIXED = ["example.com", "example.net"]  # always served
COMING = ["example.org", "sub.example.com", "example.edu"]  # added and removed by reloads
NAMES = ["n%d" % i for i in range(12)]
TYPES = ["A", "TXT", "ANY", "AAAA"]
TEXT = harness.ZONE.replace("$ORIGIN example.com.\n", "").replace("child IN NS ns.child\n", "")  # of any zone


class Torture:
    """Shared by all threads: when to end, what went wrong, and what is known about the zones."""

    def __init__(self, server, seconds):
        self.server = server
        self.deadline = time.monotonic() + seconds
        self.over = threading.Event()
        self.failures = []
        self.counts = {}
        self.lock = threading.Lock()

    def going(self):
        return not self.over.is_set() and time.monotonic() < self.deadline

    def count(self, what):
        with self.lock:
            self.counts[what] = self.counts.get(what, 0) + 1

    def thread(self, work, *words):
        def run():
            try:
                work(self, *words)
            except Exception as error:  # whatever it is, the test must say it
                if not self.over.is_set():
                    self.failures.append("%s%r: %r" % (work.__name__, words, error))

        thread = threading.Thread(target=run)
        thread.start()
        return thread


def connect_raw(t):
    s = socket.socket()
    s.settimeout(harness.WAIT)
    s.connect(("127.0.0.1", t.server.tls_port))
    return s


def reset(s):
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    s.close()


def half_handshake(t, rng):
    """Connections that go before TLS is there: nothing, noise, or a ClientHello cut anywhere."""
    with contextlib.suppress(OSError):
        s = connect_raw(t)
        context = ssl.create_default_context(cafile=str(t.server.ca))
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = context.wrap_bio(incoming, outgoing, server_hostname=harness.HOST)
        with contextlib.suppress(ssl.SSLWantReadError):
            tls.do_handshake()
        hello = outgoing.read()
        s.sendall(rng.choice([b"", rng.randbytes(50), hello[: rng.randrange(len(hello))], hello]))
        rng.choice([s.close, lambda: reset(s)])()
    t.count("half handshakes")


def random_message(rng, session, ids):
    """One message of a client that mostly behaves."""
    zone = rng.choice(FIXED + COMING)
    what = rng.random()
    if what < 0.5 or not ids:
        ids.append(session.take_id())
        return subscribe(ids[-1], "%s.%s" % (rng.choice(NAMES), zone), rng.choice(TYPES))
    if what < 0.8:
        return unsubscribe(ids.pop(rng.randrange(len(ids))))
    if what < 0.9:
        return keepalive(session.take_id())
    if what < 0.98:
        return dns.message.make_query("%s.%s" % (rng.choice(NAMES), zone), rng.choice(TYPES)).to_wire()
    return dso(rng.choice([0, session.take_id()]), tlv(rng.choice([0x40, 0x42, 0x99, 0xF900]), rng.randbytes(rng.randrange(9))))


def churn(t, number):
    """Sessions, one after the other, ended at any point and in any way."""
    rng = random.Random("%d churn %d" % (SEED, number))
    while t.going():
        if rng.random() < 0.2:
            half_handshake(t, rng)
            continue
        with contextlib.suppress(OSError, ssl.SSLError, Reset, Ended, Silence):
            session = t.server.session()
            t.count("sessions")
            ids = []
            session.send(keepalive(session.take_id()))
            for _ in range(rng.randrange(30)):
                if rng.random() < 0.7:
                    session.send(*(random_message(rng, session, ids) for _ in range(rng.randrange(1, 4))))
                else:
                    session.recv_raw(0.05)
            if rng.random() < 0.2:
                part = session.record(harness.frame(subscribe(9999, "a.example.com", "A")))
                session.send_raw(part[: rng.randrange(len(part))])
            rng.choice([session.close, session.abort])()


def idle_reader(t, number):
    """A session that subscribes to a name that changes all the time and reads nothing for long."""
    rng = random.Random("%d idle %d" % (SEED, number))
    while t.going():
        with contextlib.suppress(OSError, ssl.SSLError, Reset, Ended, Silence):
            with Session(t.server.tls_port, t.server.ca, rcvbuf=2048) as session:
                session.keepalive()
                session.send(*(subscribe(session.take_id(), "%s.%s" % (name, zone), "ANY")
                               for name in NAMES for zone in FIXED + COMING))
                t.over.wait(rng.random() * 4)
                for _ in range(rng.randrange(200)):
                    session.recv_raw(0.1)
                t.count("slow readers")


def follower(t, number):
    """A session whose view must be what a query says whenever nothing is under way: tried with a mark of its own."""
    rng = random.Random("%d follow %d" % (SEED, number))
    server, zone = t.server, FIXED[number % len(FIXED)]
    mark = "mark%d.%s" % (number, zone)
    with server.established() as session:
        view = View()
        names = ["%s.%s" % (name, zone) for name in NAMES]
        expected = {session.take_id(): None for _ in range(len(names) + 1)}
        session.send(*(subscribe(i, name, "ANY") for i, name in zip(expected, names + [mark])))
        turn = 0
        while t.going():
            turn += 1
            update(server, zone, [("replace", mark, 60, "TXT", '"%d"' % turn)], rng.choice(["tcp", "udp", "tls"]))
            until = time.monotonic() + harness.WAIT
            while ("TXT", '"%d"' % turn) not in view.at(mark, "TXT"):
                assert time.monotonic() < until, "an update was not pushed"
                message = session.recv()
                if message.id in expected:
                    assert message.flags == 0xB000, message
                    del expected[message.id]
                elif message.tlvs[0][0] != harness.KEEPALIVE:
                    view.apply(parse_push(message))
            t.count("pushes followed")


def update(server, zone, changes, by, key=KEY):
    """An UPDATE that must come to a NOERROR; datagrams may be lost, so they are sent again."""
    message = dns.update.UpdateMessage(zone)
    for change in changes:
        getattr(message, change[0])(dns.name.from_text(change[1]), *change[2:])
    message.use_tsig(key, algorithm=key.algorithm)
    if by == "tls":
        context = ssl.create_default_context(cafile=str(server.ca))
        context.set_alpn_protocols(["dot"])
        answer = dns.query.tls(message, "127.0.0.1", port=server.tls_port, timeout=harness.WAIT, ssl_context=context,
                               server_hostname=harness.HOST)
    elif by == "udp":
        for _ in range(6):
            with contextlib.suppress(dns.exception.Timeout):
                answer = dns.query.udp(message, "127.0.0.1", port=server.dns_port, timeout=5)
                break
        else:
            raise AssertionError("no answer over UDP")
    else:
        answer = dns.query.tcp(message, "127.0.0.1", port=server.dns_port, timeout=harness.WAIT)
    return answer.rcode()


def updater(t, number):
    """Updates with an answer each; what was answered by NOERROR must be there when asked for."""
    rng = random.Random("%d update %d" % (SEED, number))
    while t.going():
        zone = rng.choice(FIXED + COMING)
        name = "u%d.%s" % (number, zone)
        changes = [("replace", name, 60, "TXT", '"%d"' % rng.getrandbits(32))]
        for other in rng.sample(NAMES, 3):
            owner = "%s.%s" % (other, zone)
            changes.append(rng.choice([
                ("replace", owner, 60, "A", "192.0.2.%d" % rng.randrange(256)),
                ("add", owner, 60, "TXT", '"%s"' % ("x" * rng.randrange(200))),
                ("delete", owner, "TXT"),
                ("delete", owner),
            ]))
        rcode = update(t.server, zone, changes, rng.choice(["tcp", "udp", "tls"]))
        if rcode == dns.rcode.NOERROR:
            t.count("updates")
            if zone in FIXED:
                found = t.server.records(name, "TXT")
                assert found == [changes[0][4]], "%s is %s, not %s" % (name, found, changes[0][4])
        else:
            t.count("updates not done")
            assert zone in COMING and rcode in (dns.rcode.NOTAUTH, dns.rcode.REFUSED), (zone, dns.rcode.to_text(rcode))


def zone_text(rng, edits):
    return TEXT.replace(" 1 3600 900", " %d 3600 900" % edits) + "edit%d IN A 192.0.2.%d\n" % (edits % 5, rng.randrange(256))


def reloader(t):
    """SIGHUP ten times a second: zones edited, added and removed, and in half of the cases a fault."""
    rng = random.Random("%d reload" % SEED)
    server, whole = t.server, t.server.config
    zones = {zone["zone"]: zone for zone in whole["zones"]}
    edits = 1
    while t.going():
        edits += 1
        served = FIXED + [zone for zone in COMING if rng.random() < 0.5]
        server.config = dict(whole, zones=[zones[name] for name in served],
                             dso={"inactivity": "%ds" % rng.choice([15, 20]), "keepalive": "%ds" % rng.choice([60, 70])})
        for name in served:
            if rng.random() < 0.7:
                server.zone_path(name).write_text(zone_text(rng, edits))
        fault = rng.random()
        if fault < 0.2:
            server.write_config("server: [")
        elif fault < 0.3:
            server.config = dict(server.config, tls=dict(whole["tls"], certificate="/nonexistent"))
            server.write_config()
        else:
            server.write_config()
        if 0.3 < fault < 0.5:
            server.zone_path(rng.choice(served)).write_text("broken IN A not-an-address\n")
        server.process.signal(signal.SIGHUP)
        t.count("reloads")
        t.over.wait(0.1)
        for name in FIXED + COMING:
            server.zone_path(name).write_text(zone_text(rng, edits))
    server.config = whole


def noise(t):
    """Datagrams and TCP streams that nobody should send."""
    rng = random.Random("%d noise" % SEED)
    with socket.socket(type=socket.SOCK_DGRAM) as udp:
        while t.going():
            query = bytearray(dns.message.make_query("n1.example.com", "ANY", use_edns=rng.random() < 0.5).to_wire())
            for _ in range(rng.randrange(4)):
                query[rng.randrange(len(query))] = rng.randrange(256)
            udp.sendto(query[: rng.randrange(len(query) + 1)], ("127.0.0.1", t.server.dns_port))
            with contextlib.suppress(OSError):
                with socket.create_connection(("127.0.0.1", t.server.dns_port)) as tcp:
                    tcp.sendall(struct.pack("!H", len(query)) + query)
                    if rng.random() < 0.5:
                        tcp.shutdown(socket.SHUT_WR)
                    if rng.random() < 0.5:
                        reset(tcp)
            t.over.wait(0.02)


def descriptors(server):
    return len(os.listdir("/proc/%d/fd" % server.process.process.pid))


def cpu_seconds(server):
    fields = open("/proc/%d/stat" % server.process.process.pid).read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def wait_until(true, what):
    deadline = time.monotonic() + harness.WAIT
    while not true():
        assert time.monotonic() < deadline, what()
        time.sleep(0.1)


def all_kinds(t):
    return ([t.thread(churn, i) for i in range(4)] + [t.thread(updater, i) for i in range(4)] +
            [t.thread(idle_reader, i) for i in range(2)] + [t.thread(follower, i) for i in range(2)] +
            [t.thread(reloader), t.thread(noise)])


@pytest.fixture
def tortured(make_server):
    server = make_server(
        zones={name: TEXT for name in FIXED + COMING},
        server={"workers": 2, "log": {"level": "error"}}, start=False)
    server.config["limits"].update({"subscribe-rate": {"burst": 100000, "per-second": 100000}})
    server.write_config()
    # Not by the ready line: at this level of logging there is none.
    server.process = harness.Process(harness.DNSPUSHD, "-c", server.path)

    def answers():
        with contextlib.suppress(OSError, dns.exception.DNSException):
            return server.records("www.example.com", "A") == ["192.0.2.80"]

    wait_until(answers, lambda: "no answer: " + server.process.err.text())
    return server


def test_everything_at_once(tortured):
    server = tortured
    with server.established():
        before = descriptors(server)
    t = Torture(server, SECONDS)
    for thread in all_kinds(t):
        thread.join()
    assert not t.failures, "\n".join(t.failures) + "\n" + server.process.err.text()[-4000:]
    assert server.process.process.poll() is None, server.process.err.text()

    # It still works, all descriptors come back, and there is nothing left to do.
    server.write_config()
    server.process.signal(signal.SIGHUP)
    with server.established() as session:
        session.subscribe("last.example.com", "TXT")
        assert update(server, "example.com", [("replace", "last.example.com", 60, "TXT", '"x"')], "tcp") == 0
        assert [c.rdata for c in session.push()] == ['"x"']
    wait_until(lambda: descriptors(server) <= before, lambda: "%d descriptors, not %d" % (descriptors(server), before))
    used = cpu_seconds(server)
    time.sleep(2)
    assert cpu_seconds(server) - used < 0.5, "busy with nothing to do"
    print(t.counts)
    for what in ("sessions", "updates", "pushes followed", "reloads"):
        assert t.counts.get(what, 0) > 0, t.counts


def test_end_in_the_midst(tortured):
    server = tortured
    t = Torture(server, harness.WAIT)
    threads = all_kinds(t)
    time.sleep(3)
    failures = list(t.failures)
    t.over.set()
    began = time.monotonic()
    assert server.terminate() == 0
    took = time.monotonic() - began
    for thread in threads:
        thread.join()
    assert not failures, failures
    assert took < 15, took


@pytest.mark.parametrize("over", ["tcp", "tls"])
def test_update_with_the_longest_names_is_answered(make_server, over):
    """On a stream the answer to an applied UPDATE has room for any zone's and any key's name (RFC 8945 5.3)."""
    labels = [letter * 60 for letter in "abc"]
    zone, key = ".".join(labels + ["d" * 40]), ".".join(labels + ["e" * 50])
    server = make_server(zones={zone: TEXT}, keys=[{"name": key, "algorithm": "hmac-sha512", "secret": harness.KEY_SECRET}],
                         start=False)
    server.config["zones"] = [{"zone": zone, "file": zone + ".zone", "update": [{"key": key}]}]
    server.write_config()
    server.start()
    long_key = dns.tsig.Key(key, harness.KEY_SECRET, dns.tsig.HMAC_SHA512)
    assert update(server, zone, [("replace", "t." + zone, 60, "TXT", '"x"')], over, long_key) == dns.rcode.NOERROR
    assert server.records("t." + zone, "TXT") == ['"x"']


if __name__ == "__main__":
    harness.main(__file__)
