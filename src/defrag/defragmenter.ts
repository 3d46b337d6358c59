import { allocateBatch, type Batch } from '../batch/batch.ts';
import { DECODE_MORE_FRAGMENTS, NO_OFFSET } from '../batch/layout.ts';
import { decodeBatch } from '../decode/decode.ts';
import { writeHeaderChecksum } from '../decode/internet-checksum.ts';
import type { Host } from '../host/types.ts';
import type { Packet } from '../packet/packet.ts';
import { combineEcn, DUPLICATE, FragmentQueue, OVERLAP } from './fragment-queue.ts';
import { findFragmentHeader, isFirstTruncated } from './ipv6-fragment.ts';

/**
 * Puts the fragments of a family together before any table sees them, as nf_defrag does at priority -400 of
 * PREROUTING and OUTPUT: ip_defrag() in net/ipv4/ip_fragment.c, nf_ct_frag6_gather() in
 * net/ipv6/netfilter/nf_conntrack_reasm.c.
 *
 * Fragments are kept by addresses, identification (and for IPv4 protocol) and user: which hook put them together.
 * An incomplete packet is forgotten after 30 (IPv6: 60) seconds of the capture's clock from its first fragment
 * on, and no new one is begun while all of them together hold more than the kernel's limit of memory; what a
 * fragment costs there is reckoned as its length rounded up to the slab plus the skb's own size, which is
 * near the truth and matters only in a flood.
 *
 * The whole packet is decoded like any other, in a batch of one row, so that it is loaded into a Packet the
 * same way. When the capture cut a fragment short, the whole is cut where the first byte is missing: its lengths
 * are right, and what matches on payload sees a packet that the capture cut.
 *
 * Cost: fragments are rare; only they allocate.
 */
export class Defragmenter {
  /** Packets put together. */
  wholes = 0;
  /** Fragments that were dropped because their packet was void: overlap, contradiction, size, memory. */
  voided = 0;
  /** Incomplete packets that were forgotten. */
  timedOut = 0;
  private readonly family: 4 | 6;
  private readonly timeoutNs: number;
  private readonly highThreshold: number;
  private readonly maxDistance: number;
  private readonly queues = new Map<string, FragmentQueue>();
  private readonly peers = new Map<string, { count: number; queues: number }>();
  private memoryBytes = 0;
  private readonly spare: Batch;

  constructor(family: 4 | 6, host: Host) {
    this.family = family;
    const prefix = family === 4 ? 'net.ipv4.ipfrag_' : 'net.netfilter.nf_conntrack_frag6_';
    this.timeoutNs = host.sysctl(family === 4 ? `${prefix}time` : `${prefix}timeout`) * 1e9;
    this.highThreshold = host.sysctl(`${prefix}high_thresh`);
    this.maxDistance = family === 4 ? host.sysctl(`${prefix}max_dist`) : 0;
    this.spare = allocateBatch(1, SPARE_BYTES);
    this.spare.count = 1;
  }

  /** Packets of which some fragments have come. */
  get pending(): number {
    return this.queues.size;
  }

  /** What `add` was told of the first fragment of the last whole. */
  firstRegisters: Int32Array | undefined;

  /**
   * Takes fragment `i` of a decoded batch. True when `p` holds a packet to go on with: the whole that this
   * fragment completed, or, in the few cases in which IPv6 defragmentation gives up, the fragment itself. False
   * when it waits, or was dropped. `user` tells hooks apart (any number), `iif` is the interface it came in by.
   */
  add(batch: Batch, i: number, p: Packet, user = 0, iif = 0, registers?: Int32Array): boolean {
    this.forgetOld(batch.columns.timeNs[i]!);
    return this.family === 4
      ? this.addIpv4(batch, i, p, user, registers)
      : this.addIpv6(batch, i, p, user, iif);
  }

  private addIpv4(batch: Batch, i: number, p: Packet, user: number, registers?: Int32Array): boolean {
    const c = batch.columns;
    const l3 = c.l3Offset[i]!;
    const headerBytes = (batch.view.getUint8(l3) & 15) << 2;
    const source = c.saddr[4 * i]!;
    const protocol = batch.view.getUint8(l3 + 9);
    const key = `${source} ${c.daddr[4 * i]!} ${c.ipId[i]!} ${protocol} ${user}`;
    const queue = this.find(key, c.timeNs[i]!, `${source}`);
    if (queue === undefined) return this.drop();
    if (this.isTooFar(queue, `${source}`)) {
      this.memoryBytes -= queue.memoryBytes;
      queue.restart(c.timeNs[i]! + this.timeoutNs);
    }
    const offset = c.fragOffset[i]!;
    let end = offset + c.length[i]! - headerBytes;
    const more = (c.decodeFlags[i]! & DECODE_MORE_FRAGMENTS) !== 0;
    if (more) end &= ~7;
    if (!extend(queue, end, more) || end === offset) return this.discard(key, queue);
    const data = batch.data.slice(
      l3 + headerBytes,
      Math.min(l3 + c.l3CapLen[i]!, l3 + headerBytes + end - offset),
    );
    const inserted = queue.insert({ offset, end, data });
    if (inserted === OVERLAP) return this.discard(key, queue);
    if (inserted === DUPLICATE) return false;
    const size = end - offset + headerBytes;
    queue.maxSize = Math.max(queue.maxSize, size);
    if ((batch.view.getUint16(l3 + 6) & 0x4000) !== 0) queue.maxDfSize = Math.max(queue.maxDfSize, size);
    this.account(queue, c.length[i]!);
    queue.meat += end - offset;
    queue.ecn |= 1 << (c.tos[i]! & 3);
    if (offset === 0) {
      noteHead(queue, batch, i, headerBytes);
      queue.registers = registers?.slice();
    }
    if (!queue.isComplete) return false;
    this.remove(key, queue);
    this.firstRegisters = queue.registers;
    const ecn = combineEcn(queue.ecn);
    const total = queue.head.length + queue.length;
    if (ecn < 0 || total > 65535) return this.drop();
    const { view } = this.spare;
    const at = LINK_BYTES;
    const whole = this.lay(queue);
    view.setUint16(at + 2, total);
    view.setUint8(at + 1, view.getUint8(at + 1) | ecn);
    view.setUint16(at + 6, queue.maxDfSize === queue.maxSize ? 0x4000 : 0);
    writeHeaderChecksum(view, at, queue.head.length);
    return this.give(batch, i, p, queue, whole, total);
  }

  private addIpv6(batch: Batch, i: number, p: Packet, user: number, iif: number): boolean {
    const c = batch.columns;
    const { view } = batch;
    const l3 = c.l3Offset[i]!;
    const captureEnd = l3 + c.l3CapLen[i]!;
    const payloadLength = view.getUint16(l3 + 4);
    const place = payloadLength === 0 ? undefined : findFragmentHeader(view, l3, captureEnd);
    // No payload length, or no fragment header to be found: it passes as it is.
    if (place === undefined || isFirstTruncated(view, place.header, l3 + c.length[i]!, captureEnd)) {
      p.load(batch, i, 0);
      return true;
    }
    const { header, previousNext } = place;
    const field = view.getUint16(header + 2);
    const offset = field & 0xfff8;
    const more = (field & 1) !== 0;
    const end = offset + payloadLength - (header + 8 - (l3 + 40));
    const first = c.daddr[4 * i]!;
    const isLocal = first >>> 24 === 0xff || (first & 0xffc00000) === (0xfe800000 | 0);
    const words: number[] = [view.getInt32(header + 4), user, isLocal ? iif : 0];
    for (let k = 0; k < 4; k++) words.push(c.saddr[4 * i + k]!, c.daddr[4 * i + k]!);
    const key = words.join(' ');
    const queue = this.find(key, c.timeNs[i]!, '');
    if (queue === undefined) return this.drop();
    if (end > 65535) return this.drop();
    if (more && (end & 7) !== 0) {
      this.remove(key, queue);
      p.load(batch, i, 0);
      return true;
    }
    // Unlike IPv4's, a queue survives a fragment that contradicts it.
    if (!extend(queue, end, more) || end === offset) return this.drop();
    const data = batch.data.slice(header + 8, Math.min(captureEnd, header + 8 + end - offset));
    const inserted = queue.insert({ offset, end, data });
    if (inserted === OVERLAP) return this.discard(key, queue);
    if (inserted === DUPLICATE) return false;
    queue.maxSize = Math.max(queue.maxSize, 40 + payloadLength);
    this.account(queue, c.length[i]!);
    queue.meat += end - offset;
    queue.ecn |= 1 << (c.tos[i]! & 3);
    if (offset === 0) {
      noteHead(queue, batch, i, header - l3);
      // The header before names what the fragment header named.
      queue.head[previousNext - l3] = view.getUint8(header);
    }
    if (!queue.isComplete) return false;
    this.remove(key, queue);
    const ecn = combineEcn(queue.ecn);
    const payload = queue.head.length - 40 + queue.length;
    if (ecn < 0 || payload > 65535) return this.drop();
    const at = LINK_BYTES;
    const whole = this.lay(queue);
    this.spare.view.setUint16(at + 4, payload);
    this.spare.view.setUint8(at + 1, this.spare.view.getUint8(at + 1) | (ecn << 4));
    return this.give(batch, i, p, queue, whole, 40 + payload);
  }

  /** Lays link header, header and data into the spare batch; gives the bytes of the packet without a gap. */
  private lay(queue: FragmentQueue): number {
    const { data } = this.spare;
    data.set(queue.link, LINK_BYTES - queue.link.length);
    data.set(queue.head, LINK_BYTES);
    return queue.head.length + queue.assemble(data, LINK_BYTES + queue.head.length);
  }

  /** Decodes the whole packet in the spare batch and loads it. */
  private give(
    batch: Batch,
    i: number,
    p: Packet,
    queue: FragmentQueue,
    captured: number,
    total: number,
  ): boolean {
    const { spare } = this;
    const c = spare.columns;
    c.timeNs[0] = batch.columns.timeNs[i]!;
    c.dataOffset[0] = LINK_BYTES;
    c.capLen[0] = captured;
    c.origLen[0] = total;
    c.source[0] = batch.columns.source[i]!;
    c.linktype[0] = LINKTYPE_RAW;
    decodeBatch(spare);
    c.macOffset[0] = queue.link.length === 0 ? NO_OFFSET : LINK_BYTES - queue.link.length;
    c.pktType[0] = batch.columns.pktType[i]!;
    p.load(spare, 0, 0);
    p.fragMaxBytes = queue.maxSize;
    this.wholes++;
    return true;
  }

  /** inet_frag_find(): the queue of a key, made when there is room; undefined when memory is full. */
  private find(key: string, nowNs: number, peer: string): FragmentQueue | undefined {
    if (this.memoryBytes > this.highThreshold || this.highThreshold === 0) return undefined;
    let queue = this.queues.get(key);
    if (queue !== undefined) return queue;
    queue = new FragmentQueue(nowNs + this.timeoutNs);
    this.queues.set(key, queue);
    this.memoryBytes += QUEUE_BYTES;
    if (this.maxDistance > 0) {
      const known = this.peers.get(peer);
      if (known === undefined) this.peers.set(peer, { count: 0, queues: 1 });
      else known.queues++;
    }
    return queue;
  }

  /** ip_frag_too_far(): more than max_dist fragments of the sender came since this packet's last one. */
  private isTooFar(queue: FragmentQueue, peer: string): boolean {
    const known = this.peers.get(peer);
    if (known === undefined) return false;
    const start = queue.peerCount;
    queue.peerCount = ++known.count;
    return !queue.isEmpty && queue.peerCount - start > this.maxDistance;
  }

  private account(queue: FragmentQueue, bytes: number): void {
    const cost = SKB_BYTES + ((bytes + SLAB_BYTES) & ~(SLAB_BYTES - 1));
    queue.memoryBytes += cost;
    this.memoryBytes += cost;
  }

  private remove(key: string, queue: FragmentQueue): void {
    this.queues.delete(key);
    this.memoryBytes -= queue.memoryBytes + QUEUE_BYTES;
    if (this.maxDistance === 0) return;
    const peer = key.slice(0, key.indexOf(' '));
    const known = this.peers.get(peer)!;
    if (--known.queues === 0) this.peers.delete(peer);
  }

  /** inet_frag_kill(): the packet is void, with all of its fragments. */
  private discard(key: string, queue: FragmentQueue): false {
    this.voided += queue.fragments.length;
    this.remove(key, queue);
    return this.drop();
  }

  private drop(): false {
    this.voided++;
    return false;
  }

  /** Queues are in the order of their making, and live equally long (a restarted one a little longer). */
  private forgetOld(nowNs: number): void {
    for (const [key, queue] of this.queues) {
      if (queue.expiresNs > nowNs) return;
      this.timedOut++;
      this.remove(key, queue);
    }
  }
}

/** Room for a link header before the packet: Ethernet's, aligned. */
const LINK_BYTES = 16;
const ETHERNET_BYTES = 14;
const SPARE_BYTES = LINK_BYTES + 65535 + 40 + 256;
const LINKTYPE_RAW = 101;

/** sizeof(struct ipq) and sizeof(struct frag_queue), about; an skb and its shared info; the smallest slab. */
const QUEUE_BYTES = 200;
const SKB_BYTES = 576;
const SLAB_BYTES = 256;

/** Takes note of where the packet ends; false when that contradicts what came before. */
function extend(queue: FragmentQueue, end: number, more: boolean): boolean {
  if (!more) {
    if (end < queue.length || (queue.hasLast && end !== queue.length)) return false;
    queue.hasLast = true;
    queue.length = end;
  } else if (end > queue.length) {
    if (queue.hasLast) return false;
    queue.length = end;
  }
  return true;
}

/** Keeps the headers of the first fragment, `bytes` of them, and the link header before. */
function noteHead(queue: FragmentQueue, batch: Batch, i: number, bytes: number): void {
  const c = batch.columns;
  const l3 = c.l3Offset[i]!;
  queue.hasFirst = true;
  queue.head = batch.data.slice(l3, l3 + bytes);
  const mac = c.macOffset[i]!;
  if (mac !== NO_OFFSET) queue.link = batch.data.slice(mac, mac + ETHERNET_BYTES);
}
