#!/usr/bin/env python3
"""Sends a UDP datagram in hand-made fragments: in any order, twice, overlapping, with holes.

usage: frags.py SRC DST SPORT DPORT ID BYTES PIECE...

BYTES is the length of the datagram, header and all; its checksum is right. A PIECE is FROM-TO, two places in it, and then
  +  more fragments follow, whatever TO says       .  it is the last, whatever TO says
  eN the congestion bits of the header are N
With IPv6 a single piece of the whole is an atomic fragment; with IPv4 it is an ordinary packet.
"""
import re
import socket
import struct
import sys
import time

from odd import checksum


def send(src, dst, sport, dport, ident, size, *pieces):
    six, size, ident = ':' in dst, int(size), int(ident)
    a, b = (socket.inet_pton(socket.AF_INET6 if six else socket.AF_INET, x) for x in (src, dst))
    udp = struct.pack('>HHHH', int(sport), int(dport), size, 0) + (b'in pieces ' * size)[:size - 8]
    pseudo = a + b + (struct.pack('>II', size, 17) if six else struct.pack('>HH', 17, size))
    udp = udp[:6] + struct.pack('>H', checksum(pseudo + udp) or 0xffff) + udp[8:]
    raw = socket.socket(socket.AF_INET6 if six else socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
    for piece in pieces:
        start, end, forced, ecn = re.fullmatch(r'(\d+)-(\d+)([+.]?)(?:e(\d))?', piece).groups()
        start, end, ecn = int(start), int(end), int(ecn or 0)
        data = udp[start:end].ljust(end - start, b'.')
        more = {'+': True, '.': False, '': end < size}[forced]
        if six:
            header = struct.pack('>BBHI', 17, 0, start | more, ident)
            raw.sendto(struct.pack('>IHBB', 6 << 28 | ecn << 20, 8 + len(data), 44, 64) + a + b + header + data, (dst, 0))
        else:
            raw.sendto(struct.pack('>BBHHHBBH', 0x45, ecn, 20 + len(data), ident, more << 13 | start >> 3, 64, 17, 0) + a + b + data, (dst, 0))
        time.sleep(0.002)


if __name__ == '__main__':
    send(*sys.argv[1:])
