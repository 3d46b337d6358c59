/**
 * What a target says. Values are ours; the kernel's are in include/uapi/linux/netfilter.h (NF_*) and
 * include/uapi/linux/netfilter/x_tables.h (XT_CONTINUE, XT_RETURN).
 */
/** The target has done its work; the next rule of the chain follows (XT_CONTINUE). */
export const VERDICT_CONTINUE = 0;
export const VERDICT_ACCEPT = 1;
/** Dropped here (NF_DROP). */
export const VERDICT_DROP = 2;
/** The packet is somebody else's now: not dropped, not accepted (NF_STOLEN). */
export const VERDICT_STOLEN = 3;
/** Handed to user space (NF_QUEUE); what becomes of it depends on the reader, see the QUEUE targets. */
export const VERDICT_QUEUE = 4;
/** Back to the calling chain (XT_RETURN). */
export const VERDICT_RETURN = 5;
/** Dropped, and an answer was sent (REJECT). Counts as a drop in the way of the packet. */
export const VERDICT_REJECT = 6;

export type Verdict = 0 | 1 | 2 | 3 | 4 | 5 | 6;
