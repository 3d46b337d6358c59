import type { Random } from '../base/random.ts';
import { CLIENTS, clientAddress4, portOf, SERVICES, serverAddress4, serverOf } from './address-plan.ts';
import { headerBytes } from './frame.loop.ts';
import {
  FLAG_ACK,
  FLAG_FIN,
  FLAG_PSH,
  FLAG_SYN,
  type PacketSpec,
  PROTO_ICMP,
  PROTO_ICMPV6,
  PROTO_TCP,
  PROTO_UDP,
} from './packet-spec.ts';

export interface ConversationOptions {
  readonly flows: number;
  /** Share of flows that are IPv6. */
  readonly ipv6: number;
  /** Shares of flows that are TCP, and UDP; the rest pings. */
  readonly tcp: number;
  readonly udp: number;
  /** Bytes of a frame that carries data: evenly distributed from the least to the most. */
  readonly leastFrameBytes: number;
  readonly frameBytes: number;
  /** Data packets of a conversation: from 2^min to 2^max, the exponent evenly distributed. */
  readonly minLog2Packets: number;
  readonly maxLog2Packets: number;
  /** No two conversations with one server come from the same client port, so that one address can stand for all clients. */
  readonly distinctPorts?: boolean;
}

/** Where a TCP conversation is: the step that its next packet takes. */
const STEP_SYN = 0;
const STEP_SYN_ACK = 1;
const STEP_ACK = 2;
const STEP_REQUEST = 3;
const STEP_RESPONSE = 4;
const STEP_FIN = 5;
const STEP_FIN_BACK = 6;
const STEP_LAST_ACK = 7;

const FIRST_PORT = 1024;
const PORT_COUNT = 65536 - FIRST_PORT;

/**
 * The flows of a capture as columns, a row a flow. A flow is a client, a service and a protocol; over it goes one
 * conversation after the other, each with a client port of its own:
 *
 *   TCP   SYN, SYN+ACK, ACK, then request and response in turn, each acknowledging the other, then FIN, FIN, ACK
 *   UDP   request and reply in turn; ping: echo and echo reply in turn
 *
 * Every packet follows from the one before it in the flow, so whatever the order in which flows are drawn, each
 * conversation is sound: numbers in the window, nobody speaks before he is asked.
 */
export class Conversations {
  readonly #random: Random;
  readonly #minLog2: number;
  readonly #spanLog2: number;
  readonly #leastFrameBytes: number;
  readonly #spanFrameBytes: number;
  readonly #family: Uint8Array;
  readonly #l4proto: Uint8Array;
  readonly #client: Int32Array;
  readonly #server: Int32Array;
  readonly #serverPort: Uint16Array;
  readonly #clientPort: Uint16Array;
  readonly #step: Uint8Array;
  /** Data packets that are still to come in the conversation. */
  readonly #left: Int32Array;
  readonly #clientSeq: Int32Array;
  readonly #serverSeq: Int32Array;
  /** Conversations begun. */
  begun = 0;

  constructor(options: ConversationOptions, random: Random) {
    const { flows } = options;
    this.#random = random;
    this.#minLog2 = options.minLog2Packets;
    this.#spanLog2 = options.maxLog2Packets - options.minLog2Packets;
    this.#leastFrameBytes = options.leastFrameBytes;
    this.#spanFrameBytes = options.frameBytes - options.leastFrameBytes;
    this.#family = new Uint8Array(flows);
    this.#l4proto = new Uint8Array(flows);
    this.#client = new Int32Array(flows);
    this.#server = new Int32Array(flows);
    this.#serverPort = new Uint16Array(flows);
    this.#clientPort = new Uint16Array(flows);
    this.#step = new Uint8Array(flows);
    this.#left = new Int32Array(flows);
    this.#clientSeq = new Int32Array(flows);
    this.#serverSeq = new Int32Array(flows);
    for (let flow = 0; flow < flows; flow++) this.#make(flow, options);
    if (options.distinctPorts === true) this.#spreadPorts();
  }

  /** Gives the flows of a server ports that lie so far apart that their next conversations do not meet. */
  #spreadPorts(): void {
    const flowsOf = new Map<number, number[]>();
    for (const [flow, server] of this.#server.entries()) {
      const flows = flowsOf.get(server);
      if (flows === undefined) flowsOf.set(server, [flow]);
      else flows.push(flow);
    }
    for (const flows of flowsOf.values()) {
      for (const [i, flow] of flows.entries()) {
        this.#clientPort[flow] = FIRST_PORT + Math.floor((i * PORT_COUNT) / flows.length);
      }
    }
  }

  #make(flow: number, { ipv6, tcp, udp }: ConversationOptions): void {
    const random = this.#random;
    const family = random.fraction() < ipv6 ? 6 : 4;
    const kind = random.fraction();
    const client = random.below(CLIENTS);
    const service = random.below(SERVICES);
    const ping = family === 4 ? PROTO_ICMP : PROTO_ICMPV6;
    this.#family[flow] = family;
    this.#l4proto[flow] = kind < tcp ? PROTO_TCP : kind < tcp + udp ? PROTO_UDP : ping;
    this.#client[flow] = family === 4 ? clientAddress4(client) : client;
    this.#server[flow] = family === 4 ? serverAddress4(serverOf(service)) : serverOf(service);
    this.#serverPort[flow] = portOf(service);
    this.#clientPort[flow] = FIRST_PORT + random.below(PORT_COUNT);
    this.#begin(flow);
  }

  #begin(flow: number): void {
    const random = this.#random;
    const exponent = this.#minLog2 + random.fraction() * this.#spanLog2;
    this.#left[flow] = Math.min(2 ** exponent, 0x7fffffff);
    this.#step[flow] = this.#l4proto[flow] === PROTO_TCP ? STEP_SYN : STEP_REQUEST;
    this.#clientSeq[flow] = this.#l4proto[flow] === PROTO_TCP ? random.word() : 0;
    this.#serverSeq[flow] = random.word();
  }

  #beginNext(flow: number): void {
    this.#clientPort[flow] = FIRST_PORT + ((this.#clientPort[flow]! - FIRST_PORT + 1) % PORT_COUNT);
    this.#begin(flow);
  }

  /** Sets `p` to the next packet of a flow. */
  next(flow: number, p: PacketSpec): void {
    p.family = this.#family[flow] as 4 | 6;
    p.l4proto = this.#l4proto[flow]!;
    p.client = this.#client[flow]!;
    p.server = this.#server[flow]!;
    p.clientPort = this.#clientPort[flow]!;
    p.serverPort = this.#serverPort[flow]!;
    p.payloadBytes = 0;
    if (p.l4proto === PROTO_TCP) this.#nextTcp(flow, p);
    else this.#nextDatagram(flow, p);
  }

  #nextTcp(flow: number, p: PacketSpec): void {
    const step = this.#step[flow]!;
    p.isFromClient =
      step === STEP_SYN ||
      step === STEP_ACK ||
      step === STEP_REQUEST ||
      step === STEP_FIN ||
      step === STEP_LAST_ACK;
    p.flags = FLAG_ACK;
    p.seq = p.isFromClient ? this.#clientSeq[flow]! : this.#serverSeq[flow]!;
    p.ack = p.isFromClient ? this.#serverSeq[flow]! : this.#clientSeq[flow]!;
    this.#step[flow] = step + 1;
    let consumed = 0;
    switch (step) {
      case STEP_SYN:
        this.begun++;
        p.flags = FLAG_SYN;
        p.ack = 0;
        consumed = 1;
        break;
      case STEP_SYN_ACK:
        p.flags = FLAG_SYN | FLAG_ACK;
        consumed = 1;
        break;
      case STEP_REQUEST:
      case STEP_RESPONSE:
        p.flags = FLAG_PSH | FLAG_ACK;
        p.payloadBytes = consumed = this.#dataBytes(p);
        if (--this.#left[flow]! <= 0) this.#step[flow] = STEP_FIN;
        else this.#step[flow] = step === STEP_REQUEST ? STEP_RESPONSE : STEP_REQUEST;
        break;
      case STEP_FIN:
      case STEP_FIN_BACK:
        p.flags = FLAG_FIN | FLAG_ACK;
        consumed = 1;
        break;
      case STEP_LAST_ACK:
        this.#beginNext(flow);
        return;
    }
    if (p.isFromClient) this.#clientSeq[flow] = (this.#clientSeq[flow]! + consumed) | 0;
    else this.#serverSeq[flow] = (this.#serverSeq[flow]! + consumed) | 0;
  }

  #nextDatagram(flow: number, p: PacketSpec): void {
    const isRequest = this.#step[flow] === STEP_REQUEST;
    p.isFromClient = isRequest;
    p.payloadBytes = this.#dataBytes(p);
    if (isRequest) {
      if (this.#clientSeq[flow] === 0) this.begun++;
      this.#clientSeq[flow]! += 1;
    }
    p.seq = this.#clientSeq[flow]!;
    this.#step[flow] = isRequest ? STEP_RESPONSE : STEP_REQUEST;
    if (--this.#left[flow]! <= 0 && !isRequest) this.#beginNext(flow);
  }

  #dataBytes(p: PacketSpec): number {
    const span = this.#spanFrameBytes;
    const frameBytes = this.#leastFrameBytes + (span === 0 ? 0 : this.#random.below(span + 1));
    return frameBytes - headerBytes(p.family, p.l4proto, false);
  }
}
