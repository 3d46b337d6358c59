#!/usr/bin/env python3
"""Sends one packet that no ordinary program sends.

usage: odd.py tcp   SRC DST SPORT DPORT FLAGS      a lone TCP segment; FLAGS: letters of CEUAPRSF, or 0 for none
       odd.py proto DST PROTOCOL BYTES             BYTES zero bytes in an IP protocol given by number
       odd.py udp6  DST PORT HEADER...             UDP over IPv6 with extension headers: hbh, dst
       odd.py rt2   DST PORT                       UDP over IPv6 behind a routing header of type 2 that has no segment left
       odd.py rs    INTERFACE                      an ICMPv6 router solicitation
"""
import socket
import struct
import sys


def checksum(data):
    data += b'\0' * (len(data) % 2)
    s = sum(struct.unpack(f'>{len(data) // 2}H', data))
    while s >> 16:
        s = (s & 0xffff) + (s >> 16)
    return ~s & 0xffff


def tcp(src, dst, sport, dport, flags):
    family = socket.AF_INET6 if ':' in dst else socket.AF_INET
    bits = sum(1 << 'FSRPAUEC'.index(c) for c in flags if c != '0')
    header = struct.pack('>HHIIBBHHH', int(sport), int(dport), 1000, 2000 if 'A' in flags else 0, 0x50, bits, 1024, 0, 0)
    a, b = socket.inet_pton(family, src), socket.inet_pton(family, dst)
    c = checksum(a + b + (struct.pack('>HH', 6, 20) if len(a) == 4 else struct.pack('>II', 20, 6)) + header)
    s = socket.socket(family, socket.SOCK_RAW, socket.IPPROTO_TCP)
    s.bind((src, 0))
    s.sendto(header[:16] + struct.pack('>H', c) + header[18:], (dst, 0))


def proto(dst, protocol, size):
    s = socket.socket(socket.AF_INET6 if ':' in dst else socket.AF_INET, socket.SOCK_RAW, int(protocol))
    s.sendto(bytes(int(size)), (dst, 0))


def udp6(dst, port, *headers):
    s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    padn = b'\x01\x04\0\0\0\0'
    for h in headers:
        if h == 'hbh':
            s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_HOPOPTS, b'\0\0' + padn)
        elif h == 'dst':
            s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_DSTOPTS, b'\0\0' + padn)
        else:
            raise SystemExit(__doc__)
    s.sendto(b'extension headers', (dst, int(port)))


def rt2(dst, port):
    s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    s.connect((dst, int(port)))
    ends = socket.inet_pton(socket.AF_INET6, s.getsockname()[0]) + socket.inet_pton(socket.AF_INET6, dst)
    udp = struct.pack('>HHHH', s.getsockname()[1], int(port), 12, 0) + b'rt2\n'
    udp = udp[:6] + struct.pack('>H', checksum(ends + struct.pack('>II', len(udp), 17) + udp)) + udp[8:]
    routing = b'\x11\2\2\0\0\0\0\0' + ends[16:]
    raw = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_RAW)
    raw.sendto(struct.pack('>IHBB', 6 << 28, len(routing + udp), 43, 64) + ends + routing + udp, (dst, 0))


def rs(device):
    s = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
    s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 255)
    s.sendto(b'\x85' + bytes(7), ('ff02::2', 0, 0, socket.if_nametoindex(device)))


if __name__ == '__main__':
    {'rs': rs, 'rt2': rt2, 'tcp': tcp, 'proto': proto, 'udp6': udp6}[sys.argv[1]](*sys.argv[2:])
