/** The engine, one packet at a time: what a generator needs that lets a server answer what really reached it. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { allocateBatch, type Batch } from '../../src/batch/batch.ts';
import type { CaptureSource } from '../../src/capture/source.ts';
import { decodeBatch } from '../../src/decode/decode.ts';
import { Machine } from '../../src/netfilter/machine.ts';
import type { ReplayResult } from '../../src/netfilter/result.ts';
import type { CounterOwner } from '../../src/netfilter/ruleset-index.ts';
import type { Bytes } from '../kernel/packets.ts';

const LINKTYPE_RAW = 101;
const MAX_PACKET_BYTES = 4096;

export class StepEngine {
  readonly #machine: Machine;
  readonly #sources: CaptureSource[] = [];
  readonly #batch = allocateBatch(1, MAX_PACKET_BYTES);
  #packets = 0;

  /** `files`: the HOST folder, rulesets included, by name. */
  constructor(files: Readonly<Record<string, string>>) {
    const folder = mkdtempSync(join(tmpdir(), 'iptables-replay-step-'));
    try {
      for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
      const ruleset = (family: 4 | 6, name: string) =>
        files[name] === undefined ? [] : [{ family, file: name, text: files[name] }];
      this.#machine = new Machine({
        host: folder,
        captureInterfaces: [],
        rulesets: [...ruleset(4, 'iptables.save'), ...ruleset(6, 'ip6tables.save')],
        conntrack: undefined,
        midstream: 'kernel',
        checksum: 'verify',
        seed: 0,
        onUnsupported: 'error',
        evaluator: 'compiled',
        perPacket: true,
        conntrackDump: true,
        mayHoldEchoes: false,
      });
    } finally {
      rmSync(folder, { recursive: true });
    }
  }

  /** Takes one packet through; `direction` 'out' is made by the host, and leaves by `ifaceName` (lo: to itself). */
  pass(bytes: Bytes, ifaceName: string, direction: 'in' | 'out'): void {
    const batch = this.#batch;
    const c = batch.columns;
    batch.data.set(bytes);
    c.timeNs[0] = this.#packets * 1000;
    c.dataOffset[0] = 0;
    c.capLen[0] = bytes.length;
    c.origLen[0] = bytes.length;
    c.linktype[0] = LINKTYPE_RAW;
    c.source[0] = this.#source(ifaceName, ifaceName === 'lo' ? undefined : direction);
    batch.count = 1;
    batch.firstPacket = this.#packets++;
    decodeBatch(batch);
    this.#machine.direction.process(batch, this.#sources);
    this.#machine.stage.process(batch, []);
  }

  /** Takes many packets that arrive through at once, as a replay does; what became of each is in the batch's columns. */
  passAll(packets: readonly { bytes: Bytes; ifaceName: string; at: number }[]): Batch {
    const batch = allocateBatch(
      packets.length,
      packets.reduce((sum, { bytes }) => sum + bytes.length, 0),
    );
    const c = batch.columns;
    let offset = 0;
    for (const [i, { bytes, ifaceName, at }] of packets.entries()) {
      batch.data.set(bytes, offset);
      c.timeNs[i] = at * 1e9;
      c.dataOffset[i] = offset;
      c.capLen[i] = bytes.length;
      c.origLen[i] = bytes.length;
      c.linktype[i] = LINKTYPE_RAW;
      c.source[i] = this.#source(ifaceName, 'in');
      offset += bytes.length;
    }
    batch.count = packets.length;
    batch.firstPacket = this.#packets;
    this.#packets += packets.length;
    decodeBatch(batch);
    this.#machine.direction.process(batch, this.#sources);
    this.#machine.stage.process(batch, []);
    return batch;
  }

  /** Whose counters are whose. */
  get counterOwners(): readonly CounterOwner[] {
    return this.#machine.loaded.counters.owners;
  }

  /** How many packets took a known path without a walk. */
  get cached(): number {
    return this.#machine.stage.cached;
  }

  get result(): ReplayResult {
    return this.#machine.result(0n);
  }

  #source(ifaceName: string, direction: 'in' | 'out' | undefined): number {
    const known = this.#sources.findIndex(
      (one) => one.ifaceName === ifaceName && one.direction === direction,
    );
    if (known >= 0) return known;
    const index = this.#sources.length;
    this.#sources.push({
      index,
      file: '-',
      ifaceName,
      ifaceGiven: true,
      direction,
      linktype: LINKTYPE_RAW,
      snaplen: 0,
      unitsPerSecond: 1_000_000_000n,
    });
    return index;
  }
}
