import { DECODE_BAD_CHAIN, DECODE_L4_SHORT } from '../batch/layout.ts';
import { R_DECODE_FLAGS, R_FRAG_OFFSET } from '../packet/registers.ts';

/**
 * Packets that a match may have dropped because it cannot judge them (hotdrop): those with a broken IPv6 header chain,
 * those that end within their transport header, and later fragments (tcp drops an IPv4 one at offset 8). The first
 * rule that looks drops them, whatever it looks for, so neither an index nor tests on registers nor the path of
 * another packet can stand for their walk: they walk rule by rule.
 */
export function isOdd(r: Int32Array): boolean {
  return (r[R_DECODE_FLAGS]! & (DECODE_BAD_CHAIN | DECODE_L4_SHORT)) !== 0 || r[R_FRAG_OFFSET] !== 0;
}
