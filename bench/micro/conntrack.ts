/**
 * What connection tracking costs a packet of an established connection: `node bench/micro/conntrack.ts [--smoke]`.
 *
 * A table of so many TCP connections is opened by their handshakes, then data segments and their acknowledgements
 * of connections drawn evenly at random (the worst case for the caches) are tracked in batches. Rows:
 *
 *   load          Packet.load alone, for comparison
 *   load + track  Packet.load and Conntrack.track: what the walk pays
 *   row           Conntrack.trackRow: from the columns, no Packet
 *   row, touched  the same, with the cache lines of 64 rows loaded before
 *   find          the table look-up alone, from registers that are there
 *
 * Prints nanoseconds a packet, the median of the rounds. On the developers' machine (2 vCPU Zen 3) see the report
 * in bench/README.md; trust ratios.
 */

import { randomWord } from '../../src/base/prng.ts';
import { allocateBatch, type Batch } from '../../src/batch/batch.ts';
import { Conntrack } from '../../src/conntrack/conntrack.ts';
import { protoWord, tupleHash } from '../../src/conntrack/tuple.ts';
import { decodeBatch } from '../../src/decode/decode.ts';
import type { Host } from '../../src/host/types.ts';
import { IPPROTO_TCP, Packet } from '../../src/packet/packet.ts';
import { CT_NEW, HOOK_PREROUTING, R_CTINFO, R_DPORT, R_SADDR, R_SPORT } from '../../src/packet/registers.ts';

const smoke = process.argv.includes('--smoke');
const ROUNDS = smoke ? 1 : 7;
const BATCH = 8192;
const FLOWS = smoke ? [100] : [1000, 20_000, 200_000];
const PACKETS_A_ROUND = smoke ? BATCH : 40 * BATCH;
const HEADER_BYTES = 40;

/** A host that knows nothing but sysctls: what conntrack reads of it. */
const host = {
  sysctl: (name: string) =>
    name.endsWith('_max') ? 1 << 19 : name.includes('timeout') ? 1000 : name.endsWith('loose') ? 1 : 0,
} as unknown as Host;

function writeSegment(
  batch: Batch,
  row: number,
  flow: number,
  fromClient: boolean,
  flags: number,
  seq: number,
  ack: number,
): void {
  const at = row * HEADER_BYTES;
  const { view } = batch;
  const client = 0x0a000000 + flow;
  const server = 0xc0000200 + (flow & 255);
  view.setUint32(at, 0x45000028);
  view.setUint32(at + 4, 0x00014000);
  view.setUint32(at + 8, 0x40060000);
  view.setUint32(at + 12, fromClient ? client : server);
  view.setUint32(at + 16, fromClient ? server : client);
  const port = 1024 + (flow % 60000);
  view.setUint16(at + 20, fromClient ? port : 443);
  view.setUint16(at + 22, fromClient ? 443 : port);
  view.setUint32(at + 24, seq);
  view.setUint32(at + 28, ack);
  view.setUint16(at + 32, 0x5000 | flags);
  view.setUint16(at + 34, 65535);
  const c = batch.columns;
  c.dataOffset[row] = at;
  c.capLen[row] = HEADER_BYTES;
  c.origLen[row] = HEADER_BYTES;
  c.linktype[row] = 101;
}

/** A batch of `BATCH` segments given by a function of the row. */
function makeBatch(fill: (batch: Batch, row: number) => void): Batch {
  const batch = allocateBatch(BATCH, BATCH * HEADER_BYTES);
  for (let row = 0; row < BATCH; row++) fill(batch, row);
  batch.count = BATCH;
  decodeBatch(batch, { checksum: 'trust' });
  return batch;
}

const CLIENT_SEQ = 1000;
const SERVER_SEQ = 9000;

function openConnections(conntrack: Conntrack, flows: number): void {
  const p = new Packet();
  const steps = [
    [true, 2, CLIENT_SEQ, 0],
    [false, 18, SERVER_SEQ, CLIENT_SEQ + 1],
    [true, 16, CLIENT_SEQ + 1, SERVER_SEQ + 1],
  ] as const;
  for (const [fromClient, flags, seq, ack] of steps) {
    for (let first = 0; first < flows; first += BATCH) {
      const batch = makeBatch((b, row) =>
        writeSegment(b, row, (first + row) % flows, fromClient, flags, seq, ack),
      );
      for (let row = 0; row < BATCH; row++) {
        p.load(batch, row, row);
        conntrack.track(p, HOOK_PREROUTING);
        conntrack.confirm(p);
      }
    }
  }
}

const BLOCK = 64;

function touchBlock(conntrack: Conntrack, hashes: Int32Array, first: number): number {
  const { table, words } = conntrack.core;
  let sum = 0;
  for (let row = first; row < first + BLOCK; row++) {
    const reference = table.touch(hashes[row]!);
    if (reference === 0) continue;
    const at = ((reference - 1) >> 1) << 6;
    sum += words[at]! + words[at + 16]! + words[at + 32]!;
  }
  return sum;
}

function median(values: number[]): number {
  return values.sort((a, b) => a - b)[values.length >> 1]!;
}

for (const flows of FLOWS) {
  const conntrack = new Conntrack({ host, seed: 1 });
  openConnections(conntrack, flows);
  let draw = 0;
  const batches = Array.from({ length: Math.ceil(PACKETS_A_ROUND / BATCH) }, () =>
    makeBatch((batch, row) => {
      const word = randomWord(1, draw++, 0);
      const flow = word % flows;
      const fromClient = (word & 0x80000000) !== 0;
      if (fromClient) writeSegment(batch, row, flow, true, 16, CLIENT_SEQ + 1, SERVER_SEQ + 1);
      else writeSegment(batch, row, flow, false, 16, SERVER_SEQ + 1, CLIENT_SEQ + 1);
    }),
  );
  const p = new Packet();
  let sum = 0;
  const measure = (work: (batch: Batch) => void): number => {
    // CPU time of the process: what others do on the machine meanwhile is in the caches, not on the clock.
    const begun = process.cpuUsage();
    for (const batch of batches) work(batch);
    return (process.cpuUsage(begun).user * 1e3) / (batches.length * BATCH);
  };
  const results: Record<string, number[]> = {
    load: [],
    'load + track': [],
    row: [],
    'row, touched': [],
    find: [],
  };
  const proto = protoWord(IPPROTO_TCP, 4);
  for (let round = 0; round < ROUNDS; round++) {
    results.load!.push(
      measure((batch) => {
        for (let row = 0; row < BATCH; row++) {
          p.load(batch, row, row);
          sum += p.r[R_SADDR]!;
        }
      }),
    );
    results['load + track']!.push(
      measure((batch) => {
        for (let row = 0; row < BATCH; row++) {
          p.load(batch, row, row);
          conntrack.track(p, HOOK_PREROUTING);
          if (p.r[R_CTINFO]! < 0 || p.r[R_CTINFO] === CT_NEW)
            throw new Error('a packet is not of its connection');
        }
      }),
    );
    const { table } = conntrack.core;
    results.row!.push(
      measure((batch) => {
        const { columns, view } = batch;
        for (let row = 0; row < BATCH; row++) sum += conntrack.trackRow(columns, view, row, HOOK_PREROUTING);
      }),
    );
    results['row, touched']!.push(
      measure((batch) => {
        const { columns, view } = batch;
        for (let first = 0; first < BATCH; first += BLOCK) {
          sum += touchBlock(conntrack, columns.tupleHash, first);
          for (let row = first; row < first + BLOCK; row++) {
            sum += conntrack.trackRow(columns, view, row, HOOK_PREROUTING);
          }
        }
      }),
    );
    results.find!.push(
      measure((batch) => {
        const { saddr, daddr, sport, dport } = batch.columns;
        const r = p.r;
        for (let row = 0; row < BATCH; row++) {
          r[R_SADDR] = saddr[4 * row]!;
          r[R_SADDR + 4] = daddr[4 * row]!;
          r[R_SPORT] = sport[row]!;
          r[R_DPORT] = dport[row]!;
          const hash = tupleHash(r, R_SADDR, r[R_SPORT]!, r[R_DPORT]!, proto, 0);
          sum += table.find(r, R_SADDR, r[R_SPORT]!, r[R_DPORT]!, proto, 0, hash);
        }
      }),
    );
  }
  const cells = Object.entries(results).map(([name, values]) => `${name} ${median(values).toFixed(1)}`);
  console.log(`${String(flows).padStart(7)} connections, ns a packet: ${cells.join('   ')}`);
  if (Number.isNaN(sum)) throw new Error('unreachable');
}
