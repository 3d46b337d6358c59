/** Passes over columns: the everyday cases of src/direction/director.ts and src/netfilter/quick-columns.loop.ts. */
import {
  AT_CHECKSUM,
  AT_DATA,
  AT_DIRECTION,
  AT_IFACE_ID,
  AT_IFINDEX,
  AT_LENGTH,
  AT_MAC_OFFSET,
  AT_PKT_TYPE,
  AT_PLAIN,
  AT_PORT_ID,
  AT_QUICK,
  AT_RECORD_DIRECTION,
  AT_SIGNATURE,
  AT_SKB_PKT_TYPE,
  AT_SOURCE,
  AT_TOS,
  AT_TTL,
  AT_VLAN,
  AT_WAY,
  DIRECTION_IN,
  DIRECTION_LOOP,
  DIRECTION_OUT,
  DIRECTION_OUTPUT,
  NO_OFFSET,
  PKT_HOST,
  PKT_OTHERHOST,
  PKT_UNKNOWN,
  RECORD_INBOUND,
  RECORD_OUTBOUND,
} from './layout';
import {
  NUMBERS_CHECKSUMS,
  NUMBERS_OPEN,
  NUMBERS_SHIFT,
  NUMBERS_SMALLEST,
  NUMBERS_WAYS,
  NUMBERS_WORDS_SHIFT,
} from './records';

/**
 * Director.sort for rows from `begin` on that came as row `begin` did, whose way is given. Gives the row at which it
 * stopped: it came another way, or only its addresses tell its direction. `told`: DIRECTION_*, or -1; `macHigh`: -1 where the
 * interface has no address.
 */
export function sort(
  batch: usize,
  begin: u32,
  end: u32,
  iface: u32,
  port: u32,
  isLoopback: bool,
  isStrange: bool,
  macHigh: i32,
  macLow: i32,
  told: i32,
): u32 {
  const source: u32 = load<u16>(batch + 2 * begin, AT_SOURCE);
  const vlan: u32 = load<u16>(batch + 2 * begin, AT_VLAN);
  const ifindex = load<u32>(batch + 4 * begin, AT_IFINDEX);
  // The address as six bytes lie in the memory, above two that are shifted out.
  const own = ((<u64>bswap<u16>(<u16>macHigh)) << 16) | ((<u64>bswap<u32>(<u32>macLow)) << 32);
  for (let i = begin; i < end; i++) {
    const p1 = batch + i;
    const p2 = batch + 2 * i;
    const p4 = batch + 4 * i;
    const differs =
      (load<u16>(p2, AT_SOURCE) ^ source) |
      (load<u16>(p2, AT_VLAN) ^ vlan) |
      (load<u32>(p4, AT_IFINDEX) ^ ifindex);
    if (differs !== 0) return i;
    const macOffset = load<u32>(p4, AT_MAC_OFFSET);
    const hasMac = macOffset !== NO_OFFSET && macHigh !== -1;
    const mac = batch + macOffset + AT_DATA;
    let type: u32 = load<u8>(p1, AT_PKT_TYPE);
    const isUnicast = type === PKT_UNKNOWN;
    if (isUnicast) {
      const isOthers = hasMac && !isLoopback && load<u64>(mac) << 16 !== own;
      type = isOthers ? PKT_OTHERHOST : PKT_HOST;
    }
    if (isStrange) type = PKT_OTHERHOST;
    let way: u32 = told;
    if (told < 0) {
      const recorded: u32 = load<u8>(p1, AT_RECORD_DIRECTION);
      if (isLoopback) way = DIRECTION_LOOP;
      else if (recorded === RECORD_INBOUND) way = DIRECTION_IN;
      else if (recorded === RECORD_OUTBOUND) way = DIRECTION_OUT;
      else if (!hasMac) return i;
      else if (load<u64>(mac, 6) << 16 === own) way = DIRECTION_OUT;
      else if (port === 0) way = DIRECTION_IN;
      else return i;
      if (way === DIRECTION_OUT) type = PKT_HOST;
    } else if (told === DIRECTION_OUTPUT && isUnicast) type = PKT_HOST;
    store<u16>(p2, iface, AT_IFACE_ID);
    store<u16>(p2, port, AT_PORT_ID);
    store<u8>(p1, type, AT_SKB_PKT_TYPE);
    store<u8>(p1, way, AT_DIRECTION);
  }
  return end;
}

/**
 * QuickColumns.number for rows from `begin` on. `numbers` is the address of what src/netfilter/quick-columns.loop.ts fills
 * in. Stops at a row that is longer than some MTU, or whose way in has no number among those that are at hand.
 */
export function number(batch: usize, begin: u32, end: u32, numbers: usize, signs: bool): u32 {
  const checksums = load<u32>(numbers, NUMBERS_CHECKSUMS);
  const smallest = load<u32>(numbers, NUMBERS_SMALLEST);
  for (let i = begin; i < end; i++) {
    const p1 = batch + i;
    const p2 = batch + 2 * i;
    const p4 = batch + 4 * i;
    const kind: u32 = load<u8>(p1, AT_PLAIN);
    const isOpen = load<u8>(numbers + kind, NUMBERS_OPEN) & (checksums >>> load<u8>(p1, AT_CHECKSUM)) & 1;
    // DIRECTION_IN and PKT_HOST are 0.
    if (isOpen === 0 || (load<u8>(p1, AT_DIRECTION) | load<u8>(p1, AT_SKB_PKT_TYPE)) !== 0) {
      store<u8>(p1, 0, AT_QUICK);
      continue;
    }
    if (load<u32>(p4, AT_LENGTH) > smallest) return i;
    const port: u32 = load<u16>(p2, AT_PORT_ID);
    const place: u32 = port === 0 ? load<u16>(p2, AT_IFACE_ID) : port;
    const entrance: u32 =
      place | ((<u32>load<u8>(p1, AT_TOS)) << 19) | (load<u8>(p1, AT_TTL) <= 1 ? 1 << 30 : 0);
    const signature: u32 = signs ? load<u32>(p4, AT_SIGNATURE) : 0;
    const hash: u32 = (signature * 0x9e3779b1) ^ (entrance * 0x85ebca77);
    const slot = numbers + ((hash >>> NUMBERS_SHIFT) << NUMBERS_WORDS_SHIFT);
    const way = load<u32>(slot, NUMBERS_WAYS + 8);
    if (
      way === 0 ||
      ((load<u32>(slot, NUMBERS_WAYS) ^ signature) | (load<u32>(slot, NUMBERS_WAYS + 4) ^ entrance)) !== 0
    )
      return i;
    store<u8>(p1, kind, AT_QUICK);
    store<u32>(p4, way, AT_WAY);
  }
  return end;
}
