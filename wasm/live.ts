/** Whether a packet is of the connection that the index has named for its hash. */
import { AT_DADDR, AT_DPORT, AT_FAMILY, AT_L4PROTO, AT_SADDR, AT_SPORT, AT_TIME_NS } from './layout';
import { C_TIMEOUT, C_TIMEOUT_POLICY, TUPLE_PROTO, TUPLE_SPORT } from './records';
import { DIRECTION_SHIFT } from './table';

/** Row `i` has the tuple of direction `dir` of the record at `at`, which has not expired and no timeouts of its own. */
export function isLiveOf(batch: usize, i: u32, at: usize, dir: u32): bool {
  const p2 = batch + 2 * i;
  const p16 = batch + 16 * i;
  const tuple = at + (dir << DIRECTION_SHIFT);
  const addresses = v128.or(
    v128.xor(v128.load(tuple), v128.load(p16, AT_SADDR)),
    v128.xor(v128.load(tuple, 16), v128.load(p16, AT_DADDR)),
  );
  // Ports; protocol, family and the default zone: each two words of the tuple.
  const ports = <u64>load<u16>(p2, AT_SPORT) | ((<u64>load<u16>(p2, AT_DPORT)) << 32);
  const proto = <u64>load<u8>(batch + i, AT_L4PROTO) | ((<u64>load<u8>(batch + i, AT_FAMILY)) << 8);
  const others =
    (load<u64>(tuple, 4 * TUPLE_SPORT) ^ ports) |
    (load<u64>(tuple, 4 * TUPLE_PROTO) ^ proto) |
    <u64>load<u32>(at, 4 * C_TIMEOUT_POLICY);
  const isLive = load<f64>(at, 4 * C_TIMEOUT) > load<f64>(batch + 8 * i, AT_TIME_NS);
  return !v128.any_true(addresses) && others === 0 && isLive;
}
