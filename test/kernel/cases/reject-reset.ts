/**
 * REJECT with a reset ends the connection that the refused packet belongs to (nf_ct_set_closing()): each case plays a
 * connection, has one packet of it refused (by its TOS), and shows by later packets what became of the entry. A SYN
 * begins a CLOSEd connection anew, and is ignored by an ESTABLISHED one; what follows in CLOSE lives for 10 s.
 */

import type { Case, CasePacket } from '../judge.ts';
import { filler, fragment4, icmpError, icmpv6Error, ip, ipv4, type Layer, tcp } from '../packets.ts';
import { addresses, arrives, type Family, leaves, onRouter, table } from './build.ts';
import { ROUTER } from './hosts.ts';

const REFUSED_TOS = 0x10;
const CLIENT_PORT = 40000;
const SERVER_PORT = 80;

const rules = (answer: string): string =>
  table(
    'mangle',
    ...['PREROUTING', 'OUTPUT'].flatMap((chain) => [
      `${chain} -m conntrack --ctexpire 0:10`,
      `${chain} -m conntrack --ctexpire 11:300`,
      `${chain} -m conntrack --ctexpire 301:432000`,
      `${chain} -m conntrack --ctstatus ASSURED`,
      `${chain} -m conntrack --ctstate NEW`,
      `${chain} -m conntrack --ctstate INVALID`,
    ]),
  ) +
  table(
    'filter',
    ...['INPUT', 'FORWARD', 'OUTPUT'].map(
      (chain) => `${chain} -p tcp -m tos --tos ${REFUSED_TOS} -j REJECT${answer}`,
    ),
  );

type Sends = (dir: 'forth' | 'back', layer: Layer, tos?: number) => readonly CasePacket[];

const segment = (dir: 'forth' | 'back', flags: string, seq: number, ack: number, more = {}): Layer => {
  const [sport, dport] = dir === 'forth' ? [CLIENT_PORT, SERVER_PORT] : [SERVER_PORT, CLIENT_PORT];
  return tcp({ sport, dport, flags, seq, ack, ...more });
};

const opening = (send: Sends): readonly CasePacket[] => [
  ...send('forth', segment('forth', 'S', 100, 0)),
  ...send('back', segment('back', 'SA', 500, 101)),
  ...send('forth', segment('forth', 'A', 101, 501)),
];

/** What a client tries next: to go on, and to begin anew. */
const after = (send: Sends): readonly CasePacket[] => [
  ...send('forth', segment('forth', 'A', 101, 501)),
  ...send('back', segment('back', 'A', 501, 101)),
  ...send('forth', segment('forth', 'S', 9000, 0)),
  ...send('back', segment('back', 'SA', 7000, 9001)),
];

const through =
  (family: Family, client = addresses(family).inside): Sends =>
  (dir, layer, tos = 0) => {
    const { far } = addresses(family);
    return dir === 'forth'
      ? [arrives('eth1', ip({ saddr: client, daddr: far, tos }, layer))]
      : [arrives('eth0', ip({ saddr: far, daddr: client, tos }, layer))];
  };

const own =
  (family: Family): Sends =>
  (dir, layer, tos = 0) => {
    const { self, far } = addresses(family);
    return dir === 'forth'
      ? [leaves('eth0', ip({ saddr: self, daddr: far, tos }, layer))]
      : [arrives('eth0', ip({ saddr: far, daddr: self, tos }, layer))];
  };

const loopback =
  (family: Family): Sends =>
  (_, layer, tos = 0) => {
    const { loopback: lo } = addresses(family);
    return [leaves('lo', ip({ saddr: lo, daddr: lo, tos }, layer))];
  };

const RESET = ' --reject-with tcp-reset';

export const rejectResetCases = (): Case[] => [
  ...([4, 6] as const).flatMap((family) => {
    const play = (id: string, answer: string, packets: readonly CasePacket[], host = ROUTER): Case => {
      const dump = rules(answer);
      return onRouter(`reject-reset/${id}/${family}`, family === 4 ? { v4: dump } : { v6: dump }, packets, {
        host,
        conntrack: true,
      });
    };
    const data = (dir: 'forth' | 'back', more = {}): Layer => {
      const [seq, ack] = dir === 'forth' ? [101, 501] : [501, 101];
      return segment(dir, 'PA', seq, ack, { payload: filler(5), ...more });
    };
    const refuse = (send: Sends, layer: Layer, dir: 'forth' | 'back' = 'forth'): readonly CasePacket[] => [
      ...opening(send),
      ...send(dir, layer, REFUSED_TOS),
      ...after(send),
    ];
    const way = through(family);
    const { far, self } = addresses(family);
    const noWay = family === 4 ? '192.168.77.7' : '2001:db8:77::7';
    return [
      play('forwarded', RESET, refuse(way, data('forth'))),
      play('answer-refused', RESET, refuse(way, data('back'), 'back')),
      play('own', RESET, refuse(own(family), data('forth'))),
      play('received', RESET, refuse(own(family), data('back'), 'back')),
      // What OUTPUT lets pass and INPUT refuses has been confirmed in between.
      play('loopback-syn', RESET, [
        ...loopback(family)('forth', segment('forth', 'S', 100, 0), REFUSED_TOS),
        ...opening(loopback(family)).slice(1),
        ...after(loopback(family)),
      ]),
      play('loopback-syn-ack', RESET, [
        ...loopback(family)('forth', segment('forth', 'S', 100, 0)),
        ...loopback(family)('back', segment('back', 'SA', 500, 101), REFUSED_TOS),
        ...opening(loopback(family)).slice(2),
        ...after(loopback(family)),
      ]),
      // Only a reset closes.
      play('by-error', '', refuse(way, data('forth'))),
      // No reset for a reset: one that is not exact keeps the connection.
      play('reset-refused', RESET, refuse(way, segment('forth', 'R', 120, 0))),
      // OUTPUT does not verify the checksum, but REJECT does.
      play('bad-checksum', RESET, refuse(own(family), data('forth', { checksum: 'bad' }))),
      // Refused again when it is closed already.
      play('twice', RESET, [
        ...opening(way),
        ...way('forth', data('forth'), REFUSED_TOS),
        ...way('forth', data('forth'), REFUSED_TOS),
        ...after(way),
      ]),
      // A reset without a way back is not sent.
      play('no-way-back', RESET, refuse(through(family, noWay), data('forth')), {
        ...ROUTER,
        routes: [...(ROUTER.routes ?? []), `unreachable ${noWay}`],
      }),
      // What another program sends in the same second is not REJECT's reset: of an unknown connection, so INVALID.
      play('and-another', RESET, [
        arrives('eth0', ip({ saddr: far, daddr: self, tos: REFUSED_TOS }, segment('forth', 'S', 100, 0))),
        leaves('eth0', ip({ saddr: self, daddr: far }, segment('back', 'RA', 0, 101))),
        leaves('eth0', ip({ saddr: self, daddr: far }, segment('back', 'RA', 5, 101, { window: 0 }))),
      ]),
      // Nor is an error that quotes another packet of the same addresses and ports the one by which REJECT answered.
      play('and-another-error', '', [
        arrives('eth0', ip({ saddr: far, daddr: self, tos: REFUSED_TOS }, segment('forth', 'S', 100, 0))),
        leaves(
          'eth0',
          ip(
            { saddr: self, daddr: far },
            (family === 4 ? icmpError : icmpv6Error)(
              family === 4 ? { type: 3, code: 3 } : { type: 1, code: 4 },
              ip({ saddr: far, daddr: self, ttl: 60 }, segment('forth', 'S', 100, 0)),
            ),
          ),
        ),
      ]),
      // None is sent to or from a group; nothing answers there, so the entry is one that waits.
      play('to-a-group', RESET, [
        ...[0, REFUSED_TOS, 0].map((tos) =>
          arrives(
            'eth0',
            ip(
              { saddr: far, daddr: family === 4 ? '192.0.2.255' : 'ff02::1', tos },
              segment('forth', 'S', 100, 0),
            ),
          ),
        ),
        arrives('eth0', ip({ saddr: far, daddr: self }, segment('forth', 'S', 100, 0))),
      ]),
    ];
  }),
  // The whole packet is refused, and answered.
  onRouter(
    'reject-reset/fragments/4',
    { v4: rules(RESET) },
    [
      ...opening(through(4)),
      ...fragment4(
        ipv4(
          { saddr: addresses(4).inside, daddr: addresses(4).far, tos: REFUSED_TOS, id: 7 },
          segment('forth', 'PA', 101, 501, { payload: filler(60) }),
        ),
        24,
      ).map((bytes) => arrives('eth1', bytes)),
      ...after(through(4)),
    ],
    { conntrack: true },
  ),
];
