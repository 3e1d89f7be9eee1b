export {
  COMMANDS,
  type Command,
  type CommandName,
  type CommandParameters,
  type Permission,
} from './command-catalogue.ts';
export { RemoteError, type RemoteErrorCode } from './errors.ts';
export type { ResponseError, ResponsePart } from './response.ts';
