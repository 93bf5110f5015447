import type { LimitAnswer } from "./protocol.ts";

/**
 * A limiter's answer by the clock of the shard that asked. As long as the limiter's time lies between asking and
 * hearing, the clocks may agree, and nothing is changed; otherwise its times are moved by as much as the clocks
 * differ for certain: a start that is granted for a time that is past here would be asked for again for ever.
 * @param askedAt by the shard's clock, as `heardAt`; epoch ms
 */
export function byOwnClock(answer: LimitAnswer, askedAt: number, heardAt: number): LimitAnswer {
  const shift = Math.max(0, askedAt - answer.now) + Math.min(0, heardAt - answer.now);
  if (shift === 0 || Number.isNaN(shift)) return answer;
  return {
    ...answer,
    now: answer.now + shift,
    grants: answer.grants.map((grant) => ({
      ...grant,
      slots: grant.slots?.map((at) => at + shift) ?? null,
    })),
    waits: answer.waits.map((wait) => ({
      ...wait,
      retryAt: wait.retryAt === null ? null : wait.retryAt + shift,
    })),
  };
}
