/**
 * What each stage ahead of the ordered one costs: reading and walking records, decoding with checksums (`--trust`:
 * without), direction; in nanoseconds of CPU time a packet, of sound traffic in several shapes. Makes its own captures,
 * or takes those that are named. `--smoke` runs it once on small ones.
 *
 * Run it with: npm run bench:build && node bench/dist/bench/micro/stages.js [IFACE[:in]=FILE...]
 */
import { closeSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { allocateBatches } from '../../src/batch/batch.ts';
import { openCaptures } from '../../src/capture/open.ts';
import { decodeBatch } from '../../src/decode/decode.ts';
import { DirectionStage } from '../../src/direction/direction-stage.ts';
import { loadHost } from '../../src/host/load.ts';
import { warm } from '../base/measure.ts';
import { median } from '../base/numbers.ts';
import { textTable } from '../base/table.ts';
import { fileSink } from '../traffic/capture-writer.loop.ts';
import { DEFAULT_TRAFFIC, generateTraffic, type TrafficOptions } from '../traffic/generate.loop.ts';
import { writeHostFolder } from '../traffic/host-folder.ts';

const smoke = process.argv.includes('--smoke');
const trust = process.argv.includes('--trust');
const ROUNDS = smoke ? 1 : 5;
const PACKETS = smoke ? 20_000 : 1_500_000;
const FULL_PACKETS = smoke ? 5_000 : 500_000;

const STAGES = ['read', 'decode', 'direction'] as const;
type Stage = (typeof STAGES)[number];

const folder = mkdtempSync(join(tmpdir(), 'iptables-replay-bench-'));
const host = join(folder, 'host');
writeHostFolder(host);

function make(name: string, options: Partial<TrafficOptions>): string {
  const path = join(folder, name);
  const fd = openSync(path, 'w');
  generateTraffic({ ...DEFAULT_TRAFFIC, packets: PACKETS, ...options }, [fileSink(fd)]);
  closeSync(fd);
  return path;
}

function captures(): [name: string, argument: string][] {
  const named = process.argv.slice(2).filter((argument) => !argument.startsWith('--'));
  if (named.length > 0) return named.map((argument) => [argument, argument]);
  const snap = make('snap.pcap', {});
  const full = { frameBytes: 960, packets: FULL_PACKETS };
  return [
    ['96 bytes', `eth0:in=${snap}`],
    ['96 bytes, echoes sought', `eth0=${snap}`],
    ['96 bytes, pcapng', `eth0:in=${make('snap.pcapng', { pcapng: true })}`],
    ['96 bytes, IPv6', `eth0:in=${make('snap6.pcap', { ipv6: 1 })}`],
    ['750 bytes', `eth0:in=${make('full.pcap', full)}`],
    ['750 bytes, IPv6', `eth0:in=${make('full6.pcap', { ...full, ipv6: 1 })}`],
  ];
}

/** Nanoseconds a packet of each stage, of one pass over a capture. */
async function pass(argument: string): Promise<Record<Stage, number>> {
  const machine = loadHost(host, { captureInterfaces: ['eth0'] });
  const direction = new DirectionStage(machine, () => undefined, !argument.includes(':in='));
  const spent = { read: 0, decode: 0, direction: 0 };
  // As the ring has them: a batch is used again when others have been in the caches.
  const batches = allocateBatches(4);
  let packets = 0;
  let at = cpuMicros();
  const lap = (stage: Stage): void => {
    const now = cpuMicros();
    spent[stage] += now - at;
    at = now;
  };
  const reader = await openCaptures([argument]);
  for (let n = 0; ; n++) {
    const batch = batches[n % batches.length]!;
    at = cpuMicros();
    const filled = reader.fill(batch);
    const count = typeof filled === 'number' ? filled : await filled;
    lap('read');
    if (count === 0) break;
    batch.firstPacket = packets;
    packets += count;
    decodeBatch(batch, { checksum: trust ? 'trust' : 'verify' });
    lap('decode');
    direction.process(batch, reader.sources);
    lap('direction');
  }
  reader.close();
  for (const stage of STAGES) spent[stage] *= 1000 / packets;
  return spent;
}

function cpuMicros(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

try {
  const rows: string[][] = [];
  for (const [name, argument] of captures()) {
    const passes: Record<Stage, number>[] = [];
    warm(argument.slice(argument.indexOf('=') + 1));
    for (let round = 0; round < ROUNDS; round++) passes.push(await pass(argument));
    const of = STAGES.map((stage) => median(passes.map((spent) => spent[stage])));
    rows.push([name, ...[...of, of.reduce((sum, ns) => sum + ns, 0)].map((ns) => ns.toFixed(1))]);
  }
  console.log(textTable(['ns of CPU time a packet', ...STAGES, 'all'], rows));
} finally {
  rmSync(folder, { recursive: true });
}
