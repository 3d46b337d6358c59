/** Timeout policies: `CT --timeout` with what `nfct list timeout` says, against the kernel's listing. */

import { spawnSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { readTimeoutPolicies } from '../../src/conntrack/timeout-policy.ts';
import { readTimeouts } from '../../src/conntrack/timeouts.ts';
import { describeHosts, runCase } from '../engine/run-case.ts';
import {
  type Case,
  type CasePacket,
  digest,
  isJudgeAvailable,
  judge,
  sameConntrack,
} from '../kernel/judge.ts';
import {
  type Bytes,
  filler,
  gre,
  hex,
  icmp,
  icmpv6,
  ip,
  type Layer,
  raw,
  udp,
  udplite,
} from '../kernel/packets.ts';
import { stubHost } from './harness.ts';
import { hostOf } from './kernel-comparison.ts';
import { sctpScript } from './sctp-script.ts';
import { tcpScript } from './tcp-script.ts';

const hasNfct = spawnSync('sh', ['-c', 'command -v nfct']).status === 0;

/** No two timeouts are the same, so that each shows where it is from. */
const POLICIES = [
  'tcp4 inet tcp syn_sent 1000 syn_recv 1100 established 90000 fin_wait 1200 close_wait 1300 last_ack 1400 time_wait 1500 close 1600 syn_sent2 1700 retrans 1800 unacknowledged 1900',
  'tcp6 inet6 tcp established 91000',
  'udp4 inet udp unreplied 2000 replied 2100',
  'udplite4 inet udplite unreplied 2200 replied 2300',
  'icmp4 inet icmp timeout 2400',
  'icmp6 inet6 icmpv6 timeout 2500',
  'sctp4 inet sctp closed 2600 cookie_wait 2700 cookie_echoed 2800 established 2900 shutdown_sent 3000',
  'gre4 inet gre unreplied 3100 replied 3200',
  'other4 inet generic timeout 3300',
];

const RULES4 = [
  ['tcp', 'tcp4'],
  ['udp', 'udp4'],
  ['udplite', 'udplite4'],
  ['icmp', 'icmp4'],
  ['sctp', 'sctp4'],
  ['gre', 'gre4'],
  ['esp', 'other4'],
].map(([protocol, policy]) => `-A PREROUTING -p ${protocol} -j CT --timeout ${policy}`);
const dump = (rules: readonly string[]) => ['*raw', ...rules, 'COMMIT', ''].join('\n');

const OPEN = 'c:S s:SA c:A';
const TCP = [
  'c:S',
  'c:S s:S',
  'c:S s:SA',
  OPEN,
  `${OPEN} c:A(data=9)`,
  `${OPEN} c:FA`,
  `${OPEN} c:FA s:A`,
  `${OPEN} c:FA s:FA`,
  `${OPEN} c:FA s:FA c:A`,
  `${OPEN} c:R`,
  'c:A',
  `${OPEN} c:A c:A c:A c:A c:A`,
  `${OPEN} c:A s:A c:FA(seq+9000) s:RA(seq+9000)`,
];
const UP = 'c:INIT s:INIT_ACK c:COOKIE_ECHO s:COOKIE_ACK';
const SCTP = [
  'c:INIT',
  'c:INIT s:INIT_ACK c:COOKIE_ECHO',
  UP,
  `${UP} c:SHUTDOWN`,
  `${UP} c:ABORT`,
  'c:HEARTBEAT',
];

const arrives = (iface: string, bytes: Bytes): CasePacket => ({ iface, dir: 'in', hex: hex(bytes) });
const both = (make: (fromClient: boolean) => Layer, ends = ['10.1.0.9', '10.2.0.9']): CasePacket[] => [
  arrives('eth0', ip({ saddr: ends[0]!, daddr: ends[1]! }, make(true))),
  arrives('eth1', ip({ saddr: ends[1]!, daddr: ends[0]! }, make(false))),
];
const ports = (fromClient: boolean) => (fromClient ? { sport: 9, dport: 53 } : { sport: 53, dport: 9 });

const CASE: Case = {
  id: 'timeout-policies',
  host: hostOf({}),
  timeouts: POLICIES,
  rules4: dump(RULES4),
  rules6: dump([
    '-A PREROUTING -p tcp -j CT --timeout tcp6',
    '-A PREROUTING -p ipv6-icmp -j CT --timeout icmp6',
    // No policy: the sysctls'.
    '-A PREROUTING -p udp -j CT',
  ]),
  packets: [
    ...[...TCP, ...TCP].flatMap((script, i) =>
      // Ports of both families, see isIpv6Cell().
      tcpScript(script, 1024 + (i < TCP.length ? 8 * i : 8 * i + 7)).map(({ fromClient, bytes }) =>
        arrives(fromClient ? 'eth0' : 'eth1', bytes),
      ),
    ),
    ...SCTP.flatMap((script, i) =>
      sctpScript(script, 1024 + 8 * i).map(({ fromClient, bytes }) =>
        arrives(fromClient ? 'eth0' : 'eth1', bytes),
      ),
    ),
    ...both((fromClient) => udp(ports(fromClient))),
    both((fromClient) => udp({ ...ports(fromClient), payload: filler(3) }), ['10.1.0.10', '10.2.0.9'])[0]!,
    ...both((fromClient) => udplite({ ...ports(fromClient), summedAs: 17 })),
    ...both((fromClient) => icmp({ type: fromClient ? 8 : 0, id: 5 })),
    ...both(() => gre()),
    ...both(() => raw(50, filler(20))),
    // A protocol that no rule names.
    ...both(() => raw(51, filler(20))),
    ...both(
      (fromClient) => icmpv6({ type: fromClient ? 128 : 129, id: 5 }),
      ['2001:db8:1::9', '2001:db8:2::9'],
    ),
    ...both((fromClient) => udp(ports(fromClient)), ['2001:db8:1::9', '2001:db8:2::9']),
  ],
};

describe('timeout policies', () => {
  test.skipIf(isJudgeAvailable() && !hasNfct)('are those of the kernel', async () => {
    const judged = await judge([CASE], { suite: 'timeout-policy' });
    const { result, drift } = judged.get(CASE.id)!;
    expect(drift).toEqual([]);
    expect(result.refused).toBeUndefined();
    const host = (await describeHosts([CASE.host])).get(digest(CASE.host))!;
    const run = await runCase(CASE, { ...host, 'timeout.txt': result.timeouts! });
    const ours = run.output.result.conntrackDump.map((line) => line.split(/\s+/).join(' ')).sort();
    expect(ours.length).toBeGreaterThan(30);
    if (!sameConntrack(result.conntrack!, ours)) expect(ours).toEqual(result.conntrack);
    expect(run.output.result.assumptions.join('\n')).not.toContain('timeout policy');
    // Without the listing that is said.
    const without = await runCase(CASE, host);
    expect(without.output.result.assumptions.join('\n')).toContain('The timeout policy "tcp4"');
  });

  test('what cannot be read is told, all at once', () => {
    const defaults = readTimeouts(stubHost());
    const text = `.good = {
\t.l3proto = 2,
\t.l4proto = 17,
\t.policy = {
\t\t.UNREPLIED = 10,
\t},
};
.bad = {
\t.l3proto = 7,
\t.l4proto = 6,
\t.policy = {
\t\t.SYN_SENT = 5,
\t\t.HALF_OPEN = 5,
\t},
\tnonsense
`;
    expect(() => readTimeoutPolicies(text, 'timeout.txt', defaults)).toThrow(
      /timeout\.txt:9:1: error: layer 3 protocol 7[\s\S]*timeout\.txt:15:1: error: this is no part[\s\S]*the policy bad does not end/,
    );
    const [good, ...rest] = text.split('.bad');
    expect(rest).toHaveLength(1);
    const policy = readTimeoutPolicies(good!, 'timeout.txt', defaults).get('good')!;
    expect([policy.timeouts.udp, policy.timeouts.udpStream]).toEqual([10e9, defaults.udpStream]);
    const ended = text.replace('\tnonsense\n', '};\n').replace('.l3proto = 7', '.l3proto = 2');
    expect(() => readTimeoutPolicies(ended, 't', defaults)).toThrow(
      /t:13:1: error: protocol 6 has no state HALF_OPEN/,
    );
  });
});
