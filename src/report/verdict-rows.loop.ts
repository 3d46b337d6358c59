import type { Batch } from '../batch/batch.ts';
import { BATCH_CAPACITY, NO_OFFSET } from '../batch/layout.ts';
import { INVALID_PHRASES } from '../conntrack/invalid.ts';
import { protocolName } from '../extension/protocols.ts';
import { OUTCOME_ECHO, OUTCOME_STACK, OUTCOMES } from '../netfilter/outcome.ts';
import { IPPROTO_ICMP, IPPROTO_ICMPV6 } from '../packet/packet.ts';
import { HOOK_NAMES, HOOK_POSTROUTING } from '../packet/registers.ts';
import type { PacketContext } from './packet-context.ts';
import { stackReason } from './stack-reason.ts';
import { NO_SYMBOL, SymbolTable } from './symbols.ts';
import { TimeSplitter } from './time-parts.ts';

/**
 * One row a packet, as columns: what `--verdicts` writes in any format. `fill` reads a batch and gives the columns
 * of its packets; the writers (text, Arrow) know only the columns.
 *
 * Names are numbers of a `SymbolTable` and absent numbers are -1, so that a row makes no object.
 */
export type RowColumn =
  | { readonly kind: 'whole'; readonly name: string; readonly values: Float64Array }
  | {
      readonly kind: 'symbol';
      readonly name: string;
      readonly values: Int32Array;
      readonly symbols: SymbolTable;
    }
  | {
      readonly kind: 'address';
      readonly name: string;
      readonly words: Int32Array;
      readonly family: Float64Array;
    }
  | {
      readonly kind: 'time';
      readonly name: string;
      readonly seconds: Float64Array;
      readonly nanoseconds: Float64Array;
    };

/** Protocols whose sport and dport columns are ports: TCP, UDP, DCCP, SCTP, UDP-Lite. */
const HAS_PORTS = new Uint8Array(256);
for (const protocol of [6, 17, 33, 132, 136]) HAS_PORTS[protocol] = 1;

/** By R_CTINFO (enum ip_conntrack_info); 5 would be NEW in the reply direction. */
const CT_STATES = [
  'ESTABLISHED',
  'RELATED',
  'NEW',
  'ESTABLISHED',
  'RELATED',
  'NEW',
  '',
  'UNTRACKED',
  'INVALID',
];
const CT_UNTRACKED = 7;
const STATE_INVALID = 8;

export class VerdictRows {
  /** Rows filled. */
  count = 0;
  readonly columns: readonly RowColumn[];
  private readonly context: PacketContext;
  private readonly time: TimeSplitter;
  /** The batch that is being read. */
  private batch: Batch | undefined;

  private readonly number: Float64Array;
  private readonly seconds: Float64Array;
  private readonly nanoseconds: Float64Array;
  private readonly family: Float64Array;
  private readonly saddr: Int32Array;
  private readonly daddr: Int32Array;
  private readonly sport: Float64Array;
  private readonly dport: Float64Array;
  private readonly icmpType: Float64Array;
  private readonly icmpCode: Float64Array;
  private readonly length: Float64Array;
  private readonly rule: Float64Array;
  private readonly file: NameColumn;
  private readonly in: NameColumn;
  private readonly out: NameColumn;
  private readonly direction: NameColumn;
  private readonly proto: NameColumn;
  private readonly ctstate: NameColumn;
  private readonly ctReason: NameColumn;
  private readonly outcome: NameColumn;
  private readonly reason: NameColumn;
  private readonly hook: NameColumn;
  private readonly table: NameColumn;
  private readonly chain: NameColumn;
  private readonly ruleText: NameColumn;

  constructor(context: PacketContext, capacity = BATCH_CAPACITY) {
    this.context = context;
    this.time = new TimeSplitter(context.baseNs);
    const wholes = () => new Float64Array(capacity);
    this.number = wholes();
    this.seconds = wholes();
    this.nanoseconds = wholes();
    this.family = wholes();
    this.saddr = new Int32Array(4 * capacity);
    this.daddr = new Int32Array(4 * capacity);
    this.sport = wholes();
    this.dport = wholes();
    this.icmpType = wholes();
    this.icmpCode = wholes();
    this.length = wholes();
    this.rule = wholes();
    const names = (wordOf: (key: number, row: number) => string) => new NameColumn(capacity, wordOf);
    const interfaceName = (id: number, row: number) =>
      context.interfaceName(id, this.batch!.columns.source[row]!, this.batch!.columns.ifindex[row]!);
    this.file = names((index) => context.source(index).file);
    this.in = names(interfaceName);
    this.out = names(interfaceName);
    this.direction = names((key) => (key === 0 ? 'in' : 'out'));
    this.proto = names((protocol) => protocolName(protocol) ?? String(protocol));
    this.ctstate = names((code) => CT_STATES[code]!);
    this.ctReason = names((code) => INVALID_PHRASES[code]!);
    this.outcome = names((code) => OUTCOMES[code]!.name);
    this.reason = names((code) => stackReason(code).name);
    this.hook = names((code) => HOOK_NAMES[code]!);
    this.table = names((counter) => context.decider(counter).table);
    this.chain = names((counter) => context.decider(counter).chain);
    this.ruleText = names((counter) => context.decider(counter).text);
    const whole = (name: string, values: Float64Array): RowColumn => ({ kind: 'whole', name, values });
    const { seconds, nanoseconds, family } = this;
    this.columns = [
      whole('number', this.number),
      { kind: 'time', name: 'time', seconds, nanoseconds },
      this.file.as('file'),
      this.in.as('in'),
      this.out.as('out'),
      this.direction.as('direction'),
      whole('family', family),
      this.proto.as('proto'),
      { kind: 'address', name: 'saddr', words: this.saddr, family },
      { kind: 'address', name: 'daddr', words: this.daddr, family },
      whole('sport', this.sport),
      whole('dport', this.dport),
      whole('icmp_type', this.icmpType),
      whole('icmp_code', this.icmpCode),
      whole('length', this.length),
      this.ctstate.as('ctstate'),
      this.ctReason.as('ct_reason'),
      this.outcome.as('outcome'),
      this.reason.as('reason'),
      this.hook.as('hook'),
      this.table.as('table'),
      this.chain.as('chain'),
      whole('rule', this.rule),
      this.ruleText.as('rule_text'),
    ];
  }

  /** Reads the packets of a batch that the replay is through with. */
  fill(batch: Batch): void {
    this.batch = batch;
    this.count = batch.count;
    this.fillPacket(batch);
    this.fillNames(batch);
    this.fillStates(batch);
    this.fillDeciders(batch);
  }

  private fillPacket(batch: Batch): void {
    const { count, number, seconds, nanoseconds, family, length, sport, dport, icmpType, icmpCode, time } =
      this;
    const c = batch.columns;
    const first = batch.firstPacket + 1;
    for (let i = 0; i < count; i++) {
      number[i] = first + i;
      time.split(c.timeNs[i]!);
      // A record without a valid time stamp has none to show.
      seconds[i] = c.timeInvalid[i] === 0 ? time.seconds : -1;
      nanoseconds[i] = time.nanoseconds;
      const isIp = c.family[i] !== 0;
      family[i] = isIp ? c.family[i]! : -1;
      length[i] = isIp ? c.length[i]! : c.origLen[i]!;
      const protocol = c.l4proto[i]!;
      const hasHeader = isIp && c.l4Offset[i] !== NO_OFFSET;
      const hasPorts = hasHeader && HAS_PORTS[protocol] === 1;
      const isIcmp = hasHeader && (protocol === IPPROTO_ICMP || protocol === IPPROTO_ICMPV6);
      sport[i] = hasPorts ? c.sport[i]! : -1;
      dport[i] = hasPorts ? c.dport[i]! : -1;
      icmpType[i] = isIcmp ? c.dport[i]! >>> 8 : -1;
      icmpCode[i] = isIcmp ? c.dport[i]! & 255 : -1;
    }
    this.saddr.set(c.saddr.subarray(0, 4 * count));
    this.daddr.set(c.daddr.subarray(0, 4 * count));
  }

  private fillNames(batch: Batch): void {
    const { count, file, in: inName, out: outName, direction, proto } = this;
    const c = batch.columns;
    for (let i = 0; i < count; i++) {
      const iif = c.iif[i]!;
      const oif = c.oif[i]!;
      file.set(i, c.source[i]!);
      if (iif === 0) inName.setNone(i);
      else inName.set(i, iif);
      if (oif === 0) outName.setNone(i);
      else outName.set(i, oif);
      // What came in has the interface it came in by; what this host made has none.
      if (c.outcome[i] === OUTCOME_ECHO) direction.set(i, 1);
      else if (iif !== 0) direction.set(i, 0);
      else if (oif !== 0) direction.set(i, 1);
      else direction.setNone(i);
      if (c.family[i] === 0) proto.setNone(i);
      else proto.set(i, c.l4proto[i]!);
    }
  }

  private fillStates(batch: Batch): void {
    const { count, ctstate, ctReason, outcome, reason, hook } = this;
    const c = batch.columns;
    for (let i = 0; i < count; i++) {
      const why = c.invalidReason[i]!;
      const ctinfo = c.ctinfo[i]!;
      if (why === 0) ctReason.setNone(i);
      else ctReason.set(i, why);
      // A reason alone is no INVALID: some packets are not believed, yet keep their connection's state.
      if (ctinfo <= CT_UNTRACKED) ctstate.set(i, ctinfo);
      else if (why !== 0) ctstate.set(i, STATE_INVALID);
      else ctstate.setNone(i);
      const end = c.outcome[i]!;
      outcome.set(i, end);
      if (end === OUTCOME_STACK) reason.set(i, c.reason[i]!);
      else reason.setNone(i);
      const at = c.hook[i]!;
      if (at > HOOK_POSTROUTING) hook.setNone(i);
      else hook.set(i, at);
    }
  }

  private fillDeciders(batch: Batch): void {
    const { count, context, rule, table, chain, ruleText } = this;
    const { decider } = batch.columns;
    for (let i = 0; i < count; i++) {
      const id = decider[i]!;
      if (id < 0) {
        rule[i] = -1;
        table.setNone(i);
        chain.setNone(i);
        ruleText.setNone(i);
      } else {
        rule[i] = context.decider(id).number;
        table.set(i, id);
        chain.set(i, id);
        ruleText.set(i, id);
      }
    }
  }
}

/** A column of names that a batch holds as numbers: each number is turned into its name once. */
class NameColumn {
  readonly values: Int32Array;
  readonly symbols = new SymbolTable();
  private readonly wordOf: (key: number, row: number) => string;
  /** Symbol code + 1 by number, 0 when not yet known. */
  private known = new Int32Array(256);

  constructor(capacity: number, wordOf: (key: number, row: number) => string) {
    this.values = new Int32Array(capacity);
    this.wordOf = wordOf;
  }

  as(name: string): RowColumn {
    return { kind: 'symbol', name, values: this.values, symbols: this.symbols };
  }

  set(row: number, key: number): void {
    const code = key < this.known.length ? this.known[key]! : 0;
    this.values[row] = code !== 0 ? code - 1 : this.learn(key, row);
  }

  setNone(row: number): void {
    this.values[row] = NO_SYMBOL;
  }

  private learn(key: number, row: number): number {
    if (key >= this.known.length) {
      const grown = new Int32Array(2 * key);
      grown.set(this.known);
      this.known = grown;
    }
    const code = this.symbols.code(this.wordOf(key, row));
    this.known[key] = code + 1;
    return code;
  }
}
