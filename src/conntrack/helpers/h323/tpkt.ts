import type { HelperCall } from '../../helper.ts';
import type { H323Memory } from './dialogue.ts';

/** Version, a byte that is 0, and the length of all. */
const HEADER_BYTES = 4;

/** A message in the packet's payload. */
export interface Framed {
  readonly at: number;
  readonly bytes: number;
}

/**
 * get_tpkt_data(): the messages in a segment (RFC 1006), until one is not whole. A header that comes alone announces
 * that the next segment begins with the message itself.
 */
export function* framedMessages(call: HelperCall, { awaitedBytes }: H323Memory): Generator<Framed> {
  const { dir } = call;
  const awaited = awaitedBytes[dir];
  const available = call.payloadBytes;
  awaitedBytes[dir] = 0;
  if (available <= 0 || !call.hasPayload()) return;
  let next = 0;
  if (!isHeader(call, 0, available)) {
    if (awaited === 0 || awaited > available) return;
    yield { at: 0, bytes: awaited };
    next = awaited;
    if (available - next <= HEADER_BYTES) return;
  }
  for (;;) {
    const left = available - next;
    if (!isHeader(call, next, left)) return;
    const bytes = call.p.view.getUint16(call.payloadAt + next + 2);
    if (bytes < HEADER_BYTES) return;
    if (bytes > left) {
      if (left === HEADER_BYTES) awaitedBytes[dir] = bytes - HEADER_BYTES;
      return;
    }
    yield { at: next + HEADER_BYTES, bytes: bytes - HEADER_BYTES };
    next += bytes;
    if (available - next <= HEADER_BYTES) return;
  }
}

function isHeader(call: HelperCall, offset: number, left: number): boolean {
  const { view } = call.p;
  const at = call.payloadAt + offset;
  return left >= HEADER_BYTES && view.getUint8(at) === 3 && view.getUint8(at + 1) === 0;
}
