import { may, type Caller } from "../../api/callers/access.ts";

const TABS = [
  { path: "/dashboard/mail", title: "Messages", scope: "monitor" },
  { path: "/dashboard/mail/sent", title: "Mails", scope: "monitor" },
  { path: "/dashboard/mail/suppressions", title: "Suppressed addresses", scope: "admin" },
] as const;

/** The pages about mail. */
export function MailTabs({ caller, at }: { caller: Caller; at: (typeof TABS)[number]["path"] }) {
  return (
    <nav class="tabs" aria-label="Mail">
      {TABS.map(({ path, title, scope }) =>
        may(caller, scope) ? (
          <a href={path} aria-current={path === at ? "page" : undefined}>
            {title}
          </a>
        ) : null,
      )}
    </nav>
  );
}
