/** Messages of H.323 as aligned PER writes them, for the packets of cases. A character a byte. */

import type { Family } from './cases/build.ts';

/** A place that a message names. */
export interface Place {
  readonly family: Family;
  readonly address: string;
  readonly port: number;
}

/** Writes bits. */
class Per {
  readonly bytes: number[] = [];
  #free = 0;

  put(value: number, count = 1): this {
    for (let i = count - 1; i >= 0; i--) {
      if (this.#free === 0) {
        this.bytes.push(0);
        this.#free = 8;
      }
      this.bytes[this.bytes.length - 1]! |= ((value >> i) & 1) << --this.#free;
    }
    return this;
  }

  octets(...bytes: number[]): this {
    this.#free = 0;
    this.bytes.push(...bytes);
    return this;
  }

  word(value: number): this {
    return this.octets(value >> 8, value & 255);
  }

  /** A length, and what is so long. */
  open(content: Per): this {
    const { length } = content.bytes;
    return (length < 128 ? this.octets(length) : this.word(0x8000 | length)).octets(...content.bytes);
  }

  /** The additions of a sequence; undefined: not there. */
  additions(...all: (Per | undefined)[]): this {
    this.put(all.length - 1, 7);
    for (const one of all) this.put(one === undefined ? 0 : 1);
    for (const one of all) if (one !== undefined) this.open(one);
    return this;
  }
}

function addressBytes({ family, address }: Place): number[] {
  if (family === 4) return address.split('.').map(Number);
  const [head = '', tail = ''] = address.split('::');
  const words = (part: string) =>
    part === '' ? [] : part.split(':').map((word) => Number.parseInt(word, 16));
  const front = words(head);
  const back = words(tail);
  const middle = Array<number>(8 - front.length - back.length).fill(0);
  return [...front, ...middle, ...back].flatMap((word) => [word >> 8, word & 255]);
}

/** TransportAddress of H.225.0. */
function signal(per: Per, place: Place): Per {
  per.put(0).put(place.family === 4 ? 0 : 3, 3);
  if (place.family === 6) per.put(0);
  return per.octets(...addressBytes(place)).word(place.port);
}

/** TransportAddress of H.245. */
function media(per: Per, place: Place): Per {
  per
    .put(0, 2)
    .put(0)
    .put(place.family === 4 ? 0 : 2, 3)
    .put(0);
  return per.octets(...addressBytes(place)).word(place.port);
}

const protocolIdentifier = (per: Per) => per.octets(6, 0, 8, 0x91, 0x4a, 0, 4);

/** EndpointType: a terminal, of a vendor that is named. */
function endpointType(per: Per): Per {
  per.put(0).put(0b010001, 6);
  vendorIdentifier(per);
  return per.put(0, 2).put(0, 2);
}

function vendorIdentifier(per: Per): Per {
  per.put(0).put(0b10, 2).put(0).octets(0xb5, 0, 0x12, 0x34);
  return per.octets(3, ...Buffer.from('opal'));
}

/** Sequence of one alias: dialled digits. */
function aliases(per: Per): Per {
  per.octets(1).put(0).put(0);
  return per.put(4 - 1, 7).octets(0x45, 0x67);
}

export interface ChannelParts {
  readonly media?: Place;
  readonly control?: Place;
  /** The same for the way back. */
  readonly reverseMedia?: Place;
  /** Data (T.120), on a connection of its own to there. */
  readonly separateStack?: Place;
  readonly video?: boolean;
}

/** H2250LogicalChannelParameters. */
function h2250(rtp: Place | undefined, rtcp: Place | undefined): Per {
  const per = new Per().put(0);
  per
    .put(0, 2)
    .put(rtp ? 1 : 0)
    .put(0)
    .put(rtcp ? 1 : 0)
    .put(0, 5)
    .octets(1);
  if (rtp) media(per, rtp);
  if (rtcp) media(per, rtcp);
  return per;
}

function dataType(per: Per, { separateStack, video }: ChannelParts): void {
  if (separateStack) {
    // data: t120, over separateLANStack; and a bit rate.
    per.put(0).put(4, 3).put(0).put(0).put(1, 4).put(1).put(3, 7).open(new Per().octets(0));
    per.put(0, 2).octets(0);
  } else if (video) {
    // videoData: H.261 at one size.
    per.put(0).put(2, 3).put(0).put(1, 3).put(0).put(0b10, 2).put(0, 2).put(0).word(1000).put(0);
  } else {
    // audioData: G.711.
    per.put(0).put(3, 3).put(0).put(3, 4).octets(19);
  }
}

function openLogicalChannel(per: Per, parts: ChannelParts): Per {
  const { separateStack, reverseMedia } = parts;
  per
    .put(separateStack ? 1 : 0)
    .put(reverseMedia ? 1 : 0)
    .word(101)
    .put(0, 2);
  dataType(per, parts);
  per.put(1).put(0, 7).open(h2250(parts.media, parts.control));
  if (reverseMedia) {
    per.put(0).put(1);
    dataType(per, parts);
    per.put(1).put(0, 7).open(h2250(reverseMedia, undefined));
  }
  return separateStack ? per.additions(networkAccess(separateStack)) : per;
}

/** NetworkAccessParameters. */
function networkAccess(place: Place): Per {
  return media(new Per().put(0).put(0, 2).put(0).put(2, 2), place).put(0);
}

/** MultimediaSystemControlMessage: openLogicalChannel. */
export function opening(parts: ChannelParts): Per {
  return openLogicalChannel(new Per().put(0).put(0, 2).put(0).put(3, 4), parts);
}

/** The same: openLogicalChannelAck. */
export function openingAck(parts: ChannelParts): Per {
  const { separateStack, reverseMedia } = parts;
  const per = new Per().put(0).put(1, 2).put(0).put(5, 5);
  per
    .put(1)
    .put(reverseMedia ? 1 : 0)
    .word(101);
  if (reverseMedia) per.put(0).put(0b01, 2).word(102).put(1).put(0, 7).open(h2250(reverseMedia, undefined));
  const ack = new Per().put(0).put(0).put(0).put(1);
  ack
    .put(parts.media ? 1 : 0)
    .put(parts.control ? 1 : 0)
    .put(0)
    .put(1, 8);
  if (parts.media) media(ack, parts.media);
  if (parts.control) media(ack, parts.control);
  return per.additions(separateStack && networkAccess(separateStack), ack);
}

/** Something that is of no interest: terminalCapabilitySet. */
export function capabilities(): Per {
  return new Per().put(0).put(0, 2).put(0).put(2, 4).put(0, 4).octets(1, 2, 3, 4);
}

export interface CallParts {
  readonly h245?: Place;
  readonly callee?: Place;
  readonly caller?: Place;
  readonly fastStart?: readonly ChannelParts[];
  /** Additions behind the others, none of them there. */
  readonly later?: number;
  /** Messages of H.245 inside. */
  readonly tunnelled?: readonly Per[];
}

function fastStartOf(channels: readonly ChannelParts[] | undefined): Per | undefined {
  if (channels === undefined) return undefined;
  const per = new Per().octets(channels.length);
  for (const channel of channels) per.open(openLogicalChannel(new Per(), channel));
  return per;
}

function absent({ later = 0 }: CallParts): undefined[] {
  return Array<undefined>(later).fill(undefined);
}

/** Q.931: a message type, some other element, and H323-UserInformation with the body that `write` adds. */
function q931(type: number, { tunnelled }: CallParts, write: (per: Per) => void): string {
  const per = new Per().put(0, 2);
  per.put(tunnelled ? 1 : 0).put(0);
  write(per);
  if (tunnelled) {
    const inside = new Per().octets(tunnelled.length);
    for (const message of tunnelled) inside.open(message);
    per.additions(undefined, new Per().put(1), inside);
  }
  const { length } = per.bytes;
  const head = [0x08, 2, 0, 1, type, 0x04, 3, 0x88, 0x93, 0xa5];
  return String.fromCharCode(...head, 0x7e, (length + 1) >> 8, (length + 1) & 255, 5, ...per.bytes);
}

export function setup(parts: CallParts): string {
  const { h245, callee, caller } = parts;
  return q931(5, parts, (per) => {
    const fast = fastStartOf(parts.fastStart);
    per.put(0).put(0, 3);
    per.put(fast || caller ? 1 : 0);
    per
      .put(h245 ? 1 : 0)
      .put(1)
      .put(1);
    per.put(callee ? 1 : 0).put(0, 3);
    protocolIdentifier(per);
    if (h245) signal(per, h245);
    aliases(per);
    endpointType(per);
    aliases(per);
    if (callee) signal(per, callee);
    per.put(0).octets(...Array<number>(16).fill(7));
    per.put(0).put(0, 2).put(0).put(0, 2);
    const identifier = new Per().put(0).octets(...Array<number>(16).fill(9));
    if (fast || caller) {
      const named = caller && signal(new Per(), caller);
      per.additions(
        named,
        undefined,
        identifier,
        undefined,
        undefined,
        undefined,
        fast,
        new Per().put(0),
        ...absent(parts),
      );
    }
  });
}

/** CallProceeding, Connect and Alerting. */
export function answer(kind: 'callProceeding' | 'connect' | 'alerting', parts: CallParts): string {
  const [index, type] = { callProceeding: [1, 2], connect: [2, 7], alerting: [3, 1] }[kind] as [
    number,
    number,
  ];
  return q931(type, parts, (per) => {
    const fast = fastStartOf(parts.fastStart);
    per
      .put(0)
      .put(index, 3)
      .put(fast ? 1 : 0)
      .put(parts.h245 ? 1 : 0);
    protocolIdentifier(per);
    if (kind === 'connect') {
      if (parts.h245) signal(per, parts.h245);
      endpointType(per);
      per.octets(...Array<number>(16).fill(7));
    } else {
      endpointType(per);
      if (parts.h245) signal(per, parts.h245);
    }
    if (fast) per.additions(undefined, undefined, undefined, undefined, fast, ...absent(parts));
  });
}

export function progress(parts: CallParts): string {
  return q931(3, parts, (per) => {
    const fast = fastStartOf(parts.fastStart);
    const body = new Per().put(0);
    body
      .put(parts.h245 ? 1 : 0)
      .put(0)
      .put(1)
      .put(0)
      .put(fast ? 1 : 0);
    protocolIdentifier(body);
    endpointType(body);
    if (parts.h245) signal(body, parts.h245);
    body.put(0).octets(...Array<number>(16).fill(9));
    // A ClearToken with a time stamp, a password and a random number.
    body.octets(1).put(0).put(0b11001000, 8).octets(2, 42, 3).put(3, 2).octets(1, 2, 3, 4);
    body.put(1, 7).octets(0, 65, 0, 66).octets(2, 1, 1);
    if (fast) body.octets(...fast.bytes);
    per.put(1).put(0, 7).open(body);
  });
}

/** Facility, for the reason with that index; it forwards the call to `forwarded`. */
export function facility(reason: number, parts: CallParts & { readonly forwarded?: Place }): string {
  const { forwarded, h245 } = parts;
  return q931(0x62, parts, (per) => {
    const fast = fastStartOf(parts.fastStart);
    per
      .put(0)
      .put(6, 3)
      .put(h245 || fast ? 1 : 0)
      .put(forwarded ? 1 : 0)
      .put(0, 2);
    protocolIdentifier(per);
    if (forwarded) signal(per, forwarded);
    per.put(0).put(reason, 2);
    if (!h245 && !fast) return;
    const named = h245 && signal(new Per(), h245);
    per.additions(undefined, undefined, undefined, undefined, undefined, undefined, named, fast);
  });
}

/** A TPKT header before it. */
export function framed(message: string | Per): string {
  const text = typeof message === 'string' ? message : String.fromCharCode(...message.bytes);
  const length = text.length + 4;
  return String.fromCharCode(3, 0, length >> 8, length & 255) + text;
}

// --- RAS ----------------------------------------------------------------------------------------------------------

function places(per: Per, all: readonly Place[]): void {
  per.octets(all.length);
  for (const place of all) signal(per, place);
}

function message(index: number): Per {
  return new Per().put(0).put(index, 5);
}

function text(per: Per): string {
  return String.fromCharCode(...per.bytes);
}

const identifier = (per: Per) => per.put(2 - 1, 7).octets(0, 71, 0, 75);

export function gatekeeperRequest(ras: Place): string {
  const per = message(0).put(0).put(0, 4).word(1);
  return text(endpointType(signal(protocolIdentifier(per), ras)));
}

export function gatekeeperConfirm(ras: Place): string {
  const per = protocolIdentifier(message(1).put(0).put(0b01, 2).word(1));
  return text(signal(identifier(per), ras));
}

export function registrationRequest(
  calls: readonly Place[],
  ras: readonly Place[],
  seconds?: number,
): string {
  const per = protocolIdentifier(
    message(3)
      .put(seconds === undefined ? 0 : 1)
      .put(0b010, 3)
      .word(2),
  ).put(1);
  places(per, calls);
  places(per, ras);
  vendorIdentifier(aliases(endpointType(per)));
  return text(lifetime(per, seconds));
}

export function registrationConfirm(calls: readonly Place[], seconds?: number): string {
  const per = protocolIdentifier(
    message(4)
      .put(seconds === undefined ? 0 : 1)
      .put(0, 3)
      .word(2),
  );
  places(per, calls);
  return text(lifetime(identifier(per), seconds));
}

/** `timeToLive`; the token behind it keeps it from being the last, which the kernel does not like. */
function lifetime(per: Per, seconds: number | undefined): Per {
  if (seconds === undefined) return per;
  const value = seconds - 1;
  return per.additions(
    undefined,
    new Per().put(1, 2).octets(value >> 8, value & 255),
    new Per().octets(0, 0, 0),
  );
}

export function unregistrationRequest(calls: readonly Place[]): string {
  const per = message(6).put(0).put(0, 3).word(3);
  places(per, calls);
  return text(per);
}

export function admissionRequest(parts: { readonly callee?: Place; readonly caller?: Place }): string {
  const { callee, caller } = parts;
  const per = message(9).put(0);
  per
    .put(0, 2)
    .put(callee ? 1 : 0)
    .put(0)
    .put(caller ? 1 : 0)
    .put(0, 2);
  identifier(per.word(4).put(0).put(0, 2));
  if (callee) signal(per, callee);
  aliases(per);
  if (caller) signal(per, caller);
  return text(per.put(1, 2).octets(4, 0).word(1));
}

export function admissionConfirm(callee: Place): string {
  const per = message(10).put(0).put(0, 2).word(4).put(1, 2).octets(4, 0).put(0).put(0);
  return text(signal(per, callee).octets(0, 0));
}

export function locationRequest(reply: Place): string {
  const per = aliases(message(18).put(0).put(0, 2).word(5));
  return text(signal(per, reply).octets(0, 0));
}

export function locationConfirm(callee: Place, ras: Place): string {
  return text(signal(signal(message(19).put(0).put(0).word(5), callee), ras));
}

export function infoRequestResponse(ras: Place, calls: readonly Place[]): string {
  const per = identifier(endpointType(message(22).put(0).put(0, 3).word(6)));
  places(signal(per, ras), calls);
  return text(per);
}
