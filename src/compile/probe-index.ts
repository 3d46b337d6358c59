import { mix32 } from '../base/hash.ts';
import { REGISTER_BY_NAME } from '../packet/registers.ts';
import {
  CELL_SHIFT,
  type ChainIndex,
  HASH_TABLE,
  NODE_HASH,
  NODE_RANGES,
  RANGES_LEVELS,
} from './chain-index.ts';
import { findCell } from './search-index.loop.ts';

/** What one search of an index looks at. */
export interface Probes {
  /** Nodes: each is one look at a register of the packet. */
  nodes: number;
  /** Rules in the lists that the search comes to. */
  candidates: number;
}

/**
 * Follows the search of `index` for the packet whose registers are `r` (searchIndex, which must have been asked before:
 * it knows the packet's interfaces then), and adds what it looks at to `probes`.
 */
export function probeIndex(index: ChainIndex, r: Int32Array, probes: Probes): void {
  probe(index, index.root, r, probes);
}

function probe(index: ChainIndex, node: number, r: Int32Array, probes: Probes): void {
  const { nodes } = index;
  if (node === 0) return;
  if (node < 0) {
    probes.candidates += index.lists[-node]!;
    return;
  }
  probes.nodes++;
  const word = r[nodes[node + 1]!]!;
  switch (nodes[node]) {
    case NODE_HASH:
      probe(index, inTable(nodes, node, word), r, probes);
      probe(index, nodes[node + 4]!, r, probes);
      break;
    case NODE_RANGES: {
      const cell = findCell(nodes, index.bounds, node, word >>> 0);
      const levels = cell < 0 ? 0 : nodes[node + 7]!;
      for (let level = 0; level < levels; level++) {
        const at = nodes[node + RANGES_LEVELS + level]!;
        if (at !== 0) probe(index, nodes[at + (cell >> (level * CELL_SHIFT))]!, r, probes);
      }
      probe(index, nodes[node + 8]!, r, probes);
      break;
    }
    default:
      probe(index, index.interfaces[nodes[node + 2]!]!.children[word]!, r, probes);
      probe(index, nodes[node + 3]!, r, probes);
  }
}

/** The node that a hash node has for `word`, 0 when none. */
function inTable(nodes: Int32Array, node: number, word: number): number {
  const key = word & nodes[node + 2]!;
  const mask = nodes[node + 3]!;
  for (let slot = mix32(key) & mask; ; slot = (slot + 1) & mask) {
    const next = nodes[node + HASH_TABLE + 2 * slot + 1]!;
    if (next === 0 || nodes[node + HASH_TABLE + 2 * slot] === key) return next;
  }
}

/** What the index looks at first, and how: `daddr, hash`. */
export function describeIndex({ nodes, root }: ChainIndex): string {
  const kind = nodes[root];
  const how = kind === NODE_HASH ? 'hash' : kind === NODE_RANGES ? 'ranges' : 'names';
  return `${registerName(nodes[root + 1]!)}, ${how}`;
}

/** Name of a register; of an address, whichever of its words it is. */
export function registerName(register: number): string {
  let name = '';
  for (const [one, number] of Object.entries(REGISTER_BY_NAME)) {
    if (number === register) return one;
    const isAddress = one === 'saddr' || one === 'daddr';
    if (isAddress && register > number && register < number + 4) name = one;
  }
  return name;
}
