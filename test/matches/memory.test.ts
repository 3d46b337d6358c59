import { describe, expect, test } from 'vitest';
import type { StatisticState } from '../../src/matches/statistic.ts';
import type { ConntrackAccess } from '../../src/packet/conntrack-access.ts';
import { packet, ready } from './packets.ts';

const UDP = '-p udp -j ACCEPT';

/** How many of `count` packets at once match. */
function burst(rule: string, count: number): number {
  const [one] = ready([`${UDP} -m ${rule}`]);
  return Array.from({ length: count }, () => one!.matches(packet())).filter(Boolean).length;
}

describe('limit', () => {
  test('a full bucket at first', () => {
    expect(burst('limit', 20)).toBe(5);
    expect(burst('limit --limit 1/sec --limit-burst 7', 20)).toBe(7);
  });

  test('a token falls due at its jiffy, not before', () => {
    const [one] = ready([`${UDP} -m limit --limit 10/sec --limit-burst 1`]);
    const at = [0, 0.05, 0.0999, 0.1, 0.1, 0.1999, 0.2, 60, 60];
    const said = at.map((seconds) => one!.matches(packet({}, seconds)));
    expect(said).toEqual([true, false, false, true, false, false, true, true, false]);
  });

  test('credits that do not fill jiffies: 7/sec is every 36 of 250 jiffies', () => {
    const [one] = ready([`${UDP} -m limit --limit 7/sec --limit-burst 1`]);
    expect(one!.matches(packet({}, 0))).toBe(true);
    // 1/7 s is 35.7 jiffies of 4 ms.
    expect(one!.matches(packet({}, 35 * 0.004))).toBe(false);
    expect(one!.matches(packet({}, 36 * 0.004))).toBe(true);
  });

  test('time stamps that go back give nothing and take nothing', () => {
    const [one] = ready([`${UDP} -m limit --limit 10/sec --limit-burst 1`]);
    const said = [5, 4, 5.09, 5.1].map((seconds) => one!.matches(packet({}, seconds)));
    expect(said).toEqual([true, false, false, true]);
  });

  test('each rule has a bucket of its own', () => {
    const [one, other] = ready([
      `${UDP} -m limit --limit 1/min --limit-burst 1`,
      `${UDP} -m limit --limit 1/min --limit-burst 1`,
    ]);
    expect(one!.matches(packet())).toBe(true);
    expect(one!.matches(packet())).toBe(false);
    expect(other!.matches(packet())).toBe(true);
  });
});

describe('hashlimit', () => {
  test('a bucket for each address, masked', () => {
    const [one] = ready([
      `${UDP} -m hashlimit --hashlimit-upto 1/min --hashlimit-burst 1 --hashlimit-mode srcip --hashlimit-srcmask 31 --hashlimit-name h`,
    ]);
    const said = [8, 9, 10, 8].map((saddr) => one!.matches(packet({ saddr })));
    expect(said).toEqual([true, false, true, false]);
  });

  test('the first rule of a name sets the table for all', () => {
    const [, second] = ready([
      `${UDP} -m hashlimit --hashlimit-upto 1/min --hashlimit-burst 2 --hashlimit-name h`,
      `${UDP} -m hashlimit --hashlimit-upto 1/min --hashlimit-burst 9 --hashlimit-name h`,
    ]);
    const said = Array.from({ length: 4 }, () => second!.matches(packet()));
    expect(said).toEqual([true, true, false, false]);
  });

  test('an idle bucket is full again once the collector has come by', () => {
    const rule = `${UDP} -m hashlimit --hashlimit-upto 1/hour --hashlimit-burst 1 --hashlimit-mode srcip --hashlimit-name h --hashlimit-htable-expire 500`;
    const [one] = ready([rule]);
    // The collector runs each second from the first packet on; the bucket runs out half a second after its last packet.
    const said = [0, 0.9, 1.1, 1.9, 2.1, 5].map((seconds) => one!.matches(packet({}, seconds)));
    expect(said).toEqual([true, false, false, false, false, true]);
  });

  test('ports that cannot be seen drop the packet, protocols without ports have none', () => {
    const [one] = ready([
      '-m hashlimit --hashlimit-upto 1/min --hashlimit-burst 1 --hashlimit-mode dstport --hashlimit-name h',
    ]);
    const icmp = packet({ l4proto: 1, sport: -1, dport: -1 });
    expect(one!.matches(icmp)).toBe(true);
    const short = packet({ sport: -1, dport: -1 });
    expect(one!.matches(short)).toBe(false);
    expect(short.hotdrop).toBe(true);
  });
});

describe('recent', () => {
  test('a list is of one name over all rules, and in order of the last update', () => {
    const [set, check] = ready([`${UDP} -m recent --set --name a`, `${UDP} -m recent --rcheck --name a`]);
    for (let saddr = 1; saddr <= 100; saddr++) set!.matches(packet({ saddr }));
    set!.matches(packet({ saddr: 1 }));
    // The hundred and first address drives out the one that was updated longest ago.
    set!.matches(packet({ saddr: 101 }));
    expect(check!.matches(packet({ saddr: 1 }))).toBe(true);
    expect(check!.matches(packet({ saddr: 2 }))).toBe(false);
    expect(check!.matches(packet({ saddr: 3 }))).toBe(true);
  });

  test('hits within seconds', () => {
    const [set, check] = ready([
      `${UDP} -m recent --set`,
      `${UDP} -m recent --rcheck --seconds 10 --hitcount 3`,
    ]);
    const said = [0, 1, 2, 10.9, 11.1].map((seconds) => {
      set!.matches(packet({}, seconds));
      return check!.matches(packet({}, seconds));
    });
    expect(said).toEqual([false, false, true, true, true]);
    expect(check!.matches(packet({}, 21))).toBe(false);
  });

  test('stamps are a ring: of 32, or of the power of two that the largest number of hits needs', () => {
    const [set, check] = ready([
      `${UDP} -m recent --set`,
      `${UDP} -m recent --rcheck --seconds 5 --hitcount 5`,
    ]);
    for (let i = 0; i < 40; i++) set!.matches(packet({}, i));
    // Stamps of the seconds 36 to 39 are in the last five seconds before 40: four hits.
    expect(check!.matches(packet({}, 40.5))).toBe(false);
    expect(check!.matches(packet({}, 39.5))).toBe(true);
  });

  test('the TTL before forwarding, with --rttl', () => {
    const [set, check] = ready([`${UDP} -m recent --set`, `${UDP} -m recent --rcheck --rttl`]);
    set!.matches(packet({ ttl: 63, hook: 2 }));
    expect(check!.matches(packet({ ttl: 64, hook: 0 }))).toBe(true);
    expect(check!.matches(packet({ ttl: 63, hook: 0 }))).toBe(false);
  });

  test('! --update does not update what it does not match', () => {
    const [set, update] = ready([`${UDP} -m recent --set`, `${UDP} -m recent --update --seconds 5`]);
    set!.matches(packet({}, 0));
    expect([4, 8, 12, 18].map((seconds) => update!.matches(packet({}, seconds)))).toEqual([
      true,
      true,
      true,
      false,
    ]);
    expect(update!.matches(packet({}, 16.9))).toBe(true);
  });
});

describe('statistic', () => {
  const nth = (words: string) => {
    const [one] = ready([`${UDP} -m statistic --mode nth ${words}`]);
    return Array.from({ length: 8 }, () => (one!.matches(packet()) ? 1 : 0)).join('');
  };

  test('nth', () => {
    expect(nth('--every 4 --packet 0')).toBe('10001000');
    expect(nth('--every 4 --packet 3')).toBe('00010001');
    expect(nth('! --every 4 --packet 1')).toBe('10111011');
    expect(nth('--every 1 --packet 0')).toBe('11111111');
  });

  test('random draws by packet and rule, near its probability, and can be forced', () => {
    const [one, other] = ready(
      Array.from({ length: 2 }, () => `${UDP} -m statistic --mode random --probability 0.25`),
    );
    const draw = (rule = one!) =>
      Array.from({ length: 4000 }, (_, number) => rule.matches(Object.assign(packet(), { number })));
    const first = draw();
    expect(first).toEqual(draw());
    expect(first).not.toEqual(draw(other!));
    const hits = first.filter(Boolean).length;
    expect(hits).toBeGreaterThan(900);
    expect(hits).toBeLessThan(1100);
    const state = one!.state as StatisticState;
    state.force = 1;
    expect(draw()).not.toContain(false);
    state.force = 0;
    expect(draw()).not.toContain(true);
  });

  test('probability 0 and 1', () => {
    const said = (words: string) => burst(`statistic --mode random ${words}`, 50);
    expect(said('--probability 0')).toBe(0);
    expect(said('--probability 1')).toBe(50);
    expect(said('! --probability 1')).toBe(0);
  });
});

describe('connlimit', () => {
  test('counts by masked address and asks conntrack for the number', () => {
    const keys: number[][] = [];
    let connections = 3;
    const conntrack = {
      makeConncount: () => 7,
      conncount: (counter: number, key: Int32Array, words: number) => {
        expect(counter).toBe(7);
        keys.push([...key.slice(0, words)]);
        return connections;
      },
    } as unknown as ConntrackAccess;
    const [above, upto] = ready(
      [
        `${UDP} -m connlimit --connlimit-above 2 --connlimit-mask 24`,
        `${UDP} -m connlimit --connlimit-upto 2 --connlimit-daddr`,
      ],
      {},
      { conntrack },
    );
    expect(above!.matches(packet({ saddr: 0x0a000009 }))).toBe(true);
    expect(upto!.matches(packet({ daddr: 0x0a000009 }))).toBe(false);
    expect(keys).toEqual([
      [0x0a000000, 0],
      [0x0a000009, 0],
    ]);
    connections = 0;
    const p = packet();
    expect(above!.matches(p)).toBe(false);
    expect(p.hotdrop).toBe(true);
  });
});
