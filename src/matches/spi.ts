import { uint32Range } from '../extension/values.ts';

/** A range of security parameter indexes, as `--espspi` and `--ahspi` take it. */
export interface SpiRange {
  readonly low: number;
  readonly high: number;
  readonly inverted: boolean;
}

const ALL = 0xffffffff;

export const spiRange = () => uint32Range({ invertible: true });

export function toSpiRange(
  given: { readonly value: readonly number[]; readonly inverted: boolean } | undefined,
): SpiRange {
  if (given === undefined) return { low: 0, high: ALL, inverted: false };
  return { low: given.value[0]!, high: given.value[1] ?? given.value[0]!, inverted: given.inverted };
}

/** spi_match(): `spi` unsigned. */
export function spiMatches(range: SpiRange, spi: number): boolean {
  return (spi >= range.low && spi <= range.high) !== range.inverted;
}

/** ` --espspi 1:5`; '' for all, inverted or not. */
export function saveSpi(option: string, range: SpiRange): string {
  if (range.low === 0 && range.high === ALL) return '';
  return `${range.inverted ? ' !' : ''} ${option} ${range.low === range.high ? range.low : `${range.low}:${range.high}`}`;
}

/** `spi:5`, `spis:!1:5`; '' for all. */
export function listSpi(range: SpiRange): string {
  if (range.low === 0 && range.high === ALL && !range.inverted) return '';
  const not = range.inverted ? '!' : '';
  return range.low === range.high ? `spi:${not}${range.low}` : `spis:${not}${range.low}:${range.high}`;
}
