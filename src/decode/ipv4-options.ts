/** IP options (RFC 791). */
export const OPTION_END = 0;
export const OPTION_NOOP = 1;
const OPTION_RECORD_ROUTE = 7;
const OPTION_TIMESTAMP = 68;
export const OPTION_LOOSE_ROUTE = 131;
export const OPTION_STRICT_ROUTE = 137;
const OPTION_ROUTER_ALERT = 148;

const TIMESTAMP_WITH_ADDRESS = 1;
const TIMESTAMP_PRESPECIFIED = 3;

/**
 * Whether __ip_options_compile() (net/ipv4/ip_options.c) refuses the options data[at, end): then ip_rcv_options()
 * drops the packet, behind PREROUTING. CIPSO options, whose check asks for the host's labels, are taken as good.
 */
export function ipOptionsAreBad(view: DataView, at: number, end: number): boolean {
  /** Options that may come once: a bit each. */
  let seen = 0;
  while (at < end) {
    const type = view.getUint8(at);
    if (type === OPTION_END) return false;
    if (type === OPTION_NOOP) {
      at++;
      continue;
    }
    if (end - at < 2) return true;
    const bytes = view.getUint8(at + 1);
    if (bytes < 2 || bytes > end - at) return true;
    const once = onceBit(type);
    if ((seen & once) !== 0) return true;
    seen |= once;
    if (isBad(view, at, type, bytes)) return true;
    at += bytes;
  }
  return false;
}

function onceBit(type: number): number {
  switch (type) {
    case OPTION_LOOSE_ROUTE:
    case OPTION_STRICT_ROUTE:
      return 1;
    case OPTION_RECORD_ROUTE:
      return 2;
    case OPTION_TIMESTAMP:
      return 4;
    default:
      return 0;
  }
}

/** The option's own rules. Its third byte, where it has one, points (from 1) to the next free place. */
function isBad(view: DataView, at: number, type: number, bytes: number): boolean {
  switch (type) {
    case OPTION_LOOSE_ROUTE:
    case OPTION_STRICT_ROUTE:
      return bytes < 3 || view.getUint8(at + 2) < 4;
    case OPTION_RECORD_ROUTE: {
      if (bytes < 3) return true;
      const pointer = view.getUint8(at + 2);
      return pointer < 4 || (pointer <= bytes && pointer + 3 > bytes);
    }
    case OPTION_TIMESTAMP:
      return bytes < 4 || isBadTimestamp(bytes, view.getUint8(at + 2), view.getUint8(at + 3));
    case OPTION_ROUTER_ALERT:
      return bytes < 4;
    default:
      return false;
  }
}

function isBadTimestamp(bytes: number, pointer: number, overflowAndFlag: number): boolean {
  if (pointer < 5) return true;
  const flag = overflowAndFlag & 15;
  if (pointer > bytes) return flag !== TIMESTAMP_PRESPECIFIED && overflowAndFlag >>> 4 === 15;
  if (pointer + 3 > bytes) return true;
  const withAddress = flag === TIMESTAMP_WITH_ADDRESS || flag === TIMESTAMP_PRESPECIFIED;
  return withAddress && pointer + 7 > bytes;
}
