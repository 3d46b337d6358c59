#!/usr/bin/env python3
"""Which way did the kernel's dice fall? Tells it from node.pcapng alone, and holds it against the counters in expected/.

A SYN to a service comes in with the service's address; a moment later it leaves with an endpoint's. NAT leaves its sequence
number alone, so the two are found to be one, and the second tells which endpoint was thrown.
"""
import pathlib
import re
import socket
import struct
import sys
sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / 'lib'))
import pcap

came, thrown = {}, {}
for dev, t, linktype, flags, data, _ in pcap.read(HERE / 'node.pcapng'):
    ip = data[14:]
    if data[12:14] != b'\x08\0' or ip[9] != 6:
        continue
    tcp = ip[(ip[0] & 15) * 4:]
    dport, seq = struct.unpack('>H', tcp[2:4])[0], tcp[4:8]
    to = f'{socket.inet_ntoa(ip[16:20])}:{dport}'
    if tcp[13] & 0x12 == 2:
        if flags == pcap.INBOUND and to in ('10.96.0.20:80', '192.168.50.10:32096', '10.96.0.30:80', '192.168.50.10:32098'):
            came[seq] = to
        elif flags == pcap.OUTBOUND and seq in came:
            thrown[to] = thrown.get(to, 0) + 1

good = bool(thrown)
saved = (HERE / 'expected' / 'iptables.save').read_text()
for endpoint, n in sorted(thrown.items()):
    counted = sum(int(m) for m in re.findall(rf'\[(\d+):\d+\] -A KUBE-SEP-\S+ -p tcp .*--to-destination {re.escape(endpoint)}\n', saved))
    good &= n == counted
    print(f'{endpoint}: {n} connections in the capture, {counted} counted by the DNAT rule of its KUBE-SEP chain')
sys.exit(0 if good else 1)
