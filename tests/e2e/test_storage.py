"""What was answered is there after a restart, however the server ended (reliability D1, D2)."""
import random
import signal
import threading

import dns.exception
import dns.rcode

import harness


def serial(server):
    return server.query("example.com", "SOA").answer[0][0].serial


def restart(server, how=signal.SIGTERM):
    server.process.signal(how)
    assert server.finish() == (0 if how == signal.SIGTERM else -how)
    server.start()


def test_updates_survive_a_restart(server):
    """Records and serial are what they were; nothing is read twice."""
    assert server.update(("add", "kept", 60, "A", "192.0.2.7"), ("delete", "www", "AAAA")) == dns.rcode.NOERROR
    before = serial(server)
    for _ in range(2):
        restart(server)
        assert server.records("kept.example.com", "A") == ["192.0.2.7"]
        assert server.records("www.example.com", "AAAA") == []
        assert serial(server) == before


def test_edits_made_while_down_are_merged(server):
    """The file's edits and the updates both count; the serial goes on."""
    assert server.update(("add", "kept", 60, "A", "192.0.2.7")) == dns.rcode.NOERROR
    before = serial(server)
    server.process.signal(signal.SIGTERM)
    assert server.finish() == 0
    path = server.zone_path()
    path.write_text(path.read_text() + "\nedited.example.com. 60 IN A 192.0.2.8\n")
    server.start()
    assert server.records("kept.example.com", "A") == ["192.0.2.7"]
    assert server.records("edited.example.com", "A") == ["192.0.2.8"]
    after = serial(server)
    assert after > before
    restart(server)
    assert serial(server) == after


def test_edits_taken_by_a_reload_are_kept(server):
    """A reload is durable as an update is, and is not merged again at the next start."""
    path = server.zone_path()
    path.write_text(path.read_text() + "\nedited.example.com. 60 IN A 192.0.2.8\n")
    server.reload()
    assert server.update(("delete", "edited", "A")) == dns.rcode.NOERROR
    restart(server, signal.SIGKILL)
    assert server.records("edited.example.com", "A") == []


def test_one_process_a_state_directory(server):
    """A second server is refused in words; the first goes on."""
    process = harness.Process(harness.DNSPUSHD, "-c", server.path)
    status = process.wait()
    text = process.err.text()
    process.__exit__()
    assert status == 1 and "in use by another process" in text, text
    assert server.update(("add", "still", 60, "A", "192.0.2.9")) == dns.rcode.NOERROR


def test_check_while_running(server):
    """--check reads no state and disturbs nobody."""
    process = harness.Process(harness.DNSPUSHD, "-c", server.path, "--check")
    assert process.wait() == 0
    process.__exit__()


class Writer(threading.Thread):
    """Adds w0, w1, ... one after the other until the server is gone."""

    def __init__(self, server, first):
        super().__init__()
        self.server = server
        self.first = first
        self.acknowledged = []
        self.unknown = None

    def run(self):
        number = self.first
        while True:
            try:
                rcode = self.server.update(("add", "w%d" % number, 60, "A", "192.0.2.1"))
            except (OSError, EOFError, dns.exception.DNSException):
                self.unknown = number
                return
            assert rcode == dns.rcode.NOERROR
            self.acknowledged.append(number)
            number += 1


def test_killed_at_any_moment(server):
    """200 rounds of kill -9 under load: no acknowledged update is lost, none is half there, the serial never goes back."""
    seed = random.SystemRandom().randrange(1 << 32)
    random_source = random.Random(seed)
    first = 0
    for turn in range(200):
        writer = Writer(server, first)
        before = serial(server)
        writer.start()
        # The moment of the kill: after so many answers, then at once.
        wanted = random_source.randrange(1, 30)
        while len(writer.acknowledged) < wanted and writer.is_alive():
            writer.join(0.001)
        server.process.signal(signal.SIGKILL)
        assert server.finish() == -signal.SIGKILL
        writer.join()
        server.start()
        where = "seed %d, round %d" % (seed, turn)
        for number in writer.acknowledged:
            assert server.records("w%d.example.com" % number, "A") == ["192.0.2.1"], where
        extra = len(server.records("w%d.example.com" % writer.unknown, "A"))
        assert extra in (0, 1), where
        assert serial(server) == before + len(writer.acknowledged) + extra, where
        first = writer.unknown + 1


if __name__ == "__main__":
    harness.main(__file__)
