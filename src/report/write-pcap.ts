import type { Batch } from '../batch/batch.ts';
import { HOOK_PREROUTING } from '../packet/registers.ts';
import type { ByteSink } from './arrow-file.ts';
import { packetComment } from './packet-comment.ts';
import type { PacketContext } from './packet-context.ts';
import { enhancedPacketOptions, interfaceBlock, sectionHeader } from './pcapng-blocks.ts';
import { TimeSplitter, timestampHalves } from './time-parts.ts';

const EPB_TYPE = 6;
/** Block type, length, interface, time stamp (2), captured and original length. */
const EPB_HEADER_BYTES = 28;
const NS_PER_SECOND = 1_000_000_000;

/**
 * `--write-pcap VERDICT=FILE`: the packets with one of some outcomes as pcapng, as they were captured (link type, time
 * resolution, interface name), each with a comment that says what became of it and which rule decided.
 */
export class VerdictPcap {
  /** Packets written. */
  packets = 0;
  private readonly wanted = new Uint8Array(256);
  private readonly sink: ByteSink;
  private readonly context: PacketContext;
  private readonly time: TimeSplitter;
  private readonly halves = new Uint32Array(2);
  private readonly header = Buffer.alloc(EPB_HEADER_BYTES);
  /** Interface block number and time resolution by source. */
  private readonly interfaces = new Map<number, { number: number; unitsPerSecond: number }>();
  /** Options of a packet block (comment, end) by how the packet ended. */
  private readonly options = new Map<number, Uint8Array>();

  constructor(outcomes: readonly number[], sink: ByteSink, context: PacketContext) {
    for (const outcome of outcomes) this.wanted[outcome] = 1;
    this.sink = sink;
    this.context = context;
    this.time = new TimeSplitter(context.baseNs);
    sink.write(sectionHeader());
  }

  write(batch: Batch): void {
    const { outcome } = batch.columns;
    for (let i = 0; i < batch.count; i++) if (this.wanted[outcome[i]!] === 1) this.writePacket(batch, i);
  }

  private writePacket(batch: Batch, i: number): void {
    const c = batch.columns;
    const { header, halves, time } = this;
    const { number, unitsPerSecond } = this.interfaceOf(c.source[i]!);
    const capLen = c.capLen[i]!;
    const padding = (4 - (capLen & 3)) & 3;
    const options = this.optionsOf(batch, i);
    const blockBytes = EPB_HEADER_BYTES + capLen + padding + options.length + 4;
    time.split(c.timeNs[i]!);
    // Rounded: a time stamp that was read in these units comes out as it was.
    const units = Math.round(time.nanoseconds * (unitsPerSecond / NS_PER_SECOND));
    timestampHalves(time.seconds, unitsPerSecond, units, halves);
    header.writeUInt32LE(EPB_TYPE, 0);
    header.writeUInt32LE(blockBytes, 4);
    header.writeUInt32LE(number, 8);
    header.writeUInt32LE(halves[0]!, 12);
    header.writeUInt32LE(halves[1]!, 16);
    header.writeUInt32LE(capLen, 20);
    header.writeUInt32LE(c.origLen[i]!, 24);
    this.sink.write(header);
    this.sink.write(batch.data.subarray(c.dataOffset[i]!, c.dataOffset[i]! + capLen));
    this.sink.write(ZEROS.subarray(0, padding));
    this.sink.write(options);
    this.sink.write(header.subarray(4, 8));
    this.packets++;
  }

  private interfaceOf(sourceIndex: number): { number: number; unitsPerSecond: number } {
    const known = this.interfaces.get(sourceIndex);
    if (known !== undefined) return known;
    const source = this.context.source(sourceIndex);
    const block = interfaceBlock(source);
    this.sink.write(block.bytes);
    const fresh = { number: this.interfaces.size, unitsPerSecond: block.unitsPerSecond };
    this.interfaces.set(sourceIndex, fresh);
    return fresh;
  }

  private optionsOf(batch: Batch, i: number): Uint8Array {
    const c = batch.columns;
    const outcome = c.outcome[i]!;
    const reason = c.reason[i]!;
    const hook = c.hook[i]!;
    const decider = c.decider[i]!;
    const isInbound = c.iif[i] !== 0 || hook === HOOK_PREROUTING;
    // All that the comment depends on, as one number below 2^53.
    const key = (((decider + 1) * 256 + reason) * 256 + hook) * 32 + outcome * 2 + (isInbound ? 1 : 0);
    let options = this.options.get(key);
    if (options === undefined) {
      options = enhancedPacketOptions(
        packetComment({ outcome, reason, hook, decider }, this.context),
        isInbound,
      );
      this.options.set(key, options);
    }
    return options;
  }
}

const ZEROS = new Uint8Array(4);
