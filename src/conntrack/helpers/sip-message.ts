import type { Family } from '../../base/inet.ts';
import { manglePayload } from '../../nat/helper.ts';
import { IPPROTO_TCP } from '../../packet/packet.ts';
import type { HelperCall } from '../helper.ts';

/** struct nf_ct_sip_master. */
export interface SipMemory {
  registerCseq: number;
  inviteCseq: number;
  /** Port that a phone listens on, where it sends from another (its Via says so); 0 for none. */
  forcedDport: number;
}

/** One SIP message in a packet: a TCP segment may hold several. Its text follows what is written into the packet. */
export class SipMessage {
  readonly call: HelperCall;
  readonly memory: SipMemory;
  readonly family: Family;
  /** Offset of the message in the payload. */
  readonly start: number;
  text: string;

  constructor(call: HelperCall, memory: SipMemory, start: number, text: string) {
    this.call = call;
    this.memory = memory;
    this.family = call.family;
    this.start = start;
    this.text = text;
  }

  get isTcp(): boolean {
    return this.call.l4proto === IPPROTO_TCP;
  }

  /**
   * mangle_packet() of nf_nat_sip.c: puts `by` in place of `length` bytes at `at`. The shift of a TCP connection is noted
   * once for the whole packet, by the caller.
   */
  replace(at: number, length: number, by: string): boolean {
    if (!manglePayload(this.call, this.start + at, length, by, false)) return false;
    this.text = this.text.slice(0, at) + by + this.text.slice(at + length);
    return true;
  }
}

/** Classes of expectations: enum sip_expectation_classes. */
export const SIP_SIGNALLING = 0;
export const SIP_AUDIO = 1;
export const SIP_VIDEO = 2;
export const SIP_IMAGE = 3;

/** nf_inet_addr_cmp(): are the addresses at `i` of `a` and at `j` of `b` the same? */
export function sameAddress(a: Int32Array, i: number, b: Int32Array, j: number): boolean {
  return a[i] === b[j] && a[i + 1] === b[j + 1] && a[i + 2] === b[j + 2] && a[i + 3] === b[j + 3];
}
