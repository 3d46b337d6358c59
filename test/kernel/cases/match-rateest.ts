/**
 * The target RATEEST and the match rateest. When the kernel's timer samples is not known to the packet: at some moment from
 * the loading of the rules (0.4 s before the first packet at most) on. What is asked here is the same for all of them.
 */

import type { Case, CasePacket } from '../judge.ts';
import { filler, ip, udp } from '../packets.ts';
import { addresses, arrives, everyWay, type Family, onRouter, table } from './build.ts';

const COUNTED = 9;
const COUNTED_TOO = 10;
const ASKING = 53;

const short = (name: string) =>
  `-j RATEEST --rateest-name ${name} --rateest-interval 250ms --rateest-ewmalog 500ms`;
const long = (name: string) =>
  `-j RATEEST --rateest-name ${name} --rateest-interval 8s --rateest-ewmalog 20s`;
const port = (dport: number) => `-p udp --dport ${dport}`;

const inFamily = (family: Family, rules: string) => (family === 4 ? { v4: rules } : { v6: rules });

/** 1000 bytes to the host itself. */
function counted(family: Family, dport: number, at: number): CasePacket {
  const a = addresses(family);
  const payload = filler(1000 - 8 - (family === 4 ? 20 : 40));
  return arrives('eth0', ip({ saddr: a.outside, daddr: a.self }, udp({ sport: 1, dport, payload })), { at });
}

function asking(family: Family, at: number): CasePacket {
  const a = addresses(family);
  return arrives('eth0', ip({ saddr: a.outside, daddr: a.self }, udp({ sport: 1, dport: ASKING })), { at });
}

/** For two seconds 20 packets a second, and of another kind 5: from 4 to 6, and 1 or 2, in any period of 248 ms. */
function held(family: Family): CasePacket[] {
  return [
    ...Array.from({ length: 40 }, (_, i) => counted(family, COUNTED, i * 0.05)),
    ...Array.from({ length: 10 }, (_, i) => counted(family, COUNTED_TOO, i * 0.2 + 0.02)),
  ];
}

const inTime = (packets: readonly CasePacket[]) => packets.toSorted((a, b) => a.at! - b.at!);

/** In order, and each with its negation. */
function asked(chain: string, matches: readonly string[]): string[] {
  return matches.flatMap((words) =>
    [words, words.replace(/--rateest-(lt|gt|eq)/, '! $&')].map(
      (one) => `${chain} ${port(ASKING)} -m rateest ${one}`,
    ),
  );
}

/** Nothing is measured before the first period is over, whatever has been counted. */
const nothingYet = (family: Family): Case => {
  const tests = [
    '--rateest a --rateest-pps 0 --rateest-eq',
    '--rateest a --rateest-pps 0 --rateest-gt',
    '--rateest a --rateest-pps 1 --rateest-lt',
    '--rateest a --rateest-bps 0 --rateest-eq',
    '--rateest a --rateest-bps 8bit --rateest-lt --rateest-pps 0',
    '--rateest a --rateest-bps 8bit --rateest-lt --rateest-pps 1',
    '--rateest a --rateest-delta --rateest-pps1 5 --rateest-gt --rateest-pps2 4',
    '--rateest a --rateest-delta --rateest-pps1 5 --rateest-eq --rateest-pps2 5',
    '--rateest a --rateest-delta --rateest-bps1 1kbit --rateest-lt --rateest-bps2 1mbit',
    '--rateest a --rateest-bps1 1kbit --rateest-eq',
    '--rateest1 a --rateest2 b --rateest-pps --rateest-eq',
    '--rateest1 a --rateest2 b --rateest-bps --rateest-gt',
    '--rateest1 a --rateest2 a --rateest-bps --rateest-pps --rateest-lt',
    '--rateest1 a --rateest-delta --rateest-bps1 2kbps --rateest-gt --rateest2 b --rateest-bps2 1kbps',
    '--rateest1 a --rateest-delta --rateest-pps1 2 --rateest-pps2 3 --rateest2 b --rateest-lt',
  ];
  const layer = udp({ sport: 1, dport: ASKING });
  const rules = ['INPUT', 'FORWARD', 'OUTPUT'].flatMap((chain) => asked(chain, tests));
  return onRouter(
    `rateest/nothing-yet/${family}`,
    inFamily(
      family,
      table('mangle', `PREROUTING ${long('a')}`, `OUTPUT ${long('a')}`, `POSTROUTING ${long('b')}`) +
        table('filter', ...rules),
    ),
    [...everyWay(family, layer), ...everyWay(family, layer)],
    { conntrack: false },
  );
};

const heldRates = (family: Family): Case =>
  onRouter(
    `rateest/held/${family}`,
    inFamily(
      family,
      table(
        'filter',
        `INPUT ${port(COUNTED)} ${short('a')}`,
        `INPUT ${port(COUNTED_TOO)} ${short('b')}`,
        `INPUT ${port(COUNTED)} -j RATEEST --rateest-name c --rateest-interval 1s --rateest-ewmalog 4s`,
        ...asked('INPUT', [
          '--rateest a --rateest-pps 10 --rateest-gt',
          '--rateest a --rateest-pps 40 --rateest-gt',
          '--rateest a --rateest-bps 10kbps --rateest-gt',
          '--rateest a --rateest-bps 320kbit --rateest-lt',
          '--rateest a --rateest-bps 320kbit --rateest-lt --rateest-pps 10',
          '--rateest a --rateest-delta --rateest-bps1 30kbps --rateest-gt --rateest-bps2 4kbps',
          '--rateest a --rateest-delta --rateest-bps1 30kbps --rateest-gt --rateest-bps2 20kbps',
          '--rateest a --rateest-delta --rateest-pps1 5 --rateest-eq --rateest-pps2 0',
          '--rateest1 a --rateest2 b --rateest-bps --rateest-gt',
          '--rateest1 a --rateest2 b --rateest-pps --rateest-lt',
          '--rateest1 a --rateest-delta --rateest-pps1 60 --rateest-lt --rateest2 b --rateest-pps2 60',
          '--rateest1 a --rateest-delta --rateest-bps1 1kbps --rateest-eq --rateest2 b --rateest-bps2 2kbps',
          // One period in four takes up a quarter of the difference.
          '--rateest c --rateest-pps 1 --rateest-gt',
          '--rateest c --rateest-pps 12 --rateest-lt',
          '--rateest c --rateest-bps 12kbps --rateest-lt',
        ]),
      ),
    ),
    inTime([...held(family), asking(family, 1.71), asking(family, 1.96)]),
    { conntrack: false },
  );

const silence = (family: Family): Case =>
  onRouter(
    `rateest/silence/${family}`,
    inFamily(
      family,
      table(
        'filter',
        `INPUT ${port(COUNTED)} ${short('a')}`,
        // It falls by half in each period: from 20 packets a second to none, from 20,000 bytes to more than 30.
        ...asked('INPUT', [
          '--rateest a --rateest-pps 0 --rateest-eq',
          '--rateest a --rateest-pps 5 --rateest-gt',
          '--rateest a --rateest-bps 10Bps --rateest-gt',
          '--rateest a --rateest-bps 1kbps --rateest-gt',
        ]),
      ),
    ),
    inTime([...held(family), asking(family, 1.93), asking(family, 4.05)]),
    { conntrack: false },
  );

/** Two rules count into one estimator: each packet twice. */
const twice = (family: Family): Case =>
  onRouter(
    `rateest/one-name-two-rules/${family}`,
    inFamily(
      family,
      table('raw', `PREROUTING ${port(COUNTED)} ${short('a')}`) +
        table(
          'filter',
          `INPUT ${port(COUNTED)} ${short('a')}`,
          ...asked('INPUT', [
            '--rateest a --rateest-pps 26 --rateest-gt',
            '--rateest a --rateest-pps 60 --rateest-gt',
          ]),
        ),
    ),
    inTime([...held(family), asking(family, 1.96)]),
    { conntrack: false },
  );

/** An estimator of IPv4 rules, loaded first, is there for those of IPv6. */
const bothFamilies = (): Case =>
  onRouter(
    'rateest/both-families',
    {
      v4: table('filter', `INPUT ${port(COUNTED)} ${short('a')}`, `INPUT ${port(COUNTED_TOO)} ${short('b')}`),
      v6: table(
        'filter',
        `INPUT ${port(COUNTED_TOO)} ${short('b')}`,
        ...asked('INPUT', [
          '--rateest a --rateest-pps 10 --rateest-gt',
          '--rateest b --rateest-pps 5 --rateest-gt',
          '--rateest b --rateest-pps 16 --rateest-gt',
        ]),
      ),
    },
    inTime([
      ...held(4),
      ...Array.from({ length: 10 }, (_, i) => counted(6, COUNTED_TOO, i * 0.2 + 0.12)),
      asking(6, 0),
      asking(6, 1.96),
    ]),
    { conntrack: false },
  );

export const rateestCases = (): Case[] => [
  ...([4, 6] as const).flatMap((family) => [
    nothingYet(family),
    heldRates(family),
    silence(family),
    twice(family),
  ]),
  bothFamilies(),
];
