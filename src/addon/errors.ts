import { StationError, type StationErrorOptions } from '../../hal/contract/index.ts';

/** Each is listed in docs/errors.md. */
export type AddonErrorCode = 'addon.missing' | 'addon.wrong_arch' | 'addon.wrong_node' | 'addon.unloadable';

/** A native addon of the bundle cannot be used; nothing that needs it can work until the bundle is another one. */
export class AddonError extends StationError {
  declare readonly code: AddonErrorCode;
  constructor(code: AddonErrorCode, message: string, options: Partial<StationErrorOptions> = {}) {
    super(code, message, { remedy: 'operator', ...options });
  }
}
