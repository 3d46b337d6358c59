/** What is written of a packet that is taken: its columns, the counters of its path and of its state. */
import { AT_CTINFO, AT_FAMILY, AT_INVALID_REASON, AT_L4PROTO, AT_PATH } from './layout';
import {
  CONTEXT_ACCOUNTS,
  CONTEXT_PATHS,
  CONTEXT_RECALLED,
  CONTEXT_STATES,
  CT_NEW,
  STATE_COUNT,
  STATE_ESTABLISHED,
  STATE_NEW,
} from './records';

/** Row `i`, of `lengthBytes`, of a connection in state `ctinfo` (ESTABLISHED, NEW, ESTABLISHED in reply), has gone `path`. */
export function countPacket(
  batch: usize,
  i: u32,
  path: u32,
  ctinfo: u32,
  lengthBytes: u32,
  context: usize,
): void {
  addPacket(load<u32>(context, CONTEXT_PATHS), path, lengthBytes);
  const protocol = (load<u8>(batch + i, AT_FAMILY) === 4 ? 0 : 256) + <u32>load<u8>(batch + i, AT_L4PROTO);
  const counter = protocol * STATE_COUNT + (ctinfo === CT_NEW ? STATE_NEW : STATE_ESTABLISHED);
  addPacket(load<u32>(context, CONTEXT_STATES), counter, lengthBytes);
  store<u32>(batch + 4 * i, path, AT_PATH);
  store<u8>(batch + i, ctinfo, AT_CTINFO);
  store<u16>(batch + 2 * i, 0, AT_INVALID_REASON);
}

/** The same of one that a walk of another connection has shown its way. */
export function countRecalled(
  batch: usize,
  i: u32,
  path: u32,
  ctinfo: u32,
  lengthBytes: u32,
  context: usize,
): void {
  store<u32>(context, load<u32>(context, CONTEXT_RECALLED) + 1, CONTEXT_RECALLED);
  countPacket(batch, i, path, ctinfo, lengthBytes, context);
}

/** Accounts for a packet of the connection and direction that `reference` names. */
export function account(reference: u32, lengthBytes: u32, context: usize): void {
  addPacket(load<u32>(context, CONTEXT_ACCOUNTS), reference, lengthBytes);
}

/** Adds a packet to pair `i` of packets and bytes. */
function addPacket(counters: usize, i: u32, lengthBytes: u32): void {
  const at = counters + 16 * i;
  const amount = f64x2.replace_lane(f64x2.splat(1), 1, <f64>lengthBytes);
  v128.store(at, f64x2.add(v128.load(at), amount));
}
