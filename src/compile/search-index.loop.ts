import { mix32 } from '../base/hash.ts';
import {
  CELL_SHIFT,
  type ChainIndex,
  HASH_TABLE,
  NODE_HASH,
  NODE_RANGES,
  RANGES_LEVELS,
  UNKNOWN_INTERFACE,
} from './chain-index.ts';

/** Nodes that are still to be searched. Shared by all searches, which do not nest. */
let pending = new Int32Array(64);

/** What `searchIndex` says when the index has grown meanwhile: there may be more lists than before; search again. */
export const INDEX_GREW = -1;

/**
 * Searches the index for the packet whose registers are `r`. Writes a pair of words for each list of candidates to
 * `out` from `at` on, `index.maxLists` pairs at most: its begin and end in `lists`. Gives the word behind the last of them,
 * or INDEX_GREW. The layout of nodes is in chain-index.ts.
 */
export function searchIndex(index: ChainIndex, r: Int32Array, out: Int32Array, at: number): number {
  const { nodes, lists } = index;
  let waiting = 0;
  let node = index.root;
  for (;;) {
    if (node < 0) {
      out[at] = 1 - node;
      out[at + 1] = 1 - node + lists[-node]!;
      at += 2;
      node = 0;
    }
    if (node === 0) {
      if (waiting === 0) return at;
      node = pending[--waiting]!;
      continue;
    }
    const word = r[nodes[node + 1]!]!;
    let rest: number;
    let next: number;
    const kind = nodes[node]!;
    if (kind === NODE_HASH) {
      const key = word & nodes[node + 2]!;
      const mask = nodes[node + 3]!;
      rest = nodes[node + 4]!;
      let slot = mix32(key) & mask;
      for (;;) {
        next = nodes[node + HASH_TABLE + 2 * slot + 1]!;
        if (next === 0 || nodes[node + HASH_TABLE + 2 * slot] === key) break;
        slot = (slot + 1) & mask;
      }
    } else if (kind === NODE_RANGES) {
      rest = nodes[node + 8]!;
      const levels = nodes[node + 7]!;
      let cell = findCell(nodes, index.bounds, node, word >>> 0);
      next = 0;
      if (cell >= 0) {
        if (waiting + levels >= pending.length) pending = grow(pending);
        const first = nodes[node + RANGES_LEVELS]!;
        if (first !== 0) next = nodes[first + cell]!;
        for (let level = 1; level < levels; level++) {
          cell >>= CELL_SHIFT;
          const levelAt = nodes[node + RANGES_LEVELS + level]!;
          if (levelAt === 0) continue;
          const above = nodes[levelAt + cell]!;
          if (above !== 0) pending[waiting++] = above;
        }
      }
    } else {
      rest = nodes[node + 3]!;
      const { children } = index.interfaces[nodes[node + 2]!]!;
      next = word < children.length ? children[word]! : UNKNOWN_INTERFACE;
      if (next === UNKNOWN_INTERFACE) {
        index.builder.addInterface(index, nodes[node + 2]!, word);
        return INDEX_GREW;
      }
    }
    if (rest !== 0) {
      if (waiting === pending.length) pending = grow(pending);
      pending[waiting++] = rest;
    }
    node = next;
  }
}

/** Number of the cell that `word` lies in; -1 below the first bound. */
export function findCell(nodes: Int32Array, bounds: Uint32Array, node: number, word: number): number {
  const base = nodes[node + 3]! >>> 0;
  if (word < base) return -1;
  const buckets = nodes[node + 4]!;
  const bucketsAt = nodes[node + 5]!;
  const boundsAt = nodes[node + 6]!;
  let bucket = (word - base) >>> nodes[node + 2]!;
  if (bucket >= buckets) bucket = buckets - 1;
  let low = nodes[bucketsAt + bucket]!;
  let high = nodes[bucketsAt + bucket + 1]!;
  while (low < high) {
    const middle = (low + high + 1) >>> 1;
    if (bounds[boundsAt + middle]! <= word) low = middle;
    else high = middle - 1;
  }
  return low;
}

function grow(from: Int32Array): Int32Array<ArrayBuffer> {
  const to = new Int32Array(2 * from.length);
  to.set(from);
  return to;
}
