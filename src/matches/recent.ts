import { defineMatch } from '../extension/define.ts';
import { defineSyntax, type RuleContext } from '../extension/syntax.ts';
import { flag, formatAddress, host, string, uint32 } from '../extension/values.ts';
import type { Packet } from '../packet/packet.ts';
import {
  HOOK_FORWARD,
  HOOK_POSTROUTING,
  R_DADDR,
  R_FAMILY,
  R_HOOK,
  R_SADDR,
  R_TTL,
} from '../packet/registers.ts';
import { HZ, JIFFY_SENTENCE, jiffiesAt } from './jiffies.ts';
import { RecentList } from './recent-list.ts';

const MODES = ['--set', '--rcheck', '--update', '--remove'] as const;
type Mode = (typeof MODES)[number];

interface RecentOptions {
  readonly mode: Mode;
  readonly inverted: boolean;
  readonly name: string;
  /** 0 when not given. */
  readonly seconds: number;
  readonly hitcount: number;
  readonly reap: boolean;
  readonly rttl: boolean;
  readonly byDestination: boolean;
  /** Four words in IPv4, too: of a list that IPv6 rules name as well they are what its addresses are cut to. */
  readonly mask: Int32Array;
}

/** Without --mask all four words are kept, whatever the family; an IPv4 --mask keeps none of the last three. */
const WHOLE_ADDRESS = Int32Array.of(-1, -1, -1, -1);

/** XT_RECENT_NAME_LEN - 1. */
const NAME_BYTES = 199;
/** XT_RECENT_MAX_NSTAMPS. */
const MAX_STAMPS = 65536;
/** Stamps that are kept when no rule asks for a number of hits (ip_pkt_list_tot is 0). */
const DEFAULT_STAMPS = 32;

const LISTED: Readonly<Record<Mode, string>> = {
  '--set': 'SET',
  '--rcheck': 'CHECK',
  '--update': 'UPDATE',
  '--remove': 'REMOVE',
};

const others = (own: Mode) => MODES.filter((mode) => mode !== own);

/** `-m recent`: lists of addresses seen. Linux: net/netfilter/xt_recent.c, recent_mt(). */
export const recent = defineMatch<RecentOptions, RecentList>({
  name: 'recent',
  families: [4, 6],
  scope: 'global',
  reads: (o) => [o.byDestination ? 'daddr' : 'saddr', 'ttl', 'time'],
  syntax: defineSyntax({
    options: {
      '--set': flag({ invertible: true, excludes: others('--set') }),
      '--rcheck': flag({ invertible: true, excludes: others('--rcheck') }),
      '--update': flag({ invertible: true, excludes: others('--update') }),
      '--remove': flag({ invertible: true, excludes: others('--remove') }),
      '--seconds': uint32({ min: 1 }),
      '--reap': flag({ requires: ['--seconds'] }),
      '--hitcount': uint32(),
      '--rttl': flag({ excludes: ['--set', '--remove'] }),
      '--name': string({ cut: NAME_BYTES }),
      '--rsource': flag(),
      '--rdest': flag(),
      '--mask': host(),
    },
    finalCheck: (v, rule) => {
      if (MODES.every((mode) => v[mode] === undefined)) {
        rule.fail("recent: you must specify one of `--set', `--rcheck' `--update' or `--remove'");
      }
    },
    build: (v): RecentOptions => {
      const mode = MODES.find((one) => v[one] !== undefined)!;
      // Of --rsource and --rdest the later one holds; what was given is in the order of the rule.
      const side = Object.keys(v).findLast((name) => name === '--rsource' || name === '--rdest');
      return {
        mode,
        inverted: v[mode]!.inverted,
        name: v['--name']?.value ?? 'DEFAULT',
        seconds: v['--seconds']?.value ?? 0,
        hitcount: v['--hitcount']?.value ?? 0,
        reap: v['--reap'] !== undefined,
        rttl: v['--rttl'] !== undefined,
        byDestination: side === '--rdest',
        mask: v['--mask']?.value ?? WHOLE_ADDRESS,
      };
    },
    save: (o, rule) =>
      `${o.inverted ? ' !' : ''} ${o.mode}` +
      (o.seconds === 0 ? '' : ` --seconds ${o.seconds}`) +
      (o.reap ? ' --reap' : '') +
      (o.hitcount === 0 ? '' : ` --hitcount ${o.hitcount}`) +
      (o.rttl ? ' --rttl' : '') +
      ` --name ${o.name} --mask ${maskText(o, rule)} ${o.byDestination ? '--rdest' : '--rsource'}`,
    list: (o, rule) =>
      `${o.inverted ? '! ' : ''}recent: ${LISTED[o.mode]}` +
      (o.seconds === 0 ? '' : ` seconds: ${o.seconds}`) +
      (o.reap ? ' reap' : '') +
      (o.hitcount === 0 ? '' : ` hit_count: ${o.hitcount}`) +
      (o.rttl ? ' TTL-Match' : '') +
      ` name: ${o.name} side: ${o.byDestination ? 'dest' : 'source'} mask: ${maskText(o, rule)}`,
    kernelCheck: (o) => {
      if ((o.mode === '--set' || o.mode === '--remove') && (o.seconds !== 0 || o.hitcount !== 0)) {
        return 'xt_recent: --seconds and --hitcount go with --rcheck and --update only';
      }
      if (o.hitcount >= MAX_STAMPS) {
        return `xt_recent: hitcount (${o.hitcount}) is larger than allowed maximum (${MAX_STAMPS - 1})`;
      }
      // The name becomes a file of /proc/net/xt_recent.
      if (o.name === '' || o.name.includes('/') || o.name === '.' || o.name === '..') {
        return `xt_recent: no file can be named '${o.name}'`;
      }
      return undefined;
    },
  }),
  prepare: (o, environment): RecentList => {
    environment.assume(JIFFY_SENTENCE);
    if (o.rttl && environment.chain === 'POSTROUTING') {
      environment.assume(
        'recent --rttl in POSTROUTING takes every packet as forwarded: it compares the TTL that the packet came with.',
      );
    }
    const stamps = o.hitcount === 0 ? DEFAULT_STAMPS : 2 ** Math.ceil(Math.log2(o.hitcount));
    const { family } = environment;
    const list = environment.shared(`recent/${o.name}`, () => new RecentList(family, o.mask, stamps - 1));
    if (list.family !== family && o.mask.some((word, i) => word !== list.mask[i])) {
      environment.assume(
        `The recent list ${o.name} is one for both families. IPv4 rules are taken to have been loaded first, so that it cuts the addresses of IPv6 by the mask of theirs.`,
      );
    }
    list.widen(stamps - 1);
    return list;
  },
  evaluate: (o, p, list) => {
    const now = jiffiesAt(p.timeNs);
    const ttl = ttlBefore(p);
    list.take(p, o.byDestination ? R_DADDR : R_SADDR, p.r[R_FAMILY] === 4 ? 4 : 6);
    const entry = list.find(o.rttl ? ttl : 0);
    if (entry === undefined) {
      if (o.mode !== '--set') return o.inverted;
      list.add(ttl, now);
      return !o.inverted;
    }
    if (o.mode === '--set') {
      list.update(entry, now);
      entry.ttl = ttl;
      return !o.inverted;
    }
    if (o.mode === '--remove') {
      list.remove(entry);
      return !o.inverted;
    }
    const since = now - o.seconds * HZ;
    let hits = 0;
    let isHit = false;
    for (let i = 0; i < entry.stampCount; i++) {
      if (o.seconds !== 0 && since > entry.stamps[i]!) continue;
      if (++hits >= o.hitcount) {
        isHit = true;
        break;
      }
    }
    const matches = isHit !== o.inverted;
    const update = o.mode === '--update' && matches;
    if (o.reap) list.reap(since, entry, update);
    if (update) {
      list.update(entry, now);
      entry.ttl = ttl;
    }
    return matches;
  },
});

function maskText(o: RecentOptions, rule: RuleContext): string {
  return formatAddress(o.mask, rule.family);
}

/** The TTL before this host took one off: a packet that is being forwarded has lost it already. */
function ttlBefore(p: Packet): number {
  const hook = p.r[R_HOOK];
  const ttl = p.r[R_TTL]!;
  return hook === HOOK_FORWARD || hook === HOOK_POSTROUTING ? (ttl + 1) & 255 : ttl;
}
