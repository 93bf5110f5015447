import type { Session, User } from "#domain/accounts";
import type { ApiCall } from "../../api/route.ts";
import { Cell, page, Table, When } from "../shell/index.ts";

const MAY: Readonly<Record<User["role"], string>> = {
  user: "buy in the shop",
  viewer: "see everything here, and change nothing",
  operator: "see everything, call tasks, and steer queues, schedules and dead letters",
  admin: "do everything, give roles and read the audit log",
};

export function accountPage(
  call: ApiCall,
  {
    user,
    sessions,
    current,
  }: {
    readonly user: User;
    readonly sessions: readonly Session[];
    readonly current: string | null;
  },
): Response {
  return page(call, {
    title: "Your account",
    place: "",
    children: (
      <div class="stack">
        <section class="card">
          <dl class="facts">
            <dt>User name</dt>
            <dd>{user.username}</dd>
            <dt>Address</dt>
            <dd>{user.email}</dd>
            <dt>Role</dt>
            <dd>
              <strong>{user.role}</strong>: may {MAY[user.role]}
            </dd>
          </dl>
        </section>
        <section class="card">
          <h2>Where you are signed in</h2>
          <Sessions sessions={sessions} current={current} />
          {sessions.length < 2 ? null : (
            <form class="pager" method="post" action="/dashboard/account/end-others">
              <button class="danger">End all others</button>
            </form>
          )}
        </section>
      </div>
    ),
  });
}

function Sessions({ sessions, current }: { sessions: readonly Session[]; current: string | null }) {
  return (
    <Table caption="Sessions" head={["Program", "For", "Began", "Last used", "Over at", ""]}>
      {sessions.map((session) => (
        <tr>
          <Cell name="Program">{session.userAgent || "It did not say"}</Cell>
          <Cell name="For">{session.seenAt === null ? "API" : "dashboard"}</Cell>
          <Cell name="Began">
            <When at={session.createdAt} />
          </Cell>
          <Cell name="Last used">
            <When at={session.seenAt} />
          </Cell>
          <Cell name="Over at">
            <When at={session.expiresAt} />
          </Cell>
          <Cell name="">
            {session.id === current ? (
              <span class="tag good">this one</span>
            ) : (
              <form class="inline" method="post" action="/dashboard/account/end-session">
                <input type="hidden" name="session" value={session.id} />
                <button>End it</button>
              </form>
            )}
          </Cell>
        </tr>
      ))}
    </Table>
  );
}
