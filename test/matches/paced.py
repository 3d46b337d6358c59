#!/usr/bin/env python3
"""Asks the kernel, packet by packet, what matches with a memory say: paced.py SECONDS > recorded/paced.jsonl

Run as root on Linux. In a network namespace of its own, packets go out over lo at random moments; a rule per port
drops what its match takes, and a dropped packet is told by the EPERM of its sendto(). CLOCK_MONOTONIC_COARSE is the
time of the last tick, so the jiffy of every packet is known, which it never is for a capture.

The first line names the kernel and the rules, each further one is a round: [jiffy, source, destination, payload bytes, TTL, what each rule said, jiffies later (when not 0)].
"""

import ctypes
import json
import random
import socket
import subprocess
import sys
import time

SOURCES = 130  # more than a recent list remembers
COARSE = 6
NS_PER_JIFFY = 4_000_000
RULES = """
-m limit --limit 10/sec --limit-burst 3
-m limit --limit 7/sec --limit-burst 1
-m limit --limit 100/min
-m limit --limit 333/sec --limit-burst 5
-m hashlimit --hashlimit-upto 3/sec --hashlimit-burst 3 --hashlimit-name a --hashlimit-mode srcip
-m hashlimit --hashlimit-above 7/sec --hashlimit-burst 1 --hashlimit-name b --hashlimit-mode dstip
-m hashlimit --hashlimit-upto 20kb/s --hashlimit-name c --hashlimit-mode srcip
-m hashlimit --hashlimit-above 3kb/s --hashlimit-burst 9kb --hashlimit-name d --hashlimit-mode dstip
-m hashlimit --hashlimit-above 20/sec --hashlimit-burst 5 --hashlimit-name e --hashlimit-mode dstip --hashlimit-rate-match --hashlimit-rate-interval 1
-m hashlimit --hashlimit-above 5kb/s --hashlimit-name f --hashlimit-mode srcip --hashlimit-rate-match --hashlimit-rate-interval 2
-m hashlimit --hashlimit-above 2kb/s --hashlimit-burst 6kb --hashlimit-name g --hashlimit-rate-match
-m hashlimit --hashlimit-upto 50/min --hashlimit-burst 4 --hashlimit-name h --hashlimit-mode srcip --hashlimit-srcmask 27
-m hashlimit --hashlimit-upto 61/min --hashlimit-burst 2 --hashlimit-name i --hashlimit-mode srcip --hashlimit-htable-expire 600000
-m hashlimit --hashlimit-above 9/sec --hashlimit-burst 2 --hashlimit-name i --hashlimit-mode dstip
-m hashlimit --hashlimit-upto 2/sec --hashlimit-burst 2 --hashlimit-name j --hashlimit-mode srcip --hashlimit-htable-size 10 --hashlimit-htable-max 50 --hashlimit-htable-expire 600000
-m recent --update --seconds 2 --hitcount 3 --name k
-m recent --set --name k
-m recent --rcheck --seconds 1 --hitcount 2 --name k --rttl
-m recent ! --rcheck --seconds 1 --name k
-m recent --rcheck --seconds 1 --reap --name k --rdest
-m recent --update --seconds 1 --hitcount 9 --name k --mask 255.255.255.252
-m recent --set --name l --mask 255.255.255.252
-m recent --rcheck --hitcount 40 --name l
-m recent --remove --name k --rdest
-m recent ! --update --seconds 1 --name m
-m recent --set --name m
-m statistic --mode nth --every 7 --packet 3
-m statistic --mode nth ! --every 5 --packet 0
""".strip().split("\n")


def main(seconds):
    libc = ctypes.CDLL(None)
    assert libc.unshare(0x40000000) == 0, "needs root"
    addresses = "".join(f"address add 10.9.0.{i}/32 dev lo\n" for i in range(1, SOURCES + 1))
    subprocess.run(["ip", "-batch", "-"], input="link set lo up\n" + addresses, text=True, check=True)
    lines = [f"-A OUTPUT -p udp --dport {1000 + i} {rule} -j DROP\n" for i, rule in enumerate(RULES)]
    subprocess.run(["iptables-legacy-restore"], input="*filter\n" + "".join(lines) + "COMMIT\n", text=True, check=True)
    senders = []
    for i in range(1, SOURCES + 1):
        sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sender.bind((f"10.9.0.{i}", 5000 + i))
        senders.append(sender)
    rounds = []
    now = lambda: time.clock_gettime_ns(COARSE) // NS_PER_JIFFY
    start = now()
    while now() - start < seconds * 250:
        time.sleep(random.choice([0, 0, 0.001, 0.004, 0.01, 0.03, 0.1, 0.3]) * random.random())
        for _ in range(random.choice([1, 1, 1, 3])):
            source = random.randrange(SOURCES if random.random() < 0.4 else 6) + 1
            to, size, ttl = random.choice([1, 2, 3]), random.choice([0, 10, 100, 1000, 1400]), random.choice([63, 64])
            senders[source - 1].setsockopt(socket.IPPROTO_IP, socket.IP_TTL, ttl)
            said, later, jiffy = "", "", now()
            for i in range(len(RULES)):
                later += str(min(9, now() - jiffy))
                try:
                    senders[source - 1].sendto(b"x" * size, (f"10.9.0.{to}", 1000 + i))
                    said += "0"
                except PermissionError:
                    said += "1"
            tail = [] if later.strip("0") == "" else [later]
            rounds.append([jiffy - start, source, to, size, ttl, said, *tail])
    kernel = subprocess.run(["uname", "-r"], capture_output=True, text=True).stdout.strip()
    for one in [{"kernel": kernel, "rules": RULES}, *rounds]:
        print(json.dumps(one, separators=(",", ":")))


main(float(sys.argv[1]))
