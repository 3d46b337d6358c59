import { describe, expect, it } from 'vitest';
import { Ring, SLOT_DECODED, SLOT_FREE, SLOT_READ } from '../../src/batch/ring.ts';

describe('the ring', () => {
  it('lets each batch that has been read be claimed once, in order', () => {
    const ring = Ring.allocate(4);
    expect(ring.tryClaim()).toBe(-1);
    for (let sequence = 0; sequence < 4; sequence++) ring.handRead(sequence);
    expect([ring.tryClaim(), ring.claim(), ring.tryClaim(), ring.tryClaim()]).toEqual([0, 1, 2, 3]);
    // Batch 4 lies in the slot of batch 0, which is still being decoded: it has not been read.
    expect(ring.state(ring.slotOf(4))).toBe(SLOT_READ);
    expect(ring.tryClaim()).toBe(-1);
    ring.hand(0, SLOT_DECODED);
    ring.hand(0, SLOT_FREE);
    ring.handRead(4);
    expect(ring.tryClaim()).toBe(4);
  });

  it('waits for what has been read, not for what a slot says', () => {
    const ring = Ring.allocate(2);
    ring.handRead(0);
    ring.handRead(1);
    expect(ring.waitForRead(1)).toBe(true);
    // Batch 2 never comes, though its slot says SLOT_READ of batch 0.
    ring.finish(2);
    expect(ring.waitForRead(2)).toBe(false);
    ring.hand(1, SLOT_DECODED);
    expect(ring.waitForDecoded(1)).toBe(true);
  });
});
