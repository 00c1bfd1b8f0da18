"""What people's tools get: kdig, dig and nsupdate, over UDP, TCP and TLS."""
import socket
import struct

import dns.flags
import dns.message
import dns.query
import dns.rcode
import dns.update
import pytest

import harness
from harness import HOST, KEY, KEY_NAME, TSIG_OPTION, WAIT, run

WRONG_SECRET = "hmac-sha256:%s:%s" % (KEY_NAME, "d3Jvbmcgc2VjcmV0IG9mIGEgc3RyYW5nZXI=")


def kdig(server, *words, tls=False):
    port = server.tls_port if tls else server.dns_port
    done = run("kdig", "@127.0.0.1", "-p", port, "+timeout=10", "+retry=0", *words)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def dig(server, *words):
    done = run("dig", "@127.0.0.1", "-p", server.dns_port, "+timeout=10", "+tries=1", *words)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def exchange_udp(server, data, timeout=WAIT):
    with socket.socket(type=socket.SOCK_DGRAM) as s:
        s.settimeout(timeout)
        s.sendto(data, ("127.0.0.1", server.dns_port))
        return s.recv(65535)


def exchange_tcp(server, data):
    with socket.create_connection(("127.0.0.1", server.dns_port), WAIT) as s:
        s.sendall(struct.pack("!H", len(data)) + data)
        stream = s.makefile("rb")
        return stream.read(struct.unpack("!H", stream.read(2))[0])


# ---- queries ----


@pytest.mark.parametrize("transport", ["+notcp", "+tcp"])
def test_kdig(shared, transport):
    text = kdig(shared, "www.example.com", "A", transport)
    assert "status: NOERROR" in text and " aa " in text.replace(";", " ")
    assert "192.0.2.80" in text


@pytest.mark.parametrize("transport", ["+notcp", "+tcp"])
def test_dig(shared, transport):
    text = dig(shared, "alias.example.com", "AAAA", transport)
    assert "status: NOERROR" in text and "flags: qr aa" in text
    assert "CNAME\twww.example.com." in text and "2001:db8::80" in text


def test_kdig_over_tls(shared):
    """PUSH-006: ordinary queries on the TLS port, answered with authority."""
    text = kdig(shared, "_ipp._tcp.example.com", "PTR", "+tls", "+tls-ca=%s" % shared.ca, "+tls-hostname=" + HOST,
                tls=True)
    assert "status: NOERROR" in text and "Office._ipp._tcp.example.com." in text
    assert "TLS session" in text and " aa" in text


def test_answers_of_every_kind(shared):
    assert "status: NXDOMAIN" in kdig(shared, "nothing.example.com", "A")
    nodata = kdig(shared, "www.example.com", "MX")
    assert "status: NOERROR" in nodata and "ANSWER: 0" in nodata and "SOA" in nodata
    referral = kdig(shared, "host.child.example.com", "A")
    assert "ANSWER: 0" in referral and "ns.child.example.com." in referral and " aa" not in referral.split("QUERY")[0]
    assert "from the wildcard" in kdig(shared, "any.wild.example.com", "TXT")
    assert "192.0.2.80" in kdig(shared, "WWW.eXaMpLe.COM", "A")


def test_outside_the_zones(shared):
    for transport in ("+notcp", "+tcp"):
        assert "status: REFUSED" in kdig(shared, "www.example.org", "A", transport)


def test_edns(shared):
    text = dig(shared, "www.example.com", "A", "+edns=0", "+dnssec")
    assert "EDNS: version: 0, flags: do; udp: 1232" in text
    assert "EDNS" not in dig(shared, "www.example.com", "A", "+noedns")


def test_bad_edns_version(shared):
    """RFC 6891 6.1.3"""
    text = dig(shared, "www.example.com", "A", "+edns=1", "+noednsnegotiation")
    assert "status: BADVERS" in text and "EDNS: version: 0" in text and "ANSWER: 0" in text


def test_truncation_and_retry(make_server):
    many = "".join("many IN A 198.51.100.%d\n" % i for i in range(1, 200))
    server = make_server(zones={"example.com": harness.ZONE + many})
    for size, limit in ((None, 512), (1232, 1232), (4096, 1232)):
        query = dns.message.make_query("many.example.com", "A", use_edns=size is not None, payload=size)
        answer = exchange_udp(server, query.to_wire())
        assert len(answer) <= limit
        assert dns.message.from_wire(answer).flags & dns.flags.TC
    assert len(server.records("many.example.com", "A")) == 199
    text = dig(server, "many.example.com", "A", "+bufsize=1232")
    assert "retrying in TCP mode" in text and "ANSWER: 199" in text


# ---- DSO where there is none ----


@pytest.mark.parametrize("exchange", [exchange_udp, exchange_tcp])
def test_dso_in_clear(shared, exchange):
    """DSO-123, DSO-090, PUSH-001: NOTIMP over UDP and over TCP without TLS."""
    for message in (harness.keepalive(77), harness.subscribe(78, "www.example.com", "A")):
        answer = exchange(shared, message)
        assert answer[:2] == message[:2]
        flags = struct.unpack("!H", answer[2:4])[0]
        assert flags & 0xF80F == 0xB004 and answer[4:12] == bytes(8) and len(answer) == 12


def test_no_dns_without_tls_on_the_tls_port(shared):
    """PUSH-001"""
    query = dns.message.make_query("www.example.com", "A").to_wire()
    with socket.create_connection(("127.0.0.1", shared.tls_port), WAIT) as s:
        s.sendall(struct.pack("!H", len(query)) + query)
        received = b""
        try:
            while True:
                data = s.recv(65536)
                if not data:
                    break
                received += data
        except ConnectionResetError:
            pass
    assert query[:2] not in received[2:4] and len(received) < 64
    assert received[:1] in (b"", b"\x15")  # nothing, or a TLS alert


# ---- garbage ----


@pytest.mark.parametrize("exchange", [exchange_udp, exchange_tcp])
def test_garbage(shared, exchange):
    question = dns.message.make_query("www.example.com", "A", id=4321).to_wire()
    broken = {
        "question is missing": question[:12],
        "name runs out": question[:16],
        "pointer to itself": question[:12] + b"\xc0\x0c" + b"\0\1\0\1",
        "more records said than held": question[:6] + b"\0\5" + question[8:],
        "two questions": question[:4] + b"\0\2" + question[6:] + question[12:],
        "two OPT records": question[:10] + b"\0\2" + question[12:] + 2 * b"\0\0\x29\x04\xd0\0\0\0\0\0\0",
        "a label of a reserved kind": question[:12] + b"\x41ab\0\0\1\0\1",
    }
    for what, data in broken.items():
        answer = exchange(shared, data)
        assert answer[:2] == b"\x10\xe1", what
        assert answer[2] & 0x80 and answer[3] & 15 == dns.rcode.FORMERR, what
    for opcode in (1, 2, 3, 4, 7, 15):
        if opcode == 4:
            continue  # NOTIFY is not for a primary: NOTIMP or REFUSED are both fit
        answer = exchange(shared, struct.pack("!HHHHHH", 4321, opcode << 11, 0, 0, 0, 0))
        assert answer[3] & 15 == dns.rcode.NOTIMP, opcode


def test_what_gets_no_answer(shared):
    """A response is never answered, nor is what has no header; the server goes on."""
    with socket.socket(type=socket.SOCK_DGRAM) as s:
        s.settimeout(WAIT)
        s.connect(("127.0.0.1", shared.dns_port))
        for data in (b"", b"\0", bytes(11), struct.pack("!HHHHHH", 1, 0x8000, 0, 0, 0, 0)):
            s.send(data)
        s.send(dns.message.make_query("www.example.com", "A", id=999).to_wire())
        assert s.recv(65535)[:2] == struct.pack("!H", 999)


# ---- updates ----


@pytest.mark.parametrize("transport", [[], ["-v"]], ids=["udp", "tcp"])
def test_nsupdate_changes(server, transport):
    """RFC 2136 2.5: all four forms of change."""

    def change(text):
        server.nsupdate_good("zone example.com\n%s\nsend\n" % text, *transport)

    change("update add new.example.com 60 A 192.0.2.1\nupdate add new.example.com 60 A 192.0.2.2\n"
           "update add new.example.com 60 TXT \"some text\"")
    assert server.records("new.example.com", "A") == ["192.0.2.1", "192.0.2.2"]
    change("update delete new.example.com A 192.0.2.1")
    assert server.records("new.example.com", "A") == ["192.0.2.2"]
    change("update delete new.example.com A")
    assert server.records("new.example.com", "A") == []
    assert server.records("new.example.com", "TXT") == ['"some text"']
    change("update delete new.example.com")
    assert server.query("new.example.com", "TXT").rcode() == dns.rcode.NXDOMAIN


def test_nsupdate_serial(server):
    before = int(server.records("example.com", "SOA")[0].split()[2])
    server.nsupdate_good("update add serial.example.com 60 A 192.0.2.1\nsend\n")
    after = int(server.records("example.com", "SOA")[0].split()[2])
    assert after == before + 1
    server.nsupdate_good("update add serial.example.com 60 A 192.0.2.1\nsend\n")
    assert int(server.records("example.com", "SOA")[0].split()[2]) == after, "nothing changed"


@pytest.mark.parametrize("prerequisite,good,bad,rcode", [
    ("yxdomain", "www.example.com", "none.example.com", "NXDOMAIN"),
    ("nxdomain", "none.example.com", "www.example.com", "YXDOMAIN"),
    ("yxrrset", "www.example.com A", "www.example.com MX", "NXRRSET"),
    ("nxrrset", "www.example.com MX", "www.example.com A", "YXRRSET"),
    ("yxrrset", "www.example.com A 192.0.2.80", "www.example.com A 192.0.2.81", "NXRRSET"),
])
@pytest.mark.parametrize("transport", [[], ["-v"]], ids=["udp", "tcp"])
def test_nsupdate_prerequisites(server, prerequisite, good, bad, rcode, transport):
    """RFC 2136 2.4: all five forms, met and not met."""
    text = "zone example.com\nprereq %s %s\nupdate add made.example.com 60 A 192.0.2.7\nsend\n"
    done = server.nsupdate(text % (prerequisite, bad), "-y", TSIG_OPTION, *transport)
    assert done.returncode == 2 and rcode in done.stderr
    assert server.query("made.example.com", "A").rcode() == dns.rcode.NXDOMAIN
    server.nsupdate_good(text % (prerequisite, good), *transport)
    assert server.records("made.example.com", "A") == ["192.0.2.7"]


@pytest.mark.parametrize("transport", [[], ["-v"]], ids=["udp", "tcp"])
def test_nsupdate_keys(server, transport):
    """Only the right key changes anything."""
    text = "zone example.com\nupdate add key.example.com 60 A 192.0.2.8\nsend\n"
    none = server.nsupdate(text, *transport)
    assert none.returncode == 2 and "REFUSED" in none.stderr
    wrong = server.nsupdate(text, "-y", WRONG_SECRET, *transport)
    assert wrong.returncode != 0 and ("NOTAUTH" in wrong.stderr or "BADSIG" in wrong.stderr)
    unknown = server.nsupdate(text, "-y", TSIG_OPTION.replace("update.", "other."), *transport)
    assert unknown.returncode != 0 and ("NOTAUTH" in unknown.stderr or "BADKEY" in unknown.stderr)
    assert server.query("key.example.com", "A").rcode() == dns.rcode.NXDOMAIN
    server.nsupdate_good(text, *transport)
    assert server.records("key.example.com", "A") == ["192.0.2.8"]


def test_tsig_on_a_query(shared):
    """The answer to a signed query is signed and holds good."""
    query = dns.message.make_query("www.example.com", "A")
    query.use_tsig(KEY, algorithm=KEY.algorithm)
    for ask in (dns.query.udp, dns.query.tcp):
        answer = ask(query, "127.0.0.1", port=shared.dns_port, timeout=WAIT)
        assert answer.had_tsig and answer.answer[0][0].to_text() == "192.0.2.80"


def test_update_of_what_is_not_ours(server):
    assert server.update(("add", "a", 60, "A", "192.0.2.1"), zone="example.org") == dns.rcode.NOTAUTH
    assert server.update(("add", "a", 60, "A", "192.0.2.1"), zone="sub.example.com") == dns.rcode.NOTAUTH
    outside = server.nsupdate("zone example.com\nupdate add a.example.org 60 A 192.0.2.1\nsend\n", "-y", TSIG_OPTION)
    assert outside.returncode == 2 and "NOTZONE" in outside.stderr


def test_update_is_all_or_nothing(server):
    """RFC 2136 3.4.1.3: a fault in the second change undoes the first."""
    message = dns.update.UpdateMessage("example.com")
    message.add("good", 60, "A", "192.0.2.1")
    wire = bytearray(message.to_wire())
    wire[8:10] = b"\0\2"
    wire += b"\xc0\x0c" + struct.pack("!HHIH", 1, 1, 60, 3) + b"abc"  # an A record of three bytes
    answer = exchange_tcp(server, bytes(wire))
    assert answer[3] & 15 in (dns.rcode.FORMERR, dns.rcode.REFUSED)
    assert server.query("good.example.com", "A").rcode() == dns.rcode.NXDOMAIN


def test_cname_beside_data_is_ignored(server):
    """RFC 2136 3.4.2.2"""
    server.set(("add", "www", 60, "CNAME", "printer"))
    assert server.records("www.example.com", "A") == ["192.0.2.80"]
    server.set(("add", "alias", 60, "A", "192.0.2.1"))
    assert server.query("alias.example.com", "CNAME").answer[0][0].to_text() in ("www", "www.example.com.")


def test_apex_stays(server):
    """RFC 2136 3.4.2.4: SOA and the last NS cannot be taken away."""
    server.set(("delete", "@"))
    assert server.records("example.com", "NS") == ["ns1.example.com."]
    assert server.query("example.com", "SOA").answer
    server.set(("delete", "@", "NS", "ns1"))
    assert server.records("example.com", "NS") == ["ns1.example.com."]


if __name__ == "__main__":
    harness.main(__file__)
