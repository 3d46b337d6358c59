import { defineMatch } from '../extension/define.ts';
import { defineSyntax } from '../extension/syntax.ts';
import type { Masked } from '../extension/values.ts';
import { R_REALM } from '../packet/registers.ts';
import { listNamed, namedMask, saveNamed } from './group.ts';

interface RealmOptions extends Masked {
  readonly inverted: boolean;
}

/** /etc/iproute2/rt_realms. */
const NAMES = { cosmos: 0 };

/** `-m realm` (IPv4): the realm of the packet's route. Linux: net/netfilter/xt_realm.c, realm_mt(). */
export const realm = defineMatch<RealmOptions>({
  name: 'realm',
  families: [4],
  hooks: ['INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING'],
  scope: 'connection',
  reads: ['realm'],
  syntax: defineSyntax({
    options: { '--realm': { ...namedMask(NAMES), mandatory: true } },
    build: (v): RealmOptions => ({ ...v['--realm']!.value, inverted: v['--realm']!.inverted }),
    save: (o) => `${o.inverted ? ' !' : ''} --realm ${saveNamed(o, NAMES)}`,
    list: (o) => `${o.inverted ? '! ' : ''}realm ${listNamed(o)}`,
  }),
  evaluate: (o, p) => ((p.r[R_REALM]! & o.mask) === o.value) !== o.inverted,
});
