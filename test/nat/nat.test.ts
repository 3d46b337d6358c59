import { describe, expect, test } from 'vitest';
import { parseIpv4 } from '../../src/base/inet.ts';
import { MANIP_SRC, NAT_MAP_IPS, type NatRange } from '../../src/packet/conntrack-access.ts';
import { CT_NEW, HOOK_POSTROUTING, R_CT, R_CTINFO, R_OIF, R_SPORT } from '../../src/packet/registers.ts';
import { VERDICT_ACCEPT, VERDICT_DROP } from '../../src/packet/verdict.ts';
import { listing, Machine, stubHost } from '../conntrack/harness.ts';
import { ip, tcp, udp } from '../kernel/packets.ts';

const TO: NatRange = {
  flags: NAT_MAP_IPS,
  minAddr: Int32Array.of(parseIpv4('203.0.113.5')!, 0, 0, 0),
  maxAddr: Int32Array.of(parseIpv4('203.0.113.5')!, 0, 0, 0),
  minPort: 0,
  maxPort: 0,
  basePort: 0,
};

function gateway(options: { seed?: number } = {}): Machine {
  const machine: Machine = new Machine({
    ...options,
    rules: {
      nat: (p, hook) =>
        hook === HOOK_POSTROUTING ? machine.conntrack.natSetup(p, MANIP_SRC, TO) : VERDICT_ACCEPT,
    },
  });
  return machine;
}

const from = (host: number, sport: number) =>
  ip({ saddr: `10.1.${host >> 8}.${host & 255}`, daddr: '10.2.0.9' }, udp({ sport, dport: 53 }));

describe('choosing ports', () => {
  test('the dice depend on the seed and the packet alone, and are counted', () => {
    const ports = (seed: number) => {
      const machine = gateway({ seed });
      machine.pass(from(9, 5000));
      const second = machine.pass(from(10, 5000));
      expect(machine.conntrack.nat.drawnPorts.count).toBe(1);
      return second.r[R_SPORT]!;
    };
    expect(ports(1)).toBe(ports(1));
    expect(ports(1)).not.toBe(ports(2));
    expect(ports(1)).toBeGreaterThanOrEqual(1024);
  });

  test('who knows what the machine chose is believed', () => {
    const machine = gateway();
    machine.conntrack.nat.selector.chooser = () => 40_000;
    expect(machine.pass(from(9, 5000)).r[R_SPORT]).toBe(5000);
    expect(machine.pass(from(10, 5000)).r[R_SPORT]).toBe(40_000);
    // But not against reason: the port is taken now.
    expect(machine.pass(from(11, 5000)).r[R_SPORT]).not.toBe(40_000);
  });
});

test('thousands of translated connections come and go', () => {
  const machine = gateway();
  for (let i = 0; i < 6000; i++) {
    const passed = machine.pass(from(i % 500, 5000 + (i % 3)), { at: i / 50 });
    expect(passed.verdict).toBe(VERDICT_ACCEPT);
  }
  // Thirty seconds' worth are left, of fifty packets a second, with every port used once.
  const lines = listing(machine, 120);
  const ports = lines.map((line) => /dst=203\.0\.113\.5 sport=53 dport=(\d+)/.exec(line)![1]);
  expect(new Set(ports).size).toBe(ports.length);
  expect(lines.length).toBeGreaterThan(1000);
  expect(machine.conntrack.core.table.high).toBeLessThan(3000);
});

test('a masqueraded connection that leaves by another interface is begun anew', () => {
  const host = stubHost({ addresses: { 2: '10.2.0.1', 3: '10.3.0.1' } });
  const machine: Machine = new Machine({
    host,
    rules: {
      nat: (p, hook) =>
        hook === HOOK_POSTROUTING ? machine.conntrack.masquerade(p, { ...TO, flags: 0 }) : VERDICT_ACCEPT,
    },
  });
  const segment = (flags: string) =>
    ip({ saddr: '10.1.0.9', daddr: '192.0.2.9' }, tcp({ sport: 5000, dport: 80, flags }));
  expect(machine.pass(segment('S'), { oif: 2 }).verdict).toBe(VERDICT_ACCEPT);
  expect(machine.pass(segment('S'), { oif: 2 }).verdict).toBe(VERDICT_ACCEPT);
  const moved = machine.pass(segment('S'), { oif: 3 });
  expect([moved.verdict, moved.r[R_OIF]]).toEqual([VERDICT_DROP, 3]);
  const anew = machine.pass(segment('S'), { oif: 3 });
  expect([anew.verdict, anew.r[R_CTINFO], anew.r[0]]).toEqual([
    VERDICT_ACCEPT,
    CT_NEW,
    parseIpv4('10.3.0.1'),
  ]);
  expect(anew.r[R_CT]).not.toBe(moved.r[R_CT]);
});

test('without an address to take, MASQUERADE drops', () => {
  const machine: Machine = new Machine({
    rules: {
      nat: (p, hook) =>
        hook === HOOK_POSTROUTING ? machine.conntrack.masquerade(p, { ...TO, flags: 0 }) : VERDICT_ACCEPT,
    },
  });
  expect(machine.pass(from(9, 5000)).verdict).toBe(VERDICT_DROP);
  expect(listing(machine)).toEqual([]);
});
