import type { Batch } from '../batch/batch.ts';
import { PLAIN_ECHO4, PLAIN_ECHO6, PLAIN_TCP4, PLAIN_TCP6, QUICK_PASSED } from '../batch/layout.ts';
import type { Sharing } from '../compile/sharing.ts';
import type { ConntrackCore } from '../conntrack/core.ts';
import { INVALID_NONE } from '../conntrack/invalid.ts';
import {
  C_MARK,
  C_STATE,
  C_STATUS,
  C_TCP_LAST,
  C_TCP_LAST_ACK,
  C_TCP_LAST_END,
  C_TCP_LAST_SEQ,
  C_TCP_LAST_WIN,
  C_TCP_SEEN,
  C_TIMEOUT,
  C_TIMEOUT_POLICY,
  C_UDP_STREAM,
  C_WAYS_MARK,
  C_WAYS_STATUS,
  RECORD_SHIFT,
  SEEN_END,
  SEEN_FLAGS,
  SEEN_MAXACK,
  SEEN_MAXEND,
  SEEN_MAXWIN,
  TCP_SEEN_WORDS,
  TUPLE_ZONE,
} from '../conntrack/layout.ts';
import { Locator, REFERENCE_UNKNOWN } from '../conntrack/locate.loop.ts';
import { FLAG_DATA_UNACKNOWLEDGED, FLAG_MAXACK_SET, FLAG_SACK_PERM } from '../conntrack/tcp-options.ts';
import { TCP_ACK_SET, TCP_ESTABLISHED } from '../conntrack/tcp-states.ts';
import { MAX_ACK_WINDOW } from '../conntrack/tcp-window.ts';
import { TCP_TIMEOUT_RETRANS, TCP_TIMEOUT_UNACK } from '../conntrack/timeouts.ts';
import { ROW_NOT_HANDLED, trackRow } from '../conntrack/track-row.ts';
import {
  IPS_ASSURED,
  IPS_CONFIRMED,
  IPS_DYING,
  IPS_EXPECTED,
  IPS_FIXED_TIMEOUT,
  IPS_NAT_CLASH,
  IPS_SEEN_REPLY,
  IPS_TEMPLATE,
  IPS_WHOLE_WAY,
  TUPLE_DPORT,
  TUPLE_PROTO,
  TUPLE_SPORT,
} from '../packet/conntrack-access.ts';
import { CT_ESTABLISHED, CT_ESTABLISHED_REPLY, CT_NEW, HOOK_PREROUTING } from '../packet/registers.ts';
import { wayPair } from './path-cache.ts';
import type { PathTable } from './path-table.ts';
import { QuickKernels, type QuickKernelsParts } from './quick-kernels.ts';
import { STATE_COUNT, STATE_ESTABLISHED, STATE_NEW, type Statistics } from './statistics.ts';

/** Rows that are located together, and then taken: their records stay in the cache so long. */
export const BLOCK_ROWS = 128;

/** Why `take` stopped at a row: nothing of it has been done, it goes the long way. */
export const STOPPED_UNTOUCHED = 0;
/** Conntrack's part is done, and its result is in `state`; the way is not known and must be walked. */
export const STOPPED_TRACKED = 1;

/** Of these status bits, a connection whose packets are taken here has IPS_CONFIRMED alone. */
const STATUS_GATE = IPS_CONFIRMED | IPS_DYING | IPS_TEMPLATE | IPS_FIXED_TIMEOUT | IPS_WHOLE_WAY;
/** One that was expected is RELATED until it is answered. */
const STATUS_EXPECTED_GATE = STATUS_GATE | IPS_EXPECTED;
/** And a TCP connection in full swing has these as well. */
const STATUS_TCP_GATE = STATUS_GATE | IPS_SEEN_REPLY | IPS_ASSURED;
const STATUS_TCP = IPS_CONFIRMED | IPS_SEEN_REPLY | IPS_ASSURED;

/**
 * The quick way, which nearly all packets go: a packet that arrives, of a connection that is confirmed, whose path is
 * known. Rows are taken straight from their columns through conntrack to their path; no Packet is loaded. Which packets may go this
 * way, and the part of their path's key that they tell themselves: quick-columns.loop.ts.
 *
 * A block of rows is located first (conntrack/locate.loop.ts), so that their misses overlap; then it is taken row by row:
 * is it this connection? its tracker, its path, the counters.
 *
 * The loop has the everyday cases written out: a TCP segment that has no flag but ACK (and PSH, ECN) in an established,
 * assured connection and lies inside the window on all four sides; UDP; echoes. Every other TCP segment goes to
 * trackRow (conntrack/track-row.ts), and what even that does not handle stops the loop and goes the long way
 * (OrderedStage). The answer is that of the long way always; the tests hold one against the other.
 *
 * Invariant: since a row was located, others may have gone the long way, and entries may have come and gone; so its
 * `reference` is a guess, believed only when the record has the row's tuple and is confirmed.
 */
export class QuickWay {
  readonly #core: ConntrackCore;
  readonly #paths: PathTable;
  readonly #statistics: Statistics;
  /** Sharing of the families whose packets may go this way. */
  readonly #sharing4: Sharing | undefined;
  readonly #sharing6: Sharing | undefined;
  readonly #locator: Locator;
  readonly #kernels: QuickKernels | undefined;
  /** Raw runs before conntrack: packets may take a known way, but no packet may be tracked here that does not. */
  readonly #rawFirst4: boolean;
  readonly #rawFirst6: boolean;
  /** Some packets may go this way. */
  readonly isOpen: boolean;
  /** Of the row at which `take` stopped: STOPPED_*, and what trackRow said. */
  stopped: number = STOPPED_UNTOUCHED;
  state = 0;

  constructor(parts: QuickKernelsParts) {
    const { conntrack, sharing, rawFirst } = parts;
    this.#rawFirst4 = rawFirst[4] === true;
    this.#rawFirst6 = rawFirst[6] === true;
    this.#kernels = QuickKernels.in(conntrack.arena, parts);
    this.#core = conntrack.core;
    this.#locator = new Locator(conntrack.core.table);
    this.#paths = parts.paths;
    this.#statistics = parts.statistics;
    this.#sharing4 = sharing[4];
    this.#sharing6 = sharing[6];
    this.isOpen = sharing[4] !== undefined || sharing[6] !== undefined;
  }

  /** Packets of those taken whose way a walk of another connection told. */
  get recalled(): number {
    return this.#kernels?.recalled ?? 0;
  }

  /** Readies rows [begin, end), at most BLOCK_ROWS, for `take`. */
  locate(batch: Batch, begin: number, end: number): void {
    const kernels = this.#kernels;
    if (kernels?.takes(batch) === true) kernels.locate(batch, begin, end);
    else this.#locator.locate(batch.columns, begin, end);
  }

  /**
   * Takes rows from `begin` on, which must be located, and writes their `path`, `ctinfo` and `invalidReason`. Gives the
   * row at which it stopped (see `stopped`), or `end`.
   */
  take(batch: Batch, begin: number, end: number): number {
    const kernels = this.#kernels;
    if (kernels?.takes(batch) !== true) return this.#take(batch, begin, end);
    for (let i = begin; ; i++) {
      i = kernels.take(batch, i, end);
      if (i === end || this.#take(batch, i, i + 1) === i) return i;
    }
  }

  /** The same, row by row, and all that the kernels do not know. */
  #take(batch: Batch, begin: number, end: number): number {
    const c = batch.columns;
    const core = this.#core;
    const [rawFirst4, rawFirst6] = [this.#rawFirst4, this.#rawFirst6];
    const { words, floats, acct } = core;
    const {
      tcp: tcpTimeouts,
      udp: udpTimeout,
      udpStream,
      icmp: icmpTimeout,
      icmpv6: icmpv6Timeout,
    } = core.timeouts;
    const established = tcpTimeouts[TCP_ESTABLISHED]!;
    const retransTimeout = Math.min(established, tcpTimeouts[TCP_TIMEOUT_RETRANS]!);
    const unackTimeout = Math.min(established, tcpTimeouts[TCP_TIMEOUT_UNACK]!);
    const { tcpMaxRetrans } = core;
    const { counts } = this.#paths;
    const { counts: stateCounts } = this.#statistics;
    const reads4 = this.#sharing4?.readsCtstatus === true;
    const reads6 = this.#sharing6?.readsCtstatus === true;
    const { quick, family, l4proto, saddr, daddr, sport, dport, timeNs, length, path, ctinfo } = c;
    const {
      tcpFlags,
      tcpSeq,
      tcpAck,
      payloadBytes,
      tcpSack,
      tcpWindow,
      way,
      invalidReason,
      reference: references,
    } = c;
    for (let i = begin; i < end; i++) {
      const kind = quick[i]!;
      if (kind === QUICK_PASSED) continue;
      if (kind === 0 || (family[i] === 4 ? rawFirst4 : rawFirst6)) {
        this.stopped = STOPPED_UNTOUCHED;
        return i;
      }
      const reference = references[i]!;
      const proto = l4proto[i]! | (family[i]! << 8);
      const isIpv4 = family[i] === 4;
      const now = timeNs[i]!;
      const bytesOfPacket = length[i]!;
      let ct = reference >> 1;
      const dir = reference & 1;
      let at = ct << RECORD_SHIFT;
      let reason = INVALID_NONE;
      // The state of the packet, CT_*, or -1 while it is not known.
      let state = -1;
      const tuple = at + (dir << 4);
      const a = 4 * i;
      if (
        reference > REFERENCE_UNKNOWN &&
        words[tuple] === saddr[a] &&
        words[tuple + 4] === daddr[a] &&
        words[tuple + TUPLE_SPORT] === sport[i] &&
        words[tuple + TUPLE_DPORT] === dport[i] &&
        words[tuple + TUPLE_PROTO] === proto &&
        words[tuple + TUPLE_ZONE] === 0 &&
        floats[(at + C_TIMEOUT) >> 1]! > now &&
        words[at + C_TIMEOUT_POLICY] === 0 &&
        (isIpv4 || sameAddressTails(words, tuple, saddr, daddr, a))
      ) {
        const status = words[at + C_STATUS]!;
        if (kind === PLAIN_TCP4 || kind === PLAIN_TCP6) {
          if (
            (tcpFlags[i]! & KIND_FLAGS) === ACK &&
            (status & STATUS_TCP_GATE) === STATUS_TCP &&
            words[at + C_STATE] === TCP_ESTABLISHED
          ) {
            // tcp-window.ts and tcp.ts, where they come out at WINDOW_ACCEPT and TRACK_ACCEPT without a change of state.
            const sender = at + C_TCP_SEEN + dir * TCP_SEEN_WORDS;
            const receiver = at + C_TCP_SEEN + (1 - dir) * TCP_SEEN_WORDS;
            const seq = tcpSeq[i]! | 0;
            const ack = tcpAck[i]! | 0;
            const segmentEnd = (seq + payloadBytes[i]!) | 0;
            const sack = (words[receiver + SEEN_FLAGS]! & FLAG_SACK_PERM) !== 0 ? tcpSack[i]! : ack;
            const senderEnd = words[sender + SEEN_END]!;
            const senderMaxEnd = words[sender + SEEN_MAXEND]!;
            const senderMaxWin = words[sender + SEEN_MAXWIN]!;
            const receiverEnd = words[receiver + SEEN_END]!;
            const receiverMaxWin = words[receiver + SEEN_MAXWIN]!;
            const ackWindow = senderMaxWin > MAX_ACK_WINDOW ? senderMaxWin : MAX_ACK_WINDOW;
            if (
              senderMaxWin > 0 &&
              receiverMaxWin >= 0 &&
              ((seq - senderMaxEnd - 1) | 0) < 0 &&
              ((sack - receiverEnd - 1) | 0) < 0 &&
              (receiverMaxWin === 0 || ((senderEnd - receiverMaxWin - 1 - segmentEnd) | 0) < 0) &&
              ((receiverEnd - ackWindow - 1 - sack) | 0) < 0
            ) {
              let flags = words[sender + SEEN_FLAGS]!;
              const window = tcpWindow[i]!;
              const win = window << (flags >> 8);
              const offered = (win + sack - ack) | 0;
              if (senderMaxWin >>> 0 < offered >>> 0) words[sender + SEEN_MAXWIN] = offered;
              if (((senderEnd - segmentEnd) | 0) < 0) {
                words[sender + SEEN_END] = segmentEnd;
                flags |= FLAG_DATA_UNACKNOWLEDGED;
              }
              if ((flags & FLAG_MAXACK_SET) === 0 || ((words[sender + SEEN_MAXACK]! - ack) | 0) < 0) {
                words[sender + SEEN_MAXACK] = ack;
                flags |= FLAG_MAXACK_SET;
              }
              words[sender + SEEN_FLAGS] = flags;
              if (receiverMaxWin !== 0 && ((senderMaxEnd - segmentEnd) | 0) < 0) {
                words[receiver + SEEN_MAXWIN] = (receiverMaxWin + segmentEnd - senderMaxEnd) | 0;
              }
              if (((words[receiver + SEEN_MAXEND]! - 1 - sack - win) | 0) < 0) {
                words[receiver + SEEN_MAXEND] = (sack + win + (win === 0 ? 1 : 0)) | 0;
              }
              let receiverFlags = words[receiver + SEEN_FLAGS]!;
              if (ack === receiverEnd) {
                receiverFlags &= ~FLAG_DATA_UNACKNOWLEDGED;
                words[receiver + SEEN_FLAGS] = receiverFlags;
              }
              const last = words[at + C_TCP_LAST]!;
              const lastWindow = words[at + C_TCP_LAST_WIN]!;
              let retransmissions = 0;
              if (
                words[at + C_TCP_LAST_SEQ] === seq &&
                ((last >> 8) & 255) === dir &&
                words[at + C_TCP_LAST_ACK] === ack &&
                words[at + C_TCP_LAST_END] === segmentEnd &&
                (lastWindow & 0xffff) === window
              ) {
                // An unsigned byte in the kernel: the 256th begins at 0 again.
                retransmissions = ((last >> 16) + 1) & 255;
              } else {
                words[at + C_TCP_LAST_SEQ] = seq;
                words[at + C_TCP_LAST_ACK] = ack;
                words[at + C_TCP_LAST_END] = segmentEnd;
                words[at + C_TCP_LAST_WIN] = (lastWindow & ~0xffff) | window;
              }
              words[at + C_TCP_LAST] = TCP_ACK_SET | (dir << 8) | (retransmissions << 16);
              floats[(at + C_TIMEOUT) >> 1] =
                now +
                (retransmissions >= tcpMaxRetrans
                  ? retransTimeout
                  : ((flags | receiverFlags) & FLAG_DATA_UNACKNOWLEDGED) !== 0
                    ? unackTimeout
                    : window === 0
                      ? retransTimeout
                      : established);
              state = dir === 1 ? CT_ESTABLISHED_REPLY : CT_ESTABLISHED;
            }
          }
        } else if ((status & STATUS_EXPECTED_GATE) === IPS_CONFIRMED) {
          // udp.ts; icmp.ts.
          const isAnswered = (status & IPS_SEEN_REPLY) !== 0;
          let after = status;
          if (kind === PLAIN_ECHO4 || kind === PLAIN_ECHO6) {
            // A connection that an answer began is refused.
            if (words[at + TUPLE_DPORT]! >> 8 === (isIpv4 ? ECHO_REQUEST : ECHO_REQUEST6)) {
              floats[(at + C_TIMEOUT) >> 1] = now + (isIpv4 ? icmpTimeout : icmpv6Timeout);
              state = CT_NEW;
            }
          } else {
            const isStream = isAnswered && now > floats[(at + C_UDP_STREAM) >> 1]!;
            floats[(at + C_TIMEOUT) >> 1] = now + (isStream ? udpStream : udpTimeout);
            if (isStream && (status & IPS_NAT_CLASH) === 0) after |= IPS_ASSURED;
            state = CT_NEW;
          }
          if (state >= 0) {
            if (dir === 1) {
              after |= IPS_SEEN_REPLY;
              state = CT_ESTABLISHED_REPLY;
            } else if (isAnswered) state = CT_ESTABLISHED;
            if (after !== status) words[at + C_STATUS] = after;
          }
        }
        if (acct && state >= 0) core.account(ct, dir, bytesOfPacket);
      }
      if (state < 0) {
        if (kind === PLAIN_ECHO4 || kind === PLAIN_ECHO6) {
          this.stopped = STOPPED_UNTOUCHED;
          return i;
        }
        const tracked = trackRow(core, c, batch.view, i, HOOK_PREROUTING);
        if (tracked === ROW_NOT_HANDLED) {
          this.stopped = STOPPED_UNTOUCHED;
          return i;
        }
        state = tracked < 0 ? -1 : tracked & 7;
        reason = core.lastInvalidReason;
        ct = tracked >> 3;
        at = ct << RECORD_SHIFT;
        if (!isShared(state) || (words[at + C_STATUS]! & IPS_WHOLE_WAY) !== 0) {
          this.#stopTracked(tracked);
          return i;
        }
      }
      const pair = at + wayPair(state);
      const taken = words[pair + 1]! - 1;
      if (
        words[pair] !== way[i] ||
        taken < 0 ||
        words[at + C_WAYS_MARK] !== words[at + C_MARK] ||
        words[at + C_WAYS_STATUS] !== ((isIpv4 ? reads4 : reads6) ? words[at + C_STATUS]! : 0)
      ) {
        core.nowNs = now;
        core.lastInvalidReason = reason;
        this.#stopTracked((ct << 3) | state);
        return i;
      }
      counts[2 * taken]! += 1;
      counts[2 * taken + 1]! += bytesOfPacket;
      const counter =
        ((isIpv4 ? 0 : 256) + (proto & 255)) * STATE_COUNT +
        (state === CT_NEW ? STATE_NEW : STATE_ESTABLISHED);
      stateCounts[2 * counter]! += 1;
      stateCounts[2 * counter + 1]! += bytesOfPacket;
      path[i] = taken;
      ctinfo[i] = state;
      invalidReason[i] = reason;
    }
    return end;
  }

  #stopTracked(state: number): void {
    this.stopped = STOPPED_TRACKED;
    this.state = state;
  }
}

/** FIN, SYN, RST, ACK, URG: what makes a segment more than data and an acknowledgement. */
const KIND_FLAGS = 0x37;
const ACK = 16;
const ECHO_REQUEST = 8;
const ECHO_REQUEST6 = 128;

/** Words 1..3 of both addresses are those of the tuple at `tuple`. */
function sameAddressTails(
  words: Int32Array,
  tuple: number,
  saddr: Int32Array,
  daddr: Int32Array,
  a: number,
): boolean {
  return (
    words[tuple + 1] === saddr[a + 1] &&
    words[tuple + 2] === saddr[a + 2] &&
    words[tuple + 3] === saddr[a + 3] &&
    words[tuple + 5] === daddr[a + 1] &&
    words[tuple + 6] === daddr[a + 2] &&
    words[tuple + 7] === daddr[a + 3]
  );
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
