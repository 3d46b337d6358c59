"""Reads pcap and pcapng files, and packs several pcap files into one pcapng. Only what the recordings need.

A packet is (interface name or None, time in nanoseconds, link type, flags or None, bytes, original length).
"""
import json
import struct

LINKTYPE_ETHERNET, LINKTYPE_RAW, LINKTYPE_NFLOG, LINKTYPE_SLL2 = 1, 101, 239, 276
INBOUND, OUTBOUND = 1, 2                # pcapng epb_flags, bits 0 and 1


def read(path, name=None):
    data = open(path, 'rb').read()
    return read_pcapng(data) if data[:4] == b'\x0a\x0d\x0d\x0a' else read_pcap(data, name)


def read_pcap(data, name):
    magic = struct.unpack('<I', data[:4])[0]
    order = '<' if magic in (0xa1b2c3d4, 0xa1b23c4d) else '>'
    magic, _, _, _, _, _, linktype = struct.unpack(order + 'IHHiIII', data[:24])
    unit = 1 if magic == 0xa1b23c4d else 1000
    at = 24
    while at < len(data):
        sec, frac, caplen, length = struct.unpack(order + 'IIII', data[at:at + 16])
        yield name, sec * 10**9 + frac * unit, linktype, None, data[at + 16:at + 16 + caplen], length
        at += 16 + caplen


def write(path, linktype, packets):
    """packets: (time in nanoseconds, bytes), in order of time."""
    with open(path, 'wb') as out:
        out.write(struct.pack('<IHHiIII', 0xa1b23c4d, 2, 4, 0, 0, 262144, linktype))
        for t, data in packets:
            out.write(struct.pack('<IIII', t // 10**9, t % 10**9, len(data), len(data)) + data)


def read_pcapng(data):
    at, interfaces = 0, []
    while at < len(data):
        kind, size = struct.unpack('<II', data[at:at + 8])
        body = data[at + 8:at + size - 4]
        if kind == 1:
            o = options(body, 8)
            resolution = o.get(9, b'\x06')[0]
            interfaces.append((o.get(2, b'').decode() or None, struct.unpack('<H', body[:2])[0], 10**(9 - resolution)))
        elif kind == 6:
            i, high, low, caplen, length = struct.unpack('<IIIII', body[:20])
            o = options(body, 20 + (caplen + 3) // 4 * 4)
            name, linktype, unit = interfaces[i]
            flags = struct.unpack('<I', o[2])[0] if 2 in o else None
            yield name, (high << 32 | low) * unit, linktype, flags, body[20:20 + caplen], length
        at += size


def options(body, at):
    found = {}
    while at + 4 <= len(body):
        code, length = struct.unpack('<HH', body[at:at + 4])
        if code == 0:
            break
        found[code] = body[at + 4:at + 4 + length]
        at += 4 + (length + 3) // 4 * 4
    return found


def option(code, value):
    return struct.pack('<HH', code, len(value)) + value + b'\0' * (-len(value) % 4)


def block(kind, body):
    body += b'\0' * (-len(body) % 4)
    return struct.pack('<II', kind, len(body) + 12) + body + struct.pack('<I', len(body) + 12)


def pack(files, address_json, path):
    """files: (interface, pcap file). Packets in order of time; the direction is written into each packet's flags, as told by
    the Ethernet source address. Packets of lo carry none: there the two directions are one."""
    own = {l['ifname']: bytes.fromhex(l['address'].replace(':', '')) for l in json.load(open(address_json)) if 'address' in l}
    packets = []
    with open(path, 'wb') as out:
        out.write(block(0x0a0d0d0a, struct.pack('<IHHq', 0x1a2b3c4d, 1, 0, -1) + option(0, b'')))
        for i, (dev, file) in enumerate(files):
            out.write(block(1, struct.pack('<HHI', LINKTYPE_ETHERNET, 0, 262144) + option(2, dev.encode()) + option(9, b'\x09') + option(0, b'')))
            packets += [(t, i, dev, data, length) for _, t, _, _, data, length in read(file, dev)]
        for t, i, dev, data, length in sorted(packets, key=lambda p: p[0]):
            flags = b'' if dev == 'lo' else option(2, struct.pack('<I', OUTBOUND if data[6:12] == own[dev] else INBOUND)) + option(0, b'')
            padded = data + b'\0' * (-len(data) % 4)
            out.write(block(6, struct.pack('<IIIII', i, t >> 32, t & 0xffffffff, len(data), length) + padded + flags))
