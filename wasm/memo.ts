/** WalkMemo.find of src/netfilter/walk-memo.ts: which walk of another connection stands for a packet's. */
import { comboOf } from './combos';
import { conditionsOf, UNKNOWN_CONDITIONS } from './conditions';
import { mix32 } from './hash';
import {
  AT_DADDR,
  AT_DPORT,
  AT_FAMILY,
  AT_L4PROTO,
  AT_SADDR,
  AT_SPORT,
  AT_WAY,
  IPPROTO_ICMP,
  IPPROTO_ICMPV6,
} from './layout';
import {
  C_MASQ_OIF,
  CONDITIONS_PACKET,
  CONTEXT_MEMO,
  DEPENDS_ON_CONDITIONS,
  ENTRY_BITS,
  ENTRY_PATH,
  ENTRY_WORDS,
  FAMILY_COMBOS,
  FAMILY_CONDITIONS,
  FAMILY_ROUTES,
  FAMILY_RULES,
  FAMILY_TRANSLATED,
  FIELD_DPORT,
  FIELD_SPORT,
  KEY_MORE,
  KEY_ROUTES,
  MEMO_ENTRIES,
  MEMO_FAMILY4,
  MEMO_FAMILY6,
  MEMO_KNOWN,
  MEMO_MASK_COUNT,
  MEMO_MASKS,
  MEMO_SCRATCH,
  MOST_CLASSES,
  PARTITION_BASE,
  PARTITION_BOUNDS,
  PARTITION_BUCKETS,
  PARTITION_CLASSES,
  PARTITION_LAST_BUCKET,
  PARTITION_LENGTH,
  PARTITION_SHIFT,
  R_DADDR,
  R_DPORT,
  R_L4PROTO,
  R_SADDR,
  R_SPORT,
  TUPLE_DADDR,
  TUPLE_DPORT,
  TUPLE_SADDR,
  TUPLE_SPORT,
} from './records';
import { DIRECTION_SHIFT } from './table';

/**
 * Path + 1 and ENTRY_DROPPED for row `i` in state WALK_*; 0 where none is known. `connection`: the address of the packet's
 * record, and `dir` its direction in it, where the connection is translated; else NOT_TRANSLATED.
 */
export function findWalk(batch: usize, i: u32, state: u32, connection: usize, dir: u32, context: usize): u32 {
  const memo: usize = load<u32>(context, CONTEXT_MEMO);
  if (memo === 0) return 0;
  const way = (load<u32>(batch + 4 * i, AT_WAY) << 2) | state;
  if (way >= load<u32>(memo, MEMO_MASK_COUNT)) return 0;
  const mask: u32 = load<u16>(load<u32>(memo, MEMO_MASKS) + 2 * way);
  if ((mask & MEMO_KNOWN) === 0) return 0;

  const isIpv4 = load<u8>(batch + i, AT_FAMILY) === 4;
  const family: usize = load<u32>(memo + (isIpv4 ? 0 : MEMO_FAMILY6 - MEMO_FAMILY4), MEMO_FAMILY4);
  if (family === 0) return 0;
  const l4proto: u32 = load<u8>(batch + i, AT_L4PROTO);
  const isIcmp = l4proto === IPPROTO_ICMP || l4proto === IPPROTO_ICMPV6;
  const p2 = batch + 2 * i;
  const sport: u32 = load<u16>(p2, AT_SPORT);
  const dport: u32 = load<u16>(p2, AT_DPORT);
  const saddr = batch + 16 * i + AT_SADDR;
  const daddr = batch + 16 * i + AT_DADDR;
  const classes = memo + MEMO_SCRATCH;
  let more: i32 = 0;
  if (connection !== NOT_TRANSLATED) {
    more = translation(
      family,
      classes,
      mask,
      connection,
      dir,
      saddr,
      daddr,
      l4proto,
      sport,
      dport,
      isIpv4,
      isIcmp,
    );
    if (more === UNKNOWN) return 0;
  } else if ((mask & DEPENDS_ON_CONDITIONS) !== 0) {
    more = conditionsIn(family, saddr, daddr, l4proto, isIcmp ? -1 : sport, isIcmp ? -1 : dport);
    if (more === UNKNOWN_CONDITIONS) return 0;
  }
  if (!classify(family, classes, mask, saddr, daddr, sport, dport, isIpv4)) return 0;

  const what = l4proto | (isIcmp ? dport << 8 : 0) | ((isIpv4 ? 4 : 6) << 24);
  const entry: usize = load<u32>(memo, MEMO_ENTRIES) + 4 * ENTRY_WORDS * slotOf(way, what, classes, more);
  const differs =
    (load<u32>(entry) ^ way) |
    (load<u32>(entry, 4) ^ what) |
    (load<u32>(entry, 4 * KEY_ROUTES) ^ load<u32>(classes)) |
    (load<u32>(entry, 4 * KEY_ROUTES + 4) ^ load<u32>(classes, 4)) |
    (load<u32>(entry, 4 * KEY_ROUTES + 8) ^ load<u32>(classes, 8)) |
    (load<u32>(entry, 4 * KEY_ROUTES + 12) ^ load<u32>(classes, 12)) |
    (load<u32>(entry, 4 * KEY_MORE) ^ more);
  return differs === 0 ? load<u32>(entry, 4 * ENTRY_PATH) : 0;
}

/** In the place of a connection. */
export const NOT_TRANSLATED: usize = 0;

/** In place of a number: JavaScript has to look. */
const UNKNOWN: i32 = 0;

/** FamilyClasses.write, without a key: four words at `classes`. */
function classify(
  family: usize,
  classes: usize,
  mask: u32,
  saddr: usize,
  daddr: usize,
  sport: u32,
  dport: u32,
  isIpv4: bool,
): bool {
  let routes: u32 = 0;
  let source: u32 = 0;
  let destination: u32 = 0;
  if (isIpv4) {
    const from = load<u32>(saddr);
    const to = load<u32>(daddr);
    if (!isPlain4(from) || !isPlain4(to)) return false;
    routes = classIn(family, FAMILY_ROUTES, from) | (classIn(family, FAMILY_ROUTES + 16, to) << 16);
    if ((mask & 1) !== 0) source = classIn(family, FAMILY_RULES, from);
    if ((mask & 16) !== 0) destination = classIn(family, FAMILY_RULES + 16, to);
  } else {
    if (!isPlain6(load<u32>(saddr)) || !isPlain6(load<u32>(daddr))) return false;
    const from = combinedClass(family, FAMILY_COMBOS, FAMILY_ROUTES, saddr, 15);
    const to = combinedClass(family, FAMILY_COMBOS + 4, FAMILY_ROUTES + 16, daddr, 15);
    if (from === 0 || to === 0 || from > MOST_CLASSES || to > MOST_CLASSES) return false;
    routes = from | (to << 16);
    if ((mask & 15) !== 0) {
      source = combinedClass(family, FAMILY_COMBOS + 8, FAMILY_RULES, saddr, mask);
      if (source === 0) return false;
    }
    if ((mask & 240) !== 0) {
      destination = combinedClass(family, FAMILY_COMBOS + 12, FAMILY_RULES + 16, daddr, mask >>> 4);
      if (destination === 0) return false;
    }
  }
  let ports: u32 = 0;
  if ((mask & (1 << FIELD_SPORT)) !== 0) ports = classIn(family, FAMILY_RULES + 4 * FIELD_SPORT, sport);
  if ((mask & (1 << FIELD_DPORT)) !== 0)
    ports |= classIn(family, FAMILY_RULES + 4 * FIELD_DPORT, dport) << 16;
  store<u32>(classes, routes);
  store<u32>(classes, source, 4);
  store<u32>(classes, destination, 8);
  store<u32>(classes, ports, 12);
  return true;
}

/** What the last word of a translated packet's key is; UNKNOWN where it has no number yet. `classes` is room to work in. */
function translation(
  family: usize,
  classes: usize,
  mask: u32,
  connection: usize,
  dir: u32,
  saddr: usize,
  daddr: usize,
  l4proto: u32,
  sport: u32,
  dport: u32,
  isIpv4: bool,
  isIcmp: bool,
): i32 {
  // What it becomes is what the other direction answers.
  const other = connection + ((1 - dir) << DIRECTION_SHIFT);
  const from = other + 4 * TUPLE_DADDR;
  const to = other + 4 * TUPLE_SADDR;
  const source: u32 = isIcmp ? sport : load<u32>(other, 4 * TUPLE_DPORT);
  const destination: u32 = isIcmp ? dport : load<u32>(other, 4 * TUPLE_SPORT);
  if (!classify(family, classes, mask, from, to, source, destination, isIpv4)) return UNKNOWN;
  let before: i32 = 0;
  let between: i32 = 0;
  let behind: i32 = 0;
  if ((mask & DEPENDS_ON_CONDITIONS) !== 0) {
    before = conditionsIn(family, saddr, daddr, l4proto, isIcmp ? -1 : sport, isIcmp ? -1 : dport);
    between = conditionsIn(family, saddr, to, l4proto, isIcmp ? -1 : sport, isIcmp ? -1 : destination);
    behind = conditionsIn(family, from, to, l4proto, isIcmp ? -1 : source, isIcmp ? -1 : destination);
    if (before === UNKNOWN_CONDITIONS || between === UNKNOWN_CONDITIONS || behind === UNKNOWN_CONDITIONS)
      return UNKNOWN;
  }
  const combos: usize = load<u32>(family, FAMILY_TRANSLATED);
  const first = comboOf(
    combos,
    load<u32>(classes),
    load<u32>(classes, 4),
    load<u32>(classes, 8),
    load<u32>(classes, 12),
  );
  const second = comboOf(combos, before, between, behind, load<i32>(connection, 4 * C_MASQ_OIF));
  if (first === 0 || second === 0) return UNKNOWN;
  const number = comboOf(combos, first, second, -1, -1);
  return number === 0 ? UNKNOWN : -1 - number;
}

function slotOf(way: u32, what: u32, classes: usize, more: u32): u32 {
  let hash = (way * 0x9e3779b1) ^ (what * 0x85ebca77);
  hash = (rotl<u32>(hash, 13) * 0xc2b2ae3d) ^ load<u32>(classes);
  hash = (rotl<u32>(hash, 13) * 0xc2b2ae3d) ^ load<u32>(classes, 4);
  hash = (rotl<u32>(hash, 13) * 0xc2b2ae3d) ^ load<u32>(classes, 8);
  hash = (rotl<u32>(hash, 13) * 0xc2b2ae3d) ^ load<u32>(classes, 12);
  hash = (rotl<u32>(hash, 13) * 0xc2b2ae3d) ^ more;
  return <u32>mix32(hash) >>> (32 - ENTRY_BITS);
}

/** Neither 0.0.0.0/8, loopback, multicast, nor beyond. */
function isPlain4(word: u32): bool {
  const first = word >>> 24;
  return first !== 0 && first !== 127 && first < 224;
}

/** 2000::/3 or fc00::/7. */
function isPlain6(word: u32): bool {
  return word >>> 29 === 1 || word >>> 25 === 0x7e;
}

/** Partition.classOf, of the partition whose address is at `member` of a family. */
function classIn(family: usize, member: usize, value: u32): u32 {
  const partition: usize = load<u32>(family + member);
  const base = load<u32>(partition, PARTITION_BASE);
  if (load<u32>(partition, PARTITION_LENGTH) === 0 || value < base) return 1;
  const last = load<i32>(partition, PARTITION_LAST_BUCKET);
  const bucket = min<u32>((value - base) >>> load<u32>(partition, PARTITION_SHIFT), last);
  const buckets: usize = load<u32>(partition, PARTITION_BUCKETS) + 4 * bucket;
  const bounds: usize = load<u32>(partition, PARTITION_BOUNDS);
  let low = load<u32>(buckets);
  let high = load<u32>(buckets, 4);
  while (low < high) {
    const middle = (low + high + 1) >>> 1;
    if (load<u32>(bounds + 4 * middle) <= value) low = middle;
    else high = middle - 1;
  }
  return load<u32>(load<u32>(partition, PARTITION_CLASSES) + 4 * low);
}

/** Combos.idOf of the classes of those words of an address that are in `mask`; 0 when it has no number yet. */
function combinedClass(family: usize, combos: usize, partitions: usize, address: usize, mask: u32): u32 {
  const a = (mask & 1) !== 0 ? classIn(family, partitions, load<u32>(address)) : 0;
  const b = (mask & 2) !== 0 ? classIn(family, partitions + 4, load<u32>(address, 4)) : 0;
  const c = (mask & 4) !== 0 ? classIn(family, partitions + 8, load<u32>(address, 8)) : 0;
  const d = (mask & 8) !== 0 ? classIn(family, partitions + 12, load<u32>(address, 12)) : 0;
  return comboOf(load<u32>(family + combos), a, b, c, d);
}

/** The number of the conditions that hold for a packet; UNKNOWN_CONDITIONS where it has none yet. */
function conditionsIn(family: usize, saddr: usize, daddr: usize, l4proto: u32, sport: i32, dport: i32): i32 {
  const conditions: usize = load<u32>(family, FAMILY_CONDITIONS);
  if (conditions === 0) return 0;
  const r = conditions + CONDITIONS_PACKET;
  v128.store(r, v128.load(saddr), 4 * R_SADDR);
  v128.store(r, v128.load(daddr), 4 * R_DADDR);
  store<u32>(r, l4proto, 4 * R_L4PROTO);
  store<i32>(r, sport, 4 * R_SPORT);
  store<i32>(r, dport, 4 * R_DPORT);
  return conditionsOf(conditions);
}
