import type { Family } from '../base/inet.ts';
import type { Packet } from '../packet/packet.ts';
import type { RegisterName } from '../packet/registers.ts';
import type { ElementExtensions } from './extension-options.ts';

/** What `create` says of a set. Absent options have the kernel's defaults. */
export interface SetOptions {
  /** 0 for types that serve both families (bitmap:port, list:set, hash:mac): NFPROTO_UNSPEC. */
  readonly family: Family | 0;
  readonly maxelem: number;
  /** Default timeout in seconds, 0 for "stays"; undefined when the set has no timeouts. */
  readonly timeoutSeconds: number | undefined;
  readonly counters: boolean;
  readonly comment: boolean;
  readonly skbinfo: boolean;
  readonly forceadd: boolean;
  /** Four words that addresses are masked with (netmask, bitmask); undefined when they are kept whole. */
  readonly mask: Int32Array | undefined;
  readonly markmask: number;
  /** bitmap types: first and last address (unsigned) or port, and how many addresses an element stands for. */
  readonly first: number;
  readonly last: number;
  readonly hosts: number;
}

/** A comparison of `--packets-*` or `--bytes-*`: struct ip_set_counter_match. */
export interface CounterTest {
  readonly operation: 'eq' | 'ne' | 'lt' | 'gt';
  readonly value: bigint;
}

/** What a rule asks of a set: struct ip_set_adt_opt (include/linux/netfilter/ipset/ip_set.h). */
export interface SetQuery {
  readonly family: Family;
  /** How many `src`/`dst` words the rule has. */
  readonly dimensions: number;
  /** Bit i is set when word i (from 0) is `src`. */
  readonly sources: number;
  readonly exist: boolean;
  /** Seconds for elements that are added; undefined for the set's own. */
  readonly timeoutSeconds: number | undefined;
  readonly returnNomatch: boolean;
  readonly updateCounters: boolean;
  readonly updateSubcounters: boolean;
  readonly packets: CounterTest | undefined;
  readonly bytes: CounterTest | undefined;
}

/** What a test found in the element that matched: opt->ext.skbinfo. */
export interface SkbInfo {
  skbmark: number;
  skbmarkmask: number;
  skbprio: number;
  skbqueue: number;
}

/** A test's answer: 1 in the set, 0 not, NOMATCH when an element with `nomatch` is what was found. */
export const NOMATCH = -1;

/** One set at work: what struct ip_set_type_variant does for packets. */
export interface IpSet {
  readonly name: string;
  readonly typeName: string;
  readonly options: SetOptions;
  /** How many words of a rule the type looks at; a rule with fewer never matches. */
  readonly dimension: number;
  /** The type knows `nomatch`: IPSET_TYPE_NOMATCH. */
  readonly knowsNomatch: boolean;
  /** kadt(IPSET_TEST). `found` is filled where the set has skbinfo. */
  test(p: Packet, query: SetQuery, found: SkbInfo | undefined): number;
  /** kadt(IPSET_ADD) and kadt(IPSET_DEL); true when that succeeded. */
  add(p: Packet, query: SetQuery): boolean;
  del(p: Packet, query: SetQuery): boolean;
  /** Registers that the answer for a rule with these words depends on. */
  reads(sources: number): readonly (RegisterName | 'payload')[];
  /** The set changes by being asked, or by time alone: never the same answer twice for sure. */
  readonly changesByItself: boolean;
  /** Sets that it asks in turn (list:set). */
  readonly members: readonly IpSet[];
  /**
   * `add` and `del` of an ipset dump.
   * @throws SetFault in the words of ipset.
   */
  addText(text: string, extensions: ElementExtensions, exist: boolean): void;
  delText(text: string, exist: boolean): void;
  /** Its elements at time `timeNs` as `ipset save` writes them behind `add NAME`, in no order that means anything. */
  elements(timeNs: number): string[];
  flush(): void;
}

/** Phrases of the kernel's refusals that several types have (lib/errcode.c). */
export const ALREADY_ADDED = "Element cannot be added to the set: it's already added";
export const NOT_ADDED = "Element cannot be deleted from the set: it's not added";
export const NULL_ELEMENT = 'Null-valued element, cannot be stored in a hash type of set';
export const HASH_FULL = 'Hash is full, cannot add more elements';
export const OUT_OF_RANGE = 'Element is out of the range of the set';
