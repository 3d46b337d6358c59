/**
 * Ways that split where matches must see each packet (netfilter/forks.ts), against the linear evaluator, which walks with each:
 * payload, limits, lists and draws in rules of all tables, over conversations long enough to know their ways.
 * SEED=n begins at seed n, COUNT=n takes so many.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Dice } from '../conntrack/tcp-conversations.ts';
import { type Bytes, ip, type Layer, tcp, udp } from '../kernel/packets.ts';
import { compare, compareSeeds, type Sent } from './recall-world.ts';

const FIRST = Number(process.env.SEED ?? 1);
const COUNT = Number(process.env.COUNT ?? 16);

/** Matches that must see each packet. */
function seeing(dice: Dice, family: 4 | 6, isFirst: boolean): string {
  const word = dice.pick(['alpha', 'beta', 'gamma', 'nothing']);
  const name = dice.pick(['a', 'b']);
  const choices = [
    `-m string --algo bm --string ${word}`,
    `-m string --algo kmp ! --string ${word} --from 20 --to 80`,
    // The header as it is here: its TTL, and what follows.
    `-m string --algo bm --hex-string "|${family === 4 ? dice.pick(['4006', '4011', '3f06', '3f11', '0906']) : dice.pick(['0640', '063f', '1140'])}|" --to 12`,
    family === 4
      ? `-m u32 --u32 "8>>24=${dice.pick([64, 63, 9, 8])}"`
      : `-m u32 --u32 "4&0xff=${dice.pick([64, 63])}"`,
    `-m limit --limit ${dice.pick([3, 50])}/s --limit-burst ${1 + dice.below(9)}`,
    `-m hashlimit --hashlimit-above ${dice.pick([2, 40])}/s --hashlimit-mode ${dice.pick(['srcip', 'dstip,dstport', 'srcip,srcport'])} --hashlimit-name h${dice.below(1e9)}`,
    `-m recent --name ${name} ${dice.pick(['--set', '--rcheck --seconds 1', '--update --hitcount 3', '--remove', '--rcheck --rttl'])}`,
    `-m statistic --mode nth --every ${2 + dice.below(4)} --packet 0`,
    `-m statistic --mode random --probability 0.4`,
    `-m quota --quota ${dice.below(20000)}`,
    `-m time --timestart 22:13:25 --timestop 22:14:00`,
    `-m connlimit --connlimit-above ${1 + dice.below(40)} --connlimit-mask ${dice.pick([0, 24, 32])} --connlimit-saddr`,
    `-m connbytes --connbytes ${dice.pick(['3', '0:1', '1:40'])} --connbytes-mode packets --connbytes-dir ${dice.pick(['both', 'original'])}`,
  ];
  // A list must have been set before it is asked: iptables-restore does not mind, and neither does the kernel.
  if (dice.chance(15)) return choices[2]!;
  return isFirst ? `-m recent --name ${name} --set` : dice.pick(choices);
}

function plain(dice: Dice, family: 4 | 6): string {
  const port = dice.pick([22, 80, 443]);
  return dice.pick([
    '',
    '-m conntrack --ctstate ESTABLISHED',
    '-m conntrack --ctstate NEW',
    `-p tcp -m tcp --dport ${port}`,
    `-p udp -m udp --sport ${port}`,
    family === 4 ? `-s 10.1.0.${8 << dice.below(4)}/29` : '-s 2001:db8:1::8/125',
    family === 4 ? '-d 10.2.0.96/27' : '-d 2001:db8:2::8/127',
    '-m mark --mark 0x1',
    '-m length --length 60:200',
  ]);
}

function target(dice: Dice, family: 4 | 6, table: string): string {
  const ttl = family === 4 ? '-j TTL --ttl' : '-j HL --hl';
  if (table === 'mangle')
    return dice.pick([
      '',
      '-j MARK --set-xmark 0x1/0xffffffff',
      '-j MARK --set-xmark 0x0/0xffffffff',
      '-j TOS --set-tos 0x10/0x3f',
      '-j SIDE',
      dice.chance(60) ? `${ttl}-set 64` : '-j RETURN',
      dice.chance(20) ? '-j CONNMARK --set-xmark 0x1/0xffffffff' : '',
    ]);
  return dice.pick([
    '',
    '',
    '-j ACCEPT',
    '-j DROP',
    '-j SIDE',
    '-g SIDE',
    '-j LOG',
    '-j RETURN',
    '-j REJECT',
  ]);
}

/** Where all datagrams are sent, in some of the runs. */
const TRANSLATED = { 4: '10.2.0.99', 6: '2001:db8:2::8' } as const;

function rules(dice: Dice, family: 4 | 6, translates: boolean): string {
  const lines: string[] = [];
  let isFirst = true;
  for (const [table, chains] of [
    ['mangle', ['PREROUTING', 'FORWARD', 'POSTROUTING']],
    ['filter', ['FORWARD', 'INPUT']],
  ] as const) {
    lines.push(`*${table}`, ...chains.map((chain) => `:${chain} ACCEPT [0:0]`), ':SIDE - [0:0]');
    for (const chain of [...chains, 'SIDE']) {
      for (let i = dice.below(table === 'filter' ? 6 : 3); i > 0; i--) {
        const asked = [plain(dice, family), ...(dice.chance(55) ? [seeing(dice, family, isFirst)] : [])];
        isFirst = false;
        let does = target(dice, family, table);
        if (chain === 'SIDE' && /SIDE|REJECT/.test(does)) does = '';
        lines.push(`-A ${chain} ${asked.join(' ')} ${does}`);
      }
    }
    lines.push('COMMIT');
  }
  if (translates) {
    lines.push('*nat', `-A PREROUTING -p udp -j DNAT --to-destination ${TRANSLATED[family]}`);
    if (dice.chance(30)) lines.push('-A POSTROUTING -p udp -j MASQUERADE');
    lines.push('COMMIT');
  }
  return `${lines.join('\n')}\n`;
}

/** So many conversations, all of them going on at once; sequence numbers stay in the window. */
function conversations(dice: Dice, count: number, translates: boolean): Sent[] {
  const out: Sent[] = [];
  const some = Array.from({ length: count }, (_, k) => ({
    client: k % 3 === 0 ? `2001:db8:1::${8 + (k % 5)}` : `10.1.0.${8 + ((3 * k) % 240)}`,
    server:
      k % 3 === 0
        ? `2001:db8:2::${8 + (k % 4)}`
        : dice.pick(['10.2.0.9', '10.2.0.99', '10.1.0.1', '10.4.0.1']),
    sport: 1000 + k,
    dport: dice.pick([22, 80, 443]),
    isTcp: dice.chance(60),
    sent: [1, 1],
    begun: 0,
  }));
  for (let i = 0; i < 2500; i++) {
    const one = dice.pick(some);
    const ttl = dice.chance(80) ? 64 : dice.pick([65, 10, 9, 2, 1]);
    const tos = dice.chance(90) ? 0 : 0x10;
    const side = one.begun === 1 || (one.begun > 2 && dice.chance(50)) ? 1 : 0;
    const answering = translates && !one.isTcp ? TRANSLATED[one.client.includes(':') ? 6 : 4] : one.server;
    const [saddr, daddr] = side === 0 ? [one.client, one.server] : [answering, one.client];
    const [sport, dport] = side === 0 ? [one.sport, one.dport] : [one.dport, one.sport];
    const text = Buffer.from(
      dice.chance(50)
        ? `${dice.pick(['alpha', 'beta', 'gamma', 'delta'])} ${'.'.repeat(dice.below(90))}`
        : '',
    );
    let body: Layer;
    if (one.isTcp) {
      const flags = ['S', 'SA', 'A'][one.begun] ?? (text.length === 0 ? 'A' : 'PA');
      const payload = one.begun < 3 ? Buffer.alloc(0) : text;
      body = tcp({
        sport,
        dport,
        flags,
        seq: one.sent[side]!,
        ack: one.sent[1 - side]!,
        window: 20000,
        payload,
      });
      one.sent[side]! += one.begun < 2 ? 1 : payload.length;
    } else body = udp({ sport, dport, payload: text });
    one.begun++;
    const bytes: Bytes = ip({ saddr, daddr, ttl, tos }, body);
    out.push({ bytes, side });
  }
  return out;
}

describe('what is not the same for packets that come one way', () => {
  const datagram = (saddr: string, daddr: string, sport: number, dport: number, ttl = 64): Bytes =>
    ip({ saddr, daddr, ttl }, udp({ sport, dport }));

  it('their TTL, which a target has set', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'iptables-replay-forks-'));
    const rules =
      '*mangle\n-A PREROUTING -j TTL --ttl-set 70\nCOMMIT\n*filter\n-A FORWARD -m u32 --u32 "8>>24=69"\nCOMMIT\n';
    const sent = [70, 70, 70, 64, 64, 64].map((ttl) => ({
      bytes: datagram('10.1.0.9', '10.2.0.9', 1000, 80, ttl),
      side: 0,
    }));
    await compare(folder, new Dice(1), 1, rules, '', sent).finally(() => rmSync(folder, { recursive: true }));
  });

  it('what their connections are translated to', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'iptables-replay-forks-'));
    const rules = [
      '*nat\n-A POSTROUTING -p udp -j MASQUERADE\nCOMMIT',
      '*filter',
      '-A FORWARD -i eth1 -m hashlimit --hashlimit-above 1/hour --hashlimit-burst 3 --hashlimit-mode dstip --hashlimit-name x',
      'COMMIT\n',
    ].join('\n');
    const sent = [9, 10].flatMap((host) => [
      { bytes: datagram(`10.1.0.${host}`, '10.2.0.9', 1000 + host, 80), side: 0 },
      ...Array.from({ length: 6 }, () => ({
        bytes: datagram('10.2.0.9', '10.2.0.1', 80, 1000 + host),
        side: 1,
      })),
    ]);
    await compare(folder, new Dice(1), 1, rules, '', sent).finally(() => rmSync(folder, { recursive: true }));
  });
});

describe.each([
  ['conversations', 24],
  ['first packets, mostly', 1200],
] as const)('%s', (_, count) => {
  it(`ask what walks ask, in their order (seeds ${FIRST} to ${FIRST + COUNT - 1})`, async () => {
    let packets = 0;
    const { walked } = await compareSeeds(FIRST, COUNT, (dice) => {
      const translates = dice.chance(30);
      const sent = conversations(dice, count, translates);
      packets += sent.length;
      return { rules: [rules(dice, 4, translates), rules(dice, 6, translates)], sent };
    });
    // Else nothing has been tested.
    expect(walked).toBeLessThan(packets / 2);
  }, 600_000);
});
