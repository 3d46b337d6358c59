import { benchProgram } from '../base/programs.ts';
import type { GroupPlan } from './bench.ts';
import { processRow } from './start.ts';

const PROGRAMS = ['capture', 'conntrack', 'decode', 'stages', 'walk'] as const;

/** The programs of micro/, which print figures of their own: do they still run? */
export const micro: GroupPlan = {
  name: 'micro',
  isOnlySmoke: true,
  profiles: [],
  make: async () => {
    const rows = PROGRAMS.map((name) => {
      const file = benchProgram(`micro/${name}.js`);
      return processRow(name, `micro/${name}.js --smoke`, 0, [process.execPath, file, '--smoke']);
    });
    return { name: 'micro', title: 'Programs of their own, about parts of the program', rows, notes: [] };
  },
};
