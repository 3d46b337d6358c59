import type { Packet } from '../packet/packet.ts';
import type { TableName } from '../packet/registers.ts';
import type { Verdict } from '../packet/verdict.ts';
import type { Trail } from './trail.ts';

/** Tables by number, in the order in which a hook consults them. */
export const TABLE_RAW = 0;
export const TABLE_MANGLE = 1;
export const TABLE_NAT = 2;
export const TABLE_FILTER = 3;
export const TABLE_SECURITY = 4;
export const TABLE_NAMES: readonly TableName[] = ['raw', 'mangle', 'nat', 'filter', 'security'];

/**
 * Runs one built-in chain for one packet. Two implementations give the same answers: the linear walker, plain and
 * slow, and the compiled program.
 */
export interface TableRunner {
  /** True when the table has a built-in chain at this hook. */
  has(table: number, hook: number): boolean;
  /**
   * Walks the chain of `table` at `hook`: counters hit go to `trail`, `trail.decider` names who ended it. Gives
   * ACCEPT, DROP, REJECT, STOLEN or QUEUE, never CONTINUE or RETURN. A hotdrop gives DROP with `p.hotdrop` set.
   */
  run(table: number, hook: number, p: Packet, trail: Trail): Verdict;
}
