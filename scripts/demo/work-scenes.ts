import { setTimeout as pause } from "node:timers/promises";
import { rowOf, same, type Scene } from "./scene.ts";

/** Requests are logged some seconds after they were made. */
const LOGGED_AFTER_MS = 6_000;

const TEXTS = ["hello", "lovage", "background work", "привет"];

export const bulk: Scene = {
  title: "A notification to many, of whom two can't be reached",
  async play({ client, run }) {
    const reached = Array.from({ length: 15 }, (_, n) => `reader${n}-${run}@example.com`);
    const refused = [`gone-${run}@nowhere.invalid`, `left-${run}@nowhere.invalid`];
    const kwargs = {
      subject: "News",
      message: "The harvest is in.",
      emails: [...reached, ...refused],
    };
    const name = "send_bulk_notifications";
    const { task_id: id } = await client.post<{ task_id: string }>("/api/tasks/", { name, kwargs });
    return {
      rows: [rowOf("to 17 people", [[name, id]])],
      checks: async () => [
        same("its result", (await client.task(id, 0)).result, {
          ...{ sent_count: 15, failed_count: 2, failed_emails: refused },
        }),
      ],
    };
  },
};

export const workflows: Scene = {
  title: "The three workflows: a chain, a group, a chord",
  async play({ client }) {
    const text = (data: string) => ({ name: "process_data", kwargs: { data } });
    const tellAdmins = {
      name: "send_admin_notification",
      kwargs: { subject: "Demo", message: "All of it is done." },
      immutable: true,
    };
    const report = { name: "generate_daily_report" };
    const wanted = [
      ["chain", "report, then the admins", { chain: [report, tellAdmins] }],
      ["group", "several texts at once", { group: TEXTS.map(text) }],
      ["chord", "texts, then the admins", { chord: { header: TEXTS.map(text), body: tellAdmins } }],
    ] as const;
    const rows = await Promise.all(
      wanted.map(async ([kind, label, signature]) => {
        const { canvas_id: id } = await client.post<{ canvas_id: string }>(
          "/api/canvas/",
          signature,
        );
        return rowOf(label, [[kind, id]]);
      }),
    );
    const group = rows[1]?.tasks[0]?.id ?? "";
    return {
      rows,
      checks: async () => [
        same(
          "the group's result",
          (await client.task(group, 0)).result,
          TEXTS.map((data) => ({ processed_data: data.toUpperCase() })),
        ),
      ],
    };
  },
};

export const file: Scene = {
  title: "A file of products with a mistake in its third line",
  async play({ client, run }) {
    const csv = `sku,name,price,currency\nA-${run},"Lamp, oak",40.50,USD\nB-${run},Chair,free,USD\n`;
    const uploaded = await client.upload<{ file_id: string; task_id: string }>(
      "/api/files/?name=products.csv&kind=products",
      csv,
      "text/csv",
    );
    return {
      rows: [rowOf("products.csv", [["process_file_upload", uploaded.task_id]])],
      checks: async () => {
        const { result } = await client.task(uploaded.task_id, 0);
        const { imported, errors } = result as {
          imported: number;
          errors: { line: number; field: string }[];
        };
        return [
          same("products imported", imported, 1),
          same(
            "the mistake",
            errors.map(({ line, field }) => [line, field]),
            [[3, "price"]],
          ),
        ];
      },
    };
  },
};

export const report: Scene = {
  title: "Today's report so far",
  async play({ client }) {
    await pause(LOGGED_AFTER_MS);
    const date = new Date().toISOString().slice(0, 10);
    const { task_id: id } = await client.post<{ task_id: string }>("/api/reports/", {
      kind: "daily",
      date,
    });
    return {
      rows: [rowOf(date, [["generate_daily_report", id]])],
      checks: async () => {
        const { report: made } = await client.get<{ report: Record<string, unknown> }>(
          `/api/reports/daily/${date}/`,
        );
        const { date: day, total_requests: requests } = made;
        return [
          same("its day", day, date),
          { what: "all of it", seen: JSON.stringify(made), isRight: Number(requests) > 0 },
        ];
      },
    };
  },
};

export const backup: Scene = {
  title: "A backup of every table",
  async play({ client }) {
    const { task_id: id } = await client.post<{ task_id: string }>("/api/backups/", {});
    return {
      rows: [rowOf("to R2", [["backup_database", id]])],
      checks: async () => {
        const { backups } = await client.get<{
          backups: { backup_id: string; finished: boolean; rows?: number; bytes?: number }[];
        }>("/api/backups/?limit=1");
        const [newest] = backups;
        return [
          {
            what: "the newest backup",
            seen: JSON.stringify(newest),
            isRight: newest?.finished === true,
          },
        ];
      },
    };
  },
};
