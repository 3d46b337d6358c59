/**
 * Traffic that begins connections all the time, for kernels and loops to agree on: conversations that open, speak and close
 * as they should, beside broken ones, scans, floods and single datagrams, between few hosts.
 */
import { converse, type Dice } from '../conntrack/tcp-conversations.ts';
import {
  type Bytes,
  concat,
  filler,
  icmp,
  icmpv6,
  ip,
  type Layer,
  tcp,
  tcpOption,
  udp,
} from '../kernel/packets.ts';

export interface Sent {
  readonly fromClient: boolean;
  readonly bytes: Bytes;
}

/** The address of a client as servers see it, and of a server as clients do. */
export interface Views {
  ofClient(client: string): string;
  ofServer(server: string): string;
}

const CLIENTS = ['10.1.0.9', '10.1.0.10', '10.1.0.77'];
const SERVERS = ['10.2.0.9', '10.2.0.10', '10.2.0.99'];
const CLIENTS6 = ['2001:db8:1::9', '2001:db8:1::a'];
const SERVERS6 = ['2001:db8:2::9', '2001:db8:2:0:7::a'];
const PORTS = [22, 80, 443, 1024];

/** Several conversations at a time, `count` packets at least; `scans`: so many in a hundred that are scans. */
export function shortConversations(dice: Dice, count: number, scans: number, views: Views): Sent[] {
  const mixed: Sent[] = [];
  const running: Sent[][] = [];
  const atOnce = dice.pick([1, 4, 40]);
  while (mixed.length < count || running.length > 0) {
    while (running.length < atOnce && mixed.length < count)
      running.push(one(dice, dice.chance(scans), views));
    const next = dice.below(running.length);
    const packet = running[next]!.shift();
    if (packet === undefined) running.splice(next, 1);
    else mixed.push(packet);
  }
  return mixed;
}

function one(dice: Dice, isScan: boolean, views: Views): Sent[] {
  const isIpv4 = dice.chance(65);
  const strange = isIpv4 && dice.chance(2);
  const client = strange ? dice.pick(['127.0.0.9', '0.0.0.9']) : dice.pick(isIpv4 ? CLIENTS : CLIENTS6);
  const server = isIpv4 && dice.chance(1) ? '224.0.0.9' : dice.pick(isIpv4 ? SERVERS : SERVERS6);
  const clientThere = views.ofClient(client);
  const serverHere = dice.chance(60) ? views.ofServer(server) : server;
  const clientPort = 1000 + dice.below(dice.pick([8, 3000]));
  const serverPort = dice.pick(PORTS);
  const what = isScan ? 100 : dice.below(90);
  if (what < 15 && clientThere === client && serverHere === server)
    return converse(dice, { client, server, clientPort, serverPort }, 3 + dice.below(30));
  const out: Sent[] = [];
  const send = (fromClient: boolean, layer: Layer): void => {
    const [saddr, daddr] = fromClient ? [client, serverHere] : [server, clientThere];
    out.push({ fromClient, bytes: ip({ saddr, daddr, ...(dice.chance(2) ? { ttl: 1 } : {}) }, layer) });
  };
  const datagram = (fromClient: boolean): void =>
    send(
      fromClient,
      udp({
        sport: fromClient ? clientPort : serverPort,
        dport: fromClient ? serverPort : clientPort,
        payload: filler(dice.pick([0, 20, 400])),
      }),
    );
  const echo = (isAnswer: boolean, id: number): void =>
    send(
      !isAnswer,
      isIpv4 ? icmp({ type: isAnswer ? 0 : 8, id }) : icmpv6({ type: isAnswer ? 129 : 128, id }),
    );
  if (what < 60) polite(dice, clientPort, serverPort, send);
  else if (what < 80) {
    for (let i = dice.below(5); i >= 0; i--) datagram(dice.chance(60));
  } else if (what < 90) {
    for (let i = dice.below(4); i >= 0; i--) echo(dice.chance(30), dice.below(2000));
  } else {
    // A scan: nothing answers, or a reset does.
    for (let i = dice.below(20); i >= 0; i--) {
      const sport = 1000 + dice.below(60000);
      send(
        true,
        tcp({ sport, dport: serverPort, flags: 'S', seq: dice.word(), options: tcpOption.mss(1460) }),
      );
      if (dice.chance(30)) send(false, tcp({ sport: serverPort, dport: sport, flags: 'RA', seq: 0, ack: 1 }));
    }
  }
  return out;
}

/** A TCP connection as stacks make it, that may be cut off or repeat itself anywhere. */
function polite(
  dice: Dice,
  clientPort: number,
  serverPort: number,
  send: (fromClient: boolean, layer: Layer) => void,
): void {
  const next = [dice.word(), dice.word()];
  const window = dice.pick([0, 1000, 29200, 65535]);
  const options = (): Bytes => {
    const parts = [tcpOption.mss(1460)];
    if (dice.chance(60)) parts.push(tcpOption.sackPermitted());
    if (dice.chance(60)) parts.push(tcpOption.windowScale(dice.pick([0, 7, 14, 15])));
    if (dice.chance(10)) parts.push(tcpOption.nop(), Uint8Array.of(dice.pick([2, 3, 4, 8]), dice.below(5)));
    // A window scale of which the header has no third byte.
    if (dice.chance(5)) return Uint8Array.of(1, 1, 3, 3);
    return dice.chance(10) ? new Uint8Array() : concat(...parts);
  };
  const segment = (from: 0 | 1, flags: string, payload = 0, late = 0): void => {
    const repeats = dice.chance(5) ? 2 : 1;
    const layer = tcp({
      sport: from === 0 ? clientPort : serverPort,
      dport: from === 0 ? serverPort : clientPort,
      flags,
      seq: (next[from]! - (from === 0 ? late : 0)) >>> 0,
      ack: flags.includes('A') ? (next[1 - from]! - (from === 1 ? late : 0)) >>> 0 : 0,
      window: dice.chance(3) ? 0 : window,
      options: flags.includes('S') ? options() : new Uint8Array(),
      payload: filler(payload),
    });
    if (!dice.chance(3)) for (let i = 0; i < repeats; i++) send(from === 0, layer);
    if (late === 0) next[from]! += payload + (/[SF]/.test(flags) ? 1 : 0);
  };
  segment(0, dice.pick(['S', 'S', 'SEC']), dice.chance(10) ? 10 : 0);
  if (dice.chance(15)) return;
  segment(1, dice.pick(['SA', 'SA', 'SAE']));
  if (dice.chance(10)) return;
  segment(0, 'A');
  for (let i = dice.below(5); i > 0; i--) {
    const from = dice.below(2) as 0 | 1;
    segment(from, dice.pick(['PA', 'A']), dice.pick([0, 10, 1000]));
    if (dice.chance(70)) segment(from === 0 ? 1 : 0, 'A');
  }
  if (dice.chance(8)) {
    // A SYN from long ago, and a reset that acknowledges it.
    segment(0, 'S', 0, 50);
    segment(1, 'RA', 0, 49);
  }
  const closer = dice.below(2) as 0 | 1;
  const other = closer === 0 ? 1 : 0;
  const closing = dice.below(10);
  if (closing < 2) segment(closer, dice.pick(['R', 'RA']));
  if (closing < 3) return;
  segment(closer, 'FA');
  if (dice.chance(60)) segment(other, 'A');
  if (dice.chance(20)) segment(other, 'PA', 100);
  if (dice.chance(20)) segment(other, 'RA');
  segment(other, 'FA');
  if (dice.chance(10)) {
    // A SYN that comes too early, and the challenge that answers it.
    segment(0, 'S', 0, 50);
    segment(1, 'A');
  }
  segment(closer, 'A');
  if (dice.chance(15)) segment(closer, 'RA');
  if (dice.chance(20)) segment(0, 'S');
}
