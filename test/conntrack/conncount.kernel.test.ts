import { describe, expect, test } from 'vitest';
import { R_SADDR } from '../../src/packet/registers.ts';
import { VERDICT_ACCEPT } from '../../src/packet/verdict.ts';
import { type Case, disagreements, isJudgeAvailable } from '../kernel/judge.ts';
import { hex, ip, tcp } from '../kernel/packets.ts';
import { Machine } from './harness.ts';

const [CLIENT, SERVER] = ['10.1.0.9', '10.2.0.9'];
/** Seconds: no two packets come in one jiffy, even on a busy machine. */
const PACE = 0.1;

describe('connlimit against the kernel', () => {
  test('drops what still comes of a key whose connections have all closed', async () => {
    const segments = [
      [CLIENT, 'S', 1, 0],
      [SERVER, 'SA', 1, 2],
      [CLIENT, 'A', 2, 2],
      [CLIENT, 'FA', 2, 2],
      [SERVER, 'FA', 2, 3],
      // TIME_WAIT, which is not counted: the client's list is emptied, and so is the server's when its FIN is repeated.
      [CLIENT, 'A', 3, 3],
      [SERVER, 'FA', 2, 3],
      [CLIENT, 'A', 3, 3],
      // The same ports anew, and the emptied list is one again.
      [CLIENT, 'S', 9001, 0],
      [SERVER, 'SA', 9001, 9002],
    ] as const;
    const packets = segments.map(([saddr, flags, seq, ack]) => {
      const fromClient = saddr === CLIENT;
      const ports = fromClient ? { sport: 1000, dport: 80 } : { sport: 80, dport: 1000 };
      const daddr = fromClient ? SERVER : CLIENT;
      return { fromClient, bytes: ip({ saddr, daddr }, tcp({ ...ports, flags, seq, ack })) };
    });

    const key = new Int32Array(2);
    let counted = 0;
    const machine: Machine = new Machine({
      rules: {
        filter: (p) => {
          key[0] = p.r[R_SADDR]!;
          counted = machine.conntrack.conncount(counter, key, 2, p);
          return VERDICT_ACCEPT;
        },
      },
    });
    const counter = machine.conntrack.makeConncount();
    const ours = packets.map(({ bytes }, i) => {
      machine.pass(bytes, { at: PACE * i });
      return counted;
    });
    expect(ours).toEqual([1, 1, 1, 1, 1, 0, 0, 0, 1, 1]);
    if (!isJudgeAvailable()) return;

    const one: Case = {
      id: 'connlimit-closed',
      host: {
        interfaces: [{ name: 'eth0' }, { name: 'eth1' }],
        addresses: ['10.1.0.1/24 dev eth0', '10.2.0.1/24 dev eth1'],
      },
      rules4: '*filter\n-A FORWARD -m connlimit --connlimit-upto 1000 --connlimit-mask 32\nCOMMIT\n',
      packets: packets.map(({ fromClient, bytes }, i) => ({
        iface: fromClient ? 'eth0' : 'eth1',
        dir: 'in',
        hex: hex(bytes),
        at: PACE * i,
      })),
      capture: true,
    };
    // A count of 0 is taken for a lack of memory there, and the packet dropped (connlimit_mt()).
    const differences = await disagreements([one], (_one, { output }) => {
      const forwarded = new Set(output!.map(([number]) => number));
      return ours.flatMap((count, i) =>
        forwarded.has(i) === count > 0 ? [] : [`packet ${i}: we count ${count}, the kernel differs`],
      );
    });
    expect(differences).toEqual([]);
  });
});
