"""The live part of `make demo`: follow names with `dnspush watch`, make changes as people make them (nsupdate, an edited
zone file), and show every push as it arrives, with the time from the change being sent to the push being read."""
import datetime
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time

WATCHED = ["_ipp._tcp.example.com/PTR", "_airplay._tcp.example.com/PTR", "printer.example.com/A",
           "www.example.com/ANY", "example.com/TXT", "Office\\032Printer._ipp._tcp.example.com/ANY"]
PATIENCE = 10  # seconds to wait for a push before the demo is called a failure
PAUSE = 1.2    # seconds between the steps, for the person who reads

COLOUR = sys.stdout.isatty() and "NO_COLOR" not in os.environ


def paint(code, text):
    return f"\033[{code}m{text}\033[0m" if COLOUR else text


class Failure(Exception):
    pass


class Watch:
    """`dnspush watch --json` and its events."""

    def __init__(self, program, server, ca):
        command = [program, "watch", *WATCHED, "--server", server, "--tls-ca", ca, "--json"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.events = queue.Queue()
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        for line in self.process.stdout:
            self.events.put(json.loads(line))
        self.events.put(None)

    def next(self):
        try:
            event = self.events.get(timeout=PATIENCE)
        except queue.Empty:
            raise Failure(f"nothing arrived within {PATIENCE} s") from None
        if event is None:
            raise Failure("dnspush watch has ended")
        return event


def seconds(event):
    return datetime.datetime.fromisoformat(event["time"].replace("Z", "+00:00")).timestamp()


def show(event, since=None):
    sign = paint("1;32", "+") if event["event"] == "add" else paint("1;31", "-")
    latency = ""
    if since is not None:
        latency = paint("36", f"{(seconds(event) - since) * 1000:7.2f} ms")
    print(f"    {latency or ' ' * 10}  {sign} {event['name']} {event['ttl']} {event['type']} "
          f"{paint('1', event['rdata'])}", flush=True)


class Nsupdate:
    """A running nsupdate, so that starting the program does not count as latency."""

    def __init__(self, port, key):
        self.process = subprocess.Popen(["nsupdate", "-y", key], stdin=subprocess.PIPE, text=True)
        self.write(f"server 127.0.0.1 {port}\nzone example.com\n")

    def write(self, text):
        self.process.stdin.write(text)
        self.process.stdin.flush()

    def send(self, lines):
        self.write("".join(f"update {line}\n" for line in lines))
        sent = time.time()
        self.write("send\n")
        return sent


def edit_zone(path, old, new):
    with open(path, encoding="utf-8") as file:
        text = file.read()
    if old not in text:
        raise Failure(f"{path}: the line to edit is not there")
    with open(path + ".new", "w", encoding="utf-8") as file:
        file.write(text.replace(old, new))
    os.replace(path + ".new", path)


def main():
    program, folder, dns_port, tls_port, key, pid = sys.argv[1:]
    zone = os.path.join(folder, "example.com.zone")
    watch = Watch(program, f"127.0.0.1@{tls_port}", os.path.join(folder, "ca.pem"))
    nsupdate = Nsupdate(dns_port, key)
    latencies = []

    def until_settled(changes, since):
        """Show changes until as many as expected have come."""
        seen = 0
        while seen < changes:
            event = watch.next()
            if event["event"] in ("add", "remove"):
                show(event, since)
                latencies.append((seconds(event) - since) * 1000)
                seen += 1
            elif event["event"] in ("refused", "disconnected"):
                raise Failure(json.dumps(event))

    def step(title, what, changes, act):
        time.sleep(PAUSE)
        print(f"\n  {paint('1;33', title)}\n    {paint('2', what)}", flush=True)
        until_settled(changes, act())

    def update(title, lines, changes):
        what = "nsupdate: " + "; ".join(lines[:2]) + (f"; ... ({len(lines)} lines)" if len(lines) > 2 else "")
        step(title, what, changes, lambda: nsupdate.send(lines))

    def edited(title, what, changes, *edits):
        def act():
            for old, new in edits:
                edit_zone(zone, old, new)
            since = time.time()
            os.kill(int(pid), signal.SIGHUP)
            return since
        step(title, what, changes, act)

    print(f"\n  {paint('1;33', 'dnspush watch')} {' '.join(WATCHED)}", flush=True)
    subscribed = 0
    initial = 0
    while subscribed < len(WATCHED) or initial < 10:
        event = watch.next()
        if event["event"] == "connected":
            print(f"    connected to {event['server']}, {event['tls']}, server authenticated by its certificate "
                  f"({event['authenticated']})")
        elif event["event"] == "subscribed":
            subscribed += 1
        elif event["event"] == "add":
            initial += 1
            show(event)
        elif event["event"] in ("refused", "disconnected"):
            raise Failure(json.dumps(event))

    update("A new printer appears",
           ["add _ipp._tcp.example.com. 120 PTR Photo._ipp._tcp.example.com.",
            "add Photo._ipp._tcp.example.com. 120 SRV 0 0 631 laser.example.com."], 1)
    update("A host moves to another address",
           ["delete printer.example.com. A", "add printer.example.com. 120 A 192.0.2.99"], 2)
    update("Only a TTL changes", ["add example.com. 300 TXT \"dnspush example zone\""], 1)
    edited("Somebody edits the zone file: another speaker, another text", "an editor, then kill -HUP", 3,
           ("Kitchen._airplay._tcp\n", "Kitchen._airplay._tcp\n_airplay._tcp\t\tIN PTR\tBath._airplay._tcp\n"),
           ("example zone\"", "demo zone\""))
    update("A burst of ten changes in one update",
           [f"add _ipp._tcp.example.com. 120 PTR Unit{i}._ipp._tcp.example.com." for i in range(10)], 10)
    update("All of them go at once", ["delete _ipp._tcp.example.com. PTR"], 13)
    update("A service is withdrawn whole", ["delete Office\\032Printer._ipp._tcp.example.com."], 2)

    nsupdate.process.stdin.close()
    nsupdate.process.wait(timeout=PATIENCE)
    watch.process.send_signal(signal.SIGINT)
    if watch.process.wait(timeout=PATIENCE) != 0:
        raise Failure("dnspush watch did not end in an orderly way")
    latencies.sort()
    print(f"\n  {len(latencies)} changes pushed; from the change being sent to the push being read: "
          f"median {latencies[len(latencies) // 2]:.2f} ms, slowest {latencies[-1]:.2f} ms")
    print("  Next: `make run` leaves a server running for you; README.md shows how to use your own zone.")


try:
    main()
except Failure as failure:
    print(f"demo: {failure}", file=sys.stderr)
    sys.exit(1)
