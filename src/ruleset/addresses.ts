import { type Family, maskIpv4, maskIpv6, parseIpv4, parseIpv6 } from '../base/inet.ts';
import { strtoui } from '../extension/numbers.ts';
import type { RuleCall } from '../extension/syntax.ts';
import { numericIpv4, OFFLINE_HINT, resolveAddress } from '../extension/values.ts';

/**
 * The argument of -s and -d: addresses, masks and lists of them, read as libxtables/xtables.c does
 * (xtables_ipparse_multiple(), xtables_ip6parse_multiple()).
 */
export interface ParsedAddress {
  /** Masked. A plain array: it takes a third of the memory of a typed one, and rules are many. */
  readonly address: readonly number[];
  readonly mask: Int32Array;
}

/** All addresses of a comma-separated list. */
export function parseAddressList(
  text: string,
  family: Family,
  call: Pick<RuleCall, 'fail'>,
): ParsedAddress[] {
  if (!text.includes(',')) return [parseOne(text.replace(/^[ \t]+/, ''), family, call)];
  return text.split(',').map((part) => parseOne(part.replace(/^[ \t]+/, ''), family, call));
}

function parseOne(text: string, family: Family, call: Pick<RuleCall, 'fail'>): ParsedAddress {
  const slash = text.lastIndexOf('/');
  const hostText = slash < 0 ? text : text.slice(0, slash);
  const mask = slash < 0 ? fullMask(family) : parseMask(text.slice(slash + 1), family, call);
  // With a zero mask the host's name is not even looked at.
  const isAny = (mask[0]! | mask[1]! | mask[2]! | mask[3]!) === 0;
  const words = isAny ? NO_ADDRESS : family === 4 ? parseHost4(hostText) : resolveAddress(hostText, 6);
  if (words === undefined) {
    const other = family === 4 ? parseIpv6(hostText) !== undefined : parseIpv4(hostText) !== undefined;
    call.fail(
      `host/network \`${hostText}' not found`,
      other ? `This is an IPv${10 - family} address in an IPv${family} ruleset.` : OFFLINE_HINT,
    );
  }
  const address = [words[0]! & mask[0]!, words[1]! & mask[1]!, words[2]! & mask[2]!, words[3]! & mask[3]!];
  return { address, mask };
}

const NO_ADDRESS: readonly number[] = [0, 0, 0, 0];

/** Masks by family and prefix length. They are shared by all rules: nobody writes to them. */
const masks: Readonly<Record<Family, Int32Array[]>> = { 4: [], 6: [] };

function prefixMaskOf(bits: number, family: Family): Int32Array {
  masks[family][bits] ??= family === 4 ? Int32Array.of(maskIpv4(bits), 0, 0, 0) : maskIpv6(bits);
  return masks[family][bits];
}

function fullMask(family: Family): Int32Array {
  return prefixMaskOf(family === 4 ? 32 : 128, family);
}

/** A number, or what the resolver takes without a server. */
function parseHost4(text: string): ArrayLike<number> | undefined {
  const word = numericIpv4(text);
  return word === undefined ? resolveAddress(text, 4) : [word, 0, 0, 0];
}

function parseMask(text: string, family: Family, call: Pick<RuleCall, 'fail'>): Int32Array {
  const bits = strtoui(text, 0, family === 4 ? 32 : 128);
  if (bits !== undefined) return prefixMaskOf(bits, family);
  const dotted = family === 4 ? /^\d{1,3}(\.\d{1,3}){3}$/.test(text) && parseHost4(text) : parseIpv6(text);
  if (!dotted) {
    call.fail(
      `invalid mask \`${text}' specified`,
      `A mask is a number from 0 to ${family === 4 ? 32 : 128}, or an address.`,
    );
  }
  return Int32Array.from(dotted);
}
