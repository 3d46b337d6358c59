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
  FIELD_DPORT,
  FIELD_SPORT,
  MEMO_ENTRIES,
  MEMO_FAMILY4,
  MEMO_FAMILY6,
  MEMO_KNOWN,
  MEMO_MASK_COUNT,
  MEMO_MASKS,
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
  R_SADDR,
  R_SPORT,
} from './records';

/** Path + 1 and ENTRY_DROPPED for row `i` in state WALK_*; 0 where none is known. */
export function findWalk(batch: usize, i: u32, state: u32, context: usize): u32 {
  const memo: usize = load<u32>(context, CONTEXT_MEMO);
  if (memo === 0) return 0;
  const p4 = batch + 4 * i;
  const way = (load<u32>(p4, AT_WAY) << 2) | state;
  if (way >= load<u32>(memo, MEMO_MASK_COUNT)) return 0;
  const mask: u32 = load<u16>(load<u32>(memo, MEMO_MASKS) + 2 * way);
  if ((mask & MEMO_KNOWN) === 0) return 0;

  const l4proto: u32 = load<u8>(batch + i, AT_L4PROTO);
  const p2 = batch + 2 * i;
  const sport: u32 = load<u16>(p2, AT_SPORT);
  const dport: u32 = load<u16>(p2, AT_DPORT);
  const isIcmp = l4proto === IPPROTO_ICMP || l4proto === IPPROTO_ICMPV6;
  const isIpv4 = load<u8>(batch + i, AT_FAMILY) === 4;
  const family: usize = load<u32>(memo + (isIpv4 ? 0 : MEMO_FAMILY6 - MEMO_FAMILY4), MEMO_FAMILY4);
  if (family === 0) return 0;
  const saddr = batch + 16 * i + AT_SADDR;
  const daddr = batch + 16 * i + AT_DADDR;
  let routes: u32 = 0;
  let source: u32 = 0;
  let destination: u32 = 0;
  if (isIpv4) {
    const from = load<u32>(saddr);
    const to = load<u32>(daddr);
    if (!isPlain4(from) || !isPlain4(to)) return 0;
    routes = classIn(family, FAMILY_ROUTES, from) | (classIn(family, FAMILY_ROUTES + 16, to) << 16);
    if ((mask & 1) !== 0) source = classIn(family, FAMILY_RULES, from);
    if ((mask & 16) !== 0) destination = classIn(family, FAMILY_RULES + 16, to);
  } else {
    if (!isPlain6(load<u32>(saddr)) || !isPlain6(load<u32>(daddr))) return 0;
    const from = combinedClass(family, FAMILY_COMBOS, FAMILY_ROUTES, saddr, 15);
    const to = combinedClass(family, FAMILY_COMBOS + 4, FAMILY_ROUTES + 16, daddr, 15);
    if (from === 0 || to === 0 || from > MOST_CLASSES || to > MOST_CLASSES) return 0;
    routes = from | (to << 16);
    if ((mask & 15) !== 0) {
      source = combinedClass(family, FAMILY_COMBOS + 8, FAMILY_RULES, saddr, mask);
      if (source === 0) return 0;
    }
    if ((mask & 240) !== 0) {
      destination = combinedClass(family, FAMILY_COMBOS + 12, FAMILY_RULES + 16, daddr, mask >>> 4);
      if (destination === 0) return 0;
    }
  }
  let ports: u32 = 0;
  if ((mask & (1 << FIELD_SPORT)) !== 0) ports = classIn(family, FAMILY_RULES + 4 * FIELD_SPORT, sport);
  if ((mask & (1 << FIELD_DPORT)) !== 0)
    ports |= classIn(family, FAMILY_RULES + 4 * FIELD_DPORT, dport) << 16;
  let conditions: i32 = 0;
  if ((mask & DEPENDS_ON_CONDITIONS) !== 0) {
    conditions = conditionsIn(family, saddr, daddr, isIcmp ? -1 : sport, isIcmp ? -1 : dport);
    if (conditions === UNKNOWN_CONDITIONS) return 0;
  }

  const what = l4proto | (isIcmp ? dport << 8 : 0) | ((isIpv4 ? 4 : 6) << 24);
  const slot = slotOf(way, what, routes, source, destination, ports, conditions);
  const entry: usize = load<u32>(memo, MEMO_ENTRIES) + 4 * ENTRY_WORDS * slot;
  const differs =
    (load<u32>(entry) ^ way) |
    (load<u32>(entry, 4) ^ what) |
    (load<u32>(entry, 8) ^ routes) |
    (load<u32>(entry, 12) ^ source) |
    (load<u32>(entry, 16) ^ destination) |
    (load<u32>(entry, 20) ^ ports) |
    (load<u32>(entry, 24) ^ conditions);
  return differs === 0 ? load<u32>(entry, 4 * ENTRY_PATH) : 0;
}

function slotOf(
  way: u32,
  what: u32,
  routes: u32,
  source: u32,
  destination: u32,
  ports: u32,
  conditions: u32,
): u32 {
  let hash = (way * 0x9e3779b1) ^ (what * 0x85ebca77);
  hash = (rotl<u32>(hash, 13) * 0xc2b2ae3d) ^ routes;
  hash = (rotl<u32>(hash, 13) * 0xc2b2ae3d) ^ source;
  hash = (rotl<u32>(hash, 13) * 0xc2b2ae3d) ^ destination;
  hash = (rotl<u32>(hash, 13) * 0xc2b2ae3d) ^ ports;
  hash = (rotl<u32>(hash, 13) * 0xc2b2ae3d) ^ conditions;
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
function conditionsIn(family: usize, saddr: usize, daddr: usize, sport: i32, dport: i32): i32 {
  const conditions: usize = load<u32>(family, FAMILY_CONDITIONS);
  if (conditions === 0) return 0;
  const r = conditions + CONDITIONS_PACKET;
  v128.store(r, v128.load(saddr), 4 * R_SADDR);
  v128.store(r, v128.load(daddr), 4 * R_DADDR);
  store<i32>(r, sport, 4 * R_SPORT);
  store<i32>(r, dport, 4 * R_DPORT);
  return conditionsOf(conditions);
}
