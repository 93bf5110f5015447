import { may, type Caller, type Scope } from "../../api/callers/access.ts";

/** A page that stands in the navigation. */
export interface Place {
  readonly path: string;
  readonly title: string;
  /** Who sees it there. */
  readonly scope: Scope;
}

/** The pages of the dashboard, in their groups. */
const GROUPS: readonly { readonly title: string; readonly places: readonly Place[] }[] = [
  {
    title: "Tasks",
    places: [
      { path: "/dashboard", title: "Overview", scope: "monitor" },
      { path: "/dashboard/tasks", title: "Tasks", scope: "monitor" },
      { path: "/dashboard/dead-letters", title: "Dead letters", scope: "monitor" },
      { path: "/dashboard/schedules", title: "Schedules", scope: "monitor" },
      { path: "/dashboard/queues", title: "Queues and limits", scope: "monitor" },
      { path: "/dashboard/definitions", title: "Registered tasks", scope: "monitor" },
    ],
  },
  {
    title: "Shop",
    places: [
      { path: "/dashboard/orders", title: "Orders", scope: "monitor" },
      { path: "/dashboard/mail", title: "Mail", scope: "monitor" },
      { path: "/dashboard/reports", title: "Reports", scope: "monitor" },
    ],
  },
  {
    title: "Deployment",
    places: [
      { path: "/dashboard/system", title: "System", scope: "monitor" },
      { path: "/dashboard/settings", title: "Settings", scope: "monitor" },
      { path: "/dashboard/accounts", title: "Accounts", scope: "admin" },
      { path: "/dashboard/audit", title: "Audit log", scope: "admin" },
    ],
  },
];

/** What this caller finds in the navigation. */
export function groupsFor(caller: Caller) {
  return GROUPS.map(({ title, places }) => ({
    title,
    places: places.filter(({ scope }) => may(caller, scope)),
  })).filter(({ places }) => places.length > 0);
}
