#!/usr/bin/env python3
"""UDP datagrams of any size, of both families.

usage: datagram.py echo PORT                   sends back what it is told
       datagram.py ask HOST PORT SIZE COUNT    asks so often, half a second at most for an answer
"""
import socket
import sys


def echo(port):
    s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    s.bind(('::', int(port)))
    while True:
        data, peer = s.recvfrom(65535)
        s.sendto(data, peer)


def ask(host, port, size, count):
    s = socket.socket(socket.AF_INET6 if ':' in host else socket.AF_INET, socket.SOCK_DGRAM)
    s.settimeout(0.5)
    s.connect((host, int(port)))
    answered = 0
    for _ in range(int(count)):
        try:
            s.send((b'a large datagram ' * 4000)[:int(size)])
            answered += len(s.recv(65535)) == int(size)
        except OSError as problem:
            print(problem)
    print(f'{answered} of {count}')


{'echo': echo, 'ask': ask}[sys.argv[1]](*sys.argv[2:])
