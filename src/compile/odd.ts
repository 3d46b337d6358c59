import { DECODE_BAD_CHAIN, DECODE_FRAGMENT, DECODE_L4_SHORT } from '../batch/layout.ts';
import { R_DECODE_FLAGS } from '../packet/registers.ts';

const ODD = DECODE_BAD_CHAIN | DECODE_FRAGMENT | DECODE_L4_SHORT;

/**
 * Packets that walk rule by rule and share their way with no other: those that a match may have dropped because it
 * cannot judge them (hotdrop) - a broken IPv6 header chain, an end within the transport header, an IPv4 fragment at
 * offset 8 - since the first rule that looks drops them, whatever it looks for; and fragments, which may have to
 * wait for the others of their packet on the way.
 */
export function isOdd(r: Int32Array): boolean {
  return (r[R_DECODE_FLAGS]! & ODD) !== 0;
}
