import { expect, test } from 'vitest';
import { type RulesetHits, rulesetHits } from '../../src/report/hits.ts';
import { type TextOptions, textReport } from '../../src/report/text.ts';
import type { ReplayOutput } from '../../src/workers/config.ts';
import { makeOutput } from './fixture.ts';

const ALL = { hitOnly: false, summary: true };

const textOf = (output: ReplayOutput, rulesets: readonly RulesetHits[], options: TextOptions): string =>
  [...textReport(output, rulesets, options)].join('');

test('the whole report', () => {
  const output = makeOutput({ damaged: true });
  expect(textOf(output, rulesetHits(output, false), ALL)).toMatchInlineSnapshot(`
    "1,234 packets, 1,234,567 bytes on the wire, from eth0.pcap lo, "quoted".pcap
    2023-11-14 22:13:20.999999 UTC to 2023-11-14 22:13:33.499999 UTC (12.500 s)
    1 packet with a time before the packet before
    Replayed in 0.50 s

    What became of the packets, and where:
      packets   bytes  family  hook
           30   3,000  IPv6    PREROUTING  dropped by the network stack: no route to the destination
          900  90,000  IPv4    INPUT       delivered to this host
          100  10,000  IPv4    INPUT       dropped
          200  20,000  IPv4    -           a packet seen before, on its way out
            4     168  -       -           not IP

    What refused packets:
      packets   bytes  family           table   num  rule
          100  10,000  IPv4    dropped  filter       -P INPUT DROP

    Connections (tracked: IPv4, IPv6):
      new  at the end  family  protocol
       20           3  IPv4    tcp
        1           1  IPv6    ipv6-icmp

    Packets by state:
      packets   bytes  family  protocol   state
           20   1,200  IPv4    tcp        NEW
          980  98,000  IPv4    tcp        ESTABLISHED
            4     400  IPv6    ipv6-icmp  INVALID

    Why packets were INVALID:
      packets  family
            4  IPv6    bad checksum

    Not IP, never seen by iptables:
      packets  bytes  ethertype
            4    168  0x0806 ARP

    200 packets going out had come in before and were not replayed again (echoes). This replay sends 199 of them the same way, 1 not.
    13 random decisions (statistic --mode random): 12 read off the capture, 1 drawn from seed 0.
    14 translations to a port that the kernel chooses at random: 2 read off the capture, 12 drawn from seed 0:
      udp 10.0.0.9:0 to 192.0.2.1:53, source now 192.0.2.7:60000
      udp 10.0.0.9:1 to 192.0.2.1:53, source now 192.0.2.7:60001
      udp 10.0.0.9:2 to 192.0.2.1:53, source now 192.0.2.7:60002
      udp 10.0.0.9:3 to 192.0.2.1:53, source now 192.0.2.7:60003
      udp 10.0.0.9:4 to 192.0.2.1:53, source now 192.0.2.7:60004
      udp 10.0.0.9:5 to 192.0.2.1:53, source now 192.0.2.7:60005
      udp 10.0.0.9:6 to 192.0.2.1:53, source now 192.0.2.7:60006
      udp 10.0.0.9:7 to 192.0.2.1:53, source now 192.0.2.7:60007
      udp 10.0.0.9:8 to 192.0.2.1:53, source now 192.0.2.7:60008
      udp 10.0.0.9:9 to 192.0.2.1:53, source now 192.0.2.7:60009
      and 2 more

    Damaged captures (what came before the damage was replayed):
      eth0.pcap: damaged at byte 4096, packet 33: cut short

    Assumed:
      interfaces are taken from the captures: HOST has no address.json

    # iptables -t nat -L -v -n -x --line-numbers
    Chain PREROUTING (policy ACCEPT 10 packets, 1000 bytes)
    num      pkts      bytes target     prot opt in     out     source               destination         

    Chain INPUT (policy ACCEPT 20 packets, 2000 bytes)
    num      pkts      bytes target     prot opt in     out     source               destination         

    Chain OUTPUT (policy ACCEPT 0 packets, 0 bytes)
    num      pkts      bytes target     prot opt in     out     source               destination         

    Chain POSTROUTING (policy ACCEPT 40 packets, 4000 bytes)
    num      pkts      bytes target     prot opt in     out     source               destination         

    # iptables -t filter -L -v -n -x --line-numbers
    Chain INPUT (policy DROP 80 packets, 8000 bytes)
    num      pkts      bytes target     prot opt in     out     source               destination         
    1          50     5000 ACCEPT     0    --  *      *       0.0.0.0/0            0.0.0.0/0            ctstate RELATED,ESTABLISHED
    2           0        0 web        6    --  *      *       0.0.0.0/0            0.0.0.0/0            tcp dpt:80
    3          70     7000 REJECT     6    --  *      *       192.0.2.99           0.0.0.0/0            /* <b>"a & b"</b> */ reject-with tcp-reset

    Chain FORWARD (policy ACCEPT 0 packets, 0 bytes)
    num      pkts      bytes target     prot opt in     out     source               destination         

    Chain OUTPUT (policy ACCEPT 100 packets, 10000 bytes)
    num      pkts      bytes target     prot opt in     out     source               destination         

    Chain web (1 references)
    num      pkts      bytes target     prot opt in     out     source               destination         
    1         110    11000 ACCEPT     0    --  *      *       10.0.0.0/8           0.0.0.0/0           
    2           0        0 RETURN     0    --  *      *       0.0.0.0/0            0.0.0.0/0           

    # ip6tables -t filter -L -v -n -x --line-numbers
    Chain INPUT (policy ACCEPT 140 packets, 14000 bytes)
    num      pkts      bytes target     prot opt in     out     source               destination         
    1         130    13000 ACCEPT     58   --  *      *       ::/0                 ::/0                

    Chain FORWARD (policy DROP 0 packets, 0 bytes)
    num      pkts      bytes target     prot opt in     out     source               destination         

    Chain OUTPUT (policy ACCEPT 160 packets, 16000 bytes)
    num      pkts      bytes target     prot opt in     out     source               destination         
    "
  `);
});

test('only hit rules of one table, without the summary', () => {
  const output = makeOutput();
  const view = { tables: new Set(['filter']), chains: undefined, hitOnly: true, summary: false };
  expect(textOf(output, rulesetHits(output, true), view)).toMatchInlineSnapshot(`
    "# iptables -t filter -L -v -n -x --line-numbers
    Chain INPUT (policy DROP 90 packets, 9000 bytes)
    num      pkts      bytes target     prot opt in     out     source               destination         
    1          55     5500 ACCEPT     0    --  *      *       0.0.0.0/0            0.0.0.0/0            ctstate RELATED,ESTABLISHED
    3          70     7000 REJECT     6    --  *      *       192.0.2.99           0.0.0.0/0            /* <b>"a & b"</b> */ reject-with tcp-reset

    Chain OUTPUT (policy ACCEPT 100 packets, 10000 bytes)
    num      pkts      bytes target     prot opt in     out     source               destination         

    Chain web (1 references)
    num      pkts      bytes target     prot opt in     out     source               destination         
    1    18446744073709551110    10384 ACCEPT     0    --  *      *       10.0.0.0/8           0.0.0.0/0           

    # ip6tables -t filter -L -v -n -x --line-numbers
    Chain INPUT (policy ACCEPT 140 packets, 14000 bytes)
    num      pkts      bytes target     prot opt in     out     source               destination         
    1         130    13000 ACCEPT     58   --  *      *       ::/0                 ::/0                

    Chain OUTPUT (policy ACCEPT 160 packets, 16000 bytes)
    num      pkts      bytes target     prot opt in     out     source               destination         
    "
  `);
});

test('a chain by its name', () => {
  const output = makeOutput();
  const view = { chains: ['w*b'], hitOnly: false, summary: false };
  expect(textOf(output, rulesetHits(output, false), view)).toMatchInlineSnapshot(`
    "# iptables -t filter -L -v -n -x --line-numbers
    Chain web (1 references)
    num      pkts      bytes target     prot opt in     out     source               destination         
    1         110    11000 ACCEPT     0    --  *      *       10.0.0.0/8           0.0.0.0/0           
    2           0        0 RETURN     0    --  *      *       0.0.0.0/0            0.0.0.0/0           
    "
  `);
});

test('an interrupted run says so first', () => {
  const output = makeOutput({ interrupted: true });
  expect(textOf(output, rulesetHits(output, false), ALL).split('\n')[0]).toMatch(/^Interrupted/);
});

test('packets that are in no row, or in two, are a mistake of ours', () => {
  const output = makeOutput();
  output.result.totals.packets++;
  expect(() => textOf(output, rulesetHits(output, false), ALL)).toThrow(/1234 packets have a way, but 1235/);
});

test('more rules than a call takes arguments', () => {
  const output = makeOutput();
  const many = rulesetHits(output, false).map((ruleset) => ({
    ...ruleset,
    tables: ruleset.tables.map((table) => ({
      ...table,
      chains: table.chains
        .filter((chain) => chain.rules.length > 0)
        .map((chain) => ({ ...chain, rules: Array(130_000).fill(chain.rules[0]) })),
    })),
  }));
  const lines = textOf(output, many, { hitOnly: false, summary: false }).split('\n');
  expect(lines.length).toBeGreaterThan(130_000);
});
