/**
 * What REJECT answers to a packet that came in by a bridge's port leaves by that port and is in no chain; other resets
 * are. The first three are as a live kernel has them (Linux 6.18, veth behind a bridge, br_netfilter): refused in
 * FORWARD, refused in INPUT, and answered by the host's own TCP.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { runReplay } from '../../src/workers/replay.ts';
import { savedText } from '../engine/run-case.ts';
import { bridgeCases } from '../kernel/cases/bridge.ts';
import { hostFolder } from '../kernel/host-folder.ts';
import { type Bytes, ethernet, filler, ip, type Layer, LINKTYPE, pcap, tcp, udp } from '../kernel/packets.ts';

const [CLIENT, NEIGHBOUR, SELF] = ['192.0.2.10', '192.0.2.11', '192.0.2.1'];
const [CLIENT_MAC, NEIGHBOUR_MAC, BRIDGE_MAC] = [
  '02:00:00:00:00:0a',
  '02:00:00:00:00:0b',
  '02:00:00:00:00:01',
];

const RULES = `*filter
-A INPUT -p tcp --dport 81 -j REJECT --reject-with tcp-reset
-A INPUT -m conntrack --ctstate NEW
-A FORWARD -p tcp --dport 80 -j REJECT --reject-with tcp-reset
-A OUTPUT -p tcp --tcp-flags RST RST
COMMIT
`;

/**
 * The neighbour speaks, so that the bridge knows its port; a SYN of the client to `server`, and `reset` to it 16 µs later.
 * Packets counted by each rule.
 */
async function play(server: string, dport: number, reset: Layer): Promise<number[]> {
  const folder = mkdtempSync(join(tmpdir(), 'port-resets-'));
  try {
    const machine = { ...bridgeCases()[0]!, rules4: RULES };
    for (const [name, text] of Object.entries(await hostFolder(machine)))
      writeFileSync(join(folder, name), text);
    const mac = server === SELF ? BRIDGE_MAC : NEIGHBOUR_MAC;
    const syn = ip({ saddr: CLIENT, daddr: server }, tcp({ sport: 5000, dport, flags: 'S', seq: 100 }));
    const greeting = ip({ saddr: NEIGHBOUR, daddr: CLIENT }, udp({ sport: 9, dport: 9 }));
    const frames: [port: string, src: string, dst: string, packet: Bytes][] = [
      ['port2:in', NEIGHBOUR_MAC, CLIENT_MAC, greeting],
      ['port1:in', CLIENT_MAC, mac, syn],
      ['port1:out', mac, CLIENT_MAC, ip({ saddr: server, daddr: CLIENT }, reset)],
    ];
    const captures = frames.map(([port, src, dst, packet], i) => {
      const file = join(folder, `${i}.pcap`);
      const time = 1_700_000_000 + 16e-6 * i;
      writeFileSync(file, pcap(LINKTYPE.ethernet, [{ time, bytes: ethernet({ src, dst }, packet) }]));
      return `${port}=${file}`;
    });
    const output = await runReplay({
      captures,
      host: folder,
      midstream: 'kernel',
      checksum: 'verify',
      workers: 0,
      seed: 0,
      onUnsupported: 'error',
      evaluator: 'compiled',
      perPacket: false,
      conntrackDump: false,
    });
    return [...savedText(output, 4)!.matchAll(/^\[(\d+):\d+\] -A/gm)].map(([, packets]) => Number(packets));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const answer = (dport: number, more: Partial<Parameters<typeof tcp>[0]> = {}): Layer =>
  tcp({ sport: dport, dport: 5000, flags: 'RA', seq: 0, ack: 101, window: 0, ...more });

test.each([
  ['refused in FORWARD', NEIGHBOUR, 80, answer(80), [0, 0, 1, 0]],
  ['refused in INPUT', SELF, 81, answer(81), [1, 0, 0, 0]],
  ['answered by its own TCP', SELF, 82, answer(82), [0, 1, 0, 1]],
  // Refused, too, but what leaves then is no answer to it.
  ['a window', SELF, 81, answer(81, { window: 64240 }), [1, 0, 0, 1]],
  ['another acknowledgement number', SELF, 81, answer(81, { ack: 102 }), [1, 0, 0, 1]],
  ['a sequence number', SELF, 81, answer(81, { seq: 7 }), [1, 0, 0, 1]],
  ['no acknowledgement', SELF, 81, answer(81, { flags: 'R', ack: 0 }), [1, 0, 0, 1]],
  ['payload', SELF, 81, answer(81, { payload: filler(3) }), [1, 0, 0, 1]],
] as const)('%s', async (_, server, dport, reset, counted) => {
  expect(await play(server, dport, reset)).toEqual(counted);
});
