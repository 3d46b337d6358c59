/**
 * Rulesets as tools write them: docker, kube-proxy, ufw, firewalld, fail2ban and shorewall, each as a function that puts
 * its chains into a dump, with random parameters and parts left out. Words of their rules are those that the tools
 * print; addresses are those of the router of cases/hosts.ts, so that its traffic meets them.
 */

import { addresses, CHAINS, type Family, type Table } from './cases/build.ts';
import { PORTS, type Random } from './random.ts';

/** A dump that several tools write to, one behind the other. */
export class Dump {
  readonly family: Family;
  readonly random: Random;
  readonly #tables = new Map<
    Table,
    { chains: Set<string>; lines: string[]; policies: Map<string, string> }
  >();

  constructor(family: Family, random: Random) {
    this.family = family;
    this.random = random;
  }

  #table(name: Table) {
    let table = this.#tables.get(name);
    if (table === undefined) {
      table = { chains: new Set(CHAINS[name]), lines: [], policies: new Map() };
      this.#tables.set(name, table);
    }
    return table;
  }

  policy(name: Table, chain: string, policy: string): void {
    this.#table(name).policies.set(chain, policy);
  }

  /** Rules without `-A`. A chain is declared by its first rule, or by its name alone. */
  add(name: Table, ...rules: readonly string[]): void {
    const table = this.#table(name);
    for (const rule of rules) {
      table.chains.add(rule.split(' ')[0]!);
      if (rule.includes(' ')) table.lines.push(`-A ${rule}`);
    }
  }

  /** The same, each rule only with a chance: tools are used in many ways. */
  perhaps(name: Table, ...rules: readonly string[]): void {
    for (const rule of rules) if (this.random.chance(0.75)) this.add(name, rule);
  }

  text(): string {
    const order: Table[] = ['raw', 'mangle', 'nat', 'filter', 'security'];
    return order
      .flatMap((name) => {
        const table = this.#tables.get(name);
        if (table === undefined) return [];
        const builtIn = new Set(CHAINS[name]);
        const declared = [...table.chains].map(
          (chain) => `:${chain} ${table.policies.get(chain) ?? (builtIn.has(chain) ? 'ACCEPT' : '-')} [0:0]`,
        );
        return [`*${name}`, ...declared, ...table.lines, 'COMMIT', ''];
      })
      .join('\n');
  }
}

export type Idiom = (dump: Dump) => void;

const ipv4Only = (dump: Dump, a: string, b: string): string => (dump.family === 4 ? a : b);
const single = (dump: Dump): string => ipv4Only(dump, '/32', '/128');
const withPort = (dump: Dump, address: string, port: number): string =>
  dump.family === 4 ? `${address}:${port}` : `[${address}]:${port}`;

/** dockerd: published ports, isolation of bridges, masquerading; eth1 is the bridge. */
export const docker: Idiom = (dump) => {
  const { random, family } = dump;
  const { inside, inside2 } = addresses(family);
  const network = ipv4Only(dump, '10.0.0.0/24', '2001:db8:1::/64');
  const loopback = ipv4Only(dump, '127.0.0.0/8', '::1/128');
  dump.perhaps('nat', 'PREROUTING -m addrtype --dst-type LOCAL -j DOCKER');
  dump.perhaps('nat', `OUTPUT ! -d ${loopback} -m addrtype --dst-type LOCAL -j DOCKER`);
  dump.perhaps('nat', `POSTROUTING -s ${network} ! -o eth1 -j MASQUERADE`);
  dump.perhaps('nat', 'POSTROUTING -o eth1 -m addrtype --src-type LOCAL -j MASQUERADE');
  dump.perhaps('nat', 'DOCKER -i eth1 -j RETURN');
  dump.add('nat', 'DOCKER');
  dump.add('filter', 'DOCKER-USER', 'DOCKER', 'DOCKER-ISOLATION-STAGE-1', 'DOCKER-ISOLATION-STAGE-2');
  dump.perhaps(
    'filter',
    'FORWARD -j DOCKER-USER',
    'FORWARD -j DOCKER-ISOLATION-STAGE-1',
    'FORWARD -o eth1 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT',
    'FORWARD -o eth1 -j DOCKER',
    'FORWARD -i eth1 ! -o eth1 -j ACCEPT',
    'FORWARD -i eth1 -o eth1 -j ACCEPT',
    'DOCKER-ISOLATION-STAGE-1 -i eth1 ! -o eth1 -j DOCKER-ISOLATION-STAGE-2',
    'DOCKER-ISOLATION-STAGE-1 -j RETURN',
    'DOCKER-ISOLATION-STAGE-2 -o eth1 -j DROP',
    'DOCKER-ISOLATION-STAGE-2 -j RETURN',
    'DOCKER-USER -j RETURN',
  );
  for (const [number, server] of [inside, inside2].entries()) {
    if (!random.chance(0.7)) continue;
    const protocol = random.pick(['tcp', 'tcp', 'udp', 'sctp']);
    const [outer, inner] = [random.pick(PORTS), random.pick(PORTS)];
    dump.add(
      'nat',
      `POSTROUTING -s ${server}${single(dump)} -d ${server}${single(dump)} -p ${protocol} -m ${protocol} --dport ${inner} -j MASQUERADE`,
      `DOCKER ! -i eth1 -p ${protocol} -m ${protocol} --dport ${outer} -j DNAT --to-destination ${withPort(dump, server, inner)}`,
    );
    dump.add(
      'filter',
      `DOCKER -d ${server}${single(dump)} ! -i eth1 -o eth1 -p ${protocol} -m ${protocol} --dport ${inner} -j ACCEPT`,
    );
    if (number === 1 && random.chance(0.3)) dump.add('raw', `PREROUTING -d ${server} ! -i eth1 -j DROP`);
  }
  dump.perhaps('filter', 'DOCKER ! -i eth1 -o eth1 -j DROP');
  if (random.chance(0.3)) dump.policy('filter', 'FORWARD', 'DROP');
};

/** kube-proxy in its iptables mode: services on addresses and node ports, marks for masquerading, affinity. */
export const kubeProxy: Idiom = (dump) => {
  const { random, family } = dump;
  const { inside, inside2, far, self } = addresses(family);
  dump.add(
    'nat',
    'PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES',
    'OUTPUT -m comment --comment "kubernetes service portals" -j KUBE-SERVICES',
    'POSTROUTING -m comment --comment "kubernetes postrouting rules" -j KUBE-POSTROUTING',
    'KUBE-MARK-MASQ -j MARK --set-xmark 0x4000/0x4000',
    'KUBE-POSTROUTING -m mark ! --mark 0x4000/0x4000 -j RETURN',
    'KUBE-POSTROUTING -j MARK --set-xmark 0x4000/0x0',
    'KUBE-POSTROUTING -j MASQUERADE',
    'KUBE-NODEPORTS',
  );
  dump.add('filter', 'KUBE-FIREWALL', 'KUBE-FORWARD', 'KUBE-EXTERNAL-SERVICES', 'KUBE-PROXY-FIREWALL');
  dump.perhaps(
    'filter',
    'INPUT -m conntrack --ctstate NEW -j KUBE-PROXY-FIREWALL',
    'INPUT -m conntrack --ctstate NEW -j KUBE-EXTERNAL-SERVICES',
    'INPUT -j KUBE-FIREWALL',
    'FORWARD -j KUBE-FORWARD',
    'FORWARD -m conntrack --ctstate NEW -j KUBE-EXTERNAL-SERVICES',
    'OUTPUT -m conntrack --ctstate NEW -j KUBE-EXTERNAL-SERVICES',
    'OUTPUT -j KUBE-FIREWALL',
    `KUBE-FIREWALL ! -s ${ipv4Only(dump, '127.0.0.0/8', '::1/128')} -d ${ipv4Only(dump, '127.0.0.0/8', '::1/128')} -m conntrack ! --ctstate RELATED,ESTABLISHED,DNAT -j DROP`,
    'KUBE-FORWARD -m conntrack --ctstate INVALID -j DROP',
    'KUBE-FORWARD -m mark --mark 0x4000/0x4000 -j ACCEPT',
    'KUBE-FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT',
  );
  for (const number of [0, 1, 2]) {
    if (!random.chance(0.7)) continue;
    const protocol = random.pick(['tcp', 'tcp', 'udp']);
    const [port, inner] = [random.pick(PORTS), random.pick(PORTS)];
    const service = `KUBE-SVC-${number}`;
    const portal = random.pick([far, ipv4Only(dump, '10.96.0.10', '2001:db8:96::a')]);
    if (random.chance(0.2)) {
      dump.add(
        'filter',
        `KUBE-EXTERNAL-SERVICES -d ${portal}${single(dump)} -p ${protocol} -m ${protocol} --dport ${port} -j REJECT`,
      );
      continue;
    }
    dump.add(
      'nat',
      `KUBE-SERVICES -d ${portal}${single(dump)} -p ${protocol} -m ${protocol} --dport ${port} -j ${service}`,
      `KUBE-NODEPORTS -p ${protocol} -m ${protocol} --dport ${random.pick(PORTS)} -j ${service}`,
    );
    if (random.chance(0.5))
      dump.add(
        'nat',
        `${service} ! -s ${ipv4Only(dump, '10.0.0.0/24', '2001:db8:1::/64')} -j KUBE-MARK-MASQ`,
      );
    const ends = [inside, inside2].filter(() => random.chance(0.8));
    const isSticky = random.chance(0.4);
    for (const [i, end] of ends.entries()) {
      const endpoint = `KUBE-SEP-${number}-${i}`;
      if (isSticky) {
        dump.add(
          'nat',
          `${service} -m recent --rcheck --seconds 10800 --reap --name ${endpoint} --mask ${ipv4Only(dump, '255.255.255.255', 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff')} --rsource -j ${endpoint}`,
        );
      }
      const left = ends.length - i;
      const dice = left > 1 ? ` -m statistic --mode nth --every ${left} --packet 0` : '';
      dump.add(
        'nat',
        `${service}${dice} -j ${endpoint}`,
        `${endpoint} -s ${end}${single(dump)} -j KUBE-MARK-MASQ`,
        `${endpoint} -p ${protocol}${isSticky ? ` -m recent --set --name ${endpoint} --mask ${ipv4Only(dump, '255.255.255.255', 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff')} --rsource` : ''} -m ${protocol} -j DNAT --to-destination ${withPort(dump, end, inner)}`,
      );
    }
    dump.add('nat', service);
  }
  dump.add(
    'nat',
    `KUBE-SERVICES ${random.chance(0.5) ? `! -d ${ipv4Only(dump, '127.0.0.0/8', '::1/128')} ` : `-d ${self} `}-m addrtype --dst-type LOCAL -j KUBE-NODEPORTS`,
  );
};

/** ufw: what is usual before the user's rules, broadcasts and groups let go, limits by `recent`. */
export const ufw: Idiom = (dump) => {
  const { random, family } = dump;
  dump.perhaps(
    'filter',
    'INPUT -j ufw-before-input',
    'INPUT -j ufw-after-input',
    'FORWARD -j ufw-before-forward',
    'OUTPUT -j ufw-before-output',
    'ufw-before-input -i lo -j ACCEPT',
    ...(family === 6
      ? [
          'ufw-before-input -m rt --rt-type 0 -j DROP',
          'ufw-before-input -p ipv6-icmp -m icmp6 --icmpv6-type 135 -m hl --hl-eq 255 -j ACCEPT',
          'ufw-before-input -s fe80::/10 -p ipv6-icmp -m icmp6 --icmpv6-type 129 -j ACCEPT',
          'ufw-before-input -m ipv6header --header frag --soft -j DROP',
        ]
      : [
          'ufw-before-input -d 224.0.0.251/32 -p udp -m udp --dport 5353 -j ACCEPT',
          'ufw-before-input -p udp -m udp --sport 67 --dport 68 -j ACCEPT',
        ]),
    'ufw-before-input -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT',
    'ufw-before-input -m conntrack --ctstate INVALID -j ufw-logging-deny',
    'ufw-before-input -m conntrack --ctstate INVALID -j DROP',
    ...[3, 11, 12, 8].map((type) =>
      family === 4
        ? `ufw-before-input -p icmp -m icmp --icmp-type ${type} -j ACCEPT`
        : `ufw-before-input -p ipv6-icmp -m icmp6 --icmpv6-type ${[1, 2, 3, 128][type % 4]} -j ACCEPT`,
    ),
    'ufw-before-input -j ufw-not-local',
    'ufw-before-forward -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT',
    'ufw-before-output -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT',
    'ufw-before-output -p tcp -m conntrack --ctstate NEW -j ACCEPT',
    'ufw-before-output -p udp -m conntrack --ctstate NEW -j ACCEPT',
    'ufw-not-local -m addrtype --dst-type LOCAL -j RETURN',
    'ufw-not-local -m addrtype --dst-type MULTICAST -j RETURN',
    ...(family === 4 ? ['ufw-not-local -m addrtype --dst-type BROADCAST -j RETURN'] : []),
    'ufw-not-local -m limit --limit 3/hour --limit-burst 10 -j ufw-logging-deny',
    'ufw-not-local -j DROP',
    'ufw-logging-deny -m conntrack --ctstate INVALID -m limit --limit 3/hour --limit-burst 3 -j RETURN',
    'ufw-logging-deny -m limit --limit 3/hour --limit-burst 10 -j LOG --log-prefix "[UFW BLOCK] "',
  );
  const port = random.pick(PORTS);
  dump.perhaps(
    'filter',
    `ufw-user-input -p tcp -m tcp --dport ${port} -m conntrack --ctstate NEW -m recent --set --name DEFAULT --rsource`,
    `ufw-user-input -p tcp -m tcp --dport ${port} -m conntrack --ctstate NEW -m recent --update --seconds 3000 --hitcount ${random.between(1, 4)} --name DEFAULT --rsource -j ufw-user-limit`,
    `ufw-user-input -p tcp -m tcp --dport ${port} -j ufw-user-limit-accept`,
    'ufw-user-limit -m limit --limit 3/hour -j LOG --log-prefix "[UFW LIMIT BLOCK] "',
    'ufw-user-limit -j REJECT',
    'ufw-user-limit-accept -j ACCEPT',
    'ufw-before-input -j ufw-user-input',
    'ufw-after-input -p udp -m udp --dport 137:138 -j ufw-skip-to-policy-input',
    'ufw-skip-to-policy-input -j DROP',
  );
  dump.add(
    'filter',
    ...['ufw-before-input', 'ufw-after-input', 'ufw-before-forward', 'ufw-before-output', 'ufw-not-local'],
    ...['ufw-logging-deny', 'ufw-user-input', 'ufw-user-limit', 'ufw-user-limit-accept'],
    'ufw-skip-to-policy-input',
  );
  if (random.chance(0.5)) dump.policy('filter', 'INPUT', 'DROP');
  if (random.chance(0.3)) dump.policy('filter', 'FORWARD', 'DROP');
};

/** firewalld: zones by interface and source, reached by goto; rp_filter as a rule; forwarded ports by mark. */
export const firewalld: Idiom = (dump) => {
  const { random, family } = dump;
  const { inside, outside } = addresses(family);
  if (random.chance(0.5)) dump.add('mangle', 'PREROUTING -m rpfilter --validmark --invert -j DROP');
  const parts = ['pre', 'log', 'deny', 'allow', 'post'];
  for (const [zone, iface] of [
    ['public', 'eth0'],
    ['internal', 'eth1'],
  ] as const) {
    for (const [table, chain, prefix] of [
      ['filter', 'INPUT', 'IN'],
      ['filter', 'FORWARD', 'FWDI'],
      ['nat', 'PREROUTING', 'PRE'],
      ['mangle', 'PREROUTING', 'PRE'],
    ] as const) {
      if (random.chance(0.2)) continue;
      const name = `${prefix}_${zone}`;
      dump.add(
        table,
        ...parts.map((part) => `${name}_${part}`),
        `${chain} -j ${chain}_ZONES`,
        ...(random.chance(0.3)
          ? [`${chain}_ZONES -s ${zone === 'public' ? outside : inside} -g ${name}`]
          : []),
        `${chain}_ZONES -i ${iface} -g ${name}`,
        `${chain}_ZONES -g ${name}`,
        ...parts.map((part) => `${name} -j ${name}_${part}`),
      );
      if (table === 'filter' && prefix === 'IN') {
        const protocol = random.pick(['tcp', 'udp']);
        dump.perhaps(
          'filter',
          `${name}_allow -p ${protocol} -m ${protocol} --dport ${random.pick(PORTS)} -m conntrack --ctstate NEW,UNTRACKED -j ACCEPT`,
          `${name}_deny -s ${outside} -j REJECT --reject-with ${ipv4Only(dump, 'icmp-host-prohibited', 'icmp6-adm-prohibited')}`,
          `${name} -p ${ipv4Only(dump, 'icmp', 'ipv6-icmp')} -j ACCEPT`,
          `${name} -m mark --mark 0x64 -j ACCEPT`,
        );
      }
      if (table === 'mangle') {
        dump.perhaps(
          'mangle',
          `${name}_allow -p tcp -m tcp --dport ${random.pick(PORTS)} -j MARK --set-xmark 0x64`,
          `${name}_allow -m connmark --mark 0x64 -j CONNMARK --restore-mark --nfmask 0xff --ctmask 0xff`,
        );
      }
      if (table === 'nat') {
        dump.perhaps('nat', `${name}_allow -p tcp -m mark --mark 0x64 -j DNAT --to-destination ${inside}`);
      }
    }
  }
  dump.perhaps(
    'filter',
    'INPUT -m conntrack --ctstate RELATED,ESTABLISHED,DNAT -j ACCEPT',
    'INPUT -m conntrack --ctstate INVALID -j DROP',
    `INPUT -j REJECT --reject-with ${ipv4Only(dump, 'icmp-host-prohibited', 'icmp6-adm-prohibited')}`,
    'FORWARD -m conntrack --ctstate DNAT -j ACCEPT',
    `FORWARD -p tcp -j REJECT --reject-with tcp-reset`,
  );
};

/** fail2ban: jails by port, and by sets; `ban4`, `ban6` are hash:ip. */
export const fail2ban: Idiom = (dump) => {
  const { random, family } = dump;
  const { outside, far } = addresses(family);
  const answer = random.pick([
    ipv4Only(dump, 'icmp-port-unreachable', 'icmp6-port-unreachable'),
    ipv4Only(dump, 'icmp-admin-prohibited', 'icmp6-policy-fail'),
  ]);
  dump.perhaps(
    'filter',
    `INPUT -p tcp -m multiport --dports ${random.some(PORTS, 3).join(',')} -j f2b-sshd`,
    `INPUT -p tcp -m multiport --dports ${random.some(PORTS, 2).join(',')} -m set --match-set ban${family} src -j REJECT --reject-with ${answer}`,
    `f2b-sshd -s ${random.pick([outside, far])} -j REJECT --reject-with ${answer}`,
    `f2b-sshd -s ${random.pick([outside, far])} -p tcp -j REJECT --reject-with tcp-reset`,
    'f2b-sshd -j RETURN',
    `FORWARD -m conntrack --ctstate NEW -m recent --name ban --update --hitcount ${random.between(1, 3)} --rsource -j SET --add-set ban${family} src --exist`,
    `FORWARD -m set --match-set ban${family} src -j DROP`,
    `INPUT -m set --match-set seen${family} src,${random.pick(['src', 'dst'])} -j SET --add-set ban${family} src`,
    `INPUT -j SET --add-set seen${family} src,dst --exist`,
    `OUTPUT -m set ! --match-set seen${family} dst,${random.pick(['src', 'dst'])} -j SET --del-set ban${family} dst`,
    `FORWARD -m recent --name ban --set --rsource`,
  );
  dump.add('filter', 'f2b-sshd');
};

/** shorewall: chains for bad flags and smurfs, Reject by protocol, marks kept with connections, clamped MSS. */
export const shorewall: Idiom = (dump) => {
  const { random, family } = dump;
  dump.perhaps(
    'filter',
    'INPUT -i eth0 -j net-fw',
    'FORWARD -i eth0 -o eth1 -j net-loc',
    'FORWARD -i eth1 -o eth0 -j loc-net',
    'net-fw -m conntrack --ctstate INVALID,NEW,UNTRACKED -j dynamic',
    'net-fw -m conntrack --ctstate INVALID,NEW,UNTRACKED -j smurfs',
    'net-fw -p tcp -j tcpflags',
    'net-fw -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT',
    'net-fw -j Reject',
    'net-loc -p tcp -j tcpflags',
    'net-loc -m conntrack --ctstate ESTABLISHED -j ACCEPT',
    'net-loc -m conntrack --ctstate RELATED -j +net-loc',
    '+net-loc -m helper --helper ftp -j ACCEPT',
    `+net-loc -p ${ipv4Only(dump, 'icmp', 'ipv6-icmp')} -j ACCEPT`,
    'net-loc -m policy --dir in --pol none -j sfilter',
    'sfilter -g reject',
    'loc-net -j ACCEPT',
    ...(family === 4
      ? ['smurfs -s 0.0.0.0/32 -j RETURN', 'smurfs -m addrtype --src-type BROADCAST -g DROP-LOG']
      : []),
    `smurfs -s ${ipv4Only(dump, '224.0.0.0/4', 'ff00::/8')} -g DROP-LOG`,
    'DROP-LOG -j NFLOG --nflog-prefix "smurfs"',
    'DROP-LOG -j DROP',
    'tcpflags -p tcp -m tcp --tcp-flags FIN,SYN,RST,PSH,ACK,URG FIN,PSH,URG -g logflags',
    'tcpflags -p tcp -m tcp --tcp-flags FIN,SYN,RST,PSH,ACK,URG NONE -g logflags',
    'tcpflags -p tcp -m tcp --tcp-flags SYN,RST SYN,RST -g logflags',
    'tcpflags -p tcp -m tcp --tcp-flags FIN,RST FIN,RST -g logflags',
    'tcpflags -p tcp -m tcp --tcp-flags FIN,SYN FIN,SYN -g logflags',
    'tcpflags -p tcp -m tcp --tcp-flags FIN,PSH,ACK PSH,FIN -g logflags',
    'tcpflags -p tcp -m tcp --sport 0 --tcp-flags FIN,SYN,RST,ACK SYN -g logflags',
    'logflags -j LOG --log-level 6 --log-ip-options',
    'logflags -j DROP',
  );
  dump.add(
    'filter',
    ...['net-fw', 'net-loc', 'loc-net', '+net-loc', 'sfilter', 'smurfs', 'DROP-LOG', 'tcpflags', 'logflags'],
    ...['dynamic', 'Reject', 'reject'],
    ...(family === 4 ? ['reject -m addrtype --src-type BROADCAST -j DROP'] : []),
    `reject -s ${ipv4Only(dump, '224.0.0.0/4', 'ff00::/8')} -j DROP`,
    `reject -p ${ipv4Only(dump, 'igmp', 'mh')} -j DROP`,
    'reject -p tcp -j REJECT --reject-with tcp-reset',
    'reject -p udp -j REJECT',
    `reject -p ${ipv4Only(dump, 'icmp -j REJECT --reject-with icmp-host-unreachable', 'ipv6-icmp -j REJECT --reject-with icmp6-addr-unreachable')}`,
    `reject -j REJECT --reject-with ${ipv4Only(dump, 'icmp-host-prohibited', 'icmp6-adm-prohibited')}`,
    `Reject -p tcp -m tcp --dport ${random.pick(PORTS)} -j reject`,
    ...(family === 4 ? ['Reject -m addrtype --dst-type BROADCAST,MULTICAST -j DROP'] : []),
    'Reject -m conntrack --ctstate INVALID -j DROP',
    'Reject -p tcp -m tcp ! --tcp-flags FIN,SYN,RST,ACK SYN -j DROP',
    'Reject -g reject',
  );
  dump.perhaps(
    'mangle',
    'PREROUTING -j CONNMARK --restore-mark --nfmask 0xff --ctmask 0xff',
    'PREROUTING -m mark --mark 0x0/0xff -j routemark',
    `routemark -i eth0 -j MARK --set-xmark ${random.pick(['0x1/0xff', '0x2/0xff', '0x5'])}`,
    'routemark -m mark ! --mark 0/0xff -j CONNMARK --save-mark --nfmask 0xff --ctmask 0xff',
    'FORWARD -p tcp -m tcp --tcp-flags SYN,RST SYN -j TCPMSS --clamp-mss-to-pmtu',
    `FORWARD -p tcp -m tcp --dport ${random.pick(PORTS)} -j TOS --set-tos ${random.pick(['0x10/0x3f', '0x8', '0xb8/0xfc'])}`,
    `OUTPUT -p tcp -j ${random.pick(['DSCP --set-dscp-class EF', 'TOS --or-tos 0x8', 'TOS --xor-tos 0x2', 'CLASSIFY --set-class 1:10'])}`,
    `POSTROUTING -p tcp -j ${ipv4Only(dump, 'ECN --ecn-tcp-remove', 'TCPOPTSTRIP --strip-options timestamp')}`,
    'POSTROUTING -p tcp -m tcp --tcp-flags SYN SYN -j TCPOPTSTRIP --strip-options mss,sack-permitted',
  );
  dump.add('mangle', 'routemark');
};

/** Against floods, as handbooks have it: what need not be tracked, zones, helpers, counts of connections' packets. */
export const handbook: Idiom = (dump) => {
  const { random, family } = dump;
  const { far, inside } = addresses(family);
  dump.perhaps(
    'raw',
    `PREROUTING -p udp -m udp --dport 53 -j ${random.pick(['CT --notrack', 'NOTRACK'])}`,
    `OUTPUT -p udp -m udp --sport 53 -j CT --notrack`,
    `PREROUTING -p tcp -m tcp --dport 21 -j CT --helper ftp`,
    `PREROUTING -i ${random.pick(['eth0', 'eth1'])} -p sctp -j CT ${random.pick(['--zone 7', '--zone-orig 7', '--zone-reply 7', '--notrack'])}`,
    `PREROUTING -p tcp -m tcp --tcp-flags ALL FIN,SYN -j DROP`,
    `PREROUTING -p ${ipv4Only(dump, 'icmp', 'ipv6-icmp')} -m length --length ${random.pick(['100:', ':60'])} -j DROP`,
  );
  dump.perhaps(
    'mangle',
    'PREROUTING -m conntrack --ctstate INVALID -j DROP',
    'PREROUTING -p tcp ! --syn -m conntrack --ctstate NEW -j DROP',
    'PREROUTING -p tcp -m conntrack --ctstate NEW -m tcpmss ! --mss 536:65535 -j DROP',
    `PREROUTING -m connbytes --connbytes ${random.pick(['2:', '3:5', '100:1000'])} --connbytes-dir ${random.pick(['both', 'original', 'reply'])} --connbytes-mode ${random.pick(['packets', 'bytes', 'avgpkt'])} -j CONNMARK --or-mark 0x100`,
    `FORWARD -m connlabel --label 3 --set`,
    `POSTROUTING -m connlabel ! --label 3 -j CONNMARK --xor-mark 0x1`,
    `FORWARD -s ${inside} -m cluster --cluster-total-nodes 2 --cluster-local-node ${random.between(1, 2)} --cluster-hash-seed 0xdeadbeef -j MARK --set-mark 0x7`,
  );
  dump.perhaps(
    'filter',
    `INPUT -p ${ipv4Only(dump, 'icmp -m icmp --icmp-type 8', 'ipv6-icmp -m icmp6 --icmpv6-type 128')} -m limit --limit 1/hour --limit-burst 2 -j ACCEPT`,
    `INPUT -p tcp -m tcp --dport 80 -m hashlimit --hashlimit-upto 2/hour --hashlimit-burst 3 --hashlimit-mode srcip,dstport --hashlimit-srcmask ${ipv4Only(dump, '24', '64')} --hashlimit-name hb${random.below(0x40000000)} -j ACCEPT`,
    `FORWARD -m hashlimit --hashlimit-above 3/hour --hashlimit-burst 2 --hashlimit-mode ${random.pick(['srcip', 'dstip,dstport', 'srcport'])} --hashlimit-name hf${random.below(0x40000000)} -j DROP`,
    `FORWARD -m quota --quota ${random.pick([60, 500])} -j ACCEPT`,
    `OUTPUT -m owner ! --uid-owner ${random.pick(['0', '1000'])} -j DROP`,
    `OUTPUT -m owner --socket-exists -m string --algo bm --string needle --from ${random.pick([0, 20, 40])} --to ${random.pick([60, 100])} -j REJECT`,
    `FORWARD -d ${far} -m string --algo kmp --hex-string "|47|ET" --icase -j REJECT${random.chance(0.5) ? '' : ` --reject-with ${ipv4Only(dump, 'icmp-net-unreachable', 'icmp6-no-route')}`}`,
    'INPUT -m conntrack --ctstate RELATED -m helper --helper ftp -j ACCEPT',
  );
  if (random.chance(0.4)) {
    dump.perhaps(
      'security',
      'INPUT -m conntrack --ctstate NEW -j ACCEPT',
      `FORWARD -p tcp -m conntrack --ctstate ESTABLISHED -m mark --mark 0x1/0x1 -j DROP`,
      'OUTPUT -m addrtype --dst-type LOCAL -j ACCEPT',
    );
  }
};

export const IDIOMS: readonly Idiom[] = [docker, kubeProxy, ufw, firewalld, fail2ban, shorewall, handbook];
