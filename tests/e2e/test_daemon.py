"""dnspushd as operators use it: options, faults with their place, check, reload, certificates."""
import json
import re
import signal
import socket

import pytest

import harness
from harness import DNSPUSHD, HOST, Server, run, short


@pytest.fixture
def idle(tmp_path, certificates):
    """A configuration whose server is not started."""
    return Server(tmp_path, certificates, start=False)


def started(server, *words):
    """A start that must fail by itself."""
    return run(DNSPUSHD, "-c", server.path, *words)


@pytest.mark.parametrize("words,said", [
    (["--chek"], "dnspushd: --chek: unknown option"),
    (["-x"], "unknown option"),
    (["-c"], "dnspushd: -c:"),
    (["extra"], "dnspushd: extra: unexpected argument"),
    (["-c", "/nonexistent/dnspushd.yaml"], "/nonexistent/dnspushd.yaml"),
])
def test_wrong_usage(words, said):
    done = run(DNSPUSHD, *words)
    assert done.returncode == 2 and said in done.stderr, done.stderr


def test_help_and_version():
    done = run(DNSPUSHD, "--help")
    assert done.returncode == 0 and done.stdout.startswith("Usage: dnspushd")
    done = run(DNSPUSHD, "--version")
    assert done.returncode == 0 and re.match(r"dnspushd \d+\.\d+\.\d+\n$", done.stdout)


# ---- faults ----


def test_check(idle):
    done = started(idle, "--check")
    assert done.returncode == 0 and "good" in done.stdout and done.stderr == "", done.stderr


FAULTS = {
    "unknown key": ("limits: {sesions: 5}\n", ":1:10:", "sessions"),
    "unknown section": ("listn: {}\n", ":1:1:", "listen"),
    "wrong type": ("limits:\n  sessions: many\n", ":2:13:", "many"),
    "out of range": ("dso:\n  keepalive-interval: 1s\n", ":2:23:", "10s"),
    "repeated key": ("server: {workers: 1}\nserver: {workers: 2}\n", ":2:1:", "server"),
    "no YAML": ("server: {workers: 1\nlisten: ]\n", ":2:", ""),
    "bad address": ("listen: {dns: [\"127.0.0.1:53\"]}\n", ":1:16:", "ADDRESS@PORT"),
    "unknown key of an ACL": ("zones:\n  - zone: example.com\n    file: example.com.zone\n    update: [{key: nobody}]\n",
                              ":4:", "nobody"),
}


@pytest.mark.parametrize("text,place,said", FAULTS.values(), ids=FAULTS.keys())
def test_faulty_configuration(idle, text, place, said):
    """FILE:LINE:COL and the exit status 2, at the start and with --check."""
    idle.write_config(text)
    for words in ([], ["--check"]):
        done = started(idle, *words)
        assert done.returncode == 2, done.stderr
        assert "dnspushd.yaml" + place in done.stderr and said in done.stderr, done.stderr
        assert done.stderr.startswith("dnspushd: ")


def test_secrets_for_all_eyes(idle):
    idle.path.chmod(0o644)
    done = started(idle)
    assert done.returncode == 2 and "dnspushd.yaml" in done.stderr
    assert harness.KEY_SECRET not in done.stderr


def test_faulty_zone(idle):
    idle.zone_path().write_text(harness.ZONE + "bad IN A 192.0.2.999\n")
    line = harness.ZONE.count("\n") + 1
    for words in ([], ["--check"]):
        done = started(idle, *words)
        assert done.returncode == 2
        assert re.search(r"example\.com\.zone:%d:\d+: " % line, done.stderr), done.stderr


@pytest.mark.parametrize("text,said", [(None, "example.com.zone"), ("", "SOA"), ("@ 60 IN NS ns1\n", "SOA")],
                         ids=["missing", "empty", "no SOA"])
def test_zone_that_is_none(idle, text, said):
    idle.zone_path().unlink()
    if text is not None:
        idle.zone_path().write_text(text)
    done = started(idle)
    assert done.returncode == 2 and said in done.stderr, done.stderr


def test_wrong_certificate(idle, tmp_path):
    idle.config["tls"]["certificate"] = str(tmp_path / "none.pem")
    idle.write_config()
    done = started(idle)
    assert done.returncode == 2 and "none.pem" in done.stderr, done.stderr


@pytest.mark.parametrize("kind", ["dns", "tls", "udp"])
def test_port_taken(idle, kind):
    """Exit 1 with its ADDRESS@PORT."""
    port = idle.tls_port if kind == "tls" else idle.dns_port
    with socket.socket(type=socket.SOCK_DGRAM if kind == "udp" else socket.SOCK_STREAM) as s:
        s.bind(("127.0.0.1", port))
        if kind != "udp":
            s.listen()
        done = started(idle)
        assert done.returncode == 1 and "127.0.0.1@%d" % port in done.stderr, done.stderr


def test_port_taken_by_another_dnspushd(server, tmp_path, certificates):
    other = tmp_path / "other"
    other.mkdir()
    second = Server(other, certificates, start=False)
    second.config["listen"] = server.config["listen"]
    second.write_config()
    done = started(second)
    assert done.returncode == 1 and "127.0.0.1@%d" % server.dns_port in done.stderr, done.stderr


def test_json_log(tmp_path, certificates):
    server = Server(tmp_path, certificates, start=False, server={"log": {"format": "json"}})
    with harness.Process(DNSPUSHD, "-c", server.path) as process:
        at = process.err.wait(lambda line: '"ready"' in line)
        assert json.loads(process.err.lines[at])["event"] == "ready"
        process.signal(signal.SIGTERM)
        assert process.wait() == 0
        assert json.loads(process.err.lines[-1])["event"] == "stopped"


# ---- reload ----


def test_reload_keeps_sessions(server):
    """SIGHUP drops no session, and a zone that was added is served."""
    with server.established() as session:
        session.subscribe("www.example.com", "A")
        session.push()
        server.config["zones"].append({"zone": "more.test", "file": "more.test.zone"})
        server.zone_path("more.test").write_text(harness.ZONE.replace("example.com", "more.test"))
        server.write_config()
        server.reload()
        session.subscribe("www.more.test", "A")
        assert short(session.push()) == [("www.more.test.", "A", 120, "192.0.2.80")]
        server.set(("add", "www", 120, "A", "192.0.2.81"))
        assert short(session.push()) == [("www.example.com.", "A", 120, "192.0.2.81")]


def test_reload_refused_whole(server):
    """A faulty configuration changes nothing: not the zone that it takes away, nor the values that are right."""
    with server.established() as session:
        session.subscribe("www.example.com", "A")
        session.push()
        good = server.path.read_text()
        server.write_config(good.replace('"workers"', '"wrokers"').replace("example.com.zone", "other.zone"))
        line = server.reload("reload-refused")
        assert "dnspushd.yaml:" in server.process.err.text() and "workers" in server.process.err.text(), line
        server.config["zones"], zones = [], server.config["zones"]
        server.config["dso"] = {"inactivity-timeout": "7s", "keepalive-interval": "1s"}
        server.write_config()
        server.reload("reload-refused")
        assert session.keepalive()[0] == 15000
        server.config["zones"] = zones
        server.set(("add", "www", 120, "A", "192.0.2.81"))
        assert short(session.push()) == [("www.example.com.", "A", 120, "192.0.2.81")]
        server.write_config(good)
        server.reload()


def test_reload_of_a_faulty_zone(server):
    """The zone stays as it was; the fault is told with its place."""
    with server.established() as session:
        session.subscribe("www.example.com", "A")
        session.push()
        text = server.zone_path().read_text()
        server.zone_path().write_text(text.replace("192.0.2.80", "192.0.2.800"))
        start = len(server.process.err.lines)
        server.process.signal(signal.SIGHUP)
        server.process.err.wait(lambda line: re.search(r"example\.com\.zone:\d+:\d+: ", line), start)
        session.expect_alive()
        assert server.records("www.example.com", "A") == ["192.0.2.80"]
        server.zone_path().write_text(text.replace("192.0.2.80", "192.0.2.88"))
        server.process.signal(signal.SIGHUP)
        assert "192.0.2.88" in [c.rdata for c in session.push()]


def test_many_reloads(server):
    """SIGHUP again and again, half of them faulty: no session and no query is lost."""
    good = server.path.read_text()
    with server.established() as session:
        session.subscribe("www.example.com", "A")
        session.push()
        for i in range(20):
            server.write_config("faulty: [" if i % 2 else good)
            server.reload("reload-refused" if i % 2 else "reloaded")
            session.expect_alive()
            assert server.records("printer.example.com", "A") == ["192.0.2.21"]
        server.set(("add", "www", 120, "A", "192.0.2.81"))
        assert len(session.push()) == 1


def test_certificate_rotation(server, tmp_path):
    """After SIGHUP new connections see the new certificate; sessions that live go on; a faulty pair is refused."""
    before = harness.pin_of(server.config["tls"]["certificate"])
    certificate, key = harness.make_certificate(tmp_path, "next", server.ca, [HOST])
    after = harness.pin_of(certificate)
    assert before != after

    def seen():
        for pin in (before, after):
            done = run(harness.DNSPUSH, "query", "www.example.com", "A", "--server", "127.0.0.1@%d" % server.tls_port,
                       "--tls-pin", pin)
            if done.returncode == 0:
                return pin
        raise AssertionError(done.stderr)

    assert seen() == before
    with server.established() as session:
        old = dict(server.config["tls"])
        server.config["tls"]["certificate"] = str(certificate)  # with the key of the other
        server.write_config()
        server.reload("reload-refused")
        assert seen() == before
        server.config["tls"] = dict(old, certificate=str(certificate), key=str(key))
        server.write_config()
        server.reload()
        assert seen() == after
        session.expect_alive()


def test_key_rotation(server):
    """A TSIG key that is taken out opens nothing any more."""
    server.set(("add", "a", 60, "A", "192.0.2.1"))
    server.config["keys"][0]["secret"] = "bmV3IHNlY3JldCBmb3IgdGhlIGtleSwgbG9uZyBlbm91Z2g="
    server.write_config()
    server.reload()
    done = server.nsupdate("update add b.example.com 60 A 192.0.2.1\nsend\n", "-y", harness.TSIG_OPTION)
    assert done.returncode != 0
    new = "hmac-sha256:%s:%s" % (harness.KEY_NAME, server.config["keys"][0]["secret"])
    done = server.nsupdate("update add b.example.com 60 A 192.0.2.1\nsend\n", "-y", new)
    assert done.returncode == 0, done.stderr
    assert server.records("b.example.com", "A") == ["192.0.2.1"]


def test_client_certificates(make_server, tmp_path, certificates):
    """An ACL by certificate: who shows one may subscribe and update, others are refused."""
    ca = harness.make_ca(tmp_path, "clients")
    certificate, key = harness.make_certificate(tmp_path, "client", ca, ["one.clients.example.com"])
    _, server_certificate, server_key = certificates
    server = make_server(tls={"certificate": str(server_certificate), "key": str(server_key), "client-ca": str(ca),
                              "client-auth": "optional"},
                         acls=[{"name": "known", "certificates": ["*.clients.example.com"]}],
                         zones={"example.com": harness.ZONE})
    server.config["zones"][0].update({"subscribe": ["known"], "update": ["known"]})
    server.write_config()
    server.reload()
    shown = ["--tls-cert", certificate, "--tls-key", key]
    assert server.client("watch", "www.example.com", "A", "--count", "1", *shown).returncode == 0
    done = server.client("watch", "www.example.com", "A", "--timeout", "2s")
    assert done.returncode == 1 and "REFUSED" in done.stderr
    update = ["example.com", "--", "add", "c.example.com", "60", "A", "192.0.2.1"]
    assert server.client("update", *update).returncode == 1
    done = server.client("update", "example.com", *shown, *update[1:])
    assert done.returncode == 0, done.stderr
    assert server.records("c.example.com", "A") == ["192.0.2.1"]


if __name__ == "__main__":
    harness.main(__file__)
