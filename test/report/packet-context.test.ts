import { expect, test } from 'vitest';
import { packetContext } from '../../src/report/packet-context.ts';
import { ETH0 } from './batches.ts';
import { makeOutput } from './fixture.ts';

const output = makeOutput();
const any = { ...ETH0, ifaceName: 'any' };
const context = packetContext({
  baseNs: 0n,
  host: output.host,
  rulesets: output.rulesets,
  sources: [ETH0, { ...ETH0, ifaceName: 'wg0' }, any],
});

test('interfaces of HOST, and those that only the captures know', () => {
  expect(context.interfaceName(3, 1, 0)).toBe('eth1');
  expect(context.interfaceName(4, 1, 0)).toBe('wg0');
  expect(context.interfaceName(5, 2, 17)).toBe('if17');
  expect(context.interfaceName(4, 2, 9), 'a number keeps its name').toBe('wg0');
});

test('counter numbers are rules and policies', () => {
  expect(context.decider(4)).toEqual({
    family: 4,
    table: 'filter',
    chain: 'INPUT',
    number: 1,
    text: '-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT',
  });
  expect(context.decider(7)).toMatchObject({ chain: 'INPUT', number: 0, text: '-P INPUT DROP' });
  expect(context.decider(12)).toMatchObject({ family: 6, chain: 'INPUT', number: 1 });
});
