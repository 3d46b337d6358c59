import { describe, expect, test } from 'vitest';
import { UserError } from '../../src/base/errors.ts';
import { parseIpv4, parseIpv6 } from '../../src/base/inet.ts';
import { loadHost } from '../../src/host/load.ts';
import { makeRouteResult } from '../../src/host/result.ts';
import {
  type Host,
  ROUTE_BLACKHOLE,
  ROUTE_BROADCAST,
  ROUTE_LOCAL,
  ROUTE_MARTIAN,
  ROUTE_MULTICAST,
  ROUTE_NONE,
  ROUTE_NOT_FORWARDING,
  ROUTE_UNICAST,
  ROUTE_UNREACHABLE,
} from '../../src/host/types.ts';
import { type HostTexts, withHostFolder } from './kernel-network.ts';

const load = (files: HostTexts, captureInterfaces: string[] = []): Host =>
  withHostFolder(files, (dir) => loadHost(dir, { captureInterfaces }));

const words = new Int32Array(8);
const out = makeRouteResult();

function set(at: number, text: string): 4 | 6 {
  words.fill(0, at, at + 4);
  if (text.includes(':')) {
    words.set(parseIpv6(text)!, at);
    return 6;
  }
  words[at] = parseIpv4(text)!;
  return 4;
}

/** `kind dev` of a packet that came in. */
function input(host: Host, src: string, dst: string, iif: string, tos = 0): [number, string] {
  set(0, src);
  host.routeInput(set(4, dst), words, 0, 4, tos, 0, host.interfaceId(iif), 6, 1024, 80, out);
  return [out.kind, out.oif === 0 ? '' : host.interfaces[out.oif]!.name];
}

function output(host: Host, src: string, dst: string, oif = ''): [number, string] {
  set(0, src);
  const oifId = oif === '' ? 0 : host.interfaceId(oif);
  host.routeOutput(set(4, dst), words, 0, 4, 0, 0, oifId, 6, 1024, 80, out);
  return [out.kind, out.oif === 0 ? '' : host.interfaces[out.oif]!.name];
}

const ADDRESS = JSON.stringify([
  {},
  {
    ifindex: 1,
    ifname: 'lo',
    flags: ['LOOPBACK', 'UP', 'LOWER_UP'],
    mtu: 65536,
    group: 'default',
    link_type: 'loopback',
    addr_info: [
      { family: 'inet', local: '127.0.0.1', prefixlen: 8, scope: 'host', label: 'lo' },
      { family: 'inet6', local: '::1', prefixlen: 128, scope: 'host' },
    ],
  },
  {
    ifindex: 2,
    ifname: 'eth0',
    flags: ['BROADCAST', 'MULTICAST', 'UP', 'LOWER_UP'],
    mtu: 1500,
    group: 'default',
    link_type: 'ether',
    address: '02:00:00:00:00:01',
    addr_info: [
      {
        family: 'inet',
        local: '192.0.2.1',
        prefixlen: 24,
        broadcast: '192.0.2.255',
        scope: 'global',
        label: 'eth0',
      },
      { family: 'inet', local: '192.0.2.9', prefixlen: 24, scope: 'global', secondary: true, label: 'eth0' },
      { family: 'inet6', local: '2001:db8::1', prefixlen: 64, scope: 'global' },
      { family: 'inet6', local: 'fe80::1', prefixlen: 64, scope: 'link' },
      { family: 'inet6', local: '2001:db8::dad', prefixlen: 64, scope: 'global', tentative: true },
    ],
  },
  {
    ifindex: 7,
    link: 'eth0',
    ifname: 'eth0.100',
    flags: ['BROADCAST', 'MULTICAST', 'UP', 'LOWER_UP'],
    mtu: 1500,
    group: '5',
    link_type: 'ether',
    address: '02:00:00:00:00:01',
    addr_info: [{ family: 'inet', local: '198.51.100.1', prefixlen: 25, scope: 'global' }],
  },
  {
    ifindex: 9,
    ifname: 'p2p',
    flags: ['POINTOPOINT', 'NOARP', 'UP'],
    mtu: 1400,
    link_type: 'none',
    addr_info: [{ family: 'inet', local: '10.9.9.1', address: '10.9.9.2', prefixlen: 32, scope: 'global' }],
  },
]);

describe('a host of addresses alone', () => {
  const host = load({
    'address.json': ADDRESS,
    'sysctl.txt':
      'net.ipv4.ip_forward = 1\nnet.ipv6.conf.all.forwarding = 1\nnet.ipv6.conf.eth0.forwarding = 1\n',
    'route.json': '',
  });

  test('knows its interfaces', () => {
    const vlan = host.interfaces[host.findInterface('eth0.100')]!;
    expect([vlan.kind, vlan.vlanId, host.interfaces[vlan.link]!.name, vlan.group]).toEqual([
      'vlan',
      100,
      'eth0',
      5,
    ]);
    expect(host.findIfindex(7)).toBe(vlan.id);
    expect([...host.interfaces[host.findInterface('eth0')]!.mac!]).toEqual([2, 0, 0, 0, 0, 1]);
    expect(host.findInterface('nosuch')).toBe(0);
    expect(host.interfaceId('new0')).toBe(host.interfaces.length - 1);
  });

  const table: [string, string, string, [number, string]][] = [
    ['192.0.2.7', '192.0.2.1', 'eth0', [ROUTE_LOCAL, '']],
    ['192.0.2.7', '192.0.2.9', 'eth0', [ROUTE_LOCAL, '']],
    ['192.0.2.7', '198.51.100.77', 'eth0', [ROUTE_UNICAST, 'eth0.100']],
    ['192.0.2.7', '198.51.100.127', 'eth0', [ROUTE_BROADCAST, '']],
    ['192.0.2.7', '198.51.100.128', 'eth0', [ROUTE_NONE, '']],
    ['192.0.2.7', '10.9.9.2', 'eth0', [ROUTE_UNICAST, 'p2p']],
    ['192.0.2.7', '10.9.9.1', 'eth0', [ROUTE_LOCAL, '']],
    ['192.0.2.1', '198.51.100.77', 'eth0', [ROUTE_MARTIAN, '']],
    ['224.0.0.1', '192.0.2.1', 'eth0', [ROUTE_MARTIAN, '']],
    ['127.0.0.1', '192.0.2.1', 'eth0', [ROUTE_MARTIAN, '']],
    ['0.0.0.0', '255.255.255.255', 'eth0', [ROUTE_BROADCAST, '']],
    ['0.0.0.0', '192.0.2.1', 'eth0', [ROUTE_MARTIAN, '']],
    ['192.0.2.7', '224.0.0.1', 'eth0', [ROUTE_MULTICAST, '']],
    ['192.0.2.7', '224.0.0.251', 'eth0', [ROUTE_BLACKHOLE, '']],
    ['127.0.0.1', '127.0.0.1', 'lo', [ROUTE_LOCAL, '']],
    ['192.0.2.1', '192.0.2.1', 'lo', [ROUTE_LOCAL, '']],
    ['2001:db8::7', '2001:db8::1', 'eth0', [ROUTE_LOCAL, '']],
    ['2001:db8::7', '2001:db8::', 'eth0', [ROUTE_LOCAL, '']],
    ['2001:db8::7', '2001:db8::dad', 'eth0', [ROUTE_UNICAST, 'eth0']],
    ['2001:db8::7', '2001:db9::1', 'eth0', [ROUTE_NONE, '']],
    ['fe80::9', 'fe80::1', 'eth0', [ROUTE_LOCAL, '']],
    ['fe80::9', 'fe80::1', 'eth0.100', [ROUTE_NONE, '']],
    ['fe80::9', '2001:db8::2', 'eth0.100', [ROUTE_UNREACHABLE, '']],
    ['::1', '2001:db8::2', 'eth0.100', [ROUTE_MARTIAN, '']],
    ['fe80::9', 'ff02::1', 'eth0', [ROUTE_MULTICAST, '']],
    ['fe80::9', 'ff02::2', 'eth0', [ROUTE_MULTICAST, '']],
    ['fe80::9', 'ff02::1:ff00:1', 'eth0', [ROUTE_MULTICAST, '']],
    ['fe80::9', 'ff02::1:ff00:2', 'eth0', [ROUTE_BLACKHOLE, '']],
    ['fe80::9', 'ff02::fb', 'eth0', [ROUTE_BLACKHOLE, '']],
  ];
  for (const [src, dst, iif, expected] of table)
    test(`${src} -> ${dst} by ${iif}`, () => expect(input(host, src, dst, iif)).toEqual(expected));

  test('own packets', () => {
    expect(output(host, '192.0.2.1', '192.0.2.77')).toEqual([ROUTE_UNICAST, 'eth0']);
    expect(output(host, '203.0.113.5', '192.0.2.77')).toEqual([ROUTE_UNICAST, 'eth0']);
    expect(output(host, '0.0.0.0', '192.0.2.77')).toEqual([ROUTE_UNICAST, 'eth0']);
    expect(out.prefsrc[0]).toBe(parseIpv4('192.0.2.1'));
    expect(output(host, '192.0.2.1', '192.0.2.9')).toEqual([ROUTE_LOCAL, 'lo']);
    expect(output(host, '192.0.2.1', '8.8.8.8')).toEqual([ROUTE_NONE, '']);
    expect(output(host, '192.0.2.1', '8.8.8.8', 'eth0')).toEqual([ROUTE_UNICAST, 'eth0']);
    expect(output(host, '::', 'fe80::77', 'eth0')).toEqual([ROUTE_UNICAST, 'eth0']);
    expect([...out.prefsrc]).toEqual([...parseIpv6('fe80::1')!]);
    expect(output(host, '127.0.0.1', '192.0.2.77')).toEqual([ROUTE_MARTIAN, '']);
  });

  test('address types', () => {
    const type = (text: string, dev = '') => {
      const family = set(0, text);
      return host.addressType(family, words, 0, dev === '' ? 0 : host.findInterface(dev));
    };
    expect(type('192.0.2.1')).toBe('LOCAL');
    expect(type('192.0.2.1', 'eth0')).toBe('LOCAL');
    expect(type('192.0.2.1', 'p2p')).toBe('UNICAST');
    expect(type('192.0.2.255')).toBe('BROADCAST');
    expect(type('255.255.255.255')).toBe('BROADCAST');
    expect(type('0.0.0.0')).toBe('BROADCAST');
    expect(type('239.0.0.1')).toBe('MULTICAST');
    expect(type('8.8.8.8')).toBe('UNICAST');
    expect(type('2001:db8::1')).toBe('LOCAL');
    expect(type('2001:db8::1', 'p2p')).toBe('UNREACHABLE');
    expect(type('2001:db8::')).toBe('ANYCAST');
    expect(type('2001:db8::5')).toBe('UNICAST');
    expect(type('ff02::1')).toBe('MULTICAST');
    expect(type('::')).toBe('UNSPEC');
    expect(type('2001:db9::')).toBe('UNREACHABLE');
  });

  test('addresses for REDIRECT and MASQUERADE', () => {
    const eth0 = host.findInterface('eth0');
    const found = new Int32Array(4);
    set(4, '198.51.100.9');
    expect(host.firstAddress(4, eth0, words, 4, found, 0)).toBe(true);
    expect(found[0]).toBe(parseIpv4('192.0.2.1'));
    set(4, 'fe80::77');
    expect(host.firstAddress(6, eth0, words, 4, found, 0)).toBe(true);
    expect([...found]).toEqual([...parseIpv6('fe80::1')!]);
    set(4, '2001:db9::77');
    expect(host.selectSource(6, eth0, words, 4, found, 0)).toBe(true);
    expect([...found]).toEqual([...parseIpv6('2001:db8::1')!]);
    expect(host.firstAddress(6, host.findInterface('p2p'), words, 4, found, 0)).toBe(false);
  });

  test('says what it assumed', () => {
    const text = host.assumptions.join('\n');
    for (const word of ['route.json', 'route6.json', 'rule.json', 'rule6.json', 'multicast'])
      expect(text).toContain(word);
  });
});

test('without sysctl.txt nothing is forwarded', () => {
  const host = load({ 'address.json': ADDRESS });
  expect(input(host, '192.0.2.7', '198.51.100.77', 'eth0')).toEqual([ROUTE_NOT_FORWARDING, '']);
  expect(host.assumptions.join()).toContain('sysctl.txt');
});

test('route.json of both families, named tables, and what only a dump has', () => {
  const host = load({
    'address.json': ADDRESS,
    'sysctl.txt': 'net.ipv4.ip_forward = 1\nnet.ipv6.conf.all.forwarding = 1',
    'route.json': JSON.stringify([
      {},
      { dst: 'default', gateway: '192.0.2.254', dev: 'eth0', flags: [] },
      { dst: '10.1.0.0/16', dev: 'p2p', table: 'wan', scope: 'link', flags: [] },
      { type: 'unreachable', dst: '10.2.0.0/16', flags: [] },
      {
        type: 'local',
        dst: '192.0.2.1',
        dev: 'eth0',
        table: 'local',
        protocol: 'kernel',
        scope: 'host',
        flags: [],
      },
      { dst: 'default', gateway: '2001:db8::fe', dev: 'eth0', metric: 1024, flags: [], pref: 'medium' },
      {
        type: 'local',
        dst: '2001:db8::1',
        dev: 'eth0',
        table: 'local',
        protocol: 'kernel',
        metric: 0,
        flags: [],
        pref: 'medium',
      },
    ]),
    'rule.json': JSON.stringify([
      { priority: 0, src: 'all', table: 'local' },
      { priority: 5, src: '192.0.2.0', srclen: 24, tos: 'throughput', table: 'wan' },
      { priority: 32766, src: 'all', table: 'main' },
    ]),
  });
  expect(input(host, '192.0.2.7', '10.1.2.3', 'eth0', 8)).toEqual([ROUTE_UNICAST, 'p2p']);
  expect(input(host, '192.0.2.7', '10.1.2.3', 'eth0', 0)).toEqual([ROUTE_UNICAST, 'eth0']);
  expect(input(host, '192.0.2.7', '10.2.2.3', 'eth0')).toEqual([ROUTE_UNREACHABLE, '']);
  expect(input(host, '2001:db8::7', '2001:db9::1', 'eth0')).toEqual([ROUTE_UNICAST, 'eth0']);
  expect(host.assumptions.join()).not.toContain('route6.json is absent');
});

test('routes without address.json', () => {
  const host = load({
    'route.json': JSON.stringify([
      {
        dst: '192.0.2.0/24',
        dev: 'eth0',
        protocol: 'kernel',
        scope: 'link',
        prefsrc: '192.0.2.1',
        flags: [],
      },
      {
        type: 'local',
        dst: '192.0.2.1',
        dev: 'eth0',
        table: 'local',
        protocol: 'kernel',
        scope: 'host',
        flags: [],
      },
    ]),
  });
  expect(input(host, '192.0.2.7', '192.0.2.1', 'eth0')).toEqual([ROUTE_LOCAL, '']);
  expect(host.isLocalAddress(4, Int32Array.of(parseIpv4('192.0.2.1')!), 0)).toBe(true);
});

describe('a host of which nothing is known', () => {
  test('with one interface takes everything', () => {
    const host = loadHost(undefined, { captureInterfaces: ['eth0'] });
    expect(input(host, '192.0.2.7', '8.8.8.8', 'eth0')).toEqual([ROUTE_LOCAL, '']);
    expect(input(host, '2001:db8::7', 'ff02::5', 'eth0')).toEqual([ROUTE_MULTICAST, '']);
    expect(output(host, '192.0.2.7', '8.8.8.8')).toEqual([ROUTE_UNICAST, 'eth0']);
    expect(host.assumptions[0]).toContain('Neither addresses nor routes');
  });

  test('with two forwards, but for what it learned', () => {
    const host = loadHost(undefined, { captureInterfaces: ['eth0', 'eth1'] });
    expect(input(host, '192.0.2.7', '8.8.8.8', 'eth0')).toEqual([ROUTE_UNICAST, 'eth1']);
    expect(input(host, '8.8.8.8', '192.0.2.7', 'eth1')).toEqual([ROUTE_UNICAST, 'eth0']);
    set(0, '192.0.2.1');
    host.guess!.learnLocal(4, words, 0, host.findInterface('eth0'));
    expect(input(host, '192.0.2.7', '192.0.2.1', 'eth0')).toEqual([ROUTE_LOCAL, '']);
    expect(output(host, '192.0.2.1', '127.0.0.1')).toEqual([ROUTE_LOCAL, 'lo']);
    host.interfaceId('eth2');
    set(0, '203.0.113.9');
    host.guess!.learnSource(4, words, 0, host.findInterface('eth2'));
    expect(input(host, '192.0.2.7', '203.0.113.9', 'eth0')).toEqual([ROUTE_UNICAST, 'eth2']);
  });

  test('remembers many addresses', () => {
    const host = loadHost(undefined, { captureInterfaces: ['eth0', 'eth1'] });
    for (let i = 0; i < 5000; i++) host.guess!.learnLocal(4, Int32Array.of(i * 7919), 0, 2);
    for (let i = 0; i < 5000; i++) expect(host.isLocalAddress(4, Int32Array.of(i * 7919), 0)).toBe(true);
    expect(host.isLocalAddress(4, Int32Array.of(3), 0)).toBe(false);
  });
});

describe('mistakes in HOST are named with their place', () => {
  const table: [string, HostTexts, RegExp][] = [
    [
      'cut short',
      { 'address.json': '[{"ifname":"lo"},{"if' },
      /address\.json:1:22: error: not JSON: the string does not end/,
    ],
    [
      'cut before the end',
      { 'address.json': '[{"ifname":"lo"}' },
      /address\.json:1:17: error: not JSON: the text ends before "]"/,
    ],
    [
      'no JSON at all',
      { 'route.json': 'default via 1.2.3.4\n' },
      /route\.json:1:1: error: not JSON: a value was expected/,
    ],
    [
      'a comma',
      { 'rule.json': '[\n  {"priority": 0,}\n]' },
      /rule\.json:2:18: error: not JSON: a string in double quotes/,
    ],
    [
      'two dumps in one',
      { 'route.json': '[]\n[]' },
      /route\.json:2:1: error: not JSON: nothing more was expected/,
    ],
    ['an object', { 'address.json': '{}' }, /address\.json:1:1: error: an array was expected/],
    ['a number in it', { 'address.json': '[1]' }, /address\.json:1:2: error: an object was expected/],
    ['no name', { 'address.json': '[{"mtu":5}]' }, /address\.json:1:2: error: an interface without "ifname"/],
    [
      'twice',
      { 'address.json': '[{"ifname":"a"},{"ifname":"a"}]' },
      /address\.json:1:27: error: a second interface/,
    ],
    [
      'an address',
      {
        'address.json': '[{"ifname":"a","addr_info":[{"family":"inet","local":"1.2.3.456","prefixlen":8}]}]',
      },
      /:1:54: error: "1\.2\.3\.456" is not an IPv4 address/,
    ],
    [
      'a prefix length',
      { 'address.json': '[{"ifname":"a","addr_info":[{"family":"inet","local":"1.2.3.4","prefixlen":33}]}]' },
      /"prefixlen" is to be a whole number of 0 to 32/,
    ],
    [
      'a route',
      { 'route.json': '[{"dst":"10.0.0.0/99","dev":"a"}]' },
      /route\.json:1:9: error: "10\.0\.0\.0\/99" has no prefix length/,
    ],
    [
      'a route type',
      { 'route.json': '[{"type":"nosuch","dst":"10.0.0.0/9"}]' },
      /"nosuch" is not a type of route/,
    ],
    [
      'a gateway',
      { 'route.json': '[{"dst":"10.0.0.0/9","gateway":"x"}]' },
      /:1:32: error: "x" is not an IPv4 address/,
    ],
    [
      'a mark',
      { 'route.json': '[]', 'rule.json': '[{"priority":1,"src":"all","fwmark":"zz","table":"main"}]' },
      /rule\.json:1:37: error: "fwmark" is to be a number/,
    ],
    [
      'a rule without a table',
      { 'route.json': '[]', 'rule.json': '[{"priority":1,"src":"all"}]' },
      /a policy rule without "table"/,
    ],
  ];
  for (const [name, files, message] of table)
    test(name, () => {
      try {
        load(files);
      } catch (error) {
        expect(error).toBeInstanceOf(UserError);
        expect((error as UserError).exitStatus).toBe(2);
        expect((error as UserError).message).toMatch(message);
        expect((error as UserError).message).toMatch(/hint: the file is to be what "ip -j/);
        return;
      }
      expect.unreachable('no error');
    });

  test('a folder that is none', () => {
    expect(() => loadHost('/nonexistent/host')).toThrow(/host folder .* does not exist/);
    expect(() => loadHost(process.execPath)).toThrow(/is not a folder/);
  });

  test('an MTU of a route is said not to count', () => {
    const files = { 'route.json': '[{"dst":"10.0.0.0/9","dev":"a","metrics":[{"mtu":1300}]}]' };
    expect(load(files).assumptions.join()).toContain('A route has an MTU of its own');
    expect(load({ 'route.json': '[{"dst":"10.0.0.0/9","dev":"a"}]' }).assumptions.join()).not.toContain(
      'MTU',
    );
  });

  test('a sysctl.txt that says nothing is a mistake', () => {
    expect(() => load({ 'sysctl.txt': 'hello world\n' })).toThrow(
      /sysctl.txt: no line in it says "name = value"/,
    );
    expect(() =>
      load({ 'sysctl.txt': 'sysctl: permission denied\nnet.ipv4.ip_forward = 1\n' }),
    ).not.toThrow();
  });

  test('empty files and unknown fields are no mistakes', () => {
    expect(() =>
      load({ 'address.json': '', 'route.json': '\n', 'rule.json': ' ', 'sysctl.txt': '' }),
    ).not.toThrow();
    expect(() =>
      load({ 'address.json': '[{"ifname":"a","future":{"x":[1]},"addr_info":[{"family":"inet9"}]}]' }),
    ).not.toThrow();
  });
});
