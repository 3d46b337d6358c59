import type { Packet } from './packet.ts';

/** The bytes as they would be now: see Packet. */
export function currentBytes(p: Packet): Uint8Array {
  return p.bytes;
}
