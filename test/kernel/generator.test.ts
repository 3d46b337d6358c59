/** The generator of random cases, and the writers of captures and HOST folders. */

import { describe, expect, it } from 'vitest';
import { SUITES } from './cases/index.ts';
import { canBeCaptured, captureFiles, hostFolder } from './host-folder.ts';
import { askKernel, askRestore, counters, differences, isJudgeAvailable } from './judge.ts';
import { pcapng } from './packets.ts';
import { randomCase } from './random.ts';

const seeds = Array.from({ length: 40 }, (_, i) => 1000 + i);

describe('the generator', () => {
  it('is a function of its seed', () => {
    for (const seed of seeds) expect(randomCase(seed)).toEqual(randomCase(seed));
    expect(randomCase(1)).not.toEqual(randomCase(2));
  });

  it.skipIf(!isJudgeAvailable())('makes rulesets that restore accepts', async () => {
    const cases = seeds.map((seed) => randomCase(seed));
    for (const result of await askRestore(
      cases.map(({ id, rules4, rules6 }) => ({ id, rules4: rules4!, rules6: rules6! })),
    )) {
      expect(result.v4, `${result.id}, IPv4`).toMatchObject({ status: 0 });
      expect(result.v6, `${result.id}, IPv6`).toMatchObject({ status: 0 });
    }
  });

  it.skipIf(!isJudgeAvailable())('makes cases that the kernel answers the same way twice', async () => {
    const cases = seeds.map((seed) => randomCase(seed));
    const [once, again] = [await askKernel(cases), await askKernel(cases)];
    for (const [i, one] of cases.entries()) expect(differences(one, once[i]!, again[i]!), one.id).toEqual([]);
  });
});

describe('cases as files', () => {
  const all = Object.values(SUITES).flatMap((make) => make());

  it('gives every case an id of its own', () => {
    expect(new Set(all.map((one) => one.id)).size).toBe(all.length);
  });

  it('writes every packet of a case to a capture', () => {
    for (const one of all.filter(canBeCaptured)) {
      let records = 0;
      for (const { bytes } of captureFiles(one)) {
        const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
        expect(view.getUint32(0, true)).toBe(0xa1b2c3d4);
        for (let at = 24; at < bytes.length; at += 16 + view.getUint32(at + 8, true)) records++;
      }
      expect(records, one.id).toBe(one.packets.length);
    }
  });

  it('writes pcapng blocks whose lengths agree', () => {
    const bytes = pcapng(
      [{ name: 'eth0', linktype: 1 }],
      [{ time: 1.5, bytes: Uint8Array.of(1, 2, 3), iface: 0, direction: 'out' }],
    );
    const view = new DataView(bytes.buffer);
    const types: number[] = [];
    for (let at = 0; at < bytes.length; at += view.getUint32(at + 4, true)) {
      types.push(view.getUint32(at, true));
      expect(view.getUint32(at + view.getUint32(at + 4, true) - 4, true)).toBe(view.getUint32(at + 4, true));
    }
    expect(types).toEqual([0x0a0d0d0a, 1, 6]);
  });

  it('has the host of every case', async () => {
    for (const one of all.filter((one, i) => i % 20 === 0 && one.host.interfaces.length > 0)) {
      const files = await hostFolder(one);
      expect(JSON.parse(files['address.json']!).length).toBe(one.host.interfaces.length + 1);
      expect(files['sysctl.txt']).toContain('net.ipv4.ip_forward = ');
    }
  });
});

describe('counters of a dump', () => {
  it('are numbered within their chain', () => {
    const found = counters(
      '*filter\n:INPUT DROP [1:2]\n:own - [0:0]\n[3:4] -A INPUT -j own\n[5:6] -A own\nCOMMIT\n',
    );
    expect(found.map(({ chain, rule, packets, bytes }) => [chain, rule, packets, bytes])).toEqual([
      ['INPUT', 0, 1n, 2n],
      ['INPUT', 1, 3n, 4n],
      ['own', 1, 5n, 6n],
    ]);
  });
});
