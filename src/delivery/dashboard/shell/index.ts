export * from "./fields.tsx";
export * from "./forms.ts";
export { seeOther } from "./notices.ts";
export { page, THEME_COOKIE, THEMES } from "./page.tsx";
export * from "./parts.tsx";
export { problemPage } from "./problem-page.tsx";
