/** Which packets take known ways, which walk, and why. */
import { describe, expect, test } from 'vitest';
import { obstacleRows } from '../../src/report/profile-rows.ts';
import type { ReplayOutput } from '../../src/workers/config.ts';
import { ip, tcp, udp } from '../kernel/packets.ts';
import { addFile, from, reasonsOf, run, times } from './small-host.ts';

function obstacleTexts(output: ReplayOutput): string[] {
  return obstacleRows(output, output.profile!).map(({ packets, reason, extension, why, rule }) => {
    const what = extension === undefined ? why : `${extension} ${why}`;
    return `${packets ?? 'all'} ${reason} ${what}: ${rule === undefined ? 'all rules' : `${rule.chain} ${rule.number}`}`;
  });
}

describe('the path cache', () => {
  const syn = ip({ saddr: '10.1.0.9', daddr: '10.1.0.1' }, tcp({ sport: 5, dport: 80, flags: 'S', seq: 1 }));
  const STATE = '-A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT';

  test('connections: the first walks, a like one is recalled, the rest go the quick way', async () => {
    const packets = [from('10.1.0.9', 1, 53), ...times(5, from('10.1.0.9', 1, 53)), from('10.1.0.9', 2, 53)];
    const output = await run([':INPUT ACCEPT [0:0]', STATE, '-A INPUT -p udp -j ACCEPT'], packets);
    // 1: begins; 2: the first that finds a confirmed connection; 3-6: quick; 7: as 1.
    expect(output.profile!.replay!.paths).toEqual({ packets: 7, quick: 4, known: 0, recalled: 1, walked: 2 });
    expect(reasonsOf(output)).toEqual({ begins: 1, 'not-known': 1 });
  });

  test('a rule that must see each packet has them walk', async () => {
    const output = await run(
      [':INPUT ACCEPT [0:0]', '-A INPUT -p udp -m limit --limit 1/s -j ACCEPT'],
      [...times(5, from('10.1.0.9', 1, 53)), ...times(3, syn)],
    );
    expect(reasonsOf(output)).toEqual({ rule: 5, 'not-known': 1 });
    expect(output.profile!.replay!.paths.known).toBe(2);
    expect(obstacleTexts(output)).toEqual(['5 rule limit depends on the packets before: INPUT 1']);
  });

  test('matches and targets that must see each packet, and why', async () => {
    addFile('ipset.save', 'create seen hash:ip\n');
    const rules = [
      '-A INPUT -p udp --dport 1 -m limit --limit 1/s',
      '-A INPUT -p udp --dport 53 -m statistic --mode random --probability 0.5',
      '-A INPUT -p udp --dport 53 -m time --timestart 01:00 -m u32 --u32 0x0&0xff=0x1',
      '-A INPUT -p udp --dport 53 -j SET --add-set seen src',
      '-A INPUT -p udp --dport 53 -j LOG',
    ];
    const output = await run([':INPUT ACCEPT [0:0]', ...rules], times(3, from('10.1.0.9', 1, 53)));
    // Nothing came to the first; LOG looks at nothing.
    expect(obstacleTexts(output)).toEqual([
      '3 rule statistic draws for each packet: INPUT 2',
      '3 rule time looks at the time of day: INPUT 3',
      '3 rule u32 looks at payload, length: INPUT 3',
      '3 rule SET depends on the packets before: INPUT 4',
    ]);
  });

  test('more kinds of packets than a signature has room for', async () => {
    const lengths = Array.from({ length: 2000 }, (_, i) => `-A INPUT -m length --length ${100 + 2 * i}`);
    const offsets = [
      '-A INPUT -m ttl --ttl-gt 3',
      '-A INPUT -m tos --tos 0x08',
      '-A INPUT -m pkttype --pkt-type host',
    ];
    const output = await run(
      [':INPUT ACCEPT [0:0]', ...lengths, ...offsets],
      times(2, from('10.1.0.9', 1, 53)),
    );
    expect(reasonsOf(output)).toEqual({ 'too-many-classes': 2 });
    expect(obstacleTexts(output)).toEqual([
      'all too-many-classes rules tell apart: length (4001 kinds), tos (257 kinds), ttl (257 kinds), pktType (9 kinds): all rules',
    ]);
  });

  test('a mark that changes on the way', async () => {
    const long = ip(
      { saddr: '10.1.0.9', daddr: '10.1.0.1' },
      udp({ sport: 1, dport: 53, payload: new Uint8Array(500) }),
    );
    const rules = [
      STATE.replace(' -j ACCEPT', ''),
      '-A INPUT -m length --length 500: -j CONNMARK --set-mark 2',
    ];
    const output = await run(
      [':INPUT ACCEPT [0:0]', ...rules],
      [...times(3, from('10.1.0.9', 1, 53)), long, long],
    );
    // The second short one finds the connection confirmed; so does the second long one, with the mark.
    expect(reasonsOf(output)).toEqual({ begins: 1, marked: 1, 'not-known': 2 });
  });

  test('raw that decides what is tracked, and rejections', async () => {
    const raw = ['*raw', '-A PREROUTING -p udp -j CT --notrack', 'COMMIT', '*filter', STATE];
    const first = await run(['COMMIT', ...raw], times(3, from('10.1.0.9', 1, 53)));
    expect(reasonsOf(first)).toEqual({ 'raw-first': 3 });
    expect(obstacleTexts(first)).toEqual([
      'all raw-first raw says what is tracked, so that it runs before the connection is known: PREROUTING 1',
    ]);
    const second = await run(['-A INPUT -j REJECT'], times(3, from('10.1.0.9', 1, 53)));
    expect(reasonsOf(second)).toEqual({ rejected: 3 });
  });
});
