/**
 * First packets of translated connections whose way the walk of another one tells (netfilter/recall-translated.ts), against
 * the linear evaluator: every kind of translation, in few rules, and rules behind it that tell its results apart.
 * SEED=n begins at seed n, COUNT=n takes so many.
 */
import { expect, it } from 'vitest';
import type { Dice } from '../conntrack/tcp-conversations.ts';
import { compareSeeds, TO_DESTINATION, TO_SOURCE, WITH_PORTS } from './recall-world.ts';

const FIRST = Number(process.env.SEED ?? 1);
const COUNT = Number(process.env.COUNT ?? 20);

const NETS = {
  4: [
    '10.0.0.0/8',
    '10.2.0.0/24',
    '10.2.0.9',
    '10.2.0.99',
    '10.4.0.0/16',
    '10.4.7.0/25',
    '10.2.0.96/27',
    '10.1.0.1',
  ],
  6: ['2001:db8::/32', '2001:db8:2::/64', '2001:db8:2::9', '2001:db8:4::/64', '2001:db8:2::8/127'],
} as const;

function match(dice: Dice, family: 4 | 6): string {
  const to = `-d ${dice.pick(NETS[family])}`;
  const from = family === 4 ? `-s 10.1.0.${8 << dice.below(5)}/29` : '-s 2001:db8:1::/80';
  const proto = dice.pick(['tcp', 'udp']);
  const port = dice.pick([22, 80, 443, 1024]);
  return dice.pick([
    to,
    to,
    from,
    `${from} ${to}`,
    `${to} -p ${proto} -m ${proto} --dport ${port}`,
    `-p ${proto}`,
  ]);
}

function rules(dice: Dice, family: 4 | 6): string {
  const rule = (chain: string, does: string): string =>
    WITH_PORTS.test(does)
      ? `-A ${chain} -p ${dice.pick(['tcp', 'udp'])} ${does}`
      : `-A ${chain} ${dice.chance(40) ? match(dice, family) : ''} ${does}`;
  const some = (most: number, one: () => string): string[] =>
    Array.from({ length: dice.below(most + 1) }, one);
  return [
    '*mangle',
    ...some(1, () => rule('PREROUTING', '-j MARK --set-xmark 0x1/0xffffffff')),
    'COMMIT',
    '*nat',
    ...some(3, () => rule('PREROUTING', dice.pick(TO_DESTINATION[family]))),
    ...some(3, () => rule('POSTROUTING', dice.pick(TO_SOURCE[family]))),
    ...some(1, () => rule('INPUT', dice.pick(['-j ACCEPT', TO_SOURCE[family][0]!]))),
    'COMMIT',
    '*filter',
    ...some(2, () => '-A FORWARD -m mark --mark 0x1'),
    ...some(6, () => rule('FORWARD', dice.pick(['-j DROP', '-j ACCEPT', '', '']))),
    ...some(3, () => rule('INPUT', dice.pick(['-j DROP', '-j ACCEPT', '', '']))),
    'COMMIT',
    '',
  ].join('\n');
}

it(`begins connections as each walk by itself does (seeds ${FIRST} to ${FIRST + COUNT - 1})`, async () => {
  const sums = await compareSeeds(FIRST, COUNT, (dice) => ({ rules: [rules(dice, 4), rules(dice, 6)] }));
  expect(sums.recalled).toBeGreaterThan(sums.walked / 2);
}, 600_000);
