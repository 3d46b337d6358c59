import { type Ring, SLOT_DECODED, SLOT_FREE } from '../batch/ring.ts';

/**
 * For the thread that has just read batch `sequence`: decodes it, which is still in this processor's caches, unless the thread that
 * replays is waiting for it. `decode` is given the slot.
 */
export function decodeAhead(ring: Ring, sequence: number, decode: (slot: number) => void): void {
  if (sequence > 0 && ring.state(ring.slotOf(sequence - 1)) === SLOT_FREE) return;
  const claimed = ring.tryClaim();
  if (claimed < 0) return;
  const slot = ring.slotOf(claimed);
  decode(slot);
  ring.hand(slot, SLOT_DECODED);
}

/** For the thread that replays: waits until batch `sequence` is decoded, and decodes meanwhile what nobody does. False when it never comes. */
export function waitDecoding(ring: Ring, sequence: number, decode: (slot: number) => void): boolean {
  if (!ring.waitForRead(sequence)) return false;
  while (ring.state(ring.slotOf(sequence)) !== SLOT_DECODED) {
    const claimed = ring.tryClaim();
    if (claimed < 0) break;
    const slot = ring.slotOf(claimed);
    decode(slot);
    ring.hand(slot, SLOT_DECODED);
  }
  // What nobody has claimed is none of those that have been read.
  return ring.waitForDecoded(sequence);
}
