/**
 * Every kernel case through the engine: its counters are the kernel's, to the digit. Where the kernel can be asked it
 * is asked; elsewhere its recorded answers serve.
 */
import { describe, expect, it } from 'vitest';
import { SUITES } from '../kernel/cases/index.ts';
import {
  type Backend,
  type Case,
  counters,
  digest,
  isJudgeAvailable,
  judge,
  type Result,
} from '../kernel/judge.ts';
import { describeHosts, runCase, unsayable } from './run-case.ts';

/** Cases whose difference is known, with the reason: each is described in src/README.md. One that comes right fails. */
const KNOWN: readonly (readonly [pattern: RegExp, reason: string])[] = [];

/**
 * Where iptables-nft itself gives other counters than iptables-legacy for the same rules and packets. The replay keeps
 * to legacy, which is the kernel's own x_tables.
 */
const NFT_DIFFERS: readonly (readonly [pattern: RegExp, reason: string])[] = [
  [
    /^(tcp|tcp-short|tcp-fragment|udp|hotdrop|base-fragment|base-extension-headers)\//,
    'nft expressions never hot-drop',
  ],
  [/^header4\/(length-of-header-only|header-alone|udp-short)\//, 'nft expressions never hot-drop'],
  [
    /^(header6\/length-0|fragments6\/with-options)\/|^headers6-cut\/protocol/,
    'nft expressions never hot-drop',
  ],
  [/^confirm\/dropped-in-security-INPUT\//, 'iptables-nft asks nat before security in INPUT'],
  [/^(ah-v6|ipsec)/, 'nft takes AH for the protocol of -p'],
  [/^tables\/counters-loaded/, 'ip6tables-nft-restore -c ignores the counters of rules'],
  [/^limit\//, 'nft has a limit of its own'],
  [/^random\//, 'any of these may meet in a random ruleset'],
];

const BACKENDS: readonly Backend[] = ['legacy', 'nft'];

/** Answers by suite and back end: those of legacy are wanted twice. */
const answers = new Map<string, ReturnType<typeof judge>>();

function ask(cases: readonly Case[], suite: string, backend: Backend): ReturnType<typeof judge> {
  const key = `${suite} ${backend}`;
  const known = answers.get(key) ?? judge(cases, { suite, backend });
  answers.set(key, known);
  return known;
}

for (const [suite, cases] of Object.entries(SUITES)) {
  describe.each(BACKENDS)(`${suite} (%s)`, (backend) => {
    it(`has the counters of ${isJudgeAvailable() ? 'the kernel' : 'the recorded kernel'}`, async () => {
      const all = cases().filter((one) => (one.backend ?? backend) === backend);
      const judged = await ask(all, suite, backend);
      const legacy = await ask(all, suite, 'legacy');
      const hosts = await describeHosts(all.map(({ host }) => host));
      const wrong: string[] = [];
      let compared = 0;
      for (const one of all) {
        const { result, drift } = judged.get(one.id)!;
        expect(drift, `the running kernel differs from the recording of ${one.id}`).toEqual([]);
        if (result.refused !== undefined || unsayable(one) !== undefined) continue;
        const other = legacy.get(one.id)?.result;
        if (other !== undefined && !sameCounters(result, other)) {
          if (!NFT_DIFFERS.some(([pattern]) => pattern.test(one.id)))
            wrong.push(`${one.id}: nft differs from legacy`);
          continue;
        }
        const found = await compare(one, result, hosts.get(digest(one.host))!, backend);
        compared++;
        if (KNOWN.some(([pattern]) => pattern.test(one.id))) {
          if (found.length === 0) wrong.push(`${one.id}: no longer differs: take it off KNOWN`);
        } else if (found.length > 0) wrong.push(`${one.id}: ${found.slice(0, 3).join('; ')}`);
      }
      expect(wrong).toEqual([]);
      expect(compared).toBeGreaterThan(0);
    }, 600_000);
  });
}

/** Counters that differ. */
async function compare(
  one: Case,
  result: Result,
  host: Readonly<Record<string, string>>,
  backend: Backend,
): Promise<string[]> {
  const run = await runCase(one, host, result.errors);
  return [...differences(result.save4, run.save4, backend), ...differences(result.save6, run.save6, backend)];
}

function sameCounters(a: Result, b: Result): boolean {
  const of = ({ save4, save6, refused }: Result): string =>
    JSON.stringify([refused?.step, ...[save4, save6].map((text) => counters(text ?? '').map(counted))]);
  return of(a) === of(b);
}

function counted({ table, chain, rule, packets, bytes }: ReturnType<typeof counters>[number]): string {
  return `${table} ${chain} ${rule} ${packets}:${bytes}`;
}

/** nft knows only the built-in chains that a dump declares, and prints some rules in other words. */
function differences(expected: string | undefined, actual: string | undefined, backend: Backend): string[] {
  if (expected === undefined) return [];
  const ours = new Map(counters(actual ?? '').map((one) => [`${one.table} ${one.chain} ${one.rule}`, one]));
  return counters(expected).flatMap((one) => {
    const key = `${one.table} ${one.chain} ${one.rule}`;
    const other = ours.get(key);
    if (other === undefined) return [`${key}: expected ${one.text}, got nothing`];
    if (backend === 'legacy' && other.text !== one.text)
      return [`${key}: expected ${one.text}, got ${other.text}`];
    if (other.packets === one.packets && other.bytes === one.bytes) return [];
    return [
      `${key} ${one.text}: expected [${one.packets}:${one.bytes}], got [${other.packets}:${other.bytes}]`,
    ];
  });
}
