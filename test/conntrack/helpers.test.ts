/** Helpers, where no kernel at hand can be asked: assigned by port, seeded connections, and captures that are cut short. */

import { describe, expect, it } from 'vitest';
import { Conntrack } from '../../src/conntrack/conntrack.ts';
import { NAT_MAP_IPS, NAT_PROTO_SPECIFIED } from '../../src/packet/conntrack-access.ts';
import { CT_NEW, CT_RELATED, HOOK_PREROUTING, R_CT_TEMPLATE } from '../../src/packet/registers.ts';
import { VERDICT_ACCEPT } from '../../src/packet/verdict.ts';
import { plain, TcpTalk } from '../kernel/cases/talk.ts';
import { type Bytes, ip, tcp, unhex } from '../kernel/packets.ts';
import { listing, Machine, stubHost } from './harness.ts';

const ENDS = plain(4);
const PORT_COMMAND = 'PORT 10,0,0,9,195,80\r\n';

/** A control connection that announces port 50000 of the client. */
function control(dport = 21): Bytes[] {
  const talk = new TcpTalk(ENDS, dport).open().says('USER me\r\n').says(PORT_COMMAND);
  return talk.packets.map(({ hex }) => unhex(hex));
}

const data = ip(
  { saddr: ENDS.server, daddr: ENDS.client },
  tcp({ sport: 20, dport: 50000, flags: 'S', seq: 1 }),
);

describe('nf_conntrack_helper = 1', () => {
  const host = stubHost({ sysctls: { 'net.netfilter.nf_conntrack_helper': 1 } });

  it('gives a helper by the port of the server', () => {
    const machine = new Machine({ host });
    for (const packet of control()) machine.pass(packet);
    expect(listing(machine)[0]).toContain('helper=ftp');
    expect(machine.pass(data).ctinfo).toBe(CT_RELATED);
  });

  it('gives none by another port, and by default none at all', () => {
    for (const [machine, port] of [
      [new Machine({ host }), 2121],
      [new Machine(), 21],
    ] as const) {
      for (const packet of control(port)) machine.pass(packet);
      expect(machine.pass(data).ctinfo).toBe(CT_NEW);
    }
  });

  it('looks again when the server turns out to be at another port', () => {
    const range = {
      flags: NAT_MAP_IPS | NAT_PROTO_SPECIFIED,
      minAddr: Int32Array.of((198 << 24) | (51 << 16) | (100 << 8) | 7, 0, 0, 0),
      maxAddr: Int32Array.of((198 << 24) | (51 << 16) | (100 << 8) | 7, 0, 0, 0),
      minPort: 21,
      maxPort: 21,
      basePort: 0,
    };
    const machine: Machine = new Machine({
      host,
      rules: {
        nat: (p, hook) =>
          hook === HOOK_PREROUTING ? machine.conntrack.natSetup(p, 1, range) : VERDICT_ACCEPT,
      },
    });
    machine.pass(control(2121)[0]!);
    expect(listing(machine)[0]).toContain('helper=ftp');
  });

  it('leaves the helper that a rule names', () => {
    const machine: Machine = new Machine({
      host,
      rules: {
        raw: (p) => {
          p.r[R_CT_TEMPLATE] = template;
        },
      },
    });
    const template = machine.conntrack.makeTemplate({
      zoneOriginal: 0,
      zoneReply: 0,
      zoneFromMark: false,
      helper: 'irc',
      timeoutPolicy: undefined,
    });
    machine.pass(control()[0]!);
    expect(listing(machine)[0]).toContain('helper=irc');
  });
});

it('takes the first packet of a seeded FTP connection for the beginning of a line', () => {
  const machine = new Machine();
  machine.conntrack.seed(
    'ipv4 2 tcp 6 431999 ESTABLISHED src=10.0.0.9 dst=198.51.100.7 sport=40000 dport=21 src=198.51.100.7 dst=10.0.0.9 sport=21 dport=40000 [ASSURED] mark=5 helper=ftp use=1',
    0,
  );
  machine.pass(unhex(new TcpTalk(ENDS, 21).says(PORT_COMMAND, { quiet: true }).packets[0]!.hex));
  expect(machine.pass(data).ctinfo).toBe(CT_RELATED);
  expect(listing(machine).filter((line) => line.includes('mark=5'))).toHaveLength(2);
});

it('says that what the snap length has cut off was not read', () => {
  const said: string[] = [];
  const host = stubHost({ sysctls: { 'net.netfilter.nf_conntrack_helper': 1 } });
  const machine = new Machine({ host });
  // The harness makes its own conntrack; this one is told where to say so.
  Object.defineProperty(machine, 'conntrack', {
    value: new Conntrack({ host, seed: 1, assume: (sentence) => said.push(sentence) }),
  });
  const packets = control();
  for (const packet of packets.slice(0, -2)) machine.pass(packet);
  machine.pass(packets.at(-2)!, { captured: 54 });
  expect(machine.pass(data).ctinfo).toBe(CT_NEW);
  expect(said.some((sentence) => sentence.includes('snap length'))).toBe(true);
});
