import { spawnSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { Sysctls } from '../../src/host/sysctl.ts';
import { DEFAULTS_CONF4, DEFAULTS_CONF6, SYSCTL_DEFAULTS } from '../../src/host/sysctl-defaults.ts';
import { canAskKernel, KernelNetwork } from './kernel-network.ts';

describe('sysctl.txt', () => {
  const table: [string, string, string, number][] = [
    ['a plain line', 'net.ipv4.ip_forward = 1', 'net.ipv4.ip_forward', 1],
    ['no spaces', 'net.ipv4.ip_forward=1', 'net.ipv4.ip_forward', 1],
    ['the first of several values', 'net.ipv4.ip_default_ttl = 63\t64', 'net.ipv4.ip_default_ttl', 63],
    [
      'a dot in the interface name, as procps',
      'net.ipv4.conf.eth0/1.rp_filter = 2',
      'net.ipv4.conf.eth0.1.rp_filter',
      2,
    ],
    ['the same asked by path', 'net.ipv4.conf.eth0/1.rp_filter = 2', 'net/ipv4/conf/eth0.1/rp_filter', 2],
    ['what a new interface gets', 'net.ipv4.conf.default.rp_filter = 2', 'net.ipv4.conf.eth7.rp_filter', 2],
    ['not for all', 'net.ipv4.conf.default.rp_filter = 2', 'net.ipv4.conf.all.rp_filter', 0],
    ['ip_forward for an interface', 'net.ipv4.ip_forward = 1', 'net.ipv4.conf.eth7.forwarding', 1],
    ['ip_forward by conf.all', 'net.ipv4.conf.all.forwarding = 1', 'net.ipv4.ip_forward', 1],
    [
      'messages between the lines',
      "sysctl: permission denied on key 'x'\nnet.ipv4.ip_forward = 1",
      'net.ipv4.ip_forward',
      1,
    ],
    ['an empty value', 'net.ipv4.ip_forward =', 'net.ipv4.ip_forward', 0],
    ['nothing: the default', '', 'net.netfilter.nf_conntrack_tcp_timeout_established', 432000],
    ['CRLF', 'net.ipv4.ip_forward = 1\r\n', 'net.ipv4.ip_forward', 1],
  ];
  for (const [name, text, key, value] of table)
    test(name, () => expect(new Sysctls(text).number(key)).toBe(value));

  test('all and the interface are combined as the kernel does', () => {
    const both = (key: string, all: number, own: number) =>
      new Sysctls(`net.ipv4.conf.all.${key} = ${all}\nnet.ipv4.conf.e.${key} = ${own}`).ofInterface(
        4,
        key,
        'e',
      );
    expect(both('rp_filter', 1, 2)).toBe(2);
    expect(both('rp_filter', 2, 1)).toBe(2);
    expect(both('accept_local', 1, 0)).toBe(1);
    expect(both('bc_forwarding', 1, 0)).toBe(0);
    expect(both('bc_forwarding', 1, 1)).toBe(1);
    expect(both('forwarding', 1, 0)).toBe(0);
  });

  test('a sysctl without a known default is a mistake of ours', () => {
    expect(() => new Sysctls('').number('net.ipv4.no_such_thing')).toThrow(/internal error/);
  });
});

describe.skipIf(!canAskKernel)('defaults are those of a fresh namespace', () => {
  test('all that this kernel has', () => {
    const network = new KernelNetwork('replay-sysctl');
    try {
      // Conntrack and its sysctls come with the first rule that needs it.
      spawnSync('ip', [
        'netns',
        'exec',
        network.name,
        'iptables-legacy',
        '-A',
        'INPUT',
        '-m',
        'conntrack',
        '--ctstate',
        'NEW',
      ]);
      network.batch(['link add v0 type veth peer name v1']);
      const text = spawnSync('ip', ['netns', 'exec', network.name, 'sysctl', '-a'], {
        encoding: 'utf8',
      }).stdout;
      const kernel = new Sysctls(text);
      // The first namespace's are not inherited by all: what differs here by design of the machine is named.
      const ofTheMachine = /nf_conntrack_(buckets|max|expect_max)$|nf_log_all_netns$/;
      let compared = 0;
      for (const [key, value] of Object.entries(SYSCTL_DEFAULTS)) {
        if (kernel.text(key) === undefined || ofTheMachine.test(key)) continue;
        compared++;
        expect(`${key} = ${kernel.number(key)}`).toBe(`${key} = ${value}`);
      }
      for (const [family, defaults] of [
        [4, DEFAULTS_CONF4],
        [6, DEFAULTS_CONF6],
      ] as const)
        for (const [key, value] of Object.entries(defaults)) {
          const name = `net.ipv${family}.conf.v0.${key}`;
          if (kernel.text(name) === undefined) continue;
          compared++;
          expect(`${name} = ${kernel.number(name)}`).toBe(`${name} = ${value}`);
        }
      expect(compared).toBeGreaterThan(60);
    } finally {
      network.close();
    }
  });
});
