import { CHECKSUM_BAD } from '../batch/layout.ts';
import { IPS_ASSURED, IPS_CONFIRMED } from '../packet/conntrack-access.ts';
import { HOOK_PREROUTING, R_CHECKSUM } from '../packet/registers.ts';
import { type ConntrackCore, TRACK_ACCEPT, TRACK_INVALID, type Tracked } from './core.ts';
import {
  INVALID_CAPTURE_CUT,
  INVALID_SCTP_CHUNKS,
  INVALID_SCTP_CRC,
  INVALID_SCTP_NEW,
  INVALID_SCTP_STATE,
  INVALID_SCTP_TAG,
  INVALID_SHORT,
} from './invalid.ts';
import {
  C_SCTP_FLAGS,
  C_SCTP_INIT,
  C_SCTP_LAST_DIR,
  C_SCTP_VTAG,
  C_STATE,
  C_STATUS,
  RECORD_SHIFT,
} from './layout.ts';

/**
 * SCTP: nf_conntrack_sctp_packet() in net/netfilter/nf_conntrack_proto_sctp.c. A packet is a list of chunks; each
 * chunk that manages the association moves its state, after the verification tag has been checked by the rules
 * of RFC 9260, section 8.5.
 */

export const SCTP_NONE = 0;
export const SCTP_CLOSED = 1;
export const SCTP_ESTABLISHED = 4;
const SCTP_INVALID = 9;

/** As conntrack(8) prints them. */
export const SCTP_STATE_NAMES: readonly string[] = [
  'NONE',
  'CLOSED',
  'COOKIE_WAIT',
  'COOKIE_ECHOED',
  'ESTABLISHED',
  'SHUTDOWN_SENT',
  'SHUTDOWN_RECD',
  'SHUTDOWN_ACK_SENT',
  'HEARTBEAT_SENT',
];

const DATA = 0;
const INIT = 1;
const INIT_ACK = 2;
const HEARTBEAT = 4;
const HEARTBEAT_ACK = 5;
const ABORT = 6;
const SHUTDOWN = 7;
const SHUTDOWN_ACK = 8;
const ERROR = 9;
const COOKIE_ECHO = 10;
const COOKIE_ACK = 11;
const SHUTDOWN_COMPLETE = 14;

/** Row of the transition table of a chunk type, -1 for those that change nothing. */
const ROW = new Int8Array(256).fill(-1);
for (const [row, type] of [
  INIT,
  INIT_ACK,
  ABORT,
  SHUTDOWN,
  SHUTDOWN_ACK,
  ERROR,
  COOKIE_ECHO,
  COOKIE_ACK,
  SHUTDOWN_COMPLETE,
  HEARTBEAT,
  HEARTBEAT_ACK,
].entries()) {
  ROW[type] = row;
}

/**
 * A column a state: NONE CLOSED COOKIE_WAIT COOKIE_ECHOED ESTABLISHED SHUTDOWN_SENT SHUTDOWN_RECD
 * SHUTDOWN_ACK_SENT HEARTBEAT_SENT. Digits are the next state, `-` is invalid (sctp_conntracks).
 */
const TABLE: readonly (readonly string[])[] = [
  [
    /* INIT              */ '112341172',
    /* INIT ACK          */ '112345671',
    /* ABORT             */ '111111111',
    /* SHUTDOWN          */ '112355671',
    /* SHUTDOWN ACK      */ '712347777',
    /* ERROR             */ '112345671',
    /* COOKIE ECHO       */ '113345671',
    /* COOKIE ACK        */ '112445671',
    /* SHUTDOWN COMPLETE */ '112345611',
    /* HEARTBEAT         */ '812345678',
    /* HEARTBEAT ACK     */ '112345678',
  ],
  [
    /* INIT              */ '-1234567-',
    /* INIT ACK          */ '-2234567-',
    /* ABORT             */ '-1111111-',
    /* SHUTDOWN          */ '-1236567-',
    /* SHUTDOWN ACK      */ '-1234777-',
    /* ERROR             */ '-1214567-',
    /* COOKIE ECHO       */ '-1334567-',
    /* COOKIE ACK        */ '-1244567-',
    /* SHUTDOWN COMPLETE */ '-1234561-',
    /* HEARTBEAT         */ '-12345678',
    /* HEARTBEAT ACK     */ '-12345674',
  ],
];
const TRANSITIONS = new Uint8Array(2 * 11 * 16);
for (const [dir, rows] of TABLE.entries()) {
  for (const [row, columns] of rows.entries()) {
    for (let state = 0; state < 9; state++) {
      const next = columns[state]!;
      TRANSITIONS[(dir * 11 + row) * 16 + state] = next === '-' ? SCTP_INVALID : Number(next);
    }
  }
}

function nextState(dir: number, state: number, type: number): number {
  const row = ROW[type]!;
  return row < 0 ? state : TRANSITIONS[(dir * 11 + row) * 16 + state]!;
}

const FLAG_T = 1;
const HEARTBEAT_VTAG_FAILED = 1;

/** Which chunk types the packet has, one bit each for types 0..31. Written by basicChecks. */
let present = 0;

function has(type: number): boolean {
  return (present & (1 << type)) !== 0;
}

export function sctpPacket(
  core: ConntrackCore,
  ct: number,
  dir: number,
  r: Int32Array,
  view: DataView,
  l4: number,
  end: number,
  l4Length: number,
  lengthBytes: number,
  hook: number,
): Tracked {
  if (l4Length < 12) return invalid(core, INVALID_SHORT);
  if (hook === HOOK_PREROUTING && core.verifyChecksums && r[R_CHECKSUM] === CHECKSUM_BAD) {
    return invalid(core, INVALID_SCTP_CRC);
  }
  if (l4 + 12 > end) return invalid(core, INVALID_CAPTURE_CUT);
  // Chunks that the capture cuts off are as if they were not there.
  const packetEnd = Math.min(end, l4 + l4Length);
  if (!basicChecks(view, l4 + 12, packetEnd)) return invalid(core, INVALID_SCTP_CHUNKS);

  const w = core.words;
  const at = ct << RECORD_SHIFT;
  if ((w[at + C_STATUS]! & IPS_CONFIRMED) === 0) {
    if (has(ABORT) || has(SHUTDOWN_COMPLETE) || has(COOKIE_ACK) || !begin(w, at, view, l4, packetEnd)) {
      return invalid(core, INVALID_SCTP_NEW);
    }
  }
  const tag = view.getInt32(l4 + 4);
  const tagCheckedLater =
    (1 << INIT) |
    (1 << SHUTDOWN_COMPLETE) |
    (1 << COOKIE_ECHO) |
    (1 << ABORT) |
    (1 << SHUTDOWN_ACK) |
    (1 << HEARTBEAT) |
    (1 << HEARTBEAT_ACK);
  if ((present & tagCheckedLater) === 0 && tag !== w[at + C_SCTP_VTAG + dir]) {
    return invalid(core, INVALID_SCTP_TAG);
  }

  let newState = SCTP_NONE;
  let ignore = false;
  for (let chunk = l4 + 12; chunk + 4 <= packetEnd; chunk += chunkBytes(view, chunk)) {
    const type = view.getUint8(chunk);
    const heartbeat = checkTag(w, at, dir, type, view.getUint8(chunk + 1), tag, has(DATA) || ignore);
    if (heartbeat === TAG_WRONG) return invalid(core, INVALID_SCTP_TAG);
    if (heartbeat === TAG_HEARTBEAT) {
      ignore = true;
      continue;
    }
    const oldState = w[at + C_STATE]!;
    newState = nextState(dir, oldState, type);
    if (newState === SCTP_INVALID) return invalid(core, INVALID_SCTP_STATE);
    if (type === INIT || type === INIT_ACK) {
      if (chunk + 20 > packetEnd) return invalid(core, INVALID_SCTP_CHUNKS);
      const initTag = view.getInt32(chunk + 4);
      const ownInit = at + C_SCTP_INIT + dir;
      const otherInit = at + C_SCTP_INIT + (1 - dir);
      if (type === INIT) {
        if (w[ownInit] !== 0 && w[otherInit] !== 0) w[otherInit] = 0;
        w[ownInit] = 1;
        // An INIT sent again does not let the entry live longer.
        ignore ||=
          newState === SCTP_CLOSED && oldState === SCTP_CLOSED && (w[at + C_STATUS]! & IPS_CONFIRMED) !== 0;
      } else {
        const known = w[at + C_SCTP_VTAG + (1 - dir)]!;
        if (w[otherInit] === 0 && known !== 0 && known !== initTag) return invalid(core, INVALID_SCTP_TAG);
        if (w[ownInit] !== 0 && w[otherInit] !== 0 && known !== initTag)
          return invalid(core, INVALID_SCTP_TAG);
      }
      w[at + C_SCTP_VTAG + (1 - dir)] = initTag;
    }
    w[at + C_STATE] = newState;
    if (oldState !== newState && newState === SCTP_ESTABLISHED) w[at + C_STATUS]! |= IPS_ASSURED;
  }
  if (!ignore) core.refresh(ct, dir, core.timeoutsOf(ct).sctp[newState]!, lengthBytes);
  return TRACK_ACCEPT;
}

/** Bytes from a chunk to the next: its length, rounded up to four. */
function chunkBytes(view: DataView, chunk: number): number {
  return (view.getUint16(chunk + 2) + 3) & ~3;
}

/** do_basic_checks(): chunks that must stand first or alone do, and none is of length 0. */
function basicChecks(view: DataView, first: number, packetEnd: number): boolean {
  present = 0;
  let count = 0;
  let alone = false;
  for (let chunk = first; chunk + 4 <= packetEnd; chunk += chunkBytes(view, chunk)) {
    const type = view.getUint8(chunk);
    if (type === INIT || type === INIT_ACK || type === SHUTDOWN_COMPLETE) alone = true;
    const mustBeFirst = type === COOKIE_ACK || type === COOKIE_ECHO || alone;
    if ((mustBeFirst && count !== 0) || view.getUint16(chunk + 2) === 0) return false;
    if (type < 32) present |= 1 << type;
    count++;
  }
  return count !== 0;
}

/** sctp_new(): the first packet of an association. */
function begin(w: Int32Array, at: number, view: DataView, l4: number, packetEnd: number): boolean {
  const tag = view.getInt32(l4 + 4);
  w.fill(0, at + C_STATE, at + C_SCTP_FLAGS + 1);
  for (let chunk = l4 + 12; chunk + 4 <= packetEnd; chunk += chunkBytes(view, chunk)) {
    const type = view.getUint8(chunk);
    const state = nextState(0, SCTP_NONE, type);
    if (state === SCTP_NONE || state === SCTP_INVALID) return false;
    if (type === INIT) {
      if (tag !== 0 || chunk + 20 > packetEnd) return false;
      w[at + C_SCTP_VTAG + 1] = view.getInt32(chunk + 4);
    } else if (type === HEARTBEAT) {
      w[at + C_SCTP_VTAG] = tag;
    } else if (type === SHUTDOWN_ACK) {
      w[at + C_SCTP_VTAG + 1] = tag;
    }
  }
  return true;
}

const TAG_RIGHT = 0;
const TAG_WRONG = 1;
/** A heartbeat with another tag: passes, and is remembered. */
const TAG_HEARTBEAT = 2;

/** The rules of section 8.5.1 for chunks with verification tags of their own kind. */
function checkTag(
  w: Int32Array,
  at: number,
  dir: number,
  type: number,
  chunkFlags: number,
  tag: number,
  strict: boolean,
): number {
  const own = at + C_SCTP_VTAG + dir;
  const other = at + C_SCTP_VTAG + (1 - dir);
  switch (type) {
    case INIT:
      return tag === 0 ? TAG_RIGHT : TAG_WRONG;
    case ABORT:
    case SHUTDOWN_COMPLETE:
      return tag === w[(chunkFlags & FLAG_T) !== 0 ? other : own] ? TAG_RIGHT : TAG_WRONG;
    case COOKIE_ECHO:
      return tag === w[own] ? TAG_RIGHT : TAG_WRONG;
    case COOKIE_ACK:
      w[at + C_SCTP_INIT] = 0;
      w[at + C_SCTP_INIT + 1] = 0;
      return TAG_RIGHT;
    case HEARTBEAT:
      if (w[own] === 0) {
        w[own] = tag;
      } else if (tag !== w[own]) {
        if (strict) return TAG_WRONG;
        w[at + C_SCTP_FLAGS]! |= HEARTBEAT_VTAG_FAILED;
        w[at + C_SCTP_LAST_DIR] = dir;
        return TAG_HEARTBEAT;
      } else {
        w[at + C_SCTP_FLAGS]! &= ~HEARTBEAT_VTAG_FAILED;
      }
      return TAG_RIGHT;
    case HEARTBEAT_ACK:
      if (w[own] === 0) {
        w[own] = tag;
      } else if (tag !== w[own]) {
        const failed = (w[at + C_SCTP_FLAGS]! & HEARTBEAT_VTAG_FAILED) !== 0;
        if (strict || !failed || w[at + C_SCTP_LAST_DIR] === dir) return TAG_WRONG;
        w[at + C_SCTP_FLAGS]! &= ~HEARTBEAT_VTAG_FAILED;
        w[own] = tag;
        w[other] = 0;
      } else {
        w[at + C_SCTP_FLAGS]! &= ~HEARTBEAT_VTAG_FAILED;
      }
      return TAG_RIGHT;
    default:
      return TAG_RIGHT;
  }
}

function invalid(core: ConntrackCore, reason: number): Tracked {
  core.lastInvalidReason = reason;
  return TRACK_INVALID;
}
