/**
 * QuickWay.take: the everyday packets (quick-way.ts), and in between those that begin a connection (begin.ts), open or close it, or
 * are the first of their kind in it (known.ts).
 */
import { begin } from './begin';
import { takeKnown } from './known';
import { AT_FAMILY, AT_QUICK, AT_REFERENCE, AT_TUPLE_HASH, QUICK_PASSED } from './layout';
import { takeEveryday } from './quick-way';
import { CONTEXT_FLAGS, CONTEXT_INDEX, CONTEXT_MASK, TRACKS4, TRACKS6 } from './records';
import { probe } from './table';

/** Takes rows from `begin` on, which must be located; gives the row at which it stopped, untouched, or `end`. */
export function take(batch: usize, first: u32, end: u32, context: usize): u32 {
  let i = takeEveryday(batch, first, end, context);
  while (i < end && takeOther(batch, i, context)) i = takeEveryday(batch, i + 1, end, context);
  return i;
}

function takeOther(batch: usize, i: u32, context: usize): bool {
  const kind: u32 = load<u8>(batch + i, AT_QUICK);
  if (kind === QUICK_PASSED) return true;
  if (kind === 0) return false;
  const tracks = load<u8>(batch + i, AT_FAMILY) === 4 ? TRACKS4 : TRACKS6;
  if ((load<u32>(context, CONTEXT_FLAGS) & tracks) === 0) return false;
  // Since it was located, its connection may have begun, or ended.
  const index: usize = load<u32>(context, CONTEXT_INDEX);
  const found = probe(index, load<u32>(context, CONTEXT_MASK), load<u32>(batch + 4 * i, AT_TUPLE_HASH));
  if (found < 0) return begin(batch, i, context);
  store<i32>(batch + 4 * i, found, AT_REFERENCE);
  return takeKnown(batch, i, found, context);
}
