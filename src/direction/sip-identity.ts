/**
 * What names a SIP message (RFC 3261) and is left alone by address translation: its first word and, of an answer, the
 * status; Call-ID, CSeq and Max-Forwards; and how many proxies it has passed (its Via lines). A proxy on this host
 * would change the last two, so that what it sends on is not taken for the echo of what it received.
 */

const SPACE = 32;
const CR = 13;
const LF = 10;

/** Lower-case header names, long and short, whose values count. */
const NAMES = ['call-id', 'i', 'cseq', 'max-forwards'];
const VIA = ['via', 'v'];

/** A hash of it, or 0 when the payload [at, end) of `bytes` is no SIP message. */
export function sipIdentity(bytes: Uint8Array, at: number, end: number): number {
  const lineEnd = endOfLine(bytes, at, end);
  if (lineEnd - at < 12 || !isRequestOrAnswer(bytes, at, lineEnd)) return 0;
  let hash = startLine(bytes, at, lineEnd);
  let vias = 0;
  let known = 0;
  for (let line = lineEnd; line < end; ) {
    line = nextLine(bytes, line, end);
    const stop = endOfLine(bytes, line, end);
    if (stop === line) break;
    let colon = line;
    while (colon < stop && bytes[colon] !== 58 && colon - line < 16) colon++;
    if (bytes[colon] === 58) {
      const name = lowerName(bytes, line, colon);
      if (VIA.includes(name)) vias++;
      else if (NAMES.includes(name)) {
        known++;
        // Header fields come in any order, but in the same one in a packet and its echo.
        hash = hashBytes(bytes, colon + 1, stop, hash);
      }
    }
    line = stop;
  }
  if (known === 0) return 0;
  return (hash ^ Math.imul(vias, 0x9e3779b1)) | 1;
}

/** A request ends its first line with the version, an answer begins with it. */
function isRequestOrAnswer(bytes: Uint8Array, at: number, end: number): boolean {
  return isVersion(bytes, at) || isVersion(bytes, end - 7);
}

/** The text `SIP/2.0`, in any case. */
function isVersion(bytes: Uint8Array, at: number): boolean {
  for (let i = 0; i < 7; i++) if ((bytes[at + i]! & ~32) !== (VERSION.charCodeAt(i) & ~32)) return false;
  return true;
}

const VERSION = 'SIP/2.0';

/** The method of a request; the status of an answer. */
function startLine(bytes: Uint8Array, at: number, end: number): number {
  const from = isVersion(bytes, at) ? at + 8 : at;
  let stop = from;
  while (stop < end && bytes[stop] !== SPACE) stop++;
  return hashBytes(bytes, from, stop, 0x53495000);
}

function endOfLine(bytes: Uint8Array, at: number, end: number): number {
  let i = at;
  while (i < end && bytes[i] !== CR && bytes[i] !== LF) i++;
  return i;
}

function nextLine(bytes: Uint8Array, at: number, end: number): number {
  let i = at;
  if (i < end && bytes[i] === CR) i++;
  if (i < end && bytes[i] === LF) i++;
  return i;
}

function lowerName(bytes: Uint8Array, at: number, end: number): string {
  let name = '';
  for (let i = at; i < end; i++) if (bytes[i] !== SPACE) name += String.fromCharCode(bytes[i]! | 32);
  return name;
}

function hashBytes(bytes: Uint8Array, at: number, end: number, start: number): number {
  let hash = start;
  for (let i = at; i < end; i++) hash = Math.imul(hash ^ bytes[i]!, 0x01000193);
  return hash;
}
