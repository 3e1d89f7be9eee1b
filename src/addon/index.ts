export { AddonError, type AddonErrorCode } from './errors.ts';
export { loadAddon } from './load-addon.ts';
