/** Hosts and rules for short-conversations.ts. */
import type { Dice } from '../conntrack/tcp-conversations.ts';
import { iface, inet } from './host-addresses.ts';
import type { Views } from './short-conversations.ts';

const ADDRESSES = [
  iface(2, 'eth0', inet('inet', '10.1.0.1', 24), inet('inet6', '2001:db8:1::1', 64)),
  iface(3, 'eth1', inet('inet', '10.2.0.1', 24), inet('inet6', '2001:db8:2::1', 56)),
];

const SYSCTLS: readonly string[] = [
  '',
  'net.netfilter.nf_conntrack_acct = 1',
  'net.netfilter.nf_conntrack_tcp_be_liberal = 1',
  'net.netfilter.nf_conntrack_acct = 1\nnet.netfilter.nf_conntrack_tcp_max_retrans = 1',
  'net.netfilter.nf_conntrack_tcp_max_retrans = 0\nnet.netfilter.nf_conntrack_tcp_timeout_max_retrans = 1',
  'net.netfilter.nf_conntrack_helper = 1',
];
/** How long connections live, and how many there may be. */
const LIVES: readonly string[] = [
  '',
  'net.netfilter.nf_conntrack_tcp_timeout_syn_sent = 1\nnet.netfilter.nf_conntrack_udp_timeout = 1',
  ['syn_recv', 'established', 'fin_wait', 'close_wait', 'last_ack', 'time_wait', 'close']
    .map((state) => `net.netfilter.nf_conntrack_tcp_timeout_${state} = 2`)
    .join('\n'),
  'net.netfilter.nf_conntrack_tcp_timeout_unacknowledged = 1',
];
const SIZES: readonly string[] = [
  '',
  '',
  '',
  'net.netfilter.nf_conntrack_max = 60\nnet.netfilter.nf_conntrack_buckets = 16',
  'net.netfilter.nf_conntrack_max = 40\nnet.netfilter.nf_conntrack_buckets = 512',
  // So many that half of the index's slots are taken.
  'net.netfilter.nf_conntrack_max = 1000\nnet.netfilter.nf_conntrack_buckets = 1024',
];

/** What stood before, of a host that had no nat yet. */
const STANDING = [
  'ipv4     2 udp      17 29 src=10.1.0.9 dst=10.2.0.9 sport=1001 dport=80 [UNREPLIED] src=10.2.0.9 dst=10.1.0.9 sport=80 dport=1001 mark=0 use=1',
  'ipv4     2 tcp      6 300 ESTABLISHED src=10.1.0.10 dst=10.2.0.9 sport=1002 dport=443 src=10.2.0.9 dst=10.1.0.10 sport=443 dport=1002 [ASSURED] mark=0 use=1',
  'ipv4     2 tcp      6 100 SYN_SENT src=10.1.0.77 dst=10.2.0.9 sport=1003 dport=80 [UNREPLIED] src=10.2.0.9 dst=10.1.0.77 sport=80 dport=1003 mark=7 use=1',
  '',
].join('\n');

export interface World {
  /** Files of HOST. */
  readonly files: Readonly<Record<string, string>>;
  readonly rules: string;
  readonly rules6: string;
  /** `conntrack -L`, or nothing. */
  readonly standing: string | undefined;
  readonly views: Views;
  /**
   * It does not matter when an entry that has come to its end is swept out. (A first packet that is dropped sweeps when it
   * walks only; that shows in a full table.)
   */
  readonly isExact: boolean;
}

export function world(dice: Dice): World {
  const size = dice.pick(SIZES);
  const sysctls = [dice.pick(SYSCTLS), dice.pick(LIVES), size].join('\n');
  const translation = dice.pick([
    'none',
    'destination',
    'destination',
    'empty',
    'masquerade',
    'masquerade',
    'netmap',
    'netmap',
  ] as const);
  return {
    files: {
      'address.json': JSON.stringify(ADDRESSES),
      'sysctl.txt': `net.ipv4.ip_forward = 1\nnet.ipv6.conf.all.forwarding = 1\n${sysctls}\n`,
    },
    rules: rules(dice, 4, nat(dice, 4, translation)),
    rules6: rules(dice, 6, nat(dice, 6, translation)),
    standing: dice.chance(30) ? STANDING : undefined,
    views: VIEWS[translation],
    isExact: size === '',
  };
}

type Translation = 'none' | 'empty' | 'masquerade' | 'destination' | 'netmap';

const same = (address: string): string => address;
const mapped = (server: string): string =>
  server.replace('10.2.0.', '10.8.0.').replace('2001:db8:2:', '2001:db8:8:');
const VIEWS: Readonly<Record<Translation, Views>> = {
  none: { ofClient: same, ofServer: same },
  empty: { ofClient: same, ofServer: same },
  masquerade: { ofClient: (client) => (client.includes(':') ? client : '10.2.0.1'), ofServer: same },
  destination: { ofClient: same, ofServer: mapped },
  netmap: {
    ofClient: (client) => client.replace('10.1.0.', '10.9.9.').replace('2001:db8:1:', '2001:db8:9:'),
    ofServer: mapped,
  },
};

function nat(dice: Dice, family: 4 | 6, translation: Translation): readonly string[] {
  if (translation === 'none' || (translation === 'masquerade' && family === 6)) return [];
  const lines = [];
  if (translation === 'masquerade') lines.push('-A POSTROUTING -o eth1 -j MASQUERADE');
  if (translation === 'netmap' || translation === 'destination') {
    const [from, to, inside, outside] =
      family === 4
        ? ['10.8.0.0/24', '10.2.0.0/24', '10.1.0.0/24', '10.9.9.0/24']
        : ['2001:db8:8::/56', '2001:db8:2::/56', '2001:db8:1::/64', '2001:db8:9::/64'];
    lines.push(`-A PREROUTING -d ${from} -j NETMAP --to ${to}`);
    if (translation === 'netmap') lines.push(`-A POSTROUTING -s ${inside} -o eth1 -j NETMAP --to ${outside}`);
  }
  if (dice.chance(20)) lines.unshift('-A PREROUTING -p tcp -m tcp --dport 1024 -j REDIRECT --to-ports 80');
  if (dice.chance(20))
    lines.unshift('-A PREROUTING -p tcp -m tcp --dport 443 -j DNAT --to-destination :8443');
  if (dice.chance(20)) {
    const to = family === 4 ? '10.2.0.9:80' : '[2001:db8:2::9]:80';
    lines.unshift(`-A PREROUTING -p udp -m udp --dport 443 -j DNAT --to-destination ${to}`);
  }
  if (dice.chance(20)) {
    const to = family === 4 ? '10.9.9.9' : '2001:db8:9::9';
    lines.push(`-A POSTROUTING -p udp -j SNAT --to-source ${to}`);
  }
  return ['*nat', ...lines, 'COMMIT'];
}

function rules(dice: Dice, family: 4 | 6, translation: readonly string[]): string {
  const of = (four: string, six: string): string => (family === 4 ? four : six);
  const some = [
    '-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT',
    '-A FORWARD -m conntrack --ctstate INVALID -j DROP',
    '-A FORWARD -p tcp -m tcp --dport 22 -j DROP',
    '-A FORWARD -p udp -m udp --dport 443 -j REJECT',
    '-A FORWARD -p tcp -m tcp --tcp-flags PSH PSH',
    '-A FORWARD -p udp -m multiport --ports 80,1000:1500 -j ACCEPT',
    '-A FORWARD -m conntrack --ctstatus ASSURED',
    '-A FORWARD -m length --length 100:1000',
    `-A FORWARD -s ${of('10.1.0.8/30', '2001:db8:1::8/125')} -p tcp -m tcp --dport 443 -j LOG`,
    `-A FORWARD -d ${of('10.2.0.99', '2001:db8:2:0:7::/80')} -p tcp -m tcp --dport 80 -j DROP`,
    `-A FORWARD -d ${of('10.1.0.9', '2001:db8:1::9')}`,
    `-A FORWARD -s ${of('10.2.0.9', '2001:db8:2::9')} -d ${of('10.1.0.9', '2001:db8:1::9')}`,
    `-A FORWARD -s ${of('10.2.0.9', '2001:db8:2::9')} -d ${of('10.1.0.8/30', '2001:db8:1::8/125')} -p tcp -m tcp --sport 80`,
  ].filter(() => dice.chance(50));
  if (dice.chance(10))
    some.push('-A FORWARD -p tcp -m tcp --tcp-flags PSH PSH -j CONNMARK --set-xmark 0x2/0xffffffff');
  if (dice.chance(8)) some.push('-A FORWARD -m statistic --mode nth --every 9 --packet 0 -j ACCEPT');
  const raw = ['-A PREROUTING -p udp -m udp --dport 1024 -j CT --notrack'];
  const mangle = [
    `-A PREROUTING -d ${of('10.9.9.9', '2001:db8:9::9')} -j MARK --set-xmark 0x1/0xffffffff`,
    `-A PREROUTING -s ${of('10.1.0.0/29', '2001:db8:1::/125')} -d ${of('10.8.0.8/29', '2001:db8:8::8/125')}`,
    `-A FORWARD -s ${of('10.2.0.8/29', '2001:db8:2::8/125')}`,
    `-A POSTROUTING -s ${of('10.2.0.9', '2001:db8:2::9')} -d ${of('10.1.0.9', '2001:db8:1::9')}`,
  ].filter(() => dice.chance(50));
  return [
    ...(dice.chance(15) ? ['*raw', ...raw, 'COMMIT'] : []),
    ...(dice.chance(50) ? ['*mangle', ...mangle, 'COMMIT'] : []),
    '*filter',
    dice.chance(20) ? ':FORWARD DROP [0:0]' : ':FORWARD ACCEPT [0:0]',
    '-A FORWARD -m conntrack --ctstate NEW',
    ...some,
    'COMMIT',
    ...translation,
    '',
  ].join('\n');
}
