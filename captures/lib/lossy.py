#!/usr/bin/env python3
"""A bad cable: passes Ethernet frames between two interfaces, and loses, repeats and delays some of the IP packets.

usage: lossy.py A B SEED LOSS REPEAT DELAY     percentages of packets; a delayed one comes 2 to 12 ms late, behind others

It stands in for `tc netem`, which not every kernel has. ARP passes untouched.
"""
import heapq
import random
import select
import socket
import sys
import time

ETH_P_ALL, PACKET_OUTGOING = 3, 4


def relay(a, b, seed, loss, repeat, delay):
    dice = random.Random(int(seed))
    loss, repeat, delay = (float(x) / 100 for x in (loss, repeat, delay))
    ends = []
    for name in (a, b):
        s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
        s.bind((name, ETH_P_ALL))
        # A cable takes what is for everybody: PACKET_ADD_MEMBERSHIP, PACKET_MR_PROMISC.
        s.setsockopt(263, 1, socket.if_nametoindex(name).to_bytes(4, sys.byteorder) + (1).to_bytes(2, sys.byteorder) + bytes(10))
        ends.append(s)
    waiting, number = [], 0
    print('ready', flush=True)
    while True:
        now = time.monotonic()
        while waiting and waiting[0][0] <= now:
            _, _, end, frame = heapq.heappop(waiting)
            end.send(frame)
        readable, _, _ = select.select(ends, [], [], max(0, waiting[0][0] - now) if waiting else None)
        for end in readable:
            frame, (_, _, kind, _, _) = end.recvfrom(65535)
            if kind == PACKET_OUTGOING:
                continue
            other = ends[1 - ends.index(end)]
            if frame[12:14] != b'\x08\0':
                other.send(frame)
                continue
            if dice.random() < loss:
                continue
            for _ in range(2 if dice.random() < repeat else 1):
                late = dice.uniform(0.002, 0.012) if dice.random() < delay else 0
                if late:
                    number += 1
                    heapq.heappush(waiting, (time.monotonic() + late, number, other, frame))
                else:
                    other.send(frame)


relay(*sys.argv[1:])
