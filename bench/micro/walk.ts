/**
 * What a walk costs, by the shape and the number of rules: `node bench/dist/bench/micro/walk.js [--smoke] [--only TEXT]`.
 *
 *   new     every packet begins a connection: look-up, entry, walk, confirmation (a SYN flood). All of a packet's cost
 *           in the ordered stage
 *   walk    conntrack is off and all flows are different, so that every packet walks: the walk alone. (Rulesets with
 *           an established rule have none of these)
 *
 * Packets are read, decoded and sorted beforehand; from round to round the clock goes on by more than any timeout, so
 * that the connections of the round before are gone. Prints nanoseconds of CPU time a packet, the median of the rounds;
 * trust ratios. `compile`: milliseconds from text to a machine that is ready.
 */
import { closeSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { allocateBatch, type Batch } from '../../src/batch/batch.ts';
import { openCaptures } from '../../src/capture/open.ts';
import type { CaptureSource } from '../../src/capture/source.ts';
import { decodeBatch } from '../../src/decode/decode.ts';
import { Machine, type MachineConfig } from '../../src/netfilter/machine.ts';
import { median } from '../base/numbers.ts';
import { textTable } from '../base/table.ts';
import { HARD_SHAPES } from '../rulesets/hard-shapes.ts';
import { rulesetText, type Shape } from '../rulesets/ruleset.ts';
import { fileSink } from '../traffic/capture-writer.loop.ts';
import { DEFAULT_TRAFFIC, generateTraffic } from '../traffic/generate.loop.ts';
import { writeHostFolder } from '../traffic/host-folder.ts';

const smoke = process.argv.includes('--smoke');
const only = process.argv[process.argv.indexOf('--only') + 1];
const isOnly = process.argv.includes('--only');
const PACKETS = smoke ? 2_000 : 100_000;
const ROUNDS = smoke ? 1 : 9;
/** More than the longest timeout of a connection that has only begun (tcp_timeout_syn_sent). */
const ROUND_NS = 200e9;

const folder = mkdtempSync(join(tmpdir(), 'iptables-replay-bench-'));

/** Rules that a packet passes besides the long chain: marks, a translation of its source. */
const AROUND = [
  ['-A PREROUTING -i eth1 -j MARK --set-mark 7', 'mangle'],
  ['-A FORWARD -p tcp --tcp-flags SYN,RST SYN -j TCPMSS --clamp-mss-to-pmtu', 'mangle'],
  ['-A POSTROUTING -o eth1 -j TOS --set-tos 0x10/0x3f', 'mangle'],
  ['-A PREROUTING -d 10.0.0.1 -p tcp --dport 80 -j DNAT --to-destination 172.16.0.1', 'nat'],
  ['-A POSTROUTING -o eth1 -j MASQUERADE', 'nat'],
] as const;

/** The filter table alone, with no rule that brings conntrack but those of FORWARD. */
function filterOnly(text: string): string {
  return text.slice(text.indexOf('*filter')).replace(/^-A INPUT .*\n/m, '');
}

function withRulesAround(text: string): string {
  let out = text;
  for (const [rule, table] of AROUND) {
    const end = out.indexOf('COMMIT', out.indexOf(`*${table}`));
    out = `${out.slice(0, end)}${rule}\n${out.slice(end)}`;
  }
  return out;
}

interface Case {
  readonly name: string;
  rules(): string;
}

function cases(): Case[] {
  const text = (shape: Shape, rules: number, stateful: boolean): string =>
    rulesetText({ shape, rules, stateful, seed: 1, family: 4 });
  const of = (shape: Shape, rules: number, stateful: boolean): Case => ({
    name: `${shape} ${rules}${stateful ? ' stateful' : ''}`,
    rules: () => filterOnly(text(shape, rules, stateful)),
  });
  const sizes = smoke ? [10, 1000] : [10, 1000, 10_000, 100_000];
  const many = smoke ? 300 : 10_000;
  return [
    { name: 'no rules', rules: () => '*filter\n:FORWARD ACCEPT [0:0]\nCOMMIT\n' },
    ...(['acl', 'kube'] as const).flatMap((shape) =>
      [true, false].flatMap((stateful) => sizes.map((rules) => of(shape, rules, stateful))),
    ),
    { name: 'acl 1000 stateful, all tables', rules: () => text('acl', 1000, true) },
    { name: 'acl 1000 stateful, rules in all tables', rules: () => withRulesAround(text('acl', 1000, true)) },
    ...HARD_SHAPES.map((shape) => of(shape, shape === 'marks' ? many / 10 : many, false)),
  ];
}

async function readAll(): Promise<{ batches: Batch[]; sources: readonly CaptureSource[] }> {
  const file = join(folder, 'syn.pcap');
  const fd = openSync(file, 'w');
  generateTraffic({ ...DEFAULT_TRAFFIC, profile: 'syn-flood', packets: PACKETS }, [fileSink(fd)]);
  closeSync(fd);
  const reader = await openCaptures([`eth0:in=${file}`]);
  const batches: Batch[] = [];
  for (;;) {
    const batch = allocateBatch();
    if ((await reader.fill(batch)) === 0) break;
    decodeBatch(batch, { checksum: 'verify' });
    batches.push(batch);
  }
  reader.close();
  return { batches, sources: reader.sources };
}

function makeMachine(rules: string): Machine {
  const config: MachineConfig = {
    host: folder,
    captureInterfaces: ['eth0'],
    rulesets: [{ family: 4, file: 'rules', text: rules }],
    conntrack: undefined,
    midstream: 'kernel',
    checksum: 'auto',
    seed: 1,
    onUnsupported: 'error',
    evaluator: 'compiled',
    perPacket: false,
    conntrackDump: false,
    mayHoldEchoes: false,
  };
  return new Machine(config);
}

try {
  writeHostFolder(folder);
  const { batches, sources } = await readAll();
  const packets = batches.reduce((sum, batch) => sum + batch.count, 0);
  const rows: string[][] = [];
  for (const { name, rules } of cases()) {
    if (isOnly && !name.includes(only!)) continue;
    const text = rules();
    const begun = process.cpuUsage();
    const machine = makeMachine(text);
    const compileMs = process.cpuUsage(begun).user / 1e3;
    const tracks = machine.result(0n).conntrackFamilies.length > 0;
    const costs: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      for (const batch of batches) {
        const { timeNs } = batch.columns;
        for (let i = 0; i < batch.count; i++) timeNs[i]! += ROUND_NS;
        machine.direction.process(batch, sources);
      }
      const start = process.cpuUsage();
      for (const batch of batches) machine.stage.process(batch, []);
      costs.push((process.cpuUsage(start).user * 1e3) / packets);
    }
    const ns = Math.round(median(costs)).toString();
    const share = (machine.stage.walked / (ROUNDS * packets)).toFixed(2);
    rows.push([name, tracks ? ns : '', tracks ? '' : ns, share, compileMs.toFixed(0)]);
  }
  console.log(textTable(['ns a packet', 'new', 'walk', 'walked', 'compile ms'], rows));
} finally {
  rmSync(folder, { recursive: true });
}
