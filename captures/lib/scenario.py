"""A small network of namespaces around one live firewall, and a recording of it.

A `record` script describes the network, the rules and the traffic; this module does what is the same for all:

  1. builds namespaces and veth pairs, with offloads off unless the scenario wants them on;
  2. loads the rules with iptables-legacy, whose counters are the ones the replay must reproduce;
  3. waits until nothing moves any more (MLD reports and address checks of IPv6 are over);
  4. starts one tcpdump per interface of the firewall and waits until each says "listening";
  5. zeroes the counters and writes host/ — from here on every packet is both captured and counted;
  6. runs the traffic, waits, saves the counters to expected/, stops tcpdump, and demands that it lost nothing;
  7. runs sanity.py, which counts the packets again from the captures alone; a recording that does not add up is thrown away.

Everything is written to a temporary directory first, so a failed recording leaves the old one in place. Whatever was
started is ended and every namespace is removed, also on errors.

Debian packages: iproute2 iptables tcpdump conntrack ipset ethtool procps util-linux, and what each record script names.
"""
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import sanity
import pcap

OFFLOADS = ['tx', 'rx', 'tso', 'gso', 'gro']
TABLES = ['raw', 'mangle', 'nat', 'filter', 'security']


def sh(*argv, check=True, **kw):
    """Runs a command and returns what it printed; its errors end the recording unless check is False."""
    p = subprocess.run([str(a) for a in argv], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **kw)
    if check and p.returncode != 0:
        raise SystemExit(f'{" ".join(map(str, argv))}: exit {p.returncode}\n{p.stdout}{p.stderr}')
    return p.stdout


class Scenario:
    def __init__(self, here, prefix, firewall, ipv6=False, needs=()):
        self.here = pathlib.Path(here)
        self.prefix = prefix            # unique per scenario: two recordings may run at the same time
        self.firewall = firewall        # the namespace whose rules and interfaces are recorded
        self.ipv6 = ipv6
        self.namespaces = []
        self.processes = []
        self.extra_dumps = []           # (Popen, file of its messages) of dumpcap
        self.dumps = []                 # (interface, Popen, file of its messages, file of its packets)
        self.macs = 0
        if os.geteuid() != 0:
            raise SystemExit('record: must be root: it makes network namespaces')
        tools = ['ip', 'iptables-legacy', 'tcpdump', 'conntrack', 'ipset', 'ethtool', 'sysctl', *needs]
        path = os.environ.get('PATH', '') + ':/usr/sbin:/sbin'
        os.environ['PATH'] = path
        missing = [t for t in tools if not shutil.which(t)]
        if missing:
            raise SystemExit('record: not installed: ' + ' '.join(missing))
        self.tmp = pathlib.Path(tempfile.mkdtemp(prefix=f'{prefix}-'))
        self.out = self.tmp / 'out'
        for d in ['host', 'expected', 'extra']:
            (self.out / d).mkdir(parents=True)
        # All traffic on one processor: the order of time stamps is then the order in which netfilter saw the packets.
        self.processors = os.sched_getaffinity(0)
        os.sched_setaffinity(0, {min(self.processors)})

    def __enter__(self):
        for s in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(s, lambda n, f: sys.exit(128 + n))
        self.remove_namespaces()
        return self

    def __exit__(self, *exc):
        for p in [*(d[1] for d in self.dumps), *(d[0] for d in self.extra_dumps)]:
            end(p)
        for p in self.processes:
            end(p)
        self.remove_namespaces()
        shutil.rmtree(self.tmp, ignore_errors=True)

    def remove_namespaces(self):
        for line in sh('ip', 'netns', 'list').splitlines():
            name = line.split()[0] if line.strip() else ''
            if name.startswith(self.prefix + '-'):
                for pid in sh('ip', 'netns', 'pids', name, check=False).split():
                    try:
                        os.kill(int(pid), signal.SIGKILL)
                    except ProcessLookupError:
                        pass
                sh('ip', 'netns', 'del', name, check=False)

    # -- the network

    def ns(self, name):
        return f'{self.prefix}-{name}'

    def namespace(self, *names, forward=False):
        for name in names:
            sh('ip', 'netns', 'add', self.ns(name))
            self.namespaces.append(name)
            self.sysctl(name, {
                'net.ipv4.ip_forward': 1 if forward else 0,
                'net.ipv4.conf.all.rp_filter': 0, 'net.ipv4.conf.default.rp_filter': 0,
                'net.ipv4.conf.all.send_redirects': 0, 'net.ipv4.conf.default.send_redirects': 0,
                'net.ipv6.conf.all.disable_ipv6': 0 if self.ipv6 else 1,
                'net.ipv6.conf.default.disable_ipv6': 0 if self.ipv6 else 1,
                'net.ipv6.conf.lo.disable_ipv6': 0 if self.ipv6 else 1,
                'net.ipv6.conf.all.forwarding': 1 if forward and self.ipv6 else 0,
                'net.ipv6.conf.default.accept_ra': 0, 'net.ipv6.conf.default.accept_dad': 0,
                'net.ipv6.conf.default.router_solicitations': 0})
            self.ip(name, 'link', 'set', 'lo', 'up')

    def sysctl(self, name, values):
        for k, v in values.items():
            self.exec(name, 'sysctl', '-qw', f'{k}={v}')

    def ip(self, name, *args):
        return sh('ip', '-n', self.ns(name), *args)

    def exec(self, name, *argv, **kw):
        return sh('ip', 'netns', 'exec', self.ns(name), *argv, **kw)

    def veth(self, a, adev, b, bdev, offload=False, mtu=1500):
        """A cable from interface adev of namespace a to bdev of b, with MAC addresses that are the same in every recording."""
        self.macs += 1
        amac, bmac = (f'02:00:00:00:{self.macs:02x}:{side:02x}' for side in (1, 2))
        self.ip(a, 'link', 'add', adev, 'address', amac, 'type', 'veth', 'peer', 'name', bdev, 'address', bmac, 'netns', self.ns(b))
        for name, dev in ((a, adev), (b, bdev)):
            self.ip(name, 'link', 'set', dev, 'mtu', mtu)
            if not offload:
                self.no_offload(name, dev)
            self.ip(name, 'link', 'set', dev, 'up')

    def no_offload(self, name, dev):
        """What tcpdump sees shall be what netfilter saw. Switching offloads off is not enough for that: TCP builds segments
        larger than the MTU whatever the device can do (sk_setup_caps(), net/core/sock.c) and they are cut behind POSTROUTING
        but before tcpdump. gso_max_segs 1 makes TCP itself build them one by one."""
        self.exec(name, 'ethtool', '-K', dev, *[x for o in OFFLOADS for x in (o, 'off')])
        self.ip(name, 'link', 'set', dev, 'gso_max_segs', 1)

    def bridge(self, name, dev, ports):
        self.ip(name, 'link', 'add', dev, 'address', f'02:00:00:00:ff:{len(ports):02x}', 'type', 'bridge', 'mcast_snooping', 0)
        for p in ports:
            self.ip(name, 'link', 'set', p, 'master', dev)
        self.no_offload(name, dev)
        self.ip(name, 'link', 'set', dev, 'up')

    def address(self, name, dev, *addresses):
        for a in addresses:
            self.ip(name, 'address', 'add', a, 'dev', dev, *(['nodad'] if ':' in a else []))

    def route(self, name, *args):
        self.ip(name, '-6' if any(':' in str(a) for a in args) else '-4', 'route', 'add', *args)

    # -- the firewall

    def rules(self, rules4='', rules6='', ipset=''):
        fw = self.firewall
        if ipset:
            self.exec(fw, 'ipset', 'restore', input=ipset)
        for tool, text in (('iptables-legacy', rules4), ('ip6tables-legacy', rules6)):
            if text:
                self.exec(fw, tool + '-restore', input=text)

    # -- programs

    def start(self, name, *argv, port=None, udp=False, ready=None):
        """Starts a server in a namespace and waits until something listens on its port."""
        log = open(self.tmp / f'{name}-{pathlib.Path(argv[0]).name}-{len(self.processes)}.log', 'w')
        p = subprocess.Popen(['ip', 'netns', 'exec', self.ns(name), *map(str, argv)], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                             start_new_session=True)
        self.processes.append(p)
        deadline = time.time() + 10
        while port is not None:
            if re.search(rf'[:\]]{port}\s', self.exec(name, 'ss', '-Hln', '-u' if udp else '-t')):
                break
            if p.poll() is not None or time.time() > deadline:
                raise SystemExit(f'{argv[0]} does not listen on {port}: ' + open(log.name).read())
            time.sleep(0.05)
        return p

    def run(self, name, command, timeout=60):
        """One piece of traffic. What it prints or answers is no part of the recording; that it was refused may be the point."""
        p = subprocess.run(['ip', 'netns', 'exec', self.ns(name), 'bash', '-c', command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                           stderr=subprocess.STDOUT, text=True, timeout=timeout, cwd=self.tmp)
        last = (p.stdout.strip().splitlines() or [''])[-1][:100]
        print(f'  {name}: {command[:110]}  -> {p.returncode} {last}', flush=True)
        time.sleep(0.03)
        return p.stdout

    def nginx(self, name, ports, files, address6=False):
        """nginx in one process; files: name -> size. Only letters: what a capture holds shall be readable."""
        d = self.tmp / f'nginx-{name}'
        (d / 'html').mkdir(parents=True)
        for f, size in files.items():
            (d / 'html' / f).write_text((f'{name} {f} ' * size)[:size])
        listen = ''.join(f'listen {p}; ' + (f'listen [::]:{p}; ' if address6 else '') for p in ports)
        (d / 'nginx.conf').write_text(f'''
            daemon off; master_process off; user root; pid {d}/pid; error_log {d}/error.log;
            events {{}} http {{ access_log off; client_body_temp_path {d}; proxy_temp_path {d}; fastcgi_temp_path {d};
            uwsgi_temp_path {d}; scgi_temp_path {d}; server {{ {listen} root {d}/html; index index; }} }}''')
        self.start(name, 'nginx', '-p', d, '-c', d / 'nginx.conf', '-e', d / 'error.log', port=ports[0])

    def dnsmasq(self, name, records):
        self.start(name, 'dnsmasq', '--keep-in-foreground', '--conf-file=/dev/null', '--no-resolv', '--no-hosts', '--user=root', '--group=root',
                   '--pid-file=', '--port=53', *[f'--address=/{n}/{a}' for n, a in records], port=53, udp=True)

    def sshd(self, name):
        """sshd with keys made for this one recording; returns the ssh command line that reaches it."""
        d = self.tmp / f'ssh-{name}'
        d.mkdir()
        for key in ('host', 'user'):
            sh('ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-C', 'recording', '-f', d / key)
        os.makedirs('/run/sshd', exist_ok=True)
        (d / 'config').write_text(f'Port 22\nHostKey {d}/host\nAuthorizedKeysFile {d}/user.pub\nStrictModes no\nUsePAM no\nPidFile none\n'
                                  'PermitRootLogin yes\nPasswordAuthentication no\nUseDNS no\n')
        self.start(name, '/usr/sbin/sshd', '-D', '-e', '-f', d / 'config', port=22)
        return f'ssh -F none -i {d}/user -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o BatchMode=yes -o LogLevel=ERROR'

    # -- the recording

    def begin(self, interfaces, nano=(), any_file=False, dumpcap=None, tap=False, snapshot_conntrack=False, only_in=(), modest=()):
        """Starts the captures, zeroes the counters and writes host/. only_in: interfaces of which what goes out is not captured.
        modest: interfaces that are not made promiscuous, see docker-host/README.md."""
        self.wait_until_quiet()
        for dev in interfaces:
            self.tcpdump(dev, self.out / f'{dev}.pcap', dev in nano, *(['-Q', 'in'] if dev in only_in else []),
                         *(['-p'] if dev in modest else []))
        if any_file:
            self.tcpdump('any', self.out / 'extra' / 'any.pcap', False)
        if tap:
            self.tap_output(self.out / 'extra' / 'output.nflog.pcap')
        if dumpcap:
            self.dumpcap(interfaces, self.out / 'extra' / dumpcap)
        time.sleep(0.3)
        fw, host = self.firewall, self.out / 'host'
        if not snapshot_conntrack:
            for family in ('ipv4', 'ipv6'):
                self.exec(fw, 'conntrack', '-F', '-f', family, check=False)
        for t in TABLES:
            for tool in ('iptables-legacy', 'ip6tables-legacy'):
                if t in self.exec(fw, 'cat', '/proc/net/ip6_tables_names' if '6' in tool else '/proc/net/ip_tables_names', check=False).split():
                    self.exec(fw, tool, '-t', t, '-Z')
        self.save(host)
        counters = re.findall(r'\[(\d+):(\d+)\]', (host / 'iptables.save').read_text() + (host / 'ip6tables.save').read_text())
        if any(c != ('0', '0') for c in counters):
            raise SystemExit('a packet came between the zeroing of the counters and the traffic')
        (host / 'ipset.save').write_text(self.exec(fw, 'ipset', 'save'))
        for file, args in {'address': ['-d', 'address', 'show'], 'route': ['route', 'show', 'table', 'all'], 'rule': ['rule', 'show'],
                           'route6': ['-6', 'route', 'show', 'table', 'all'], 'rule6': ['-6', 'rule', 'show'], 'neigh': ['neigh', 'show']}.items():
            (host / f'{file}.json').write_text(sh('ip', '-n', self.ns(fw), '-j', *args))
        (host / 'sysctl.txt').write_text(''.join(
            line + '\n' for line in self.exec(fw, 'sysctl', '-a', check=False).splitlines() if line.startswith('net.')))

    def tcpdump(self, dev, file, nano, *more):
        log = self.tmp / f'tcpdump-{dev}.log'
        p = subprocess.Popen(['ip', 'netns', 'exec', self.ns(self.firewall), 'tcpdump', '-i', dev, '-n', '-U', '--immediate-mode', '-B', '65536',
                              '-s', '262144', f'--time-stamp-precision={"nano" if nano else "micro"}', '-Z', 'root', *more, '-w', str(file)],
                             stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=open(log, 'w'), start_new_session=True,
                             preexec_fn=lambda: os.sched_setaffinity(0, self.processors))
        self.dumps.append((dev, p, log, file))
        deadline = time.time() + 10
        while 'listening on' not in log.read_text():
            if p.poll() is not None or time.time() > deadline:
                raise SystemExit(f'tcpdump {dev}: ' + log.read_text())
            time.sleep(0.02)

    def dumpcap(self, devices, file):
        """One more capture of the same interfaces, by dumpcap into one pcapng file with the interfaces' names. It is not in order of
        time: dumpcap takes from one interface after the other whatever has come in."""
        log = self.tmp / 'dumpcap.log'
        p = subprocess.Popen(['ip', 'netns', 'exec', self.ns(self.firewall), 'dumpcap', '-q', '-w', str(file),
                              *[x for d in devices for x in ('-i', d, '-s', '262144', '-B', '16')]],
                             stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=open(log, 'w'), start_new_session=True,
                             preexec_fn=lambda: os.sched_setaffinity(0, self.processors))
        self.extra_dumps.append((p, log))
        deadline = time.time() + 10
        while 'File:' not in log.read_text():
            if p.poll() is not None or time.time() > deadline:
                raise SystemExit('dumpcap: ' + log.read_text())
            time.sleep(0.05)

    def tap_output(self, file):
        """Captures what this host makes as it enters OUTPUT, before every table: an nft chain copies it to NFLOG group 5. The chain
        counts nothing and changes nothing of what iptables sees."""
        for line in ('add table inet tap', 'add chain inet tap output { type filter hook output priority -450 ; }',
                     'add rule inet tap output log group 5 snaplen 65535 queue-threshold 1'):
            self.exec(self.firewall, 'nft', line)
        self.tcpdump('nflog:5', file, False)

    def wait_until_quiet(self, seconds=2.5):
        """Until no interface of the firewall has moved a packet for a while."""
        def moved():
            return [(l['ifname'], l['stats64']['rx']['packets'], l['stats64']['tx']['packets'])
                    for l in json.loads(self.ip(self.firewall, '-j', '-s', 'link', 'show'))]
        last, since = moved(), time.time()
        while time.time() - since < seconds:
            time.sleep(0.1)
            now = moved()
            if now != last:
                last, since = now, time.time()

    def save(self, folder):
        fw = self.firewall
        for tool in ('iptables', 'ip6tables'):
            (folder / f'{tool}.save').write_text(self.exec(fw, f'{tool}-legacy-save', '-c'))
        (folder / 'conntrack.txt').write_text(''.join(self.exec(fw, 'conntrack', '-L', '-o', 'extended', '-f', f, check=False) for f in ('ipv4', 'ipv6')))

    def end(self, packed=None, fragments='whole', differs=None, behind=None, after=None):
        """Saves the counters, stops the captures, checks them, and puts the recording in its place. packed: the name of a
        pcapng file that takes all interfaces instead of one pcap each. differs, behind: see sanity.check. after: called with
        the folder when it has been checked, before it takes its place."""
        time.sleep(1.0)
        expected = self.out / 'expected'
        self.save(expected)
        (expected / 'listed.txt').write_text(f'{time.time():.3f}\n')
        (expected / 'ipset.save').write_text(self.exec(self.firewall, 'ipset', 'save'))
        (expected / 'versions.txt').write_text(''.join([
            'kernel ' + sh('uname', '-srm'), sh('iptables-legacy', '--version'), sh('conntrack', '--version'), sh('ipset', '--version', check=False),
            subprocess.run(['tcpdump', '--version'], stderr=subprocess.STDOUT, stdout=subprocess.PIPE, text=True).stdout,
            'recorded ' + time.strftime('%Y-%m-%dT%H:%M:%SZ\n', time.gmtime())]))
        time.sleep(0.5)
        for dev, p, log, _ in self.dumps:
            end(p, signal.SIGINT)
            if '\n0 packets dropped by kernel' not in log.read_text():
                raise SystemExit(f'tcpdump lost packets on {dev}: {log.read_text()}')
        for p, log in self.extra_dumps:
            end(p, signal.SIGINT)
            if not all(d == '0' for d in re.findall(r"interface '.*': \d+/(\d+)", log.read_text()) or ['none']):
                raise SystemExit(f'dumpcap lost packets: {log.read_text()}')
        for f in (self.out / 'extra').iterdir():
            f.chmod(0o644)
        if not any((self.out / 'extra').iterdir()):
            (self.out / 'extra').rmdir()
        if packed:
            files = [(dev, f) for dev, _, _, f in self.dumps if f.parent == self.out]
            pcap.pack(files, self.out / 'host' / 'address.json', self.out / packed)
            for _, f in files:
                f.unlink()
        if not sanity.check(self.out, fragments, differs, behind):
            keep = pathlib.Path(tempfile.gettempdir()) / f'{self.prefix}-failed'
            shutil.rmtree(keep, ignore_errors=True)
            shutil.copytree(self.out, keep)
            raise SystemExit(f'the recording does not add up; it is kept in {keep}')
        if after:
            after(self.out)
        for old in [*self.here.glob('*.pcap'), *self.here.glob('*.pcapng'), *(self.here / d for d in ('host', 'expected', 'extra'))]:
            shutil.rmtree(old) if old.is_dir() else old.unlink(missing_ok=True)
        for new in self.out.iterdir():
            shutil.move(new, self.here / new.name)
        print(f'recorded {self.here.name}')


def end(process, sig=signal.SIGTERM):
    if process.poll() is None:
        process.send_signal(sig)
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
