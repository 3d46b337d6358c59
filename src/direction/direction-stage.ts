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
  DIRECTION_UNSURE,
  Director,
} from './director.ts';
import { EchoTable } from './echo.ts';
import { fingerprint, takeAnyFragment, takeFingerprint } from './fingerprint.ts';
import { MangledEchoes } from './mangled-echo.ts';

/**
 * How many packets after an inbound packet its echo is linked to it. Within this distance the ordered stage can
 * look at the echo when it comes to the inbound packet: to learn what the kernel threw dice for, and whether the
 * prediction was right. The ordered stage lags behind this stage by that many packets.
 */
export const ECHO_LINK_PACKETS = 16384;

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
  /** Where helpers may rewrite payload: echoes that are not told by their fingerprint. */
  readonly #mangled: MangledEchoes | undefined;

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
    const c = batch.columns;
    const first = batch.firstPacket;
    this.#recent.push(batch);
    while (this.#recent[0]!.firstPacket + this.#recent[0]!.count + ECHO_LINK_PACKETS < first)
      this.#recent.shift();
    const director = this.#director;
    for (let i = 0; i < batch.count; i++) {
      let direction = director.classify(batch, i, sources);
      c.echoDistance[i] = 0;
      if (this.#passesOn && c.family[i] !== 0 && direction !== DIRECTION_LOOP) {
        const timeNs = c.timeNs[i]!;
        if (this.#copies !== undefined && this.#isCopy(batch, i, direction)) {
          this.#write(batch, i, DIRECTION_COPY);
          continue;
        }
        // A told direction needs no guess; what is unsure is an echo when it looks like one, and came in otherwise.
        const mayBeEcho = direction === DIRECTION_OUT || direction === DIRECTION_UNSURE;
        const mayHaveOne = direction === DIRECTION_IN || direction === DIRECTION_UNSURE;
        if (mayBeEcho && this.#isEcho(batch, i, direction)) {
          direction = DIRECTION_ECHO;
          this.echoPackets++;
          this.#link(this.#matched, first + i);
        } else if (mayHaveOne) {
          takeFingerprint(batch, i, false);
          // A bridge floods a group frame to all its ports: it has as many echoes.
          const isFlooded = director.port !== 0 && (c.decodeFlags[i]! & DECODE_GROUP_MAC) !== 0;
          this.#echoes.add(fingerprint[0]!, fingerprint[1]!, timeNs, isFlooded, first + i);
          this.#mangled?.add(batch, i, first + i);
          if (isFragment4(batch, i)) {
            takeAnyFragment(batch, i);
            this.#echoes.add(fingerprint[0]!, fingerprint[1]!, timeNs, true, first + i);
          }
        }
        if (this.#copies !== undefined) {
          takeFingerprint(batch, i, true);
          const { iface, port } = director;
          const isGroup = (c.decodeFlags[i]! & DECODE_GROUP_MAC) !== 0;
          this.#copies.note(fingerprint[0]!, fingerprint[1]!, timeNs, iface, port, direction, isGroup);
        }
      }
      this.#write(batch, i, direction === DIRECTION_UNSURE ? DIRECTION_IN : direction);
    }
  }

  /** Number of the packet whose echo `#isEcho` has found. */
  #matched = 0;

  #isEcho(batch: Batch, i: number, direction: number): boolean {
    if (this.#hasFingerprint(batch, i, direction)) {
      this.#matched = this.#echoes.matched;
      this.#mangled?.forget(this.#matched);
      return true;
    }
    if (this.#mangled?.match(batch, i) !== true) return false;
    this.#matched = this.#mangled.matched;
    return true;
  }

  #hasFingerprint(batch: Batch, i: number, direction: number): boolean {
    const timeNs = batch.columns.timeNs[i]!;
    takeFingerprint(batch, i, true);
    if (this.#echoes.match(fingerprint[0]!, fingerprint[1]!, timeNs)) return true;
    if (direction !== DIRECTION_OUT || !isFragment4(batch, i)) return false;
    takeAnyFragment(batch, i);
    return this.#echoes.match(fingerprint[0]!, fingerprint[1]!, timeNs);
  }

  #isCopy(batch: Batch, i: number, direction: number): boolean {
    const { iface, port } = this.#director;
    takeFingerprint(batch, i, true);
    const timeNs = batch.columns.timeNs[i]!;
    return this.#copies!.isCopy(fingerprint[0]!, fingerprint[1]!, timeNs, iface, port, direction);
  }

  #write(batch: Batch, i: number, direction: number): void {
    const c = batch.columns;
    const director = this.#director;
    c.direction[i] = direction;
    c.skbPktType[i] = director.pktType;
    c.ifaceId[i] = director.iface;
    c.portId[i] = director.port;
  }

  /** Tells the inbound packet `number` where its echo is. */
  #link(number: number, echoNumber: number): void {
    const distance = echoNumber - number;
    if (distance > ECHO_LINK_PACKETS) return;
    for (const batch of this.#recent) {
      const row = number - batch.firstPacket;
      if (row < 0 || row >= batch.count) continue;
      batch.columns.echoDistance[row] = distance;
      return;
    }
  }
}

function isFragment4(batch: Batch, i: number): boolean {
  return batch.columns.family[i] === 4 && (batch.columns.decodeFlags[i]! & DECODE_FRAGMENT) !== 0;
}

function passesOn(host: Host): boolean {
  if (host.sysctl('net.ipv4.ip_forward') !== 0 || host.sysctl('net.ipv6.conf.all.forwarding') !== 0)
    return true;
  return host.interfaces.some((iface) => iface?.kind === 'bridge');
}
