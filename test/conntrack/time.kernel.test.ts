import { describe, expect, test } from 'vitest';
import { VERDICT_ACCEPT } from '../../src/packet/verdict.ts';
import { type Case, disagreements, isJudgeAvailable } from '../kernel/judge.ts';
import { hex, ip, tcp, udp, unhex } from '../kernel/packets.ts';
import { Machine } from './harness.ts';
import { compareWithKernel } from './kernel-comparison.ts';
import { protocolMix } from './protocol-mix.ts';
import { dscpOf } from './state-marks.ts';
import { converse, Dice, type Segment } from './tcp-conversations.ts';

/** What the clock does to connections, at the capture's own pace. */
describe.skipIf(!isJudgeAvailable())('time against the kernel', () => {
  test('entries that expire, and connections that become streams', async () => {
    const name = 'net.netfilter.nf_conntrack';
    const sysctls = {
      [`${name}_udp_timeout`]: 1,
      [`${name}_udp_timeout_stream`]: 2,
      [`${name}_icmp_timeout`]: 1,
      [`${name}_icmpv6_timeout`]: 1,
      [`${name}_generic_timeout`]: 1,
      [`${name}_gre_timeout`]: 1,
      [`${name}_gre_timeout_stream`]: 2,
      [`${name}_tcp_timeout_syn_sent`]: 1,
      [`${name}_tcp_timeout_syn_recv`]: 1,
      [`${name}_tcp_timeout_time_wait`]: 1,
      [`${name}_tcp_timeout_close`]: 1,
      [`${name}_tcp_timeout_fin_wait`]: 1,
      [`${name}_tcp_timeout_established`]: 4,
      [`${name}_sctp_timeout_closed`]: 1,
    };
    // All times are multiples of 0.6 s, and the timeouts 1, 2 and 4 s: no packet comes within 0.2 s of an end.
    const plays = Array.from({ length: 10 }, (_, i) => {
      const dice = new Dice(4000 + i);
      const segments = i % 2 === 0 ? protocolMix(dice, 150) : talk(dice);
      const at = segments.map((_, k) => 0.6 * Math.floor((k * 9) / segments.length));
      return { name: `play ${i}`, sysctls, segments, at };
    });
    const { differences } = await compareWithKernel(plays);
    expect(differences).toEqual([]);
  });

  test('connlimit counts what is open', async () => {
    const dice = new Dice(31);
    const steps = Array.from({ length: 60 }, (): Segment => {
      const port = 1000 + dice.below(9);
      const fromClient = dice.chance(70);
      const [saddr, daddr] = fromClient ? ['10.1.0.9', '10.2.0.9'] : ['10.2.0.9', '10.1.0.9'];
      const ports = fromClient ? { sport: port, dport: 80 } : { sport: 80, dport: port };
      const layer = dice.chance(85)
        ? tcp({ ...ports, flags: dice.pick(['S', 'S', 'A', 'A', 'FA', 'RA']), seq: 1, ack: 1 })
        : udp(ports);
      return { fromClient, bytes: ip({ saddr, daddr }, layer) };
    });
    // Far enough apart that no two come in one jiffy, even on a busy machine.
    const pace = 0.1;
    const limits = Array.from({ length: 12 }, (_, i) => i + 1);
    const rules = [
      '*mangle',
      '-A FORWARD -j DSCP --set-dscp 0',
      ...limits.map(
        (n) => `-A FORWARD -m connlimit --connlimit-above ${n} --connlimit-mask 0 -j DSCP --set-dscp ${n}`,
      ),
      'COMMIT',
      '',
    ].join('\n');
    const key = new Int32Array(2);
    let counted = 0;
    const machine: Machine = new Machine({
      rules: {
        filter: (p) => {
          counted = machine.conntrack.conncount(counter, key, 2, p);
          return VERDICT_ACCEPT;
        },
      },
    });
    const counter = machine.conntrack.makeConncount();
    const ours = steps.map(({ bytes }, i) => {
      counted = 0;
      machine.pass(bytes, { at: pace * i });
      return Math.min(13, Math.max(1, counted));
    });
    let most = 0;
    const one: Case = {
      id: 'connlimit',
      host: {
        interfaces: [{ name: 'eth0' }, { name: 'eth1' }],
        addresses: ['10.1.0.1/24 dev eth0', '10.2.0.1/24 dev eth1'],
      },
      rules4: rules,
      packets: steps.map(({ fromClient, bytes }, i) => ({
        iface: fromClient ? 'eth0' : 'eth1',
        dir: 'in',
        hex: hex(bytes),
        at: pace * i,
      })),
      capture: true,
    };
    const differences = await disagreements([one], (_one, { output }) => {
      const theirs = new Map(output!.map(([number, , packet]) => [number, dscpOf(unhex(packet)) + 1]));
      most = Math.max(...theirs.values());
      return steps.flatMap((_step, i) =>
        theirs.get(i) === ours[i] ? [] : [`packet ${i}: kernel ${theirs.get(i)}, we ${ours[i]}`],
      );
    });
    expect(differences).toEqual([]);
    expect(most).toBeGreaterThan(4);
  });
});

function talk(dice: Dice): Segment[] {
  const running = Array.from({ length: 12 }, (_, i) =>
    converse(dice, { client: '10.1.0.9', server: '10.2.0.9', clientPort: 1000 + i, serverPort: 80 }, 12),
  );
  const mixed: Segment[] = [];
  const left = () => running.filter((one) => one.length > 0);
  for (let some = left(); some.length > 0; some = left()) mixed.push(dice.pick(some).shift()!);
  return mixed;
}
