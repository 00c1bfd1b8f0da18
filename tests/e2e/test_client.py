"""dnspush as people and scripts use it: exit statuses, words on stderr, JSON, and how it ends and comes back."""
import json
import re
import signal
import struct
import time

import pytest

import harness
from harness import (DNSPUSH, HOST, KEEPALIVE, PADDING, PUSH, RETRY_DELAY, SUBSCRIBE, TSIG_OPTION, UNSUBSCRIBE, Ended,
                     FakeServer, Watch, dso, keepalive, question, run, tlv)

NAME = "www.example.com"
TIME = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$")


def push_one(name, rdtype, rdata, ttl=120):
    return dso(0, tlv(PUSH, question(name, rdtype) + struct.pack("!IH", ttl, len(rdata)) + rdata))


@pytest.fixture
def fake(certificates):
    with FakeServer(certificates) as server:
        yield server


def watch_fake(fake, certificates, *words, env=None):
    return Watch(DNSPUSH, "watch", NAME, "A", "--json", "--server", "127.0.0.1@%d" % fake.port, "--tls-ca",
                 certificates[0], "--tls-hostname", HOST, *words, env=env)


# ---- wrong usage ----


@pytest.mark.parametrize("words,said", [
    ([], "Usage: dnspush"),
    (["wach", NAME], "dnspush: wach: unknown command; did you mean watch?"),
    (["watch", NAME, "--timeot", "1s"], "dnspush: --timeot: unknown option; did you mean --timeout?"),
    (["watch", NAME, "--tls-cA", "x"], "did you mean --tls-ca?"),
    (["watch", NAME, "--count"], "dnspush: --count: this option needs a value"),
    (["watch", NAME, "--count", "0"], "--count takes a whole number"),
    (["watch", NAME, "--count", "many"], "--count takes a whole number"),
    (["watch", NAME, "--timeout", "soon"], "dnspush: soon: not a duration"),
    (["watch", NAME, "--json=yes"], "this option takes no value"),
    (["watch", NAME], "dnspush: --server: is needed"),
    (["watch", "--server", "127.0.0.1@1", "--insecure"], "needs the NAME"),
    (["watch", NAME, "--server", "127.0.0.1@x"], "HOST[@PORT]"),
    (["watch", "a..b", "--server", "127.0.0.1@1", "--insecure"], "a..b: not a domain name"),
    (["watch", NAME, "AXFR", "--server", "127.0.0.1@1", "--insecure"], "AXFR"),
    (["watch", NAME, "--tls-pin", "abc", "--server", "127.0.0.1@1"], "pin"),
    (["watch", NAME, "--tls-ca", "/nonexistent.pem", "--server", "127.0.0.1@1"], "/nonexistent.pem"),
    (["query", NAME, "--tsig", "nonsense", "--server", "127.0.0.1@1"], "[ALGORITHM:]NAME:SECRET"),
    (["update", "example.com", "--server", "127.0.0.1@1", "--insecure", "--", "ad", "a", "60", "A", "192.0.2.1"], "ad"),
])
def test_wrong_usage(words, said):
    done = run(DNSPUSH, *words)
    assert done.returncode == 2 and said in done.stderr, done.stderr
    assert done.stdout == ""


def test_help_and_version():
    for words in (["--help"], ["watch", "--help"], ["update", "-h"]):
        done = run(DNSPUSH, *words)
        assert done.returncode == 0 and "Usage: dnspush" in done.stdout and done.stderr == ""
    done = run(DNSPUSH, "--version")
    assert done.returncode == 0 and re.match(r"dnspush \d+\.\d+\.\d+\n$", done.stdout)


# ---- who is the server ----


def attempt(server, *options):
    return run(DNSPUSH, "watch", NAME, "A", "--json", "--timeout", "20s", "--count", "1", "--server",
               "127.0.0.1@%d" % server.tls_port, *options)


def authenticated(done):
    assert done.returncode == 0, done.stderr
    event = json.loads(done.stdout.splitlines()[0])
    assert event["event"] == "connected"
    return event["authenticated"]


def test_good_certificate(shared):
    """PUSH-002"""
    done = attempt(shared, "--tls-ca", shared.ca, "--tls-hostname", HOST)
    assert authenticated(done) == "pkix" and done.stderr == ""


def test_wrong_ca(shared, tmp_path):
    """PUSH-002: no session; the words say what would help, and the pin in them does."""
    done = attempt(shared, "--tls-ca", harness.make_ca(tmp_path, "stranger"), "--tls-hostname", HOST)
    assert done.returncode == 1 and "unknown CA" in done.stderr and "--tls-ca FILE" in done.stderr, done.stderr
    assert '"connected"' not in done.stdout
    pin = re.search(r"--tls-pin (\S{44})", done.stderr).group(1)
    assert pin == harness.pin_of(shared.config["tls"]["certificate"])
    assert authenticated(attempt(shared, "--tls-pin", pin)) == "pin"


def test_wrong_hostname(shared):
    done = attempt(shared, "--tls-ca", shared.ca, "--tls-hostname", "other.example")
    assert done.returncode == 1 and '"connected"' not in done.stdout
    assert HOST in done.stderr and "not other.example" in done.stderr and "--tls-hostname" in done.stderr


def test_wrong_pin(shared):
    done = attempt(shared, "--tls-pin", "A" * 43 + "=")
    assert done.returncode == 1 and '"connected"' not in done.stdout
    assert "pin" in done.stderr and harness.pin_of(shared.config["tls"]["certificate"]) in done.stderr


def test_insecure(shared):
    done = attempt(shared, "--insecure")
    assert authenticated(done) == "none"
    assert "WARNING" in done.stderr and "nothing is authenticated" in done.stderr


def test_key_log(shared, tmp_path):
    path = tmp_path / "keys.log"
    done = shared.client("watch", NAME, "A", "--count", "1", env={"SSLKEYLOGFILE": str(path)})
    assert done.returncode == 0 and "CLIENT_TRAFFIC_SECRET_0" in path.read_text()


# ---- what it prints ----

MEMBERS = {
    "connected": {"server", "tls", "authenticated", "mode"},
    "subscribed": {"name", "type", "class"},
    "add": {"name", "type", "class", "ttl", "rdata"},
    "remove": {"name", "type", "class", "ttl", "rdata"},
    "batch": {"changes"},
    "refused": {"name", "type", "rcode", "retry_after"},
    "disconnected": {"reason", "retry_after"},
}


def test_json(make_server):
    """Each event of the interface, with its members and no others."""
    server = make_server()
    with server.watch("www.example.com/A", "www.example.org/A", "none.example.com") as watch:
        refused = watch.event("refused")
        assert refused["name"] == "www.example.org." and refused["type"] == "A"
        assert refused["rcode"] == "NOTAUTH" and refused["retry_after"] == 300
        watch.at = 0
        assert watch.event("subscribed", name="none.example.com.")["type"] == "ANY"
        server.set(("delete", "www", "A"))
        removed = watch.event("remove")
        assert removed["rdata"] == "192.0.2.80" and removed["class"] == "IN" and isinstance(removed["ttl"], int)
        assert server.terminate() == 0
        gone = watch.event("disconnected")
        assert gone["retry_after"] > 0 and gone["reason"]
        watch.signal(signal.SIGTERM)
        assert watch.wait() == 0
        events = [json.loads(line) for line in watch.out.lines]
    for event in events:
        allowed = MEMBERS[event["event"]] | {"event", "time"}
        assert set(event) - {"latency_us"} == allowed, event
        assert TIME.match(event["time"]), event
        for name in ("name", "server"):
            assert name not in event or event[name].endswith(".") or name == "server"
    assert {event["event"] for event in events} == set(MEMBERS)
    connected = events[0]
    assert connected["server"] == "127.0.0.1@%d" % server.tls_port and connected["mode"] == "push"
    assert connected["tls"] in ("TLSv1.2", "TLSv1.3") and connected["authenticated"] == "pkix"


def test_text(shared):
    done = shared.client("watch", "_ipp._tcp.example.com", "PTR", "--count", "1")
    assert done.returncode == 0
    assert re.match(r"^\d\d:\d\d:\d\d\.\d{3} \+ _ipp\._tcp\.example\.com\. 120 IN PTR Office\._ipp\._tcp\.example\.com\.\n$",
                    done.stdout), done.stdout
    done = shared.client("watch", "www.example.org", "A", "--timeout", "2s")
    assert done.returncode == 1 and "refused: NOTAUTH" in done.stderr


def test_hostile_text(make_server):
    """What a stranger wrote into a record reaches no terminal as control characters."""
    server = make_server(zones={"example.com": harness.ZONE + 'evil IN TXT "\\027[31m\\010<script>\\226\\128\\174"\n'})
    for words in ([], ["--json"]):
        done = server.client("watch", "evil.example.com", "TXT", "--count", "1", *words)
        assert done.returncode == 0
        assert all(character >= " " or character == "\n" for character in done.stdout), repr(done.stdout)


def test_count(shared):
    """Ends with 0 once so many changes came, after the whole batch."""
    done = shared.client("watch", NAME, "ANY", "--json", "--count", "1")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0 and [e["event"] for e in lines[-3:]] == ["add", "add", "batch"]
    assert lines[-1]["changes"] == 2


def test_timeout(shared):
    done = shared.client("watch", NAME, "A", "--timeout", "1s")
    assert done.returncode == 0 and "192.0.2.80" in done.stdout
    done = run(DNSPUSH, "watch", NAME, "--server", "127.0.0.1@%d" % harness.free_port(), "--insecure", "--timeout", "1s")
    assert done.returncode == 1 and "no server was reached in time" in done.stderr


def test_exec(server, tmp_path):
    """Run on each batch, with its records as JSON lines on stdin."""
    out = tmp_path / "out"
    with server.watch(NAME, "A", "--exec", "cat >>%s; echo end >>%s" % (out, out)) as watch:
        watch.event("batch")
        server.set(("add", "www", 120, "A", "192.0.2.81"), ("add", "www", 120, "A", "192.0.2.82"))
        watch.event("batch")
        watch.signal(signal.SIGINT)
        assert watch.wait() == 0
    lines = out.read_text().splitlines()
    assert [line == "end" for line in lines] == [False, True, False, False, True]
    events = [json.loads(line) for line in lines if line != "end"]
    assert [e["event"] for e in events] == 3 * ["add"]
    assert sorted(e["rdata"] for e in events) == ["192.0.2.80", "192.0.2.81", "192.0.2.82"]


def test_exec_that_fails(server):
    done = server.client("watch", NAME, "A", "--count", "1", "--exec", "exit 7")
    assert done.returncode == 0 and "exit 7: ended with status 7" in done.stderr


def test_query(shared):
    done = shared.client("query", NAME, "A")
    assert done.returncode == 0 and "NOERROR, authoritative" in done.stdout
    assert "www.example.com. 120 IN A 192.0.2.80" in done.stdout
    done = shared.client("query", "alias.example.com", "AAAA", "--json")
    answer = json.loads(done.stdout)
    assert answer["rcode"] == "NOERROR" and answer["aa"] is True
    assert [r["type"] for r in answer["answer"]] == ["CNAME", "AAAA"]
    assert shared.client("query", "www.example.org", "A").returncode == 1
    assert shared.client("query", "none.example.com", "A").returncode == 0
    assert shared.client("query", NAME, "A", "-y", TSIG_OPTION).returncode == 0
    done = shared.client("query", NAME, "A", "-y", TSIG_OPTION.replace("update.", "other."))
    assert done.returncode == 1 and done.stderr.startswith("dnspush: ")


def test_update(server):
    def update(*words, **kwargs):
        return server.client("update", "example.com", "-y", TSIG_OPTION, *words, **kwargs)

    assert update("--", "add", "n.example.com", "60", "A", "192.0.2.1").returncode == 0
    assert update("--", "add", "n.example.com", "60", "A", "192.0.2.2", "--", "delete", "n.example.com", "A",
                  "192.0.2.1").returncode == 0
    assert server.records("n.example.com", "A") == ["192.0.2.2"]
    done = update("-", stdin="prereq nxdomain m.example.com\nupdate add m.example.com 60 TXT \"a b\"\nsend\n")
    assert done.returncode == 0, done.stderr
    assert server.records("m.example.com", "TXT") == ['"a b"']
    done = update("-", stdin="update add m.example.com 60 A 192.0.2.999\nsend\n")
    assert done.returncode == 2 and "standard input:1" in done.stderr, done.stderr
    done = server.client("update", "example.com", "--", "add", "n.example.com", "60", "A", "192.0.2.9")
    assert done.returncode == 1 and "REFUSED" in done.stderr + done.stdout


def test_reconfirm(shared):
    done = shared.client("reconfirm", NAME, "A", "192.0.2.80")
    assert done.returncode == 0, done.stderr
    assert shared.client("reconfirm", NAME, "A", "nonsense").returncode == 2


# ---- the session, as the server sees it ----


def test_orderly_end(fake, certificates):
    """DSO-079, DSO-041, PUSH-134: at SIGINT close_notify and FIN; the exit status is 0."""
    for number in (signal.SIGINT, signal.SIGTERM):
        with watch_fake(fake, certificates) as watch:
            session, ident = fake.subscribed()
            watch.event("subscribed")
            watch.signal(number)
            with pytest.raises(Ended) as end:
                while True:
                    message = session.recv()
                    assert message.tlvs[0][0] == UNSUBSCRIBE, message
            assert end.value.notified
            session.close()
            assert watch.wait() == 0


def test_what_a_subscription_sends(fake, certificates):
    """PUSH-040, DSO-001, DSO-017, DSO-031, DSO-050: Keepalive, then SUBSCRIBE of one question and nothing else."""
    with watch_fake(fake, certificates):
        session = fake.established()
        message = session.recv()
        assert message.tlvs == [(SUBSCRIBE, question(NAME, "A"))] and message.counts == (0, 0, 0, 0)
        assert message.id not in (0,)
        session.close()


def test_retry_delay(fake, certificates):
    """DSO-064, DSO-069: close_notify and FIN at once; not a moment before the delay is over is there another connection."""
    with watch_fake(fake, certificates) as watch:
        session, _ = fake.subscribed()
        watch.event("subscribed")
        start = time.monotonic()
        session.send(dso(0, tlv(RETRY_DELAY, struct.pack("!I", 2500)), 0x3002))
        with pytest.raises(Ended) as end:
            session.recv()
        assert end.value.notified
        session.close()
        assert watch.event("disconnected")["retry_after"] == 2.5
        session = fake.established()
        assert time.monotonic() - start >= 2.5
        session.close()


def test_retry_delay_without_a_session(fake, certificates):
    """DSO-074, PUSH-054, PUSH-056, PUSH-062: a refusal with a delay, without one, and with an unknown RCODE."""
    for rcode, body, after, word in ((9, tlv(RETRY_DELAY, struct.pack("!I", 77000)), 77, "NOTAUTH"), (5, b"", 300, "REFUSED"),
                                     (2, b"", 60, "SERVFAIL"), (13, b"", 300, None)):
        with watch_fake(fake, certificates) as watch:
            session = fake.established()
            message = session.recv()
            session.send(dso(message.id, body, 0xB000 | rcode))
            event = watch.event("refused")
            assert event["retry_after"] == after and (word is None or event["rcode"] == word)
            session.close()


def test_reconnect_prints_differences(make_server):
    """push.md B18: after the server was away only what differs from what was known."""
    server = make_server()
    with server.watch(NAME, "ANY") as watch:
        watch.event("subscribed")
        assert sorted(c[3:] for c in watch.batch()) == [("A", "192.0.2.80"), ("AAAA", "2001:db8::80")]
        server.process.process.kill()
        server.process.wait()
        server.process.__exit__()
        assert watch.next()["event"] == "disconnected"
        text = server.zone_path().read_text()
        server.zone_path().write_text(text.replace("www IN A 192.0.2.80", "www IN A 192.0.2.81"))
        server.start()
        watch.event("connected")
        changes = []
        while len(changes) < 2 or changes[-1][1] != '"on it goes"':
            event = watch.next()
            if event["event"] in ("add", "remove"):
                changes.append((event["event"], event["rdata"]))
            if len(changes) == 2 and event["event"] == "batch":
                server.set(("add", "www", 60, "TXT", '"on it goes"'))
        assert sorted(changes[:2]) == [("add", "192.0.2.81"), ("remove", "192.0.2.80")]
        assert changes[2:] == [("add", '"on it goes"')]


def test_ttl_stays_while_subscribed(fake, certificates):
    """PUSH-211, PUSH-217, PUSH-088, PUSH-090: what is reserved, known or not asked for changes nothing."""
    with watch_fake(fake, certificates) as watch:
        session, _ = fake.subscribed()
        session.send(push_one(NAME, "A", bytes((192, 0, 2, 1))))
        assert watch.event("add")["rdata"] == "192.0.2.1"
        watch.event("batch")
        session.send(push_one(NAME, "A", bytes((192, 0, 2, 2)), 0x80000000))
        session.send(push_one("other.example.com", "A", bytes((192, 0, 2, 3))))
        session.send(push_one(NAME, "A", bytes((192, 0, 2, 1))))
        session.send(push_one(NAME, "A", bytes((192, 0, 2, 4)), 0xFFFFFFFF))
        session.send(push_one(NAME, "A", bytes((192, 0, 2, 5)), 0))
        event = watch.next()
        assert (event["event"], event["rdata"], event["ttl"]) == ("add", "192.0.2.5", 0)
        session.close()


HOSTILE = {
    "DSO-102": dso(0, flags=0xB000),
    "DSO-103": dso(4711, flags=0xB000),
    "DSO-106": dso(0, tlv(0xF8FF)),
    "DSO-108": keepalive(5),
    "DSO-112 Keepalive": dso(0, tlv(KEEPALIVE, bytes(4))),
    "DSO-112 Retry Delay": dso(0, tlv(RETRY_DELAY, bytes(5))),
    "DSO-115": dso(0, tlv(PADDING)),
    "DSO-047": dso(0, tlv(KEEPALIVE, struct.pack("!II", 15000, 9999))),
    "DSO-100": b"\0" * 11,
    "DSO-101": dso(0, tlv(KEEPALIVE, struct.pack("!II", 15000, 15000)), counts=(0, 1, 0, 0)),
    "PUSH-200 SUBSCRIBE": dso(5, tlv(SUBSCRIBE, question(NAME, "A"))),
    "PUSH-200 UNSUBSCRIBE": dso(0, tlv(UNSUBSCRIBE, b"\0\1")),
    "PUSH-206": dso(0, tlv(PUSH)),
    "PUSH-207": dso(0, tlv(PUSH, question(NAME, "A") + b"\xff\xff\xff\xfe\0\1\0")),
    "PUSH-208": dso(0, tlv(PUSH, b"".join(question(NAME, "A") + b"\0\0\0\x78\0\4" + struct.pack("!I", i)
                                          for i in range(600)))),
    "PUSH-209 cut": dso(0, tlv(PUSH, question(NAME, "A") + b"\0\0\0\x78\0\4\1")),
    "PUSH-209 loop": dso(0, tlv(PUSH, b"\xc0\x10\0\1\0\1\0\0\0\x78\0\4" + bytes(4))),
    "PUSH-209 misfit": dso(0, tlv(PUSH, question(NAME, "A") + b"\0\0\0\x78\0\3" + bytes(3))),
    "PUSH-210 type": dso(0, tlv(PUSH, question(NAME, 255) + b"\0\0\0\x78\0\4" + bytes(4))),
    "PUSH-210 class": dso(0, tlv(PUSH, question(NAME, 1, 255) + b"\0\0\0\x78\0\4" + bytes(4))),
}


@pytest.mark.parametrize("message", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_server(fake, certificates, message):
    """DSO-102, DSO-103, DSO-106, DSO-108, DSO-112, DSO-115, DSO-047, DSO-100, DSO-101, DSO-081, DSO-080, PUSH-200,
    PUSH-206, PUSH-207, PUSH-208, PUSH-209, PUSH-210: RST, and that server is left alone for an hour."""
    with watch_fake(fake, certificates) as watch:
        session, _ = fake.subscribed()
        watch.event("subscribed")
        session.send(message)
        session.expect_reset()
        event = watch.event("disconnected")
        assert event["retry_after"] == 3600 and event["reason"]
        assert all('"add"' not in line for line in watch.out.lines)


def test_unknown_request_from_server(fake, certificates):
    """DSO-122: the client answers DSOTYPENI; DSO-054: and a server's Keepalive not at all."""
    with watch_fake(fake, certificates) as watch:
        session, _ = fake.subscribed()
        session.send(dso(0, tlv(KEEPALIVE, struct.pack("!II", 60000, 60000))), dso(77, tlv(0xF8FF)))
        message = session.recv()
        assert (message.id, message.flags, message.tlvs) == (77, 0xB00B, [])
        session.close()


def test_server_without_dso(fake, certificates):
    """DSO-027: NOTIMP to the Keepalive ends it, in words and with status 1."""
    with watch_fake(fake, certificates) as watch:
        session = fake.accept()
        first = session.recv()
        session.send(dso(first.id, flags=0xB004))
        assert watch.wait() == 1
        assert "no DNS Stateful Operations" in watch.err.text()
        session.close()


if __name__ == "__main__":
    harness.main(__file__)
