#!/usr/bin/env python3
"""Conversations that pause until a file appears, so that a capture can begin in the middle of them.

usage: talk.py echo  PORT...                          answers what it is told, TCP and UDP on each port
       talk.py ask   HOST PORT SPORT GO [udp]         asks once, waits for the file GO, asks five times more, closes
       talk.py told  HOST PORT SPORT GO               the same, but after GO it is the other side that speaks first
"""
import pathlib
import socket
import sys
import threading
import time


def answer(connection):
    with connection:
        while True:
            data = connection.recv(4000)
            if not data:
                return
            connection.sendall(b'you said ' + data)
            if data.startswith(b'speak when '):
                wait(data.split()[2].decode())
                connection.sendall(b'I speak unasked\n')


def wait(go):
    deadline = time.time() + 60
    while not pathlib.Path(go).exists() and time.time() < deadline:
        time.sleep(0.02)


def echo(*ports):
    for port in map(int, ports):
        def tcp(port=port):
            s = socket.create_server(('', port))
            while True:
                threading.Thread(target=answer, args=(s.accept()[0],), daemon=True).start()

        def udp(port=port):
            s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            s.bind(('', port))
            while True:
                data, peer = s.recvfrom(4000)
                s.sendto(b'you said ' + data, peer)
        for f in (tcp, udp):
            threading.Thread(target=f, daemon=True).start()
    time.sleep(3600)


def connect(host, port, sport, kind=socket.SOCK_STREAM):
    s = socket.socket(socket.AF_INET, kind)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind(('', int(sport)))
    s.settimeout(30)
    s.connect((host, int(port)))
    s.settimeout(1)
    return s


def ask(host, port, sport, go, protocol='tcp'):
    s = connect(host, port, sport, socket.SOCK_DGRAM if protocol == 'udp' else socket.SOCK_STREAM)
    for i in range(6):
        s.send(b'hello %d\n' % i)
        s.recv(4000)
        if i == 0:
            wait(go)
    s.close()


def told(host, port, sport, go):
    s = connect(host, port, sport)
    s.send(b'speak when %s\n' % go.encode())
    s.recv(4000)
    wait(go)
    try:
        s.recv(4000)
    except TimeoutError:
        pass
    s.close()


{'echo': echo, 'ask': ask, 'told': told}[sys.argv[1]](*sys.argv[2:])
