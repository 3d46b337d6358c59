import { defineMatch } from '../extension/define.ts';
import { defineSyntax } from '../extension/syntax.ts';
import { flag } from '../extension/values.ts';

const FLAGS = ['transparent', 'nowildcard', 'restore-skmark'] as const;
type SocketOptions = ReadonlySet<(typeof FLAGS)[number]>;

/**
 * `-m socket`: a socket of this host waits for the packet. A capture does not tell which sockets there are: there is
 * taken to be none, and nothing matches. Linux: net/netfilter/xt_socket.c, socket_match(), socket_mt_enable_defrag().
 */
export const socket = defineMatch<SocketOptions>({
  name: 'socket',
  families: [4, 6],
  hooks: ['PREROUTING', 'INPUT'],
  bringsDefrag: true,
  scope: 'connection',
  reads: [],
  syntax: defineSyntax({
    options: { '--transparent': flag(), '--nowildcard': flag(), '--restore-skmark': flag() },
    build: (v): SocketOptions => new Set(FLAGS.filter((name) => v[`--${name}`] !== undefined)),
    save: (o) => format(o),
    list: (o) => `socket${format(o)}`,
  }),
  prepare: (_, environment) => {
    environment.assume(
      'socket: a capture does not tell which sockets this host has; no packet is taken to have one waiting (-m socket never matches).',
    );
    return undefined;
  },
  evaluate: () => false,
  compile: (_, e) => {
    e.never();
    return true;
  },
});

function format(o: SocketOptions): string {
  return FLAGS.filter((name) => o.has(name))
    .map((name) => ` --${name}`)
    .join('');
}
