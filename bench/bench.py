"""Measure dnspushd beside Knot DNS: bench.py BUILD WORKFOLDER RESULTFILE RECORDS. See bench/run.sh."""
import datetime
import json
import os
import platform
import queue
import re
import statistics
import subprocess
import sys
import threading
import time

import messages
import servers

STARTS = 3            # of each server; the table has the median
QUERY_RUNS = 3
QUERY_SECONDS = 4
SINGLE_UPDATES = 100
RATE_UPDATES = 300    # of one record each to begin with; four times as many while that takes less than a second
BATCHES = 40          # messages
BATCH_RECORDS = 200   # records a message
RELOAD_TIMEOUT = 60
PUSHES = 200
SESSIONS = 1000
ROUNDS = 50
MEBIBYTE = 1 << 20


def say(text):
    print(text, flush=True)


# ---- one server with the large zone ----

def measure_queries(server, queries):
    """Queries a second, and microseconds of processor time a query."""
    rates, costs = [], []
    for _ in range(QUERY_RUNS):
        before = server.cpu()
        run = subprocess.run(["dnsperf", "-s", servers.ADDRESS, "-p", str(server.port), "-d", queries, "-l",
                              str(QUERY_SECONDS), "-c", "16", "-T", "1", "-q", "200"], capture_output=True, text=True,
                             check=True)
        spent = server.cpu() - before
        rate = float(re.search(r"Queries per second:\s+([\d.]+)", run.stdout)[1])
        completed, share = re.search(r"Queries completed:\s+(\d+) \(([\d.]+)%\)", run.stdout).groups()
        codes = re.search(r"Response codes:\s+(.*)", run.stdout)[1]
        if float(share) < 99 or set(re.findall(r"[A-Z]+", codes)) != {"NOERROR", "NXDOMAIN"}:
            raise servers.Failure(f"{server.name} answers {share}% of the queries: {codes}")
        rates.append(rate)
        costs.append(spent / int(completed) * 1e6)
    return statistics.median(rates), statistics.median(costs)


def measure_updates(server):
    """Median seconds until one UPDATE is answered; the next query must have the changed record."""
    took = []
    for i in range(SINGLE_UPDATES):
        address = f"10.2.{i >> 8}.{i & 255}"
        took.append(server.update("pushed", address))
        if server.address_of("pushed") != address:
            raise servers.Failure(f"{server.name} has answered an UPDATE, but not with it")
    return statistics.median(took)


def run_nsupdate(server, lines):
    text = f"server {servers.ADDRESS} {server.port}\nzone {messages.ORIGIN}\n" + "\n".join(lines) + "\n"
    start = time.monotonic()
    run = subprocess.run(["nsupdate"], input=text, capture_output=True, text=True, check=False)
    if run.returncode != 0 or run.stderr:
        raise servers.Failure(f"nsupdate against {server.name} after {time.monotonic() - start:.1f} s: {run.stderr}"
                              f"its log:\n{server.read_log()}")
    return time.monotonic() - start


def measure_single_rate(server):
    """UPDATEs of one record each a second, one after the other by one nsupdate."""
    count, took = RATE_UPDATES, 0.0
    while took < 1:
        lines = []
        for i in range(count):
            lines += [f"update add rate-{count}-{i}.{messages.ORIGIN}. 60 A 10.3.{i >> 8 & 255}.{i & 255}", "send"]
        took = run_nsupdate(server, lines)
        if server.address_of(f"rate-{count}-{count - 1}") is None:
            raise servers.Failure(f"{server.name} does not have what nsupdate added")
        rate = count / took
        count *= 4
    return rate


def measure_batch_rate(server):
    """Records a second in large UPDATEs."""
    lines = []
    for batch in range(BATCHES):
        lines += [f"update add batch-{batch}-{i}.{messages.ORIGIN}. 60 A 10.4.{batch}.{i}" for i in range(BATCH_RECORDS)]
        lines.append("send")
    took = run_nsupdate(server, lines)
    if server.address_of(f"batch-{BATCHES - 1}-{BATCH_RECORDS - 1}") is None:
        raise servers.Failure(f"{server.name} does not have what nsupdate added")
    return BATCHES * BATCH_RECORDS / took


def edit_zone(path, serial, address):
    """Change the record and the serial in the zone file, as an editor does: by another file in its place."""
    with open(path, encoding="ascii") as old, open(path + ".new", "w", encoding="ascii") as new:
        for number, line in enumerate(old):
            if number == 2:
                line = re.sub(r"hostmaster \d+", f"hostmaster {serial}", line)
            elif line.startswith("edited "):
                line = re.sub(r" A .*", f" A {address}", line)
            new.write(line)
    os.replace(path + ".new", path)


def measure_reload(server, zone, serial, address, watch=None):
    """Seconds from SIGHUP until the edit is answered, and until it is pushed if a subscriber is there."""
    edit_zone(zone, serial, address)
    start = time.time()
    server.reload()
    server.await_answer("edited", address, RELOAD_TIMEOUT)
    served = time.time() - start
    return served, watch.await_change("edited", address) - start if watch else None


class Watch:
    """`dnspush watch` of the records that change."""

    def __init__(self, build, server):
        self.events = queue.Queue()
        self.process = subprocess.Popen(
            [os.path.join(build, "dnspush"), "watch", f"pushed.{messages.ORIGIN}/A",
             f"edited.{messages.ORIGIN}/A", "--server", f"{servers.ADDRESS}@{server.tls_port}", "--tls-ca",
             os.path.join(server.folder, "cert.pem"), "--json"],
            stdout=subprocess.PIPE, text=True)
        threading.Thread(target=self.read, daemon=True).start()
        self.await_change("pushed", server.address_of("pushed"))
        self.await_change("edited", server.address_of("edited"))

    def read(self):
        for line in self.process.stdout:
            self.events.put(json.loads(line))

    def await_change(self, name, address):
        """The time, since the epoch, at which the client has got the name's address."""
        while True:
            try:
                event = self.events.get(timeout=RELOAD_TIMEOUT)
            except queue.Empty:
                raise servers.Failure(f"no push of {name} {address}") from None
            if event["event"] == "add" and event["name"].startswith(name) and event["rdata"] == address:
                return datetime.datetime.fromisoformat(event["time"].replace("Z", "+00:00")).timestamp()

    def stop(self):
        self.process.terminate()
        self.process.wait()


def measure_pushes(server, watch):
    """Median and 99th percentile, in seconds, from an UPDATE being sent to the client having read the PUSH."""
    took = []
    for i in range(PUSHES):
        address = f"10.5.{i >> 8}.{i & 255}"
        start = time.time()
        server.update("pushed", address)
        took.append(watch.await_change("pushed", address) - start)
    took.sort()
    return statistics.median(took), took[len(took) * 99 // 100]


def measure_server(make, zone, queries, build):
    """All about one server with the large zone."""
    found = {}
    starts = []
    for i in range(STARTS):
        server = make()
        say(f"  {server.name}: start {i + 1} of {STARTS}")
        try:
            starts.append(server.start())
            if i + 1 == STARTS:
                found["rss"], found["pss"], found["peak"] = server.memory()
                measure_running(server, zone, queries, build, found)
        finally:
            server.stop()
    found["load"] = statistics.median(starts)
    return found


def measure_running(server, zone, queries, build, found):
    watch = None
    pushes = isinstance(server, servers.Dnspushd)
    say(f"  {server.name}: queries")
    found["rate"], found["cost"] = measure_queries(server, queries)
    try:
        if pushes:
            watch = Watch(build, server)
        say(f"  {server.name}: reload, updates")
        found["reload"], found["reload_push"] = measure_reload(server, zone, 1000000, "192.0.2.2", watch)
        found["reload_rss"] = server.memory()[0]
        found["update"] = measure_updates(server)
        if pushes:
            found["push"], found["push99"] = measure_pushes(server, watch)
        found["single"], found["batch"] = measure_single_rate(server), measure_batch_rate(server)
        found["reload2"], _ = measure_reload(server, zone, 2000000, "192.0.2.3", watch)
        found["reload2_rss"] = server.memory()[0]
    finally:
        if watch:
            watch.stop()


# ---- sessions ----

def measure_sessions(build, make):
    """What sessions cost a server with a small zone, and how changes reach them."""
    server = make()
    try:
        server.start()
        run = subprocess.run([os.path.join(build, "sessions"), servers.ADDRESS, str(server.tls_port), str(server.port),
                              str(server.process.pid), str(SESSIONS), str(ROUNDS)], capture_output=True, text=True,
                             check=False)
        if run.returncode != 0:
            raise servers.Failure(f"sessions: {run.stderr}{server.read_log()}")
        return json.loads(run.stdout)
    finally:
        server.stop()


def measure_empty(make):
    """Resident bytes of a server with next to no zone."""
    server = make()
    try:
        server.start()
        return server.memory()[0]
    finally:
        server.stop()


# ---- the report ----

def first_line(*command):
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    return (run.stdout or run.stderr).splitlines()[0].strip()


def machine():
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        model = next((line.split(":", 1)[1].strip() for line in file if line.startswith("model name")), "unknown")
    with open("/proc/meminfo", encoding="ascii") as file:
        memory = int(file.readline().split()[1]) * 1024
    kernel = f"{platform.system()} {platform.release().partition('-')[0]}"
    return [("Processor", f"{model}, {len(os.sched_getaffinity(0))} usable cores"),
            ("Memory", f"{memory / (1 << 30):.1f} GiB"),
            ("System", f"{platform.freedesktop_os_release()['PRETTY_NAME']}, {kernel}")]


def versions(build):
    nsupdate = first_line("nsupdate", "-V")
    return [("dnspushd", first_line(os.path.join(build, "dnspushd"), "--version") + " (buildtype=release)"),
            ("Knot DNS", first_line("knotd", "--version")),
            ("Tools", f"nsupdate {nsupdate.split()[-1]}, {first_line('openssl', 'version').partition(' (')[0]}"),
            ("Date", datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC"))]


def comparison(ours, theirs, empty, records):
    """Rows of the table: what, unit, ours, Knot's, and the format of both."""
    def per_record(found, name):
        return (found["rss"] - empty[name]) / records

    def both(what, unit, key, scale=1.0, form="{:.1f}"):
        return what, unit, ours[key] * scale, theirs[key] * scale, form

    return [
        both("from start to the first correct answer", "s", "load", form="{:.2f}"),
        both("resident memory once loaded", "MiB", "rss", 1 / MEBIBYTE),
        both("the same, proportional (Pss)", "MiB", "pss", 1 / MEBIBYTE),
        both("highest resident memory while loading", "MiB", "peak", 1 / MEBIBYTE),
        ("memory a record (less an empty server's)", "bytes", per_record(ours, "dnspushd"),
         per_record(theirs, "knotd"), "{:.0f}"),
        both("queries over UDP", "per s", "rate", form="{:.0f}"),
        both("processor time a query", "µs", "cost", form="{:.2f}"),
        both("UPDATE of one record, sent to answered", "ms", "update", 1e3, "{:.3f}"),
        both("UPDATEs of one record by one nsupdate", "per s", "single", form="{:.0f}"),
        both(f"records by UPDATEs of {BATCH_RECORDS}", "per s", "batch", form="{:.0f}"),
        both("edited file, from SIGHUP until it is answered", "s", "reload", form="{:.2f}"),
        both("resident memory then", "MiB", "reload_rss", 1 / MEBIBYTE),
        both("the same after all those UPDATEs", "s", "reload2", form="{:.2f}"),
        both("resident memory then", "MiB", "reload2_rss", 1 / MEBIBYTE),
    ]


def push_rows(ours, sessions):
    return [
        ("push to one subscriber, large zone: median", "ms", ours["push"] * 1e3, "{:.3f}"),
        ("push to one subscriber, large zone: 99th percentile", "ms", ours["push99"] * 1e3, "{:.3f}"),
        ("edited file, from SIGHUP until it is pushed", "s", ours["reload_push"], "{:.2f}"),
        (f"memory a TLS session ({sessions['sessions']} of them)", "KiB", sessions["session_bytes"] / 1024, "{:.1f}"),
        ("memory its first subscription adds", "KiB", sessions["subscription_bytes"] / 1024, "{:.1f}"),
        ("TLS handshakes, one after the other", "per s", sessions["sessions"] / sessions["connect_ms"] * 1e3, "{:.0f}"),
        (f"push to {sessions['sessions']} sessions: median session", "ms", sessions["p50_ms"], "{:.2f}"),
        (f"push to {sessions['sessions']} sessions: 99th percentile", "ms", sessions["p99_ms"], "{:.2f}"),
        (f"push to {sessions['sessions']} sessions: until the last has it", "ms", sessions["all_ms"], "{:.2f}"),
    ]


def aligned(rows):
    """A table in Markdown that also reads well as text; numbers to the right."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]

    def line(row):
        cells = [cell.ljust(width) if i < 2 else cell.rjust(width) for i, (cell, width) in enumerate(zip(row, widths))]
        return "| " + " | ".join(cells) + " |"

    rule = "|" + "|".join("-" * (width + 1) + ("-" if i < 2 else ":") for i, width in enumerate(widths)) + "|"
    return "\n".join([line(rows[0]), rule] + [line(row) for row in rows[1:]])


def report(build, records, ours, theirs, empty, sessions):
    compared = [("", "unit", "dnspushd", "knotd", "ratio")]
    for what, unit, mine, other, form in comparison(ours, theirs, empty, records):
        ratio = f"{mine / other:.2f}" if mine * 100 > other else f"{mine / other:.3f}"
        compared.append((what, unit, form.format(mine), form.format(other), ratio))
    pushed = [("", "unit", "dnspushd")]
    for what, unit, value, form in push_rows(ours, sessions):
        pushed.append((what, unit, form.format(value)))
    about = [("", "")] + machine() + versions(build)
    return f"""# Results of the bench

Made by `make bench`, which overwrites this file. A zone of {records:,} records; client and server share the machine.
Knot is Debian's, as it comes but for `zonefile-sync: -1`, since dnspushd never writes the zone file. Both keep a journal
on disk, and both have as many workers as there are cores.

{aligned(about)}

## Beside Knot DNS

{aligned(compared)}

Medians of {STARTS} starts, {QUERY_RUNS} runs of dnsperf of {QUERY_SECONDS} s, {SINGLE_UPDATES} UPDATEs. Ratio: dnspushd's number by Knot's.

## Push

{aligned(pushed)}

From the UPDATE being sent to the client having read the PUSH: {PUSHES} changes to one `dnspush watch` in the large zone;
{ROUNDS} changes to {sessions['sessions']} sessions over TLS with a subscription each to the same name, in a small zone.
Memory of sessions is what the server's resident memory grows by.
"""


def main():
    build, work, result, records = sys.argv[1:]
    build, records = os.path.abspath(build), int(records)
    zone, queries, small = (os.path.join(work, name) for name in ("bench.zone", "queries", "small.zone"))
    generator = os.path.join(os.path.dirname(os.path.abspath(__file__)), "make_zone.py")

    def make_zone():
        subprocess.run([sys.executable, generator, zone, queries, str(records)], check=True)

    def folder(name):
        path = os.path.join(work, name)
        os.makedirs(path, exist_ok=True)
        return path

    say(f"bench: dnspushd and knotd with a zone of {records:,} records; about two minutes")
    subprocess.run([sys.executable, generator, small, os.devnull, "5"], check=True)
    empty = {"dnspushd": measure_empty(lambda: servers.Dnspushd(build, folder("dnspushd"), small)),
             "knotd": measure_empty(lambda: servers.Knotd(folder("knotd"), small))}
    make_zone()
    ours = measure_server(lambda: servers.Dnspushd(build, folder("dnspushd"), zone), zone, queries, build)
    make_zone()
    theirs = measure_server(lambda: servers.Knotd(folder("knotd"), zone), zone, queries, build)
    say(f"  dnspushd: {SESSIONS} sessions")
    sessions = measure_sessions(build, lambda: servers.Dnspushd(build, folder("dnspushd"), small))
    text = report(build, records, ours, theirs, empty, sessions)
    with open(result, "w", encoding="utf-8") as file:
        file.write(text)
    print("\n" + text.partition("\n\n")[2])


try:
    main()
except servers.Failure as failure:
    sys.exit(f"bench: {failure}")
