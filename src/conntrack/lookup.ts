import { TUPLE_DPORT, TUPLE_PROTO, TUPLE_SPORT } from '../packet/conntrack-access.ts';
import type { ConntrackCore } from './core.ts';
import { RECORD_SHIFT, REPLY_STRIDE, TUPLE_ZONE } from './layout.ts';
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
  const hash = tupleHash(words, at, sport, dport, proto, zoneOriginal);
  const dir = zoneOriginal === zoneReply ? EITHER : 0;
  const found = findInZone(core, words, at, sport, dport, proto, zoneOriginal, dir, hash);
  if (found >= 0 || dir === EITHER) return found;
  const replyHash = tupleHash(words, at, sport, dport, proto, zoneReply);
  return findInZone(core, words, at, sport, dport, proto, zoneReply, 1, replyHash);
}

/** The same for the tuple at `at`, in zone 0, whose hash is known. */
export function findDefault(core: ConntrackCore, words: Int32Array, at: number, hash: number): number {
  const [sport, dport] = [words[at + TUPLE_SPORT]!, words[at + TUPLE_DPORT]!];
  return findInZone(core, words, at, sport, dport, words[at + TUPLE_PROTO]!, 0, EITHER, hash);
}

/** As the tuple of either direction. */
const EITHER = -1;

/**
 * __nf_conntrack_find_get(): the entry with a tuple in a zone, as that of direction `dir` or EITHER. nf_ct_key_equal()
 * asks for the zone of the direction that the entry has the tuple in: where a connection's two zones are the same,
 * either will do. Of several the latest that has not expired.
 */
function findInZone(
  core: ConntrackCore,
  words: Int32Array,
  at: number,
  sport: number,
  dport: number,
  proto: number,
  zone: number,
  dir: number,
  hash: number,
): number {
  const { table } = core;
  for (;;) {
    const found =
      dir === EITHER
        ? table.find(words, at, sport, dport, proto, zone, hash)
        : table.findDirected(words, at, sport, dport, proto, zone, hash, dir);
    if (found < 0 || !core.isExpired(found >> 1)) return found;
    core.kill(found >> 1); // an earlier one may have the tuple too
  }
}

/** The entry that has a tuple of the record `ct`, that of direction `dir`, in the record's own zones; or -1. */
export function findOwnTuple(core: ConntrackCore, ct: number, dir: 0 | 1, hash: number): number {
  const { words } = core;
  return findInZonesOf(core, words, (ct << RECORD_SHIFT) + dir * REPLY_STRIDE, ct, dir, hash);
}

/** The entry that has the tuple at `at` as one of direction `dir` of the record `ct` would be looked for; or -1. */
function findInZonesOf(
  core: ConntrackCore,
  words: Int32Array,
  at: number,
  ct: number,
  dir: 0 | 1,
  hash: number,
): number {
  const own = ct << RECORD_SHIFT;
  const zoneOriginal = core.words[own + TUPLE_ZONE]!;
  const zoneReply = core.words[own + REPLY_STRIDE + TUPLE_ZONE]!;
  return findInZone(
    core,
    words,
    at,
    words[at + TUPLE_SPORT]!,
    words[at + TUPLE_DPORT]!,
    words[at + TUPLE_PROTO]!,
    dir === 0 ? zoneOriginal : zoneReply,
    zoneOriginal === zoneReply ? EITHER : dir,
    hash,
  );
}

/**
 * nf_conntrack_tuple_taken(): is the tuple at `at` of `words` that of another connection than the unconfirmed
 * `ignored`, in the zone of its reply direction? A connection with the very same original tuple does not count:
 * the two are one flow.
 */
export function isTupleTaken(core: ConntrackCore, words: Int32Array, at: number, ignored: number): boolean {
  const own = ignored << RECORD_SHIFT;
  const hash = tupleHash(
    words,
    at,
    words[at + TUPLE_SPORT]!,
    words[at + TUPLE_DPORT]!,
    words[at + TUPLE_PROTO]!,
    core.words[own + REPLY_STRIDE + TUPLE_ZONE]!,
  );
  const found = findInZonesOf(core, words, at, ignored, 1, hash);
  if (found < 0 || found >> 1 === ignored) return false;
  const other = (found >> 1) << RECORD_SHIFT;
  const sameFlow =
    sameTuple(core.words, own, core.words, other) &&
    core.words[own + TUPLE_ZONE] === core.words[other + TUPLE_ZONE];
  return !sameFlow;
}
