/**
 * Captures that have packets on their way in and out: which are echoes, which packet each belongs to (over the bounds of batches,
 * up to ECHO_LINK_PACKETS), and what is counted of them, by the quick way and by the linear evaluator, which goes none.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ECHO_LINK_PACKETS } from '../../src/direction/direction-stage.ts';
import type { ReplayConfig } from '../../src/workers/config.ts';
import { runReplay } from '../../src/workers/replay.ts';
import { Dice } from '../conntrack/tcp-conversations.ts';
import { savedText } from '../engine/run-case.ts';
import { type Bytes, ethernet, ip, LINKTYPE, pcap, tcp, udp } from '../kernel/packets.ts';
import { iface, inet } from '../netfilter/host-addresses.ts';

const OWN = '02:00:00:00:00:01';
const OTHER = '02:00:00:00:00:02';
const PACKETS = 15_000;

let folder: string;
let inbound = 0;
let linked = 0;
let echoes = 0;

/** Datagrams and segments of 200 clients; each goes on after up to so many others, or is dropped. */
function bothSides(dice: Dice): Bytes[] {
  const out: Bytes[] = [];
  const waiting: { at: number; from: number; bytes: Bytes }[] = [];
  const leave = (at: number): void => {
    for (let next = waiting[0]; next !== undefined && next.at <= at; next = waiting[0]) {
      waiting.shift();
      if (out.length - next.from <= ECHO_LINK_PACKETS) linked++;
      echoes++;
      out.push(next.bytes);
    }
  };
  for (let n = 0; n < PACKETS; n++) {
    leave(n);
    const isIpv4 = dice.chance(80);
    const host = 9 + dice.below(200);
    const isDropped = dice.chance(10);
    const saddr = isIpv4 ? `10.1.0.${host}` : `2001:db8:1::${host}`;
    const daddr = isIpv4 ? `10.2.0.${isDropped ? 99 : 9}` : `2001:db8:2::${isDropped ? 99 : 9}`;
    const sport = 1000 + dice.below(50);
    // Told apart by their payload.
    const payload = Buffer.from(String(n));
    const body = dice.chance(50)
      ? udp({ sport, dport: 80, payload })
      : tcp({ sport, dport: 80, flags: 'S', seq: n });
    const packet = (ttl: number): Bytes => ip({ saddr, daddr, ttl }, body);
    inbound++;
    const from = out.length;
    out.push(ethernet({ src: OTHER, dst: OWN }, packet(64)));
    if (isDropped) continue;
    const delay = dice.chance(70) ? 0 : dice.chance(95) ? dice.below(9000) : 20_000;
    const at = n + 1 + delay;
    const place = waiting.findIndex((one) => one.at > at);
    const bytes = ethernet({ src: OWN, dst: OTHER }, packet(63));
    waiting.splice(place < 0 ? waiting.length : place, 0, { at, from, bytes });
  }
  leave(Number.POSITIVE_INFINITY);
  return out;
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'iptables-replay-both-sides-'));
  const file = (name: string, content: string | Uint8Array) => writeFileSync(join(folder, name), content);
  const addresses = [inet('inet', '10.1.0.1', 24), inet('inet6', '2001:db8:1::1', 64)];
  file(
    'address.json',
    JSON.stringify([{ ...iface(2, 'eth0', ...addresses), link_type: 'ether', address: OWN }]),
  );
  const onward = (dst: string, gateway: string) => ({ dst, gateway, dev: 'eth0', flags: [] });
  file('route.json', JSON.stringify([onward('10.2.0.0/24', '10.1.0.2')]));
  file('route6.json', JSON.stringify([onward('2001:db8:2::/64', '2001:db8:1::2')]));
  file('sysctl.txt', 'net.ipv4.ip_forward = 1\nnet.ipv6.conf.all.forwarding = 1\n');
  for (const [name, dropped] of [
    ['iptables.save', '10.2.0.99'],
    ['ip6tables.save', '2001:db8:2::99'],
  ] as const)
    file(name, `*filter\n-A FORWARD -d ${dropped} -j DROP\n-A FORWARD -m conntrack --ctstate NEW\nCOMMIT\n`);
  // No two at a time, and all within the window of echoes.
  const captured = bothSides(new Dice(1)).map((bytes, k) => ({ time: 1_700_000_000 + k * 2e-5, bytes }));
  file('eth0.pcap', pcap(LINKTYPE.ethernet, captured));
});
afterAll(() => rmSync(folder, { recursive: true }));

const replay = (more: Partial<ReplayConfig>) =>
  runReplay({
    captures: [`eth0=${join(folder, 'eth0.pcap')}`],
    host: folder,
    midstream: 'kernel',
    checksum: 'auto',
    workers: 0,
    seed: 0,
    onUnsupported: 'error',
    evaluator: 'compiled',
    perPacket: false,
    conntrackDump: true,
    ...more,
  });

it('tells echoes, and whose they are; the quick way counts them as walks do', async () => {
  const linear = await replay({ evaluator: 'linear' });
  expect(linear.result.totals.packets).toBe(inbound + echoes);
  expect(linear.result.echoes).toMatchObject({ packets: echoes, agreed: linked, disagreed: 0 });
  for (const more of [{}, { kernels: false }, { perPacket: true }, { workers: 1 }, { workers: 2 }]) {
    const output = await replay(more);
    const { result } = output;
    expect(result.echoes).toEqual(linear.result.echoes);
    for (const family of [4, 6] as const) expect(savedText(output, family)).toBe(savedText(linear, family));
    expect(result.states).toEqual(linear.result.states);
    expect(result.conntrackDump.toSorted()).toEqual(linear.result.conntrackDump.toSorted());
    const { walked, recalled, cached } = result.profile;
    expect(walked + recalled + cached).toBe(inbound);
  }
});
