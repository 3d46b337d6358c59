import { describe, expect, it } from 'vitest';
import { allocateBatch, type Batch } from '../../src/batch/batch.ts';
import { ECHO_LINK_BYTES, ECHO_LINK_PACKETS } from '../../src/direction/direction-stage.ts';
import { LookAhead } from '../../src/workers/pipeline.ts';

function batchOf(rows: number): Batch {
  const batch = allocateBatch(1, 64);
  batch.count = rows;
  return batch;
}

describe('batches that wait for their echoes', () => {
  it('wait for so many packets behind them', () => {
    const queue = new LookAhead(true);
    const [a, b, c] = [batchOf(10), batchOf(ECHO_LINK_PACKETS - 1), batchOf(1)];
    queue.push(a, 1);
    queue.push(b, 2);
    expect(queue.next(false)).toBeUndefined();
    queue.push(c, 3);
    expect(queue.next(false)).toBe(a);
    expect(queue.ahead).toEqual([b, c]);
    expect(queue.next(false)).toBeUndefined();
    expect(queue.next(true)).toBe(b);
  });

  it('or for so many bytes', () => {
    const queue = new LookAhead(true);
    const [a, b, c] = [batchOf(1), batchOf(1), batchOf(1)];
    queue.push(a, 1000);
    queue.push(b, 1000 + ECHO_LINK_BYTES - 1);
    expect(queue.next(false)).toBeUndefined();
    queue.push(c, 1000 + ECHO_LINK_BYTES);
    expect(queue.next(false)).toBe(a);
    expect(queue.next(false)).toBeUndefined();
  });

  it('or until there is room for no more, or for nothing where no echoes are sought', () => {
    const few = new LookAhead(true, 2);
    const [a, b] = [batchOf(1), batchOf(1)];
    few.push(a, 1);
    expect(few.next(false)).toBeUndefined();
    few.push(b, 2);
    expect(few.next(false)).toBe(a);
    const none = new LookAhead(false);
    none.push(a, 1);
    expect(none.next(false)).toBe(a);
    expect(none.next(true)).toBeUndefined();
  });
});
