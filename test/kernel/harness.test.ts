/** Proves that the judge judges: right counts are right, wrong expectations are seen, failures are reported. */

import { describe, expect, it } from 'vitest';
import { A4, A6, ROUTER } from './cases/hosts.ts';
import { askKernel, askRestore, type Case, differences, isJudgeAvailable, sameConntrack } from './judge.ts';
import { PLAYS, settle } from './paced.ts';
import { hex, icmp, ipv4, ipv6, tcp, udp } from './packets.ts';

const ACCEPT_ALL = ':INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n';

function filter(...rules: string[]): string {
  return `*filter\n${ACCEPT_ALL}${rules.map((rule) => `-A ${rule}\n`).join('')}COMMIT\n`;
}

const syn4 = hex(
  ipv4({ saddr: A4.outside, daddr: A4.self }, tcp({ sport: 1024, dport: 22, flags: 'S', seq: 1 })),
);
const syn6 = hex(
  ipv6({ saddr: A6.outside, daddr: A6.self }, tcp({ sport: 1024, dport: 22, flags: 'S', seq: 1 })),
);

const one: Case = {
  id: 'one',
  host: ROUTER,
  rules4: filter('INPUT -p tcp --dport 22 -j ACCEPT', 'INPUT -p tcp --dport 23 -j ACCEPT'),
  packets: [{ iface: 'eth0', dir: 'in', hex: syn4 }],
};

describe.skipIf(!isJudgeAvailable())('the judge', () => {
  it('counts one accepted packet once, with its IP length', async () => {
    const [result] = await askKernel([one]);
    expect(result!.save4!.split('\n')).toEqual([
      '*filter',
      ':INPUT ACCEPT [0:0]',
      ':FORWARD ACCEPT [0:0]',
      ':OUTPUT ACCEPT [0:0]',
      '[1:40] -A INPUT -p tcp -m tcp --dport 22 -j ACCEPT',
      '[0:0] -A INPUT -p tcp -m tcp --dport 23 -j ACCEPT',
      'COMMIT',
      '',
    ]);
    expect(result!.save6).toBeUndefined();
  });

  it('sees a wrong expectation', async () => {
    const [result] = await askKernel([one]);
    const wrong = { ...result!, save4: result!.save4!.replace('[1:40]', '[2:80]') };
    expect(differences(one, result!, result!)).toEqual([]);
    expect(differences(one, wrong, result!)).toHaveLength(1);
  });

  it('judges both families, every direction, and keeps the kernel’s own packets out', async () => {
    const log = ['INPUT', 'FORWARD', 'OUTPUT'];
    const [result] = await askKernel([
      {
        id: 'both',
        host: ROUTER,
        rules4: filter(...log, 'INPUT -m conntrack --ctstate NEW'),
        rules6: filter(...log),
        capture: true,
        packets: [
          { iface: 'eth0', dir: 'in', hex: syn4 },
          { iface: 'eth0', dir: 'in', hex: syn6 },
          {
            iface: 'eth1',
            dir: 'in',
            hex: hex(ipv4({ saddr: A4.inside, daddr: A4.far }, udp({ sport: 1, dport: 53 }))),
          },
          {
            iface: 'eth0',
            dir: 'out',
            hex: hex(ipv4({ saddr: A4.self, daddr: A4.far }, icmp({ type: 8, id: 1 }))),
          },
          {
            iface: 'eth0',
            dir: 'out',
            hex: hex(ipv6({ saddr: A6.self, daddr: A6.far }, udp({ sport: 1, dport: 2 }))),
          },
          {
            iface: 'lo',
            dir: 'out',
            hex: hex(ipv4({ saddr: '127.0.0.1', daddr: '127.0.0.1' }, udp({ sport: 1, dport: 2 }))),
          },
        ],
      },
    ]);
    expect(result!.errors).toBeUndefined();
    const rules = (save: string) => save.split('\n').filter((line) => line.startsWith('['));
    // The SYN to a closed port makes the kernel answer with a RST, and the datagram over lo with an ICMP error.
    expect(rules(result!.save4!)).toEqual([
      '[2:68] -A INPUT',
      '[2:68] -A INPUT -m conntrack --ctstate NEW',
      '[1:28] -A FORWARD',
      '[2:56] -A OUTPUT',
    ]);
    expect(rules(result!.save6!)).toEqual(['[1:60] -A INPUT', '[0:0] -A FORWARD', '[1:48] -A OUTPUT']);
    expect(result!.output!.map(([packet, iface]) => [packet, iface])).toEqual([
      [2, 'eth0'],
      [3, 'eth0'],
      [4, 'eth0'],
    ]);
    expect(result!.conntrack).toHaveLength(4);
  });

  it('gives every case a machine of its own', async () => {
    const results = await askKernel(Array.from({ length: 20 }, (_, i) => ({ ...one, id: `same/${i}` })));
    expect(new Set(results.map((result) => result.save4)).size).toBe(1);
  });

  it('reports what is refused instead of failing', async () => {
    const [badRule, badRoute, badSet] = await askKernel([
      { ...one, id: 'bad-rule', rules4: filter('INPUT --nonsense') },
      { ...one, id: 'bad-route', host: { interfaces: [], routes: ['default via 192.0.2.254'] } },
      { ...one, id: 'bad-set', ipset: 'create x hash:nothing\n' },
    ]);
    expect(badRule!.refused).toMatchObject({ step: 'rules4', status: 2 });
    expect(badRule!.refused!.stderr).toContain('unknown option "--nonsense"');
    expect(badRoute!.refused!.step).toBe('ip');
    expect(badSet!.refused!.step).toBe('ipset');
  });

  it('plays at the pace that a case asks for', async () => {
    const limited = filter('INPUT -m limit --limit 20/second --limit-burst 1 -j ACCEPT');
    const packets = (gapSeconds: number) =>
      [0, 1, 2].map((i) => ({ iface: 'eth0', dir: 'in' as const, hex: syn4, at: i * gapSeconds }));
    const [slow, fast] = await askKernel([
      { ...one, id: 'slow', rules4: limited, packets: packets(0.1) },
      { ...one, id: 'fast', rules4: limited, packets: packets(0) },
    ]);
    expect(slow!.save4).toContain('[3:120] -A INPUT -m limit');
    expect(fast!.save4).toContain('[1:40] -A INPUT -m limit');
  });

  it('lists the connections between packets', async () => {
    const answer = hex(
      ipv4({ saddr: A4.self, daddr: A4.outside }, tcp({ sport: 22, dport: 1024, flags: 'SA', ack: 2 })),
    );
    const [result] = await askKernel([
      {
        ...one,
        id: 'between',
        rules4: filter('INPUT -m conntrack --ctstate NEW'),
        packets: [...one.packets, { iface: 'eth0', dir: 'out', hex: answer }],
        between: [0, 1],
      },
    ]);
    expect(result!.between!['0']![0]).toContain('SYN_SENT');
    expect(result!.between!['1']![0]).toContain('SYN_RECV');
  });

  it('checks rulesets: what save prints, and what restore complains of', async () => {
    const cases = [
      { id: 'good', rules4: filter('INPUT -p 6 --dport 22:80 -j DROP'), rules6: filter('INPUT -p 58') },
      { id: 'bad', rules4: filter('INPUT -p tcp --dport 99999') },
    ];
    for (const backend of ['legacy', 'nft'] as const) {
      const [good, bad] = await askRestore(cases, backend);
      expect(good!.v4!.save).toContain('[0:0] -A INPUT -p tcp -m tcp --dport 22:80 -j DROP\n');
      expect(good!.v6!.save).toContain('[0:0] -A INPUT -p ipv6-icmp\n');
      expect(bad!.v4).toMatchObject({ status: 2 });
      expect(bad!.v4!.stderr).toContain('invalid port/service `99999');
    }
  });

  it('leaves no namespace and no device behind', async () => {
    const { execFileSync } = await import('node:child_process');
    const state = () => execFileSync('sh', ['-c', 'ip netns list; ip -o link show type tun']).toString();
    const before = state();
    await askKernel([one]);
    expect(state()).toBe(before);
  });
});

describe('cases that depend on real time', () => {
  const paced = { id: 'paced', packets: [{ at: 0 }] };
  const other = { id: 'other', packets: [{}] };
  /** Answers that get better by one with each time of asking. */
  const asking = () => {
    const asked = new Map<string, number>();
    return async (cases: readonly { readonly id: string }[]) =>
      cases.map(({ id }) => asked.set(id, (asked.get(id) ?? 0) + 1).get(id)!);
  };

  it('are asked again until there is no doubt', async () => {
    const settled = await settle([other, paced], asking(), (one, play) =>
      one === paced && play < 3 ? [`play ${play}`] : [],
    );
    expect(settled).toEqual([
      { answer: 1, doubts: [] },
      { answer: 3, doubts: [] },
    ]);
  });

  it('keep a difference that is there every time; others keep it at once', async () => {
    const settled = await settle([other, paced], asking(), (_one, play) => [`play ${play}`]);
    expect(settled.map(({ doubts }) => doubts)).toEqual([['play 1'], [`play ${PLAYS}`]]);
  });
});

describe('the comparison of listings', () => {
  const line = (timeout: number) =>
    `ipv4 2 udp 17 ${timeout} src=10.0.0.9 dst=8.8.8.8 sport=1 dport=2 [UNREPLIED] mark=0 use=1`;

  it('allows for the time that passes, and for nothing else', () => {
    expect(sameConntrack([line(30)], [line(28)])).toBe(true);
    expect(sameConntrack([line(30)], [line(120)])).toBe(false);
    expect(sameConntrack([line(30)], [line(30).replace('mark=0', 'mark=1')])).toBe(false);
    expect(sameConntrack([line(30)], [])).toBe(false);
  });
});
