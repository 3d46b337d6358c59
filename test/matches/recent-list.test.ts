import fc from 'fast-check';
import { expect, it } from 'vitest';
import { LIST_ENTRIES, RecentList } from '../../src/matches/recent-list.ts';
import { R_SADDR } from '../../src/packet/registers.ts';
import { packet } from './packets.ts';

interface PlainEntry {
  readonly key: string;
  ttl: number;
  readonly stamps: number[];
  index: number;
}

/** What RecentList does, as plainly as it can be said: one array, in the order of the last update. */
class PlainList {
  entries: PlainEntry[] = [];
  readonly #stampMask: number;
  /** In the order in which they were added. */
  #added: PlainEntry[] = [];

  constructor(stampMask: number) {
    this.#stampMask = stampMask;
  }

  find(key: string, ttl: number): PlainEntry | undefined {
    return this.#added.find((one) => one.key === key && (ttl === 0 || one.ttl === 0 || one.ttl === ttl));
  }

  add(key: string, ttl: number, now: number): void {
    if (this.entries.length >= LIST_ENTRIES) this.remove(this.entries[0]!);
    const entry = { key, ttl, stamps: [now], index: 1 };
    this.entries.push(entry);
    this.#added.push(entry);
  }

  update(entry: PlainEntry, now: number): void {
    entry.index &= this.#stampMask;
    entry.stamps[entry.index++] = now;
    this.entries = [...this.entries.filter((one) => one !== entry), entry];
  }

  remove(entry: PlainEntry): void {
    this.entries = this.entries.filter((one) => one !== entry);
    this.#added = this.#added.filter((one) => one !== entry);
  }

  reap(time: number, working: PlainEntry, update: boolean): void {
    const oldest = this.entries[0]!;
    if (oldest === working && update) return;
    if (time > oldest.stamps[oldest.index - 1]!) this.remove(oldest);
  }
}

it('says what the plain list says', () => {
  const step = fc.record({
    what: fc.constantFrom('set', 'set', 'set', 'update', 'remove', 'reap'),
    saddr: fc.nat(140),
    family: fc.constantFrom(4 as const, 6 as const),
    ttl: fc.constantFrom(0, 0, 63, 64),
    age: fc.constantFrom(5, 40, 300),
  });
  let most = 0;
  fc.assert(
    fc.property(
      fc.constantFrom(0, 1, 15, 63),
      fc.array(step, { minLength: 200, maxLength: 800 }),
      (stampMask, steps) => {
        const mask = Int32Array.of(-2, -1, -1, -1);
        const list = new RecentList(4, mask, 0);
        list.widen(stampMask);
        const plain = new PlainList(stampMask);
        for (const [now, { what, saddr, family, ttl, age }] of steps.entries()) {
          list.take(packet({ saddr }), R_SADDR, family);
          const key = `${family} ${saddr & -2}`;
          const entry = list.find(ttl);
          const other = plain.find(key, ttl);
          expect(entry === undefined).toBe(other === undefined);
          expect(list.size).toBe(plain.entries.length);
          most = Math.max(most, list.size);
          if (entry === undefined || other === undefined) {
            if (what !== 'set') continue;
            list.add(ttl, now);
            plain.add(key, ttl, now);
            continue;
          }
          expect(entry.ttl).toBe(other.ttl);
          expect([...entry.stamps.subarray(0, entry.stampCount)]).toEqual(other.stamps);
          if (what === 'remove') {
            list.remove(entry);
            plain.remove(other);
          } else if (what === 'reap') {
            list.reap(now - age, entry, ttl === 0);
            plain.reap(now - age, other, ttl === 0);
          } else {
            list.update(entry, now);
            plain.update(other, now);
            entry.ttl = other.ttl = ttl;
          }
        }
      },
    ),
  );
  // It was full, and had to make room.
  expect(most).toBe(LIST_ENTRIES);
});
