import { expect, test } from 'vitest';
import { DECODE_DONT_FRAGMENT } from '../../src/batch/layout.ts';
import type { Host } from '../../src/host/types.ts';
import { MtuClasses } from '../../src/netfilter/mtu-classes.ts';
import { entranceOf } from '../../src/netfilter/quick-way.loop.ts';

test('packets that an MTU tells apart are of different classes', () => {
  const interfaces = [
    undefined,
    { ifindex: 1, mtu: 65536 },
    { ifindex: 2, mtu: 1500 },
    { ifindex: 3, mtu: 1400 },
    { ifindex: undefined, mtu: 0 },
  ];
  const classes = new MtuClasses({ interfaces } as unknown as Host);
  expect(classes.classOf(1400, DECODE_DONT_FRAGMENT)).toBe(0);
  const others = [1401, 1500, 1501, 65536, 65537].map((length) => classes.classOf(length, 0));
  expect(new Set(others).size).toBe(3);
  expect(others[0]).toBe(others[1]);
  expect(others[2]).toBe(others[3]);
  for (const one of others) expect(one).toBeGreaterThan(0);
  expect(classes.classOf(1401, DECODE_DONT_FRAGMENT)).not.toBe(classes.classOf(1401, 0));
});

test('without known interfaces all packets are of one class', () => {
  expect(new MtuClasses({ interfaces: [] } as unknown as Host).classOf(65535, 0)).toBe(0);
});

test('the fields of an entrance do not overlap', () => {
  const seen = new Set<number>();
  for (const place of [1, 1023, 1024, 65535])
    for (let direction = 0; direction < 6; direction++)
      for (const tos of [0, 1, 128, 255])
        for (let pktType = 0; pktType < 6; pktType++)
          for (const ttl of [1, 2]) seen.add(entranceOf(place, direction, tos, pktType, ttl));
  expect(seen.size).toBe(4 * 6 * 4 * 6 * 2);
});
