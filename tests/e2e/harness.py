"""What the end-to-end tests share: certificates, servers, clients, and a raw DSO client over TLS.

Nothing here sleeps: everything waits for a line, a message or a socket, with a deadline that only a
defect reaches. Sizes and times are those of RFC 8490 and RFC 8765.
"""
import base64
import collections
import contextlib
import json
import os
import pathlib
import re
import signal
import socket
import ssl
import struct
import subprocess
import sys
import threading
import time

import dns.flags
import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.tsig
import dns.update
import dns.wire

SOURCE = pathlib.Path(os.environ.get("DNSPUSH_SOURCE", pathlib.Path(__file__).resolve().parents[2]))
BUILD = pathlib.Path(os.environ.get("DNSPUSH_BUILD", SOURCE / "build"))
DNSPUSHD = str(BUILD / "dnspushd")
DNSPUSH = str(BUILD / "dnspush")
DATA = pathlib.Path(__file__).resolve().parent / "data"

WAIT = 30.0  # seconds: longer than anything that works takes
HOST = "push.example.net"  # in the servers' certificates
KEY_NAME = "update.example.com"
KEY_SECRET = base64.b64encode(b"an end-to-end secret of 32 bytes").decode()
KEY = dns.tsig.Key(KEY_NAME, KEY_SECRET, dns.tsig.HMAC_SHA256)
TSIG_OPTION = "hmac-sha256:%s:%s" % (KEY_NAME, KEY_SECRET)

KEEPALIVE, RETRY_DELAY, PADDING = 1, 2, 3
SUBSCRIBE, PUSH, UNSUBSCRIBE, RECONFIRM = 0x40, 0x41, 0x42, 0x43
NOERROR, FORMERR, SERVFAIL, NOTIMP, REFUSED, NOTAUTH, DSOTYPENI = 0, 1, 2, 4, 5, 9, 11
REMOVE_ONE, REMOVE_ALL = 0xFFFFFFFF, 0xFFFFFFFE

ZONE = """\
$ORIGIN example.com.
$TTL 120
@ 3600 IN SOA ns1 hostmaster 1 3600 900 604800 60
@ 3600 IN NS ns1
ns1 IN A 192.0.2.53
www IN A 192.0.2.80
www IN AAAA 2001:db8::80
alias IN CNAME www
*.wild IN TXT "from the wildcard"
_ipp._tcp IN PTR Office._ipp._tcp
Office._ipp._tcp IN SRV 0 0 631 printer
Office._ipp._tcp IN TXT "txtvers=1"
printer IN A 192.0.2.21
child IN NS ns.child
ns.child IN A 192.0.2.99
"""


def main(path):
    """Run the tests of one file; the exit status is pytest's."""
    import pytest

    sys.dont_write_bytecode = True
    sys.exit(pytest.main([path, "-q", "-rs", "-p", "no:cacheprovider"] + sys.argv[1:]))


def free_port():
    """A port of 127.0.0.1 that is free for TCP and UDP."""
    while True:
        with socket.socket() as tcp, socket.socket(type=socket.SOCK_DGRAM) as udp:
            tcp.bind(("127.0.0.1", 0))
            port = tcp.getsockname()[1]
            with contextlib.suppress(OSError):
                udp.bind(("127.0.0.1", port))
                return port


def run(*command, stdin=None, timeout=WAIT, env=None):
    """Run a program to its end; texts and status of it."""
    return subprocess.run(
        [str(word) for word in command],
        input=stdin,
        stdin=subprocess.DEVNULL if stdin is None else None,
        capture_output=True,
        text=True,
        timeout=timeout,
        env=dict(os.environ, **env) if env else None,
    )


class Lines:
    """The lines of a pipe as they come, read by a thread of their own."""

    def __init__(self, pipe):
        self.lines = []
        self.ended = False
        self.changed = threading.Condition()
        self.thread = threading.Thread(target=self._read, args=(pipe,), daemon=True)
        self.thread.start()

    def _read(self, pipe):
        for line in pipe:
            with self.changed:
                self.lines.append(line.rstrip("\n"))
                self.changed.notify_all()
        with self.changed:
            self.ended = True
            self.changed.notify_all()

    def wait(self, wanted, start=0, timeout=WAIT):
        """The index of the first line from `start` for which wanted(line) holds."""
        deadline = time.monotonic() + timeout
        with self.changed:
            at = start
            while True:
                while at < len(self.lines):
                    if wanted(self.lines[at]):
                        return at
                    at += 1
                left = deadline - time.monotonic()
                assert not self.ended and left > 0, "did not come; all there is:\n" + "\n".join(self.lines)
                self.changed.wait(left)

    def text(self):
        with self.changed:
            return "\n".join(self.lines)


class Process:
    """A program that runs beside the test, with its output by lines."""

    def __init__(self, *command, env=None):
        self.process = subprocess.Popen(
            [str(word) for word in command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=dict(os.environ, **env) if env else None,
        )
        self.out = Lines(self.process.stdout)
        self.err = Lines(self.process.stderr)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        for lines in (self.out, self.err):
            lines.thread.join(WAIT)
        self.process.stdout.close()
        self.process.stderr.close()

    def signal(self, number):
        self.process.send_signal(number)

    def wait(self, timeout=WAIT):
        """Its exit status, with all output read."""
        status = self.process.wait(timeout)
        self.out.thread.join(WAIT)
        self.err.thread.join(WAIT)
        return status


# ---- certificates ----


def openssl(*words):
    done = run("openssl", *words)
    assert done.returncode == 0, done.stderr


def make_ca(folder, name):
    """A throw-away CA: FOLDER/NAME.pem and its key."""
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
            "/CN=" + name, "-keyout", folder / (name + ".key"), "-out", folder / (name + ".pem"))
    return folder / (name + ".pem")


def make_certificate(folder, name, ca, hosts):
    """A certificate for `hosts` by `ca`: paths of the certificate and the key."""
    request, key, pem, extra = (folder / (name + suffix) for suffix in (".csr", ".key", ".pem", ".ext"))
    extra.write_text("subjectAltName=" + ",".join("DNS:" + host for host in hosts) + "\n")
    openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=" + name, "-keyout",
            key, "-out", request)
    openssl("x509", "-req", "-in", request, "-CA", ca, "-CAkey", ca.with_suffix(".key"), "-CAcreateserial", "-days",
            "2", "-extfile", extra, "-out", pem)
    key.chmod(0o600)
    return pem, key


def pin_of(certificate):
    """Base64 SHA-256 of the public key."""
    public = subprocess.run(["openssl", "x509", "-in", certificate, "-noout", "-pubkey"], capture_output=True,
                            check=True).stdout
    der = subprocess.run(["openssl", "pkey", "-pubin", "-outform", "der"], input=public, capture_output=True,
                         check=True).stdout
    digest = subprocess.run(["openssl", "dgst", "-sha256", "-binary"], input=der, capture_output=True,
                            check=True).stdout
    return base64.b64encode(digest).decode()


# ---- the server ----


class Server:
    """dnspushd with a folder of its own. Sections given replace or extend those of the default configuration."""

    def __init__(self, folder, certificates, zones=None, start=True, **sections):
        self.folder = pathlib.Path(folder)
        self.ca, certificate, key = certificates
        self.dns_port = free_port()
        self.tls_port = free_port()
        self.path = self.folder / "dnspushd.yaml"
        self.process = None
        zones = {"example.com": ZONE} if zones is None else zones
        self.config = {
            "server": {"workers": 1, "state-dir": "state", "log": {"level": "info"}},
            "listen": {"dns": ["127.0.0.1@%d" % self.dns_port], "tls": ["127.0.0.1@%d" % self.tls_port]},
            "tls": {"certificate": str(certificate), "key": str(key)},
            "limits": {"update-rate": {"burst": 100000, "per-second": 100000}},
            "keys": [{"name": KEY_NAME, "algorithm": "hmac-sha256", "secret": KEY_SECRET}],
            "zones": [
                {"zone": name, "file": name + ".zone", "update": [{"key": KEY_NAME}]} for name in zones
            ],
        }
        for name, value in sections.items():
            if isinstance(value, dict) and isinstance(self.config.get(name), dict):
                self.config[name].update(value)
            else:
                self.config[name] = value
        for name, text in zones.items():
            self.zone_path(name).write_text(text)
        self.write_config()
        if start:
            self.start()

    def zone_path(self, name="example.com"):
        return self.folder / (name + ".zone")

    def write_config(self, text=None):
        """JSON is YAML too, but for durations and sizes, which stand without quotes."""
        if text is None:
            text = re.sub(r'"(\d+(?:ms|[smhKM%])|infinite|auto)"', r"\1", json.dumps(self.config, indent=2))
        self.path.write_text(text)
        self.path.chmod(0o600)

    def start(self):
        self.process = Process(DNSPUSHD, "-c", self.path)
        self.process.err.wait(lambda line: "event=ready" in line)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process:
            self.stop()

    def terminate(self):
        """SIGTERM; its exit status."""
        self.process.signal(signal.SIGTERM)
        return self.finish()

    def finish(self):
        """Wait for the end of a server that was told to stop; its exit status."""
        status = self.process.wait()
        text = self.process.err.text()
        self.process.__exit__()
        self.process = None
        assert "Sanitizer" not in text and "runtime error" not in text, text
        return status

    def stop(self):
        if self.process.process.poll() is None:
            assert self.terminate() == 0
        else:
            status, text = self.process.wait(), self.process.err.text()
            self.process.__exit__()
            self.process = None
            raise AssertionError("dnspushd ended with %d:\n%s" % (status, text))

    def reload(self, word="reloaded"):
        """SIGHUP, and wait for the log line that says how it went."""
        start = len(self.process.err.lines)
        self.process.signal(signal.SIGHUP)
        at = self.process.err.wait(lambda line: re.search(r"event=(reloaded|reload-refused|reload-failed)", line), start)
        line = self.process.err.lines[at]
        assert word in line, self.process.err.text()
        return line

    def is_sanitized(self):
        """Built with AddressSanitizer, which keeps freed memory for a while."""
        return b"__asan_init" in pathlib.Path(DNSPUSHD).read_bytes()

    def memory(self):
        """Resident bytes."""
        for line in open("/proc/%d/status" % self.process.process.pid):
            if line.startswith("VmRSS"):
                return int(line.split()[1]) * 1024
        raise AssertionError("no VmRSS")

    # -- what one asks of it --

    def query(self, name, rdtype, tcp=True, **kwargs):
        question = dns.message.make_query(name, rdtype, **kwargs)
        ask = dns.query.tcp if tcp else dns.query.udp
        return ask(question, "127.0.0.1", port=self.dns_port, timeout=WAIT)

    def records(self, name, rdtype):
        """Rdata texts of an answer."""
        return sorted(rdata.to_text() for rrset in self.query(name, rdtype).answer for rdata in rrset)

    def update(self, *changes, zone="example.com", key=KEY):
        """("add", NAME, TTL, TYPE, RDATA) or ("delete", NAME[, TYPE[, RDATA]])...: all in one UPDATE; its RCODE."""
        message = dns.update.UpdateMessage(zone)
        for change in changes:
            getattr(message, change[0])(*change[1:])
        return self.send_update(message, key)

    def send_update(self, message, key=KEY):
        if key:
            message.use_tsig(key, algorithm=key.algorithm)
        return dns.query.tcp(message, "127.0.0.1", port=self.dns_port, timeout=WAIT).rcode()

    def set(self, *changes, **kwargs):
        assert self.update(*changes, **kwargs) == dns.rcode.NOERROR

    def nsupdate(self, text, *options):
        return run("nsupdate", *options, stdin="server 127.0.0.1 %d\n%s" % (self.dns_port, text))

    def nsupdate_good(self, text, *options):
        done = self.nsupdate(text, "-y", TSIG_OPTION, *options)
        assert done.returncode == 0, done.stdout + done.stderr

    def session(self, **kwargs):
        return Session(self.tls_port, self.ca, **kwargs)

    def established(self, **kwargs):
        session = self.session(**kwargs)
        session.keepalive()
        return session

    def client_options(self):
        return ["--server", "127.0.0.1@%d" % self.tls_port, "--tls-ca", self.ca, "--tls-hostname", HOST]

    def client(self, command, *words, env=None, **kwargs):
        """dnspush COMMAND to its end."""
        split = words.index("--") if "--" in words else len(words)
        return run(DNSPUSH, command, *words[:split], *self.client_options(), *words[split:], env=env, **kwargs)

    def watch(self, *words, env=None, options=None):
        return Watch(DNSPUSH, "watch", *words, "--json", *(self.client_options() if options is None else options),
                     env=env)


class Watch(Process):
    """dnspush watch --json, with the place up to which its events were looked at."""

    def __init__(self, *command, env=None):
        super().__init__(*command, env=env)
        self.at = 0

    def event(self, kind=None, **members):
        """The next event like that, skipping others."""

        def wanted(line):
            event = json.loads(line)
            return (kind is None or event["event"] == kind) and all(event.get(k) == v for k, v in members.items())

        at = self.out.wait(wanted, self.at)
        self.at = at + 1
        return json.loads(self.out.lines[at])

    def next(self):
        """The very next event."""
        return self.event()

    def batch(self):
        """(kind, name, ttl, type, rdata) of the changes up to the next end of a batch."""
        changes = []
        while True:
            event = self.next()
            if event["event"] == "batch":
                assert event["changes"] == len(changes)
                return changes
            assert event["event"] in ("add", "remove"), event
            changes.append((event["event"], event["name"], event["ttl"], event["type"], event["rdata"]))


# ---- DSO messages ----

Message = collections.namedtuple("Message", "id flags counts tlvs raw")
Change = collections.namedtuple("Change", "name rdtype rdclass ttl rdata rdlen")


def tlv(kind, data=b""):
    return struct.pack("!HH", kind, len(data)) + data


def dso(ident, body=b"", flags=0x3000, counts=(0, 0, 0, 0)):
    """A DSO message; `body` is its TLVs."""
    return struct.pack("!HHHHHH", ident, flags, *counts) + body


def keepalive(ident, inactivity=15000, interval=3600000, extra=b"", flags=0x3000):
    return dso(ident, tlv(KEEPALIVE, struct.pack("!II", inactivity, interval)) + extra, flags)


def question(name, rdtype, rdclass=1):
    if isinstance(rdtype, str):
        rdtype = dns.rdatatype.from_text(rdtype)
    return dns.name.from_text(name).to_wire() + struct.pack("!HH", rdtype, rdclass)


def subscribe(ident, name, rdtype, rdclass=1, extra=b""):
    return dso(ident, tlv(SUBSCRIBE, question(name, rdtype, rdclass)) + extra)


def unsubscribe(ident):
    return dso(0, tlv(UNSUBSCRIBE, struct.pack("!H", ident)))


def frame(*messages):
    return b"".join(struct.pack("!H", len(message)) + message for message in messages)


def parse(raw):
    assert len(raw) >= 12, raw.hex()
    fields = struct.unpack("!HHHHHH", raw[:12])
    tlvs, at = [], 12
    if (fields[1] >> 11) & 15 == 6:
        while at < len(raw):
            kind, length = struct.unpack("!HH", raw[at:at + 4])
            assert at + 4 + length <= len(raw), "TLV past the end: " + raw.hex()
            tlvs.append((kind, raw[at + 4:at + 4 + length]))
            at += 4 + length
    return Message(fields[0], fields[1], fields[2:], tlvs, raw)


def parse_push(message):
    """The changes of a PUSH, with names and rdata decompressed; asserts what holds for every PUSH."""
    assert message.id == 0 and message.flags == 0x3000 and message.counts == (0, 0, 0, 0), message
    assert message.tlvs[0][0] == PUSH and all(kind == PADDING for kind, _ in message.tlvs[1:]), message
    assert len(message.raw) <= 16382
    parser = dns.wire.Parser(message.raw, 16)
    changes = []
    with parser.restrict_to(len(message.tlvs[0][1])):
        while parser.remaining() > 0:
            name = parser.get_name()
            rdtype, rdclass, ttl, rdlen = parser.get_struct("!HHIH")
            rdata = None
            if ttl != REMOVE_ALL:
                assert rdtype not in (255,) and rdclass != 255
                with parser.restrict_to(rdlen):
                    rdata = dns.rdata.from_wire_parser(rdclass, rdtype, parser)
                    rdata = rdata.to_text(origin=None, relativize=False)
            else:
                assert rdlen == 0
            assert ttl <= 0x7FFFFFFF or ttl in (REMOVE_ONE, REMOVE_ALL), "reserved TTL %x" % ttl
            changes.append(Change(name.to_text().lower(), rdtype, rdclass, ttl, rdata, rdlen))
    assert changes, "PUSH without a change"
    return changes


class View:
    """What a client knows: records by (name, type, class, rdata), brought up to date by PUSH messages."""

    def __init__(self):
        self.records = {}

    def apply(self, changes):
        for c in changes:
            if c.ttl == REMOVE_ALL:
                for key in list(self.records):
                    if key[0] == c.name and (c.rdclass == 255 or (c.rdclass == key[2] and c.rdtype in (255, key[1]))):
                        del self.records[key]
            elif c.ttl == REMOVE_ONE:
                self.records.pop((c.name, c.rdtype, c.rdclass, c.rdata), None)
            else:
                self.records[c.name, c.rdtype, c.rdclass, c.rdata] = c.ttl

    def at(self, name, rdtype):
        """Records that a subscription to that question would show: {(type, rdata): ttl}."""
        name = dns.name.from_text(name).to_text().lower()
        rdtype = dns.rdatatype.from_text(rdtype) if isinstance(rdtype, str) else rdtype
        return {
            (dns.rdatatype.to_text(key[1]), key[3]): ttl
            for key, ttl in self.records.items()
            if key[0] == name and rdtype in (255, key[1])
            or key[0] == name and key[1] == dns.rdatatype.CNAME
        }


# ---- a raw session ----


class Reset(Exception):
    """The peer sent RST."""


class Ended(Exception):
    """The peer sent close_notify or FIN; `notified` says whether close_notify came."""

    def __init__(self, notified):
        super().__init__("close_notify" if notified else "FIN without close_notify")
        self.notified = notified


class Silence(Exception):
    """Nothing came in time."""


class Session:
    """One TLS connection to a server, with DNS messages in and out and the end of the connection in full detail."""

    def __init__(self, port, ca, hostname=HOST, rcvbuf=None):
        self.socket = socket.socket()
        if rcvbuf:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, rcvbuf)
        self.socket.settimeout(WAIT)
        self.socket.connect(("127.0.0.1", port))
        context = ssl.create_default_context(cafile=str(ca))
        context.set_alpn_protocols(["dot"])
        self._start(context, server_hostname=hostname)

    @classmethod
    def accepted(cls, sock, context):
        """The server's end of a connection."""
        self = cls.__new__(cls)
        self.socket = sock
        self._start(context, server_side=True)
        return self

    def _start(self, context, **options):
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing, **options)
        self.plain = bytearray()
        self.next_id = 1
        self.was_reset = False
        self._handshake()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def abort(self):
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def _handshake(self):
        while True:
            try:
                self.tls.do_handshake()
                self._flush()
                return
            except ssl.SSLWantReadError:
                self._flush()
                self._read_socket(time.monotonic() + WAIT)

    def _flush(self):
        data = self.outgoing.read()
        if data:
            self.send_raw(data)

    def send_raw(self, data):
        """Bytes as they are, below TLS."""
        try:
            self.socket.settimeout(WAIT)
            self.socket.sendall(data)
        except (ConnectionResetError, BrokenPipeError):
            self.was_reset = True

    def _read_socket(self, deadline):
        left = deadline - time.monotonic()
        if self.was_reset:
            raise Reset()
        try:
            self.socket.settimeout(max(left, 0.001))
            data = self.socket.recv(65536)
        except ConnectionResetError:
            self.was_reset = True
            raise Reset() from None
        except (socket.timeout, BlockingIOError):
            raise Silence() from None
        if data:
            self.incoming.write(data)
        else:
            self.incoming.write_eof()

    def send_bytes(self, data):
        """One TLS record (as far as it fits)."""
        self.tls.write(data)
        self._flush()

    def record(self, data):
        """The bytes of a TLS record, to be sent by send_raw()."""
        self.tls.write(data)
        return self.outgoing.read()

    def send(self, *messages):
        """Messages, all in one record."""
        self.send_bytes(frame(*messages))

    def recv_raw(self, timeout=WAIT):
        """The next message. Raises Reset, Ended or Silence."""
        deadline = time.monotonic() + timeout
        while True:
            if len(self.plain) >= 2:
                length = struct.unpack("!H", self.plain[:2])[0]
                if len(self.plain) >= 2 + length:
                    raw = bytes(self.plain[2:2 + length])
                    del self.plain[:2 + length]
                    return raw
            try:
                data = self.tls.read(65536)
                if not data:
                    raise Ended(True)
                self.plain += data
            except ssl.SSLWantReadError:
                self._read_socket(deadline)
            except ssl.SSLZeroReturnError:
                raise Ended(True) from None
            except ssl.SSLEOFError:
                raise Ended(False) from None

    def recv(self, timeout=WAIT):
        return parse(self.recv_raw(timeout))

    def take_id(self):
        self.next_id += 1
        return self.next_id - 1

    def keepalive(self, inactivity=15000, interval=3600000):
        """A Keepalive exchange; the granted (inactivity, interval) in ms. The next message must be the response."""
        ident = self.take_id()
        self.send(keepalive(ident, inactivity, interval))
        message = self.recv()
        assert message.id == ident and message.flags == 0xB000 and message.counts == (0, 0, 0, 0), message
        assert [kind for kind, _ in message.tlvs] == [KEEPALIVE], message
        return struct.unpack("!II", message.tlvs[0][1])

    def expect_alive(self):
        """A Keepalive request sent next is answered next: nothing else was sent before it either."""
        self.keepalive()

    def expect_reset(self, timeout=WAIT):
        """RST, without close_notify and without a byte before it."""
        try:
            message = self.recv_raw(timeout)
        except Reset:
            return
        raise AssertionError("instead of a reset came " + message.hex())

    def expect(self, ident, rcode, tlvs=()):
        """The response to a request."""
        message = self.recv()
        assert (message.id, message.flags) == (ident, 0xB000 | rcode), message
        assert message.counts == (0, 0, 0, 0) and message.tlvs == list(tlvs), message
        return message

    def expect_error(self, ident, rcode, delay_s=None):
        tlvs = [] if delay_s is None else [(RETRY_DELAY, struct.pack("!I", delay_s * 1000))]
        return self.expect(ident, rcode, tlvs)

    def subscribe(self, name, rdtype, rdclass=1):
        """An accepted SUBSCRIBE; its ID. What is pushed for it comes after."""
        ident = self.take_id()
        self.send(subscribe(ident, name, rdtype, rdclass))
        self.expect(ident, NOERROR)
        return ident

    def refused(self, name, rdtype, rcode, delay_s, rdclass=1):
        ident = self.take_id()
        self.send(subscribe(ident, name, rdtype, rdclass))
        self.expect_error(ident, rcode, delay_s)
        return ident

    def push(self, timeout=WAIT):
        """The changes of the next message, which must be a PUSH."""
        return parse_push(self.recv(timeout))

    def query(self, name, rdtype, **kwargs):
        """An ordinary query in the session."""
        asked = dns.message.make_query(name, rdtype, **kwargs)
        self.send(asked.to_wire())
        answer = dns.message.from_wire(self.recv_raw())
        assert answer.id == asked.id
        return answer


class FakeServer:
    """A server that does what the test says, to see what a client does about it."""

    def __init__(self, certificates):
        _, certificate, key = certificates
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(certificate, key)
        self.context.set_alpn_protocols(["dot"])
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.settimeout(WAIT)
        self.port = self.listener.getsockname()[1]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.close()

    def accept(self):
        return Session.accepted(self.listener.accept()[0], self.context)

    def established(self, inactivity=15000, interval=3600000):
        """A client that got its session: its first message must be a Keepalive request (DSO-031, DSO-093)."""
        session = self.accept()
        first = session.recv()
        assert first.id != 0 and first.flags == 0x3000 and first.counts == (0, 0, 0, 0), first
        assert first.tlvs[0][0] == KEEPALIVE and len(first.tlvs[0][1]) == 8
        session.send(keepalive(first.id, inactivity, interval, flags=0xB000))
        return session

    def subscribed(self):
        """A client whose one SUBSCRIBE was accepted: the session and the ID."""
        session = self.established()
        message = session.recv()
        assert message.id != 0 and message.flags == 0x3000 and message.tlvs[0][0] == SUBSCRIBE, message
        session.send(dso(message.id, flags=0xB000))
        return session, message.id


def short(changes):
    """Changes in a form easy to compare: (name, type, ttl, rdata), sorted."""
    return sorted((c.name, dns.rdatatype.to_text(c.rdtype), c.ttl, c.rdata or "") for c in changes)
