import type { Family } from '../base/inet.ts';
import { strtoui } from '../extension/numbers.ts';
import { protocolNumber } from '../extension/protocols.ts';
import { servicePort } from '../extension/services.ts';
import {
  IPPROTO_ICMP,
  IPPROTO_ICMPV6,
  IPPROTO_SCTP,
  IPPROTO_TCP,
  IPPROTO_UDP,
  IPPROTO_UDPLITE,
} from '../packet/packet.ts';
import { SetFault, syntaxError } from './fault.ts';
import { icmpByName } from './icmp-names.ts';
import { parseNumber } from './number-text.ts';

/** First and last `protocol << 16 | port`. */
export type PortRange = readonly [number, number];

/** `[protocol:]port[-port]`, `icmp:type/code`, `icmp:name`, `gre:0`: ipset_parse_proto_port() of lib/parse.c. */
export function parsePort(text: string, family: Family): PortRange {
  const colon = text.indexOf(':');
  const name = colon < 0 ? 'tcp' : text.slice(0, colon);
  const rest = text.slice(colon + 1);
  const protocol = protocolNumber(name) ?? strtoui(name, 0, 255);
  if (protocol === undefined || protocol === 0) return syntaxError(`cannot parse '${name}' as a protocol`);
  switch (protocol) {
    case IPPROTO_TCP:
    case IPPROTO_UDP:
    case IPPROTO_SCTP:
    case IPPROTO_UDPLITE: {
      const dash = rest.indexOf('-');
      const from = onePort(dash < 0 ? rest : rest.slice(0, dash), name);
      const to = dash < 0 ? from : onePort(rest.slice(dash + 1), name);
      const base = protocol << 16;
      return from <= to ? [base | from, base | to] : [base | to, base | from];
    }
    case IPPROTO_ICMP:
    case IPPROTO_ICMPV6: {
      if ((protocol === IPPROTO_ICMP) !== (family === 4)) {
        throw new SetFault('Invalid add command: missing setname', {
          hint: `${name} cannot be in a set of family ${family === 4 ? 'inet' : 'inet6'}, which ipset says in these words.`,
        });
      }
      const code = oneIcmp(rest, protocol === IPPROTO_ICMP ? 'icmp' : 'icmpv6');
      return [(protocol << 16) | code, (protocol << 16) | code];
    }
    default:
      if (rest !== '0') syntaxError(`Protocol ${name} can be used with pseudo port value 0 only.`);
      return [protocol << 16, protocol << 16];
  }
}

function onePort(text: string, protocol: string): number {
  const port = strtoui(text, 0, 0xffff) ?? servicePort(text, protocol);
  if (port === undefined) {
    throw new SetFault(`cannot parse '${text}' as a ${protocol} port`, {
      hint: 'Names are those of /etc/services; a number from 0 to 65535 always works.',
    });
  }
  return port;
}

function oneIcmp(text: string, kind: 'icmp' | 'icmpv6'): number {
  const named = icmpByName(text, kind);
  if (named !== undefined) return named;
  const [type, code, ...more] = text.split('/');
  if (code === undefined || more.length > 0) {
    throw new SetFault(`Cannot parse ${text} as an ${kind === 'icmp' ? 'ICMP' : 'ICMPv6'} type/code.`);
  }
  return (parseNumber(type!, 0, 255) << 8) | parseNumber(code, 0, 255);
}
