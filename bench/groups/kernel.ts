import { BACKENDS, type Backend, KernelRows } from '../kernel/kernel-rows.ts';
import type { Reference, Row } from '../replay/row.ts';
import { NORMAL, type Profile } from '../scene/profiles.ts';
import { type GroupPlan, workersText } from './bench.ts';

export const KERNEL_RULE_COUNTS = [10, 1000, 10_000] as const;

/** The real kernel forwards the same packets through the same rules. */
export const kernel: GroupPlan = {
  name: 'kernel',
  profiles: [NORMAL],
  make: async (bench) => {
    const { scene, options } = bench;
    const title =
      'The real kernel, fed through a TUN, forwarding (ACL, connection tracking; x the kernel, legacy, whole processes)';
    const judge = await KernelRows.open(scene, options.kernelSeconds);
    if (typeof judge === 'string') return { name: 'kernel', title, rows: [], notes: [judge] };
    const capture = bench.capture(NORMAL);
    const rows: Row[] = [];
    const add = (count: number, stateful: boolean, backends: readonly Backend[]): void => {
      const profile: Profile = { ...NORMAL, rules: { rules: count, stateful } };
      const rules = `${count.toLocaleString('en')} rules${stateful ? ', established rule' : ''}`;
      const key = `${count}${stateful ? '-established' : ''}`;
      const reference: Reference = { row: `legacy-${key}`, basis: 'whole' };
      for (const backend of backends) {
        const name = `${backend}-${key}`;
        rows.push(judge.row({ name, label: `kernel, ${backend}, ${rules}`, reference, backend, profile }));
      }
      for (const workers of options.workers.slice(-2)) {
        const name = `${key}-workers-${workers}`;
        const label = `iptables-replay, ${rules}, ${workersText(workers)}`;
        rows.push(bench.ours({ name, label, reference, capture, profile, workers }));
      }
    };
    for (const count of bench.ruleCounts(KERNEL_RULE_COUNTS)) add(count, false, BACKENDS);
    add(1000, true, BACKENDS);
    const notes = [
      `the kernel takes as many of the packets as it can in ${options.kernelSeconds} s; its counters are compared with those of a replay of the same packets`,
    ];
    return { name: 'kernel', title, rows, notes };
  },
};
