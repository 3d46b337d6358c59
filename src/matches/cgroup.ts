import { defineMatch } from '../extension/define.ts';
import { defineSyntax } from '../extension/syntax.ts';
import { quote, string, uint32 } from '../extension/values.ts';
import { HOOK_INPUT, HOOK_OUTPUT, R_HOOK, R_IIF } from '../packet/registers.ts';

interface CgroupOptions {
  readonly classId: number | undefined;
  readonly path: string | undefined;
  readonly classIdInverted: boolean;
  readonly pathInverted: boolean;
}

/** PATH_MAX - 1. */
const PATH_BYTES = 4095;

/**
 * `-m cgroup`: the control group of the socket a packet belongs to. A capture does not tell: packets that this host
 * made are taken to come from a socket of the root group and class 0; others have none, and do not match, inverted or
 * not. Linux: net/netfilter/xt_cgroup.c, cgroup_mt_v2(), cgroup_mt_check_v2().
 */
export const cgroup = defineMatch<CgroupOptions>({
  name: 'cgroup',
  families: [4, 6],
  hooks: ['INPUT', 'OUTPUT', 'POSTROUTING'],
  scope: 'connection',
  reads: ['hook', 'iif'],
  syntax: defineSyntax({
    options: {
      '--cgroup': uint32({ invertible: true }),
      '--path': string({ invertible: true, maxLength: PATH_BYTES }),
    },
    build: (v): CgroupOptions => ({
      classId: v['--cgroup']?.value,
      path: v['--path']?.value,
      classIdInverted: v['--cgroup']?.inverted ?? false,
      pathInverted: v['--path']?.inverted ?? false,
    }),
    save: (o) =>
      (o.path === undefined ? '' : `${o.pathInverted ? ' !' : ''} --path ${quote(o.path)}`) +
      (o.classId === undefined ? '' : `${o.classIdInverted ? ' !' : ''} --cgroup ${o.classId}`),
    list: (o) =>
      (o.path === undefined ? '' : `cgroup ${o.pathInverted ? '! ' : ''}${o.path}`) +
      (o.classId === undefined ? '' : `cgroup ${o.classIdInverted ? '! ' : ''}${o.classId}`),
    // Whether the group of a path exists is known on the machine only.
    kernelCheck: (o) => {
      if (o.path === undefined && o.classId === undefined) return 'xt_cgroup: no path or classid specified';
      if (o.path !== undefined && o.classId !== undefined)
        return 'xt_cgroup: both path and classid specified';
      return undefined;
    },
  }),
  prepare: (_, environment) => {
    environment.assume(
      'cgroup: a capture does not tell whose a packet is; packets that this host made are taken to come from a socket of the root group and class 0, others from none.',
    );
    return undefined;
  },
  evaluate: (o, p) => {
    const hook = p.r[R_HOOK]!;
    const isOwn = hook === HOOK_OUTPUT || (hook !== HOOK_INPUT && p.r[R_IIF] === 0);
    if (!isOwn) return false;
    if (o.path === undefined) return (o.classId === 0) !== o.classIdInverted;
    return /^\/*$/.test(o.path) !== o.pathInverted;
  },
});
