export { number, sort } from './columns';
export { decode, decodeShare } from './decode';
export { locate, take } from './quick-way';
