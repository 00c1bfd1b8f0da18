"""Subscriptions: what is pushed, when, and in which form (RFC 8765)."""
import random
import signal
import struct

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdata
import dns.rdatatype
import pytest

import harness
from harness import (NOERROR, NOTAUTH, PADDING, PUSH, REFUSED, REMOVE_ALL, REMOVE_ONE, RETRY_DELAY, SUBSCRIBE, TSIG_OPTION,
                     View, dso, keepalive, parse, parse_push, question, short, subscribe, tlv, unsubscribe)

DELAY = (RETRY_DELAY, struct.pack("!I", 300000))


@pytest.fixture
def session(server):
    with server.established() as s:
        yield s


def fence(server, session, mark=iter(range(1, 1000000))):
    """A change that the session follows: the next message must be the PUSH of it, so nothing came before."""
    if not hasattr(session, "fence_id"):
        session.fence_id = session.subscribe("fence.example.com", "TXT")
    text = '"%d"' % next(mark)
    server.set(("replace", "fence", 60, "TXT", text))
    changes = session.push()
    assert all(c.name == "fence.example.com." for c in changes), changes
    assert changes[-1].rdata == text


# ---- dnspush watch ----


def test_watch_sees_nsupdate(server):
    with server.watch("www.example.com", "A") as watch:
        connected = watch.next()
        assert connected["event"] == "connected" and connected["mode"] == "push"
        assert watch.next()["event"] == "subscribed"
        assert watch.batch() == [("add", "www.example.com.", 120, "A", "192.0.2.80")]
        server.nsupdate_good("update add www.example.com 60 A 192.0.2.81\nsend\n")
        added = watch.batch()
        assert ("add", "www.example.com.", 60, "A", "192.0.2.81") in added
        server.nsupdate_good("update delete www.example.com A 192.0.2.80\nsend\n")
        assert [c[0::4] for c in watch.batch()] == [("remove", "192.0.2.80")]
        server.nsupdate_good("update delete www.example.com A\nsend\n")
        assert [c[0::4] for c in watch.batch()] == [("remove", "192.0.2.81")]


def test_watch_sees_update_in_tls(server):
    with server.watch("live.example.com", "TXT") as watch:
        watch.event("subscribed")
        done = server.client("update", "example.com", "-y", TSIG_OPTION, "--", "add", "live.example.com", "60", "TXT",
                             '"one"')
        assert done.returncode == 0, done.stderr
        assert watch.batch() == [("add", "live.example.com.", 60, "TXT", '"one"')]
        done = server.client("update", "example.com", "-y", TSIG_OPTION, "--", "delete", "live.example.com", "TXT")
        assert done.returncode == 0, done.stderr
        assert watch.batch() == [("remove", "live.example.com.", 60, "TXT", '"one"')]


def test_watch_sees_an_edited_file(server):
    with server.watch("www.example.com", "A") as watch:
        watch.event("subscribed")
        watch.batch()
        server.set(("add", "kept", 60, "A", "192.0.2.9"))
        text = server.zone_path().read_text()
        server.zone_path().write_text(text.replace("www IN A 192.0.2.80", "www IN A 192.0.2.90"))
        server.reload()
        changes = watch.batch()
        assert sorted(c[0::4] for c in changes) == [("add", "192.0.2.90"), ("remove", "192.0.2.80")]
    assert server.records("kept.example.com", "A") == ["192.0.2.9"], "updates stay when the file is edited"


# ---- the view ----

NAMES = ["a", "b", "www", "alias", "x.wild", "y.wild", "deep.a", "host.child", "ns.child", "child", "new"]
TYPES = ["A", "AAAA", "TXT", "CNAME", "MX", "SRV"]
RDATA = {
    "A": lambda r: "192.0.2.%d" % r.randrange(1, 5),
    "AAAA": lambda r: "2001:db8::%d" % r.randrange(1, 4),
    "TXT": lambda r: '"text %d"' % r.randrange(3),
    "CNAME": lambda r: r.choice(["www", "printer", "a"]) + ".example.com.",
    "MX": lambda r: "%d %s.example.com." % (r.randrange(3), r.choice("ab")),
    "SRV": lambda r: "0 0 %d www.example.com." % r.randrange(1, 4),
}


def random_change(r):
    """One or two changes of an UPDATE, in dnspython's words."""
    kind = r.randrange(12)
    name = r.choice(NAMES)
    if kind == 0:
        return [("delete", name)]
    if kind == 1:
        return [("delete", name, r.choice(TYPES))]
    if kind == 2:
        rdtype = r.choice(TYPES)
        return [("delete", name, rdtype, RDATA[rdtype](r))]
    if kind == 3:  # a wildcard comes or goes
        return [r.choice([("add", "*.wild", 60, "A", "192.0.2.200"), ("delete", "*.wild", "A"), ("delete", "*.wild"),
                          ("add", "*.wild", 60, "TXT", '"wild"')])]
    if kind == 4:  # a name turns into an alias
        return [("delete", name), ("add", name, 60, "CNAME", RDATA["CNAME"](r))]
    if kind == 5:  # a delegation comes or goes
        return [r.choice([("add", "child", 60, "NS", "ns.child"), ("delete", "child", "NS"),
                          ("add", "deep", 60, "NS", "ns.child")])]
    rdtype = r.choice(TYPES)
    ttl = r.choice([0, 60, 60, 300, 0x7FFFFFFF])
    return [("add", name, ttl, rdtype, RDATA[rdtype](r))]


@pytest.mark.parametrize("workers,seed", [(1, 8765), (2, 8490)])
def test_view_equals_queries(make_server, workers, seed):
    """PUSH-003, DSO-021: after each of 300 random updates the pushed view is what queries in the session show.

    PUSH-013: whatever the server sends meanwhile is a PUSH or a response, never a SUBSCRIBE, UNSUBSCRIBE or RECONFIRM.
    """
    server = make_server(server={"workers": workers, "log": {"level": "info"}})
    r = random.Random(seed)
    questions = [(name, rdtype) for name in NAMES for rdtype in r.sample(["ANY", "A", "TXT", "CNAME", "MX"], 3)]
    with server.established() as session:
        mark = session.subscribe("mark.example.com", "TXT")
        active, view = {}, View()

        def take(message):
            """One PUSH or cancellation; True for the PUSH that has the mark."""
            if message.flags & 0x8000:
                assert message.id in active and message.flags == 0xB000 | NOTAUTH, message
                assert message.tlvs == [DELAY]
                name = active.pop(message.id)[0] + ".example.com."
                for key in [key for key in view.records if key[0] == name]:
                    del view.records[key]
                return False
            changes = parse_push(message)
            view.apply(changes)
            return any(c.name == "mark.example.com." and c.ttl < REMOVE_ALL for c in changes)

        def subscribe_all():
            for name, rdtype in questions:
                if (name, rdtype) in active.values():
                    continue
                ident = session.take_id()
                session.send(subscribe(ident, name + ".example.com", rdtype))
                answer = session.recv()
                while answer.id != ident:
                    assert not take(answer)
                    answer = session.recv()
                cut = queried_in_order(name, rdtype) is None
                assert answer.flags == 0xB000 | (NOTAUTH if cut else NOERROR), (name, rdtype, answer)
                if not cut:
                    active[ident] = (name, rdtype)

        def queried_in_order(name, rdtype):
            """A query whose answer may come after a PUSH."""
            asked = dns.message.make_query(name + ".example.com", rdtype)
            session.send(asked.to_wire())
            while True:
                raw = session.recv_raw()
                if (raw[2] >> 3) & 15 == 6:
                    take(parse(raw))
                    continue
                answer = dns.message.from_wire(raw)
                if not answer.flags & dns.flags.AA:
                    assert not answer.answer, answer
                    return None
                owner = dns.name.from_text(name + ".example.com")
                return {
                    (dns.rdatatype.to_text(rdata.rdtype), rdata.to_text()): rrset.ttl
                    for rrset in answer.answer if rrset.name == owner for rdata in rrset
                }

        subscribe_all()
        for step in range(300):
            changes = random_change(r)
            server.set(*changes, ("replace", "mark", 60, "TXT", '"%d"' % step))
            while not take(session.recv()):
                pass
            subscribe_all()
            for name, rdtype in questions:
                if (name, rdtype) not in active.values():
                    continue
                if step % 10 and not any(name in change[1] or "*" in change[1] for change in changes):
                    continue
                shown = queried_in_order(name, rdtype)
                if shown is None:  # its cancellation came just now
                    assert (name, rdtype) not in active.values()
                    continue
                assert view.at(name + ".example.com", rdtype) == shown, (step, changes, name, rdtype)
        assert mark not in active


def test_initial_set(server, session):
    """PUSH-070: the initial PUSH right after the response; none if there is nothing."""
    session.send(subscribe(10, "www.example.com", "A"), subscribe(11, "none.example.com", "A"),
                 subscribe(12, "printer.example.com", "A"))
    session.expect(10, NOERROR)
    assert short(session.push()) == [("www.example.com.", "A", 120, "192.0.2.80")]
    session.expect(11, NOERROR)
    session.expect(12, NOERROR)
    assert short(session.push()) == [("printer.example.com.", "A", 120, "192.0.2.21")]
    session.expect_alive()


def test_response_form(session):
    """PUSH-051, PUSH-052: exactly one response, of 12 bytes, without the SUBSCRIBE TLV."""
    session.send(subscribe(5, "none.example.com", "A"))
    assert session.recv_raw() == struct.pack("!HHHHHH", 5, 0xB000, 0, 0, 0, 0)
    session.expect_alive()


def test_cname(server, session):
    """PUSH-046, PUSH-005: TYPE=CNAME matches only CNAME, nothing follows the alias, a CNAME matches any type."""
    session.subscribe("alias.example.com", "CNAME")
    assert short(session.push()) == [("alias.example.com.", "CNAME", 120, "www.example.com.")]
    session.subscribe("alias.example.com", "A")
    assert short(session.push()) == [("alias.example.com.", "CNAME", 120, "www.example.com.")]
    session.subscribe("soon.example.com", "A")
    session.subscribe("printer.example.com", "CNAME")
    server.set(("add", "www", 120, "A", "192.0.2.82"))
    server.set(("add", "printer", 120, "A", "192.0.2.83"))
    fence(server, session)
    server.set(("add", "soon", 60, "CNAME", "www"))
    assert short(session.push()) == [("soon.example.com.", "CNAME", 60, "www.example.com.")]
    # push.md B12: T goes and the CNAME comes in one message, the removal first
    server.set(("delete", "soon"), ("add", "soon", 60, "A", "192.0.2.1"))
    first = session.push()
    assert [c.ttl >= REMOVE_ALL for c in first] == [True, False], first
    assert first[1].rdata == "192.0.2.1"


def test_unknown_name_and_type(server, session):
    """PUSH-047: NOERROR for what does not exist in the zone, and a PUSH when it does."""
    session.subscribe("nowhere.example.com", "A")
    session.subscribe("www.example.com", 65280)
    server.set(("add", "nowhere", 60, "A", "192.0.2.1"))
    assert short(session.push()) == [("nowhere.example.com.", "A", 60, "192.0.2.1")]
    server.set(("add", "www", 60, "TYPE65280", r"\# 2 abcd"))
    assert [(c.rdtype, c.rdata) for c in session.push()] == [(65280, r"\# 2 abcd")]


def test_any(server, session):
    """PUSH-048, PUSH-079, PUSH-044: ANY means all: five types changed are five in one PUSH."""
    session.subscribe("many.example.com", 255, 255)
    records = [("A", "192.0.2.1"), ("AAAA", "2001:db8::1"), ("MX", "1 www.example.com."), ("TXT", '"t"'),
               ("HINFO", '"a" "b"')]
    server.set(*[("add", "many", 60, rdtype, rdata) for rdtype, rdata in records])
    assert sorted((dns.rdatatype.to_text(c.rdtype), c.rdata) for c in session.push()) == sorted(records)
    session.subscribe("many.example.com", "A")  # no duplicate of ANY
    assert short(session.push()) == [("many.example.com.", "A", 60, "192.0.2.1")]


def test_who_may_subscribe_to_what(make_server):
    """PUSH-049, PUSH-050, PUSH-055: NOTAUTH outside and below a cut, REFUSED by policy, each with its delay."""
    server = make_server(zones={"example.com": harness.ZONE, "closed.test": harness.ZONE.replace("example.com",
                                                                                                 "closed.test")})
    server.config["zones"][1]["subscribe"] = ["none"]
    server.write_config()
    server.reload()
    with server.established() as session:
        session.refused("www.example.org", "A", NOTAUTH, 300)
        session.refused("com", "A", NOTAUTH, 300)
        session.refused("host.child.example.com", "A", NOTAUTH, 300)
        session.refused("child.example.com", "NS", NOTAUTH, 300)
        session.subscribe("child.example.com", "DS")  # at the cut, but the parent's
        session.refused("www.closed.test", "A", REFUSED, 300)
        session.refused("www.example.com", "A", NOTAUTH, 300, rdclass=3)
        session.subscribe("www.example.com", "A")
        assert short(session.push()) == [("www.example.com.", "A", 120, "192.0.2.80")]


def test_names_in_any_case(server, session):
    """PUSH-004: names compare without regard to ASCII case."""
    session.subscribe("WwW.eXample.COM", "A")
    assert short(session.push()) == [("www.example.com.", "A", 120, "192.0.2.80")]
    server.set(("delete", "WWW", "A"), ("add", "WWW", 60, "A", "192.0.2.81"))
    changes = session.push()
    assert "192.0.2.81" in [c.rdata for c in changes]


def test_literal_wildcard(server, session):
    """PUSH-045: the label * matches only itself; push.md B11: what a wildcard answers is pushed under the name."""
    session.subscribe("*.wild.example.com", "TXT")
    assert short(session.push()) == [("*.wild.example.com.", "TXT", 120, '"from the wildcard"')]
    server.set(("add", "a.wild", 60, "TXT", '"own"'))
    fence(server, session)
    session.subscribe("b.wild.example.com", "TXT")
    assert short(session.push()) == [("b.wild.example.com.", "TXT", 120, '"from the wildcard"')]
    server.set(("add", "b.wild", 60, "A", "192.0.2.1"))
    changes = session.push()
    assert [(c.name, c.ttl >= REMOVE_ALL) for c in changes] == [("b.wild.example.com.", True)]


# ---- the form of changes ----


def test_one_record_of_several(server, session):
    """PUSH-074: one record goes, its siblings stay."""
    session.subscribe("www.example.com", "A")
    session.push()
    server.set(("add", "www", 120, "A", "192.0.2.81"))
    session.push()
    server.set(("delete", "www", "A", "192.0.2.80"))
    assert short(session.push()) == [("www.example.com.", "A", REMOVE_ONE, "192.0.2.80")]


def test_rrset_goes_at_once(server, session):
    """PUSH-082: three AAAA records, one removal; PUSH-083: the name is empty, one removal of all."""
    server.set(*[("add", "three", 60, "AAAA", "2001:db8::%d" % i) for i in range(3)], ("add", "three", 60, "A", "192.0.2.1"),
               ("add", "three", 60, "TXT", '"t"'))
    session.subscribe("three.example.com", "AAAA")
    session.push()
    session.subscribe("three.example.com", "ANY")
    session.push()
    server.set(("delete", "three", "AAAA"))
    changes = session.push()
    assert [(c.rdtype, c.rdclass, c.ttl) for c in changes] == [(28, 1, REMOVE_ALL)]
    server.set(("delete", "three"))
    changes = session.push()
    assert [(c.name, c.rdtype, c.rdclass, c.ttl) for c in changes] == [("three.example.com.", 255, 1, REMOVE_ALL)]


def test_one_push_for_all_subscriptions(server, session):
    """PUSH-080, PUSH-081: combined over subscriptions; what concerns several of them is sent once."""
    session.subscribe("one.example.com", "A")
    session.subscribe("one.example.com", "ANY")
    session.subscribe("two.example.com", "A")
    server.set(("add", "one", 60, "A", "192.0.2.1"), ("add", "two", 60, "A", "192.0.2.2"))
    assert short(session.push()) == [("one.example.com.", "A", 60, "192.0.2.1"), ("two.example.com.", "A", 60, "192.0.2.2")]


def test_burst_in_one_message(server, session):
    """PUSH-079: fifty changes at hand leave in one PUSH."""
    session.subscribe("burst.example.com", "A")
    server.set(*[("add", "burst", 60, "A", "198.51.100.%d" % i) for i in range(50)])
    assert len(session.push()) == 50


def test_compression(server, session):
    """PUSH-084, PUSH-085, PUSH-095: owners always, rdata of the listed types and of no other."""
    session.subscribe("names.example.com", "ANY")
    server.set(("add", "names", 60, "MX", "1 mail.example.com."), ("add", "names", 60, "SRV", "0 0 1 host.example.com."),
               ("add", "names", 60, "NAPTR", '1 1 "" "" "" host.example.com.'),
               ("add", "names", 60, "PTR", "host.example.com."))
    message = session.recv()
    lengths = {dns.rdatatype.to_text(c.rdtype): c.rdlen for c in parse_push(message)}
    assert lengths["NAPTR"] == 7 + 18, "never compressed"
    assert lengths["MX"] == 2 + 5 + 2 and lengths["SRV"] <= 6 + 7 and lengths["PTR"] <= 7
    assert message.raw.count(b"\x05names") == 1, "each owner after the first is a pointer"


def test_more_than_one_message(make_server):
    """PUSH-086, PUSH-087: 5,000 records come in several PUSHes of at most 16,382 bytes, and are all there."""
    names = ["host%d" % i for i in range(5000)]
    big = "".join("_big._tcp IN PTR %s-with-a-rather-long-name.elsewhere.test.\n" % name for name in names)
    server = make_server(zones={"example.com": harness.ZONE + big})
    with server.established() as session:
        session.send(subscribe(9, "_big._tcp.example.com", "PTR"), keepalive(10))
        session.expect(9, NOERROR)
        view, messages = View(), 0
        while True:
            message = session.recv()
            if message.id == 10:
                break
            assert len(message.raw) <= 16382
            view.apply(parse_push(message))
            messages += 1
        assert messages > 5 and len(view.records) == 5000
        assert {rdata for _, rdata in view.at("_big._tcp.example.com", "PTR")} == {
            name + "-with-a-rather-long-name.elsewhere.test." for name in names}


def test_ttl_above_2_31(make_server):
    """PUSH-091: such a TTL of a zone is pushed as 0, so it cannot turn into a removal."""
    ttls = (4294967295, 4294967294, 2147483648)
    text = "".join("huge%d %d IN A 192.0.2.1\n" % (i, ttl) for i, ttl in enumerate(ttls))
    server = make_server(zones={"example.com": harness.ZONE + text})
    with server.established() as session:
        for i in range(len(ttls)):
            session.subscribe("huge%d.example.com" % i, "A")
            assert short(session.push()) == [("huge%d.example.com." % i, "A", 0, "192.0.2.1")]


def test_ttl_change(server, session):
    """PUSH-093, PUSH-073: another TTL is a change, added anew; 0 is a TTL like others."""
    session.subscribe("www.example.com", "A")
    session.push()
    server.set(("add", "www", 7, "A", "192.0.2.80"))
    assert short(session.push()) == [("www.example.com.", "A", 7, "192.0.2.80")]
    server.set(("add", "www", 0, "A", "192.0.2.80"))
    assert short(session.push()) == [("www.example.com.", "A", 0, "192.0.2.80")]


def test_nothing_but_what_was_asked_for(server, session):
    """PUSH-094: changes of other names and types are not pushed."""
    session.subscribe("www.example.com", "A")
    session.push()
    server.set(("add", "www", 60, "TXT", '"other type"'), ("add", "www2", 60, "A", "192.0.2.1"),
               ("add", "a.www", 60, "A", "192.0.2.1"))
    fence(server, session)


def test_unsubscribe(server, session):
    """PUSH-092, PUSH-102, DSO-019, DSO-095: nothing more after UNSUBSCRIBE; its ID is free at once."""
    ident = session.subscribe("www.example.com", "A")
    session.push()
    session.send(unsubscribe(ident))
    server.set(("add", "www", 60, "A", "192.0.2.81"))
    fence(server, session)
    session.send(subscribe(200, "www.example.com", "A"), unsubscribe(200), subscribe(200, "printer.example.com", "A"))
    session.expect(200, NOERROR)
    assert {c.name for c in session.push()} == {"www.example.com."}
    session.expect(200, NOERROR)
    assert {c.name for c in session.push()} == {"printer.example.com."}
    session.send(unsubscribe(4711))
    session.expect_alive()


def test_padded_push(server):
    """DSO-076: who pads gets padded PUSHes, with the padding as a TLV of its own."""
    with server.session() as session:
        session.send(keepalive(1, extra=tlv(PADDING, bytes(16))))
        assert [kind for kind, _ in session.recv().tlvs] == [1, PADDING]
        session.send(subscribe(2, "www.example.com", "A", extra=tlv(PADDING)))
        assert [kind for kind, _ in session.recv().tlvs] == [PADDING]
        message = session.recv()
        assert [kind for kind, _ in message.tlvs] == [PUSH, PADDING] and len(message.raw) % 468 == 0
        assert len(parse_push(message)) == 1


# ---- sessions ----


def test_ids_of_both_sides(server, session):
    """DSO-016, DSO-014: the same ID may stand for a query, an update and a DSO request."""
    asked = dns.message.make_query("www.example.com", "A", id=7)
    session.send(asked.to_wire(), subscribe(7, "none.example.com", "A"))
    answers = [session.recv_raw(), session.recv_raw()]
    assert {raw[:2] for raw in answers} == {b"\0\7"}
    assert sorted((raw[2] >> 3) & 15 for raw in answers) == [0, 6]
    session.expect_alive()


def test_no_push_before_a_session(server):
    """DSO-025, DSO-023: a refused first request makes no session: nothing comes of its own accord."""
    with server.session() as session:
        session.refused("www.example.org", "A", NOTAUTH, 300)
        answer = session.query("www.example.com", "A")
        assert answer.answer
        session.expect_alive()


def test_subscribe_comes_first(server):
    """PUSH-010: SUBSCRIBE may be the first message of all."""
    with server.session() as session:
        session.subscribe("www.example.com", "A")
        assert len(session.push()) == 1


def test_two_workers(make_server):
    """All sessions of all workers see each change."""
    server = make_server(server={"workers": 2, "log": {"level": "info"}})
    sessions = [server.established() for _ in range(16)]
    try:
        for s in sessions:
            s.subscribe("www.example.com", "A")
            s.push()
        for i in range(5):
            server.set(("replace", "www", 60, "A", "192.0.2.%d" % i))
            for s in sessions:
                view = View()
                view.apply(s.push())
                assert list(view.at("www.example.com", "A")) == [("A", "192.0.2.%d" % i)]
    finally:
        for s in sessions:
            s.close()


def test_zone_removed(make_server):
    """DSO-021, PUSH-061: a zone taken out cancels its subscriptions (NOTAUTH, 5 min), and only them."""
    server = make_server(zones={"example.com": harness.ZONE, "gone.test": harness.ZONE.replace("example.com",
                                                                                               "gone.test")})
    with server.established() as session:
        gone = session.subscribe("www.gone.test", "A")
        session.push()
        session.subscribe("www.example.com", "A")
        session.push()
        zone = server.config["zones"].pop()
        server.write_config()
        server.reload()
        session.expect_error(gone, NOTAUTH, 300)
        session.refused("www.gone.test", "A", NOTAUTH, 300)
        server.set(("add", "www", 60, "TXT", '"not followed"'))
        fence(server, session)
        server.config["zones"].append(zone)
        server.write_config()
        server.reload()
        session.send(subscribe(gone, "www.gone.test", "A"))  # the ID is free again, the question no duplicate
        session.expect(gone, NOERROR)
        assert len(session.push()) == 1


def test_delegation_comes(server, session):
    """DSO-021, PUSH-049: what falls below a new zone cut is cancelled by NOTAUTH."""
    server.set(("add", "host.sub", 60, "A", "192.0.2.1"))
    ident = session.subscribe("host.sub.example.com", "A")
    session.push()
    server.set(("add", "sub", 60, "NS", "ns1"))
    session.expect_error(ident, NOTAUTH, 300)
    server.set(("add", "host.sub", 60, "A", "192.0.2.2"))
    fence(server, session)


def test_push_off(make_server):
    """PUSH-015: a server without Push answers SUBSCRIBE with DSOTYPENI."""
    server = make_server(dso={"push": False})
    with server.established() as session:
        session.send(subscribe(3, "www.example.com", "A"))
        message = session.recv()
        assert message.flags == 0xB00B and (message.tlvs == [] or message.tlvs[0][0] == RETRY_DELAY)
        session.expect_alive()


if __name__ == "__main__":
    harness.main(__file__)
