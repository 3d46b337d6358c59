/**
 * Rulesets with mistakes, and what is said of them: `line:column message` for each error, in order. What iptables
 * 1.8.9 says is the first of them ("line N failed" where libiptc or the kernel refuses).
 */
export interface WrongCase {
  readonly id: string;
  readonly text: string;
  readonly family?: 6;
  readonly errors: readonly string[];
  /** Who says the first: what the real one prints is told by it. */
  readonly by: 'iptables' | 'libiptc' | 'kernel';
  /** Where iptables-restore stops with "line N failed". */
  readonly failedLine?: number;
  /** Messages of warnings that come with it. */
  readonly warnings?: readonly string[];
}

const filter = (...lines: string[]) => `${['*filter', ':web - [0:0]', ...lines, 'COMMIT'].join('\n')}\n`;
const inTable = (table: string, ...lines: string[]) => `${[`*${table}`, ...lines, 'COMMIT'].join('\n')}\n`;

const one = (id: string, line: string, error: string): WrongCase => ({
  id,
  text: filter(line),
  errors: [error],
  by: 'iptables',
});

export const WRONG: readonly WrongCase[] = [
  // --- words and options of a rule
  one('unknown-option', '-A INPUT -p tcp --foo 1', '3:17 unknown option "--foo"'),
  one('unknown-short', '-A INPUT -q', '3:10 unknown option "-q"'),
  one('port-without-protocol', '-A INPUT --dport 80', '3:10 unknown option "--dport"'),
  one('ambiguous', '-A INPUT --de 1.2.3.4', '3:10 unknown option "--de"'),
  one('stray-word', '-A INPUT -j ACCEPT now', "3:20 Bad argument `now'"),
  one('lone-dash', '-A INPUT -', "3:10 Bad argument `-'"),
  one('double-dash', '-A INPUT -- foo', '3:13 unknown arguments found on commandline'),
  one('no-argument', '-A INPUT -s', '3:10 option "-s" requires an argument'),
  one('no-argument-long', '-A INPUT --protocol', '3:10 option "--protocol" requires an argument'),
  one('no-command', '-j ACCEPT', '3:4 no command specified'),
  one('two-commands', '-A INPUT -A FORWARD', '3:10 Cannot use -A with -A'),
  one('append-and-delete', '-A INPUT -D FORWARD', '3:10 Cannot use -D with -A'),
  one('twice-j', '-A INPUT -j web -j ACCEPT', '3:17 multiple -j flags not allowed'),
  one('twice-p', '-A INPUT -p tcp -p udp', '3:17 multiple -p flags not allowed'),
  one('not-not', '-A INPUT ! ! -p tcp', '3:12 multiple consecutive ! not allowed'),
  one('not-jump', '-A INPUT ! -j ACCEPT', '3:12 cannot have ! before -j'),
  one('not-match', '-A INPUT ! -m tcp', '3:12 unexpected ! flag before --match'),
  one('not-append', '! -A INPUT', "3:3 unexpected '!' flag"),
  one('not-nothing', '-A INPUT !', '3:10 nothing appropriate following !'),
  one('table-inside', '-A INPUT -t nat -j ACCEPT', '3:10 The -t option cannot be used in iptables-restore.'),
  one('wait', '-A INPUT -w -j ACCEPT', "3:10 You cannot use `-w' from iptables-restore"),
  one('wait-interval', '-A INPUT -W 5', "3:10 You cannot use `-W' from iptables-restore"),
  one('numeric', '-A INPUT -n', "3:10 Illegal option `-n' with this command"),
  one('line-numbers', '-A INPUT --line-numbers', "3:10 Illegal option `-0' with this command"),
  one('policy-with-source', '-P INPUT DROP -s 1.2.3.4', "3:15 Illegal option `-s' with this command"),
  // --- names
  one('unknown-match', '-A INPUT -m foo', "3:13 Couldn't load match `foo':No such file or directory"),
  one('unknown-target', '-A INPUT -j FOO', "3:13 Couldn't load target `FOO':No such file or directory"),
  one('goto-target', '-A INPUT -g ACCEPT', "3:13 goto 'ACCEPT' is not a chain"),
  one('goto-nowhere', '-A INPUT -g nowhere', "3:13 goto 'nowhere' is not a chain"),
  one('empty-target', '-A INPUT -j ""', '3:13 Invalid target name (too short)'),
  one(
    'long-target',
    '-A INPUT -j averyveryverylongchainname1234567',
    "3:13 Invalid target name `averyveryverylongchainname1234567' (28 chars max)",
  ),
  one(
    'long-match',
    '-A INPUT -m averyveryverylongmatchname1234567',
    '3:13 Invalid match name "averyveryverylongmatchname1234567" (28 chars max)',
  ),
  one(
    'long-chain',
    ':averyveryverylongchainname1234567 -',
    "3:2 Invalid chain name `averyveryverylongchainname1234567' (28 chars max)",
  ),
  one(
    'long-new-chain',
    '-N averyveryverylongchainname1234567',
    "3:4 chain name `averyveryverylongchainname1234567' too long (must be under 29 chars)",
  ),
  one('new-like-target', '-N ACCEPT', '3:4 chain name may not clash with target name'),
  one('new-like-unsupported-target', '-N TPROXY', '3:4 chain name may not clash with target name'),
  one('new-like-option', '-N -web', "3:4 chain name not allowed to start with `-'"),
  one('chain-twice', ':web - [0:0]', "3:2 error creating chain 'web':File exists"),
  one('chain-like-verdict', ':DROP - [0:0]', "3:2 error creating chain 'DROP':File exists"),
  one(
    'interface-long',
    '-A INPUT -i averylonginterface',
    "3:13 interface name `averylonginterface' must be shorter than IFNAMSIZ (15)",
  ),
  one('interface-empty', '-A INPUT -i ""', '3:13 Empty interface is likely to be undesired'),
  // --- addresses and protocols
  one('host-name', '-A INPUT -s www.example.com', "3:13 host/network `www.example.com' not found"),
  one('address-family', '-A INPUT -s ::1', "3:13 host/network `::1' not found"),
  one('address-large', '-A INPUT -d 256.1.1.1', "3:13 host/network `256.1.1.1' not found"),
  one('address-empty-part', '-A INPUT -s 1.2.3.4,', "3:13 host/network `' not found"),
  one('mask-large', '-A INPUT -s 10.0.0.0/33', "3:13 invalid mask `33' specified"),
  one('mask-empty', '-A INPUT -s 10.0.0.0/', "3:13 invalid mask `' specified"),
  one('mask-short', '-A INPUT -s 10.0.0.0/255.255', "3:13 invalid mask `255.255' specified"),
  one(
    'not-list',
    '-A INPUT ! -s 1.2.3.4,5.6.7.8',
    '3:15 ! not allowed with multiple source or destination IP addresses',
  ),
  one('protocol-name', '-A INPUT -p foo', '3:13 unknown protocol "foo" specified'),
  one('protocol-large', '-A INPUT -p 256', '3:13 unknown protocol "256" specified'),
  one('not-all', '-A INPUT ! -p all', '3:15 rule would never match protocol'),
  one('attached-protocol', '-A INPUT -ptcp', '3:10 unknown protocol "-ptcp" specified'),
  // --- where a rule stands
  one('out-in-input', '-A INPUT -o eth0 -j DROP', "3:10 Can't use -o with INPUT"),
  one('in-in-output', '-A OUTPUT -i eth0 -j DROP', "3:11 Can't use -i with OUTPUT"),
  {
    id: 'drop-in-nat',
    text: inTable('nat', '-A PREROUTING -j DROP'),
    errors: ['2:15 The "nat" table is not intended for filtering, the use of DROP is therefore inhibited.'],
    by: 'iptables',
  },
  // --- counters
  one('counters-open', '[1:2 -A INPUT', '3:1 Bad line 3: need ]'),
  one('counters-one', '[1] -A INPUT', '3:1 Bad line 3: need ]'),
  one('set-counters-one', '-A INPUT -c 5', '3:13 -c requires packet and byte counter'),
  one('set-counters-text', '-A INPUT -c a b', '3:13 -c packet counter not numeric'),
  one('set-counters-text-2', '-A INPUT -c 1 b', '3:13 -c byte counter not numeric'),
  // --- rule numbers
  one('insert-zero', '-I INPUT 0 -j ACCEPT', "3:10 Invalid rule number `0'"),
  one('insert-text', '-I INPUT first -j ACCEPT', "3:10 Invalid rule number `first'"),
  one('replace-nothing', '-R INPUT -j ACCEPT', '3:1 -R requires a rule number'),
  // --- lines
  {
    id: 'table-name',
    text: '*foo\nCOMMIT\n',
    errors: ["1:2 unable to initialize table 'foo'"],
    by: 'iptables',
  },
  { id: 'table-no-name', text: '*\nCOMMIT\n', errors: ['1:1 line 1 table name invalid'], by: 'iptables' },
  {
    id: 'chain-no-name',
    text: '*filter\n:\nCOMMIT\n',
    errors: ['2:1 line 2 chain name invalid'],
    by: 'iptables',
  },
  {
    id: 'policy-none',
    text: '*filter\n:INPUT\nCOMMIT\n',
    errors: ['2:2 line 2 policy invalid'],
    by: 'iptables',
  },
  {
    id: 'policy-name',
    text: '*filter\n:INPUT REJECT\nCOMMIT\n',
    errors: ["2:8 Can't set policy `REJECT' on `INPUT' line 2: Bad policy name"],
    by: 'iptables',
  },
  {
    id: 'policy-user',
    text: '*filter\n:web ACCEPT\nCOMMIT\n',
    errors: ["2:6 Can't set policy `ACCEPT' on `web' line 2: Bad built-in chain name"],
    by: 'iptables',
  },
  { id: 'no-commit', text: '*filter\n-A INPUT\n', errors: ['2:1 COMMIT expected at line 3'], by: 'iptables' },
  {
    id: 'table-in-table',
    text: '*filter\n*nat\nCOMMIT\n',
    errors: ["2:1 Bad argument `*nat'"],
    by: 'iptables',
  },
  {
    id: 'indented-comment',
    text: '*filter\n  # comment\nCOMMIT\n',
    errors: ["2:3 Bad argument `#'"],
    by: 'iptables',
  },
  { id: 'outside', text: '-A INPUT\n', errors: ['1:1 line 1 failed'], by: 'libiptc', failedLine: 1 },
  {
    id: 'commit-twice',
    text: '*filter\nCOMMIT\nCOMMIT\n',
    errors: ['3:1 line 3 failed'],
    by: 'libiptc',
    failedLine: 3,
  },
  // --- libiptc
  ...(
    [
      ['append-nowhere', '-A nowhere -j ACCEPT', 'No chain/target/match by that name'],
      ['jump-builtin', '-A INPUT -j FORWARD', 'Target problem'],
      ['delete-missing', '-D INPUT -j ACCEPT', 'Bad rule (does a matching rule exist in that chain?)'],
      ['check-missing', '-C INPUT -j ACCEPT', 'Bad rule (does a matching rule exist in that chain?)'],
      ['delete-number', '-D INPUT 1', 'Index of deletion too big'],
      ['insert-far', '-I INPUT 2 -j ACCEPT', 'Index of insertion too big'],
      ['replace-far', '-R INPUT 1 -j ACCEPT', 'Index of replacement too big'],
      ['flush-nowhere', '-F nowhere', 'No chain/target/match by that name'],
      ['delete-chain-nowhere', '-X nowhere', 'No chain/target/match by that name'],
      ['delete-chain-builtin', '-X INPUT', "Can't delete built-in chain"],
      ['new-existing', '-N web', 'Chain already exists'],
      ['rename-nowhere', '-E nowhere other', 'No chain/target/match by that name'],
      ['rename-existing', '-E web INPUT', 'Chain already exists'],
      ['policy-nowhere', '-P web DROP', 'Bad built-in chain name'],
      ['policy-bad', '-P INPUT web', 'Bad policy name'],
    ] as const
  ).map(
    ([id, line, message]): WrongCase => ({
      id,
      text: filter(line),
      errors: [`3:4 ${message}`],
      by: 'libiptc',
      failedLine: 3,
    }),
  ),
  {
    id: 'delete-used-chain',
    text: filter('-A INPUT -j web', '-X web'),
    errors: ["4:4 Can't delete chain with references left"],
    by: 'libiptc',
    failedLine: 4,
  },
  {
    id: 'delete-full-chain',
    text: filter('-A web -j DROP', '-X web'),
    errors: ['4:4 Chain is not empty'],
    by: 'libiptc',
    failedLine: 4,
  },
  // --- the kernel
  {
    id: 'loop-one',
    text: filter('-A INPUT -j web', '-A web -j web'),
    errors: ['4:1 Loop found in table'],
    by: 'kernel',
    failedLine: 5,
  },
  {
    id: 'loop-two',
    text: filter(':app -', '-A FORWARD -j web', '-A web -s 10.0.0.0/8 -j app', '-A app -g web'),
    errors: ['6:1 Loop found in table'],
    by: 'kernel',
    failedLine: 7,
  },
  {
    id: 'reject-in-mangle',
    text: inTable('mangle', '-A FORWARD -j REJECT'),
    errors: ['2:1 x_tables: ip_tables: REJECT target: only valid in filter table, not mangle'],
    by: 'kernel',
    failedLine: 3,
  },
  {
    id: 'owner-through-chain',
    text: filter('-A web -m owner --uid-owner 0', '-A INPUT -j web', '-A OUTPUT -j web'),
    errors: [
      '3:1 x_tables: ip_tables: owner match: used from hooks INPUT/OUTPUT, but only valid from OUTPUT/POSTROUTING',
    ],
    by: 'kernel',
    failedLine: 6,
  },
  {
    id: 'tcp-of-udp',
    text: filter('-A INPUT -p udp -m tcp --dport 80'),
    errors: ['3:1 x_tables: ip_tables: tcp match: only valid for protocol 6'],
    by: 'kernel',
    failedLine: 4,
  },
  // --- IPv6
  {
    id: 'fragments-6',
    family: 6,
    text: filter('-A INPUT -f'),
    errors: ["3:10 `-f' is not supported in IPv6, use -m frag instead"],
    by: 'iptables',
  },
  {
    id: 'address-4-in-6',
    family: 6,
    text: filter('-A INPUT -s 10.0.0.1'),
    errors: ["3:13 host/network `10.0.0.1' not found"],
    by: 'iptables',
  },
  {
    id: 'mask-6',
    family: 6,
    text: filter('-A INPUT -s ::1/129'),
    errors: ["3:13 invalid mask `129' specified"],
    by: 'iptables',
  },
  // --- all of them at once
  {
    id: 'many',
    text: filter(
      '-A INPUT -p foo',
      '-A INPUT -j ACCEPT',
      '-A INPUT -s 1.2.3.4/40',
      '-A INPUT -m bar',
      '-A INPUT -j web',
      '-A web -j web',
    ),
    errors: [
      '3:13 unknown protocol "foo" specified',
      "5:13 invalid mask `40' specified",
      "6:13 Couldn't load match `bar':No such file or directory",
    ],
    by: 'iptables',
  },
];

/** What is taken all the same, and with which warning; `judged` says that the real one takes it too. */
export const ODD: readonly {
  id: string;
  text: string;
  saved: readonly string[];
  warnings: readonly string[];
  judged: boolean;
}[] = [
  {
    id: 'loop-not-reached',
    text: filter(':app -', '-A web -j app', '-A app -j web'),
    saved: ['-A app -j web', '-A web -j app'],
    warnings: [],
    judged: true,
  },
  {
    id: 'loop-behind-the-end',
    text: filter('-A INPUT -j web', '-A web -j ACCEPT', '-A web -j web'),
    saved: ['-A INPUT -j web', '-A web -j ACCEPT', '-A web -j web'],
    warnings: [],
    judged: true,
  },
  {
    id: 'owner-behind-the-end',
    text: filter('-A INPUT -j web', '-A web -j RETURN', '-A web -m owner --uid-owner 0'),
    saved: ['-A INPUT -j web', '-A web -j RETURN', '-A web -m owner --uid-owner 0'],
    warnings: [],
    judged: true,
  },
  {
    id: 'lists',
    text: filter('-A INPUT -s 1.1.1.1,2.2.2.2 -d 3.3.3.3,4.4.4.0/24 -j DROP', '-I INPUT -s 5.5.5.5,6.6.6.6'),
    saved: [
      '-A INPUT -s 6.6.6.6/32',
      '-A INPUT -s 5.5.5.5/32',
      '-A INPUT -s 1.1.1.1/32 -d 3.3.3.3/32 -j DROP',
      '-A INPUT -s 1.1.1.1/32 -d 4.4.4.0/24 -j DROP',
      '-A INPUT -s 2.2.2.2/32 -d 3.3.3.3/32 -j DROP',
      '-A INPUT -s 2.2.2.2/32 -d 4.4.4.0/24 -j DROP',
    ],
    warnings: [],
    judged: true,
  },
  {
    id: 'commands',
    text: filter(
      '-N app',
      '-A app -j ACCEPT',
      '-A INPUT -j app',
      '-I INPUT -p udp -j DROP',
      '-I INPUT 2 -p tcp -j DROP',
      '-R INPUT 1 -p icmp -j DROP',
      '-D INPUT -p tcp -j DROP',
      '-E app appp',
      '-X web',
      '-P FORWARD DROP',
      '-A OUTPUT -j DROP',
      '-D OUTPUT 1',
      '-A FORWARD -j DROP',
      '-F FORWARD',
      '-C INPUT -j appp',
      '-L INPUT -n',
      '-Z',
    ),
    saved: ['-A INPUT -p icmp -j DROP', '-A INPUT -j appp', '-A appp -j ACCEPT'],
    warnings: [],
    judged: true,
  },
  {
    id: 'families',
    text: filter(
      '-4 -A INPUT -s 1.2.3.4',
      '-6 -A INPUT -s ::1 --nonsense',
      '-A INPUT -6 foo',
      '--ipv4 -A INPUT',
    ),
    saved: ['-A INPUT -s 1.2.3.4/32', '-A INPUT'],
    warnings: [],
    judged: true,
  },
  {
    id: 'abbreviations',
    text: filter(
      '--app INPUT --prot tcp --dpo 80 --jump ACCEPT',
      '--append INPUT --src 1.2.3.4 --dst 5.6.7.8 --in-i eth0',
      '-A INPUT --modprobe=/sbin/modprobe -v -j DROP',
      '-A INPUT -p 6',
    ),
    saved: [
      '-A INPUT -p tcp -m tcp --dport 80 -j ACCEPT',
      '-A INPUT -s 1.2.3.4/32 -d 5.6.7.8/32 -i eth0',
      '-A INPUT -j DROP',
      '-A INPUT -p tcp',
    ],
    warnings: [],
    judged: true,
  },
  {
    id: 'table-twice',
    text: '*filter\n:a -\n-A INPUT -j a\nCOMMIT\n*filter\n:b -\n-A INPUT -j b\nCOMMIT\n',
    saved: ['-A INPUT -j b'],
    warnings: [],
    judged: true,
  },
  {
    id: 'chain-shadows-target',
    text: filter(':LOG -', '-A INPUT -j LOG'),
    saved: ['-A INPUT -j LOG'],
    warnings: ['using chain LOG, not extension'],
    judged: true,
  },
  {
    id: 'tabs-and-blanks',
    text: filter('  -A\tINPUT   -j\t ACCEPT  \t'),
    saved: ['-A INPUT -j ACCEPT'],
    warnings: [],
    judged: true,
  },
  {
    id: 'cr-lf',
    text: '*filter\r\n-A INPUT -j ACCEPT\r\nCOMMIT\r\n',
    saved: ['-A INPUT -j ACCEPT'],
    warnings: ['lines end in CR LF'],
    judged: false,
  },
  {
    id: 'blanks-behind-commit',
    text: '*filter\n-A INPUT -j ACCEPT\nCOMMIT  \n',
    saved: ['-A INPUT -j ACCEPT'],
    warnings: ['blanks around COMMIT'],
    judged: false,
  },
  {
    id: 'no-newline-at-the-end',
    text: '*filter\n-A INPUT -j ACCEPT\nCOMMIT',
    saved: ['-A INPUT -j ACCEPT'],
    warnings: ['no line end behind the last line'],
    judged: false,
  },
  {
    id: 'line-of-blanks',
    text: '*filter\n   \n-A INPUT -j ACCEPT\nCOMMIT\n',
    saved: ['-A INPUT -j ACCEPT'],
    warnings: ['line of blanks'],
    judged: false,
  },
  {
    id: 'byte-order-mark',
    text: '\ufeff*filter\n-A INPUT -j ACCEPT\nCOMMIT\n',
    saved: ['-A INPUT -j ACCEPT'],
    warnings: ['the file begins with a byte order mark'],
    judged: false,
  },
];
