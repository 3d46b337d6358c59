import type { InterfaceTest } from '../evaluate/runtime.ts';
import type { IndexBuilder } from './build-index.ts';
import type { RuleKey } from './rule-keys.ts';

/**
 * The index of a chain: which of its rules could match a packet at all, in order, without trying the others.
 *
 * It is a tree. A node looks at one register and sends the packet to a smaller set of rules: those whose ranges of the
 * register hold its word. Rules that say nothing of the register stand in the node's *rest*, which is searched as
 * well, by other registers. Where too few rules are left for another look to pay, a leaf lists them. So a search
 * ends with a few ascending lists (one, most often), which the walk merges as it needs them: a rule that ends the
 * walk ends the merge. Non-terminating rules, jumps and returns need nothing special: a walk goes on behind them.
 *
 * Which register a node looks at is decided by its own rules (build-index.ts): the one that leaves the fewest
 * candidates for a packet that is meant for one of them. 10,000 rules `-d A -p tcp --dport P` get one hash table of
 * addresses, whatever else they say; port ranges one on top of the other get a sorted list of bounds.
 *
 *   node > 0   words of `nodes` from there on:
 *     HASH    register mask tableMask rest  (key node)*         word & mask is looked up, linear probing; node 0: free
 *     RANGES  register shift base buckets bucketsAt boundsAt levels rest (levelAt)*
 *     IFACE   register number rest                               by interface id: `interfaces[number]`
 *   node < 0   a leaf: lists[-node] is how many rules there are, and the rules follow
 *   node = 0   no rule
 *
 * RANGES cuts the register's values at every bound of a rule's range; between two bounds lies a *cell*. A range that
 * covers many cells would stand in many lists; so eight cells make one of the next level, eight of those one of the
 * level above, and a range stands in the largest cells that it covers: in 14 a level at most. A search finds the cell
 * by the highest bits (buckets) and bisection, and goes on in that cell and in those above it.
 *
 * What is indexed stays the same while a table is walked (rule-keys.ts), so that one search on entry is enough.
 */
export const NODE_HASH = 1;
export const HASH_TABLE = 5;
export const NODE_RANGES = 2;
export const RANGES_LEVELS = 9;
export const NODE_IFACE = 3;

/** Cells that make one of the next level, as a power of two. */
export const CELL_SHIFT = 3;

/** Shorter chains are walked as they stand: a search costs as much as a few rules. */
export const MIN_INDEXED_RULES = 8;

/** Of a node by interface: the rules, and what is known of interfaces that packets came by. */
export interface InterfaceNode {
  readonly rules: Int32Array;
  /** Which field the node looks at, and (as bits) those that the nodes above it have looked at. */
  readonly field: number;
  readonly decided: number;
  /** Into how many lists a rule may be put, on average. */
  readonly room: number;
  /** Node by interface id, UNKNOWN_INTERFACE where none was asked for yet. */
  children: Int32Array;
}

export const UNKNOWN_INTERFACE = -0x80000000;

/** What is known of one rule: its keys, and the names of interfaces that it asks for. */
export interface IndexedRule {
  readonly keys: readonly RuleKey[];
  readonly inInterface: InterfaceTest | undefined;
  readonly outInterface: InterfaceTest | undefined;
  /** DEPENDS_*: what its keys are about. */
  readonly depends: number;
}

/** The index, ready for searches (search-index.loop.ts). */
export interface ChainIndex {
  /** Goes on building when packets come by an interface that was not seen before. */
  readonly builder: IndexBuilder;
  readonly root: number;
  /** Rules 0 … head - 1 are in no list: they are tried before the index is asked, since they often end the way. */
  readonly head: number;
  readonly interfaces: readonly InterfaceNode[];
  nodes: Int32Array;
  lists: Int32Array;
  bounds: Uint32Array;
  /** DEPENDS_*: what a search looks at. */
  readonly depends: number;
  /** Lists that a search gives at most. */
  maxLists: number;
}
