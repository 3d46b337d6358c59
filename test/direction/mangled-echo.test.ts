import { describe, expect, it } from 'vitest';
import { MangledEchoes } from '../../src/direction/mangled-echo.ts';
import { sipIdentity } from '../../src/direction/sip-identity.ts';
import { rawBatch } from '../conntrack/harness.ts';
import { unregistrationRequest } from '../kernel/h323-messages.ts';
import { type Bytes, ip, ipv4, tcp, text, udp } from '../kernel/packets.ts';

const INSIDE = { saddr: '10.0.0.9', daddr: '198.51.100.7' };
const OUTSIDE = { saddr: '192.0.2.1', daddr: '198.51.100.7' };

function segment(
  addresses: typeof INSIDE,
  seq: number,
  payload: string,
  more: { ack?: number; id?: number } = {},
): Bytes {
  const { ack = 500, id = 7 } = more;
  const layer = tcp({ sport: 40000, dport: 21, flags: 'PA', seq, ack, payload: text(payload) });
  return ipv4({ ...addresses, id }, layer);
}

/** Is the second packet taken for the echo of the first? */
function isEcho(first: Bytes, second: Bytes, forgets = false): boolean {
  const batch = rawBatch([{ bytes: first }, { bytes: second, at: 0.001 }]);
  const echoes = new MangledEchoes();
  echoes.add(batch, 0, 10, 0);
  if (forgets) echoes.forget(10);
  const found = echoes.match(batch, 1, 11);
  if (found) expect(echoes.matchedNumber).toBe(10);
  return found;
}

describe('rewritten echoes', () => {
  const sent = segment(INSIDE, 1000, 'PORT 10,0,0,9,195,80\r\n');

  it('are told by what a helper leaves alone', () => {
    expect(isEcho(sent, segment(OUTSIDE, 1000, 'PORT 192,0,2,1,195,80\r\n'))).toBe(true);
    // Later packets, whose numbers are shifted.
    expect(isEcho(sent, segment(OUTSIDE, 1300, 'PORT 10,0,0,9,195,80\r\n', { ack: 480 }))).toBe(true);
  });

  it('are nobody else’s', () => {
    // Nothing was translated.
    expect(isEcho(sent, segment(INSIDE, 1002, 'PORT 10,0,0,9,195,80\r\n'))).toBe(false);
    expect(isEcho(sent, segment(OUTSIDE, 1000, 'PORT 192,0,2,1,195,80\r\n', { id: 8 }))).toBe(false);
    // Another connection, whose numbers are far away.
    expect(isEcho(sent, segment(OUTSIDE, 1000 + (1 << 25), 'x'))).toBe(false);
    expect(isEcho(sent, segment(OUTSIDE, 1000, 'x', { ack: 500 + (1 << 25) }))).toBe(false);
    // Its echo has been seen already.
    expect(isEcho(sent, segment(OUTSIDE, 1000, 'PORT 192,0,2,1,195,80\r\n'), true)).toBe(false);
  });

  it('are told of RAS by even fewer, since an address may come soon', () => {
    const leaves = (addresses: typeof INSIDE, address: string) => {
      const call = { family: 4 as const, address, port: 1720 };
      const payload = Uint8Array.from(unregistrationRequest([call]), (character) => character.charCodeAt(0));
      const layer = udp({ sport: 1719, dport: 1719, payload });
      return ip(addresses, layer);
    };
    expect(isEcho(leaves(INSIDE, INSIDE.saddr), leaves(OUTSIDE, OUTSIDE.saddr))).toBe(true);
  });

  it('are told over UDP by their first bytes', () => {
    const datagram = (addresses: typeof INSIDE, payload: string) =>
      ip(addresses, udp({ sport: 5000, dport: 10080, payload: text(payload) }));
    expect(isEcho(datagram(INSIDE, 'Amanda 2.4 DATA 50001'), datagram(OUTSIDE, 'Amanda 2.4 DATA 5'))).toBe(
      true,
    );
    expect(isEcho(datagram(INSIDE, 'Amanda 2.4 DATA 50001'), datagram(OUTSIDE, 'Brenda 2.4 DATA 5'))).toBe(
      false,
    );
  });
});

describe('what names a SIP message', () => {
  const message = (
    of: { line?: string; via?: string; callId?: string; cseq?: string; forwards?: string } = {},
  ) => {
    const { line = 'INVITE sip:b@10.0.0.9:5060 SIP/2.0', via = 'Via: SIP/2.0/UDP 10.0.0.9:5060' } = of;
    const { callId = 'Call-ID: 1@x', cseq = 'CSeq: 1 INVITE', forwards = 'Max-Forwards: 70' } = of;
    return text([line, via, callId, cseq, forwards, '', 'v=0'].join('\r\n'));
  };
  const name = (of: Parameters<typeof message>[0] = {}) => {
    const bytes = message(of);
    return sipIdentity(bytes, 0, bytes.length);
  };

  it('is the same whatever addresses it has', () => {
    const translated = {
      line: 'INVITE sip:b@192.0.2.1:5060 SIP/2.0',
      via: 'Via: SIP/2.0/UDP 192.0.2.1:5060',
    };
    expect(name(translated)).toBe(name());
    expect(name()).not.toBe(0);
  });

  it('is another for another message, and for one that a proxy has passed on', () => {
    const others = [
      { line: 'BYE sip:b@10.0.0.9:5060 SIP/2.0' },
      { line: 'SIP/2.0 200 OK' },
      { callId: 'i: 2@x' },
      { cseq: 'CSeq: 2 INVITE' },
      { forwards: 'Max-Forwards: 69' },
      { via: 'Via: SIP/2.0/UDP 10.0.0.1\r\nVia: SIP/2.0/UDP 10.0.0.9:5060' },
    ];
    expect(new Set([name(), ...others.map(name)]).size).toBe(others.length + 1);
  });

  it('is none for what is no SIP', () => {
    const words = text('GET / HTTP/1.1\r\nHost: here\r\n\r\n');
    expect(sipIdentity(words, 0, words.length)).toBe(0);
    expect(sipIdentity(words, 0, 4)).toBe(0);
  });
});
