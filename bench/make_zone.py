#!/usr/bin/env python3
"""Write the zone that the bench serves, the same one every time: make_zone.py ZONEFILE QUERYFILE [RECORDS].

Six tenths of the records are hosts (A and AAAA), three DNS-SD services (PTR, SRV, TXT) and one aliases, spread over
sites of a thousand records each. QUERYFILE gets names and types in the form that dnsperf reads: most of
them there, one in twenty not."""
import random
import sys

ORIGIN = "bench.example."
HEAD = """$ORIGIN bench.example.
$TTL 3600
@ IN SOA ns1 hostmaster 1 3600 900 604800 60
@ IN NS ns1
ns1 IN A 192.0.2.53
pushed 60 IN A 192.0.2.1
edited 60 IN A 192.0.2.1
"""
HEAD_RECORDS = 5
SITE_HOSTS = 300
SITE_SERVICES = 100
SITE_ALIASES = 100
SITE_RECORDS = 2 * SITE_HOSTS + 3 * SITE_SERVICES + SITE_ALIASES
QUERIES = 100000


def site_records(site):
    """The records of one site, as lines."""
    high, low = site >> 8, site & 255
    for i in range(SITE_HOSTS):
        yield f"host-{i}.site-{site} IN A 10.{(site * SITE_HOSTS + i) >> 16 & 255}.{(site * SITE_HOSTS + i) >> 8 & 255}." \
              f"{(site * SITE_HOSTS + i) & 255}\n"
        yield f"host-{i}.site-{site} IN AAAA 2001:db8:{high:x}:{low:x}::{i + 1:x}\n"
    for i in range(SITE_SERVICES):
        yield f"_ipp._tcp.site-{site} IN PTR printer-{i}._ipp._tcp.site-{site}\n"
        yield f"printer-{i}._ipp._tcp.site-{site} IN SRV 0 0 631 host-{i}.site-{site}\n"
        yield f"printer-{i}._ipp._tcp.site-{site} IN TXT \"txtvers=1\" \"rp=ipp/print\" \"note=room {i}\"\n"
    for i in range(SITE_ALIASES):
        yield f"alias-{i}.site-{site} IN CNAME host-{i}.site-{site}\n"


def write_zone(path, records):
    with open(path, "w", encoding="ascii") as file:
        file.write(HEAD)
        left = records - HEAD_RECORDS
        site = 0
        while left > 0:
            lines = list(site_records(site))[:left]
            file.writelines(lines)
            left -= len(lines)
            site += 1
    return site


def write_queries(path, sites):
    choice = random.Random(8765)
    kinds = [("host-{}", "A"), ("host-{}", "AAAA"), ("printer-{}._ipp._tcp", "SRV"), ("printer-{}._ipp._tcp", "TXT"),
             ("alias-{}", "A")]
    with open(path, "w", encoding="ascii") as file:
        for number in range(QUERIES):
            label, rrtype = kinds[number % len(kinds)]
            # Only whole sites, so that the names are there whatever the number of records.
            site = choice.randrange(max(1, sites - 1))
            missing = "no-" if number % 20 == 19 else ""
            name = label.format(choice.randrange(SITE_SERVICES))
            file.write(f"{missing}{name}.site-{site}.{ORIGIN} {rrtype}\n")


def main():
    if len(sys.argv) not in (3, 4):
        sys.exit("usage: make_zone.py ZONEFILE QUERYFILE [RECORDS]")
    records = int(sys.argv[3]) if len(sys.argv) == 4 else 1000000
    write_queries(sys.argv[2], write_zone(sys.argv[1], records))


main()
