#!/usr/bin/env python3
"""Asks the kernel, packet by packet, what -m rateest says: rateest.py SECONDS > recorded/rateest.jsonl

Run as root on Linux. As paced.py: in a network namespace of its own, packets go out over lo; those to COUNTED are counted by
every estimator, and a rule per port drops what its match takes, which the EPERM of its sendto() tells. All packets of a round
are sent within one jiffy, whose number is that of the kernel (/proc/timer_list): the timer wheel's grid depends on it.

The first line names the kernel, the rules, and the jiffies between which the estimators were loaded; each further one is a
round: [jiffy, payload bytes of the packets counted, what each rule said ("" when the jiffy ended before)].
"""

import ctypes
import json
import os
import random
import re
import socket
import subprocess
import sys
import time

COARSE = 6
NS_PER_JIFFY = 4_000_000
COUNTED = 900
ESTIMATORS = {
    "a": "--rateest-interval 250ms --rateest-ewmalog 500ms",
    "b": "--rateest-interval 250ms --rateest-ewmalog 4s",
    "c": "--rateest-interval 500ms --rateest-ewmalog 1s",
    "d": "--rateest-interval 1s --rateest-ewmalog 4s",
    "e": "--rateest-interval 2s --rateest-ewmalog 3s",
    "f": "--rateest-interval 4s --rateest-ewmalog 6s",
    "g": "--rateest-interval 8s --rateest-ewmalog 12s",
}
RULES = [
    f"-m rateest --rateest {name} {test}"
    for name in ESTIMATORS
    for test in (
        "--rateest-pps 0 --rateest-eq",
        "--rateest-pps 3 --rateest-gt",
        "--rateest-pps 12 --rateest-gt",
        "--rateest-pps 30 ! --rateest-lt",
        "--rateest-pps 60 --rateest-gt",
        "--rateest-pps 90 --rateest-lt",
        "--rateest-bps 4kbps --rateest-gt",
        "--rateest-bps 16kbps --rateest-gt",
        "--rateest-bps 30kbps --rateest-lt",
        "--rateest-bps 40kbps --rateest-lt --rateest-pps 50",
        "--rateest-delta --rateest-pps1 60 --rateest-gt --rateest-pps2 35",
    )
] + [
    "-m rateest --rateest1 a --rateest2 b --rateest-bps --rateest-gt",
    "-m rateest --rateest1 c --rateest2 d --rateest-pps --rateest-lt",
    "-m rateest --rateest1 e --rateest2 f --rateest-bps ! --rateest-gt",
    "-m rateest --rateest-delta --rateest1 a --rateest-bps1 30kbps --rateest-gt --rateest2 d --rateest-bps2 20kbps",
    "-m rateest --rateest-delta --rateest1 b --rateest-pps1 40 --rateest-eq --rateest2 g --rateest-pps2 40",
]


def now():
    return time.clock_gettime_ns(COARSE) // NS_PER_JIFFY


def wait_for_jiffy():
    """Waits for a new jiffy, and a little longer, until its timers have run."""
    last = now()
    while now() == last:
        pass
    time.sleep(0.0007)


def jiffies_ahead():
    """What the kernel's jiffies are ahead of now()."""
    wait_for_jiffy()
    before = now()
    text = open("/proc/timer_list").read()
    assert now() == before, "busy machine"
    return int(re.search(r"^jiffies: (\d+)", text, re.M).group(1)) - before


def play(seconds):
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    ahead = jiffies_ahead()
    lines = [f"-A OUTPUT -p udp --dport {COUNTED} -j RATEEST --rateest-name {name} {how}\n" for name, how in ESTIMATORS.items()]
    lines += [f"-A OUTPUT -p udp --dport {1000 + i} {rule} -j DROP\n" for i, rule in enumerate(RULES)]
    loaded = [now() + ahead]
    subprocess.run(["iptables-legacy-restore"], input="*filter\n" + "".join(lines) + "COMMIT\n", text=True, check=True)
    loaded.append(now() + ahead)
    sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    rounds = []
    start = now()
    level = 1.0
    while now() - start < seconds * 250:
        if random.random() < 0.03:
            level = random.choice([0.0, 0.3, 1.0, 1.0, 2.0, 4.0])
        time.sleep(random.choice([0.001, 0.01, 0.03, 0.1]) * random.random())
        wait_for_jiffy()
        jiffy = now()
        sizes = [random.choice([0, 100, 500, 1400]) for _ in range(round(level * random.random() * 3))]
        for size in sizes:
            sender.sendto(b"x" * size, ("127.0.0.1", COUNTED))
        counted = now()
        said = ""
        for i in range(len(RULES)):
            try:
                sender.sendto(b"", ("127.0.0.1", 1000 + i))
                said += "0"
            except PermissionError:
                said += "1"
        if counted != jiffy:
            return None
        rounds.append([jiffy + ahead, sizes, said if now() == jiffy else ""])
    return loaded, rounds


def main(seconds):
    libc = ctypes.CDLL(None)
    os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(50))
    played = None
    while played is None:
        # A packet that was counted nobody knows in which jiffy spoils the rest: begun anew.
        assert libc.unshare(0x40000000) == 0, "needs root"
        played = play(seconds)
    loaded, rounds = played
    kernel = subprocess.run(["uname", "-r"], capture_output=True, text=True).stdout.strip()
    head = {"kernel": kernel, "estimators": ESTIMATORS, "rules": RULES, "loaded": loaded}
    for one in [head, *rounds]:
        print(json.dumps(one, separators=(",", ":")))


main(float(sys.argv[1]))
