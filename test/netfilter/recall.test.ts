/**
 * Walks that stand for others (netfilter/recall.ts) against the linear evaluator, of which none does: many short
 * connections between few addresses, through rules of all tables that tell their addresses and ports apart in every
 * way. SEED=n begins at seed n, COUNT=n takes so many.
 */
import { expect, it } from 'vitest';
import type { Dice } from '../conntrack/tcp-conversations.ts';
import { compareSeeds, match, TO_DESTINATION, TO_SOURCE, WITH_PORTS } from './recall-world.ts';

const FIRST = Number(process.env.SEED ?? 1);
const COUNT = Number(process.env.COUNT ?? 12);

function target(dice: Dice, family: 4 | 6, table: string, chain: string, isPlain: boolean): string {
  const common = ['', '', '-j ACCEPT', '-j SIDE', '-g SIDE', '-j RETURN'];
  const own: Record<string, readonly string[]> = {
    filter: ['-j DROP', '-j DROP', '-j REJECT', '-j LOG'],
    mangle: ['-j MARK --set-xmark 0x1/0xffffffff', '-j TTL --ttl-dec 1', '-j TOS --set-tos 0x10/0x3f'],
    nat: chain === 'POSTROUTING' ? TO_SOURCE[family] : TO_DESTINATION[family],
  };
  const spicy = isPlain || table !== 'mangle' ? [] : ['-j CONNMARK --set-xmark 0x1/0xffffffff'];
  return dice.pick([...common, ...own[table]!, ...spicy]);
}

const CHAINS: Readonly<Record<string, readonly string[]>> = {
  filter: ['INPUT', 'FORWARD'],
  mangle: ['PREROUTING', 'FORWARD', 'POSTROUTING', 'INPUT'],
  nat: ['PREROUTING', 'POSTROUTING'],
};

function rules(dice: Dice, family: 4 | 6): string {
  const lines: string[] = [];
  // Where a rule changes or counts connections, most walks are of their own.
  const isPlain = dice.chance(70);
  for (const [table, chains] of Object.entries(CHAINS)) {
    if (table !== 'filter' && dice.chance(60)) continue;
    const policy = () => (table === 'filter' && dice.chance(30) ? 'DROP' : 'ACCEPT');
    lines.push(`*${table}`, ...chains.map((chain) => `:${chain} ${policy()} [0:0]`), ':SIDE - [0:0]');
    for (const chain of [...chains, 'SIDE']) {
      const count = dice.below(dice.chance(20) ? 25 : 4);
      for (let i = 0; i < count; i++) {
        const isSide = chain === 'SIDE';
        let does = target(dice, family, table, isSide ? 'none' : chain, isPlain);
        if (isSide && /SIDE|NAT|REDIRECT|MASQ|NETMAP/.test(does)) does = '';
        if (family === 6) does = does.replace('TTL --ttl-dec', 'HL --hl-dec');
        let asked = match(dice, family, table, isSide ? 'POSTROUTING' : chain, isPlain).replace(
          /^-o.*/,
          '-p tcp',
        );
        if (WITH_PORTS.test(does)) asked = `-p ${dice.pick(['tcp', 'udp'])}`;
        // What a rule asks twice of one thing iptables refuses.
        const more = dice.chance(30) && !/-[psd] /.test(asked) ? `-p tcp ` : '';
        lines.push(
          `-A ${chain} ${more}${asked} ${/REJECT/.test(does) && chain === 'PREROUTING' ? '' : does}`,
        );
      }
    }
    lines.push('COMMIT');
  }
  return `${lines.join('\n')}\n-m conntrack`.replace(/\n-m conntrack$/, '\n');
}

it(`gives what each walk by itself gives (seeds ${FIRST} to ${FIRST + COUNT - 1})`, async () => {
  const sums = await compareSeeds(FIRST, COUNT, (dice) => ({ rules: [rules(dice, 4), rules(dice, 6)] }));
  expect(sums.recalled).toBeGreaterThan(sums.walked / 8);
}, 600_000);
