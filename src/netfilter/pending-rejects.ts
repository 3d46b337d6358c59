import type { Conntrack } from '../conntrack/conntrack.ts';
import { IPPROTO_TCP, type Packet } from '../packet/packet.ts';
import {
  R_CT,
  R_CTINFO,
  R_DADDR,
  R_DPORT,
  R_L4PROTO,
  R_SADDR,
  R_SPORT,
  R_TCP_FLAGS,
} from '../packet/registers.ts';
import type { LocalForm } from './local-form.ts';

const TCP_RST = 4;
/** An answer that has not left after this long never will. */
const ANSWER_WINDOW_NS = 1e9;

/** Words of a rejected packet's wire form: addresses and ports. */
const WORDS = 10;

/**
 * Packets that a REJECT answered with a TCP reset, whose answer is still to come in the capture. The kernel attaches
 * the reset to the connection of the packet it answers (nf_ct_attach() in nf_send_reset()), even if that
 * connection was never confirmed, so its entry is held until the reset has been replayed.
 */
export class PendingRejects {
  readonly #conntrack: Conntrack;
  readonly #localForm: LocalForm;
  readonly #pending: { ct: number; ctinfo: number; timeNs: number; wire: Int32Array }[] = [];

  constructor(conntrack: Conntrack, localForm: LocalForm) {
    this.#conntrack = conntrack;
    this.#localForm = localForm;
  }

  /** A rule has rejected TCP packet `p`; `arrived` holds the registers as they were when it came in. To be called before its entry is released. */
  add(p: Packet, arrived: Int32Array): void {
    const ct = p.r[R_CT]!;
    if (ct < 0 || p.r[R_L4PROTO] !== IPPROTO_TCP) return;
    const wire = new Int32Array(WORDS);
    for (let i = 0; i < 8; i++) wire[i] = arrived[R_SADDR + i]!;
    wire[8] = arrived[R_SPORT]!;
    wire[9] = arrived[R_DPORT]!;
    this.#conntrack.core.hold(ct);
    this.#pending.push({ ct, ctinfo: p.r[R_CTINFO]!, timeNs: p.timeNs, wire });
  }

  /** Attaches the reset `p`, that this host made, to the connection it answers, if it is one. */
  attach(p: Packet): void {
    this.#expire(p.timeNs);
    if (this.#pending.length === 0 || p.r[R_L4PROTO] !== IPPROTO_TCP) return;
    if ((p.r[R_TCP_FLAGS]! & TCP_RST) === 0) return;
    const at = this.#pending.findIndex(({ wire }) => isAnswer(wire, p.r));
    if (at < 0) return;
    const { ct, ctinfo } = this.#pending[at]!;
    this.#conntrack.attach(p, ct, ctinfo);
    this.#localForm.take(p, ct, ctinfo >= 3 ? 0 : 1);
    this.#remove(at);
  }

  #expire(nowNs: number): void {
    while (this.#pending.length > 0 && nowNs - this.#pending[0]!.timeNs > ANSWER_WINDOW_NS) this.#remove(0);
  }

  #remove(at: number): void {
    const [gone] = this.#pending.splice(at, 1);
    this.#conntrack.core.unhold(gone!.ct);
  }
}

function isAnswer(wire: Int32Array, r: Int32Array): boolean {
  for (let i = 0; i < 4; i++) {
    if (r[R_SADDR + i] !== wire[4 + i] || r[R_DADDR + i] !== wire[i]) return false;
  }
  return r[R_SPORT] === wire[9] && r[R_DPORT] === wire[8];
}
