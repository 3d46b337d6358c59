"""What a host makes, as it enters OUTPUT: for scenarios in which it is translated there, before tcpdump sees it.

Debian packages: nftables (for Scenario.begin(tap=True))
"""
import json
import struct

import pcap


def split(folder):
    """IFACE.pcap -> IFACE.in.pcap (what came in) and IFACE.out.pcap (what the host made, as it entered OUTPUT towards IFACE; from
    the NFLOG capture). What came in to a bridge came in by its ports, and is in their files. lo.pcap
    stays, and lo.out.pcap has what was bound for lo but translated to leave by another interface.

    NFLOG keeps the order of packets but not their time, which is that of tcpdump's awakening. A packet gets the time at which it
    left an interface a moment later, told by what NAT leaves alone; one that never left gets a microsecond less than the next."""
    def sign(ip):
        l4 = ip[(ip[0] & 15) * 4:struct.unpack('>H', ip[2:4])[0]]
        return ip[9], ip[2:6], l4[4:16] if ip[9] == 6 else l4[8:] if ip[9] == 17 else l4

    links = {l['ifindex']: l for l in json.load(open(folder / 'host' / 'address.json'))}
    own = {l['ifname']: bytes.fromhex(l['address'].replace(':', '')) for l in links.values()}
    bridges = {l['master'] for l in links.values() if 'master' in l}
    left = {}
    for file in sorted(folder.glob('*.pcap')):
        dev = file.stem
        frames = [(t, data) for _, t, _, _, data, _ in pcap.read(file)]
        for t, data in frames:
            if data[12:14] == b'\x08\0' and (dev == 'lo' or data[6:12] == own[dev]):
                left.setdefault(sign(data[14:]), []).append((t, dev))
        came = [(t, data) for t, data in frames if data[6:12] != own[dev]]
        if len(came) == len(frames) and dev not in ('lo', *bridges):
            file.rename(folder / f'{dev}.in.pcap')
            continue
        file.rename(folder / 'extra' / file.name)
        if dev == 'lo':
            pcap.write(file, pcap.LINKTYPE_ETHERNET, frames)
        elif dev not in bridges:
            pcap.write(folder / f'{dev}.in.pcap', pcap.LINKTYPE_ETHERNET, came)
    made = []
    for _, t, linktype, _, data, _ in pcap.read(folder / 'extra' / 'output.nflog.pcap'):
        at, values = 4, {}
        while at + 4 <= len(data):
            length, kind = struct.unpack('<HH', data[at:at + 4])
            values[kind & 0x7fff] = data[at + 4:at + length]
            at += (length + 3) // 4 * 4
        ip, towards = values[9], links[struct.unpack('>I', values[5])[0]]['ifname']       # NFULA_PAYLOAD, NFULA_IFINDEX_OUTDEV
        times = left.get(sign(ip))
        made.append([*(times.pop(0) if times else (None, None)), t, towards, ip])
    following = None
    for m in reversed(made):
        if m[0] is None:
            m[0] = min(m[2], following - 1000) if following else m[2]
        following = m[0]
    for dev in own:
        packets = sorted((t, ip) for t, by, _, towards, ip in made if towards == dev and not (dev == 'lo' and by == 'lo'))
        if packets:
            pcap.write(folder / f'{dev}.out.pcap', pcap.LINKTYPE_RAW, packets)
