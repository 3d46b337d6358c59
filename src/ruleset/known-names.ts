/**
 * Targets of iptables 1.8.9, whether this program has them or not: a chain cannot bear such a name, and a rule
 * that uses one that is missing here is told so instead of being blamed for its options.
 */
const KNOWN_TARGETS: ReadonlySet<string> = new Set(
  (
    'ACCEPT DROP QUEUE RETURN AUDIT CHECKSUM CLASSIFY CLUSTERIP CONNMARK CONNSECMARK CT DNAT DNPT DSCP ECN HL HMARK ' +
    'IDLETIMER LED LOG MARK MASQUERADE NETMAP NFLOG NFQUEUE NOTRACK RATEEST REDIRECT REJECT SECMARK SET SNAT SNPT ' +
    'SYNPROXY TCPMSS TCPOPTSTRIP TEE TOS TPROXY TRACE TTL ULOG'
  ).split(' '),
);

export function isKnownTarget(name: string): boolean {
  return KNOWN_TARGETS.has(name);
}
