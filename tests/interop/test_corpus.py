#!/usr/bin/python3
"""Answers of dnspushd against those of Knot DNS and NSD, over a large corpus.

Four zones with the same content (plain, NSEC, NSEC3, NSEC3 with opt-out) are
served by knotd, nsd and dnspushd on loopback ports. Every query goes to all
three; header flags (AA, TC, RCODE) and each section as a set of RRsets (owner,
type, TTL, rdata; RRSIGs too) must equal those of Knot or, where the two
differ, those of NSD. What may differ from both is listed in ALLOWED below, each
with its reason.

Needs knot, nsd, bind9-utils, bind9-dnsutils and python3-dnspython of Debian.

    tests/interop/test_corpus.py [--server build/dnspushd] [--full] [--only NAME] [-v]

Exit 0: all equal; 1: differences, each printed; 77: a program is missing.
Without the program under test, `--peers` shows where Knot and NSD differ.
"""

import argparse
import collections
import os
import random
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import time

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
BUILD = os.environ.get("DNSPUSH_BUILD", os.path.join(TOP, "build"))
CONTENT = os.path.join(HERE, "corpus", "content.zone")

# Zone name -> how it is signed.
ZONES = {
    "plain.test": None,
    "nsec.test": [],
    "nsec3.test": ["-3", "ab12", "-H", "5"],
    "optout.test": ["-3", "-", "-H", "0", "-A"],
}

TYPES = ["A", "AAAA", "NS", "CNAME", "SOA", "MX", "TXT", "SRV", "DNAME", "DS", "ANY"]
RARE_TYPES = ["RRSIG", "NSEC", "NSEC3", "DNSKEY", "NSEC3PARAM", "SVCB", "HTTPS", "CAA", "PTR", "NAPTR", "SSHFP", "TLSA",
              "HINFO", "LOC", "URI", "TYPE65280"]

# (name, EDNS payload or None, DO, TCP)
MODES = [
    ("udp1232", 1232, False, False),
    ("udp1232+do", 1232, True, False),
    ("udp512", None, False, False),
    ("udp512+do", 512, True, False),
    ("tcp", 1232, False, True),
    ("tcp+do", 1232, True, True),
]


# ---- differences from both peers that are right all the same ----

def without(section_of_reply, *types):
    """The RRsets that are of none of the types, nor sign one."""
    return {k: v for k, v in section_of_reply.items() if k[1] not in types and k[2] not in types}


def any_is_all(case):
    """Knot and NSD give one RRset of the name (RFC 8482), dnspushd gives them all."""
    return case.rdtype == "ANY" and set(case.parts) <= {"flags", "answer", "additional"} and \
        case.ours.flags[0] == case.knot.flags[0] and case.ours.flags[2] == case.knot.flags[2] and \
        (case.ours.flags[1] or all(case.ours.answer.get(k) == v for k, v in case.knot.answer.items()))


def long_chain(case):
    """Knot follows five CNAMEs, dnspushd sixteen; NSD follows them all but none for NSEC3."""
    cnames = [k for k in case.knot.answer if k[1] == "CNAME"]
    return len(cnames) == 5 and case.ours.flags[0] == case.knot.flags[0] and \
        (case.ours.flags[1] or all(case.ours.answer.get(k) == v for k, v in case.knot.answer.items()))


def svcb_nsec(case):
    """Knot adds the NSEC or NSEC3 of an SVCB target to the additional section; no validator needs it there."""
    return case.parts == ["additional"] and case.ours.additional == without(case.knot.additional, "NSEC", "NSEC3")


def no_room(case):
    """Which optional addresses and signatures go where space is short is up to the server (RFC 2181 9)."""
    return case.parts == ["additional"] and not case.mode[3] and case.knot.additional and \
        all(case.knot.additional.get(k) == v for k, v in without(case.ours.additional, "RRSIG").items())


ALLOWED = [any_is_all, long_chain, svcb_nsec, no_room]

Case = collections.namedtuple("Case", "rdtype mode ours knot nsd parts")


# ---- names ----

def corpus_names(path):
    """Owner names of the content, and names derived from them, relative to the zone."""
    owners = []
    for line in open(path, encoding="utf-8"):
        if line[:1] in ("", "\n", " ", "\t", ";", "$"):
            continue
        owner = line.split()[0]
        if owner not in owners:
            owners.append(owner)
    names = []

    def add(name):
        if name not in names:
            names.append(name)

    for owner in owners:
        add(owner)
    for owner in owners:
        tail = "" if owner == "@" else "." + owner
        add("nx" + tail if tail else "nx")
        if owner.startswith("*."):
            base = owner[2:]
            add(base)
            add("foo." + base)
            add("a.b." + base)
        parts = owner.split(".")
        for i in range(1, len(parts)):
            add(".".join(parts[i:]))
    for owner in ("wild", "sub", "dn", "ent", "signed", "insecure", "wc", "nosuch", "dn2", "wexist.wild"):
        add("x.y." + owner)
        add("*." + owner)
    add("\\000." + "a")
    add("zzzz")
    add("HOST")
    add("FoO.wIlD")
    add("-")
    label = "a" * 60
    add(".".join([label] * 3) + ".dnlong")
    add(".".join([label] * 3) + ".wild")
    return names


# ---- zones and servers ----

def write_zones(folder):
    """Write and sign the zones; returns zone -> file."""
    files = {}
    content = open(CONTENT, encoding="utf-8").read()
    for zone, signing in ZONES.items():
        path = os.path.join(folder, zone + ".zone")
        soa = "600 IN SOA ns1 hostmaster 2024010101 7200 900 1209600 1800" if signing is None else \
            "3600 IN SOA ns1 hostmaster 2024010101 7200 900 1209600 300"
        with open(path, "w", encoding="utf-8") as f:
            f.write("$ORIGIN %s.\n$TTL 3600\n@ %s\n%s" % (zone, soa, content))
        if signing is not None:
            run = lambda *args: subprocess.run(args, cwd=folder, check=True, stdout=subprocess.DEVNULL,
                                               stderr=subprocess.PIPE)
            run("dnssec-keygen", "-q", "-a", "ECDSAP256SHA256", "-f", "KSK", zone)
            run("dnssec-keygen", "-q", "-a", "ECDSAP256SHA256", zone)
            run("dnssec-signzone", "-S", "-P", "-x", "-O", "full", "-e", "now+30d", "-f", path + ".signed", "-o", zone,
                *signing, path)
            path += ".signed"
        files[zone] = path
    return files


def free_port():
    """A port that is free for UDP and TCP on loopback."""
    while True:
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as t, socket.socket(socket.AF_INET,
                                                                                   socket.SOCK_DGRAM) as u:
            t.bind(("127.0.0.1", 0))
            port = t.getsockname()[1]
            try:
                u.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue


class Server:
    """A name server as a child process, asked over UDP and one TCP connection."""

    def __init__(self, name, folder):
        self.name = name
        self.folder = os.path.join(folder, name)
        os.mkdir(self.folder)
        self.port = free_port()
        self.process = None
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.connect(("127.0.0.1", self.port))
        self.udp.settimeout(2)
        self.tcp = None

    def start(self, args):
        self.log = open(os.path.join(self.folder, "log"), "w", encoding="utf-8")
        self.process = subprocess.Popen(args, stdout=self.log, stderr=self.log, stdin=subprocess.DEVNULL)

    def log_text(self):
        return open(os.path.join(self.folder, "log"), encoding="utf-8", errors="replace").read()

    def wait(self, zones, ready_line=None):
        """Until it answers SOA of every zone with AA."""
        end = time.monotonic() + 20
        while time.monotonic() < end:
            if self.process.poll() is not None:
                raise RuntimeError("%s ended with %s:\n%s" % (self.name, self.process.returncode, self.log_text()))
            if ready_line is None or any(ready_line in line for line in self.log_text().splitlines()):
                try:
                    if all(self.ask(dns.message.make_query(z, "SOA"), False).flags & dns.flags.AA for z in zones):
                        return
                except (OSError, dns.exception.DNSException):
                    pass
            time.sleep(0.1)
        raise RuntimeError("%s is not ready:\n%s" % (self.name, self.log_text()))

    def stop(self):
        if self.tcp:
            self.tcp.close()
        self.udp.close()
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def ask(self, query, tcp):
        wire = query.to_wire()
        return dns.message.from_wire(self.ask_tcp(wire) if tcp else self.ask_udp(wire), ignore_trailing=False)

    def ask_udp(self, wire):
        for attempt in range(3):
            self.udp.send(wire)
            try:
                while True:
                    reply = self.udp.recv(65535)
                    if reply[:2] == wire[:2]:
                        return reply
            except socket.timeout:
                continue
        raise socket.timeout("%s does not answer" % self.name)

    def ask_tcp(self, wire):
        for attempt in range(2):
            try:
                if self.tcp is None:
                    self.tcp = socket.create_connection(("127.0.0.1", self.port), 3)
                self.tcp.sendall(struct.pack("!H", len(wire)) + wire)
                length, = struct.unpack("!H", self.receive(2))
                return self.receive(length)
            except OSError:
                if self.tcp:
                    self.tcp.close()
                self.tcp = None
                if attempt == 1:
                    raise
        raise AssertionError

    def receive(self, count):
        data = b""
        while len(data) < count:
            part = self.tcp.recv(count - len(data))
            if not part:
                raise ConnectionError("closed")
            data += part
        return data


def start_knot(folder, files):
    s = Server("knot", folder)
    conf = os.path.join(s.folder, "knot.conf")
    with open(conf, "w", encoding="utf-8") as f:
        f.write("server:\n  rundir: %s\n  listen: 127.0.0.1@%d\n  udp-workers: 1\n  tcp-workers: 1\n"
                "  background-workers: 1\n  identity: ''\n  version: ''\n" % (s.folder, s.port))
        f.write("log:\n  - target: stderr\n    any: warning\n")
        f.write("database:\n  storage: %s\n" % s.folder)
        f.write("template:\n  - id: default\n    journal-content: none\n    zonefile-load: whole\n"
                "    semantic-checks: off\n    zonefile-sync: -1\nzone:\n")
        for zone, path in files.items():
            f.write("  - domain: %s\n    file: %s\n" % (zone, path))
    s.start(["knotd", "-c", conf])
    return s


def start_nsd(folder, files):
    s = Server("nsd", folder)
    conf = os.path.join(s.folder, "nsd.conf")
    with open(conf, "w", encoding="utf-8") as f:
        f.write('server:\n  ip-address: 127.0.0.1@%d\n  username: ""\n  zonesdir: "%s"\n  database: ""\n'
                '  pidfile: "%s/pid"\n  xfrdfile: "%s/xfrd"\n  xfrdir: "%s"\n  zonelistfile: "%s/list"\n'
                '  server-count: 1\n  ipv4-edns-size: 1232\n  rrl-ratelimit: 0\n  rrl-whitelist-ratelimit: 0\n'
                '  minimal-responses: yes\n  refuse-any: no\n  tcp-timeout: 120\n'
                'remote-control:\n  control-enable: no\n' % ((s.port,) + (s.folder,) * 5))
        for zone, path in files.items():
            f.write('zone:\n  name: "%s"\n  zonefile: "%s"\n' % (zone, path))
    s.start(["nsd", "-d", "-c", conf])
    return s


def start_ours(folder, files, program):
    s = Server("dnspushd", folder)
    conf = os.path.join(s.folder, "dnspushd.yaml")
    with open(conf, "w", encoding="utf-8") as f:
        f.write("server:\n  workers: 1\n  state-dir: %s\n  control: %s/control.sock\n" % (s.folder, s.folder))
        f.write('listen:\n  dns: ["127.0.0.1@%d"]\nzones:\n' % s.port)
        for zone, path in files.items():
            f.write("  - zone: %s\n    file: %s\n" % (zone, path))
    s.start([program, "-c", conf])
    return s


# ---- comparison ----

def section(rrsets):
    """A section as {(owner, type, covers): {(ttl, rdata)}}; letter case aside."""
    result = {}
    for r in rrsets:
        key = (r.name.to_text().lower(), dns.rdatatype.to_text(r.rdtype), dns.rdatatype.to_text(r.covers))
        result.setdefault(key, set()).update((r.ttl, rd.to_text().lower()) for rd in r)
    return result


Reply = collections.namedtuple("Reply", "flags answer authority additional")


def reply_of(message):
    flags = (bool(message.flags & dns.flags.AA), bool(message.flags & dns.flags.TC), dns.rcode.to_text(message.rcode()))
    return Reply(flags, section(message.answer), section(message.authority), section(message.additional))


def differing(ours, knot, nsd):
    """Parts of `ours` that equal neither peer."""
    parts = []
    for part in Reply._fields:
        mine = getattr(ours, part)
        peers = [getattr(knot, part)] + ([getattr(nsd, part)] if nsd else [])
        if any(mine == p for p in peers):
            continue
        # What a truncated answer still holds is up to the server (RFC 2181 9); that it is truncated is compared.
        if part != "flags" and ours.flags[1]:
            continue
        parts.append(part)
    return parts


def show(reply, part):
    value = getattr(reply, part)
    if part == "flags":
        return "AA=%d TC=%d %s" % value
    return "; ".join("%s %s%s %s" % (k[0], k[1], "(" + k[2] + ")" if k[2] != "TYPE0" else "",
                                     sorted((t, d[:60]) for t, d in v)) for k, v in sorted(value.items())) or "-"


def queries(args):
    """(zone, name, type, mode) of the corpus, always the same."""
    rng = random.Random(8765)
    names = corpus_names(CONTENT)
    for zone in ZONES:
        for name in names:
            full = zone + "." if name == "@" else name + "." + zone + "."
            for rdtype in TYPES + RARE_TYPES:
                for mode in MODES:
                    keep = 1.0 if args.full else (0.5 if rdtype in TYPES else 0.12)
                    if mode[0] not in ("udp1232", "udp1232+do"):
                        keep *= 0.25
                    if rng.random() <= keep and (not args.only or args.only in (name, full, zone)):
                        yield zone, full, rdtype, mode


def make_query(name, rdtype, mode):
    q = dns.message.make_query(name, rdtype)
    q.flags = 0
    if mode[1] is not None:
        q.use_edns(0, dns.flags.DO if mode[2] else 0, mode[1])
    return q


def compare(args, knot, nsd, ours):
    counts = collections.Counter()
    failures = 0
    for zone, name, rdtype, mode in queries(args):
        try:
            q = make_query(name, rdtype, mode)
        except dns.exception.DNSException:
            counts["not a name"] += 1
            continue
        counts["queries"] += 1
        k = reply_of(knot.ask(q, mode[3]))
        n = reply_of(nsd.ask(q, mode[3]))
        if ours is None:
            parts = differing(k, n, None)
            mine = None
        else:
            mine = reply_of(ours.ask(q, mode[3]))
            parts = differing(mine, k, n)
            counts["equal to knot"] += not differing(mine, k, None)
            counts["equal to nsd"] += not differing(mine, n, None)
        if not parts:
            continue
        if ours is not None:
            case = Case(rdtype, mode, mine, k, n, parts)
            reason = next((a for a in ALLOWED if a(case)), None)
            if reason:
                counts["allowed: " + reason.__doc__.strip()] += 1
                continue
        failures += 1
        counts["different"] += 1
        if failures <= args.show:
            print("\n%s %s [%s]" % (name, rdtype, mode[0]))
            for part in parts:
                for who, reply in (("knot", k), ("nsd", n), ("ours", mine)):
                    if reply is not None:
                        print("  %-10s %-5s %s" % (part, who, show(reply, part)))
    for what, count in sorted(counts.items()):
        print("%7d  %s" % (count, what))
    if counts["queries"] < (1 if args.only else 2000):
        raise RuntimeError("too few queries to say anything")
    return failures


def main():
    parser = argparse.ArgumentParser(description="answers of dnspushd against Knot and NSD")
    parser.add_argument("--server", default=os.path.join(BUILD, "dnspushd"), help="program under test")
    parser.add_argument("--peers", action="store_true", help="only compare the peers with each other")
    parser.add_argument("--full", action="store_true", help="every name, type and mode")
    parser.add_argument("--only", help="one name (relative or full) or zone")
    parser.add_argument("--show", type=int, default=40, help="differences to print")
    parser.add_argument("--keep", action="store_true", help="keep the temporary folder")
    args = parser.parse_args()

    for program in ("knotd", "nsd", "dnssec-signzone", "dnssec-keygen"):
        if not shutil.which(program) and not os.path.exists("/usr/sbin/" + program):
            print("test_corpus: %s is missing" % program, file=sys.stderr)
            return 77
    if not args.peers and not os.access(args.server, os.X_OK):
        print("test_corpus: %s is missing" % args.server, file=sys.stderr)
        return 77
    os.environ["PATH"] += ":/usr/sbin"
    folder = tempfile.mkdtemp(prefix="dnspush-corpus-")
    servers = []
    try:
        files = write_zones(folder)
        servers.append(start_knot(folder, files))
        servers.append(start_nsd(folder, files))
        ours = None
        if not args.peers:
            ours = start_ours(folder, files, os.path.abspath(args.server))
            servers.append(ours)
        for s in servers:
            s.wait(ZONES, "ready" if s is ours else None)
        failures = compare(args, servers[0], servers[1], ours)
        return 1 if failures and not args.peers else 0
    except subprocess.CalledProcessError as e:
        print("test_corpus: %s failed: %s" % (e.cmd[0], e.stderr.decode(errors="replace")), file=sys.stderr)
        return 1
    except (RuntimeError, OSError, dns.exception.DNSException) as e:
        print("test_corpus: %s" % e, file=sys.stderr)
        return 1
    finally:
        for s in servers:
            s.stop()
        if args.keep:
            print("kept: " + folder)
        else:
            shutil.rmtree(folder)


if __name__ == "__main__":
    sys.exit(main())
