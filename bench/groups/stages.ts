import { stage } from '../replay/others.ts';
import type { Reference } from '../replay/row.ts';
import { NORMAL, type Profile } from '../scene/profiles.ts';
import type { GroupPlan } from './bench.ts';

const NO_RULES: Profile = { ...NORMAL, rules: { rules: 0, stateful: false } };

/** The pipeline up to each of its stages. */
export const stages: GroupPlan = {
  name: 'stages',
  profiles: [NORMAL],
  make: async (bench) => {
    const capture = bench.capture(NORMAL);
    const reference: Reference = { row: 'read', basis: 'after start' };
    const common = { reference, capture, workers: 0 };
    const steps = [
      stage('read', 'reading records'),
      stage('decode', '+ decoding headers'),
      stage('verify', '+ verifying checksums'),
    ];
    const rows = [
      ...bench.others(capture, steps, reference),
      bench.ours({
        ...common,
        name: 'tracking',
        label: '+ connection tracking, one rule',
        profile: NO_RULES,
      }),
      bench.ours({
        ...common,
        name: 'rules',
        label: '+ 1,000 rules, established rule in front',
        profile: NORMAL,
      }),
    ];
    const title = 'Stages, each with all before it, in one thread (x reading, without start)';
    return { name: 'stages', title, rows, notes: [] };
  },
};
