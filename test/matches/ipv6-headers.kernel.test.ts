import { expect, test } from 'vitest';
import { parseIpv6 } from '../../src/base/inet.ts';
import { randomWord } from '../../src/base/prng.ts';
import { describeHosts, runCase } from '../engine/run-case.ts';
import { addresses, arrives, onRouter, table } from '../kernel/cases/build.ts';
import { askKernel, type Case, digest, isJudgeAvailable } from '../kernel/judge.ts';
import { compareCounters } from '../scenarios/counters.ts';

/**
 * Random chains of IPv6 extension headers, whole and cut short, into the kernel and through both evaluators: the
 * counters of the matches on those headers must be the same. Asked where the kernel can be asked.
 */

const CASES = 12;
const PACKETS = 60;
const SEED = 7;

let n = 0;
const rnd = (k: number) => randomWord(SEED, n++, 1) % k;
const pick = <T>(a: readonly T[]) => a[rnd(a.length)]!;
const addr = (text: string) =>
  [...parseIpv6(text)!].flatMap((word) => [word >>> 24, (word >>> 16) & 255, (word >>> 8) & 255, word & 255]);

/** Options that fill up a header. */
function options(): number[] {
  const out: number[] = [];
  while (out.length < 6 || (out.length + 2) % 8 !== 0) {
    const room = 8 - ((out.length + 2) % 8);
    if (room >= 3 && rnd(2) === 1) {
      const length = rnd(Math.min(4, room - 1));
      out.push(pick([5, 30, 12]), length, ...new Array(length).fill(0));
    } else if (room >= 2 && rnd(2) === 1) {
      out.push(1, room - 2, ...new Array(room - 2).fill(0));
    } else out.push(0);
  }
  return out;
}
/** The bytes of one extension header of that kind, before `body`, which is of kind `next`. */
function header(kind: number, next: number, body: readonly number[]): number[] {
  switch (kind) {
    case 44: {
      const offset = rnd(3) > 0 ? 0 : 8 * (1 + rnd(9));
      const more = rnd(2);
      const reserved = rnd(5) === 0 ? 2 : 0;
      const padding = more === 1 ? (8 - (body.length % 8)) % 8 : 0;
      const word = [offset >> 8, (offset & 0xf8) | more | reserved];
      return [
        next,
        pick([0, 0, 0, 1]),
        ...word,
        0,
        0,
        0,
        pick([5, 6, 10]),
        ...body,
        ...new Array(padding).fill(0),
      ];
    }
    case 51:
      return [next, 4, 0, 0, 0, 0, 0, pick([5, 7]), 0, 0, 0, 1, ...new Array(12).fill(0), ...body];
    case 43: {
      const hops = Array.from({ length: rnd(3) }, () => addr(pick(['::1', '2001:db8::1', '2001:db8::2'])));
      return [
        next,
        2 * hops.length,
        pick([0, 2, 0]),
        0,
        0,
        0,
        0,
        rnd(4) === 0 ? 1 : 0,
        ...hops.flat(),
        ...body,
      ];
    }
    default: {
      const list = options();
      return [next, (list.length + 2) / 8 - 1, ...list, ...body];
    }
  }
}

function packet(to: string): Uint8Array {
  const kinds = [0, 60, 43, 44, 60, 51].filter(() => rnd(3) === 0);
  let next = pick([17, 59, 50]);
  let body: number[] =
    next === 17 ? [4, 0, 0, 53, 0, 12, 0, 0, 1, 2, 3, 4] : next === 59 ? [] : new Array(16).fill(9);
  for (const kind of kinds.reverse()) {
    body = header(kind, next, body);
    next = kind;
  }
  if (rnd(8) === 0) body = body.slice(0, body.length - rnd(10));
  const fixed = [0x60, 0, 0, 0, body.length >> 8, body.length & 255, next, 64];
  return Uint8Array.from([...fixed, ...addr('2001:db8::9'), ...addr(to), ...body]);
}

test.skipIf(!isJudgeAvailable())('matches on extension headers count as the kernel does', async () => {
  const matches = [
    'frag',
    'frag --fragid 5',
    'frag ! --fragid 5:6',
    'frag --fragfirst',
    'frag --fragmore',
    'frag --fraglast',
    'frag --fragres',
    'frag --fragfirst --fragmore',
    'rt',
    'rt --rt-type 0',
    'rt ! --rt-type 0',
    'rt --rt-len 24',
    'rt ! --rt-len 24',
    'rt --rt-segsleft 0',
    'rt --rt-segsleft 1:',
    'rt --rt-type 0 --rt-0-res',
    'rt --rt-type 0 --rt-0-addrs ::1',
    'rt --rt-type 0 --rt-0-addrs ::1 --rt-0-not-strict',
    'rt --rt-type 0 --rt-0-addrs ::1,2001:db8::1 --rt-0-not-strict',
    'rt --rt-type 0 --rt-0-addrs 2001:db8::2,::1',
    'hbh',
    'hbh --hbh-len 8',
    'hbh ! --hbh-len 8',
    'hbh --hbh-opts 5',
    'hbh --hbh-opts 5:2',
    'hbh --hbh-opts 0,0',
    'hbh --hbh-opts 5,1',
    'hbh --hbh-opts 30:1,0',
    'dst',
    'dst --dst-opts 5',
    'dst --dst-len 16',
    'dst --dst-opts 12:0,5',
    'dst --dst-opts 0',
    'ipv6header --header hop',
    'ipv6header --header hop --soft',
    'ipv6header ! --header hop --soft',
    'ipv6header ! --header hop',
    'ipv6header --header prot',
    'ipv6header --header hop,prot',
    'ipv6header --header frag,prot',
    'ipv6header --header none,route --soft',
    'ipv6header --header esp --soft',
    'ipv6header --header none --soft',
    'ipv6header --header dst,esp',
    'ipv6header --header prot --soft',
    'eui64',
  ];
  const cases: Case[] = Array.from({ length: CASES }, (_, i) =>
    onRouter(
      `ipv6-headers/${i}`,
      { v6: table('raw', ...matches.map((match) => `PREROUTING -m ${match}`)) },
      Array.from({ length: PACKETS }, () => arrives('eth0', packet(addresses(6).self))),
    ),
  );
  const results = await askKernel(cases);
  const hosts = await describeHosts(cases.map(({ host }) => host));
  for (const [i, one] of cases.entries()) {
    const result = results[i]!;
    expect(result.refused).toBeUndefined();
    for (const evaluator of ['linear', 'compiled'] as const) {
      const run = await runCase(one, hosts.get(digest(one.host))!, { evaluator });
      expect(compareCounters(result.save6!, run.save6 ?? ''), `${one.id}, ${evaluator}`).toEqual([]);
    }
  }
});
