export { number, sort } from './columns';
export { conditionsOf } from './conditions';
export { decode, decodeShare } from './decode';
export { walkPcap } from './pcap';
export { locate } from './quick-way';
export { sum } from './sum';
export { take } from './take';
