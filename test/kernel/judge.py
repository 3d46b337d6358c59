#!/usr/bin/env python3
"""The kernel as the judge: plays packets through real netfilter and reads its counters.

Reads one JSON document on standard input (or from the file named as the only argument) and writes one on
standard output:

    {"mode": "play", "backend": "legacy", "jobs": 2, "cases": [...]}     -> {"kernel": ..., "results": [...]}
    {"mode": "check", "backend": "legacy", "cases": [...]}               -> restore, then save; no packets

The shape of a case and of a result is documented in judge.ts; this file only carries it out.

Every case runs in a network namespace of its own, made with unshare(2) inside a worker process. It has no
name, so nothing is left behind: when the worker makes the next one, or dies of whatever cause, the kernel
frees it with its devices, rules and connections. The namespace of the host is never touched.

Workers take cases off a shared pipe, one worker per CPU. Cases whose packets carry times come afterwards, when
the machine is quiet, and with more workers, since they spend their lives asleep.
"""

import contextlib
import ctypes
import errno
import fcntl
import ipaddress
import json
import os
import re
import resource
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time

CLONE_NEWNET = 0x40000000
PR_SET_PDEATHSIG = 1
TUNSETIFF = 0x400454CA
TUNSETPERSIST = 0x400454CB
IFF_TUN, IFF_TAP, IFF_NO_PI = 0x0001, 0x0002, 0x1000
ETH_P_IP, ETH_P_IPV6 = 0x0800, 0x86DD
IPV6_HDRINCL = 36  # not in the socket module
SO_MARK = 36
SO_PRIORITY = 12

# The largest MTU that both TUN and TAP take: the hosts of the cases are not about fragmentation unless they say so.
DEFAULT_MTU = 65521

PACED_WORKERS = 8

# A packet that is played later than its time by more than this may meet another state than it should: the case is
# then played again, on a new machine, as often as this.
LATE_SECONDS = 0.02
LATE_TRIES = 6

# Sets with timeouts age from their load on: the first packet of a paced case comes at most this much later.
LOADED_SECONDS = 0.4
COMMAND_TIMEOUT_SECONDS = 30

libc = ctypes.CDLL(None, use_errno=True)

# Only packets that a process of ours sends may leave: whatever the kernel says by itself (RST, ICMP errors,
# neighbour discovery, MLD, IGMP, router solicitations) is dropped before any table can count it.
GUARD = """
table ip judge {
    chain output { type filter hook output priority -1000; policy drop; meta skuid 0 accept; }
}
table ip6 judge {
    chain output { type filter hook output priority -1000; policy drop; meta skuid 0 accept; }
}
"""

# Set before any interface exists, so that new interfaces inherit them.
BASE_SYSCTLS = [
    ("net.ipv4.ip_forward", "1"),
    ("net.ipv4.conf.all.rp_filter", "0"),
    ("net.ipv4.conf.default.rp_filter", "0"),
    ("net.ipv6.conf.all.forwarding", "1"),
    ("net.ipv6.conf.default.forwarding", "1"),
    ("net.ipv6.conf.all.accept_dad", "0"),
    ("net.ipv6.conf.default.accept_dad", "0"),
    ("net.ipv6.conf.default.dad_transmits", "0"),
    ("net.ipv6.conf.default.router_solicitations", "0"),
    ("net.ipv6.conf.default.accept_ra", "0"),
    ("net.ipv6.conf.default.autoconf", "0"),
    # No link-local address of the kernel's own making: it would differ from run to run.
    ("net.ipv6.conf.default.addr_gen_mode", "1"),
]

# What of `sysctl -a` a recorded host keeps: what can change the way of a packet.
HOST_SYSCTL_PREFIXES = ("net.netfilter.nf_conntrack", "net.ipv4.ip_forward", "net.ipv4.ip_default_ttl",
                        "net.ipv4.icmp_echo_ignore", "net.ipv4.ip_early_demux", "net.ipv4.fwmark_reflect",
                        "net.bridge.", "net.ipv4.ip_nonlocal_bind", "net.ipv6.ip_nonlocal_bind")
HOST_SYSCTL_CONF = ("accept_local", "accept_source_route", "bc_forwarding", "forwarding", "mc_forwarding",
                    "route_localnet", "rp_filter", "src_valid_mark", "disable_ipv6", "hop_limit", "mtu",
                    "proxy_ndp")


class Refused(Exception):
    """A step of the set-up that the system did not accept: part of the result, not a failure of ours."""

    def __init__(self, step, status, stderr):
        super().__init__(step)
        self.step, self.status, self.stderr = step, status, stderr


def run(argv, text=None, env=None):
    """Runs a command; its status, output and error text."""
    done = subprocess.run(argv, input=text, capture_output=True, text=True, errors="surrogateescape",
                          env=env, close_fds=False, timeout=COMMAND_TIMEOUT_SECONDS)
    return done.returncode, done.stdout, done.stderr


def require(step, argv, text=None, env=None):
    status, stdout, stderr = run(argv, text, env)
    if status != 0:
        raise Refused(step, status, stderr.strip() or stdout.strip())
    return stdout


def new_namespace():
    if libc.unshare(CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "unshare(CLONE_NEWNET)")


def sysctl_path(name):
    # sysctl(8): dots separate, unless they are part of an interface's name, which is then written with slashes.
    return "/proc/sys/" + name.translate(str.maketrans("./", "/."))


def set_sysctl(name, value):
    try:
        with open(sysctl_path(name), "w") as file:
            file.write(str(value))
    except OSError as problem:
        raise Refused("sysctl " + name, problem.errno, os.strerror(problem.errno))


class Device:
    """One TUN or TAP device and the descriptor that is the far end of its cable."""

    def __init__(self, name, kind):
        self.name, self.kind = name, kind
        self.fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        # A TUN keeps its 4-byte packet information, so that a packet may be written whose version nibble
        # is not what its link header says: one of the header checks that a case can ask for.
        flags = IFF_TUN if kind == "tun" else IFF_TAP | IFF_NO_PI
        fcntl.ioctl(self.fd, TUNSETIFF, struct.pack("16sH22x", name.encode(), flags))
        # Closing the descriptor would unregister the device here and now, 40 ms of waiting for grace periods.
        # A persistent one is left to the end of its namespace, which the kernel clears up in the background.
        fcntl.ioctl(self.fd, TUNSETPERSIST, 1)

    def write(self, data, protocol):
        if self.kind == "tun":
            data = struct.pack("!HH", 0, protocol) + data
        os.write(self.fd, data)

    def drain(self):
        """Everything the kernel has sent out of this device since the last call."""
        packets = []
        while True:
            try:
                data = os.read(self.fd, 70000)
            except BlockingIOError:
                return packets
            except OSError as problem:
                if problem.errno in (errno.EIO, errno.EBADFD):  # the interface is down or gone
                    return packets
                raise
            packets.append(data[4:] if self.kind == "tun" else data)

    def close(self):
        os.close(self.fd)


class RawSockets:
    """The sockets by which the host's own packets leave, one for each set of socket options."""

    def __init__(self):
        self.sockets = {}

    def send(self, data, packet):
        version = data[0] >> 4 if data else 4
        mark, bind = packet.get("mark"), packet.get("bind")
        key = (version, mark, bind)
        sock = self.sockets.get(key)
        if sock is None:
            sock = self.sockets[key] = self.open(version, mark, bind)
        if version == 6:
            destination = socket.inet_ntop(socket.AF_INET6, data[24:40].ljust(16, b"\0"))
            # A link-local or multicast destination means nothing without the interface it is on.
            scope = socket.if_nametoindex(packet["iface"]) if data[24] in (0xFE, 0xFF) and packet.get("iface") else 0
            sock.sendto(data, (destination, 0, 0, scope))
        else:
            sock.sendto(data, (socket.inet_ntop(socket.AF_INET, data[16:20].ljust(4, b"\0")), 0))

    @staticmethod
    def open(version, mark, bind):
        if version == 6:
            sock = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_RAW)
            sock.setsockopt(socket.IPPROTO_IPV6, IPV6_HDRINCL, 1)
        else:
            sock = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
            sock.setsockopt(socket.IPPROTO_IP, socket.IP_HDRINCL, 1)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 22)
        if mark is not None:
            sock.setsockopt(socket.SOL_SOCKET, SO_MARK, mark)
        if bind:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, bind.encode())
        return sock

    def close(self):
        for sock in self.sockets.values():
            sock.close()
        self.sockets.clear()


class InvalidLog:
    """Hears what conntrack says of packets that it makes nothing of (net.netfilter.nf_conntrack_log_invalid).

    It goes to the log of the packet's family, which here is nfnetlink_log, and by it to group 0: a message a packet,
    sent before the packet goes on. What is said stands in the prefix.
    """

    NETLINK_NETFILTER, ULOG_CONFIG, ULOG_PACKET = 12, 0x401, 0x400
    CFG_CMD, CFG_MODE, CFG_QTHRESH, PREFIX = 1, 2, 5, 10
    BIND, COPY_NONE = 1, 0

    def __init__(self):
        for family in (2, 10):
            set_sysctl("net.netfilter.nf_log.%d" % family, "nfnetlink_log")
        set_sysctl("net.netfilter.nf_conntrack_log_invalid", 255)
        self.socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, self.NETLINK_NETFILTER)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        self.socket.bind((0, 0))
        self.configure(self.CFG_CMD, struct.pack("=B", self.BIND))
        self.configure(self.CFG_MODE, struct.pack("!IBx", 0, self.COPY_NONE))
        self.configure(self.CFG_QTHRESH, struct.pack("!I", 1))

    def configure(self, kind, value):
        attribute = struct.pack("=HH", 4 + len(value), kind) + value.ljust((len(value) + 3) & ~3, b"\0")
        # nfgenmsg: no family, version 0, group 0; NLM_F_REQUEST | NLM_F_ACK.
        message = struct.pack("=BBH", 0, 0, 0) + attribute
        self.socket.send(struct.pack("=IHHII", 16 + len(message), self.ULOG_CONFIG, 5, 1, 0) + message)
        answer = self.socket.recv(4096)
        status = struct.unpack_from("=i", answer, 16)[0]
        if status != 0:
            raise Refused("nfnetlink_log", -status, os.strerror(-status))

    def read(self):
        """What was said since the last call."""
        said = []
        while True:
            try:
                data = self.socket.recv(1 << 16, socket.MSG_DONTWAIT)
            except BlockingIOError:
                return said
            while len(data) >= 16:
                length, kind = struct.unpack_from("=IH", data)
                if kind == self.ULOG_PACKET:
                    said.append(self.prefix(data[20:length]))
                data = data[(length + 3) & ~3:]

    def prefix(self, attributes):
        while len(attributes) >= 4:
            length, kind = struct.unpack_from("=HH", attributes)
            if kind == self.PREFIX:
                return attributes[4:length].rstrip(b"\0").decode().strip()
            attributes = attributes[(length + 3) & ~3:]
        return ""

    def close(self):
        self.socket.close()


class Host:
    """The machine of a case: a fresh namespace with interfaces, addresses, routes and sysctls."""

    def __init__(self, host):
        new_namespace()
        self.devices = {}
        for name, value in BASE_SYSCTLS:
            set_sysctl(name, value)
        lines = ["link set lo up"]
        for interface in host.get("interfaces", []):
            lines += self.interface_lines(interface)
        for interface in host.get("interfaces", []):
            if interface.get("up", True):
                lines.append("link set %s up" % interface["name"])
        for address in host.get("addresses", []):
            words = address.split()
            suffix = " nodad" if ":" in words[0] else "" if "brd" in words or "peer" in words else " brd +"
            lines.append("address add %s%s" % (address, suffix))
        lines += ["route add " + route for route in host.get("routes", [])]
        lines += ["neigh add " + neighbour for neighbour in host.get("neighbours", [])]
        lines += ["rule add " + rule for rule in host.get("rules", [])]
        lines += host.get("ip", [])
        # `ip -batch` takes the family from each line's addresses; only rules need to be told.
        v6 = [line for line in lines if line.startswith("rule") and ":" in line]
        require("ip", ["ip", "-batch", "-"], "\n".join(line for line in lines if line not in v6) + "\n")
        if v6:
            require("ip -6", ["ip", "-6", "-batch", "-"], "\n".join(v6) + "\n")
        self.wait_for_addresses(host)
        for name, value in host.get("sysctls", {}).items():
            set_sysctl(name, value)

    @staticmethod
    def wait_for_addresses(host):
        """Waits until every IPv6 address is really there.

        Even without duplicate address detection an IPv6 address becomes one of this host's in a work queue, some
        time after `ip` has returned: until then packets to it are forwarded. The last thing done then is to join
        the anycast address of its subnet.
        """
        up = {"lo"} | {one["name"] for one in host.get("interfaces", []) if one.get("up", True)}
        wanted = set()
        for words in host.get("addresses", []):
            address, *rest = words.split()
            if ":" not in address or rest[rest.index("dev") + 1] not in up:
                continue
            network = ipaddress.IPv6Interface(address)
            wanted.add(network.ip.packed.hex())
            if network.network.prefixlen < 127:
                wanted.add(network.network.network_address.packed.hex())
        limit = time.monotonic() + 2
        while wanted:
            with open("/proc/net/ipv6_route") as file:
                # Address and prefix length (0x80: a single address) of each route.
                wanted -= {line[:32] for line in file if line[33:35] == "80"}
            if wanted and time.monotonic() > limit:
                raise Refused("addresses", 1, "never came up: " + " ".join(sorted(wanted)))
            if wanted:
                time.sleep(0.001)

    def interface_lines(self, interface):
        name, kind = interface["name"], interface.get("type", "tun")
        lines = []
        if kind in ("tun", "tap"):
            self.devices[name] = Device(name, kind)
            mac = " address " + interface["mac"] if "mac" in interface else ""
            lines.append("link set %s mtu %d%s" % (name, interface.get("mtu", DEFAULT_MTU), mac))
        elif kind == "vlan":
            lines.append("link add link %s name %s type vlan id %d" % (interface["link"], name, interface["id"]))
        elif kind == "bridge":
            mac = " address " + interface["mac"] if "mac" in interface else ""
            lines.append("link add name %s%s type bridge forward_delay 0 mcast_snooping 0" % (name, mac))
        else:
            lines.append("link add name %s type %s" % (name, kind))
        if "master" in interface:
            lines.append("link set %s master %s" % (name, interface["master"]))
        return lines

    def drain(self):
        return [(name, data) for name, device in self.devices.items() for data in device.drain()]

    def close(self):
        for device in self.devices.values():
            device.close()


def describe_host(host):
    """The host's own words for itself: the files of a HOST folder that do not depend on the rules."""
    files = {
        # Only the details say what a port of a bridge is set to.
        "address.json": ["ip", "-j", *(["-d"] if any("master" in one for one in host.get("interfaces", [])) else []), "address", "show"],
        "route.json": ["ip", "-j", "route", "show", "table", "all"],
        "route6.json": ["ip", "-j", "-6", "route", "show", "table", "all"],
        "rule.json": ["ip", "-j", "rule", "show"],
        "rule6.json": ["ip", "-j", "-6", "rule", "show"],
        "neigh.json": ["ip", "-j", "neigh", "show"],
    }
    texts = {name: require(name, argv).strip() for name, argv in files.items()}
    # The kernel lists neighbours in the order of a hash.
    neighbours = sorted(json.loads(texts["neigh.json"]), key=lambda one: (one["dev"], one["dst"]))
    texts["neigh.json"] = json.dumps(neighbours, separators=(",", ":"))
    kept = []
    for line in run(["sysctl", "-a"])[1].splitlines():
        name = line.split(" = ")[0]
        conf = name.startswith(("net.ipv4.conf.", "net.ipv6.conf.")) and name.rsplit(".", 1)[1] in HOST_SYSCTL_CONF
        if conf or name.startswith(HOST_SYSCTL_PREFIXES) or name in host.get("sysctls", {}):
            kept.append(line)
    texts["sysctl.txt"] = "\n".join(kept) + "\n"
    return texts


TABLES = ["raw", "mangle", "nat", "filter", "security"]


def normal_dump(text):
    """A dump without its comments, which carry the date, and with its tables in a fixed order.

    iptables-legacy-save prints them in the reverse order of their making, iptables-nft-save in an order of its own.
    """
    tables, lines = [], []
    for line in text.splitlines():
        if line.startswith("#"):
            continue
        lines.append(line)
        if line == "COMMIT":
            tables.append(lines)
            lines = []
    tables.sort(key=lambda table: TABLES.index(table[0][1:]))
    return "".join(line + "\n" for table in tables for line in table)


def wait_until_counted():
    """Waits until no packet is left in a backlog queue.

    A write to a TUN runs the packet through to its end before it returns, and so does a raw send that leaves by a
    TUN. What goes over lo is queued for the softirq, which normally runs before the system call returns, but can be
    put off to ksoftirqd on a busy machine. Column 12 of softnet_stat is the length of each CPU's queue.
    """
    limit = time.monotonic() + 2
    while time.monotonic() < limit:
        with open("/proc/net/softnet_stat") as file:
            if not any(int(line.split()[11], 16) for line in file):
                return
        time.sleep(0.001)


def list_conntrack(options):
    # Without a family conntrack lists both.
    status, stdout, stderr = run(["conntrack", "-L", "-o", options])
    if status != 0:
        raise Refused("conntrack", status, stderr.strip())
    return sorted(" ".join(line.split()) for line in stdout.splitlines())


def list_expectations():
    """What is expected, without the seconds that are left."""
    lines = []
    for family in ("ipv4", "ipv6"):
        status, stdout, stderr = run(["conntrack", "-L", "expect", "-f", family])
        if status != 0:
            raise Refused("conntrack", status, stderr.strip())
        lines += [" ".join(line.split()[1:]) for line in stdout.splitlines()]
    return sorted(lines)


def is_paced(case):
    return any(packet.get("at") is not None for packet in case.get("packets", []))


@contextlib.contextmanager
def punctual():
    """Within it this process runs the moment it wakes up, whatever else the machine does; where that is allowed."""
    usual = os.sched_getscheduler(0)
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO | os.SCHED_RESET_ON_FORK, os.sched_param(1))
    except OSError:
        yield  # as in a container without CAP_SYS_NICE: being late is noticed all the same
        return
    try:
        yield
    finally:
        os.sched_setscheduler(0, usual, os.sched_param(0))


NFNETLINK = 12  # NETLINK_NETFILTER
NEW_ACCOUNTING = 7 << 8  # NFNL_SUBSYS_ACCT, NFNL_MSG_ACCT_NEW
REQUEST_CREATE_ACK = 0x405  # NLM_F_CREATE | NLM_F_ACK | NLM_F_REQUEST


def make_accounting(names):
    """Accounting objects for -m nfacct, as `nfacct add NAME` makes them."""
    if not names:
        return
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NFNETLINK) as netlink:
        for name in names:
            text = name.encode() + b"\0"
            attribute = struct.pack("=HH", 4 + len(text), 1) + text + bytes(-len(text) % 4)
            body = struct.pack("=BBH", 0, 0, 0) + attribute
            netlink.send(struct.pack("=IHHII", 16 + len(body), NEW_ACCOUNTING, REQUEST_CREATE_ACK, 1, 0) + body)
            status = struct.unpack_from("=i", netlink.recv(4096), 16)[0]
            if status != 0:
                raise Refused("accounting", -status, os.strerror(-status))


class Judge:
    def __init__(self, backend, lockfile):
        self.backend = backend
        self.environment = dict(os.environ, XTABLES_LOCKFILE=lockfile, LC_ALL="C")

    def tool(self, family, verb):
        return "%s-%s-%s" % ("iptables" if family == 4 else "ip6tables", self.backend, verb)

    def restore(self, family, text, counters=False):
        return run([self.tool(family, "restore")] + (["-c"] if counters else []), text, self.environment)

    def save(self, family):
        return normal_dump(require("save", [self.tool(family, "save"), "-c"], None, self.environment))

    def check(self, case):
        """What restore says to a ruleset, and what save then prints."""
        new_namespace()
        result = {"id": case["id"]}
        if case.get("ipset"):
            status, _, stderr = run(["ipset", "restore"], case["ipset"])
            if status != 0:
                result["ipset"] = {"status": status, "stderr": stderr}
        make_accounting(case.get("accounting"))
        for family in (4, 6):
            text = case.get("rules%d" % family)
            if text is None:
                continue
            status, stdout, stderr = self.restore(family, text, case.get("counters", False))
            entry = {"status": status, "stderr": stderr}
            if stdout:
                entry["stdout"] = stdout
            if status == 0:
                entry["save"] = self.save(family)
            result["v%d" % family] = entry
        return result

    def play(self, case):
        for _ in range(LATE_TRIES):
            result = self.play_once(case)
            if not result.pop("late", False):
                return result
        result["late"] = True
        return result

    def play_once(self, case):
        started = time.monotonic()
        result = {"id": case["id"]}
        host = sockets = None
        try:
            host = Host(case.get("host", {}))
            if case.get("describe"):
                result["host"] = describe_host(case.get("host", {}))
            require("guard", ["nft", "-f", "-"], GUARD)
            loading = time.monotonic()
            if case.get("ipset"):
                require("ipset", ["ipset", "restore"], case["ipset"])
            make_accounting(case.get("accounting"))
            for words in case.get("timeouts", []):
                require("nfct", ["nfct", "add", "timeout"] + words.split())
            if case.get("timeouts"):
                result["timeouts"] = require("nfct", ["nfct", "list", "timeout"])
            families = [family for family in (4, 6) if case.get("rules%d" % family)]
            for family in families:
                status, _, stderr = self.restore(family, case["rules%d" % family], case.get("counters", False))
                if status != 0:
                    raise Refused("rules%d" % family, status, stderr)
            sockets = RawSockets()
            if is_paced(case):
                result["late"] = time.monotonic() - loading > LOADED_SECONDS
                with punctual():
                    self.play_packets(case, host, sockets, result)
            else:
                self.play_packets(case, host, sockets, result)
            wait_until_counted()
            for family in families:
                result["save%d" % family] = self.save(family)
            if case.get("conntrack", True):
                result["conntrack"] = list_conntrack(case.get("conntrackOptions", "extended"))
            if case.get("ipset"):
                # The seed of a set's hash is drawn at random.
                result["ipset"] = re.sub(" initval 0x[0-9a-f]+", "", require("ipset", ["ipset", "save", "-sorted"]))
            if case.get("expectations"):
                result["expectations"] = list_expectations()
            for name in case.get("files", []):
                with open(name) as file:
                    result.setdefault("files", {})[name] = file.read()
        except Refused as refused:
            result["refused"] = {"step": refused.step, "status": refused.status, "stderr": refused.stderr}
        finally:
            if sockets:
                sockets.close()
            if host:
                host.close()
        result["ms"] = round((time.monotonic() - started) * 1000)
        return result

    @staticmethod
    def play_packets(case, host, sockets, result):
        capture = case.get("capture", False)
        between = set(case.get("between", []))
        errors, output, snapshots, invalid = {}, [], {}, []
        log = InvalidLog() if case.get("logInvalid") else None
        late = 0
        host.drain()
        started = time.monotonic()
        for index, packet in enumerate(case.get("packets", [])):
            at = packet.get("at")
            if at is not None:
                wait = started + at - time.monotonic()
                if wait > 0:
                    time.sleep(wait)
                late = max(late, time.monotonic() - started - at)
            data = bytes.fromhex(packet["hex"])
            try:
                if packet.get("dir", "in") == "in":
                    default = ETH_P_IPV6 if data and data[0] >> 4 == 6 else ETH_P_IP
                    host.devices[packet["iface"]].write(data, packet.get("protocol", default))
                else:
                    sockets.send(data, packet)
            except OSError as problem:
                errors[str(index)] = errno.errorcode.get(problem.errno, str(problem.errno))
            # The queue of a TUN holds 500 packets; a full one would hold up or drop what follows.
            if capture:
                wait_until_counted()
                output += [[index, name, sent.hex()] for name, sent in host.drain()]
            elif index % 64 == 63:
                host.drain()
            if log:
                wait_until_counted()
                invalid += [[index, said] for said in log.read()]
            if index in between:
                wait_until_counted()
                snapshots[str(index)] = list_conntrack(case.get("conntrackOptions", "extended"))
        if late > LATE_SECONDS:
            result["late"] = True
        if errors:
            result["errors"] = errors
        if capture:
            result["output"] = output
        if snapshots:
            result["between"] = snapshots
        if log:
            log.close()
            result["invalid"] = invalid


def work(judge, mode, cases, queue, results):
    """The life of a worker: takes case numbers off the pipe until it is empty."""
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    while True:
        word = os.read(queue, 4)
        if len(word) < 4:
            return
        case = cases[struct.unpack("=I", word)[0]]
        try:
            result = judge.check(case) if mode == "check" else judge.play(case)
        except Exception as problem:  # a fault of the harness must name its case and spare the others
            result = {"id": case.get("id"), "fault": "%s: %s" % (type(problem).__name__, problem)}
        results.write(json.dumps([word.hex(), result]).encode() + b"\n")


def start_workers(count, pin, document, numbers, folder, children):
    """Forks the workers of one group; the files that their results will be in."""
    read_end, write_end = os.pipe()
    files = []
    for worker in range(min(count, len(numbers))):
        results = tempfile.TemporaryFile(dir=folder)
        lockfile = os.path.join(folder, "lock-%s-%d" % (pin, worker))
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                signal.signal(signal.SIGTERM, signal.SIG_DFL)
                os.close(write_end)
                if pin:
                    os.sched_setaffinity(0, {sorted(os.sched_getaffinity(0))[worker % os.cpu_count()]})
                judge = Judge(document.get("backend", "legacy"), lockfile)
                work(judge, document.get("mode", "play"), document["cases"], read_end, results)
                results.flush()
                status = 0
            finally:
                os._exit(status)
        children[pid] = True
        files.append(results)
    os.close(read_end)
    return files, write_end


def feed(pipe, numbers):
    """Hands the case numbers to the workers; blocks while they are all busy."""
    try:
        for number in numbers:
            os.write(pipe, struct.pack("=I", number))
    except BrokenPipeError:
        pass  # no worker is left: what they did not do is reported as such
    os.close(pipe)


def versions():
    return {
        "kernel": os.uname().release,
        "iptables": run(["iptables-legacy", "--version"])[1].split()[1],
    }


def main():
    with (open(sys.argv[1]) if len(sys.argv) > 1 else sys.stdin) as file:
        document = json.load(file)
    cases = document["cases"]
    children = {}

    def stop(_signal, _frame):
        for pid in children:
            os.kill(pid, signal.SIGKILL)
        sys.exit(143)

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    paced = {number for number, case in enumerate(cases) if is_paced(case)}
    groups = [
        (document.get("jobs", os.cpu_count()), True, [n for n in range(len(cases)) if n not in paced]),
        (PACED_WORKERS, False, sorted(paced)),
    ]
    results = [None] * len(cases)
    with tempfile.TemporaryDirectory(prefix="kernel-judge-") as folder:
        for count, pin, numbers in groups:
            if not numbers:
                continue
            files, pipe = start_workers(count, pin, document, numbers, folder, children)
            feed(pipe, numbers)
            while children:
                pid, _ = os.wait()
                children.pop(pid, None)
            for file in files:
                file.seek(0)
                for line in file:
                    number, result = json.loads(line)
                    results[struct.unpack("=I", bytes.fromhex(number))[0]] = result
    for number, result in enumerate(results):
        if result is None:
            results[number] = {"id": cases[number].get("id"), "fault": "the worker died"}
    json.dump(dict(versions(), results=results), sys.stdout)


if __name__ == "__main__":
    main()
