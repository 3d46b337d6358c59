/**
 * How what walk-memo.ts knows lies in an arena, for wasm/memo.ts: byte offsets of the members of its structures, whose
 * addresses are words; and how an entry is made.
 */

/** The memo: its masks, Uint16 by way in and state; how many of them there are; its entries; the classes of each family, 0 for none. */
export const MEMO_MASKS = 0;
export const MEMO_MASK_COUNT = 4;
export const MEMO_ENTRIES = 8;
export const MEMO_FAMILY4 = 12;
export const MEMO_FAMILY6 = 16;
/** Room for the four words of a key from KEY_ROUTES on. */
export const MEMO_SCRATCH = 20;
/** Address of the steps of translation, 0 where there are none for kernels; and a record to work in. */
export const MEMO_STEPS = 36;
export const MEMO_RECORD = 48;
export const MEMO_BYTES = 304;

/** In a mask: a walk has been entered under it. The other bits are DEPENDS_* (compile/dependence.ts). */
export const MEMO_KNOWN = 1 << 15;

/** A family: partitions of the words of both addresses for routing, and of WORD_FIELDS for rules. */
export const FAMILY_ROUTES = 0;
export const FAMILY_RULES = 32;
/** Combos (base/combos.ts) of source and destination for routing, then for rules; of IPv6. */
export const FAMILY_COMBOS = 72;
/** The ConditionSet (compile/condition-layout.ts), 0 for none. */
export const FAMILY_CONDITIONS = 88;
/** Combos that number what packets are translated to: see WalkMemo. */
export const FAMILY_TRANSLATED = 92;
export const FAMILY_BYTES = 96;

/** 2 ^ ENTRY_BITS entries, direct-mapped: KEY_WORDS of key, then the path + 1 and ENTRY_DROPPED. */
export const ENTRY_BITS = 17;
export const ENTRY_WORDS = 8;
export const KEY_WORDS = 7;
/** What addresses and ports stand for, four words; and the conditions that hold, or what a packet is translated to. */
export const KEY_ROUTES = 2;
export const KEY_MORE = 6;
export const ENTRY_PATH = 7;
/** The path ends in a drop: no connection begins. */
export const ENTRY_DROPPED = 1 << 31;
/** In the place of the path: the number of the step by which the translation of the connection begins (translation-steps.ts). */
export const ENTRY_TRANSLATED = 1 << 30;
/** In the place of the path: the number of the fork at which the way splits (netfilter/forks.ts). */
export const ENTRY_FORKS = 1 << 29;

/** Most classes that there may be of what is packed into half a word. */
export const MOST_CLASSES = 0xffff;

/** State of a packet for its walk: of a connection that began before, or the very first of one that does not stand yet. */
export const WALK_ESTABLISHED = 0;
export const WALK_NEW = 1;
export const WALK_REPLY = 2;
export const WALK_FIRST = 3;

/**
 * A step of translation: what is done with the destination, or with the source and then which path is taken. STEP_*
 * bits; path + 1; interface of MASQUERADE; the new port, or -1; and what stays of the address, four words, and what it is
 * exchanged by.
 */
export const STEP_BYTES = 48;
export const STEP_FLAGS = 0;
export const STEP_PATH = 4;
export const STEP_MASQ_OIF = 8;
export const STEP_PORT = 12;
export const STEP_STAYS = 16;
export const STEP_ADDRESS = 32;
/** Kernels may do it. */
export const STEP_PLAIN = 1;
/** It is about the destination; the memo has to be asked again. */
export const STEP_DESTINATION = 2;
