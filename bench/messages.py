"""The few DNS messages that the bench itself sends and reads: A queries and UPDATEs of the zone bench.example."""
import itertools
import socket
import struct

ORIGIN = "bench.example"
TYPE_A, TYPE_SOA = 1, 6
CLASS_IN, CLASS_ANY = 1, 255
OPCODE_UPDATE = 5 << 11

ids = itertools.count(1)


def wire_name(text):
    return b"".join(bytes([len(label)]) + label.encode("ascii") for label in text.split(".")) + b"\0"


def full_name(name):
    return wire_name(f"{name}.{ORIGIN}")


def header(flags, *counts):
    return struct.pack("!6H", next(ids) & 0xffff, flags, *counts)


def query(name):
    return header(0, 1, 0, 0, 0) + full_name(name) + struct.pack("!2H", TYPE_A, CLASS_IN)


def update(name, address):
    """Put one A record in the place of all that the name has."""
    owner = full_name(name)
    return (header(OPCODE_UPDATE, 1, 0, 2, 0) + wire_name(ORIGIN) + struct.pack("!2H", TYPE_SOA, CLASS_IN) +
            owner + struct.pack("!HHIH", TYPE_A, CLASS_ANY, 0, 0) +
            owner + struct.pack("!HHIH", TYPE_A, CLASS_IN, 60, 4) + socket.inet_aton(address))


def rcode(message):
    return message[3] & 15


def address_in(answer):
    """The address in an answer of one A record; None for anything else."""
    if answer is None or len(answer) < 28 or rcode(answer) != 0 or answer[6:8] != b"\0\1":
        return None
    at = 12
    while answer[at]:
        at += 1 + answer[at]
    at += 5
    # The owner: a pointer, or the name in full.
    if answer[at] >= 0xc0:
        at += 2
    else:
        while answer[at]:
            at += 1 + answer[at]
        at += 1
    rrtype, _, _, length = struct.unpack_from("!HHIH", answer, at)
    return socket.inet_ntoa(answer[at + 10:at + 14]) if rrtype == TYPE_A and length == 4 else None
