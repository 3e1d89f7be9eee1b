export { SessionError, type SessionErrorCode } from './errors.ts';
export {
  parseSessionRequest,
  type BeginRequest,
  type EndReason,
  type EndRequest,
  type IdToken,
  type SessionRequest,
} from './request.ts';
export type { Session, SessionEntry } from './session-book.ts';
export type { SessionJournal } from './session-log.ts';
export { SessionRecorder, type SessionMeters, type SessionOptions } from './session-recorder.ts';
export { answerSessionRequest } from './answer-request.ts';
export { viewOf, type MomentView, type SessionView } from './session-view.ts';
