import type { ApiCall, ApiKeyEntry, ShownSetting } from "../../api/route.ts";
import { Cell, Empty, Name, page, Pager, pathWith, Table, Tag, When } from "../shell/index.ts";

const PLACE = "/dashboard/settings";

interface Shown {
  readonly settings: readonly ShownSetting[];
  /** Null: they are for admins. */
  readonly keys: readonly ApiKeyEntry[] | null;
  /** The id behind which the keys begin. */
  readonly after: string;
  readonly next: string | null;
  readonly now: number;
}

/** How the deployment is set up; nothing secret. */
export function settingsPage(call: ApiCall, shown: Shown): Response {
  const { settings, keys, after, next, now } = shown;
  return page(call, {
    title: "Settings",
    place: PLACE,
    children: (
      <div class="stack">
        <section class="card">
          <h2>Settings</h2>
          <p class="quiet small">
            They are the Worker's variables and secrets: a change is a deploy, or{" "}
            <code>wrangler secret put</code>.
          </p>
          <Settings settings={settings} />
        </section>
        {keys === null ? null : (
          <section class="card">
            <h2>API keys</h2>
            <p class="quiet small">
              Made and revoked by <code>npm run keys</code>. Their secrets are stored nowhere, nor
              is when they were last used.
            </p>
            {keys.length === 0 ? <Empty>There is none.</Empty> : <Keys keys={keys} now={now} />}
            <Pager
              newest={after === "" ? null : PLACE}
              next={next === null ? null : pathWith(PLACE, { cursor: next })}
              words={["First", "More"]}
            />
          </section>
        )}
      </div>
    ),
  });
}

function Settings({ settings }: Pick<Shown, "settings">) {
  return (
    <Table caption="Settings" head={["Setting", "Value", "What it does", "By default"]}>
      {settings.map(({ name, value, does, fallback, isSecret }) => (
        <tr>
          <Cell name="Setting" kind="mono">
            <Name>{name}</Name>
          </Cell>
          <Cell name="Value">
            {isSecret ? (
              <Tag state={value} kind={value === "set" ? "good" : ""} />
            ) : value === "" ? (
              <span class="quiet">not set</span>
            ) : value === fallback ? (
              value
            ) : (
              <strong>{value}</strong>
            )}
          </Cell>
          <Cell name="What it does">{does}</Cell>
          <Cell name="By default">
            <span class="quiet">{isSecret ? "–" : (fallback ?? "has to be set") || "not set"}</span>
          </Cell>
        </tr>
      ))}
    </Table>
  );
}

function Keys({ keys, now }: { keys: readonly ApiKeyEntry[]; now: number }) {
  return (
    <Table caption="API keys" head={["Id", "Name", "Owner", "Scopes", "Made", "Ends", "State"]}>
      {keys.map((key) => (
        <tr>
          <Cell name="Id" kind="mono">
            {key.id}
          </Cell>
          <Cell name="Name">{key.name}</Cell>
          <Cell name="Owner">{key.owner}</Cell>
          <Cell name="Scopes">{key.scopes.join(", ")}</Cell>
          <Cell name="Made">
            <When at={key.createdAt} />
          </Cell>
          <Cell name="Ends">{key.expiresAt === null ? "never" : <When at={key.expiresAt} />}</Cell>
          <Cell name="State">
            <KeyState entry={key} now={now} />
          </Cell>
        </tr>
      ))}
    </Table>
  );
}

function KeyState({ entry, now }: { entry: ApiKeyEntry; now: number }) {
  if (entry.revokedAt !== null) return <Tag state="revoked" kind="bad" />;
  const isOver = entry.expiresAt !== null && entry.expiresAt <= now;
  return isOver ? <Tag state="expired" kind="warn" /> : <Tag state="valid" kind="good" />;
}
