import { parseSessionRequest } from './request.ts';
import type { SessionRecorder } from './session-recorder.ts';
import { viewOf, type SessionView } from './session-view.ts';

/**
 * One request of the charging software, answered: `{session}` for begin, end and the status of one, `{sessions}` for the open ones.
 * @throws SessionError, JournalError as SessionRecorder
 */
export async function answerSessionRequest(
  recorder: Pick<SessionRecorder, 'begin' | 'end' | 'open' | 'session'>,
  value: unknown,
): Promise<{ readonly session: SessionView } | { readonly sessions: readonly SessionView[] }> {
  const request = parseSessionRequest(value);
  switch (request.session) {
    case 'begin':
      return { session: viewOf(await recorder.begin(request)) };
    case 'end':
      return { session: viewOf(await recorder.end(request)) };
    case 'status':
      return request.sessionId === undefined
        ? { sessions: recorder.open().map(viewOf) }
        : { session: viewOf(recorder.session(request.sessionId)) };
  }
}
