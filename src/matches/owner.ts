import { defineMatch } from '../extension/define.ts';
import { strtoui, uintPrefix } from '../extension/numbers.ts';
import { defineSyntax, type OptionCall } from '../extension/syntax.ts';
import { custom, flag } from '../extension/values.ts';
import type { Packet } from '../packet/packet.ts';
import { HOOK_OUTPUT, R_HOOK, R_IIF } from '../packet/registers.ts';
import { rangeOf } from './ports.ts';

interface IdRange {
  readonly low: number;
  readonly high: number;
  readonly inverted: boolean;
}

interface OwnerOptions {
  readonly uid: IdRange | undefined;
  readonly gid: IdRange | undefined;
  /** Supplementary groups count as the group. */
  readonly supplementaryGroups: boolean;
  readonly socketExists: boolean;
  readonly socketInverted: boolean;
}

/** 0xffffffff is no id: it stands for "unchanged" in system calls. */
const MAX_ID = 0xfffffffe;

/** User and group that every packet of this host's own is taken to come from. */
const ASSUMED_ID = 0;

function parseIds(text: string, call: OptionCall): readonly [number, number] {
  // Other names are the machine's own: iptables-save prints numbers.
  if (text === 'root') return [0, 0];
  const bad = () =>
    call.fail(
      `owner: Bad value for "--${call.option}" option: "${text}"`,
      'Names of users and groups are the machine’s own and cannot be looked up offline: write the number.',
    );
  const low = uintPrefix(text, 0, MAX_ID) ?? bad();
  if (low.end === text.length) return [low.value, low.value];
  if (text[low.end] !== '-' && text[low.end] !== ':') bad();
  return [low.value, strtoui(text.slice(low.end + 1), 0, MAX_ID) ?? bad()];
}

/**
 * `-m owner`: the socket a packet comes from. A capture does not tell: packets that this host made are taken to come
 * from a socket of user 0 and group 0, forwarded ones have none. Linux: net/netfilter/xt_owner.c, owner_mt().
 */
export const owner = defineMatch<OwnerOptions>({
  name: 'owner',
  families: [4, 6],
  hooks: ['OUTPUT', 'POSTROUTING'],
  scope: 'connection',
  reads: ['hook', 'iif'],
  syntax: defineSyntax({
    options: {
      '--uid-owner': custom(parseIds, { invertible: true }),
      '--gid-owner': custom(parseIds, { invertible: true }),
      '--socket-exists': flag({ invertible: true }),
      '--suppl-groups': {
        argument: 'none',
        parse: (_, call) => {
          if (call.given['--gid-owner'] !== undefined) return true;
          return call.fail(
            'owner: Bad value for "--suppl-groups" option: "you need to use --gid-owner first"',
          );
        },
      },
    },
    finalCheck: (v, rule) => {
      if (Object.keys(v).length === 0) {
        rule.fail('owner: At least one of --uid-owner, --gid-owner or --socket-exists is required');
      }
    },
    build: (v): OwnerOptions => ({
      uid: rangeOf(v['--uid-owner']),
      gid: rangeOf(v['--gid-owner']),
      supplementaryGroups: v['--suppl-groups'] !== undefined,
      socketExists: v['--socket-exists'] !== undefined,
      socketInverted: v['--socket-exists']?.inverted ?? false,
    }),
    save: (o) =>
      (o.socketExists ? `${o.socketInverted ? ' !' : ''} --socket-exists` : '') +
      save('--uid-owner', o.uid) +
      save('--gid-owner', o.gid) +
      (o.supplementaryGroups ? ' --suppl-groups' : ''),
    list: (o) =>
      [
        ...(o.socketExists ? [`${o.socketInverted ? '! ' : ''}owner socket exists`] : []),
        ...list('UID', o.uid),
        ...list('GID', o.gid),
        ...(o.supplementaryGroups ? ['incl. suppl. groups'] : []),
      ].join(' '),
    kernelCheck: (o) =>
      [o.uid, o.gid].some((ids) => ids !== undefined && ids.low > ids.high)
        ? 'xt_owner: the range of ids is reversed'
        : undefined,
  }),
  prepare: (_, environment) => {
    environment.assume(
      'owner: a capture does not tell whose a packet is; packets that this host made are taken to come from a socket of user 0 and group 0, forwarded ones from none.',
    );
    return undefined;
  },
  evaluate: (o, p) => {
    if (!isOwn(p)) {
      // (info->match ^ info->invert) == 0: every test that is asked for is inverted.
      return (
        (!o.socketExists || o.socketInverted) &&
        (o.uid === undefined || o.uid.inverted) &&
        (o.gid === undefined || o.gid.inverted)
      );
    }
    if (o.socketExists && o.socketInverted) return false;
    return holds(o.uid) && holds(o.gid);
  },
});

/** A forwarded packet keeps its incoming interface to the end. */
function isOwn(p: Packet): boolean {
  return p.r[R_HOOK] === HOOK_OUTPUT || p.r[R_IIF] === 0;
}

function holds(ids: IdRange | undefined): boolean {
  return ids === undefined || (ids.low <= ASSUMED_ID && ASSUMED_ID <= ids.high) !== ids.inverted;
}

function format(ids: IdRange): string {
  return ids.low === ids.high ? `${ids.low}` : `${ids.low}-${ids.high}`;
}

function save(option: string, ids: IdRange | undefined): string {
  return ids === undefined ? '' : `${ids.inverted ? ' !' : ''} ${option} ${format(ids)}`;
}

function list(what: string, ids: IdRange | undefined): string[] {
  return ids === undefined ? [] : [`${ids.inverted ? '! ' : ''}owner ${what} match ${format(ids)}`];
}
