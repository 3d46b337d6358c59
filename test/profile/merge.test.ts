import { expect, test } from 'vitest';
import { mergeProfiles } from '../../src/profile/profile.ts';
import { makeProfile } from '../report/fixture.ts';

test('threads stand side by side, all else is added up', () => {
  const one = makeProfile();
  const decoder = { threads: [{ ...one.threads[0]!, role: 'decode' as const }], replay: undefined };
  const merged = mergeProfiles([one, decoder, one]);
  expect(merged.threads.map(({ role }) => role)).toEqual(['read', 'all', 'decode', 'read', 'all']);
  expect(merged.replay!.paths).toEqual({ packets: 2468, quick: 1800, known: 200, recalled: 8, walked: 60 });
  expect([...merged.replay!.checks]).toEqual([14, 28, 42, 56, 70]);
  expect([...merged.replay!.matches]).toEqual([0, 14, 28, 42, 56]);
  expect(merged.replay!.walks[3]).toBe(6);
  expect(merged.replay!.chains).toEqual([
    {
      ...{ counter: 4, rules: 3, index: 'daddr, hash', entered: 14 },
      ...{ searches: 12, found: 10, probes: 24, candidates: 16 },
    },
  ]);
  expect(merged.replay!.unshared.map(({ extension, times }) => [extension, times])).toEqual([
    ['limit', 18],
    ['NFQUEUE', 0],
  ]);
  expect(merged.replay!.obstacles).toEqual(one.replay!.obstacles);
  expect(one).toEqual(makeProfile());
});

test('none, and none that replays', () => {
  expect(mergeProfiles([])).toEqual({ threads: [], replay: undefined });
  expect(mergeProfiles([makeProfile()])).toEqual(makeProfile());
});
