import { hashTuple4, mix32 } from '../base/hash.ts';
import type { Batch } from '../batch/batch.ts';
import { DECODE_FRAGMENT, NO_OFFSET } from '../batch/layout.ts';
import { IPPROTO_TCP, IPPROTO_UDP } from '../packet/packet.ts';
import { EchoTable } from './echo.ts';
import { sipIdentity } from './sip-identity.ts';

/**
 * Echoes that a conntrack helper has rewritten. Where addresses in the payload are translated (FTP, SIP …), the packet
 * leaves with another payload and length than it came with, and all later ones of a TCP connection with shifted
 * numbers: the fingerprint of `fingerprint.ts` does not know them again. They are looked for only where a ruleset has
 * helpers and translation, and only for packets that have no other echo.
 *
 *   TCP   identification, flags and window are the same; sequence and acknowledgement are near
 *   UDP   identification and the first 8 bytes are the same (the first 4 of RAS: then addresses may begin); or, of SIP,
 *         what names the message (sip-identity.ts)
 *
 * In either case an address or a port must differ, since a helper rewrites nothing where nothing is translated.
 */
export class MangledEchoes {
  readonly #table = new EchoTable();

  /** The packet whose echo `match` has found: as EchoTable has them. */
  get matchedNumber(): number {
    return this.#table.matchedNumber;
  }

  get matchedPosition(): number {
    return this.#table.matchedPosition;
  }

  /** Remembers row `i`, packet `number`, which came in; `position` is how many bytes were captured before it. */
  add(batch: Batch, i: number, number: number, position: number): void {
    if (!takeLooseFingerprint(batch, i)) return;
    const c = batch.columns;
    this.#table.add(loose[0]!, loose[1]!, c.timeNs[i]!, false, number, position);
    this.#table.note(c.tcpSeq[i]!, c.tcpAck[i]!, c.tupleHash[i]!);
  }

  /** True when row `i`, packet `number`, which leaves, is the echo of a packet that was rewritten. */
  match(batch: Batch, i: number, number: number): boolean {
    if (!takeLooseFingerprint(batch, i)) return false;
    const c = batch.columns;
    const isTcp = c.l4proto[i] === IPPROTO_TCP;
    return this.#table.matchNear(
      loose[0]!,
      loose[1]!,
      c.timeNs[i]!,
      number,
      c.tcpSeq[i]!,
      c.tcpAck[i]!,
      c.tupleHash[i]!,
      isTcp ? MAX_SHIFT : NO_LIMIT,
      isTcp && (c.tcpFlags[i]! & ACK) !== 0 ? MAX_SHIFT : NO_LIMIT,
    );
  }

  /** Packet `number` has got its echo. */
  forget(number: number): void {
    this.#table.forget(number);
  }
}

const ACK = 16;
/** H.323, between endpoint and gatekeeper. */
const RAS_PORT = 1719;

/** A helper adds or takes some bytes with each command: far fewer than this in the life of a connection. */
const MAX_SHIFT = 1 << 24;
const NO_LIMIT = 0xffffffff;

const loose = new Int32Array(2);

/** Writes the fingerprint of row `i` to `loose`; false when no helper rewrites such packets. */
function takeLooseFingerprint(batch: Batch, i: number): boolean {
  const c = batch.columns;
  const l4 = c.l4Offset[i]!;
  if (l4 === NO_OFFSET || (c.decodeFlags[i]! & DECODE_FRAGMENT) !== 0) return false;
  const l4proto = c.l4proto[i]!;
  const identification = Math.imul(c.ipId[i]!, 0x9e3779b1) ^ (l4proto << 8) ^ c.family[i]!;
  if (l4proto === IPPROTO_TCP) {
    loose[0] = hashTuple4(identification, 0, c.tcpFlags[i]!, c.tcpWindow[i]!, l4proto);
    loose[1] = mix32(identification + c.tcpWindow[i]!);
    return true;
  }
  if (l4proto !== IPPROTO_UDP) return false;
  const payload = l4 + 8;
  const end = c.l3Offset[i]! + c.l3CapLen[i]!;
  if (payload + 8 > end) return false;
  const { view } = batch;
  const name = sipIdentity(batch.data, payload, end);
  const isRas = c.sport[i] === RAS_PORT || c.dport[i] === RAS_PORT;
  const second = isRas ? 0 : view.getInt32(payload + 4);
  const first = name === 0 ? view.getInt32(payload) ^ Math.imul(second, 0x85ebca77) : name;
  loose[0] = mix32(identification ^ first);
  loose[1] = mix32(identification + first);
  return true;
}
