import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { HOOK_OUTPUT } from '../../src/packet/registers.ts';
import { packet, ready } from './packets.ts';

type Round = readonly [number, number, number, number, number, string, string?];

/** Seconds of a jiffy, and a moment within it. */
const JIFFY = 0.004;
const WITHIN = 0.001;
/**
 * The clock by which the recorder tells the jiffy is set a moment after jiffies themselves: a packet that comes
 * just between is one jiffy off. Of some ten thousand packets so many may be.
 */
const ALLOWED = 3;

test('limit, hashlimit, recent and nth say of every packet what the kernel said', () => {
  const file = join(import.meta.dirname, 'recorded', 'paced.jsonl');
  const [head, ...rest] = readFileSync(file, 'utf8').trim().split('\n');
  const { rules } = JSON.parse(head!) as { rules: string[] };
  const rounds = rest.map((line) => JSON.parse(line) as Round);
  const made = ready(rules, { table: 'filter', chain: 'OUTPUT' });
  const wrong: string[] = [];
  for (const [jiffy, source, to, size, ttl, said, later] of rounds) {
    for (const [i, rule] of made.entries()) {
      const at = (jiffy + Number(later?.[i] ?? 0)) * JIFFY + WITHIN;
      const p = packet(
        {
          saddr: 0x0a090000 + source,
          daddr: 0x0a090000 + to,
          sport: 5000 + source,
          dport: 1000 + i,
          length: size + 28,
          ttl,
          hook: HOOK_OUTPUT,
          oif: 1,
        },
        at,
      );
      // What a match drops by itself is gone as well.
      const gone = rule.matches(p) || p.hotdrop;
      if (gone !== (said[i] === '1')) wrong.push(`${rules[i]} at ${at.toFixed(3)}`);
    }
  }
  expect(rounds.length).toBeGreaterThan(300);
  expect(wrong.slice(ALLOWED)).toEqual([]);
});
