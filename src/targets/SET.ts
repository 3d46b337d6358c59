import { defineTarget } from '../extension/define.ts';
import { strtoui } from '../extension/numbers.ts';
import { defineSyntax, type OptionCall } from '../extension/syntax.ts';
import { custom, flag } from '../extension/values.ts';
import { addToSet, askSet, deleteFromSet, setOf } from '../ipset/query.ts';
import { parseSetUse, type SetUse } from '../ipset/set-use.ts';
import type { IpSet, SetQuery, SkbInfo } from '../ipset/types.ts';
import { R_MARK, R_PRIORITY } from '../packet/registers.ts';
import { VERDICT_CONTINUE } from '../packet/verdict.ts';

export interface SetTargetOptions {
  readonly add: SetUse | undefined;
  readonly del: SetUse | undefined;
  readonly map: SetUse | undefined;
  readonly exist: boolean;
  readonly timeoutSeconds: number | undefined;
  readonly mapMark: boolean;
  readonly mapPrio: boolean;
  readonly mapQueue: boolean;
}

interface Work {
  readonly set: IpSet;
  readonly query: SetQuery;
}

interface State {
  readonly add: Work | undefined;
  readonly del: Work | undefined;
  readonly map: Work | undefined;
  readonly found: SkbInfo;
}

/** UINT32_MAX - 1: the largest means "not given". */
const MAX_TIMEOUT = 0xfffffffe;

/** A `!` is read over: iptables takes it and forgets it. */
const named = (option: string) =>
  custom(parseSetUse, { invertible: true, duplicatePhrase: `--${option} can be specified only once` });

function parseTimeout(text: string, call: OptionCall): number {
  return (
    strtoui(text, 0, MAX_TIMEOUT) ??
    call.fail(`Invalid value for option --timeout or out of range 0-${MAX_TIMEOUT}`)
  );
}

/** `-j SET`: adds to, deletes from, and maps by a set of `ipset`. Linux: net/netfilter/xt_set.c, set_target_v3(). */
export const setTarget = defineTarget<SetTargetOptions, State>({
  name: 'SET',
  families: [4, 6],
  scope: (o) => {
    if (o.add !== undefined || o.del !== undefined || o.map?.traits?.isStatic !== true) return 'global';
    return o.map.traits.reads.includes('payload') ? 'packet' : 'connection';
  },
  reads: (o) =>
    [o.add, o.del, o.map].flatMap((use) => (use === undefined ? [] : (use.traits?.reads ?? ['payload']))),
  writes: ['mark', 'priority'],
  syntax: defineSyntax({
    options: {
      '--add-set': named('add-set'),
      '--del-set': named('del-set'),
      '--timeout': custom(parseTimeout, { invertible: true, multiple: true }),
      '--exist': flag({ invertible: true, multiple: true }),
      '--map-set': named('map-set'),
      '--map-mark': flag({ invertible: true, multiple: true }),
      '--map-prio': flag({ invertible: true, multiple: true }),
      '--map-queue': flag({ invertible: true, multiple: true }),
    },
    finalCheck: (v, rule) => {
      const [add, del, map] = [v['--add-set'], v['--del-set'], v['--map-set']];
      if (add === undefined && del === undefined && map === undefined) {
        rule.fail("You must specify either `--add-set' or `--del-set' or `--map-set'");
      }
      if (add === undefined) {
        if (v['--exist'] !== undefined) rule.fail("Flag `--exist' can be used with `--add-set' only");
        if (v['--timeout'] !== undefined) rule.fail("Option `--timeout' can be used with `--add-set' only");
      }
      const flags = ['--map-mark', '--map-prio', '--map-queue'] as const;
      if (map === undefined) {
        for (const name of flags) {
          if (v[name] !== undefined) rule.fail(`Flag \`${name}' can be used with \`--map-set' only`);
        }
      } else if (flags.every((name) => v[name] === undefined)) {
        rule.fail("You must specify flags `--map-mark' or '--map-prio` or `--map-queue'");
      }
    },
    build: (v): SetTargetOptions => ({
      add: v['--add-set']?.value,
      del: v['--del-set']?.value,
      map: v['--map-set']?.value,
      exist: v['--exist'] !== undefined,
      timeoutSeconds: v['--timeout']?.value,
      mapMark: v['--map-mark'] !== undefined,
      mapPrio: v['--map-prio'] !== undefined,
      mapQueue: v['--map-queue'] !== undefined,
    }),
    save: (o) => format(o, ' --'),
    list: (o) => format(o, ' ').slice(1),
    kernelCheck: (o, rule) => {
      if (o.map === undefined) return undefined;
      if (rule.table !== 'mangle') return '--map-set only usable from mangle table';
      const late = ['FORWARD', 'OUTPUT', 'POSTROUTING'];
      if ((o.mapPrio || o.mapQueue) && rule.hooks.some((hook) => !late.includes(hook))) {
        return 'mapping of prio or/and queue is allowed only from OUTPUT/FORWARD/POSTROUTING chains';
      }
      return undefined;
    },
  }),
  prepare: (o, environment): State => {
    const work = (use: SetUse | undefined, more: Partial<SetQuery> = {}): Work | undefined => {
      if (use === undefined) return undefined;
      const query: SetQuery = {
        family: environment.family,
        dimensions: use.dimensions,
        sources: use.sources,
        exist: false,
        timeoutSeconds: undefined,
        returnNomatch: false,
        updateCounters: true,
        updateSubcounters: true,
        packets: undefined,
        bytes: undefined,
        ...more,
      };
      return { set: setOf(use.name, environment), query };
    };
    return {
      add: work(o.add, { exist: o.exist, timeoutSeconds: o.timeoutSeconds }),
      del: work(o.del),
      map: work(o.map),
      found: { skbmark: 0, skbmarkmask: 0, skbprio: 0, skbqueue: 0 },
    };
  },
  apply: (o, p, { add, del, map, found }) => {
    if (add !== undefined) addToSet(add.set, p, add.query);
    if (del !== undefined) deleteFromSet(del.set, p, del.query);
    if (map === undefined) return VERDICT_CONTINUE;
    // A set without skbinfo leaves these as they are: the mark stays, the priority becomes 0.
    found.skbmark = 0;
    found.skbmarkmask = 0;
    found.skbprio = 0;
    if (askSet(map.set, p, map.query, found) <= 0) return VERDICT_CONTINUE;
    if (o.mapMark) p.r[R_MARK] = (p.r[R_MARK]! & ~found.skbmarkmask) ^ found.skbmark;
    if (o.mapPrio) p.r[R_PRIORITY] = found.skbprio;
    return VERDICT_CONTINUE;
  },
});

function format(o: SetTargetOptions, lead: string): string {
  const named = (name: string, use: SetUse | undefined) => (use === undefined ? '' : `${lead}${name} ${use}`);
  return (
    named('add-set', o.add) +
    (o.exist ? `${lead}exist` : '') +
    (o.timeoutSeconds === undefined ? '' : `${lead}timeout ${o.timeoutSeconds}`) +
    named('del-set', o.del) +
    named('map-set', o.map) +
    (o.mapMark ? `${lead}map-mark` : '') +
    (o.mapPrio ? `${lead}map-prio` : '') +
    (o.mapQueue ? `${lead}map-queue` : '')
  );
}
