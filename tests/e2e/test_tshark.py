"""What another implementation of DSO makes of our bytes: tshark, with the keys of the session."""
import json
import re
import signal
import socket
import struct
import subprocess

import pytest

import harness
from harness import Process, run

# What tshark 4.0 gets wrong: it expects a TLV in each DSO message, so it calls a SUBSCRIBE response, which has none
# (RFC 8765 6.2.2), malformed. That and nothing else is let through.


class Capture:
    """tshark on the loopback interface, for the TLS port of a server."""

    def __init__(self, server, folder):
        self.server = server
        self.path = folder / "session.pcap"
        self.keys = folder / "keys.log"
        self.keys.touch()
        self.process = Process("tshark", "-i", "lo", "-f", "tcp port %d" % server.tls_port, "-w", self.path, "-F", "pcap",
                               "-P", "-l", "-n")

    def __enter__(self):
        """It says that it captures before it does: so connections are made until one is seen."""
        self.probes = set()
        for _ in range(60):
            with socket.create_connection(("127.0.0.1", self.server.tls_port), harness.WAIT) as probe:
                self.probes.add(probe.getsockname()[1])
            try:
                self.process.out.wait(lambda line: True, timeout=0.5)
                return self
            except AssertionError:
                assert self.process.process.poll() is None, self.process.err.text()
        raise AssertionError("nothing is captured")

    def __exit__(self, *_):
        if self.process.process.poll() is None:
            self.process.signal(signal.SIGINT)  # killed, it would leave its dumpcap behind
            self.process.wait()
        self.process.__exit__()

    def end(self):
        """After the client's FIN has been seen."""
        pattern = re.compile(r" (\d+) \u2192 %d .*FIN" % self.server.tls_port)

        def is_end(line):
            found = pattern.search(line)
            return found and int(found.group(1)) not in self.probes

        self.process.out.wait(is_end)
        self.process.signal(signal.SIGINT)
        self.process.wait()

    def read(self, *words):
        done = run("tshark", "-r", self.path, "-n", "-o", "tls.keylog_file:%s" % self.keys, "-d",
                   "tls.port==%d,dns" % self.server.tls_port, *words)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def messages(self):
        """(direction, raw, layer, frame) of each DNS message, in order."""
        packets = json.loads(self.read("-T", "json", "-x", "--no-duplicate-keys", "-Y", "dns"))
        found = []
        for packet in packets:
            layers = packet["_source"]["layers"]
            sent = layers["tcp"]["tcp.dstport"] == str(self.server.tls_port)
            layer, raw = layers["dns"], layers["dns_raw"]
            layer = layer if isinstance(layer, list) else [layer]
            raw = raw if isinstance(raw[0], list) else [raw]
            for one, bytes_of in zip(layer, raw):
                message = bytes.fromhex(bytes_of[0])
                if "dns.length" in one:  # the frame's length belongs to the layer
                    message = message[2:]
                found.append(("C" if sent else "S", message, one, layers["frame"]["frame.number"]))
        return found


def can_capture():
    try:
        done = subprocess.run(["tshark", "-i", "lo", "-c", "1", "-a", "duration:1", "-f", "udp port 9"],
                              capture_output=True, text=True, timeout=harness.WAIT)
    except FileNotFoundError:
        return "tshark is not installed"
    return "" if done.returncode == 0 else "tshark cannot capture: " + done.stderr.strip().splitlines()[-1]


@pytest.fixture
def capture(server, tmp_path):
    why = can_capture()
    if why:
        pytest.skip(why)
    with Capture(server, tmp_path) as c:
        yield c


def test_a_session(server, capture):
    """DSO-001, DSO-004, DSO-005, DSO-006, DSO-012, DSO-017, DSO-055, DSO-056, PUSH-052, PUSH-071, PUSH-078: a whole
    watch, as tshark decodes it: no message of ours is malformed, and each has the form of the RFCs."""
    with server.watch("www.example.com", "ANY", "--exec", "cat >/dev/null",
                      env={"SSLKEYLOGFILE": str(capture.keys)}) as watch:
        watch.event("subscribed")
        watch.batch()
        server.set(("add", "www", 60, "TXT", '"a change"'), ("add", "www", 60, "MX", "1 mail.example.com."))
        watch.batch()
        server.set(("delete", "www", "AAAA"))
        watch.batch()
        server.set(("delete", "www"))
        watch.batch()
        server.config["dso"] = {"inactivity-timeout": "20s", "keepalive-interval": "30s"}
        server.write_config()
        server.reload()
        server.set(("add", "www", 60, "A", "192.0.2.1"))
        watch.batch()
        assert server.terminate() == 0  # with a Retry Delay
        assert watch.event("disconnected")["retry_after"] > 0
        capture.end()
        watch.signal(signal.SIGINT)
        assert watch.wait() == 0
    messages = capture.messages()
    kinds = [(way, struct.unpack("!HH", raw[12:16])[0] if len(raw) > 12 else None, raw[2] >> 7)
             for way, raw, _, _ in messages]
    assert kinds[:4] == [("C", 1, 0), ("S", 1, 1), ("C", 0x40, 0), ("S", None, 1)], kinds
    assert kinds[4:] == 4 * [("S", 0x41, 0)] + [("S", 1, 0), ("S", 0x41, 0), ("S", 2, 0)], kinds
    used = set()
    for way, raw, layer, _ in messages:
        ident, flags, *counts = struct.unpack("!HHHHHH", raw[:12])
        assert counts == [0, 0, 0, 0] and (flags >> 11) & 15 == 6 and flags & 0x07FF == 0
        assert int(layer["dns.id"], 16) == ident
        assert layer["dns.flags_tree"]["dns.flags.opcode"] == "6"
        if flags & 0x8000 == 0 and ident:
            assert way == "C" and ident not in used
            used.add(ident)
    bare = [frame for _, raw, _, frame in messages if len(raw) == 12]
    malformed = capture.read("-Y", "_ws.malformed", "-T", "fields", "-e", "frame.number").split()
    assert set(malformed) <= set(bare), capture.read("-V", "-Y", "_ws.malformed")
    text = capture.read("-V", "-Y", "dns")
    assert text.count("[Malformed Packet: ") <= len(bare), text
    assert "Keep Alive" in text or "KeepAlive" in text or "Keepalive" in text
    assert "Retry Delay" in text


if __name__ == "__main__":
    harness.main(__file__)
