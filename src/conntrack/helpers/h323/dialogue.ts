import { manglePayload } from '../../../nat/helper.ts';
import type { HelperCall } from '../../helper.ts';
import { sameAddress } from '../sip-message.ts';
import { part, type Value } from './per.ts';

/** RTP channels whose ports a connection remembers: audio, video, fax and one other. */
const CHANNELS_MAX = 4;

/** struct nf_ct_h323_master. Pairs are by direction: of the one whose port it is, and what became of it in NAT. */
export interface H323Memory {
  readonly signalPort: [number, number];
  readonly rtpPorts: [number, number][];
  /** A header that came alone announces so many bytes, in each direction. */
  readonly awaitedBytes: [number, number];
  /** Of a registration. */
  timeoutSeconds: number;
}

export function newMemory(): H323Memory {
  return {
    signalPort: [0, 0],
    rtpPorts: Array.from({ length: CHANNELS_MAX }, () => [0, 0]),
    awaitedBytes: [0, 0],
    timeoutSeconds: 0,
  };
}

/** A transport address of a message: where it stands in the packet's payload, and what it says. */
export interface Spot {
  readonly offset: number;
  readonly address: Int32Array;
  readonly port: number;
}

/** A message in a packet; offsets of its values count from `dataAt` of the payload. */
export class Dialogue {
  readonly call: HelperCall;
  readonly memory: H323Memory;
  readonly dataAt: number;

  constructor(call: HelperCall, memory: H323Memory, dataAt: number) {
    this.call = call;
    this.memory = memory;
    this.dataAt = dataAt;
  }

  /** Offset in the packet's bytes from which offsets of values count. */
  get base(): number {
    return this.call.payloadAt + this.dataAt;
  }

  /** The connection is one that the kernel translates H.323 of. */
  get isTranslated(): boolean {
    return this.call.family === 4 && this.call.isTranslated;
  }

  /** The same, and the sender is known by another address on the other side. */
  get isSenderTranslated(): boolean {
    const { call } = this;
    return (
      this.isTranslated &&
      !sameAddress(call.words, call.saddr(call.dir), call.words, call.daddr(1 - call.dir))
    );
  }

  /** get_h225_addr(): TransportAddress of the connection's own family, else undefined. */
  signalSpot(value: Value | undefined): Spot | undefined {
    return this.spot(part(value, 'ipAddress', 'ip'), part(value, 'ip6Address', 'ip'));
  }

  /** get_h245_addr(). */
  mediaSpot(value: Value | undefined): Spot | undefined {
    const unicast = part(value, 'unicastAddress');
    return this.spot(part(unicast, 'iPAddress', 'network'), part(unicast, 'iP6Address', 'network'));
  }

  private spot(at4: Value | undefined, at6: Value | undefined): Spot | undefined {
    const { call, base } = this;
    const at = call.family === 4 ? at4 : at6;
    if (typeof at !== 'number') return undefined;
    const address = new Int32Array(4);
    const addressBytes = call.family === 4 ? 4 : 16;
    const { view } = call.p;
    for (let i = 0; i < addressBytes; i += 4) address[i >> 2] = view.getInt32(base + at + i);
    return { offset: this.dataAt + at, address, port: view.getUint16(base + at + addressBytes) };
  }

  /** `spot` is the sender's own address, as it knows itself. */
  isSender({ address }: Spot): boolean {
    return sameAddress(address, 0, this.call.words, this.call.saddr(this.call.dir));
  }

  /** `spot` is the address that the sender sends to. */
  isReceiver({ address }: Spot): boolean {
    return sameAddress(address, 0, this.call.words, this.call.daddr(this.call.dir));
  }

  /** set_addr(): IPv4 address (at `addressAt` of the table's words) and port in place of those at `spot`. */
  write({ offset }: Spot, addressAt: number, port: number): boolean {
    const bytes = new Uint8Array(6);
    const view = new DataView(bytes.buffer);
    view.setInt32(0, this.call.words[addressAt]!);
    view.setUint16(4, port);
    return manglePayload(this.call, offset, 6, bytes);
  }
}
