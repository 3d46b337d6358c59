import type { Helper } from '../helper.ts';
import { amanda } from './amanda.ts';
import { ftp } from './ftp.ts';
import { irc } from './irc.ts';
import { pptp } from './pptp.ts';
import { sane } from './sane.ts';
import { sip } from './sip.ts';
import { tftp } from './tftp.ts';

/** The helpers of the kernel, by name. */
export const HELPERS: ReadonlyMap<string, Helper> = new Map(
  [amanda, ftp, irc, pptp, sane, sip, tftp].map((helper) => [helper.name, helper as Helper]),
);
