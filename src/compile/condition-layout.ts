/**
 * How a ConditionSet lies in an arena, for wasm/conditions.ts: byte offsets of its members. The root and the words of its
 * index (chain-index.ts); its boxes; which registers they are about, and how many those are; how many boxes there are; the
 * Combos that number sets of several; room for CONDITION_REGISTERS registers of a packet, and for nodes that are still to be
 * searched.
 */
export const CONDITIONS_ROOT = 0;
export const CONDITIONS_NODES = 4;
export const CONDITIONS_LISTS = 8;
export const CONDITIONS_BOUNDS = 12;
export const CONDITIONS_BOXES = 16;
export const CONDITIONS_REGISTERS = 20;
export const CONDITIONS_REGISTER_COUNT = 24;
export const CONDITIONS_COUNT = 28;
export const CONDITIONS_SETS = 32;
export const CONDITIONS_PACKET = 36;
export const CONDITIONS_PENDING = 84;
/** Where more nodes have to wait, JavaScript searches. */
export const MOST_PENDING = 64;
export const CONDITIONS_BYTES = CONDITIONS_PENDING + 4 * MOST_PENDING;

/** Of a box and one register: the lowest of the values that it allows, and how many there are besides. */
export const BOX_LOW = 0;
export const BOX_MORE = 1;
export const BOX_WORDS = 2;
