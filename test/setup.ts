/** Property tests take the same inputs every time, so that a red run can be run again; FC_SEED=n takes others. */
import fc from 'fast-check';

fc.configureGlobal({ seed: Number(process.env.FC_SEED ?? 1) });
