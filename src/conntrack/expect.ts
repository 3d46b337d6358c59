import type { Nat } from '../nat/nat.ts';
import {
  IPS_CONFIRMED,
  IPS_DYING,
  TUPLE_DPORT,
  TUPLE_PROTO,
  TUPLE_SPORT,
  TUPLE_WORDS,
} from '../packet/conntrack-access.ts';
import type { Packet } from '../packet/packet.ts';
import type { ConntrackCore } from './core.ts';
import type { Helper } from './helper.ts';
import { C_STATUS, RECORD_SHIFT, REPLY_STRIDE, TUPLE_ZONE } from './layout.ts';
import { SECOND_NS } from './timeouts.ts';
import { tupleHash } from './tuple.ts';

/**
 * Expectations: connections that a helper has read about in the packets of another, their master. A connection that
 * begins as one of them says is RELATED from its first packet on. net/netfilter/nf_conntrack_expect.c.
 *
 * There are few of them and they are short-lived, so each is an object, found by its destination (which it always
 * knows; of the source it may know less). A run without expectations pays one comparison for each new connection.
 * Nothing happens between packets: one that has expired goes when somebody comes by.
 */

/** It serves any number of connections until it expires (NF_CT_EXPECT_PERMANENT). */
export const EXPECT_PERMANENT = 1;
/** It serves none, and only keeps its place (NF_CT_EXPECT_INACTIVE). */
export const EXPECT_INACTIVE = 2;

/** `related`: the same tuple may be expected by another master (NF_CT_EXP_F_SKIP_MASTER). */
export const SKIP_MASTER = 1;

/** What `related` says: 0, or a reason of the kernel's. */
export const EXPECT_OK = 0;
/** Another one that could serve the same connection is there (EBUSY). */
export const EXPECT_BUSY = 1;
/** Another master, or another class, expects the same (EALREADY). */
export const EXPECT_ALREADY = 2;
/** There are too many: net.netfilter.nf_conntrack_expect_max (EMFILE). */
export const EXPECT_FULL = 3;
/** The master has no helper (ESHUTDOWN). */
export const EXPECT_SHUTDOWN = 4;

/** What settles the translation of the connection that came as expected. */
export type ExpectFunction = (nat: Nat, ct: number, expectation: Expectation, p: Packet) => void;

/** struct nf_conntrack_expect. */
export class Expectation {
  /** Record of the connection that announced it. */
  readonly master: number;
  /** Index into the helper's policies. */
  readonly class: number;
  /** The tuple of the first packet; source address and port count where the mask says so. */
  readonly tuple = new Int32Array(TUPLE_WORDS);
  readonly maskSaddr = new Int32Array(4);
  maskSport = 0;
  /** EXPECT_* bits. */
  flags = 0;
  /** Whose it is, and the helper that the new connection gets. */
  helper: Helper | undefined;
  assignHelper: Helper | undefined;
  expectfn: ExpectFunction | undefined;
  /** For `expectfn`: where the connection goes in truth, and the direction relative to the master (exp->dir). */
  readonly savedAddr = new Int32Array(4);
  savedPort = 0;
  dir: 0 | 1 = 0;
  zone = 0;
  /** When it expires, on the run's clock. */
  expiresNs = 0;
  /** nf_ct_unexpect_related(): taken back. */
  isDead = false;

  constructor(master: number, expectClass: number) {
    this.master = master;
    this.class = expectClass;
  }
}

interface MasterList {
  /** Newest first, as the kernel's hlist. */
  readonly list: Expectation[];
  /** By class. */
  readonly expecting: number[];
}

export class Expectations {
  /** How many there are, expired ones that nobody has met since among them. */
  count = 0;
  private readonly core: ConntrackCore;
  /** net.netfilter.nf_conntrack_expect_max. */
  private readonly max: number;
  /** By hash of the destination; newest first. */
  private readonly byDestination = new Map<number, Expectation[]>();
  private readonly byMaster = new Map<number, MasterList>();

  constructor(core: ConntrackCore, max: number) {
    this.core = core;
    this.max = max;
  }

  /** nf_ct_expect_related_report(): from now on the connection is expected. EXPECT_OK, or why it is not. */
  related(expectation: Expectation, flags = 0): number {
    const refused = this.check(expectation, flags);
    if (refused === EXPECT_OK) this.insert(expectation);
    return refused;
  }

  /** nf_ct_expect_related_pair(): both, or none. */
  relatedPair(one: Expectation, other: Expectation, flags = 0): number {
    const refused = this.check(one, flags);
    if (refused !== EXPECT_OK) return refused;
    // While the second is checked, the first counts already.
    const own = this.listOf(one.master);
    own.expecting[one.class] = (own.expecting[one.class] ?? 0) + 1;
    const second = this.check(other, flags);
    own.expecting[one.class]!--;
    if (second !== EXPECT_OK) return second;
    this.insert(one);
    this.insert(other);
    return EXPECT_OK;
  }

  /** nf_ct_unexpect_related(). */
  unexpect(expectation: Expectation): void {
    expectation.isDead = true;
  }

  /**
   * nf_ct_find_expectation(): the expectation that a new connection's tuple (at `at` of `words`) meets, in whatever
   * zone it is; it is used up. Undefined when nobody expects it.
   */
  take(words: Int32Array, at: number, zone: number): Expectation | undefined {
    const found = this.find(words, at, zone, true);
    if (found === undefined) return undefined;
    const status = this.core.words[(found.master << RECORD_SHIFT) + C_STATUS]!;
    if ((status & (IPS_CONFIRMED | IPS_DYING)) !== IPS_CONFIRMED) return undefined;
    if ((found.flags & EXPECT_PERMANENT) === 0) this.remove(found);
    return found;
  }

  /** __nf_ct_expect_find(); with `activeOnly` inactive ones are passed over. Nothing is used up. */
  find(words: Int32Array, at: number, zone: number, activeOnly = false): Expectation | undefined {
    if (this.count === 0) return undefined;
    const chain = this.byDestination.get(destinationHash(words, at));
    if (chain === undefined) return undefined;
    for (const one of [...chain]) {
      if (this.isExpired(one)) {
        this.remove(one);
        continue;
      }
      if (activeOnly && (one.flags & EXPECT_INACTIVE) !== 0) continue;
      if (one.zone === zone && meets(words, at, one, one.maskSaddr, one.maskSport)) return one;
    }
    return undefined;
  }

  /** The expectations of a master, newest first. */
  of(master: number): readonly Expectation[] {
    return this.byMaster.get(master)?.list ?? [];
  }

  /** nf_ct_remove_expectations(): the master is no more. */
  removeAll(master: number): void {
    for (const one of [...this.of(master)]) this.remove(one);
    this.byMaster.delete(master);
  }

  /** nf_ct_unlink_expect(). */
  remove(expectation: Expectation): void {
    const chain = this.byDestination.get(destinationHash(expectation.tuple, 0));
    const place = chain?.indexOf(expectation) ?? -1;
    if (place < 0) return;
    chain!.splice(place, 1);
    if (chain!.length === 0) this.byDestination.delete(destinationHash(expectation.tuple, 0));
    const own = this.listOf(expectation.master);
    own.list.splice(own.list.indexOf(expectation), 1);
    own.expecting[expectation.class]!--;
    this.count--;
  }

  /** nf_ct_exp_is_expired(). */
  isExpired(expectation: Expectation): boolean {
    return expectation.isDead || expectation.expiresNs <= this.core.nowNs;
  }

  /** Those that stand at `nowNs`, in no order. */
  *all(nowNs: number): Generator<Expectation> {
    for (const chain of this.byDestination.values())
      for (const one of chain) if (!one.isDead && one.expiresNs > nowNs) yield one;
  }

  /** __nf_ct_expect_check(). */
  private check(expectation: Expectation, flags: number): number {
    const { helper, master } = expectation;
    if (helper === undefined) return EXPECT_SHUTDOWN;
    for (const one of [...(this.byDestination.get(destinationHash(expectation.tuple, 0)) ?? [])]) {
      if (this.isExpired(one)) {
        this.remove(one);
      } else if (((flags & SKIP_MASTER) !== 0 || one.master === master) && this.isSame(one, expectation)) {
        if (one.class !== expectation.class || one.master !== master) return EXPECT_ALREADY;
        this.remove(one);
        break;
      } else if (this.clashes(one, expectation)) {
        return EXPECT_BUSY;
      }
    }
    const { maxExpected } = helper.policies[expectation.class]!;
    if (maxExpected > 0) this.makeRoom(expectation, maxExpected);
    return this.count >= this.max ? EXPECT_FULL : EXPECT_OK;
  }

  /** evict_oldest_expect(), where the helper allows no more of the class. */
  private makeRoom({ master, class: expectClass }: Expectation, maxExpected: number): void {
    const own = this.listOf(master);
    if ((own.expecting[expectClass] ?? 0) < maxExpected) return;
    let oldest: Expectation | undefined;
    for (const one of [...own.list]) {
      if (this.isExpired(one)) this.remove(one);
      else if (one.class === expectClass) oldest = one;
    }
    if (oldest !== undefined && own.expecting[expectClass]! >= maxExpected) this.remove(oldest);
  }

  private insert(expectation: Expectation): void {
    const { tuple, master, helper } = expectation;
    const timeoutSeconds = helper!.policies[expectation.class]!.timeoutSeconds;
    expectation.expiresNs = this.core.nowNs + timeoutSeconds * SECOND_NS;
    const hash = destinationHash(tuple, 0);
    const chain = this.byDestination.get(hash);
    if (chain === undefined) this.byDestination.set(hash, [expectation]);
    else chain.unshift(expectation);
    const own = this.listOf(master);
    own.list.unshift(expectation);
    own.expecting[expectation.class] = (own.expecting[expectation.class] ?? 0) + 1;
    this.count++;
  }

  private listOf(master: number): MasterList {
    let own = this.byMaster.get(master);
    if (own === undefined) {
      own = { list: [], expecting: [] };
      this.byMaster.set(master, own);
    }
    return own;
  }

  /** expect_matches(). */
  private isSame(a: Expectation, b: Expectation): boolean {
    for (let i = 0; i <= TUPLE_PROTO; i++) if (a.tuple[i] !== b.tuple[i]) return false;
    for (let i = 0; i < 4; i++) if (a.maskSaddr[i] !== b.maskSaddr[i]) return false;
    return a.maskSport === b.maskSport && a.zone === b.zone;
  }

  /** expect_clash(): could one connection meet both? */
  private clashes(a: Expectation, b: Expectation): boolean {
    for (let i = 0; i < 4; i++) intersection[i] = a.maskSaddr[i]! & b.maskSaddr[i]!;
    return a.zone === b.zone && meets(a.tuple, 0, b, intersection, a.maskSport & b.maskSport);
  }
}

const intersection = new Int32Array(4);

/** nf_ct_tuple_mask_cmp(). */
function meets(
  words: Int32Array,
  at: number,
  { tuple }: Expectation,
  maskSaddr: Int32Array,
  maskSport: number,
): boolean {
  if (words[at + TUPLE_PROTO] !== tuple[TUPLE_PROTO] || words[at + TUPLE_DPORT] !== tuple[TUPLE_DPORT])
    return false;
  for (let i = 0; i < 4; i++) {
    if (words[at + 4 + i] !== tuple[4 + i]) return false;
    if (((words[at + i]! ^ tuple[i]!) & maskSaddr[i]!) !== 0) return false;
  }
  return ((words[at + TUPLE_SPORT]! ^ tuple[TUPLE_SPORT]!) & maskSport) === 0;
}

const destination = new Int32Array(TUPLE_WORDS);

/** nf_ct_expect_dst_hash(). */
function destinationHash(words: Int32Array, at: number): number {
  for (let i = 4; i < 8; i++) destination[i] = words[at + i]!;
  return tupleHash(destination, 0, 0, words[at + TUPLE_DPORT]!, words[at + TUPLE_PROTO]!, 0);
}

/** nf_conntrack_zone.id of a connection: that of whichever direction has one. */
export function zoneId(words: Int32Array, ct: number): number {
  const at = ct << RECORD_SHIFT;
  return words[at + TUPLE_ZONE]! || words[at + REPLY_STRIDE + TUPLE_ZONE]!;
}
