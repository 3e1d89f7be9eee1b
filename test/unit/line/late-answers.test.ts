import { describe, expect, it } from 'vitest';
import { LateAnswers } from '../../../hal/line/late-answers.ts';

describe('late answers', () => {
  it('hold back only another request whose answer looks the same', () => {
    const late = new LateAnswers();
    late.unanswered('4/2', 'A', 0, 1_000);
    expect(late.readyAt('4/2', 'B')).toBe(1_000);
    expect(late.readyAt('4/2', 'A')).toBe(0);
    expect(late.readyAt('4/4', 'C')).toBe(0);
    expect(late.readyAt(undefined, 'B')).toBe(0);
  });

  it('are proven not to come by an answer of another kind, but for a second copy', () => {
    const late = new LateAnswers();
    late.unanswered('4/2', 'A', 0, 1_000);
    late.answered('4/4', 'C', { sentAt: 200, answeredAt: 210, until: 1_200 });
    expect(late.readyAt('4/2', 'B')).toBeLessThanOrEqual(210 + 150);
  });

  it('are still owed after the repeated request was answered: one of the two answers is missing', () => {
    const late = new LateAnswers();
    late.unanswered('4/2', 'A', 0, 1_000);
    late.answered('4/2', 'A', { sentAt: 200, answeredAt: 210, until: 1_200 });
    expect(late.readyAt('4/2', 'B')).toBe(1_200);
  });

  it('are not proven dead by an answer that may itself be late', () => {
    const late = new LateAnswers();
    late.unanswered('4/2', 'A', 0, 1_000);
    late.unanswered('4/4', 'C', 100, 1_100);
    // This answer may be the one to the request of time 0, which says nothing about the request of time 100.
    late.answered('4/2', 'A', { sentAt: 200, answeredAt: 210, until: 1_200 });
    expect(late.readyAt('4/4', 'D')).toBe(1_100);
  });

  it('are counted: one answer pays for one request, and the others of its kind are still owed', () => {
    const late = new LateAnswers();
    late.unanswered('4/2', 'A', 0, 1_000);
    late.unanswered('4/2', 'A', 100, 1_100);
    late.answered('4/2', 'A', { sentAt: 200, answeredAt: 210, until: 1_200 });
    late.unanswered('4/4', 'C', 300, 1_300);
    // This may be the answer to the request of time 100, which is older than C.
    late.answered('4/2', 'A', { sentAt: 400, answeredAt: 410, until: 1_400 });
    expect(late.readyAt('4/4', 'D')).toBe(1_300);
  });

  it('are forgotten when their window is over', () => {
    const late = new LateAnswers();
    late.unanswered('4/2', 'A', 0, 1_000);
    late.answered('4/2', 'B', { sentAt: 1_500, answeredAt: 1_510, until: 2_500 });
    expect(late.readyAt('4/2', 'C')).toBe(0);
  });
});
