import type { Batch } from '../batch/batch.ts';
import { DECODE_FRAGMENT, DECODE_GROUP_MAC } from '../batch/layout.ts';
import type { CaptureSource } from '../capture/source.ts';
import type { Host } from '../host/types.ts';
import { BridgeCopies } from './bridge-copies.ts';
import {
  DIRECTION_COPY,
  DIRECTION_ECHO,
  DIRECTION_IN,
  DIRECTION_LOOP,
  DIRECTION_OUT,
  DIRECTION_OUTPUT,
  DIRECTION_UNSURE,
  Director,
} from './director.ts';
import { EchoTable } from './echo.ts';
import { fingerprint, takeAnyFragment, takeFingerprint, takeFingerprints } from './fingerprint.ts';
import { MangledEchoes } from './mangled-echo.ts';

/**
 * How many packets, and captured bytes, after an inbound packet its echo is linked to it. Within this distance the
 * ordered stage can look at the echo when it comes to the inbound packet: to learn what the kernel threw dice for, and
 * whether the prediction was right. The ordered stage lags behind this stage by so much, which bounds the batches that
 * are held; the distance is one of packets, not of batches, so that the answer does not depend on their size.
 */
export const ECHO_LINK_PACKETS = 16384;
export const ECHO_LINK_BYTES = 8 << 20;

/** Rows whose fingerprints are taken, and whose cache lines are loaded, ahead of their turn: see ConntrackTable.touchRows. */
const BLOCK_ROWS = 64;

/**
 * Sorts packets by direction, in capture order, ahead of the replay proper: who came in, who was made by this
 * host, and who is the echo of one that came in. Writes the direction columns.
 */
export class DirectionStage {
  readonly #director: Director;
  readonly #echoes = new EchoTable();
  readonly #copies: BridgeCopies | undefined;
  /** Batches of the last ECHO_LINK_PACKETS packets, oldest first. */
  readonly #recent: Batch[] = [];
  /** This host passes packets on (routes or bridges) and not all directions are told, so that echoes can be. */
  readonly #passesOn: boolean;
  /** Echoes are looked for, and the ordered stage has to lag behind. */
  get linksEchoes(): boolean {
    return this.#passesOn;
  }

  echoPackets = 0;
  /** Captured bytes of all packets so far; but for those ahead of the first that did not come in, where no echoes are looked for. */
  position = 0;
  #holdsOwn = false;
  /** Where helpers may rewrite payload: echoes that are not told by their fingerprint. */
  readonly #mangled: MangledEchoes | undefined;
  /** Fingerprints of a block's rows. */
  readonly #a = new Int32Array(BLOCK_ROWS);
  readonly #b = new Int32Array(BLOCK_ROWS);
  /** Sum of what was loaded ahead, lest the loads be left out. */
  touched = 0;

  /**
   * `mayHoldEchoes`: false where the user has told the direction of all packets, so that none needs a guess.
   * `mayMangle`: conntrack helpers may rewrite what is forwarded.
   */
  constructor(host: Host, assume: (sentence: string) => void, mayHoldEchoes = true, mayMangle = false) {
    this.#director = new Director(host, assume);
    this.#passesOn = mayHoldEchoes && passesOn(host);
    this.#copies = this.#passesOn ? BridgeCopies.of(host) : undefined;
    this.#mangled = this.#passesOn && mayMangle ? new MangledEchoes() : undefined;
  }

  process(batch: Batch, sources: readonly CaptureSource[]): void {
    const { echoDistance, direction } = batch.columns;
    const { count, firstPacket: first } = batch;
    this.#director.sort(batch, sources);
    echoDistance.fill(0, 0, count);
    if (!this.#passesOn) {
      const came = cameIn(direction, count);
      if (!came) {
        settle(direction, count);
        this.#holdsOwn = true;
      }
      batch.hasOwnFragments = !came && hasOwnFragments(batch);
      if (this.#holdsOwn) this.position += sumOf(batch.columns.capLen, count);
      return;
    }
    this.#recent.push(batch);
    while (this.#recent[0]!.firstPacket + this.#recent[0]!.count + ECHO_LINK_PACKETS < first)
      this.#recent.shift();
    const isPlain = this.#copies === undefined && this.#mangled === undefined;
    for (let begin = 0; begin < count; begin += BLOCK_ROWS) {
      const end = Math.min(count, begin + BLOCK_ROWS);
      takeFingerprints(batch, begin, end, this.#a, this.#b);
      this.touched = this.#echoes.touch(this.#a, end - begin);
      for (let i = begin; i < end; i++) {
        if (isPlain) i = this.#sortPlain(batch, begin, i, end);
        if (i === end) break;
        direction[i] = this.#sorted(batch, i, this.#a[i - begin]!, this.#b[i - begin]!);
        this.position += batch.columns.capLen[i]!;
      }
    }
  }

  /**
   * As `#sorted`, for rows from `from` on of the block that begins with row `block`: whole IP packets that came in or go out, as
   * nearly all do, of a host without bridges and helpers. Gives the row at which it stopped, or `end`.
   */
  #sortPlain(batch: Batch, block: number, from: number, end: number): number {
    const { family, direction, decodeFlags, timeNs, capLen } = batch.columns;
    const a = this.#a;
    const b = this.#b;
    const echoes = this.#echoes;
    const first = batch.firstPacket;
    let position = this.position;
    let i = from;
    for (; i < end; i++) {
      const way = direction[i]!;
      if (way > DIRECTION_OUT || family[i] === 0) break;
      if ((decodeFlags[i]! & DECODE_FRAGMENT) !== 0) break;
      if (way === DIRECTION_IN) {
        echoes.add(a[i - block]!, b[i - block]!, timeNs[i]!, false, first + i, position);
      } else if (echoes.match(a[i - block]!, b[i - block]!, timeNs[i]!, first + i)) {
        this.position = position;
        this.#link(batch, i, echoes.matchedNumber, echoes.matchedPosition);
        direction[i] = DIRECTION_ECHO;
        this.echoPackets++;
      }
      position += capLen[i]!;
    }
    this.position = position;
    return i;
  }

  /** Settled direction of row `i`, whose fingerprint is `a` and `b`. */
  #sorted(batch: Batch, i: number, a: number, b: number): number {
    const c = batch.columns;
    let direction = c.direction[i]!;
    if (c.family[i] === 0 || direction === DIRECTION_LOOP) return settled(direction);
    const copies = this.#copies;
    if (copies !== undefined && this.#isCopy(batch, i, direction)) return DIRECTION_COPY;
    // A told direction needs no guess; what is unsure is an echo when it looks like one, and came in otherwise.
    const mayBeEcho = direction === DIRECTION_OUT || direction === DIRECTION_UNSURE;
    const mayHaveOne = direction === DIRECTION_IN || direction === DIRECTION_UNSURE;
    if (mayBeEcho && this.#isEcho(batch, i, direction, a, b)) {
      direction = DIRECTION_ECHO;
      this.echoPackets++;
    } else if (mayHaveOne) this.#add(batch, i, a, b);
    if (copies !== undefined) {
      takeFingerprint(batch, i, true);
      const isGroup = (c.decodeFlags[i]! & DECODE_GROUP_MAC) !== 0;
      const [one, two] = [fingerprint[0]!, fingerprint[1]!];
      copies.note(batch, i, one, two, direction, isGroup);
    }
    return settled(direction);
  }

  /** Remembers row `i`, which came in. */
  #add(batch: Batch, i: number, a: number, b: number): void {
    const c = batch.columns;
    const timeNs = c.timeNs[i]!;
    const number = batch.firstPacket + i;
    // A bridge floods a group frame to all its ports: it has as many echoes.
    const isFlooded = c.portId[i] !== 0 && (c.decodeFlags[i]! & DECODE_GROUP_MAC) !== 0;
    if ((c.decodeFlags[i]! & DECODE_FRAGMENT) === 0) {
      this.#echoes.add(a, b, timeNs, isFlooded, number, this.position);
    } else {
      takeFingerprint(batch, i, false);
      this.#echoes.add(fingerprint[0]!, fingerprint[1]!, timeNs, isFlooded, number, this.position);
      if (c.family[i] === 4) {
        takeAnyFragment(batch, i);
        this.#echoes.add(fingerprint[0]!, fingerprint[1]!, timeNs, true, number, this.position);
      }
    }
    this.#mangled?.add(batch, i, number, this.position);
  }

  /** True when row `i` is the echo of a packet before; that one is told where its echo is. */
  #isEcho(batch: Batch, i: number, direction: number, a: number, b: number): boolean {
    if (this.#hasFingerprint(batch, i, direction, a, b)) {
      const { matchedNumber, matchedPosition } = this.#echoes;
      this.#mangled?.forget(matchedNumber);
      this.#link(batch, i, matchedNumber, matchedPosition);
      return true;
    }
    if (this.#mangled?.match(batch, i, batch.firstPacket + i) !== true) return false;
    this.#link(batch, i, this.#mangled.matchedNumber, this.#mangled.matchedPosition);
    return true;
  }

  #hasFingerprint(batch: Batch, i: number, direction: number, a: number, b: number): boolean {
    const timeNs = batch.columns.timeNs[i]!;
    const number = batch.firstPacket + i;
    if (this.#echoes.match(a, b, timeNs, number)) return true;
    if (direction !== DIRECTION_OUT || !isFragment4(batch, i)) return false;
    takeAnyFragment(batch, i);
    return this.#echoes.match(fingerprint[0]!, fingerprint[1]!, timeNs, number);
  }

  #isCopy(batch: Batch, i: number, direction: number): boolean {
    takeFingerprint(batch, i, true);
    const [one, two] = [fingerprint[0]!, fingerprint[1]!];
    return this.#copies!.isCopy(batch, i, one, two, direction);
  }

  /** Tells an inbound packet that row `i` of the last batch, the next to be sorted, is its echo. Both matches are cut to 32 bits. */
  #link(last: Batch, i: number, matchedNumber: number, matchedPosition: number): void {
    const distance = (last.firstPacket + i - matchedNumber) >>> 0;
    if (distance > ECHO_LINK_PACKETS || (this.position - matchedPosition) >>> 0 > ECHO_LINK_BYTES) return;
    const recent = this.#recent;
    let row = i - distance;
    let k = recent.length - 1;
    while (row < 0 && k > 0) row += recent[--k]!.count;
    if (row >= 0) recent[k]!.columns.echoDistance[row] = distance;
  }
}

const settled = (direction: number): number => (direction === DIRECTION_UNSURE ? DIRECTION_IN : direction);

function sumOf(column: Uint32Array, count: number): number {
  let sum = 0;
  for (let i = 0; i < count; i++) sum += column[i]!;
  return sum;
}

/** All rows are DIRECTION_IN, which is 0. */
function cameIn(direction: Uint8Array, count: number): boolean {
  const words = new Int32Array(direction.buffer, direction.byteOffset, count >> 2);
  let all = 0;
  for (let i = 0; i < words.length; i++) all |= words[i]!;
  for (let i = 4 * words.length; i < count; i++) all |= direction[i]!;
  return all === 0;
}

function settle(direction: Uint8Array, count: number): void {
  for (let i = 0; i < count; i++) if (direction[i] === DIRECTION_UNSURE) direction[i] = DIRECTION_IN;
}

function hasOwnFragments({ count, columns: { decodeFlags, direction } }: Batch): boolean {
  for (let i = 0; i < count; i++) {
    if ((decodeFlags[i]! & DECODE_FRAGMENT) === 0) continue;
    if (direction[i] === DIRECTION_OUT || direction[i] === DIRECTION_OUTPUT) return true;
  }
  return false;
}

function isFragment4(batch: Batch, i: number): boolean {
  return batch.columns.family[i] === 4 && (batch.columns.decodeFlags[i]! & DECODE_FRAGMENT) !== 0;
}

/** The host routes or bridges packets, so that they may be captured on their way in and out. */
export function passesOn(host: Host): boolean {
  if (host.sysctl('net.ipv4.ip_forward') !== 0 || host.sysctl('net.ipv6.conf.all.forwarding') !== 0)
    return true;
  return host.interfaces.some((iface) => iface?.kind === 'bridge');
}
