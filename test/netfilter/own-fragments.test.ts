/** What this host sends in fragments was whole in OUTPUT, before the answer to its first fragment came. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { BATCH_CAPACITY } from '../../src/batch/layout.ts';
import { runReplay } from '../../src/workers/replay.ts';
import { savedText } from '../engine/run-case.ts';
import {
  type Bytes,
  filler,
  fragment4,
  fragment6,
  icmp,
  icmpError,
  icmpv6,
  icmpv6Error,
  ip,
  ipv4,
  LINKTYPE,
  pcap,
} from '../kernel/packets.ts';

const RULES =
  '*filter\n-A INPUT -m conntrack --ctstate RELATED\n-A INPUT -m conntrack --ctstate INVALID\nCOMMIT\n';
/** So that the first fragment is the last packet of a batch. */
const OTHERS = BATCH_CAPACITY - 1;

const four = { self: '192.0.2.1', far: '198.51.100.7', router: '192.0.2.254' };
const six = { self: '2001:db8::1', far: '2001:db8:f::7', router: '2001:db8::fe' };

/** An echo request in three fragments, and between the first and the second the router's complaint about it. */
function conversation(family: 4 | 6): { out: boolean; packet: Bytes }[] {
  const { self, far, router } = family === 4 ? four : six;
  const layer =
    family === 4 ? icmp({ type: 8, payload: filler(3000) }) : icmpv6({ type: 128, payload: filler(3000) });
  const pieces =
    family === 4
      ? fragment4(ipv4({ saddr: self, daddr: far, id: 5 }, layer), 1400, 2800)
      : fragment6(ip({ saddr: self, daddr: far }, layer), 5, [1400, 2800]);
  const quoted = pieces[0]!.subarray(0, 200);
  const error = ip(
    { saddr: router, daddr: self },
    family === 4 ? icmpError({ type: 3, code: 4 }, quoted) : icmpv6Error({ type: 2, code: 0 }, quoted),
  );
  const [first, ...rest] = pieces.map((packet) => ({ out: true, packet }));
  return [first!, { out: false, packet: error }, ...rest];
}

describe.each([4, 6] as const)('IPv%i', (family) => {
  test.each([
    [0, 0],
    [0, OTHERS],
    [2, OTHERS],
  ])('the answer finds its connection (%i workers, %i packets before)', async (workers, others) => {
    const folder = mkdtempSync(join(tmpdir(), 'own-fragments-'));
    try {
      writeFileSync(join(folder, family === 4 ? 'iptables.save' : 'ip6tables.save'), RULES);
      const steps = conversation(family);
      const file = (isOut: boolean) => {
        const path = join(folder, isOut ? 'out.pcap' : 'in.pcap');
        const { self, far } = family === 4 ? four : six;
        const stray = ip({ saddr: self, daddr: far }, icmp({ type: 8, id: 9 }));
        const packets = steps
          .map(({ out, packet }, i) => ({ out, time: 1000 + i * 1e-4, bytes: packet }))
          .filter(({ out }) => out === isOut)
          .map(({ time, bytes }) => ({ time, bytes }));
        const before = isOut
          ? Array.from({ length: others }, (_, i) => ({ time: 900 + i * 1e-3, bytes: stray }))
          : [];
        writeFileSync(path, pcap(LINKTYPE.raw, [...before, ...packets]));
        return `eth0:${isOut ? 'out' : 'in'}=${path}`;
      };
      const output = await runReplay({
        captures: [file(true), file(false)],
        host: folder,
        midstream: 'kernel',
        checksum: 'verify',
        workers,
        seed: 0,
        onUnsupported: 'error',
        evaluator: 'compiled',
        perPacket: false,
      });
      const saved = savedText(output, family);
      expect(saved).toMatch(/\[1:\d+\] -A INPUT -m conntrack --ctstate RELATED/);
      expect(saved).toContain('[0:0] -A INPUT -m conntrack --ctstate INVALID');
      expect(saved).toContain(`:OUTPUT ACCEPT [${1 + others}:`);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
