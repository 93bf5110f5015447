/** The dashboard's one style: light and dark, wide and narrow. No character in it that HTML would escape. */
export const STYLE = `
:root { color-scheme: light dark; --page: light-dark(#f3f5f4, #101418); --card: light-dark(#fff, #181e24);
  --ink: light-dark(#1a221e, #e4e9ee); --quiet: light-dark(#5f6c65, #94a0ac); --line: light-dark(#dfe5e2, #2a323a);
  --accent: light-dark(#1c6b42, #5cc28d); --tint: light-dark(#e6f2eb, #1c3428); --bad: light-dark(#a8261c, #ff8d80); }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
header { display: flex; align-items: baseline; gap: 12px; padding: 14px 24px; background: var(--card); border-bottom: 1px solid var(--line); }
header strong { color: var(--accent); }
h1 { margin: 0; font-size: 15px; font-weight: 500; color: var(--quiet); }
h2 { margin: 0; font-size: 14px; overflow-wrap: anywhere; }
a { color: var(--accent); }
main { max-width: 1400px; margin: 0 auto; padding: 24px; }
.columns { display: grid; grid-template-columns: minmax(220px, 300px) minmax(0, 1fr); gap: 24px; align-items: start; }
nav, article, .emails { background: var(--card); border: 1px solid var(--line); border-radius: 10px; }
nav { max-height: 720px; overflow-y: auto; }
nav section { padding: 12px 8px; border-bottom: 1px solid var(--line); }
nav section:last-child { border: 0; }
nav h2 { padding: 0 8px 4px; font-size: 13px; font-weight: 600; }
nav a { display: flex; gap: 8px; align-items: baseline; padding: 5px 8px; border-radius: 6px; color: var(--ink); text-decoration: none; font-size: 14px; }
nav a:hover, nav a[aria-current] { background: var(--tint); }
.tag { flex: none; padding: 0 6px; border-radius: 4px; background: var(--tint); color: var(--accent); font-size: 11px; line-height: 18px; font-weight: 600; }
h2 .tag { margin-left: 6px; }
.tag.failed { background: transparent; color: var(--bad); box-shadow: inset 0 0 0 1px var(--bad); }
.tag.pending, .tag.sending { background: transparent; color: var(--quiet); box-shadow: inset 0 0 0 1px var(--line); }
article { padding: 20px; }
.title { display: flex; flex-wrap: wrap; gap: 8px 20px; justify-content: space-between; align-items: baseline; margin-bottom: 16px; }
.title h2 { font-size: 18px; }
.tabs { margin: 0; display: flex; gap: 4px; }
.tabs a { padding: 3px 10px; border-radius: 6px; text-decoration: none; color: var(--quiet); }
.tabs a[aria-current] { background: var(--tint); color: var(--accent); font-weight: 600; }
.twins { display: grid; grid-template-columns: minmax(0, 3fr) minmax(0, 2fr); gap: 20px; }
figure { margin: 0; display: flex; flex-direction: column; }
figcaption { margin-bottom: 6px; color: var(--quiet); font-size: 13px; }
iframe, pre { flex: 1; width: 100%; min-height: 560px; margin: 0; border: 1px solid var(--line); border-radius: 8px; background: var(--page); }
pre { padding: 16px; white-space: pre-wrap; overflow-wrap: anywhere; font: 13px/1.6 ui-monospace, monospace; }
.emails { margin-top: 24px; padding: 20px; }
.emails ul { margin: 12px 0 0; padding: 0; list-style: none; }
.emails li { display: flex; flex-wrap: wrap; gap: 2px 14px; align-items: baseline; padding: 9px 0; border-top: 1px solid var(--line); overflow-wrap: anywhere; }
.emails li a { font-weight: 600; text-decoration: none; }
.emails time { margin-left: auto; white-space: nowrap; }
.quiet { color: var(--quiet); font-size: 13px; }
.reason { flex-basis: 100%; color: var(--bad); font-size: 13px; }
@media (max-width: 900px) {
  main { padding: 12px; }
  header { padding: 12px; }
  .columns, .twins { grid-template-columns: minmax(0, 1fr); gap: 16px; }
  nav { max-height: 300px; }
  article, .emails { padding: 14px; }
  iframe { min-height: 480px; }
  pre { min-height: 0; }
  .emails time { margin-left: 0; }
}
`;
