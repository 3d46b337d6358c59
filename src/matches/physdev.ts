import { defineMatch } from '../extension/define.ts';
import { defineSyntax } from '../extension/syntax.ts';
import { custom, flag } from '../extension/values.ts';
import type { Host } from '../host/types.ts';
import { R_PHYS_IN, R_PHYS_OUT } from '../packet/registers.ts';
import {
  formatInterfacePattern,
  type InterfacePattern,
  interfaceMatches,
  parseInterfacePattern,
} from './interface-name.ts';

interface PortTest extends InterfacePattern {
  readonly inverted: boolean;
}

/** A yes-or-no test: what it must be, or undefined when not asked. */
type Flag = boolean | undefined;

interface PhysdevOptions {
  readonly isIn: Flag;
  readonly in: PortTest | undefined;
  readonly isOut: Flag;
  readonly out: PortTest | undefined;
  readonly isBridged: Flag;
}

const invertible = { invertible: true } as const;

/** `-m physdev`: the bridge ports a packet uses. Linux: net/netfilter/xt_physdev.c, physdev_mt(). */
export const physdev = defineMatch<PhysdevOptions, Host>({
  name: 'physdev',
  families: [4, 6],
  scope: 'connection',
  reads: ['physIn', 'physOut'],
  syntax: defineSyntax({
    options: {
      '--physdev-in': custom(parseInterfacePattern, invertible),
      '--physdev-out': custom(parseInterfacePattern, invertible),
      '--physdev-is-in': flag(invertible),
      '--physdev-is-out': flag(invertible),
      '--physdev-is-bridged': flag(invertible),
    },
    finalCheck: (v, rule) => {
      if (Object.keys(v).length === 0) rule.fail('PHYSDEV: no physdev option specified');
    },
    build: (v): PhysdevOptions => ({
      isIn: yes(v['--physdev-is-in']),
      in: v['--physdev-in'] && { ...v['--physdev-in'].value, inverted: v['--physdev-in'].inverted },
      isOut: yes(v['--physdev-is-out']),
      out: v['--physdev-out'] && { ...v['--physdev-out'].value, inverted: v['--physdev-out'].inverted },
      isBridged: yes(v['--physdev-is-bridged']),
    }),
    save,
    list: (o) => `PHYSDEV match${save(o)}`,
    kernelCheck: (o, rule) =>
      (o.out !== undefined || o.isOut !== undefined) && o.isBridged !== true && rule.hooks.includes('OUTPUT')
        ? 'xt_physdev: --physdev-out and --physdev-is-out only supported in the FORWARD and POSTROUTING chains with bridged traffic'
        : undefined,
  }),
  prepare: (_, environment) => environment.host,
  evaluate: (o, p, host) => {
    const portIn = p.r[R_PHYS_IN]!;
    const portOut = p.r[R_PHYS_OUT]!;
    if (portIn === 0 && portOut === 0) {
      // No bridge is involved: only what is inverted holds.
      return (
        o.isBridged !== true &&
        o.isIn !== true &&
        o.isOut !== true &&
        o.in?.inverted !== false &&
        o.out?.inverted !== false
      );
    }
    // A packet that leaves by a port is bridged; whether it came by one is not asked.
    if (o.isBridged !== undefined && o.isBridged !== (portOut !== 0)) return false;
    if (o.isIn !== undefined && o.isIn !== (portIn !== 0)) return false;
    if (o.isOut !== undefined && o.isOut !== (portOut !== 0)) return false;
    if (o.in !== undefined && portIn !== 0) {
      if (interfaceMatches(o.in, host.interfaces[portIn]!.name) === o.in.inverted) return false;
    }
    if (o.out === undefined) return true;
    if (portOut === 0) return false;
    return interfaceMatches(o.out, host.interfaces[portOut]!.name) !== o.out.inverted;
  },
});

function yes(given: { inverted: boolean } | undefined): Flag {
  return given === undefined ? undefined : !given.inverted;
}

function save(o: PhysdevOptions): string {
  const isText = (name: string, is: Flag) => (is === undefined ? '' : `${is ? '' : ' !'} ${name}`);
  const portText = (name: string, port: PortTest | undefined) =>
    port === undefined ? '' : `${port.inverted ? ' !' : ''} ${name} ${formatInterfacePattern(port)}`;
  return (
    isText('--physdev-is-in', o.isIn) +
    portText('--physdev-in', o.in) +
    isText('--physdev-is-out', o.isOut) +
    portText('--physdev-out', o.out) +
    isText('--physdev-is-bridged', o.isBridged)
  );
}
