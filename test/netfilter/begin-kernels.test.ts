/**
 * Kernels and the loops beside them on the same packets, batch by batch: not only what the report says has to be the same,
 * but every column that they write, every word of the table of connections, its index, its accounts, every counter. And
 * the linear evaluator, where no packet takes another's way, says what becomes of each. SEED=n begins at seed n, COUNT=n
 * takes so many.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import type { Batch } from '../../src/batch/batch.ts';
import { ACCOUNT_ELEMENTS, HEADER_INDEX_USED, RECORD_WORDS } from '../../src/conntrack/layout.ts';
import type { ConntrackTable } from '../../src/conntrack/table.ts';
import { decodeBatch } from '../../src/decode/decode.ts';
import { Machine } from '../../src/netfilter/machine.ts';
import { Dice } from '../conntrack/tcp-conversations.ts';
import { type Arrived, fillBatch, SOURCES, watchTables } from './machine-bench.ts';
import { type Sent, shortConversations } from './short-conversations.ts';
import { world } from './short-conversations-world.ts';

const FIRST = Number(process.env.SEED ?? 1);
const COUNT = Number(process.env.COUNT ?? 16);
const PACKETS = 3000;

function timed(dice: Dice, packets: readonly Sent[]): Arrived[] {
  let timeNs = 1e9;
  return packets.map((one) => {
    timeNs += dice.chance(1) ? 1.3e9 : dice.below(2e6);
    return { ...one, timeNs: dice.chance(1) ? timeNs - 5e6 : timeNs };
  });
}

const FATE = ['ctinfo', 'invalidReason', 'outcome', 'reason', 'hook', 'decider', 'iif', 'oif'] as const;

/** What a batch's packets came to, a line each. */
function fates({ columns, count }: Batch): string[] {
  return Array.from({ length: count }, (_, i) => FATE.map((name) => `${name} ${columns[name][i]}`).join(' '));
}

/** All that stands in a table. */
function stateOf(table: ConntrackTable): Record<string, Uint8Array> {
  const bytes = (array: ArrayBufferView, length: number): Uint8Array =>
    new Uint8Array(array.buffer, array.byteOffset, length).slice();
  const used = table.header[HEADER_INDEX_USED]!;
  return {
    header: bytes(table.header, table.header.byteLength),
    records: bytes(table.words, 4 * RECORD_WORDS * table.high),
    index: bytes(table.index, 8 * used),
    sources: bytes(table.sourceBuckets, table.sourceBuckets.byteLength),
    accounts: bytes(table.accounts, 8 * ACCOUNT_ELEMENTS * table.high),
  };
}

it(`leaves what the loops leave (seeds ${FIRST} to ${FIRST + COUNT - 1})`, () => {
  const folder = mkdtempSync(join(tmpdir(), 'iptables-replay-begin-'));
  const tables = watchTables();
  const sums = { packets: 0, recalled: 0, byKernel: 0 };
  try {
    for (let seed = FIRST; seed < FIRST + COUNT; seed++) {
      const dice = new Dice(seed);
      const { files, rules, rules6, standing, views, isExact } = world(dice);
      for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
      const machine = (evaluator: 'compiled' | 'linear', kernels: boolean): Machine =>
        new Machine({
          host: folder,
          captureInterfaces: ['eth0', 'eth1'],
          rulesets: [
            { family: 4, file: 'rules', text: rules },
            { family: 6, file: 'rules6', text: rules6 },
          ],
          conntrack: standing === undefined ? undefined : { file: 'conntrack', text: standing },
          midstream: seed % 5 === 0 ? 'established' : 'kernel',
          checksum: 'auto',
          seed,
          onUnsupported: 'error',
          evaluator,
          perPacket: true,
          conntrackDump: true,
          mayHoldEchoes: false,
          kernels,
          arena: 'own',
        });
      const machines = [machine('compiled', false), machine('compiled', true), machine('linear', false)];
      const batches = machines.map((machine) => machine.allocateBatch());
      const packets = timed(dice, shortConversations(dice, PACKETS, dice.pick([0, 10, 10, 80]), views));
      for (let begin = 0; begin < packets.length; ) {
        const some = packets.slice(begin, begin + 1 + dice.below(dice.pick([10, 600])));
        machines.forEach((machine, k) => {
          fillBatch(batches[k]!, some, begin);
          decodeBatch(batches[k]!, { checksum: 'verify' });
          machine.direction.process(batches[k]!, SOURCES);
          machine.stage.process(batches[k]!, []);
        });
        const where = `seed ${seed}, packets from ${begin} on`;
        expect([where, ...fates(batches[1]!)]).toEqual([where, ...fates(batches[0]!)]);
        if (isExact) expect([where, ...fates(batches[2]!)]).toEqual([where, ...fates(batches[0]!)]);
        const paths = batches.map(({ columns }) => columns.path.slice(0, some.length));
        expect(paths[1]).toEqual(paths[0]);
        begin += some.length;
      }
      const [loops, kernels] = machines.map(({ stage }) => stage);
      const [before, after] = tables.splice(0).map(stateOf);
      // Where raw runs first, only kernels take known ways: what walks has looked after the answers that are waited for.
      const isRaw = `${rules}${rules6}`.includes('*raw');
      for (const part of isRaw ? [] : Object.keys(before!))
        expect(Buffer.compare(after![part]!, before![part]!), `seed ${seed}, ${part}`).toBe(0);
      const { profile, ...expected } = machines[0]!.result(0n);
      const { profile: same, ...result } = machines[1]!.result(0n);
      expect(result).toEqual(expected);
      if (!isRaw) expect(same).toEqual(profile);
      if (isExact) {
        const { packets: counted, bytes, conntrackDump } = machines[2]!.result(0n);
        expect(counted).toEqual(expected.packets);
        expect(bytes).toEqual(expected.bytes);
        expect(conntrackDump.toSorted()).toEqual(expected.conntrackDump.toSorted());
      }
      sums.packets += packets.length;
      sums.recalled += loops!.recalled;
      sums.byKernel += kernels!.recalledByKernels;
    }
  } finally {
    rmSync(folder, { recursive: true });
    vi.restoreAllMocks();
  }
  // Else nothing has been tested.
  expect(sums.recalled).toBeGreaterThan(sums.packets / 8);
  expect(sums.byKernel).toBeGreaterThan(sums.recalled * 0.5);
}, 600_000);
