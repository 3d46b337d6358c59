#!/usr/bin/env python3
"""A small FTP server and a session with one, for what connection tracking's helper makes of FTP.

usage: ftp.py serve                          port 21; one file, `page`, of 3000 bytes; active and passive, IPv4
       ftp.py active|passive|extended HOST   logs in, lists, fetches and stores; data connections by PORT, PASV or EPSV
"""
import ftplib
import io
import socket
import sys
import threading


def session(control):
    lines = control.makefile('rw', newline='\r\n')
    target = listener = None

    def say(text):
        lines.write(text + '\n')
        lines.flush()

    def data():
        return listener.accept()[0] if listener else socket.create_connection(target, 3)
    say('220 a small FTP server')
    for line in lines:
        command, _, rest = line.strip().partition(' ')
        if command == 'USER':
            say('331 any password will do')
        elif command == 'PASS':
            say('230 come in')
        elif command == 'TYPE':
            say('200 as you like')
        elif command in ('PASV', 'EPSV'):
            listener = socket.create_server((control.getsockname()[0], 0))
            port = listener.getsockname()[1]
            if command == 'PASV':
                say(f'227 Entering Passive Mode ({control.getsockname()[0].replace(".", ",")},{port >> 8},{port & 255})')
            else:
                say(f'229 Entering Extended Passive Mode (|||{port}|)')
        elif command == 'PORT':
            n = rest.split(',')
            target, listener = ('.'.join(n[:4]), int(n[4]) << 8 | int(n[5])), None
            say('200 I shall call there')
        elif command in ('NLST', 'RETR', 'STOR'):
            say('150 here it comes')
            with data() as d:
                if command == 'STOR':
                    while d.recv(4000):
                        pass
                else:
                    d.sendall(b'page\r\n' if command == 'NLST' else b'a page of FTP ' * 214)
            say('226 done')
        elif command == 'QUIT':
            say('221 farewell')
            return
        else:
            say('502 not here')


def serve():
    s = socket.create_server(('', 21))
    while True:
        threading.Thread(target=session, args=(s.accept()[0],), daemon=True).start()


def visit(mode, host):
    ftp = ftplib.FTP(timeout=4)
    ftp.connect(host)
    ftp.login('someone', 'secret')
    ftp.set_pasv(mode != 'active')
    if mode == 'extended':
        ftp.af = socket.AF_INET6                # ftplib then says EPSV
    ftp.nlst()
    ftp.retrbinary('RETR page', lambda b: None)
    ftp.storbinary('STOR other', io.BytesIO(b'from the client ' * 100))
    ftp.quit()
    print('done')


if sys.argv[1] == 'serve':
    serve()
else:
    visit(*sys.argv[1:])
