import type { Helper } from '../helper.ts';
import { amanda } from './amanda.ts';
import { ftp } from './ftp.ts';
import { h245 } from './h245.ts';
import { irc } from './irc.ts';
import { netbiosNs } from './netbios-ns.ts';
import { pptp } from './pptp.ts';
import { q931 } from './q931.ts';
import { ras } from './ras.ts';
import { sane } from './sane.ts';
import { sip } from './sip.ts';
import { snmp, snmpTrap } from './snmp.ts';
import { tftp } from './tftp.ts';

/** The helpers of the kernel, by name. */
export const HELPERS: ReadonlyMap<string, Helper> = new Map(
  [amanda, ftp, h245, irc, netbiosNs, pptp, q931, ras, sane, sip, snmp, snmpTrap, tftp].map((helper) => [
    helper.name,
    helper as Helper,
  ]),
);
