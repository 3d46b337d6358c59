/**
 * Why a packet is INVALID, or passes unbelieved: for each packet what the kernel says with nf_conntrack_log_invalid, in
 * our words, which are its own without the packet's numbers. Where the kernel says nothing we do, in words of ours.
 */
import { expect, test } from 'vitest';
import {
  INVALID_GRE,
  INVALID_ICMP_INNER,
  INVALID_ICMP_NEW,
  INVALID_ICMP_UNRELATED,
  INVALID_NO_REPLY,
  INVALID_NO_TRANSPORT,
  INVALID_NONE,
  INVALID_OTHER_FAMILY,
  INVALID_PHRASES,
  INVALID_SCTP_NEW,
  INVALID_TCP_NOT_LOOSE,
} from '../../src/conntrack/invalid.ts';
import { type Case, judge } from '../kernel/judge.ts';
import { hex } from '../kernel/packets.ts';
import { Machine, stubHost } from './harness.ts';
import { hostOf } from './kernel-comparison.ts';
import { protocolMix } from './protocol-mix.ts';
import { sctpScript } from './sctp-script.ts';
import { converse, Dice, type Segment } from './tcp-conversations.ts';
import { tcpScript } from './tcp-script.ts';

const SEED = Number(process.env.SEED ?? 11);
const COUNT = Number(process.env.COUNT ?? 3);

const RULES = '*filter\n-A FORWARD -m conntrack --ctstate INVALID\nCOMMIT\n';

const UP = 'c:INIT s:INIT_ACK c:COOKIE_ECHO s:COOKIE_ACK';
/** What random conversations seldom come to. */
const SCRIPTED: readonly ((port: number) => Segment[])[] = [
  ...[
    'c:HEARTBEAT s:INIT',
    'c:HEARTBEAT s:SHUTDOWN',
    `${UP} c:DATA(tag=wrong)`,
    `${UP} c:INIT(tag=right)`,
    'c:ABORT',
  ].map((script) => (port: number) => sctpScript(script, port)),
  ...[
    'c:S s:SA c:A c:FA s:A s:FA c:S(new) s:A',
    'c:S s:SA c:A s:R(seq-5)',
    'c:S s:SA c:A c:A(seq+9000) s:A(ack-70000)',
  ].map((script) => (port: number) => tcpScript(script, port)),
];

function traffic(seed: number): Segment[] {
  const dice = new Dice(seed);
  const running = [
    protocolMix(dice, 300),
    ...SCRIPTED.map((script, i) => script(3000 + i)),
    ...Array.from({ length: 12 }, (_, i) =>
      converse(dice, { client: '10.1.0.9', server: '10.2.0.9', clientPort: 1000 + i, serverPort: 80 }, 25),
    ),
  ];
  const mixed: Segment[] = [];
  const left = () => running.filter((one) => one.length > 0);
  for (let some = left(); some.length > 0; some = left()) mixed.push(dice.pick(some).shift()!);
  return mixed;
}

const SYSCTLS = [{}, { 'net.netfilter.nf_conntrack_tcp_loose': 0 }];

test(`seeds ${SEED} to ${SEED + COUNT - 1}`, async () => {
  const plays = Array.from({ length: COUNT }, (_, i) => ({
    seed: SEED + i,
    sysctls: SYSCTLS[i % SYSCTLS.length]!,
    segments: traffic(SEED + i),
  }));
  const cases = plays.map(
    ({ seed, sysctls, segments }): Case => ({
      id: `reasons/${seed}`,
      host: hostOf(sysctls),
      rules4: RULES,
      rules6: RULES,
      packets: segments.map(({ fromClient, bytes }) => ({
        iface: fromClient ? 'eth0' : 'eth1',
        dir: 'in' as const,
        hex: hex(bytes),
      })),
      conntrack: false,
      logInvalid: true,
    }),
  );
  const judged = await judge(cases, { suite: 'reasons' });
  const wrong: string[] = [];
  const met = new Set<number>();
  for (const [i, { sysctls, segments }] of plays.entries()) {
    const { id } = cases[i]!;
    const said = new Map<number, string>();
    for (const [number, text] of judged.get(id)!.result.invalid!) {
      // Behind the reason TCP may say that it shortens the connection's life.
      if (!said.has(number)) said.set(number, text);
    }
    const machine = new Machine({ host: stubHost({ sysctls }) });
    for (const [number, { bytes }] of segments.entries()) {
      const { reason, ctinfo } = machine.pass(bytes);
      met.add(reason);
      const text = said.get(number);
      const agrees =
        text === undefined
          ? reason === INVALID_NONE
            ? ctinfo >= 0
            : SILENT.has(reason) || IS_SILENT_AT_TIMES.test(INVALID_PHRASES[reason]!)
          : !SILENT.has(reason) && isPhraseOf(INVALID_PHRASES[reason]!, text);
      if (!agrees) wrong.push(`${id} packet ${number}: kernel "${text}", we "${INVALID_PHRASES[reason]}"`);
    }
  }
  expect(wrong).toEqual([]);
  expect(met.size).toBeGreaterThan(45);
});

/** Of these the kernel says nothing. */
const SILENT = new Set([
  INVALID_NONE,
  INVALID_NO_TRANSPORT,
  INVALID_TCP_NOT_LOOSE,
  INVALID_ICMP_NEW,
  INVALID_ICMP_INNER,
  INVALID_ICMP_UNRELATED,
  INVALID_NO_REPLY,
  INVALID_SCTP_NEW,
  INVALID_GRE,
  INVALID_OTHER_FAMILY,
]);

/** What the kernel finds in more than one place, and says in one of them only. */
const IS_SILENT_AT_TIMES = /^(short packet|do_basic_checks failed|verification tag check failed)$/;

/** True when the kernel's text begins with the phrase, its own numbers and addresses left out. */
function isPhraseOf(phrase: string, text: string): boolean {
  const words = phrase.split(' ').map((word) => word.replace(/[()!.?]/g, '\\$&'));
  const number = '(?:\\S*[\\d:]\\S* )*';
  return new RegExp(`^nf_ct_proto_\\d+: (?:nf_ct_sctp: )?${number}${words.join(` ${number}`)}`).test(text);
}
