import type { Batch, Columns } from '../batch/batch.ts';
import {
  CHECKSUM_BAD,
  CHECKSUM_PARTIAL,
  DECODE_BAD_CHAIN,
  DECODE_BAD_IP_OPTIONS,
  DECODE_FRAGMENT,
  DECODE_INTERFACE_CHECK,
  DECODE_L4_SHORT,
  DECODE_OPTIONS,
  PKT_HOST,
} from '../batch/layout.ts';
import type { Sharing } from '../compile/sharing.ts';
import type { ConntrackCore } from '../conntrack/core.ts';
import { C_MARK, C_STATUS, RECORD_SHIFT } from '../conntrack/layout.ts';
import { ROW_NOT_HANDLED, trackRow } from '../conntrack/track-row.ts';
import { DIRECTION_IN } from '../direction/director.ts';
import { IPS_WHOLE_WAY } from '../packet/conntrack-access.ts';
import { IPPROTO_TCP } from '../packet/packet.ts';
import {
  CT_ESTABLISHED,
  CT_ESTABLISHED_REPLY,
  CT_NEW,
  HOOK_PREROUTING,
  R_DECODE_FLAGS,
  R_LENGTH,
  R_PKT_TYPE,
  R_TCP_FLAGS,
  R_TOS,
  R_TTL,
  REGISTER_COUNT,
} from '../packet/registers.ts';
import type { MtuClasses } from './mtu-classes.ts';
import type { PathCache } from './path-cache.ts';
import type { Statistics } from './statistics.ts';

/** `take` says: nothing has been done, the packet goes the long way. */
export const QUICK_NOT = -1;
/** `take` says: conntrack's part is done, and its result is in `state`; the way is not known and must be walked. */
export const QUICK_TRACKED = -2;

/** What needs a closer look than columns allow, or may end a packet's way before its connection is looked at. */
const NOT_QUICK =
  DECODE_FRAGMENT |
  DECODE_INTERFACE_CHECK |
  DECODE_BAD_CHAIN |
  DECODE_BAD_IP_OPTIONS |
  DECODE_OPTIONS |
  DECODE_L4_SHORT;

/**
 * Rows whose cache lines are loaded together ahead of their turn. Look-ups are bound by the memory's latency: one by
 * one, 3 million packets of 200,000 flows spent 13 % of their time waiting in the index alone (limits.md, "three-phase").
 */
export const TOUCH_ROWS = 64;

/**
 * The quick way, which nearly all packets go: a packet that arrives, of a connection that is confirmed, whose path is
 * known. It is taken straight from its columns through conntrack to its path; no Packet is loaded. The answer is the
 * one of the long way (OrderedStage), which takes all that is not for this one.
 */
export class QuickWay {
  readonly #core: ConntrackCore;
  readonly #cache: PathCache;
  readonly #statistics: Statistics;
  readonly #mtus: MtuClasses;
  /** Sharing of the families whose packets may go this way. */
  readonly #sharing4: Sharing | undefined;
  readonly #sharing6: Sharing | undefined;
  /** Bit `c`: packets with the checksum verdict CHECKSUM_c go this way. */
  readonly #checksums: number;
  readonly #r = new Int32Array(REGISTER_COUNT);
  /** Some packets may go this way. */
  readonly isOpen: boolean;
  /** Of the last packet that was not QUICK_NOT: what trackRow said, and the rest of the path's key. */
  state = 0;
  signature = 0;
  entrance = 0;

  /** `sharing4` and `sharing6`: undefined for families that are not tracked, or whose raw table runs before conntrack. */
  constructor(
    core: ConntrackCore,
    cache: PathCache,
    statistics: Statistics,
    mtus: MtuClasses,
    sharing4: Sharing | undefined,
    sharing6: Sharing | undefined,
    checksum: 'auto' | 'verify' | 'trust',
  ) {
    this.#core = core;
    this.#cache = cache;
    this.#statistics = statistics;
    this.#mtus = mtus;
    this.#sharing4 = sharing4;
    this.#sharing6 = sharing6;
    this.isOpen = sharing4 !== undefined || sharing6 !== undefined;
    // Trackers ask only whether a checksum is bad; what the option makes of it is for the long way.
    const notQuick = (1 << CHECKSUM_BAD) | (checksum === 'verify' ? 1 << CHECKSUM_PARTIAL : 0);
    this.#checksums = ~notQuick;
  }

  /** Loads what rows [begin, begin + TOUCH_ROWS) will need. */
  touch(c: Columns, begin: number, count: number): void {
    const end = begin + TOUCH_ROWS < count ? begin + TOUCH_ROWS : count;
    this.#core.table.touchRows(c.tupleHash, begin, end, this.#cache.records);
  }

  /** Path of row `i`, or QUICK_NOT or QUICK_TRACKED. */
  take(c: Columns, batch: Batch, i: number): number {
    const family = c.family[i]!;
    const sharing = family === 4 ? this.#sharing4 : this.#sharing6;
    if (
      sharing === undefined ||
      family === 0 ||
      c.direction[i] !== DIRECTION_IN ||
      c.drop[i] !== 0 ||
      c.skbPktType[i] !== PKT_HOST ||
      (c.decodeFlags[i]! & NOT_QUICK) !== 0 ||
      ((this.#checksums >> c.checksum[i]!) & 1) === 0
    ) {
      return QUICK_NOT;
    }
    const core = this.#core;
    const state = trackRow(core, c, batch.view, i, HOOK_PREROUTING);
    if (state === ROW_NOT_HANDLED) return QUICK_NOT;
    const signature = sharing.looks ? this.#signature(sharing, c, i) : 0;
    const port = c.portId[i]!;
    const entrance = entranceOf(
      port === 0 ? c.ifaceId[i]! : port,
      DIRECTION_IN,
      c.tos[i]!,
      PKT_HOST,
      c.ttl[i]!,
    );
    this.state = state;
    this.signature = signature;
    this.entrance = entrance;
    if (state < 0) return QUICK_TRACKED;
    const ctinfo = state & 7;
    if (!isShared(ctinfo)) return QUICK_TRACKED;
    const at = (state >> 3) << RECORD_SHIFT;
    const { words } = core;
    const status = words[at + C_STATUS]!;
    if ((status & IPS_WHOLE_WAY) !== 0) return QUICK_TRACKED;
    const rest =
      (sharing.readsCtstatus ? status : 0) | (this.#mtus.classOf(c.length[i]!, c.decodeFlags[i]!) << 16);
    const known = this.#cache.connection(state >> 3, ctinfo, signature, entrance, words[at + C_MARK]!, rest);
    if (known < 0) return QUICK_TRACKED;
    this.#statistics.countKnown(family, c.l4proto[i]!, ctinfo === CT_NEW, c.length[i]!);
    return known;
  }

  /** Sharing.signature, of a row. */
  #signature(sharing: Sharing, c: Columns, i: number): number {
    const r = this.#r;
    r[R_TCP_FLAGS] = c.l4proto[i] === IPPROTO_TCP ? c.tcpFlags[i]! : -1;
    r[R_TOS] = c.tos[i]!;
    r[R_TTL] = c.ttl[i]!;
    r[R_PKT_TYPE] = PKT_HOST;
    r[R_DECODE_FLAGS] = c.decodeFlags[i]!;
    r[R_LENGTH] = c.length[i]!;
    return sharing.signature(r);
  }
}

/** Packets of a connection in this state may share a path. */
export function isShared(ctinfo: number): boolean {
  return ctinfo === CT_ESTABLISHED || ctinfo === CT_ESTABLISHED_REPLY || ctinfo === CT_NEW;
}

/**
 * How a packet came in, as one word of the path's key: `place` is its bridge port, or its interface where there is
 * none (16 bits); DIRECTION_* (3), TOS (8), PKT_* (3), and whether its TTL lets it be forwarded.
 */
export function entranceOf(
  place: number,
  direction: number,
  tos: number,
  pktType: number,
  ttl: number,
): number {
  return place | (direction << 16) | (tos << 19) | (pktType << 27) | (ttl <= 1 ? 1 << 30 : 0);
}
