import type { OptionCall } from '../extension/syntax.ts';
import { parsePort } from '../extension/values.ts';

/** `port[:port]` as the tcp and sctp matches read it; a side that is left out is 0 or 65535. */
export function parsePortPair(
  text: string,
  protocolName: string,
  call: OptionCall,
): readonly [number, number] {
  const colon = text.indexOf(':');
  if (colon < 0) {
    const only = parsePort(text, protocolName, call);
    return [only, only];
  }
  const low = colon === 0 ? 0 : parsePort(text.slice(0, colon), protocolName, call);
  const rest = text.slice(colon + 1);
  const high = rest === '' ? 0xffff : parsePort(rest, protocolName, call);
  if (low > high) call.fail('invalid portrange (min > max)');
  return [low, high];
}
