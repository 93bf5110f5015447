import type { User } from "#domain/accounts";
import type { AuditEntry } from "#domain/audit";
import type { ApiCall } from "../../api/route.ts";
import { Cell, Empty, page, Pager, pathWith, Table, Tag, When } from "../shell/index.ts";

const PATH = "/dashboard/audit";

interface Shown {
  /** What the reader asked for, as parameters. */
  readonly asked: URLSearchParams;
  readonly entries: readonly AuditEntry[];
  /** Whose accounts are in it, by id. */
  readonly users: ReadonlyMap<number, User>;
  readonly next: string | null;
}

export function auditPage(call: ApiCall, { asked, entries, users, next }: Shown): Response {
  const filter = Object.fromEntries([...asked].filter(([name]) => name !== "cursor"));
  return page(call, {
    title: "Audit log",
    place: PATH,
    children: (
      <div class="stack">
        <Filter asked={asked} />
        <section class="card">
          {entries.length === 0 ? (
            <Empty>Nobody did anything like that.</Empty>
          ) : (
            <Table
              caption="What operators did, the newest first"
              head={["When", "Who", "What", "To what", "Asked for", "Answer"]}
            >
              {entries.map((entry) => (
                <Entry entry={entry} user={users.get(entry.userId ?? 0)} />
              ))}
            </Table>
          )}
          <Pager
            newest={asked.has("cursor") ? pathWith(PATH, filter) : null}
            next={next === null ? null : pathWith(PATH, { ...filter, cursor: next })}
          />
        </section>
      </div>
    ),
  });
}

function Filter({ asked }: { asked: URLSearchParams }) {
  const time = (name: string) => asked.get(name)?.slice(0, 16);
  return (
    <form class="card fields" role="search">
      <label>
        Who (user:id, or a key's owner)
        <input name="actor" value={asked.get("actor") ?? ""} maxlength={200} />
      </label>
      <label>
        What
        <input type="search" name="action" value={asked.get("action") ?? ""} maxlength={200} />
      </label>
      <label>
        From (UTC)
        <input type="datetime-local" name="since" value={time("since")} />
      </label>
      <label>
        Before (UTC)
        <input type="datetime-local" name="until" value={time("until")} />
      </label>
      <button>Show</button>
    </form>
  );
}

function Entry({ entry, user }: { entry: AuditEntry; user: User | undefined }) {
  const { at, actor, how, action, target, detail, status, address, requestId } = entry;
  const from = [address, requestId].filter((one) => one !== null).join(" · ");
  return (
    <tr>
      <Cell name="When">
        <When at={at} />
      </Cell>
      <Cell name="Who">
        <a href={pathWith(PATH, { actor })}>{user?.username ?? actor}</a>{" "}
        <span class="quiet small" title={from === "" ? undefined : `From ${from}`}>
          {HOW[how]}
        </span>
      </Cell>
      <Cell name="What" kind="mono">
        {action}
      </Cell>
      <Cell name="To what" kind="mono">
        {Object.values(target).join(" ")}
      </Cell>
      <Cell name="Asked for" kind="mono">
        {detail === null ? "" : JSON.stringify(detail)}
      </Cell>
      <Cell name="Answer">
        <Answer status={status} />
      </Cell>
    </tr>
  );
}

const HOW: Readonly<Record<AuditEntry["how"], string>> = {
  session: "signed in",
  key: "by a key",
  open: "access was open",
};

/** Null: it was begun, and nobody knows how far it got. */
function Answer({ status }: { status: number | null }) {
  if (status === null) return <Tag state="unknown" kind="warn" />;
  return <Tag state={String(status)} kind={status < 400 ? "good" : "bad"} />;
}
