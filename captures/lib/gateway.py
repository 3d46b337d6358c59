"""The network of the scenarios gateway and gateway-offload; see their README.md.

Debian packages: nginx-light curl dnsutils dnsmasq openssh-server openssh-client iperf3 iputils-ping netcat-openbsd traceroute
iptables ipset conntrack ethtool tcpdump iproute2 procps python3
"""
import pathlib
from scenario import Scenario

ODD = pathlib.Path(__file__).resolve().parent / 'odd.py'

IPSET = '''
create blocked hash:net family inet hashsize 1024 maxelem 65536
add blocked 203.0.113.96/28
add blocked 100.64.0.0/10
'''

IPV4 = '''
*raw
:PREROUTING ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
-A PREROUTING -i eth0
-A PREROUTING -i eth1
-A PREROUTING -i eth2
-A PREROUTING -i lo
-A PREROUTING -i eth0 -m set --match-set blocked src -j DROP
-A OUTPUT -o eth0
-A OUTPUT -o eth1
-A OUTPUT -o eth2
-A OUTPUT -o lo
COMMIT
*mangle
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
-A PREROUTING -j CONNMARK --restore-mark --nfmask 0xff --ctmask 0xff
-A PREROUTING -m mark ! --mark 0x0/0xff -j ACCEPT
-A PREROUTING -i eth0 -j MARK --set-xmark 0x10/0xff
-A PREROUTING -i eth1 -j MARK --set-xmark 0x1/0xff
-A PREROUTING -i eth1 -p tcp -m tcp --dport 5201 -j MARK --set-xmark 0x2/0xff
-A PREROUTING -i eth2 -j MARK --set-xmark 0x20/0xff
-A PREROUTING -j CONNMARK --save-mark --nfmask 0xff --ctmask 0xff
-A FORWARD -p tcp -m tcp --tcp-flags SYN,RST SYN -j TCPMSS --clamp-mss-to-pmtu
-A POSTROUTING -o eth0
-A POSTROUTING -o eth1
-A POSTROUTING -o eth2
-A POSTROUTING -o lo
-A POSTROUTING -m mark --mark 0x2/0xff -j DSCP --set-dscp-class cs1
COMMIT
*nat
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
-A PREROUTING -d 198.51.100.2/32 -p tcp -m tcp --dport 80 -j DNAT --to-destination 10.0.2.80:8080
-A PREROUTING -d 198.51.100.2/32 -i eth0 -p tcp -m tcp --dport 2222 -j DNAT --to-destination 10.0.2.80:22
-A PREROUTING -d 198.51.100.2/32 -i eth0 -p udp -m udp --dport 53 -j DNAT --to-destination 10.0.2.80
-A POSTROUTING -s 10.0.2.0/24 -d 10.0.2.80/32 -p tcp -m tcp --dport 8080 -m comment --comment hairpin -j MASQUERADE
-A POSTROUTING -s 192.168.1.0/24 -o eth0 -j MASQUERADE
-A POSTROUTING -s 10.0.2.0/24 -o eth0 -j SNAT --to-source 198.51.100.2
COMMIT
*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
:dmz-wan - [0:0]
:established - [0:0]
:lan-wan - [0:0]
:pings - [0:0]
:to-dmz - [0:0]
-A INPUT -i lo -j ACCEPT
-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A INPUT -i eth1 -p tcp -m tcp --dport 22 -m mark --mark 0x1/0xff -j ACCEPT
-A INPUT -i eth1 -p udp -m udp --dport 53 -j ACCEPT
-A INPUT -i eth1 -p icmp -m icmp --icmp-type echo-request -j ACCEPT
-A INPUT -i eth0 -m limit --limit 1/min --limit-burst 2 -j LOG --log-prefix "wan-in "
-A INPUT -i eth1 -j REJECT --reject-with icmp-port-unreachable
-A FORWARD -m conntrack --ctstate INVALID -j DROP
-A FORWARD -i eth1 -p icmp -m icmp --icmp-type echo-request -j pings
-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j established
-A FORWARD -i eth1 -o eth0 -j lan-wan
-A FORWARD -o eth2 -j to-dmz
-A FORWARD -i eth2 -o eth0 -g dmz-wan
-A FORWARD -m comment --comment "not dmz-wan: that was a goto" -j LOG
-A OUTPUT -o lo -j ACCEPT
-A OUTPUT -p icmp -m icmp --icmp-type time-exceeded -m conntrack --ctstate RELATED -j ACCEPT
-A OUTPUT -p icmp -m icmp --icmp-type fragmentation-needed -j ACCEPT
-A OUTPUT -p icmp -m icmp --icmp-type destination-unreachable -m conntrack --ctstate RELATED -j ACCEPT
-A OUTPUT -p tcp -m tcp --tcp-flags RST RST -m conntrack --ctstate RELATED -j ACCEPT
-A OUTPUT -p tcp -m tcp --tcp-flags RST RST -m conntrack --ctstate ESTABLISHED -j ACCEPT
-A OUTPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT
-A OUTPUT -o eth0 -m conntrack --ctstate NEW -j ACCEPT
-A dmz-wan -p tcp -m multiport --dports 80,443 -j ACCEPT
-A dmz-wan -p udp -m udp --dport 53 -j ACCEPT
-A dmz-wan -p icmp -j ACCEPT
-A established -m conntrack --ctstate RELATED -m comment --comment "errors of known connections" -j ACCEPT
-A established -p tcp -m conntrack ! --ctstatus ASSURED -m comment --comment "handshakes" -j ACCEPT
-A established -m conntrack --ctstate SNAT -j ACCEPT
-A established -m conntrack --ctstate DNAT --ctdir REPLY -j ACCEPT
-A established -j ACCEPT
-A lan-wan -d 203.0.113.66/32 -j DROP
-A lan-wan -p tcp -m tcp --dport 25 -j REJECT --reject-with tcp-reset
-A lan-wan -p tcp -m tcp --dport 23 -j REJECT --reject-with icmp-admin-prohibited
-A lan-wan -p udp -m udp --dport 137:139 -j DROP
-A lan-wan -p tcp -m multiport --dports 22,53,80,443,5201 -m conntrack --ctstate NEW -j ACCEPT
-A lan-wan -p udp -m multiport --dports 53,5201 -j ACCEPT
-A lan-wan -p udp -m udp --dport 33434:33534 -j ACCEPT
-A lan-wan -j REJECT --reject-with icmp-host-prohibited
-A pings -m limit --limit 2/min --limit-burst 20 -j ACCEPT
-A pings -j DROP
-A to-dmz -p tcp -m tcp --dport 8080 -m conntrack --ctstate DNAT -j ACCEPT
-A to-dmz -i eth0 -p tcp -m tcp --dport 22 --tcp-flags FIN,SYN,RST,ACK SYN -m conntrack --ctstate DNAT --ctorigdstport 2222 -j ACCEPT
-A to-dmz -i eth0 -p udp -m udp --dport 53 -j ACCEPT
-A to-dmz -i eth1 -p tcp -m tcp --dport 22 -j ACCEPT
-A to-dmz -i eth1 -p udp -j ACCEPT
-A to-dmz -i eth0 -j REJECT --reject-with icmp-net-unreachable
COMMIT
'''


def record(here, prefix, offload, page=20000, transfer='40K', block='8K'):
    needs = ['nginx', 'curl', 'dig', 'dnsmasq', 'sshd', 'iperf3', 'ping', 'nc', 'traceroute']
    with Scenario(here, prefix, firewall='gateway', needs=needs) as s:
        s.namespace('gateway', 'outside', forward=True)
        s.namespace('inet', 'client', 'server')
        wan = 1500 if offload else 1400
        s.veth('outside', 'eth1', 'inet', 'eth0', offload)
        s.veth('outside', 'eth0', 'gateway', 'eth0', offload, mtu=wan)
        s.veth('client', 'eth0', 'gateway', 'eth1', offload)
        s.veth('server', 'eth0', 'gateway', 'eth2', offload)
        if offload:
            s.no_offload('gateway', 'eth2')
        s.address('inet', 'eth0', '203.0.113.7/24', '203.0.113.99/24')
        s.address('outside', 'eth1', '203.0.113.1/24')
        s.address('outside', 'eth0', '198.51.100.1/24')
        s.address('gateway', 'eth0', '198.51.100.2/24')
        s.address('gateway', 'eth1', '192.168.1.1/24')
        s.address('gateway', 'eth2', '10.0.2.1/24')
        s.address('client', 'eth0', '192.168.1.10/24')
        s.address('server', 'eth0', '10.0.2.80/24')
        for name, via in (('inet', '203.0.113.1'), ('gateway', '198.51.100.1'), ('client', '192.168.1.1'), ('server', '10.0.2.1')):
            s.route(name, 'default', 'via', via)
        s.rules(IPV4, ipset=IPSET)
        s.nginx('inet', [80], {'index': 500, 'page': page})
        s.nginx('server', [8080], {'index': 900, 'page': page})
        s.nginx('gateway', [8088], {'index': 900, 'page': page})
        s.dnsmasq('inet', [('inet.example', '203.0.113.7')])
        s.dnsmasq('server', [('server.example', '198.51.100.2')])
        s.dnsmasq('gateway', [('gateway.example', '192.168.1.1')])
        server_ssh = s.sshd('server')
        gateway_ssh = s.sshd('gateway')
        s.start('inet', 'iperf3', '-s', port=5201)

        s.begin(['eth0', 'eth1', 'eth2', 'lo'], nano=['eth0', 'eth1', 'eth2', 'lo'] if not offload else [])
        # From inside to outside.
        for path in ('', 'page', 'missing'):
            s.run('client', f'curl -s -m 5 -o /dev/null -w "%{{http_code}} %{{size_download}}" http://203.0.113.7/{path}')
        s.run('client', 'curl -s -m 5 -Z http://203.0.113.7/page http://203.0.113.7/ http://203.0.113.7/page > /dev/null')
        s.run('server', 'curl -s -m 5 -o /dev/null -w "%{http_code}" http://203.0.113.7/page')
        s.run('client', 'dig +time=1 +tries=1 +short @203.0.113.7 inet.example')
        s.run('client', 'dig +tcp +time=1 +tries=1 +short @203.0.113.7 inet.example')
        s.run('client', 'dig +time=1 +tries=1 +short @192.168.1.1 gateway.example')
        s.run('server', 'dig +time=1 +tries=1 +short @203.0.113.7 inet.example')
        s.run('client', f'iperf3 -c 203.0.113.7 -l {block} -n {transfer}')
        s.run('client', f'iperf3 -c 203.0.113.7 -R -l {block} -n {transfer}')
        s.run('client', 'iperf3 -c 203.0.113.7 -u -b 2M -n 40K -l 1200')
        # From outside to inside, and back in from inside (hairpin).
        s.run('inet', 'curl -s -m 5 -o /dev/null -w "%{http_code} %{size_download}" http://198.51.100.2/page')
        s.run('inet', 'dig +time=1 +tries=1 +short @198.51.100.2 server.example')
        s.run('inet', f'{server_ssh} -p 2222 root@198.51.100.2 "uname; seq 1 500"')
        s.run('client', 'curl -s -m 5 -o /dev/null -w "%{http_code}" http://198.51.100.2/')
        s.run('server', 'curl -s -m 5 -o /dev/null -w "%{http_code}" http://198.51.100.2/')
        s.run('client', f'{server_ssh} root@10.0.2.80 "seq 1 2000"')
        s.run('client', f'{gateway_ssh} root@192.168.1.1 "seq 1 {page // 5}"')
        # Refused and dropped.
        for port in (25, 23, 8443):
            s.run('client', f'curl -s -m 2 telnet://203.0.113.7:{port}')
        s.run('client', 'curl -s -m 1 http://203.0.113.66/')
        s.run('client', 'echo x | nc -u -w 1 203.0.113.7 137')
        s.run('client', 'echo x | nc -u -w 1 203.0.113.7 4444')
        s.run('client', 'curl -s -m 2 http://192.168.1.1:81/')
        s.run('server', 'curl -s -m 1 telnet://203.0.113.7:25')
        s.run('server', 'curl -s -m 1 http://192.168.1.10/')
        s.run('inet', 'curl -s -m 1 http://198.51.100.2:8088/')
        s.run('inet', 'curl -s -m 1 http://10.0.2.80:8080/')
        s.run('inet', 'ping -c 1 -W 0.3 198.51.100.2; ping -c 2 -i 0.2 -W 0.3 -I 203.0.113.99 198.51.100.2')
        s.run('client', f'python3 {ODD} tcp 192.168.1.10 203.0.113.7 40001 80 FPU; python3 {ODD} tcp 192.168.1.10 203.0.113.7 40002 80 A')
        # ICMP errors.
        s.run('client', 'traceroute -n -q 2 -w 1 -m 6 203.0.113.7')
        s.run('client', 'traceroute -n -q 1 -w 1 -m 6 -T -p 80 203.0.113.7')
        s.run('client', 'echo x | nc -u -w 1 203.0.113.7 33500')
        s.run('client', 'echo x | nc -u -w 1 10.0.2.80 4444')
        s.run('client', 'dig +time=1 +tries=1 @192.0.2.1 nowhere.example')           # outside has no route there
        # The gateway as a client.
        s.run('gateway', 'curl -s -m 3 -o /dev/null http://203.0.113.7/page')
        s.run('gateway', 'dig +time=1 +tries=1 +short @203.0.113.7 inet.example; dig +time=1 +tries=1 +short @127.0.0.1 gateway.example')
        s.run('gateway', 'ping -c 2 -i 0.2 10.0.2.80; ping -c 1 192.168.1.1; curl -s -m 3 -o /dev/null http://127.0.0.1:8088/')
        # Pings last: the limit has 20 tokens and gains one in 30 s, so from here to the end it gains none.
        s.run('client', 'traceroute -n -q 1 -w 1 -m 6 -I 203.0.113.7')
        s.run('client', f'ping -c 1 -W 1 -M do -s {wan - 27} 203.0.113.7')           # one byte too long for eth0 unless that has 1500
        s.run('client', 'ping -c 2 -i 0.2 -s 3000 203.0.113.7')
        s.run('client', 'ping -c 1 10.0.2.80; ping -c 2 -i 0.2 192.168.1.1')
        s.run('client', 'ping -c 1 -W 4 10.0.2.99')                                   # nobody there: host unreachable after 3 s
        s.run('client', 'ping -f -c 60 203.0.113.7')
        # On lo only something small: TCP makes segments of more than 64 KiB for it, which are cut behind POSTROUTING.
        # The ping to 10.0.2.99 passes POSTROUTING and then waits for an ARP answer that never comes: counted, never seen.
        s.end(differs={(4, 'out', 'eth2'): (1, 84)} if not offload else {(4, 'out', 'eth2'): None})
