import { hashTuple4 } from '../base/hash.ts';
import type { Batch } from '../batch/batch.ts';
import {
  CHECKSUM_UNKNOWN,
  DECODE_DONT_FRAGMENT,
  DECODE_GROUP_MAC,
  DECODE_PAYLOAD_CUT,
  PKT_BROADCAST,
  PKT_MULTICAST,
  PKT_UNKNOWN,
} from '../batch/layout.ts';
import { LINKTYPE_ETHERNET } from '../capture/linktype.ts';
import { ETH_P_IP } from './ether-types.ts';
import type { Frame } from './frame.ts';
import { IPPROTO_TCP, IPPROTO_UDP } from './protocols.ts';
import { decodeRow } from './row.ts';

/**
 * Decodes rows [begin, end) of a batch, all but their transport checksums.
 *
 * Nearly all packets are Ethernet, IPv4 without options, TCP or UDP, no fragment, whole headers, nothing wrong:
 * they are read here in one go. All others, and whatever is odd about a packet, go to decodeRow, which is slower
 * and knows everything; the two must agree where both can answer (test/decode/fast-path.test.ts).
 */
export function decodeRows(batch: Batch, begin: number, end: number, frame: Frame, verify: boolean): void {
  const { view } = batch;
  const c = batch.columns;
  const { dataOffset, capLen, origLen, linktype } = c;
  const { family, drop, l4proto, tos, ttl, tcpFlags, checksum, decodeFlags, fragOffset } = c;
  const { vlan, etherType, pktType, macOffset, l3Offset, l3CapLen, length, l4Offset } = c;
  const { sport, dport, tcpSeq, tcpAck, tcpWindow, saddr, daddr, ipId, tupleHash, ifindex } = c;
  for (let i = begin; i < end; i++) {
    const mac = dataOffset[i]!;
    const captured = capLen[i]!;
    // 14 bytes of Ethernet, 20 of IPv4, 8 of UDP; whether a TCP header is whole is seen below.
    if (linktype[i] !== LINKTYPE_ETHERNET || captured < 42 || view.getUint16(mac + 12) !== ETH_P_IP) {
      decodeRow(frame, i);
      continue;
    }
    const word0 = view.getUint32(mac + 14);
    const word1 = view.getUint32(mac + 18);
    const word2 = view.getUint32(mac + 22);
    const source = view.getInt32(mac + 26);
    const destination = view.getInt32(mac + 30);
    const proto = (word2 >>> 16) & 255;
    const total = word0 & 0xffff;
    const isTcp = proto === IPPROTO_TCP;
    const headers = isTcp ? 40 : 28;
    if (
      word0 >>> 24 !== 0x45 ||
      (word1 & 0x3fff) !== 0 ||
      (!isTcp && proto !== IPPROTO_UDP) ||
      total < headers ||
      total > origLen[i]! - 14 ||
      captured < headers + 14
    ) {
      decodeRow(frame, i);
      continue;
    }
    let sum = (word0 >>> 16) + total + (word1 >>> 16) + (word1 & 0xffff) + (word2 >>> 16) + (word2 & 0xffff);
    sum += (source >>> 16) + (source & 0xffff) + (destination >>> 16) + (destination & 0xffff);
    sum = (sum & 0xffff) + (sum >>> 16);
    sum = (sum & 0xffff) + (sum >>> 16);
    if (verify && sum !== 0xffff) {
      decodeRow(frame, i);
      continue;
    }
    let flags = (word1 & 0x4000) === 0 ? 0 : DECODE_DONT_FRAGMENT;
    let type = PKT_UNKNOWN;
    if ((view.getUint8(mac) & 1) !== 0) {
      flags |= DECODE_GROUP_MAC;
      type =
        view.getUint32(mac) === 0xffffffff && view.getUint16(mac + 4) === 0xffff
          ? PKT_BROADCAST
          : PKT_MULTICAST;
    }
    let inCapture = captured - 14;
    if (inCapture < total) flags |= DECODE_PAYLOAD_CUT;
    else inCapture = total;
    const ports = view.getUint32(mac + 34);
    const from = ports >>> 16;
    const to = ports & 0xffff;
    let seq = 0;
    let ack = 0;
    let flagsByte = 0;
    let window = 0;
    if (isTcp) {
      seq = view.getUint32(mac + 38);
      ack = view.getUint32(mac + 42);
      const word = view.getUint32(mac + 46);
      flagsByte = (word >>> 16) & 255;
      window = word & 0xffff;
    }
    family[i] = 4;
    drop[i] = 0;
    l4proto[i] = proto;
    tos[i] = (word0 >>> 16) & 255;
    ttl[i] = word2 >>> 24;
    tcpFlags[i] = flagsByte;
    checksum[i] = CHECKSUM_UNKNOWN;
    decodeFlags[i] = flags;
    fragOffset[i] = 0;
    vlan[i] = 0xffff;
    etherType[i] = ETH_P_IP;
    pktType[i] = type;
    macOffset[i] = mac;
    l3Offset[i] = mac + 14;
    l3CapLen[i] = inCapture;
    length[i] = total;
    l4Offset[i] = mac + 34;
    sport[i] = from;
    dport[i] = to;
    tcpSeq[i] = seq;
    tcpAck[i] = ack;
    tcpWindow[i] = window;
    const k = 4 * i;
    saddr[k] = source;
    saddr[k + 1] = 0;
    saddr[k + 2] = 0;
    saddr[k + 3] = 0;
    daddr[k] = destination;
    daddr[k + 1] = 0;
    daddr[k + 2] = 0;
    daddr[k + 3] = 0;
    ipId[i] = word1 >>> 16;
    ifindex[i] = 0;
    tupleHash[i] = hashTuple4(source, destination, from, to, proto);
  }
}
