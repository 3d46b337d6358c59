/**
 * Segments of an established connection whose window's words are anything, by the kernel that takes everyday ones (wasm/quick-way.ts)
 * and by the loop beside it: the same record afterwards, word for word. SEED=n begins at seed n, COUNT=n takes so many.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import type { Batch } from '../../src/batch/batch.ts';
import {
  C_STATE,
  C_STATUS,
  C_TCP_LAST,
  C_TCP_SEEN,
  RECORD_WORDS,
  SEEN_END,
  SEEN_FLAGS,
  SEEN_MAXACK,
  SEEN_MAXEND,
  SEEN_MAXWIN,
  TCP_SEEN_WORDS,
} from '../../src/conntrack/layout.ts';
import { TCP_ESTABLISHED } from '../../src/conntrack/tcp-states.ts';
import { decodeBatch } from '../../src/decode/decode.ts';
import { Machine } from '../../src/netfilter/machine.ts';
import { Dice } from '../conntrack/tcp-conversations.ts';
import { type Bytes, filler, ip, tcp } from '../kernel/packets.ts';
import { iface, inet } from './host-addresses.ts';
import { fillBatch, SOURCES, watchTables } from './machine-bench.ts';

const FIRST = Number(process.env.SEED ?? 1);
const COUNT = Number(process.env.COUNT ?? 8);
const SEGMENTS = 1500;
const CLIENT = '10.1.0.9';
const SERVER = '10.2.0.9';

const HOST = {
  'ip_-j_-d_address': JSON.stringify([
    iface(2, 'eth0', inet('inet', '10.1.0.1', 24)),
    iface(3, 'eth1', inet('inet', '10.2.0.1', 24)),
  ]),
  'sysctl_-a': 'net.ipv4.ip_forward = 1\nnet.netfilter.nf_conntrack_tcp_max_retrans = 2\n',
};

const RULES = `*filter
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
-A FORWARD -m conntrack --ctstate ESTABLISHED -j ACCEPT
COMMIT
`;

function play(machine: Machine, batch: Batch, bytes: Bytes, number: number): number {
  const isAnswer = bytes[12] === 10 && bytes[13] === 2;
  fillBatch(batch, [{ bytes, timeNs: number * 1e6, fromClient: !isAnswer }], number);
  decodeBatch(batch, { checksum: 'verify' });
  machine.direction.process(batch, SOURCES);
  machine.stage.process(batch, []);
  return batch.columns.path[0]!;
}

/** A sequence number: at or around one of those given, at the ends of what there is, or any. */
function near(dice: Dice, numbers: readonly number[]): number {
  const around = dice.pick([0, 0, 0, 1, -1, 100, -100, 66000, -66000, 1 << 30, -(1 << 30), -0x80000000]);
  const one = dice.chance(90) ? dice.pick(numbers) : dice.below(2 ** 32);
  return (one + around) >>> 0;
}

function segment(dice: Dice, isAnswer: boolean, numbers: readonly number[]): Bytes {
  const [saddr, daddr] = isAnswer ? [SERVER, CLIENT] : [CLIENT, SERVER];
  const ports = isAnswer ? { sport: 80, dport: 4000 } : { sport: 4000, dport: 80 };
  const ack = near(dice, numbers);
  const right = near(dice, [ack, ...numbers]);
  const sack = [
    1,
    1,
    5,
    10,
    0,
    0,
    0,
    0,
    right >>> 24,
    (right >>> 16) & 255,
    (right >>> 8) & 255,
    right & 255,
  ];
  return ip(
    { saddr, daddr, ttl: 60 },
    tcp({
      ...ports,
      flags: dice.pick(['A', 'PA', 'A', 'A', 'FA']),
      seq: near(dice, numbers),
      ack,
      window: dice.pick([0, 1, 100, 65535]),
      options: dice.chance(40) ? Uint8Array.from(sack) : new Uint8Array(0),
      payload: filler(dice.pick([0, 0, 1, 1000])),
    }),
  );
}

it(`takes segments as the loop does, whatever came before (seeds ${FIRST} to ${FIRST + COUNT - 1})`, () => {
  const folder = mkdtempSync(join(tmpdir(), 'iptables-replay-segments-'));
  const tables = watchTables();
  let changed = 0;
  try {
    for (const [name, content] of Object.entries(HOST)) writeFileSync(join(folder, name), content);
    for (let seed = FIRST; seed < FIRST + COUNT; seed++) {
      const dice = new Dice(seed);
      const machines = [false, true].map(
        (kernels) =>
          new Machine({
            host: folder,
            captureInterfaces: ['eth0', 'eth1'],
            rulesets: [{ family: 4, file: 'rules', text: RULES }],
            conntrack: undefined,
            midstream: 'kernel',
            checksum: 'auto',
            seed,
            onUnsupported: 'error',
            evaluator: 'compiled',
            perPacket: true,
            conntrackDump: false,
            mayHoldEchoes: false,
            kernels,
            arena: 'own',
          }),
      );
      const batches = machines.map((machine) => machine.allocateBatch());
      const both = tables.splice(0);
      let number = 0;
      const send = (bytes: Bytes): number[] => {
        number++;
        return machines.map((machine, k) => play(machine, batches[k]!, bytes, number));
      };
      const plain = (isAnswer: boolean, flags: string, seq: number, ack: number) =>
        ip(
          isAnswer ? { saddr: SERVER, daddr: CLIENT, ttl: 60 } : { saddr: CLIENT, daddr: SERVER, ttl: 60 },
          tcp({
            ...(isAnswer ? { sport: 80, dport: 4000 } : { sport: 4000, dport: 80 }),
            flags,
            seq,
            ack,
            window: 1000,
          }),
        );
      send(plain(false, 'S', 99, 0));
      send(plain(true, 'SA', 499, 100));
      for (let i = 0; i < 3; i++) {
        send(plain(false, 'A', 100, 500));
        send(plain(true, 'A', 500, 100));
      }
      expect(both[1]!.words[C_STATE]).toBe(TCP_ESTABLISHED);
      const record = () => both.map((table) => table.words.slice(0, RECORD_WORDS));
      const fresh = record()[0]!;
      for (let i = 0; i < SEGMENTS; i++) {
        const numbers = [dice.below(2 ** 32), dice.pick([0, 100, 0x7fffffff, 0x80000000, 0xffffffff])];
        const words = fresh.slice();
        for (const dir of [0, 1]) {
          const seen = C_TCP_SEEN + dir * TCP_SEEN_WORDS;
          for (const word of [SEEN_END, SEEN_MAXEND, SEEN_MAXACK]) words[seen + word] = near(dice, numbers);
          words[seen + SEEN_MAXWIN] = dice.pick([0, 1, 1000, 65535, 66001, 1 << 30, 0x7fffffff, 0x80000000]);
          words[seen + SEEN_FLAGS] = dice.below(64) | (dice.pick([0, 0, 7, 14]) << 8);
        }
        words[C_TCP_LAST] = (words[C_TCP_LAST]! & 0xffff) | (dice.pick([0, 1, 2, 255]) << 16);
        for (const table of both) table.words.set(words);
        const one = segment(dice, dice.chance(50), numbers);
        for (let again = dice.pick([1, 1, 2, 4]); again > 0; again--) {
          const paths = send(one);
          const [loop, kernel] = record();
          expect(kernel, `seed ${seed}, segment ${i}`).toEqual(loop);
          expect(paths[1]).toBe(paths[0]);
          if (loop!.some((word, k) => word !== words[k]) && loop![C_STATUS] === words[C_STATUS]) changed++;
        }
      }
    }
    // Not all are inside: some of the words are what no connection comes to.
    expect(changed).toBeGreaterThan((COUNT * SEGMENTS) / 20);
  } finally {
    vi.restoreAllMocks();
    rmSync(folder, { recursive: true, force: true });
  }
}, 120_000);
