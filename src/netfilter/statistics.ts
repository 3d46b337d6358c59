import { type Arena, countersIn } from '../base/arena.ts';
import type { Family } from '../base/inet.ts';
import { INVALID_PHRASES, INVALID_REASONS } from '../conntrack/invalid.ts';
import { CT_NEW, CT_UNTRACKED, R_CTINFO, R_FAMILY, R_L4PROTO, R_LENGTH } from '../packet/registers.ts';
import type { StateRow } from './result.ts';

export const STATES = ['NEW', 'ESTABLISHED', 'RELATED', 'INVALID', 'UNTRACKED'] as const;
export const STATE_COUNT: number = STATES.length;
export const STATE_NEW = 0;
export const STATE_ESTABLISHED = 1;
const STATE_RELATED = 2;
const STATE_INVALID = 3;
const STATE_UNTRACKED = 4;

/** Counts packets by protocol and conntrack state, and those that were INVALID by reason. */
export class Statistics {
  /** Packets and bytes, in pairs: [family 4 or 6][l4proto][state][2]; written by quick-way.loop.ts too. */
  readonly counts: Float64Array;
  readonly #invalid = [new Float64Array(INVALID_REASONS), new Float64Array(INVALID_REASONS)];
  /** [family 4 or 6][l4proto]: connections confirmed. */
  readonly confirmedCounts: Float64Array;

  constructor(arena?: Arena) {
    this.counts = countersIn(arena, 2 * (2 * 256 * STATES.length));
    this.confirmedCounts = countersIn(arena, 2 * 256);
  }

  /** A packet whose state is settled. */
  count(r: Int32Array, invalidReason: number): void {
    const ctinfo = r[R_CTINFO]!;
    const family = r[R_FAMILY] === 4 ? 0 : 1;
    const state = stateOf(ctinfo);
    const at = (family * 256 + r[R_L4PROTO]!) * STATES.length + state;
    this.counts[2 * at]! += 1;
    this.counts[2 * at + 1]! += r[R_LENGTH]!;
    if (state === STATE_INVALID) this.#invalid[family]![invalidReason]! += 1;
  }

  /** As `count`, of a packet of a connection: NEW or ESTABLISHED. */
  countKnown(family: number, l4proto: number, isNew: boolean, length: number): void {
    const state = isNew ? STATE_NEW : STATE_ESTABLISHED;
    const at = ((family === 4 ? 0 : 256) + l4proto) * STATES.length + state;
    this.counts[2 * at]! += 1;
    this.counts[2 * at + 1]! += length;
  }

  /** A connection has entered the table. */
  confirmed(family: number, l4proto: number): void {
    this.confirmedCounts[(family === 4 ? 0 : 256) + l4proto]! += 1;
  }

  states(): StateRow[] {
    const rows: StateRow[] = [];
    for (const [f, family] of ([4, 6] as const).entries()) {
      for (let l4proto = 0; l4proto < 256; l4proto++) {
        for (const [s, state] of STATES.entries()) {
          const at = (f * 256 + l4proto) * STATES.length + s;
          const packets = this.counts[2 * at]!;
          if (packets > 0) rows.push({ family, l4proto, state, packets, bytes: this.counts[2 * at + 1]! });
        }
      }
    }
    return rows;
  }

  invalid(): { family: Family; reason: string; packets: number }[] {
    const rows: { family: Family; reason: string; packets: number }[] = [];
    for (const [f, family] of ([4, 6] as const).entries()) {
      for (const [code, packets] of this.#invalid[f]!.entries()) {
        if (packets > 0) rows.push({ family, reason: INVALID_PHRASES[code] ?? 'unknown', packets });
      }
    }
    return rows;
  }

  /** Connections confirmed: [family, l4proto, count]. */
  confirmedRows(): { family: Family; l4proto: number; confirmed: number }[] {
    const rows: { family: Family; l4proto: number; confirmed: number }[] = [];
    for (const [i, confirmed] of this.confirmedCounts.entries()) {
      if (confirmed > 0) rows.push({ family: i < 256 ? 4 : 6, l4proto: i & 255, confirmed });
    }
    return rows;
  }
}

function stateOf(ctinfo: number): number {
  if (ctinfo < 0) return STATE_INVALID;
  if (ctinfo === CT_UNTRACKED) return STATE_UNTRACKED;
  if (ctinfo === CT_NEW) return STATE_NEW;
  // RELATED is 1, RELATED in reply 4; ESTABLISHED is 0, in reply 3.
  return ctinfo % 3 === 1 ? STATE_RELATED : STATE_ESTABLISHED;
}
