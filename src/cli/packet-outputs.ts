import { assert } from '../base/assert.ts';
import type { Batch } from '../batch/batch.ts';
import { packetContext } from '../report/packet-context.ts';
import { type VerdictsWriter, verdictsWriter } from '../report/verdicts.ts';
import { VerdictPcap } from '../report/write-pcap.ts';
import type { ReplayStart } from '../workers/config.ts';
import type { Outputs } from './outputs.ts';

/** Everything that is written packet by packet while the replay runs. */
export class PacketOutputs {
  private readonly outputs: Outputs;
  private verdicts: VerdictsWriter | undefined;
  private pcaps: VerdictPcap[] = [];
  private begun = false;

  constructor(outputs: Outputs) {
    this.outputs = outputs;
  }

  begin(start: ReplayStart): void {
    const { verdicts, pcaps } = this.outputs;
    const context = packetContext(start);
    this.begun = true;
    if (verdicts !== undefined) this.verdicts = verdictsWriter(verdicts.format, verdicts.output, context);
    this.pcaps = pcaps.map(({ outcomes, output }) => new VerdictPcap(outcomes, output, context));
  }

  write(batch: Batch): void {
    assert(this.begun, 'a batch came before the replay said that it starts');
    this.verdicts?.write(batch);
    for (const pcap of this.pcaps) pcap.write(batch);
  }

  finish(): void {
    this.verdicts?.finish();
  }
}
