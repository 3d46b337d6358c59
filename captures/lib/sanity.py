#!/usr/bin/env python3
"""Does a recording add up? Counts the packets of its captures again and compares them with the firewall's counters.

usage: sanity.py SCENARIO-FOLDER...

Every recorded ruleset has rules without a target that only count: `-A PREROUTING -i IFACE` in the raw table (every IP packet
that came in), `-A OUTPUT -o IFACE` in raw (every one that the host made) and `-A POSTROUTING -o IFACE` in mangle (every one that
went out). Here the first and the last are held against the captures, packets and bytes, each interface and family by itself:

  raw PREROUTING -i X      =  IP packets captured on X that came in (and were for the host's MAC address, or for many)
  mangle POSTROUTING -o X  =  IP packets captured on X that went out

Where there are files IFACE.out.pcap, of what the host made as it entered OUTPUT, they are compared with `raw OUTPUT -o IFACE`
(as direction `made`, together with what IFACE.pcap holds if IFACE is lo), and IFACE.in.pcap with PREROUTING; POSTROUTING was
compared when the recording was made.

For the ports of a bridge it is `raw PREROUTING -m physdev --physdev-in X`, and packets for any MAC address count. What goes out of a
port is not compared: what the machine itself sends is counted once, on the bridge, and may leave by several ports.

Where connection tracking is on (fragments='whole'), the fragments of a datagram count as the one whole datagram: the kernel puts
them together before raw, and cuts what it sends after POSTROUTING. Nothing of the replay's code is used here, on purpose.
"""
import json
import pathlib
import re
import struct
import sys

sys.dont_write_bytecode = True
import pcap


def ip_of(linktype, data, length):
    """(family, captured part of the IP packet, its length, destination MAC, source MAC) of a frame, or None if it is not IP. The
    length is the header's: frames are padded, and libpcap cuts those that are longer than the MTU where an interface's own
    offloads are off and its neighbour's on. A length of 0 means too long for the field (BIG TCP): then it is the frame's."""
    if linktype == pcap.LINKTYPE_RAW:
        data, linktype = bytes(12) + (b'\x08\0' if data[0] >> 4 == 4 else b'\x86\xdd') + data, pcap.LINKTYPE_ETHERNET
        length += 14
    if linktype == pcap.LINKTYPE_ETHERNET:
        at, ethertype = 14, struct.unpack('>H', data[12:14])[0]
        while ethertype in (0x8100, 0x88a8):
            ethertype = struct.unpack('>H', data[at + 2:at + 4])[0]
            at += 4
        packet, dst, src = data[at:], data[:6], data[6:12]
    else:
        raise SystemExit(f'link type {linktype} is not known here')
    if ethertype == 0x0800:
        return 4, packet, struct.unpack('>H', packet[2:4])[0] or length - at, dst, src
    if ethertype == 0x86dd:
        payload = struct.unpack('>H', packet[4:6])[0]
        return 6, packet, 40 + payload if payload else length - at, dst, src
    return None


class Fragments:
    """Puts the fragments that pass one interface in one direction together, as the kernel does for connection tracking."""

    def __init__(self, sysctls):
        self.seconds = {4: int(sysctls.get('net.ipv4.ipfrag_time', 30)), 6: int(sysctls.get('net.netfilter.nf_conntrack_frag6_timeout', 60))}
        self.trains = {}

    def add(self, family, p, length, t):
        """How long the packet is that is to be counted now: `length` for what is no fragment, else that of the whole with the last
        fragment to come, and None before, and for what is dropped."""
        if family == 4:
            word, tos = struct.unpack('>H', p[6:8])[0], p[1]
            if not word & 0x3fff:
                return length
            at = (p[0] & 15) * 4
            key, start, more, size = (p[12:20], p[9], p[4:6]), (word & 0x1fff) * 8, bool(word & 0x2000), length - at
            size -= size % 8 if more else 0
        else:
            at, nh, tos = 40, p[6], p[0] << 4 & 255 | p[1] >> 4
            while nh in (0, 43, 60):
                nh, at = p[at], at + (p[at + 1] + 1) * 8
            if nh != 44:
                return length
            word = struct.unpack('>H', p[at + 2:at + 4])[0]
            # The kernel takes the fragment header away when it puts the datagram together.
            key, start, more, size = (p[8:40], p[at + 4:at + 8]), word & 0xfff8, bool(word & 1), length - at - 8
        train = self.trains.get(key)
        if train is None or t - train['born'] > self.seconds[family] * 1e9:
            train = self.trains[key] = {'born': t, 'pieces': [], 'end': None, 'far': 0, 'ecn': set(), 'header': None}
        end = start + size
        if family == 6 and more and size % 8:
            del self.trains[key]                    # what comes of it is not put together any more, and this one passes as it is
            return length
        wrong = end != train['end'] if train['end'] is not None and not more else end < train['far'] if not more else \
            train['end'] is not None and end > train['end']
        if wrong or size == 0:
            if family == 4:
                del self.trains[key]
            return None
        if not more:
            train['end'] = end
        train['far'] = max(train['far'], end)
        met = [(s, e) for s, e in train['pieces'] if s < end and start < e]
        if met:
            if sum(min(e, end) - max(s, start) for s, e in met) < size:
                del self.trains[key]                # an overlap is the end of the whole packet; a repetition is not
            return None
        train['pieces'].append((start, end))
        train['ecn'].add(tos & 3)
        if start == 0:
            train['header'] = at
        if train['end'] is None or sum(e - s for s, e in train['pieces']) < train['end']:
            return None
        del self.trains[key]
        return None if 0 in train['ecn'] and len(train['ecn']) > 1 else train['header'] + train['end']


def count(folder, fragments):
    """{(family, direction, interface): [packets, bytes]} of all captures in the folder."""
    links = {l['ifname']: l for l in json.load(open(folder / 'host' / 'address.json'))}
    own = {n: bytes.fromhex(l['address'].replace(':', '')) for n, l in links.items() if 'address' in l}
    # Out of a port goes what bears a MAC address that is not behind it; only the bridge knows which. A scenario says so.
    notes = folder / 'expected' / 'sanity.json'
    behind = json.loads(notes.read_text()).get('behind', {}) if notes.exists() else {}
    everyone = {m for ms in behind.values() for m in ms} | {l['address'] for l in links.values() if 'address' in l}
    others = {dev: {bytes.fromhex(m.replace(':', '')) for m in everyone - set(ms)} for dev, ms in behind.items()}
    sysctls = dict(line.split(' = ', 1) for line in (folder / 'host' / 'sysctl.txt').read_text().splitlines() if ' = ' in line)
    totals, seen, total_packets = {}, {}, 0
    for file in sorted([*folder.glob('*.pcap'), *folder.glob('*.pcapng')]):
        for dev, t, linktype, flags, data, frame in pcap.read(file, file.stem.split('.')[0]):
            total_packets += 1
            found = ip_of(linktype, data, frame)
            if not found:
                continue
            family, packet, length, dst, src = found
            way = file.stem[len(dev):]
            if way == '.out':
                directions = ['made']
            elif dev == 'lo':
                directions = ['in', 'out', 'made']
            elif way == '.in':
                directions = ['in']
            elif src == own[dev] or src in others.get(dev, ()):
                directions = ['out']
            elif dst == own[dev] or dst[0] & 1 or 'master' in links[dev]:
                directions = ['in']
            else:
                continue
            if flags is not None and directions != [{1: 'in', 2: 'out'}[flags & 3]]:
                raise SystemExit(f'{file}: a direction flag is wrong')
            for direction in directions:
                total = totals.setdefault((family, direction, dev), [0, 0])
                counted = length
                if fragments == 'whole':
                    counted = seen.setdefault((direction, dev), Fragments(sysctls)).add(family, packet, length, t)
                if counted is not None:
                    total[0] += 1
                    total[1] += counted
    return totals, total_packets


def counters(folder):
    """The counting rules of expected/: {(family, direction, interface): [packets, bytes]}."""
    found = {}
    for family, name in ((4, 'iptables.save'), (6, 'ip6tables.save')):
        table = None
        for line in (folder / 'expected' / name).read_text().splitlines():
            if line.startswith('*'):
                table = line[1:]
            m = re.fullmatch(r'\[(\d+):(\d+)\] -A (PREROUTING -i|POSTROUTING -o|OUTPUT -o|PREROUTING -m physdev  ?--physdev-in) (\S+)', line)
            if m and (table, m[3][:3]) in (('raw', 'PRE'), ('raw', 'OUT'), ('mangle', 'POS')):
                found[family, {'PRE': 'in', 'OUT': 'made', 'POS': 'out'}[m[3][:3]], m[4]] = [int(m[1]), int(m[2])]
    return found


def check(folder, fragments='whole', differs=None, behind=None):
    """True if all counting rules agree with the captures; prints a table. differs: {(family, direction, interface): (packets,
    bytes)} that were counted and could not be captured, or None in place of the pair if any number may be, each for a reason
    that the scenario's README gives. behind: {port of a bridge: MAC addresses that live there}. Both are kept in expected/sanity.json, for those who check the recording later."""
    folder = pathlib.Path(folder)
    notes = folder / 'expected' / 'sanity.json'
    if differs is not None or behind is not None:
        notes.write_text(json.dumps({'fragments': fragments, 'differs': [[*k, v] for k, v in (differs or {}).items()], 'behind': behind or {}}) + '\n')
    elif notes.exists():
        kept = json.loads(notes.read_text())
        behind = kept.get('behind')
        fragments, differs = kept['fragments'], {tuple(k[:3]): k[3] for k in kept['differs']}
    differs = differs or {}
    captured, packets = count(folder, fragments)
    counted = counters(folder)
    good = bool(counted)
    print(f'{folder.name}: {packets} packets captured')
    apart = {f.stem.split('.')[0] for f in folder.glob('*.in.pcap')}
    for key in sorted({*captured, *counted}):
        if key[1] == 'made' and not apart or key[1] == 'out' and apart:
            continue
        c, k = captured.get(key, [0, 0]), counted.get(key)
        if k is None and (folder / 'expected' / ('iptables.save' if key[0] == 4 else 'ip6tables.save')).read_text() == '':
            continue
        if c == k:
            verdict = 'ok'
        elif k is None and key[1] == 'out' and key[2] in (behind or {}):
            verdict = 'not compared: a port'
        elif k is None:
            verdict = 'no counting rule'
        elif key in differs and (differs[key] is None or [k[0] - c[0], k[1] - c[1]] == list(differs[key])):
            verdict = 'differs, as explained'
        else:
            verdict = 'DIFFERS'
        good &= verdict in ('ok', 'differs, as explained', 'not compared: a port')
        print(f'  IPv{key[0]} {key[1]:4} {key[2]:8} captured {c[0]:6} packets {c[1]:8} bytes, counted {"-" if k is None else k[0]:>6} {"-" if k is None else k[1]:>8}  {verdict}')
    return good


if __name__ == '__main__':
    results = [check(f) for f in sys.argv[1:]]
    sys.exit(0 if results and all(results) else 1)
