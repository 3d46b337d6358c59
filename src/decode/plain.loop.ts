import type { Batch } from '../batch/batch.ts';
import {
  DECODE_BAD_CHAIN,
  DECODE_BAD_IP_OPTIONS,
  DECODE_FRAGMENT,
  DECODE_INTERFACE_CHECK,
  DECODE_L4_CUT,
  DECODE_L4_SHORT,
  DECODE_OPTIONS,
  NO_OFFSET,
  PLAIN_ECHO4,
  PLAIN_ECHO6,
  PLAIN_TCP4,
  PLAIN_TCP6,
  PLAIN_UDP4,
  PLAIN_UDP6,
} from '../batch/layout.ts';
import { DROP_NONE } from './drop-reasons.ts';
import { IPPROTO_ICMP, IPPROTO_ICMPV6, IPPROTO_TCP, IPPROTO_UDP } from './protocols.ts';
import { highestSack } from './tcp-sack.ts';

const NOT_PLAIN =
  DECODE_FRAGMENT |
  DECODE_INTERFACE_CHECK |
  DECODE_BAD_CHAIN |
  DECODE_BAD_IP_OPTIONS |
  DECODE_OPTIONS |
  DECODE_L4_CUT |
  DECODE_L4_SHORT;

const TCP_HEADER_BYTES = 20;
const UDP_HEADER_BYTES = 8;

/** Tells plain packets among decoded rows [begin, end): writes the columns `plain`, `payloadBytes` and `tcpSack`. */
export function markPlain(batch: Batch, begin: number, end: number): void {
  const { view } = batch;
  const { family, drop, l4proto, decodeFlags, l3Offset, l3CapLen, length, l4Offset, dport, tcpAck } =
    batch.columns;
  const { plain, payloadBytes, tcpSack } = batch.columns;
  for (let i = begin; i < end; i++) {
    plain[i] = 0;
    payloadBytes[i] = 0;
    tcpSack[i] = 0;
    const l4 = l4Offset[i]!;
    if (family[i] === 0 || drop[i] !== DROP_NONE || l4 === NO_OFFSET || (decodeFlags[i]! & NOT_PLAIN) !== 0)
      continue;
    const l3 = l3Offset[i]!;
    const l4Length = l3 + length[i]! - l4;
    if (l4proto[i] === IPPROTO_TCP) {
      const headerBytes = (view.getUint8(l4 + 12) >>> 4) * 4;
      if (headerBytes < TCP_HEADER_BYTES || headerBytes > l4Length) continue;
      plain[i] = family[i] === 4 ? PLAIN_TCP4 : PLAIN_TCP6;
      payloadBytes[i] = l4Length - headerBytes;
      tcpSack[i] = highestSack(view, l4, headerBytes, l3 + l3CapLen[i]!, tcpAck[i]! | 0);
    } else if (l4proto[i] === IPPROTO_UDP) {
      const stated = view.getUint16(l4 + 4);
      if (stated < UDP_HEADER_BYTES || stated > l4Length) continue;
      plain[i] = family[i] === 4 ? PLAIN_UDP4 : PLAIN_UDP6;
      payloadBytes[i] = l4Length - UDP_HEADER_BYTES;
    } else if (l4proto[i] === IPPROTO_ICMP && family[i] === 4) {
      const type = dport[i]! >> 8;
      if (type === 8 || type === 0) plain[i] = PLAIN_ECHO4;
    } else if (l4proto[i] === IPPROTO_ICMPV6 && family[i] === 6) {
      const type = dport[i]! >> 8;
      if (type === 128 || type === 129) plain[i] = PLAIN_ECHO6;
    }
  }
}
