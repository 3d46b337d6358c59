import type { Emitter } from '../extension/emitter.ts';
import { uintPrefix } from '../extension/numbers.ts';
import type { OptionCall } from '../extension/syntax.ts';
import type { Packet } from '../packet/packet.ts';
import { R_ICMP_CODE, R_ICMP_TYPE } from '../packet/registers.ts';

/** Types and codes of ICMP and ICMPv6 as `--icmp-type` and `--icmpv6-type` take them (extensions/libxt_icmp.h). */
export interface IcmpType {
  readonly type: number;
  readonly codeLow: number;
  readonly codeHigh: number;
}

/** Name, type, lowest and highest code. */
export type IcmpName = readonly [name: string, type: number, codeLow: number, codeHigh: number];

/** A name (or the beginning of one), or `type[/code]` in numbers. `what` is 'ICMP' or 'ICMPv6' in messages. */
export function parseIcmpType(
  text: string,
  names: readonly IcmpName[],
  what: string,
  call: OptionCall,
): IcmpType {
  const lower = text.toLowerCase();
  const candidates = names.filter(([name]) => name.toLowerCase().startsWith(lower));
  // A whole name that another one begins with is ambiguous too: iptables compares as far as the text goes.
  const [first, second] = candidates;
  if (first !== undefined && second !== undefined) {
    call.fail(`Ambiguous ${what} type \`${text}': \`${first[0]}' or \`${second[0]}'?`);
  }
  if (first !== undefined) return { type: first[1], codeLow: first[2], codeHigh: first[3] };
  const type =
    uintPrefix(text, 0, 255) ??
    call.fail(
      `Unknown ${what} type \`${text}'`,
      'Known are names, as in iptables -p icmp -h, and the numbers 0 to 255.',
    );
  if (type.end === text.length) return { type: type.value, codeLow: 0, codeHigh: 0xff };
  if (text[type.end] !== '/') call.fail(`unknown character ${text[type.end]}`);
  const code = uintPrefix(text.slice(type.end + 1), 0, 255) ?? call.fail(`Unknown ${what} code \`${text}'`);
  const end = type.end + 1 + code.end;
  if (end !== text.length) call.fail(`unknown character ${text[end]}`);
  return { type: type.value, codeLow: code.value, codeHigh: code.value };
}

/** ` 3/1`, ` 8`: as it is saved. */
export function saveIcmpType(o: IcmpType): string {
  return o.codeLow === 0 && o.codeHigh === 0xff ? `${o.type}` : `${o.type}/${o.codeLow}`;
}

/** `type 8`, `!type 3 code 1`, as `iptables -L -n` prints it. */
export function listIcmpType(o: IcmpType, inverted: boolean): string {
  const not = inverted ? '!' : '';
  if (o.codeLow === o.codeHigh) return `${not}type ${o.type} code ${o.codeLow}`;
  if (o.codeLow !== 0 || o.codeHigh !== 0xff) return `${not}type ${o.type} codes ${o.codeLow}-${o.codeHigh}`;
  return `${not}type ${o.type}`;
}

/** icmp_type_code_match() of net/netfilter/xt_tcpudp.c, without the type that stands for all. */
export function icmpTypeMatches(o: IcmpType, p: Packet): boolean {
  const code = p.r[R_ICMP_CODE]!;
  return p.r[R_ICMP_TYPE] === o.type && code >= o.codeLow && code <= o.codeHigh;
}

/** The same for the index of a chain; it goes with the condition that the packet has a type at all. */
export function emitIcmpType(e: Emitter, o: IcmpType, inverted: boolean): void {
  const body = (b: Emitter) => {
    b.range(R_ICMP_TYPE, o.type, o.type);
    if (o.codeLow > 0 || o.codeHigh < 0xff) b.range(R_ICMP_CODE, o.codeLow, o.codeHigh);
  };
  if (inverted) e.not(body);
  else body(e);
}
