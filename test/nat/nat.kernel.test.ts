import { describe, expect, test } from 'vitest';
import { parseIpv4, parseIpv6 } from '../../src/base/inet.ts';
import {
  MANIP_DST,
  MANIP_SRC,
  NAT_MAP_IPS,
  NAT_NETMAP,
  NAT_PERSISTENT,
  NAT_PROTO_OFFSET,
  NAT_PROTO_SPECIFIED,
  type NatRange,
} from '../../src/packet/conntrack-access.ts';
import type { Packet } from '../../src/packet/packet.ts';
import {
  HOOK_POSTROUTING,
  HOOK_PREROUTING,
  R_DADDR,
  R_L4PROTO,
  R_SADDR,
} from '../../src/packet/registers.ts';
import { VERDICT_ACCEPT, type Verdict } from '../../src/packet/verdict.ts';
import { listing, Machine, type Passed, stubHost } from '../conntrack/harness.ts';
import { Dice } from '../conntrack/tcp-conversations.ts';
import { askKernel, type Host, isJudgeAvailable, sameConntrack } from '../kernel/judge.ts';
import { type Bytes, hex, icmp, icmpError, icmpv6, ip, ipv4, tcp, udp, unhex } from '../kernel/packets.ts';
import { headersOf } from './headers.ts';

const HOST: Host = {
  interfaces: [{ name: 'eth0' }, { name: 'eth1' }],
  addresses: [
    '10.1.0.1/16 dev eth0',
    '10.2.0.1/16 dev eth1',
    '2001:db8:1::1/64 dev eth0',
    '2001:db8:2::1/64 dev eth1',
  ],
  routes: ['203.0.113.0/24 via 10.2.0.254 dev eth1', '2001:db8:3::/48 via 2001:db8:2::fe dev eth1'],
};
/** Interface 1 is eth0, 2 is eth1. */
const STUB = { addresses: { 1: '10.1.0.1', 2: '10.2.0.1' } };
const STUB6 = { addresses: { 1: '2001:db8:1::1', 2: '2001:db8:2::1' } };

function range(options: {
  from?: string;
  to?: string;
  ports?: [number, number];
  base?: number;
  flags?: number;
}): NatRange {
  const words = (text: string | undefined): Int32Array => {
    if (text === undefined) return new Int32Array(4);
    if (text.includes(':')) return parseIpv6(text)!;
    return Int32Array.of(parseIpv4(text)!, 0, 0, 0);
  };
  let flags = options.flags ?? 0;
  if (options.from !== undefined) flags |= NAT_MAP_IPS;
  if (options.ports !== undefined) flags |= NAT_PROTO_SPECIFIED;
  return {
    flags,
    minAddr: words(options.from),
    maxAddr: words(options.to ?? options.from),
    minPort: options.ports?.[0] ?? 0,
    maxPort: options.ports?.[1] ?? 0,
    basePort: options.base ?? 0,
  };
}

interface Step {
  readonly bytes: Bytes;
  /** 0: arrives on eth0 (the inside); 1: on eth1. */
  readonly from: 0 | 1;
}

interface Scenario {
  readonly rules: readonly string[];
  readonly nat: (machine: Machine, p: Packet, hook: number) => Verdict;
  readonly steps: readonly Step[];
  readonly family?: 6;
  /** Ports that the kernel draws at random: compared by this alone. */
  readonly drawn?: (port: number, field: 'sport' | 'dport' | 'id') => boolean;
  /** Steps after which the packet goes to the host itself. */
  readonly input?: boolean;
}

/** Connections from many sources to many destinations, of all protocols with something to translate. */
function manyConnections(seed: number, count: number, family: 4 | 6 = 4): Step[] {
  const dice = new Dice(seed);
  return Array.from({ length: count }, () => {
    const host = () => 2 + dice.below(200);
    const saddr =
      family === 4
        ? `10.1.${dice.below(256)}.${host()}`
        : `2001:db8:1::${host().toString(16)}:${host().toString(16)}`;
    const daddr =
      family === 4
        ? `10.2.${dice.below(256)}.${host()}`
        : `2001:db8:2::${host().toString(16)}:${host().toString(16)}`;
    const sport = 1024 + dice.below(60000);
    const layer = dice.pick([
      () => tcp({ sport, dport: 80, flags: 'S' }),
      () => udp({ sport, dport: 53 }),
      () => (family === 4 ? icmp({ type: 8, id: sport }) : icmpv6({ type: 128, id: sport })),
    ])();
    return { bytes: ip({ saddr, daddr }, layer), from: 0 as const };
  });
}

const accept = (): Verdict => VERDICT_ACCEPT;
const sourceNat = (r: NatRange) => (machine: Machine, p: Packet, hook: number) =>
  hook === HOOK_POSTROUTING ? machine.conntrack.natSetup(p, MANIP_SRC, r) : VERDICT_ACCEPT;
const destinationNat = (r: NatRange) => (machine: Machine, p: Packet, hook: number) =>
  hook === HOOK_PREROUTING ? machine.conntrack.natSetup(p, MANIP_DST, r) : VERDICT_ACCEPT;

const A = '10.1.0.9';
const A2 = '10.1.0.10';
const B = '10.2.0.9';
const quoted = (outer: { saddr: string; daddr: string }, inner: Bytes, type = 3) =>
  ipv4(outer, icmpError({ type, code: type === 3 ? 1 : 0 }, inner));

const SCENARIOS: Readonly<Record<string, Scenario>> = {
  'SNAT to a range of addresses': {
    rules: ['-A POSTROUTING -o eth1 -j SNAT --to-source 203.0.113.1-203.0.113.77'],
    nat: sourceNat(range({ from: '203.0.113.1', to: '203.0.113.77' })),
    steps: manyConnections(1, 80),
  },
  'SNAT to a range of addresses, persistent': {
    rules: ['-A POSTROUTING -o eth1 -j SNAT --to-source 203.0.113.1-203.0.113.77 --persistent'],
    nat: sourceNat(range({ from: '203.0.113.1', to: '203.0.113.77', flags: NAT_PERSISTENT })),
    steps: manyConnections(2, 80),
  },
  'SNAT to a range that the source may be in': {
    rules: ['-A POSTROUTING -o eth1 -j SNAT --to-source 10.1.100.0-10.1.180.255'],
    nat: sourceNat(range({ from: '10.1.100.0', to: '10.1.180.255' })),
    steps: manyConnections(3, 80),
  },
  'DNAT to a range of addresses': {
    rules: ['-A PREROUTING -i eth0 -j DNAT --to-destination 10.2.5.1-10.2.6.200'],
    nat: destinationNat(range({ from: '10.2.5.1', to: '10.2.6.200' })),
    steps: manyConnections(4, 80),
  },
  'DNAT to a range of addresses, persistent': {
    rules: ['-A PREROUTING -i eth0 -j DNAT --to-destination 10.2.5.1-10.2.6.200 --persistent'],
    nat: destinationNat(range({ from: '10.2.5.1', to: '10.2.6.200', flags: NAT_PERSISTENT })),
    steps: manyConnections(5, 80),
  },
  'IPv6: SNAT to a range over several words': {
    family: 6,
    rules: ['-A POSTROUTING -o eth1 -j SNAT --to-source 2001:db8:3:1::5-2001:db8:3:4::9'],
    nat: sourceNat(range({ from: '2001:db8:3:1::5', to: '2001:db8:3:4::9' })),
    steps: manyConnections(6, 60, 6),
  },
  'IPv6: DNAT to a range': {
    family: 6,
    rules: ['-A PREROUTING -i eth0 -j DNAT --to-destination 2001:db8:2::1:0-2001:db8:2::3:ff'],
    nat: destinationNat(range({ from: '2001:db8:2::1:0', to: '2001:db8:2::3:ff' })),
    steps: manyConnections(7, 60, 6),
  },
  'SNAT and back, with data both ways': {
    rules: ['-A POSTROUTING -o eth1 -j SNAT --to-source 203.0.113.5'],
    nat: sourceNat(range({ from: '203.0.113.5' })),
    steps: [
      { bytes: ip({ saddr: A, daddr: B }, tcp({ sport: 5000, dport: 80, flags: 'S', seq: 9 })), from: 0 },
      {
        bytes: ip(
          { saddr: B, daddr: '203.0.113.5' },
          tcp({ sport: 80, dport: 5000, flags: 'SA', seq: 99, ack: 10 }),
        ),
        from: 1,
      },
      {
        bytes: ip({ saddr: A, daddr: B }, tcp({ sport: 5000, dport: 80, flags: 'A', seq: 10, ack: 100 })),
        from: 0,
      },
      { bytes: ip({ saddr: A, daddr: B }, icmp({ type: 8, id: 7 })), from: 0 },
      { bytes: ip({ saddr: B, daddr: '203.0.113.5' }, icmp({ type: 0, id: 7 })), from: 1 },
      // Another destination: the same source keeps its port.
      { bytes: ip({ saddr: A, daddr: '10.2.0.10' }, tcp({ sport: 5000, dport: 81, flags: 'S' })), from: 0 },
      // ICMP errors about the translated connection: from its end, from a router on the way, from the inside.
      {
        bytes: quoted(
          { saddr: B, daddr: '203.0.113.5' },
          ip({ saddr: '203.0.113.5', daddr: B }, tcp({ sport: 5000, dport: 80, flags: 'A', seq: 10 })),
        ),
        from: 1,
      },
      {
        bytes: quoted(
          { saddr: '10.2.9.9', daddr: '203.0.113.5' },
          ip({ saddr: '203.0.113.5', daddr: B }, tcp({ sport: 5000, dport: 80, flags: 'A', seq: 10 })),
          11,
        ),
        from: 1,
      },
      {
        bytes: quoted(
          { saddr: A, daddr: B },
          ip({ saddr: B, daddr: A }, tcp({ sport: 80, dport: 5000, flags: 'A', seq: 100 })),
        ),
        from: 0,
      },
      {
        bytes: quoted(
          { saddr: B, daddr: '203.0.113.5' },
          ip({ saddr: '203.0.113.5', daddr: B }, icmp({ type: 8, id: 7 })),
        ),
        from: 1,
      },
      // Not ours: the outer destination is another.
      {
        bytes: quoted(
          { saddr: B, daddr: A2 },
          ip({ saddr: '203.0.113.5', daddr: B }, tcp({ sport: 5000, dport: 80, flags: 'A' })),
        ),
        from: 1,
      },
      // A redirect about a translated connection is dropped.
      {
        bytes: quoted(
          { saddr: '10.2.9.9', daddr: '203.0.113.5' },
          ip({ saddr: '203.0.113.5', daddr: B }, tcp({ sport: 5000, dport: 80, flags: 'A' })),
          5,
        ),
        from: 1,
      },
    ],
  },
  'DNAT and back': {
    rules: [
      '-A PREROUTING -i eth0 -p tcp -j DNAT --to-destination 10.2.0.77:8080',
      '-A PREROUTING -i eth0 -p udp -j DNAT --to-destination 10.2.0.77',
    ],
    nat: (machine, p, hook) =>
      destinationNat(range({ from: '10.2.0.77', ...(p.r[R_L4PROTO] === 6 ? { ports: [8080, 8080] } : {}) }))(
        machine,
        p,
        hook,
      ),
    steps: [
      { bytes: ip({ saddr: A, daddr: B }, tcp({ sport: 5000, dport: 80, flags: 'S' })), from: 0 },
      {
        bytes: ip({ saddr: '10.2.0.77', daddr: A }, tcp({ sport: 8080, dport: 5000, flags: 'SA', ack: 1 })),
        from: 1,
      },
      // The same client and port to another address: the tuples of the answers clash, so the source port changes.
      { bytes: ip({ saddr: A, daddr: '10.2.0.10' }, tcp({ sport: 5000, dport: 80, flags: 'S' })), from: 0 },
      { bytes: ip({ saddr: A, daddr: B }, udp({ sport: 6000, dport: 53 })), from: 0 },
      {
        bytes: quoted(
          { saddr: '10.2.0.77', daddr: A },
          ip({ saddr: A, daddr: '10.2.0.77' }, udp({ sport: 6000, dport: 53 })),
        ),
        from: 1,
      },
      { bytes: ip({ saddr: '10.2.0.77', daddr: A }, udp({ sport: 53, dport: 6000 })), from: 1 },
    ],
    drawn: (port) => port >= 1024,
  },
  'DNAT to a range of ports': {
    rules: ['-A PREROUTING -i eth0 -p tcp -j DNAT --to-destination 10.2.0.77:8000-8003'],
    nat: destinationNat(range({ from: '10.2.0.77', ports: [8000, 8003] })),
    steps: [1, 2, 3, 4, 5, 6].map((i) => ({
      bytes: ip(
        { saddr: A, daddr: `10.2.0.${i}` },
        tcp({ sport: 5000, dport: i === 3 ? 8002 : 80, flags: 'S' }),
      ),
      from: 0 as const,
    })),
    drawn: (port, field) => field === 'sport' && port >= 1024,
  },
  'DNAT with shifted ports': {
    rules: [
      '-A PREROUTING -i eth0 -p tcp -m tcp --dport 2000:2100 -j DNAT --to-destination 10.2.0.77:5000-5100/2000',
    ],
    nat: destinationNat(
      range({ from: '10.2.0.77', ports: [5000, 5100], base: 2000, flags: NAT_PROTO_OFFSET }),
    ),
    steps: [2000, 2001, 2050, 2100].map((dport) => ({
      bytes: ip({ saddr: A, daddr: B }, tcp({ sport: 5000, dport, flags: 'S' })),
      from: 0 as const,
    })),
  },
  'SNAT to a range of ports': {
    rules: ['-A POSTROUTING -o eth1 -p tcp -j SNAT --to-source 203.0.113.5:4000-4003'],
    nat: sourceNat(range({ from: '203.0.113.5', ports: [4000, 4003] })),
    steps: [4000, 4001, 4001, 77, 5000, 4003].map((sport, i) => ({
      bytes: ip({ saddr: `10.1.0.${i + 9}`, daddr: B }, tcp({ sport, dport: 80, flags: 'S' })),
      from: 0 as const,
    })),
    drawn: (port) => port >= 4000 && port <= 4003,
  },
  'SNAT where source ports clash, by class of port': {
    rules: ['-A POSTROUTING -o eth1 -j SNAT --to-source 203.0.113.5'],
    nat: sourceNat(range({ from: '203.0.113.5' })),
    steps: [300, 300, 700, 700, 5000, 5000].map((sport, i) => ({
      bytes: ip(
        { saddr: `10.1.0.${i + 9}`, daddr: B },
        i < 4 ? udp({ sport, dport: 53 }) : icmp({ type: 8, id: sport }),
      ),
      from: 0 as const,
    })),
    drawn: (port) => port !== 300 && port !== 700 && port !== 5000,
  },
  'no rule, but a clash with a translated connection': {
    rules: ['-A POSTROUTING -o eth1 -s 10.1.0.9 -j SNAT --to-source 10.1.0.10'],
    nat: (machine, p, hook) =>
      p.r[R_SADDR] === parseIpv4(A) ? sourceNat(range({ from: A2 }))(machine, p, hook) : accept(),
    steps: [
      { bytes: ip({ saddr: A, daddr: B }, tcp({ sport: 5000, dport: 80, flags: 'S' })), from: 0 },
      { bytes: ip({ saddr: A2, daddr: B }, tcp({ sport: 5000, dport: 80, flags: 'S' })), from: 0 },
      { bytes: ip({ saddr: A2, daddr: B }, tcp({ sport: 5001, dport: 80, flags: 'S' })), from: 0 },
      { bytes: ip({ saddr: A, daddr: B }, udp({ sport: 5000, dport: 80 })), from: 0 },
      { bytes: ip({ saddr: A2, daddr: B }, udp({ sport: 5000, dport: 80 })), from: 0 },
      // Backwards: the other end opens towards the tuple that the translation uses.
      { bytes: ip({ saddr: B, daddr: A2 }, udp({ sport: 80, dport: 5000 })), from: 1 },
    ],
    drawn: (port) => port > 1023 && port !== 5000 && port !== 5001,
  },
  MASQUERADE: {
    rules: [
      '-A POSTROUTING -o eth1 -p tcp -j MASQUERADE --to-ports 3000-3000',
      '-A POSTROUTING -o eth1 -j MASQUERADE',
    ],
    nat: (machine, p, hook) =>
      hook === HOOK_POSTROUTING
        ? machine.conntrack.masquerade(p, range(p.r[R_L4PROTO] === 6 ? { ports: [3000, 3000] } : {}))
        : VERDICT_ACCEPT,
    steps: [
      ...manyConnections(8, 20),
      { bytes: ip({ saddr: A, daddr: B }, tcp({ sport: 5000, dport: 80, flags: 'S' })), from: 0 },
      // A port that is given is used without asking whether it is free: the second is dropped at confirm.
      { bytes: ip({ saddr: A2, daddr: B }, tcp({ sport: 5000, dport: 80, flags: 'S' })), from: 0 },
      {
        bytes: ip({ saddr: B, daddr: '10.2.0.1' }, tcp({ sport: 80, dport: 3000, flags: 'SA', ack: 1 })),
        from: 1,
      },
    ],
  },
  REDIRECT: {
    input: true,
    rules: ['-A PREROUTING -i eth0 -p tcp -j REDIRECT --to-ports 8080', '-A PREROUTING -i eth0 -j REDIRECT'],
    nat: (machine, p, hook) =>
      hook === HOOK_PREROUTING
        ? machine.conntrack.redirect(p, range(p.r[R_L4PROTO] === 6 ? { ports: [8080, 8080] } : {}))
        : VERDICT_ACCEPT,
    steps: manyConnections(9, 30),
  },
  'IPv6: MASQUERADE': {
    family: 6,
    rules: ['-A POSTROUTING -o eth1 -j MASQUERADE'],
    nat: (machine, p, hook) =>
      hook === HOOK_POSTROUTING ? machine.conntrack.masquerade(p, range({})) : VERDICT_ACCEPT,
    steps: manyConnections(10, 30, 6),
  },
  NETMAP: {
    rules: [
      '-A POSTROUTING -o eth1 -s 10.1.0.0/24 -j NETMAP --to 203.0.113.0/24',
      '-A PREROUTING -i eth0 -d 10.2.200.0/21 -j NETMAP --to 10.2.48.0/21',
    ],
    nat: (machine, p, hook) => {
      if (hook === HOOK_POSTROUTING && (p.r[R_SADDR]! & 0xffffff00) === (parseIpv4('10.1.0.0')! | 0)) {
        return machine.conntrack.netmap(
          p,
          range({ from: '203.0.113.0', to: '203.0.113.255', flags: NAT_NETMAP }),
        );
      }
      if (hook === HOOK_PREROUTING && (p.r[R_DADDR]! & 0xfffff800) === (parseIpv4('10.2.200.0')! | 0)) {
        return machine.conntrack.netmap(
          p,
          range({ from: '10.2.48.0', to: '10.2.55.255', flags: NAT_NETMAP }),
        );
      }
      return VERDICT_ACCEPT;
    },
    steps: [200, 201, 203, 207, 208].flatMap((third) =>
      [9, 200].map((last) => ({
        bytes: ip(
          { saddr: `10.1.0.${last}`, daddr: `10.2.${third}.${last + 1}` },
          udp({ sport: 5000, dport: 53 }),
        ),
        from: 0 as const,
      })),
    ),
  },
};

describe.skipIf(!isJudgeAvailable())('translation against the kernel', () => {
  for (const [name, scenario] of Object.entries(SCENARIOS)) {
    test(name, async () => {
      const rules = ['*nat', ...scenario.rules, 'COMMIT', ''].join('\n');
      const [result] = await askKernel([
        {
          id: name,
          host: HOST,
          ...(scenario.family === 6 ? { rules6: rules } : { rules4: rules }),
          packets: scenario.steps.map(({ bytes, from }) => ({
            iface: `eth${from}`,
            dir: 'in' as const,
            hex: hex(bytes),
          })),
          capture: true,
        },
      ]);
      expect(result!.refused).toBeUndefined();
      const machine: Machine = new Machine({
        host: stubHost(scenario.family === 6 ? STUB6 : STUB),
        rules: { nat: (p, hook) => scenario.nat(machine, p, hook) },
      });
      const translated = new Map<number, Bytes>(
        result!.output!.map(([number, , packet]) => [number, unhex(packet)]),
      );
      // Ports that the kernel drew: the following steps are spared, as they go by our own.
      const differences: string[] = [];
      let drew = false;
      for (const [number, { bytes, from }] of scenario.steps.entries()) {
        const way = scenario.input ? 'input' : 'forward';
        const passed = machine.pass(bytes, { iif: from + 1, oif: 2 - from, way });
        if (scenario.input) continue;
        const theirs = translated.get(number);
        const ours = passed.verdict === VERDICT_ACCEPT ? passed : undefined;
        const difference = compare(ours, theirs, scenario.drawn);
        if (difference === DREW) drew = true;
        else if (difference !== undefined) differences.push(`packet ${number}: ${difference}`);
      }
      expect(differences).toEqual([]);
      const listed = listing(machine);
      if (drew) expect(listed.length).toBe(result!.conntrack!.length);
      else if (!sameConntrack(result!.conntrack!, listed)) expect(listed).toEqual(result!.conntrack);
    });
  }
});

const DREW = 'drew';

/** What of a packet that came out is not as the kernel's; DREW when only a drawn port differs. */
function compare(
  ours: Passed | undefined,
  theirs: Bytes | undefined,
  drawn: Scenario['drawn'],
): string | undefined {
  if (ours === undefined || theirs === undefined) {
    return ours === theirs
      ? undefined
      : `kernel ${theirs === undefined ? 'dropped' : 'passed'} it, we did not`;
  }
  const a = headersOf(ours);
  const b = headersOf(theirs);
  if (JSON.stringify(a) === JSON.stringify(b)) return undefined;
  const samePorts = { ...a, sport: b.sport, dport: b.dport, id: b.id };
  const isDrawn = (field: 'sport' | 'dport' | 'id') => {
    const [x, y] = [a[field], b[field]];
    return x === y || (x !== undefined && y !== undefined && drawn?.(x, field) === true && drawn(y, field));
  };
  if (JSON.stringify(samePorts) === JSON.stringify(b)) {
    if (isDrawn('sport') && isDrawn('dport') && isDrawn('id')) return DREW;
  }
  return `kernel ${JSON.stringify(b)}, we ${JSON.stringify(a)}`;
}
