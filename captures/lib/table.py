#!/usr/bin/env python3
"""Prints the table of scenarios for captures/README.md: what it shows (the README's first line), packets, size."""
import pathlib
import sys
sys.dont_write_bytecode = True
import pcap

for folder in sorted(p.parent for p in pathlib.Path(__file__).resolve().parents[1].glob('*/record')):
    files = [*folder.glob('*.pcap'), *folder.glob('*.pcapng')]
    if not files:
        continue
    title = (folder / 'README.md').read_text().splitlines()[0].split(': ', 1)[1]
    packets = sum(1 for f in files for _ in pcap.read(f, f.stem))
    size = sum(f.stat().st_size for f in folder.rglob('*') if f.is_file())
    print(f'| [{folder.name}]({folder.name}/README.md) | {title} | {packets} | {size / 1000:.0f} kB |')
