import type { Arena } from '../base/arena.ts';
import type { Host } from '../host/types.ts';
import {
  IPS_CONFIRMED,
  IPS_DYING,
  IPS_FIXED_TIMEOUT,
  IPS_HELPER,
  IPS_WHOLE_WAY,
  TUPLE_PROTO,
} from '../packet/conntrack-access.ts';
import { IPPROTO_GRE } from '../packet/packet.ts';
import { Expectations } from './expect.ts';
import { GreKeymap } from './gre-keymap.ts';
import {
  ACCOUNT_ELEMENTS,
  C_HOLD,
  C_MASTER,
  C_SOURCE_NEXT,
  C_SOURCE_PREV,
  C_STATUS,
  C_TIMEOUT,
  C_TIMEOUT_POLICY,
  HEADER_BURIED,
  HEADER_LIMBO,
  HEADER_LIMBO_NEXT,
  HELD_AND_DEAD,
  LIMBO_RECORDS,
  RECORD_SHIFT,
} from './layout.ts';
import { SequenceAdjustments } from './seqadj.ts';
import { ConntrackTable } from './table.ts';
import { readTimeouts, SECOND_NS, type Timeouts } from './timeouts.ts';

/** What a tracker says of a packet. */
export const TRACK_ACCEPT = 1;
/** Not a valid part of the connection: INVALID, which is no drop. */
export const TRACK_INVALID = -1;
/** NF_DROP. */
export const TRACK_DROP = 0;
/** The entry was closed and is gone: look up again, and make a new one. */
export const TRACK_REPEAT = -4;

export type Tracked = 1 | -1 | 0 | -4;

/**
 * What all trackers share: the table, the clock, the settings, and the life and death of entries.
 *
 * The clock is the capture's: `nowNs` is the time of the packet being tracked. Nothing happens between packets,
 * so an entry dies when somebody looks: at look-up (nf_ct_is_expired() in ____nf_conntrack_find()), when its
 * tuple is wanted for a translation, and in the sweeps of expire.ts.
 *
 * A killed record is not used again at once: the packet that killed it (an RST, say) goes on through the hooks
 * and its rules may look at the entry. It waits in limbo until LIMBO_RECORDS others have died.
 */
export class ConntrackCore {
  readonly table: ConntrackTable;
  readonly words: Int32Array;
  readonly floats: Float64Array;
  readonly timeouts: Timeouts;
  /** Those of timeout policies; C_TIMEOUT_POLICY is an index + 1. */
  readonly policies: Timeouts[] = [];
  /** Time of the packet, nanoseconds from the run's base time. */
  nowNs = 0;
  /** INVALID_* of the packet tracked last. */
  lastInvalidReason = 0;
  /** Packets and bytes are counted (nf_conntrack_acct): for entries made from now on, as in the kernel. */
  acct: boolean;
  /** net.netfilter.nf_conntrack_checksum. */
  readonly verifyChecksums: boolean;
  readonly tcpBeLiberal: boolean;
  readonly tcpLoose: boolean;
  readonly tcpMaxRetrans: number;
  readonly tcpIgnoreInvalidRst: boolean;
  /** `--midstream established`. */
  readonly midstreamEstablished: boolean;
  /** Connections that were picked up in the middle. */
  midstreamCount = 0;
  readonly adjustments: SequenceAdjustments;
  readonly expectations: Expectations;
  readonly greKeys = new GreKeymap();
  /** Told of connections with a helper when they end, and when nobody refers to their record any more. */
  onEnd: ((ct: number) => void) | undefined;
  onFree: ((ct: number) => void) | undefined;

  constructor(host: Host, capacity: number, midstreamEstablished: boolean, arena?: Arena) {
    this.table = ConntrackTable.allocate(capacity, arena);
    this.words = this.table.words;
    this.floats = this.table.floats;
    this.timeouts = readTimeouts(host);
    const sysctl = (name: string) => host.sysctl(`net.netfilter.nf_conntrack_${name}`);
    this.acct = sysctl('acct') !== 0;
    this.verifyChecksums = sysctl('checksum') !== 0;
    this.tcpBeLiberal = sysctl('tcp_be_liberal') !== 0;
    this.tcpLoose = sysctl('tcp_loose') !== 0;
    this.tcpMaxRetrans = sysctl('tcp_max_retrans');
    this.tcpIgnoreInvalidRst = sysctl('tcp_ignore_invalid_rst') !== 0;
    this.midstreamEstablished = midstreamEstablished;
    this.adjustments = new SequenceAdjustments(this);
    this.expectations = new Expectations(this, sysctl('expect_max'));
  }

  /** nf_ct_timeout_lookup(): of the entry's policy, or the sysctls'. */
  timeoutsOf(ct: number): Timeouts {
    if (this.policies.length === 0) return this.timeouts;
    const policy = this.words[(ct << RECORD_SHIFT) + C_TIMEOUT_POLICY]!;
    return policy === 0 ? this.timeouts : this.policies[policy - 1]!;
  }

  /** Entries alive, confirmed or not: net.netfilter.nf_conntrack_count. */
  get inUse(): number {
    return this.table.count - this.table.header[HEADER_BURIED]!;
  }

  /** __nf_ct_refresh_acct(): the entry lives for `timeoutNs` from now; counts the packet. */
  refresh(ct: number, dir: number, timeoutNs: number, lengthBytes: number): void {
    this.refreshTimeout(ct, timeoutNs);
    if (this.acct) this.account(ct, dir, lengthBytes);
  }

  /** nf_ct_refresh(): the entry lives for `timeoutNs` from now; no packet is counted. */
  refreshTimeout(ct: number, timeoutNs: number): void {
    const at = ct << RECORD_SHIFT;
    const status = this.words[at + C_STATUS]!;
    if ((status & IPS_FIXED_TIMEOUT) !== 0) return;
    this.floats[(at + C_TIMEOUT) >> 1] = (status & IPS_CONFIRMED) !== 0 ? timeoutNs + this.nowNs : timeoutNs;
  }

  /** nf_ct_acct_update(). */
  account(ct: number, dir: number, lengthBytes: number): void {
    const { table } = this;
    const at = ct * ACCOUNT_ELEMENTS + 2 * dir;
    table.hasAccounts = true;
    table.accounts[at]! += 1;
    table.accounts[at + 1]! += lengthBytes;
  }

  /** nf_ct_is_expired(), of a confirmed entry. */
  isExpired(ct: number): boolean {
    return this.floats[((ct << RECORD_SHIFT) + C_TIMEOUT) >> 1]! <= this.nowNs;
  }

  /**
   * nf_ct_expires() / HZ. Of an entry that is not confirmed it is 0: its timeout does not run yet, and the kernel takes
   * the current time from it all the same.
   */
  expiresSeconds(ct: number, nowNs: number): number {
    const at = ct << RECORD_SHIFT;
    const timeout = this.floats[(at + C_TIMEOUT) >> 1]!;
    const left = (this.words[at + C_STATUS]! & IPS_CONFIRMED) !== 0 ? timeout - nowNs : 0;
    return left <= 0 ? 0 : Math.floor(left / SECOND_NS);
  }

  /** nf_ct_kill(): takes the entry out of the table. False when it was dying already. */
  kill(ct: number): boolean {
    const at = ct << RECORD_SHIFT;
    const status = this.words[at + C_STATUS]!;
    if ((status & IPS_DYING) !== 0) return false;
    if ((status & IPS_CONFIRMED) !== 0) this.table.remove(ct);
    this.words[at + C_STATUS] = status | IPS_DYING;
    if ((status & IPS_HELPER) !== 0) this.onEnd?.(ct);
    this.bury(ct);
    return true;
  }

  /** The packet of an entry that was never confirmed has died: nf_conntrack_free(). */
  releaseUnconfirmed(ct: number): void {
    const at = ct << RECORD_SHIFT;
    if ((this.words[at + C_STATUS]! & (IPS_CONFIRMED | IPS_DYING)) !== 0) return;
    this.words[at + C_STATUS]! |= IPS_DYING;
    this.bury(ct);
  }

  /** Somebody (an answer that is still to come in the capture) refers to the entry: its record is not reused. */
  hold(ct: number): void {
    this.words[(ct << RECORD_SHIFT) + C_HOLD]!++;
  }

  /** The opposite of hold(). */
  unhold(ct: number): void {
    const at = ct << RECORD_SHIFT;
    this.words[at + C_HOLD]!--;
    if (this.words[at + C_HOLD] === HELD_AND_DEAD) {
      this.words[at + C_HOLD] = 0;
      this.free(ct);
    }
  }

  private bury(ct: number): void {
    if (this.words[(ct << RECORD_SHIFT) + C_SOURCE_PREV] !== 0) this.unlinkSource(ct);
    const at = ct << RECORD_SHIFT;
    if ((this.words[at + C_STATUS]! & IPS_HELPER) !== 0) this.expectations.removeAll(ct);
    // destroy_gre_conntrack(): the call of a PPTP connection ends with its GRE.
    const master = this.words[at + C_MASTER]! - 1;
    if (master >= 0 && (this.words[at + TUPLE_PROTO]! & 255) === IPPROTO_GRE) this.greKeys.forget(master);
    const { header } = this.table;
    header[HEADER_BURIED]!++;
    const next = header[HEADER_LIMBO_NEXT]!;
    const oldest = header[HEADER_LIMBO + next]! - 1;
    header[HEADER_LIMBO + next] = ct + 1;
    header[HEADER_LIMBO_NEXT] = (next + 1) % LIMBO_RECORDS;
    if (oldest < 0) return;
    const held = (oldest << RECORD_SHIFT) + C_HOLD;
    if (this.words[held] === 0) this.free(oldest);
    else this.words[held]! += HELD_AND_DEAD;
  }

  private free(ct: number): void {
    this.table.header[HEADER_BURIED]!--;
    const at = ct << RECORD_SHIFT;
    if ((this.words[at + C_STATUS]! & IPS_WHOLE_WAY) !== 0) {
      this.expectations.removeAll(ct);
      this.adjustments.forget(ct);
      this.onFree?.(ct);
    }
    const master = this.words[at + C_MASTER]! - 1;
    this.table.freeRecord(ct);
    if (master >= 0) this.unhold(master);
  }

  /** nf_nat_cleanup_conntrack(): out of the by-source chain. */
  private unlinkSource(ct: number): void {
    const words = this.words;
    const at = ct << RECORD_SHIFT;
    const next = words[at + C_SOURCE_NEXT]!;
    const previous = words[at + C_SOURCE_PREV]!;
    if (previous < 0) this.table.sourceBuckets[-previous - 1] = next;
    else words[((previous - 1) << RECORD_SHIFT) + C_SOURCE_NEXT] = next;
    if (next !== 0) words[((next - 1) << RECORD_SHIFT) + C_SOURCE_PREV] = previous;
    words[at + C_SOURCE_PREV] = 0;
  }
}
