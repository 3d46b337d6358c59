"""The network of the scenarios kubernetes-nodeport, kubernetes-nodeport-nth and kubernetes-from-node; see their README.md.

The rules are written here in the shape that kube-proxy gives them in its iptables mode; kube-proxy itself is not run.

Debian packages: nginx-light curl dnsutils dnsmasq iputils-ping iptables ipset conntrack ethtool tcpdump
wireshark-common (dumpcap) iproute2 procps python3
"""
import base64
import hashlib
from made import split
from scenario import Scenario

PODS = {'weba': '10.244.1.11', 'webb': '10.244.1.12', 'dns': '10.244.1.53', 'app': '10.244.1.21'}
DEVICES = ['eth0', *('veth' + p for p in PODS), 'lo']
# name: protocol, cluster address, port, target port, node port, endpoints, sticky?
SERVICES = {
    'kube-system/kube-dns:dns': ('udp', '10.96.0.10', 53, 53, None, ['dns'], False),
    'kube-system/kube-dns:dns-tcp': ('tcp', '10.96.0.10', 53, 53, None, ['dns'], False),
    'default/web:http': ('tcp', '10.96.0.20', 80, 8080, 32096, ['weba', 'webb'], False),
    'default/sticky:http': ('tcp', '10.96.0.30', 80, 8081, 32098, ['weba', 'webb'], True),
    'default/empty:http': ('tcp', '10.96.0.99', 80, 8080, 32097, [], False)}


def name_of(kind, *parts):
    """Chain names as kube-proxy makes them: 16 characters of a hash of what the chain is for."""
    return f'KUBE-{kind}-' + base64.b32encode(hashlib.sha256(''.join(parts).encode()).digest()).decode()[:16]


def rules(nth, fully=True):
    chains = ['KUBE-SERVICES', 'KUBE-NODEPORTS', 'KUBE-POSTROUTING', 'KUBE-MARK-MASQ', 'KUBE-PROXY-CANARY', 'KUBE-KUBELET-CANARY']
    nat = ['-A PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES',
           '-A OUTPUT -m comment --comment "kubernetes service portals" -j KUBE-SERVICES',
           '-A POSTROUTING -m comment --comment "kubernetes postrouting rules" -j KUBE-POSTROUTING',
           '-A KUBE-MARK-MASQ -j MARK --set-xmark 0x4000/0x4000',
           '-A KUBE-POSTROUTING -m mark ! --mark 0x4000/0x4000 -j RETURN',
           '-A KUBE-POSTROUTING -j MARK --set-xmark 0x4000/0x0',
           '-A KUBE-POSTROUTING -m comment --comment "kubernetes service traffic requiring SNAT" -j MASQUERADE' + (' --random-fully' if fully else '')]
    services, external = [], []
    for service, (proto, address, port, target, node_port, endpoints, sticky) in SERVICES.items():
        match = f'-p {proto} -m comment --comment "{service}%s" -m {proto} --dport %d'
        if not endpoints:
            services.append(f'-A KUBE-SERVICES -d {address}/32 {match % (" has no endpoints", port)} -j REJECT --reject-with icmp-port-unreachable')
            external.append(f'-A KUBE-EXTERNAL-SERVICES -p {proto} -m comment --comment "{service} has no endpoints" -m addrtype --dst-type LOCAL '
                            f'-m {proto} --dport {node_port} -j REJECT --reject-with icmp-port-unreachable')
            continue
        svc, ext = name_of('SVC', service, proto), name_of('EXT', service, proto)
        seps = [(name_of('SEP', service, proto, f'{PODS[e]}:{target}'), PODS[e]) for e in endpoints]
        chains += [svc, *(s for s, _ in seps)]
        nat.append(f'-A KUBE-SERVICES -d {address}/32 {match % (" cluster IP", port)} -j {svc}')
        nat.append(f'-A {svc} ! -s 10.244.0.0/16 -d {address}/32 {match % (" cluster IP", port)} -j KUBE-MARK-MASQ')
        if node_port:
            chains.append(ext)
            nat.append(f'-A KUBE-NODEPORTS {match % ("", node_port)} -j {ext}')
            nat.append(f'-A {ext} -m comment --comment "masquerade traffic for {service} external destinations" -j KUBE-MARK-MASQ')
            nat.append(f'-A {ext} -j {svc}')
        if sticky:
            nat += [f'-A {svc} -m comment --comment "{service} -> {a}:{target}" -m recent --rcheck --seconds 10800 --reap --name {s} --mask 255.255.255.255 --rsource -j {s}'
                    for s, a in seps]
        for i, (s, a) in enumerate(seps):
            left = len(seps) - i
            dice = '' if left == 1 else f'-m statistic --mode nth --every {left} --packet 0 ' if nth else f'-m statistic --mode random --probability {1 / left:.11f} '
            nat.append(f'-A {svc} -m comment --comment "{service} -> {a}:{target}" {dice}-j {s}')
            recent = f'-m recent --set --name {s} --mask 255.255.255.255 --rsource ' if sticky else ''
            nat.append(f'-A {s} -s {a}/32 -m comment --comment "{service}" -j KUBE-MARK-MASQ')
            nat.append(f'-A {s} -p {proto} -m comment --comment "{service}" {recent}-m {proto} -j DNAT --to-destination {a}:{target}')
    nat.append('-A KUBE-SERVICES -m comment --comment "kubernetes service nodeports; NOTE: this must be the last rule in this chain" '
               '-m addrtype --dst-type LOCAL -j KUBE-NODEPORTS')
    new = '-m conntrack --ctstate NEW -m comment --comment'
    filters = [
        f'-A INPUT {new} "kubernetes load balancer firewall" -j KUBE-PROXY-FIREWALL',
        '-A INPUT -m comment --comment "kubernetes health check service ports" -j KUBE-NODEPORTS',
        f'-A INPUT {new} "kubernetes externally-visible service portals" -j KUBE-EXTERNAL-SERVICES',
        '-A INPUT -j KUBE-FIREWALL',
        f'-A FORWARD {new} "kubernetes load balancer firewall" -j KUBE-PROXY-FIREWALL',
        '-A FORWARD -m comment --comment "kubernetes forwarding rules" -j KUBE-FORWARD',
        f'-A FORWARD {new} "kubernetes service portals" -j KUBE-SERVICES',
        f'-A FORWARD {new} "kubernetes externally-visible service portals" -j KUBE-EXTERNAL-SERVICES',
        f'-A OUTPUT {new} "kubernetes load balancer firewall" -j KUBE-PROXY-FIREWALL',
        f'-A OUTPUT {new} "kubernetes service portals" -j KUBE-SERVICES',
        '-A OUTPUT -j KUBE-FIREWALL', *external,
        '-A KUBE-FIREWALL ! -s 127.0.0.0/8 -d 127.0.0.0/8 -m comment --comment "block incoming localnet connections" '
        '-m conntrack ! --ctstate RELATED,ESTABLISHED,DNAT -j DROP',
        '-A KUBE-FORWARD -m conntrack --ctstate INVALID -j DROP',
        '-A KUBE-FORWARD -m comment --comment "kubernetes forwarding rules" -m mark --mark 0x4000/0x4000 -j ACCEPT',
        '-A KUBE-FORWARD -m comment --comment "kubernetes forwarding conntrack rule" -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT', *services]
    mangle = [f'-A POSTROUTING -o {d}' for d in DEVICES]
    raw = [f'-A PREROUTING -i {d}' for d in DEVICES] + [f'-A OUTPUT -o {d}' for d in DEVICES]

    def table(name, builtins, own, lines):
        return '\n'.join([f'*{name}', *(f':{c} ACCEPT [0:0]' for c in builtins), *(f':{c} - [0:0]' for c in own), *lines, 'COMMIT', ''])
    canaries = ['KUBE-PROXY-CANARY', 'KUBE-KUBELET-CANARY']
    return (table('raw', ['PREROUTING', 'OUTPUT'], [], raw)
            + table('mangle', ['PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING'], ['KUBE-IPTABLES-HINT', *canaries], mangle)
            + table('nat', ['PREROUTING', 'INPUT', 'OUTPUT', 'POSTROUTING'], chains, nat)
            + table('filter', ['INPUT', 'FORWARD', 'OUTPUT'], ['KUBE-EXTERNAL-SERVICES', 'KUBE-FIREWALL', 'KUBE-FORWARD', 'KUBE-NODEPORTS',
                    'KUBE-PROXY-FIREWALL', 'KUBE-SERVICES', *canaries], filters))


def build(s, nth, fully=True):
    """The node, its pods (each on a veth of its own, routed) and a client in the node's network."""
    s.namespace('node', forward=True)
    s.namespace('client', *PODS)
    s.veth('client', 'eth0', 'node', 'eth0')
    s.address('client', 'eth0', '192.168.50.1/24', '192.168.50.2/24')
    s.address('node', 'eth0', '192.168.50.10/24')
    s.route('node', 'default', 'via', '192.168.50.1')
    for pod, address in PODS.items():
        dev = 'veth' + pod
        s.veth(pod, 'eth0', 'node', dev)
        s.address(pod, 'eth0', address + '/32')
        s.address('node', dev, '10.244.1.1/32')
        s.route('node', address, 'dev', dev)
        s.route(pod, '10.244.1.1', 'dev', 'eth0')
        s.route(pod, 'default', 'via', '10.244.1.1')
    s.rules(rules(nth, fully))
    for pod in ('weba', 'webb'):
        s.nginx(pod, [8080, 8081], {'index': 300, 'page': 6000})
    s.dnsmasq('dns', [('web.default.svc.cluster.local', '10.96.0.20')])
    s.nginx('client', [80], {'index': 200})


def record(here, prefix, nth, packed=None, dumpcap=None):
    with Scenario(here, prefix, firewall='node', needs=['nginx', 'curl', 'dig', 'dnsmasq', 'ping'] + (['dumpcap'] if dumpcap else [])) as s:
        build(s, nth)
        s.begin(DEVICES, nano=DEVICES if packed else [], dumpcap=dumpcap)
        def curls(n, url, options=''):
            return f'for i in $(seq {n}); do curl -s -m 2 {options} -o /dev/null -w "%{{http_code}} " {url}; done'
        # From outside: client -> node:32096 -> pod and back; the client's address is hidden from the pod.
        s.run('client', curls(24, 'http://192.168.50.10:32096/'))
        s.run('client', curls(4, 'http://192.168.50.10:32096/page', '--interface 192.168.50.2'))
        s.run('client', curls(5, 'http://192.168.50.10:32098/'))                     # sticky: the first throw counts
        s.run('client', curls(4, 'http://192.168.50.10:32098/', '--interface 192.168.50.2'))
        s.run('client', curls(2, 'http://192.168.50.10:32097/'))                     # no endpoints: refused in INPUT
        s.run('client', curls(1, 'http://192.168.50.10:32100/'))                     # nobody there: the node's own RST
        # From a pod: the cluster's DNS, then a cluster IP.
        s.run('app', 'for i in 1 2 3; do dig +time=1 +tries=1 +short @10.96.0.10 web.default.svc.cluster.local; done')
        s.run('app', 'dig +tcp +time=1 +tries=1 +short @10.96.0.10 web.default.svc.cluster.local')
        s.run('app', curls(16, 'http://10.96.0.20/'))
        s.run('app', curls(3, 'http://10.96.0.30/'))
        s.run('app', curls(2, 'http://10.96.0.99/'))                                 # no endpoints: refused in FORWARD
        s.run('app', curls(2, 'http://192.168.50.10:32096/'))
        # From an endpoint to its own service: it may meet itself, and is then masqueraded.
        s.run('weba', curls(8, 'http://10.96.0.20/'))
        # Without any service: pod to pod, pod to outside, the node's health checks.
        s.run('app', curls(1, f'http://{PODS["weba"]}:8080/page') + '; ' + curls(1, 'http://192.168.50.1/') + f'; ping -c 2 -i 0.2 {PODS["webb"]}')
        s.run('node', curls(2, f'http://{PODS["weba"]}:8080/') + f'; ping -c 1 {PODS["dns"]}; ping -c 1 127.0.0.1')
        s.end(packed=packed)


def record_from_node(here, prefix):
    """The node itself as a client of services. What it makes is translated in OUTPUT, before tcpdump sees it, so it is captured
    at OUTPUT as well."""
    with Scenario(here, prefix, firewall='node', needs=['nginx', 'curl', 'dig', 'dnsmasq', 'ping', 'nft']) as s:
        build(s, nth=True, fully=False)
        s.begin(DEVICES, nano=DEVICES, tap=True)

        def curls(n, url):
            return f'for i in $(seq {n}); do curl -s -m 2 -o /dev/null -w "%{{http_code}} " {url}; done'
        s.run('node', curls(8, 'http://10.96.0.20/'))                                # cluster IP: towards eth0, then to a pod
        s.run('node', curls(4, 'http://192.168.50.10:32096/page'))                   # its own node port: towards lo, then to a pod
        s.run('node', curls(3, 'http://10.96.0.30/'))
        s.run('node', curls(2, 'http://10.96.0.99/') + '; ' + curls(1, 'http://192.168.50.10:32097/'))    # refused in OUTPUT
        s.run('node', 'for i in 1 2; do dig +time=1 +tries=1 +short @10.96.0.10 web.default.svc.cluster.local; done')
        s.run('node', curls(2, f'http://{PODS["weba"]}:8080/') + '; ' + curls(1, 'http://192.168.50.1/') + '; ping -c 2 -i 0.2 127.0.0.1; ping -c 1 192.168.50.1')
        s.run('client', curls(4, 'http://192.168.50.10:32096/'))
        s.run('app', curls(4, 'http://10.96.0.20/'))
        s.end(after=split)
