import { pauseOf, type Controls, type Lovage, type Signature } from "#engine";

/**
 * Tells the admins of queues that the deployment paused itself: one message a pause, because the task's id belongs to
 * it. A duty of the watchdog, so a message is sent also when who paused the queue died over it.
 */
export class PauseAlerts {
  readonly #lovage: Lovage;
  readonly #message: (subject: string, message: string) => Signature;

  /** @param parts `message`: the call that sends a message */
  constructor(parts: { lovage: Lovage; message: (subject: string, message: string) => Signature }) {
    this.#lovage = parts.lovage;
    this.#message = parts.message;
  }

  async run(controls: Controls): Promise<void> {
    for (const queue of controls.pausedQueues) {
      const pause = pauseOf(controls, queue);
      if (pause === null) continue;
      const { reason, at } = pause;
      const call = this.#message(
        `The queue '${queue}' is paused`,
        `${reason}\n\nIts tasks wait. When the cause is mended: POST /api/control/add_consumer/ {"queue": "${queue}"}`,
      );
      await this.#lovage.send(call, { route: "pause-alert", key: `${queue}:${at}` });
    }
  }
}
