"""The servers of the bench: dnspushd and Knot's knotd, each on free ports of loopback in a folder of its own, started
by hand and stopped by pid."""
import os
import random
import select
import signal
import socket
import subprocess
import time

import messages

ADDRESS = "127.0.0.1"
START_TIMEOUT = 60
STOP_TIMEOUT = 20

DNSPUSHD_CONFIG = """server: {{state-dir: ., control: control.sock, workers: {cores}}}
listen: {{dns: ["{address}@{port}"], tls: ["{address}@{tls_port}"]}}
tls: {{certificate: cert.pem, key: key.pem}}
limits:
  sessions-per-address: 100000
  update-rate: {{burst: 10000000, per-second: 10000000}}
zones: [{{zone: {origin}, file: "{zone}", update: [{{address: {address}}}]}}]
"""

# A journal of changes, as dnspushd; the zone file is never written, as dnspushd.
KNOTD_CONFIG = """server:
    rundir: "{folder}"
    listen: {address}@{port}
    udp-workers: {cores}
    tcp-workers: {cores}
database:
    storage: "{folder}/db"
acl:
  - id: bench
    address: {address}
    action: update
zone:
  - domain: {origin}
    file: "{zone}"
    zonefile-sync: -1
    acl: bench
"""


class Failure(Exception):
    """The bench cannot go on."""


def free_port():
    """
    A port that is free for UDP and TCP. Not one of those that the system hands out to clients: nsupdate takes another of
    them for each UPDATE, shares it with whoever has it, and so would now and then talk to itself.
    """
    while True:
        port = random.randrange(10000, 30000)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp, socket.socket() as tcp:
            try:
                udp.bind((ADDRESS, port))
                tcp.bind((ADDRESS, port))
            except OSError:
                continue
            return port


def make_certificate(folder):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days",
                    "2", "-subj", "/CN=localhost", "-addext", f"subjectAltName=DNS:localhost,IP:{ADDRESS}", "-keyout",
                    os.path.join(folder, "key.pem"), "-out", os.path.join(folder, "cert.pem")], check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    os.chmod(os.path.join(folder, "key.pem"), 0o600)


class Server:
    """One running server. `name` is what the table calls it."""

    def __init__(self, name, folder, zone):
        self.name = name
        self.folder = folder
        self.port = free_port()
        self.log = os.path.join(folder, "log")
        self.values = {"folder": folder, "zone": zone, "origin": messages.ORIGIN, "address": ADDRESS, "port": self.port,
                       "cores": len(os.sched_getaffinity(0))}
        self.process = None
        self.udp = None

    def command(self):
        raise NotImplementedError

    def start(self, name="pushed", rdata="192.0.2.1"):
        """Start it; gives the seconds until it answers `name` as the zone file says, found out by asking."""
        command = self.command()
        with open(self.log, "wb") as log:
            start = time.monotonic()
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.connect((ADDRESS, self.port))
        self.await_answer(name, rdata, START_TIMEOUT)
        return time.monotonic() - start

    def await_answer(self, name, rdata, timeout):
        end = time.monotonic() + timeout
        while self.address_of(name, 0.1) != rdata:
            if self.process.poll() is not None:
                raise Failure(f"{self.name} has ended; its log:\n{self.read_log()}")
            if time.monotonic() > end:
                raise Failure(f"{self.name} does not answer {name} with {rdata}; its log:\n{self.read_log()}")
            time.sleep(0.002)

    def read_log(self):
        with open(self.log, encoding="utf-8", errors="replace") as file:
            return file.read()[-4000:]

    def exchange(self, message, timeout=5.0):
        """Send a message over UDP; the answer, or None."""
        try:
            self.udp.send(message)
            end = time.monotonic() + timeout
            while select.select([self.udp], [], [], max(0.0, end - time.monotonic()))[0]:
                answer = self.udp.recv(65535)
                if answer[:2] == message[:2]:
                    return answer
        except ConnectionError:
            pass  # not there yet
        return None

    def address_of(self, name, timeout=5.0):
        return messages.address_in(self.exchange(messages.query(name), timeout))

    def update(self, name, rdata):
        """Give a name another address. Gives the seconds until the answer."""
        start = time.monotonic()
        answer = self.exchange(messages.update(name, rdata))
        took = time.monotonic() - start
        if answer is None or messages.rcode(answer) != 0:
            raise Failure(f"{self.name} refuses an UPDATE" if answer else f"{self.name} does not answer an UPDATE")
        return took

    def memory(self):
        """Resident, proportional and highest resident memory in bytes."""
        found = {}
        for part in ("status", "smaps_rollup"):
            with open(f"/proc/{self.process.pid}/{part}", encoding="ascii") as file:
                for line in file:
                    word, _, rest = line.partition(":")
                    if word in ("VmRSS", "VmHWM", "Pss"):
                        found[word] = int(rest.split()[0]) * 1024
        return found["VmRSS"], found["Pss"], found["VmHWM"]

    def cpu(self):
        """Seconds of processor time so far."""
        with open(f"/proc/{self.process.pid}/stat", encoding="ascii") as file:
            fields = file.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def reload(self):
        self.process.send_signal(signal.SIGHUP)

    def stop(self):
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(timeout=STOP_TIMEOUT)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        if self.udp is not None:
            self.udp.close()


class Dnspushd(Server):
    def __init__(self, build, folder, zone):
        super().__init__("dnspushd", folder, zone)
        self.program = os.path.join(build, "dnspushd")
        self.tls_port = free_port()
        make_certificate(folder)

    def command(self):
        path = os.path.join(self.folder, "dnspushd.yaml")
        with open(path, "w", encoding="ascii") as file:
            file.write(DNSPUSHD_CONFIG.format(tls_port=self.tls_port, **self.values))
        return [self.program, "-c", path]


class Knotd(Server):
    def __init__(self, folder, zone):
        super().__init__("knotd", folder, zone)

    def command(self):
        path = os.path.join(self.folder, "knot.conf")
        os.makedirs(os.path.join(self.folder, "db"), exist_ok=True)
        with open(path, "w", encoding="ascii") as file:
            file.write(KNOTD_CONFIG.format(**self.values))
        return ["knotd", "-c", path]
