import { TUPLE_DPORT, TUPLE_PROTO, TUPLE_SPORT } from '../packet/conntrack-access.ts';
import type { ConntrackCore } from './core.ts';
import { RECORD_SHIFT, REPLY_STRIDE } from './layout.ts';
import { sameTuple, tupleHash } from './tuple.ts';

/**
 * nf_conntrack_find_get(): the entry that a tuple belongs to, as (record << 1 | direction), or -1. An entry that
 * has expired is killed on the way and not found.
 *
 * The addresses lie at `at` of `words`. A connection has a zone for each direction (they differ only after
 * CT --zone-orig or --zone-reply): a tuple is the original direction's in zone `zoneOriginal`, or the reply
 * direction's in zone `zoneReply`.
 */
export function findConnection(
  core: ConntrackCore,
  words: Int32Array,
  at: number,
  sport: number,
  dport: number,
  proto: number,
  zoneOriginal: number,
  zoneReply: number,
): number {
  const found = findInZone(core, words, at, sport, dport, proto, zoneOriginal);
  if (zoneOriginal === zoneReply) return found;
  if (found >= 0 && (found & 1) === 0) return found;
  const reply = findInZone(core, words, at, sport, dport, proto, zoneReply);
  return reply >= 0 && (reply & 1) === 1 ? reply : -1;
}

function findInZone(
  core: ConntrackCore,
  words: Int32Array,
  at: number,
  sport: number,
  dport: number,
  proto: number,
  zone: number,
): number {
  const hash = tupleHash(words, at, sport, dport, proto, zone);
  const found = core.table.find(words, at, sport, dport, proto, zone, hash);
  if (found >= 0 && core.isExpired(found >> 1)) {
    core.kill(found >> 1);
    return -1;
  }
  return found;
}

/**
 * nf_conntrack_tuple_taken(): is the tuple at `at` of `words` that of another connection than the unconfirmed
 * `ignored`, in the zone of its reply direction? A connection with the very same original tuple does not count:
 * the two are one flow.
 */
export function isTupleTaken(core: ConntrackCore, words: Int32Array, at: number, ignored: number): boolean {
  const own = ignored << RECORD_SHIFT;
  const zone = core.words[own + REPLY_STRIDE + 11]!;
  const found = findInZone(
    core,
    words,
    at,
    words[at + TUPLE_SPORT]!,
    words[at + TUPLE_DPORT]!,
    words[at + TUPLE_PROTO]!,
    zone,
  );
  if (found < 0 || found >> 1 === ignored) return false;
  const other = (found >> 1) << RECORD_SHIFT;
  const sameFlow =
    sameTuple(core.words, own, core.words, other) && core.words[own + 11] === core.words[other + 11];
  return !sameFlow;
}
