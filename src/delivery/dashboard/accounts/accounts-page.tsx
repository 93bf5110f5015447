import { ROLES, type Role, type User } from "#domain/accounts";
import type { ApiCall } from "../../api/route.ts";
import { Cell, Empty, page, Pager, pathWith, Table, When } from "../shell/index.ts";

const PATH = "/dashboard/accounts";

export function accountsPage(
  call: ApiCall,
  {
    users,
    username,
    role,
    next,
    isFirst,
  }: {
    readonly users: readonly User[];
    readonly username: string | undefined;
    readonly role: Role | undefined;
    /** Where the next page begins; null: this is the last. */
    readonly next: string | null;
    readonly isFirst: boolean;
  },
): Response {
  const { pathname, search } = new URL(call.request.url);
  return page(call, {
    title: "Accounts",
    place: PATH,
    children: (
      <div class="stack">
        <form class="card fields" role="search">
          <label>
            User name
            <input type="search" name="username" value={username} maxlength={150} />
          </label>
          <label>
            Role
            <select name="role">
              <option value="">any</option>
              {ROLES.map((one) => (
                <option selected={one === role}>{one}</option>
              ))}
            </select>
          </label>
          <button>Show</button>
        </form>
        <section class="card">
          {users.length === 0 ? (
            <Empty>Nobody is like that.</Empty>
          ) : (
            <Table caption="Accounts" head={["User name", "Address", "Since", "Role", "Did"]}>
              {users.map((user) => (
                <Account user={user} back={pathname + search} />
              ))}
            </Table>
          )}
          <Pager
            newest={isFirst ? null : pathWith(PATH, { username, role })}
            next={next === null ? null : pathWith(PATH, { username, role, cursor: next })}
            words={["First", "More"]}
          />
        </section>
      </div>
    ),
  });
}

function Account({ user, back }: { user: User; back: string }) {
  return (
    <tr>
      <Cell name="User name">{user.username}</Cell>
      <Cell name="Address">
        {user.email}
        {user.ownsEmail ? null : <span class="tag warn">another account's</span>}
      </Cell>
      <Cell name="Since">
        <When at={user.createdAt} />
      </Cell>
      <Cell name="Role">
        <form class="fields" method="post" action={`${PATH}/${user.id}/role`}>
          <input type="hidden" name="next" value={back} />
          <select name="role" aria-label={`Role of ${user.username}`}>
            {ROLES.map((one) => (
              <option selected={one === user.role}>{one}</option>
            ))}
          </select>
          <button aria-label={`Give ${user.username} this role`}>Give</button>
        </form>
      </Cell>
      <Cell name="Did">
        <a href={pathWith("/dashboard/audit", { actor: `user:${user.id}` })}>audit log</a>
      </Cell>
    </tr>
  );
}
